-- MBR: the partitions of a disk image, those inside extended partitions included.
--
--     .read sql/formats/mbr.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('**/*.img');
--     SELECT path, number, kind, type, offset, bytes, error FROM mbr_partition;
--     SELECT path, number, mmap_open(path, 'read', bytes, offset) AS handle FROM mbr_partition WHERE error IS NULL AND kind <> 'extended';
--
--     mbr_partition  numbered as Linux does: 1 to 4, and logical ones from 5
--
-- `offset` and `bytes` say where in the file the partition lies; the second query opens a window on each.
-- Sectors have 512 bytes. Whatever has a length is a partition, those of type 00 too. A file that has no
-- partition table has no rows; a FAT or NTFS volume, which ends its first sector alike, has none either unless
-- the code there looks like a table. For GPT see gpt.sql; the MBR before it, a hybrid one too, is shown here.
--
-- Where a chain of logical partitions cannot be followed to its end, the last of them says so, or the extended
-- partition if there is none.
--
-- Not covered: more than 256 tables in a chain, BSD and Solaris labels inside, sectors of 4,096 bytes.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- Views whose names end in _ are steps on the way. Their DISTINCT drops no row: it makes SQLite compute each
-- column once, not at every mention of it, and lets a constraint on path through to target. CASE makes sure
-- that nothing is read before it is known to lie inside the file.
CREATE TEMP VIEW IF NOT EXISTS mbr_size_ AS
  SELECT DISTINCT path, mmap_length(path) AS file_size FROM target;

CREATE TEMP VIEW IF NOT EXISTS mbr_file_ AS
  SELECT DISTINCT path, file_size FROM mbr_size_
   WHERE CASE WHEN file_size < 512 THEN 0 WHEN mmap_get(path, 510, 'u16be') <> 0x55aa THEN 0
              ELSE mmap_get(path, 446) & 127 = 0 AND mmap_get(path, 462) & 127 = 0
                   AND mmap_get(path, 478) & 127 = 0 AND mmap_get(path, 494) & 127 = 0 END;

-- A table is four entries of 16 bytes, from byte 446 of its sector on: `entry` is where each is. In an entry the
-- type is at 4, the first sector at 8 and the number of sectors at 12.
--
-- Each extended partition, `chain`, begins with a table. An entry there that is itself extended leads to the next
-- one, placed from where the extended partition begins, `base`; the others are logical partitions, placed from
-- their table. Mostly there is one of each, in this order, but DR-DOS has the link first, and OS/2 uses all four
-- entries. The last two may be garbage, and are partitions only if they lie within what led to the table. All of
-- this is what Linux does (block/partitions/msdos.c).
--
-- `seen` has the sectors of the chain so far, as it may bite its tail; `wrong` ends a chain, and is the error of the
-- last of its parts, of which the extended partition is the first. A slice past the end of the file is empty, and so
-- no mark of a table.
CREATE TEMP VIEW IF NOT EXISTS mbr_entry_ AS
  SELECT DISTINCT f.path, file_size, json_extract(found.value, '$[0]') AS number,
         json_extract(found.value, '$[1]') AS entry, json_extract(found.value, '$[2]') AS placed_from,
         json_extract(found.value, '$[3]') AS error
    FROM mbr_file_ AS f CROSS JOIN json_each((
           WITH RECURSIVE
             slot(i) AS (VALUES (0), (1), (2), (3)),
             extended(i, base, extent) AS (
               SELECT i, mmap_get(f.path, 454 + i * 16, 'u32le'), mmap_get(f.path, 458 + i * 16, 'u32le') FROM slot
                WHERE mmap_get(f.path, 450 + i * 16) IN (0x05, 0x0f, 0x85)
                  AND mmap_get(f.path, 458 + i * 16, 'u32le') > 0),
             linked(chain, links, base, extent, sector, sectors, seen, wrong) AS (
               SELECT i, 1, base, extent, base, extent, ',' || base || ',',
                      CASE WHEN base = 0 OR mmap_slice(f.path, base * 512 + 510, base * 512 + 512) <> x'55aa'
                           THEN 'the chain leads to no partition table' END
                 FROM extended
               UNION ALL
               SELECT chain, links + 1, base, extent, base + mmap_get(f.path, sector * 512 + 454 + i * 16, 'u32le'),
                      mmap_get(f.path, sector * 512 + 458 + i * 16, 'u32le'),
                      seen || (base + mmap_get(f.path, sector * 512 + 454 + i * 16, 'u32le')) || ',',
                      CASE WHEN links = 256 THEN 'the chain goes on, and is not followed'
                           WHEN instr(seen,
                                  ',' || (base + mmap_get(f.path, sector * 512 + 454 + i * 16, 'u32le')) || ',')
                           THEN 'the chain comes back to where it was'
                           WHEN mmap_slice(f.path,
                                  (base + mmap_get(f.path, sector * 512 + 454 + i * 16, 'u32le')) * 512 + 510,
                                  (base + mmap_get(f.path, sector * 512 + 454 + i * 16, 'u32le')) * 512 + 512)
                                <> x'55aa'
                           THEN 'the chain leads to no partition table' END
                 FROM linked JOIN slot
                   ON i = (SELECT min(i) FROM slot
                            WHERE mmap_get(f.path, sector * 512 + 450 + i * 16) IN (0x05, 0x0f, 0x85)
                              AND mmap_get(f.path, sector * 512 + 454 + i * 16, 'u32le') > 0
                              AND mmap_get(f.path, sector * 512 + 458 + i * 16, 'u32le') > 0)
                WHERE wrong IS NULL),
             part(chain, links, i, entry, sector, wrong) AS (
               SELECT i, 0, i, 446 + i * 16, 0, NULL FROM slot
               UNION ALL
               SELECT chain, links, i, iif(wrong IS NULL, sector * 512 + 446 + i * 16, NULL), sector, wrong
                 FROM linked JOIN slot
                WHERE CASE WHEN wrong IS NOT NULL THEN i = 0
                           ELSE mmap_get(f.path, sector * 512 + 450 + i * 16) NOT IN (0x05, 0x0f, 0x85)
                                AND mmap_get(f.path, sector * 512 + 458 + i * 16, 'u32le') > 0
                                AND (i < 2 OR mmap_get(f.path, sector * 512 + 454 + i * 16, 'u32le')
                                              + mmap_get(f.path, sector * 512 + 458 + i * 16, 'u32le')
                                              <= min(sectors, base + extent - sector)) END),
             numbered(number, entry, sector, error) AS (
               SELECT iif(links = 0, i + 1, 4 + sum(links > 0 AND entry > 0) OVER (ORDER BY chain, links, i)),
                      entry, sector,
                      CASE row_number() OVER (PARTITION BY chain ORDER BY entry IS NULL, links DESC, i DESC)
                        WHEN 1 THEN max(wrong) OVER (PARTITION BY chain) END
                 FROM part)
           SELECT json_group_array(json_array(number, entry, sector, error))
             FROM numbered WHERE entry IS NOT NULL)) AS found;

