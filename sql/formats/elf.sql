-- ELF: what programs, shared libraries and object files are, are made of, export and need.
--
--     .read sql/formats/elf.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('/usr/lib/**/*.so*') WHERE error IS NULL;
--     SELECT machine, type, count(*) FROM elf_header GROUP BY machine, type;
--     SELECT value AS library, count(*) FROM elf_dynamic WHERE tag = 'NEEDED' GROUP BY library ORDER BY 2 DESC LIMIT 9;
--     SELECT path, value FROM elf_symbol WHERE name = 'sqlite3_open' AND section <> 'UND';
--
--     elf_header   a row for each file: class, machine, type, entry point, interpreter
--     elf_segment  program headers: what is loaded, where to and with which rights
--     elf_section  section headers with their names
--     elf_symbol   .symtab and .dynsym: name, value, size, bind, type, section
--     elf_dynamic  what the dynamic linker reads: NEEDED, SONAME, RUNPATH …, by way of the segments,
--                  so also of files without section headers
--
-- 32 and 64 bit, little and big endian. A file that is no ELF has no rows; of one that is cut short or
-- damaged the rows that can be read, and what is wrong with it in elf_header's and elf_section's column
-- `error`. Of WHERE only what is said of `path` itself is known before files are read. A name that is no UTF-8 is
-- read as Latin-1. There may be more than 65,279 sections: what does not fit the header is read from the first
-- section header, and the sections of symbols from SYMTAB_SHNDX. Flags of sections are readelf's letters.
--
-- Not covered: relocations, notes, symbol versions, hash tables, section groups, compressed sections, more
-- than one symbol table of a kind. Names are cut at 4,096 bytes. Addresses and sizes of 2^63 and more are negative.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- How it works: views whose names end in _ are steps on the way. Their DISTINCT drops no row: it makes
-- SQLite compute each column once, where it would else repeat the whole expression at every mention, and
-- lets a constraint on path through to target. CASE makes sure that nothing is read before it is known to
-- lie inside the file. The rows of mmap(path), whose offset is 0, 1, 2 …, number the entries of a table.

CREATE TEMP VIEW IF NOT EXISTS elf_size_ AS
  SELECT DISTINCT path, mmap_length(path) AS file_size FROM target;

-- The text in the bytes first..last of a file, up to a NUL: UTF-8 or, if it is not all UTF-8, Latin-1, where each byte
-- is the character of that number. For what is not plain ASCII, which it is faster to read as it is.
CREATE TEMP VIEW IF NOT EXISTS elf_text_ AS
  SELECT path, a.offset AS first, z.offset AS last,
         CASE WHEN mmap_search(path, '(?x) \G (?: [\x01-\x7f]                | [\xc2-\xdf]         [\x80-\xbf]
                                         | \xe0 [\xa0-\xbf] [\x80-\xbf] | [\xe1-\xec\xee\xef] [\x80-\xbf]{2}
                                         | \xed [\x80-\x9f] [\x80-\xbf] | \xf0 [\x90-\xbf]    [\x80-\xbf]{2}
                                         | [\xf1-\xf3] [\x80-\xbf]{3}  | \xf4 [\x80-\x8f]    [\x80-\xbf]{2} )*+
                                     (?: \x00 | \z )', a.offset, z.offset + 1) >= 0
              THEN mmap_get(path, a.offset, 'text(' || (z.offset + 1 - a.offset) || ')')
              ELSE (SELECT group_concat(char(b.byte), '') FROM mmap(path) AS b
                     WHERE b.offset BETWEEN a.offset AND
                           coalesce(nullif(mmap_find(path, x'00', a.offset, z.offset + 1), -1), z.offset + 1) - 1)
         END AS text
    FROM target CROSS JOIN mmap(path) AS a CROSS JOIN mmap(path) AS z
   WHERE a.offset <= z.offset;

CREATE TEMP VIEW IF NOT EXISTS elf_ident_ AS
  SELECT DISTINCT path, file_size, mmap_get(path, 4) = 2 AS is64, mmap_get(path, 5) = 1 AS little
    FROM elf_size_
   WHERE CASE WHEN file_size < 52 THEN 0
              WHEN mmap_get(path, 0, 'u32be') <> 0x7f454c46 THEN 0
              WHEN mmap_get(path, 5) NOT IN (1, 2) THEN 0
              ELSE CASE mmap_get(path, 4) WHEN 1 THEN 1 WHEN 2 THEN file_size >= 64 ELSE 0 END END;

