-- GPT: the partitions of a disk image, and whether both copies of the table are whole.
--
--     .read sql/formats/gpt.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('**/*.img');
--     SELECT path, copy, disk_guid, entries, header_crc_ok, entries_crc_ok, error FROM gpt_header;
--     SELECT path, number, name, type, offset, bytes FROM gpt_partition WHERE copy = 'primary';
--
--     gpt_header     a row for each copy that is there: `primary` behind the first sector, `backup` in the last one, or
--                    where the primary says it is
--     gpt_partition  the entries in use, of each copy
--
-- Sectors of 512 and 4,096 bytes are understood, and entries of any size that the header gives. A file without a
-- GPT has no rows. Of an image that is cut short the primary's `error` says that there is no backup; of a disk that
-- was enlarged the backup's says that it is not in the last sector. Where the two differ is a question for EXCEPT.
--
-- Not covered: the MBR before it (mbr.sql), a backup that is in neither place, more than 65,536 entries.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- Views whose names end in _ are steps on the way. Their DISTINCT drops no row: it makes SQLite compute each
-- column once, not at every mention of it, and lets a constraint on path through to target. CASE makes sure
-- that nothing is read before it is known to lie inside the file.
CREATE TEMP VIEW IF NOT EXISTS gpt_size_ AS
  SELECT DISTINCT path, mmap_length(path) AS file_size FROM target;

-- The last whole sector, as images may have a few bytes more.
CREATE TEMP VIEW IF NOT EXISTS gpt_end_ AS
  SELECT DISTINCT path, file_size, sector, (file_size / sector - 1) * sector AS last
    FROM gpt_size_ CROSS JOIN (SELECT 512 AS sector UNION ALL SELECT 4096) WHERE file_size >= 2 * sector;

-- `other`: where the primary says that the backup is, if that is not the last sector; -1 if it says nothing that
-- can be.
CREATE TEMP VIEW IF NOT EXISTS gpt_other_ AS
  SELECT DISTINCT path, file_size, sector, last,
         CASE WHEN mmap_get(path, sector, 'u64be') = 0x4546492050415254
                   AND mmap_get(path, sector + 32, 'u64le') BETWEEN 2 AND last / sector - 1
              THEN mmap_get(path, sector + 32, 'u64le') * sector ELSE -1 END AS other
    FROM gpt_end_;

CREATE TEMP VIEW IF NOT EXISTS gpt_place_ AS
  SELECT DISTINCT path, file_size, sector, last, other, copy,
         CASE copy WHEN 'primary' THEN sector WHEN 'backup' THEN last ELSE other END AS at
    FROM gpt_other_ CROSS JOIN (SELECT 'primary' AS copy UNION ALL SELECT 'backup' UNION ALL SELECT 'elsewhere');

CREATE TEMP VIEW IF NOT EXISTS gpt_raw_ AS
  SELECT DISTINCT path, file_size, iif(copy = 'primary', 'primary', 'backup') AS copy, sector, last, other, at,
         mmap_get(path, at + 12, 'u32le') AS head, mmap_get(path, at + 16, 'u32le') AS crc,
         mmap_get(path, at + 72, 'u64le') AS first, mmap_get(path, at + 80, 'u32le') AS entries,
         mmap_get(path, at + 84, 'u32le') AS entry_bytes
    FROM gpt_place_ WHERE CASE WHEN at > 0 THEN mmap_get(path, at, 'u64be') END = 0x4546492050415254;

-- entries_at: NULL unless the whole table lies inside the file.
CREATE TEMP VIEW IF NOT EXISTS gpt_file_ AS
  SELECT DISTINCT path, file_size, copy, sector, last, other, at, head, crc, entries, entry_bytes,
         CASE WHEN first BETWEEN 1 AND file_size / sector AND entries <= 65536
                   AND entry_bytes BETWEEN 128 AND 4096 AND first * sector <= file_size - entries * entry_bytes
              THEN first * sector END AS entries_at
    FROM gpt_raw_;

CREATE TEMP VIEW IF NOT EXISTS gpt_guid_ AS
  SELECT DISTINCT f.*,
         printf('%08X-%04X-%04X-%s-%s', mmap_get(path, at + 56, 'u32le'), mmap_get(path, at + 60, 'u16le'),
                mmap_get(path, at + 62, 'u16le'), hex(mmap_get(path, at + 64, 'blob(2)')),
                hex(mmap_get(path, at + 66, 'blob(6)'))) AS disk_guid
    FROM gpt_file_ AS f;

-- The header's CRC is made while its own four bytes are zero. A CRC is linear: it is the CRC with the bytes,
-- exclusive or what these bytes alone do to it. They are shifted through all bits from there to the end;
-- a ^ b is written (a | b) - (a & b).
CREATE TEMP VIEW IF NOT EXISTS gpt_crc_ AS
  SELECT DISTINCT g.*,
         CASE WHEN head BETWEEN 92 AND sector THEN mmap_crc32(path, at, at + head) END AS whole,
         CASE WHEN head BETWEEN 92 AND sector THEN
           (WITH RECURSIVE shift(bits, value) AS (
              SELECT (head - 16) * 8, crc
              UNION ALL
              SELECT bits - 1, iif(value & 1, (value >> 1 | 0xedb88320) - (value >> 1 & 0xedb88320), value >> 1)
                FROM shift WHERE bits > 0)
            SELECT value FROM shift WHERE bits = 0) END AS effect
    FROM gpt_guid_ AS g;

