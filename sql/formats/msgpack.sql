-- MessagePack: the values in a file, one after another, as they stand there.
--
--     .read sql/formats/msgpack.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('**/*.msgpack') WHERE error IS NULL;
--     SELECT path, number, type, value, items FROM msgpack_value;
--     SELECT type, count(*) FROM msgpack_value WHERE path GLOB '*.msgpack' GROUP BY type;
--     SELECT kind, items, error FROM target, msgpack_token(path, 0, 100) LIMIT 9;
--
--     msgpack_value  every value: its own number and that of the outermost one that it is in, type, value; of a map or an array how many
--                    items follow it, of a map twice as many values as pairs
--     msgpack_token  the layout: msgpack_token(file, start, stop) reads the values in any part of any file
--
-- Nothing marks such a file. It is one if all of it is whole maps or arrays; single numbers and texts, which any text would be, are none.
-- What is damaged, or stands in another file, msgpack_token reads up to its `error`. Texts are UTF-8; U+FFFD stands for all of one that is
-- none, or has a NUL in it. Numbers of 2^63 and more are negative; times are those of extension -1, as its bytes are.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- The first byte says what it is, and has small numbers and lengths in it; others follow in 1, 2, 4 or 8 bytes. An extension has a type before
-- its bytes.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.msgpack_token USING mmap(*, tag u8, kind AS (CASE WHEN tag < 0x80 OR tag >= 0xcc AND tag < 0xd4 OR tag >= 0xe0 THEN 'integer'
    WHEN tag < 0x90 OR tag >= 0xde THEN 'map' WHEN tag < 0xa0 OR tag >= 0xdc THEN 'array' WHEN tag < 0xc0 OR tag >= 0xd9 THEN 'text' WHEN tag = 0xc0 THEN 'nil'
    WHEN tag IN (0xc2, 0xc3) THEN 'boolean' WHEN tag IN (0xca, 0xcb) THEN 'float' WHEN tag IN (0xc4, 0xc5, 0xc6) THEN 'binary' ELSE 'extension' END),
  small AS (CASE WHEN tag < 0x80 THEN tag WHEN tag < 0xa0 THEN tag & 15 WHEN tag < 0xc0 THEN tag & 31 WHEN tag IN (0xc2, 0xc3) THEN tag & 1
                 WHEN tag >= 0xe0 THEN tag - 256 WHEN tag BETWEEN 0xd4 AND 0xd8 THEN 1 << (tag - 0xd4) END),
  u8 u8 if(tag IN (0xcc, 0xc4, 0xc7, 0xd9)), u16 u16be if(tag IN (0xcd, 0xc5, 0xc8, 0xda, 0xdc, 0xde)), u32 u32be if(tag IN (0xce, 0xc6, 0xc9, 0xdb, 0xdd, 0xdf)),
  u64 u64be if(tag = 0xcf), i8 i8 if(tag = 0xd0), i16 i16be if(tag = 0xd1), i32 i32be if(tag = 0xd2), i64 i64be if(tag = 0xd3),
  float f32be if(tag = 0xca), double f64be if(tag = 0xcb), extension i8 if(kind = 'extension'),
  number AS (coalesce(small, u8, u16, u32, u64, i8, i16, i32, i64)), begin AS (pos), data blob(number) if(kind IN ('text', 'binary', 'extension')),
  items AS (CASE kind WHEN 'array' THEN number WHEN 'map' THEN 2 * number ELSE 0 END), check=(tag <> 0xc1), partial=yes);

-- The text in the bytes first..last - 1.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.msgpack_bytes_ USING mmap(*, text text(stop - start), count=(1), partial=yes);
CREATE TEMP VIEW IF NOT EXISTS msgpack_text_ AS
  SELECT t.file AS path, t.start AS first, t.stop AS last, iif(mmap_search(t.file,
           '(?x) \G (?: [\x01-\x7f] | [\xc2-\xdf] [\x80-\xbf] | \xe0 [\xa0-\xbf] [\x80-\xbf]
                 | [\xe1-\xec\xee\xef] [\x80-\xbf]{2} | \xed [\x80-\x9f] [\x80-\xbf] | \xf0 [\x90-\xbf] [\x80-\xbf]{2}
                 | [\xf1-\xf3] [\x80-\xbf]{3} | \xf4 [\x80-\x8f] [\x80-\xbf]{2} )*+ \z', t.start, t.stop) >= 0, text, char(0xfffd)) AS text
    FROM msgpack_bytes_ AS t WHERE t.error IS NULL;

-- Names that end in _ are steps on the way. `open` is how many values are still to come, less those that have come: each time it is as low
-- as never before, an outermost value has ended.
CREATE TEMP VIEW IF NOT EXISTS msgpack_open_ AS
  SELECT t.path, k.rowid AS number, k.offset AS at, kind, items, k.error AS bad, sum(items - 1) OVER (PARTITION BY t.path ORDER BY k.rowid) AS open
    FROM target AS t CROSS JOIN msgpack_token(t.path, iif(
           mmap_slice(t.path, 0, 1) >= x'80' AND mmap_slice(t.path, 0, 1) < x'a0' OR mmap_slice(t.path, 0, 1) BETWEEN x'dc' AND x'df', 0, NULL)) AS k;
CREATE TEMP VIEW IF NOT EXISTS msgpack_end_ AS
  SELECT o.*, open < min(0, coalesce(min(open) OVER (PARTITION BY path ORDER BY number ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)) AS ends
    FROM msgpack_open_ AS o;
CREATE TEMP VIEW IF NOT EXISTS msgpack_begin_ AS
  SELECT e.*, lag(ends, 1, 1) OVER (PARTITION BY path ORDER BY number) AS begins FROM msgpack_end_ AS e;
CREATE TEMP VIEW IF NOT EXISTS msgpack_whole_ AS
  SELECT b.*, sum(begins) OVER (PARTITION BY path ORDER BY number) - 1 AS outermost,
         count(bad) OVER (PARTITION BY path) + sum(begins AND kind NOT IN ('map', 'array')) OVER (PARTITION BY path) = 0
           AND first_value(ends) OVER (PARTITION BY path ORDER BY number DESC) AS whole
    FROM msgpack_begin_ AS b;
CREATE TEMP VIEW IF NOT EXISTS msgpack_value AS
  SELECT w.path, w.number, outermost, k.kind AS type,
         CASE WHEN k.kind = 'text' THEN iif(k.number = 0, '', (SELECT x.text FROM msgpack_text_ AS x WHERE x.path = w.path AND first = begin AND last = k.next))
              WHEN k.kind IN ('binary', 'extension') THEN lower(hex(substr(data, 1, 4096))) WHEN k.kind NOT IN ('map', 'array') THEN coalesce(k.number, float, double) END AS value,
         iif(k.kind IN ('map', 'array'), k.items, NULL) AS items, extension, w.at AS offset, k.next - k.offset AS length
    FROM msgpack_whole_ AS w CROSS JOIN msgpack_token(w.path, at) AS k ON k.rowid = 0 WHERE whole ORDER BY w.path, w.number;
