-- ZIP: what is in an archive (zip, jar, docx, odt, apk, whl …), how large, and where its bytes are.
--
--     .read sql/formats/zip.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('/usr/share/python-wheels/*.whl') WHERE error IS NULL;
--     SELECT path, name, method, size, compressed FROM zip_member ORDER BY size DESC LIMIT 9;
--     SELECT name, mmap_get(path, data_offset, 'blob(' || size || ')') FROM zip_member WHERE method = 'stored' AND size > 0 LIMIT 1;
--     SELECT path, name, error FROM zip_member WHERE error IS NOT NULL;
--
--     zip_archive  a row for each file: how many members it says it has, comment, bytes before the archive
--     zip_member   the central directory: name, method, sizes, crc, time, where the data starts
--     zip_local    local headers, found by searching for them: also in an archive whose end is missing
--
-- ZIP64, comments, bytes before the archive (programs that unpack themselves) and behind it, and a directory
-- whose size is said wrong are understood. A file that is no ZIP has no rows; of a damaged one come the members
-- that can be read, and `error` says what is wrong. Of an archive of several parts the last one, which has the
-- directory, can be read; members in other parts have no data_offset.
--
-- Names are UTF-8 where the entry says so (bit 11 of its flags, or a field 0x7075), or where they can be and the
-- entry was made on Unix or macOS, whose programs often do not say so; all others are code page 437, and so is what
-- is no UTF-8 though it is said to be. Comments, and names in zip_local, are UTF-8 if they can be. A text ends at
-- its first NUL.
--
-- Not covered: unpacking, encrypted directories. Not more than ten million members of an archive are given.
-- The end of an archive is looked for in the last MiB of a file, and in all of one that begins as a ZIP does.
-- zip_local also finds what only looks like a header, such as those of a ZIP stored in a ZIP; names are cut
-- there at 1,024 bytes. Sizes that follow the data, as in an archive that was written to a pipe, are NULL
-- unless they stand just before the next header.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- Views whose names end in _ are steps on the way. Their DISTINCT drops no row: it makes SQLite compute each
-- column once, not at every mention of it, and lets a constraint on path through to target. CASE makes sure
-- that nothing is read before it is known to lie inside the file.

-- ---- texts ---------------------------------------------------------------------------------------

-- The text in the bytes first..last of a file, up to a NUL: as UTF-8, NULL if it is not all UTF-8, and in code page
-- 437. For what is not plain ASCII, which it is faster to read as it is.
CREATE TEMP VIEW IF NOT EXISTS zip_text_ AS
  SELECT path, a.offset AS first, z.offset AS last,
         CASE WHEN mmap_search(path, '(?x) \G (?: [\x01-\x7f]                | [\xc2-\xdf]         [\x80-\xbf]
                                         | \xe0 [\xa0-\xbf] [\x80-\xbf] | [\xe1-\xec\xee\xef] [\x80-\xbf]{2}
                                         | \xed [\x80-\x9f] [\x80-\xbf] | \xf0 [\x90-\xbf]    [\x80-\xbf]{2}
                                         | [\xf1-\xf3] [\x80-\xbf]{3}  | \xf4 [\x80-\x8f]    [\x80-\xbf]{2} )*+
                                     (?: \x00 | \z )', a.offset, z.offset + 1) >= 0
              THEN mmap_get(path, a.offset, 'text(' || (z.offset + 1 - a.offset) || ')') END AS utf8,
         (SELECT group_concat(iif(b.byte < 0x80, char(b.byte),
                   substr('ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧'
                          || '╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■' || char(0xa0), b.byte - 127, 1)), '')
            FROM mmap(path) AS b
           WHERE b.offset BETWEEN a.offset AND
                 coalesce(nullif(mmap_find(path, x'00', a.offset, z.offset + 1), -1), z.offset + 1) - 1) AS cp437
    FROM target CROSS JOIN mmap(path) AS a CROSS JOIN mmap(path) AS z
   WHERE a.offset <= z.offset;

-- ---- the end of the archive ----------------------------------------------------------------------

CREATE TEMP VIEW IF NOT EXISTS zip_size_ AS
  SELECT DISTINCT path, mmap_length(path) AS file_size FROM target;

-- How an archive begins: with a member, with its end, or with the mark of one in several parts.
CREATE TEMP VIEW IF NOT EXISTS zip_begin_ AS
  SELECT DISTINCT path, file_size,
         mmap_get(path, 0, 'u32be') IN (0x504b0304, 0x504b0506, 0x504b0708, 0x504b3030) AS begins
    FROM zip_size_ WHERE file_size >= 22;

