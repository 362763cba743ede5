-- The write-ahead log of an SQLite database: its frames, and which of them count.
--
--     .read sql/formats/sqlite_wal.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('*-wal') WHERE error IS NULL;
--     SELECT path, number, page, pages_after, valid FROM db_wal;
--     SELECT path, count(*) AS frames, count(DISTINCT page) AS pages FROM db_wal WHERE valid GROUP BY path;
--
--     db_wal  a row for each frame: which page it has; after a commit, how many pages the database has; and whether its salts are
--             those of the log's head: if not, it is from before the last checkpoint
--
-- Not covered: the checksums of frames, and what is in the pages.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- A log has a head of 32 bytes, and frames of 24 bytes and a page.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.db_frame_ USING mmap(*, offset=32, magic u32be at_file(0), page_bytes u32be at_file(8),
  head1 u32be at_file(16), head2 u32be at_file(20), page u32be at(0), pages_after u32be, salt1 u32be, salt2 u32be,
  sum1 u32be, sum2 u32be, data blob(page_bytes), while=(magic IN (0x377f0682, 0x377f0683)), partial=yes);

CREATE TEMP VIEW IF NOT EXISTS db_wal AS
  SELECT path, f.rowid + 1 AS number, f.offset, page, pages_after, salt1 = head1 AND salt2 = head2 AS valid,
         iif(f.error IS NULL, NULL, 'it reaches past the end of the file') AS error
    FROM target CROSS JOIN db_frame_(path) AS f WHERE salt2 IS NOT NULL;
