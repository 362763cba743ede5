-- MP4, MOV, M4A, HEIF, AVIF, 3GP: what boxes a file is made of, and what its tracks are.
--
--     .read sql/formats/mp4.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('*.mp4') WHERE error IS NULL;
--     SELECT path, depth, type, offset, length FROM mp4_box ORDER BY path, offset;
--     SELECT path, box, kind, seconds, width, height, codec FROM mp4_track;
--     SELECT path, type, error FROM mp4_box WHERE error IS NOT NULL;
--
--     mp4_box    every box, those in boxes too: depth, type, where it is and how long
--     mp4_movie  a row for each file: brand, timescale, seconds, when it was made
--     mp4_track  the number of its box in moov, kind (vide, soun …), seconds, size of the picture, codec
--
-- A file is one of these if its first box is ftyp or, as in old MOVs, moov, mdat, wide, free or skip. Types are four bytes, read
-- as Latin-1. Boxes are looked for in moov, trak, edts, mdia, minf, dinf, stbl, udta, mvex, moof, traf, mfra, meta, iprp and ipco,
-- to a depth of 16. Not covered: samples, and what most boxes have in them.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- A length of 1 means that 8 bytes behind the type have it, one of 0 that the box goes on to the end.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.mp4_box_ USING mmap(*, length4 u32be, type latin1(4), code u32be at(4), length8 u64be if(length4 = 1),
  head AS (iif(length4 = 1, 16, 8)), length AS (CASE length4 WHEN 0 THEN stop - offset WHEN 1 THEN length8 ELSE length4 END),
  body blob(length - head), partial=yes);
