-- GIF: how large a picture is, what blocks it is made of, how it moves, what is written in it.
--
--     .read sql/formats/gif.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('**/*.gif') WHERE error IS NULL;
--     SELECT path, width, height, colors FROM gif_header ORDER BY width * height DESC LIMIT 9;
--     SELECT path, images, loops, seconds FROM gif_animation WHERE images > 1;
--     SELECT path, number, x, y, width, height, delay FROM gif_image;
--     SELECT path, type, offset, length, error FROM gif_block WHERE error IS NOT NULL;
--
--     gif_header     a row for each file: version, size of the screen, colors of its palette
--     gif_block      images, extensions and the trailer: where they are, and how long with their sub-blocks
--     gif_image      where each image is on the screen, its own colors, how long it stays, and what becomes of it then
--     gif_animation  a row for each file: images, seconds, how often it is shown (0: for ever; NULL: it does not say)
--     gif_comment    the texts of comments, read as Latin-1
--
-- Blocks end at the trailer, or at the first that is none. Bytes of 0 between blocks are passed over. A delay is in
-- hundredths of a second; browsers take 10 for 0 and 1. Not covered: pixels, plain texts, what lies behind the trailer.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

CREATE VIRTUAL TABLE IF NOT EXISTS temp.gif_head_ USING mmap(*, magic text(6), width u16le, height u16le, has_palette b1, depth b3, sorted b1,
  palette_bits b3, background u8, aspect u8, blocks_at AS (iif(has_palette, 13 + (6 << palette_bits), 13)), palette blob(blocks_at - 13),
  while=(magic IN ('GIF87a', 'GIF89a')), count=(1), partial=yes);
-- What stands before the sub-blocks: of an image its place and palette, of an extension its label.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.gif_block_ USING mmap(*, kind u8, label u8 if(kind = 0x21),
  x u16le if(kind = 0x2c), y u16le if(kind = 0x2c), width u16le if(kind = 0x2c), height u16le if(kind = 0x2c),
  has_palette b1 if(kind = 0x2c), interlaced b1 if(kind = 0x2c), sorted b1 if(kind = 0x2c), b2 b2 if(kind = 0x2c), palette_bits b3 if(kind = 0x2c),
  palette blob(iif(has_palette, 6 << palette_bits, 0)), code_bits u8 if(kind = 0x2c), count=(1), partial=yes);