-- The types that mmap_get takes: `word` is as wide as an address of the file.
CREATE TEMP VIEW IF NOT EXISTS elf_type_ AS
  SELECT path, file_size, is64, little, iif(little, 'u16le', 'u16be') AS u16,
         iif(little, 'u32le', 'u32be') AS u32,
         iif(is64, 'u64', 'u32') || iif(little, 'le', 'be') AS word
    FROM elf_ident_;

CREATE TEMP VIEW IF NOT EXISTS elf_raw_ AS
  SELECT DISTINCT path, file_size, is64, little, u16, u32, word,
         mmap_get(path, 16, u16) AS type,
         mmap_get(path, 18, u16) AS machine,
         mmap_get(path, 24, word) AS entry,
         mmap_get(path, iif(is64, 32, 28), word) AS phoff,
         mmap_get(path, iif(is64, 40, 32), word) AS shoff,
         mmap_get(path, iif(is64, 48, 36), u32) AS flags,
         mmap_get(path, iif(is64, 54, 42), u16) AS phentsize,
         mmap_get(path, iif(is64, 56, 44), u16) AS phnum,
         mmap_get(path, iif(is64, 58, 46), u16) AS shentsize,
         mmap_get(path, iif(is64, 60, 48), u16) AS shnum,
         mmap_get(path, iif(is64, 62, 50), u16) AS shstrndx
    FROM elf_type_;

-- Numbers too large for the header's 16 bits are in the first section header. `ph_fit` and `sh_fit` are
-- how many entries fit between the table's place and the end of the file.
CREATE TEMP VIEW IF NOT EXISTS elf_fit_ AS
  SELECT DISTINCT path, file_size, is64, little, u16, u32, word, type, machine, entry, flags,
         phoff, phentsize, phnum, shoff, shentsize, shnum, shstrndx,
         CASE WHEN phoff BETWEEN 1 AND file_size AND phentsize >= iif(is64, 56, 32)
              THEN (file_size - phoff) / phentsize ELSE 0 END AS ph_fit,
         CASE WHEN shoff BETWEEN 1 AND file_size AND shentsize >= iif(is64, 64, 40)
              THEN (file_size - shoff) / shentsize ELSE 0 END AS sh_fit
    FROM elf_raw_;

CREATE TEMP VIEW IF NOT EXISTS elf_said_ AS
  SELECT DISTINCT path, file_size, is64, little, u16, u32, word, type, machine, entry, flags,
         phoff, phentsize, ph_fit, shoff, shentsize, sh_fit,
         CASE WHEN phnum = 0xffff AND sh_fit > 0 THEN mmap_get(path, shoff + iif(is64, 44, 28), u32)
              ELSE phnum END AS ph_said,
         CASE WHEN shnum = 0 AND sh_fit > 0 THEN mmap_get(path, shoff + iif(is64, 32, 20), word)
              ELSE shnum END AS sh_said,
         CASE WHEN shstrndx = 0xffff AND sh_fit > 0
              THEN mmap_get(path, shoff + iif(is64, 40, 24), u32) ELSE shstrndx END AS shstrndx
    FROM elf_fit_;

CREATE TEMP VIEW IF NOT EXISTS elf_count_ AS
  SELECT DISTINCT path, file_size, is64, little, u16, u32, word, type, machine, entry, flags,
         phoff, phentsize, ph_said, iif(ph_said BETWEEN 0 AND ph_fit, ph_said, ph_fit) AS phnum,
         shoff, shentsize, sh_said, iif(sh_said BETWEEN 0 AND sh_fit, sh_said, sh_fit) AS shnum,
         shstrndx
    FROM elf_said_;

-- Where the names of the sections are: names_at, and up to names_end.
CREATE TEMP VIEW IF NOT EXISTS elf_names_ AS
  SELECT DISTINCT c.*,
         CASE WHEN shstrndx BETWEEN 1 AND shnum - 1
              THEN mmap_get(path, shoff + shstrndx * shentsize + iif(is64, 24, 16), word) END AS names_at,
         CASE WHEN shstrndx BETWEEN 1 AND shnum - 1
              THEN mmap_get(path, shoff + shstrndx * shentsize + iif(is64, 32, 20), word) END AS names_size
    FROM elf_count_ AS c;