-- The end record: 22 bytes and a comment of up to 65,535. Its signature may also stand in the comment, in bytes
-- behind the archive, or in an archive stored in this one. So it is looked for from the end of the file on, and
-- the first is taken before which the directory lies as it says; with bytes behind it only if the archive begins
-- where the file does, or the file as something else. Else the last whose comment ends where the file does; else,
-- if the file begins as an archive, simply the last.
CREATE TEMP VIEW IF NOT EXISTS zip_end_ AS
  SELECT DISTINCT z.path, file_size, begins,
         coalesce((WITH RECURSIVE candidate(at) AS (
                     SELECT mmap_rfind(z.path, x'504b0506', iif(begins, 0, max(0, file_size - 1048576)), file_size - 18)
                     UNION ALL
                     SELECT mmap_rfind(z.path, x'504b0506', iif(begins, 0, max(0, file_size - 1048576)), at + 3)
                       FROM candidate WHERE at >= 0 LIMIT 1000000)
                   SELECT at FROM candidate
                    WHERE CASE WHEN at < 0 THEN 0
                               -- the locator of ZIP64
                               WHEN CASE WHEN at >= 76 THEN mmap_get(z.path, at - 20, 'u32le') = 0x07064b50 END THEN 1
                               WHEN CASE WHEN mmap_get(z.path, at + 12, 'u32le') BETWEEN 46 AND at
                                         THEN mmap_get(z.path, at - mmap_get(z.path, at + 12, 'u32le'), 'u32le')
                                              = 0x02014b50 END
                               THEN NOT begins OR at + 22 + mmap_get(z.path, at + 20, 'u16le') = file_size
                                    OR mmap_get(z.path, at + 12, 'u32le') + mmap_get(z.path, at + 16, 'u32le') = at
                               WHEN mmap_get(z.path, at + 16, 'u32le') <= at - 46
                               THEN mmap_get(z.path, mmap_get(z.path, at + 16, 'u32le'), 'u32le') = 0x02014b50
                               ELSE 0 END
                    LIMIT 1),
                  (SELECT max(e.offset)
                     FROM mmap_find_all(z.path, x'504b0506', max(0, file_size - 65557), file_size - 18) AS e
                    WHERE e.offset + 22 + mmap_get(z.path, e.offset + 20, 'u16le') = file_size),
                  iif(begins, mmap_rfind(z.path, x'504b0506', 0, file_size - 18), -1)) AS end_at
    FROM zip_begin_ AS z;

-- ZIP64's own end record is where the locator, the 20 bytes before the end record, says; or just before it.
CREATE TEMP VIEW IF NOT EXISTS zip_end64_ AS
  SELECT DISTINCT path, file_size, begins, end_at,
         CASE WHEN CASE WHEN said BETWEEN 0 AND end_at - 76
                        THEN mmap_get(path, said, 'u32le') = 0x06064b50 END THEN said
              WHEN said IS NOT NULL AND end_at >= 76
              THEN nullif(mmap_rfind(path, x'504b0606', max(0, end_at - 65536), end_at - 72), -1) END AS end64_at
    FROM (SELECT DISTINCT path, file_size, begins, end_at,
                 CASE WHEN end_at >= 20 THEN
                   CASE WHEN mmap_get(path, end_at - 20, 'u32le') = 0x07064b50
                        THEN mmap_get(path, end_at - 12, 'u64le') END END AS said
            FROM zip_end_ WHERE end_at >= 0);

-- `part` is the number of this part, the last; `directory_part` of the one where the directory begins.
CREATE TEMP VIEW IF NOT EXISTS zip_directory_ AS
  SELECT DISTINCT path, file_size, begins, end_at, coalesce(end64_at, end_at) AS stop,
         mmap_get(path, end_at + 20, 'u16le') AS comment_size,
         1 + iif(end64_at IS NULL, mmap_get(path, end_at + 4, 'u16le'),
                 mmap_get(path, end64_at + 16, 'u32le')) AS part,
         1 + iif(end64_at IS NULL, mmap_get(path, end_at + 6, 'u16le'),
                 mmap_get(path, end64_at + 20, 'u32le')) AS directory_part,
         iif(end64_at IS NULL, mmap_get(path, end_at + 10, 'u16le'),
             mmap_get(path, end64_at + 32, 'u64le')) AS members,
         iif(end64_at IS NULL, mmap_get(path, end_at + 12, 'u32le'),
             mmap_get(path, end64_at + 40, 'u64le')) AS bytes,
         iif(end64_at IS NULL, mmap_get(path, end_at + 16, 'u32le'),
             mmap_get(path, end64_at + 48, 'u64le')) AS said
    FROM zip_end64_;

