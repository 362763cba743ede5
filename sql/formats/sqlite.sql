-- SQLite: what a database file says of itself, and its pages, without opening it as a database.
--
--     .read sql/formats/sqlite.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('*.db') WHERE error IS NULL;
--     SELECT path, page_bytes, pages, encoding, user_version FROM db_header;
--     SELECT kind, count(*), sum(cells) FROM db_page GROUP BY kind;
--     SELECT type, name, root, sql FROM db_schema;
--     SELECT coalesce(name, 'sqlite_schema') AS name, count(*) AS pages, sum(cells) FROM db_btree GROUP BY root ORDER BY 2 DESC;
--     SELECT page, number, key, payload, overflow FROM db_cell WHERE kind = 'table leaf' LIMIT 9;
--     SELECT path, count(*) FROM db_free;
--
--     db_header    a row for each database: the numbers of its first 100 bytes
--     db_page      a row for each page: kind, cells, free bytes, the rightmost child
--     db_schema    tables, indexes, views and triggers, as in sqlite_schema
--     db_btree     the pages of each table and index, found from its root
--     db_cell      the cells in these: rowid, size, where the record is, the first page on which it goes on
--     db_overflow  all pages on which records go on
--     db_free      the freelist: its trunks, and the pages that they name
--
-- In db_page a page is what its first byte says; pages of overflow, of the freelist and of pointers have no such byte, and may look
-- like another. A page belongs to one place only; chains that come back to where they were end. In UTF-16 a statement of db_schema is cut where it
-- goes on on another page. Not covered: values of records, and what is only in the log (sqlite_wal.sql). A file that this process has open
-- as a database cannot be opened here.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

CREATE VIRTUAL TABLE IF NOT EXISTS temp.db_head_ USING mmap(*, magic1 u64be, magic2 u64be, page_size u16be, write_version u8,
  read_version u8, reserved u8, fractions u24be, changes u32be, pages u32be, freelist u32be, free_pages u32be, schema_cookie u32be,
  schema_format u32be, cache_size i32be, largest_root u32be, encoding u32be, user_version i32be, incremental u32be,
  application_id i32be, zeros blob(20), valid_for u32be, sqlite_version u32be, page_bytes AS (iif(page_size = 1, 65536, page_size)),
  while=(magic1 = 0x53514c6974652066 AND magic2 = 0x6f726d6174203300), count=(1), partial=yes);

-- Each page begins with its kind, the first behind the 100 bytes of the file's head.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.db_page_ USING mmap(*, page_size u16be at_file(16), bytes AS (iif(page_size = 1, 65536, page_size)),
  kind u8 at(iif(offset = 0, 100, 0)), freeblock u16be, cells u16be, content u16be, fragments u8, rightmost u32be if(kind IN (2, 5)),
  places AS (offset + iif(offset = 0, 100, 0) + iif(kind IN (2, 5), 12, 8)), record=(bytes), while=(bytes >= 512), partial=yes);

CREATE TEMP VIEW IF NOT EXISTS db_header AS
  SELECT path, page_bytes, pages, free_pages, CASE encoding WHEN 1 THEN 'UTF-8' WHEN 2 THEN 'UTF-16le' WHEN 3 THEN 'UTF-16be' ELSE encoding END
           AS encoding, user_version, application_id, schema_cookie, schema_format, largest_root > 0 AS auto_vacuum, changes,
         iif(write_version = 2, 'wal', 'delete') AS journal, printf('%d.%d.%d', sqlite_version / 1000000, sqlite_version / 1000 % 1000,
           sqlite_version % 1000) AS written_by,
         CASE WHEN pages * page_bytes > mmap_length(path) AND valid_for = changes THEN 'the file ends before its last page' END AS error
    FROM target CROSS JOIN db_head_(path) AS h WHERE h.error IS NULL;

