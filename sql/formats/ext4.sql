-- ext2, ext3, ext4: what an image of a Linux file system says of itself, which files are in it, and where their bytes are.
--
--     .read sql/formats/ext4.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('*.ext4') WHERE error IS NULL;
--     SELECT path, kind, label, block_bytes, blocks, free_blocks, features FROM ext4_volume;
--     SELECT name, type, mode, size, modified, link FROM ext4_file WHERE name LIKE '/%/%' LIMIT 9;
--     SELECT inode, type, size, deleted FROM ext4_inode WHERE deleted IS NOT NULL;
--     SELECT name, mmap_get(path, offset, 'blob(' || bytes || ')') FROM ext4_file JOIN ext4_extent AS e USING (path, inode) WHERE type = 'file' LIMIT 1;
--
--     ext4_volume  a row for each image: what the superblock says, with the names of all features
--     ext4_group   groups of blocks: where their bitmaps and tables are, and what is free
--     ext4_inode   every inode in use, and those that were: type, mode, owner, size, times
--     ext4_file    files with all of their path as name, from the root on; each directory is looked into once
--     ext4_extent  where the bytes of each inode are, in its extents, its map of blocks, or the inode itself
--
-- Of a disk with partitions mmap_open takes the one that mbr.sql or gpt.sql shows. Names that are no UTF-8 are read as Latin-1. Where an
-- extent is not `written`, and where there is none, the file has NULs. Not covered: what is only in the journal, attributes but
-- inline data, checksums (CRC-32C), quotas, what an encrypted name is.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

CREATE VIRTUAL TABLE IF NOT EXISTS temp.ext4_super_ USING mmap(*, offset=1024, inodes u32le, blocks_low u32le, reserved_low u32le, free_low u32le,
  free_inodes u32le, first_block u32le, block_shift u32le, cluster_shift u32le, group_blocks u32le, group_clusters u32le, group_inodes u32le,
  mounted u32le, written u32le, mounts u16le, mounts_allowed i16le, magic u16le, state u16le, on_error u16le, minor u16le, checked u32le,
  check_interval u32le, system u32le, revision u32le, uid u16le, gid u16le, first_inode u32le, inode_size u16le, here u16le,
  compatible u32le, incompatible u32le, read_only u32le, uuid uuid, label blob(16), last_mounted blob(64), made u32le at(264),
  blocks_high u32le at(336), reserved_high u32le, free_high u32le, block AS (1024 << block_shift), is_wide AS (incompatible & 0x80),
  blocks AS (blocks_low + iif(is_wide, blocks_high << 32, 0)), free AS (free_low + iif(is_wide, free_high << 32, 0)),
  groups AS ((blocks - first_block + group_blocks - 1) / group_blocks), record=(1024),
  while=(magic = 0xef53 AND block_shift <= 6 AND revision <= 1 AND inodes > 0 AND group_inodes > 0 AND group_blocks > 0), count=(1), partial=yes);

