-- FAT: what is on a floppy, a memory card or an EFI system partition (FAT12, FAT16, FAT32), deleted files too.
--
--     .read sql/formats/fat.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('*.img') WHERE error IS NULL;
--     SELECT path, kind, label, serial, cluster_bytes, clusters, free_clusters, error FROM fat_volume;
--     SELECT path, name, size, modified FROM fat_entry WHERE kind = 'file' AND NOT deleted ORDER BY size DESC LIMIT 9;
--     SELECT path, name, short_name, cluster FROM fat_entry WHERE deleted;
--     SELECT name, number, mmap_get(path, offset, 'blob(' || bytes || ')') AS data FROM fat_extent WHERE bytes > 0 LIMIT 1;
--
--     fat_volume  a row for each image: which FAT, label, serial number, sizes, whether it was left dirty
--     fat_entry   files, directories and labels, with all of their path as name: attributes, size, times, first cluster
--     fat_extent  where the bytes of each file and directory are: runs of clusters that follow each other in the image
--
-- An image begins with the boot sector; of a disk with partitions mmap_open takes the one that mbr.sql shows. FAT12 and FAT16 are
-- told apart by how many clusters there are; a volume without the 16 bit size of a FAT is FAT32. Long names are used where they
-- belong to the entry; short ones are of code page 437. Of a deleted file the first letter of the short name is lost, its chain is free, and
-- fat_extent has what lay there if it was in one run. Times are those of the clock that wrote them. Not covered: exFAT,
-- volumes without these numbers in the boot sector (DOS 1), directories that were deleted, and what was in them.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- The boot sector; then come the FATs, in FAT12 and FAT16 the root directory, and the clusters, of which the first is number 2.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.fat_boot_ USING mmap(*, maker latin1(8) at(3), sector_bytes u16le, cluster_sectors u8, reserved u16le,
  fats u8, root_entries u16le, sectors16 u16le, media u8, fat_sectors16 u16le, track u16le, heads u16le, hidden u32le, sectors32 u32le,
  is32 AS (fat_sectors16 = 0), fat_sectors32 u32le if(is32), flags u16le if(is32), version u16le if(is32), root u32le if(is32),
  state u8 at(iif(is32, 65, 37)), mark u8, serial u32le, label latin1(11),
  sectors AS (iif(sectors16, sectors16, sectors32)), fat_bytes AS (sector_bytes * iif(is32, fat_sectors32, fat_sectors16)),
  cluster_bytes AS (sector_bytes * cluster_sectors), fat_at AS (sector_bytes * reserved),
  root_at AS (fat_at + fats * fat_bytes), data_at AS (root_at + align(root_entries * 32, sector_bytes)),
  clusters AS (max((sectors * sector_bytes - data_at) / cluster_bytes, 0)), bits AS (CASE WHEN is32 THEN 32 WHEN clusters < 4085 THEN 12 ELSE 16 END),
  while=(sector_bytes IN (512, 1024, 2048, 4096) AND cluster_sectors IN (1, 2, 4, 8, 16, 32, 64, 128) AND reserved > 0
         AND fats BETWEEN 1 AND 4 AND (media = 0xf0 OR media >= 0xf8)), count=(1), partial=yes);

-- What the FAT says of a cluster: which one is next, 0 if it is free, 1 and what is above the last if the chain ends. The cluster's number is the
-- place of its record, so it is fat_link_(path, cluster). FAT32 may say which of its FATs is in use.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.fat_link_ USING mmap(*, sector_bytes u16le at_file(11), cluster_sectors u8 at_file(13),
  reserved u16le at_file(14),
  fats u8 at_file(16), root_entries u16le at_file(17), sectors16 u16le at_file(19), fat_sectors16 u16le at_file(22), sectors32 u32le at_file(32),
  is32 AS (fat_sectors16 = 0), fat_sectors32 u32le at_file(36) if(is32), flags u16le at_file(40) if(is32),
  fat_bytes AS (sector_bytes * iif(is32, fat_sectors32, fat_sectors16)),
  data_at AS (sector_bytes * reserved + fats * fat_bytes + align(root_entries * 32, sector_bytes)),
  clusters AS ((iif(sectors16, sectors16, sectors32) * sector_bytes - data_at) / (sector_bytes * cluster_sectors)),
  fat_at AS (sector_bytes * reserved + iif(flags & 0x80, (flags & 15) * fat_bytes, 0)), is12 AS (NOT is32 AND clusters < 4085),
  number AS (offset), link12 u16le at_file(fat_at + number + number / 2) if(is12),
    link16 u16le at_file(fat_at + number * 2) if(NOT is12 AND NOT is32),
  link32 u32le at_file(fat_at + number * 4) if(is32),
  link AS (CASE WHEN is32 THEN link32 & 0xfffffff WHEN is12 THEN iif(number & 1, link12 >> 4, link12 & 0xfff) ELSE link16 END),
  at AS (data_at + (number - 2) * sector_bytes * cluster_sectors), follows AS (iif(link BETWEEN 2 AND clusters + 1, link, NULL)),
  record=(1), while=(number BETWEEN 2 AND clusters + 1), partial=yes);

