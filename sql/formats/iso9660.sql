-- ISO 9660: what is on the image of a CD or DVD, by its own names, those of Rock Ridge and those of Joliet.
--
--     .read sql/formats/iso9660.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('*.iso') WHERE error IS NULL;
--     SELECT path, tree, label, blocks * block_bytes AS bytes, made, rock_ridge, error FROM iso_volume;
--     SELECT path, name, size, modified FROM iso_file WHERE tree = 'primary' AND type = 'file' ORDER BY size DESC LIMIT 9;
--     SELECT path, tree, name, error FROM iso_file WHERE error IS NOT NULL;
--     SELECT name, mmap_get(path, offset, 'blob(' || bytes || ')') FROM iso_extent WHERE name LIKE '%e%' LIMIT 1;
--
--     iso_volume  a row for each tree that the image has: primary, joliet, enhanced (ISO 9660:1999); label, sizes, who made it
--     iso_file    files with all of their path as name, in each tree; of Rock Ridge name, rights, owner and what a link leads to
--     iso_extent  where the bytes of each are: the pieces of a file of more than 4 GiB, or of one that was written in pieces
--
-- Names of ISO 9660 are without their version (;1), as Latin-1; those of Rock Ridge are UTF-8 or, if they are none, Latin-1. Directories that
-- Rock Ridge moved, since eight levels are allowed, are shown where they belong. Numbers stand there in both orders; the little-endian
-- one is taken, and `error` says where they differ. Not covered: UDF, El Torito, images with sectors of 2,352 bytes, zisofs.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- The descriptors of volumes, from sector 16 on. Joliet says by which sequence of escapes its names are UTF-16. In each is the
-- record of its root directory.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.iso_volume_ USING mmap(*, offset=32768, type u8, mark text(5), version u8, flags u8, system latin1(32),
  label latin1(32),
  blocks u32le at(80), blocks_be u32be, escapes text(3), set_size u16le at(120), set_size_be u16be, turn u16le, turn_be u16be, block u16le,
    block_be u16be,
  path_bytes u32le, path_bytes_be u32be, root u32le at(158), root_be u32be, root_bytes u32le, root_bytes_be u32be,
  set_name latin1(128) at(190), publisher latin1(128), preparer latin1(128), application latin1(128),
  made text(16) at(813), made_zone i8, modified text(16), modified_zone i8, is_joliet AS (type = 2 AND escapes IN ('%/@', '%/C', '%/E')),
  label16 utf16be(32) at(40) if(is_joliet), set_name16 utf16be(128) at(190) if(is_joliet), publisher16 utf16be(128) at(318) if(is_joliet),
  preparer16 utf16be(128) at(446) if(is_joliet), application16 utf16be(128) at(574) if(is_joliet),
  record=(2048), while=(mark = 'CD001'), until=(type = 255), count=(256), partial=yes);

-- A sector of a directory, and a record in it; they end with the sector, or with a 0 in it. The last piece of a file has no flag 0x80.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.iso_sector_ USING mmap(*, byte u8, record=(min(2048 - offset % 2048, stop - offset)), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.iso_record_ USING mmap(*, length u8, attributes u8, extent u32le, extent_be u32be, bytes u32le,
  bytes_be u32be,
  year u8, month u8, day u8, hour u8, minute u8, second u8, zone i8, flags u8, unit u8, gap u8, volume u16le, volume_be u16be, name_size u8,
  name_at AS (pos), first u8, name16 utf16be(name_size) at(33), name_raw blob(name_size) at(33),
  fields_at AS (offset + align(33 + name_size, 2)), record=(length), while=(length > 0),
  check=(name_size > 0 AND (extent = extent_be OR bytes = bytes_be)), partial=yes);

-- The first record of a directory, for itself. In the root it says whether there is Rock Ridge, and how many bytes are before its fields.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.iso_dot_ USING mmap(*, bytes u32le at(10), name_size u8 at(32), first u8, sign u32be, sign2 u16be, skip u8,
  xa_sign u32be at(48), xa_sign2 u16be, xa_skip u8, is_dot AS (name_size = 1 AND first = 0), count=(1), partial=yes);
-- A field of Rock Ridge behind a record's name; CE says where there are more, CL where a directory is that was moved, RE that it was moved here.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.iso_field_ USING mmap(*, mark text(2), length u8, version u8, flags u8 if(mark IN ('NM', 'SL')),
  number1 u32le at(4) if(mark IN ('PX', 'CE', 'CL') AND length >= 12), number2 u32le at(12) if(mark IN ('PX', 'CE') AND length >= 20),
  number3 u32le at(20) if(mark IN ('PX', 'CE') AND length >= 28), number4 u32le at(28) if(mark = 'PX' AND length >= 36),
  body blob(length - 5) at(5) if(mark = 'NM'), record=(length), while=(length >= 4), until=(mark = 'ST'), partial=yes);