CREATE TEMP VIEW IF NOT EXISTS elf_file_ AS
  SELECT DISTINCT path, file_size, is64, little, u16, u32, word, type, machine, entry, flags,
         phoff, phentsize, ph_said, phnum, shoff, shentsize, sh_said, shnum,
         iif(names_at BETWEEN 0 AND file_size, names_at, 0) AS names_at,
         CASE WHEN names_at BETWEEN 0 AND file_size
              THEN iif(names_size BETWEEN 0 AND file_size - names_at, names_at + names_size, file_size)
              ELSE 0 END AS names_end
    FROM elf_names_;

CREATE TEMP VIEW IF NOT EXISTS elf_segment_ AS
  SELECT DISTINCT f.path, file_size, u32, is64, word, i.offset AS number,
         mmap_get(f.path, phoff + i.offset * phentsize, u32) AS type,
         mmap_get(f.path, phoff + i.offset * phentsize + iif(is64, 4, 24), u32) AS flags,
         mmap_get(f.path, phoff + i.offset * phentsize + iif(is64, 8, 4), word) AS offset,
         mmap_get(f.path, phoff + i.offset * phentsize + iif(is64, 16, 8), word) AS address,
         mmap_get(f.path, phoff + i.offset * phentsize + iif(is64, 32, 16), word) AS file_bytes,
         mmap_get(f.path, phoff + i.offset * phentsize + iif(is64, 40, 20), word) AS memory_bytes,
         mmap_get(f.path, phoff + i.offset * phentsize + iif(is64, 48, 28), word) AS align
    FROM elf_file_ AS f CROSS JOIN mmap(f.path) AS i
   WHERE i.offset < phnum;

CREATE TEMP VIEW IF NOT EXISTS elf_segment AS
  SELECT path, number,
         CASE type WHEN 0 THEN 'NULL' WHEN 1 THEN 'LOAD' WHEN 2 THEN 'DYNAMIC' WHEN 3 THEN 'INTERP'
                   WHEN 4 THEN 'NOTE' WHEN 5 THEN 'SHLIB' WHEN 6 THEN 'PHDR' WHEN 7 THEN 'TLS'
                   WHEN 0x6474e550 THEN 'GNU_EH_FRAME' WHEN 0x6474e551 THEN 'GNU_STACK'
                   WHEN 0x6474e552 THEN 'GNU_RELRO' WHEN 0x6474e553 THEN 'GNU_PROPERTY'
                   ELSE printf('0x%x', type) END AS type,
         iif(flags & 4, 'R', '-') || iif(flags & 2, 'W', '-') || iif(flags & 1, 'X', '-') AS rights,
         offset, address, file_bytes, memory_bytes, align,
         CASE WHEN offset NOT BETWEEN 0 AND file_size OR file_bytes NOT BETWEEN 0 AND file_size - offset
              THEN 'it reaches past the end of the file' END AS error
    FROM elf_segment_;

CREATE TEMP VIEW IF NOT EXISTS elf_header AS
  SELECT path, iif(is64, 64, 32) AS class, iif(little, 'little', 'big') AS endian,
         CASE type WHEN 0 THEN 'NONE' WHEN 1 THEN 'REL' WHEN 2 THEN 'EXEC' WHEN 3 THEN 'DYN'
                   WHEN 4 THEN 'CORE' ELSE printf('0x%x', type) END AS type,
         CASE machine
           WHEN 0 THEN 'none' WHEN 2 THEN 'SPARC' WHEN 3 THEN 'x86' WHEN 4 THEN '68000' WHEN 8 THEN 'MIPS'
           WHEN 15 THEN 'PA-RISC' WHEN 20 THEN 'PowerPC' WHEN 21 THEN 'PowerPC64' WHEN 22 THEN 'S390'
           WHEN 40 THEN 'ARM' WHEN 42 THEN 'SuperH' WHEN 43 THEN 'SPARC64' WHEN 50 THEN 'IA-64'
           WHEN 62 THEN 'x86-64' WHEN 83 THEN 'AVR' WHEN 94 THEN 'Xtensa' WHEN 105 THEN 'MSP430'
           WHEN 183 THEN 'arm64' WHEN 190 THEN 'CUDA' WHEN 224 THEN 'AMD GPU' WHEN 243 THEN 'RISC-V'
           WHEN 247 THEN 'BPF' WHEN 258 THEN 'LoongArch' ELSE printf('0x%x', machine) END AS machine,
         CASE mmap_get(path, 7)
           WHEN 0 THEN 'System V' WHEN 2 THEN 'NetBSD' WHEN 3 THEN 'GNU' WHEN 6 THEN 'Solaris'
           WHEN 9 THEN 'FreeBSD' WHEN 12 THEN 'OpenBSD' ELSE printf('0x%x', mmap_get(path, 7)) END AS abi,
         entry, flags, phnum AS segments, shnum AS sections,
         (SELECT CASE WHEN s.at BETWEEN 0 AND f.file_size - s.n AND s.n BETWEEN 1 AND 4096
                      THEN iif(mmap_get(f.path, s.at, 'text(' || s.n || ')') NOT GLOB '*[^' || char(1) || '-~]*',
                               mmap_get(f.path, s.at, 'text(' || s.n || ')'),
                               (SELECT text FROM elf_text_ AS x
                                 WHERE x.path = f.path AND first = s.at AND last = s.at + s.n - 1)) END
            FROM (SELECT mmap_get(f.path, phoff + i.offset * phentsize + iif(is64, 8, 4), word) AS at,
                         mmap_get(f.path, phoff + i.offset * phentsize + iif(is64, 32, 16), word) AS n
                    FROM mmap(f.path) AS i
                   WHERE i.offset < phnum AND mmap_get(f.path, phoff + i.offset * phentsize, u32) = 3
                   LIMIT 1) AS s) AS interpreter,
         CASE WHEN ph_said <> phnum THEN 'the program headers reach past the end of the file'
              WHEN sh_said <> shnum THEN 'the section headers reach past the end of the file'
         END AS error
    FROM elf_file_ AS f;

