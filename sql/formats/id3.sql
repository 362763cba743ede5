-- ID3 and MPEG sound: the tags of MP3 files, their frames and texts, and how the sound is.
--
--     .read sql/formats/id3.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('**/*.mp3') WHERE error IS NULL;
--     SELECT path, id, language, description, value FROM id3_text;
--     SELECT path, title, artist, album, year, track FROM id3_v1;
--     SELECT path, version, layer, rate, bitrate, round(seconds, 2) FROM id3_sound;
--     SELECT path, tag, id, offset, length, error FROM id3_frame WHERE error IS NOT NULL;
--
--     id3_tag    ID3v2: version, where the tag is, whether it is unsynchronised
--     id3_frame  its frames: id, where the data are, flags
--     id3_text   texts, comments, lyrics and addresses: a row for each value of a frame
--     id3_v1     the 128 bytes at the end of a file, read as Latin-1
--     id3_sound  the first frame of MPEG sound: version, layer, rate, channels; seconds as Xing, Info or VBRI say, or by the bitrate
--
-- ID3v2.2, 2.3 and 2.4, at the start of a file, or before its end with a footer. Sizes of 2.4 that are no syncsafe ones, as iTunes once wrote
-- them, are understood. Where 2.2 and 2.3 are unsynchronised (a 0 is stuffed behind ff), frames are found, if none is in their heads;
-- texts with stuffed bytes in them, but for the mark of UTF-16, are NULL. U+FFFD stands for all of a text that is no UTF-8. Not covered:
-- frames behind the first 4,096, what is compressed or encrypted, tags in WAV and AIFF, APE tags, sound that does not follow the tag in 64 KiB.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- Of a syncsafe number each byte has seven bits. The extended header's length counts itself in 2.4, and does not in 2.3; where it would be
-- four letters, there is none, whatever the flag says.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.id3_head_ USING mmap(*, id u24be, major u8, revision u8, unsync b1, extended b1, trial b1, footer b1, b4 b4,
  a u8, b u8, c u8, d u8, bytes AS ((a & 127) << 21 | (b & 127) << 14 | (c & 127) << 7 | (d & 127)), more u32be if(extended AND major > 2),
  safe AS ((more >> 24 & 127) << 21 | (more >> 16 & 127) << 14 | (more >> 8 & 127) << 7 | (more & 127)),
  frames_at AS (offset + 10 + iif(more IS NULL OR more >= 0x30303030, 0, iif(major = 3, more + 4, safe))), until AS (offset + 10 + bytes),
  while=(id IN (0x494433, 0x334449) AND major BETWEEN 2 AND 4 AND revision < 255 AND (a | b | c | d) < 128), count=(1), partial=yes);