-- A slot of a directory: a file, or 13 characters of UTF-16 of the long name of the next one, with the checksum of its short name.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.fat_slot_ USING mmap(*, c0 u8, name latin1(11) at(0), attributes u8 at(11), lower u8, made_10ms u8,
  made_second b5le, made_minute b6le, made_hour b5le, made_day b5le, made_month b4le, made_year b7le, read_day b5le, read_month b4le, read_year b7le,
  high u16le, second b5le, minute b6le, hour b5le, day b5le, month b4le, year b7le, low u16le, bytes u32le,
  deleted AS (c0 = 0xe5), is_long AS (attributes & 0x3f = 0x0f), begins AS (is_long AND c0 > 0x40 AND NOT deleted),
  sum u8 at(13), units1 u16le[5] at(1) if(is_long), units2 u16le[6] at(14) if(is_long), units3 u16le[2] at(28) if(is_long),
  c1 u8 at(1), c2 u8, c3 u8, c4 u8, c5 u8, c6 u8, c7 u8, c8 u8, c9 u8, c10 u8, -- each byte is added to the sum before, turned right by a bit
  s1 AS (((c0 & 1) << 7) + (c0 >> 1) + c1 & 255), s2 AS (((s1 & 1) << 7) + (s1 >> 1) + c2 & 255), s3 AS (((s2 & 1) << 7) + (s2 >> 1) + c3 & 255),
  s4 AS (((s3 & 1) << 7) + (s3 >> 1) + c4 & 255), s5 AS (((s4 & 1) << 7) + (s4 >> 1) + c5 & 255), s6 AS (((s5 & 1) << 7) + (s5 >> 1) + c6 & 255),
  s7 AS (((s6 & 1) << 7) + (s6 >> 1) + c7 & 255), s8 AS (((s7 & 1) << 7) + (s7 >> 1) + c8 & 255), s9 AS (((s8 & 1) << 7) + (s8 >> 1) + c9 & 255),
  short_sum AS (((s9 & 1) << 7) + (s9 >> 1) + c10 & 255), record=(32), while=(c0 > 0), partial=yes);

-- Names that end in _ are steps on the way; DISTINCT makes SQLite compute each column once.
CREATE TEMP VIEW IF NOT EXISTS fat_file_ AS
  SELECT DISTINCT path, mmap_length(path) AS file_size, maker, sector_bytes, cluster_bytes, sectors, fats, state, mark, serial, label, bits,
         fat_at, fat_bytes, root_at, data_at, clusters, coalesce(root, 0) AS root
    FROM target CROSS JOIN fat_boot_(path) AS b WHERE label IS NOT NULL;

-- The short name in a slot: with a point, in the letters that the slot asks for, and ? for what is lost. 5 stands for 0xe5.
CREATE TEMP VIEW IF NOT EXISTS fat_short_ AS
  SELECT path, at, iif(attributes & 8, rtrim(name), rtrim(iif(lower & 8, lower(substr(name, 1, 8)), substr(name, 1, 8)))
                       || coalesce('.' || nullif(rtrim(iif(lower & 16, lower(substr(name, 9)), substr(name, 9))), ''), '')) AS name
    FROM (SELECT s.file AS path, s.start AS at, attributes, lower, iif(name NOT GLOB '*[^ -~]*' AND length(name) = 11, name, (
             SELECT group_concat(CASE WHEN b.offset = s.start AND b.byte IN (5, 0xe5) THEN iif(b.byte = 5, 'σ', '?')
                                      WHEN b.byte < 0x20 THEN '?' WHEN b.byte < 0x80 THEN char(b.byte)
                                      ELSE substr('ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧'
                                                  || '╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■' || char(0xa0), b.byte - 127, 1) END, '')
               FROM mmap(s.file) AS b WHERE b.offset BETWEEN s.start AND s.start + 10)) AS name
            FROM fat_slot_ AS s WHERE s.rowid = 0 AND bytes IS NOT NULL);

