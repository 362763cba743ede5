-- Carving: every PNG that lies whole in a disk image, a memory dump or any other file.
--
--     .read sql/carve.sql
--     INSERT OR IGNORE INTO target VALUES ('disk.img');
--     SELECT path, offset, length, width, height FROM carve_png ORDER BY path, offset;
--     SELECT offset, error FROM carve_signature WHERE error IS NOT NULL;
--
--   carve_signature  every place that begins as a PNG does; what is wrong there, or how long the PNG is
--   carve_png        those that are whole: all chunks up to IEND are there and their checksums right
--
-- Out into files: in the sqlite3 shell by writefile(), and in any program by rows of carve_file, which is a
-- transaction as any other write here.
--
--     SELECT writefile(printf('shell-%06x.png', offset), mmap_slice(path, offset, offset + length))
--       FROM carve_png;
--     BEGIN;
--     INSERT INTO carve_file SELECT path, offset, length, printf('carved-%06x.png', offset) FROM carve_png;
--     COMMIT;
--
-- carve_file(path, offset, length, name) takes what other recipes find as well. A file that is in pieces on its
-- disk is not put together: where a chunk's checksum is wrong, the error says so.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- A PNG is 8 bytes of signature, then chunks: length (u32be), type, data, CRC-32 of type and data. From each
-- signature on, chunk by chunk: `last` is the chunk that was looked at, `next` where the one behind it begins,
-- NULL if the file ends before or the checksum is wrong.
CREATE TEMP VIEW IF NOT EXISTS carve_step_ AS
  WITH RECURSIVE step(path, size, start, last, next) AS (
    SELECT target.path, mmap_length(target.path), s.offset, NULL, s.offset + 8
      FROM target, mmap_find_all(target.path, x'89504e470d0a1a0a') AS s
    UNION ALL
    SELECT path, size, start, next,
           CASE WHEN next + 12 > size THEN NULL
                WHEN next + 12 + mmap_get(path, next, 'u32be') > size THEN NULL
                WHEN mmap_crc32(path, next + 4, next + 8 + mmap_get(path, next, 'u32be'))
                     = mmap_get(path, next + 8 + mmap_get(path, next, 'u32be'), 'u32be')
                THEN next + 12 + mmap_get(path, next, 'u32be') END
      FROM step
     WHERE CASE WHEN next IS NULL THEN 0 WHEN last IS NULL THEN 1
                ELSE mmap_get(path, last + 4, 'blob(4)') <> x'49454e44' END)
  SELECT * FROM step;

-- The last step of each.
CREATE TEMP VIEW IF NOT EXISTS carve_signature AS
  SELECT path, start AS offset, next - start AS length,
         CASE WHEN last + 12 > size THEN 'the file ends before its IEND'
              WHEN last + 12 + mmap_get(path, last, 'u32be') > size
              THEN 'the chunk at ' || last || ' reaches past the end'
              WHEN next IS NULL THEN 'the checksum of the chunk at ' || last || ' is wrong'
              WHEN mmap_get(path, start + 12, 'blob(4)') <> x'49484452' THEN 'its first chunk is no IHDR' END AS error
    FROM carve_step_
   WHERE CASE WHEN last IS NULL THEN 0 WHEN next IS NULL THEN 1
              ELSE mmap_get(path, last + 4, 'blob(4)') = x'49454e44' END;

CREATE TEMP VIEW IF NOT EXISTS carve_png AS
  SELECT path, offset, length, mmap_get(path, offset + 16, 'u32be') AS width,
         mmap_get(path, offset + 20, 'u32be') AS height
    FROM carve_signature WHERE error IS NULL;

CREATE TEMP VIEW IF NOT EXISTS carve_file AS SELECT '' AS path, 0 AS offset, 0 AS length, '' AS name;

-- A file of that name that is there already is replaced. It is made at once, and filled by COMMIT.
CREATE TEMP TRIGGER IF NOT EXISTS carve_file_insert INSTEAD OF INSERT ON carve_file BEGIN
  SELECT mmap_close(mmap_open(NEW.name, 'create'));
  SELECT mmap_resize(NEW.name, NEW.length);
  SELECT mmap_patch(NEW.name, 0, mmap_slice(NEW.path, NEW.offset, NEW.offset + NEW.length));
END;