-- data_size: what is inside the file of what the section says it has there.
CREATE TEMP VIEW IF NOT EXISTS elf_section_ AS
  SELECT DISTINCT f.path, file_size, machine, mmap_get(f.path, 7) AS abi, names_at, names_end,
         i.offset AS number,
         mmap_get(f.path, shoff + i.offset * shentsize, u32) AS name,
         mmap_get(f.path, shoff + i.offset * shentsize + 4, u32) AS type,
         mmap_get(f.path, shoff + i.offset * shentsize + 8, word) AS flags,
         mmap_get(f.path, shoff + i.offset * shentsize + iif(is64, 16, 12), word) AS address,
         mmap_get(f.path, shoff + i.offset * shentsize + iif(is64, 24, 16), word) AS offset,
         mmap_get(f.path, shoff + i.offset * shentsize + iif(is64, 32, 20), word) AS size,
         mmap_get(f.path, shoff + i.offset * shentsize + iif(is64, 40, 24), u32) AS link,
         mmap_get(f.path, shoff + i.offset * shentsize + iif(is64, 44, 28), u32) AS info,
         mmap_get(f.path, shoff + i.offset * shentsize + iif(is64, 48, 32), word) AS align,
         mmap_get(f.path, shoff + i.offset * shentsize + iif(is64, 56, 36), word) AS entry_size
    FROM elf_file_ AS f CROSS JOIN mmap(f.path) AS i
   WHERE i.offset < shnum;