CREATE TEMP VIEW IF NOT EXISTS mbr_number_ AS
  SELECT DISTINCT path, file_size, number, mmap_get(path, entry) = 0x80 AS active,
         mmap_get(path, entry + 4) AS type, placed_from + mmap_get(path, entry + 8, 'u32le') AS sector,
         mmap_get(path, entry + 12, 'u32le') AS sectors, error
    FROM mbr_entry_;

-- The partition of type ee that stands for a GPT may be said to be as large as can be, which means all of the disk.
CREATE TEMP VIEW IF NOT EXISTS mbr_partition AS
  SELECT path, number,
         CASE WHEN number > 4 THEN 'logical' WHEN type IN (0x05, 0x0f, 0x85) THEN 'extended'
              ELSE 'primary' END AS kind,
         active, printf('%02x', type) AS type,
         CASE type WHEN 0x01 THEN 'FAT12' WHEN 0x04 THEN 'FAT16' WHEN 0x05 THEN 'extended'
                   WHEN 0x06 THEN 'FAT16' WHEN 0x07 THEN 'NTFS or exFAT' WHEN 0x0b THEN 'FAT32'
                   WHEN 0x0c THEN 'FAT32' WHEN 0x0e THEN 'FAT16' WHEN 0x0f THEN 'extended'
                   WHEN 0x82 THEN 'Linux swap' WHEN 0x83 THEN 'Linux' WHEN 0x85 THEN 'extended'
                   WHEN 0x8e THEN 'Linux LVM' WHEN 0xa5 THEN 'FreeBSD' WHEN 0xa6 THEN 'OpenBSD'
                   WHEN 0xee THEN 'GPT follows' WHEN 0xef THEN 'EFI system' WHEN 0xfd THEN 'Linux RAID'
         END AS name,
         sector, sectors, sector * 512 AS offset,
         CASE WHEN type = 0xee AND sectors = 0xffffffff THEN max(0, file_size - sector * 512)
              ELSE sectors * 512 END AS bytes,
         CASE WHEN error IS NOT NULL THEN error
              WHEN (sector + sectors) * 512 > file_size AND NOT (type = 0xee AND sectors = 0xffffffff)
              THEN 'it reaches past the end of the file' END AS error
    FROM mbr_number_ WHERE sectors > 0;
