-- MP4, MOV, M4A, HEIF, AVIF, 3GP: what boxes a file is made of, what its tracks are, what pictures it has.
--
--     .read sql/formats/mp4.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('*.mp4') WHERE error IS NULL;
--     SELECT path, depth, type, offset, length FROM mp4_box ORDER BY path, offset;
--     SELECT path, box, kind, seconds, width, height, codec FROM mp4_track;
--     SELECT path, id, type, main, width, height, offset, length FROM mp4_item WHERE type NOT IN ('Exif', 'mime');
--     SELECT path, type, error FROM mp4_box WHERE error IS NOT NULL;
--
--     mp4_box    every box, those in boxes too: depth, type, where it is and how long
--     mp4_movie  a row for each file: brand, timescale, seconds, when it was made
--     mp4_track  the number of its box in moov, kind (vide, soun …), seconds, size of the picture, codec
--     mp4_item   of HEIF and AVIF: pictures, their parts, EXIF and XMP: id, type, name, size, where the bytes of the first piece are
--
-- A file is one of these if its first box is ftyp or, as in old MOVs, moov, mdat, wide, free or skip. Types are four bytes, read
-- as Latin-1. Boxes are looked for in moov, trak, edts, mdia, minf, dinf, stbl, udta, mvex, moof, traf, mfra, meta, iprp, ipco,
-- iinf and iref, to a depth of 16; items in a meta that is in no other box, 4,096 of them. Not covered: samples, and what most boxes have in them.

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

