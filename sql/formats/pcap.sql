-- pcap: the packets that tcpdump and Wireshark captured, and who talks to whom in them.
--
--     .read sql/formats/pcap.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('**/*.pcap');
--     SELECT time, captured, length FROM pcap_packet LIMIT 9;
--     SELECT source, destination, protocol, count(*), sum(length) FROM pcap_ip GROUP BY 1, 2, 3 ORDER BY 5 DESC LIMIT 9;
--     SELECT path, number, error FROM pcap_packet WHERE error IS NOT NULL;
--
--     pcap_file    a row for each file: byte order, resolution, longest packet, what the packets are of
--     pcap_packet  time, offset of the bytes, how many were captured, how many the packet had
--     pcap_ip      of Ethernet, raw IP, loopback and Linux's cooked captures: addresses, protocol, and of TCP and
--                  UDP ports, flags and where the payload is
--
-- Both byte orders, micro- and nanoseconds, and the modified format of Kuznetzov's tcpdump, whose packets have
-- eight bytes more in front. VLAN tags (8100, 88a8, 9100 to 9300) are passed over, however many there are, and so
-- are IPv4's options and IPv6's extension headers: `protocol` is what is behind them. A file that is no pcap has no
-- rows. The walk goes from packet to packet, all of the file before the first row, and ends at a header of nothing
-- but zeros, or at a packet that reaches past the end of the file: a million packets take about a second, and ten
-- in pcap_ip.
--
-- A fraction of a second that is a second or more is an error; `time` is what it comes to.
--
-- Not covered: pcapng (pcapng.sql; `editcap -F pcap` turns what Wireshark saves by default into pcap), fragments and
-- streams put together, the short form of IPv6 addresses, IP in PPPoE, MPLS or 802.2, other protocols. Of a file
-- with more than 20 million packets the first 20 million.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- Views whose names end in _ are steps on the way. Their DISTINCT drops no row: it makes SQLite compute each
-- column once, not at every mention of it, and lets a constraint on path through to target. CASE makes sure
-- that nothing is read before it is known to lie inside the file.
CREATE TEMP VIEW IF NOT EXISTS pcap_size_ AS
  SELECT DISTINCT path, mmap_length(path) AS file_size FROM target;

CREATE TEMP VIEW IF NOT EXISTS pcap_magic_ AS
  SELECT DISTINCT path, file_size,
         CASE WHEN file_size >= 4 THEN mmap_get(path, 0, 'u32be') END AS magic
    FROM pcap_size_;

-- The magic is a1b2c3d4, of nanoseconds a1b23c4d, and of the modified format a1b2cd34. `head` is how long the header
-- of a packet is, `fraction` how many of its fractions are a second.
CREATE TEMP VIEW IF NOT EXISTS pcap_file_ AS
  SELECT DISTINCT path, file_size, magic IN (0xd4c3b2a1, 0x4d3cb2a1, 0x34cdb2a1) AS little,
         iif(magic IN (0xd4c3b2a1, 0x4d3cb2a1, 0x34cdb2a1), 'u32le', 'u32be') AS u32,
         iif(magic IN (0x4d3cb2a1, 0xa1b23c4d), 1000000000, 1000000) AS fraction,
         iif(magic IN (0x34cdb2a1, 0xa1b2cd34), 24, 16) AS head
    FROM pcap_magic_
   WHERE magic IN (0xd4c3b2a1, 0x4d3cb2a1, 0x34cdb2a1, 0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34);

CREATE TEMP VIEW IF NOT EXISTS pcap_file AS
  SELECT path, iif(little, 'little', 'big') AS endian,
         iif(fraction = 1000000000, 'nanoseconds', 'microseconds') AS resolution,
         CASE WHEN file_size >= 24 THEN mmap_get(path, 16, u32) END AS longest,
         CASE WHEN file_size >= 24 THEN
           CASE mmap_get(path, 20, u32) & 0xffff
             WHEN 0 THEN 'loopback' WHEN 1 THEN 'Ethernet' WHEN 12 THEN 'IP' WHEN 14 THEN 'IP'
             WHEN 101 THEN 'IP' WHEN 105 THEN '802.11' WHEN 108 THEN 'loopback' WHEN 113 THEN 'Linux cooked'
             WHEN 127 THEN '802.11 with radio' WHEN 228 THEN 'IPv4' WHEN 229 THEN 'IPv6'
             WHEN 276 THEN 'Linux cooked 2' ELSE mmap_get(path, 20, u32) & 0xffff END END AS link,
         CASE WHEN file_size < 24 THEN 'the file ends within its header'
              WHEN file_size > 24 AND file_size < 24 + head
              THEN 'the file ends within the first packet''s header' END AS error
    FROM pcap_file_;

