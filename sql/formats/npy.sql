-- NumPy's .npy: of which type and shape the array in a file is, and where its bytes are.
--
--     .read sql/formats/npy.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('**/*.npy') WHERE error IS NULL;
--     SELECT path, type, shape, fortran_order, offset, bytes FROM npy_array;
--     SELECT mmap_get(path, offset, 'f64le[4]') FROM npy_array WHERE type = '<f8' AND bytes >= 32;
--
--     npy_array  type as NumPy spells it (of a structured one its whole description), shape as JSON, offset, bytes
--
-- Versions 1 to 3. The header is taken as NumPy writes it, its keys in any order. Not covered: .npz, which is a zip, and
-- arrays of Python's objects, whose bytes are a pickle.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

CREATE VIRTUAL TABLE IF NOT EXISTS temp.npy_head_ USING mmap(*, magic u48be, major u8, minor u8, short u16le if(major = 1),
  long u32le if(major > 1), length AS (iif(major = 1, short, long)), header latin1(min(length, 1000000)),
  while=(magic = 0x934e554d5059 AND major BETWEEN 1 AND 3), count=(1), partial=yes);

-- The text of each value: up to what ends it.
CREATE TEMP VIEW IF NOT EXISTS npy_value_ AS
  SELECT DISTINCT path, error, mmap_length(path) AS file_size, iif(major = 1, 10, 12) + length AS data,
         ltrim(substr(header, nullif(instr(header, '''descr'':'), 0) + 8)) AS descr,
         ltrim(substr(header, nullif(instr(header, '''fortran_order'':'), 0) + 16)) AS fortran,
         ltrim(substr(header, nullif(instr(header, '''shape'':'), 0) + 8)) AS shape
    FROM target CROSS JOIN npy_head_(path) WHERE magic = 0x934e554d5059;

CREATE TEMP VIEW IF NOT EXISTS npy_array_ AS
  SELECT DISTINCT path, CASE WHEN descr GLOB '''*''*' THEN substr(descr, 2, instr(substr(descr, 2), '''') - 1)
                    WHEN descr GLOB '[[]*)[]]*' THEN substr(descr, 1, instr(descr, ')]') + 1) END AS type,
         CASE WHEN shape GLOB '(*)*' THEN '[' || replace(replace(rtrim(substr(shape, 2, instr(shape, ')') - 2), ', '), ' ', ''), 'L', '') || ']' END AS shape,
         CASE WHEN fortran GLOB 'True*' THEN 1 WHEN fortran GLOB 'False*' THEN 0 END AS fortran_order,
         data AS offset, max(file_size - data, 0) AS bytes, error
    FROM npy_value_;

-- An item of a type such as <f8 has 8 bytes, of <U8 32; what one of a structured type has is left open.
CREATE TEMP VIEW IF NOT EXISTS npy_array AS
  SELECT path, type, iif(json_valid(shape), shape, NULL) AS shape, fortran_order, offset, bytes,
         CASE WHEN error IS NOT NULL THEN 'its header reaches past the end of the file'
              WHEN type IS NULL OR fortran_order IS NULL OR json_valid(shape) IS NOT 1 THEN 'its header is none of an array'
              WHEN EXISTS (SELECT 1 FROM json_each(shape) AS d WHERE d.type <> 'integer' OR d.value < 0) THEN 'its shape is none'
              WHEN type GLOB '[<>|=][a-zA-Z][0-9]*' AND bytes < CAST(substr(type, 3) AS INTEGER) * iif(type GLOB '?U*', 4, 1) * (
                WITH RECURSIVE product(i, items) AS (
                  SELECT 0, 1.0 UNION ALL SELECT i + 1, items * json_extract(shape, '$[' || i || ']') FROM product WHERE i < json_array_length(shape))
                SELECT items FROM product ORDER BY i DESC LIMIT 1) THEN 'its data reach past the end of the file' END AS error
    FROM npy_array_;