-- A tree level by level, each directory once, however often it is named. Of a level first `dirs` is known, where to look, as
-- [cluster, path]; then `found`, what is there, as [place of its slot, path, cluster if it is a directory]. `seen` has the first
-- clusters of all directories so far. The slots of a long name stand before the file's, the last part first.
CREATE TEMP VIEW IF NOT EXISTS fat_tree_ AS
  SELECT DISTINCT f.*, (
    WITH RECURSIVE level(depth, dirs, found, seen) AS (
      SELECT 0, json_array(json_array(root, '')), NULL, json_array(root)
      UNION ALL
      SELECT depth, dirs, (
        WITH RECURSIVE
          chain(dir, path, cluster) AS ( -- UNION ends a chain that comes back to where it was
            SELECT key, json_extract(value, '$[1]'), json_extract(value, '$[0]') FROM json_each(dirs)
            UNION SELECT dir, chain.path, follows FROM chain CROSS JOIN fat_link_(f.path, nullif(cluster, 0)) AS l WHERE l.rowid = 0 AND follows),
          slot AS (
            SELECT c.dir, c.path, s.offset AS at, c0, attributes, deleted, is_long, begins, sum, short_sum, units1 || units2 || units3 AS units,
                   low + iif(bits = 32, high << 16, 0) AS first, row_number() OVER w AS place,
                   begins OR lag(is_long, 1, 0) OVER w = 0 OR lag(deleted, 1, 0) OVER w <> deleted AS is_new
              FROM (SELECT *, row_number() OVER () AS turn FROM chain) AS c
                   CROSS JOIN fat_slot_(f.path, iif(cluster, data_at + (cluster - 2) * cluster_bytes, root_at),
                                        iif(cluster, data_at + (cluster - 1) * cluster_bytes, data_at)) AS s
             WHERE bytes IS NOT NULL WINDOW w AS (PARTITION BY c.dir ORDER BY turn, s.rowid)),
          entry AS (
            SELECT *, replace(group_concat(units, '') OVER w, '][', ',') AS name_units, -- from here back to where its name begins
                   min(sum) OVER w = max(sum) OVER w AND (deleted OR max(begins) OVER w AND max(sum) OVER w = short_sum) AS has_long
              FROM (SELECT *, sum(is_new) OVER (PARTITION BY dir ORDER BY place) AS name_number FROM slot)
            WINDOW w AS (PARTITION BY dir, name_number ORDER BY place DESC ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING))
        SELECT json_group_array(json_array(at, entry.path || '/' || CASE
                 WHEN has_long THEN ( -- two units from 0xd800 to 0xdfff are one character
                   SELECT group_concat(CASE WHEN unit & 0xfc00 = 0xd800
                     AND later & 0xfc00 = 0xdc00 THEN char(0x10000 + ((unit & 0x3ff) << 10) + (later & 0x3ff))
                                            WHEN unit & 0xfc00 = 0xdc00 AND before & 0xfc00 = 0xd800 THEN ''
                                            WHEN unit & 0xf800 = 0xd800 THEN char(0xfffd) ELSE char(unit) END, '')
                     FROM (SELECT value AS unit, lead(value) OVER (ORDER BY key) AS later, lag(value) OVER (ORDER BY key) AS before
                             FROM json_each(name_units)) WHERE unit NOT IN (0, 0xffff))
                 ELSE (SELECT n.name FROM fat_short_ AS n WHERE n.path = f.path AND n.at = entry.at) END,
                 iif(attributes & 0x18 = 0x10 AND NOT deleted, first, NULL)))
          FROM entry WHERE NOT is_long AND c0 <> 0x2e), seen
        FROM level WHERE found IS NULL
      UNION ALL
      SELECT depth + 1, (
        SELECT json_group_array(json_array(child, d.name)) FROM (
          SELECT child, min(name) AS name FROM (
            SELECT json_extract(value, '$[2]') AS child, json_extract(value, '$[1]') AS name FROM json_each(found)
            UNION ALL SELECT value, NULL FROM json_each(seen)) GROUP BY child HAVING count(*) = count(name)) AS d
          CROSS JOIN fat_slot_(f.path, iif(child BETWEEN 2 AND clusters + 1, data_at + (child - 2) * cluster_bytes, NULL)) AS s
         WHERE s.rowid = 0 AND rtrim(s.name) = '.'), NULL,
        (SELECT json_group_array(value) FROM (SELECT json_extract(value, '$[2]') AS value FROM json_each(found) UNION SELECT value
          FROM json_each(seen)) WHERE value IS NOT NULL)
        FROM level WHERE found <> '[]' AND depth < 128)
    SELECT json_group_array(json(found)) FROM level WHERE found <> '[]') AS levels
  FROM fat_file_ AS f;

