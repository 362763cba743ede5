-- ZIP: what is in an archive (zip, jar, docx, odt, apk, whl …), how large, and where its bytes are.
--
--     .read sql/formats/zip.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('/usr/share/python-wheels/*.whl') WHERE error IS NULL;
--     SELECT path, name, method, size, compressed FROM zip_member ORDER BY size DESC LIMIT 9;
--     SELECT name, mmap_get(path, data_offset, 'blob(' || size || ')') FROM zip_member WHERE method = 'stored' AND size > 0 LIMIT 1;
--
--     zip_archive  a row for each file: how many members it says it has, comment, bytes before the archive
--     zip_member   the central directory: name, method, sizes, crc, time, where the data starts
--     zip_local    local headers, found by searching for them: also in an archive whose end is missing
--
-- ZIP64, bytes before the archive and behind it, and a directory whose size is said wrong are understood; of several parts
-- the last can be read. Names are UTF-8 where they say so, or can be and were made on Unix or macOS, else code page 437;
-- comments, and names in zip_local, UTF-8 if they can be. zip_local also finds what only looks like a header, cuts names
-- at 1,024 bytes, and knows sizes behind the data only just before the next header. Not covered: unpacking, encryption.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- The end of an archive, and what lies where it says: ZIP64's locator before it, and the first entry of the directory; an
-- entry; and the header before the data of a member, which says much of it again.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.zip_end_ USING mmap(*, magic u32le, disk u16le, first_disk u16le, here u16le,
  members u16le, bytes u32le, said u32le, comment_size u16le,
  locator u32le at_file(offset - 20) if(offset >= 76), place64 u64le at_file(offset - 12) if(locator = 0x07064b50),
  mark64 u32le at_file(place64) if(place64 BETWEEN 0 AND offset - 76), before u32le at_file(offset - bytes) if(bytes BETWEEN 46 AND offset),
  there u32le at_file(said) if(said <= offset - 46), count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.zip_end64_ USING mmap(*, magic u32le, record_size u64le, made u16le, needed u16le,
  disk u32le, first_disk u32le, here u64le, members u64le, bytes u64le, said u64le, count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.zip_entry_ USING mmap(*, magic u32le, version u8, system u8, needed u16le,
  encrypted b1le, flags1 b10le, flagged b1le, flags12 b4le, method u16le, second b5le, minute b6le, hour b5le,
  day b5le, month b4le, year b7le, crc u32le, compressed u32le, size u32le, name_size u16le, extra_size u16le,
  comment_size u16le, disk u16le, internal u16le, external u32le, local u32le, wide1 AS (8 * (size = 0xffffffff)),
  wide2 AS (wide1 + 8 * (compressed = 0xffffffff)), wide3 AS (wide2 + 8 * (local = 0xffffffff)),
  name blob(name_size), extra blob(extra_size), comment blob(comment_size), while=(magic = 0x02014b50), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.zip_header_ USING mmap(*, magic u32le, needed u16le, flags0 b3le, sizes_follow b1le,
  flags4 b7le, flagged b1le, flags12 b4le, method u16le, time u16le, date u16le, crc u32le, compressed u32le, size u32le,
  name_size u16le, extra_size u16le, last1 u8 at(1052) if(name_size > 1024), last2 u8 if(last1), last3 u8 if(last1),
  data_at AS (offset + 30 + name_size + extra_size), record=(30), while=(magic = 0x04034b50), count=(1), partial=yes);
-- Extra field 1 is ZIP64's: 8 bytes for each of size, compressed and local that is 0xffffffff in the entry, then 4 for the
-- part if that is 0xffff. Field 0x7075 has a better name, in UTF-8, for the name of that checksum.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.zip_extra_ USING mmap(*, id u16le, size u16le, data blob(size),
  version u8 at(4) if(id = 0x7075 AND size > 5), name_crc u32le if(id = 0x7075 AND size > 5), partial=yes);
-- The sizes that follow data from `start` on, before the next header: (a mark,) CRC-32, sizes of 4 or, in ZIP64, 8 bytes.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.zip_tail_ USING mmap(*, mark4 u32le at_file(stop - 16) if(stop - 12 >= start),
  crc4 u32le at_file(stop - 12), compressed4 u32le, size4 u32le,
  mark8 u32le at_file(stop - 24) if(stop - 20 >= start), crc8 u32le at_file(stop - 20), compressed8 u64le, size8 u64le,
  width AS (CASE WHEN stop - 12 - start - compressed4 = 4 * (mark4 = 0x08074b50) THEN 4
                 WHEN stop - 20 - start - compressed8 = 4 * (mark8 = 0x08074b50) THEN 8 END),
  record=(stop - start), count=(1), partial=yes);
-- Names that end in _ are steps on the way; DISTINCT makes SQLite compute each column once. The text in first..last - 1, up to a NUL: as UTF-8, NULL if it is not all UTF-8, and in code page 437.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.zip_string_ USING mmap(*, text text(stop - start), count=(1), partial=yes);
CREATE TEMP VIEW IF NOT EXISTS zip_text_ AS
  SELECT t.file AS path, t.start AS first, t.stop AS last, text NOT GLOB '*[^' || char(1) || '-~]*' AS plain,
         CASE WHEN text NOT GLOB '*[^' || char(1) || '-~]*' OR mmap_search(t.file,
                '(?x) \G (?: [\x01-\x7f] | [\xc2-\xdf] [\x80-\xbf] | \xe0 [\xa0-\xbf] [\x80-\xbf]
                      | [\xe1-\xec\xee\xef] [\x80-\xbf]{2} | \xed [\x80-\x9f] [\x80-\xbf] | \xf0 [\x90-\xbf] [\x80-\xbf]{2}
                      | [\xf1-\xf3] [\x80-\xbf]{3} | \xf4 [\x80-\x8f] [\x80-\xbf]{2} )*+ (?: \x00 | \z )',
                t.start, t.stop) >= 0 THEN text END AS utf8,
         (SELECT group_concat(iif(b.byte < 0x80, char(b.byte),
                   substr('ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧'
                          || '╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■' || char(0xa0), b.byte - 127, 1)), '')
            FROM mmap(t.file) AS b WHERE b.offset BETWEEN t.start AND
                 coalesce(nullif(mmap_find(t.file, x'00', t.start, t.stop), -1), t.stop) - 1) AS cp437
    FROM zip_string_ AS t WHERE t.error IS NULL;

CREATE TEMP VIEW IF NOT EXISTS zip_begin_ AS
  SELECT DISTINCT path, mmap_length(path) AS file_size, max(0, mmap_length(path) - 1048576) AS last_part,
         mmap_slice(path, 0, 4) IN (x'504b0304', x'504b0506', x'504b0708', x'504b3030') AS begins FROM target;
-- The end's signature may also stand in its comment, behind the archive, or in one stored in it. So it is looked for from
-- the end of the file on (of 1 MiB, if it begins as something else), and the first is taken before which the directory lies
-- as it says. Else the last whose comment ends the file; else, if the file begins as an archive, simply the last.
CREATE TEMP VIEW IF NOT EXISTS zip_end_at_ AS
  SELECT DISTINCT z.path, file_size, begins, iif(file_size < 22, -1,
         coalesce((WITH RECURSIVE candidate(at) AS (
                     SELECT mmap_rfind(z.path, x'504b0506', iif(begins, 0, last_part), file_size - 18) UNION ALL
                     SELECT mmap_rfind(z.path, x'504b0506', iif(begins, 0, last_part), at + 3) FROM candidate WHERE at >= 0 LIMIT 1000000)
                   SELECT at FROM candidate CROSS JOIN zip_end_(z.path, nullif(at, -1))
                    WHERE CASE WHEN locator = 0x07064b50 THEN 1
                               WHEN before = 0x02014b50 THEN NOT begins OR at + 22 + comment_size = file_size OR bytes + said = at
                               ELSE there = 0x02014b50 END LIMIT 1),
                  (SELECT max(e.offset) FROM mmap_find_all(z.path, x'504b0506', max(0, file_size - 65557), file_size - 18) AS e
                     CROSS JOIN zip_end_(z.path, e.offset) WHERE e.offset + 22 + comment_size = file_size),
                  iif(begins, mmap_rfind(z.path, x'504b0506', 0, file_size - 18), -1))) AS end_at
    FROM zip_begin_ AS z;

-- ZIP64's own end record is where its locator says; or just before it. `part` is the number of this part, the last.
CREATE TEMP VIEW IF NOT EXISTS zip_directory_ AS
  SELECT DISTINCT path, file_size, begins, end_at, coalesce(w.offset, end_at) AS ends, comment_size,
         1 + coalesce(w.disk, e.disk) AS part, 1 + coalesce(w.first_disk, e.first_disk) AS directory_part,
         coalesce(w.members, e.members) AS members, coalesce(w.bytes, e.bytes) AS bytes, coalesce(w.said, e.said) AS said
    FROM zip_end_at_ AS z CROSS JOIN zip_end_(path, nullif(end_at, -1)) AS e
         LEFT JOIN zip_end64_(path, CASE WHEN mark64 = 0x06064b50 THEN place64 WHEN place64 IS NOT NULL
           THEN nullif(mmap_rfind(path, x'504b0606', max(0, end_at - 65536), end_at - 72), -1) END) AS w;

-- The directory lies just before its end, and bytes before the archive move it away from where it says it is; but not in
-- a file that begins as an archive and has bytes behind the end: that would be the directory of one stored in it.
CREATE TEMP VIEW IF NOT EXISTS zip_file_ AS
  SELECT DISTINCT d.*, iif(said BETWEEN 0 AND begin AND begin < ends, begin - said, 0) AS bytes_before
    FROM (SELECT DISTINCT d.*,
                 CASE WHEN members = 0 AND bytes = 0 THEN ends
                      WHEN NOT (begins AND said <> ends - bytes AND end_at + 22 + comment_size < file_size) AND bytes BETWEEN 46 AND ends
                           AND mmap_slice(path, ends - bytes, ends - bytes + 4) = x'504b0102' THEN ends - bytes
                      WHEN said BETWEEN 0 AND ends - 46 AND mmap_slice(path, said, said + 4) = x'504b0102' THEN said END AS begin
            FROM zip_directory_ AS d) AS d;

CREATE TEMP VIEW IF NOT EXISTS zip_archive AS
  SELECT path, members, CASE WHEN comment_size <= file_size - end_at - 22 THEN (SELECT coalesce(utf8, cp437) FROM zip_text_ AS x
           WHERE x.path = f.path AND first = end_at + 22 AND last = end_at + 22 + comment_size) END AS comment, bytes_before,
         CASE WHEN begin IS NULL AND directory_part < part THEN 'its directory begins in part ' || directory_part || ' of ' || part
              WHEN begin IS NULL THEN 'there is no directory where it should be' WHEN comment_size > file_size - end_at - 22 THEN 'the comment reaches past the end of the file'
              WHEN part > 1 THEN 'it is the last of ' || part || ' parts' END AS error
    FROM zip_file_ AS f;

CREATE TEMP VIEW IF NOT EXISTS zip_place_ AS
  SELECT DISTINCT f.path, file_size, ends, bytes_before, part, members, e.rowid AS number, e.offset AS at, e.next AS behind,
         system IN (3, 19) AS unix, flagged, encrypted, method, crc, size, compressed, local, disk, name_size,
         printf('%04d-%02d-%02d %02d:%02d:%02d', 1980 + year, month, day, hour, minute, second * 2) AS modified,
         CASE WHEN 0xffffffff IN (size, compressed, local) OR disk = 0xffff THEN (
           SELECT x.offset + 4 FROM zip_extra_(f.path, e.offset + 46 + name_size, min(ends, e.offset + 46 + name_size + extra_size)) AS x
            WHERE id = 1 AND x.size >= wide3 + 4 * (disk = 0xffff) AND x.error IS NULL LIMIT 1) END AS wide, wide1, wide2, wide3,
         CASE WHEN name_size AND NOT flagged AND extra_size > 9 THEN (
           SELECT json_array(x.offset + 9, x.next)
             FROM zip_extra_(f.path, e.offset + 46 + name_size, min(ends, e.offset + 46 + name_size + extra_size)) AS x
            WHERE id = 0x7075 AND x.size > 5 AND x.error IS NULL AND version = 1
              AND name_crc = mmap_crc32(f.path, e.offset + 46, e.offset + 46 + name_size) LIMIT 1) END AS better
    FROM zip_file_ AS f CROSS JOIN zip_entry_(path, begin, ends) AS e WHERE local IS NOT NULL AND e.rowid < 10000000;

CREATE TEMP VIEW IF NOT EXISTS zip_wide_ AS
  SELECT DISTINCT p.path, file_size, ends, part, members, number, at, behind, unix, encrypted, method, crc, modified, name_size,
         iif(wide AND wide1, mmap_get(path, wide, 'u64le'), size) AS size,
         iif(wide AND wide2 > wide1, mmap_get(path, wide + wide1, 'u64le'), compressed) AS compressed,
         1 + iif(wide AND disk = 0xffff, mmap_get(path, wide + wide3, 'u32le'), disk) AS local_part,
         bytes_before + iif(wide AND wide3 > wide2, mmap_get(path, wide + wide2, 'u64le'), local) AS local_at,
         flagged OR better IS NOT NULL AS said_utf8, coalesce(json_extract(better, '$[0]'), at + 46) AS name_at,
         coalesce(json_extract(better, '$[1]'), at + 46 + name_size) AS name_end
    FROM zip_place_ AS p;
CREATE TEMP VIEW IF NOT EXISTS zip_method_ AS
  SELECT column1 AS method, column2 AS method_name FROM (VALUES (0, 'stored'), (1, 'shrunk'), (6, 'imploded'), (8, 'deflated'),
    (9, 'deflate64'), (12, 'bzip2'), (14, 'LZMA'), (93, 'zstd'), (95, 'xz'), (97, 'WavPack'), (98, 'PPMd'), (99, 'AES'));

CREATE TEMP VIEW IF NOT EXISTS zip_member AS -- old programs count members in 16 bits
  SELECT m.path, number, CASE WHEN m.name_size = 0 THEN '' WHEN name_end <= ends THEN (
           SELECT coalesce(iif(said_utf8 OR unix OR plain, utf8, NULL), cp437) FROM zip_text_ AS x
            WHERE x.path = m.path AND first = name_at AND last = name_end) END AS name,
         coalesce((SELECT method_name FROM zip_method_ AS n WHERE n.method = m.method), m.method) AS method,
         m.size, m.compressed, m.crc, modified, encrypted, local_at AS local_offset, data_at AS data_offset,
         CASE WHEN behind IS NULL THEN 'its entry reaches past the end of the directory'
              WHEN local_part <> part THEN 'its data begin in part ' || local_part || ' of ' || part
              WHEN data_at IS NULL THEN 'there is no local header where it should be'
              WHEN m.compressed NOT BETWEEN 0 AND file_size - data_at THEN 'its data reach past the end of the file'
              WHEN (number + 1 - members) % 65536 <> 0 AND (behind > ends - 46 OR mmap_slice(m.path, behind, behind + 4) <> x'504b0102')
              THEN 'the directory ends behind it, which should have ' || members || ' members' END AS error
    FROM zip_wide_ AS m LEFT JOIN zip_header_(path, iif(local_part = part AND local_at BETWEEN 0 AND file_size - 30, local_at, NULL)) AS h;

-- `behind` is the next local header or, behind the last, the directory. A long name is cut before a character, not in one.
CREATE TEMP VIEW IF NOT EXISTS zip_local_ AS
  SELECT DISTINCT f.path, file_size, h.*, s.offset AS at,
         s.offset + 30 + CASE WHEN h.name_size <= 1024 OR s.offset + 30 + h.name_size > file_size THEN h.name_size
           WHEN last3 NOT BETWEEN 0x80 AND 0xbf THEN 1024 WHEN last2 NOT BETWEEN 0x80 AND 0xbf THEN 1023
           WHEN last1 NOT BETWEEN 0x80 AND 0xbf THEN 1022 ELSE 1021 END AS name_end,
         coalesce(nullif(mmap_find(f.path, x'504b0304', s.offset + 4), -1),
                  nullif(mmap_find(f.path, x'504b0102', s.offset + 4), -1), file_size) AS behind,
         CASE WHEN 0xffffffff IN (h.size, compressed) THEN (
           SELECT x.offset + 4 FROM zip_extra_(f.path, s.offset + 30 + h.name_size, data_at) AS x
            WHERE id = 1 AND x.size >= 16 AND x.error IS NULL LIMIT 1) END AS wide
    FROM zip_end_at_ AS f CROSS JOIN mmap_find_all(f.path, x'504b0304', 0,
           iif(file_size >= 30 AND (end_at >= 0 OR begins), file_size - 26, NULL)) AS s CROSS JOIN zip_header_(f.path, s.offset) AS h;

CREATE TEMP VIEW IF NOT EXISTS zip_local AS
  SELECT l.path, at AS offset, CASE WHEN name_size = 0 THEN '' WHEN name_end <= file_size THEN (
           SELECT coalesce(utf8, cp437) FROM zip_text_ AS x WHERE x.path = l.path AND first = at + 30 AND last = name_end) END AS name,
         coalesce((SELECT method_name FROM zip_method_ AS n WHERE n.method = l.method), method) AS method,
         CASE WHEN width THEN iif(width = 8, size8, size4) WHEN wide THEN mmap_get(l.path, wide, 'u64le')
              WHEN NOT sizes_follow OR size THEN size END AS size,
         CASE WHEN width THEN iif(width = 8, compressed8, compressed4) WHEN wide THEN mmap_get(l.path, wide + 8, 'u64le')
              WHEN NOT sizes_follow OR compressed THEN compressed END AS compressed,
         CASE WHEN width THEN iif(width = 8, crc8, crc4) WHEN NOT sizes_follow OR crc THEN crc END AS crc,
         sizes_follow, data_at AS data_offset, iif(data_at > file_size, 'it reaches past the end of the file', NULL) AS error
    FROM zip_local_ AS l LEFT JOIN zip_tail_(l.path, iif(sizes_follow, data_at, NULL), behind) AS t;
