-- TAR: what is in an archive that is not compressed (v7, ustar, GNU, pax), and where its bytes are.
--
--     .read sql/formats/tar.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('*.tar') WHERE error IS NULL;
--     SELECT path, name, type, size, modified FROM tar_member ORDER BY size DESC LIMIT 9;
--     SELECT name, mmap_get(path, data_offset, 'blob(' || size || ')') FROM tar_member WHERE type = 'file' AND size > 0 LIMIT 1;
--     SELECT path, name, error FROM tar_member WHERE error IS NOT NULL OR NOT checksum_ok;
--
--     tar_member  name, type, mode, uid, gid, size, modified, user, "group", link, where the data start
--
-- Long names of GNU (types L and K) and of pax (x) are those of the member behind them. Texts that are no UTF-8 are
-- read as Latin-1. Members end at a block that begins with a NUL. Numbers that octal digits have no room for, and times
-- before 1970, are read as GNU writes them, in binary; checksum_ok takes sums of signed bytes, too, as old programs made
-- them. In v7 a name that ends with a slash is a directory. The sizes that pax has in its own records, global records (g)
-- and sparse files are not covered.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- Numbers are octal digits or, where the first bit is set, binary. All is in blocks of 512 bytes. Links, devices and
-- directories have no data, whatever their size says.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.tar_header_ USING mmap(*, first u8, name text(100) at(0), mode8 text(8), uid8 text(8),
  gid8 text(8), size12 text(12), time12 text(12), checksum8 text(8), type text(1), link text(100), magic text(8), user text(32),
  "group" text(32), major text(8), minor text(8), prefix text(155), uid_binary i64be at(108), gid_binary i64be at(116),
  size_high i32be at(124), size_low i64be at(128), time_high i32be at(136), time_low i64be at(140),
  mode AS (oct(mode8)), checksum AS (oct(checksum8)),
  uid AS (iif(uid_binary < 0, uid_binary & iif(uid_binary < -1 << 62, ~(1 << 63), -1), oct(uid8))),
  gid AS (iif(gid_binary < 0, gid_binary & iif(gid_binary < -1 << 62, ~(1 << 63), -1), oct(gid8))),
  size AS (iif(size_high < 0, iif(size_high = -1 << 31 AND size_low >= 0, size_low, NULL), oct(size12))),
  time AS (iif(time_high < 0, iif(time_high = iif(time_low < 0, -1, -1 << 31), time_low, NULL), oct(time12))),
  data blob(iif(type IN ('1', '2', '3', '4', '5', '6'), 0, size)) at(512),
  while=(first > 0 AND checksum > 0), align=512, partial=yes);

-- A record of pax is its length in decimal digits, a blank, a key, an equals sign, a value and a newline.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.tar_pax_ USING mmap(*, length cstr(x'20', 12), key cstr(x'3d'),
  value_at AS (pos), value text(offset + length - pos - 1), newline u8, partial=yes);

-- The text in the bytes first..last - 1, up to a NUL: as UTF-8 or, if it is not all UTF-8, as Latin-1.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.tar_string_ USING mmap(*, utf8 text(min(stop - start, 4096)),
  latin1 latin1(min(stop - start, 4096)) at(0), count=(1), partial=yes);
CREATE TEMP VIEW IF NOT EXISTS tar_text_ AS
  SELECT t.file AS path, t.start AS first, t.stop AS last,
         CASE WHEN utf8 NOT GLOB '*[^' || char(1) || '-~]*' OR mmap_search(t.file,
                '(?x) \G (?: [\x01-\x7f] | [\xc2-\xdf] [\x80-\xbf] | \xe0 [\xa0-\xbf] [\x80-\xbf]
                      | [\xe1-\xec\xee\xef] [\x80-\xbf]{2} | \xed [\x80-\x9f] [\x80-\xbf] | \xf0 [\x90-\xbf] [\x80-\xbf]{2}
                      | [\xf1-\xf3] [\x80-\xbf]{3} | \xf4 [\x80-\x8f] [\x80-\xbf]{2} )*+ (?: \x00 | \z )',
                t.start, min(t.stop, t.start + 4096)) >= 0 THEN utf8 ELSE latin1 END AS text
    FROM tar_string_ AS t WHERE t.error IS NULL;

-- A file is one of tar if its first header says so or, before ustar, has the right checksum.
CREATE TEMP VIEW IF NOT EXISTS tar_file_ AS
  SELECT DISTINCT path FROM target CROSS JOIN tar_header_(path) AS h
   WHERE h.rowid = 0 AND (magic GLOB 'ustar*' OR checksum - 256 - (SELECT sum(byte * count) FROM mmap_histogram(path, 0, 512))
           + (SELECT sum(byte * count) FROM mmap_histogram(path, 148, 156))
           IN (0, -256 * (SELECT sum(count) FROM mmap_histogram(path, 0, 512) WHERE byte > 127)));