-- A part of what a symbolic link leads to.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.iso_part_ USING mmap(*, flags u8, length u8, body text(length), partial=yes);

-- The text in the bytes first..last - 1, up to a NUL: as UTF-8 or, if it is not all UTF-8, as Latin-1.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.iso_string_ USING mmap(*, utf8 text(min(stop - start, 4096)),
  latin1 latin1(min(stop - start, 4096)) at(0), count=(1), partial=yes);
CREATE TEMP VIEW IF NOT EXISTS iso_text_ AS
  SELECT t.file AS path, t.start AS first, t.stop AS last, CASE WHEN utf8 NOT GLOB '*[^' || char(1) || '-~]*' OR mmap_search(t.file,
                '(?x) \G (?: [\x01-\x7f] | [\xc2-\xdf] [\x80-\xbf] | \xe0 [\xa0-\xbf] [\x80-\xbf]
                      | [\xe1-\xec\xee\xef] [\x80-\xbf]{2} | \xed [\x80-\x9f] [\x80-\xbf] | \xf0 [\x90-\xbf] [\x80-\xbf]{2}
                      | [\xf1-\xf3] [\x80-\xbf]{3} | \xf4 [\x80-\x8f] [\x80-\xbf]{2} )*+ (?: \x00 | \z )',
                t.start, min(t.stop, t.start + 4096)) >= 0 THEN utf8 ELSE latin1 END AS text
    FROM iso_string_ AS t WHERE t.error IS NULL;

-- Names that end in _ are steps on the way; DISTINCT makes SQLite compute each column once.
CREATE TEMP VIEW IF NOT EXISTS iso_fs_ AS
  SELECT DISTINCT path, mmap_length(path) AS file_size, v.*, (root + 0) * block AS root_at,
         CASE WHEN type = 1 THEN 'primary' WHEN is_joliet THEN 'joliet' ELSE 'enhanced' END AS tree,
         CASE WHEN type = 1 AND sign = 0x53500701 AND sign2 = 0xbeef THEN skip WHEN type = 1 AND xa_sign = 0x53500701
           AND xa_sign2 = 0xbeef THEN xa_skip END AS skip
    FROM target CROSS JOIN iso_volume_(path) AS v LEFT JOIN iso_dot_(path, root * block) AS d WHERE type IN (1, 2) AND root_bytes_be IS NOT NULL;

