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
-- ZIP64, comments and bytes before the archive (programs that unpack themselves) are understood. A file that
-- is no ZIP has no rows; of a damaged one come the members that can be read, and `error` says what is wrong.
--
-- Not covered: unpacking, archives of several parts, encrypted directories. A name is given as its bytes are:
-- UTF-8 or, of old programs, code page 437. Not more than ten million members of an archive are given.
-- zip_local also finds what only looks like a header, such as those of a ZIP stored in a ZIP; names are cut
-- there at 1,024 bytes, sizes are 0 when they follow the data, and 4294967295 where ZIP64 has them.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- Views whose names end in _ are steps on the way. Their DISTINCT drops no row: it makes SQLite compute each
-- column once, not at every mention of it, and lets a constraint on path through to target. CASE makes sure
-- that nothing is read before it is known to lie inside the file.
CREATE TEMP VIEW IF NOT EXISTS zip_size_ AS
  SELECT DISTINCT path, mmap_length(path) AS file_size FROM target;

-- The end record: 22 bytes and a comment of up to 65,535. The last one whose comment ends where the file
-- does; else simply the last.
CREATE TEMP VIEW IF NOT EXISTS zip_end_ AS
  SELECT DISTINCT z.path, file_size,
         CASE WHEN file_size >= 22 THEN
           coalesce((SELECT max(e.offset)
                       FROM mmap_find_all(z.path, x'504b0506', max(0, file_size - 65557), file_size - 18) AS e
                      WHERE e.offset + 22 + mmap_get(z.path, e.offset + 20, 'u16le') = file_size),
                    mmap_rfind(z.path, x'504b0506', max(0, file_size - 65557), file_size - 18)) END AS end_at
    FROM zip_size_ AS z;

-- ZIP64's own end record is where the locator, the 20 bytes before the end record, says; or just before it.
CREATE TEMP VIEW IF NOT EXISTS zip_end64_ AS
  SELECT DISTINCT path, file_size, end_at,
         CASE WHEN said BETWEEN 0 AND end_at - 76 THEN
                CASE WHEN mmap_get(path, said, 'u32le') = 0x06064b50 THEN said
                     WHEN mmap_get(path, end_at - 76, 'u32le') = 0x06064b50 THEN end_at - 76 END
              WHEN said IS NOT NULL AND end_at >= 76 THEN
                CASE WHEN mmap_get(path, end_at - 76, 'u32le') = 0x06064b50 THEN end_at - 76 END
         END AS end64_at
    FROM (SELECT DISTINCT path, file_size, end_at,
                 CASE WHEN end_at >= 20 THEN
                   CASE WHEN mmap_get(path, end_at - 20, 'u32le') = 0x07064b50
                        THEN mmap_get(path, end_at - 12, 'u64le') END END AS said
            FROM zip_end_ WHERE end_at >= 0);

CREATE TEMP VIEW IF NOT EXISTS zip_directory_ AS
  SELECT DISTINCT path, file_size, end_at, coalesce(end64_at, end_at) AS stop,
         iif(end64_at IS NULL, mmap_get(path, end_at + 10, 'u16le'),
             mmap_get(path, end64_at + 32, 'u64le')) AS members,
         iif(end64_at IS NULL, mmap_get(path, end_at + 12, 'u32le'),
             mmap_get(path, end64_at + 40, 'u64le')) AS bytes,
         iif(end64_at IS NULL, mmap_get(path, end_at + 16, 'u32le'),
             mmap_get(path, end64_at + 48, 'u64le')) AS said
    FROM zip_end64_;

-- The directory lies just before its end; bytes before the archive move it away from where it says it is.
CREATE TEMP VIEW IF NOT EXISTS zip_start_ AS
  SELECT DISTINCT path, file_size, end_at, stop, members, said,
         CASE WHEN members = 0 THEN stop
              WHEN CASE WHEN bytes BETWEEN 46 AND stop
                        THEN mmap_get(path, stop - bytes, 'u32le') = 0x02014b50 END THEN stop - bytes
              WHEN CASE WHEN said BETWEEN 0 AND stop - 46
                        THEN mmap_get(path, said, 'u32le') = 0x02014b50 END THEN said END AS start
    FROM zip_directory_;

CREATE TEMP VIEW IF NOT EXISTS zip_file_ AS
  SELECT DISTINCT path, file_size, end_at, start, stop, members,
         iif(said BETWEEN 0 AND start AND members <> 0, start - said, 0) AS before
    FROM zip_start_;

CREATE TEMP VIEW IF NOT EXISTS zip_archive AS
  SELECT path, members,
         CASE WHEN mmap_get(path, end_at + 20, 'u16le') BETWEEN 1 AND file_size - end_at - 22
              THEN mmap_get(path, end_at + 22, 'text(' || mmap_get(path, end_at + 20, 'u16le') || ')')
         END AS comment,
         before AS bytes_before,
         CASE WHEN start IS NULL THEN 'there is no directory where it should be' END AS error
    FROM zip_file_;

-- One file at a time is walked, as the recursion stands in a subquery that is evaluated for each; json_each
-- makes rows of what it found.
CREATE TEMP VIEW IF NOT EXISTS zip_entry_ AS
  SELECT DISTINCT f.path, file_size, stop, before, members, walk.key AS number, walk.value AS at,
         mmap_get(f.path, walk.value + 20, 'u32le') AS compressed,
         mmap_get(f.path, walk.value + 24, 'u32le') AS size,
         mmap_get(f.path, walk.value + 42, 'u32le') AS local,
         mmap_get(f.path, walk.value + 28, 'u16le') AS name_size,
         mmap_get(f.path, walk.value + 30, 'u16le') AS extra_size,
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

