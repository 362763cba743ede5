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
-- is none or reaches past the end of the file, or after a million of them.
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

CREATE TEMP VIEW IF NOT EXISTS png_header AS
  SELECT path, mmap_get(path, 16, 'u32be') AS width, mmap_get(path, 20, 'u32be') AS height,
         mmap_get(path, 24) AS depth,
         CASE mmap_get(path, 25) WHEN 0 THEN 'gray' WHEN 2 THEN 'RGB' WHEN 3 THEN 'palette'
                                 WHEN 4 THEN 'gray and alpha' WHEN 6 THEN 'RGBA'
                                 ELSE mmap_get(path, 25) END AS color,
         mmap_get(path, 28) = 1 AS interlaced
    FROM png_file_
   WHERE CASE WHEN file_size < 33 THEN 0 ELSE mmap_get(path, 8, 'u64be') = 0x0000000d49484452 END;

-- The recursion walks one file at a time, as it stands in a subquery that is evaluated for each; json_each
-- makes rows of what it found.
CREATE TEMP VIEW IF NOT EXISTS png_walk_ AS
  SELECT DISTINCT f.path, file_size, walk.key AS number, walk.value AS offset,
         mmap_get(f.path, walk.value, 'u32be') AS length,
         mmap_get(f.path, walk.value + 4, 'text(4)') AS type,
         walk.value + 12 + mmap_get(f.path, walk.value, 'u32be') AS next
    FROM png_file_ AS f CROSS JOIN json_each((
           WITH RECURSIVE chunk(at) AS (
             SELECT 8 WHERE file_size >= 16
             UNION ALL
             SELECT at + 12 + mmap_get(f.path, at, 'u32be') FROM chunk
              WHERE at + 12 + mmap_get(f.path, at, 'u32be') <= file_size - 8
                AND mmap_get(f.path, at + 4, 'text(4)') GLOB '[A-Za-z][A-Za-z][A-Za-z][A-Za-z]'
                AND mmap_get(f.path, at + 4, 'u32be') <> 0x49454e44
              LIMIT 1000000)
           SELECT json_group_array(at) FROM chunk)) AS walk;

CREATE TEMP VIEW IF NOT EXISTS png_chunk AS
  SELECT path, number, offset, length, type,
         CASE WHEN next <= file_size THEN mmap_get(path, next - 4, 'u32be') END AS crc,
         CASE WHEN next <= file_size
              THEN mmap_get(path, next - 4, 'u32be') = mmap_crc32(path, offset + 4, next - 4) END AS crc_ok,
         CASE WHEN type NOT GLOB '[A-Za-z][A-Za-z][A-Za-z][A-Za-z]' THEN 'it is no chunk'
              WHEN next > file_size THEN 'it reaches past the end of the file'
              WHEN type <> 'IEND' AND next > file_size - 8 THEN 'the file ends behind it, without IEND'
              WHEN number = 999999 THEN 'there may be more, which are not walked' END AS error
    FROM png_walk_;

-- A tEXt chunk is a keyword, a NUL and a text, both in Latin-1: each byte is a character.
CREATE TEMP VIEW IF NOT EXISTS png_text_ AS
  SELECT DISTINCT path, offset + 8 AS start, next - 4 AS stop,
         mmap_find(path, x'00', offset + 8, next - 4) AS middle
    FROM png_walk_ WHERE type = 'tEXt' AND next <= file_size;

CREATE TEMP VIEW IF NOT EXISTS png_text AS
  SELECT path, start - 8 AS offset,
         (SELECT group_concat(char(byte), '') FROM mmap(t.path) AS m
           WHERE m.offset BETWEEN start AND min(middle, start + 79) - 1) AS keyword,
         (SELECT group_concat(char(byte), '') FROM mmap(t.path) AS m
           WHERE m.offset BETWEEN middle + 1 AND min(stop, middle + 65537) - 1) AS text
    FROM png_text_ AS t WHERE middle >= 0;