-- A tree level by level, each directory once, however often it is named. Of a level first `dirs` is known, where to look, as
-- [place, bytes, path]; then `found`, what is there, as [place of its record, path, place and bytes if it is a directory, where the
-- fields of Rock Ridge are, error]. `seen` are the places of all directories so far. What follows a record with the flag 0x80 is a
-- further piece of the same file.
CREATE TEMP VIEW IF NOT EXISTS iso_tree_ AS
  SELECT DISTINCT f.*, (
    WITH RECURSIVE level(depth, dirs, found, seen) AS (
      SELECT 0, json_array(json_array(root_at, root_bytes, '')), NULL, json_array(root_at)
      UNION ALL
      SELECT depth, dirs, (
        SELECT json_group_array(json_array(at, iif(wrong IS NOT NULL, coalesce(nullif(directory, ''), '/'), directory || '/' || coalesce(
                 CASE json_array_length(names) WHEN 0 THEN NULL
                   WHEN 1 THEN (SELECT text FROM iso_text_ AS x WHERE x.path = f.path AND first = json_extract(names, '$[0][0]')
                     AND last = json_extract(names, '$[0][1]'))
                   ELSE ( -- in pieces, which may begin in a character
                     SELECT group_concat(char(unicode(substr(text, n.offset + 1, 1))), '')
                       FROM (SELECT CAST(group_concat(CAST(mmap_slice(f.path, json_extract(value, '$[0]'), json_extract(value, '$[1]')) AS TEXT),
                         '') AS TEXT) AS text FROM json_each(names))
                            CROSS JOIN mmap(f.path) AS n WHERE n.offset < length(text)) END,
                 rtrim(iif(title GLOB '*;[0-9]*', substr(title, 1, instr(title, ';') - 1), title), iif(is_joliet, '', '.')), '')),
                 CASE WHEN wrong IS NULL THEN coalesce((moved + 0) * block, iif(flags & 2, (extent + attributes) * block, NULL)) END, bytes,
                   json(areas), wrong))
          FROM (SELECT DISTINCT r.*, (
                         SELECT json_group_array(json_array(x.offset + 5, x.next)) FROM json_each(areas) AS a
                                CROSS JOIN iso_field_(f.path, json_extract(a.value, '$[0]'), json_extract(a.value, '$[1]')) AS x WHERE mark = 'NM'
                                  AND x.flags & 6 = 0 AND x.error IS NULL) AS names,
                       (SELECT number1 FROM json_each(areas) AS a CROSS JOIN iso_field_(f.path, json_extract(a.value, '$[0]'),
                         json_extract(a.value, '$[1]')) WHERE mark = 'CL' LIMIT 1) AS moved
                  FROM (SELECT DISTINCT r.*, coalesce(nullif(iif(is_joliet, name16,
                    (SELECT text FROM iso_text_ AS x WHERE x.path = f.path AND first = name_at AND last = name_at + name_size)), ''), '?') AS title, (
                                 WITH RECURSIVE area(first, last) AS (
                                   SELECT fields_at + skip, r.at + length WHERE skip IS NOT NULL AND fields_at + skip < r.at + length
                                   UNION SELECT number1 * block + number2, number1 * block + number2 + number3 FROM area
                                     CROSS JOIN iso_field_(f.path, area.first, last) AS x
                                          WHERE mark = 'CE' AND x.error IS NULL)
                                 SELECT json_group_array(json_array(area.first, last)) FROM area) AS areas
                          FROM (SELECT d.directory, r.offset AS at, length, attributes, extent, bytes, r.flags, name_size, name_at, first, name16,
                            fields_at, r.error AS wrong,
                                       lag(r.flags, 1, 0) OVER (PARTITION BY d.key ORDER BY r.offset) & 0x80 AS is_piece
                                  FROM (SELECT key, json_extract(value, '$[0]') AS dir_at, json_extract(value, '$[1]') AS dir_bytes,
                                    json_extract(value, '$[2]') AS directory FROM json_each(dirs)) AS d
                                       CROSS JOIN iso_sector_(f.path, dir_at, dir_at + dir_bytes) AS s
                                         CROSS JOIN iso_record_(f.path, s.offset, s.next) AS r) AS r
                         WHERE is_piece = 0 AND (wrong IS NOT NULL OR name_size > 1 OR r.first > 1)) AS r) AS r
         WHERE NOT EXISTS (SELECT 1 FROM json_each(areas) AS a CROSS JOIN iso_field_(f.path, json_extract(a.value, '$[0]'),
           json_extract(a.value, '$[1]')) WHERE mark = 'RE')), seen
        FROM level WHERE found IS NULL
      UNION ALL
      SELECT depth + 1, (
        SELECT json_group_array(json_array(child, d.bytes, name)) FROM (
          SELECT child, min(name) AS name FROM (
            SELECT json_extract(value, '$[2]') AS child, json_extract(value, '$[1]') AS name FROM json_each(found)
              WHERE json_extract(value, '$[2]') > 0
            UNION ALL SELECT value, NULL FROM json_each(seen)) GROUP BY child HAVING count(*) = count(name))
         CROSS JOIN iso_dot_(f.path, child) AS d WHERE is_dot), NULL,
        (SELECT json_group_array(value) FROM (
           SELECT json_extract(value, '$[2]') AS value FROM json_each(found) UNION SELECT value FROM json_each(seen)) WHERE value IS NOT NULL)
        FROM level WHERE found <> '[]' AND depth < 256)
    SELECT json_group_array(json(found)) FROM level WHERE found <> '[]') AS levels
  FROM iso_fs_ AS f;