-- Image data and extensions are sub-blocks of up to 255 bytes, each with its length before it; the last one has none.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.gif_part_ USING mmap(*, length u8, data latin1(length), until=(length = 0), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.gif_control_ USING mmap(*, length u8, b3 b3, disposal b3, input b1, transparent b1, delay u16le, color u8,
  check=(length >= 4), count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.gif_loop_ USING mmap(*, length u8, name text(11), part u8, id u8, loops u16le,
  check=(length = 11 AND name IN ('NETSCAPE2.0', 'ANIMEXTS1.0') AND part >= 3 AND id & 7 = 1), count=(1), partial=yes);

-- One file at a time, from block to block: `body` is where its sub-blocks start, `behind` where they end. A graphic control
-- (`control`: where its sub-blocks are) holds for the next image or plain text; `images` counts those before.
CREATE TEMP VIEW IF NOT EXISTS gif_list_ AS
  SELECT DISTINCT t.path, (
           WITH RECURSIVE block(at, kind, label, body, behind, control, images) AS (
             SELECT NULL, 0, NULL, NULL, h.next, NULL, 0 FROM gif_head_(t.path) AS h WHERE h.error IS NULL
             UNION ALL
             SELECT b.offset, b.kind, b.label, b.next, CASE WHEN b.kind = 0 THEN nullif(mmap_search(t.path, '[^\x00]', b.offset), -1)
                      WHEN b.kind = 0x3b THEN b.next WHEN b.kind IN (0x21, 0x2c) THEN
                      (SELECT s.next FROM gif_part_(t.path, b.next) AS s WHERE s.length = 0 AND s.error IS NULL) END,
                    CASE WHEN f.label = 0xf9 THEN f.body WHEN f.kind <> 0x2c AND f.label IS NOT 1 THEN control END, images + (f.kind = 0x2c)
               FROM block AS f CROSS JOIN gif_block_(t.path, f.behind) AS b WHERE f.kind <> 0x3b LIMIT 1000000)
           SELECT json_group_array(json_array(at, kind, label, body, behind, control, images)) FROM block WHERE kind > 0) AS blocks
    FROM target AS t;

CREATE TEMP VIEW IF NOT EXISTS gif_walk_ AS
  SELECT DISTINCT l.path, b.key AS number, json_extract(value, '$[0]') AS at, json_extract(value, '$[1]') AS kind,
         json_extract(value, '$[2]') AS label, json_extract(value, '$[3]') AS body, json_extract(value, '$[4]') AS behind,
         json_extract(value, '$[5]') AS control, json_extract(value, '$[6]') AS images
    FROM gif_list_ AS l CROSS JOIN json_each(blocks) AS b;

CREATE TEMP VIEW IF NOT EXISTS gif_header AS
  SELECT path, substr(magic, 4) AS version, width, height, iif(has_palette, 2 << palette_bits, 0) AS colors, background,
         iif(aspect, (aspect + 15) / 64.0, NULL) AS aspect, CASE WHEN h.error IS NOT NULL THEN 'it is cut short'
              WHEN h.next >= mmap_length(path) THEN 'nothing is behind it' END AS error
    FROM target CROSS JOIN gif_head_(path) AS h WHERE magic IS NOT NULL;

CREATE TEMP VIEW IF NOT EXISTS gif_block AS
  SELECT path, number, at AS offset,
         CASE kind WHEN 0x2c THEN 'image' WHEN 0x3b THEN 'trailer' WHEN 0x21 THEN
           CASE label WHEN 0x01 THEN 'plain text' WHEN 0xf9 THEN 'graphic control' WHEN 0xfe THEN 'comment' WHEN 0xff THEN 'application'
                      ELSE 'extension' || iif(label IS NULL, '', printf(' 0x%02x', label)) END ELSE printf('0x%02x', kind) END AS type,
         behind - at AS length, body AS data_offset,
         CASE WHEN label = 0xff THEN (SELECT data FROM gif_part_(path, body) LIMIT 1) END AS application,
         CASE WHEN kind NOT IN (0x21, 0x2c, 0x3b) THEN 'it is no block'
              WHEN behind IS NULL THEN 'it reaches past the end of the file'
              WHEN kind <> 0x3b AND behind >= mmap_length(path) THEN 'the file ends behind it, without a trailer'
              WHEN number = 999998 THEN 'there may be more, which are not walked' END AS error
    FROM gif_walk_;

CREATE TEMP VIEW IF NOT EXISTS gif_image AS
  SELECT w.path, images AS number, at AS offset, x, y, width, height, iif(has_palette, 2 << palette_bits, NULL) AS colors, interlaced,
         delay, CASE disposal WHEN 0 THEN NULL WHEN 1 THEN 'keep' WHEN 2 THEN 'clear' WHEN 3 THEN 'restore' ELSE disposal END AS disposal,
         iif(transparent, color, NULL) AS transparent
    FROM gif_walk_ AS w CROSS JOIN gif_block_(w.path, at) AS b LEFT JOIN gif_control_(w.path, control) AS c ON c.error IS NULL
   WHERE w.kind = 0x2c AND height IS NOT NULL;

CREATE TEMP VIEW IF NOT EXISTS gif_animation AS
  SELECT path, (SELECT count(*) FROM json_each(blocks) WHERE json_extract(value, '$[1]') = 0x2c) AS images,
         (SELECT coalesce(sum(delay), 0) / 100.0 FROM json_each(blocks) CROSS JOIN gif_control_(l.path, json_extract(value, '$[5]')) AS c
           WHERE json_extract(value, '$[1]') = 0x2c AND c.error IS NULL) AS seconds,
         (SELECT loops FROM json_each(blocks) CROSS JOIN gif_loop_(l.path, json_extract(value, '$[3]')) AS c
           WHERE json_extract(value, '$[2]') = 0xff AND c.error IS NULL LIMIT 1) AS loops
    FROM gif_list_ AS l WHERE blocks <> '[]';

CREATE TEMP VIEW IF NOT EXISTS gif_comment AS
  SELECT path, at AS offset, (SELECT group_concat(data, '') FROM gif_part_(path, body) AS s WHERE s.error IS NULL) AS text
    FROM gif_walk_ WHERE label = 0xfe;
