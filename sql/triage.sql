-- Triage: a first look at an unknown file.
--
--     .read sql/triage.sql
--     INSERT OR IGNORE INTO target VALUES ('unknown.bin');
--     SELECT path, size, format, round(entropy, 3) AS entropy FROM triage_file;
--     SELECT format, offset FROM triage_format ORDER BY length DESC;
--     SELECT byte, count, round(share, 3) FROM triage_byte ORDER BY count DESC LIMIT 5;
--     SELECT byte, offset, length FROM triage_run;
--     SELECT offset, length, text FROM triage_string ORDER BY length DESC, offset LIMIT 5;
--
-- Where is it packed or encrypted (near 8 bits a byte), where text (4 to 5), where empty (0)? Block by block, each
-- of 64 KiB, or of what triage_option says:
--
--     UPDATE triage_option SET block = 4096;
--     SELECT offset, length, round(entropy, 2) FROM triage_block WHERE entropy > 7.5;
--
--   triage_file    path, size, format (the best that fits, or NULL), entropy in bits a byte (NULL: it is empty)
--   triage_format  every magic number that fits, by triage_magic, to which rows can be added
--   triage_byte    each byte that occurs: byte, count, share (of 1)
--   triage_block   path, offset, length, entropy of each block
--   triage_run     the longest run of 00 and of ff, the first of that length: byte, offset, length
--   triage_string  runs of 6 printable characters and more: offset, length, text

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

CREATE TEMP TABLE IF NOT EXISTS triage_option(
  one INTEGER PRIMARY KEY CHECK (one = 1), block INTEGER NOT NULL CHECK (block > 0)
);
INSERT OR IGNORE INTO triage_option VALUES (1, 65536);

-- ---- formats -------------------------------------------------------------------------------------

-- `magic` stands at `offset`, and `also`, if there is one, at `also_offset`. Of several that fit the one with most
-- bytes is the best.
CREATE TEMP TABLE IF NOT EXISTS triage_magic(
  format TEXT NOT NULL, offset INTEGER NOT NULL, magic BLOB NOT NULL, also_offset INTEGER, also BLOB,
  PRIMARY KEY (format, offset, magic)
);
INSERT OR IGNORE INTO triage_magic(format, offset, magic) VALUES
  ('7-Zip archive', 0, x'377abcaf271c'),
  ('Android DEX', 0, x'6465780a'),
  ('ar archive, static library', 0, x'213c617263683e0a'),
  ('BMP image', 0, x'424d'),
  ('BTRFS file system', 65600, x'5f42485266535f4d'),
  ('bzip2', 0, x'425a68'),
  ('cpio archive', 0, x'303730373031'),
  ('ELF', 0, x'7f454c46'),
  ('ext2/3/4 file system', 1080, x'53ef'),
  ('FAT file system', 54, x'4641543136202020'),
  ('FAT file system', 82, x'4641543332202020'),
  ('FLAC audio', 0, x'664c6143'),
  ('GIF image', 0, x'474946383761'),
  ('GIF image', 0, x'474946383961'),
  ('GPT disk', 512, x'4546492050415254'),
  ('gzip', 0, x'1f8b08'),
  ('ISO 9660', 32769, x'4344303031'),
  ('Java class or Mach-O, several', 0, x'cafebabe'),
  ('JPEG image', 0, x'ffd8ff'),
  ('LZ4 frame', 0, x'04224d18'),
  ('Mach-O', 0, x'cefaedfe'),
  ('Mach-O', 0, x'cffaedfe'),
  ('Matroska, WebM', 0, x'1a45dfa3'),
  ('MBR disk or boot sector', 510, x'55aa'),
  ('Microsoft compound document', 0, x'd0cf11e0a1b11ae1'),
  ('MIDI', 0, x'4d546864'),
  ('MP3 with ID3', 0, x'494433'),
  ('MP4, QuickTime', 4, x'66747970'),
  ('MZ program', 0, x'4d5a'),
  ('Ogg', 0, x'4f676753'),
  ('Parquet', 0, x'50415231'),
  ('pcap capture', 0, x'a1b2c3d4'),
  ('pcap capture', 0, x'd4c3b2a1'),
  ('pcapng capture', 0, x'0a0d0d0a'),
  ('PDF', 0, x'255044462d'),
  ('PNG image', 0, x'89504e470d0a1a0a'),
  ('RAR archive', 0, x'526172211a07'),
  ('RPM package', 0, x'edabeedb'),
  ('SQLite database', 0, x'53514c69746520666f726d6174203300'),
  ('script', 0, x'2321'),
  ('SquashFS', 0, x'68737173'),
  ('tar archive', 257, x'7573746172'),
  ('TIFF image', 0, x'49492a00'),
  ('TIFF image', 0, x'4d4d002a'),
  ('U-Boot image', 0, x'27051956'),
  ('WebAssembly', 0, x'0061736d'),
  ('WOFF2 font', 0, x'774f4632'),
  ('XFS file system', 0, x'58465342'),
  ('XML', 0, x'3c3f786d6c'),
  ('xz', 0, x'fd377a585a00'),
  ('ZIP archive, Office, JAR, APK', 0, x'504b0304'),
  ('ZIP archive, empty', 0, x'504b0506'),
  ('Zstandard', 0, x'28b52ffd');
INSERT OR IGNORE INTO triage_magic VALUES
  ('AVI video', 0, x'52494646', 8, x'41564920'),
  ('WAV audio', 0, x'52494646', 8, x'57415645'),
  ('WebP image', 0, x'52494646', 8, x'57454250'),
  ('Debian package', 0, x'213c617263683e0a', 8, x'64656269616e2d62696e617279'),
  ('HEIC image', 4, x'66747970', 8, x'68656963');

