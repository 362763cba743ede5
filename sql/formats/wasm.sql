-- WebAssembly: what sections a module has, what it imports and what it exports.
--
--     .read sql/formats/wasm.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('**/*.wasm') WHERE error IS NULL;
--     SELECT path, type, name, offset, length, error FROM wasm_section ORDER BY length DESC LIMIT 9;
--     SELECT path, module, name, kind FROM wasm_import;
--     SELECT path, name, kind, number FROM wasm_export;
--
--     wasm_section  type, where its bytes are; of a custom section its name
--     wasm_import   from which module, what, and of which kind
--     wasm_export   name, kind, and the number of what is exported among those of its kind
--
-- Modules of version 1. Names are UTF-8; U+FFFD stands for all of one that is none, or has a NUL in it. Lists end at
-- their first entry that is none. Not covered: types, code, what custom sections say, components.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

CREATE VIRTUAL TABLE IF NOT EXISTS temp.wasm_section_ USING mmap(*, offset=8, magic u64be at_file(0), id u8 at(0), length uleb128,
  data blob(length), while=(magic = 0x0061736d01000000), check=(id < 14), partial=yes);
-- A name; and how many entries a list has, before the first one.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.wasm_name_ USING mmap(*, bytes uleb128, name text(bytes), count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.wasm_list_ USING mmap(*, entries uleb128, count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.wasm_export_ USING mmap(*, bytes uleb128, name text(bytes), kind u8, number uleb128,
  check=(kind < 5), partial=yes);
-- What follows an import's kind: of a function and a tag a type, of a table and a memory how large it may be, of a global its type.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.wasm_import_ USING mmap(*, module_bytes uleb128, module text(module_bytes),
  bytes uleb128, name text(bytes), kind u8, element u8 if(kind = 1), tag u8 if(kind = 4), type uleb128 if(kind = 0 OR kind = 4),
  flags u8 if(kind = 1 OR kind = 2), least uleb128 if(kind = 1 OR kind = 2), most uleb128 if((kind = 1 OR kind = 2) AND flags & 1),
  global u8 if(kind = 3), mutable u8 if(kind = 3), check=(kind < 5), partial=yes);

CREATE TEMP VIEW IF NOT EXISTS wasm_kind_ AS
  SELECT column1 AS kind, column2 AS name
    FROM (VALUES (0, 'function'), (1, 'table'), (2, 'memory'), (3, 'global'), (4, 'tag'));

-- The name whose length stands at first, and where it ends; it is cut by last.
CREATE TEMP VIEW IF NOT EXISTS wasm_utf8_ AS
  SELECT t.file AS path, t.start AS first, t.stop AS last, t.next AS behind, iif(mmap_search(t.file,
           '(?x) \G (?: [\x01-\x7f] | [\xc2-\xdf] [\x80-\xbf] | \xe0 [\xa0-\xbf] [\x80-\xbf]
                 | [\xe1-\xec\xee\xef] [\x80-\xbf]{2} | \xed [\x80-\x9f] [\x80-\xbf] | \xf0 [\x90-\xbf] [\x80-\xbf]{2}
                 | [\xf1-\xf3] [\x80-\xbf]{3} | \xf4 [\x80-\x8f] [\x80-\xbf]{2} )*+ \z', t.next - bytes, t.next) >= 0,
         name, char(0xfffd)) AS text
    FROM wasm_name_ AS t WHERE t.error IS NULL;

CREATE TEMP VIEW IF NOT EXISTS wasm_section AS
  SELECT path, s.rowid AS number,
         CASE id WHEN 0 THEN 'custom' WHEN 1 THEN 'type' WHEN 2 THEN 'import' WHEN 3 THEN 'function' WHEN 4 THEN 'table'
                 WHEN 5 THEN 'memory' WHEN 6 THEN 'global' WHEN 7 THEN 'export' WHEN 8 THEN 'start' WHEN 9 THEN 'element'
                 WHEN 10 THEN 'code' WHEN 11 THEN 'data' WHEN 12 THEN 'data count' WHEN 13 THEN 'tag' ELSE id END AS type,
         CASE WHEN id = 0 AND s.error IS NULL
              THEN (SELECT text FROM wasm_utf8_ AS n WHERE n.path = t.path AND first = s.next - length AND last = s.next) END AS name,
         CASE WHEN s.error IS NULL OR id > 13 THEN s.next - length END AS offset, length,
         CASE WHEN id > 13 THEN 'it is no section' WHEN s.error IS NOT NULL THEN 'it reaches past the end of the file' END AS error
    FROM target AS t CROSS JOIN wasm_section_(path) AS s WHERE id IS NOT NULL;

CREATE TEMP VIEW IF NOT EXISTS wasm_import AS
  SELECT t.path, i.rowid AS number, m.text AS module, n.text AS name, k.name AS kind
    FROM target AS t CROSS JOIN wasm_section_(t.path) AS s CROSS JOIN wasm_list_(t.path, s.next - s.length, s.next) AS l
         CROSS JOIN wasm_import_(t.path, l.next, s.next) AS i
         CROSS JOIN wasm_utf8_ AS m ON m.path = t.path AND m.first = i.offset AND m.last = s.next
         CROSS JOIN wasm_utf8_ AS n ON n.path = t.path AND n.first = m.behind AND n.last = s.next
         CROSS JOIN wasm_kind_ AS k ON k.kind = i.kind
   WHERE s.id = 2 AND s.error IS NULL AND i.rowid < entries AND i.error IS NULL;

CREATE TEMP VIEW IF NOT EXISTS wasm_export AS
  SELECT t.path, n.text AS name, k.name AS kind, e.number
    FROM target AS t CROSS JOIN wasm_section_(t.path) AS s CROSS JOIN wasm_list_(t.path, s.next - s.length, s.next) AS l
         CROSS JOIN wasm_export_(t.path, l.next, s.next) AS e
         CROSS JOIN wasm_utf8_ AS n ON n.path = t.path AND n.first = e.offset AND n.last = s.next
         CROSS JOIN wasm_kind_ AS k ON k.kind = e.kind
   WHERE s.id = 7 AND s.error IS NULL AND e.rowid < entries AND e.error IS NULL;
