-- AR: what is in a static library (.a) or a Debian package (.deb), and where its bytes are.
--
--     .read sql/formats/ar.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('/usr/lib/**/*.a') WHERE error IS NULL;
--     SELECT path, name, size, modified FROM ar_member ORDER BY size DESC LIMIT 9;
--     SELECT path, count(*), sum(size) FROM ar_member WHERE name NOT GLOB '/*' GROUP BY path;
--     SELECT path, name, error FROM ar_member WHERE error IS NOT NULL;
--
--     ar_member  name, modified, uid, gid, mode, size, where the data start
--
-- Long names of GNU (in the member //) and of BSD (#1/n, before the data) are those of their members; / and /SYM64/ are
-- GNU's index of symbols. Names that are no ASCII come as they are if they are UTF-8, else as Latin-1. Not covered: thin
-- archives, whose members are other files.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- Numbers are decimal digits, the mode octal, filled up with blanks; data begin at even places.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.ar_member_ USING mmap(*, offset=8, signature u64be at_file(0),
  name latin1(16) at(0), time12 text(12), uid6 text(6), gid6 text(6), mode8 text(8), size10 text(10), mark u16be,
  size AS (size10 + 0), time AS (time12 + 0), uid AS (uid6 + 0), gid AS (gid6 + 0), mode AS (oct(mode8)), data blob(size),
  while=(signature = 0x213c617263683e0a), check=(mark = 0x600a), align=2, partial=yes);

-- The text in the bytes first..last - 1, up to a NUL: as UTF-8 or, if it is not all UTF-8, as Latin-1.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.ar_string_ USING mmap(*, utf8 text(min(stop - start, 4096)),
  latin1 latin1(min(stop - start, 4096)) at(0), count=(1), partial=yes);
CREATE TEMP VIEW IF NOT EXISTS ar_text_ AS
  SELECT t.file AS path, t.start AS first, t.stop AS last,
         CASE WHEN utf8 NOT GLOB '*[^' || char(1) || '-~]*' OR mmap_search(t.file,
                '(?x) \G (?: [\x01-\x7f] | [\xc2-\xdf] [\x80-\xbf] | \xe0 [\xa0-\xbf] [\x80-\xbf]
                      | [\xe1-\xec\xee\xef] [\x80-\xbf]{2} | \xed [\x80-\x9f] [\x80-\xbf] | \xf0 [\x90-\xbf] [\x80-\xbf]{2}
                      | [\xf1-\xf3] [\x80-\xbf]{3} | \xf4 [\x80-\x8f] [\x80-\xbf]{2} )*+ (?: \x00 | \z )',
                t.start, min(t.stop, t.start + 4096)) >= 0 THEN utf8 ELSE latin1 END AS text
    FROM ar_string_ AS t WHERE t.error IS NULL;

-- Where the member's name is: GNU's /123 is at 123 in //, and ends with /\n; BSD's #1/20 are the first 20 bytes of the data.
CREATE TEMP VIEW IF NOT EXISTS ar_place_ AS
  SELECT DISTINCT path, m.rowid AS number, m.offset AS at, m.error AS wrong, time, uid, gid, mode, size, mark,
         iif(name GLOB '#1/[0-9]*', min(max(CAST(substr(name, 4) AS INTEGER), 0), size), 0) AS bsd,
         CASE WHEN name GLOB '/[0-9]*'
              THEN (SELECT l.offset + 60 + CAST(substr(m.name, 2) AS INTEGER) FROM ar_member_(t.path) AS l
                     WHERE l.name GLOB '//*' AND CAST(substr(m.name, 2) AS INTEGER) < l.size AND l.rowid < 3 LIMIT 1) END AS long_at,
         name
    FROM target AS t CROSS JOIN ar_member_(path) AS m WHERE size10 IS NOT NULL;

CREATE TEMP VIEW IF NOT EXISTS ar_member AS
  SELECT path, number,
         CASE WHEN bsd THEN (SELECT text FROM ar_text_ AS x WHERE x.path = m.path AND first = at + 60 AND last = at + 60 + bsd)
              WHEN long_at THEN (SELECT rtrim(text, '/') FROM ar_text_ AS x WHERE x.path = m.path AND first = long_at
                AND last = coalesce(nullif(mmap_find(m.path, x'0a', long_at), -1), mmap_length(m.path)))
              WHEN name GLOB '/*' THEN rtrim(name)
              ELSE (SELECT rtrim(rtrim(text), '/') FROM ar_text_ AS x WHERE x.path = m.path AND first = at AND last = at + 16) END AS name,
         datetime(time, 'unixepoch') AS modified, uid, gid, printf('%o', mode) AS mode, size - bsd AS size, at + 60 + bsd AS data_offset,
         CASE WHEN mark <> 0x600a THEN 'it is no member' WHEN wrong IS NOT NULL THEN 'its data reach past the end of the file' END AS error
    FROM ar_place_ AS m;
