-- The tour: a real ELF program, read, searched, patched, rolled back, patched again and run.
--
--     ./bazelw run //:demo
--
-- or, in a directory with any program copied to `program`:
--
--     sqlite3 -cmd '.load ./mmap0' < demo.sql

.mode list
.headers off
.print == What is it? The ELF header, read in place: nothing is imported ==
SELECT 'magic    ' || hex(mmap_slice('program', 0, 4));
SELECT 'class    ' || iif(mmap_get('program', 4) = 2, '64', '32') || ' bit';
SELECT 'machine  ' || CASE mmap_get('program', 18, 'u16le')
                        WHEN 62 THEN 'x86-64' WHEN 183 THEN 'arm64' ELSE 'other' END;
SELECT 'sections ' || mmap_get('program', 60, 'u16le')
    || ', their table at ' || printf('0x%x', mmap_get('program', 40, 'u64le'));
SELECT 'size     ' || iif(mmap_size('program') = mmap_length('program'),
                          'all of it mapped', 'a part of it mapped');

.print
.print == A hexdump is a query ==
WITH RECURSIVE line(at) AS (VALUES(0) UNION ALL SELECT at + 16 FROM line WHERE at < 32),
     bytes AS (SELECT at, offset, byte FROM line, mmap('program')
                WHERE offset BETWEEN at AND at + 15)
SELECT printf('%08x  ', at)
    || group_concat(printf('%02x', byte), ' ') || '  '
    || group_concat(iif(byte BETWEEN 32 AND 126, char(byte), '.'), '')
  FROM bytes GROUP BY at;

.print
.print == Strings: the five longest ==
SELECT length || '  ' || substr(text, 1, 60) FROM mmap_strings('program', 12)
 ORDER BY length DESC, offset LIMIT 5;

.print
.print == A patch is a transaction: look at it before it is written ==
BEGIN;
UPDATE mmap SET byte = unicode('S')
 WHERE file = 'program' AND offset = mmap_find('program', 'GNU coreutils');
SELECT mmap_patch('program', mmap_find('program', 'SNU coreutils') + 1, 'QL') || ' bytes by a function, 1 by UPDATE';
SELECT length || ' bytes: ' || old || ' -> ' || new FROM mmap_changes;
.print -- and think better of it
ROLLBACK;
SELECT 'after ROLLBACK: ' || mmap_get('program', mmap_find('program', 'GNU coreutils'), 'text(13)');

.print
.print == Again, and this time for good; then the program itself says so ==
BEGIN;
SELECT mmap_patch('program', mmap_find('program', 'GNU coreutils'), 'SQL') || ' bytes patched';
COMMIT;
.shell ./program --version | head -n 1

.print
.print == A sorted file is an index: 1,000 records, one key looked up in plain SQL ==
BEGIN;
SELECT mmap_resize(mmap_open('squares.bin', 'create'), 8000) || ' bytes made';
WITH RECURSIVE n(i) AS (VALUES(0) UNION ALL SELECT i + 1 FROM n WHERE i < 999)
SELECT sum(mmap_set('squares.bin', i * 8, i * i, 'u64le')) || ' bytes written' FROM n;
COMMIT;
-- The first record that is not less than the key lies in low..high, which halves until it is one.
WITH RECURSIVE
  search(key) AS (VALUES(160000)),
  lower_bound(low, high) AS (
    SELECT 0, mmap_length('squares.bin') / 8
    UNION ALL
    SELECT iif(mmap_get('squares.bin', (low + high) / 2 * 8, 'u64le') < key, (low + high) / 2 + 1, low),
           iif(mmap_get('squares.bin', (low + high) / 2 * 8, 'u64le') < key, high, (low + high) / 2)
      FROM lower_bound, search WHERE low < high
  )
SELECT key || ' is record ' || max(low) || ', found in ' || (count(*) - 1) || ' probes'
  FROM search, lower_bound;

.print -- and the same with sorted=, which is all that it takes
CREATE VIRTUAL TABLE temp.squares USING mmap('squares.bin', square u64le, sorted=square);
SELECT square || ' is record ' || rowid FROM squares WHERE square = 160000;
