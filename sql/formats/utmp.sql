-- utmp: who was logged in, from where and when (/var/run/utmp, /var/log/wtmp), and who failed to (btmp).
--
--     .read sql/formats/utmp.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('/var/log/wtmp*') WHERE error IS NULL;
--     SELECT time, user, line, host FROM utmp_record WHERE type = 'user' ORDER BY seconds DESC LIMIT 20;
--     SELECT user, count(*) AS logins FROM utmp_record WHERE type = 'user' GROUP BY user ORDER BY 2 DESC;
--
--     utmp_record  type, pid, line, id, user, host, address and time (UTC) of each record
--
-- The records are those of Linux with glibc or musl: 384 bytes on x86 and most others, 400 on arm64. Which, the
-- records tell: the layout in which more of 200 have a type, a time and no control characters in `line`. Empty ones in
-- front are passed over. The format has no mark of its own: a file is taken for one if the first of its records that
-- has a type can be one, or most of them can, so another file may look like it by chance; all others have no rows.
-- Other records that cannot be one have an `error`, as has the rest behind the last whole one. Times of 384 bytes are
-- unsigned, and end in 2106.
--
-- A text that is no UTF-8, such as what somebody typed for a name in btmp, is read as Latin-1.
--
-- Not covered: big-endian machines, lastlog, compressed wtmp.1.gz.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- Views whose names end in _ are steps on the way. Their DISTINCT drops no row: it makes SQLite compute each
-- column once, not at every mention of it, and lets a constraint on path through to target. CASE makes sure
-- that nothing is read before it is known to lie inside the file.
-- The text in the bytes first..last of a file, up to a NUL: UTF-8 or, if it is not all UTF-8, Latin-1, where each byte
-- is the character of that number. For what is not plain ASCII, which it is faster to read as it is.
CREATE TEMP VIEW IF NOT EXISTS utmp_text_ AS
  SELECT path, a.offset AS first, z.offset AS last,
         CASE WHEN mmap_search(path, '(?x) \G (?: [\x01-\x7f]                | [\xc2-\xdf]         [\x80-\xbf]
                                         | \xe0 [\xa0-\xbf] [\x80-\xbf] | [\xe1-\xec\xee\xef] [\x80-\xbf]{2}
                                         | \xed [\x80-\x9f] [\x80-\xbf] | \xf0 [\x90-\xbf]    [\x80-\xbf]{2}
                                         | [\xf1-\xf3] [\x80-\xbf]{3}  | \xf4 [\x80-\x8f]    [\x80-\xbf]{2} )*+
                                     (?: \x00 | \z )', a.offset, z.offset + 1) >= 0
              THEN mmap_get(path, a.offset, 'text(' || (z.offset + 1 - a.offset) || ')')
              ELSE (SELECT group_concat(char(b.byte), '') FROM mmap(path) AS b
                     WHERE b.offset BETWEEN a.offset AND
                           coalesce(nullif(mmap_find(path, x'00', a.offset, z.offset + 1), -1), z.offset + 1) - 1)
         END AS text
    FROM target CROSS JOIN mmap(path) AS a CROSS JOIN mmap(path) AS z
   WHERE a.offset <= z.offset;

CREATE TEMP VIEW IF NOT EXISTS utmp_size_ AS
  SELECT DISTINCT path, mmap_length(path) AS file_size FROM target;

-- The fields up to the exit status, at 332, are the same in both; `t` is where the seconds are, `u` the microseconds
-- and `a` the address.
CREATE TEMP VIEW IF NOT EXISTS utmp_layout_ AS
  SELECT DISTINCT path, file_size, record, t, u, a, number
    FROM utmp_size_ CROSS JOIN (SELECT 384 AS record, 340 AS t, 344 AS u, 348 AS a, 'u32le' AS number
                                UNION ALL SELECT 400, 344, 352, 360, 'i64le')
   WHERE file_size >= record;

-- From the first record that is not all zeros, 200 are looked at: `used` are those that have a type, a time, and a
-- line without control characters. A time soon after 1970 is that of a board without a clock, or the microseconds of
-- the other layout, and so speaks less for this one.
CREATE TEMP VIEW IF NOT EXISTS utmp_some_ AS
  SELECT DISTINCT path, file_size, record, t, u, a, number, max(0, mmap_search(path, '[^\x00]')) / record AS low,
         min(max(0, mmap_search(path, '[^\x00]')) / record + 200, file_size / record) AS high
    FROM utmp_layout_;

CREATE TEMP VIEW IF NOT EXISTS utmp_used_ AS
  SELECT DISTINCT path, file_size, record, t, u, a, number, low, high,
         (SELECT json_group_array(json_array(i.offset, mmap_get(path, i.offset * record + t, number)))
            FROM mmap(path) AS i
           WHERE i.offset >= low AND i.offset < high
             AND mmap_get(path, i.offset * record, 'u32le') BETWEEN 1 AND 9
             AND mmap_get(path, i.offset * record + 8, 'text(32)') NOT GLOB '*[' || char(1) || '-' || char(31) || ']*'
             AND mmap_get(path, i.offset * record + t, number) BETWEEN 0 AND 253402300799
             AND mmap_get(path, i.offset * record + u, number) BETWEEN 0 AND 999999) AS used
    FROM utmp_some_;

