-- PNG: how large an image is, what chunks it is made of, whether they are whole, what is written in it.
--
--     .read sql/formats/png.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('/usr/share/pixmaps/*.png') WHERE error IS NULL;
--     SELECT path, width, height, depth, color FROM png_header ORDER BY width * height DESC LIMIT 9;
--     SELECT path, offset, type, error FROM png_chunk WHERE error IS NOT NULL OR NOT crc_ok;
--
--     png_header  a row for each file: what IHDR says, also behind other chunks, as in Apple's CgBI
--     png_chunk   offset, length, type, crc, crc_ok and, of a chunk that is not as it should be, `error`
--     png_text    the texts in tEXt, which are Latin-1; sql/patch.sql writes them
--
-- Chunks end at IEND, at the first that is none or reaches past the end of the file, or after a million. Not
-- covered: what is compressed (pixels, zTXt, iCCP), iTXt, what lies behind IEND, MNG and JNG.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- The types of chunks are four letters; `code` has them as a number. A tEXt is a keyword, a NUL and a text.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.png_chunk_ USING mmap(*, offset=8,
  signature u64be at_file(0), length u32be at(0), type latin1(4), code u32be at(4),
  is_chunk AS ((code >> 24 & 0xdf) BETWEEN 0x41 AND 0x5a AND (code >> 16 & 0xdf) BETWEEN 0x41 AND 0x5a
               AND (code >> 8 & 0xdf) BETWEEN 0x41 AND 0x5a AND (code & 0xdf) BETWEEN 0x41 AND 0x5a),
  data blob(length), crc u32be,
  keyword latin1(length) at(8) if(type = 'tEXt'),
  text latin1(min(length - length(keyword) - 1, 65536)) at(9 + length(keyword)) if(length > length(keyword)),
  while=(signature = 0x89504e470d0a1a0a), until=(type = 'IEND' OR NOT is_chunk), count=(1000000), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.png_ihdr_ USING mmap(*, width u32be, height u32be, depth u8, color u8,
  compression u8, filter u8, interlace u8, crc u32be, count=(1));

CREATE TEMP VIEW IF NOT EXISTS png_header AS
  SELECT path, width, height, depth,
         CASE color WHEN 0 THEN 'gray' WHEN 2 THEN 'RGB' WHEN 3 THEN 'palette' WHEN 4 THEN 'gray and alpha'
                    WHEN 6 THEN 'RGBA' ELSE color END AS color, interlace = 1 AS interlaced
    FROM target AS f CROSS JOIN png_ihdr_(path, (SELECT c.offset + 8 FROM png_chunk_(f.path) AS c
           WHERE type = 'IHDR' AND length = 13 AND c.error IS NULL LIMIT 1));

CREATE TEMP VIEW IF NOT EXISTS png_chunk AS
  SELECT path, c.rowid AS number, c.offset, length,
         char(code >> 24, code >> 16 & 255, code >> 8 & 255, code & 255) AS type, crc,
         crc = mmap_crc32(path, c.offset + 4, c.next - 4) AS crc_ok,
         CASE WHEN NOT is_chunk THEN 'it is no chunk'
              WHEN c.error IS NOT NULL THEN 'it reaches past the end of the file'
              WHEN type <> 'IEND' AND c.next > mmap_length(path) - 8 THEN 'the file ends behind it, without IEND'
              WHEN c.rowid = 0 AND type <> 'IHDR' THEN 'it stands where IHDR should be'
              WHEN type = 'IHDR' AND length <> 13 THEN 'it has ' || length || ' bytes, not 13'
              WHEN c.rowid = 999999 THEN 'there may be more, which are not walked' END AS error
    FROM target CROSS JOIN png_chunk_(path) AS c WHERE code IS NOT NULL;

CREATE TEMP VIEW IF NOT EXISTS png_text AS
  SELECT path, t.offset, nullif(substr(keyword, 1, 79), '') AS keyword, nullif(text, '') AS text
    FROM target CROSS JOIN png_chunk_(path) AS t WHERE type = 'tEXt' AND t.error IS NULL;
