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
--     pcap_ip      of Ethernet (VLAN tags included), of raw IP and Linux's cooked captures: addresses,
--                  protocol, and of TCP and UDP ports, flags and where the payload is
--
-- Both byte orders, micro- and nanoseconds. A file that is no pcap has no rows. The walk goes from packet to
-- packet, all of the file before the first row, and ends at one that has no length or reaches past the end of
-- the file: a million packets take about a second, and ten in pcap_ip.
--
-- Not covered: pcapng (what Wireshark saves by default: `editcap -F pcap` turns it into pcap), fragments and
-- streams put together, IPv6's extension headers (protocol is then the number of the first), the short form of
-- IPv6 addresses, other protocols. Of a file with more than 20 million packets the first 20 million.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- Views whose names end in _ are steps on the way. Their DISTINCT drops no row: it makes SQLite compute each
-- column once, not at every mention of it, and lets a constraint on path through to target. CASE makes sure
-- that nothing is read before it is known to lie inside the file.
CREATE TEMP VIEW IF NOT EXISTS pcap_size_ AS
  SELECT DISTINCT path, mmap_length(path) AS file_size FROM target;

CREATE TEMP VIEW IF NOT EXISTS pcap_magic_ AS
  SELECT DISTINCT path, file_size,
         CASE WHEN file_size >= 24 THEN mmap_get(path, 0, 'u32be') END AS magic
    FROM pcap_size_;

CREATE TEMP VIEW IF NOT EXISTS pcap_file_ AS
  SELECT DISTINCT path, file_size, magic IN (0xd4c3b2a1, 0x4d3cb2a1) AS little,
         magic IN (0x4d3cb2a1, 0xa1b23c4d) AS nano,
         iif(magic IN (0xd4c3b2a1, 0x4d3cb2a1), 'u32le', 'u32be') AS u32
    FROM pcap_magic_ WHERE magic IN (0xd4c3b2a1, 0x4d3cb2a1, 0xa1b2c3d4, 0xa1b23c4d);

CREATE TEMP VIEW IF NOT EXISTS pcap_file AS
  SELECT path, iif(little, 'little', 'big') AS endian, iif(nano, 'nanoseconds', 'microseconds') AS resolution,
         mmap_get(path, 16, u32) AS longest,
         CASE mmap_get(path, 20, u32) & 0xffff
           WHEN 0 THEN 'loopback' WHEN 1 THEN 'Ethernet' WHEN 12 THEN 'IP' WHEN 14 THEN 'IP'
           WHEN 101 THEN 'IP' WHEN 105 THEN '802.11' WHEN 113 THEN 'Linux cooked'
           WHEN 127 THEN '802.11 with radio' WHEN 228 THEN 'IPv4' WHEN 229 THEN 'IPv6'
           WHEN 276 THEN 'Linux cooked 2' ELSE mmap_get(path, 20, u32) & 0xffff END AS link
    FROM pcap_file_;

-- One file at a time is walked, as the recursion stands in a subquery that is evaluated for each; json_each
-- makes rows of what it found.
CREATE TEMP VIEW IF NOT EXISTS pcap_packet_ AS
  SELECT f.path, file_size, nano, u32, walk.key AS number, walk.value AS at
    FROM pcap_file_ AS f CROSS JOIN json_each((
           WITH RECURSIVE packet(at) AS (
             SELECT 24 WHERE file_size >= 40
             UNION ALL
             SELECT at + 16 + mmap_get(f.path, at + 8, u32) FROM packet
              WHERE at + 16 + mmap_get(f.path, at + 8, u32) <= file_size - 16
                AND mmap_get(f.path, at + 12, u32) > 0
              LIMIT 20000000)
           SELECT json_group_array(at) FROM packet)) AS walk;