CREATE TEMP VIEW IF NOT EXISTS iso_volume AS
  SELECT path, tree, rtrim(coalesce(label16, label)) AS label, rtrim(system) AS system, rtrim(coalesce(set_name16, set_name)) AS set_name,
         rtrim(coalesce(publisher16, publisher)) AS publisher, rtrim(coalesce(preparer16, preparer)) AS preparer,
         rtrim(coalesce(application16, application)) AS application, block AS block_bytes, blocks, skip IS NOT NULL AS rock_ridge,
         datetime(substr(made, 1, 4) || '-' || substr(made, 5, 2) || '-' || substr(made, 7, 2) || ' ' || substr(made, 9, 2) || ':'
           || substr(made, 11, 2)
                  || ':' || substr(made, 13, 2), (-15 * made_zone) || ' minutes') AS made,
         CASE WHEN blocks <> blocks_be OR block <> block_be OR root <> root_be OR root_bytes <> root_bytes_be OR path_bytes <> path_bytes_be
              THEN 'its numbers differ in the two orders' WHEN NOT EXISTS (SELECT 1 FROM iso_dot_(path, root_at)
                WHERE is_dot) THEN 'its root is no directory'
              WHEN blocks * block > file_size THEN 'it reaches past the end of the file' END AS error
    FROM iso_fs_ AS f;

-- The records that belong to the one at `at`: those behind it, up to the first that has no flag 0x80.
CREATE TEMP VIEW IF NOT EXISTS iso_found_ AS
  SELECT DISTINCT f.path, tree, file_size, block, at, name, areas, wrong, child, r.*, CASE WHEN wrong IS NULL AND flags & 0x80 THEN (
           SELECT json_group_array(json_array(extent, attributes, bytes)) FROM (
             SELECT p.extent, p.attributes, p.bytes, sum(p.flags & 0x80 = 0) OVER (ORDER BY p.offset ROWS BETWEEN UNBOUNDED PRECEDING
               AND 1 PRECEDING) AS ended
               FROM iso_sector_(f.path, at, at + 1048576) AS s CROSS JOIN iso_record_(f.path, s.offset, s.next) AS p WHERE p.error IS NULL)
            WHERE coalesce(ended, 0) = 0)
         ELSE json_array(json_array(extent, attributes, bytes)) END AS pieces
    FROM (SELECT DISTINCT t.path, tree, file_size, block, json_extract(e.value, '$[0]') AS at, json_extract(e.value, '$[1]') AS name,
      json_extract(e.value, '$[2]') AS child,
                 json_extract(e.value, '$[4]') AS areas, json_extract(e.value, '$[5]') AS wrong
            FROM iso_tree_ AS t CROSS JOIN json_each(levels) AS l CROSS JOIN json_each(l.value) AS e) AS f
         CROSS JOIN iso_record_(f.path, at) AS r WHERE r.rowid = 0;