CREATE TEMP VIEW IF NOT EXISTS gpt_checked_ AS
  SELECT DISTINCT path, file_size, copy, sector, last, other, at, disk_guid, entries, entry_bytes, entries_at,
         (whole | effect) - (whole & effect) = crc AS header_crc_ok,
         CASE WHEN entries_at IS NOT NULL
              THEN mmap_crc32(path, entries_at, entries_at + entries * entry_bytes)
                   = mmap_get(path, at + 88, 'u32le') END AS entries_crc_ok
    FROM gpt_crc_;

CREATE TEMP VIEW IF NOT EXISTS gpt_header AS
  SELECT path, copy, sector AS sector_bytes, at AS offset, disk_guid, entries, entry_bytes,
         mmap_get(path, at + 40, 'u64le') AS first_usable, mmap_get(path, at + 48, 'u64le') AS last_usable,
         coalesce(header_crc_ok, 0) AS header_crc_ok, entries_crc_ok,
         CASE WHEN header_crc_ok IS NOT 1 THEN 'the header''s CRC is wrong'
              WHEN entries > 65536 THEN 'the table has more than 65,536 entries, which are not read'
              WHEN entry_bytes NOT BETWEEN 128 AND 4096 THEN 'its entries cannot have ' || entry_bytes || ' bytes'
              WHEN entries_at IS NULL THEN 'the table reaches past the end of the file'
              WHEN NOT entries_crc_ok THEN 'the table''s CRC is wrong'
              WHEN mmap_get(path, at + 24, 'u64le') <> at / sector THEN 'it is not where it says it is'
              WHEN copy = 'backup' AND at <> last THEN 'it is not in the last sector: the disk was enlarged'
              WHEN copy = 'primary' AND mmap_slice(path, last, last + 8) <> CAST('EFI PART' AS BLOB)
                   AND mmap_slice(path, other, other + 8) <> CAST('EFI PART' AS BLOB)
              THEN 'there is no backup where it says' END AS error
    FROM gpt_checked_;

CREATE TEMP VIEW IF NOT EXISTS gpt_entry_ AS
  SELECT DISTINCT g.path, file_size, copy, sector, i.offset AS number, entries_at + i.offset * entry_bytes AS at
    FROM gpt_file_ AS g CROSS JOIN mmap(g.path) AS i
   WHERE i.offset < iif(entries_at IS NULL, 0, entries);

CREATE TEMP VIEW IF NOT EXISTS gpt_used_ AS
  SELECT DISTINCT path, file_size, copy, sector, number, at,
         printf('%08X-%04X-%04X-%s-%s', mmap_get(path, at, 'u32le'), mmap_get(path, at + 4, 'u16le'),
                mmap_get(path, at + 6, 'u16le'), hex(mmap_get(path, at + 8, 'blob(2)')),
                hex(mmap_get(path, at + 10, 'blob(6)'))) AS type_guid,
         mmap_get(path, at + 32, 'u64le') AS first, mmap_get(path, at + 40, 'u64le') AS last
    FROM gpt_entry_ WHERE mmap_get(path, at, 'u64le') <> 0 OR mmap_get(path, at + 8, 'u64le') <> 0;

-- `offset` and `bytes` are NULL where they do not lie inside the file.
CREATE TEMP VIEW IF NOT EXISTS gpt_partition AS
  SELECT path, copy, number + 1 AS number, mmap_get(path, at + 56, 'utf16le(72)') AS name,
         CASE type_guid WHEN '0FC63DAF-8483-4772-8E79-3D69D8477DE4' THEN 'Linux'
                        WHEN '0657FD6D-A4AB-43C4-84E5-0933C84B4F4F' THEN 'Linux swap'
                        WHEN 'E6D6D379-F507-44C2-A23C-238F2A3DF928' THEN 'Linux LVM'
                        WHEN 'A19D880F-05FC-4D3B-A006-743F0F84911E' THEN 'Linux RAID'
                        WHEN 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B' THEN 'EFI system'
                        WHEN '21686148-6449-6E6F-744E-656564454649' THEN 'BIOS boot'
                        WHEN 'EBD0A0A2-B9E5-4433-87C0-68B6B72699C7' THEN 'Microsoft data'
                        WHEN 'E3C9E316-0B5C-4DB8-817D-F92DF00215AE' THEN 'Microsoft reserved'
                        WHEN 'DE94BBA4-06D1-4D40-A16A-BFD50179D6AC' THEN 'Windows recovery' END AS type,
         type_guid,
         printf('%08X-%04X-%04X-%s-%s', mmap_get(path, at + 16, 'u32le'), mmap_get(path, at + 20, 'u16le'),
                mmap_get(path, at + 22, 'u16le'), hex(mmap_get(path, at + 24, 'blob(2)')),
                hex(mmap_get(path, at + 26, 'blob(6)'))) AS guid,
         first AS first_sector, last AS last_sector, mmap_get(path, at + 48, 'u64le') AS attributes,
         CASE WHEN first BETWEEN 0 AND last AND last < file_size / sector THEN first * sector END AS offset,
         CASE WHEN first BETWEEN 0 AND last AND last < file_size / sector
              THEN (last - first + 1) * sector END AS bytes,
         CASE WHEN first NOT BETWEEN 0 AND last THEN 'it ends before it begins'
              WHEN last >= file_size / sector THEN 'it reaches past the end of the file' END AS error
    FROM gpt_used_;