CREATE TEMP VIEW IF NOT EXISTS triage_format AS
  SELECT path, format, offset, length(magic) + coalesce(length(also), 0) AS length
    FROM target, triage_magic
   WHERE mmap_slice(path, offset, offset + length(magic)) = magic
     AND (also IS NULL OR mmap_slice(path, also_offset, also_offset + length(also)) = also);

-- ---- bytes ---------------------------------------------------------------------------------------

CREATE TEMP VIEW IF NOT EXISTS triage_byte AS
  SELECT target.path, h.byte, h.count, CAST(h.count AS REAL) / mmap_length(target.path) AS share
    FROM target, mmap_histogram(target.path) AS h WHERE h.count > 0;

CREATE TEMP VIEW IF NOT EXISTS triage_run AS
  SELECT target.path, 0 AS byte, m.offset, max(m.length) AS length
    FROM target, mmap_search_all(target.path, '\x00+') AS m GROUP BY target.path
  UNION ALL
  SELECT target.path, 255, m.offset, max(m.length)
    FROM target, mmap_search_all(target.path, '\xff+') AS m GROUP BY target.path;

CREATE TEMP VIEW IF NOT EXISTS triage_string AS
  SELECT target.path, s.offset, s.length, s.text FROM target, mmap_strings(target.path, 6) AS s;

-- ---- entropy -------------------------------------------------------------------------------------

-- A byte that is there `count` times among n adds count / n * log2(n / count). Not every SQLite has log2(). For
-- n / count = m * 2^e, with m from 1 to 2, it is e + 2 / ln 2 * atanh(z), where z = (m - 1) / (m + 1) is at most
-- 1/3, so that eleven terms of z + z^3/3 + z^5/5 … are exact to 1e-11. The hexadecimal digits give most of e.
-- LIMIT -1 limits nothing: it makes SQLite compute each step once, where it would else repeat the whole
-- expression at every mention.
CREATE TEMP VIEW IF NOT EXISTS triage_file AS
  SELECT path, mmap_length(path) AS size,
         (SELECT format FROM triage_format AS f WHERE f.path = target.path
           ORDER BY length DESC, format LIMIT 1) AS format,
         (SELECT sum(count * (e + 2.8853900817779268147 * z
                                  * (1 + z*z * (1.0/3 + z*z * (1.0/5 + z*z * (1.0/7 + z*z * (1.0/9 + z*z * (1.0/11
                                       + z*z * (1.0/13 + z*z * (1.0/15 + z*z * (1.0/17 + z*z * (1.0/19
                                       + z*z / 21)))))))))))) / n
            FROM (SELECT n, count, e,
                         (CAST(n AS REAL) / count / (1 << e) - 1) / (CAST(n AS REAL) / count / (1 << e) + 1) AS z
                    FROM (SELECT n, count, digits + CASE WHEN n / count >> digits >= 8 THEN 3
                                                         WHEN n / count >> digits >= 4 THEN 2
                                                         WHEN n / count >> digits >= 2 THEN 1 ELSE 0 END AS e
                            FROM (SELECT n, count, 4 * (length(printf('%x', n / count)) - 1) AS digits
                                    FROM (SELECT mmap_length(target.path) AS n, h.count
                                            FROM mmap_histogram(target.path) AS h WHERE h.count > 0 LIMIT -1)
                                   LIMIT -1)
                           LIMIT -1)
                   LIMIT -1)) AS entropy
    FROM target;

-- The same of each block; `stop` is behind its last byte.
CREATE TEMP VIEW IF NOT EXISTS triage_block_ AS
  WITH RECURSIVE block(path, size, bytes, start) AS (
    SELECT path, mmap_length(path), block, 0 FROM target, triage_option
    UNION ALL
    SELECT path, size, bytes, start + bytes FROM block WHERE start + bytes < size)
  SELECT path, start, min(start + bytes, size) AS stop FROM block WHERE size > 0;

CREATE TEMP VIEW IF NOT EXISTS triage_digits_ AS
  SELECT path, start, n, count, 4 * (length(printf('%x', n / count)) - 1) AS digits
    FROM (SELECT p.path, p.start, p.stop - p.start AS n, h.count
            FROM triage_block_ AS p, mmap_histogram(p.path, p.start, p.stop) AS h WHERE h.count > 0 LIMIT -1)
   LIMIT -1;

CREATE TEMP VIEW IF NOT EXISTS triage_exponent_ AS
  SELECT path, start, n, count,
         digits + CASE WHEN n / count >> digits >= 8 THEN 3 WHEN n / count >> digits >= 4 THEN 2
                       WHEN n / count >> digits >= 2 THEN 1 ELSE 0 END AS e
    FROM triage_digits_ LIMIT -1;

CREATE TEMP VIEW IF NOT EXISTS triage_z_ AS
  SELECT path, start, n, count, e,
         (CAST(n AS REAL) / count / (1 << e) - 1) / (CAST(n AS REAL) / count / (1 << e) + 1) AS z
    FROM triage_exponent_ LIMIT -1;

CREATE TEMP VIEW IF NOT EXISTS triage_block AS
  SELECT path, start AS offset, n AS length,
         sum(count * (e + 2.8853900817779268147 * z
                          * (1 + z*z * (1.0/3 + z*z * (1.0/5 + z*z * (1.0/7 + z*z * (1.0/9 + z*z * (1.0/11
                               + z*z * (1.0/13 + z*z * (1.0/15 + z*z * (1.0/17 + z*z * (1.0/19
                               + z*z / 21)))))))))))) / n AS entropy
    FROM triage_z_ GROUP BY path, start, n;