-- The descriptor of a group of blocks. The group's number is the place of its record, so it is ext4_group_(path, number). They stand in a table
-- behind the superblock or, with meta_bg, each part of it in the first group that it describes.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.ext4_group_ USING mmap(*, magic u16le at_file(1080), first_block u32le at_file(1044),
  block_shift u32le at_file(1048),
  group_blocks u32le at_file(1056), compatible u32le at_file(1116), incompatible u32le at_file(1120), read_only u32le at_file(1124),
  said_size u16le at_file(1278), first_meta u32le at_file(1284), backup1 u32le at_file(1612), backup2 u32le at_file(1616),
  number AS (offset), block AS (1024 << block_shift), size_of_one AS (iif(incompatible & 0x80, said_size, 32)), in_block AS (block / size_of_one),
  first_of_meta AS (number / in_block * in_block),
  has_super AS (first_of_meta = 0 OR iif(compatible & 0x200, first_of_meta IN (backup1, backup2), NOT read_only & 1)),
  at AS (iif(incompatible & 0x10 AND number / in_block >= first_meta,
             (first_block + first_of_meta * group_blocks + has_super + (first_of_meta = 0 AND block = 1024
               AND first_block = 0)) * block + number % in_block * size_of_one,
             (1024 / block + 1) * block + number * size_of_one)),
  block_bitmap_low u32le at_file(at), inode_bitmap_low u32le at_file(at + 4), inode_table_low u32le at_file(at + 8),
    free_blocks_low u16le at_file(at + 12),
  free_inodes_low u16le at_file(at + 14), directories_low u16le at_file(at + 16), flags u16le at_file(at + 18), unused_low u16le at_file(at + 28),
  high AS (size_of_one >= 64), block_bitmap_high u32le at_file(at + 32) if(high), inode_bitmap_high u32le at_file(at + 36) if(high),
  inode_table_high u32le at_file(at + 40) if(high), free_blocks_high u16le at_file(at + 44) if(high),
    free_inodes_high u16le at_file(at + 46) if(high),
  directories_high u16le at_file(at + 48) if(high), unused_high u16le at_file(at + 50) if(high),
  block_bitmap AS (block_bitmap_low + coalesce(block_bitmap_high << 32, 0)), inode_bitmap AS (inode_bitmap_low + coalesce(inode_bitmap_high << 32,
    0)),
  inode_table AS (inode_table_low + coalesce(inode_table_high << 32, 0)), unused AS (unused_low + coalesce(unused_high << 16, 0)),
  record=(1), while=(magic = 0xef53), partial=yes);

-- An inode by its number, ext4_inode_(path, number): in the table of its group, whose descriptor is found as above. Of flags 0x80000 means
-- that it has extents, 0x10000000 that the data are in the inode. Times after 2038 have two bits more, beside the nanoseconds.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.ext4_inode_ USING mmap(*, offset=1, magic u16le at_file(1080), inodes u32le at_file(1024),
  first_block u32le at_file(1044),
  block_shift u32le at_file(1048), group_blocks u32le at_file(1056), group_inodes u32le at_file(1064), revision u32le at_file(1100),
  said_inode_size u16le at_file(1112), compatible u32le at_file(1116), incompatible u32le at_file(1120), read_only u32le at_file(1124),
  said_size u16le at_file(1278), first_meta u32le at_file(1284), backup1 u32le at_file(1612), backup2 u32le at_file(1616),
  number AS (offset), block AS (1024 << block_shift), inode_size AS (iif(revision = 0, 128, said_inode_size)),
  group_number AS ((number - 1) / group_inodes), turn AS ((number - 1) % group_inodes),
  size_of_one AS (iif(incompatible & 0x80, said_size, 32)), in_block AS (block / size_of_one), first_of_meta AS (group_number / in_block * in_block),
  has_super AS (first_of_meta = 0 OR iif(compatible & 0x200, first_of_meta IN (backup1, backup2), NOT read_only & 1)),
  group_at AS (iif(incompatible & 0x10 AND group_number / in_block >= first_meta,
                   (first_block + first_of_meta * group_blocks + has_super + (first_of_meta = 0 AND block = 1024 AND first_block = 0)) * block
                   + group_number % in_block * size_of_one, (1024 / block + 1) * block + group_number * size_of_one)),
  table_low u32le at_file(group_at + 8), table_high u32le at_file(group_at + 40) if(size_of_one >= 64),
  unused_low u16le at_file(group_at + 28), unused_high u16le at_file(group_at + 50) if(size_of_one >= 64),
  is_made AS (turn < group_inodes - unused_low - coalesce(unused_high << 16, 0)),
  at AS ((table_low + coalesce(table_high << 32, 0)) * block + turn * inode_size),
  mode u16le at_file(at), uid_low u16le at_file(at + 2), size_low u32le at_file(at + 4), accessed i32le at_file(at + 8),
    changed i32le at_file(at + 12),
  modified i32le at_file(at + 16), deleted u32le at_file(at + 20), gid_low u16le at_file(at + 24), links u16le at_file(at + 26),
  flags u32le at_file(at + 32), indirect u32le at_file(at + 88), double_indirect u32le at_file(at + 92), triple_indirect u32le at_file(at + 96),
  size_high u32le at_file(at + 108), uid_high u16le at_file(at + 120), gid_high u16le at_file(at + 122),
  more u16le at_file(at + 128) if(inode_size >= 132), modified_more u32le at_file(at + 136) if(more >= 12),
  made_low i32le at_file(at + 144) if(more >= 24), made_more u32le at_file(at + 148) if(more >= 24),
  kind AS (mode >> 12), size_of AS (size_low + iif(kind = 8 OR incompatible & 0x4000, size_high << 32, 0)),
  uid AS (uid_low + (uid_high << 16)), gid AS (gid_low + (gid_high << 16)),
  time AS (modified + iif(modified_more & 3, (modified_more & 3) << 32, 0)), made AS (made_low + iif(made_more & 3, (made_more & 3) << 32, 0)),
  record=(1), while=(magic = 0xef53 AND number <= inodes), partial=yes);