CREATE TEMP VIEW IF NOT EXISTS db_page AS
  SELECT path, p.rowid + 1 AS number, p.offset,
         CASE kind WHEN 2 THEN 'index interior' WHEN 5 THEN 'table interior' WHEN 10 THEN 'index leaf' WHEN 13 THEN 'table leaf'
           ELSE 'other' END AS kind,
         iif(kind IN (2, 5, 10, 13), cells, NULL) AS cells, iif(kind IN (2, 5, 10, 13), fragments, NULL) AS fragment_bytes, rightmost,
         iif(p.error IS NULL, NULL, 'it reaches past the end of the file') AS error
    FROM target CROSS JOIN db_head_(path) AS h CROSS JOIN db_page_(path) AS p WHERE h.error IS NULL AND p.kind IS NOT NULL;

-- What an interior page leads to: the number behind its head, and that with which each of its cells begins. start is the two bytes
-- before the places of the cells, which stand for the first.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.db_child_ USING mmap(*, page_size u16be at_file(16), bytes AS (iif(page_size = 1, 65536, page_size)),
  place u16be at(0), child u32be at_file(iif(rowid = 0, start - 2, start / bytes * bytes + place)), partial=yes);
-- The places of cells, and a cell: the child to its left, the size of its record, its rowid, and as much of the record as is on this page.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.db_place_ USING mmap(*, place u16be, partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.db_cell_ USING mmap(*, page_size u16be at_file(16), reserved u8 at_file(20),
  bytes AS (iif(page_size = 1, 65536, page_size)),
  usable AS (bytes - reserved), page_at AS (offset / bytes * bytes), kind u8 at_file(page_at + iif(page_at = 0, 100, 0)),
  child u32be at(0) if(kind IN (2, 5)), payload varint at(iif(kind = 2, 4, 0)) if(kind <> 5), sized AS (pos),
  key varint at(iif(kind = 5, 4, sized - offset)) if(kind IN (5, 13)), data_at AS (iif(kind IN (5, 13), pos, sized)),
  most AS (iif(kind = 13, usable - 35, (usable - 12) * 64 / 255 - 23)), least AS ((usable - 12) * 32 / 255 - 23),
  some AS (least + (payload - least) % (usable - 4)), here AS (CASE WHEN payload <= most THEN payload WHEN some <= most THEN some
    WHEN kind <> 5 THEN least END),
  data blob(here) at(data_at - offset) if(kind <> 5), overflow u32be if(here < payload),
  check=(kind IN (2, 5, 10, 13)), count=(1), partial=yes);
-- A page on which a record goes on; a trunk of the freelist, behind its head of 8 bytes.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.db_overflow_ USING mmap(*, onward u32be, count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.db_trunk_ USING mmap(*, onward u32be at_file(start - 8), entries u32be at_file(start - 4), page u32be at(0),
  partial=yes);

-- A record of sqlite_schema: five types, then texts of (type - 13) / 2 bytes and, for the root, an integer of as many bytes as its type says.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.db_object_ USING mmap(*, encoding u32be at_file(56), head varint at(0), t1 varint, t2 varint, t3 varint,
  t4 varint, t5 varint,
  kind_bytes AS ((t1 - 13) / 2), name_bytes AS ((t2 - 13) / 2), table_bytes AS ((t3 - 13) / 2), name_at AS (head + kind_bytes),
    table_at AS (name_at + name_bytes),
  kind blob(kind_bytes) at(head), name blob(name_bytes) at(name_at), table_ blob(table_bytes) at(table_at),
  kind_le utf16le(kind_bytes) at(head) if(encoding = 2), name_le utf16le(name_bytes) at(name_at) if(encoding = 2),
    table_le utf16le(table_bytes) at(table_at) if(encoding = 2),
  kind_be utf16be(kind_bytes) at(head) if(encoding = 3), name_be utf16be(name_bytes) at(name_at) if(encoding = 3),
    table_be utf16be(table_bytes) at(table_at) if(encoding = 3),
  root_at AS (table_at + table_bytes), root1 u8 at(root_at) if(t4 = 1), root2 u16be at(root_at) if(t4 = 2), root3 u24be at(root_at) if(t4 = 3),
    root4 u32be at(root_at) if(t4 = 4),
  root AS (coalesce(root1, root2, root3, root4, iif(t4 = 9, 1, 0))), sql_at AS (root_at + iif(t4 BETWEEN 1 AND 4, t4, 0)),
    sql_bytes AS (iif(t5 > 12, (t5 - 13) / 2, 0)),
  sql_here AS (max(0, min(sql_bytes, stop - start - sql_at))), sql text(sql_here) at(sql_at),
  sql_le utf16le(sql_here) at(sql_at) if(encoding = 2), sql_be utf16be(sql_here) at(sql_at) if(encoding = 3), whole AS (1), count=(1), partial=yes);

-- The text in the bytes first..last - 1, up to a NUL: as UTF-8 or, if it is not all UTF-8, as Latin-1.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.db_string_ USING mmap(*, utf8 text(min(stop - start, 4096)),
  latin1 latin1(min(stop - start, 4096)) at(0), count=(1), partial=yes);
CREATE TEMP VIEW IF NOT EXISTS db_text_ AS
  SELECT t.file AS path, t.start AS first, t.stop AS last, CASE WHEN utf8 NOT GLOB '*[^' || char(1) || '-~]*' OR mmap_search(t.file,
                '(?x) \G (?: [\x01-\x7f] | [\xc2-\xdf] [\x80-\xbf] | \xe0 [\xa0-\xbf] [\x80-\xbf]
                      | [\xe1-\xec\xee\xef] [\x80-\xbf]{2} | \xed [\x80-\x9f] [\x80-\xbf] | \xf0 [\x90-\xbf] [\x80-\xbf]{2}
                      | [\xf1-\xf3] [\x80-\xbf]{3} | \xf4 [\x80-\x8f] [\x80-\xbf]{2} )*+ (?: \x00 | \z )',
                t.start, min(t.stop, t.start + 4096)) >= 0 THEN utf8 ELSE latin1 END AS text
    FROM db_string_ AS t WHERE t.error IS NULL;

-- Names that end in _ are steps on the way; DISTINCT makes SQLite compute each column once.
CREATE TEMP VIEW IF NOT EXISTS db_file_ AS
  SELECT DISTINCT path, mmap_length(path) AS file_size, page_bytes AS bytes, page_bytes - reserved AS usable, freelist, encoding,
    mmap_length(path) / page_bytes AS last
    FROM target CROSS JOIN db_head_(path) AS h WHERE h.error IS NULL AND page_bytes IN (512, 1024, 2048, 4096, 8192, 16384, 32768, 65536);

-- The pages of the tree whose root is at `at`, and what is in it: the places of its cells.
CREATE TEMP VIEW IF NOT EXISTS db_tree_ AS
  SELECT r.file AS path, r.start AS at, (
           WITH RECURSIVE tree(page) AS (
             SELECT r.start / r.bytes + 1
             UNION SELECT c.child FROM tree CROSS JOIN db_page_(r.file, (tree.page - 1) * r.bytes) AS p
               CROSS JOIN db_child_(r.file, places - 2, places + 2 * cells) AS c
                    WHERE p.rowid = 0 AND p.kind IN (2, 5) AND c.child BETWEEN 2 AND mmap_length(r.file) / r.bytes)
           SELECT json_group_array(page) FROM tree) AS pages
    FROM db_page_ AS r WHERE r.rowid = 0;

CREATE TEMP VIEW IF NOT EXISTS db_object_at_ AS
  SELECT DISTINCT f.*, c.key AS number, c.error AS wrong, c.data_at AS at, overflow, o.*
    FROM db_file_ AS f CROSS JOIN db_tree_ AS t ON t.path = f.path AND t.at = 0 CROSS JOIN json_each(pages) AS g
         CROSS JOIN db_page_(f.path, (g.value - 1) * f.bytes) AS p CROSS JOIN db_place_(f.path, places, places + 2 * cells) AS a
         CROSS JOIN db_cell_(f.path, p.offset + a.place, p.offset + p.bytes) AS c LEFT JOIN db_object_(f.path, data_at, data_at + here) AS o
   WHERE p.rowid = 0 AND p.kind = 13 AND a.error IS NULL;

-- A statement may go on on other pages: their bytes are put behind, as long as it is. What is no UTF-8 in it becomes U+FFFD.
CREATE TEMP VIEW IF NOT EXISTS db_statement_ AS
  SELECT DISTINCT o.*, coalesce(sql_le, sql_be, iif(overflow AND sql_here < sql_bytes, sql || coalesce((
           WITH RECURSIVE chain(page) AS (
             SELECT overflow UNION SELECT v.onward FROM chain CROSS JOIN db_overflow_(path, CASE WHEN page BETWEEN 2
               AND last THEN (page - 1) * bytes END) AS v WHERE v.onward > 0)
           SELECT CAST(substr(CAST(group_concat(CAST(mmap_slice(path, (page - 1) * bytes + 4, (page - 1) * bytes + usable) AS TEXT), '') AS BLOB),
             1, sql_bytes - sql_here) AS TEXT)
             FROM chain WHERE page BETWEEN 2 AND last), ''), sql)) AS text
    FROM db_object_at_ AS o;

CREATE TEMP VIEW IF NOT EXISTS db_schema_ AS
  SELECT DISTINCT s.*, coalesce(kind_le, kind_be, (SELECT x.text FROM db_text_ AS x WHERE x.path = s.path AND first = at + head
    AND x.last = at + name_at)) AS its_type,
         coalesce(name_le, name_be, (SELECT x.text FROM db_text_ AS x WHERE x.path = s.path AND first = at + name_at
           AND x.last = at + table_at)) AS its_name,
         coalesce(table_le, table_be, (SELECT x.text FROM db_text_ AS x WHERE x.path = s.path AND first = at + table_at
           AND x.last = at + root_at)) AS its_table
    FROM db_statement_ AS s;

CREATE TEMP VIEW IF NOT EXISTS db_schema AS
  SELECT path, number, its_type AS type, its_name AS name, its_table AS "table", nullif(root, 0) AS root,
         nullif(iif(text GLOB '*[^' || char(1) || '-~]*' AND encoding NOT IN (2, 3), (
           SELECT group_concat(char(unicode(substr(text, n.offset + 1, 1))), '') FROM mmap(path) AS n WHERE n.offset < min(length(text), 65536)),
             text), '') AS sql,
         CASE WHEN wrong IS NOT NULL THEN 'it is no cell' WHEN whole IS NULL THEN 'it is no record of sqlite_schema, or goes on elsewhere'
              WHEN root > last THEN 'its root is past the end of the file' END AS error
    FROM db_schema_ ORDER BY path, number;

CREATE TEMP VIEW IF NOT EXISTS db_root_ AS
  SELECT DISTINCT path, bytes, usable, last, root, its_name AS name FROM db_schema_ WHERE root BETWEEN 2 AND last
  UNION ALL SELECT path, bytes, usable, last, 1, NULL FROM db_file_;

CREATE TEMP VIEW IF NOT EXISTS db_btree_ AS
  SELECT DISTINCT r.*, g.value AS page, p.offset AS at, kind, cells, places, p.error
    FROM db_root_ AS r CROSS JOIN db_tree_ AS t ON t.path = r.path AND t.at = (r.root - 1) * r.bytes CROSS JOIN json_each(pages) AS g
         CROSS JOIN db_page_(r.path, (g.value - 1) * r.bytes) AS p WHERE p.rowid = 0;

CREATE TEMP VIEW IF NOT EXISTS db_btree AS
  SELECT path, root, name, page, CASE kind WHEN 2 THEN 'index interior' WHEN 5 THEN 'table interior' WHEN 10 THEN 'index leaf'
    WHEN 13 THEN 'table leaf' END AS kind,
         iif(kind IN (2, 5, 10, 13), cells, NULL) AS cells,
         CASE WHEN kind NOT IN (2, 5, 10, 13) THEN 'it is no page of a tree' WHEN error IS NOT NULL THEN 'it reaches past the end of the file'
              WHEN kind IN (2, 10) <> (SELECT p.kind IN (2, 10) FROM db_page_(b.path,
                (b.root - 1) * b.bytes) AS p LIMIT 1) THEN 'it is of another kind than its root' END AS error
    FROM db_btree_ AS b;

CREATE TEMP VIEW IF NOT EXISTS db_cell_at_ AS
  SELECT DISTINCT b.path, root, page, b.bytes, b.usable, last, b.kind, a.rowid AS number, b.at + a.place AS at, c.child, key, payload, data_at,
    here, overflow, c.error
    FROM db_btree_ AS b CROSS JOIN db_place_(path, b.places, b.places + 2 * b.cells) AS a
      CROSS JOIN db_cell_(path, b.at + a.place, b.at + b.bytes) AS c
   WHERE b.kind IN (2, 5, 10, 13) AND a.error IS NULL;

CREATE TEMP VIEW IF NOT EXISTS db_cell AS
  SELECT path, root, page, number, CASE kind WHEN 2 THEN 'index interior' WHEN 5 THEN 'table interior' WHEN 10 THEN 'index leaf'
    ELSE 'table leaf' END AS kind,
         at AS offset, child, key, payload, iif(payload IS NULL, NULL, data_at) AS data_offset, here AS bytes_here, overflow,
         iif(error IS NULL, NULL, 'it reaches past the end of its page') AS error
    FROM db_cell_at_;

CREATE TEMP VIEW IF NOT EXISTS db_overflow AS
  SELECT c.path, c.root, page, number, g.key AS turn, g.value AS overflow, iif(g.value BETWEEN 2 AND last, (g.value - 1) * bytes + 4, NULL) AS offset,
         max(min(usable - 4, payload - here - g.key * (usable - 4)), 0) AS bytes,
         CASE WHEN g.value NOT BETWEEN 2 AND last THEN 'there is no such page'
              WHEN g.key + 1 = json_array_length(chain) AND payload - here > (g.key + 1) * (usable - 4) THEN 'its chain ends before its data' END AS error
    FROM (SELECT DISTINCT c.*, (
                   WITH RECURSIVE chain(page) AS (
                     SELECT overflow UNION SELECT v.onward FROM chain CROSS JOIN db_overflow_(c.path, CASE WHEN chain.page BETWEEN 2
                       AND c.last THEN (chain.page - 1) * c.bytes END) AS v
                                            WHERE v.onward > 0)
                   SELECT json_group_array(page) FROM chain) AS chain FROM db_cell_at_ AS c WHERE overflow > 0) AS c CROSS JOIN json_each(chain) AS g;

-- The first trunk is in the head; each has the number of the next, how many pages it names, and these.
CREATE TEMP VIEW IF NOT EXISTS db_trunks_ AS
  SELECT DISTINCT f.*, (
           WITH RECURSIVE trunk(page) AS (
             SELECT freelist WHERE freelist > 0
             UNION SELECT t.onward FROM trunk CROSS JOIN db_trunk_(f.path, CASE WHEN trunk.page BETWEEN 2
               AND last THEN (trunk.page - 1) * bytes + 8 END) AS t WHERE t.rowid = 0 AND t.onward > 0)
           SELECT json_group_array(page) FROM trunk) AS trunks
    FROM db_file_ AS f;

CREATE TEMP VIEW IF NOT EXISTS db_free AS
  SELECT f.path, g.value AS page, NULL AS trunk, iif(g.value BETWEEN 2 AND last, NULL, 'there is no such page') AS error FROM db_trunks_ AS f
    CROSS JOIN json_each(trunks) AS g
  UNION ALL
  SELECT f.path, t.page, g.value, iif(t.page BETWEEN 2 AND last, NULL, 'there is no such page')
    FROM db_trunks_ AS f CROSS JOIN json_each(trunks) AS g
         CROSS JOIN db_trunk_(f.path, CASE WHEN g.value BETWEEN 2 AND last THEN (g.value - 1) * bytes + 8 END, (g.value - 1) * bytes + usable) AS t
   WHERE t.rowid < entries AND t.error IS NULL;
