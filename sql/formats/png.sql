-- PNG: how large an image is, what chunks it is made of, whether they are whole, what is written in it.
--
--     .read sql/formats/png.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('/usr/share/pixmaps/*.png') WHERE error IS NULL;
--     SELECT path, width, height, depth, color FROM png_header ORDER BY width * height DESC LIMIT 9;
--     SELECT path, offset, type, error FROM png_chunk WHERE error IS NOT NULL OR NOT crc_ok;
--     SELECT path, keyword, text FROM png_text;
--
--     png_header  a row for each file: what IHDR says
--     png_chunk   offset, length, type, crc, crc_ok and, of a chunk that is not as it should be, `error`
--     png_text    the texts in tEXt
--
-- A file that is no PNG has no rows. The walk goes from chunk to chunk and ends at IEND, at the first that
-- is none or reaches past the end of the file, or after a million of them. IHDR is found where it is, also
-- behind others, as in Apple's CgBI. Texts are in Latin-1, and come as UTF-8 as all TEXT does; so does the type
-- of what is no chunk, whatever its bytes are. sql/patch.sql writes texts.
--
-- Not covered: what is compressed (pixels, zTXt, iCCP), iTXt, what lies behind IEND, MNG and JNG. Of a text
-- the first 65,536 characters are given.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- Views whose names end in _ are steps on the way. Their DISTINCT drops no row: it makes SQLite compute each
-- column once, not at every mention of it, and lets a constraint on path through to target. CASE makes sure
-- that nothing is read before it is known to lie inside the file.
CREATE TEMP VIEW IF NOT EXISTS png_size_ AS
  SELECT DISTINCT path, mmap_length(path) AS file_size FROM target;

CREATE TEMP VIEW IF NOT EXISTS png_file_ AS
  SELECT DISTINCT path, file_size FROM png_size_
   WHERE CASE WHEN file_size < 8 THEN 0 ELSE mmap_get(path, 0, 'u64be') = 0x89504e470d0a1a0a END;

-- Latin-1: each byte is the character of that number. Of the bytes from one offset to another, put together by
-- group_concat.
CREATE TEMP VIEW IF NOT EXISTS png_latin1_ AS
  SELECT path, offset, char(byte) AS character FROM target CROSS JOIN mmap(path);

-- The recursion walks one file at a time, as it stands in a subquery that is evaluated for each; json_each
-- makes rows of what it found.
CREATE TEMP VIEW IF NOT EXISTS png_list_ AS
  SELECT DISTINCT f.path, file_size, (
           WITH RECURSIVE chunk(at) AS (
             SELECT 8 WHERE file_size >= 16
             UNION ALL
             SELECT at + 12 + mmap_get(f.path, at, 'u32be') FROM chunk
              WHERE at + 12 + mmap_get(f.path, at, 'u32be') <= file_size - 8
                AND mmap_get(f.path, at + 4, 'text(4)') GLOB '[A-Za-z][A-Za-z][A-Za-z][A-Za-z]'
                AND mmap_get(f.path, at + 4, 'u32be') <> 0x49454e44
              LIMIT 1000000)
           SELECT json_group_array(at) FROM chunk) AS chunks
    FROM png_file_ AS f;

CREATE TEMP VIEW IF NOT EXISTS png_walk_ AS
  SELECT DISTINCT f.path, file_size, c.key AS number, c.value AS offset,
         mmap_get(f.path, c.value, 'u32be') AS length,
         mmap_get(f.path, c.value + 4, 'u32be') AS code,
         mmap_get(f.path, c.value + 4, 'text(4)') GLOB '[A-Za-z][A-Za-z][A-Za-z][A-Za-z]' AS is_chunk,
         c.value + 12 + mmap_get(f.path, c.value, 'u32be') AS next
    FROM png_list_ AS f CROSS JOIN json_each(f.chunks) AS c;

CREATE TEMP VIEW IF NOT EXISTS png_header AS
  SELECT path, mmap_get(path, at, 'u32be') AS width, mmap_get(path, at + 4, 'u32be') AS height,
         mmap_get(path, at + 8) AS depth,
         CASE mmap_get(path, at + 9) WHEN 0 THEN 'gray' WHEN 2 THEN 'RGB' WHEN 3 THEN 'palette'
                                     WHEN 4 THEN 'gray and alpha' WHEN 6 THEN 'RGBA'
                                     ELSE mmap_get(path, at + 9) END AS color,
         mmap_get(path, at + 12) = 1 AS interlaced
    FROM (SELECT DISTINCT path, file_size,
                 (SELECT c.value + 8 FROM json_each(f.chunks) AS c
                   WHERE mmap_get(f.path, c.value, 'u64be') = 0x0000000d49484452 LIMIT 1) AS at
            FROM png_list_ AS f) AS h
   WHERE at + 17 <= file_size;

CREATE TEMP VIEW IF NOT EXISTS png_chunk AS
  SELECT path, number, offset, length,
         CASE WHEN is_chunk THEN mmap_get(path, offset + 4, 'text(4)')
              ELSE (SELECT group_concat(character, '') FROM png_latin1_ AS l
                     WHERE l.path = w.path AND l.offset BETWEEN w.offset + 4 AND w.offset + 7) END AS type,
         CASE WHEN next <= file_size THEN mmap_get(path, next - 4, 'u32be') END AS crc,
         CASE WHEN next <= file_size
              THEN mmap_get(path, next - 4, 'u32be') = mmap_crc32(path, offset + 4, next - 4) END AS crc_ok,
         CASE WHEN NOT is_chunk THEN 'it is no chunk'
              WHEN next > file_size THEN 'it reaches past the end of the file'
              WHEN code <> 0x49454e44 AND next > file_size - 8 THEN 'the file ends behind it, without IEND'
              WHEN number = 0 AND code <> 0x49484452 THEN 'it stands where IHDR should be'
              WHEN code = 0x49484452 AND length <> 13 THEN 'it has ' || length || ' bytes, not 13'
              WHEN number = 999999 THEN 'there may be more, which are not walked' END AS error
    FROM png_walk_ AS w;

-- A tEXt chunk is a keyword, a NUL and a text, both in Latin-1. Without a NUL all of it is the keyword.
CREATE TEMP VIEW IF NOT EXISTS png_text_ AS
  SELECT DISTINCT path, offset + 8 AS start, next - 4 AS stop,
         coalesce(nullif(mmap_find(path, x'00', offset + 8, next - 4), -1), next - 4) AS middle
    FROM png_walk_ WHERE code = 0x74455874 AND next <= file_size;

CREATE TEMP VIEW IF NOT EXISTS png_text AS
  SELECT path, start - 8 AS offset,
         (SELECT group_concat(character, '') FROM png_latin1_ AS l
           WHERE l.path = t.path AND l.offset BETWEEN start AND min(middle, start + 79) - 1) AS keyword,
         (SELECT group_concat(character, '') FROM png_latin1_ AS l
           WHERE l.path = t.path AND l.offset BETWEEN middle + 1 AND min(stop, middle + 65537) - 1) AS text
    FROM png_text_ AS t;
