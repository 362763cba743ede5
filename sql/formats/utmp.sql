-- utmp: who was logged in, from where and when (/var/run/utmp, /var/log/wtmp), and who failed to (btmp).
--
--     .read sql/formats/utmp.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('/var/log/wtmp*') WHERE error IS NULL;
--     SELECT time, user, line, host FROM utmp_record WHERE type = 'user' ORDER BY seconds DESC LIMIT 20;
--     SELECT user, count(*) AS logins FROM utmp_record WHERE type = 'user' GROUP BY user ORDER BY 2 DESC;
--
--     utmp_record  type, pid, line, id, user, host, address and time (UTC) of each record
--
-- The records are those of Linux with glibc or musl: 384 bytes on x86 and most others, 400 on arm64. Which,
-- the file's size tells, 384 where both would do. A file of which the first record cannot be one has no
-- rows; the format has no mark of its own, so another file may look like it by chance. Other records that
-- cannot be one have an `error`, as has the rest behind the last whole one.
--
-- Not covered: big-endian machines, lastlog, compressed wtmp.1.gz.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- Views whose names end in _ are steps on the way. Their DISTINCT drops no row: it makes SQLite compute each
-- column once, not at every mention of it, and lets a constraint on path through to target. CASE makes sure
-- that nothing is read before it is known to lie inside the file.
CREATE TEMP VIEW IF NOT EXISTS utmp_size_ AS
  SELECT DISTINCT path, mmap_length(path) AS file_size FROM target;

-- The fields up to the exit status, at 332, are the same in both; `t` is where the time is.
CREATE TEMP VIEW IF NOT EXISTS utmp_layout_ AS
  SELECT DISTINCT path, file_size, iif(file_size % 384 > 0 AND file_size % 400 = 0, 400, 384) AS record,
         iif(file_size % 384 > 0 AND file_size % 400 = 0, 344, 340) AS t,
         iif(file_size % 384 > 0 AND file_size % 400 = 0, 'i64le', 'i32le') AS number
    FROM utmp_size_ WHERE file_size >= 384;

CREATE TEMP VIEW IF NOT EXISTS utmp_file_ AS
  SELECT DISTINCT path, file_size, record, t, number FROM utmp_layout_
   WHERE mmap_get(path, 0, 'u32le') BETWEEN 1 AND 9 AND mmap_get(path, t, number) BETWEEN 0 AND 253402300799
     AND mmap_get(path, t + iif(record = 400, 8, 4), number) BETWEEN 0 AND 999999;

CREATE TEMP VIEW IF NOT EXISTS utmp_at_ AS
  SELECT DISTINCT f.path, i.offset AS number, i.offset * record AS at,
         mmap_get(f.path, i.offset * record, 'u16le') AS type,
         mmap_get(f.path, i.offset * record + t, f.number) AS seconds,
         mmap_get(f.path, i.offset * record + t + iif(record = 400, 8, 4), f.number) AS microseconds,
         i.offset * record + t + iif(record = 400, 16, 8) AS address
    FROM utmp_file_ AS f CROSS JOIN mmap(f.path) AS i
   WHERE i.offset < file_size / record;

CREATE TEMP VIEW IF NOT EXISTS utmp_record AS
  SELECT path, number,
         CASE type WHEN 0 THEN 'empty' WHEN 1 THEN 'run level' WHEN 2 THEN 'boot' WHEN 3 THEN 'new time'
                   WHEN 4 THEN 'old time' WHEN 5 THEN 'init' WHEN 6 THEN 'login' WHEN 7 THEN 'user'
                   WHEN 8 THEN 'dead' WHEN 9 THEN 'accounting' ELSE type END AS type,
         mmap_get(path, at + 4, 'i32le') AS pid, mmap_get(path, at + 8, 'text(32)') AS line,
         mmap_get(path, at + 40, 'text(4)') AS id, mmap_get(path, at + 44, 'text(32)') AS user,
         mmap_get(path, at + 76, 'text(256)') AS host,
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
              WHEN microseconds NOT BETWEEN 0 AND 999999 THEN 'it is no record: its time is none' END AS error
    FROM utmp_at_
  UNION ALL
  SELECT path, file_size / record, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
         'it is cut short: ' || (file_size % record) || ' bytes of ' || record
    FROM utmp_file_ WHERE file_size % record > 0;