-- The directory lies just before its end; bytes before the archive move it away from where it says it is. In a file
-- that begins as an archive, and has bytes behind the end, that would be the directory of an archive stored in it.
CREATE TEMP VIEW IF NOT EXISTS zip_start_ AS
  SELECT DISTINCT path, file_size, end_at, stop, comment_size, part, directory_part, members, said,
         CASE WHEN members = 0 AND bytes = 0 THEN stop
              WHEN CASE WHEN begins AND said <> stop - bytes AND end_at + 22 + comment_size < file_size THEN 0
                        WHEN bytes BETWEEN 46 AND stop
                        THEN mmap_get(path, stop - bytes, 'u32le') = 0x02014b50 END THEN stop - bytes
              WHEN CASE WHEN said BETWEEN 0 AND stop - 46
                        THEN mmap_get(path, said, 'u32le') = 0x02014b50 END THEN said END AS start
    FROM zip_directory_;

CREATE TEMP VIEW IF NOT EXISTS zip_file_ AS
  SELECT DISTINCT path, file_size, end_at, start, stop, comment_size, part, directory_part, members,
         iif(said BETWEEN 0 AND start AND start < stop, start - said, 0) AS before,
         CASE WHEN comment_size BETWEEN 1 AND file_size - end_at - 22
              THEN mmap_get(path, end_at + 22, 'text(' || comment_size || ')') END AS comment
    FROM zip_start_ AS s;

CREATE TEMP VIEW IF NOT EXISTS zip_archive AS
  SELECT path, members,
         CASE WHEN comment NOT GLOB '*[^' || char(1) || '-~]*' THEN comment
              ELSE (SELECT coalesce(utf8, cp437) FROM zip_text_ AS x
                     WHERE x.path = f.path AND first = end_at + 22 AND last = end_at + 21 + comment_size) END AS comment,
         before AS bytes_before,
         CASE WHEN start IS NULL AND directory_part < part
              THEN 'its directory begins in part ' || directory_part || ' of ' || part
              WHEN start IS NULL THEN 'there is no directory where it should be'
              WHEN comment_size > file_size - end_at - 22 THEN 'the comment reaches past the end of the file'
              WHEN part > 1 THEN 'it is the last of ' || part || ' parts' END AS error
    FROM zip_file_ AS f;

-- ---- the directory -------------------------------------------------------------------------------

-- One file at a time is walked, as the recursion stands in a subquery that is evaluated for each; json_each
-- makes rows of what it found.
CREATE TEMP VIEW IF NOT EXISTS zip_entry_ AS
  SELECT DISTINCT f.path, file_size, stop, before, part, members, walk.key AS number, walk.value AS at,
         mmap_get(f.path, walk.value + 5) IN (3, 19) AS unix,
         mmap_get(f.path, walk.value + 8, 'u16le') >> 11 & 1 AS flagged,
         mmap_get(f.path, walk.value + 20, 'u32le') AS compressed,
         mmap_get(f.path, walk.value + 24, 'u32le') AS size,
         mmap_get(f.path, walk.value + 28, 'u16le') AS name_size,
         mmap_get(f.path, walk.value + 30, 'u16le') AS extra_size,
         mmap_get(f.path, walk.value + 34, 'u16le') AS disk,
         mmap_get(f.path, walk.value + 42, 'u32le') AS local,
         walk.value + 46 + mmap_get(f.path, walk.value + 28, 'u16le')
           + mmap_get(f.path, walk.value + 30, 'u16le')
           + mmap_get(f.path, walk.value + 32, 'u16le') AS next
    FROM zip_file_ AS f CROSS JOIN json_each((
           WITH RECURSIVE entry(at) AS (
             SELECT start WHERE start <= stop - 46
             UNION ALL
             SELECT at + 46 + mmap_get(f.path, at + 28, 'u16le') + mmap_get(f.path, at + 30, 'u16le')
                    + mmap_get(f.path, at + 32, 'u16le')
               FROM entry
              WHERE CASE WHEN at + 46 + mmap_get(f.path, at + 28, 'u16le')
                              + mmap_get(f.path, at + 30, 'u16le')
                              + mmap_get(f.path, at + 32, 'u16le') <= stop - 46
                         THEN mmap_get(f.path, at + 46 + mmap_get(f.path, at + 28, 'u16le')
                                               + mmap_get(f.path, at + 30, 'u16le')
                                               + mmap_get(f.path, at + 32, 'u16le'), 'u32le') = 0x02014b50
                    END
              LIMIT 10000000)
           SELECT json_group_array(at) FROM entry)) AS walk;

