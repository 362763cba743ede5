-- ELF: what programs, shared libraries and object files are, are made of, export and need.
--
--     .read sql/formats/elf.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('/lib/*/lib*.so.[0-9]') WHERE error IS NULL;
--     SELECT value AS library, count(*) FROM elf_dynamic WHERE tag = 'NEEDED' GROUP BY library ORDER BY 2 DESC LIMIT 9;
--     SELECT path, value FROM elf_symbol WHERE name = 'sqlite3_open' AND section <> 'UND';
--
--     elf_header   a row for each file: class, machine, type, entry point, interpreter
--     elf_segment  program headers: what is loaded, where to and with which rights
--     elf_section  section headers with their names
--     elf_symbol   .symtab and .dynsym: name, value, size, bind, type, section
--     elf_dynamic  what the dynamic linker reads: NEEDED, SONAME, RUNPATH …, also without section headers
--
-- 32 and 64 bit, little and big endian. Names that are no UTF-8 are read as Latin-1, and cut at 4,096 bytes. Flags of
-- sections are readelf's letters. Addresses and sizes of 2^63 and more are negative. Not covered: relocations, notes,
-- symbol versions, hash tables, groups, more than one symbol table of a kind.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- The first bytes say the class (1: 32 bit, 2: 64 bit), which each layout reads there, and the order of all others,
-- which is handed down. What is as wide as an address is in one of two columns, x4 or x8; the other has no bytes.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.elf_head_ USING mmap(*, magic u32be, class u8, data u8, version u8, abi u8,
  type u16 at(16), machine u16, version4 u32,
  entry4 u32 if(class = 1), entry8 u64 if(class = 2), entry AS (coalesce(entry4, entry8)),
  phoff4 u32 if(class = 1), phoff8 u64 if(class = 2), phoff AS (coalesce(phoff4, phoff8)),
  shoff4 u32 if(class = 1), shoff8 u64 if(class = 2), shoff AS (coalesce(shoff4, shoff8)),
  flags u32, ehsize u16, phentsize u16, phnum u16, shentsize u16, shnum u16, shstrndx u16,
  while=(magic = 0x7f454c46 AND class IN (1, 2)), count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.elf_ph_ USING mmap(*, class u8 at_file(4), step u16 at_file(iif(class = 1, 42, 54)),
  type u32 at(0), flags u32 at(iif(class = 1, 24, 4)),
  place4 u32 at(4) if(class = 1), place8 u64 at(8) if(class = 2), place AS (coalesce(place4, place8)),
  address4 u32 if(class = 1), address8 u64 if(class = 2), address AS (coalesce(address4, address8)),
  bytes4 u32 at(16) if(class = 1), bytes8 u64 at(32) if(class = 2), bytes AS (coalesce(bytes4, bytes8)),
  memory4 u32 if(class = 1), memory8 u64 if(class = 2), memory AS (coalesce(memory4, memory8)),
  align4 u32 at(28) if(class = 1), align8 u64 at(48) if(class = 2), align AS (coalesce(align4, align8)),
  record=(step), while=(step >= iif(class = 1, 32, 56)), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.elf_sh_ USING mmap(*, class u8 at_file(4), step u16 at_file(iif(class = 1, 46, 58)),
  name u32 at(0), type u32,
  flags4 u32 if(class = 1), flags8 u64 if(class = 2), flags AS (coalesce(flags4, flags8)),
  address4 u32 if(class = 1), address8 u64 if(class = 2), address AS (coalesce(address4, address8)),
  place4 u32 if(class = 1), place8 u64 if(class = 2), place AS (coalesce(place4, place8)),
  size4 u32 if(class = 1), size8 u64 if(class = 2), size AS (coalesce(size4, size8)),
  link u32, info u32,
  align4 u32 if(class = 1), align8 u64 if(class = 2), align AS (coalesce(align4, align8)),
  entry4 u32 if(class = 1), entry8 u64 if(class = 2), entry_size AS (coalesce(entry4, entry8)),
  record=(step), while=(step >= iif(class = 1, 40, 64)), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.elf_sym_ USING mmap(*, class u8 at_file(4), partial=yes, name u32 at(0),
  value4 u32 if(class = 1), size4 u32 if(class = 1), bind b4, type b4, b6 b6, visibility b2, section u16,
  value8 u64 if(class = 2), size8 u64 if(class = 2), value AS (coalesce(value4, value8)), size AS (coalesce(size4, size8)));
CREATE VIRTUAL TABLE IF NOT EXISTS temp.elf_dyn_ USING mmap(*, class u8 at_file(4), while=(tag <> 0), partial=yes,
  tag4 u32 at(0) if(class = 1), tag8 u64 at(0) if(class = 2), tag AS (coalesce(tag4, tag8)),
  value4 u32 at(4) if(class = 1), value8 u64 at(8) if(class = 2), value AS (coalesce(value4, value8)));

-- The text in the bytes first..last - 1, up to a NUL: as UTF-8 or, if it is not all UTF-8, as Latin-1.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.elf_string_ USING mmap(*, utf8 text(min(stop - start, 4096)),
  latin1 latin1(min(stop - start, 4096)) at(0), count=(1), partial=yes);
CREATE TEMP VIEW IF NOT EXISTS elf_text_ AS
  SELECT t.file AS path, t.start AS first, t.stop AS last, CASE WHEN utf8 NOT GLOB '*[^' || char(1) || '-~]*' OR mmap_search(t.file,
                '(?x) \G (?: [\x01-\x7f] | [\xc2-\xdf] [\x80-\xbf] | \xe0 [\xa0-\xbf] [\x80-\xbf]
                      | [\xe1-\xec\xee\xef] [\x80-\xbf]{2} | \xed [\x80-\x9f] [\x80-\xbf] | \xf0 [\x90-\xbf] [\x80-\xbf]{2}
                      | [\xf1-\xf3] [\x80-\xbf]{3} | \xf4 [\x80-\x8f] [\x80-\xbf]{2} )*+ (?: \x00 | \z )',
                t.start, min(t.stop, t.start + 4096)) >= 0 THEN utf8 ELSE latin1 END AS text
    FROM elf_string_ AS t WHERE t.error IS NULL;

-- What numbers stand for.
CREATE TEMP VIEW IF NOT EXISTS elf_name_ AS
  SELECT 'machine' AS kind, column1 AS number, column2 AS name FROM (VALUES (0, 'none'), (2, 'SPARC'), (3, 'x86'),
    (4, '68000'), (8, 'MIPS'), (15, 'PA-RISC'), (20, 'PowerPC'), (21, 'PowerPC64'), (22, 'S390'), (40, 'ARM'),
    (42, 'SuperH'), (43, 'SPARC64'), (50, 'IA-64'), (62, 'x86-64'), (83, 'AVR'), (94, 'Xtensa'), (105, 'MSP430'),
    (183, 'arm64'), (190, 'CUDA'), (224, 'AMD GPU'), (243, 'RISC-V'), (247, 'BPF'), (258, 'LoongArch')) UNION ALL
  SELECT 'segment' AS kind, column1 AS number, column2 AS name FROM (VALUES (0, 'NULL'), (1, 'LOAD'), (2, 'DYNAMIC'),
    (3, 'INTERP'), (4, 'NOTE'), (5, 'SHLIB'), (6, 'PHDR'), (7, 'TLS'), (0x6474e550, 'GNU_EH_FRAME'),
    (0x6474e551, 'GNU_STACK'), (0x6474e552, 'GNU_RELRO'), (0x6474e553, 'GNU_PROPERTY')) UNION ALL
  SELECT 'section' AS kind, column1 AS number, column2 AS name FROM (VALUES (0, 'NULL'), (1, 'PROGBITS'),
    (2, 'SYMTAB'), (3, 'STRTAB'), (4, 'RELA'), (5, 'HASH'), (6, 'DYNAMIC'), (7, 'NOTE'), (8, 'NOBITS'), (9, 'REL'),
    (11, 'DYNSYM'), (14, 'INIT_ARRAY'), (15, 'FINI_ARRAY'), (16, 'PREINIT_ARRAY'), (17, 'GROUP'),
    (18, 'SYMTAB_SHNDX'), (19, 'RELR'), (0x6ffffff5, 'GNU_ATTRIBUTES'), (0x6ffffff6, 'GNU_HASH'),
    (0x6ffffff7, 'GNU_LIBLIST'), (0x6ffffffd, 'VERDEF'), (0x6ffffffe, 'VERNEED'), (0x6fffffff, 'VERSYM')) UNION ALL
  SELECT 'tag' AS kind, column1 AS number, column2 AS name FROM (VALUES (1, 'NEEDED'), (2, 'PLTRELSZ'), (3, 'PLTGOT'),
    (4, 'HASH'), (5, 'STRTAB'), (6, 'SYMTAB'), (7, 'RELA'), (8, 'RELASZ'), (9, 'RELAENT'), (10, 'STRSZ'),
    (11, 'SYMENT'), (12, 'INIT'), (13, 'FINI'), (14, 'SONAME'), (15, 'RPATH'), (16, 'SYMBOLIC'), (17, 'REL'),
    (18, 'RELSZ'), (19, 'RELENT'), (20, 'PLTREL'), (21, 'DEBUG'), (22, 'TEXTREL'), (23, 'JMPREL'), (24, 'BIND_NOW'),
    (25, 'INIT_ARRAY'), (26, 'FINI_ARRAY'), (27, 'INIT_ARRAYSZ'), (28, 'FINI_ARRAYSZ'), (29, 'RUNPATH'),
    (30, 'FLAGS'), (32, 'PREINIT_ARRAY'), (33, 'PREINIT_ARRAYSZ'), (35, 'RELRSZ'), (36, 'RELR'), (37, 'RELRENT'),
    (0x6ffffef5, 'GNU_HASH'), (0x6ffffff0, 'VERSYM'), (0x6ffffff9, 'RELACOUNT'), (0x6ffffffa, 'RELCOUNT'),
    (0x6ffffffb, 'FLAGS_1'), (0x6ffffffc, 'VERDEF'), (0x6ffffffd, 'VERDEFNUM'), (0x6ffffffe, 'VERNEED'),
    (0x6fffffff, 'VERNEEDNUM'), (0x7ffffffd, 'AUXILIARY'), (0x7fffffff, 'FILTER'));

-- Names that end in _ are steps on the way; DISTINCT makes SQLite compute each column once. Numbers too large for 16
-- bits are in the first section header. Of headers that reach past the end of the file there are as many as fit.
CREATE TEMP VIEW IF NOT EXISTS elf_head_at_ AS
  SELECT DISTINCT path, mmap_length(path) AS file_size, class AS kind, abi, iif(data = 1, 'le', 'be') AS ord, type AS sort,
         machine, entry, flags AS head_flags, phnum, shnum, shstrndx, phentsize, shentsize,
         CASE WHEN phoff BETWEEN 1 AND mmap_length(path) THEN phoff END AS ph,
         CASE WHEN shoff BETWEEN 1 AND mmap_length(path) THEN shoff END AS sh
    FROM target CROSS JOIN elf_head_(path, 0, 64, CASE mmap_slice(path, 5, 6) WHEN x'01' THEN 'le' WHEN x'02' THEN 'be' END)
         AS h WHERE h.error IS NULL;

CREATE TEMP VIEW IF NOT EXISTS elf_said_ AS
  SELECT DISTINCT f.*, coalesce(iif(phnum = 0xffff, z.info, NULL), phnum) AS ph_said,
         coalesce(iif(shnum = 0, z.size, NULL), shnum) AS sh_said,
         coalesce(iif(shstrndx = 0xffff, z.link, NULL), shstrndx) AS names,
         iif(ph AND phentsize >= iif(kind = 1, 32, 56), (file_size - ph) / phentsize, 0) AS ph_fit,
         iif(sh AND shentsize >= iif(kind = 1, 40, 64), (file_size - sh) / shentsize, 0) AS sh_fit
    FROM elf_head_at_ AS f LEFT JOIN elf_sh_(path, sh, file_size, ord) AS z ON z.rowid = 0 AND z.error IS NULL;

CREATE TEMP VIEW IF NOT EXISTS elf_file_ AS -- the names of the sections are from `names_at` to `names_end`
  SELECT DISTINCT f.*, iif(place BETWEEN 0 AND file_size, place, NULL) AS names_at,
         iif(size BETWEEN 0 AND file_size - place, place + size, file_size) AS names_end
    FROM (SELECT DISTINCT f.*, iif(ph_said BETWEEN 0 AND ph_fit, ph_said, ph_fit) AS segments,
                 iif(sh_said BETWEEN 0 AND sh_fit, sh_said, sh_fit) AS sections FROM elf_said_ AS f) AS f
         LEFT JOIN elf_sh_(path, CASE WHEN names BETWEEN 1 AND sections - 1 THEN sh + names * shentsize END, file_size, ord)
         AS n ON n.rowid = 0;

CREATE TEMP VIEW IF NOT EXISTS elf_header AS
  SELECT path, 32 * kind AS class, iif(ord = 'le', 'little', 'big') AS endian,
         CASE sort WHEN 0 THEN 'NONE' WHEN 1 THEN 'REL' WHEN 2 THEN 'EXEC' WHEN 3 THEN 'DYN' WHEN 4 THEN 'CORE'
           ELSE printf('0x%x', sort) END AS type,
         coalesce((SELECT name FROM elf_name_ WHERE kind = 'machine' AND number = machine), printf('0x%x', machine)) AS machine,
         CASE abi WHEN 0 THEN 'System V' WHEN 2 THEN 'NetBSD' WHEN 3 THEN 'GNU' WHEN 6 THEN 'Solaris' WHEN 9 THEN 'FreeBSD'
           WHEN 12 THEN 'OpenBSD' ELSE printf('0x%x', abi) END AS abi, entry, head_flags AS flags, segments, sections,
         (SELECT text FROM elf_text_ AS x, (SELECT place, bytes FROM elf_ph_(f.path, ph, file_size, ord) AS s
                                             WHERE s.rowid < segments AND s.type = 3 LIMIT 1)
           WHERE x.path = f.path AND first = place AND last = place + bytes
             AND place BETWEEN 0 AND file_size - bytes AND bytes BETWEEN 1 AND 4096) AS interpreter,
         CASE WHEN ph_said <> segments THEN 'the program headers reach past the end of the file'
              WHEN sh_said <> sections THEN 'the section headers reach past the end of the file' END AS error
    FROM elf_file_ AS f;

CREATE TEMP VIEW IF NOT EXISTS elf_segment AS
  SELECT path, s.rowid AS number,
         coalesce((SELECT name FROM elf_name_ WHERE kind = 'segment' AND number = type), printf('0x%x', type)) AS type,
         iif(flags & 4, 'R', '-') || iif(flags & 2, 'W', '-') || iif(flags & 1, 'X', '-') AS rights,
         place AS offset, address, bytes AS file_bytes, memory AS memory_bytes, align,
         iif(place BETWEEN 0 AND file_size AND bytes BETWEEN 0 AND file_size - place, NULL,
             'it reaches past the end of the file') AS error
    FROM elf_file_ AS f CROSS JOIN elf_ph_(path, ph, file_size, ord) AS s WHERE s.rowid < segments;

CREATE TEMP VIEW IF NOT EXISTS elf_section AS
  SELECT path, s.rowid AS number,
         (SELECT text FROM elf_text_ AS x WHERE x.path = f.path AND first = names_at + name AND last = names_end) AS name,
         coalesce((SELECT name FROM elf_name_ WHERE kind = 'section' AND number = type), printf('0x%x', type)) AS type,
         -- The letters in the order of their bits; o, p and x for those of a system, a processor and of nobody.
         (SELECT coalesce(group_concat(substr('WAX.MSILOGTC', value + 1, 1), ''), '')
            FROM json_each('[0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11]') WHERE flags >> value & 1)
           || iif(flags & ~0xfff00ff7, 'x', '') || iif(abi IN (3, 9) AND flags & 0x200000, 'R', '')
           || iif(abi IN (0, 3, 9) AND flags & 0x1000000, 'D', '')
           || iif(flags & iif(abi IN (3, 9), 0xed00000, iif(abi = 0, 0xef00000, 0xff00000)), 'o', '')
           || CASE WHEN flags & 0x10000000 AND machine = 62 THEN 'l' WHEN flags & 0x10000000 AND machine = 20 THEN 'v'
                   WHEN flags & 0x20000000 AND machine = 40 THEN 'y' WHEN flags & 0x70000000 THEN 'p' ELSE '' END
           || iif(flags & 0x80000000, 'E', '') AS flags,
         address, place AS offset, size, link, info, align, entry_size,
         iif(type IN (0, 8) OR place BETWEEN 0 AND file_size AND size BETWEEN 0 AND file_size - place, NULL,
             'it reaches past the end of the file') AS error
    FROM elf_file_ AS f CROSS JOIN elf_sh_(path, sh, file_size, ord) AS s WHERE s.rowid < sections;

-- The first symbol table of each kind: a damaged file may name many that overlap. Its names are in the section `link`;
-- its SYMTAB_SHNDX (18) has the numbers of sections that 16 bits cannot hold.
CREATE TEMP VIEW IF NOT EXISTS elf_symtab_ AS
  SELECT DISTINCT f.*, symtab, iif(t.place BETWEEN 0 AND file_size AND t.entry_size = iif(kind = 1, 16, 24), t.place, NULL) AS at,
         iif(t.size BETWEEN 0 AND file_size - t.place, t.place + t.size, file_size) AS until,
         iif(n.place BETWEEN 0 AND file_size, n.place, NULL) AS strings_at, w.place AS wide_at,
         iif(n.size BETWEEN 0 AND file_size - n.place, n.place + n.size, file_size) AS strings_end,
         iif(w.place BETWEEN 0 AND file_size, min(max(w.size, 0), file_size - w.place) / 4, 0) AS wide_count
    FROM elf_file_ AS f CROSS JOIN (SELECT 2 AS wanted, '.symtab' AS symtab UNION ALL SELECT 11, '.dynsym')
         CROSS JOIN elf_sh_(path, sh, file_size, ord) AS t
         LEFT JOIN elf_sh_(path, iif(t.link BETWEEN 1 AND sections - 1, sh + t.link * shentsize, NULL), file_size, ord) AS n ON n.rowid = 0
         LEFT JOIN elf_sh_(path, sh, file_size, ord) AS w ON w.rowid = (SELECT s.rowid FROM elf_sh_(f.path, sh, file_size, ord) AS s
                                            WHERE s.rowid < sections AND s.type = 18 AND s.link = t.rowid LIMIT 1)
   WHERE t.rowid = (SELECT s.rowid FROM elf_sh_(f.path, sh, file_size, ord) AS s WHERE s.rowid < sections AND s.type = wanted LIMIT 1);

CREATE TEMP VIEW IF NOT EXISTS elf_symbol_ AS
  SELECT t.*, s.rowid AS number, name, value, size, bind, type, visibility, section AS said,
         iif(section = 0xffff AND s.rowid < wide_count, mmap_get(t.path, wide_at + 4 * s.rowid, 'u32' || ord), section) AS section
    FROM elf_symtab_ AS t CROSS JOIN elf_sym_(path, at, until, ord) AS s WHERE s.error IS NULL;

CREATE TEMP VIEW IF NOT EXISTS elf_symbol AS
  SELECT path, symtab, number,
         (SELECT text FROM elf_text_ AS x WHERE x.path = s.path AND first = strings_at + name AND last = strings_end) AS name,
         value, size, CASE bind WHEN 0 THEN 'LOCAL' WHEN 1 THEN 'GLOBAL' WHEN 2 THEN 'WEAK' WHEN 10 THEN 'UNIQUE' ELSE bind END AS bind,
         CASE type WHEN 0 THEN 'NOTYPE' WHEN 1 THEN 'OBJECT' WHEN 2 THEN 'FUNC' WHEN 3 THEN 'SECTION' WHEN 4 THEN 'FILE'
           WHEN 5 THEN 'COMMON' WHEN 6 THEN 'TLS' WHEN 10 THEN 'IFUNC' ELSE type END AS type,
         CASE visibility WHEN 0 THEN 'DEFAULT' WHEN 1 THEN 'INTERNAL' WHEN 2 THEN 'HIDDEN' ELSE 'PROTECTED' END AS visibility,
         section AS section_number,
         CASE WHEN said = 0 THEN 'UND' WHEN said = 0xfff1 THEN 'ABS' WHEN said = 0xfff2 THEN 'COM'
              WHEN said = 0xff02 AND machine = 62 THEN 'LARGE_COM'
              WHEN said BETWEEN 0xff00 AND 0xfffe OR said = 0xffff AND number >= wide_count THEN printf('0x%x', said)
              WHEN section < sections THEN (SELECT text FROM elf_text_ AS x WHERE x.path = s.path AND last = names_end
                AND first = names_at + mmap_get(s.path, sh + section * shentsize, 'u32' || ord)) END AS section
    FROM elf_symbol_ AS s;

-- STRTAB (5) says where the strings will be in memory, a segment LOAD where that is in the file; STRSZ (10) is their size.
CREATE TEMP VIEW IF NOT EXISTS elf_dynamic_at_ AS
  SELECT DISTINCT f.*, iif(place BETWEEN 0 AND file_size, place, NULL) AS at,
         iif(bytes BETWEEN 0 AND file_size - place, place + bytes, file_size) AS until
    FROM elf_file_ AS f CROSS JOIN elf_ph_(path, ph, file_size, ord) AS t
   WHERE t.rowid = (SELECT s.rowid FROM elf_ph_(f.path, ph, file_size, ord) AS s WHERE s.rowid < segments AND s.type = 2 LIMIT 1);

CREATE TEMP VIEW IF NOT EXISTS elf_dynamic_ AS
  SELECT DISTINCT d.*, (SELECT value FROM elf_dyn_(d.path, at, until, ord) WHERE tag = 10 LIMIT 1) AS strings_size,
         (SELECT v - address + place FROM (SELECT value AS v FROM elf_dyn_(d.path, at, until, ord) WHERE tag = 5 LIMIT 1)
                 CROSS JOIN elf_ph_(d.path, ph, file_size, ord) AS s
           WHERE s.rowid < segments AND type = 1 AND address >= 0 AND place BETWEEN 0 AND file_size
             AND bytes BETWEEN 1 AND file_size - place AND v BETWEEN address AND address + bytes - 1 LIMIT 1) AS strings_at
    FROM elf_dynamic_at_ AS d;

CREATE TEMP VIEW IF NOT EXISTS elf_dynamic AS
  SELECT path, t.rowid AS number,
         coalesce((SELECT name FROM elf_name_ WHERE kind = 'tag' AND number = tag), printf('0x%x', tag)) AS tag,
         CASE WHEN tag NOT IN (1, 14, 15, 29, 0x7ffffffd, 0x7fffffff) THEN value
              WHEN value >= 0 THEN (SELECT text FROM elf_text_ AS x WHERE x.path = d.path AND first = strings_at + value AND last
                = iif(strings_size BETWEEN 0 AND file_size - strings_at, strings_at + strings_size, file_size)) END AS value
    FROM elf_dynamic_ AS d CROSS JOIN elf_dyn_(path, at, until, ord) AS t WHERE t.error IS NULL;
