-- Change what a file says of itself, and keep all that hangs on it right: sizes, checksums, rates.
--
--     .read sql/rewrite.sql
--     INSERT INTO target VALUES ('program'), ('a.tar'), ('a.wav'), ('photo.png'), ('model.safetensors'), ('photo.jpg');
--     SELECT path, number, type, rights FROM rewrite_elf WHERE type = 'GNU_STACK';
--     UPDATE rewrite_elf SET rights = 'RW-' WHERE path = 'program' AND type = 'GNU_STACK';
--     UPDATE rewrite_tar SET name = 'docs/README' WHERE path = 'a.tar' AND name = 'README';
--     UPDATE rewrite_wav SET rate = 48000 WHERE path = 'a.wav';
--     UPDATE rewrite_png SET text = upper(text) WHERE path = 'photo.png' AND keyword = 'Title';
--     UPDATE rewrite_tensor SET value = 0.5 WHERE path = 'model.safetensors' AND name = 'w' AND number = 3;
--     UPDATE rewrite_exif SET time = datetime(time, '+1 hour') WHERE path = 'photo.jpg';
--
--     rewrite_elf  segments: what may be done with their memory (R, W, X, and - for what may not)
--     rewrite_tar  members by name; the header's checksum goes with it
--     rewrite_wav  the sampling rate; the bytes per second go with it
--     rewrite_png  texts of tEXt, as long as they were; the chunk's CRC goes with it. patch.sql writes longer ones
--     rewrite_tensor  values of safetensors' tensors, numbered from 0 in the order in which they stand there, the last index first to change
--     rewrite_exif  times of a photo, JPEG or TIFF: DateTime, DateTimeOriginal and DateTimeDigitized, as YYYY-MM-DD HH:MM:SS
--
-- Between BEGIN and COMMIT all of it is one transaction, and ROLLBACK takes it back. Each view has the layouts of its
-- format above it, and a trigger that writes where they say. A new value that cannot be written ends the statement with
-- an error that says why, and nothing of it is kept.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- ---- ELF -----------------------------------------------------------------------------------------

