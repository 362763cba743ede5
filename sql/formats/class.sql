-- Java class files: constants, fields, methods, attributes, what a class is and what it refers to.
--
--     .read sql/formats/class.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('**/*.class') WHERE error IS NULL;
--     SELECT path, name, super, version, modifiers FROM class_file;
--     SELECT value, count(*) FROM class_constant WHERE type = 'Methodref' GROUP BY value ORDER BY 2 DESC LIMIT 9;
--     SELECT path, name, descriptor FROM class_member WHERE kind = 'method' AND modifiers GLOB '*native*';
--     SELECT path, error FROM class_file WHERE error IS NOT NULL;
--
--     class_file       a row for each file: name, what it extends, version, modifiers
--     class_constant   the constant pool, numbered from 1: type, and the value, of those that refer to others resolved
--     class_interface  what it implements
--     class_member     fields and methods: name, descriptor, modifiers
--     class_attribute  those of the class and its members: name, where the data are; of SourceFile and Signature the text
--
-- What was compiled is read as javap -v does it, but for the code and what most attributes have in them. A text that a constant refers
-- to is cut at 4,096 bytes, one that it is, is not. Not covered: jars (zip.sql), whose members are compressed.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- Universal files of macOS begin alike, but have a number below 45 where the version is.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.class_head_ USING mmap(*, magic u32be, minor u16be, major u16be, constants u16be,
  while=(magic = 0xcafebabe AND major >= 45), count=(1), partial=yes);
