-- Patching: only where the bytes are the expected ones, all patches or none, with a way back, and with
-- checksums that stay right.
--
-- 1. Compare and swap: one byte by UPDATE. A patch of no bytes makes this connection the file's only writer, so
-- that nobody comes between the comparison and the write; changes() tells whether it happened.
--
--     .read sql/patch.sql
--     BEGIN;
--     SELECT mmap_patch('firmware.bin', 0, x'');
--     UPDATE mmap SET byte = 0x90 WHERE file = 'firmware.bin' AND offset = 0x20 AND byte = 0x74;
--     SELECT changes();
--     COMMIT;
--
-- Runs of bytes, in any number of files: all of them, if each file has what `old` says, else none and an error.
-- patch_state tells beforehand, and afterwards which one was in the way: old, new (applied already), other, outside
-- (of the file), overlap (with another patch). 'revert' puts `old` back where all is `new`.
--
--     INSERT INTO patch VALUES ('firmware.bin', 0x30, x'7405', x'9090'), ('other.bin', 4, 'beta', 'BETA');
--     SELECT path, offset, state FROM patch_state;
--     INSERT INTO patch_run VALUES ('apply');
--     INSERT INTO patch_run VALUES ('revert');
--
-- 2. Any changes, kept as rows and undone later, sizes included. The rows are in the main database, and stay
-- with it if it is a file. The last run is undone first; a file that was changed since is an error, and nothing
-- is undone.
--
--     BEGIN;
--     SELECT mmap_insert('firmware.bin', 0x40, 'inserted'), mmap_resize('other.bin', 5);
--     INSERT INTO patch_log SELECT 1 + coalesce((SELECT max(run) FROM patch_log), 0), * FROM mmap_changes;
--     COMMIT;
--     INSERT INTO patch_undo SELECT max(run) FROM patch_log;
--
-- 3. Checksums that are mended by the statement that makes them wrong. A file whose last four bytes are the
-- CRC-32 of all before (u32le), of those in `target`; and the text of a PNG's tEXt chunks, whatever its new length.
-- That is in Latin-1 there: a text with other characters is refused, a BLOB is written as it is.
--
--     INSERT OR IGNORE INTO target VALUES ('sealed.bin'), ('photo.png');
--     SELECT path, stored = computed AS whole FROM patch_seal WHERE path = 'sealed.bin';
--     UPDATE patch_sealed SET byte = 0xeb WHERE path = 'sealed.bin' AND offset = 0x10;
--     UPDATE patch_png_text SET text = 'a longer title' WHERE path = 'photo.png' AND keyword = 'Title';
--     SELECT keyword, text, crc_ok FROM patch_png_text WHERE path = 'photo.png';
--
-- Paths are looked up from the working directory; those in patch_log are absolute. Each INSERT and UPDATE here is
-- one transaction, also outside BEGIN.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- ---- 1. patches that know what they replace ------------------------------------------------------

CREATE TEMP TABLE IF NOT EXISTS patch(
  path TEXT NOT NULL,
  offset INTEGER NOT NULL CHECK (offset >= 0),
  old NOT NULL,
  new NOT NULL CHECK (length(CAST(new AS BLOB)) = length(CAST(old AS BLOB))),
  PRIMARY KEY (path, offset)
);