CREATE TEMP VIEW IF NOT EXISTS elf_section AS
  SELECT path, number,
         CASE WHEN names_at + name < names_end
              THEN iif(mmap_get(path, names_at + name, 'text(' || min(names_end - names_at - name, 4096) || ')')
                         NOT GLOB '*[^' || char(1) || '-~]*',
                       mmap_get(path, names_at + name, 'text(' || min(names_end - names_at - name, 4096) || ')'),
                       (SELECT text FROM elf_text_ AS x
                         WHERE x.path = s.path AND first = names_at + name
                           AND last = min(names_end, names_at + name + 4096) - 1)) END AS name,
         CASE type WHEN 0 THEN 'NULL' WHEN 1 THEN 'PROGBITS' WHEN 2 THEN 'SYMTAB' WHEN 3 THEN 'STRTAB'
                   WHEN 4 THEN 'RELA' WHEN 5 THEN 'HASH' WHEN 6 THEN 'DYNAMIC' WHEN 7 THEN 'NOTE'
                   WHEN 8 THEN 'NOBITS' WHEN 9 THEN 'REL' WHEN 11 THEN 'DYNSYM' WHEN 14 THEN 'INIT_ARRAY'
                   WHEN 15 THEN 'FINI_ARRAY' WHEN 16 THEN 'PREINIT_ARRAY' WHEN 17 THEN 'GROUP'
                   WHEN 18 THEN 'SYMTAB_SHNDX' WHEN 19 THEN 'RELR' WHEN 0x6ffffff5 THEN 'GNU_ATTRIBUTES'
                   WHEN 0x6ffffff6 THEN 'GNU_HASH' WHEN 0x6ffffff7 THEN 'GNU_LIBLIST'
                   WHEN 0x6ffffffd THEN 'VERDEF' WHEN 0x6ffffffe THEN 'VERNEED'
                   WHEN 0x6fffffff THEN 'VERSYM' ELSE printf('0x%x', type) END AS type,
         -- The letters in the order of their bits; o, p and x for those of a system, a processor and of nobody.
         iif(flags & 1, 'W', '') || iif(flags & 2, 'A', '') || iif(flags & 4, 'X', '')
           || iif(flags & 16, 'M', '') || iif(flags & 32, 'S', '') || iif(flags & 64, 'I', '')
           || iif(flags & 128, 'L', '') || iif(flags & 256, 'O', '') || iif(flags & 512, 'G', '')
           || iif(flags & 1024, 'T', '') || iif(flags & 2048, 'C', '') || iif(flags & ~0xfff00ff7, 'x', '')
           || iif(abi IN (3, 9) AND flags & 0x200000, 'R', '')
           || iif(abi IN (0, 3, 9) AND flags & 0x1000000, 'D', '')
           || iif(flags & CASE abi WHEN 3 THEN 0xed00000 WHEN 9 THEN 0xed00000 WHEN 0 THEN 0xef00000
                                   ELSE 0xff00000 END, 'o', '')
           || CASE WHEN flags & 0x10000000 AND machine = 62 THEN 'l' WHEN flags & 0x10000000 AND machine = 20 THEN 'v'
                   WHEN flags & 0x20000000 AND machine = 40 THEN 'y' WHEN flags & 0x70000000 THEN 'p' ELSE '' END
           || iif(flags & 0x80000000, 'E', '') AS flags,
         address, offset, size, link, info, align, entry_size,
         CASE WHEN type IN (0, 8) THEN NULL
              WHEN offset NOT BETWEEN 0 AND file_size OR size NOT BETWEEN 0 AND file_size - offset
              THEN 'it reaches past the end of the file' END AS error
    FROM elf_section_ AS s;

-- The first symbol table of each of the two kinds: a damaged file may name many that overlap.
CREATE TEMP VIEW IF NOT EXISTS elf_symtab_number_ AS
  SELECT DISTINCT f.path, file_size, machine, is64, u16, u32, word, shoff, shentsize, shnum, names_at, names_end,
         kind.name AS symtab,
         (SELECT i.offset FROM mmap(f.path) AS i
           WHERE i.offset < shnum
             AND mmap_get(f.path, shoff + i.offset * shentsize + 4, u32) = kind.type
           LIMIT 1) AS table_number
    FROM elf_file_ AS f CROSS JOIN (SELECT 2 AS type, '.symtab' AS name
                                     UNION ALL SELECT 11, '.dynsym') AS kind;

-- `wide` is the header of its SYMTAB_SHNDX (18), which has the numbers of sections that 16 bits cannot hold.
CREATE TEMP VIEW IF NOT EXISTS elf_symtab_ AS
  SELECT DISTINCT n.*, shoff + shentsize * table_number AS header,
         shoff + shentsize * (SELECT i.offset FROM mmap(n.path) AS i
                               WHERE i.offset < shnum
                                 AND mmap_get(n.path, shoff + i.offset * shentsize + 4, u32) = 18
                                 AND mmap_get(n.path, shoff + i.offset * shentsize + iif(is64, 40, 24), u32)
                                     = table_number
                               LIMIT 1) AS wide
    FROM elf_symtab_number_ AS n WHERE table_number IS NOT NULL;

CREATE TEMP VIEW IF NOT EXISTS elf_symtab_place_ AS
  SELECT DISTINCT t.*, mmap_get(path, header + iif(is64, 24, 16), word) AS at,
         mmap_get(path, header + iif(is64, 32, 20), word) AS size,
         mmap_get(path, header + iif(is64, 40, 24), u32) AS link,
         mmap_get(path, header + iif(is64, 56, 36), word) AS step,
         mmap_get(path, wide + iif(is64, 24, 16), word) AS wide_at,
         mmap_get(path, wide + iif(is64, 32, 20), word) AS wide_size
    FROM elf_symtab_ AS t;

