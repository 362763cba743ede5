-- CPIO: what is in an archive of cpio: initrds, RPM's payloads unpacked, old tapes. Several archives may stand one behind another.
--
--     .read sql/formats/cpio.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('*.cpio') WHERE error IS NULL;
--     SELECT path, number, kind, offset, bytes, members, error FROM cpio_archive;
--     SELECT path, name, type, mode, size, modified FROM cpio_member ORDER BY size DESC LIMIT 9;
--     SELECT name, mmap_get(path, data_offset, 'blob(' || size || ')') FROM cpio_member WHERE type = 'file' AND size > 0 LIMIT 1;
--     SELECT path, name, error FROM cpio_member WHERE error IS NOT NULL OR NOT checksum_ok;
--
--     cpio_archive  each archive in a file: its kind, where it is, how many members it has; and what is compressed behind the last one
--     cpio_member   name, type, mode, uid, gid, links, size, modified, device, inode, link, where the data start
--
-- The kinds newc, crc, odc (POSIX) and binary, of either order of bytes, which is the same in all of a file. In newc and crc
-- the data of a file with several names stand with the last of them; here each of the names has them. checksum_ok is that of
-- crc, of the others NULL. Names that are no UTF-8 are read as Latin-1. Not covered: what is in a compressed part, as of most initrds.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- Numbers of newc and crc are 8 hexadecimal digits, of odc 6 or 11 octal ones, of binary 16 bits, or two times 16, the high ones
-- first. Then come the name, which ends with a NUL, and the data; counted from the header both end at a multiple of 4, 1 or 2.
-- Behind an archive there are NULs.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.cpio_record_ USING mmap(*, first u8, zeros u64be at_file(offset) if(stop - offset >= 8),
  magic u16 at_file(offset) if(stop - offset >= 26),
  mark text(6) at_file(offset) if(stop - offset >= 6),
  kind AS (CASE WHEN mark = '070701' THEN 'newc' WHEN mark = '070702' THEN 'crc' WHEN mark = '070707' THEN 'odc' WHEN magic = 0x71c7 THEN 'binary'
                WHEN rowid > 0 THEN iif(first = 0, 'padding', 'rest') END),
  is_hex AS (kind IN ('newc', 'crc')), is_octal AS (kind = 'odc'), is_binary AS (kind = 'binary'), is_member AS (is_hex OR is_octal OR is_binary),
  inode8 text(8) at(6) if(is_hex), mode8 text(8) if(is_hex), uid8 text(8) if(is_hex), gid8 text(8) if(is_hex), links8 text(8) if(is_hex),
    time8 text(8) if(is_hex),
  size8 text(8) if(is_hex), major8 text(8) if(is_hex), minor8 text(8) if(is_hex), node_major8 text(8) if(is_hex), node_minor8 text(8) if(is_hex),
  name8 text(8) if(is_hex), sum8 text(8) if(is_hex),
  device6 text(6) at(6) if(is_octal), inode6 text(6) if(is_octal), mode6 text(6) if(is_octal), uid6 text(6) if(is_octal), gid6 text(6) if(is_octal),
  links6 text(6) if(is_octal), node6 text(6) if(is_octal), time11 text(11) if(is_octal), name6 text(6) if(is_octal), size11 text(11) if(is_octal),
  device2 u16 at(2) if(is_binary), inode2 u16 if(is_binary), mode2 u16 if(is_binary), uid2 u16 if(is_binary), gid2 u16 if(is_binary),
    links2 u16 if(is_binary),
  node2 u16 if(is_binary), time_high u16 if(is_binary), time_low u16 if(is_binary), name2 u16 if(is_binary), size_high u16 if(is_binary),
    size_low u16 if(is_binary),
  inode AS (coalesce(int(inode8, 16), int(inode6, 8), inode2)), mode AS (coalesce(int(mode8, 16), int(mode6, 8), mode2)),
  uid AS (coalesce(int(uid8, 16), int(uid6, 8), uid2)), gid AS (coalesce(int(gid8, 16), int(gid6, 8), gid2)),
    links AS (coalesce(int(links8, 16), int(links6, 8), links2)),
  time AS (coalesce(int(time8, 16), int(time11, 8), (time_high << 16) + time_low)),
    size_of AS (coalesce(int(size8, 16), int(size11, 8), (size_high << 16) + size_low)),
  device AS (coalesce((int(major8, 16) << 8) + int(minor8, 16), int(device6, 8), device2)), sum AS (int(sum8, 16)),
  name_bytes AS (coalesce(int(name8, 16), int(name6, 8), name2)), head AS (CASE WHEN is_hex THEN 110 WHEN is_octal THEN 76 ELSE 26 END),
  step AS (CASE WHEN is_hex THEN 4 WHEN is_octal THEN 1 ELSE 2 END), data_at AS (align(head + name_bytes, step)),
  name text(name_bytes) at(head) if(is_member), data blob(size_of) at(data_at) if(is_member), data_end AS (data_at + size_of),
  record=(CASE WHEN is_member THEN max(data_end, min(align(data_end, step), stop - offset)) WHEN kind = 'rest' THEN stop - offset
    WHEN zeros = 0 THEN 8 ELSE 1 END),
  while=(kind IS NOT NULL AND (NOT is_binary OR mode = 0 OR mode >> 12 IN (1, 2, 4, 6, 8, 9, 10, 12))),
  check=(NOT is_member OR name_bytes > 0), partial=yes);

