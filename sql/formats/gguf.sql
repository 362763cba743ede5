-- GGUF: what a model of llama.cpp is, which tensors it has, of which type and shape, and where their bytes are.
--
--     .read sql/formats/gguf.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('**/*.gguf') WHERE error IS NULL;
--     SELECT path, version, tensors, alignment, error FROM gguf_header;
--     SELECT path, key, value FROM gguf_meta WHERE items IS NULL;
--     SELECT path, type, count(*), sum(bytes) FROM gguf_tensor GROUP BY path, type;
--     SELECT number, text FROM gguf_string WHERE key = 'tokenizer.ggml.tokens' LIMIT 9;
--     SELECT name, mmap_get(path, offset, 'f32le[4]') FROM gguf_tensor WHERE type = 'F32' AND bytes >= 16 LIMIT 1;
--
--     gguf_header  a row for each file: version, byte order, how many tensors and pairs, where the data begin
--     gguf_meta    keys, types and values; of an array the type and number of its items, and where the first is
--     gguf_string  the items of arrays of strings
--     gguf_tensor  name, type, shape, where its bytes are, and how many
--
-- Versions 2 and 3, little and big endian. Texts are UTF-8; U+FFFD stands for all of one that is none, or has a NUL in it. Pairs end at
-- the first that cannot be read. Not covered: arrays of arrays, at which they end, too; other files of a model that is split.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

CREATE VIRTUAL TABLE IF NOT EXISTS temp.gguf_head_ USING mmap(*, magic u32be, version u32, tensors u64, pairs u64,
  while=(magic = 0x47475546), count=(1), partial=yes);
