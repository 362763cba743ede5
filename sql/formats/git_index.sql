-- The index of a git work tree (.git/index): which files are staged, with which content, and what git knows of each.
--
--     .read sql/formats/git_index.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('.git/index') WHERE error IS NULL;
--     SELECT path, version, entries FROM git_index;
--     SELECT name, mode, hash, size, modified FROM git_index_entry ORDER BY size DESC LIMIT 9;
--     SELECT name, stage, hash FROM git_index_entry WHERE stage > 0;
--
--     git_index        a row for each index: version, how many entries it says it has
--     git_index_entry  name, mode, hash, stage (1 to 3 in a conflict), size, times, device, inode, uid, gid, flags
--
-- Versions 2 and 3 with hashes of SHA-1. Names are UTF-8 or, if they are none, read as Latin-1. Not covered: version 4, whose names
-- lean on each other, and SHA-256; what is behind the entries (trees, resolved conflicts, the checksum).

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

CREATE VIRTUAL TABLE IF NOT EXISTS temp.git_index_head_ USING mmap(*, magic u32be, version u32be, entries u32be,
  while=(magic = 0x44495243), count=(1), partial=yes);

-- A name ends with 1 to 8 NULs, so that an entry has a multiple of 8 bytes. Its length is 0xfff if it is that or more.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.git_index_entry_ USING mmap(*, offset=12, version u32be at_file(4), changed u32be at(0), changed_ns u32be,
  modified u32be, modified_ns u32be, device u32be, inode u32be, mode u32be, uid u32be, gid u32be, bytes u32be, hash blob(20),
  assume_valid b1, extended b1, stage b2, said b12, reserved b1 if(extended), skip_worktree b1 if(extended), intent_to_add b1 if(extended),
  unused b13 if(extended), name_at AS (pos), name cstr, name_end AS (pos), record=(align(name_end - offset, 8)),
  check=(version BETWEEN 2 AND 3 AND name_end - name_at - 1 >= said), partial=yes);

-- The text in the bytes first..last - 1, up to a NUL: as UTF-8 or, if it is not all UTF-8, as Latin-1.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.git_string_ USING mmap(*, utf8 text(min(stop - start, 4096)),
  latin1 latin1(min(stop - start, 4096)) at(0), count=(1), partial=yes);
CREATE TEMP VIEW IF NOT EXISTS git_text_ AS
  SELECT t.file AS path, t.start AS first, t.stop AS last,
         CASE WHEN utf8 NOT GLOB '*[^' || char(1) || '-~]*' OR mmap_search(t.file,
                '(?x) \G (?: [\x01-\x7f] | [\xc2-\xdf] [\x80-\xbf] | \xe0 [\xa0-\xbf] [\x80-\xbf]
                      | [\xe1-\xec\xee\xef] [\x80-\xbf]{2} | \xed [\x80-\x9f] [\x80-\xbf] | \xf0 [\x90-\xbf] [\x80-\xbf]{2}
                      | [\xf1-\xf3] [\x80-\xbf]{3} | \xf4 [\x80-\x8f] [\x80-\xbf]{2} )*+ (?: \x00 | \z )',
                t.start, min(t.stop, t.start + 4096)) >= 0 THEN utf8 ELSE latin1 END AS text
    FROM git_string_ AS t WHERE t.error IS NULL;

CREATE TEMP VIEW IF NOT EXISTS git_index AS
  SELECT path, version, entries, iif(version BETWEEN 2 AND 3, NULL, 'its version is not read here') AS error
    FROM target CROSS JOIN git_index_head_(path) AS h WHERE h.error IS NULL;

CREATE TEMP VIEW IF NOT EXISTS git_index_entry AS
  SELECT path, e.rowid AS number, (SELECT text FROM git_text_ AS x WHERE x.path = t.path AND first = name_at AND last = name_end - 1) AS name,
         printf('%06o', mode) AS mode, lower(hex(hash)) AS hash, stage, bytes AS size, datetime(modified, 'unixepoch') AS modified,
         datetime(changed, 'unixepoch') AS changed, device, inode, uid, gid, assume_valid, coalesce(skip_worktree, 0) AS skip_worktree,
         coalesce(intent_to_add, 0) AS intent_to_add, iif(e.error IS NULL, NULL, 'it is no entry, or reaches past the end of the file') AS error
    FROM target AS t CROSS JOIN git_index_head_(path) AS h CROSS JOIN git_index_entry_(path) AS e
   WHERE h.error IS NULL AND h.version BETWEEN 2 AND 3 AND e.rowid < entries AND said IS NOT NULL;