CREATE TEMP VIEW IF NOT EXISTS elf_symtab_strings_ AS
  SELECT DISTINCT t.*,
         CASE WHEN at BETWEEN 0 AND file_size AND step >= iif(is64, 24, 16)
              THEN iif(size BETWEEN 0 AND file_size - at, size, file_size - at) / step
              ELSE 0 END AS symbols,
         CASE WHEN link BETWEEN 1 AND shnum - 1
              THEN mmap_get(path, shoff + link * shentsize + iif(is64, 24, 16), word) END AS strings_at,
         CASE WHEN link BETWEEN 1 AND shnum - 1
              THEN mmap_get(path, shoff + link * shentsize + iif(is64, 32, 20), word) END AS strings_size
    FROM elf_symtab_place_ AS t;

-- The numbers of sections for the symbols 0 to wide_count - 1 are at wide_at.
CREATE TEMP VIEW IF NOT EXISTS elf_symbols_ AS
  SELECT DISTINCT path, file_size, machine, is64, u16, u32, word, shoff, shentsize, shnum, names_at, names_end,
         symtab, at, step, symbols, wide_at,
         CASE WHEN wide_at BETWEEN 0 AND file_size
              THEN iif(wide_size BETWEEN 0 AND file_size - wide_at, wide_size, file_size - wide_at) / 4
              ELSE 0 END AS wide_count,
         iif(strings_at BETWEEN 0 AND file_size, strings_at, 0) AS strings_at,
         CASE WHEN strings_at BETWEEN 0 AND file_size
              THEN iif(strings_size BETWEEN 0 AND file_size - strings_at,
                       strings_at + strings_size, file_size)
              ELSE 0 END AS strings_end
    FROM elf_symtab_strings_;

-- Each number is read where it is used: of a symbol's columns only those that are asked for cost anything.
CREATE TEMP VIEW IF NOT EXISTS elf_symbol AS
  SELECT t.path, symtab, i.offset AS number,
         (SELECT CASE WHEN n.raw NOT GLOB '*[^' || char(1) || '-~]*' THEN n.raw
                      ELSE (SELECT text FROM elf_text_ AS x
                             WHERE x.path = t.path AND first = n.first AND last = min(strings_end, n.first + 4096) - 1)
                 END
            FROM (SELECT s.first, CASE WHEN s.first < strings_end
                                       THEN mmap_get(t.path, s.first, 'text(' || min(strings_end - s.first, 4096) || ')')
                                  END AS raw
                    FROM (SELECT strings_at + mmap_get(t.path, at + i.offset * step, u32) AS first) AS s) AS n) AS name,
         mmap_get(t.path, at + i.offset * step + iif(is64, 8, 4), word) AS value,
         mmap_get(t.path, at + i.offset * step + iif(is64, 16, 8), word) AS size,
         CASE mmap_get(t.path, at + i.offset * step + iif(is64, 4, 12)) >> 4
           WHEN 0 THEN 'LOCAL' WHEN 1 THEN 'GLOBAL' WHEN 2 THEN 'WEAK' WHEN 10 THEN 'UNIQUE'
           ELSE mmap_get(t.path, at + i.offset * step + iif(is64, 4, 12)) >> 4 END AS bind,
         CASE mmap_get(t.path, at + i.offset * step + iif(is64, 4, 12)) & 15
           WHEN 0 THEN 'NOTYPE' WHEN 1 THEN 'OBJECT' WHEN 2 THEN 'FUNC' WHEN 3 THEN 'SECTION'
           WHEN 4 THEN 'FILE' WHEN 5 THEN 'COMMON' WHEN 6 THEN 'TLS' WHEN 10 THEN 'IFUNC'
           ELSE mmap_get(t.path, at + i.offset * step + iif(is64, 4, 12)) & 15 END AS type,
         CASE mmap_get(t.path, at + i.offset * step + iif(is64, 5, 13)) & 3
           WHEN 0 THEN 'DEFAULT' WHEN 1 THEN 'INTERNAL' WHEN 2 THEN 'HIDDEN' ELSE 'PROTECTED'
         END AS visibility,
         (SELECT iif(s.said = 0xffff AND i.offset < wide_count, mmap_get(t.path, wide_at + i.offset * 4, u32), s.said)
            FROM (SELECT mmap_get(t.path, at + i.offset * step + iif(is64, 6, 14), u16) AS said) AS s)
           AS section_number,
         CASE mmap_get(t.path, at + i.offset * step + iif(is64, 6, 14), u16)
           WHEN 0 THEN 'UND' WHEN 0xfff1 THEN 'ABS' WHEN 0xfff2 THEN 'COM'
           ELSE (SELECT CASE WHEN n.said BETWEEN 0xff00 AND 0xfffe OR n.said = 0xffff AND i.offset >= wide_count
                             THEN iif(n.said = 0xff02 AND machine = 62, 'LARGE_COM', printf('0x%x', n.said))
                             WHEN n.raw NOT GLOB '*[^' || char(1) || '-~]*' THEN n.raw
                             ELSE (SELECT text FROM elf_text_ AS x
                                    WHERE x.path = t.path AND first = n.first
                                      AND last = min(names_end, n.first + 4096) - 1) END
                   FROM (SELECT s.said, s.first,
                                CASE WHEN s.first < names_end
                                     THEN mmap_get(t.path, s.first, 'text(' || min(names_end - s.first, 4096) || ')')
                                END AS raw
                           FROM (SELECT r.said, CASE WHEN r.number < shnum
                                                     THEN names_at + mmap_get(t.path, shoff + r.number * shentsize, u32)
                                                END AS first
                                   FROM (SELECT w.said, iif(w.said = 0xffff AND i.offset < wide_count,
                                                            mmap_get(t.path, wide_at + i.offset * 4, u32),
                                                            w.said) AS number
                                           FROM (SELECT mmap_get(t.path, at + i.offset * step + iif(is64, 6, 14), u16)
                                                        AS said) AS w) AS r) AS s) AS n)
         END AS section
    FROM elf_symbols_ AS t CROSS JOIN mmap(t.path) AS i
   WHERE i.offset < symbols;

