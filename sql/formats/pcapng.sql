-- pcapng: what Wireshark saves by default: sections, interfaces, packets with their times, names, comments.
--
--     .read sql/formats/pcapng.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('**/*.pcapng') WHERE error IS NULL;
--     SELECT path, section, number, link, name, unit FROM pcapng_interface;
--     SELECT time, interface, offset, captured, length FROM pcapng_packet LIMIT 9;
--     SELECT path, address, name FROM pcapng_name;
--     SELECT path, number, type, error FROM pcapng_block WHERE error IS NOT NULL;
--
--     pcapng_block      every block: section, type, where it is and how long
--     pcapng_interface  what packets are of, longest packet, name, how many units of time are a second
--     pcapng_packet     time, interface, offset of the bytes, how many were captured, how many the packet had
--     pcapng_option     the options of sections, interfaces, packets and statistics: code, name, value
--     pcapng_name       addresses and their names
--
-- Each section says its order of bytes. Its length is not needed, and may be wrong or -1: a section ends where the next begins.
-- Times are right for units of 10^-18 to 1 and 2^-62 to 1 second; `seconds` is a quotient, `time` has nine places. Values of options
-- are texts or numbers where the format says so, else NULL: they are where `offset` says. Texts that are no UTF-8 are U+FFFD.
-- What is in a packet pcap.sql tells, once `editcap -F pcap` has made a pcap of it. Not covered: secrets, custom blocks.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