-- Extra fields: number, size, and so many bytes; the first of each number counts. Number 1 is ZIP64's: 8 bytes
-- for each of size, compressed and local that is 0xffffffff in the entry, then 4 for the part if that is 0xffff.
-- Number 0x7075 is Info-ZIP's: a 1, the CRC-32 of the entry's name, and a better name, in UTF-8.
CREATE TEMP VIEW IF NOT EXISTS zip_extra_ AS
  SELECT DISTINCT e.*,
         CASE WHEN at + 46 + name_size + extra_size <= stop AND extra_size >= 4
                   AND (0xffffffff IN (size, compressed, local) OR disk = 0xffff
                        OR name_size > 0 AND mmap_get(e.path, at + 46, 'text(' || name_size || ')')
                                               GLOB '*[^' || char(1) || '-~]*') THEN
           (WITH RECURSIVE extra(field) AS (
              SELECT at + 46 + name_size
              UNION ALL
              SELECT field + 4 + mmap_get(e.path, field + 2, 'u16le') FROM extra
               WHERE field + 4 + mmap_get(e.path, field + 2, 'u16le') <= at + 42 + name_size + extra_size)
            SELECT json_array(
                     min(iif(mmap_get(e.path, field, 'u16le') = 1
                             AND mmap_get(e.path, field + 2, 'u16le') >=
                                 8 * ((size = 0xffffffff) + (compressed = 0xffffffff) + (local = 0xffffffff))
                                 + 4 * (disk = 0xffff), field + 4, NULL)),
                     min(iif(mmap_get(e.path, field, 'u16le') = 0x7075
                             AND mmap_get(e.path, field + 2, 'u16le') > 5, field + 4, NULL)))
              FROM extra
             WHERE field + 4 + mmap_get(e.path, field + 2, 'u16le') <= at + 46 + name_size + extra_size) END AS fields
    FROM zip_entry_ AS e;

-- `skip` is how many of ZIP64's bytes come before the place of the local header.
CREATE TEMP VIEW IF NOT EXISTS zip_field_ AS
  SELECT DISTINCT e.*, json_extract(fields, '$[0]') AS wide, json_extract(fields, '$[1]') AS better,
         8 * ((size = 0xffffffff) + (compressed = 0xffffffff)) AS skip
    FROM zip_extra_ AS e;

CREATE TEMP VIEW IF NOT EXISTS zip_wide_ AS
  SELECT DISTINCT path, file_size, stop, part, members, number, at, next, name_size, unix, flagged, better,
         iif(wide AND size = 0xffffffff, mmap_get(path, wide, 'u64le'), size) AS size,
         iif(wide AND compressed = 0xffffffff,
             mmap_get(path, wide + 8 * (size = 0xffffffff), 'u64le'), compressed) AS compressed,
         1 + iif(wide AND disk = 0xffff,
                 mmap_get(path, wide + skip + 8 * (local = 0xffffffff), 'u32le'), disk) AS local_part,
         before + iif(wide AND local = 0xffffffff, mmap_get(path, wide + skip, 'u64le'), local) AS local
    FROM zip_field_;

-- Where the name is: in the entry, or in a field 0x7075 that was made for it.
CREATE TEMP VIEW IF NOT EXISTS zip_place_ AS
  SELECT DISTINCT w.*, iif(other, better + 5, at + 46) AS name_at, flagged OR other AS said_utf8,
         iif(other, better + mmap_get(path, better - 2, 'u16le'), at + 46 + name_size) AS name_end
    FROM (SELECT DISTINCT w.*,
                 CASE WHEN better IS NULL OR flagged OR mmap_get(path, better) <> 1 THEN 0
                      ELSE mmap_get(path, better + 1, 'u32le')
                           = mmap_crc32(path, at + 46, at + 46 + name_size) END AS other
            FROM zip_wide_ AS w) AS w;

