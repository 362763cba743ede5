-- Binary search in a sorted file: in plain SQL with mmap_get, and by a table that says sorted=.
--
--     sqlite3 -cmd '.load ./mmap0' < binary_search.sql
--
-- It makes sorted.bin: 3000 records of 8 bytes, a key and a value, both u32be. Each key is there three
-- times: 0 0 0 10 10 10 20 …

CREATE VIRTUAL TABLE temp.records
  USING mmap('sorted.bin', access=create, delete=yes, key u32be, value u32be, sorted=key);
DELETE FROM records;
INSERT INTO records(key, value)
  WITH RECURSIVE row(i) AS (VALUES(0) UNION ALL SELECT i + 1 FROM row WHERE i < 2999)
  SELECT i / 3 * 10, i FROM row;

-- What is looked for: keys that are there, keys between them, before the first and after the last.
CREATE TEMP TABLE wanted AS
  WITH w(x) AS (VALUES (0), (10), (15), (5000), (9989), (9990), (9991), (123456)) SELECT x FROM w;

-- lower: the first record whose key is not less than x. upper: the first whose key is greater. Both are
-- 3000, the number of records, where there is none. Of the records lo..hi-1 the middle one is looked at;
-- the search goes on in one half until nothing is left.
CREATE TEMP TABLE by_sql AS
  WITH RECURSIVE
    file(path, record, n) AS (SELECT 'sorted.bin', 8, mmap_length('sorted.bin') / 8),
    lower(x, lo, hi) AS (
      SELECT x, 0, n FROM wanted, file
      UNION ALL
      SELECT x,
             CASE WHEN mmap_get(path, (lo + hi) / 2 * record, 'u32be') < x THEN (lo + hi) / 2 + 1
                  ELSE lo END,
             CASE WHEN mmap_get(path, (lo + hi) / 2 * record, 'u32be') < x THEN hi
                  ELSE (lo + hi) / 2 END
        FROM lower, file WHERE lo < hi),
    upper(x, lo, hi) AS (
      SELECT x, 0, n FROM wanted, file
      UNION ALL
      SELECT x,
             CASE WHEN mmap_get(path, (lo + hi) / 2 * record, 'u32be') <= x THEN (lo + hi) / 2 + 1
                  ELSE lo END,
             CASE WHEN mmap_get(path, (lo + hi) / 2 * record, 'u32be') <= x THEN hi
                  ELSE (lo + hi) / 2 END
        FROM upper, file WHERE lo < hi)
  SELECT lower.x AS x, lower.lo AS lower, upper.lo AS upper
    FROM lower JOIN upper ON lower.x = upper.x
   WHERE lower.lo = lower.hi AND upper.lo = upper.hi;

-- The same from the table, which searches by itself.
CREATE TEMP TABLE by_table AS
  SELECT x,
         coalesce((SELECT rowid FROM records WHERE key >= x ORDER BY key LIMIT 1), 3000) AS lower,
         coalesce((SELECT rowid FROM records WHERE key > x ORDER BY key LIMIT 1), 3000) AS upper
    FROM wanted;

SELECT x, lower, upper, upper - lower AS records FROM by_sql ORDER BY x;
SELECT CASE WHEN count(*) = 8 THEN 'both agree' ELSE 'they differ' END
  FROM by_sql JOIN by_table USING (x, lower, upper);

-- Mostly the record itself is wanted, and no place.
SELECT group_concat(value) FROM records WHERE key = 5000;
SELECT key FROM records WHERE key <= 5555 ORDER BY key DESC LIMIT 1;
