-- BSON: the documents of MongoDB's dumps (mongodump), their fields, and those of documents in them.
--
--     .read sql/formats/bson.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('**/*.bson') WHERE error IS NULL;
--     SELECT path, count(*), max(length) FROM bson_document GROUP BY path;
--     SELECT document, name, type, value FROM bson_value WHERE document < 3;
--     SELECT value, count(*) FROM bson_value WHERE name = 'status' GROUP BY value ORDER BY 2 DESC LIMIT 9;
--     SELECT path, number, error FROM bson_document WHERE error IS NOT NULL;
--
--     bson_document  a row for each document: where it is, how long
--     bson_value     every field, those in documents and arrays too: name, as in a.b.0, type, value
--
-- A file is one if it begins with a whole document, which begins with a field or is empty. Depth up to 32. Texts are UTF-8; U+FFFD stands for all
-- of one that is none, or has a NUL in it. Values are what SQL has: dates as text, UTC; object ids, decimals and binaries as hexadecimal digits; a document or
-- an array is its number of bytes.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- A document is its length, its fields, and a NUL; a file, one after another.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.bson_document_ USING mmap(*, length i32le, body blob(length - 5), ending u8, check=(ending = 0), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.bson_first_ USING mmap(*, length i32le, type u8, ending u8 at(length - 1) if(length BETWEEN 5 AND size),
  while=(length BETWEEN 5 AND size AND ending = 0 AND (type BETWEEN 1 AND 19 OR type IN (127, 255) OR length = 5)), record=(length), count=(1), partial=yes);
-- A field is its type, its name and its value, by the type.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.bson_field_ USING mmap(*, type u8, name_at AS (pos), name cstr, begin AS (pos), double f64le if(type = 1),
  bytes i32le if(type IN (2, 3, 4, 5, 12, 13, 14, 15)), subtype u8 if(type = 5),
  text blob(bytes) if(type IN (2, 12, 13, 14)), text_end u8 at(pos - offset - 1) if(type IN (2, 12, 13, 14)),
  inner blob(bytes - 4) if(type IN (3, 4, 15)), inner_end u8 at(pos - offset - 1) if(type IN (3, 4, 15)), binary blob(bytes) if(type = 5),
  id blob(12) if(type IN (7, 12)), boolean u8 if(type = 8), date i64le if(type = 9), pattern cstr if(type = 11), pattern_end AS (pos), options cstr if(type = 11),
  int32 i32le if(type = 16), increment u32le if(type = 17), stamp u32le if(type = 17), int64 i64le if(type = 18), decimal blob(16) if(type = 19),
  check=((type BETWEEN 1 AND 19 OR type IN (127, 255)) AND (type NOT IN (2, 12, 13, 14) OR bytes > 0)), partial=yes);

-- The text in the bytes first..last - 1.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.bson_bytes_ USING mmap(*, text text(stop - start), count=(1), partial=yes);
CREATE TEMP VIEW IF NOT EXISTS bson_text_ AS
  SELECT t.file AS path, t.start AS first, t.stop AS last, iif(mmap_search(t.file,
           '(?x) \G (?: [\x01-\x7f] | [\xc2-\xdf] [\x80-\xbf] | \xe0 [\xa0-\xbf] [\x80-\xbf]
                 | [\xe1-\xec\xee\xef] [\x80-\xbf]{2} | \xed [\x80-\x9f] [\x80-\xbf] | \xf0 [\x90-\xbf] [\x80-\xbf]{2}
                 | [\xf1-\xf3] [\x80-\xbf]{3} | \xf4 [\x80-\x8f] [\x80-\xbf]{2} )*+ \z', t.start, t.stop) >= 0, text, char(0xfffd)) AS text
    FROM bson_bytes_ AS t WHERE t.error IS NULL;

CREATE TEMP VIEW IF NOT EXISTS bson_type_ AS
  SELECT column1 AS type, column2 AS name FROM (VALUES (1, 'double'), (2, 'string'), (3, 'document'), (4, 'array'), (5, 'binary'), (6, 'undefined'),
    (7, 'object id'), (8, 'boolean'), (9, 'date'), (10, 'null'), (11, 'regex'), (12, 'pointer'), (13, 'code'), (14, 'symbol'),
    (15, 'code with scope'), (16, 'int32'), (17, 'timestamp'), (18, 'int64'), (19, 'decimal'), (127, 'max'), (255, 'min'));

-- Names that end in _ are steps on the way; DISTINCT makes SQLite compute each column once.
CREATE TEMP VIEW IF NOT EXISTS bson_file_ AS
  SELECT DISTINCT path FROM target CROSS JOIN bson_first_(path) AS f WHERE f.error IS NULL;
CREATE TEMP VIEW IF NOT EXISTS bson_document AS
  SELECT path, d.rowid AS number, d.offset, length,
         CASE WHEN length < 5 THEN 'it has ' || length || ' bytes, fewer than a document has' WHEN ending <> 0 THEN 'it does not end with NUL'
              WHEN d.error IS NOT NULL THEN 'it reaches past the end of the file' END AS error
    FROM bson_file_ AS f CROSS JOIN bson_document_(path) AS d;

-- One document at a time, with a row for each field: the recursion stands in a subquery, json_each makes rows of what it found.
CREATE TEMP VIEW IF NOT EXISTS bson_list_ AS
  SELECT DISTINCT f.path, d.rowid AS document, (
           WITH RECURSIVE tree(depth, name, at, until, inner, behind) AS (
             SELECT 0, iif(v.begin - v.name_at = 1, '', (SELECT x.text FROM bson_text_ AS x WHERE x.path = f.path AND first = v.name_at AND last = v.begin - 1)),
                    v.offset, d.next - 1, iif(v.type IN (3, 4) AND v.error IS NULL, v.begin + 4, NULL), v.next - 1
               FROM bson_field_(f.path, d.offset + 4, d.next - 1) AS v WHERE v.begin IS NOT NULL
             UNION ALL
             SELECT depth + 1, tree.name || '.' || iif(v.begin - v.name_at = 1, '',
                      (SELECT x.text FROM bson_text_ AS x WHERE x.path = f.path AND first = v.name_at AND last = v.begin - 1)),
                    v.offset, tree.behind, iif(v.type IN (3, 4) AND v.error IS NULL, v.begin + 4, NULL), v.next - 1
               FROM tree CROSS JOIN bson_field_(f.path, iif(depth < 32, tree.inner, NULL), tree.behind) AS v WHERE v.begin IS NOT NULL LIMIT 1000000)
           SELECT json_group_array(json_array(name, at, until)) FROM tree) AS fields
    FROM bson_file_ AS f CROSS JOIN bson_document_(path) AS d WHERE d.error IS NULL;
CREATE TEMP VIEW IF NOT EXISTS bson_value AS
  SELECT l.path, document, json_extract(e.value, '$[0]') AS name, (SELECT name FROM bson_type_ AS n WHERE n.type = v.type) AS type,
         CASE WHEN v.error IS NOT NULL THEN NULL
              WHEN v.type IN (2, 12, 13, 14) THEN iif(bytes = 1, '', (SELECT x.text FROM bson_text_ AS x
                WHERE x.path = l.path AND first = begin + 4 AND last = begin + 3 + bytes)) || iif(v.type = 12, ' ' || lower(hex(v.id)), '')
              WHEN v.type = 5 THEN lower(hex(substr(binary, 1, 4096))) WHEN v.type = 7 THEN lower(hex(v.id)) WHEN v.type = 19 THEN lower(hex(decimal))
              WHEN v.type = 9 THEN strftime('%Y-%m-%d %H:%M:%f', date / 1000.0, 'unixepoch')
              WHEN v.type = 11 THEN '/' || iif(pattern_end - begin = 1, '', (SELECT x.text FROM bson_text_ AS x
                WHERE x.path = l.path AND first = begin AND last = pattern_end - 1)) || '/' || coalesce((SELECT x.text FROM bson_text_ AS x
                WHERE x.path = l.path AND first = pattern_end AND last = nullif(v.next - 1, pattern_end)), '')
              WHEN v.type = 17 THEN stamp || ':' || increment ELSE coalesce(double, bytes, boolean, int32, int64) END AS value,
         v.begin AS offset, iif(v.error IS NULL, v.next - begin, NULL) AS length,
         CASE WHEN v.error IS NOT NULL THEN 'it is of no type, or reaches past the end of its document'
              WHEN v.type IN (3, 4, 15) AND bytes < iif(v.type = 15, 14, 5) THEN 'it has ' || bytes || ' bytes, fewer than such a value has'
              WHEN text_end <> 0 OR inner_end <> 0 THEN 'it does not end with NUL' WHEN boolean > 1 THEN 'it is neither 0 nor 1' END AS error
    FROM bson_list_ AS l CROSS JOIN json_each(l.fields) AS e CROSS JOIN bson_field_(l.path, json_extract(e.value, '$[1]'), json_extract(e.value, '$[2]')) AS v ON v.rowid = 0;