-- The head of a frame: six bytes in 2.2, ten later. 2.4 has syncsafe sizes.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.id3_frame_ USING mmap(*, first u8, id3 latin1(3) at(0), size3 u24be, id4 latin1(4) at(0), size4 u32be,
     flags u16be,
  safe AS ((size4 >> 24 & 127) << 21 | (size4 >> 16 & 127) << 14 | (size4 >> 8 & 127) << 7 | (size4 & 127)), odd AS (size4 & 0x80808080),
  while=(first > 0), count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.id3_v1_ USING mmap(*, id latin1(3), title latin1(30), artist latin1(30), album latin1(30), year latin1(4),
  comment latin1(30), zero u8 at(125), track u8, genre u8, while=(id = 'TAG'), count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.id3_sound_ USING mmap(*, sync b11, version b2, layer b2, bare b1, bitrate b4, rate b2, padded b1,
     private b1, mode b2,
  xing_at AS (4 + iif(version = 3, iif(mode = 3, 17, 32), iif(mode = 3, 9, 17))), mark u32be at(xing_at), has u32be if(mark IN (0x58696e67,
       0x496e666f)),
  frames u32be if(has & 1), vbri u32be at(36), vbri_frames u32be at(50) if(vbri = 0x56425249),
  while=(sync = 0x7ff AND version <> 1 AND layer <> 0 AND bitrate BETWEEN 1 AND 14 AND rate < 3), count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.id3_string_ USING mmap(*, latin1 latin1(stop - start), utf8 text(stop - start) at(0),
  le utf16le(stop - start) at(0), be utf16be(stop - start) at(0), count=(1), partial=yes);

-- Where tags are: at the start; and where a footer says, at the end or before an ID3v1.
CREATE TEMP VIEW IF NOT EXISTS id3_place_ AS
  SELECT DISTINCT t.path, file_size, v1, (
           SELECT json_group_array(at) FROM (
             SELECT 0 AS at WHERE mmap_slice(t.path, 0, 3) = x'494433'
             UNION ALL
             SELECT f.offset - 10 - bytes FROM id3_head_(t.path, iif(file_size - v1 >= 20, file_size - v1 - 10, NULL)) AS f
              WHERE id = 0x334449 AND f.offset - 10 - bytes > 0)) AS places
    FROM (SELECT DISTINCT path, mmap_length(path) AS file_size,
                 CASE WHEN mmap_length(path) >= 128 THEN 128 * (mmap_slice(path, -128, -125) = x'544147') ELSE 0 END AS v1 FROM target) AS t;

CREATE TEMP VIEW IF NOT EXISTS id3_head_at_ AS
  SELECT DISTINCT p.path, p.file_size, i.key AS tag, h.offset AS at, major, revision, unsync, extended, footer, frames_at, until, bytes,
         h.error IS NOT NULL AS bad
    FROM id3_place_ AS p CROSS JOIN json_each(places) AS i CROSS JOIN id3_head_(p.path, i.value) AS h WHERE h.id = 0x494433 AND bytes IS NOT NULL;

CREATE TEMP VIEW IF NOT EXISTS id3_tag AS
  SELECT path, tag AS number, '2.' || major || '.' || revision AS version, at AS offset, bytes + 10 + 10 * footer AS length, unsync AS unsynchronised,
         CASE WHEN bad OR until > file_size THEN 'it reaches past the end of the file' WHEN frames_at > until
              THEN 'its extended header is longer than it' END AS error
    FROM id3_head_at_;

-- From frame to frame. The stored length of one with stuffed zeros is looked for until it stays: its length and the zeros in it.
CREATE TEMP VIEW IF NOT EXISTS id3_list_ AS
  SELECT DISTINCT h.*, (
           WITH RECURSIVE frame(at, size, head, number) AS (
             SELECT frames_at, 0, 0, -1 WHERE major > 2 OR NOT extended
             UNION ALL
             SELECT f.offset, CASE WHEN mmap_search(h.path, iif(major = 2, '\G[A-Z0-9][A-Z0-9 ]{2}', '\G[A-Z0-9][A-Z0-9 ]{2}[A-Z0-9 \x00]'),
                  f.offset, min(f.offset + 4, until, file_size)) < 0 THEN NULL
                      WHEN major = 2 THEN size3 WHEN major = 3 THEN size4 WHEN odd THEN size4
                      WHEN safe < 128 OR f.offset + 10 + size4 > min(until, file_size) THEN safe
                      WHEN f.offset + 10 + safe >= min(until, file_size) THEN safe
                      WHEN mmap_search(h.path, '\G(?:\x00|[A-Z][A-Z0-9]{3})', f.offset + 10 + safe, min(f.offset + 14 + safe, until,
                           file_size)) >= 0 THEN safe
                      WHEN f.offset + 10 + size4 = min(until, file_size) THEN size4
                      WHEN mmap_search(h.path, '\G(?:\x00|[A-Z][A-Z0-9]{3})', f.offset + 10 + size4, min(f.offset + 14 + size4, until,
                           file_size)) >= 0 THEN size4
                      ELSE safe END, iif(major = 2, 6, 10), number + 1
               FROM frame CROSS JOIN id3_frame_(h.path, CASE
                      WHEN at + head + size > min(until, file_size) THEN NULL
                      WHEN unsync AND major < 4 AND size > 0 THEN at + head + (
                        WITH RECURSIVE stored(n) AS (
                          SELECT size UNION SELECT size + mmap_count(h.path, x'ff00', at + head, min(at + head + n, until, file_size))
                               FROM stored LIMIT 100)
                        SELECT max(n) FROM stored)
                      ELSE at + head + size END, until) AS f LIMIT 4097)
           SELECT json_group_array(json_array(at, size, head)) FROM frame WHERE number >= 0) AS frames
    FROM id3_head_at_ AS h;

CREATE TEMP VIEW IF NOT EXISTS id3_walk_ AS
  SELECT DISTINCT l.path, tag, major, unsync, min(until, file_size) AS until, i.key AS number, json_extract(i.value, '$[0]') AS at,
         json_extract(i.value, '$[1]') AS size, json_extract(i.value, '$[0]') + json_extract(i.value, '$[2]') AS body,
         trim(iif(major = 2, f.id3, f.id4)) AS id, iif(major = 2, 0, flags) AS flags,
         CASE WHEN unsync AND major < 4 THEN (WITH RECURSIVE stored(n) AS (
             SELECT json_extract(i.value, '$[1]') UNION
             SELECT json_extract(i.value, '$[1]') + mmap_count(l.path, x'ff00', json_extract(i.value, '$[0]') + json_extract(i.value, '$[2]'),
                      min(json_extract(i.value, '$[0]') + json_extract(i.value, '$[2]') + n, until, file_size)) FROM stored LIMIT 100)
           SELECT max(n) FROM stored) ELSE json_extract(i.value, '$[1]') END AS stored
    FROM id3_list_ AS l CROSS JOIN json_each(frames) AS i CROSS JOIN id3_frame_(l.path, json_extract(i.value, '$[0]'), until) AS f;

CREATE TEMP VIEW IF NOT EXISTS id3_frame AS
  SELECT path, tag, number, CASE WHEN size >= 0 THEN id END AS id, at AS offset, body AS data_offset, stored AS length,
         iif(major = 4, flags & 0x0c, flags & 0xc0) > 0 AS packed,
         CASE WHEN size IS NULL THEN 'it is no frame' WHEN body + stored > until THEN 'it reaches past the end of the tag' END AS error
    FROM id3_walk_ WHERE size IS NOT NULL OR at < until;

-- `first`: where the texts start, behind what flags add, the encoding and the language. `kind`: 1 where a description stands before them.
CREATE TEMP VIEW IF NOT EXISTS id3_texts_ AS
  SELECT DISTINCT path, tag, number, id, kind, language, encoding, wide, packed, first, last, CASE WHEN encoding IN (1, 2)
           THEN iif(packed, '(?s)\G(?:\xff\x00\xfe|\xfe\xff\x00?)?(?:(?!\x00\x00)..)*(?:\x00\x00|\z)', '(?s)\G(?:(?!\x00\x00)..)*(?:\x00\x00|.?\z)')
           ELSE '\G[^\x00]*(?:\x00|\z)' END AS split
    FROM (SELECT DISTINCT w.*, at_ + iif(id GLOB 'W[^X]*', 0, 1) + iif(id IN ('COMM', 'COM', 'USLT', 'ULT'), 3, 0) AS first, body + stored AS last,
                 iif(id GLOB 'W[^X]*', 0, mmap_get(path, at_)) AS encoding, unsync OR major = 4 AND flags & 2 AS packed,
                 iif(id IN ('COMM', 'COM', 'USLT', 'ULT') AND at_ + 4 <= body + stored, mmap_get(path, at_ + 1, 'latin1(3)'), NULL) AS language,
                 id IN ('TXXX', 'TXX', 'WXXX', 'WXX', 'COMM', 'COM', 'USLT', 'ULT') AS kind, id IN ('WXXX', 'WXX') AS wide
            FROM (SELECT DISTINCT w.*, body + CASE major WHEN 4 THEN iif(flags & 0x40, 1, 0) + iif(flags & 1, 4, 0) WHEN 3
                 THEN iif(flags & 0x20, 1, 0) ELSE 0 END AS at_
                    FROM id3_walk_ AS w) AS w
           WHERE (id GLOB 'T*' OR id GLOB 'W*' OR kind) AND size > 0 AND body + stored <= until AND at_ < body + stored
             AND NOT iif(major = 4, flags & 0x0c, flags & 0xc0))
   WHERE first <= last;

CREATE TEMP VIEW IF NOT EXISTS id3_part_ AS
  SELECT DISTINCT t.path, tag, number, id, kind, language, wide, packed, c.rowid - 1 AS part, c.offset AS first, c.offset + c.length AS last,
         CASE WHEN wide AND c.rowid > 1 THEN 0 ELSE encoding END AS encoding,
         CASE hex(mmap_slice(t.path, c.offset, min(c.offset + 2, c.offset + c.length))) WHEN 'FFFE' THEN 2 WHEN 'FF00' THEN 3 * packed
              WHEN 'FEFF' THEN
              2 + (packed AND mmap_slice(t.path, c.offset + 2, min(c.offset + 3, c.offset + c.length)) = x'00') ELSE 0 END AS mark,
         mmap_slice(t.path, c.offset, min(c.offset + 2, c.offset + c.length)) = x'feff'
           OR c.rowid > 1 AND hex(mmap_slice(t.path, c.offset, min(c.offset + 2, c.offset + c.length))) NOT IN ('FFFE', 'FF00')
              AND mmap_slice(t.path, t.first, t.first + 2) = x'feff' AS big
    FROM id3_texts_ AS t CROSS JOIN mmap_search_all(t.path, split, t.first, t.last) AS c WHERE c.rowid <= 1000 AND (c.length > 0 OR c.rowid = 1);

CREATE TEMP VIEW IF NOT EXISTS id3_decoded_ AS
  SELECT DISTINCT path, tag, number, id, kind, language, part,
         CASE WHEN first + iif(encoding = 1, mark, 0) >= last THEN ''
              WHEN packed AND encoding IN (1, 2) AND mmap_count(p.path, x'ff00', first + iif(encoding = 1, mark, 0), last) THEN NULL
              ELSE (SELECT CASE WHEN p.encoding = 0 THEN latin1 WHEN p.encoding = 1 THEN iif(big, be, le) WHEN p.encoding = 2 THEN be
                   WHEN p.encoding <> 3 THEN NULL
                     WHEN mmap_search(p.path,
                       '(?x) \G (?: [\x01-\x7f] | [\xc2-\xdf] [\x80-\xbf] | \xe0 [\xa0-\xbf] [\x80-\xbf]
                             | [\xe1-\xec\xee\xef] [\x80-\xbf]{2} | \xed [\x80-\x9f] [\x80-\xbf] | \xf0 [\x90-\xbf] [\x80-\xbf]{2}
                             | [\xf1-\xf3] [\x80-\xbf]{3} | \xf4 [\x80-\x8f] [\x80-\xbf]{2} )*+ (?: \x00 | \z )', t.start, t.stop) >= 0
                     THEN utf8 ELSE char(0xfffd) END FROM id3_string_(p.path, first + iif(encoding = 1, mark, 0), last) AS t) END AS text
    FROM id3_part_ AS p;

CREATE TEMP VIEW IF NOT EXISTS id3_text AS
  SELECT path, tag, number, id, language, description, text AS value
    FROM (SELECT d.*, max(iif(kind AND part = 0, text, NULL)) OVER (PARTITION BY path, tag, number) AS description FROM id3_decoded_ AS d)
   WHERE part = kind OR part > kind AND text IS NOT '';

CREATE TEMP VIEW IF NOT EXISTS id3_v1 AS
  SELECT path, v.offset, rtrim(title) AS title, rtrim(artist) AS artist, rtrim(album) AS album, rtrim(year) AS year, rtrim(comment) AS comment,
         iif(zero = 0 AND track > 0, track, NULL) AS track, nullif(genre, 255) AS genre
    FROM id3_place_ CROSS JOIN id3_v1_(path, iif(v1, -128, NULL)) AS v;

-- Without a tag the sound begins with the file. That it is sound its second frame shows; a layer's samples are 384, 1152, and
-- 576 of MPEG 2, layer III.
CREATE TEMP VIEW IF NOT EXISTS id3_sync_ AS
  SELECT DISTINCT p.path, file_size - v1 AS until,
         CASE WHEN places LIKE '[0%' THEN mmap_search(p.path, '\xff[\xe2-\xe7\xf2-\xff][\x10-\xef]', behind, min(behind + 65536, file_size))
              ELSE 0 END AS at
    FROM (SELECT DISTINCT p.*, coalesce((SELECT min(until + 10 * footer, p.file_size) FROM id3_head_(p.path) WHERE bytes >= 0
         AND id = 0x494433), 0) AS behind
            FROM id3_place_ AS p) AS p;
CREATE TEMP VIEW IF NOT EXISTS id3_sound_at_ AS
  SELECT DISTINCT y.path, at, until, version, layer, mode, nullif(coalesce(frames, vbri_frames), 0) AS frames, padded,
         json_extract('[11025,12000,8000,0,0,0,22050,24000,16000,44100,48000,32000]', '$[' || (3 * version + rate) || ']') AS hertz,
         CASE WHEN layer = 3 THEN 384 WHEN layer = 1 AND version < 3 THEN 576 ELSE 1152 END AS samples,
         CASE WHEN layer = 3 AND version = 3 THEN 32 * bitrate ELSE json_extract(CASE
           WHEN layer = 3 THEN '[0,32,48,56,64,80,96,112,128,144,160,176,192,224,256]' WHEN version < 3
                THEN '[0,8,16,24,32,40,48,56,64,80,96,112,128,144,160]'
           WHEN layer = 2 THEN '[0,32,48,56,64,80,96,112,128,160,192,224,256,320,384]'
                ELSE '[0,32,40,48,56,64,80,96,112,128,160,192,224,256,320]' END,
           '$[' || bitrate || ']') END AS kbps
    FROM id3_sync_ AS y CROSS JOIN id3_sound_(y.path, iif(at >= 0, at, NULL)) AS s WHERE mode IS NOT NULL;

CREATE TEMP VIEW IF NOT EXISTS id3_sound AS
  SELECT path, at AS offset, CASE version WHEN 3 THEN '1' WHEN 2 THEN '2' ELSE '2.5' END AS version, 4 - layer AS layer, hertz AS rate,
         iif(mode = 3, 1, 2) AS channels, kbps AS bitrate, frames,
         coalesce(1.0 * frames * samples / hertz, (until - at) / (125.0 * kbps)) AS seconds
    FROM (SELECT DISTINCT s.*, at + iif(layer = 3, (12000 * kbps / hertz + padded) * 4, samples * 125 * kbps / hertz + padded) AS second
         FROM id3_sound_at_ AS s)
   WHERE CASE WHEN second + 2 <= until THEN mmap_get(path, second, 'u16be') >> 1 << 1 = mmap_get(path, at, 'u16be') >> 1 << 1 ELSE second = until END;
