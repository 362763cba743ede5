-- FLAC: how a file sounds, its tags, and what blocks stand before the sound.
--
--     .read sql/formats/flac.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('**/*.flac') WHERE error IS NULL;
--     SELECT path, rate, channels, bits, round(seconds, 3) FROM flac_header;
--     SELECT path, key, value FROM flac_tag;
--     SELECT path, type, length, error FROM flac_block;
--
--     flac_header  a row for each file: what STREAMINFO says
--     flac_block   the metadata blocks: type, length, where they are
--     flac_tag     the comments, KEY=value
--
-- Tags are UTF-8; U+FFFD stands for all of one that is none. Not covered: frames, files with ID3 or Ogg around them.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

CREATE VIRTUAL TABLE IF NOT EXISTS temp.flac_block_ USING mmap(*, offset=4, magic u32be at_file(0), last b1 at(0), type b7, length u24be,
  data blob(length), while=(magic = 0x664c6143), until=(last = 1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.flac_info_ USING mmap(*, least_block u16be, most_block u16be, least_frame u24be, most_frame u24be,
  rate b20, channels b3, bits b5, samples b36, md5 blob(16), count=(1), partial=yes);

-- Comments: the name of the encoder, how many there are, and those, each with its length before it, little-endian.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.flac_vendor_ USING mmap(*, length u32le, vendor blob(length), comments u32le, count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.flac_comment_ USING mmap(*, length u32le, text text(length), partial=yes);

CREATE TEMP VIEW IF NOT EXISTS flac_header AS
  SELECT path, rate, channels + 1 AS channels, bits + 1 AS bits, nullif(samples, 0) AS samples,
         1.0 * nullif(samples, 0) / nullif(rate, 0) AS seconds, lower(hex(md5)) AS md5
    FROM target CROSS JOIN flac_block_(path) AS b CROSS JOIN flac_info_(path, b.offset + 4, b.next) AS i
   WHERE b.type = 0 AND b.rowid = 0 AND i.error IS NULL;

CREATE TEMP VIEW IF NOT EXISTS flac_block AS
  SELECT path, b.rowid AS number, b.offset,
         CASE type WHEN 0 THEN 'STREAMINFO' WHEN 1 THEN 'PADDING' WHEN 2 THEN 'APPLICATION' WHEN 3 THEN 'SEEKTABLE' WHEN 4 THEN 'VORBIS_COMMENT'
                   WHEN 5 THEN 'CUESHEET' WHEN 6 THEN 'PICTURE' ELSE type END AS type, length,
         CASE WHEN b.error IS NOT NULL THEN 'it reaches past the end of the file'
              WHEN b.rowid = 0 AND type <> 0 THEN 'it stands where STREAMINFO should be'
              WHEN type = 0 AND length <> 34 THEN 'it has ' || length || ' bytes, not 34' WHEN type = 127 THEN 'it is no block'
              WHEN NOT last AND b.next > mmap_length(path) - 4 THEN 'the file ends behind it, though it is not the last' END AS error
    FROM target CROSS JOIN flac_block_(path) AS b WHERE length IS NOT NULL;

CREATE TEMP VIEW IF NOT EXISTS flac_tag AS
  SELECT path, number, substr(text, 1, instr(text, '=') - 1) AS key, substr(text, instr(text, '=') + 1) AS value
    FROM (SELECT path, c.rowid AS number, iif(mmap_search(path,
                   '(?x) \G (?: [\x01-\x7f] | [\xc2-\xdf] [\x80-\xbf] | \xe0 [\xa0-\xbf] [\x80-\xbf]
                         | [\xe1-\xec\xee\xef] [\x80-\xbf]{2} | \xed [\x80-\x9f] [\x80-\xbf] | \xf0 [\x90-\xbf] [\x80-\xbf]{2}
                         | [\xf1-\xf3] [\x80-\xbf]{3} | \xf4 [\x80-\x8f] [\x80-\xbf]{2} )*+ (?: \x00 | \z )', c.offset + 4, c.next) >= 0,
                 text, char(0xfffd)) AS text
            FROM target CROSS JOIN flac_block_(path) AS b CROSS JOIN flac_vendor_(path, b.offset + 4, b.next) AS v
                 CROSS JOIN flac_comment_(path, v.next, b.next) AS c
           WHERE b.type = 4 AND v.error IS NULL AND c.rowid < comments AND c.error IS NULL);