CREATE TEMP VIEW IF NOT EXISTS pcap_packet AS
  SELECT path, number,
         strftime('%Y-%m-%d %H:%M:%S', mmap_get(path, at, u32), 'unixepoch')
           || printf(iif(nano, '.%09d', '.%06d'), mmap_get(path, at + 4, u32)) AS time,
         mmap_get(path, at, u32) AS seconds, mmap_get(path, at + 4, u32) * iif(nano, 1, 1000) AS nanoseconds,
         at + 16 AS offset, mmap_get(path, at + 8, u32) AS captured, mmap_get(path, at + 12, u32) AS length,
         CASE WHEN mmap_get(path, at + 12, u32) = 0 THEN 'it is no packet: its length is 0'
              WHEN mmap_get(path, at + 8, u32) > file_size - at - 16
              THEN 'it reaches past the end of the file'
              WHEN at + 16 + mmap_get(path, at + 8, u32) NOT IN (file_size)
                   AND at + 16 + mmap_get(path, at + 8, u32) > file_size - 16
              THEN 'the file ends within the next packet''s header'
              WHEN number = 19999999 THEN 'there may be more, which are not walked' END AS error
    FROM pcap_packet_;

-- `net`: where the IP header would be. Behind 0x8100 and 0x88a8, VLAN tags, the type comes once more.
CREATE TEMP VIEW IF NOT EXISTS pcap_net_ AS
  SELECT DISTINCT at, path, number, u32, stop,
         CASE mmap_get(path, 20, u32) & 0xffff
           WHEN 1 THEN
             CASE WHEN at + 30 > stop THEN NULL
                  WHEN mmap_get(path, at + 28, 'u16be') IN (0x0800, 0x86dd) THEN at + 30
                  WHEN mmap_get(path, at + 28, 'u16be') NOT IN (0x8100, 0x88a8) OR at + 34 > stop THEN NULL
                  WHEN mmap_get(path, at + 32, 'u16be') IN (0x0800, 0x86dd) THEN at + 34
                  WHEN mmap_get(path, at + 32, 'u16be') NOT IN (0x8100, 0x88a8) OR at + 38 > stop THEN NULL
                  WHEN mmap_get(path, at + 36, 'u16be') IN (0x0800, 0x86dd) THEN at + 38 END
           WHEN 113 THEN CASE WHEN at + 32 > stop THEN NULL
                              WHEN mmap_get(path, at + 30, 'u16be') IN (0x0800, 0x86dd) THEN at + 32 END
           WHEN 276 THEN CASE WHEN at + 36 > stop THEN NULL
                              WHEN mmap_get(path, at + 16, 'u16be') IN (0x0800, 0x86dd) THEN at + 36 END
           WHEN 0 THEN at + 20 WHEN 12 THEN at + 16 WHEN 14 THEN at + 16 WHEN 101 THEN at + 16
           WHEN 228 THEN at + 16 WHEN 229 THEN at + 16 END AS net
    FROM (SELECT path, number, at, u32,
                 min(file_size, at + 16 + mmap_get(path, at + 8, u32)) AS stop FROM pcap_packet_);

-- `transport`: where the header of TCP or UDP is; a fragment that is not the first has none. `stop` is from
-- here on where the IP packet ends, as short Ethernet frames are padded; a length of 0 is not filled in.
CREATE TEMP VIEW IF NOT EXISTS pcap_ip_ AS
  SELECT DISTINCT at, path, number, u32, net, version,
         CASE version WHEN 4 THEN mmap_get(path, net + 9) ELSE mmap_get(path, net + 6) END AS protocol,
         CASE WHEN version = 6 THEN net + 40
              WHEN mmap_get(path, net + 6, 'u16be') & 0x1fff = 0
              THEN net + (mmap_get(path, net) & 15) * 4 END AS transport,
         min(stop, CASE version
                     WHEN 4 THEN net + coalesce(nullif(mmap_get(path, net + 2, 'u16be'), 0), 65535)
                     ELSE net + 40 + coalesce(nullif(mmap_get(path, net + 4, 'u16be'), 0), 65535) END) AS stop
    FROM (SELECT path, number, at, u32, stop, net,
                 CASE WHEN net + 20 > stop THEN NULL
                      WHEN mmap_get(path, net) BETWEEN 0x45 AND 0x4f THEN 4
                      WHEN net + 40 <= stop AND mmap_get(path, net) >> 4 = 6 THEN 6 END AS version
            FROM pcap_net_)
   WHERE version IN (4, 6);

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
