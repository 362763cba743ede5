-- DEX: which classes, methods, fields and strings are in programs of Android, and which they refer to.
--
--     .read sql/formats/dex.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('**/*.dex') WHERE error IS NULL;
--     SELECT path, version, strings, methods, classes, error FROM dex_header;
--     SELECT name, super, source FROM dex_class WHERE modifiers GLOB '*abstract*';
--     SELECT class, count(*) FROM dex_method GROUP BY class ORDER BY 2 DESC LIMIT 9;
--     SELECT path, number, text FROM dex_string WHERE text GLOB 'http*';
--
--     dex_header  a row for each file: version, how much of each kind is in it
--     dex_string  texts, with their length in UTF-16
--     dex_type    types, as descriptors
--     dex_proto   what methods take and return, as descriptors
--     dex_field   fields that are defined or used: class, name, type
--     dex_method  methods that are defined or used: class, name, descriptor
--     dex_class   classes that are defined: name, what it extends and implements, modifiers, source
--     dex_map     the file's own table of its parts
--
-- Versions 035 to 040, in little endian, which all are. Names are cut at 1,024 bytes. Not covered: code, annotations, values, which
-- methods of a class are defined; files inside APKs (zip.sql), whose members are compressed; several files in one, of version 041.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

CREATE VIRTUAL TABLE IF NOT EXISTS temp.dex_head_ USING mmap(*, magic u32be, version latin1(3), zero u8, checksum u32le, signature blob(20),
  file_size u32le, head_size u32le, endian_mark u32le, link_size u32le, link_at u32le, map_at u32le, strings u32le, strings_at u32le,
  types u32le, types_at u32le, protos u32le, protos_at u32le, fields u32le, fields_at u32le, methods u32le, methods_at u32le,
  classes u32le, classes_at u32le, data_size u32le, data_at u32le, while=(magic = 0x6465780a AND zero = 0), count=(1), partial=yes);