-- A pair: a text, a type, a value. An array has a type and a number of items; of items of one size all of it is in the record.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.gguf_pair_ USING mmap(*, key_bytes u64, key text(key_bytes), type u32,
  u8 u8 if(type IN (0, 7)), i8 i8 if(type = 1), u16 u16 if(type = 2), i16 i16 if(type = 3), u32 u32 if(type = 4), i32 i32 if(type = 5),
  f32 f32 if(type = 6), u64 u64 if(type = 10), i64 i64 if(type = 11), f64 f64 if(type = 12), bytes u64 if(type = 8), text text(bytes) if(type = 8),
  item u32 if(type = 9), items u64 if(type = 9), begin AS (pos), width AS (CASE WHEN item IN (0, 1, 7) THEN 1 WHEN item IN (2, 3) THEN 2
    WHEN item IN (4, 5, 6) THEN 4 WHEN item IN (10, 11, 12) THEN 8 END), data blob(items * width) if(width), check=(type < 13), count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.gguf_string_ USING mmap(*, bytes u64, text text(bytes), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.gguf_tensor_ USING mmap(*, name_bytes u64, name text(name_bytes), dimensions u32, shape u64[dimensions], type u32, place u64,
  partial=yes);
-- The text in the bytes first..last - 1.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.gguf_bytes_ USING mmap(*, text text(stop - start), count=(1), partial=yes);
CREATE TEMP VIEW IF NOT EXISTS gguf_text_ AS
  SELECT t.file AS path, t.start AS first, t.stop AS last, iif(mmap_search(t.file,
           '(?x) \G (?: [\x01-\x7f] | [\xc2-\xdf] [\x80-\xbf] | \xe0 [\xa0-\xbf] [\x80-\xbf]
                 | [\xe1-\xec\xee\xef] [\x80-\xbf]{2} | \xed [\x80-\x9f] [\x80-\xbf] | \xf0 [\x90-\xbf] [\x80-\xbf]{2}
                 | [\xf1-\xf3] [\x80-\xbf]{3} | \xf4 [\x80-\x8f] [\x80-\xbf]{2} )*+ \z', t.start, t.stop) >= 0, text, char(0xfffd)) AS text
    FROM gguf_bytes_ AS t WHERE t.error IS NULL;

-- How many elements a block has, and how many bytes.
CREATE TEMP VIEW IF NOT EXISTS gguf_type_ AS
  SELECT column1 AS type, column2 AS name, column3 AS elements, column4 AS bytes FROM (VALUES (0, 'F32', 1, 4), (1, 'F16', 1, 2), (2, 'Q4_0', 32, 18),
    (3, 'Q4_1', 32, 20), (6, 'Q5_0', 32, 22), (7, 'Q5_1', 32, 24), (8, 'Q8_0', 32, 34), (9, 'Q8_1', 32, 36), (10, 'Q2_K', 256, 84),
    (11, 'Q3_K', 256, 110), (12, 'Q4_K', 256, 144), (13, 'Q5_K', 256, 176), (14, 'Q6_K', 256, 210), (15, 'Q8_K', 256, 292),
    (16, 'IQ2_XXS', 256, 66), (17, 'IQ2_XS', 256, 74), (18, 'IQ3_XXS', 256, 98), (19, 'IQ1_S', 256, 50), (20, 'IQ4_NL', 32, 18),
    (21, 'IQ3_S', 256, 110), (22, 'IQ2_S', 256, 82), (23, 'IQ4_XS', 256, 136), (24, 'I8', 1, 1), (25, 'I16', 1, 2), (26, 'I32', 1, 4),
    (27, 'I64', 1, 8), (28, 'F64', 1, 8), (29, 'IQ1_M', 256, 56), (30, 'BF16', 1, 2), (34, 'TQ1_0', 256, 54), (35, 'TQ2_0', 256, 66), (39, 'MXFP4', 32, 17));
CREATE TEMP VIEW IF NOT EXISTS gguf_kind_ AS
  SELECT column1 AS type, column2 AS name FROM (VALUES (0, 'u8'), (1, 'i8'), (2, 'u16'), (3, 'i16'), (4, 'u32'), (5, 'i32'), (6, 'f32'), (7, 'bool'),
    (8, 'string'), (9, 'array'), (10, 'u64'), (11, 'i64'), (12, 'f64'));

-- Names that end in _ are steps on the way; DISTINCT makes SQLite compute each column once. The version, which is small, tells the order.
CREATE TEMP VIEW IF NOT EXISTS gguf_file_ AS
  SELECT DISTINCT path, mmap_length(path) AS file_size, ord, version, tensors, pairs, h.next AS begin, h.error AS wrong
    FROM (SELECT DISTINCT path, iif(mmap_slice(path, 4, 6) = x'0000', 'be', 'le') AS ord FROM target)
         CROSS JOIN gguf_head_(path, 0, 24, ord) AS h WHERE magic IS NOT NULL;
-- One file at a time, as many pairs as it says: where each begins and ends. Strings are walked to find the end of their array.
CREATE TEMP VIEW IF NOT EXISTS gguf_list_ AS
  SELECT DISTINCT f.*, (
           WITH RECURSIVE pair(number, at, behind) AS (
             SELECT -1, NULL, f.begin WHERE f.wrong IS NULL AND version IN (2, 3)
             UNION ALL
             SELECT number + 1, p.offset, CASE WHEN p.error IS NOT NULL OR item = 9 THEN NULL WHEN item = 8 AND items > 0
                      THEN (SELECT s.next FROM gguf_string_(f.path, p.begin, f.file_size, f.ord) AS s WHERE s.rowid = p.items - 1 AND s.error IS NULL)
                      ELSE p.next END
               FROM pair CROSS JOIN gguf_pair_(f.path, behind, f.file_size, f.ord) AS p WHERE number + 1 < f.pairs LIMIT 100001)
           SELECT json_group_array(json_array(number, at, behind)) FROM pair) AS list
    FROM gguf_file_ AS f;
CREATE TEMP VIEW IF NOT EXISTS gguf_pair_at_ AS
  SELECT l.path, l.ord, l.file_size, json_extract(e.value, '$[0]') AS number, json_extract(e.value, '$[1]') AS at, json_extract(e.value, '$[2]') AS behind
    FROM gguf_list_ AS l CROSS JOIN json_each(l.list) AS e WHERE json_extract(e.value, '$[0]') >= 0;
-- Tensors follow the pairs, if all of these could be read; the data begin at a multiple of general.alignment, or of 32.
CREATE TEMP VIEW IF NOT EXISTS gguf_place_ AS
  SELECT DISTINCT l.path, l.ord, l.file_size, version, tensors, pairs, wrong, iif(json_extract(list, '$[#-1][0]') = pairs - 1, json_extract(list, '$[#-1][2]'), NULL) AS tensors_at,
         coalesce((SELECT u32 FROM json_each(l.list) AS e CROSS JOIN gguf_pair_(l.path, json_extract(e.value, '$[1]'), l.file_size, l.ord) AS p
                    WHERE key_bytes = 17 AND p.key = 'general.alignment' AND u32 > 0 AND p.error IS NULL LIMIT 1), 32) AS alignment
    FROM gguf_list_ AS l;
CREATE TEMP VIEW IF NOT EXISTS gguf_data_ AS
  SELECT DISTINCT p.*, (iif(tensors > 0, (SELECT t.next FROM gguf_tensor_(p.path, tensors_at, p.file_size, p.ord) AS t WHERE t.rowid = tensors - 1 AND t.error IS NULL),
                            tensors_at) + alignment - 1) / alignment * alignment AS data_at FROM gguf_place_ AS p;

CREATE TEMP VIEW IF NOT EXISTS gguf_header AS
  SELECT path, version, ord AS endian, tensors, pairs, alignment, data_at AS data_offset,
         CASE WHEN wrong IS NOT NULL THEN 'its header reaches past the end of the file' WHEN version NOT IN (2, 3) THEN 'its version is not read here'
              WHEN tensors_at IS NULL THEN 'its pairs cannot be read to the end' WHEN data_at IS NULL THEN 'its tensors reach past the end of the file' END AS error
    FROM gguf_data_;

CREATE TEMP VIEW IF NOT EXISTS gguf_meta AS
  SELECT a.path, number, iif(key_bytes = 0, '', (SELECT x.text FROM gguf_text_ AS x WHERE x.path = a.path AND first = at + 8
                                    AND last = iif(key_bytes BETWEEN 1 AND a.file_size - at - 8, at + 8 + key_bytes, NULL))) AS key,
         (SELECT name FROM gguf_kind_ AS k WHERE k.type = p.type) AS type,
         CASE WHEN p.type = 8 THEN iif(bytes = 0, '', (SELECT x.text FROM gguf_text_ AS x WHERE x.path = a.path AND first = p.next - bytes AND last = p.next))
              ELSE coalesce(u8, i8, u16, i16, u32, i32, f32, u64, i64, f64) END AS value,
         (SELECT name FROM gguf_kind_ AS k WHERE k.type = item) AS item_type, items, iif(items IS NULL, NULL, p.begin) AS offset,
         CASE WHEN p.type > 12 THEN 'it is of no type' WHEN p.error IS NOT NULL THEN 'it reaches past the end of the file'
              WHEN item = 9 THEN 'arrays of arrays are not read here' WHEN behind IS NULL THEN 'its items reach past the end of the file' END AS error
    FROM gguf_pair_at_ AS a CROSS JOIN gguf_pair_(a.path, at, a.file_size, a.ord) AS p WHERE key_bytes IS NOT NULL;

CREATE TEMP VIEW IF NOT EXISTS gguf_string AS
  SELECT a.path, iif(key_bytes = 0, '', (SELECT x.text FROM gguf_text_ AS x WHERE x.path = a.path AND first = at + 8
                                    AND last = iif(key_bytes BETWEEN 1 AND a.file_size - at - 8, at + 8 + key_bytes, NULL))) AS key, s.rowid AS number,
         iif(s.bytes = 0, '', (SELECT x.text FROM gguf_text_ AS x WHERE x.path = a.path AND first = s.offset + 8 AND last = s.next)) AS text
    FROM gguf_pair_at_ AS a CROSS JOIN gguf_pair_(a.path, at, a.file_size, a.ord) AS p CROSS JOIN gguf_string_(a.path, iif(item = 8, p.begin, NULL), a.file_size, a.ord) AS s
   WHERE s.rowid < items AND s.error IS NULL;

CREATE TEMP VIEW IF NOT EXISTS gguf_size_ AS
  SELECT d.*, t.rowid AS number, t.offset AS at, name_bytes, dimensions, shape, t.type, place, t.error AS bad, k.name AS kind,
         CASE WHEN dimensions <= 4 THEN coalesce(json_extract(shape, '$[0]'), 1) * coalesce(json_extract(shape, '$[1]'), 1) * coalesce(json_extract(shape, '$[2]'), 1)
                                        * coalesce(json_extract(shape, '$[3]'), 1) / k.elements * k.bytes END AS bytes
    FROM gguf_data_ AS d CROSS JOIN gguf_tensor_(path, tensors_at, file_size, ord) AS t LEFT JOIN gguf_type_ AS k ON k.type = t.type
   WHERE t.rowid < tensors AND name_bytes IS NOT NULL;
CREATE TEMP VIEW IF NOT EXISTS gguf_tensor AS
  SELECT path, number, iif(name_bytes = 0, '', (SELECT x.text FROM gguf_text_ AS x WHERE x.path = s.path AND first = at + 8
                                     AND last = iif(name_bytes BETWEEN 1 AND file_size - at - 8, at + 8 + name_bytes, NULL))) AS name,
         coalesce(kind, type) AS type, shape, data_at + place AS offset, bytes,
         CASE WHEN bad IS NOT NULL THEN 'its description reaches past the end of the file' WHEN kind IS NULL THEN 'it is of a type not known here'
              WHEN dimensions > 4 THEN 'it has more than 4 dimensions'
              WHEN place NOT BETWEEN 0 AND file_size - data_at OR bytes NOT BETWEEN 0 AND file_size - data_at - place THEN 'it reaches past the end of the file' END AS error
    FROM gguf_size_ AS s;
