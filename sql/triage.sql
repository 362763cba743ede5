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
--   triage_format  every magic number that fits, by triage_magic, to which rows can be added; where it begins
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
-- bytes is the best. A format of which `is_binary` is 1 does not fit a file that begins with a kibibyte of text: a list
-- that starts with "MZ" is no program.
CREATE TEMP TABLE IF NOT EXISTS triage_magic(
  format TEXT NOT NULL, offset INTEGER NOT NULL, magic BLOB NOT NULL, also_offset INTEGER, also BLOB,
  is_binary INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (format, offset, magic)
);
INSERT OR IGNORE INTO triage_magic(format, offset, magic) VALUES
  ('7-Zip archive', 0, x'377abcaf271c'),
  ('ar archive, static library', 0, x'213c617263683e0a'),
  ('ELF', 0, x'7f454c46'),
  ('gzip', 0, x'1f8b08'),
  ('Java class or Mach-O, several', 0, x'cafebabe'),
  ('JPEG image', 0, x'ffd8ff'),
  ('JPEG 2000 image', 0, x'0000000c6a5020200d0a870a'),
  ('LZ4 frame', 0, x'04224d18'),
  ('Mach-O', 0, x'cefaedfe'),
  ('Mach-O', 0, x'cffaedfe'),
  ('Matroska, WebM', 0, x'1a45dfa3'),
  ('MBR disk or boot sector', 510, x'55aa'),
  ('Microsoft compound document', 0, x'd0cf11e0a1b11ae1'),
  ('pcap capture', 0, x'a1b2c3d4'),
  ('pcap capture', 0, x'd4c3b2a1'),
  ('pcap capture', 0, x'a1b23c4d'),
  ('pcap capture', 0, x'4d3cb2a1'),
  ('pcap capture', 0, x'a1b2cd34'),
  ('pcap capture', 0, x'34cdb2a1'),
  ('pcapng capture', 0, x'0a0d0d0a'),
  ('PDF', 0, x'255044462d'),
  ('PNG image', 0, x'89504e470d0a1a0a'),
  ('RAR archive', 0, x'526172211a07'),
  ('RPM package', 0, x'edabeedb'),
  ('SQLite database', 0, x'53514c69746520666f726d6174203300'),
  ('script', 0, x'23212f'),
  ('script', 0, x'2321202f'),
  ('TIFF image', 0, x'49492a00'),
  ('TIFF image', 0, x'4d4d002a'),
  ('TIFF image', 0, x'49492b00'),
  ('TIFF image', 0, x'4d4d002b'),
  ('U-Boot image', 0, x'27051956'),
  ('WebAssembly', 0, x'0061736d'),
  ('XML', 0, x'3c3f786d6c'),
  ('xz', 0, x'fd377a585a00'),
  ('ZIP archive, Office, JAR, APK', 0, x'504b0304'),
  ('ZIP archive, empty', 0, x'504b0506'),
  ('ZIP archive, of several parts', 0, x'504b0708'),
  ('Zstandard', 0, x'28b52ffd');
INSERT OR IGNORE INTO triage_magic(format, offset, magic, is_binary) VALUES
  ('Android DEX', 0, x'6465780a', 1),
  ('BTRFS file system', 65600, x'5f42485266535f4d', 1),
  ('cpio archive', 0, x'303730373031', 1),
  ('cpio archive', 0, x'303730373032', 1),
  ('exFAT file system', 3, x'4558464154202020', 1),
  ('ext2/3/4 file system', 1080, x'53ef', 1),
  ('FAT file system', 54, x'4641543132202020', 1),
  ('FAT file system', 54, x'4641543136202020', 1),
  ('FAT file system', 54, x'4641542020202020', 1),
  ('FAT file system', 82, x'4641543332202020', 1),
  ('FLAC audio', 0, x'664c6143', 1),
  ('GIF image', 0, x'474946383761', 1),
  ('GIF image', 0, x'474946383961', 1),
  ('GPT disk', 512, x'4546492050415254', 1),
  ('GPT disk', 4096, x'4546492050415254', 1),
  ('ISO 9660', 32769, x'4344303031', 1),
  ('MIDI', 0, x'4d546864', 1),
  ('MP3 with ID3', 0, x'494433', 1),
  ('MP4, QuickTime', 4, x'66747970', 1),
  ('MZ program', 0, x'4d5a', 1),
  ('NTFS file system', 3, x'4e54465320202020', 1),
  ('Ogg', 0, x'4f676753', 1),
  ('Parquet', 0, x'50415231', 1),
  ('RIFF, AVI or WAV of another kind', 0, x'52494646', 1),
  ('RIFF, AVI or WAV of another kind', 0, x'52494658', 1),
  ('SquashFS', 0, x'68737173', 1),
  ('tar archive', 257, x'7573746172', 1),
  ('WOFF2 font', 0, x'774f4632', 1),
  ('XFS file system', 0, x'58465342', 1);