-- The entries, and what is at the first cluster of each: a directory begins with a slot for itself, a point.
CREATE TEMP VIEW IF NOT EXISTS fat_entry_ AS
  SELECT DISTINCT f.path, file_size, cluster_bytes, data_at, clusters, s.offset AS at, json_extract(e.value, '$[1]') AS name, attributes, deleted,
    bytes,
         CASE attributes & 0x18 WHEN 0x10 THEN 'directory' WHEN 0 THEN 'file' ELSE 'label' END AS kind,
           low + iif(bits = 32, high << 16, 0) AS cluster,
         printf('%d-%02d-%02d %02d:%02d:%02d', 1980 + year, month, day, hour, minute, second * 2) AS modified,
         iif(made_month, printf('%d-%02d-%02d %02d:%02d:%05.2f', 1980 + made_year, made_month, made_day, made_hour, made_minute,
                                made_second * 2 + made_10ms / 100.0), NULL) AS made,
         iif(read_month, printf('%d-%02d-%02d', 1980 + read_year, read_month, read_day), NULL) AS accessed
    FROM fat_tree_ AS f CROSS JOIN json_each(levels) AS l CROSS JOIN json_each(l.value) AS e
         CROSS JOIN fat_slot_(f.path, json_extract(e.value, '$[0]')) AS s WHERE s.rowid = 0;

CREATE TEMP VIEW IF NOT EXISTS fat_place_ AS
  SELECT DISTINCT e.*, iif(cluster BETWEEN 2 AND clusters + 1, data_at + (cluster - 2) * cluster_bytes, NULL) AS first_at FROM fat_entry_ AS e;

CREATE TEMP VIEW IF NOT EXISTS fat_volume AS
  SELECT path, 'FAT' || bits AS kind,
         coalesce((SELECT n.name FROM fat_slot_(f.path, iif(root, data_at + (root - 2) * cluster_bytes, root_at),
           iif(root, data_at + (root - 1) * cluster_bytes, data_at)) AS s
                     CROSS JOIN fat_short_ AS n ON n.path = f.path AND n.at = s.offset WHERE attributes & 0x3f = 8 AND NOT deleted LIMIT 1),
                  iif(mark = 0x29 AND label <> 'NO NAME    ', rtrim(label), NULL)) AS label,
         iif(mark IN (0x28, 0x29), printf('%04X-%04X', serial >> 16, serial & 0xffff), NULL) AS serial, rtrim(maker) AS maker,
         sector_bytes, cluster_bytes, sectors, clusters,
         (SELECT count(*) FROM fat_link_(f.path, 2, f.clusters + 2) WHERE link = 0) AS free_clusters, fats,
         (SELECT min(mmap_crc32(path, fat_at, fat_at + fat_bytes) = mmap_crc32(path, fat_at + i.offset * fat_bytes,
           fat_at + (i.offset + 1) * fat_bytes))
            FROM mmap(f.path) AS i WHERE i.offset BETWEEN 1 AND fats - 1) AS fats_agree, state & 1 AS dirty,
         CASE WHEN sectors = 0 THEN 'it says that it has no sectors' WHEN clusters = 0 THEN 'it has no room for clusters'
              WHEN fat_bytes * 8 / iif(bits = 32, 32, bits) < clusters + 2 THEN 'its FAT is too small for its clusters'
              WHEN sectors * sector_bytes > file_size THEN 'it reaches past the end of the file' END AS error
    FROM fat_file_ AS f;

