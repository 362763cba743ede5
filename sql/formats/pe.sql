-- PE: what programs, libraries and drivers of Windows, and programs of UEFI, are made of, export and need.
--
--     .read sql/formats/pe.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('/usr/x86_64-w64-mingw32/lib/*.dll') WHERE error IS NULL;
--     SELECT path, format, machine, kind, subsystem, built FROM pe_header;
--     SELECT library, count(*) FROM pe_import GROUP BY library ORDER BY 2 DESC LIMIT 9;
--     SELECT path, ordinal, name, forward FROM pe_export WHERE name GLOB 'inflate*' OR forward IS NOT NULL;
--     SELECT path, name, error FROM pe_section WHERE error IS NOT NULL;
--
--     pe_header     a row for each file: PE32 or PE32+, machine, kind, subsystem, entry, base, when it was built
--     pe_section    name, where it is in memory and in the file, its rights
--     pe_directory  the tables that the header names: exports, imports, resources, certificates …, and where they are
--     pe_import     a row for each function of each library: name and hint, or ordinal; also those loaded when first used
--     pe_export     a row for each name of each function, and for those without a name: ordinal, address, forward
--
-- Addresses are relative to the base. `built` is no time where builds are reproducible. Names that are no UTF-8 are Latin-1,
-- and cut at 4,096 bytes; those
-- of sections are Latin-1. Addresses are looked for in the first 96 sections, which is all
-- that Windows loads. Not covered: resources, relocations, symbols and debug data, bound imports, object files.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- A program of DOS, which says where the other one is. What PE32+ has in 8 bytes, and PE32 in 4, is in two columns.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.pe_dos_ USING mmap(*, magic u16be, place u32le at(60), while=(magic = 0x4d5a), count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.pe_head_ USING mmap(*, magic u32be, machine u16le, sections u16le, time u32le, symbols_at u32le,
  symbols u32le, optional_size u16le, flags u16le, sections_at AS (pos + optional_size), width u16le, wide AS (width = 0x20b),
  linker u16be, code_size u32le, data_size u32le, bss_size u32le, entry u32le, code_at u32le, data_at u32le if(NOT wide),
  base4 u32le if(NOT wide), base8 u64le if(wide), base AS (coalesce(base4, base8)), section_align u32le, file_align u32le,
  system blob(12), reserved u32le, image_size u32le, headers_size u32le, checksum u32le, subsystem u16le, features u16le,
  stack blob(iif(wide, 32, 16)), loader u32le, directories u32le, directories_at AS (pos),
  while=(magic = 0x50450000), check=(width IN (0x10b, 0x20b)), count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.pe_directory_ USING mmap(*, address u32le, size u32le, partial=yes);
-- Of a section as many bytes are in the file as it has there, but no more than it has in memory, in whole pages; if it
-- is laid out in pages, it begins at a whole sector.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.pe_section_ USING mmap(*, head u32le at_file(60), section_align u32le at_file(head + 56),
  name latin1(8) at(0), memory u32le, address u32le, bytes u32le, place u32le, relocations u64le, counts u32le, flags u32le,
  mapped AS (iif(memory = 0, bytes, min(bytes, align(memory, 4096)))), raw AS (iif(section_align >= 4096, place & ~511, place)), partial=yes);
-- A library: where its name is, what is wanted of it, and where the addresses of that will be written, alike until then.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.pe_library_ USING mmap(*, wanted u32le, time u32le, forwarder u32le, name u32le, addresses u32le,
  while=(name <> 0 AND addresses <> 0), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.pe_delayed_ USING mmap(*, relative u32le, name u32le, module u32le, addresses u32le, wanted u32le,
  bound u32le, unload u32le, time u32le, while=(name <> 0 AND addresses <> 0), partial=yes);
-- What is wanted: an ordinal, if the first bit is set, or where its hint and its name are.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.pe_wanted_ USING mmap(*, head u32le at_file(60), width u16le at_file(head + 24), low u32le at(0),
  high u32le if(width = 0x20b), by_ordinal AS (coalesce(high, low) >> 31), while=(low <> 0 OR high <> 0), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.pe_hint_ USING mmap(*, hint u16le, count=(1), partial=yes);
-- Functions by their number, from `base` on; names in order, and the numbers of the functions that they name.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.pe_exports_ USING mmap(*, flags u32le, time u32le, version u32le, name u32le, base u32le, functions u32le,
  names u32le, functions_at u32le, names_at u32le, numbers_at u32le, count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.pe_u32_ USING mmap(*, value u32le, partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.pe_u16_ USING mmap(*, value u16le, partial=yes);

-- The text in the bytes first..last - 1, up to a NUL: as UTF-8 or, if it is not all UTF-8, as Latin-1.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.pe_string_ USING mmap(*, utf8 text(min(stop - start, 4096)),
  latin1 latin1(min(stop - start, 4096)) at(0), count=(1), partial=yes);
CREATE TEMP VIEW IF NOT EXISTS pe_text_ AS
  SELECT t.file AS path, t.start AS first, t.stop AS last,
         CASE WHEN utf8 NOT GLOB '*[^' || char(1) || '-~]*' OR mmap_search(t.file,
                '(?x) \G (?: [\x01-\x7f] | [\xc2-\xdf] [\x80-\xbf] | \xe0 [\xa0-\xbf] [\x80-\xbf]
                      | [\xe1-\xec\xee\xef] [\x80-\xbf]{2} | \xed [\x80-\x9f] [\x80-\xbf] | \xf0 [\x90-\xbf] [\x80-\xbf]{2}
                      | [\xf1-\xf3] [\x80-\xbf]{3} | \xf4 [\x80-\x8f] [\x80-\xbf]{2} )*+ (?: \x00 | \z )',
                t.start, min(t.stop, t.start + 4096)) >= 0 THEN utf8 ELSE latin1 END AS text
    FROM pe_string_ AS t WHERE t.error IS NULL;

-- What numbers stand for.
CREATE TEMP VIEW IF NOT EXISTS pe_name_ AS
  SELECT 'machine' AS kind, column1 AS number, column2 AS name FROM (VALUES (0x14c, 'x86'), (0x8664, 'x86-64'), (0x1c0, 'ARM'), (0x1c2, 'Thumb'),
    (0x1c4, 'ARM Thumb-2'), (0xaa64, 'arm64'), (0xa641, 'arm64EC'), (0xa64e, 'arm64X'), (0x200, 'IA-64'), (0xebc, 'EFI byte code'),
    (0x166, 'MIPS'), (0x1f0, 'PowerPC'), (0x5032, 'RISC-V 32'), (0x5064, 'RISC-V 64'), (0x6232, 'LoongArch 32'), (0x6264, 'LoongArch 64')) UNION ALL
  SELECT 'subsystem' AS kind, column1 AS number, column2 AS name FROM (VALUES (0, 'unknown'), (1, 'native'), (2, 'GUI'), (3, 'console'), (5, 'OS/2'),
    (7, 'POSIX'), (9, 'CE'), (10, 'EFI application'), (11, 'EFI boot driver'), (12, 'EFI runtime driver'), (13, 'EFI ROM'), (14, 'Xbox'),
    (16, 'boot application')) UNION ALL
  SELECT 'directory' AS kind, column1 AS number, column2 AS name FROM (VALUES (0, 'exports'), (1, 'imports'), (2, 'resources'), (3, 'exceptions'),
    (4, 'certificates'), (5, 'relocations'), (6, 'debug'), (7, 'architecture'), (8, 'global pointer'), (9, 'thread storage'), (10, 'load config'),
    (11, 'bound imports'), (12, 'import addresses'), (13, 'delayed imports'), (14, 'CLR'), (15, 'reserved'));

-- Names that end in _ are steps on the way; DISTINCT makes SQLite compute each column once.
CREATE TEMP VIEW IF NOT EXISTS pe_file_ AS
  SELECT DISTINCT path, mmap_length(path) AS file_size, base, headers_size, sections_at, sections, sections_at + 40 * min(sections, 96) AS sections_end,
         iif(symbols_at, symbols_at + 18 * symbols, NULL) AS strings_at, directories_at, directories_at + 8 * min(directories, 16) AS directories_end
    FROM target CROSS JOIN pe_dos_(path) AS d CROSS JOIN pe_head_(path, d.place) AS h WHERE h.directories IS NOT NULL AND h.error IS NULL;

CREATE TEMP VIEW IF NOT EXISTS pe_header AS
  SELECT path, CASE width WHEN 0x10b THEN 'PE32' WHEN 0x20b THEN 'PE32+' END AS format,
         coalesce((SELECT name FROM pe_name_ WHERE kind = 'machine' AND number = machine), printf('0x%x', machine)) AS machine,
         CASE WHEN flags & 0x2000 THEN 'library' WHEN flags & 0x1000 OR subsystem = 1 THEN 'driver' ELSE 'program' END AS kind,
         coalesce((SELECT name FROM pe_name_ WHERE kind = 'subsystem' AND number = subsystem), subsystem) AS subsystem,
         time AS timestamp, datetime(time, 'unixepoch') AS built, entry, base, sections, image_size, checksum, flags, features,
         CASE WHEN width NOT IN (0x10b, 0x20b) THEN 'its optional header is of a kind not read here'
              WHEN h.error IS NOT NULL THEN 'its headers reach past the end of the file'
              WHEN sections_at + 40 * sections > mmap_length(path) THEN 'its sections'' headers reach past the end of the file' END AS error
    FROM target CROSS JOIN pe_dos_(path) AS d CROSS JOIN pe_head_(path, d.place) AS h WHERE h.magic IS NOT NULL;

-- A name of more than 8 bytes is in the table of strings behind the symbols, at /N.
CREATE TEMP VIEW IF NOT EXISTS pe_section AS
  SELECT path, s.rowid AS number,
         coalesce(iif(name GLOB '/[0-9]*', (SELECT text FROM pe_text_ AS x WHERE x.path = f.path
           AND first = strings_at + CAST(substr(name, 2) AS INTEGER) AND last = file_size), NULL), name) AS name,
         s.address, memory AS size, place AS offset, bytes AS file_size,
         iif(flags & 0x40000000, 'r', '-') || iif(flags & 0x80000000, 'w', '-') || iif(flags & 0x20000000, 'x', '-') AS rights, flags,
         CASE WHEN s.error IS NOT NULL THEN 'its header reaches past the end of the file'
              WHEN bytes > 0 AND place + bytes > f.file_size THEN 'it reaches past the end of the file' END AS error
    FROM pe_file_ AS f CROSS JOIN pe_section_(path, sections_at, sections_at + 40 * sections) AS s WHERE name IS NOT NULL;

-- The certificates are not in memory: theirs is a place in the file.
CREATE TEMP VIEW IF NOT EXISTS pe_place_ AS
  SELECT DISTINCT p.*, d.rowid AS number, d.address, d.size,
         iif(d.rowid = 4, d.address, coalesce((SELECT s.raw + d.address - s.address FROM pe_section_(p.path, sections_at, sections_end) AS s
                   WHERE d.address >= s.address AND d.address < s.address + mapped LIMIT 1),
                  iif(d.address < headers_size, d.address, NULL))) AS place
    FROM pe_file_ AS p CROSS JOIN pe_directory_(path, directories_at, directories_end) AS d WHERE d.address <> 0 AND d.size IS NOT NULL;

CREATE TEMP VIEW IF NOT EXISTS pe_directory AS
  SELECT path, number, (SELECT name FROM pe_name_ AS n WHERE kind = 'directory' AND n.number = p.number) AS name, address, size, place AS offset,
         CASE WHEN place IS NULL THEN 'it is in no section' WHEN place + size > file_size THEN 'it reaches past the end of the file' END AS error
    FROM pe_place_ AS p;

CREATE TEMP VIEW IF NOT EXISTS pe_import_ AS
  SELECT DISTINCT p.*, 0 AS delayed, l.rowid AS library, l.name AS name, iif(wanted, wanted, addresses) AS wanted
    FROM pe_place_ AS p CROSS JOIN pe_library_(path, place) AS l WHERE number = 1
  UNION ALL -- in old programs with addresses that are not relative
  SELECT DISTINCT p.*, 1, l.rowid, l.name - iif(relative & 1, 0, base), iif(wanted, wanted, addresses) - iif(relative & 1, 0, base)
    FROM pe_place_ AS p CROSS JOIN pe_delayed_(path, place) AS l WHERE number = 13;
CREATE TEMP VIEW IF NOT EXISTS pe_import_at_ AS
  SELECT DISTINCT p.*, coalesce((SELECT s.raw + p.name - s.address FROM pe_section_(p.path, sections_at, sections_end) AS s
                   WHERE p.name >= s.address AND p.name < s.address + mapped LIMIT 1),
                  iif(p.name < headers_size, p.name, NULL)) AS name_at,
         coalesce((SELECT s.raw + p.wanted - s.address FROM pe_section_(p.path, sections_at, sections_end) AS s
                   WHERE p.wanted >= s.address AND p.wanted < s.address + mapped LIMIT 1),
                  iif(p.wanted < headers_size, p.wanted, NULL)) AS list_at
    FROM pe_import_ AS p;
-- A list ends with 0, or where the next one begins: a damaged file may have many that overlap.
CREATE TEMP VIEW IF NOT EXISTS pe_list_ AS
  SELECT p.*, coalesce(lead(list_at) OVER (PARTITION BY path ORDER BY list_at), file_size) AS list_end FROM pe_import_at_ AS p;

CREATE TEMP VIEW IF NOT EXISTS pe_import AS
  SELECT path, delayed, (SELECT text FROM pe_text_ AS x WHERE x.path = p.path AND first = name_at AND last = file_size) AS library,
         w.rowid AS number, iif(by_ordinal, NULL, hint) AS hint, iif(by_ordinal, low & 0xffff, NULL) AS ordinal,
         CASE WHEN NOT by_ordinal AND hint IS NOT NULL
              THEN (SELECT text FROM pe_text_ AS x WHERE x.path = p.path AND first = h.offset + 2 AND last = file_size) END AS name,
         CASE WHEN name IS NULL THEN 'its libraries reach past the end of the file'
              WHEN name_at IS NULL THEN 'the name of the library is in no section'
              WHEN list_at IS NULL OR list_at > file_size THEN 'the functions of the library are in no section'
              WHEN w.error IS NOT NULL THEN 'the functions of the library reach past the end of the file, or into those of another'
              WHEN NOT by_ordinal AND hint IS NULL THEN 'the name of the function is in no section' END AS error
    FROM pe_list_ AS p LEFT JOIN pe_wanted_(path, list_at, list_end) AS w
         LEFT JOIN pe_hint_(path, iif(by_ordinal = 0, coalesce((SELECT s.raw + w.low - s.address FROM pe_section_(p.path, sections_at, sections_end) AS s
                   WHERE w.low >= s.address AND w.low < s.address + mapped LIMIT 1),
                  iif(w.low < headers_size, w.low, NULL)), NULL)) AS h
   ORDER BY path, delayed, p.library, w.rowid;

CREATE TEMP VIEW IF NOT EXISTS pe_export_at_ AS
  SELECT DISTINCT p.*, e.base AS first_ordinal, min(functions, 65536) AS functions, min(names, 65536) AS names,
         coalesce((SELECT s.raw + e.functions_at - s.address FROM pe_section_(p.path, sections_at, sections_end) AS s
                   WHERE e.functions_at >= s.address AND e.functions_at < s.address + mapped LIMIT 1),
                  iif(e.functions_at < headers_size, e.functions_at, NULL)) AS functions_at,
         coalesce((SELECT s.raw + e.names_at - s.address FROM pe_section_(p.path, sections_at, sections_end) AS s
                   WHERE e.names_at >= s.address AND e.names_at < s.address + mapped LIMIT 1),
                  iif(e.names_at < headers_size, e.names_at, NULL)) AS names_at,
         coalesce((SELECT s.raw + e.numbers_at - s.address FROM pe_section_(p.path, sections_at, sections_end) AS s
                   WHERE e.numbers_at >= s.address AND e.numbers_at < s.address + mapped LIMIT 1),
                  iif(e.numbers_at < headers_size, e.numbers_at, NULL)) AS numbers_at
    FROM pe_place_ AS p CROSS JOIN pe_exports_(path, place) AS e WHERE number = 0 AND e.error IS NULL;
CREATE TEMP VIEW IF NOT EXISTS pe_export_name_ AS
  SELECT p.*, o.value AS function, n.rowid AS name_number, n.value AS name
    FROM pe_export_at_ AS p CROSS JOIN pe_u32_(path, names_at, names_at + 4 * names) AS n
         LEFT JOIN pe_u16_(path, numbers_at, numbers_at + 2 * names) AS o ON o.rowid = n.rowid WHERE n.value IS NOT NULL
  UNION ALL
  SELECT p.*, f.rowid, NULL, NULL FROM pe_export_at_ AS p CROSS JOIN pe_u32_(path, functions_at, functions_at + 4 * functions) AS f WHERE f.value <> 0;
CREATE TEMP VIEW IF NOT EXISTS pe_export_all_ AS
  SELECT p.*, count(name_number) OVER (PARTITION BY path, function) AS named FROM pe_export_name_ AS p;

-- An address in the table of exports is none: the function is one of another library, whose name stands there.
CREATE TEMP VIEW IF NOT EXISTS pe_export AS
  SELECT path, first_ordinal + function AS ordinal,
         (SELECT text FROM pe_text_ AS x WHERE x.path = p.path AND last = file_size AND first
           = coalesce((SELECT s.raw + p.name - s.address FROM pe_section_(p.path, sections_at, sections_end) AS s
                   WHERE p.name >= s.address AND p.name < s.address + mapped LIMIT 1),
                  iif(p.name < headers_size, p.name, NULL))) AS name,
         iif(f.value >= p.address AND f.value < p.address + p.size, NULL, f.value) AS address,
         CASE WHEN f.value >= p.address AND f.value < p.address + p.size
              THEN (SELECT text FROM pe_text_ AS x WHERE x.path = p.path AND last = file_size AND first
                = coalesce((SELECT s.raw + f.value - s.address FROM pe_section_(p.path, sections_at, sections_end) AS s
                   WHERE f.value >= s.address AND f.value < s.address + mapped LIMIT 1),
                  iif(f.value < headers_size, f.value, NULL))) END AS forward,
         CASE WHEN f.value IS NULL THEN 'there is no such function' END AS error
    FROM pe_export_all_ AS p LEFT JOIN pe_u32_(path, functions_at, functions_at + 4 * functions) AS f ON f.rowid = function
   WHERE name_number IS NOT NULL OR NOT named ORDER BY path, function, name_number;
