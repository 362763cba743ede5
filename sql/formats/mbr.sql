-- MBR: the partitions of a disk image, those inside an extended partition included.
--
--     .read sql/formats/mbr.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('**/*.img');
--     SELECT path, number, kind, type, offset, bytes, error FROM mbr_partition;
--     SELECT path, number, mmap_open(path, 'read', bytes, offset) AS handle FROM mbr_partition WHERE error IS NULL AND kind <> 'extended';
--
--     mbr_partition  numbered as Linux does: 1 to 4, and logical ones from 5
--
-- `offset` and `bytes` say where in the file the partition lies; the second query opens a window on each.
-- Sectors have 512 bytes. A file that has no partition table has no rows; a FAT or NTFS volume, which ends
-- its first sector alike, has none either unless the code there looks like a table. For GPT see gpt.sql.
--
-- Not covered: more than one extended partition, more than 256 logical ones, BSD and Solaris labels inside.

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

-- Where the first extended partition begins, in sectors.
CREATE TEMP VIEW IF NOT EXISTS mbr_extended_ AS
  SELECT DISTINCT f.path, file_size,
         (SELECT mmap_get(f.path, 454 + i.offset * 16, 'u32le') FROM mmap(f.path) AS i
           WHERE i.offset < 4 AND mmap_get(f.path, 450 + i.offset * 16) IN (0x05, 0x0f, 0x85)
             AND mmap_get(f.path, 454 + i.offset * 16, 'u32le') > 0
           LIMIT 1) AS base
    FROM mbr_file_ AS f;

-- A chain of sectors, each with a table of its own: the first entry is a partition, placed from there, the
-- second the next link, placed from `base`. `seen` has the sectors that were met, as the chain may bite its
-- tail. The last value in each array says what is wrong with the chain behind this link.
CREATE TEMP VIEW IF NOT EXISTS mbr_logical_ AS
  SELECT DISTINCT e.path, file_size, json_extract(link.value, '$[0]') AS number,
         json_extract(link.value, '$[1]') AS sector, json_extract(link.value, '$[2]') AS error
    FROM mbr_extended_ AS e CROSS JOIN json_each((
           WITH RECURSIVE link(sector, number, seen, links) AS (
             SELECT base, 5, ',' || base || ',', 1
              WHERE CASE WHEN base * 512 + 512 <= file_size
                         THEN mmap_get(e.path, base * 512 + 510, 'u16be') = 0x55aa END
             UNION ALL
             SELECT base + mmap_get(e.path, sector * 512 + 470, 'u32le'),
                    number + (mmap_get(e.path, sector * 512 + 458, 'u32le') > 0),
                    seen || (base + mmap_get(e.path, sector * 512 + 470, 'u32le')) || ',', links + 1
               FROM link
              WHERE mmap_get(e.path, sector * 512 + 466) IN (0x05, 0x0f, 0x85)
                AND mmap_get(e.path, sector * 512 + 470, 'u32le') > 0 AND links < 256
                AND instr(seen, ',' || (base + mmap_get(e.path, sector * 512 + 470, 'u32le')) || ',') = 0
                AND CASE WHEN (base + mmap_get(e.path, sector * 512 + 470, 'u32le')) * 512 + 512 <= file_size
                         THEN mmap_get(e.path, (base + mmap_get(e.path, sector * 512 + 470, 'u32le')) * 512 + 510,
                                       'u16be') = 0x55aa END)
           SELECT json_group_array(json_array(number, sector,
                    CASE WHEN mmap_get(e.path, sector * 512 + 466) NOT IN (0x05, 0x0f, 0x85)
                              OR mmap_get(e.path, sector * 512 + 470, 'u32le') = 0 THEN NULL
                         WHEN links = 256 THEN 'the chain goes on, and is not followed'
                         WHEN instr(seen, ',' || (base + mmap_get(e.path, sector * 512 + 470, 'u32le')) || ',')
                         THEN 'the chain comes back to where it was'
                         WHEN links = (SELECT max(links) FROM link)
                         THEN 'the chain leads to no partition table' END))
             FROM link)) AS link;

CREATE TEMP VIEW IF NOT EXISTS mbr_entry_ AS
  SELECT DISTINCT f.path, file_size, i.offset + 1 AS number, 446 + i.offset * 16 AS entry, 0 AS base, NULL AS error
    FROM mbr_file_ AS f CROSS JOIN mmap(f.path) AS i WHERE i.offset < 4
  UNION ALL
  SELECT path, file_size, number, sector * 512 + 446, sector, error FROM mbr_logical_;

CREATE TEMP VIEW IF NOT EXISTS mbr_number_ AS
  SELECT DISTINCT path, file_size, number, mmap_get(path, entry) = 0x80 AS active,
         mmap_get(path, entry + 4) AS type, base + mmap_get(path, entry + 8, 'u32le') AS sector,
         mmap_get(path, entry + 12, 'u32le') AS sectors, error
    FROM mbr_entry_;

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
         sector, sectors, sector * 512 AS offset, sectors * 512 AS bytes,
         CASE WHEN error IS NOT NULL THEN error
              WHEN (sector + sectors) * 512 > file_size THEN 'it reaches past the end of the file' END AS error
    FROM mbr_number_ WHERE sectors > 0 AND type <> 0 OR error IS NOT NULL;
