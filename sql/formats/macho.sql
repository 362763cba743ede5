-- Mach-O: what programs, libraries and object files of macOS and iOS are made of, need and define.
--
--     .read sql/formats/macho.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('**/*.dylib') WHERE error IS NULL;
--     SELECT path, arch, machine, type, bits, error FROM macho_header;
--     SELECT name, count(*) FROM macho_library WHERE kind <> 'id' GROUP BY name ORDER BY 2 DESC LIMIT 9;
--     SELECT path, value FROM macho_command WHERE command = 'RPATH';
--     SELECT path, name, value FROM macho_symbol WHERE name GLOB '_main*' AND type = 'section';
--
--     macho_header   a row for each architecture in a file, one or, in universal files, several
--     macho_command  load commands: what, where, and of those with a name, a path or a UUID, that
--     macho_segment  what is loaded, where to and with which rights
--     macho_section  numbered from 1 in each architecture, as symbols name them
--     macho_library  what is linked: kind, path, versions; numbered from 1 as symbols name them; `id` is the library itself
--     macho_symbol   name, type, section, value, and of what is not defined here the library
--
-- 32 and 64 bit, little and big endian. All offsets are those of the file. Names that are no UTF-8 are Latin-1, and cut at
-- 4,096 bytes; those of segments and sections are Latin-1. Not covered: relocations, exports and fixups that are compressed,
-- signatures; archives in universal files (ar.sql reads them when cut out).

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- A universal file: for each architecture where it is, in 4 or 8 bytes. Class files of Java begin alike, but have a version of
-- 45 or more where the number is.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.macho_arch_ USING mmap(*, offset=8, mark u32be at_file(0), count u32be, wide AS (mark = 0xcafebabf),
  machine u32be at(0), subtype u32be, place4 u32be if(NOT wide), place8 u64be if(wide), place AS (coalesce(place4, place8)),
  size4 u32be if(NOT wide), size8 u64be if(wide), size AS (coalesce(size4, size8)), align u32be, reserved u32be if(wide),
  while=(mark IN (0xcafebabe, 0xcafebabf) AND count BETWEEN 1 AND 44 AND rowid < count), partial=yes);