-- The text in the bytes first..last - 1, up to a NUL: as UTF-8 or, if it is not all UTF-8, as Latin-1.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.cpio_string_ USING mmap(*, utf8 text(min(stop - start, 4096)),
  latin1 latin1(min(stop - start, 4096)) at(0), count=(1), partial=yes);
CREATE TEMP VIEW IF NOT EXISTS cpio_text_ AS
  SELECT t.file AS path, t.start AS first, t.stop AS last, CASE WHEN utf8 NOT GLOB '*[^' || char(1) || '-~]*' OR mmap_search(t.file,
                '(?x) \G (?: [\x01-\x7f] | [\xc2-\xdf] [\x80-\xbf] | \xe0 [\xa0-\xbf] [\x80-\xbf]
                      | [\xe1-\xec\xee\xef] [\x80-\xbf]{2} | \xed [\x80-\x9f] [\x80-\xbf] | \xf0 [\x90-\xbf] [\x80-\xbf]{2}
                      | [\xf1-\xf3] [\x80-\xbf]{3} | \xf4 [\x80-\x8f] [\x80-\xbf]{2} )*+ (?: \x00 | \z )',
                t.start, min(t.stop, t.start + 4096)) >= 0 THEN utf8 ELSE latin1 END AS text
    FROM cpio_string_ AS t WHERE t.error IS NULL;