-- One file at a time is walked, as the recursion stands in a subquery that is evaluated for each; json_each
-- makes rows of what it found. `at` is where a packet's header is: seconds, fraction, how many bytes are there, how
-- many the packet had. A packet may have none; only one that has no time either was never written.
CREATE TEMP VIEW IF NOT EXISTS pcap_packet_ AS
  SELECT f.path, file_size, fraction, head, u32, walk.key AS number, walk.value AS at
    FROM pcap_file_ AS f CROSS JOIN json_each((
           WITH RECURSIVE packet(at) AS (
             SELECT 24 WHERE file_size >= 24 + head
             UNION ALL
             SELECT at + head + mmap_get(f.path, at + 8, u32) FROM packet
              WHERE at + head + mmap_get(f.path, at + 8, u32) <= file_size - head
                AND (mmap_get(f.path, at, 'u64le') <> 0 OR mmap_get(f.path, at + 8, 'u64le') <> 0)
              LIMIT 20000000)
           SELECT json_group_array(at) FROM packet)) AS walk;

CREATE TEMP VIEW IF NOT EXISTS pcap_packet AS
  SELECT path, number,
         strftime('%Y-%m-%d %H:%M:%S', mmap_get(path, at, u32) + mmap_get(path, at + 4, u32) / fraction, 'unixepoch')
           || printf(iif(fraction = 1000000000, '.%09d', '.%06d'), mmap_get(path, at + 4, u32) % fraction) AS time,
         mmap_get(path, at, u32) AS seconds,
         mmap_get(path, at + 4, u32) * (1000000000 / fraction) AS nanoseconds,
         at + head AS offset, mmap_get(path, at + 8, u32) AS captured, mmap_get(path, at + 12, u32) AS length,
         CASE WHEN mmap_get(path, at, 'u64le') = 0 AND mmap_get(path, at + 8, 'u64le') = 0
              THEN 'it is no packet: its length is 0'
              WHEN mmap_get(path, at + 8, u32) > file_size - at - head
              THEN 'it reaches past the end of the file'
              WHEN at + head + mmap_get(path, at + 8, u32) NOT IN (file_size)
                   AND at + head + mmap_get(path, at + 8, u32) > file_size - head
              THEN 'the file ends within the next packet''s header'
              WHEN mmap_get(path, at + 8, u32) > mmap_get(path, at + 12, u32)
              THEN 'more was captured than the packet had'
              WHEN mmap_get(path, at + 4, u32) >= fraction
              THEN 'its fraction of a second is ' || mmap_get(path, at + 4, u32) || ' of ' || fraction
              WHEN number = 19999999 THEN 'there may be more, which are not walked' END AS error
    FROM pcap_packet_;

-- Where the number is that says what a frame holds, `kind`, and where that begins, `net`. Raw IP has no such number,
-- and the one of a loopback, whatever its byte order, is the capturing machine's for IPv4 or IPv6.
CREATE TEMP VIEW IF NOT EXISTS pcap_frame_ AS
  SELECT DISTINCT at, path, number, u32, stop,
         CASE link WHEN 1 THEN data + 12 WHEN 113 THEN data + 14 WHEN 276 THEN data END AS kind,
         CASE WHEN link = 1 THEN data + 14 WHEN link = 113 THEN data + 16 WHEN link = 276 THEN data + 20
              WHEN link IN (12, 14, 101, 228, 229) THEN data
              WHEN link NOT IN (0, 108) OR data + 4 > stop THEN NULL
              WHEN mmap_get(path, data, 'u32le') IN (2, 10, 23, 24, 28, 30)
                   OR mmap_get(path, data, 'u32be') IN (2, 10, 23, 24, 28, 30) THEN data + 4 END AS net
    FROM (SELECT path, number, at, u32, at + head AS data, mmap_get(path, 20, u32) & 0xffff AS link,
                 min(file_size, at + head + mmap_get(path, at + 8, u32)) AS stop FROM pcap_packet_);

