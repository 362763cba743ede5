-- Matroska and WebM: the elements of EBML at any depth, how long a film is, its tracks, cues and tags.
--
--     .read sql/formats/matroska.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('**/*.mkv') WHERE error IS NULL;
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('**/*.webm') WHERE error IS NULL;
--     SELECT path, title, seconds, writing_app FROM matroska_segment;
--     SELECT path, number, type, codec, language, width, height, rate, channels FROM matroska_track;
--     SELECT path, seconds, track, offset FROM matroska_cue LIMIT 9;
--     SELECT path, name, value FROM matroska_tag;
--     SELECT path, depth, offset, name, length, value, error FROM matroska_element WHERE depth < 2 OR error IS NOT NULL;
--
--     matroska_element  every element: depth, id, name, where its data are, how long; value of numbers, texts and dates
--     matroska_segment  a row for each segment: kind of file, duration, title, programs, date
--     matroska_track    number, kind, codec, language, size of the picture, rate and channels
--     matroska_cue      where what time is: the place of the cluster in the file
--     matroska_tag      name and value, of what they are; tags in tags, too
--
-- Segments and clusters of unknown length, as of live streams, end where an element begins that cannot be in them. Ids have up to 8 bytes.
-- Elements are looked for to a depth of 12, and four million of them. Dates are in UTC. Texts that are no UTF-8 are U+FFFD.
-- Not covered: frames in blocks, what is compressed, void and checksums.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- The first bit that is set says how many bytes an id has, and a length, from which it is taken off. A length of nothing but ones is unknown.
-- What reaches past the end is cut there: `cut`. `holds`: it is made of elements, which are in it, or, if its length is unknown, behind it.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.matroska_element_ USING mmap(*, a u8,
  id1 u8 at(0) if(a > 0x7f), id2 u16be at(0) if(a BETWEEN 0x40 AND 0x7f), id3 u24be at(0) if(a BETWEEN 0x20 AND 0x3f),
       id4 u32be at(0) if(a BETWEEN 0x10 AND 0x1f),
  id5 u40be at(0) if(a BETWEEN 8 AND 15), id6 u48be at(0) if(a BETWEEN 4 AND 7), id7 u56be at(0) if(a BETWEEN 2 AND 3), id8 u64be at(0) if(a = 1),
  id AS (coalesce(id1, id2, id3, id4, id5, id6, id7, id8)), length_at AS (pos - offset), b u8,
  n1 u8 at(length_at) if(b > 0x7f), n2 u16be at(length_at) if(b BETWEEN 0x40 AND 0x7f), n3 u24be at(length_at) if(b BETWEEN 0x20 AND 0x3f),
  n4 u32be at(length_at) if(b BETWEEN 0x10 AND 0x1f), n5 u40be at(length_at) if(b BETWEEN 8 AND 15), n6 u48be at(length_at) if(b BETWEEN 4 AND 7),
  n7 u56be at(length_at) if(b BETWEEN 2 AND 3), n8 u64be at(length_at) if(b = 1),
  said AS (coalesce(n1 - 0x80, n2 - 0x4000, n3 - 0x200000, n4 - 0x10000000, n5 - 0x800000000, n6 - 0x40000000000, n7 - 0x2000000000000,
       n8 - 0x100000000000000)),
  head AS (pos - offset), unknown AS (said = (1 << 7 * (head - length_at)) - 1), length AS (iif(unknown, NULL, said)),
  cut AS (length > stop - offset - head), record=(head + iif(unknown, 0, min(said, stop - offset - head))), check=(a > 0 AND b > 0), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.matroska_number_ USING mmap(*, n AS (stop - start), u1 u8 at(0) if(n = 1), u2 u16be at(0) if(n = 2),
  u3 u24be at(0) if(n = 3), u4 u32be at(0) if(n = 4), u5 u40be at(0) if(n = 5), u6 u48be at(0) if(n = 6), u7 u56be at(0) if(n = 7),
       u8 u64be at(0) if(n = 8),
  i1 i8 at(0) if(n = 1), i2 i16be at(0) if(n = 2), i4 i32be at(0) if(n = 4), i8 i64be at(0) if(n = 8), f4 f32be at(0) if(n = 4),
       f8 f64be at(0) if(n = 8),
  u AS (coalesce(u1, u2, u3, u4, u5, u6, u7, u8)), i AS (coalesce(i1, i2, i4, i8)), count=(1), record=(n));
CREATE VIRTUAL TABLE IF NOT EXISTS temp.matroska_string_ USING mmap(*, string text(stop - start), count=(1));

-- What is known of ids: name, type (m: it holds elements, u unsigned, i signed, f float, s text, d date, b bytes), and the level at which it stands.
CREATE TEMP VIEW IF NOT EXISTS matroska_name_ AS
  SELECT column1 AS id, column2 AS name, column3 AS type FROM (VALUES (0x1a45dfa3, 'EBML', 'm'), (0x4286, 'EBMLVersion', 'u'), (0x42f7,
       'EBMLReadVersion', 'u'),
    (0x42f2, 'EBMLMaxIDLength', 'u'), (0x42f3, 'EBMLMaxSizeLength', 'u'), (0x4282, 'DocType', 's'), (0x4287, 'DocTypeVersion', 'u'),
    (0x4285, 'DocTypeReadVersion', 'u'), (0xec, 'Void', 'b'), (0xbf, 'CRC-32', 'b'), (0x18538067, 'Segment', 'm'), (0x114d9b74, 'SeekHead', 'm'),
    (0x4dbb, 'Seek', 'm'), (0x53ab, 'SeekID', 'b'), (0x53ac, 'SeekPosition', 'u'), (0x1549a966, 'Info', 'm'), (0x73a4, 'SegmentUUID', 'b'),
    (0x2ad7b1, 'TimestampScale', 'u'), (0x4489, 'Duration', 'f'), (0x4461, 'DateUTC', 'd'), (0x7ba9, 'Title', 's'), (0x4d80, 'MuxingApp', 's'),
    (0x5741, 'WritingApp', 's'), (0x1f43b675, 'Cluster', 'm'), (0xe7, 'Timestamp', 'u'), (0xa7, 'Position', 'u'), (0xab, 'PrevSize', 'u'),
    (0xa3, 'SimpleBlock', 'b'), (0xa0, 'BlockGroup', 'm'), (0xa1, 'Block', 'b'), (0x9b, 'BlockDuration', 'u'), (0xfb, 'ReferenceBlock', 'i'),
    (0x75a1, 'BlockAdditions', 'm'), (0xa6, 'BlockMore', 'm'), (0xee, 'BlockAddID', 'u'), (0xa5, 'BlockAdditional', 'b'), (0x75a2,
         'DiscardPadding', 'i'),
    (0x1654ae6b, 'Tracks', 'm'), (0xae, 'TrackEntry', 'm'), (0xd7, 'TrackNumber', 'u'), (0x73c5, 'TrackUID', 'u'), (0x83, 'TrackType', 'u'),
    (0xb9, 'FlagEnabled', 'u'), (0x88, 'FlagDefault', 'u'), (0x55aa, 'FlagForced', 'u'), (0x9c, 'FlagLacing', 'u'), (0x23e383,
         'DefaultDuration', 'u'),
    (0x536e, 'Name', 's'), (0x22b59c, 'Language', 's'), (0x22b59d, 'LanguageBCP47', 's'), (0x86, 'CodecID', 's'), (0x63a2, 'CodecPrivate', 'b'),
    (0x258688, 'CodecName', 's'), (0x56aa, 'CodecDelay', 'u'), (0x56bb, 'SeekPreRoll', 'u'), (0xe0, 'Video', 'm'), (0x9a, 'FlagInterlaced', 'u'),
    (0xb0, 'PixelWidth', 'u'), (0xba, 'PixelHeight', 'u'), (0x54b0, 'DisplayWidth', 'u'), (0x54ba, 'DisplayHeight', 'u'), (0x55b0, 'Colour', 'm'),
    (0xe1, 'Audio', 'm'), (0xb5, 'SamplingFrequency', 'f'), (0x78b5, 'OutputSamplingFrequency', 'f'), (0x9f, 'Channels', 'u'), (0x6264,
         'BitDepth', 'u'),
    (0x6d80, 'ContentEncodings', 'm'), (0x6240, 'ContentEncoding', 'm'), (0x1c53bb6b, 'Cues', 'm'), (0xbb, 'CuePoint', 'm'), (0xb3, 'CueTime', 'u'),
    (0xb7, 'CueTrackPositions', 'm'), (0xf7, 'CueTrack', 'u'), (0xf1, 'CueClusterPosition', 'u'), (0xf0, 'CueRelativePosition', 'u'),
    (0xb2, 'CueDuration', 'u'), (0x1941a469, 'Attachments', 'm'), (0x61a7, 'AttachedFile', 'm'), (0x467e, 'FileDescription', 's'), (0x466e,
         'FileName', 's'),
    (0x4660, 'FileMediaType', 's'), (0x465c, 'FileData', 'b'), (0x46ae, 'FileUID', 'u'), (0x1043a770, 'Chapters', 'm'), (0x45b9, 'EditionEntry', 'm'),
    (0xb6, 'ChapterAtom', 'm'), (0x73c4, 'ChapterUID', 'u'), (0x91, 'ChapterTimeStart', 'u'), (0x92, 'ChapterTimeEnd', 'u'), (0x80,
         'ChapterDisplay', 'm'),
    (0x85, 'ChapString', 's'), (0x437c, 'ChapLanguage', 's'), (0x1254c367, 'Tags', 'm'), (0x7373, 'Tag', 'm'), (0x63c0, 'Targets', 'm'),
    (0x68ca, 'TargetTypeValue', 'u'), (0x63ca, 'TargetType', 's'), (0x63c5, 'TagTrackUID', 'u'), (0x67c8, 'SimpleTag', 'm'), (0x45a3, 'TagName', 's'),
    (0x447a, 'TagLanguage', 's'), (0x4484, 'TagDefault', 'u'), (0x4487, 'TagString', 's'), (0x4485, 'TagBinary', 'b'));

-- One file at a time. `deep`: with what is in clusters, which most questions can do without. `item` and `part`: the TrackEntry, CuePoint, Tag or
-- Info that it is in, and the CueTrackPositions or SimpleTag.
CREATE TEMP VIEW IF NOT EXISTS matroska_list_ AS
  SELECT DISTINCT t.path, deep, (
           WITH RECURSIVE tree(depth, at, id, body, until, unknown, cut, bad, item, kind, part) AS (
             SELECT 0, e.offset, e.id, e.offset + head, coalesce(e.next, mmap_length(t.path)), unknown, cut, e.error IS NOT NULL, NULL, NULL, NULL
               FROM matroska_element_(t.path) AS e WHERE mmap_slice(t.path, 0, 4) = x'1a45dfa3'
             UNION ALL
             SELECT depth + 1, e.offset, e.id, e.offset + e.head, coalesce(e.next, tree.until), e.unknown, e.cut, e.error IS NOT NULL,
                    iif(e.id IN (0xae, 0xbb, 0x7373, 0x1549a966), e.offset, item), iif(e.id IN (0xae, 0xbb, 0x7373, 0x1549a966), e.id, kind),
                    iif(e.id IN (0x67c8, 0xb7), e.offset, part)
               FROM tree CROSS JOIN matroska_element_(t.path, body, tree.until) AS e
              WHERE depth < 12 AND NOT tree.unknown AND tree.id IN (SELECT id FROM matroska_name_ WHERE type = 'm') AND (deep
                   OR tree.id <> 0x1f43b675)
              LIMIT 4000000)
           SELECT json_group_array(json_array(depth, at, id, body, until, unknown, cut, bad, item, kind, part)) FROM tree
            WHERE deep OR id NOT IN (0xa3, 0xa0, 0xe7)) AS elements
    FROM target AS t CROSS JOIN (SELECT 0 AS deep UNION ALL SELECT 1);

-- Behind a segment (level 0) or cluster (1) of unknown length stands what is in it, until something of its level: `in_segment` and
-- `in_cluster` are odd, if the last one of that level before it is such a one.
CREATE TEMP VIEW IF NOT EXISTS matroska_walk_ AS
  SELECT w.*, max(iif(level = 0, 2 * at + (unknown AND id = 0x18538067), NULL)) OVER before AS in_segment,
         max(iif(level < 2, 2 * at + (unknown AND id = 0x1f43b675), NULL)) OVER before AS in_cluster
    FROM (SELECT DISTINCT l.path, deep, json_extract(value, '$[0]') AS depth, json_extract(value, '$[1]') AS at, json_extract(value, '$[2]') AS id,
                 json_extract(value, '$[3]') AS body, json_extract(value, '$[4]') AS until, json_extract(value, '$[5]') AS unknown,
                 json_extract(value, '$[6]') AS cut, json_extract(value, '$[7]') AS bad,
                 json_extract(value, '$[8]') AS item, json_extract(value, '$[9]') AS kind, json_extract(value, '$[10]') AS part,
                 CASE WHEN json_extract(value, '$[2]') IN (0x1a45dfa3, 0x18538067) THEN 0 WHEN json_extract(value, '$[2]') IN
                   (0x114d9b74, 0x1549a966, 0x1f43b675, 0x1654ae6b, 0x1c53bb6b, 0x1941a469, 0x1043a770, 0x1254c367) THEN 1 ELSE 2 END AS level
            FROM matroska_list_ AS l CROSS JOIN json_each(elements)) AS w
  WINDOW before AS (PARTITION BY path, deep ORDER BY at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING);

CREATE TEMP VIEW IF NOT EXISTS matroska_value_ AS
  SELECT DISTINCT w.path, deep, depth + (level > 0 AND coalesce(in_segment, 0) & 1) + (level > 1 AND coalesce(in_cluster, 0) & 1) AS depth,
       at, w.id, name, body, until,
         unknown, cut, bad, item, kind, part, CASE
           WHEN until = body AND NOT unknown THEN CASE WHEN type IN ('u', 'i') THEN 0 WHEN type = 'f' THEN 0.0 WHEN type = 's' THEN '' END
           WHEN unknown OR cut OR bad THEN NULL
           WHEN type = 'u' THEN (SELECT u FROM matroska_number_(w.path, body, until))
           WHEN type = 'i' THEN (SELECT i FROM matroska_number_(w.path, body, until))
           WHEN type = 'f' THEN (SELECT coalesce(f4, f8) FROM matroska_number_(w.path, body, until))
           WHEN type = 'd' THEN (SELECT datetime(978307200 + i / 1000000000, 'unixepoch') FROM matroska_number_(w.path, body, until))
           WHEN type = 's' THEN (SELECT iif(mmap_search(w.path,
             '(?x) \G (?: [\x01-\x7f] | [\xc2-\xdf] [\x80-\xbf] | \xe0 [\xa0-\xbf] [\x80-\xbf]
                   | [\xe1-\xec\xee\xef] [\x80-\xbf]{2} | \xed [\x80-\x9f] [\x80-\xbf] | \xf0 [\x90-\xbf] [\x80-\xbf]{2}
                   | [\xf1-\xf3] [\x80-\xbf]{3} | \xf4 [\x80-\x8f] [\x80-\xbf]{2} )*+ (?: \x00 | \z )', body, until) >= 0, string, char(0xfffd))
                FROM matroska_string_(w.path, body, until)) END AS value
    FROM matroska_walk_ AS w LEFT JOIN matroska_name_ AS n ON n.id = w.id;

CREATE TEMP VIEW IF NOT EXISTS matroska_element AS
  SELECT path, depth, at AS offset, printf('0x%x', id) AS id, name, body AS data_offset, iif(unknown, NULL, until - body) AS length, value,
         CASE WHEN bad THEN 'it is no element' WHEN cut THEN 'it reaches past the end of what it is in'
              WHEN unknown AND id NOT IN (0x18538067, 0x1f43b675) THEN 'its length is unknown' END AS error
    FROM matroska_value_ WHERE deep = 1 AND (bad OR id IS NOT NULL) ORDER BY path, at, depth;

-- `segment`: where the one is that it belongs to; `scale`: nanoseconds of a unit of time there.
CREATE TEMP VIEW IF NOT EXISTS matroska_part_ AS
  SELECT v.*, max(iif(id = 0x2ad7b1, value, NULL)) OVER same AS scale, max(iif(id = 0x18538067, body, NULL)) OVER same AS segment_body
    FROM (SELECT v.*, max(iif(id = 0x18538067, at, NULL)) OVER before AS segment, max(iif(id = 0x4282, value, NULL)) OVER before AS doctype
            FROM matroska_value_ AS v WHERE deep = 0 WINDOW before AS (PARTITION BY path ORDER BY at)) AS v
  WINDOW same AS (PARTITION BY path, segment);

CREATE TEMP VIEW IF NOT EXISTS matroska_segment AS
  SELECT path, offset, doctype, duration * coalesce(scale, 1000000) / 1e9 AS seconds, title, muxing_app, writing_app, made, error
    FROM (SELECT DISTINCT path, segment AS offset, scale, max(iif(id = 0x4489, value, NULL)) OVER same AS duration, max(iif(id = 0x7ba9,
         value, NULL)) OVER same AS title,
                 max(iif(id = 0x4d80, value, NULL)) OVER same AS muxing_app, max(iif(id = 0x5741, value, NULL)) OVER same AS writing_app,
                 max(iif(id = 0x4461, value, NULL)) OVER same AS made, max(iif(id = 0x18538067 AND cut, 'it reaches past the end of the file',
                      NULL)) OVER same AS error,
                 max(doctype) OVER same AS doctype
            FROM matroska_part_ WINDOW same AS (PARTITION BY path, segment)) WHERE offset IS NOT NULL;

CREATE TEMP VIEW IF NOT EXISTS matroska_track AS
  SELECT DISTINCT path, segment, max(iif(id = 0xd7, value, NULL)) OVER same AS number, max(iif(id = 0x73c5, value, NULL)) OVER same AS uid,
         CASE max(iif(id = 0x83, value, NULL)) OVER same WHEN 1 THEN 'video' WHEN 2 THEN 'audio' WHEN 3 THEN 'complex' WHEN 16 THEN 'logo'
              WHEN 17 THEN 'subtitle'
           WHEN 18 THEN 'buttons' WHEN 32 THEN 'control' WHEN 33 THEN 'metadata' ELSE max(iif(id = 0x83, value, NULL)) OVER same END AS type,
         max(iif(id = 0x86, value, NULL)) OVER same AS codec, max(iif(id = 0x536e, value, NULL)) OVER same AS name,
         coalesce(max(iif(id = 0x22b59d, value, NULL)) OVER same, max(iif(id = 0x22b59c, value, NULL)) OVER same, 'eng') AS language,
         max(iif(id = 0xb0, value, NULL)) OVER same AS width, max(iif(id = 0xba, value, NULL)) OVER same AS height,
         max(iif(id = 0xb5, value, NULL)) OVER same AS rate, max(iif(id = 0x9f, value, NULL)) OVER same AS channels
    FROM matroska_part_ WHERE kind = 0xae WINDOW same AS (PARTITION BY path, item);

CREATE TEMP VIEW IF NOT EXISTS matroska_cue AS
  SELECT path, segment, time * coalesce(scale, 1000000) / 1e9 AS seconds, track, segment_body + place AS offset
    FROM (SELECT DISTINCT path, segment, scale, segment_body, part, time,
                 max(iif(id = 0xf7, value, NULL)) OVER same AS track, max(iif(id = 0xf1, value, NULL)) OVER same AS place
            FROM (SELECT p.*, max(iif(id = 0xb3, value, NULL)) OVER (PARTITION BY path, item) AS time FROM matroska_part_ AS p WHERE kind = 0xbb)
          WINDOW same AS (PARTITION BY path, item, part)) WHERE part IS NOT NULL;

-- What a tag is of: 70 a collection, 60 an edition, 50 an album or a film, 40 a part, 30 a track or a chapter, 20 a scene, 10 a shot.
CREATE TEMP VIEW IF NOT EXISTS matroska_tag AS
  SELECT path, segment, coalesce(level, 50) AS level, track_uid, name, value
    FROM (SELECT DISTINCT path, segment, part, level, track_uid,
                 max(iif(id = 0x45a3, value, NULL)) OVER same AS name, max(iif(id = 0x4487, value, NULL)) OVER same AS value
            FROM (SELECT p.*, max(iif(id = 0x68ca, value, NULL)) OVER item AS level, max(iif(id = 0x63c5, value, NULL)) OVER item AS track_uid
                    FROM matroska_part_ AS p WHERE kind = 0x7373 WINDOW item AS (PARTITION BY path, item))
          WINDOW same AS (PARTITION BY path, item, part)) WHERE part IS NOT NULL;