CREATE TEMP VIEW IF NOT EXISTS zip_member_ AS
  SELECT DISTINCT w.*,
         CASE WHEN name_size = 0 THEN ''
              WHEN name_end <= stop THEN mmap_get(path, name_at, 'text(' || (name_end - name_at) || ')') END AS name,
         CASE WHEN local_part = part AND local BETWEEN 0 AND file_size - 30 THEN
           CASE WHEN mmap_get(path, local, 'u32le') = 0x04034b50
                THEN local + 30 + mmap_get(path, local + 26, 'u16le') + mmap_get(path, local + 28, 'u16le')
           END END AS data_offset
    FROM zip_place_ AS w;

CREATE TEMP VIEW IF NOT EXISTS zip_method_ AS
  SELECT 0 AS method, 'stored' AS method_name
  UNION ALL VALUES (1, 'shrunk'), (6, 'imploded'), (8, 'deflated'), (9, 'deflate64'), (12, 'bzip2'),
                   (14, 'LZMA'), (93, 'zstd'), (95, 'xz'), (97, 'WavPack'), (98, 'PPMd'), (99, 'AES');

CREATE TEMP VIEW IF NOT EXISTS zip_member AS
  SELECT path, number,
         CASE WHEN name NOT GLOB '*[^' || char(1) || '-~]*' THEN name
              ELSE (SELECT coalesce(iif(said_utf8 OR unix, utf8, NULL), cp437) FROM zip_text_ AS x
                     WHERE x.path = m.path AND first = name_at AND last = name_end - 1) END AS name,
         coalesce((SELECT method_name FROM zip_method_ AS n
                    WHERE n.method = mmap_get(m.path, m.at + 10, 'u16le')),
                  mmap_get(path, at + 10, 'u16le')) AS method,
         size, compressed, mmap_get(path, at + 16, 'u32le') AS crc,
         printf('%04d-%02d-%02d %02d:%02d:%02d',
                1980 + (mmap_get(path, at + 14, 'u16le') >> 9), mmap_get(path, at + 14, 'u16le') >> 5 & 15,
                mmap_get(path, at + 14, 'u16le') & 31, mmap_get(path, at + 12, 'u16le') >> 11,
                mmap_get(path, at + 12, 'u16le') >> 5 & 63,
                (mmap_get(path, at + 12, 'u16le') & 31) * 2) AS modified,
         mmap_get(path, at + 8, 'u16le') & 1 AS encrypted, local AS local_offset, data_offset,
         CASE WHEN next > stop THEN 'its entry reaches past the end of the directory'
              WHEN local_part <> part THEN 'its data begin in part ' || local_part || ' of ' || part
              WHEN data_offset IS NULL THEN 'there is no local header where it should be'
              WHEN data_offset > file_size OR compressed NOT BETWEEN 0 AND file_size - data_offset
              THEN 'its data reach past the end of the file'
              -- Old programs count members in 16 bits, and go on at 0.
              WHEN (number + 1 - members) % 65536 <> 0
                   AND CASE WHEN next <= stop - 46 THEN mmap_get(path, next, 'u32le') <> 0x02014b50 ELSE 1 END
              THEN 'the directory ends behind it, which should have ' || members || ' members' END AS error
    FROM zip_member_ AS m;

-- ---- local headers -------------------------------------------------------------------------------

-- `next` is where the local header behind it begins, or, behind the last, the directory.
CREATE TEMP VIEW IF NOT EXISTS zip_header_ AS
  SELECT DISTINCT f.path, file_size, s.offset, mmap_get(f.path, s.offset + 26, 'u16le') AS name_size,
         mmap_get(f.path, s.offset + 28, 'u16le') AS extra_size,
         mmap_get(f.path, s.offset + 6, 'u16le') >> 11 & 1 AS said_utf8,
         mmap_get(f.path, s.offset + 6, 'u16le') >> 3 & 1 AS sizes_follow,
         coalesce(nullif(mmap_find(f.path, x'504b0304', s.offset + 4), -1),
                  nullif(mmap_find(f.path, x'504b0102', s.offset + 4), -1), file_size) AS next
    FROM (SELECT DISTINCT path, file_size FROM zip_end_
           WHERE file_size >= 30 AND (end_at >= 0 OR begins)) AS f
         CROSS JOIN mmap_find_all(f.path, x'504b0304', 0, file_size - 26) AS s;