CREATE TEMP VIEW IF NOT EXISTS fat_entry AS
  SELECT path, name, (SELECT n.name FROM fat_short_ AS n WHERE n.path = e.path AND n.at = e.at) AS short_name, kind, deleted,
         iif(attributes & 1, 'R', '') || iif(attributes & 2, 'H', '') || iif(attributes & 4, 'S', '')
           || iif(attributes & 0x20, 'A', '') AS attributes,
         iif(kind = 'file', bytes, NULL) AS size, made, modified, accessed, nullif(cluster, 0) AS cluster, first_at AS offset, at AS entry_offset,
         CASE WHEN attributes & 0xc0 OR kind = 'label' AND cluster THEN 'it is no entry'
              WHEN first_at IS NULL AND (kind = 'directory' OR kind = 'file' AND bytes) THEN 'its first cluster is none'
              WHEN first_at >= file_size THEN 'it begins past the end of the file'
              WHEN kind = 'directory' AND NOT deleted AND (SELECT rtrim(name) FROM fat_slot_(e.path, first_at) LIMIT 1) IS NOT '.'
              THEN 'it is no directory' END AS error
    FROM fat_place_ AS e;

-- The chain of each, as runs of clusters that follow each other: of a file as many as it needs. What was deleted has the free ones
-- from its first on.
CREATE TEMP VIEW IF NOT EXISTS fat_chain_ AS
  SELECT DISTINCT e.*, (
           WITH RECURSIVE chain(number) AS (
             SELECT cluster WHERE first_at IS NOT NULL AND (NOT deleted OR (SELECT link FROM fat_link_(e.path, e.cluster) LIMIT 1) = 0)
             UNION SELECT iif(e.deleted, chain.number + 1, follows) FROM chain CROSS JOIN fat_link_(e.path, chain.number) AS l
                    WHERE l.rowid = 0 AND iif(e.deleted, link = 0 AND chain.number + 1 < e.cluster + needed, follows))
           SELECT json_group_array(json_array(turn - 1, first, count)) FROM (
             SELECT min(number) AS first, min(turn) AS turn, count(*) AS count
               FROM (SELECT number, row_number() OVER () AS turn FROM chain) WHERE turn <= needed GROUP BY turn - number ORDER BY 2)) AS runs
    FROM (SELECT DISTINCT p.*, iif(kind = 'file', (bytes + cluster_bytes - 1) / cluster_bytes, clusters) AS needed FROM fat_place_ AS p) AS e
      WHERE kind <> 'label';

CREATE TEMP VIEW IF NOT EXISTS fat_run_ AS
  SELECT DISTINCT c.*, coalesce(r.key, 0) AS number, r.key IS NULL OR r.key + 1 = json_array_length(runs) AS is_last,
         coalesce(json_extract(r.value, '$[0]'), 0) + coalesce(json_extract(r.value, '$[2]'), 0) AS so_far,
         data_at + (json_extract(r.value, '$[1]') - 2) * cluster_bytes AS run_at, coalesce(json_extract(r.value, '$[2]'), 0) * cluster_bytes AS room,
         bytes - coalesce(json_extract(r.value, '$[0]'), 0) * cluster_bytes AS rest
    FROM fat_chain_ AS c LEFT JOIN json_each(runs) AS r;

CREATE TEMP VIEW IF NOT EXISTS fat_extent AS
  SELECT path, name, number, run_at AS offset, iif(kind = 'file', min(room, rest), room) AS bytes,
         CASE WHEN first_at IS NULL THEN 'its first cluster is none' WHEN run_at IS NULL THEN 'others are there now'
              WHEN run_at + iif(kind = 'file', min(room, rest), room) > file_size THEN 'it reaches past the end of the file'
              WHEN is_last AND kind = 'file' AND so_far < needed THEN iif(deleted, 'others are there now',
                'its chain ends before its data') END AS error
    FROM fat_run_ WHERE kind = 'directory' AND NOT deleted OR kind = 'file' AND bytes > 0;
