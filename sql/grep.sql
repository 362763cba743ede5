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
-- Many fixed strings at once, as BLOBs or TEXT, in one pass over each file:
--
--     INSERT INTO grep_needle VALUES ('int'), (x'6d61696e');
--     SELECT path, CAST(needle AS TEXT), count(*) FROM grep_needle_match GROUP BY 1, 2;
--
--   grep_match  a row a match: path, offset, length, the match as a BLOB and, printable, as `shown`; `before` and
--               `after`, printable, up to 16 bytes
--   grep_line   a row a line that a match begins in: path, number, offset, text, matches, previous, following; of the
--               files without a NUL in their first 8,000 bytes, and of those in UTF-16 that begin with its mark
--   grep_needle_match  a row a place where one of the strings is: path, offset, length, needle
--
-- Lines end in \n or \r\n. In a file that has \r\n anywhere a lone \r ends one for `^`, `$` and `.`, too, as if the
-- pattern began with (*ANYCRLF); so that (?m)two$ is found before either. grep_match takes the pattern as it stands:
-- (*ANYCRLF)(?m)two$ does the same there, and (*LF) in front turns it off here.
--
-- Text comes as UTF-8: U+FFFD stands for what is none, and mmap_slice(path, offset, …) has the bytes. A byte order mark
-- at the start of a file is in no line, and `^` is behind it; grep_match sees it. A file in
-- UTF-16 is searched as UTF-8, up to the first U+0000; `offset` is where the line is in the file. grep_match sees
-- its bytes.
--
-- The copy of a file in UTF-16 is made by mmap_patch. A connection that has no such function, as it only reads, has
-- lines of all other files if it says before this is read:
--
--   CREATE TEMP VIEW grep_copy_(path, pattern, wide, copy, bytes) AS SELECT NULL, NULL, NULL, NULL, 0 WHERE 0;
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

-- ---- lines ---------------------------------------------------------------------------------------

-- Names that end in _ are steps on the way. Their DISTINCT drops no row: it makes SQLite compute each column once,
-- one after the other, and lets a constraint on path through to target.

-- Which files have lines: `wide` is the type of those in UTF-16 (the mark of UTF-32 begins alike), and `mark` how long
-- the byte order mark of others is.
CREATE TEMP VIEW IF NOT EXISTS grep_file_ AS
  SELECT DISTINCT path,
         CASE WHEN mmap_slice(path, 0, 4) = x'fffe0000' THEN NULL WHEN mmap_slice(path, 0, 2) = x'fffe' THEN 'utf16le'
              WHEN mmap_slice(path, 0, 2) = x'feff' THEN 'utf16be' END AS wide,
         iif(mmap_slice(path, 0, 3) = x'efbbbf', 3, 0) AS mark
    FROM target;

-- What is in UTF-16 is searched in a copy, which is memory of its own, and closed as soon as it was searched.
CREATE TEMP VIEW IF NOT EXISTS grep_wide_ AS
  SELECT DISTINCT path, wide,
         CAST(CASE WHEN mmap_length(path) >= 4
                   THEN mmap_get(path, 2, wide || '(' || (mmap_length(path) / 2 * 2 - 2) || ')') END AS BLOB) AS utf8
    FROM grep_file_ WHERE wide IS NOT NULL;

-- The pattern is tried on nothing first, as a bad one ends the statement.
CREATE TEMP VIEW IF NOT EXISTS grep_open_ AS
  SELECT DISTINCT path, pattern, wide, utf8, mmap_open(NULL, 'write', length(utf8)) AS copy
    FROM grep_wide_, grep WHERE length(utf8) > 0 AND mmap_search(path, pattern, 0, 0) IS NOT NULL;

CREATE TEMP VIEW IF NOT EXISTS grep_copy_ AS
  SELECT DISTINCT path, pattern, wide, copy, mmap_patch(copy, 0, utf8) AS bytes FROM grep_open_;

-- `source` is what is searched: a path, a handle that begins behind the mark, or the copy.
CREATE TEMP VIEW IF NOT EXISTS grep_source_ AS
  SELECT DISTINCT path, pattern, wide, mark, iif(mark > 0, mmap_open(path, 'read', 0, mark), path) AS source
    FROM grep_file_, grep
   WHERE wide IS NULL AND mmap_find(path, x'00', 0, 8000) < 0 AND mmap_search(path, pattern, 0, 0) IS NOT NULL
  UNION ALL
  SELECT path, pattern, wide, 0, copy FROM grep_copy_ WHERE bytes > 0;

