-- Protocol Buffers: the fields of a message as they are on the wire, without its .proto.
--
--     .read sql/formats/protobuf.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('**/*.pb') WHERE error IS NULL;
--     SELECT path, number, field, wire, value, text FROM protobuf_field;
--     SELECT path, depth, name, wire, value, text FROM protobuf_tree ORDER BY path, offset;
--     SELECT field, varint, length, error FROM target, protobuf_wire(path, 0, 100) LIMIT 9;
--
--     protobuf_field  the fields of each file: number, wire type, value; of 8 and 4 bytes also as a real, of others the text if they are one
--     protobuf_tree   likewise, with the fields of messages in messages: their names are numbers, as in 3.1.2
--     protobuf_wire   the layout: protobuf_wire(file, start, stop) reads the fields in any part of any file
--
-- Nothing marks a message. A file is one if all of it is fields, and its groups are closed; so is a field, in protobuf_tree, to a depth of
-- 32, though it may have been meant as a text. What is damaged, or stands in another file, protobuf_wire reads up to its `error`. Values of
-- 2^63 and more are negative, as int32 and int64 have them; those of sint32 and sint64 are (value >> 1) ^ -(value & 1).

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- A field is a number and a wire type, and by it a varint (0), 8 bytes (1), so many bytes (2), 4 bytes (5); a group (3) ends with a 4.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.protobuf_wire USING mmap(*, key uleb128, field AS (key >> 3), type AS (key & 7), varint uleb128 if(type = 0),
  begin AS (pos), fixed64 u64le if(type = 1), double f64le at(begin - offset) if(type = 1), fixed32 u32le if(type = 5),
  float f32le at(begin - offset) if(type = 5), length uleb128 if(type = 2), data blob(length) if(type = 2), behind AS (pos),
  check=(field BETWEEN 1 AND 536870911 AND type < 6), partial=yes);

-- The text in the bytes first..last - 1, if they are one.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.protobuf_bytes_ USING mmap(*, text text(stop - start), count=(1), partial=yes);
CREATE TEMP VIEW IF NOT EXISTS protobuf_text_ AS
  SELECT t.file AS path, t.start AS first, t.stop AS last, iif(mmap_search(t.file,
           '(?x) \G (?: [\x01-\x7f] | [\xc2-\xdf] [\x80-\xbf] | \xe0 [\xa0-\xbf] [\x80-\xbf]
                 | [\xe1-\xec\xee\xef] [\x80-\xbf]{2} | \xed [\x80-\x9f] [\x80-\xbf] | \xf0 [\x90-\xbf] [\x80-\xbf]{2}
                 | [\xf1-\xf3] [\x80-\xbf]{3} | \xf4 [\x80-\x8f] [\x80-\xbf]{2} )*+ \z', t.start, t.stop) >= 0, text, NULL) AS text
    FROM protobuf_bytes_ AS t WHERE t.error IS NULL;

CREATE TEMP VIEW IF NOT EXISTS protobuf_type_ AS
  SELECT column1 AS type, column2 AS name FROM (VALUES (0, 'varint'), (1, '64 bit'), (2, 'bytes'), (3, 'group'), (4, 'end of group'), (5, '32 bit'));

-- Names that end in _ are steps on the way; DISTINCT makes SQLite compute each column once. Groups are closed if on each level
-- a field that opens one and the same that closes it take turns.
CREATE TEMP VIEW IF NOT EXISTS protobuf_file_ AS
  SELECT DISTINCT path FROM target AS t
   WHERE (SELECT count(*) > 0 AND count(w.error) = 0 AND sum(type = 3) = sum(type = 4) AND iif(sum(type = 3) > 0, (
           SELECT count(*) = 0 FROM (
             SELECT type, field, lag(type) OVER l AS before, lag(field) OVER l AS opened FROM (
               SELECT g.rowid AS number, type, field, sum(iif(type = 3, 1, -1)) OVER (ORDER BY g.rowid) + (type = 4) AS level
                 FROM protobuf_wire(t.path) AS g WHERE type IN (3, 4)) WINDOW l AS (PARTITION BY level ORDER BY number))
            WHERE type = 4 AND (before, opened) IS NOT (3, field)), 1) FROM protobuf_wire(t.path) AS w);

CREATE TEMP VIEW IF NOT EXISTS protobuf_field AS
  SELECT path, w.rowid AS number, field, (SELECT name FROM protobuf_type_ AS n WHERE n.type = w.type) AS wire,
         coalesce(varint, fixed64, fixed32) AS value, coalesce(double, float) AS real,
         iif(length = 0, '', (SELECT x.text FROM protobuf_text_ AS x WHERE x.path = f.path AND first = w.next - length AND last = w.next)) AS text,
         CASE w.type WHEN 2 THEN w.next - length ELSE w.offset END AS offset, coalesce(length, w.next - w.offset) AS length
    FROM protobuf_file_ AS f CROSS JOIN protobuf_wire(path) AS w;

-- One file at a time, with a row for each field: the recursion stands in a subquery, json_each makes rows of what it found.
CREATE TEMP VIEW IF NOT EXISTS protobuf_list_ AS
  SELECT DISTINCT f.path, (
           WITH RECURSIVE tree(depth, name, at, until, inner) AS (
             SELECT 0, '' || field, w.offset, w.next, iif(w.type = 2 AND length > 0, w.next - length, NULL) FROM protobuf_wire(f.path) AS w
             UNION ALL
             SELECT depth + 1, tree.name || '.' || w.field, w.offset, w.next, iif(w.type = 2 AND w.length > 0, w.next - w.length, NULL)
               FROM tree CROSS JOIN protobuf_wire(f.path, iif(depth < 32 AND inner AND (
                      SELECT count(*) > 0 AND count(c.error) = 0 AND sum(type = 3) = sum(type = 4) AND iif(sum(type = 3) > 0, (
                       SELECT count(*) = 0 FROM (
                         SELECT type, field, lag(type) OVER l AS before, lag(field) OVER l AS opened FROM (
                           SELECT g.rowid AS number, type, field, sum(iif(type = 3, 1, -1)) OVER (ORDER BY g.rowid) + (type = 4) AS level
                             FROM protobuf_wire(f.path, inner, until) AS g WHERE type IN (3, 4)) WINDOW l AS (PARTITION BY level ORDER BY number))
                        WHERE type = 4 AND (before, opened) IS NOT (3, field)), 1) FROM protobuf_wire(f.path, inner, until) AS c),
                      inner, NULL), until) AS w LIMIT 1000000)
           SELECT json_group_array(json_array(depth, name, at)) FROM tree) AS fields
    FROM protobuf_file_ AS f;
CREATE TEMP VIEW IF NOT EXISTS protobuf_tree AS
  SELECT l.path, json_extract(e.value, '$[0]') AS depth, json_extract(e.value, '$[1]') AS name, (SELECT name FROM protobuf_type_ AS n WHERE n.type = w.type) AS wire,
         coalesce(varint, fixed64, fixed32) AS value, coalesce(double, float) AS real,
         iif(length = 0, '', (SELECT x.text FROM protobuf_text_ AS x WHERE x.path = l.path AND first = w.next - length AND last = w.next)) AS text,
         CASE w.type WHEN 2 THEN w.next - length ELSE w.offset END AS offset, coalesce(length, w.next - w.offset) AS length
    FROM protobuf_list_ AS l CROSS JOIN json_each(l.fields) AS e CROSS JOIN protobuf_wire(l.path, json_extract(e.value, '$[2]')) AS w ON w.rowid = 0;