-- The class (1: 32 bit, 2: 64 bit) and the order of bytes stand at the start of the file.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.rewrite_elf_head_ USING mmap(*, magic u32be, class u8, data u8,
  phoff4 u32 at(28) if(class = 1), phoff8 u64 at(32) if(class = 2), phoff AS (coalesce(phoff4, phoff8)),
  step u16 at(iif(class = 1, 42, 54)), phnum u16, while=(magic = 0x7f454c46 AND class IN (1, 2)), count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.rewrite_elf_segment_ USING mmap(*, class u8 at_file(4), step u16 at_file(iif(class = 1, 42, 54)),
  type u32 at(0), flags_at AS (offset + iif(class = 1, 24, 4)), flags u32 at(iif(class = 1, 24, 4)),
  record=(step), while=(step >= iif(class = 1, 32, 56)), partial=yes);

CREATE TEMP VIEW IF NOT EXISTS rewrite_elf AS
  SELECT path, s.rowid AS number,
         CASE type WHEN 1 THEN 'LOAD' WHEN 2 THEN 'DYNAMIC' WHEN 3 THEN 'INTERP' WHEN 4 THEN 'NOTE' WHEN 6 THEN 'PHDR' WHEN 7 THEN 'TLS'
                   WHEN 0x6474e551 THEN 'GNU_STACK' WHEN 0x6474e552 THEN 'GNU_RELRO' ELSE printf('0x%x', type) END AS type,
         iif(flags & 4, 'R', '-') || iif(flags & 2, 'W', '-') || iif(flags & 1, 'X', '-') AS rights,
         flags, flags_at, iif(data = 1, 'u32le', 'u32be') AS flags_type
    FROM target CROSS JOIN rewrite_elf_head_(path, 0, 64, CASE mmap_slice(path, 5, 6) WHEN x'01' THEN 'le' WHEN x'02' THEN 'be' END) AS h
         CROSS JOIN rewrite_elf_segment_(path, iif(phoff > 0, phoff, NULL), mmap_length(path), iif(data = 1, 'le', 'be')) AS s
   WHERE h.error IS NULL AND s.rowid < phnum AND s.error IS NULL;

CREATE TEMP TRIGGER IF NOT EXISTS rewrite_elf_update INSTEAD OF UPDATE OF rights ON rewrite_elf BEGIN
  SELECT RAISE(ABORT, 'rights are three of R, W and X, with - for each that is not given') WHERE NEW.rights IS NULL
    OR NEW.rights NOT GLOB '[R-][W-][X-]';
  SELECT mmap_set(OLD.path, OLD.flags_at, OLD.flags & ~7 | 4 * (NEW.rights GLOB 'R*') | 2 * (NEW.rights GLOB '?W?') | (NEW.rights GLOB '*X'),
                  OLD.flags_type);
END;

-- ---- TAR -----------------------------------------------------------------------------------------

CREATE VIRTUAL TABLE IF NOT EXISTS temp.rewrite_tar_header_ USING mmap(*, first u8, name text(100) at(0), size_first u8 at(124),
  size12 text(12) at(124), size_binary u64be at(128), checksum8 text(8) at(148), type text(1), magic text(8) at(257),
  prefix text(155) at(345), checksum AS (oct(checksum8)), size AS (iif(size_first & 0x80, size_binary, oct(size12))),
  data blob(iif(type IN ('1', '2', '3', '4', '5', '6'), 0, size)) at(512), while=(first > 0 AND checksum > 0), align=512, partial=yes);

-- Names that stand in a member of their own before it, as those of more than 100 bytes do, are not written.
CREATE TEMP VIEW IF NOT EXISTS rewrite_tar AS
  SELECT * FROM (
    SELECT path, h.rowid AS number, h.offset AS at, type, iif(magic = 'ustar' AND prefix <> '', prefix || '/', '') || name AS name,
           magic = 'ustar' AS has_prefix, lag(type, 1, '') OVER (PARTITION BY path ORDER BY h.rowid) IN ('L', 'K', 'x') AS is_long
      FROM target CROSS JOIN rewrite_tar_header_(path) AS h WHERE prefix IS NOT NULL)
   WHERE NOT is_long AND type NOT IN ('L', 'K', 'x', 'g');

-- The checksum is the sum of the header's bytes, with blanks for its own eight: six octal digits, a NUL and a blank.
CREATE TEMP TRIGGER IF NOT EXISTS rewrite_tar_update INSTEAD OF UPDATE OF name ON rewrite_tar BEGIN
  SELECT RAISE(ABORT, 'the name has no bytes, or a NUL, or more than 100 bytes')
   WHERE coalesce(NEW.name, '') = '' OR instr(NEW.name, char(0)) OR length(CAST(NEW.name AS BLOB)) > 100;
  SELECT mmap_set(OLD.path, OLD.at, NEW.name, 'text(100)');
  SELECT mmap_patch(OLD.path, OLD.at + 345, zeroblob(155)) WHERE OLD.has_prefix;
  SELECT mmap_set(OLD.path, OLD.at + 148, printf('%06o', 256 + sum(byte)), 'text(7)'), mmap_set(OLD.path, OLD.at + 155, 32)
    FROM mmap(OLD.path) AS b WHERE b.offset BETWEEN OLD.at AND OLD.at + 511 AND b.offset - OLD.at NOT BETWEEN 148 AND 155;
END;

-- ---- WAV -----------------------------------------------------------------------------------------

-- RIFX is RIFF with the numbers big-endian.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.rewrite_riff_ USING mmap(*, offset=12, magic text(4) at_file(0), form text(4) at_file(8),
  id text(4) at(0), length u32, kind u16 if(id = 'fmt '), channels u16 if(id = 'fmt '), rate u32 if(id = 'fmt '),
  byte_rate u32 if(id = 'fmt '), frame_bytes u16 if(id = 'fmt '), bits u16 if(id = 'fmt '), data blob(length) at(8),
  while=(magic IN ('RIFF', 'RIFX', 'RF64') AND form = 'WAVE'), until=(id = 'fmt '), align=2, partial=yes);

CREATE TEMP VIEW IF NOT EXISTS rewrite_wav AS
  SELECT path, c.offset AS at, channels, rate, byte_rate, frame_bytes, bits, iif(magic = 'RIFX', 'u32be', 'u32le') AS u32
    FROM target CROSS JOIN rewrite_riff_(path, 12, mmap_length(path), iif(mmap_slice(path, 0, 4) = x'52494658', 'be', 'le')) AS c
   WHERE id = 'fmt ' AND length >= 16 AND c.error IS NULL;

CREATE TEMP TRIGGER IF NOT EXISTS rewrite_wav_update INSTEAD OF UPDATE OF rate ON rewrite_wav BEGIN
  SELECT RAISE(ABORT, 'a rate is a number from 1 on') WHERE typeof(NEW.rate) <> 'integer' OR NEW.rate < 1;
  -- Of what is not PCM the bytes per second are in proportion.
  SELECT mmap_set(OLD.path, OLD.at + 16, iif(OLD.byte_rate = OLD.rate * OLD.frame_bytes OR OLD.rate = 0, NEW.rate * OLD.frame_bytes,
                                             OLD.byte_rate * NEW.rate / OLD.rate), OLD.u32),
         mmap_set(OLD.path, OLD.at + 12, NEW.rate, OLD.u32);
END;

-- ---- PNG -----------------------------------------------------------------------------------------

CREATE VIRTUAL TABLE IF NOT EXISTS temp.rewrite_png_chunk_ USING mmap(*, offset=8, magic u64be at_file(0), length u32be at(0), type text(4),
  data blob(length), crc u32be, keyword latin1(length) at(8) if(type = 'tEXt'), text_at AS (offset + 9 + length(keyword)),
  text latin1(length - length(keyword) - 1) at(9 + length(keyword)) if(length > length(keyword)),
  while=(magic = 0x89504e470d0a1a0a), until=(type = 'IEND'), partial=yes);

CREATE TEMP VIEW IF NOT EXISTS rewrite_png AS
  SELECT path, c.offset AS at, c.next AS behind, keyword, text, text_at, c.next - 4 - text_at AS room
    FROM target CROSS JOIN rewrite_png_chunk_(path) AS c WHERE text IS NOT NULL AND c.error IS NULL;

CREATE TEMP TRIGGER IF NOT EXISTS rewrite_png_update INSTEAD OF UPDATE OF text ON rewrite_png BEGIN
  SELECT RAISE(ABORT, 'the text is not as long as it was') WHERE length(NEW.text) IS NOT OLD.room;
  SELECT mmap_set(OLD.path, OLD.text_at, NEW.text, 'latin1(' || OLD.room || ')') WHERE OLD.room > 0;
  SELECT mmap_set(OLD.path, OLD.behind - 4, mmap_crc32(OLD.path, OLD.at + 4, OLD.behind - 4), 'u32be');
END;

-- ---- safetensors ---------------------------------------------------------------------------------

CREATE VIRTUAL TABLE IF NOT EXISTS temp.rewrite_tensor_head_ USING mmap(*, length u64le, brace u8 at_file(8), header text(length) at(8),
  while=(length BETWEEN 2 AND 100000000 AND brace = 0x7b), count=(1), partial=yes);

-- The tensors whose bytes are in the file, as many as their shape takes. `most` is the largest number of a type of floating point.
CREATE TEMP VIEW IF NOT EXISTS rewrite_tensor_at_ AS
  SELECT DISTINCT path, name, type, form, width, most, first, (last - first) / width AS count
    FROM (SELECT DISTINCT f.path, mmap_length(f.path) AS size, t.key AS name, json_extract(t.value, '$.dtype') AS type,
                 iif(json_type(t.value, '$.shape') = 'array', json_extract(t.value, '$.shape'), NULL) AS shape, 8 + length AS data_at,
                 iif(json_type(t.value, '$.data_offsets[0]') = 'integer', 8 + length + json_extract(t.value, '$.data_offsets[0]'), NULL) AS first,
                 iif(json_type(t.value, '$.data_offsets[1]') = 'integer', 8 + length + json_extract(t.value, '$.data_offsets[1]'), NULL) AS last
            FROM target AS f CROSS JOIN rewrite_tensor_head_(f.path) AS h CROSS JOIN json_each(iif(json_valid(header), header, '{}')) AS t
           WHERE h.error IS NULL AND t.key <> '__metadata__' AND t.type = 'object')
         CROSS JOIN (SELECT column1 AS dtype, column2 AS form, column3 AS width, column4 AS most FROM (VALUES
           ('F64', 'f64le', 8, 1.7976931348623157e308), ('F32', 'f32le', 4, 3.4028234663852886e38), ('F16', 'f16le', 2, 65504.0),
             ('BF16', 'bf16le', 2, 3.3895313892515355e38),
           ('I64', 'i64le', 8, NULL), ('I32', 'i32le', 4, NULL), ('I16', 'i16le', 2, NULL), ('I8', 'i8', 1, NULL), ('U32', 'u32le', 4, NULL),
             ('U16', 'u16le', 2, NULL), ('U8', 'u8', 1, NULL)))
   WHERE dtype = type AND typeof(first) = 'integer' AND typeof(last) = 'integer' AND first >= data_at AND last BETWEEN first AND size
     AND json_array_length(shape) <= 64 AND last - first = width * (
           WITH RECURSIVE product(turn, so_far) AS (
             SELECT 0, 1 UNION ALL SELECT turn + 1, so_far * json_extract(shape, '$[' || turn || ']') FROM product
               WHERE turn < json_array_length(shape))
           SELECT so_far FROM product WHERE turn = json_array_length(shape));

CREATE TEMP VIEW IF NOT EXISTS rewrite_tensor AS
  SELECT path, name, type, i.offset AS number, mmap_get(path, first + i.offset * width, form) AS value, first + i.offset * width AS at, form, most
    FROM rewrite_tensor_at_ CROSS JOIN mmap(path) AS i WHERE i.offset < count;

CREATE TEMP TRIGGER IF NOT EXISTS rewrite_tensor_update INSTEAD OF UPDATE OF value ON rewrite_tensor BEGIN
  SELECT RAISE(ABORT, 'the value is no number that the type of its tensor has')
   WHERE typeof(NEW.value) NOT IN ('integer', 'real') OR iif(OLD.most IS NULL, typeof(NEW.value) <> 'integer', abs(NEW.value + 0.0) > OLD.most);
  SELECT mmap_set(OLD.path, OLD.at, NEW.value, OLD.form);
END;

-- ---- EXIF ----------------------------------------------------------------------------------------

-- A TIFF in the segment of a JPEG that begins with Exif and two NULs, or alone. In it places count from its start.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.rewrite_exif_segment_ USING mmap(*, signature u24be at_file(0), ff u8 at(0), code u8 at_file(offset + 1),
  bare AS (code = 0x01 OR code BETWEEN 0xd0 AND 0xd9), fill AS (code = 0xff), length u16be at(2) if(NOT bare AND NOT fill),
  mark u48be if(code = 0xe1 AND length >= 8), record=(iif(fill, 1, iif(bare, 2, length + 2))),
  while=(signature = 0xffd8ff AND ff = 0xff), until=(code IN (0xd9, 0xda) OR mark = 0x457869660000), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.rewrite_exif_head_ USING mmap(*, mark u16be, magic u16, first u32, while=(magic = 42), count=(1), partial=yes);
-- How many entries a directory has stands before them.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.rewrite_exif_entry_ USING mmap(*, n u16 at_file(start - 2), tag u16 at(0), type u16, items u32, place u32,
  while=(rowid < n), partial=yes);

CREATE TEMP VIEW IF NOT EXISTS rewrite_exif_base_ AS
  SELECT DISTINCT path, CASE WHEN mmap_slice(path, 0, 2) IN (x'4949', x'4d4d') THEN 0
                             ELSE (SELECT a.offset + 10 FROM rewrite_exif_segment_(t.path) AS a WHERE mark = 0x457869660000 LIMIT 1) END AS base
    FROM target AS t;
CREATE TEMP VIEW IF NOT EXISTS rewrite_exif_place_ AS
  SELECT DISTINCT path, base, CASE base WHEN 0 THEN mmap_length(path) ELSE min(mmap_length(path), base - 8 + mmap_get(path, base - 8, 'u16be')) END AS until,
         CASE mmap_slice(path, base, base + 2) WHEN x'4949' THEN 'le' WHEN x'4d4d' THEN 'be' END AS ord
    FROM rewrite_exif_base_ WHERE base >= 0;

-- The first directory has DateTime, and says where the one of EXIF (8769) is, which has the others. A time has 19 letters, and mostly a NUL.
CREATE TEMP VIEW IF NOT EXISTS rewrite_exif AS
  SELECT path, name, CASE WHEN text GLOB '[0-9][0-9][0-9][0-9]:[0-9][0-9]:[0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9]'
                          THEN replace(substr(text, 1, 10), ':', '-') || substr(text, 11) END AS time, at
    FROM (SELECT DISTINCT p.path, CASE tag WHEN 0x0132 THEN 'DateTime' WHEN 0x9003 THEN 'DateTimeOriginal' ELSE 'DateTimeDigitized' END AS name,
                 base + place AS at, CASE WHEN base + place + items <= until THEN mmap_get(p.path, base + place, 'text(19)') END AS text
            FROM (SELECT DISTINCT p.*, json_array(base + first, (
                           SELECT base + place FROM rewrite_exif_entry_(p.path, iif(base + first + 2 <= until, base + first + 2, NULL), until, ord)
                            WHERE tag = 0x8769 AND type = 4 LIMIT 1)) AS directories
                    FROM rewrite_exif_place_ AS p CROSS JOIN rewrite_exif_head_(p.path, base, until, ord) AS h WHERE first > 0) AS p
                 CROSS JOIN json_each(directories) AS d
                 CROSS JOIN rewrite_exif_entry_(p.path, iif(d.value + 2 <= until, d.value + 2, NULL), until, ord) AS e
           WHERE tag = CASE d.key WHEN 0 THEN 0x0132 ELSE iif(tag = 0x9004, 0x9004, 0x9003) END AND e.type = 2 AND items IN (19, 20) AND e.error IS NULL)
   WHERE text IS NOT NULL;

CREATE TEMP TRIGGER IF NOT EXISTS rewrite_exif_update INSTEAD OF UPDATE OF time ON rewrite_exif BEGIN
  SELECT RAISE(ABORT, 'a time is YYYY-MM-DD HH:MM:SS') WHERE datetime(NEW.time) IS NOT NEW.time OR NEW.time IS NULL OR length(NEW.time) <> 19;
  SELECT mmap_set(OLD.path, OLD.at, replace(substr(NEW.time, 1, 10), '-', ':') || substr(NEW.time, 11), 'text(19)');
END;
