-- safetensors: what tensors a file of a model has, of which type and shape, and where their bytes are.
--
--     .read sql/formats/safetensors.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('**/*.safetensors') WHERE error IS NULL;
--     SELECT path, name, type, shape, bytes FROM safetensors_tensor ORDER BY bytes DESC LIMIT 9;
--     SELECT path, key, value FROM safetensors_meta;
--     SELECT name, mmap_get(path, offset, 'f32le[4]') FROM safetensors_tensor WHERE type = 'F32' AND bytes >= 16 LIMIT 1;
--
--     safetensors_tensor  name, type, shape, where its bytes are, and `error` if they cannot be there
--     safetensors_meta    keys and values of __metadata__
--
-- A file is one if its first 8 bytes are the length of a JSON object, in UTF-8, that is inside it; of up to 100 MB, as the library has it.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

CREATE VIRTUAL TABLE IF NOT EXISTS temp.safetensors_head_ USING mmap(*, length u64le, brace u8 at_file(8), header text(length) at(8),
  while=(length BETWEEN 2 AND 100000000 AND brace = 0x7b), count=(1), partial=yes);

CREATE TEMP VIEW IF NOT EXISTS safetensors_file_ AS
  SELECT DISTINCT path, mmap_length(path) AS file_size, length + 8 AS data_at,
         iif(json_valid(header) AND mmap_search(path,
               '(?x) \G (?: [\x01-\x7f] | [\xc2-\xdf] [\x80-\xbf] | \xe0 [\xa0-\xbf] [\x80-\xbf]
                     | [\xe1-\xec\xee\xef] [\x80-\xbf]{2} | \xed [\x80-\x9f] [\x80-\xbf] | \xf0 [\x90-\xbf] [\x80-\xbf]{2}
                     | [\xf1-\xf3] [\x80-\xbf]{3} | \xf4 [\x80-\x8f] [\x80-\xbf]{2} )*+ \z', 8, length + 8) >= 0, header, '{}') AS header
    FROM target CROSS JOIN safetensors_head_(path) AS h WHERE h.error IS NULL;

CREATE TEMP VIEW IF NOT EXISTS safetensors_meta AS
  SELECT f.path, m.key, m.value FROM safetensors_file_ AS f CROSS JOIN json_each(f.header, '$.__metadata__') AS m;

-- How many bits an item has; of types that are not here that is left open.
CREATE TEMP VIEW IF NOT EXISTS safetensors_bits_ AS
  SELECT column1 AS type, column2 AS bits FROM (VALUES ('BOOL', 8), ('U8', 8), ('I8', 8), ('F8_E5M2', 8), ('F8_E4M3', 8), ('U16', 16), ('I16', 16),
    ('F16', 16), ('BF16', 16), ('U32', 32), ('I32', 32), ('F32', 32), ('U64', 64), ('I64', 64), ('F64', 64), ('C64', 64));

CREATE TEMP VIEW IF NOT EXISTS safetensors_tensor AS
  SELECT path, name, type, shape, data_at + first AS offset, last - first AS bytes,
         CASE WHEN typeof(first) <> 'integer' OR typeof(last) <> 'integer' OR first < 0 OR last < first THEN 'it is not described as a tensor is'
              WHEN last > file_size - data_at THEN 'it reaches past the end of the file'
              WHEN json_valid(shape) IS NOT 1 THEN 'its shape is none' WHEN json_type(shape) <> 'array' THEN 'its shape is none'
              WHEN EXISTS (SELECT 1 FROM json_each(shape) AS d WHERE d.type <> 'integer' OR d.value < 0) THEN 'its shape is none'
              WHEN (last - first) * 8.0 <> (SELECT bits FROM safetensors_bits_ AS b WHERE b.type = u.type) * (
                WITH RECURSIVE product(i, items) AS (
                  SELECT 0, 1.0 UNION ALL SELECT i + 1, items * json_extract(shape, '$[' || i || ']') FROM product WHERE i < json_array_length(shape))
                SELECT items FROM product ORDER BY i DESC LIMIT 1) THEN 'it has not as many bytes as its shape needs' END AS error
    FROM (SELECT DISTINCT f.path, file_size, data_at, t.key AS name, json_extract(t.value, '$.dtype') AS type, json_extract(t.value, '$.shape') AS shape,
                 json_extract(t.value, '$.data_offsets[0]') AS first, json_extract(t.value, '$.data_offsets[1]') AS last
            FROM safetensors_file_ AS f CROSS JOIN json_each(f.header) AS t WHERE t.key <> '__metadata__' AND t.type = 'object') AS u;
