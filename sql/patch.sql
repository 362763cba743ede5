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
-- Runs of bytes, in any number of files, replaced by as many or another number: all of them, if each file has what
-- `old` says, else none and an error that says where not. Offsets are those of the file as it was. patch_state tells
-- beforehand: old, new (applied already), other, outside (of the file), overlap (with another patch). 'revert' puts
-- `old` back where all is `new`. patch_text has both as texts for mmap_apply, to be sent to somebody.
--
--     INSERT INTO patch VALUES ('firmware.bin', 0x30, x'7405', x'9090'), ('other.bin', 4, 'beta', 'gamma');
--     SELECT path, offset, state FROM patch_state;
--     INSERT INTO patch_run VALUES ('apply');
--     INSERT INTO patch_run VALUES ('revert');
--
-- 2. Any changes, kept as rows and undone later, sizes included: what a transaction has changed is kept before its
-- COMMIT, as a run of its own. The rows are in the main database, and stay with it if it is a file. The last run is
-- undone first; a file that was changed since is an error, and nothing is undone.
--
--     BEGIN;
--     SELECT mmap_insert('firmware.bin', 0x40, 'inserted'), mmap_resize('other.bin', 5);
--     INSERT INTO patch_keep DEFAULT VALUES;
--     COMMIT;
--     INSERT INTO patch_undo SELECT run FROM patch_keep;
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
  path TEXT NOT NULL, offset INTEGER NOT NULL CHECK (offset >= 0), old NOT NULL, new NOT NULL, PRIMARY KEY (path, offset)
);

-- Names that end in _ are steps on the way. `new_offset` is where the new bytes are when all patches of the file are
-- applied, `end_before` where the furthest of the patches before this one ends.
CREATE TEMP VIEW IF NOT EXISTS patch_at_ AS
  SELECT path, offset, length, old, new,
         offset + coalesce(sum(length(new) - length) OVER before, 0) AS new_offset,
         max(offset + length) OVER before AS end_before, lead(offset) OVER (PARTITION BY path ORDER BY offset) AS next
    FROM (SELECT path, offset, length(CAST(old AS BLOB)) AS length, CAST(old AS BLOB) AS old, CAST(new AS BLOB) AS new FROM patch)
  WINDOW before AS (PARTITION BY path ORDER BY offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING);

CREATE TEMP VIEW IF NOT EXISTS patch_state AS
  SELECT path, offset, length, old, new,
         CASE WHEN end_before > offset OR next < offset + length THEN 'overlap'
              WHEN mmap_slice(path, offset, offset + length) = old THEN 'old'
              WHEN mmap_slice(path, new_offset, new_offset + length(new)) = new THEN 'new'
              WHEN offset + length > mmap_length(path) THEN 'outside'
              ELSE 'other' END AS state
    FROM patch_at_;

-- Texts ascend by offset; `-` stands for no bytes.
CREATE TEMP VIEW IF NOT EXISTS patch_text AS
  SELECT path, group_concat(offset || old || new, char(10)) AS apply, group_concat(new_offset || new || old, char(10)) AS revert
    FROM (SELECT path, offset, new_offset, ' ' || coalesce(nullif(hex(old), ''), '-') AS old,
                 ' ' || coalesce(nullif(hex(new), ''), '-') AS new
            FROM patch_at_ ORDER BY path, offset)
   GROUP BY path;

CREATE TEMP VIEW IF NOT EXISTS patch_run AS SELECT '' AS action;

CREATE TEMP TRIGGER IF NOT EXISTS patch_run_insert INSTEAD OF INSERT ON patch_run BEGIN
  SELECT RAISE(ABORT, 'patch_run takes ''apply'' or ''revert''') WHERE coalesce(NEW.action, '') NOT IN ('apply', 'revert');
  SELECT mmap_apply(path, iif(NEW.action = 'apply', apply, revert)) FROM patch_text;
END;

-- ---- 2. changes kept as rows ---------------------------------------------------------------------

-- The columns of mmap_changes, and which run they belong to.
CREATE TABLE IF NOT EXISTS patch_log(
  run INTEGER NOT NULL, path TEXT, offset INTEGER, length INTEGER, old BLOB, new BLOB
);