CREATE VIRTUAL TABLE IF NOT EXISTS temp.pcapng_magic_ USING mmap(*, type u32be, magic u32be at(8), count=(1), while=(type = 0x0a0d0d0a), partial=yes);
-- A block ends with its length, once more. The first block of the next section ends the rows.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.pcapng_block_ USING mmap(*, type u32, length u32, body blob(length - 12), again u32 at(length - 4),
  align=4, while=(rowid = 0 OR type <> 0x0a0d0d0a), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.pcapng_interface_ USING mmap(*, link u16, reserved u16, longest u32, count=(1), partial=yes);
-- Packets of the types 6 and, as long ago, 2, whose interface is half as wide. Type 3 has no time.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.pcapng_packet_ USING mmap(*, type u32, length u32, interface2 u16 if(type = 2), drops u16 if(type = 2),
  interface4 u32 if(type = 6), interface AS (CASE type WHEN 2 THEN interface2 WHEN 3 THEN 0 ELSE interface4 END),
  high u32 if(type <> 3), low u32 if(type <> 3), captured u32 if(type <> 3), bytes u32, data_at AS (pos),
  data blob(captured) if(type <> 3), options_at AS (align(pos, 4)), while=(type IN (2, 3, 6)), count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.pcapng_option_ USING mmap(*, code u16, length u16, number i64 if(length = 8), value text(length) at(4),
  align=4, while=(code > 0), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.pcapng_name_ USING mmap(*, kind u16, length u16, four u8[4] if(kind = 1), six u16be[8] if(kind = 2),
  names_at AS (pos), names text(length - iif(kind = 1, 4, 16)), all blob(length) at(4), align=4, while=(kind > 0), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.pcapng_word_ USING mmap(*, name cstr, partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.pcapng_string_ USING mmap(*, string text(stop - start), count=(1), partial=yes);

-- The text in the bytes first..last - 1.
CREATE TEMP VIEW IF NOT EXISTS pcapng_text_ AS
  SELECT t.file AS path, t.start AS first, t.stop AS last, iif(mmap_search(t.file,
           '(?x) \G (?: [\x01-\x7f] | [\xc2-\xdf] [\x80-\xbf] | \xe0 [\xa0-\xbf] [\x80-\xbf]
                 | [\xe1-\xec\xee\xef] [\x80-\xbf]{2} | \xed [\x80-\x9f] [\x80-\xbf] | \xf0 [\x90-\xbf] [\x80-\xbf]{2}
                 | [\xf1-\xf3] [\x80-\xbf]{3} | \xf4 [\x80-\x8f] [\x80-\xbf]{2} )*+ (?: \x00 | \z )', t.start, t.stop) >= 0,
         string, char(0xfffd)) AS text
    FROM pcapng_string_ AS t WHERE t.error IS NULL;

CREATE TEMP VIEW IF NOT EXISTS pcapng_list_ AS
  SELECT DISTINCT t.path, (
           WITH RECURSIVE section(at, ord) AS (
             SELECT 0, CASE magic WHEN 0x4d3c2b1a THEN 'le' WHEN 0x1a2b3c4d THEN 'be' END FROM pcapng_magic_(t.path)
             UNION ALL
             SELECT m.offset, CASE magic WHEN 0x4d3c2b1a THEN 'le' WHEN 0x1a2b3c4d THEN 'be' END
               FROM section CROSS JOIN pcapng_magic_(t.path, (
                 SELECT max(b.next) FROM pcapng_block_(t.path, at, mmap_length(t.path), ord) AS b)) AS m WHERE ord IS NOT NULL
             LIMIT 100000)
           SELECT json_group_array(json_array(at, ord)) FROM section WHERE ord IS NOT NULL OR at > 0) AS sections
    FROM target AS t;

-- Of a section's interfaces: where the block is, link, longest packet, and what the options tsresol (9) and tsoffset (14) say.
CREATE TEMP VIEW IF NOT EXISTS pcapng_section_ AS
  SELECT DISTINCT l.path, s.key AS section, json_extract(value, '$[0]') AS at, json_extract(value, '$[1]') AS ord, mmap_length(l.path) AS file_size, (
           SELECT json_group_array(json_array(b.offset, link, longest,
                    (SELECT mmap_get(l.path, o.offset + 4) FROM pcapng_option_(l.path, i.next, b.next - 4, json_extract(s.value, '$[1]')) AS o
                      WHERE code = 9 AND o.length = 1 LIMIT 1),
                    (SELECT number FROM pcapng_option_(l.path, i.next, b.next - 4, json_extract(s.value, '$[1]')) AS o
                      WHERE code = 14 AND o.length = 8 LIMIT 1)))
             FROM pcapng_block_(l.path, json_extract(s.value, '$[0]'), mmap_length(l.path), json_extract(s.value, '$[1]')) AS b
                  CROSS JOIN pcapng_interface_(l.path, b.offset + 8, b.next - 4, json_extract(s.value, '$[1]')) AS i
            WHERE b.type = 1 AND b.error IS NULL AND i.error IS NULL) AS interfaces
    FROM pcapng_list_ AS l CROSS JOIN json_each(sections) AS s;

CREATE TEMP VIEW IF NOT EXISTS pcapng_block_at_ AS
  SELECT DISTINCT path, section, ord, b.rowid AS number, b.offset AS at, b.next AS behind, b.type AS code, length, again,
         b.error IS NOT NULL AS bad
    FROM pcapng_section_ CROSS JOIN pcapng_block_(path, at, file_size, coalesce(ord, 'le')) AS b
   WHERE b.type IS NOT NULL AND (ord IS NOT NULL OR b.rowid = 0);

CREATE TEMP VIEW IF NOT EXISTS pcapng_block AS
  SELECT path, section, number, at AS offset,
         CASE code WHEN 0x0a0d0d0a THEN 'section' WHEN 1 THEN 'interface' WHEN 2 THEN 'old packet' WHEN 3 THEN 'simple packet' WHEN 4 THEN 'names'
           WHEN 5 THEN 'statistics' WHEN 6 THEN 'packet' WHEN 9 THEN 'journal' WHEN 10 THEN 'secrets' WHEN 0x0bad THEN 'custom'
           WHEN 0x40000bad THEN 'custom' ELSE printf('0x%08x', code) END AS type, length,
         CASE WHEN ord IS NULL THEN 'its order of bytes is unknown' WHEN length < 12 THEN 'its length is ' || length
              WHEN bad THEN 'it reaches past the end of the file'
              WHEN length <> again THEN 'its length is ' || length || ' at its start, ' || again || ' at its end' END AS error
    FROM pcapng_block_at_;

CREATE TEMP VIEW IF NOT EXISTS pcapng_link_ AS
  SELECT DISTINCT s.path, section, ord, i.key AS number, json_extract(value, '$[0]') AS at, json_extract(value, '$[1]') AS link,
         json_extract(value, '$[2]') AS longest, coalesce(json_extract(value, '$[3]'), 6) AS resolution, json_extract(value, '$[4]') AS shift
    FROM pcapng_section_ AS s CROSS JOIN json_each(interfaces) AS i;

-- What tsresol says: so many units are a second, a power of 10, or of 2 if the first bit is set.
CREATE TEMP VIEW IF NOT EXISTS pcapng_interface AS
  SELECT path, section, number, at AS offset,
         CASE link WHEN 0 THEN 'loopback' WHEN 1 THEN 'Ethernet' WHEN 12 THEN 'IP' WHEN 14 THEN 'IP' WHEN 101 THEN 'IP' WHEN 105 THEN '802.11'
           WHEN 108 THEN 'loopback' WHEN 113 THEN 'Linux cooked' WHEN 127 THEN '802.11 with radio' WHEN 228 THEN 'IPv4' WHEN 229 THEN 'IPv6'
           WHEN 276 THEN 'Linux cooked 2' ELSE link END AS link, longest,
         CASE WHEN resolution & 128 THEN iif(resolution & 64, NULL, 1 << (resolution & 63))
              WHEN resolution < 19 THEN CAST(substr('1000000000000000000', 1, resolution + 1) AS INTEGER) END AS unit, shift AS seconds_more,
         (SELECT (SELECT text FROM pcapng_text_ AS x WHERE x.path = l.path AND first = o.offset + 4 AND last = o.offset + 4 + o.length)
            FROM pcapng_option_(l.path, at + 16, at + mmap_get(l.path, at + 4, 'u32' || ord) - 4, ord) AS o WHERE code = 2
                 AND o.error IS NULL LIMIT 1) AS name
    FROM pcapng_link_ AS l;

CREATE TEMP VIEW IF NOT EXISTS pcapng_packet_at_ AS
  SELECT DISTINCT path, section, b.rowid AS number, p.type AS code, interface, data_at, bytes, p.error IS NOT NULL OR b.error IS NOT NULL AS bad,
         json_extract(interfaces, '$[' || interface || ']') AS via, iif(high < 0x80000000, high << 32 | low, NULL) AS stamp, captured, p.length
    FROM pcapng_section_ CROSS JOIN pcapng_block_(path, at, file_size, ord) AS b CROSS JOIN pcapng_packet_(path, b.offset,
         coalesce(b.next - 4, file_size), ord) AS p
   WHERE b.type IN (2, 3, 6);

CREATE TEMP VIEW IF NOT EXISTS pcapng_unit_ AS
  SELECT DISTINCT p.*, CASE WHEN resolution & 128 THEN iif(resolution & 64, NULL, 1 << (resolution & 63))
                            WHEN resolution < 19 THEN CAST(substr('1000000000000000000', 1, resolution + 1) AS INTEGER) END AS unit
    FROM (SELECT DISTINCT p.*, json_extract(via, '$[1]') AS link, json_extract(via, '$[2]') AS longest, coalesce(json_extract(via, '$[3]'),
         6) AS resolution,
                 coalesce(json_extract(via, '$[4]'), 0) AS shift FROM pcapng_packet_at_ AS p) AS p;

CREATE TEMP VIEW IF NOT EXISTS pcapng_packet AS
  SELECT path, section, number AS block, interface,
         strftime('%Y-%m-%d %H:%M:%S', stamp / unit + shift, 'unixepoch')
           || printf('.%09d', CASE WHEN unit <= 1 << 33 THEN stamp % unit * 1000000000 / unit
                                   WHEN resolution < 128 THEN stamp % unit / (unit / 1000000000)
                                        ELSE 1000000000.0 * (stamp % unit) / unit END) AS time,
         1.0 * stamp / unit + shift AS seconds, data_at AS offset,
         CASE WHEN code <> 3 THEN captured ELSE min(bytes, length - 16, coalesce(nullif(longest, 0), bytes)) END AS captured, bytes AS length, link,
         CASE WHEN bad THEN 'it reaches past the end of its block' WHEN link IS NULL THEN 'its section has no interface ' || interface
              WHEN captured > bytes THEN 'more was captured than the packet had' END AS error
    FROM pcapng_unit_;

-- Where the options of a block start.
CREATE TEMP VIEW IF NOT EXISTS pcapng_options_at_ AS
  SELECT DISTINCT path, section, b.number, ord, code AS kind, behind - 4 AS until,
         CASE code WHEN 0x0a0d0d0a THEN at + 24 WHEN 1 THEN at + 16 WHEN 5 THEN at + 20
                   ELSE (SELECT options_at FROM pcapng_packet_(path, at, behind - 4, ord) AS p WHERE p.error IS NULL) END AS options_at
    FROM pcapng_block_at_ AS b WHERE code IN (0x0a0d0d0a, 1, 2, 5, 6) AND NOT bad AND ord IS NOT NULL;

CREATE TEMP VIEW IF NOT EXISTS pcapng_option AS
  SELECT path, section, number AS block, code,
         CASE WHEN code = 1 THEN 'comment'
              WHEN kind = 0x0a0d0d0a THEN CASE code WHEN 2 THEN 'hardware' WHEN 3 THEN 'os' WHEN 4 THEN 'application' END
              WHEN kind = 1 THEN CASE code WHEN 2 THEN 'name' WHEN 3 THEN 'description' WHEN 4 THEN 'IPv4' WHEN 5 THEN 'IPv6' WHEN 6 THEN 'MAC'
                WHEN 7 THEN 'EUI' WHEN 8 THEN 'speed' WHEN 9 THEN 'tsresol' WHEN 10 THEN 'timezone' WHEN 11 THEN 'filter' WHEN 12 THEN 'os'
                WHEN 13 THEN 'fcslen' WHEN 14 THEN 'tsoffset' WHEN 15 THEN 'hardware' END
              WHEN kind = 5 THEN CASE code WHEN 2 THEN 'starttime' WHEN 3 THEN 'endtime' WHEN 4 THEN 'received' WHEN 5 THEN 'dropped'
                WHEN 6 THEN 'accepted' WHEN 7 THEN 'dropped by the os' WHEN 8 THEN 'delivered' END
              ELSE CASE code WHEN 2 THEN 'flags' WHEN 3 THEN 'hash' WHEN 4 THEN 'dropped' WHEN 5 THEN 'packet id' WHEN 6 THEN 'queue'
                WHEN 7 THEN 'verdict' END END AS name, at AS offset, length,
         CASE WHEN bad THEN NULL
              WHEN code = 1 OR kind = 0x0a0d0d0a AND code < 5 OR kind = 1 AND code IN (2, 3, 12, 15)
              THEN (SELECT text FROM pcapng_text_ AS x WHERE x.path = o.path AND first = at AND last = at + length)
              WHEN kind = 1 AND code IN (9, 13) AND length = 1 THEN mmap_get(path, at)
              WHEN kind IN (2, 6) AND code IN (2, 6) AND length = 4 THEN mmap_get(path, at, 'u32' || ord)
              WHEN kind = 1 AND code IN (8, 14) OR kind = 5 AND code BETWEEN 4 AND 8 OR kind IN (2, 6) AND code IN (4, 5) THEN value END AS value,
         iif(bad, 'it reaches past the end of its block', NULL) AS error
    FROM (SELECT DISTINCT path, section, b.number, ord, kind, code, o.length, o.offset + 4 AS at, o.number AS value, o.error IS NOT NULL AS bad
            FROM pcapng_options_at_ AS b CROSS JOIN pcapng_option_(path, options_at, until, ord) AS o WHERE o.length IS NOT NULL) AS o;

CREATE TEMP VIEW IF NOT EXISTS pcapng_name AS
  SELECT path, section, b.number AS block, CASE kind WHEN 1 THEN replace(trim(four, '[]'), ',', '.') ELSE
           printf('%x:%x:%x:%x:%x:%x:%x:%x', json_extract(six, '$[0]'), json_extract(six, '$[1]'), json_extract(six, '$[2]'),
                json_extract(six, '$[3]'),
                  json_extract(six, '$[4]'), json_extract(six, '$[5]'), json_extract(six, '$[6]'), json_extract(six, '$[7]')) END AS address,
         (SELECT text FROM pcapng_text_ AS x WHERE x.path = b.path AND first = w.offset AND last = w.next) AS name
    FROM pcapng_block_at_ AS b CROSS JOIN pcapng_name_(path, at + 8, behind - 4, ord) AS n
         CROSS JOIN pcapng_word_(path, names_at, n.offset + 4 + n.length) AS w
   WHERE code = 4 AND kind IN (1, 2) AND n.error IS NULL AND w.error IS NULL;