-- What is in a node of a tree of extents, behind its head of 12 bytes, which begins with 0xf30a: extents or, at a depth, other nodes.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.ext4_extent_ USING mmap(*, magic u16le at_file(start - 12), entries u16le at_file(start - 10),
  depth u16le at_file(start - 6),
  logical u32le at(0), child_low u32le if(depth), child_high u16le if(depth), unused u16le if(depth),
  length u16le if(depth = 0), high u16le if(depth = 0), low u32le if(depth = 0),
    block AS (iif(depth, child_low + (child_high << 32), low + (high << 32))),
  count AS (iif(length > 32768, length - 32768, length)), written AS (length <= 32768), while=(magic = 0xf30a AND rowid < entries), partial=yes);
-- The numbers of blocks; a block of them; the attributes in an inode, behind their mark; what is in a directory.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.ext4_pointer_ USING mmap(*, block u32le, partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.ext4_block_ USING mmap(*, block_shift u32le at_file(1048), record=(min(1024 << block_shift, stop - offset)),
  partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.ext4_attribute_ USING mmap(*, magic u32le at_file(start - 4), name_size u8 at(0), prefix u8, value_at u16le,
  inode u32le,
  size u32le, hash u32le, name text(name_size), align=4, while=(magic = 0xea020000 AND name_size + prefix > 0), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.ext4_entry_ USING mmap(*, incompatible u32le at_file(1120), inode u32le at(0), length u16le, name_size u8,
  type u8,
  name_at AS (pos), name blob(name_size), record=(iif(length IN (0, 65535), 65536, length)), partial=yes);

-- The text in the bytes first..last - 1, up to a NUL: as UTF-8 or, if it is not all UTF-8, as Latin-1.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.ext4_string_ USING mmap(*, utf8 text(min(stop - start, 4096)),
  latin1 latin1(min(stop - start, 4096)) at(0), count=(1), partial=yes);
CREATE TEMP VIEW IF NOT EXISTS ext4_text_ AS
  SELECT t.file AS path, t.start AS first, t.stop AS last, CASE WHEN utf8 NOT GLOB '*[^' || char(1) || '-~]*' OR mmap_search(t.file,
                '(?x) \G (?: [\x01-\x7f] | [\xc2-\xdf] [\x80-\xbf] | \xe0 [\xa0-\xbf] [\x80-\xbf]
                      | [\xe1-\xec\xee\xef] [\x80-\xbf]{2} | \xed [\x80-\x9f] [\x80-\xbf] | \xf0 [\x90-\xbf] [\x80-\xbf]{2}
                      | [\xf1-\xf3] [\x80-\xbf]{3} | \xf4 [\x80-\x8f] [\x80-\xbf]{2} )*+ (?: \x00 | \z )',
                t.start, min(t.stop, t.start + 4096)) >= 0 THEN utf8 ELSE latin1 END AS text
    FROM ext4_string_ AS t WHERE t.error IS NULL;

-- Where the bytes of an inode are: [place in the file, place in the image, bytes, written]. In extents; in the inode, and behind 60 bytes
-- in its attribute system.data; or in 12 blocks, those that a block names, those that the blocks of a block name, and one more.
-- Each block of numbers is looked into once, however often it is named.
CREATE TEMP VIEW IF NOT EXISTS ext4_run_ AS
  SELECT i.file AS path, i.offset AS inode, kind, size_of, links, is_made, CASE
      WHEN flags & 0x80000 THEN (
        WITH RECURSIVE node(first, last, level) AS (
          SELECT i.at + 52, i.at + 100, NULL
          UNION SELECT e.block * i.block + 12, (e.block + 1) * i.block, e.depth - 1 FROM node CROSS JOIN ext4_extent_(i.file, first, last) AS e
                 WHERE e.error IS NULL AND e.depth BETWEEN 1 AND 5 AND coalesce(e.depth = level, 1))
        SELECT json_group_array(json_array(logical * i.block, e.block * i.block, count * i.block, written))
          FROM node CROSS JOIN ext4_extent_(i.file, first, last) AS e WHERE e.error IS NULL AND e.depth = 0 AND coalesce(level = 0, 1))
      WHEN flags & 0x10000000 THEN (
        SELECT json_group_array(json(value)) FROM (
          SELECT json_array(0, i.at + 40 + 4 * (kind = 4), min(size_of, 60) - 4 * (kind = 4), 1) AS value -- a directory's begin with the one it is in
          UNION ALL SELECT json_array(60, a.start + value_at, size, 1) FROM ext4_attribute_(i.file, i.at + 132 + more, i.at + inode_size) AS a
                     WHERE prefix = 7 AND name = 'data' AND size > 0 AND a.error IS NULL))
      WHEN kind IN (4, 8) OR kind = 10 AND size_of >= 60 THEN (
        WITH double(block, logical) AS (
               SELECT double_indirect, 12 + i.block / 4
               UNION ALL SELECT p.block, min(12 + i.block / 4 * (1 + i.block / 4 * (1 + p.rowid)))
                 FROM ext4_pointer_(i.file, nullif(triple_indirect, 0) * i.block, (triple_indirect + 1) * i.block) AS p
                   WHERE p.block > 0 GROUP BY p.block),
             single(block, logical) AS (
               SELECT indirect, 12
               UNION ALL SELECT p.block, min(logical + p.rowid * (i.block / 4))
                 FROM double CROSS JOIN ext4_pointer_(i.file, nullif(double.block, 0) * i.block, (double.block + 1) * i.block) AS p
                   WHERE p.block > 0 GROUP BY p.block),
             direct(block, logical) AS (
               SELECT p.block, p.rowid FROM ext4_pointer_(i.file, i.at + 40, i.at + 88) AS p WHERE p.block > 0
               UNION ALL SELECT p.block, logical + p.rowid
                 FROM single CROSS JOIN ext4_pointer_(i.file, nullif(single.block, 0) * i.block, (single.block + 1) * i.block) AS p WHERE p.block > 0)
        SELECT json_group_array(json_array(logical * i.block, first * i.block, count * i.block, 1)) FROM (
          SELECT min(logical) AS logical, min(block) AS first, count(*) AS count
            FROM (SELECT *, row_number() OVER (ORDER BY logical) AS turn FROM direct) GROUP BY logical - turn, block - turn ORDER BY 1))
      END AS runs
    FROM ext4_inode_ AS i;

-- Names that end in _ are steps on the way; DISTINCT makes SQLite compute each column once.
CREATE TEMP VIEW IF NOT EXISTS ext4_fs_ AS
  SELECT DISTINCT path, mmap_length(path) AS file_size, s.* FROM target CROSS JOIN ext4_super_(path) AS s WHERE made IS NOT NULL;

-- The tree level by level, each directory once, however often it is named. Of a level first `dirs` is known, where to look, as [inode, path]; then
-- `found`, what is there, as [inode, path, is it a directory, error]. `seen` are the inodes of all directories so far.
CREATE TEMP VIEW IF NOT EXISTS ext4_tree_ AS
  SELECT DISTINCT f.*, (
    WITH RECURSIVE level(depth, dirs, found, seen) AS (
      SELECT 0, json_array(json_array(2, '')), NULL, json_array(2)
      UNION ALL
      SELECT depth, dirs, (
        SELECT json_group_array(json(item)) FROM (
          SELECT CASE WHEN e.error IS NOT NULL THEN json_array(d.number, coalesce(nullif(directory, ''), '/'), 0, e.error)
                      ELSE json_array(e.inode, directory || '/' || (SELECT text FROM ext4_text_ AS x WHERE x.path = f.path AND first = name_at
                        AND last = name_at + name_size),
                                      CASE WHEN e.type = 2 OR e.type = 0 THEN (SELECT kind = 4 FROM ext4_inode_(f.path, e.inode) LIMIT 1) END,
                                        NULL) END AS item
            FROM (SELECT json_extract(value, '$[0]') AS number, json_extract(value, '$[1]') AS directory FROM json_each(dirs)) AS d
                 CROSS JOIN ext4_run_ AS r ON r.path = f.path AND r.inode = d.number CROSS JOIN json_each(r.runs) AS x
                 CROSS JOIN ext4_block_(f.path, json_extract(x.value, '$[1]'), json_extract(x.value, '$[1]') + json_extract(x.value, '$[2]')) AS b
                 CROSS JOIN ext4_entry_(f.path, b.offset, b.next) AS e
           WHERE r.kind = 4 AND (e.error IS NOT NULL OR e.inode > 0 AND e.name NOT IN (x'', x'2e', x'2e2e')))), seen
        FROM level WHERE found IS NULL
      UNION ALL
      SELECT depth + 1, (
        SELECT json_group_array(json_array(inode, name)) FROM (
          SELECT inode, min(name) AS name FROM (
            SELECT json_extract(value, '$[0]') AS inode, json_extract(value, '$[1]') AS name FROM json_each(found) WHERE json_extract(value, '$[2]')
            UNION ALL SELECT value, NULL FROM json_each(seen)) GROUP BY inode HAVING count(*) = count(name))), NULL,
        (SELECT json_group_array(value) FROM (
           SELECT json_extract(value, '$[0]') AS value FROM json_each(found) WHERE json_extract(value, '$[2]') UNION SELECT value
             FROM json_each(seen)))
        FROM level WHERE found <> '[]' AND depth < 1024)
    SELECT json_group_array(json(found)) FROM level WHERE found <> '[]') AS levels
  FROM ext4_fs_ AS f;

CREATE TEMP VIEW IF NOT EXISTS ext4_found_ AS
  SELECT DISTINCT f.path, file_size, json_extract(e.value, '$[0]') AS number, json_extract(e.value, '$[1]') AS name,
    json_extract(e.value, '$[3]') AS wrong
    FROM ext4_tree_ AS f CROSS JOIN json_each(levels) AS l CROSS JOIN json_each(l.value) AS e;

CREATE TEMP VIEW IF NOT EXISTS ext4_feature_ AS
  SELECT column1 AS kind, column2 AS bit, column3 AS name FROM (VALUES (1, 0, 'dir_prealloc'), (1, 1, 'imagic_inodes'), (1, 2, 'has_journal'),
    (1, 3, 'ext_attr'),
    (1, 4, 'resize_inode'), (1, 5, 'dir_index'), (1, 6, 'lazy_bg'), (1, 8, 'snapshot_bitmap'), (1, 9, 'sparse_super2'), (1, 10, 'fast_commit'),
    (1, 11, 'stable_inodes'), (1, 12, 'orphan_file'), (2, 0, 'compression'), (2, 1, 'filetype'), (2, 2, 'needs_recovery'), (2, 3, 'journal_dev'),
    (2, 4, 'meta_bg'), (2, 6, 'extent'), (2, 7, '64bit'), (2, 8, 'mmp'), (2, 9, 'flex_bg'), (2, 10, 'ea_inode'), (2, 12, 'dirdata'),
    (2, 13, 'metadata_csum_seed'), (2, 14, 'large_dir'), (2, 15, 'inline_data'), (2, 16, 'encrypt'), (2, 17, 'casefold'), (3, 0, 'sparse_super'),
    (3, 1, 'large_file'), (3, 3, 'huge_file'), (3, 4, 'uninit_bg'), (3, 5, 'dir_nlink'), (3, 6, 'extra_isize'), (3, 7, 'snapshot'), (3, 8, 'quota'),
    (3, 9, 'bigalloc'), (3, 10, 'metadata_csum'), (3, 11, 'replica'), (3, 12, 'read-only'), (3, 13, 'project'), (3, 14, 'shared_blocks'),
    (3, 15, 'verity'), (3, 16, 'orphan_present'));

-- Of ext2 and ext3 the features are those that they knew: a journal makes ext3.
CREATE TEMP VIEW IF NOT EXISTS ext4_volume AS
  SELECT path, CASE WHEN incompatible & ~0x17 OR read_only & ~3 THEN 'ext4' WHEN compatible & 4 THEN 'ext3' ELSE 'ext2' END AS kind,
         (SELECT text FROM ext4_text_ AS x WHERE x.path = f.path AND first = 1144 AND last = 1160) AS label, uuid, block AS block_bytes, blocks,
         free AS free_blocks, inodes, free_inodes, iif(revision, inode_size, 128) AS inode_bytes, groups,
         (SELECT group_concat(name, ' ') FROM ext4_feature_
           WHERE CASE kind WHEN 1 THEN compatible WHEN 2 THEN incompatible ELSE read_only END >> bit & 1) AS features,
         state & 1 AS clean, datetime(nullif(made, 0), 'unixepoch') AS made, datetime(nullif(mounted, 0), 'unixepoch') AS mounted,
         datetime(nullif(written, 0), 'unixepoch') AS written, mounts,
         nullif((SELECT text FROM ext4_text_ AS x WHERE x.path = f.path AND first = 1160 AND last = 1224), '') AS last_mounted,
         CASE WHEN blocks > file_size / block THEN 'it reaches past the end of the file' END AS error
    FROM ext4_fs_ AS f;

CREATE TEMP VIEW IF NOT EXISTS ext4_group AS
  SELECT path, g.number, block_bitmap, inode_bitmap, inode_table, free_blocks_low + coalesce(free_blocks_high << 16, 0) AS free_blocks,
         free_inodes_low + coalesce(free_inodes_high << 16, 0) AS free_inodes, directories_low + coalesce(directories_high << 16, 0) AS directories,
         unused AS unused_inodes, iif(g.flags & 1, 'INODE_UNINIT ', '') || iif(g.flags & 2, 'BLOCK_UNINIT ', '')
           || iif(g.flags & 4, 'ITABLE_ZEROED', '') AS flags,
         CASE WHEN g.error IS NOT NULL THEN 'its descriptor reaches past the end of the file'
              WHEN inode_table NOT BETWEEN 1 AND file_size / g.block - 1 THEN 'its inodes are not in the file' END AS error
    FROM ext4_fs_ AS f CROSS JOIN ext4_group_(path, 0, f.groups) AS g;

CREATE TEMP VIEW IF NOT EXISTS ext4_kind_ AS
  SELECT column1 AS kind, column2 AS type FROM (VALUES (1, 'fifo'), (2, 'char'), (4, 'directory'), (6, 'block'), (8, 'file'), (10, 'symlink'),
    (12, 'socket'));

CREATE TEMP VIEW IF NOT EXISTS ext4_inode AS
  SELECT path, i.offset AS inode, coalesce(k.type, iif(i.kind, i.kind, NULL)) AS type, printf('%04o', mode & 4095) AS mode, i.uid, i.gid,
    size_of AS size, links,
         datetime(time, 'unixepoch') AS modified, datetime(i.accessed, 'unixepoch') AS accessed, datetime(i.made, 'unixepoch') AS made,
         iif(links = 0 AND i.deleted, datetime(i.deleted, 'unixepoch'), NULL) AS deleted, printf('0x%x', i.flags) AS flags,
         iif(i.error IS NULL, NULL, 'it reaches past the end of the file') AS error
    FROM ext4_fs_ AS f CROSS JOIN ext4_inode_(path) AS i LEFT JOIN ext4_kind_ AS k ON k.kind = i.kind
   WHERE i.error IS NOT NULL OR is_made AND (mode OR i.deleted OR size_of);

-- What a symbolic link says is in the inode, if it has less than 60 bytes and no extents.
CREATE TEMP VIEW IF NOT EXISTS ext4_link_ AS
  SELECT f.*, i.size_of, i.kind, i.mode, i.uid, i.gid, i.links, i.time, i.error AS missing, CASE WHEN i.kind <> 10 THEN NULL
           WHEN i.size_of < 60 AND NOT i.flags & 0x80000 THEN json_array(json_array(0, i.at + 40, 60))
           ELSE (SELECT runs FROM ext4_run_ AS r WHERE r.path = f.path AND r.inode = f.number) END AS link_runs
    FROM ext4_found_ AS f LEFT JOIN ext4_inode_(path, f.number) AS i ON i.rowid = 0;

CREATE TEMP VIEW IF NOT EXISTS ext4_file AS
  SELECT path, name, number AS inode, coalesce((SELECT type FROM ext4_kind_ AS k WHERE k.kind = f.kind), kind) AS type,
    printf('%04o', mode & 4095) AS mode,
         uid, gid, size_of AS size, links, datetime(time, 'unixepoch') AS modified,
         (SELECT group_concat((SELECT text FROM ext4_text_ AS x WHERE x.path = f.path AND first = json_extract(value, '$[1]')
                                  AND last = json_extract(value, '$[1]') + max(min(json_extract(value, '$[2]'),
                                    size_of - json_extract(value, '$[0]')), 0)), '')
            FROM json_each(link_runs)) AS link,
         CASE WHEN wrong IS NOT NULL THEN 'a block of it is none of a directory' WHEN kind IS NULL OR missing IS NOT NULL THEN 'its inode is none'
              WHEN kind = 0 THEN 'its inode is free' END AS error
    FROM ext4_link_ AS f;

CREATE TEMP VIEW IF NOT EXISTS ext4_place_ AS
  SELECT f.path, file_size, r.inode, x.key AS number, json_extract(x.value, '$[0]') AS logical, json_extract(x.value, '$[1]') AS at,
         json_extract(x.value, '$[2]') AS room, json_extract(x.value, '$[3]') AS written, size_of AS size
    FROM ext4_fs_ AS f CROSS JOIN ext4_run_ AS r ON r.path = f.path CROSS JOIN json_each(runs) AS x WHERE is_made AND r.links > 0;

CREATE TEMP VIEW IF NOT EXISTS ext4_extent AS
  SELECT path, inode, number, logical, at AS offset, max(min(room, size - logical), 0) AS bytes, written,
         CASE WHEN at NOT BETWEEN 1 AND file_size - min(room, size - logical) THEN 'it reaches past the end of the file' END AS error
    FROM ext4_place_;