-- `net`: where the IP header would be. A VLAN tag is two bytes of its own, then `kind` once more.
CREATE TEMP VIEW IF NOT EXISTS pcap_net_ AS
  SELECT path, number, at, u32, stop,
         CASE WHEN kind IS NULL THEN net
              WHEN net > stop THEN NULL
              WHEN mmap_get(path, kind, 'u16be') IN (0x0800, 0x86dd) THEN net
              WHEN mmap_get(path, kind, 'u16be') IN (0x8100, 0x88a8, 0x9100, 0x9200, 0x9300) THEN
                (WITH RECURSIVE tag(kind, net) AS (
                   SELECT net + 2, net + 4 WHERE net + 4 <= stop
                   UNION ALL
                   SELECT net + 2, net + 4 FROM tag
                    WHERE net + 4 <= stop
                      AND mmap_get(path, kind, 'u16be') IN (0x8100, 0x88a8, 0x9100, 0x9200, 0x9300))
                 SELECT net FROM tag WHERE mmap_get(path, kind, 'u16be') IN (0x0800, 0x86dd)) END AS net
    FROM pcap_frame_;

CREATE TEMP VIEW IF NOT EXISTS pcap_version_ AS
  SELECT DISTINCT at, path, number, u32, stop, net,
         CASE WHEN net + 20 > stop THEN NULL
              WHEN mmap_get(path, net) BETWEEN 0x45 AND 0x4f THEN 4
              WHEN net + 40 <= stop AND mmap_get(path, net) >> 4 = 6 THEN 6 END AS version
    FROM pcap_net_;

-- `stop` is from here on where the IP packet ends, as short Ethernet frames are padded; a length of 0 is not filled in.
--
-- IPv6's extension headers begin with the number of what is behind them, and how long they are in units of 8 bytes
-- after the first 8; a fragment header (44) has 8, and one of authentication (51) counts units of 4 after the first 8.
-- `upper`: the protocol behind them and where it begins, NULL in a fragment that is not the first.
CREATE TEMP VIEW IF NOT EXISTS pcap_upper_ AS
  SELECT DISTINCT at, path, number, u32, net, version,
         min(stop, CASE version
                     WHEN 4 THEN net + coalesce(nullif(mmap_get(path, net + 2, 'u16be'), 0), 65535)
                     ELSE net + 40 + coalesce(nullif(mmap_get(path, net + 4, 'u16be'), 0), 65535) END) AS stop,
         CASE WHEN version = 6 AND mmap_get(path, net + 6) IN (0, 43, 44, 51, 60, 135, 139, 140) THEN
           (WITH RECURSIVE header(links, protocol, at) AS (
              SELECT 0, mmap_get(path, net + 6), net + 40
              UNION ALL
              SELECT links + 1, mmap_get(path, at),
                     CASE WHEN protocol <> 44 THEN at + 8 + mmap_get(path, at + 1) * iif(protocol = 51, 4, 8)
                          WHEN mmap_get(path, at + 2, 'u16be') < 8 THEN at + 8 END
                FROM header
               WHERE protocol IN (0, 43, 44, 51, 60, 135, 139, 140) AND at + 8 <= stop)
            SELECT json_array(protocol, at) FROM header ORDER BY links DESC LIMIT 1) END AS upper
    FROM pcap_version_ WHERE version IN (4, 6);