-- A string is known by where it is, a type by the number of its string, all else by numbers of those two. A string is its
-- length in UTF-16, and its text up to a NUL.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.dex_u32_ USING mmap(*, value u32le, partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.dex_string_ USING mmap(*, place u32le, length uleb128 at_file(place), begin AS (pos), text cstr at_file(begin),
  behind AS (pos), record=(4), count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.dex_type_ USING mmap(*, strings u32le at_file(56), strings_at u32le at_file(60), string u32le at(0),
  place u32le at_file(strings_at + 4 * string) if(string < strings), length uleb128 at_file(place), begin AS (pos), text cstr at_file(begin), behind AS (pos),
  record=(4), count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.dex_proto_ USING mmap(*, shorty u32le, returns u32le, place u32le, partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.dex_list_ USING mmap(*, items u32le at_file(start - 4), type u16le at(0), while=(rowid < items), count=(255),
  partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.dex_field_ USING mmap(*, class u16le, type u16le, name u32le, partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.dex_method_ USING mmap(*, class u16le, proto u16le, name u32le, partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.dex_class_ USING mmap(*, class u32le, access u32le, super u32le, interfaces u32le, source u32le, annotations u32le,
  data u32le, statics u32le, partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.dex_map_ USING mmap(*, items u32le at_file(start - 4), type u16le at(0), unused u16le, count u32le, place u32le,
  while=(rowid < items), partial=yes);

-- Modified UTF-8 has NUL in two bytes, here U+2400, and what is beyond U+FFFF as two surrogates; U+FFFD stands for one alone, and
-- for bytes that are none.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.dex_bytes_ USING mmap(*, utf8 text(stop - start), count=(1), partial=yes);
CREATE TEMP VIEW IF NOT EXISTS dex_text_ AS
  SELECT t.file AS path, t.start AS first, t.stop AS last,
         CASE WHEN utf8 NOT GLOB '*[^' || char(1) || '-~]*' OR mmap_search(t.file,
                '(?x) \G (?: [\x01-\x7f] | [\xc2-\xdf] [\x80-\xbf] | \xe0 [\xa0-\xbf] [\x80-\xbf]
                      | [\xe1-\xec\xee\xef] [\x80-\xbf]{2} | \xed [\x80-\x9f] [\x80-\xbf] )*+ \z', t.start, t.stop) >= 0 THEN utf8
              ELSE (SELECT group_concat(CASE
                      WHEN g1 IS NOT NULL THEN (SELECT s.utf8 FROM dex_bytes_(t.file, m.offset, m.offset + m.length) AS s)
                      WHEN g2 IS NOT NULL THEN char(0x10000 + ((mmap_get(t.file, m.offset + 1) & 15) << 16) + ((mmap_get(t.file, m.offset + 2) & 63) << 10)
                                                    + ((mmap_get(t.file, m.offset + 4) & 15) << 6) + (mmap_get(t.file, m.offset + 5) & 63))
                      ELSE char(iif(match = x'c080', 0x2400, 0xfffd)) END, '')
                      FROM mmap_search_all(t.file, '(?xs) ( [\x01-\x7f]++ | [\xc2-\xdf] [\x80-\xbf] | \xe0 [\xa0-\xbf] [\x80-\xbf]
                             | [\xe1-\xec\xee\xef] [\x80-\xbf]{2} | \xed [\x80-\x9f] [\x80-\xbf] )
                             | ( \xed [\xa0-\xaf] [\x80-\xbf] \xed [\xb0-\xbf] [\x80-\xbf] ) | \xed [\xa0-\xbf] [\x80-\xbf] | \xc0 \x80 | .',
                           t.start, t.stop) AS m) END AS text
    FROM dex_bytes_ AS t WHERE t.error IS NULL;

CREATE TEMP VIEW IF NOT EXISTS dex_string_text_ AS
  SELECT s.file AS path, s.start AS place, iif(behind - begin < 2, '', (SELECT x.text FROM dex_text_ AS x
           WHERE x.path = s.file AND first = begin AND last = begin + min(behind - begin - 1, 1024))) AS text
    FROM dex_string_ AS s WHERE s.error IS NULL;
CREATE TEMP VIEW IF NOT EXISTS dex_type_text_ AS
  SELECT s.file AS path, s.start AS place, iif(behind - begin < 2, '', (SELECT x.text FROM dex_text_ AS x
           WHERE x.path = s.file AND first = begin AND last = begin + min(behind - begin - 1, 1024))) AS text
    FROM dex_type_ AS s WHERE s.error IS NULL;

CREATE TEMP VIEW IF NOT EXISTS dex_flag_ AS
  SELECT column1 AS bit, column2 AS name FROM (VALUES (1, 'public'), (2, 'private'), (4, 'protected'), (8, 'static'), (16, 'final'),
    (0x200, 'interface'), (0x400, 'abstract'), (0x1000, 'synthetic'), (0x2000, 'annotation'), (0x4000, 'enum'));
CREATE TEMP VIEW IF NOT EXISTS dex_part_ AS
  SELECT column1 AS type, column2 AS name FROM (VALUES (0, 'header'), (1, 'strings'), (2, 'types'), (3, 'protos'), (4, 'fields'), (5, 'methods'),
    (6, 'classes'), (7, 'call sites'), (8, 'method handles'), (0x1000, 'map'), (0x1001, 'type lists'), (0x1002, 'annotation set references'),
    (0x1003, 'annotation sets'), (0x2000, 'class data'), (0x2001, 'code'), (0x2002, 'string data'), (0x2003, 'debug info'),
    (0x2004, 'annotations'), (0x2005, 'encoded arrays'), (0x2006, 'annotation directories'), (0xf000, 'hidden API data'));

-- Names that end in _ are steps on the way; DISTINCT makes SQLite compute each column once.
CREATE TEMP VIEW IF NOT EXISTS dex_file_ AS
  SELECT DISTINCT path, mmap_length(path) AS bytes, map_at, strings, strings_at, types, types_at, protos, protos_at, fields, fields_at, methods,
         methods_at, classes, classes_at FROM target CROSS JOIN dex_head_(path) AS h WHERE h.error IS NULL AND h.endian_mark = 0x12345678;

CREATE TEMP VIEW IF NOT EXISTS dex_header AS
  SELECT path, version, checksum, lower(hex(signature)) AS sha1, file_size AS size, strings, types, protos, fields, methods, classes,
         CASE WHEN h.error IS NOT NULL THEN 'its header reaches past the end of the file'
              WHEN h.endian_mark <> 0x12345678 THEN 'its order of bytes is not read here'
              WHEN file_size > mmap_length(path) THEN 'it reaches past the end of the file'
              WHEN max(strings_at + 4 * strings, types_at + 4 * types, protos_at + 12 * protos, fields_at + 8 * fields, methods_at + 8 * methods,
                       classes_at + 32 * classes) > mmap_length(path) THEN 'one of its tables reaches past the end of the file' END AS error
    FROM target CROSS JOIN dex_head_(path) AS h WHERE zero IS NOT NULL;

-- No two strings are in one place; a damaged file may have many that overlap, and each ends where the next one begins.
CREATE TEMP VIEW IF NOT EXISTS dex_string_at_ AS
  SELECT path, s.rowid AS number, s.offset AS at, value AS place, lead(value) OVER (PARTITION BY path ORDER BY value) AS limit_
    FROM dex_file_ AS f CROSS JOIN dex_u32_(path, strings_at, strings_at + 4 * strings) AS s WHERE s.error IS NULL;
CREATE TEMP VIEW IF NOT EXISTS dex_string AS
  SELECT f.path, number, CASE WHEN behind - begin < 2 THEN '' WHEN begin < coalesce(limit_, behind)
                              THEN (SELECT x.text FROM dex_text_ AS x WHERE x.path = f.path AND first = begin AND last = min(behind - 1, coalesce(limit_, behind)))
                         END AS text,
         length, f.place AS offset,
         CASE WHEN s.error IS NOT NULL THEN 'it reaches past the end of the file' WHEN limit_ < behind THEN 'another one begins in it' END AS error
    FROM dex_string_at_ AS f CROSS JOIN dex_string_(path, at) AS s ORDER BY f.path, number;

CREATE TEMP VIEW IF NOT EXISTS dex_type AS
  SELECT path, s.rowid AS number, (SELECT text FROM dex_type_text_ AS x WHERE x.path = f.path AND x.place = s.offset) AS descriptor,
         CASE WHEN s.error IS NOT NULL THEN 'it reaches past the end of the file' WHEN value >= strings THEN 'it names what is not there' END AS error
    FROM dex_file_ AS f CROSS JOIN dex_u32_(path, types_at, types_at + 4 * types) AS s;

CREATE TEMP VIEW IF NOT EXISTS dex_proto AS
  SELECT path, p.rowid AS number,
         '(' || iif(p.place, coalesce((SELECT group_concat(coalesce((SELECT text FROM dex_type_text_ AS x WHERE x.path = f.path AND x.place = iif(l.type < types, types_at + 4 * l.type, NULL)), '?'), '')
           FROM dex_list_(f.path, p.place + 4) AS l WHERE l.error IS NULL), ''), '') || ')' || (SELECT text FROM dex_type_text_ AS x WHERE x.path = f.path AND x.place = iif(p.returns < types, types_at + 4 * p.returns, NULL)) AS descriptor,
         (SELECT text FROM dex_string_text_ AS x WHERE x.path = f.path AND x.place = iif(p.shorty < strings, strings_at + 4 * p.shorty, NULL)) AS shorty,
         CASE WHEN p.error IS NOT NULL THEN 'it reaches past the end of the file' WHEN p.returns >= types OR p.shorty >= strings THEN 'it names what is not there'
              WHEN p.place AND coalesce((SELECT p.place + 4 + 2 * value FROM dex_u32_(f.path, p.place) LIMIT 1) > bytes, 1)
              THEN 'its list of types reaches past the end of the file' END AS error
    FROM dex_file_ AS f CROSS JOIN dex_proto_(path, protos_at, protos_at + 12 * protos) AS p;

CREATE TEMP VIEW IF NOT EXISTS dex_field AS
  SELECT path, d.rowid AS number, (SELECT text FROM dex_type_text_ AS x WHERE x.path = f.path AND x.place = iif(d.class < types, types_at + 4 * d.class, NULL)) AS class,
         (SELECT text FROM dex_string_text_ AS x WHERE x.path = f.path AND x.place = iif(d.name < strings, strings_at + 4 * d.name, NULL)) AS name,
         (SELECT text FROM dex_type_text_ AS x WHERE x.path = f.path AND x.place = iif(d.type < types, types_at + 4 * d.type, NULL)) AS type,
         CASE WHEN d.error IS NOT NULL THEN 'it reaches past the end of the file' WHEN d.class >= types OR d.type >= types OR d.name >= strings THEN 'it names what is not there' END AS error
    FROM dex_file_ AS f CROSS JOIN dex_field_(path, fields_at, fields_at + 8 * fields) AS d;

CREATE TEMP VIEW IF NOT EXISTS dex_method AS
  SELECT path, m.rowid AS number, (SELECT text FROM dex_type_text_ AS x WHERE x.path = f.path AND x.place = iif(m.class < types, types_at + 4 * m.class, NULL)) AS class,
         (SELECT text FROM dex_string_text_ AS x WHERE x.path = f.path AND x.place = iif(m.name < strings, strings_at + 4 * m.name, NULL)) AS name,
         '(' || iif(p.place, coalesce((SELECT group_concat(coalesce((SELECT text FROM dex_type_text_ AS x WHERE x.path = f.path AND x.place = iif(l.type < types, types_at + 4 * l.type, NULL)), '?'), '')
           FROM dex_list_(f.path, p.place + 4) AS l WHERE l.error IS NULL), ''), '') || ')' || (SELECT text FROM dex_type_text_ AS x WHERE x.path = f.path AND x.place = iif(p.returns < types, types_at + 4 * p.returns, NULL)) AS descriptor,
         CASE WHEN m.error IS NOT NULL THEN 'it reaches past the end of the file' WHEN m.class >= types OR m.proto >= protos OR m.name >= strings THEN 'it names what is not there' END AS error
    FROM dex_file_ AS f CROSS JOIN dex_method_(path, methods_at, methods_at + 8 * methods) AS m
         LEFT JOIN dex_proto_(path, iif(m.proto < protos, protos_at + 12 * m.proto, NULL)) AS p ON p.rowid = 0;

CREATE TEMP VIEW IF NOT EXISTS dex_class AS
  SELECT path, c.rowid AS number, (SELECT text FROM dex_type_text_ AS x WHERE x.path = f.path AND x.place = iif(c.class < types, types_at + 4 * c.class, NULL)) AS name,
         (SELECT text FROM dex_type_text_ AS x WHERE x.path = f.path AND x.place = iif(c.super < types, types_at + 4 * c.super, NULL)) AS super,
         (SELECT group_concat(name, ' ') FROM dex_flag_ WHERE bit & c.access) AS modifiers,
         CASE WHEN c.interfaces THEN (SELECT group_concat(coalesce((SELECT text FROM dex_type_text_ AS x WHERE x.path = f.path AND x.place = iif(l.type < types, types_at + 4 * l.type, NULL)), '?'), ' ')
           FROM dex_list_(f.path, c.interfaces + 4) AS l WHERE l.error IS NULL) END AS interfaces,
         (SELECT text FROM dex_string_text_ AS x WHERE x.path = f.path AND x.place = iif(c.source < strings, strings_at + 4 * c.source, NULL)) AS source, nullif(c.data, 0) AS data_offset,
         CASE WHEN c.error IS NOT NULL THEN 'it reaches past the end of the file' WHEN c.class >= types OR c.super <> 0xffffffff AND c.super >= types THEN 'it names what is not there' END AS error
    FROM dex_file_ AS f CROSS JOIN dex_class_(path, classes_at, classes_at + 32 * classes) AS c;

CREATE TEMP VIEW IF NOT EXISTS dex_map AS
  SELECT path, m.rowid AS number, coalesce((SELECT name FROM dex_part_ AS n WHERE n.type = m.type), printf('0x%x', m.type)) AS type, m.count AS items, m.place AS offset,
         CASE WHEN m.error IS NOT NULL OR m.place > bytes THEN 'it reaches past the end of the file' END AS error
    FROM dex_file_ AS f CROSS JOIN dex_map_(path, iif(map_at, map_at + 4, NULL)) AS m WHERE m.type IS NOT NULL;