-- The lines of one file that have a match, as JSON: how many it has, and where the line begins. From one match to the
-- next the last newline is looked for, so that each byte is looked at once, however many matches a line has. An empty
-- match behind the last newline is in no line. Of a copy, which is closed later, also the line's number and texts are
-- here, and `units`: of what is in front of the line in UTF-16, bytes of UTF-8 that begin a character, and once more
-- those of four bytes.
CREATE TEMP VIEW IF NOT EXISTS grep_found_ AS
  SELECT DISTINCT path, pattern, wide, mark, source,
         (WITH hit(at, last) AS (
            SELECT m.offset, lag(m.offset, 1, 0) OVER (ORDER BY m.offset)
              FROM mmap_search_all(source, iif(mmap_find(source, x'0d0a') < 0, '', '(*ANYCRLF)') || pattern) AS m),
          placed(begin) AS (SELECT 1 + max(mmap_rfind(source, x'0a', last, at)) OVER (ORDER BY at) FROM hit),
          line(begin, last, matches) AS (
            SELECT begin, lag(begin, 1, 0) OVER (ORDER BY begin), count(*) FROM placed
             WHERE begin < mmap_length(source) GROUP BY begin),
          counted(begin, matches, number, units, previous, next) AS (
            SELECT begin, matches, 1 + sum(mmap_count(source, x'0a', last, begin)) OVER w,
                   sum((SELECT total(h.count * ((h.byte & 0xc0 <> 0x80) + (h.byte >= 0xf0)))
                          FROM mmap_histogram(source, last, begin) AS h)) OVER w,
                   1 + mmap_rfind(source, x'0a', 0, begin - 1), 1 + mmap_find(source, x'0a', begin, -1)
              FROM line WINDOW w AS (ORDER BY begin))
          SELECT iif(wide IS NULL,
                     (SELECT json_group_array(json_array(matches, mark + begin)) FROM line),
                     (SELECT json_group_array(json_array(matches, CAST(2 + 2 * units AS INTEGER), number,
                        CAST(mmap_slice(source, begin, mmap_search(source, '\r?\n|\z', begin)) AS TEXT),
                        CASE WHEN begin > 0 THEN CAST(mmap_slice(source, previous, mmap_search(source, '\r?\n|\z', previous)) AS TEXT) END,
                        CASE WHEN next > 0 THEN CAST(mmap_slice(source, next, mmap_search(source, '\r?\n|\z', next)) AS TEXT) END))
                        FROM counted))) AS found
    FROM grep_source_;

-- The handles are closed, and the lines are rows. (A condition on `closed` would be moved to where it closes twice.)
CREATE TEMP VIEW IF NOT EXISTS grep_closed_ AS
  SELECT DISTINCT path, pattern, wide, found,
         CASE WHEN wide IS NOT NULL OR mark > 0 THEN mmap_close(source) END AS closed
    FROM grep_found_;

CREATE TEMP VIEW IF NOT EXISTS grep_row_ AS
  SELECT DISTINCT c.path, pattern, wide, json_extract(l.value, '$[0]') AS matches, json_extract(l.value, '$[1]') AS begin,
         l.value AS line
    FROM grep_closed_ AS c CROSS JOIN json_each(found) AS l;

-- A run of UTF-8, which is group 1, or a piece that is none, as long as decoders agree on.
CREATE TEMP VIEW IF NOT EXISTS grep_utf8_ AS SELECT '(?x)
    ( (?: [\x00-\x7f]                   | [\xc2-\xdf]         [\x80-\xbf]
        | \xe0 [\xa0-\xbf] [\x80-\xbf]    | [\xe1-\xec\xee\xef] [\x80-\xbf]{2}
        | \xed [\x80-\x9f] [\x80-\xbf]    | \xf0 [\x90-\xbf]    [\x80-\xbf]{2}
        | [\xf1-\xf3]      [\x80-\xbf]{3} | \xf4 [\x80-\x8f]    [\x80-\xbf]{2} )++ )
    | \xe0 [\xa0-\xbf]                  | [\xe1-\xec\xee\xef] [\x80-\xbf]
    | \xed [\x80-\x9f]                  | \xf0 [\x90-\xbf]    [\x80-\xbf]?
    | [\xf1-\xf3]      [\x80-\xbf]{1,2} | \xf4 [\x80-\x8f]    [\x80-\xbf]?
    | [\x80-\xff]' AS utf8;

CREATE TEMP VIEW IF NOT EXISTS grep_line AS
  SELECT path,
         iif(wide IS NULL, (SELECT l.number FROM mmap_lines(r.path) AS l WHERE l.offset = begin), json_extract(line, '$[2]')) AS number,
         begin AS offset,
         iif(wide IS NULL,
             (SELECT (SELECT coalesce(group_concat(coalesce(CAST(g1 AS TEXT), char(0xfffd)), ''), '')
                       FROM grep_utf8_, mmap_search_all(r.path, utf8, l.offset, l.offset + length(CAST(l.text AS BLOB))))
                FROM mmap_lines(r.path) AS l WHERE l.offset = begin),
             json_extract(line, '$[3]')) AS text,
         iif(wide IS NULL,
             (SELECT (SELECT coalesce(group_concat(coalesce(CAST(g1 AS TEXT), char(0xfffd)), ''), '')
                       FROM grep_utf8_, mmap_search_all(r.path, utf8, l.offset, l.offset + length(CAST(l.text AS BLOB))))
                FROM mmap_lines(r.path) AS l WHERE l.offset < begin ORDER BY l.offset DESC LIMIT 1),
             json_extract(line, '$[4]')) AS previous,
         iif(wide IS NULL,
             (SELECT (SELECT coalesce(group_concat(coalesce(CAST(g1 AS TEXT), char(0xfffd)), ''), '')
                       FROM grep_utf8_, mmap_search_all(r.path, utf8, l.offset, l.offset + length(CAST(l.text AS BLOB))))
                FROM mmap_lines(r.path) AS l WHERE l.offset > begin ORDER BY l.offset LIMIT 1),
             json_extract(line, '$[5]')) AS following,
         matches, pattern
    FROM grep_row_ AS r;

-- ---- many fixed strings --------------------------------------------------------------------------

CREATE TEMP TABLE IF NOT EXISTS grep_needle(needle PRIMARY KEY NOT NULL) WITHOUT ROWID;

CREATE TEMP VIEW IF NOT EXISTS grep_needle_match AS
  SELECT path, m.offset, m.length, m.id AS needle
    FROM (SELECT mmap_needles(needle, needle) AS list FROM grep_needle) CROSS JOIN target
         CROSS JOIN mmap_find_many(target.path, list) AS m;
