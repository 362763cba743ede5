-- grep: a pattern (PCRE2, over bytes) in many files, with line numbers in text files, offsets in all, and context.
--
--     .read sql/grep.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('**/*.bin') WHERE error IS NULL;
--     INSERT INTO grep VALUES ('secret_?key');
--     SELECT path, offset, length, before, shown, after FROM grep_match;
--     SELECT path, count(*) FROM grep_match GROUP BY path;
--
-- Text files by lines, each line once, however many matches it has; `^` and `$` mean lines with (?m) in front, and
-- (?i) ignores case. The line before and the line after, as grep -C 1 shows them:
--
--     DELETE FROM target;
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('src/**/*.c');
--     UPDATE grep SET pattern = '(?m)^int main';
--     SELECT path, number, text FROM grep_line;
--     SELECT path, number, previous, text, following FROM grep_line;
--     SELECT path FROM target WHERE mmap_search(path, '(?i)todo') < 0;
--
--   grep_match  a row a match: path, offset, length, the match as a BLOB and, printable, as `shown`; `before` and
--               `after`, printable, up to 16 bytes
--   grep_line   a row a line that a match begins in: path, number, offset, text, matches, previous, following; of the
--               files without a NUL in their first 8,000 bytes
--
-- Several patterns, as rows of grep, are several searches. A file that cannot be opened ends the query with an error:
-- WHERE error IS NULL leaves it out.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;
CREATE TEMP TABLE IF NOT EXISTS grep(pattern TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

CREATE TEMP VIEW IF NOT EXISTS grep_match AS
  SELECT target.path, m.offset, m.length, m.match, grep.pattern,
         (SELECT group_concat(iif(byte BETWEEN 32 AND 126, char(byte), '.'), '') FROM mmap(target.path) AS b
           WHERE b.offset BETWEEN m.offset - 16 AND m.offset - 1) AS before,
         (SELECT group_concat(iif(byte BETWEEN 32 AND 126, char(byte), '.'), '') FROM mmap(target.path) AS b
           WHERE b.offset BETWEEN m.offset AND m.offset + m.length - 1) AS shown,
         (SELECT group_concat(iif(byte BETWEEN 32 AND 126, char(byte), '.'), '') FROM mmap(target.path) AS b
           WHERE b.offset BETWEEN m.offset + m.length AND m.offset + m.length + 15) AS after
    FROM target, grep, mmap_search_all(target.path, grep.pattern) AS m;

-- Names that end in _ are steps on the way. Where the line of each match begins: just behind the newline before it.
CREATE TEMP VIEW IF NOT EXISTS grep_begin_ AS
  SELECT target.path, grep.pattern, m.offset, 1 + mmap_rfind(target.path, x'0a', 0, m.offset) AS begin
    FROM target, grep, mmap_search_all(target.path, grep.pattern) AS m
   WHERE mmap_find(target.path, x'00', 0, 8000) < 0;

-- An empty match behind the last newline is in no line.
CREATE TEMP VIEW IF NOT EXISTS grep_begins_ AS
  SELECT path, pattern, begin, count(*) AS matches FROM grep_begin_ WHERE begin < mmap_length(path)
   GROUP BY path, pattern, begin;

-- The newlines between one such line and the next are counted, and summed up: each byte is looked at once.
CREATE TEMP VIEW IF NOT EXISTS grep_count_ AS
  SELECT path, pattern, begin, matches,
         mmap_count(path, x'0a', coalesce(lag(begin) OVER w, 0), begin) AS lines,
         CASE mmap_find(path, x'0a', begin) WHEN -1 THEN mmap_length(path) ELSE mmap_find(path, x'0a', begin) END AS end
    FROM grep_begins_ WINDOW w AS (PARTITION BY path, pattern ORDER BY begin);

-- text: without its \n or \r\n. `previous` and `following` are NULL where there is no line.
CREATE TEMP VIEW IF NOT EXISTS grep_line AS
  SELECT path, 1 + sum(lines) OVER (PARTITION BY path, pattern ORDER BY begin) AS number, begin AS offset,
         CAST(mmap_slice(path, begin,
                         iif(end > begin AND mmap_slice(path, end - 1, end + 1) = x'0d0a', end - 1, end)) AS TEXT)
           AS text,
         (SELECT text FROM mmap_lines(path)
           WHERE begin > 0 AND offset = 1 + mmap_rfind(path, x'0a', 0, begin - 1)) AS previous,
         (SELECT text FROM mmap_lines(path) WHERE offset >= end + 1 LIMIT 1) AS following,
         matches, pattern
    FROM grep_count_;
