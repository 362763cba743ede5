-- SQLite: what a database file says of itself, and its pages, without opening it as a database.
--
--     .read sql/formats/sqlite.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('*.db') WHERE error IS NULL;
--     SELECT path, page_bytes, pages, encoding, user_version FROM db_header;
--     SELECT kind, count(*), sum(cells) FROM db_page GROUP BY kind;
--
--     db_header  a row for each database: the numbers of its first 100 bytes
--     db_page    a row for each page: kind, cells, free bytes, the rightmost child
--
-- A page is what its first byte says; pages of overflow, of the freelist and of pointers have no such byte, and may look
-- like another. Not covered: records, and what is only in the log (sqlite_wal.sql). A file that this process has open as
-- a database cannot be opened here.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

CREATE VIRTUAL TABLE IF NOT EXISTS temp.db_head_ USING mmap(*, magic1 u64be, magic2 u64be, page_size u16be, write_version u8,
  read_version u8, reserved u8, fractions u24be, changes u32be, pages u32be, freelist u32be, free_pages u32be, schema_cookie u32be,
  schema_format u32be, cache_size i32be, largest_root u32be, encoding u32be, user_version i32be, incremental u32be,
  application_id i32be, zeros blob(20), valid_for u32be, sqlite_version u32be, page_bytes AS (iif(page_size = 1, 65536, page_size)),
  while=(magic1 = 0x53514c6974652066 AND magic2 = 0x6f726d6174203300), count=(1), partial=yes);

-- Each page begins with its kind, the first behind the 100 bytes of the file's head.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.db_page_ USING mmap(*, page_size u16be at_file(16), bytes AS (iif(page_size = 1, 65536, page_size)),
  kind u8 at(iif(offset = 0, 100, 0)), freeblock u16be, cells u16be, content u16be, fragments u8, rightmost u32be if(kind IN (2, 5)),
  record=(bytes), while=(bytes >= 512), partial=yes);

CREATE TEMP VIEW IF NOT EXISTS db_header AS
  SELECT path, page_bytes, pages, free_pages, CASE encoding WHEN 1 THEN 'UTF-8' WHEN 2 THEN 'UTF-16le' WHEN 3 THEN 'UTF-16be' ELSE encoding END
           AS encoding, user_version, application_id, schema_cookie, schema_format, largest_root > 0 AS auto_vacuum, changes,
         iif(write_version = 2, 'wal', 'delete') AS journal, printf('%d.%d.%d', sqlite_version / 1000000, sqlite_version / 1000 % 1000,
           sqlite_version % 1000) AS written_by,
         CASE WHEN pages * page_bytes > mmap_length(path) AND valid_for = changes THEN 'the file ends before its last page' END AS error
    FROM target CROSS JOIN db_head_(path) AS h WHERE h.error IS NULL;

CREATE TEMP VIEW IF NOT EXISTS db_page AS
  SELECT path, p.rowid + 1 AS number, p.offset,
         CASE kind WHEN 2 THEN 'index interior' WHEN 5 THEN 'table interior' WHEN 10 THEN 'index leaf' WHEN 13 THEN 'table leaf' ELSE 'other' END AS kind,
         iif(kind IN (2, 5, 10, 13), cells, NULL) AS cells, iif(kind IN (2, 5, 10, 13), fragments, NULL) AS fragment_bytes, rightmost,
         iif(p.error IS NULL, NULL, 'it reaches past the end of the file') AS error
    FROM target CROSS JOIN db_head_(path) AS h CROSS JOIN db_page_(path) AS p WHERE h.error IS NULL AND p.kind IS NOT NULL;
