-- BMP: how large a bitmap is, how its pixels are stored, where they lie, and its palette.
--
--     .read sql/formats/bmp.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('**/*.bmp');
--     SELECT path, width, height, bits, compression, error FROM bmp_header;
--     SELECT path, hex(mmap_slice(path, pixels, pixels + row_bytes)) AS first_row FROM bmp_header WHERE error IS NULL;
--
--     bmp_header  a row for each file. Rows go from the bottom up unless top_down is 1
--     bmp_color   the palette: number, red, green, blue
--
-- Windows' headers (40, 52, 56, 108 and 124 bytes), OS/2's first (12), and its second, which has 64 bytes or only
-- the first 16 or more of them. A file that is no BMP has no rows. The palette ends where the pixels begin;
-- `colors` is how many are there, and `error` says so if that is less than there should be.
--
-- Not covered: unpacking of RLE, Huffman, JPEG and PNG inside, color profiles, masks, OS/2's arrays of bitmaps,
-- icons and pointers.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- Views whose names end in _ are steps on the way. Their DISTINCT drops no row: it makes SQLite compute each
-- column once, not at every mention of it, and lets a constraint on path through to target. CASE makes sure
-- that nothing is read before it is known to lie inside the file.
CREATE TEMP VIEW IF NOT EXISTS bmp_size_ AS
  SELECT DISTINCT path, mmap_length(path) AS file_size FROM target;

-- `head`: bytes in the second header, which tell its kind. OS/2's first one has 12, and 16-bit numbers.
CREATE TEMP VIEW IF NOT EXISTS bmp_head_ AS
  SELECT DISTINCT path, file_size,
         CASE WHEN file_size < 26 THEN NULL
              WHEN mmap_get(path, 0, 'u16be') <> 0x424d THEN NULL
              WHEN (mmap_get(path, 14, 'u32le') BETWEEN 16 AND 64 OR mmap_get(path, 14, 'u32le') IN (12, 108, 124))
                   AND mmap_get(path, 14, 'u32le') <= file_size - 14 THEN mmap_get(path, 14, 'u32le')
         END AS head
    FROM bmp_size_;

-- What a short header leaves out is 0. `masks` are bytes between a header of 40 and the palette.
CREATE TEMP VIEW IF NOT EXISTS bmp_file_ AS
  SELECT DISTINCT path, file_size, head, head BETWEEN 16 AND 64 AND head NOT IN (40, 52, 56) AS os2,
         mmap_get(path, 10, 'u32le') AS pixels,
         iif(head = 12, mmap_get(path, 18, 'u16le'), mmap_get(path, 18, 'i32le')) AS width,
         iif(head = 12, mmap_get(path, 20, 'u16le'), mmap_get(path, 22, 'i32le')) AS height,
         iif(head = 12, mmap_get(path, 24, 'u16le'), mmap_get(path, 28, 'u16le')) AS bits,
         iif(head < 20, 0, mmap_get(path, 30, 'u32le')) AS compression,
         iif(head < 24, 0, mmap_get(path, 34, 'u32le')) AS bytes,
         iif(head < 36, 0, mmap_get(path, 46, 'u32le')) AS used,
         CASE WHEN head = 40 THEN CASE mmap_get(path, 30, 'u32le') WHEN 3 THEN 12 WHEN 6 THEN 16 ELSE 0 END
              ELSE 0 END AS masks
    FROM bmp_head_ WHERE head IS NOT NULL;

-- Numbers of compressions; OS/2 has others for 3 and 4. `plain`: all rows have the same size.
CREATE TEMP VIEW IF NOT EXISTS bmp_compression_ AS
  SELECT 0 AS compression, 0 AS os2, 'none' AS name, 1 AS plain
  UNION ALL VALUES (1, 0, 'RLE8', 0), (2, 0, 'RLE4', 0), (3, 0, 'masks', 1), (4, 0, 'JPEG', 0), (5, 0, 'PNG', 0),
                   (6, 0, 'masks with alpha', 1), (11, 0, 'CMYK', 1), (12, 0, 'CMYK RLE8', 0), (13, 0, 'CMYK RLE4', 0),
                   (0, 1, 'none', 1), (1, 1, 'RLE8', 0), (2, 1, 'RLE4', 0), (3, 1, 'Huffman', 0), (4, 1, 'RLE24', 0);

-- `said`: how many colors there should be; up to 8 bits that is all, unless the header says another number. `room`:
-- how many there can be between the headers and the pixels, each of which has `step` bytes.
CREATE TEMP VIEW IF NOT EXISTS bmp_row_ AS
  SELECT DISTINCT f.*, c.name,
         CASE WHEN used > 0 THEN used WHEN bits BETWEEN 1 AND 8 THEN 1 << bits ELSE 0 END AS said,
         14 + head + masks AS palette, iif(head = 12, 3, 4) AS step,
         max(0, (iif(pixels < 14 + head + masks, file_size, min(pixels, file_size)) - 14 - head - masks)
                / iif(head = 12, 3, 4)) AS room,
         CASE WHEN c.plain AND width >= 0 THEN (width * bits + 31) / 32 * 4 END AS row_bytes
    FROM bmp_file_ AS f LEFT JOIN bmp_compression_ AS c ON c.compression = f.compression AND c.os2 = f.os2;

CREATE TEMP VIEW IF NOT EXISTS bmp_header AS
  SELECT path, width, abs(height) AS height, height < 0 AS top_down, bits,
         coalesce(name, compression) AS compression, min(said, room) AS colors, pixels, row_bytes,
         CASE WHEN width < 1 OR height = 0 THEN 'it has no pixels'
              WHEN bits NOT IN (1, 2, 4, 8, 16, 24, 32, 64) AND row_bytes IS NOT NULL
              THEN 'it has ' || bits || ' bits for a pixel'
              WHEN pixels < palette THEN 'the pixels are said to lie inside the headers'
              WHEN pixels + coalesce(row_bytes * abs(height), bytes) > file_size
              THEN 'the pixels reach past the end of the file'
              -- OS/2's first headers cannot say how many there are.
              WHEN said > room AND (head >= 36 OR room = 0)
              THEN 'the palette should have ' || said || ' colors, and there is room for ' || room END AS error
    FROM bmp_row_;

CREATE TEMP VIEW IF NOT EXISTS bmp_color AS
  SELECT r.path, i.offset AS number,
         mmap_get(r.path, palette + i.offset * step + 2) AS red,
         mmap_get(r.path, palette + i.offset * step + 1) AS green,
         mmap_get(r.path, palette + i.offset * step) AS blue
    FROM bmp_row_ AS r CROSS JOIN mmap(r.path) AS i
   WHERE i.offset < min(said, room);