-- The extra field number 1 has, in this order, 8 bytes for each number that is 0xffffffff in the entry.
CREATE TEMP VIEW IF NOT EXISTS zip_extra_ AS
  SELECT DISTINCT e.*,
         CASE WHEN 0xffffffff IN (size, compressed, local) AND at + 46 + name_size + extra_size <= stop THEN
           (WITH RECURSIVE extra(field) AS (
              SELECT at + 46 + name_size WHERE extra_size >= 4
              UNION ALL
              SELECT field + 4 + mmap_get(e.path, field + 2, 'u16le') FROM extra
               WHERE field + 4 + mmap_get(e.path, field + 2, 'u16le') <= at + 42 + name_size + extra_size)
            SELECT field + 4 FROM extra
             WHERE mmap_get(e.path, field, 'u16le') = 1
               AND field + 4 + mmap_get(e.path, field + 2, 'u16le') <= at + 46 + name_size + extra_size
               AND mmap_get(e.path, field + 2, 'u16le') >=
                   8 * ((size = 0xffffffff) + (compressed = 0xffffffff) + (local = 0xffffffff))
             LIMIT 1) END AS wide
    FROM zip_entry_ AS e;

CREATE TEMP VIEW IF NOT EXISTS zip_wide_ AS
  SELECT DISTINCT path, file_size, stop, members, number, at, next, name_size,
         iif(wide AND size = 0xffffffff, mmap_get(path, wide, 'u64le'), size) AS size,
         iif(wide AND compressed = 0xffffffff,
             mmap_get(path, wide + 8 * (size = 0xffffffff), 'u64le'), compressed) AS compressed,
         before + iif(wide AND local = 0xffffffff,
                      mmap_get(path, wide + 8 * (size = 0xffffffff) + 8 * (compressed = 0xffffffff), 'u64le'),
                      local) AS local
    FROM zip_extra_;

CREATE TEMP VIEW IF NOT EXISTS zip_member_ AS
  SELECT DISTINCT w.*,
         CASE WHEN local BETWEEN 0 AND file_size - 30 THEN
           CASE WHEN mmap_get(path, local, 'u32le') = 0x04034b50
                THEN local + 30 + mmap_get(path, local + 26, 'u16le') + mmap_get(path, local + 28, 'u16le')
           END END AS data_offset
    FROM zip_wide_ AS w;

CREATE TEMP VIEW IF NOT EXISTS zip_method_ AS
  SELECT 0 AS method, 'stored' AS method_name
  UNION ALL VALUES (1, 'shrunk'), (6, 'imploded'), (8, 'deflated'), (9, 'deflate64'), (12, 'bzip2'),
                   (14, 'LZMA'), (93, 'zstd'), (95, 'xz'), (97, 'WavPack'), (98, 'PPMd'), (99, 'AES');

CREATE TEMP VIEW IF NOT EXISTS zip_member AS
  SELECT path, number,
         CASE WHEN name_size BETWEEN 1 AND stop - at - 46
              THEN mmap_get(path, at + 46, 'text(' || name_size || ')') END AS name,
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
              WHEN data_offset IS NULL THEN 'there is no local header where it should be'
              WHEN data_offset > file_size OR compressed NOT BETWEEN 0 AND file_size - data_offset
              THEN 'its data reach past the end of the file'
              WHEN number <> members - 1
                   AND CASE WHEN next <= stop - 46 THEN mmap_get(path, next, 'u32le') <> 0x02014b50 ELSE 1 END
              THEN 'the directory ends behind it, which should have ' || members || ' members' END AS error
    FROM zip_member_ AS m;

CREATE TEMP VIEW IF NOT EXISTS zip_local_ AS
  SELECT DISTINCT f.path, file_size, s.offset, mmap_get(f.path, s.offset + 26, 'u16le') AS name_size,
         mmap_get(f.path, s.offset + 28, 'u16le') AS extra_size
    FROM (SELECT DISTINCT path, file_size FROM zip_end_
           WHERE CASE WHEN file_size < 30 THEN 0 WHEN end_at >= 0 THEN 1
                      ELSE mmap_get(path, 0, 'u32le') = 0x04034b50 END) AS f
         CROSS JOIN mmap_find_all(f.path, x'504b0304', 0, file_size - 26) AS s;

CREATE TEMP VIEW IF NOT EXISTS zip_local AS
  SELECT path, offset,
         CASE WHEN name_size BETWEEN 1 AND file_size - offset - 30
              THEN mmap_get(path, offset + 30, 'text(' || min(name_size, 1024) || ')') END AS name,
         coalesce((SELECT method_name FROM zip_method_ AS n
                    WHERE n.method = mmap_get(l.path, l.offset + 8, 'u16le')),
                  mmap_get(path, offset + 8, 'u16le')) AS method,
         mmap_get(path, offset + 22, 'u32le') AS size, mmap_get(path, offset + 18, 'u32le') AS compressed,
         mmap_get(path, offset + 14, 'u32le') AS crc,
         mmap_get(path, offset + 6, 'u16le') >> 3 & 1 AS sizes_follow,
         offset + 30 + name_size + extra_size AS data_offset,
         CASE WHEN offset + 30 + name_size + extra_size > file_size
              THEN 'it reaches past the end of the file' END AS error
    FROM zip_local_ AS l;