-- HEIF: which item is the main one; how many there are, before a box for each; what an item is.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.mp4_pitm_ USING mmap(*, version u8, flags u24be, id2 u16be if(version = 0), id4 u32be if(version > 0),
  id AS (coalesce(id2, id4)), count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.mp4_iinf_ USING mmap(*, version u8, flags u24be, items2 u16be if(version = 0), items4 u32be if(version > 0),
  count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.mp4_infe_ USING mmap(*, version u8, flags u24be, id2 u16be if(version <> 3), id4 u32be if(version = 3),
  id AS (coalesce(id2, id4)), protection u16be, kind latin1(4) if(version > 1), name_at AS (pos), count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.mp4_name_ USING mmap(*, name cstr, count=(1), partial=yes);
-- Where items are. The first record is the head, which says how wide numbers are; then one for each item: a base, and pieces from there.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.mp4_iloc_ USING mmap(*, version u8 at_file(start), sizes u16be at_file(start + 4),
  wide_place AS (sizes >> 12), wide_length AS (sizes >> 8 & 15), wide_base AS (sizes >> 4 & 15), wide_index AS (iif(version > 0, sizes & 15, 0)),
  id2 u16be at(0) if(rowid > 0 AND version < 2), id4 u32be at(0) if(rowid > 0 AND version = 2), id AS (coalesce(id2, id4)),
  method u16be at(iif(version = 2, 4, 2)) if(rowid > 0 AND version > 0), source u16be if(rowid > 0),
  base4 u32be if(rowid > 0 AND wide_base = 4), base8 u64be if(rowid > 0 AND wide_base = 8), pieces u16be if(rowid > 0), first_at AS (pos - offset),
  place4 u32be at(first_at + wide_index) if(pieces > 0 AND wide_place = 4), place8 u64be at(first_at + wide_index) if(pieces > 0 AND wide_place = 8),
  bytes4 u32be at(first_at + wide_index + wide_place) if(pieces > 0 AND wide_length = 4),
  bytes8 u64be at(first_at + wide_index + wide_place) if(pieces > 0 AND wide_length = 8),
  place AS (coalesce(base4, base8, 0) + coalesce(place4, place8, 0)), bytes AS (coalesce(bytes4, bytes8)),
  record=(iif(rowid = 0, iif(version = 2, 10, 8), first_at + pieces * (wide_index + wide_place + wide_length))), partial=yes);
-- Which of the boxes in ipco, counted from 1, say something of an item; the first bit is no part of the number. ispe says its size.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.mp4_ipma_ USING mmap(*, version u8 at_file(start), flags u24be at_file(start + 1),
  id2 u16be at(0) if(rowid > 0 AND version = 0), id4 u32be at(0) if(rowid > 0 AND version > 0), id AS (coalesce(id2, id4)),
  n u8 at(iif(version > 0, 4, 2)) if(rowid > 0), few u8[n] if(n > 0 AND NOT flags & 1), many u16be[n] if(n > 0 AND flags & 1),
  record=(iif(rowid = 0, 8, iif(version > 0, 5, 3) + n * (1 + (flags & 1)))), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.mp4_ispe_ USING mmap(*, version u32be, width u32be, height u32be, count=(1), partial=yes);

-- One file at a time, with a row for each box: the recursion stands in a subquery, json_each makes rows of what it found.
-- meta has a version of 4 bytes before its boxes, but in QuickTime, where the first box, hdlr, stands at once.
CREATE TEMP VIEW IF NOT EXISTS mp4_list_ AS
  SELECT DISTINCT t.path, (
           WITH RECURSIVE tree(depth, at, until, head, code, bad) AS (
             SELECT 0, b.offset, b.next, head, code, b.error FROM mp4_box_(t.path) AS b WHERE code IS NOT NULL AND (
                    SELECT type IN ('ftyp', 'moov', 'mdat', 'wide', 'free', 'skip') FROM mp4_box_(t.path) LIMIT 1)
             UNION ALL
             SELECT depth + 1, b.offset, b.next, b.head, b.code, b.error
               FROM tree CROSS JOIN mp4_box_(t.path, at + tree.head + CASE tree.code
                      WHEN 0x6d657461 THEN 4 * (mmap_slice(t.path, at + tree.head + 4, at + tree.head + 8) <> x'68646c72') WHEN 0x69726566 THEN 4
                      WHEN 0x69696e66 THEN iif(mmap_slice(t.path, at + tree.head, at + tree.head + 1) = x'00', 6, 8) ELSE 0 END, until) AS b
              WHERE tree.code IN (0x6d6f6f76, 0x7472616b, 0x65647473, 0x6d646961, 0x6d696e66, 0x64696e66, 0x7374626c, 0x75647461,
                                  0x6d766578, 0x6d6f6f66, 0x74726166, 0x6d667261, 0x6d657461, 0x69707270, 0x6970636f, 0x69696e66, 0x69726566)
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

CREATE TEMP VIEW IF NOT EXISTS mp4_item_ AS
  SELECT DISTINCT path, i.id, kind, name_at, infe.next AS infe_end, meta.offset + meta.head + 4 AS first, meta.next AS last,
         (SELECT json_array(place, bytes, pieces, method & 15) FROM mp4_box_(t.path, meta.offset + meta.head + 4, meta.next) AS b,
                 mp4_iloc_(t.path, b.offset + b.head, b.next) AS l
           WHERE b.type = 'iloc' AND b.error IS NULL AND l.id = i.id AND l.error IS NULL LIMIT 1) AS place,
         (SELECT json_array(w.offset + w.head, w.next)
            FROM (SELECT coalesce(few, many) AS list, iif(few IS NULL, 0x7fff, 0x7f) AS mask, iprp.offset + iprp.head AS within, iprp.next AS behind
                    FROM mp4_box_(t.path, meta.offset + meta.head + 4, meta.next) AS iprp, mp4_box_(t.path, iprp.offset + iprp.head,
                         iprp.next) AS ipma,
                         mp4_ipma_(t.path, ipma.offset + ipma.head, ipma.next) AS a
                   WHERE iprp.type = 'iprp' AND ipma.type = 'ipma' AND ipma.error IS NULL AND a.id = i.id LIMIT 1)
                 CROSS JOIN mp4_box_(t.path, within, behind) AS ipco CROSS JOIN json_each(list) AS p
                 CROSS JOIN mp4_box_(t.path, ipco.offset + ipco.head, ipco.next) AS w
           WHERE ipco.type = 'ipco' AND w.rowid = (p.value & mask) - 1 AND w.type = 'ispe' AND w.error IS NULL LIMIT 1) AS size
    FROM target AS t CROSS JOIN mp4_box_(path, CASE mmap_slice(path, 4, 8) WHEN x'66747970' THEN 0 END) AS meta
         CROSS JOIN mp4_box_(path, meta.offset + meta.head + 4, meta.next) AS iinf
         CROSS JOIN mp4_iinf_(path, iinf.offset + iinf.head, iinf.next) AS h CROSS JOIN mp4_box_(path, h.next, iinf.next) AS infe
         CROSS JOIN mp4_infe_(path, infe.offset + infe.head, infe.next) AS i
   WHERE meta.type = 'meta' AND iinf.type = 'iinf' AND infe.type = 'infe' AND infe.rowid < 4096 AND i.id IS NOT NULL;

-- A place of method 1 is in the box idat; of 2 it is in another item.
CREATE TEMP VIEW IF NOT EXISTS mp4_item AS
  SELECT path, id, kind AS type,
         (SELECT CASE WHEN mmap_search(i.path,
            '(?x) \G (?: [\x01-\x7f] | [\xc2-\xdf] [\x80-\xbf] | \xe0 [\xa0-\xbf] [\x80-\xbf]
                  | [\xe1-\xec\xee\xef] [\x80-\xbf]{2} | \xed [\x80-\x9f] [\x80-\xbf] | \xf0 [\x90-\xbf] [\x80-\xbf]{2}
                  | [\xf1-\xf3] [\x80-\xbf]{3} | \xf4 [\x80-\x8f] [\x80-\xbf]{2} )*+ (?: \x00 | \z )', name_at, infe_end) >= 0 THEN name ELSE char(0xfffd) END
            FROM mp4_name_(i.path, name_at, infe_end) WHERE name <> '') AS name,
         id = (SELECT p.id FROM mp4_box_(i.path, first, last) AS b, mp4_pitm_(i.path, b.offset + b.head,
              b.next) AS p WHERE b.type = 'pitm' LIMIT 1) AS main,
         (SELECT width FROM mp4_ispe_(i.path, json_extract(size, '$[0]'), json_extract(size, '$[1]'))) AS width,
         (SELECT height FROM mp4_ispe_(i.path, json_extract(size, '$[0]'), json_extract(size, '$[1]'))) AS height,
         json_extract(place, '$[0]') + CASE json_extract(place, '$[3]') WHEN 1 THEN
           (SELECT b.offset + b.head FROM mp4_box_(i.path, first, last) AS b WHERE b.type = 'idat' LIMIT 1) WHEN 2 THEN NULL ELSE 0 END AS offset,
         json_extract(place, '$[1]') AS length, json_extract(place, '$[2]') AS pieces
    FROM mp4_item_ AS i;