-- `transport`: where the header of TCP or UDP is; a fragment that is not the first has none.
CREATE TEMP VIEW IF NOT EXISTS pcap_ip_ AS
  SELECT DISTINCT at, path, number, u32, net, version, stop,
         CASE WHEN version = 4 THEN mmap_get(path, net + 9) WHEN upper IS NULL THEN mmap_get(path, net + 6)
              ELSE json_extract(upper, '$[0]') END AS protocol,
         CASE WHEN version = 6 THEN iif(upper IS NULL, net + 40, json_extract(upper, '$[1]'))
              WHEN mmap_get(path, net + 6, 'u16be') & 0x1fff = 0
              THEN net + (mmap_get(path, net) & 15) * 4 END AS transport
    FROM pcap_upper_;

CREATE TEMP VIEW IF NOT EXISTS pcap_ip AS
  SELECT path, number,
         CASE version WHEN 4 THEN
           printf('%d.%d.%d.%d', mmap_get(path, net + 12), mmap_get(path, net + 13), mmap_get(path, net + 14),
                  mmap_get(path, net + 15))
         ELSE
           printf('%x:%x:%x:%x:%x:%x:%x:%x', mmap_get(path, net + 8, 'u16be'), mmap_get(path, net + 10, 'u16be'),
                  mmap_get(path, net + 12, 'u16be'), mmap_get(path, net + 14, 'u16be'),
                  mmap_get(path, net + 16, 'u16be'), mmap_get(path, net + 18, 'u16be'),
                  mmap_get(path, net + 20, 'u16be'), mmap_get(path, net + 22, 'u16be')) END AS source,
         CASE version WHEN 4 THEN
           printf('%d.%d.%d.%d', mmap_get(path, net + 16), mmap_get(path, net + 17), mmap_get(path, net + 18),
                  mmap_get(path, net + 19))
         ELSE
           printf('%x:%x:%x:%x:%x:%x:%x:%x', mmap_get(path, net + 24, 'u16be'), mmap_get(path, net + 26, 'u16be'),
                  mmap_get(path, net + 28, 'u16be'), mmap_get(path, net + 30, 'u16be'),
                  mmap_get(path, net + 32, 'u16be'), mmap_get(path, net + 34, 'u16be'),
                  mmap_get(path, net + 36, 'u16be'), mmap_get(path, net + 38, 'u16be')) END AS destination,
         CASE protocol WHEN 1 THEN 'ICMP' WHEN 2 THEN 'IGMP' WHEN 6 THEN 'TCP' WHEN 17 THEN 'UDP'
                       WHEN 47 THEN 'GRE' WHEN 50 THEN 'ESP' WHEN 58 THEN 'ICMPv6' WHEN 89 THEN 'OSPF'
                       WHEN 132 THEN 'SCTP' ELSE protocol END AS protocol,
         CASE WHEN protocol IN (6, 17) AND transport + 4 <= stop THEN mmap_get(path, transport, 'u16be')
         END AS source_port,
         CASE WHEN protocol IN (6, 17) AND transport + 4 <= stop THEN mmap_get(path, transport + 2, 'u16be')
         END AS destination_port,
         CASE WHEN protocol = 6 AND transport + 14 <= stop THEN
           iif(mmap_get(path, transport + 13) & 2, 'S', '') || iif(mmap_get(path, transport + 13) & 16, 'A', '')
           || iif(mmap_get(path, transport + 13) & 1, 'F', '') || iif(mmap_get(path, transport + 13) & 4, 'R', '')
           || iif(mmap_get(path, transport + 13) & 8, 'P', '') || iif(mmap_get(path, transport + 13) & 32, 'U', '')
         END AS flags,
         CASE WHEN protocol = 6 AND transport + 8 <= stop THEN mmap_get(path, transport + 4, 'u32be')
         END AS sequence,
         mmap_get(path, at + 12, u32) AS length,
         CASE WHEN protocol = 17 AND transport + 8 <= stop THEN transport + 8
              WHEN protocol = 6 AND transport + 20 <= stop
              THEN min(stop, transport + max(5, mmap_get(path, transport + 12) >> 4) * 4) END AS payload_offset,
         CASE WHEN protocol = 17 AND transport + 8 <= stop THEN stop - transport - 8
              WHEN protocol = 6 AND transport + 20 <= stop
              THEN max(0, stop - transport - max(5, mmap_get(path, transport + 12) >> 4) * 4) END AS payload_bytes
    FROM pcap_ip_;
