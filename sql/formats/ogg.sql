-- Ogg: what streams a file has (Vorbis, Opus, FLAC, Speex, Theora), how long they are, their tags, and their pages.
--
--     .read sql/formats/ogg.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('**/*.og[ga]') WHERE error IS NULL;
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('**/*.opus') WHERE error IS NULL;
--     SELECT path, codec, channels, rate, round(seconds, 3) FROM ogg_stream;
--     SELECT path, key, value FROM ogg_tag WHERE key <> 'METADATA_BLOCK_PICTURE';
--     SELECT path, number, offset, error FROM ogg_page WHERE error IS NOT NULL;
--
--     ogg_stream  codec, channels and rate, or size; pages, seconds, up to the last page that says a time
--     ogg_page    each page: stream, sequence, granule, where its bytes are; whether packets go on over it
--     ogg_tag     the comments of a stream, key and value
--
-- Streams may stand side by side, and one behind the other with the same serial number: a stream is named by its first page.
-- After damage pages are looked for further on. Tags are UTF-8; U+FFFD stands for all of one that is none, or for what of it is in
-- a page, if it goes over pages. At most 4,096 tags, of packets of up to 1,000 pages. Not covered: CRCs, which are given and not checked
-- (they are no CRC-32 of zlib's kind), packets, skeletons, FLAC with more metadata than tags.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

CREATE VIRTUAL TABLE IF NOT EXISTS temp.ogg_page_ USING mmap(*, magic u32be, version u8, b5 b5, last b1, first b1, continued b1, granule i64le,
  serial u32le, sequence u32le, crc u32le, segments u8, lengths blob(segments), while=(magic = 0x4f676753), count=(1), partial=yes);
-- The lengths of a page's segments. A segment of less than 255 bytes ends a packet.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.ogg_segment_ USING mmap(*, length u8);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.ogg_packet_ USING mmap(*, length u8, until=(length < 255));
-- What a stream begins with: seven bytes tell the codec.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.ogg_head_ USING mmap(*, mark u56be, codec AS (CASE mark WHEN 0x01766f72626973 THEN 'Vorbis'
     WHEN 0x4f707573486561 THEN 'Opus'
    WHEN 0x53706565782020 THEN 'Speex' WHEN 0x807468656f7261 THEN 'Theora' WHEN 0x66697368656164 THEN 'Skeleton' WHEN 0x4f565038300101 THEN 'VP8'
    ELSE iif(mark >> 16 = 0x7f464c4143, 'FLAC', NULL) END),
  channels1 u8 at(iif(codec = 'Vorbis', 11, 9)) if(codec IN ('Vorbis', 'Opus')), skip u16le at(10) if(codec = 'Opus'),
  rate4 u32le at(iif(codec = 'Speex', 36, 12)) if(codec IN ('Vorbis', 'Opus', 'Speex')), channels4 u32le at(48) if(codec = 'Speex'),
  rate20 b20 at(27) if(codec = 'FLAC'), channels3 b3 if(codec = 'FLAC'),
  width u24be at(14) if(codec = 'Theora'), height u24be if(codec = 'Theora'),
  frames u32be at(22) if(codec = 'Theora'), in_seconds u32be if(codec = 'Theora'), quality b6 at(40) if(codec = 'Theora'),
       shift b5 if(codec = 'Theora'),
  channels AS (coalesce(channels1, channels4, channels3 + 1)), rate AS (coalesce(rate4, rate20)), count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.ogg_string_ USING mmap(*, string text(stop - start), count=(1));

-- Of each page: where it is, its body, its end; how much of the body belongs to the packet that its first segment is of, and whether that ends here.
CREATE TEMP VIEW IF NOT EXISTS ogg_list_ AS
  SELECT DISTINCT t.path, (
           WITH RECURSIVE page(at, body, behind, packet, whole, lost) AS (
             SELECT NULL, NULL, 0, NULL, NULL, 0 WHERE mmap_slice(t.path, 0, 4) = x'4f676753'
             UNION ALL
             SELECT p.offset, p.next, p.next + (SELECT coalesce(sum(length), 0) FROM ogg_segment_(t.path, p.offset + 27, p.next)),
                    (SELECT coalesce(sum(length), 0) FROM ogg_packet_(t.path, p.offset + 27, p.next)),
                    (SELECT min(length) < 255 FROM ogg_packet_(t.path, p.offset + 27, p.next)), p.offset > behind
               FROM page CROSS JOIN ogg_page_(t.path, CASE WHEN mmap_find(t.path, x'4f676753', min(behind, mmap_length(t.path))) >= 0
                                                           THEN mmap_find(t.path, x'4f676753', min(behind, mmap_length(t.path))) END) AS p
              WHERE behind IS NOT NULL LIMIT 4000000)
           SELECT json_group_array(json_array(at, body, behind, packet, whole, lost)) FROM page WHERE at IS NOT NULL) AS pages
    FROM target AS t;

CREATE TEMP VIEW IF NOT EXISTS ogg_walk_ AS
  SELECT DISTINCT l.path, i.key AS number, json_extract(value, '$[0]') AS at, json_extract(value, '$[1]') AS body, json_extract(value,
       '$[2]') AS behind,
         json_extract(value, '$[3]') AS packet, json_extract(value, '$[4]') AS whole, json_extract(value, '$[5]') AS lost,
         last, first, continued, granule, serial, sequence, crc, segments, mmap_length(l.path) AS file_size
    FROM ogg_list_ AS l CROSS JOIN json_each(pages) AS i CROSS JOIN ogg_page_(l.path, json_extract(value, '$[0]'));

-- `stream`: the number of the page with which the stream of this serial number began.
CREATE TEMP VIEW IF NOT EXISTS ogg_numbered_ AS
  SELECT w.*, max(iif(first, number, NULL)) OVER (PARTITION BY path, serial ORDER BY number) AS stream,
         lag(sequence) OVER (PARTITION BY path, serial ORDER BY number) AS before
    FROM ogg_walk_ AS w;

CREATE TEMP VIEW IF NOT EXISTS ogg_page AS
  SELECT path, number, stream, at AS offset, serial, sequence, nullif(granule, -1) AS granule, first, last, continued, segments, body AS data_offset,
         behind - body AS length, crc,
         CASE WHEN behind IS NULL OR behind > file_size THEN 'it reaches past the end of the file'
              WHEN lost THEN 'bytes that are no page are before it' WHEN stream IS NULL THEN 'its stream has no beginning'
              WHEN NOT first AND sequence <> before + 1 THEN 'pages are missing before it'
              WHEN number = 3999998 THEN 'there may be more, which are not walked' END AS error
    FROM ogg_numbered_;

CREATE TEMP VIEW IF NOT EXISTS ogg_start_ AS
  SELECT DISTINCT path, stream, serial, count(*) OVER same AS pages, max(iif(granule > 0, granule, NULL)) OVER same AS granule,
         min(iif(number = stream, body, NULL)) OVER same AS body, min(iif(number = stream, behind, NULL)) OVER same AS behind
    FROM ogg_numbered_ WHERE stream IS NOT NULL WINDOW same AS (PARTITION BY path, stream);

-- A granule counts samples, of Opus 48,000 a second whatever its rate. Of Theora it is a frame that depends on no other,
-- shifted, and how many after it.
CREATE TEMP VIEW IF NOT EXISTS ogg_stream AS
  SELECT path, stream, serial, codec, channels, rate, width, height, pages,
         CASE codec WHEN 'Opus' THEN max(granule - skip, 0) / 48000.0
                    WHEN 'Theora' THEN 1.0 * ((granule >> shift) + (granule & (1 << shift) - 1)) * in_seconds / nullif(frames, 0)
                    ELSE 1.0 * granule / nullif(rate, 0) END AS seconds,
         CASE WHEN h.error IS NOT NULL AND codec IS NOT NULL THEN 'its first packet is cut short' END AS error
    FROM ogg_start_ CROSS JOIN ogg_head_(path, body, behind) AS h;

-- The second packet has the tags. It may go over pages: of each piece where it begins in the packet, where in the file, and how long it is.
CREATE TEMP VIEW IF NOT EXISTS ogg_second_ AS
  SELECT path, stream, number > stream AS behind_first, body, behind, min(packet, file_size - body) AS bytes,
         coalesce(sum(iif(number > stream, whole, 0)) OVER before, 0) AS ended, coalesce(sum(iif(number > stream, packet, 0)) OVER before,
              0) AS begins,
         number - stream AS piece
    FROM ogg_numbered_ WHERE stream IS NOT NULL AND body IS NOT NULL
  WINDOW before AS (PARTITION BY path, stream ORDER BY number ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING);
CREATE TEMP VIEW IF NOT EXISTS ogg_pieces_ AS
  SELECT DISTINCT path, stream, min(iif(behind_first, NULL, body)) OVER same AS head_at, min(iif(behind_first, NULL, behind)) OVER same AS head_end,
         min(iif(behind_first, body, NULL)) OVER same AS tags_at,
         json_group_array(json_array(begins, body, bytes)) FILTER (WHERE behind_first AND ended = 0 AND piece < 1000
              AND bytes > 0) OVER same AS pieces
    FROM ogg_second_ WINDOW same AS (PARTITION BY path, stream);

-- Before the tags there is, of each codec, a mark. Then the length of the maker's name, that, how many tags, and of each its length and it.
-- A row is one of these numbers (`word`) at a place in the packet: number -2 the maker's length, -1 how many, from 0 on tags.
CREATE TEMP VIEW IF NOT EXISTS ogg_words_ AS
  SELECT DISTINCT path, stream, pieces, (
           WITH RECURSIVE item(number, at, word, total) AS (
             SELECT -3, CASE codec WHEN 'Vorbis' THEN 7 WHEN 'Opus' THEN 8 WHEN 'Theora' THEN 7 WHEN 'FLAC' THEN 4 WHEN 'Speex' THEN 0 END - 4, 0, 0
              WHERE CASE codec WHEN 'Vorbis' THEN mmap_slice(p.path, tags_at, tags_at + 7) = CAST(char(3) || 'vorbis' AS BLOB)
                               WHEN 'Opus' THEN mmap_slice(p.path, tags_at, tags_at + 8) = CAST('OpusTags' AS BLOB)
                               WHEN 'Theora' THEN mmap_slice(p.path, tags_at + 1, tags_at + 7) = CAST('theora' AS BLOB)
                               WHEN 'FLAC' THEN mmap_get(p.path, tags_at) & 127 = 4 ELSE codec = 'Speex' END
             UNION ALL
             SELECT number + 1, at + 4 + iif(number = -1, 0, word),
                    (SELECT iif(count(*) = 4, sum(mmap_get(p.path, json_extract(value, '$[1]') + i.at + 4 + iif(i.number = -1, 0,
                         i.word) + byte - json_extract(value, '$[0]')) << 8 * byte), NULL)
                       FROM (SELECT 0 AS byte UNION ALL VALUES (1), (2), (3)) CROSS JOIN json_each(pieces)
                      WHERE i.at + 4 + iif(i.number = -1, 0, i.word) + byte - json_extract(value, '$[0]') BETWEEN 0 AND json_extract(value,
                           '$[2]') - 1),
                    iif(number = -1, word, total)
               FROM item AS i WHERE word IS NOT NULL AND (number < 0 OR number < total - 1) AND NOT (number = -1 AND word = 0) LIMIT 4099)
           SELECT json_group_array(json_array(number, at + 4, word)) FROM item WHERE number >= 0) AS items
    FROM ogg_pieces_ AS p CROSS JOIN ogg_head_(path, head_at, head_end);

CREATE TEMP VIEW IF NOT EXISTS ogg_item_ AS
  SELECT w.path, stream, pieces, json_extract(value, '$[0]') AS number, json_extract(value, '$[1]') AS at, json_extract(value, '$[2]') AS word
    FROM ogg_words_ AS w CROSS JOIN json_each(items) WHERE json_extract(value, '$[2]') IS NOT NULL;

CREATE TEMP VIEW IF NOT EXISTS ogg_tag AS
  SELECT path, stream, number, iif(instr(text, '='), substr(text, 1, instr(text, '=') - 1), '') AS key, substr(text, instr(text, '=') + 1) AS value,
         iif(whole, NULL, 'it reaches past the end of its packet') AS error
    FROM (SELECT DISTINCT path, stream, number, coalesce((
                   SELECT group_concat(iif(mmap_search(t.file,
                     '(?x) \G (?: [\x01-\x7f] | [\xc2-\xdf] [\x80-\xbf] | \xe0 [\xa0-\xbf] [\x80-\xbf]
                           | [\xe1-\xec\xee\xef] [\x80-\xbf]{2} | \xed [\x80-\x9f] [\x80-\xbf] | \xf0 [\x90-\xbf] [\x80-\xbf]{2}
                           | [\xf1-\xf3] [\x80-\xbf]{3} | \xf4 [\x80-\x8f] [\x80-\xbf]{2} )*+ (?: \x00 | \z )', t.start, t.stop) >= 0,
                     string, char(0xfffd)), '')
                     FROM json_each(pieces) AS p CROSS JOIN ogg_string_(w.path, json_extract(p.value, '$[1]') + max(at - json_extract(p.value,
                          '$[0]'), 0),
                          json_extract(p.value, '$[1]') + min(at + word - json_extract(p.value, '$[0]'), json_extract(p.value, '$[2]'))) AS t
                    WHERE json_extract(p.value, '$[0]') < at + word AND json_extract(p.value, '$[0]') + json_extract(p.value, '$[2]') > at),
                         '') AS text,
                 at + word <= (SELECT max(json_extract(value, '$[0]') + json_extract(value, '$[2]')) FROM json_each(pieces)) AS whole
            FROM ogg_item_ AS w);