-- Each header with the two before it: a member has at most a name (L) and a link's (K), or a record of pax (x), there.
CREATE TEMP VIEW IF NOT EXISTS tar_near_ AS
  SELECT path, h.rowid AS number, h.offset AS at, h.error AS wrong, name GLOB '*/' AS slash, type, size, magic, prefix,
         mode, uid, gid, time, checksum,
         lag(type) OVER w AS type1, lag(h.offset) OVER w AS at1, lag(size) OVER w AS size1,
         lag(type, 2) OVER w AS type2, lag(h.offset, 2) OVER w AS at2, lag(size, 2) OVER w AS size2
    FROM tar_file_ CROSS JOIN tar_header_(path) AS h WHERE checksum IS NOT NULL
  WINDOW w AS (PARTITION BY path ORDER BY h.rowid);

CREATE TEMP VIEW IF NOT EXISTS tar_member_ AS
  SELECT n.*, iif(type1 = 'L', at1, iif(type2 = 'L' AND type1 IN ('K', 'x'), at2, NULL)) + 512 AS name_at, iif(type1 = 'L', size1, size2) AS name_size,
         iif(type1 = 'K', at1, iif(type2 = 'K' AND type1 IN ('L', 'x'), at2, NULL)) + 512 AS link_at, iif(type1 = 'K', size1, size2) AS link_size,
         iif(type1 = 'x', at1, iif(type2 = 'x' AND type1 IN ('L', 'K'), at2, NULL)) + 512 AS pax_at, iif(type1 = 'x', size1, size2) AS pax_size
    FROM tar_near_ AS n WHERE type NOT IN ('L', 'K', 'x', 'g');

CREATE TEMP VIEW IF NOT EXISTS tar_member AS
  SELECT path, number, coalesce(
           (SELECT text FROM tar_text_ AS x WHERE x.path = m.path AND first = name_at AND last = name_at + name_size),
           (SELECT text FROM tar_pax_(m.path, pax_at, pax_at + pax_size) AS p, tar_text_ AS x WHERE key = 'path' AND p.error IS NULL
               AND x.path = m.path AND first = value_at AND last = p.next - 1 ORDER BY p.offset DESC LIMIT 1),
           iif(magic = 'ustar' AND prefix <> '',
               (SELECT text FROM tar_text_ AS x WHERE x.path = m.path AND first = at + 345 AND last = at + 500) || '/', '')
           || (SELECT text FROM tar_text_ AS x WHERE x.path = m.path AND first = at AND last = at + 100)) AS name,
         CASE type WHEN '' THEN iif(slash, 'directory', 'file') WHEN '0' THEN 'file' WHEN '1' THEN 'link' WHEN '2' THEN 'symlink' WHEN '3' THEN 'char'
           WHEN '4' THEN 'block' WHEN '5' THEN 'directory' WHEN '6' THEN 'fifo' WHEN '7' THEN 'file' WHEN 'S' THEN 'sparse'
           ELSE printf('0x%02x', mmap_get(path, at + 156)) END AS type,
         printf('%04o', mode & 4095) AS mode, uid, gid, size, datetime(time, 'unixepoch') AS modified,
         (SELECT text FROM tar_text_ AS x WHERE x.path = m.path AND first = at + 265 AND last = at + 297) AS user,
         (SELECT text FROM tar_text_ AS x WHERE x.path = m.path AND first = at + 297 AND last = at + 329) AS "group",
         nullif(coalesce(
           (SELECT text FROM tar_text_ AS x WHERE x.path = m.path AND first = link_at AND last = link_at + link_size),
           (SELECT text FROM tar_pax_(m.path, pax_at, pax_at + pax_size) AS p, tar_text_ AS x WHERE key = 'linkpath' AND p.error IS NULL
               AND x.path = m.path AND first = value_at AND last = p.next - 1 ORDER BY p.offset DESC LIMIT 1),
           (SELECT text FROM tar_text_ AS x WHERE x.path = m.path AND first = at + 157 AND last = at + 257)), '') AS link,
         at AS header_offset, at + 512 AS data_offset,
         -- The checksum is the sum of the header's bytes, with blanks for its own eight.
         (SELECT checksum - 256 - sum(byte) IN (0, -256 * sum(byte > 127)) FROM mmap(m.path) AS b
           WHERE b.offset BETWEEN at AND at + 511 AND b.offset - at NOT BETWEEN 148 AND 155) AS checksum_ok,
         CASE WHEN wrong IS NULL THEN NULL WHEN size IS NULL THEN 'its size is no number'
              ELSE 'its data reach past the end of the file' END AS error
    FROM tar_member_ AS m;