CREATE TEMP VIEW IF NOT EXISTS patch_keep AS SELECT max(run) AS run FROM patch_log;

CREATE TEMP TRIGGER IF NOT EXISTS patch_keep_insert INSTEAD OF INSERT ON patch_keep BEGIN
  INSERT INTO patch_log SELECT coalesce(k.run, 0) + 1, c.* FROM patch_keep AS k, mmap_changes AS c;
END;

CREATE TEMP VIEW IF NOT EXISTS patch_undo AS SELECT DISTINCT run FROM patch_log;

-- A patch knows the bytes that it replaces; what grew or was cut must also end where it did.
CREATE TEMP TRIGGER IF NOT EXISTS patch_undo_insert INSTEAD OF INSERT ON patch_undo BEGIN
  SELECT RAISE(ABORT, 'patch_log has no such run')
   WHERE NOT EXISTS (SELECT 1 FROM patch_log WHERE run = NEW.run);
  SELECT RAISE(ABORT, 'a file has another size since')
   WHERE EXISTS (SELECT 1 FROM patch_log WHERE run = NEW.run AND (old IS NULL OR new IS NULL)
                    AND mmap_length(path) <> offset + coalesce(length(new), 0));
  SELECT mmap_apply(path, group_concat(offset || new || old, char(10)))
    FROM (SELECT path, offset, ' ' || coalesce(nullif(hex(old), ''), '-') AS old,
                 ' ' || coalesce(nullif(hex(new), ''), '-') AS new
            FROM patch_log WHERE run = NEW.run ORDER BY path, offset)
   GROUP BY path;
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

-- The data of a tEXt chunk are a keyword, a NUL and a text.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.patch_png_chunk_ USING mmap(*, offset=8, magic u64be at_file(0), length u32be at(0), type text(4),
  keyword latin1(length) if(type = 'tEXt'), text_at AS (offset + 9 + length(keyword)), room AS (length - length(keyword) - 1),
  text latin1(room) at(9 + length(keyword)) if(room >= 0), crc u32be at(8 + length),
  while=(magic = 0x89504e470d0a1a0a), until=(type = 'IEND'), partial=yes);

CREATE TEMP VIEW IF NOT EXISTS patch_png_text AS
  SELECT path, c.offset AS at, c.next AS behind, keyword, text, text_at, room,
         mmap_crc32(path, c.offset + 4, c.next - 4) = crc AS crc_ok
    FROM target CROSS JOIN patch_png_chunk_(path) AS c WHERE text IS NOT NULL AND c.error IS NULL;

-- The rows of an UPDATE are looked up before the first of them is written: after one of another length those
-- behind it in the file are not where they were.
CREATE TEMP TRIGGER IF NOT EXISTS patch_png_text_update INSTEAD OF UPDATE OF text ON patch_png_text BEGIN
  SELECT RAISE(ABORT, 'another length moves the texts behind it: update one text of a file at a time')
   WHERE NOT EXISTS (SELECT 1 FROM patch_png_text AS now WHERE now.path = OLD.path AND now.at = OLD.at
                        AND now.behind = OLD.behind AND now.keyword = OLD.keyword AND now.text = OLD.text);
  SELECT RAISE(ABORT, 'text is NULL') WHERE NEW.text IS NULL;
  -- There is room first, then the text; a BLOB is taken as it is. (length() of a number is that of its digits.)
  SELECT mmap_delete(OLD.path, OLD.text_at, OLD.text_at + OLD.room),
         mmap_insert(OLD.path, OLD.text_at, iif(typeof(NEW.text) = 'blob', NEW.text, zeroblob(length(NEW.text)))),
         mmap_set(OLD.path, OLD.at, OLD.text_at - OLD.at - 8 + length(NEW.text), 'u32be');
  SELECT mmap_set(OLD.path, OLD.text_at, CAST(NEW.text AS TEXT), 'latin1(' || length(NEW.text) || ')')
   WHERE typeof(NEW.text) <> 'blob' AND length(NEW.text) > 0;
  SELECT mmap_set(OLD.path, behind, mmap_crc32(OLD.path, OLD.at + 4, behind), 'u32be')
    FROM (SELECT OLD.behind - 4 - OLD.room + length(NEW.text) AS behind);
END;
