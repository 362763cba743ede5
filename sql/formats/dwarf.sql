-- DWARF: the debug data of programs, libraries and object files in ELF: units, abbreviations, line programs.
--
--     .read sql/formats/dwarf.sql
--     INSERT OR IGNORE INTO target SELECT path FROM mmap_glob('*.o') WHERE error IS NULL;
--     SELECT path, name, size, compressed FROM dwarf_section ORDER BY size DESC LIMIT 9;
--     SELECT path, version, type, count(*), sum(length) FROM dwarf_unit GROUP BY path, version, type;
--     SELECT tag, count(*) FROM dwarf_abbrev GROUP BY tag ORDER BY 2 DESC LIMIT 9;
--     SELECT path, version, line_base, line_range, opcode_base FROM dwarf_line;
--
--     dwarf_section    sections .debug_…: where they are
--     dwarf_unit       units in .debug_info: version, type, which abbreviations they use
--     dwarf_abbrev     abbreviations in .debug_abbrev: code, tag, whether there are children
--     dwarf_attribute  the attributes of abbreviations, with their forms and implicit constants
--     dwarf_line       headers of line programs in .debug_line, and where the programs are
--
-- Versions 2 to 5, of 32 and 64 bits, in ELF of either byte order. `place` is counted from the start of the section, as references are.
-- What has no name here is given as a number. Not covered: entries themselves, the lists of files, line programs run, .debug_types, compressed
-- sections, and what object files leave to relocations: the places in them may be 0.

