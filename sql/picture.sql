-- Pictures of any file: what kinds of bytes lie where, how dense they are, and where two files differ.
--
--     .read sql/picture.sql
--     INSERT OR IGNORE INTO target VALUES ('firmware.bin');
--     SELECT writefile('map.svg', svg) FROM picture_map WHERE path = 'firmware.bin';
--     SELECT writefile('strip.svg', svg) FROM picture_entropy WHERE path = 'firmware.bin';
--     SELECT writefile('bars.svg', svg) FROM picture_histogram WHERE path = 'firmware.bin';
--     SELECT writefile('differences.svg', svg) FROM picture_diff WHERE a = 'firmware.bin' AND b = 'firmware.bin';
--
--   picture_map        64 x 64 cells, row by row from the file's start: black are zeros, blue is text, red what is
--                      compressed or encrypted (or random), green all else
--   picture_entropy    512 blocks from left to right: the higher, the denser; the line above is 8 bits a byte
--   picture_histogram  256 bars: how often each byte occurs, beside the commonest
--   picture_diff       the map's cells of file a, red where b differs, for any pair of files in `target`
--   picture_cell       what the maps are drawn from: path, cell, offset, length, entropy, zeros, printable
--
-- The same as a picture of pixels, 64 x 64 and a byte each, its brightness the cell's entropy: by an INSERT, which
-- is part of your transaction. The name decides: a PNG with all its checksums, or a PGM.
--
--     INSERT INTO picture_file(path, name) SELECT path, 'map.png' FROM target WHERE path = 'firmware.bin';
--
-- SVG is text: a browser shows it. A file of fewer than 4096 bytes has a cell for each. All of a file is read once
-- for each picture.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

CREATE TEMP VIEW IF NOT EXISTS picture_cell AS
  SELECT path, b.rowid / step AS cell, offset, length, entropy, zeros, printable
    FROM (SELECT path, max(1, (mmap_length(path) + 4095) / 4096) AS step FROM target),
         mmap_blocks(path, step) AS b;

-- A cell as a square of a path, 8 units wide.
CREATE TEMP VIEW IF NOT EXISTS picture_kind_ AS
  SELECT path, printf('M%d %dh8v8h-8z', cell % 64 * 8, cell / 64 * 8) AS square,
         CASE WHEN zeros * 2 > length THEN '#202020'
              WHEN printable * 10 >= length * 9 THEN '#4a90d9'
              WHEN length >= 64 AND entropy * 10 > CASE WHEN length < 256 THEN 55 WHEN length < 1024 THEN 70 ELSE 76 END
              THEN '#d9534f' ELSE '#7cb342' END AS color
    FROM picture_cell;

CREATE TEMP VIEW IF NOT EXISTS picture_map AS
  SELECT path, '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 512 512" width="512" height="512">'
         || group_concat('<path fill="' || color || '" d="' || squares || '"/>', '') || '</svg>' AS svg
    FROM (SELECT path, color, group_concat(square, '') AS squares FROM picture_kind_ GROUP BY path, color)
   GROUP BY path;

CREATE TEMP VIEW IF NOT EXISTS picture_entropy AS
  SELECT path, '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 512 80" width="512" height="80">'
         || '<path stroke="#cccccc" d="M0 8h512"/><path fill="#d9534f" d="M0 72' || group_concat(bar, '')
         || 'V72z"/></svg>' AS svg
    FROM (SELECT path, printf('V%.1fH%d', 72 - entropy * 8, b.rowid / step + 1) AS bar
            FROM (SELECT path, max(1, (mmap_length(path) + 511) / 512) AS step FROM target),
                 mmap_blocks(path, step) AS b)
   GROUP BY path;

CREATE TEMP VIEW IF NOT EXISTS picture_histogram AS
  SELECT path, '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 512 128" width="512" height="128">'
         || '<path fill="#4a90d9" d="' || group_concat(bar, '') || '"/></svg>' AS svg
    FROM (SELECT path, printf('M%d 128V%.1fh2V128z', byte * 2, 128 - count * 128.0 / most) AS bar
            FROM (SELECT path, max(count) AS most FROM target, mmap_histogram(path) GROUP BY path),
                 mmap_histogram(path)
           WHERE count > 0)
   GROUP BY path;

-- A cell differs if its digest does; bytes that only b has come after the last.
CREATE TEMP VIEW IF NOT EXISTS picture_diff AS
  SELECT a, b, '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 512 512" width="512" height="512">'
         || group_concat('<path fill="' || color || '" d="' || squares || '"/>', '') || '</svg>' AS svg
    FROM (SELECT a, b, color, group_concat(square, '') AS squares
            FROM (SELECT c.path AS a, t.path AS b, printf('M%d %dh8v8h-8z', cell % 64 * 8, cell / 64 * 8) AS square,
                         iif(mmap_checksum(c.path, 'xxh3', offset, offset + length)
                             = mmap_checksum(t.path, 'xxh3', offset, offset + length), '#d0d0d0', '#d9534f') AS color
                    FROM picture_cell AS c, target AS t)
           GROUP BY a, b, color)
   GROUP BY a, b;

CREATE TEMP VIEW IF NOT EXISTS picture_file AS SELECT '' AS path, '' AS name;

-- A PGM is a line of text and the bytes.
CREATE TEMP TRIGGER IF NOT EXISTS picture_file_pgm INSTEAD OF INSERT ON picture_file
WHEN NEW.name NOT LIKE '%.png' BEGIN
  SELECT mmap_close(mmap_open(NEW.name, 'create'));
  SELECT mmap_resize(NEW.name, 0), mmap_resize(NEW.name, 13 + 4096), mmap_patch(NEW.name, 0, 'P5 64 64 255' || x'0a');
  SELECT count(mmap_set(NEW.name, 13 + cell, CAST(entropy * 31.875 AS INTEGER)))
    FROM picture_cell WHERE path = NEW.path;
END;

-- A PNG: the signature, IHDR, IDAT and IEND. The pixels are stored as they are, in one block of DEFLATE: 64 lines of
-- a filter byte, 0, and 64 bytes, from offset 48.
CREATE TEMP TRIGGER IF NOT EXISTS picture_file_png INSTEAD OF INSERT ON picture_file
WHEN NEW.name LIKE '%.png' BEGIN
  SELECT mmap_close(mmap_open(NEW.name, 'create'));
  SELECT mmap_resize(NEW.name, 0), mmap_resize(NEW.name, 4228),
         mmap_patch(NEW.name, 0, x'89504e470d0a1a0a0000000d4948445200000040000000400800000000'),
         mmap_patch(NEW.name, 33, x'0000104b49444154780101' || x'4010bfef'),
         mmap_patch(NEW.name, 4216, x'0000000049454e44ae426082');
  SELECT count(mmap_set(NEW.name, 49 + cell / 64 * 65 + cell % 64, CAST(entropy * 31.875 AS INTEGER)))
    FROM picture_cell WHERE path = NEW.path;
  SELECT mmap_set(NEW.name, 29, mmap_crc32(NEW.name, 12, 29), 'u32be');
  SELECT mmap_set(NEW.name, 4208, mmap_checksum(NEW.name, 'adler32', 48, 4208), 'u32be');
  SELECT mmap_set(NEW.name, 4212, mmap_crc32(NEW.name, 37, 4212), 'u32be');
END;
