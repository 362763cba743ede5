-- GZIP: what a compressed file says of itself, and the blocks of those that can be read in places (BGZF: bgzip, BAM).
--
--     .read sql/formats/gzip.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('/usr/share/doc/**/*.gz') WHERE error IS NULL LIMIT 999;
--     SELECT path, name, modified, size FROM gzip_header ORDER BY size DESC LIMIT 9;
--     SELECT path, count(*), sum(size) FROM gzip_block GROUP BY path;
--
--     gzip_header  a row for each file: method, time, system, name, comment, where the data start; CRC-32 and size of what
--                  is in it, from the end of the file
--     gzip_block   of BGZF: where each member is, how long, CRC-32 and size of what is in it
--
-- Names and comments are Latin-1. `crc` and `size` (modulo 2^32) are those of the last member, if there are several: where a
-- member ends only unpacking it tells, which is not done here. BGZF says it in an extra field, BC, which comes first.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

CREATE VIRTUAL TABLE IF NOT EXISTS temp.gzip_member_ USING mmap(*, id u16be, method u8, flags u8, mtime u32le, speed u8, system u8,
  extra_size u16le if(flags & 4), extra blob(extra_size) if(flags & 4),
  name_at AS (pos), name_raw cstr if(flags & 8), name_end AS (pos), name latin1(name_end - name_at) at(name_at - offset) if(flags & 8),
  comment_at AS (pos), comment_raw cstr if(flags & 16), comment_end AS (pos),
  comment latin1(comment_end - comment_at) at(comment_at - offset) if(flags & 16),
  header_crc u16le if(flags & 2), data_at AS (pos), crc u32le at_file(size - 8) if(size - 8 >= data_at), bytes u32le,
  while=(id = 0x1f8b), count=(1), partial=yes);

CREATE VIRTUAL TABLE IF NOT EXISTS temp.gzip_block_ USING mmap(*, id u16be, method u8, flags u8, extra_size u16le at(10), field u16be,
  field_size u16le, length u16le, crc u32le at(length - 7), bytes u32le, record=(length + 1),
  while=(id = 0x1f8b AND flags & 4 AND field = 0x4243 AND field_size = 2), partial=yes);

CREATE TEMP VIEW IF NOT EXISTS gzip_header AS
  SELECT path, iif(method = 8, 'deflate', method) AS method, nullif(datetime(mtime, 'unixepoch'), '1970-01-01 00:00:00') AS modified,
         CASE system WHEN 0 THEN 'DOS' WHEN 3 THEN 'Unix' WHEN 7 THEN 'Macintosh' WHEN 11 THEN 'NTFS' WHEN 255 THEN 'unknown' ELSE system END
           AS system, name, comment, data_at AS data_offset, crc, bytes AS size,
         CASE WHEN data_at IS NULL THEN 'its header has no end' WHEN crc IS NULL OR m.error IS NOT NULL THEN 'it is cut short' END AS error
    FROM target CROSS JOIN gzip_member_(path) AS m WHERE flags IS NOT NULL;

CREATE TEMP VIEW IF NOT EXISTS gzip_block AS
  SELECT path, b.rowid AS number, b.offset, length + 1 AS compressed, crc, bytes AS size,
         iif(b.error IS NULL, NULL, 'it reaches past the end of the file') AS error
    FROM target CROSS JOIN gzip_block_(path) AS b WHERE length IS NOT NULL;