-- Names that end in _ are steps on the way. `end_before` is where the furthest of the patches before this one ends.
CREATE TEMP VIEW IF NOT EXISTS patch_now_ AS
  SELECT path, offset, length(CAST(old AS BLOB)) AS length, CAST(old AS BLOB) AS old, CAST(new AS BLOB) AS new,
         mmap_slice(path, offset, offset + length(CAST(old AS BLOB))) AS now,
         max(offset + length(CAST(old AS BLOB)))
           OVER (PARTITION BY path ORDER BY offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS end_before,
         lead(offset) OVER (PARTITION BY path ORDER BY offset) AS next
    FROM patch;

CREATE TEMP VIEW IF NOT EXISTS patch_state AS
  SELECT path, offset, length, old, new, now,
         CASE WHEN length(now) < length THEN 'outside'
              WHEN end_before > offset OR next < offset + length THEN 'overlap'
              WHEN now = old THEN 'old'
              WHEN now = new THEN 'new'
              ELSE 'other' END AS state
    FROM patch_now_;

-- SQLite lets no trigger UPDATE the table mmap, but the functions do their work there.
CREATE TEMP VIEW IF NOT EXISTS patch_run AS SELECT '' AS action;

CREATE TEMP TRIGGER IF NOT EXISTS patch_run_apply INSTEAD OF INSERT ON patch_run WHEN NEW.action = 'apply' BEGIN
  SELECT mmap_patch(path, 0, x'') FROM (SELECT DISTINCT path FROM patch);
  SELECT RAISE(ABORT, 'not every file has what patch.old says: see patch_state')
   WHERE EXISTS (SELECT 1 FROM patch_state WHERE state <> 'old');
  SELECT mmap_patch(path, offset, new) FROM patch;
  -- Paths are compared as they are written: one file under two names shows only now.
  SELECT RAISE(ABORT, 'patches of one file under two names overlap') FROM patch_state WHERE now <> new;
END;

CREATE TEMP TRIGGER IF NOT EXISTS patch_run_revert INSTEAD OF INSERT ON patch_run WHEN NEW.action = 'revert' BEGIN
  SELECT mmap_patch(path, 0, x'') FROM (SELECT DISTINCT path FROM patch);
  SELECT RAISE(ABORT, 'not every file has what patch.new says: see patch_state')
   WHERE EXISTS (SELECT 1 FROM patch_state WHERE state <> 'new' AND NOT (state = 'old' AND old = new));
  SELECT mmap_patch(path, offset, old) FROM patch;
  SELECT RAISE(ABORT, 'patches of one file under two names overlap') FROM patch_state WHERE now <> old;
END;

CREATE TEMP TRIGGER IF NOT EXISTS patch_run_other INSTEAD OF INSERT ON patch_run
  WHEN NEW.action IS NOT 'apply' AND NEW.action IS NOT 'revert' BEGIN
  SELECT RAISE(ABORT, 'patch_run takes ''apply'' or ''revert''');
END;

-- ---- 2. changes kept as rows ---------------------------------------------------------------------

-- The columns of mmap_changes, and which transaction they belong to.
CREATE TABLE IF NOT EXISTS patch_log(
  run INTEGER NOT NULL, path TEXT, offset INTEGER, length INTEGER, old BLOB, new BLOB
);

-- Is the file what the run has left? Where it grew or was cut its size is known, too.
CREATE TEMP VIEW IF NOT EXISTS patch_log_state AS
  SELECT run, path, offset, length, old, new,
         CASE WHEN new IS NULL THEN mmap_length(path) = offset
              WHEN old IS NULL AND mmap_length(path) <> offset + length THEN 0
              ELSE mmap_slice(path, offset, offset + length) = new END AS undoable
    FROM patch_log;

CREATE TEMP VIEW IF NOT EXISTS patch_undo AS SELECT DISTINCT run FROM patch_log;

CREATE TEMP TRIGGER IF NOT EXISTS patch_undo_insert INSTEAD OF INSERT ON patch_undo BEGIN
  SELECT RAISE(ABORT, 'patch_log has no such run')
   WHERE NOT EXISTS (SELECT 1 FROM patch_log WHERE run = NEW.run);
  SELECT mmap_patch(path, 0, x'') FROM (SELECT DISTINCT path FROM patch_log WHERE run = NEW.run);
  SELECT RAISE(ABORT, 'a file was changed since: see patch_log_state')
   WHERE EXISTS (SELECT 1 FROM patch_log_state WHERE run = NEW.run AND NOT undoable);
  -- What grew is cut, what was cut grows; then the bytes that were there.
  SELECT mmap_resize(path, iif(old IS NULL, offset, offset + length)) FROM patch_log
   WHERE run = NEW.run AND (old IS NULL OR new IS NULL);
  SELECT mmap_patch(path, offset, old) FROM patch_log WHERE run = NEW.run AND old IS NOT NULL;
  DELETE FROM patch_log WHERE run = NEW.run;
END;

-- ---- 3. checksums --------------------------------------------------------------------------------

CREATE TEMP VIEW IF NOT EXISTS patch_seal AS
  SELECT path, mmap_get(path, -4, 'u32le') AS stored, mmap_crc32(path, 0, -4) AS computed
    FROM target WHERE mmap_length(path) >= 4;

CREATE TEMP VIEW IF NOT EXISTS patch_sealed AS
  SELECT path, offset, byte FROM target, mmap(target.path);

-- A row at a time, each with a checksum of the whole file: for some bytes, not for some millions.
CREATE TEMP TRIGGER IF NOT EXISTS patch_sealed_update INSTEAD OF UPDATE ON patch_sealed BEGIN
  SELECT RAISE(ABORT, 'the checksum is no byte to be patched, and path and offset stay')
   WHERE NEW.path <> OLD.path OR NEW.offset <> OLD.offset OR OLD.offset >= mmap_length(OLD.path) - 4;
  SELECT RAISE(ABORT, 'the checksum was wrong before: see patch_seal')
   WHERE mmap_get(OLD.path, -4, 'u32le') <> mmap_crc32(OLD.path, 0, -4);
  SELECT mmap_set(OLD.path, OLD.offset, NEW.byte);
  SELECT mmap_set(OLD.path, -4, mmap_crc32(OLD.path, 0, -4), 'u32le');
END;

-- A PNG is 8 bytes, then chunks: length (u32be), type, data, CRC-32 of type and data (u32be). The data of a tEXt
-- chunk is a keyword, a NUL and a text in Latin-1. `at` is the chunk, `next` the one behind.
CREATE TEMP VIEW IF NOT EXISTS patch_png_chunk_ AS
  WITH RECURSIVE chunk(path, size, at, next) AS (
    SELECT path, mmap_length(path), 8,
           CASE WHEN mmap_length(path) >= 20 THEN 20 + mmap_get(path, 8, 'u32be') END
      FROM target WHERE mmap_slice(path, 0, 8) = x'89504e470d0a1a0a'
    UNION ALL
    SELECT path, size, next, CASE WHEN next + 12 <= size THEN next + 12 + mmap_get(path, next, 'u32be') END
      FROM chunk WHERE next < size)
  SELECT path, at, next - at - 12 AS length FROM chunk WHERE next <= size;

CREATE TEMP VIEW IF NOT EXISTS patch_png_text_ AS
  SELECT path, at, length, mmap_find(path, x'00', at + 8, at + 8 + length) AS nul
    FROM patch_png_chunk_ WHERE mmap_get(path, at + 4, 'text(4)') = 'tEXt';

-- In Latin-1 each byte is the character of that number.
CREATE TEMP VIEW IF NOT EXISTS patch_png_text AS
  SELECT path, at, length,
         (SELECT coalesce(group_concat(char(b.byte), ''), '') FROM mmap(path) AS b
           WHERE b.offset BETWEEN at + 8 AND nul - 1) AS keyword,
         (SELECT coalesce(group_concat(char(b.byte), ''), '') FROM mmap(path) AS b
           WHERE b.offset BETWEEN nul + 1 AND at + 7 + length) AS text,
         mmap_crc32(path, at + 4, at + 8 + length) = mmap_get(path, at + 8 + length, 'u32be') AS crc_ok
    FROM patch_png_text_ WHERE nul >= 0;

-- The rows of an UPDATE are looked up before the first of them is written: after one of another length those
-- behind it in the file are not where they were.
CREATE TEMP TRIGGER IF NOT EXISTS patch_png_text_update INSTEAD OF UPDATE OF text ON patch_png_text BEGIN
  SELECT RAISE(ABORT, 'another length moves the texts behind it: update one text of a file at a time')
   WHERE NOT EXISTS (SELECT 1 FROM patch_png_text AS now
                      WHERE now.path = OLD.path AND now.at = OLD.at AND now.length = OLD.length
                        AND now.keyword = OLD.keyword AND now.text = OLD.text);
  SELECT RAISE(ABORT, 'text is NULL') WHERE NEW.text IS NULL;
  SELECT RAISE(ABORT, 'text has a NUL') WHERE typeof(NEW.text) <> 'blob' AND instr(NEW.text, char(0));
  SELECT RAISE(ABORT, 'text has a character that is not in Latin-1')
   WHERE typeof(NEW.text) <> 'blob' AND NEW.text GLOB '*[^' || char(1) || '-' || char(255) || ']*';
  -- The keyword and its NUL stay where they are. There is room for each character first, then each is set; a BLOB is
  -- taken as it is. (length() of a number is that of its digits.)
  SELECT mmap_delete(OLD.path, mmap_find(OLD.path, x'00', OLD.at + 8) + 1, OLD.at + 8 + OLD.length);
  SELECT mmap_insert(OLD.path, mmap_find(OLD.path, x'00', OLD.at + 8) + 1,
                     iif(typeof(NEW.text) = 'blob', NEW.text, zeroblob(length(NEW.text))));
  SELECT mmap_set(OLD.path, at + i.offset, unicode(substr(NEW.text, i.offset + 1, 1)))
    FROM (SELECT mmap_find(OLD.path, x'00', OLD.at + 8) + 1 AS at), mmap(OLD.path) AS i
   WHERE typeof(NEW.text) <> 'blob' AND i.offset < length(NEW.text);
  SELECT mmap_set(OLD.path, OLD.at, mmap_find(OLD.path, x'00', OLD.at + 8) + 1 - OLD.at - 8
                                      + length(NEW.text), 'u32be');
  SELECT mmap_set(path, at + 8 + length, mmap_crc32(path, at + 4, at + 8 + length), 'u32be')
    FROM (SELECT OLD.path AS path, OLD.at AS at, mmap_get(OLD.path, OLD.at, 'u32be') AS length);
END;
