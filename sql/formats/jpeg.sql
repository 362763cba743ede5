-- JPEG: how large a picture is, and what segments it is made of.
--
--     .read sql/formats/jpeg.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('*.jpg') WHERE error IS NULL;
--     SELECT path, width, height, components, process FROM jpeg_header;
--     SELECT path, name, offset, length FROM jpeg_segment WHERE name LIKE 'APP%';
--     SELECT path, text FROM jpeg_comment;
--
--     jpeg_header   a row for each file: what its first frame says
--     jpeg_segment  the segments up to the first scan: name, length, where the data start, for APPn its tag (Exif, JFIF …)
--     jpeg_comment  the texts of COM, read as Latin-1
--
-- Not covered: what is behind the first scan's header (entropy-coded data, further scans), thumbnails, what is in EXIF.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- A marker is ff and a code; the length, which counts itself, stands behind most. Any number of ff may stand before a
-- code: each is a record of one byte here. SOI, RSTn and TEM have no length. SOFn, the frame: c0 to cf but c4, c8 and cc.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.jpeg_segment_ USING mmap(*, signature u24be at_file(0), ff u8 at(0), code u8 at_file(offset + 1),
  bare AS (code = 0x01 OR code BETWEEN 0xd0 AND 0xd9), fill AS (code = 0xff),
  length u16be at(2) if(NOT bare AND NOT fill),
  frame AS (code BETWEEN 0xc0 AND 0xcf AND code NOT IN (0xc4, 0xc8, 0xcc) OR code = 0xf7), whole AS (frame AND length >= 8),
  depth u8 at(4) if(whole), height u16be if(whole), width u16be if(whole), components u8 if(whole),
  label latin1(min(length - 2, 16)) at(4) if(code BETWEEN 0xe0 AND 0xef),
  comment latin1(length - 2) at(4) if(code = 0xfe), data blob(length - 2) at(4) if(NOT bare AND NOT fill),
  record=(iif(fill, 1, iif(bare, 2, length + 2))),
  while=(signature = 0xffd8ff AND ff = 0xff), until=(code IN (0xd9, 0xda)), count=(1000000), partial=yes);

CREATE TEMP VIEW IF NOT EXISTS jpeg_header AS
  SELECT path, width, height, depth, components,
         CASE code WHEN 0xc0 THEN 'baseline' WHEN 0xc1 THEN 'extended' WHEN 0xc2 THEN 'progressive' WHEN 0xc3 THEN 'lossless'
                   WHEN 0xf7 THEN 'JPEG-LS' ELSE printf('SOF%d', code - 0xc0) END AS process
    FROM target AS t CROSS JOIN jpeg_segment_(path) AS s
   WHERE s.rowid = (SELECT f.rowid FROM jpeg_segment_(t.path) AS f WHERE f.components IS NOT NULL LIMIT 1);

CREATE TEMP VIEW IF NOT EXISTS jpeg_segment AS
  SELECT path, s.rowid AS number, s.offset,
         CASE WHEN code = 0xf7 THEN 'SOF55' WHEN frame THEN 'SOF' || (code - 0xc0) WHEN code BETWEEN 0xe0 AND 0xef THEN 'APP' || (code - 0xe0)
              WHEN code BETWEEN 0xd0 AND 0xd7 THEN 'RST' || (code - 0xd0)
              ELSE CASE code WHEN 0xc4 THEN 'DHT' WHEN 0xcc THEN 'DAC' WHEN 0xd8 THEN 'SOI' WHEN 0xd9 THEN 'EOI' WHEN 0xda THEN 'SOS'
                WHEN 0xdb THEN 'DQT' WHEN 0xdd THEN 'DRI' WHEN 0xfe THEN 'COM' WHEN 0x01 THEN 'TEM' ELSE printf('0x%02x', code) END END AS name,
         label AS tag, length - 2 AS length, iif(length >= 2, s.offset + 4, NULL) AS data_offset,
         CASE WHEN s.error IS NOT NULL THEN 'it reaches past the end of the file, or is no segment'
              WHEN frame AND NOT whole THEN 'it has ' || (length - 2) || ' bytes, fewer than a frame has'
              WHEN code IN (0xd9, 0xda) THEN NULL WHEN mmap_search(path, '[^\xff]', s.next) < 0 THEN 'the file ends behind it, without a scan'
              WHEN mmap_get(path, s.next) <> 0xff THEN 'what follows it is no segment' END AS error
    FROM target CROSS JOIN jpeg_segment_(path) AS s WHERE NOT fill AND code IS NOT NULL;

CREATE TEMP VIEW IF NOT EXISTS jpeg_comment AS
  SELECT path, s.offset, comment AS text FROM target CROSS JOIN jpeg_segment_(path) AS s WHERE code = 0xfe AND s.error IS NULL;