-- Rights of Rock Ridge are those of stat(2). A symbolic link is in pieces: 2 stands for ., 4 for .., 8 for /, and 1 says that the
-- next goes on with it.
CREATE TEMP VIEW IF NOT EXISTS iso_owner_ AS
  SELECT DISTINCT f.*, json_extract(stat, '$[0]') AS mode, json_extract(stat, '$[1]') AS links, json_extract(stat, '$[2]') AS uid,
    json_extract(stat, '$[3]') AS gid
    FROM (SELECT DISTINCT f.*, (SELECT json_array(number1, number2, number3, number4)
                                  FROM json_each(areas) AS a CROSS JOIN iso_field_(f.path, json_extract(a.value, '$[0]'),
                                    json_extract(a.value, '$[1]')) WHERE mark = 'PX' LIMIT 1) AS stat
            FROM iso_found_ AS f) AS f;

CREATE TEMP VIEW IF NOT EXISTS iso_file AS
  SELECT path, tree, name, CASE WHEN wrong IS NOT NULL OR child IS NOT NULL THEN 'directory'
           ELSE CASE mode >> 12 WHEN 1 THEN 'fifo' WHEN 2 THEN 'char' WHEN 6 THEN 'block' WHEN 10 THEN 'symlink' WHEN 12 THEN 'socket'
             ELSE 'file' END END AS type,
         iif(child IS NULL AND wrong IS NULL, (SELECT sum(json_extract(value, '$[2]')) FROM json_each(pieces)), NULL) AS size,
         datetime(printf('%d-%02d-%02d %02d:%02d:%02d', 1900 + year, month, day, hour, minute, second), (-15 * zone) || ' minutes') AS modified,
         iif(mode IS NULL, NULL, printf('%04o', mode & 4095)) AS mode, uid, gid, links,
         iif(mode >> 12 = 10, (SELECT coalesce(nullif(rtrim(target, '/'), ''), target) FROM (
           SELECT group_concat(CASE p.flags & 14 WHEN 2 THEN '.' WHEN 4 THEN '..' WHEN 8 THEN ''
             ELSE coalesce((SELECT text FROM iso_text_ AS x WHERE x.path = o.path
                                      AND first = p.offset + 2 AND last = p.next), '') END || iif(p.flags & 1, '', '/'), '') AS target
             FROM json_each(areas) AS a CROSS JOIN iso_field_(o.path, json_extract(a.value, '$[0]'), json_extract(a.value, '$[1]')) AS x
                  CROSS JOIN iso_part_(o.path, x.offset + 5, x.next) AS p WHERE x.mark = 'SL' AND x.error IS NULL AND p.error IS NULL)),
                    NULL) AS link,
         flags & 1 AS hidden, at AS record,
         CASE WHEN wrong IS NOT NULL THEN 'a sector of it is none of a directory'
              WHEN extent <> extent_be OR bytes <> bytes_be THEN 'its numbers differ in the two orders'
              WHEN child IS NOT NULL AND NOT EXISTS (SELECT 1 FROM iso_dot_(path, child) WHERE is_dot) THEN 'it is no directory'
              WHEN child IS NULL AND bytes > 0 AND (extent + attributes) * block + bytes > file_size THEN 'it reaches past the end of the file' END AS error
    FROM iso_owner_ AS o;

CREATE TEMP VIEW IF NOT EXISTS iso_piece_ AS
  SELECT DISTINCT f.path, tree, at AS record, name, file_size, p.key AS number, (json_extract(value, '$[0]') + json_extract(value,
    '$[1]')) * block AS place,
         json_extract(value, '$[2]') AS bytes
    FROM iso_found_ AS f CROSS JOIN json_each(pieces) AS p WHERE child IS NULL AND wrong IS NULL;

CREATE TEMP VIEW IF NOT EXISTS iso_extent AS
  SELECT path, tree, record, name, number, place AS offset, bytes, iif(place + bytes > file_size, 'it reaches past the end of the file',
    NULL) AS error
    FROM iso_piece_ WHERE bytes > 0;
