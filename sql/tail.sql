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

-- Where the text of the last line ends: at the newline that ends the file, if there is one.
CREATE TEMP VIEW IF NOT EXISTS tail_end_ AS
  SELECT path, iif(mmap_slice(path, -1) = x'0a', mmap_length(path) - 1, mmap_length(path)) AS end
    FROM target WHERE mmap_length(path) > 0;

-- From the end backwards, a newline at a time.
CREATE TEMP VIEW IF NOT EXISTS tail_line AS
  WITH RECURSIVE line(path, back, begin, end) AS (
    SELECT path, 1, 1 + mmap_rfind(path, x'0a', 0, end), end FROM tail_end_
     WHERE (SELECT lines FROM tail_option) > 0
    UNION ALL
    SELECT path, back + 1, 1 + mmap_rfind(path, x'0a', 0, begin - 1), begin - 1 FROM line
     WHERE begin > 0 AND back < (SELECT lines FROM tail_option))
  SELECT path, back, begin AS offset,
         CAST(mmap_slice(path, begin,
                         iif(end > begin AND mmap_slice(path, end - 1, end + 1) = x'0d0a', end - 1, end)) AS TEXT)
           AS text
    FROM line;

CREATE TEMP VIEW IF NOT EXISTS tail_new AS
  SELECT tail_seen.path, l.offset, l.text FROM tail_seen, mmap_lines(tail_seen.path) AS l
   WHERE l.offset >= tail_seen.seen AND l.offset < tail_seen.upto;