-- The magic says how wide addresses are; in which order bytes stand has to be known to read it, and is handed down.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.macho_head_ USING mmap(*, magic u32, machine u32, subtype u32, type u32, commands u32,
  commands_size u32, flags u32, reserved u32 if(magic = 0xfeedfacf), while=(magic IN (0xfeedface, 0xfeedfacf)), count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.macho_command_ USING mmap(*, command u32, length u32, place u32 if(length >= 12), body blob(length - 8) at(8),
  partial=yes);
-- LC_SEGMENT (1) and LC_SEGMENT_64 (0x19), and the sections behind them.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.macho_segment_ USING mmap(*, command u32, length u32, wide AS (command = 0x19), name latin1(16),
  address4 u32 if(NOT wide), address8 u64 if(wide), address AS (coalesce(address4, address8)),
  memory4 u32 if(NOT wide), memory8 u64 if(wide), memory AS (coalesce(memory4, memory8)),
  place4 u32 if(NOT wide), place8 u64 if(wide), place AS (coalesce(place4, place8)),
  size4 u32 if(NOT wide), size8 u64 if(wide), size AS (coalesce(size4, size8)),
  most u32, rights u32, sections u32, flags u32, while=(command IN (1, 0x19)), count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.macho_section4_ USING mmap(*, name latin1(16), segment latin1(16), address u32, size u32, place u32,
  align u32, relocations_at u32, relocations u32, flags u32, reserved1 u32, reserved2 u32, partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.macho_section8_ USING mmap(*, name latin1(16), segment latin1(16), address u64, size u64, place u32,
  align u32, relocations_at u32, relocations u32, flags u32, reserved1 u32, reserved2 u32, reserved3 u32, partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.macho_library_ USING mmap(*, command u32, length u32, name u32, time u32, current u32, compatible u32,
  count=(1), partial=yes);
-- LC_SYMTAB (2), and symbols; `type` is what bits 1 to 3 say, unless one of the first three is set: then all are of a debugger.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.macho_symtab_ USING mmap(*, command u32, length u32, place u32, symbols u32, strings u32, strings_size u32,
  while=(command = 2), count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.macho_symbol4_ USING mmap(*, name u32, kind u8, debug b3 at(4), private b1, type b3, external b1,
  section u8, about u16, value u32, partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.macho_symbol8_ USING mmap(*, name u32, kind u8, debug b3 at(4), private b1, type b3, external b1,
  section u8, about u16, value u64, partial=yes);

-- The text in the bytes first..last - 1, up to a NUL: as UTF-8 or, if it is not all UTF-8, as Latin-1.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.macho_string_ USING mmap(*, utf8 text(min(stop - start, 4096)),
  latin1 latin1(min(stop - start, 4096)) at(0), count=(1), partial=yes);
CREATE TEMP VIEW IF NOT EXISTS macho_text_ AS
  SELECT t.file AS path, t.start AS first, t.stop AS last,
         CASE WHEN utf8 NOT GLOB '*[^' || char(1) || '-~]*' OR mmap_search(t.file,
                '(?x) \G (?: [\x01-\x7f] | [\xc2-\xdf] [\x80-\xbf] | \xe0 [\xa0-\xbf] [\x80-\xbf]
                      | [\xe1-\xec\xee\xef] [\x80-\xbf]{2} | \xed [\x80-\x9f] [\x80-\xbf] | \xf0 [\x90-\xbf] [\x80-\xbf]{2}
                      | [\xf1-\xf3] [\x80-\xbf]{3} | \xf4 [\x80-\x8f] [\x80-\xbf]{2} )*+ (?: \x00 | \z )',
                t.start, min(t.stop, t.start + 4096)) >= 0 THEN utf8 ELSE latin1 END AS text
    FROM macho_string_ AS t WHERE t.error IS NULL;

-- What numbers stand for. Commands with the highest bit set must be understood to run a program.
CREATE TEMP VIEW IF NOT EXISTS macho_name_ AS
  SELECT 'machine' AS kind, column1 AS number, column2 AS name FROM (VALUES (1, 'VAX'), (6, '68000'), (7, 'x86'), (0x1000007, 'x86-64'),
    (12, 'ARM'), (0x100000c, 'arm64'), (0x200000c, 'arm64_32'), (14, 'SPARC'), (18, 'PowerPC'), (0x1000012, 'PowerPC64')) UNION ALL
  SELECT 'type' AS kind, column1 AS number, column2 AS name FROM (VALUES (1, 'object'), (2, 'program'), (3, 'fixed library'), (4, 'core'),
    (5, 'preload'), (6, 'library'), (7, 'linker'), (8, 'bundle'), (9, 'stub'), (10, 'symbols'), (11, 'kernel extension'), (12, 'file set')) UNION ALL
  SELECT 'command' AS kind, column1 AS number, column2 AS name FROM (VALUES (1, 'SEGMENT'), (2, 'SYMTAB'), (3, 'SYMSEG'), (4, 'THREAD'),
    (5, 'UNIXTHREAD'), (6, 'LOADFVMLIB'), (7, 'IDFVMLIB'), (8, 'IDENT'), (9, 'FVMFILE'), (10, 'PREPAGE'), (11, 'DYSYMTAB'), (12, 'LOAD_DYLIB'),
    (13, 'ID_DYLIB'), (14, 'LOAD_DYLINKER'), (15, 'ID_DYLINKER'), (16, 'PREBOUND_DYLIB'), (17, 'ROUTINES'), (18, 'SUB_FRAMEWORK'),
    (19, 'SUB_UMBRELLA'), (20, 'SUB_CLIENT'), (21, 'SUB_LIBRARY'), (22, 'TWOLEVEL_HINTS'), (23, 'PREBIND_CKSUM'), (0x80000018, 'LOAD_WEAK_DYLIB'),
    (0x19, 'SEGMENT_64'), (0x1a, 'ROUTINES_64'), (0x1b, 'UUID'), (0x8000001c, 'RPATH'), (0x1d, 'CODE_SIGNATURE'), (0x1e, 'SEGMENT_SPLIT_INFO'),
    (0x8000001f, 'REEXPORT_DYLIB'), (0x20, 'LAZY_LOAD_DYLIB'), (0x21, 'ENCRYPTION_INFO'), (0x22, 'DYLD_INFO'), (0x80000022, 'DYLD_INFO_ONLY'),
    (0x80000023, 'LOAD_UPWARD_DYLIB'), (0x24, 'VERSION_MIN_MACOSX'), (0x25, 'VERSION_MIN_IPHONEOS'), (0x26, 'FUNCTION_STARTS'),
    (0x27, 'DYLD_ENVIRONMENT'), (0x80000028, 'MAIN'), (0x29, 'DATA_IN_CODE'), (0x2a, 'SOURCE_VERSION'), (0x2b, 'DYLIB_CODE_SIGN_DRS'),
    (0x2c, 'ENCRYPTION_INFO_64'), (0x2d, 'LINKER_OPTION'), (0x2e, 'LINKER_OPTIMIZATION_HINT'), (0x2f, 'VERSION_MIN_TVOS'),
    (0x30, 'VERSION_MIN_WATCHOS'), (0x31, 'NOTE'), (0x32, 'BUILD_VERSION'), (0x80000033, 'DYLD_EXPORTS_TRIE'),
    (0x80000034, 'DYLD_CHAINED_FIXUPS'), (0x80000035, 'FILESET_ENTRY'));

-- Names that end in _ are steps on the way; DISTINCT makes SQLite compute each column once. A file of one architecture is all of it.
CREATE TEMP VIEW IF NOT EXISTS macho_slice_ AS
  SELECT DISTINCT path, mmap_length(path) AS file_size, a.rowid AS arch, a.machine AS said, place AS at, a.error IS NOT NULL AS cut,
         iif(a.size BETWEEN 0 AND mmap_length(path) - place, place + a.size, mmap_length(path)) AS until,
         iif(a.size BETWEEN 0 AND mmap_length(path) - place, NULL, 'it reaches past the end of the file') AS wrong
    FROM target CROSS JOIN macho_arch_(path) AS a WHERE mark IS NOT NULL
  UNION ALL
  SELECT DISTINCT path, mmap_length(path), 0, NULL, 0, 0, mmap_length(path), NULL
    FROM (SELECT DISTINCT path, mmap_slice(path, 0, 4) AS mark FROM target) WHERE mark IN (x'feedface', x'feedfacf', x'cefaedfe', x'cffaedfe');
CREATE TEMP VIEW IF NOT EXISTS macho_file_ AS
  SELECT DISTINCT s.*, iif(mmap_slice(path, at, at + 1) = x'fe', 'be', 'le') AS ord,
         mmap_slice(path, at, at + 4) IN (x'feedface', x'feedfacf', x'cefaedfe', x'cffaedfe') AS is_one
    FROM macho_slice_ AS s WHERE at BETWEEN 0 AND until;
CREATE TEMP VIEW IF NOT EXISTS macho_part_ AS
  SELECT DISTINCT f.*, h.magic = 0xfeedfacf AS wide, h.flags & 0x80 AS by_library, commands, h.next AS commands_at, min(until, h.next + commands_size) AS commands_end
    FROM macho_file_ AS f CROSS JOIN macho_head_(path, at, until, ord) AS h WHERE is_one AND h.error IS NULL;

CREATE TEMP VIEW IF NOT EXISTS macho_header AS
  SELECT path, arch, at AS offset, until - at AS size,
         coalesce((SELECT name FROM macho_name_ WHERE kind = 'machine' AND number = coalesce(machine, said)), coalesce(machine, said)) AS machine,
         subtype & 0xffffff AS subtype, iif(h.magic = 0xfeedfacf, 64, 32) AS bits, ord AS endian,
         coalesce((SELECT name FROM macho_name_ WHERE kind = 'type' AND number = type), type) AS type, commands, flags,
         CASE WHEN wrong IS NOT NULL THEN wrong WHEN NOT is_one THEN 'it is no Mach-O file'
              WHEN h.error IS NOT NULL THEN 'its header reaches past its end'
              WHEN commands_size > until - h.next THEN 'its load commands reach past its end' END AS error
    FROM macho_file_ AS f LEFT JOIN macho_head_(path, at, until, ord) AS h
  UNION ALL
  SELECT path, arch, at, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, coalesce(wrong, 'it reaches past the end of the file')
    FROM macho_slice_ WHERE (at BETWEEN 0 AND until) IS NOT 1;

CREATE TEMP VIEW IF NOT EXISTS macho_all_ AS
  SELECT DISTINCT p.*, c.rowid AS number, c.command, c.offset AS begin, c.next AS behind, c.length, c.place, c.error IS NOT NULL AS bad
    FROM macho_part_ AS p CROSS JOIN macho_command_(path, commands_at, commands_end, ord) AS c WHERE c.rowid < commands AND c.command IS NOT NULL;
CREATE TEMP VIEW IF NOT EXISTS macho_command AS
  SELECT path, arch, number, coalesce((SELECT name FROM macho_name_ WHERE kind = 'command' AND number = command), printf('0x%x', command)) AS command,
         begin AS offset, length,
         CASE WHEN bad THEN NULL WHEN command = 0x1b AND length >= 24 THEN mmap_get(path, begin + 8, 'uuid')
              WHEN place BETWEEN 12 AND length AND command IN (6, 7, 12, 13, 14, 15, 16, 18, 19, 20, 21, 0x80000018, 0x8000001c, 0x8000001f, 0x20,
                                                               0x80000023, 0x27)
              THEN (SELECT text FROM macho_text_ AS x WHERE x.path = c.path AND first = begin + place AND last = behind) END AS value,
         CASE WHEN bad AND length < 8 THEN 'it has ' || length || ' bytes, fewer than a command has' WHEN bad THEN 'it reaches past the end of the commands'
              WHEN command IN (2, 0x1b) AND length < 24 THEN 'it has ' || length || ' bytes, fewer than such a command has'
              WHEN command IN (12, 13, 14, 15, 0x80000018, 0x8000001c, 0x8000001f, 0x20, 0x80000023) AND place NOT BETWEEN 12 AND length - 1
              THEN 'its text is not in it'
              WHEN command = 2 AND mmap_get(path, begin + 8, 'u32' || ord) + mmap_get(path, begin + 12, 'u32' || ord) * iif(wide, 16, 12) > until - at
              THEN 'its symbols reach past the end of the file'
              WHEN command = 2 AND mmap_get(path, begin + 16, 'u32' || ord) + mmap_get(path, begin + 20, 'u32' || ord) > until - at
              THEN 'the names of its symbols reach past the end of the file' END AS error
    FROM macho_all_ AS c;

CREATE TEMP VIEW IF NOT EXISTS macho_segment_at_ AS
  SELECT DISTINCT c.path, arch, at, c.until, ord, number, s.wide AS wide, behind, s.next AS sections_at, name, address, memory, s.place AS place, s.size AS size,
         most, rights, sections, flags
    FROM macho_all_ AS c CROSS JOIN macho_segment_(path, begin, behind, ord) AS s WHERE c.command IN (1, 0x19) AND NOT bad AND s.error IS NULL;
CREATE TEMP VIEW IF NOT EXISTS macho_segment AS
  SELECT path, arch, number, name, address, memory AS memory_size, at + place AS offset, size,
         iif(rights & 1, 'r', '-') || iif(rights & 2, 'w', '-') || iif(rights & 4, 'x', '-') AS rights,
         iif(most & 1, 'r', '-') || iif(most & 2, 'w', '-') || iif(most & 4, 'x', '-') AS most_rights, sections, flags,
         CASE WHEN place NOT BETWEEN 0 AND until - at OR size NOT BETWEEN 0 AND until - at - place THEN 'it reaches past the end of the file'
              WHEN sections > (behind - sections_at) / iif(wide, 80, 68) THEN 'its sections reach past the end of the command' END AS error
    FROM macho_segment_at_;

CREATE TEMP VIEW IF NOT EXISTS macho_section_ AS
  SELECT g.*, s.rowid AS within, s.name AS section, s.segment, s.address AS at4, s.size AS size4, s.place AS place4, s.align, s.flags AS flags4, relocations
    FROM macho_segment_at_ AS g CROSS JOIN macho_section4_(path, iif(wide, NULL, sections_at), behind, ord) AS s WHERE s.rowid < sections AND s.error IS NULL
  UNION ALL
  SELECT g.*, s.rowid, s.name, s.segment, s.address, s.size, s.place, s.align, s.flags, relocations
    FROM macho_segment_at_ AS g CROSS JOIN macho_section8_(path, iif(wide, sections_at, NULL), behind, ord) AS s WHERE s.rowid < sections AND s.error IS NULL;
-- Types 1, 12 and 18 have no bytes in the file: they begin as zeros.
CREATE TEMP VIEW IF NOT EXISTS macho_section AS
  SELECT path, arch, row_number() OVER (PARTITION BY path, arch ORDER BY number, within) AS number, segment, section AS name, at4 AS address,
         size4 AS size, iif(flags4 & 255 IN (1, 12, 18), NULL, at + place4) AS offset, 1 << min(align, 62) AS align, relocations, flags4 & 255 AS type,
         flags4 & ~255 AS flags,
         iif((flags4 & 255) NOT IN (1, 12, 18) AND (place4 > until - at OR size4 NOT BETWEEN 0 AND until - at - place4),
             'it reaches past the end of the file', NULL) AS error
    FROM macho_section_ AS s;

CREATE TEMP VIEW IF NOT EXISTS macho_library AS
  SELECT c.path, arch, iif(c.command = 13, NULL, count(*) FILTER (WHERE c.command <> 13) OVER (PARTITION BY c.path, arch ORDER BY number)) AS number,
         CASE c.command WHEN 12 THEN 'load' WHEN 13 THEN 'id' WHEN 0x80000018 THEN 'weak' WHEN 0x8000001f THEN 'reexport' WHEN 0x20 THEN 'lazy'
                        ELSE 'upward' END AS kind,
         (SELECT text FROM macho_text_ AS x WHERE x.path = c.path AND first = begin + place AND last = behind) AS name,
         printf('%d.%d.%d', current >> 16, current >> 8 & 255, current & 255) AS current,
         printf('%d.%d.%d', compatible >> 16, compatible >> 8 & 255, compatible & 255) AS compatible
    FROM macho_all_ AS c CROSS JOIN macho_library_(path, begin, behind, ord) AS l
   WHERE c.command IN (12, 13, 0x80000018, 0x8000001f, 0x20, 0x80000023) AND NOT bad AND l.error IS NULL;

-- The first table of symbols: a damaged file may have many that overlap.
CREATE TEMP VIEW IF NOT EXISTS macho_symtab_at_ AS
  SELECT DISTINCT c.path, arch, c.wide AS wide, by_library, ord, min(c.until, at + t.place) AS begin,
         min(c.until, at + t.place + symbols * iif(c.wide, 16, 12)) AS until,
         symbols, at + strings AS strings_at, min(c.until, at + strings + strings_size) AS strings_end
    FROM macho_all_ AS c CROSS JOIN macho_symtab_(path, begin, behind, ord) AS t
   WHERE c.number = (SELECT o.rowid FROM macho_command_(c.path, commands_at, commands_end, ord) AS o WHERE o.command = 2 LIMIT 1)
     AND NOT bad AND t.error IS NULL;
CREATE TEMP VIEW IF NOT EXISTS macho_symbol_ AS
  SELECT t.*, s.rowid AS number, name, kind, debug, private, type, external, section, about, value, s.error IS NOT NULL AS bad
    FROM macho_symtab_at_ AS t CROSS JOIN macho_symbol4_(path, iif(wide, NULL, begin), until, ord) AS s
  UNION ALL
  SELECT t.*, s.rowid, name, kind, debug, private, type, external, section, about, value, s.error IS NOT NULL
    FROM macho_symtab_at_ AS t CROSS JOIN macho_symbol8_(path, iif(wide, begin, NULL), until, ord) AS s;
CREATE TEMP VIEW IF NOT EXISTS macho_symbol AS
  SELECT path, arch, number,
         (SELECT text FROM macho_text_ AS x WHERE x.path = s.path AND first = strings_at + name AND last = strings_end) AS name,
         CASE WHEN debug THEN 'debug' WHEN type = 0 AND value <> 0 AND external THEN 'common' ELSE
           CASE type WHEN 0 THEN 'undefined' WHEN 1 THEN 'absolute' WHEN 7 THEN 'section' WHEN 6 THEN 'prebound' WHEN 5 THEN 'indirect' ELSE type END
         END AS type,
         external, private, nullif(section, 0) AS section, iif(by_library AND NOT debug AND (type = 0 AND value = 0 OR type = 6), about >> 8, NULL) AS library, about, value,
         iif(bad, 'it reaches past the end of the file', NULL) AS error
    FROM macho_symbol_ AS s WHERE name IS NOT NULL;