CREATE TEMP VIEW IF NOT EXISTS utmp_best_ AS
  SELECT path, file_size, record, t, u, a, number, low, high, used,
         row_number() OVER (PARTITION BY path
                            ORDER BY (SELECT total(CASE WHEN json_extract(value, '$[1]') > 1000000 THEN 3
                                                        WHEN json_extract(value, '$[1]') > 0 THEN 1 END)
                                        FROM json_each(used)) DESC, file_size % record > 0, record) AS place
    FROM utmp_used_;

-- The first record that has a type is one, or most are.
CREATE TEMP VIEW IF NOT EXISTS utmp_file_ AS
  SELECT DISTINCT path, file_size, record, t, u, a, number FROM utmp_best_
   WHERE place = 1
     AND (json_extract(used, '$[0][0]') = (SELECT i.offset FROM mmap(path) AS i
                                            WHERE i.offset >= low AND i.offset < high
                                              AND mmap_get(path, i.offset * record, 'u32le') <> 0 LIMIT 1)
          OR 2 * json_array_length(used) > high - low);

CREATE TEMP VIEW IF NOT EXISTS utmp_at_ AS
  SELECT DISTINCT f.path, i.offset AS number, i.offset * record AS at,
         mmap_get(f.path, i.offset * record, 'u16le') AS type,
         mmap_get(f.path, i.offset * record + t, f.number) AS seconds,
         mmap_get(f.path, i.offset * record + u, f.number) AS microseconds,
         i.offset * record + a AS address
    FROM utmp_file_ AS f CROSS JOIN mmap(f.path) AS i
   WHERE i.offset < file_size / record;

CREATE TEMP VIEW IF NOT EXISTS utmp_record AS
  SELECT path, number,
         CASE type WHEN 0 THEN 'empty' WHEN 1 THEN 'run level' WHEN 2 THEN 'boot' WHEN 3 THEN 'new time'
                   WHEN 4 THEN 'old time' WHEN 5 THEN 'init' WHEN 6 THEN 'login' WHEN 7 THEN 'user'
                   WHEN 8 THEN 'dead' WHEN 9 THEN 'accounting' ELSE type END AS type,
         mmap_get(path, at + 4, 'i32le') AS pid,
         iif(mmap_get(path, at + 8, 'text(32)') NOT GLOB '*[^' || char(1) || '-~]*',
             mmap_get(path, at + 8, 'text(32)'),
             (SELECT text FROM utmp_text_ AS x WHERE x.path = r.path AND first = at + 8 AND last = at + 39)) AS line,
         iif(mmap_get(path, at + 40, 'text(4)') NOT GLOB '*[^' || char(1) || '-~]*',
             mmap_get(path, at + 40, 'text(4)'),
             (SELECT text FROM utmp_text_ AS x WHERE x.path = r.path AND first = at + 40 AND last = at + 43)) AS id,
         iif(mmap_get(path, at + 44, 'text(32)') NOT GLOB '*[^' || char(1) || '-~]*',
             mmap_get(path, at + 44, 'text(32)'),
             (SELECT text FROM utmp_text_ AS x WHERE x.path = r.path AND first = at + 44 AND last = at + 75)) AS user,
         iif(mmap_get(path, at + 76, 'text(256)') NOT GLOB '*[^' || char(1) || '-~]*',
             mmap_get(path, at + 76, 'text(256)'),
             (SELECT text FROM utmp_text_ AS x WHERE x.path = r.path AND first = at + 76 AND last = at + 331)) AS host,
         CASE WHEN mmap_get(path, address + 4, 'blob(12)') <> x'000000000000000000000000'
              THEN printf('%x:%x:%x:%x:%x:%x:%x:%x', mmap_get(path, address, 'u16be'),
                          mmap_get(path, address + 2, 'u16be'), mmap_get(path, address + 4, 'u16be'),
                          mmap_get(path, address + 6, 'u16be'), mmap_get(path, address + 8, 'u16be'),
                          mmap_get(path, address + 10, 'u16be'), mmap_get(path, address + 12, 'u16be'),
                          mmap_get(path, address + 14, 'u16be'))
              WHEN mmap_get(path, address, 'u32be') <> 0
              THEN printf('%d.%d.%d.%d', mmap_get(path, address), mmap_get(path, address + 1),
                          mmap_get(path, address + 2), mmap_get(path, address + 3)) END AS address,
         datetime(seconds, 'unixepoch') AS time, seconds, microseconds,
         CASE WHEN type > 9 THEN 'it is no record: its type is ' || type
              WHEN seconds NOT BETWEEN 0 AND 253402300799 OR microseconds NOT BETWEEN 0 AND 999999
              THEN 'it is no record: its time is none' END AS error
    FROM utmp_at_ AS r
  UNION ALL
  SELECT path, file_size / record, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
         'it is cut short: ' || (file_size % record) || ' bytes of ' || record
    FROM utmp_file_ WHERE file_size % record > 0;