-- The boxes mvhd, tkhd and mdhd have 4 or, in version 1, 8 bytes for each time.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.mp4_head_ USING mmap(*, version u8, flags u24be,
  made4 u32be if(version = 0), made8 u64be if(version = 1), made AS (coalesce(made4, made8)),
  changed4 u32be if(version = 0), changed8 u64be if(version = 1), scale u32be,
  duration4 u32be if(version = 0), duration8 u64be if(version = 1), duration AS (coalesce(duration4, duration8)), count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.mp4_tkhd_ USING mmap(*, version u8, width u32be at(iif(version = 1, 88, 76)), height u32be,
  count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.mp4_brand_ USING mmap(*, brand latin1(4), count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.mp4_kind_ USING mmap(*, version u32be, quicktime u32be, kind latin1(4), count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.mp4_codec_ USING mmap(*, version u32be, entries u32be, length u32be, codec latin1(4), count=(1), partial=yes);

-- One file at a time, with a row for each box: the recursion stands in a subquery, json_each makes rows of what it found.
-- meta has a version of 4 bytes before its boxes, but in QuickTime, where the first box, hdlr, stands at once.
CREATE TEMP VIEW IF NOT EXISTS mp4_list_ AS
  SELECT DISTINCT t.path, (
           WITH RECURSIVE tree(depth, at, until, head, code, bad) AS (
             SELECT 0, b.offset, b.next, head, code, b.error FROM mp4_box_(t.path) AS b WHERE code IS NOT NULL AND (
                    SELECT type IN ('ftyp', 'moov', 'mdat', 'wide', 'free', 'skip') FROM mp4_box_(t.path) LIMIT 1)
             UNION ALL
             SELECT depth + 1, b.offset, b.next, b.head, b.code, b.error
               FROM tree CROSS JOIN mp4_box_(t.path, at + tree.head + 4 * (tree.code = 0x6d657461
                      AND mmap_slice(t.path, at + tree.head + 4, at + tree.head + 8) <> x'68646c72'), until) AS b
              WHERE tree.code IN (0x6d6f6f76, 0x7472616b, 0x65647473, 0x6d646961, 0x6d696e66, 0x64696e66, 0x7374626c, 0x75647461,
                                  0x6d766578, 0x6d6f6f66, 0x74726166, 0x6d667261, 0x6d657461, 0x69707270, 0x6970636f)
                AND depth < 16 AND b.code IS NOT NULL LIMIT 1000000)
           SELECT json_group_array(json_array(depth, at, until, head, code, bad IS NOT NULL)) FROM tree) AS boxes
    FROM target AS t;

CREATE TEMP VIEW IF NOT EXISTS mp4_walk_ AS
  SELECT DISTINCT l.path, json_extract(value, '$[0]') AS depth, json_extract(value, '$[1]') AS at, json_extract(value, '$[2]') AS until,
         json_extract(value, '$[3]') AS head, json_extract(value, '$[4]') AS code, json_extract(value, '$[5]') AS bad
    FROM mp4_list_ AS l CROSS JOIN json_each(boxes);

CREATE TEMP VIEW IF NOT EXISTS mp4_box AS
  SELECT path, depth, at AS offset, char(code >> 24, code >> 16 & 255, code >> 8 & 255, code & 255) AS type,
         until - at AS length, at + head AS data_offset,
         iif(bad, 'it reaches past the end of what it is in', NULL) AS error
    FROM mp4_walk_ ORDER BY path, at, depth;

-- What is in a box is found from box to box: a join for each level.
CREATE TEMP VIEW IF NOT EXISTS mp4_movie AS
  SELECT path, (SELECT brand FROM mp4_box_(t.path) AS f, mp4_brand_(t.path, f.offset + f.head, f.next) AS b
                 WHERE f.type = 'ftyp' AND b.error IS NULL LIMIT 1) AS brand,
         scale AS timescale, 1.0 * duration / nullif(scale, 0) AS seconds, datetime(nullif(made, 0) - 2082844800, 'unixepoch') AS made
    FROM target AS t CROSS JOIN mp4_box_(path) AS moov CROSS JOIN mp4_box_(path, moov.offset + moov.head, moov.next) AS mvhd
         CROSS JOIN mp4_head_(path, mvhd.offset + mvhd.head, mvhd.next) AS h
   WHERE moov.type = 'moov' AND mvhd.type = 'mvhd' AND h.error IS NULL;

CREATE TEMP VIEW IF NOT EXISTS mp4_track AS
  SELECT path, trak.rowid AS box, kind, 1.0 * duration / nullif(scale, 0) AS seconds,
         (SELECT width >> 16 FROM mp4_box_(t.path, trak.offset + trak.head, trak.next) AS b, mp4_tkhd_(t.path, b.offset + b.head, b.next)
           WHERE b.type = 'tkhd' LIMIT 1) AS width,
         (SELECT height >> 16 FROM mp4_box_(t.path, trak.offset + trak.head, trak.next) AS b, mp4_tkhd_(t.path, b.offset + b.head, b.next)
           WHERE b.type = 'tkhd' LIMIT 1) AS height,
         (SELECT codec FROM mp4_box_(t.path, mdia.offset + mdia.head, mdia.next) AS minf,
                 mp4_box_(t.path, minf.offset + minf.head, minf.next) AS stbl, mp4_box_(t.path, stbl.offset + stbl.head, stbl.next) AS stsd,
                 mp4_codec_(t.path, stsd.offset + stsd.head, stsd.next)
           WHERE minf.type = 'minf' AND stbl.type = 'stbl' AND stsd.type = 'stsd' LIMIT 1) AS codec
    FROM target AS t CROSS JOIN mp4_box_(path) AS moov CROSS JOIN mp4_box_(path, moov.offset + moov.head, moov.next) AS trak
         CROSS JOIN mp4_box_(path, trak.offset + trak.head, trak.next) AS mdia
         CROSS JOIN mp4_box_(path, mdia.offset + mdia.head, mdia.next) AS mdhd CROSS JOIN mp4_head_(path, mdhd.offset + mdhd.head, mdhd.next) AS h
         CROSS JOIN mp4_box_(path, mdia.offset + mdia.head, mdia.next) AS hdlr CROSS JOIN mp4_kind_(path, hdlr.offset + hdlr.head, hdlr.next)
   WHERE moov.type = 'moov' AND trak.type = 'trak' AND mdia.type = 'mdia' AND mdhd.type = 'mdhd' AND hdlr.type = 'hdlr' AND h.error IS NULL;