-- A constant has a tag, and by it a text, a number or the numbers of one or two others. Those of 8 bytes count twice.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.class_constant_ USING mmap(*, tag u8, length u16be if(tag = 1), bytes blob(length) if(tag = 1),
  integer i32be if(tag = 3), float f32be if(tag = 4), long i64be if(tag = 5), double f64be if(tag = 6), kind u8 if(tag = 15),
  first u16be if(tag BETWEEN 7 AND 20), second u16be if(tag IN (9, 10, 11, 12, 17, 18)), slots AS (iif(tag IN (5, 6), 2, 1)),
  check=(tag = 1 OR tag BETWEEN 3 AND 12 OR tag BETWEEN 15 AND 20), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.class_this_ USING mmap(*, access u16be, this u16be, super u16be, interfaces u16be, count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.class_u16_ USING mmap(*, value u16be, partial=yes);
-- What follows the interfaces is how many fields there are, each with its attributes, then methods likewise, then the attributes of
-- the class. A member is its access, name, descriptor, and how many attributes; an attribute its name, its length, and so many bytes.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.class_step_ USING mmap(*, access u16be, name u16be, descriptor u16be, attributes u16be,
  length u32be at(2), count=(1), partial=yes);

-- Modified UTF-8 has NUL in two bytes, here U+2400, and what is beyond U+FFFF as two surrogates; U+FFFD stands for one alone, and
-- for bytes that are none.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.class_string_ USING mmap(*, utf8 text(stop - start), count=(1), partial=yes);
CREATE TEMP VIEW IF NOT EXISTS class_text_ AS
  SELECT t.file AS path, t.start AS first, t.stop AS last,
         CASE WHEN utf8 NOT GLOB '*[^' || char(1) || '-~]*' OR mmap_search(t.file,
                '(?x) \G (?: [\x01-\x7f] | [\xc2-\xdf] [\x80-\xbf] | \xe0 [\xa0-\xbf] [\x80-\xbf]
                      | [\xe1-\xec\xee\xef] [\x80-\xbf]{2} | \xed [\x80-\x9f] [\x80-\xbf] )*+ \z', t.start, t.stop) >= 0 THEN utf8
              ELSE (SELECT group_concat(CASE
                      WHEN g1 IS NOT NULL THEN (SELECT s.utf8 FROM class_string_(t.file, m.offset, m.offset + m.length) AS s)
                      WHEN g2 IS NOT NULL THEN char(0x10000 + ((mmap_get(t.file, m.offset + 1) & 15) << 16) + ((mmap_get(t.file, m.offset + 2) & 63) << 10)
                                                    + ((mmap_get(t.file, m.offset + 4) & 15) << 6) + (mmap_get(t.file, m.offset + 5) & 63))
                      ELSE char(iif(match = x'c080', 0x2400, 0xfffd)) END, '')
                      FROM mmap_search_all(t.file, '(?xs) ( [\x01-\x7f]++ | [\xc2-\xdf] [\x80-\xbf] | \xe0 [\xa0-\xbf] [\x80-\xbf]
                             | [\xe1-\xec\xee\xef] [\x80-\xbf]{2} | \xed [\x80-\x9f] [\x80-\xbf] )
                             | ( \xed [\xa0-\xaf] [\x80-\xbf] \xed [\xb0-\xbf] [\x80-\xbf] ) | \xed [\xa0-\xbf] [\x80-\xbf] | \xc0 \x80 | .',
                           t.start, t.stop) AS m) END AS text
    FROM class_string_ AS t WHERE t.error IS NULL;
CREATE VIRTUAL TABLE IF NOT EXISTS temp.class_long_ USING mmap(*, tag u8, length u16be, while=(tag = 1), count=(1), partial=yes);
CREATE TEMP VIEW IF NOT EXISTS class_utf8_ AS
  SELECT l.file AS path, l.start AS place,
         iif(length = 0, '', (SELECT text FROM class_text_ AS x WHERE x.path = l.file AND first = l.next AND last = l.next + length)) AS text,
         iif(length = 0, '', (SELECT text FROM class_text_ AS x WHERE x.path = l.file AND first = l.next AND last = l.next + min(length, 4096))) AS name
    FROM class_long_ AS l WHERE l.error IS NULL;

-- What bits stand for, of a class, a field and a method.
CREATE TEMP VIEW IF NOT EXISTS class_flag_ AS
  SELECT column1 AS kind, column2 AS bit, column3 AS name FROM (VALUES (0, 1, 'public'), (0, 2, 'private'), (0, 4, 'protected'), (0, 8, 'static'),
    (0, 16, 'final'), (0, 0x40, 'volatile'), (0, 0x80, 'transient'), (0, 0x1000, 'synthetic'), (0, 0x4000, 'enum'),
    (1, 1, 'public'), (1, 2, 'private'), (1, 4, 'protected'), (1, 8, 'static'), (1, 16, 'final'), (1, 0x20, 'synchronized'), (1, 0x40, 'bridge'),
    (1, 0x80, 'varargs'), (1, 0x100, 'native'), (1, 0x400, 'abstract'), (1, 0x800, 'strictfp'), (1, 0x1000, 'synthetic'),
    (2, 1, 'public'), (2, 16, 'final'), (2, 0x20, 'super'), (2, 0x200, 'interface'), (2, 0x400, 'abstract'), (2, 0x1000, 'synthetic'),
    (2, 0x2000, 'annotation'), (2, 0x4000, 'enum'), (2, 0x8000, 'module'));
CREATE TEMP VIEW IF NOT EXISTS class_tag_ AS
  SELECT column1 AS tag, column2 AS name FROM (VALUES (1, 'Utf8'), (3, 'Integer'), (4, 'Float'), (5, 'Long'), (6, 'Double'), (7, 'Class'),
    (8, 'String'), (9, 'Fieldref'), (10, 'Methodref'), (11, 'InterfaceMethodref'), (12, 'NameAndType'), (15, 'MethodHandle'),
    (16, 'MethodType'), (17, 'Dynamic'), (18, 'InvokeDynamic'), (19, 'Module'), (20, 'Package'));

-- Names that end in _ are steps on the way; DISTINCT makes SQLite compute each column once. `list` has a constant's number, place
-- and where it ends for each, `places` ten digits for each number, of one byte each, or two in a database of UTF-16.
CREATE TEMP VIEW IF NOT EXISTS class_list_ AS
  SELECT DISTINCT path, major, minor, constants, (
           SELECT json_group_array(json_array(upto - slots + 1, at, behind, slots))
             FROM (SELECT c.offset AS at, c.next AS behind, slots, sum(slots) OVER (ORDER BY c.rowid) AS upto
                     FROM class_constant_(path, h.next) AS c WHERE c.rowid < constants - 1 AND c.error IS NULL)
            WHERE upto - slots + 1 < constants) AS list
    FROM target CROSS JOIN class_head_(path) AS h WHERE h.error IS NULL;
CREATE TEMP VIEW IF NOT EXISTS class_pool_ AS
  SELECT DISTINCT l.*, (SELECT CAST('0000000000' || group_concat(printf('%010d', json_extract(value, '$[1]'))
             || iif(json_extract(value, '$[3]') = 2, '0000000000', ''), '') AS BLOB) FROM json_each(list)) AS places, 10 * length(CAST('0' AS BLOB)) AS digits,
         coalesce(json_extract(list, '$[#-1][2]'), 10) AS last, coalesce(json_extract(list, '$[#-1][0]') + json_extract(list, '$[#-1][3]'), 1) AS slots
    FROM class_list_ AS l;
CREATE TEMP VIEW IF NOT EXISTS class_file_ AS
  SELECT DISTINCT p.*, mmap_length(path) AS file_size, t.access, t.this, t.super, t.interfaces, t.next AS interfaces_at, t.interfaces IS NOT NULL AS whole
    FROM class_pool_ AS p LEFT JOIN class_this_(path, iif(slots >= constants, last, NULL)) AS t;

-- One file at a time: kind (0 of fields, 1 of methods, 2 of the class), what (0 a count, 1 a member, 2 an attribute), the member's
-- number, where it is and where it ends; `members` and `attributes` are still to come.
CREATE TEMP VIEW IF NOT EXISTS class_walk_ AS
  SELECT DISTINCT f.*, (
           WITH RECURSIVE walk(kind, what, number, at, behind, members, attributes) AS (
             SELECT 0, 0, -1, s.offset, s.offset + 2, s.access, 0 FROM class_step_(f.path, iif(whole, interfaces_at + 2 * interfaces, NULL)) AS s
             UNION ALL
             SELECT iif(walk.attributes OR members, kind, kind + 1), CASE WHEN walk.attributes THEN 2 WHEN members THEN 1 ELSE 0 END,
                    CASE WHEN walk.attributes THEN number WHEN members THEN number + 1 ELSE -1 END, s.offset,
                    CASE WHEN walk.attributes THEN s.offset + 6 + s.length WHEN members THEN iif(s.attributes IS NULL, NULL, s.offset + 8)
                         ELSE iif(s.access IS NULL, NULL, s.offset + 2) END,
                    CASE WHEN walk.attributes THEN members WHEN members THEN members - 1 WHEN kind = 0 THEN s.access ELSE 0 END,
                    CASE WHEN walk.attributes THEN walk.attributes - 1 WHEN members THEN s.attributes WHEN kind = 1 THEN s.access ELSE 0 END
               FROM walk CROSS JOIN class_step_(f.path, iif(behind <= file_size AND (kind < 2 OR walk.attributes), behind, NULL)) AS s LIMIT 1000000)
           SELECT json_group_array(json_array(kind, what, number, at, behind, members + attributes)) FROM walk) AS steps
    FROM class_file_ AS f;

CREATE TEMP VIEW IF NOT EXISTS class_file AS
  SELECT path, (SELECT (SELECT u.name FROM class_utf8_ AS u WHERE u.path = f.path AND u.place = nullif(CAST(CAST(substr(places, digits * c.first + 1, digits) AS TEXT) AS INTEGER), 0))
                  FROM class_constant_(f.path, nullif(CAST(CAST(substr(places, digits * this + 1, digits) AS TEXT) AS INTEGER), 0)) AS c WHERE c.rowid = 0 AND tag = 7) AS name,
         (SELECT (SELECT u.name FROM class_utf8_ AS u WHERE u.path = f.path AND u.place = nullif(CAST(CAST(substr(places, digits * c.first + 1, digits) AS TEXT) AS INTEGER), 0))
            FROM class_constant_(f.path, nullif(CAST(CAST(substr(places, digits * super + 1, digits) AS TEXT) AS INTEGER), 0)) AS c WHERE c.rowid = 0 AND tag = 7) AS super,
         major || '.' || minor AS version, (SELECT group_concat(name, ' ') FROM class_flag_ WHERE kind = 2 AND bit & access) AS modifiers,
         constants - 1 AS constants, interfaces, json_extract(steps, '$[0][5]') AS fields,
         (SELECT json_extract(value, '$[5]') FROM json_each(steps) WHERE json_extract(value, '$[0]') = 1 LIMIT 1) AS methods,
         CASE WHEN slots < constants THEN 'constant ' || slots || ' is none, or reaches past the end of the file'
              WHEN NOT whole THEN 'it ends behind its constants'
              WHEN interfaces_at + 2 * interfaces > file_size THEN 'its interfaces reach past the end of the file'
              WHEN (json_extract(steps, '$[#-1][0]') = 2 AND json_extract(steps, '$[#-1][4]') <= file_size AND json_extract(steps, '$[#-1][5]') = 0)
                IS NOT 1 THEN 'its members or attributes reach past the end of the file' END AS error
    FROM class_walk_ AS f;

CREATE TEMP VIEW IF NOT EXISTS class_constant AS
  SELECT f.path, json_extract(e.value, '$[0]') AS number, (SELECT name FROM class_tag_ AS t WHERE t.tag = c.tag) AS type,
         CASE WHEN c.tag = 1 THEN (SELECT text FROM class_utf8_ AS u WHERE u.path = f.path AND u.place = c.offset)
              WHEN c.tag BETWEEN 3 AND 6 THEN coalesce(c.integer, c.float, c.long, c.double)
              WHEN c.tag = 12 THEN (SELECT u.name FROM class_utf8_ AS u WHERE u.path = f.path AND u.place = nullif(CAST(CAST(substr(places, digits * c.first + 1, digits) AS TEXT) AS INTEGER), 0)) || ':' ||
                (SELECT u.name FROM class_utf8_ AS u WHERE u.path = f.path AND u.place = nullif(CAST(CAST(substr(places, digits * c.second + 1, digits) AS TEXT) AS INTEGER), 0))
              WHEN c.tag IN (7, 8, 16, 19, 20) THEN (SELECT u.name FROM class_utf8_ AS u WHERE u.path = f.path AND u.place = nullif(CAST(CAST(substr(places, digits * c.first + 1, digits) AS TEXT) AS INTEGER), 0))
              ELSE CASE WHEN c.tag = 15 THEN CASE c.kind WHEN 1 THEN 'getField ' WHEN 2 THEN 'getStatic ' WHEN 3 THEN 'putField '
                          WHEN 4 THEN 'putStatic ' WHEN 5 THEN 'invokeVirtual ' WHEN 6 THEN 'invokeStatic ' WHEN 7 THEN 'invokeSpecial '
                          WHEN 8 THEN 'newInvokeSpecial ' WHEN 9 THEN 'invokeInterface ' ELSE c.kind || ' ' END ELSE '' END
                || iif(c.tag IN (17, 18), '#' || c.first || ':',
                (SELECT u.name FROM class_utf8_ AS u WHERE u.path = f.path AND u.place = nullif(CAST(CAST(substr(places, digits * a.first + 1, digits) AS TEXT) AS INTEGER), 0)) || '.') ||
                (SELECT u.name FROM class_utf8_ AS u WHERE u.path = f.path AND u.place = nullif(CAST(CAST(substr(places, digits * b.first + 1, digits) AS TEXT) AS INTEGER), 0)) || ':' ||
                (SELECT u.name FROM class_utf8_ AS u WHERE u.path = f.path AND u.place = nullif(CAST(CAST(substr(places, digits * b.second + 1, digits) AS TEXT) AS INTEGER), 0)) END AS value
    FROM class_pool_ AS f CROSS JOIN json_each(f.list) AS e CROSS JOIN class_constant_(f.path, json_extract(e.value, '$[1]')) AS c ON c.rowid = 0
         -- a MethodHandle is one of what it refers to; that has a class, and a name and type
         LEFT JOIN class_constant_(f.path, CASE WHEN c.tag = 15 THEN nullif(CAST(CAST(substr(places, digits * c.first + 1, digits) AS TEXT) AS INTEGER), 0)
           WHEN c.tag IN (9, 10, 11, 17, 18) THEN c.offset END) AS r ON r.rowid = 0
         LEFT JOIN class_constant_(f.path, nullif(CAST(CAST(substr(places, digits * r.first + 1, digits) AS TEXT) AS INTEGER), 0)) AS a ON a.rowid = 0 AND c.tag < 17
         LEFT JOIN class_constant_(f.path, nullif(CAST(CAST(substr(places, digits * r.second + 1, digits) AS TEXT) AS INTEGER), 0)) AS b ON b.rowid = 0;

CREATE TEMP VIEW IF NOT EXISTS class_interface AS
  SELECT path, i.rowid AS number, (SELECT (SELECT u.name FROM class_utf8_ AS u WHERE u.path = f.path AND u.place = nullif(CAST(CAST(substr(places, digits * c.first + 1, digits) AS TEXT) AS INTEGER), 0))
           FROM class_constant_(f.path, nullif(CAST(CAST(substr(places, digits * i.value + 1, digits) AS TEXT) AS INTEGER), 0)) AS c WHERE c.rowid = 0 AND tag = 7) AS name
    FROM class_file_ AS f CROSS JOIN class_u16_(path, iif(whole, interfaces_at, NULL), interfaces_at + 2 * interfaces) AS i WHERE i.error IS NULL;

CREATE TEMP VIEW IF NOT EXISTS class_member AS
  SELECT f.path, iif(json_extract(e.value, '$[0]') = 0, 'field', 'method') AS kind, json_extract(e.value, '$[2]') AS number,
         (SELECT u.name FROM class_utf8_ AS u WHERE u.path = f.path AND u.place = nullif(CAST(CAST(substr(places, digits * s.name + 1, digits) AS TEXT) AS INTEGER), 0)) AS name,
         (SELECT u.name FROM class_utf8_ AS u WHERE u.path = f.path AND u.place = nullif(CAST(CAST(substr(places, digits * s.descriptor + 1, digits) AS TEXT) AS INTEGER), 0)) AS descriptor,
         (SELECT group_concat(g.name, ' ') FROM class_flag_ AS g WHERE g.kind = json_extract(e.value, '$[0]') AND bit & s.access) AS modifiers,
         s.attributes, iif(json_extract(e.value, '$[4]') IS NULL, 'it reaches past the end of the file', NULL) AS error
    FROM class_walk_ AS f CROSS JOIN json_each(f.steps) AS e CROSS JOIN class_step_(f.path, json_extract(e.value, '$[3]')) AS s
   WHERE json_extract(e.value, '$[1]') = 1;

CREATE TEMP VIEW IF NOT EXISTS class_attribute AS
  SELECT f.path, CASE json_extract(e.value, '$[0]') WHEN 0 THEN 'field' WHEN 1 THEN 'method' ELSE 'class' END AS owner,
         nullif(json_extract(e.value, '$[2]'), -1) AS number, (SELECT u.name FROM class_utf8_ AS u WHERE u.path = f.path AND u.place = nullif(CAST(CAST(substr(places, digits * s.access + 1, digits) AS TEXT) AS INTEGER), 0)) AS name,
         s.offset + 6 AS offset, length,
         CASE WHEN length = 2 AND (SELECT u.name FROM class_utf8_ AS u WHERE u.path = f.path AND u.place = nullif(CAST(CAST(substr(places, digits * s.access + 1, digits) AS TEXT) AS INTEGER), 0)) IN ('SourceFile', 'Signature')
              THEN (SELECT (SELECT u.name FROM class_utf8_ AS u WHERE u.path = f.path AND u.place = nullif(CAST(CAST(substr(places, digits * i.value + 1, digits) AS TEXT) AS INTEGER), 0))
                      FROM class_u16_(f.path, s.offset + 6, s.offset + 8) AS i) END AS value,
         iif(json_extract(e.value, '$[4]') <= file_size, NULL, 'it reaches past the end of the file') AS error
    FROM class_walk_ AS f CROSS JOIN json_each(f.steps) AS e CROSS JOIN class_step_(f.path, json_extract(e.value, '$[3]')) AS s
   WHERE json_extract(e.value, '$[1]') = 2;