CREATE TEMP TABLE IF NOT EXISTS target(path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- Of ELF its header and its sections' headers, as in elf.sql: what is as wide as an address is in one of two columns, x4 or x8.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.dwarf_elf_ USING mmap(*, magic u32be, class u8, data u8, table4 u32 at(32) if(class = 1),
  table8 u64 at(40) if(class = 2), place AS (coalesce(table4, table8)), bytes u16 at(iif(class = 1, 46, 58)), sections u16, names u16,
  while=(magic = 0x7f454c46 AND class IN (1, 2)), count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.dwarf_head_ USING mmap(*, class u8 at_file(4), bytes u16 at_file(iif(class = 1, 46, 58)), name u32 at(0), type u32,
  flags4 u32 if(class = 1), flags8 u64 if(class = 2), flags AS (coalesce(flags4, flags8)),
  place4 u32 at(16) if(class = 1), size4 u32 if(class = 1), link u32 if(class = 1), info u32 if(class = 1),
  place8 u64 at(24) if(class = 2), size8 u64 if(class = 2), links u64 if(class = 2),
  place AS (coalesce(place4, place8)), length AS (coalesce(size4, size8)), record=(bytes), while=(bytes >= iif(class = 1, 40, 64)), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.dwarf_name_ USING mmap(*, name latin1(min(stop - start, 64)), count=(1), partial=yes);
-- A length of 0xffffffff means 64 bits: the length itself, and all places, have 8 bytes then. Before version 5 the type of a unit is not said.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.dwarf_unit_ USING mmap(*, length4 u32, wide AS (length4 = 0xffffffff), length8 u64 if(wide),
  length AS (iif(wide, length8, length4)), body blob(length), version u16 at(iif(wide, 12, 4)), type u8 if(version >= 5), address u8 if(version >= 5),
  abbrev4 u32 if(NOT wide), abbrev8 u64 if(wide), address_old u8 if(version < 5), record=(length + iif(wide, 12, 4)),
  check=(version BETWEEN 2 AND 5), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.dwarf_line_ USING mmap(*, length4 u32, wide AS (length4 = 0xffffffff), length8 u64 if(wide),
  length AS (iif(wide, length8, length4)), body blob(length), version u16 at(iif(wide, 12, 4)), address u8 if(version >= 5), segment u8 if(version >= 5),
  head4 u32 if(NOT wide), head8 u64 if(wide), program_at AS (pos + coalesce(head4, head8)), least u8, most u8 if(version >= 4), is_stmt u8,
  line_base i8, line_range u8, opcode_base u8, arguments u8[max(opcode_base - 1, 0)], record=(length + iif(wide, 12, 4)),
  check=(version BETWEEN 2 AND 5), partial=yes);
-- An abbreviation is a code, a tag, whether it has children, and pairs of attribute and form; a form of 0x21 is followed by its value. A pair of
-- 0 ends it, a code of 0 the list.
CREATE VIRTUAL TABLE IF NOT EXISTS temp.dwarf_abbrev_ USING mmap(*, code uleb128, tag uleb128, children u8, count=(1), partial=yes);
CREATE VIRTUAL TABLE IF NOT EXISTS temp.dwarf_pair_ USING mmap(*, attribute uleb128, form uleb128, value sleb128 if(form = 0x21),
  while=(attribute <> 0 OR form <> 0), partial=yes);

-- What numbers stand for: their place in each list.
CREATE TEMP VIEW IF NOT EXISTS dwarf_word_ AS
  SELECT 'tag' AS kind, key AS number, value AS name FROM json_each('[
    "", "array_type", "class_type", "entry_point", "enumeration_type", "formal_parameter", "", "", "imported_declaration", "", "label",
    "lexical_block", "", "member", "", "pointer_type", "reference_type", "compile_unit", "string_type", "structure_type", "", "subroutine_type",
    "typedef", "union_type", "unspecified_parameters", "variant", "common_block", "common_inclusion", "inheritance", "inlined_subroutine",
    "module", "ptr_to_member_type", "set_type", "subrange_type", "with_stmt", "access_declaration", "base_type", "catch_block", "const_type",
    "constant", "enumerator", "file_type", "friend", "namelist", "namelist_item", "packed_type", "subprogram", "template_type_parameter",
    "template_value_parameter", "thrown_type", "try_block", "variant_part", "variable", "volatile_type", "dwarf_procedure", "restrict_type",
    "interface_type", "namespace", "imported_module", "unspecified_type", "partial_unit", "imported_unit", "", "condition", "shared_type",
    "type_unit", "rvalue_reference_type", "template_alias", "coarray_type", "generic_subrange", "dynamic_type", "atomic_type", "call_site",
    "call_site_parameter", "skeleton_unit", "immutable_type"]') WHERE value <> '' UNION ALL
  SELECT 'attribute' AS kind, key AS number, value AS name FROM json_each('[
    "", "sibling", "location", "name", "", "", "", "", "", "ordering", "", "byte_size", "bit_offset", "bit_size", "", "", "stmt_list", "low_pc",
    "high_pc", "language", "", "discr", "discr_value", "visibility", "import", "string_length", "common_reference", "comp_dir", "const_value",
    "containing_type", "default_value", "", "inline", "is_optional", "lower_bound", "", "", "producer", "", "prototyped", "", "", "return_addr",
    "", "start_scope", "", "bit_stride", "upper_bound", "", "abstract_origin", "accessibility", "address_class", "artificial", "base_types",
    "calling_convention", "count", "data_member_location", "decl_column", "decl_file", "decl_line", "declaration", "discr_list", "encoding",
    "external", "frame_base", "friend", "identifier_case", "macro_info", "namelist_item", "priority", "segment", "specification", "static_link",
    "type", "use_location", "variable_parameter", "virtuality", "vtable_elem_location", "allocated", "associated", "data_location", "byte_stride",
    "entry_pc", "use_UTF8", "extension", "ranges", "trampoline", "call_column", "call_file", "call_line", "description", "binary_scale",
    "decimal_scale", "small", "decimal_sign", "digit_count", "picture_string", "mutable", "threads_scaled", "explicit", "object_pointer",
    "endianity", "elemental", "pure", "recursive", "signature", "main_subprogram", "data_bit_offset", "const_expr", "enum_class", "linkage_name",
    "string_length_bit_size", "string_length_byte_size", "rank", "str_offsets_base", "addr_base", "rnglists_base", "dwo_id", "dwo_name",
    "reference", "rvalue_reference", "macros", "call_all_calls", "call_all_source_calls", "call_all_tail_calls", "call_return_pc", "call_value",
    "call_origin", "call_parameter", "call_pc", "call_tail_call", "call_target", "call_target_clobbered", "call_data_location", "call_data_value",
    "noreturn", "alignment", "export_symbols", "deleted", "defaulted", "loclists_base"]') WHERE value <> '' UNION ALL
  SELECT 'form' AS kind, key AS number, value AS name FROM json_each('[
    "", "addr", "", "block2", "block4", "data2", "data4", "data8", "string", "block", "block1", "data1", "flag", "sdata", "strp", "udata",
    "ref_addr", "ref1", "ref2", "ref4", "ref8", "ref_udata", "indirect", "sec_offset", "exprloc", "flag_present", "strx", "addrx", "ref_sup4",
    "strp_sup", "data16", "line_strp", "ref_sig8", "implicit_const", "loclistx", "rnglistx", "ref_sup8", "strx1", "strx2", "strx3", "strx4",
    "addrx1", "addrx2", "addrx3", "addrx4"]') WHERE value <> '';

-- Names that end in _ are steps on the way; DISTINCT makes SQLite compute each column once.
CREATE TEMP VIEW IF NOT EXISTS dwarf_file_ AS
  SELECT DISTINCT path, mmap_length(path) AS file_size, ord, h.place AS table_at, bytes, sections, names
    FROM (SELECT DISTINCT path, CASE mmap_slice(path, 5, 6) WHEN x'01' THEN 'le' WHEN x'02' THEN 'be' END AS ord FROM target)
         CROSS JOIN dwarf_elf_(path, 0, 64, ord) AS h WHERE h.error IS NULL AND h.place BETWEEN 1 AND mmap_length(path) AND bytes > 0;
CREATE TEMP VIEW IF NOT EXISTS dwarf_strings_ AS
  SELECT DISTINCT f.*, iif(n.place BETWEEN 0 AND file_size, n.place, NULL) AS names_at,
         iif(n.length BETWEEN 0 AND file_size - n.place, n.place + n.length, file_size) AS names_end
    FROM dwarf_file_ AS f CROSS JOIN dwarf_head_(path, iif(names < sections AND table_at + names * f.bytes <= file_size, table_at + names * f.bytes, NULL), file_size, ord) AS n
   WHERE n.rowid = 0 AND n.error IS NULL;
CREATE TEMP VIEW IF NOT EXISTS dwarf_part_ AS
  SELECT DISTINCT s.path, file_size, ord, h.rowid AS number, (SELECT x.name FROM dwarf_name_(s.path, names_at + h.name, names_end) AS x WHERE x.error IS NULL) AS name, place, length, flags
    FROM dwarf_strings_ AS s CROSS JOIN dwarf_head_(path, table_at, file_size, ord) AS h WHERE h.rowid < sections AND h.error IS NULL;
CREATE TEMP VIEW IF NOT EXISTS dwarf_section AS
  SELECT path, number, name, place AS offset, length AS size, flags & 0x800 <> 0 AS compressed,
         iif(place BETWEEN 0 AND file_size AND length BETWEEN 0 AND file_size - place, NULL, 'it reaches past the end of the file') AS error
    FROM dwarf_part_ WHERE name GLOB '.debug_*';
-- The first section of each name: a damaged file may have many that overlap.
CREATE TEMP VIEW IF NOT EXISTS dwarf_place_ AS
  SELECT path, ord, name, place AS at, place + length AS until
    FROM (SELECT p.*, min(number) OVER (PARTITION BY path, name) AS first FROM dwarf_part_ AS p)
   WHERE number = first AND name IN ('.debug_info', '.debug_abbrev', '.debug_line') AND NOT flags & 0x800 AND place BETWEEN 0 AND file_size
     AND length BETWEEN 0 AND file_size - place;

CREATE TEMP VIEW IF NOT EXISTS dwarf_unit AS
  SELECT path, u.rowid AS number, u.offset - at AS place, u.offset, length, iif(wide, 64, 32) AS bits, version,
         CASE coalesce(type, iif(version IS NULL, NULL, 1)) WHEN 1 THEN 'compile' WHEN 2 THEN 'type' WHEN 3 THEN 'partial' WHEN 4 THEN 'skeleton'
              WHEN 5 THEN 'split compile' WHEN 6 THEN 'split type' ELSE type END AS type,
         coalesce(abbrev4, abbrev8) AS abbrev_place, coalesce(address, address_old) AS address_bytes,
         CASE WHEN version NOT BETWEEN 2 AND 5 THEN 'its version is not read here' WHEN u.error IS NOT NULL THEN 'it reaches past the end of the section' END AS error
    FROM dwarf_place_ AS p CROSS JOIN dwarf_unit_(path, at, until, ord) AS u WHERE p.name = '.debug_info' AND length4 IS NOT NULL;

CREATE TEMP VIEW IF NOT EXISTS dwarf_line AS
  SELECT path, l.rowid AS number, l.offset - at AS place, l.offset, length, iif(wide, 64, 32) AS bits, version, coalesce(head4, head8) AS header_length,
         address AS address_bytes, least AS least_instruction, coalesce(most, iif(version < 4, 1, NULL)) AS most_operations, is_stmt, line_base, line_range, opcode_base,
         arguments, program_at AS program_offset, l.next - program_at AS program_length,
         CASE WHEN version NOT BETWEEN 2 AND 5 THEN 'its version is not read here' WHEN l.error IS NOT NULL THEN 'it reaches past the end of the section'
              WHEN program_at > l.next THEN 'its program begins behind its end' END AS error
    FROM dwarf_place_ AS p CROSS JOIN dwarf_line_(path, at, until, ord) AS l WHERE p.name = '.debug_line' AND length4 IS NOT NULL;

-- Abbreviations are as long as a regular expression for them: numbers are bytes above 0x7f and one below.
CREATE TEMP VIEW IF NOT EXISTS dwarf_entry_ AS
  SELECT path, at, m.offset, m.length, a.code, a.tag, a.children, a.next AS pairs_at, m.offset + m.length AS behind
    FROM dwarf_place_ AS p CROSS JOIN mmap_search_all(path, '(?xs) \G (?: \0 | [\x80-\xff]*+[\x01-\x7f] [\x80-\xff]*+[\x00-\x7f] [\x00-\xff]
           (?: (?! \x00\x00 ) [\x80-\xff]*+[\x00-\x7f] (?: \x21 [\x80-\xff]*+[\x00-\x7f] | (?! \x21 ) [\x80-\xff]*+[\x00-\x7f] ) )*+ \x00\x00 )', at, until) AS m
         CROSS JOIN dwarf_abbrev_(path, m.offset) AS a
   WHERE p.name = '.debug_abbrev' AND m.length > 1;
CREATE TEMP VIEW IF NOT EXISTS dwarf_abbrev AS
  SELECT path, offset - at AS place, offset, code, coalesce((SELECT name FROM dwarf_word_ WHERE kind = 'tag' AND number = e.tag), printf('0x%x', e.tag)) AS tag, children
    FROM dwarf_entry_ AS e;
CREATE TEMP VIEW IF NOT EXISTS dwarf_attribute AS
  SELECT e.path, e.offset - at AS place, code, t.rowid AS number,
         coalesce((SELECT name FROM dwarf_word_ WHERE kind = 'attribute' AND number = t.attribute), printf('0x%x', t.attribute)) AS attribute,
         coalesce((SELECT name FROM dwarf_word_ WHERE kind = 'form' AND number = t.form), printf('0x%x', t.form)) AS form, t.value
    FROM dwarf_entry_ AS e CROSS JOIN dwarf_pair_(e.path, pairs_at, behind) AS t;