-- Names that end in _ are steps on the way; DISTINCT makes SQLite compute each column once. The last member of an archive is named TRAILER!!!.
CREATE TEMP VIEW IF NOT EXISTS cpio_list_ AS
  SELECT path, r.rowid AS number, r.offset AS at, r.next AS behind, r.error AS wrong, kind, is_member, mode, uid, gid, links, size_of, time, device,
    inode, sum, head,
         name_bytes, data_at, first, name = 'TRAILER!!!' AS is_last,
         coalesce(sum(name = 'TRAILER!!!') OVER (PARTITION BY path ORDER BY r.rowid ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS archive,
         lag(name, 1, '') OVER (PARTITION BY path ORDER BY r.rowid) = 'TRAILER!!!' AS is_behind
    FROM target CROSS JOIN cpio_record_(path, 0, mmap_length(path), iif(mmap_slice(path, 0, 1) = x'71', 'be', 'le')) AS r WHERE kind <> 'padding';

CREATE TEMP VIEW IF NOT EXISTS cpio_turn_ AS
  SELECT l.*, row_number() OVER (PARTITION BY path, archive ORDER BY number) AS turn, kind IN ('newc', 'crc') AND size_of = 0 AND links > 1
    AND mode >> 12 = 8 AS elsewhere
    FROM cpio_list_ AS l WHERE is_member;

CREATE TEMP VIEW IF NOT EXISTS cpio_placed_ AS
  SELECT l.*, iif(elsewhere, first_value(size_of) OVER w, size_of) AS size, iif(elsewhere, first_value(at + data_at) OVER w,
    at + data_at) AS data_offset
    FROM cpio_turn_ AS l WINDOW w AS (PARTITION BY path, archive, device, inode ORDER BY size_of > 0 DESC, number DESC);

CREATE TEMP VIEW IF NOT EXISTS cpio_member AS
  SELECT path, archive + 1 AS archive, turn AS number, kind, (SELECT text FROM cpio_text_ AS x WHERE x.path = m.path AND first = at + head
    AND last = at + head + name_bytes) AS name,
         CASE mode >> 12 WHEN 1 THEN 'fifo' WHEN 2 THEN 'char' WHEN 4 THEN 'directory' WHEN 6 THEN 'block' WHEN 8 THEN 'file' WHEN 10 THEN 'symlink'
           WHEN 12 THEN 'socket' ELSE mode >> 12 END AS type, printf('%04o', mode & 4095) AS mode, uid, gid, links, size,
             datetime(time, 'unixepoch') AS modified,
         device, inode, iif(mode >> 12 = 10, (SELECT text FROM cpio_text_ AS x WHERE x.path = m.path AND first = data_offset
           AND last = data_offset + size), NULL) AS link,
         at AS header_offset, data_offset,
         CASE WHEN kind = 'crc' AND wrong IS NULL AND mode >> 12 = 8 THEN sum = iif(size_of,
           (SELECT sum(byte * count) & 0xffffffff FROM mmap_histogram(m.path, at + data_at, at + data_at + size_of)), 0) END AS checksum_ok,
         CASE WHEN wrong IS NULL THEN NULL WHEN name_bytes IS NULL OR size_of IS NULL OR name_bytes = 0 THEN 'its header is damaged'
           ELSE 'it reaches past the end of the file' END AS error
    FROM cpio_placed_ AS m WHERE is_last IS NOT 1 ORDER BY path, at;

-- An archive is what there is up to its trailer. What is compressed behind the last one begins with a mark.
CREATE TEMP VIEW IF NOT EXISTS cpio_part_ AS
  SELECT l.*, min(at) OVER w AS begins, max(behind) OVER w AS ends, sum(is_last IS NOT 1) OVER w AS members, max(is_last) OVER w AS has_last,
         max(wrong) OVER w AS is_wrong, row_number() OVER (PARTITION BY path, archive, is_member ORDER BY number) AS turn
    FROM cpio_list_ AS l WINDOW w AS (PARTITION BY path, archive, is_member);

CREATE TEMP VIEW IF NOT EXISTS cpio_archive_ AS
  SELECT DISTINCT p.*, mmap_length(path) AS file_size, CASE WHEN is_member THEN kind ELSE
           CASE hex(mmap_slice(path, at, min(at + 2, mmap_length(path)))) WHEN '1F8B' THEN 'gzip' WHEN 'FD37' THEN 'xz' WHEN '28B5' THEN 'zstd'
             WHEN '0422' THEN 'lz4' WHEN '0221' THEN 'lz4' WHEN '425A' THEN 'bzip2' WHEN '5D00' THEN 'lzma' WHEN '894C' THEN 'lzo' END END AS its_kind
    FROM cpio_part_ AS p WHERE NOT is_member OR turn = 1;

CREATE TEMP VIEW IF NOT EXISTS cpio_archive AS
  SELECT path, archive + 1 AS number, its_kind AS kind, begins AS offset, iif(is_wrong IS NULL, ends, file_size) - begins AS bytes,
    iif(is_member, members, NULL) AS members,
         CASE WHEN is_member AND has_last IS NOT 1 THEN 'it has no end' WHEN NOT is_member AND NOT is_behind THEN 'it is no header of a member'
              WHEN its_kind IS NULL THEN 'it is no archive of cpio' END AS error
    FROM cpio_archive_ ORDER BY path, begins;