-- The segment DYNAMIC: a table of (tag, value) up to the tag 0.
CREATE TEMP VIEW IF NOT EXISTS elf_dynamic_at_ AS
  SELECT DISTINCT f.path, file_size, is64, u32, word, phoff, phentsize, phnum,
         mmap_get(f.path, header + iif(is64, 8, 4), word) AS at,
         mmap_get(f.path, header + iif(is64, 32, 16), word) AS bytes
    FROM (SELECT DISTINCT e.path, file_size, is64, u32, word, phoff, phentsize, phnum,
                 phoff + phentsize * (SELECT i.offset FROM mmap(e.path) AS i
                                       WHERE i.offset < phnum
                                         AND mmap_get(e.path, phoff + i.offset * phentsize, u32) = 2
                                       LIMIT 1) AS header
            FROM elf_file_ AS e) AS f
   WHERE header IS NOT NULL;

CREATE TEMP VIEW IF NOT EXISTS elf_dynamic_fit_ AS
  SELECT DISTINCT path, file_size, is64, u32, word, phoff, phentsize, phnum, at, iif(is64, 16, 8) AS step,
         iif(bytes BETWEEN 0 AND file_size - at, bytes, file_size - at) / iif(is64, 16, 8) AS fit
    FROM elf_dynamic_at_ WHERE at BETWEEN 0 AND file_size;

CREATE TEMP VIEW IF NOT EXISTS elf_dynamic_end_ AS
  SELECT DISTINCT d.*,
         coalesce((SELECT i.offset FROM mmap(d.path) AS i
                    WHERE i.offset < fit AND mmap_get(d.path, at + i.offset * step, word) = 0 LIMIT 1),
                  fit) AS entries
    FROM elf_dynamic_fit_ AS d;

-- STRTAB (5) says where the strings will be in memory; a segment LOAD says where that is in the file.
CREATE TEMP VIEW IF NOT EXISTS elf_dynamic_address_ AS
  SELECT DISTINCT d.*,
         (SELECT mmap_get(d.path, at + i.offset * step + step / 2, word) FROM mmap(d.path) AS i
           WHERE i.offset < entries AND mmap_get(d.path, at + i.offset * step, word) = 5
           LIMIT 1) AS address,
         (SELECT mmap_get(d.path, at + i.offset * step + step / 2, word) FROM mmap(d.path) AS i
           WHERE i.offset < entries AND mmap_get(d.path, at + i.offset * step, word) = 10
           LIMIT 1) AS strings_size
    FROM elf_dynamic_end_ AS d;

CREATE TEMP VIEW IF NOT EXISTS elf_dynamic_strings_ AS
  SELECT DISTINCT d.*,
         (SELECT d.address - s.address + s.offset
            FROM (SELECT mmap_get(d.path, phoff + i.offset * phentsize + iif(is64, 16, 8), word) AS address,
                         mmap_get(d.path, phoff + i.offset * phentsize + iif(is64, 8, 4), word) AS offset,
                         mmap_get(d.path, phoff + i.offset * phentsize + iif(is64, 32, 16), word) AS bytes
                    FROM mmap(d.path) AS i
                   WHERE i.offset < phnum
                     AND mmap_get(d.path, phoff + i.offset * phentsize, u32) = 1) AS s
           WHERE s.address >= 0 AND s.offset BETWEEN 0 AND file_size
             AND s.bytes BETWEEN 1 AND file_size - s.offset
             AND d.address BETWEEN s.address AND s.address + s.bytes - 1
           LIMIT 1) AS strings_at
    FROM elf_dynamic_address_ AS d;

