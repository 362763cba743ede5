-- squashfs: what a compressed file system (a snap, a live CD, a router's firmware) says of itself, and those of its tables that are not compressed.
--
--     .read sql/formats/squashfs.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('*.squashfs') WHERE error IS NULL;
--     SELECT path, version, compression, block_bytes, inodes, made, bytes, flags, error FROM squashfs_volume;
--     SELECT path, part, count(*), sum(bytes), sum(compressed) FROM squashfs_block GROUP BY path, part;
--     SELECT path, number, id FROM squashfs_id;
--     SELECT path, number, offset, bytes, compressed FROM squashfs_fragment ORDER BY bytes DESC LIMIT 9;
--     SELECT path, inode, block_offset, place FROM squashfs_export LIMIT 9;
--
--     squashfs_volume    a row for each image: the superblock
--     squashfs_block     the blocks of up to 8 KiB of which inodes, directories, fragments, export table and ids are made
--     squashfs_id        the numbers of users and groups, to which inodes refer
--     squashfs_fragment  where the blocks are in which ends of files stand together
--     squashfs_export    by the number of an inode where its block is, counted from the first one of inodes, and its place in what is in that
--
-- Version 4. Of a table that is compressed there is one row for each block of it, whose `error` says so: nothing is unpacked here. Not
-- covered: inodes and directories, extended attributes, the big-endian images of versions before 4.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

CREATE VIRTUAL TABLE IF NOT EXISTS temp.squashfs_super_ USING mmap(*, magic u32be, inodes u32le, made u32le, block u32le, fragments u32le,
  compression u16le, block_shift u16le, flags u16le, ids u16le, major u16le, minor u16le, root u64le, bytes u64le, id_table u64le,
  attribute_table u64le, inode_table u64le, directory_table u64le, fragment_table u64le, export_table u64le,
  while=(magic = 0x68737173), count=(1), partial=yes);

-- Tables are lists of places, each that of a block: its size, with a bit for that it is not compressed, and its bytes.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.squashfs_place_ USING mmap(*, place u64le, partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.squashfs_block_ USING mmap(*, said u16le, bytes AS (said & 0x7fff), compressed AS (said < 0x8000),
  data blob(bytes), check=(bytes BETWEEN 1 AND 8192), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.squashfs_id_ USING mmap(*, id u32le, partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.squashfs_fragment_ USING mmap(*, place u64le, said u32le, unused u32le, bytes AS (said & 0xffffff),
  compressed AS (NOT said & 0x1000000), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.squashfs_export_ USING mmap(*, within u16le, block u48le, partial=yes);

-- Names that end in _ are steps on the way; DISTINCT makes SQLite compute each column once. Of each table where its list is, and how many
-- bytes all of its entries have.
CREATE TEMP VIEW IF NOT EXISTS squashfs_fs_ AS
  SELECT DISTINCT path, mmap_length(path) AS file_size, s.*, s.error FROM target CROSS JOIN squashfs_super_(path) AS s WHERE minor IS NOT NULL;

CREATE TEMP VIEW IF NOT EXISTS squashfs_list_ AS
  SELECT DISTINCT path, file_size, part, iif(list_at BETWEEN 96 AND file_size - 8, list_at, NULL) AS list_at, (total + 8191) / 8192 AS blocks,
    width, total / width AS entries
    FROM (SELECT DISTINCT path, file_size, part, CASE part WHEN 'ids' THEN id_table WHEN 'fragments' THEN fragment_table
      ELSE export_table END AS list_at,
                 CASE part WHEN 'ids' THEN ids * 4 WHEN 'fragments' THEN fragments * 16 ELSE inodes * 8 END AS total,
                 CASE part WHEN 'ids' THEN 4 WHEN 'fragments' THEN 16 ELSE 8 END AS width
            FROM squashfs_fs_ CROSS JOIN (SELECT 'fragments' AS part UNION ALL SELECT 'export' UNION ALL SELECT 'ids') WHERE major = 4
              AND error IS NULL);

CREATE TEMP VIEW IF NOT EXISTS squashfs_table_ AS
  SELECT DISTINCT l.*, p.rowid AS number, place, said & 0x7fff AS bytes, compressed, b.error
    FROM squashfs_list_ AS l CROSS JOIN squashfs_place_(path, list_at, list_at + 8 * blocks) AS p
         LEFT JOIN squashfs_block_(path, CASE WHEN place BETWEEN 96 AND file_size - 2 THEN place END) AS b ON b.rowid = 0
   WHERE p.error IS NULL;

-- The inodes are before the directories, and these before the first block of a table.
CREATE TEMP VIEW IF NOT EXISTS squashfs_stream_ AS
  SELECT DISTINCT path, file_size, part, iif(first BETWEEN 96 AND file_size - 2, first, NULL) AS first,
    iif(last BETWEEN first AND file_size, last, file_size) AS last
    FROM (SELECT DISTINCT f.path, file_size, part, iif(part = 'inodes', inode_table, directory_table) AS first,
                 iif(part = 'inodes', directory_table, (
                   SELECT min(place) FROM (SELECT fragment_table AS at UNION ALL SELECT export_table UNION ALL SELECT id_table)
                          CROSS JOIN squashfs_place_(f.path, CASE WHEN at BETWEEN 96 AND file_size - 8 THEN at END) AS p
                    WHERE p.rowid = 0 AND place > directory_table)) AS last
            FROM squashfs_fs_ AS f CROSS JOIN (SELECT 'inodes' AS part UNION ALL SELECT 'directories') WHERE major = 4 AND error IS NULL);

CREATE TEMP VIEW IF NOT EXISTS squashfs_volume AS
  SELECT path, major || '.' || minor AS version, CASE WHEN major = 4 THEN
           CASE compression WHEN 1 THEN 'gzip' WHEN 2 THEN 'lzma' WHEN 3 THEN 'lzo' WHEN 4 THEN 'xz' WHEN 5 THEN 'lz4' WHEN 6 THEN 'zstd'
             ELSE compression END END AS compression,
         iif(major = 4, block, NULL) AS block_bytes, inodes, iif(major = 4, fragments, NULL) AS fragments, iif(major = 4, ids, NULL) AS ids,
         iif(major = 4, datetime(made, 'unixepoch'), NULL) AS made, iif(major = 4, bytes, NULL) AS bytes,
         iif(major = 4, (SELECT coalesce(group_concat(column2, ' '), '') FROM (VALUES (0, 'plain-inodes'), (1, 'plain-data'), (2, 'check'), (3,
           'plain-fragments'),
           (4, 'no-fragments'), (5, 'always-fragments'), (6, 'duplicates-removed'), (7, 'exportable'), (8, 'plain-attributes'), (9, 'no-attributes'),
           (10, 'compressor-options'), (11, 'plain-ids')) WHERE flags >> column1 & 1), NULL) AS flags,
         CASE WHEN major <> 4 THEN 'its version is not read here' WHEN error IS NOT NULL THEN 'its superblock reaches past the end of the file'
              WHEN block_shift NOT BETWEEN 12 AND 20 OR block <> 1 << block_shift THEN 'it says two sizes of blocks'
              WHEN bytes NOT BETWEEN 96 AND file_size THEN 'it reaches past the end of the file' END AS error
    FROM squashfs_fs_;

CREATE TEMP VIEW IF NOT EXISTS squashfs_block AS
  SELECT path, part, number, place AS offset, bytes, compressed,
         CASE WHEN bytes IS NULL OR error IS NOT NULL THEN 'it is no block, or reaches past the end of the file' END AS error FROM squashfs_table_
  UNION ALL
  SELECT path, part, b.rowid, b.offset, bytes, compressed, iif(b.error IS NULL, NULL, 'it is no block, or reaches past the end of the file')
    FROM squashfs_stream_ AS s CROSS JOIN squashfs_block_(path, first, s.last) AS b WHERE said IS NOT NULL;

-- The entries in a block that is not compressed; else NULL, and why.
CREATE TEMP VIEW IF NOT EXISTS squashfs_plain_ AS
  SELECT DISTINCT path, file_size, part, number * (8192 / width) AS before, entries, CASE WHEN error IS NULL
    AND NOT compressed THEN place + 2 END AS first, place + 2 + bytes AS last,
         CASE WHEN bytes IS NULL OR error IS NOT NULL THEN 'there is no block where it should be'
           WHEN compressed THEN 'they are compressed' END AS error
    FROM squashfs_table_;

CREATE TEMP VIEW IF NOT EXISTS squashfs_id AS
  SELECT path, before + coalesce(i.rowid, 0) AS number, id, p.error
    FROM squashfs_plain_ AS p LEFT JOIN squashfs_id_(path, p.first, p.last) AS i WHERE part = 'ids' AND before + coalesce(i.rowid, 0) < entries;

CREATE TEMP VIEW IF NOT EXISTS squashfs_fragment AS
  SELECT path, before + coalesce(i.rowid, 0) AS number, place AS offset, bytes, compressed,
         coalesce(p.error, iif(place BETWEEN 96 AND file_size - bytes, NULL, 'it reaches past the end of the file')) AS error
    FROM squashfs_plain_ AS p LEFT JOIN squashfs_fragment_(path, p.first, p.last) AS i WHERE part = 'fragments'
      AND before + coalesce(i.rowid, 0) < entries;

CREATE TEMP VIEW IF NOT EXISTS squashfs_export AS
  SELECT path, before + coalesce(i.rowid, 0) + 1 AS inode, block AS block_offset, within AS place, p.error
    FROM squashfs_plain_ AS p LEFT JOIN squashfs_export_(path, p.first, p.last) AS i WHERE part = 'export'
      AND before + coalesce(i.rowid, 0) < entries;
