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
-- A file that is no BMP has no rows. Not covered: unpacking of RLE, JPEG and PNG inside, color profiles, masks.

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
              WHEN mmap_get(path, 14, 'u32le') IN (12, 16, 40, 52, 56, 64, 108, 124)
                   AND mmap_get(path, 14, 'u32le') <= file_size - 14 THEN mmap_get(path, 14, 'u32le')
         END AS head
    FROM bmp_size_;

CREATE TEMP VIEW IF NOT EXISTS bmp_file_ AS
  SELECT DISTINCT path, file_size, head, mmap_get(path, 2, 'u32le') AS bytes,
         mmap_get(path, 10, 'u32le') AS pixels,
         iif(head = 12, mmap_get(path, 18, 'u16le'), mmap_get(path, 18, 'i32le')) AS width,
         iif(head = 12, mmap_get(path, 20, 'u16le'), mmap_get(path, 22, 'i32le')) AS height,
         iif(head = 12, mmap_get(path, 24, 'u16le'), mmap_get(path, 28, 'u16le')) AS bits,
         iif(head < 40, 0, mmap_get(path, 30, 'u32le')) AS compression,
         iif(head < 40, 0, mmap_get(path, 46, 'u32le')) AS colors
    FROM (SELECT DISTINCT path, file_size, head FROM bmp_head_
           WHERE CASE head WHEN 12 THEN 1 WHEN 16 THEN file_size >= 30 ELSE head >= 40 END);

CREATE TEMP VIEW IF NOT EXISTS bmp_row_ AS
  SELECT DISTINCT path, file_size, head, bytes, pixels, width, abs(height) AS height, height < 0 AS top_down,
         bits, compression, iif(bits <= 8, iif(colors BETWEEN 1 AND 1 << bits, colors, 1 << bits), 0) AS colors,
         CASE WHEN compression IN (0, 3, 6) AND width >= 0 THEN (width * bits + 31) / 32 * 4 END AS row_bytes
    FROM bmp_file_;

CREATE TEMP VIEW IF NOT EXISTS bmp_header AS
  SELECT path, width, height, top_down, bits,
         CASE compression WHEN 0 THEN 'none' WHEN 1 THEN 'RLE8' WHEN 2 THEN 'RLE4' WHEN 3 THEN 'masks'
                          WHEN 4 THEN 'JPEG' WHEN 5 THEN 'PNG' WHEN 6 THEN 'masks with alpha'
                          ELSE compression END AS compression,
         colors, pixels, row_bytes,
         CASE WHEN width < 1 OR height < 1 THEN 'it has no pixels'
              WHEN bits NOT IN (1, 2, 4, 8, 16, 24, 32) AND row_bytes THEN 'it has ' || bits || ' bits for a pixel'
              WHEN pixels + coalesce(row_bytes * height, 0) > file_size
              THEN 'the pixels reach past the end of the file' END AS error
    FROM bmp_row_;

CREATE TEMP VIEW IF NOT EXISTS bmp_color AS
  SELECT r.path, i.offset AS number,
         mmap_get(r.path, 14 + head + i.offset * iif(head = 12, 3, 4) + 2) AS red,
         mmap_get(r.path, 14 + head + i.offset * iif(head = 12, 3, 4) + 1) AS green,
         mmap_get(r.path, 14 + head + i.offset * iif(head = 12, 3, 4)) AS blue
    FROM bmp_row_ AS r CROSS JOIN mmap(r.path) AS i
   WHERE i.offset < min(colors, (file_size - 14 - head) / iif(head = 12, 3, 4));