CREATE TEMP VIEW IF NOT EXISTS elf_dynamic_ AS
  SELECT DISTINCT d.path, i.offset AS number, strings_at,
         iif(strings_size BETWEEN 0 AND file_size - strings_at, strings_at + strings_size, file_size)
           AS strings_end,
         mmap_get(d.path, at + i.offset * step, word) AS tag,
         mmap_get(d.path, at + i.offset * step + step / 2, word) AS value
    FROM elf_dynamic_strings_ AS d CROSS JOIN mmap(d.path) AS i
   WHERE i.offset < entries;

-- `value` is the text that a tag names, else the number.
CREATE TEMP VIEW IF NOT EXISTS elf_dynamic AS
  SELECT path, number,
         CASE tag
           WHEN 1 THEN 'NEEDED' WHEN 2 THEN 'PLTRELSZ' WHEN 3 THEN 'PLTGOT' WHEN 4 THEN 'HASH'
           WHEN 5 THEN 'STRTAB' WHEN 6 THEN 'SYMTAB' WHEN 7 THEN 'RELA' WHEN 8 THEN 'RELASZ'
           WHEN 9 THEN 'RELAENT' WHEN 10 THEN 'STRSZ' WHEN 11 THEN 'SYMENT' WHEN 12 THEN 'INIT'
           WHEN 13 THEN 'FINI' WHEN 14 THEN 'SONAME' WHEN 15 THEN 'RPATH' WHEN 16 THEN 'SYMBOLIC'
           WHEN 17 THEN 'REL' WHEN 18 THEN 'RELSZ' WHEN 19 THEN 'RELENT' WHEN 20 THEN 'PLTREL'
           WHEN 21 THEN 'DEBUG' WHEN 22 THEN 'TEXTREL' WHEN 23 THEN 'JMPREL' WHEN 24 THEN 'BIND_NOW'
           WHEN 25 THEN 'INIT_ARRAY' WHEN 26 THEN 'FINI_ARRAY' WHEN 27 THEN 'INIT_ARRAYSZ'
           WHEN 28 THEN 'FINI_ARRAYSZ' WHEN 29 THEN 'RUNPATH' WHEN 30 THEN 'FLAGS'
           WHEN 32 THEN 'PREINIT_ARRAY' WHEN 33 THEN 'PREINIT_ARRAYSZ' WHEN 35 THEN 'RELRSZ'
           WHEN 36 THEN 'RELR' WHEN 37 THEN 'RELRENT' WHEN 0x6ffffef5 THEN 'GNU_HASH'
           WHEN 0x6ffffff0 THEN 'VERSYM' WHEN 0x6ffffff9 THEN 'RELACOUNT' WHEN 0x6ffffffa THEN 'RELCOUNT'
           WHEN 0x6ffffffb THEN 'FLAGS_1' WHEN 0x6ffffffc THEN 'VERDEF' WHEN 0x6ffffffd THEN 'VERDEFNUM'
           WHEN 0x6ffffffe THEN 'VERNEED' WHEN 0x6fffffff THEN 'VERNEEDNUM'
           WHEN 0x7ffffffd THEN 'AUXILIARY' WHEN 0x7fffffff THEN 'FILTER' ELSE printf('0x%x', tag) END AS tag,
         CASE WHEN tag NOT IN (1, 14, 15, 29, 0x7ffffffd, 0x7fffffff) THEN value
              WHEN value BETWEEN 0 AND strings_end - strings_at - 1
              THEN iif(mmap_get(path, strings_at + value, 'text(' || min(strings_end - strings_at - value, 4096) || ')')
                         NOT GLOB '*[^' || char(1) || '-~]*',
                       mmap_get(path, strings_at + value, 'text(' || min(strings_end - strings_at - value, 4096) || ')'),
                       (SELECT text FROM elf_text_ AS x
                         WHERE x.path = d.path AND first = strings_at + value
                           AND last = min(strings_end, strings_at + value + 4096) - 1)) END AS value
    FROM elf_dynamic_ AS d;