-- BMP: "BM", and behind the file's header one of the lengths that the next header has. bzip2: "BZh", a digit, and a
-- block or the end. utmp: the type of the first record, and the line where it usually is.
INSERT OR IGNORE INTO triage_magic VALUES
  ('AVI video', 0, x'52494646', 8, x'41564920', 0),
  ('WAV audio', 0, x'52494646', 8, x'57415645', 0),
  ('WAV audio', 0, x'52494658', 8, x'57415645', 0),
  ('WAV audio', 0, x'52463634', 8, x'57415645', 0),
  ('WAV audio', 0, x'42573634', 8, x'57415645', 0),
  ('WebP image', 0, x'52494646', 8, x'57454250', 0),
  ('BMP image', 14, x'0c000000', 0, x'424d', 1),
  ('BMP image', 14, x'10000000', 0, x'424d', 1),
  ('BMP image', 14, x'28000000', 0, x'424d', 1),
  ('BMP image', 14, x'34000000', 0, x'424d', 1),
  ('BMP image', 14, x'38000000', 0, x'424d', 1),
  ('BMP image', 14, x'40000000', 0, x'424d', 1),
  ('BMP image', 14, x'6c000000', 0, x'424d', 1),
  ('BMP image', 14, x'7c000000', 0, x'424d', 1),
  ('bzip2', 4, x'314159265359', 0, x'425a68', 0),
  ('bzip2', 4, x'177245385090', 0, x'425a68', 0),
  ('Debian package', 0, x'213c617263683e0a', 8, x'64656269616e2d62696e617279', 0),
  ('utmp, wtmp or btmp', 0, x'01000000', 8, x'7e0000', 1),
  ('utmp, wtmp or btmp', 0, x'02000000', 8, x'7e0000', 1),
  ('utmp, wtmp or btmp', 0, x'06000000', 8, x'747479', 1),
  ('utmp, wtmp or btmp', 0, x'07000000', 8, x'747479', 1),
  ('utmp, wtmp or btmp', 0, x'08000000', 8, x'747479', 1),
  ('utmp, wtmp or btmp', 8, x'7074732f', 0, x'07000000', 1),
  ('utmp, wtmp or btmp', 0, x'080000', 8, x'7074732f', 1),
  ('utmp, wtmp or btmp', 8, x'7373683a6e6f747479', 0, x'06000000', 1);
-- What begins with ftyp says behind it what it is.
INSERT OR IGNORE INTO triage_magic(format, offset, magic, also_offset, also)
  SELECT column1, 8, CAST(column2 AS BLOB), 4, x'66747970' FROM (VALUES
    ('AVIF image', 'avif'), ('AVIF image', 'avis'), ('HEIC image', 'heic'), ('HEIC image', 'heix'),
    ('HEIC image', 'heim'), ('HEIC image', 'heis'), ('HEIC image', 'hevc'), ('HEIC image', 'hevx'),
    ('HEIC image', 'hevm'), ('HEIC image', 'hevs'), ('HEIF image', 'mif1'), ('HEIF image', 'mif2'),
    ('HEIF image', 'msf1'), ('3GP video', '3gp'), ('3GP video', '3g2'), ('M4A audio', 'M4A '), ('M4A audio', 'M4B '),
    ('Canon raw image', 'crx '), ('JPEG 2000 image', 'jp2 '));

CREATE TEMP VIEW IF NOT EXISTS triage_format AS
  SELECT path, format, min(offset, coalesce(also_offset, offset)) AS offset,
         length(magic) + coalesce(length(also), 0) AS length
    FROM target, triage_magic
   WHERE mmap_slice(path, offset, offset + length(magic)) = magic
     AND (also IS NULL OR mmap_slice(path, also_offset, also_offset + length(also)) = also)
     AND (NOT is_binary OR mmap_search(path, '[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]', 0, 1024) >= 0);

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

CREATE TEMP VIEW IF NOT EXISTS triage_file AS
  SELECT path, mmap_length(path) AS size,
         (SELECT format FROM triage_format AS f WHERE f.path = target.path
           ORDER BY length DESC, format LIMIT 1) AS format,
         mmap_entropy(path) AS entropy
    FROM target;

CREATE TEMP VIEW IF NOT EXISTS triage_block AS
  SELECT path, offset, length, entropy FROM target, triage_option, mmap_blocks(path, block);
