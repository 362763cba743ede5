-- tail: the last lines of a file, and what was added to it since. Neither reads the rest of the file.
--
--     .read sql/tail.sql
--     INSERT OR IGNORE INTO target VALUES ('server.log');
--     SELECT text FROM tail_line WHERE path = 'server.log' ORDER BY offset;
--     UPDATE tail_option SET lines = 3;
--     SELECT path, offset, text FROM tail_line ORDER BY path, offset;
--
-- Following: a file is looked at as far as its last newline now, the lines up to there are read, and then they are
-- remembered as read. What is appended meanwhile comes the next time, and half a line when it is whole.
--
--     INSERT OR IGNORE INTO tail_seen(path) SELECT path FROM target;
--     UPDATE tail_seen SET seen = 0 WHERE seen > mmap_length(path);
--     UPDATE tail_seen SET upto = max(seen, 1 + mmap_rfind(path, x'0a', seen));
--     SELECT path, offset, text FROM tail_new;
--     UPDATE tail_seen SET seen = upto;
--
--   tail_line  the last lines of each file in `target`: path, back (1 is the last), offset, text
--   tail_new   the lines of each file in tail_seen from `seen` to `upto`: path, offset, text
--
-- Text is without its \n or \r\n, and comes as UTF-8: U+FFFD stands for what is none, and mmap_slice(path, offset, …)
-- has the bytes. A byte order mark at the start of a file is in no line.
--
-- The four lines after the first are one look, as often as you like. To begin with what comes from now on, leave
-- SELECT out of the first look. tail_seen is in the
-- main database: if that is a file, it is remembered from one day to the next. A file that is shorter than what was
-- seen of it has begun anew, and so is read from its start; one that was replaced by a longer one is not noticed.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- One row: how many lines.
CREATE TEMP TABLE IF NOT EXISTS tail_option(one INTEGER PRIMARY KEY CHECK (one = 1), lines INTEGER NOT NULL);
INSERT OR IGNORE INTO tail_option VALUES (1, 10);

CREATE TABLE IF NOT EXISTS tail_seen(
  path TEXT PRIMARY KEY NOT NULL, seen INTEGER NOT NULL DEFAULT 0, upto INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- Where the first line begins, which is behind a UTF-8 byte order mark as in mmap_lines, and where the text of the
-- last one ends: at the newline that ends the file, if there is one.
CREATE TEMP VIEW IF NOT EXISTS tail_end_ AS
  SELECT path, iif(mmap_slice(path, 0, 3) = x'efbbbf', 3, 0) AS first,
         iif(mmap_slice(path, -1) = x'0a', mmap_length(path) - 1, mmap_length(path)) AS end
    FROM target WHERE mmap_length(path) > 0;

-- A run of UTF-8, which is group 1, or a piece that is none, as long as decoders agree on.
CREATE TEMP VIEW IF NOT EXISTS tail_utf8_ AS SELECT '(?x)
    ( (?: [\x00-\x7f]                   | [\xc2-\xdf]         [\x80-\xbf]
        | \xe0 [\xa0-\xbf] [\x80-\xbf]    | [\xe1-\xec\xee\xef] [\x80-\xbf]{2}
        | \xed [\x80-\x9f] [\x80-\xbf]    | \xf0 [\x90-\xbf]    [\x80-\xbf]{2}
        | [\xf1-\xf3]      [\x80-\xbf]{3} | \xf4 [\x80-\x8f]    [\x80-\xbf]{2} )++ )
    | \xe0 [\xa0-\xbf]                  | [\xe1-\xec\xee\xef] [\x80-\xbf]
    | \xed [\x80-\x9f]                  | \xf0 [\x90-\xbf]    [\x80-\xbf]?
    | [\xf1-\xf3]      [\x80-\xbf]{1,2} | \xf4 [\x80-\x8f]    [\x80-\xbf]?
    | [\x80-\xff]' AS utf8;

-- From the end backwards, a newline at a time; a text is without its \n or \r\n.
CREATE TEMP VIEW IF NOT EXISTS tail_back_ AS
  WITH RECURSIVE line(path, back, begin, end, first) AS (
    SELECT path, 1, max(first, 1 + mmap_rfind(path, x'0a', first, end)), end, first FROM tail_end_
     WHERE (SELECT lines FROM tail_option) > 0 AND mmap_length(path) > first
    UNION ALL
    SELECT path, back + 1, max(first, 1 + mmap_rfind(path, x'0a', first, begin - 1)), begin - 1, first FROM line
     WHERE begin > first AND back < (SELECT lines FROM tail_option))
  SELECT path, back, begin, end - (end > begin AND mmap_slice(path, end - 1, end + 1) = x'0d0a') AS end FROM line;

CREATE TEMP VIEW IF NOT EXISTS tail_line AS
  SELECT path, back, begin AS offset,
         (SELECT coalesce(group_concat(coalesce(CAST(g1 AS TEXT), char(0xfffd)), ''), '')
            FROM tail_utf8_, mmap_search_all(path, utf8, begin, end)) AS text
    FROM tail_back_;

CREATE TEMP VIEW IF NOT EXISTS tail_new AS
  SELECT t.path, l.offset,
         (SELECT coalesce(group_concat(coalesce(CAST(g1 AS TEXT), char(0xfffd)), ''), '')
            FROM tail_utf8_, mmap_search_all(t.path, utf8, l.offset, l.offset + length(CAST(l.text AS BLOB)))) AS text
    FROM tail_seen AS t, mmap_lines(t.path) AS l
   WHERE l.offset >= t.seen AND l.offset < t.upto;