-- A long name is cut before a character, not in one.
CREATE TEMP VIEW IF NOT EXISTS zip_cut_ AS
  SELECT DISTINCT h.*, offset + 30 + name_size + extra_size AS data_offset,
         CASE WHEN name_size <= 1024 OR offset + 30 + name_size > file_size THEN offset + 30 + name_size
              ELSE offset + 30 + 1024 - CASE WHEN mmap_get(path, offset + 1054) NOT BETWEEN 0x80 AND 0xbf THEN 0
                                             WHEN mmap_get(path, offset + 1053) NOT BETWEEN 0x80 AND 0xbf THEN 1
                                             WHEN mmap_get(path, offset + 1052) NOT BETWEEN 0x80 AND 0xbf THEN 2
                                             ELSE 3 END END AS name_end
    FROM zip_header_ AS h;

CREATE TEMP VIEW IF NOT EXISTS zip_local_ AS
  SELECT DISTINCT h.*,
         -- ZIP64's field: of a local header it has both sizes.
         CASE WHEN extra_size >= 20 AND offset + 30 + name_size + extra_size <= file_size
                   AND 0xffffffff IN (mmap_get(path, offset + 18, 'u32le'), mmap_get(path, offset + 22, 'u32le')) THEN
           (WITH RECURSIVE extra(field) AS (
              SELECT offset + 30 + name_size
              UNION ALL
              SELECT field + 4 + mmap_get(h.path, field + 2, 'u16le') FROM extra
               WHERE field + 4 + mmap_get(h.path, field + 2, 'u16le') <= offset + 10 + name_size + extra_size)
            SELECT field + 4 FROM extra
             WHERE mmap_get(h.path, field, 'u16le') = 1 AND mmap_get(h.path, field + 2, 'u16le') >= 16
             LIMIT 1) END AS wide,
         -- The sizes that follow: (a signature,) CRC-32, compressed size, size; the sizes have 4 bytes or, in
         -- ZIP64, 8. Just before the next header, and of the right size, they are taken for them.
         CASE WHEN sizes_follow AND next - 12 >= offset + 30 + name_size + extra_size THEN
           CASE WHEN next - 12 - (offset + 30 + name_size + extra_size) - mmap_get(path, next - 8, 'u32le')
                     = 4 * (mmap_get(path, next - 16, 'u32le') = 0x08074b50) THEN 4
                WHEN next - 20 >= offset + 30 + name_size + extra_size THEN
                  CASE WHEN next - 20 - (offset + 30 + name_size + extra_size) - mmap_get(path, next - 16, 'u64le')
                            = 4 * (mmap_get(path, next - 24, 'u32le') = 0x08074b50) THEN 8 END END END AS width
    FROM zip_cut_ AS h;

CREATE TEMP VIEW IF NOT EXISTS zip_local AS
  SELECT path, offset,
         CASE WHEN name_size = 0 THEN '' WHEN name_end > file_size THEN NULL
              WHEN mmap_get(path, offset + 30, 'text(' || (name_end - offset - 30) || ')')
                   NOT GLOB '*[^' || char(1) || '-~]*'
              THEN mmap_get(path, offset + 30, 'text(' || (name_end - offset - 30) || ')')
              ELSE (SELECT coalesce(utf8, cp437) FROM zip_text_ AS x
                     WHERE x.path = l.path AND first = l.offset + 30 AND last = name_end - 1)
         END AS name,
         coalesce((SELECT method_name FROM zip_method_ AS n
                    WHERE n.method = mmap_get(l.path, l.offset + 8, 'u16le')),
                  mmap_get(path, offset + 8, 'u16le')) AS method,
         CASE WHEN width THEN mmap_get(path, next - width, iif(width = 8, 'u64le', 'u32le'))
              WHEN wide THEN mmap_get(path, wide, 'u64le')
              WHEN NOT sizes_follow OR mmap_get(path, offset + 22, 'u32le') THEN mmap_get(path, offset + 22, 'u32le')
         END AS size,
         CASE WHEN width THEN mmap_get(path, next - 2 * width, iif(width = 8, 'u64le', 'u32le'))
              WHEN wide THEN mmap_get(path, wide + 8, 'u64le')
              WHEN NOT sizes_follow OR mmap_get(path, offset + 18, 'u32le') THEN mmap_get(path, offset + 18, 'u32le')
         END AS compressed,
         CASE WHEN width THEN mmap_get(path, next - 2 * width - 4, 'u32le')
              WHEN NOT sizes_follow OR mmap_get(path, offset + 14, 'u32le') THEN mmap_get(path, offset + 14, 'u32le')
         END AS crc,
         sizes_follow, data_offset,
         CASE WHEN data_offset > file_size THEN 'it reaches past the end of the file' END AS error
    FROM zip_local_ AS l;
