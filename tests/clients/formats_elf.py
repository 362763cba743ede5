#!/usr/bin/python3
"""sql/formats/elf.sql against readelf: on programs and libraries that are here, and on small
ones of both classes and byte orders."""

import glob
import os
import re
import random
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "data"))
import formats_support as support
from formats_support import ask, dicts, in_directory, rows, same, write


def readelf(option, path):
    return subprocess.run(["readelf", "-W", option, path], text=True, check=True,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, errors="replace",
                          env=dict(os.environ, LC_ALL="C")).stdout


def real_files():
    files = ["/usr/bin/sqlite3", "/bin/ls", support.library()] + glob.glob("/lib/*/libc.so.6")
    return [path for path in files if os.path.exists(path)]


def small_files(directory):
    return [write(directory, f"{i}.so", data) for i,
            data in enumerate(support.samples()["elf.sql"])]


def compiled(directory):
    """Object files, which have no program headers, and sections of the same name."""
    source = write(directory, "a.c",
                   b"static int local; extern int other; int f(void) { return local++ + other; }\n")
    for option in ([], ["-ffunction-sections"]):
        path = os.path.join(directory, f"a{len(option)}.o")
        subprocess.run(["gcc", "-g", *option, "-c", source, "-o", path], check=True)
        yield path


def check_header(path, row):
    text = readelf("-h", path)
    field = lambda name: re.search(rf"^\s*{name}:\s*(.*)$", text, flags=re.M).group(1)
    same(row["class"], int(field("Class")[3:]), path)
    same(row["endian"] + " endian", field("Data").split(", ")[1], path)
    same(row["type"], field("Type").split()[0], path)
    same(row["entry"], int(field("Entry point address"), 16), path)
    same(row["segments"], int(field("Number of program headers")), path)
    same(row["sections"], int(re.findall(r"\d+", field("Number of section headers"))[-1]), path)
    same(row["error"], None, path)
    machine = {"Advanced Micro Devices X86-64": "x86-64", "Intel 80386": "x86", "AArch64": "arm64",
               "Sparc v9": "SPARC64", "MIPS R3000": "MIPS", "ARM": "ARM", "PowerPC": "PowerPC"}
    same(row["machine"], machine[field("Machine")], path)
    interpreter = re.search(r"\[Requesting program interpreter: (.*)\]", readelf("-l", path))
    same(row["interpreter"], interpreter and interpreter.group(1), path)


def check_segments(path, rows):
    pattern = r"^  (\w+)\s+0x(\w+) 0x(\w+) 0x\w+ 0x(\w+) 0x(\w+) ([R ][W ][E ]) (?:0x)?(\w+)$"
    found = re.findall(pattern, readelf("-l", path), flags=re.M)
    known = lambda kind: kind if not kind.startswith("<") else None
    same([(r["type"], r["offset"], r["address"], r["file_bytes"], r["memory_bytes"], r["align"])
          for r in rows],
         [(known(kind), *(int(n, 16) for n in (offset, address, size, memory, align)))
          for kind, offset, address, size, memory, _, align in found], path)
    same([r["rights"] for r in rows], [f[5].replace(" ", "-").replace("E", "X") for f in found],
         path)


def check_sections(path, rows):
    pattern = (r"^  \[ *(\d+)\] (.*?) +([A-Z0-9_]+) +([0-9a-f]{8,16}) ([0-9a-f]{6,})"
               r" ([0-9a-f]{6,}) ([0-9a-f]{2,})"
               r" +([A-Zopxlvy]*) +(\d+) +(\d+) +(\d+)$")
    text = readelf("-S", path).replace("SYMTAB SECTION INDICES", "SYMTAB_SHNDX")
    found = re.findall(pattern, text, flags=re.M)
    same(len(rows), len(found), path)
    for row, (number, name, kind, *numbers, flags, link, info, align) in zip(rows, found):
        same(row["number"], int(number), path)
        if not row["type"].startswith("0x7"):  # what only one processor has
            same(row["type"], kind, path)
        cut = name.endswith("[...]")
        same(row["name"][:len(name) - 5] + "[...]" if cut else row["name"], name, path)
        same([row[k] for k in ("address", "offset", "size", "entry_size")],
             [int(n, 16) for n in numbers], path)
        same([row[k] for k in ("link", "info", "align")], [int(n) for n in (link, info, align)],
             path)
        same(row["flags"], re.sub("[^WAXMSILOGTCxoERDpl]", "", flags), f"{path}: {name}")
        same(row["error"], None, path)


def check_symbols(path, rows, sections):
    expected, table = [], None
    for line in readelf("-s", path).split("\n"):
        title = re.match(r"Symbol table '(.*)' contains", line)
        table = title.group(1) if title else table
        fields = re.match(r" *(\d+): ([0-9a-f]+) +(\w+) (\w+) +(\w+) +(\w+) +(\w+)(?: (.*))?$",
                          line)
        if fields:
            number, value, size, kind, bind, visibility, section, name = fields.groups()
            expected.append((table, int(number), int(value, 16), int(size, 0), kind, bind,
                             visibility,
                             sections[int(section)] if section.isdigit() else section,
                             "" if kind == "SECTION" else (name or "").split("@")[0]))
    got = [(r["symtab"], r["number"], r["value"], r["size"], r["type"], r["bind"], r["visibility"],
            r["section"],
            "" if r["type"] == "SECTION" else r["name"].split("@")[0]) for r in rows]
    same(sorted(got), sorted(expected), path)


def check_dynamic(path, rows):
    found = re.findall(r"^ 0x\w+ \((\w+)\) +(.*)$", readelf("-d", path), flags=re.M)
    if found and found[-1][0] == "NULL":
        found.pop()
    same([r["tag"] for r in rows], [tag for tag, _ in found], path)
    for row, (tag, value) in zip(rows, found):
        text = re.search(r"\[(.*)\]", value)
        if text:
            same(row["value"], text.group(1), f"{path}: {tag}")
        elif value.startswith("0x"):
            same(row["value"], int(value, 16), f"{path}: {tag}")


def check(paths):
    views = ["elf_header", "elf_segment", "elf_section", "elf_symbol", "elf_dynamic"]
    found = {view: dicts("elf.sql", paths, f"SELECT * FROM {view}") for view in views}
    of = lambda view, path: [row for row in found[view] if row["path"] == path]
    for path in paths:
        sections = of("elf_section", path)
        check_header(path, of("elf_header", path)[0])
        check_segments(path, of("elf_segment", path))
        check_sections(path, sections)
        check_symbols(path, of("elf_symbol", path), {s["number"]: s["name"] for s in sections})
        check_dynamic(path, of("elf_dynamic", path))


@in_directory
def agrees_with_readelf(directory):
    files = real_files() + small_files(directory)
    check(files + list(compiled(directory)))


@in_directory
def reads_both_classes_and_byte_orders(directory):
    paths = small_files(directory)
    header, needed, symbols = ask(
        "elf.sql", paths,
        "SELECT class, endian, machine, type, entry, interpreter FROM elf_header ORDER BY path",
        "SELECT tag, value FROM elf_dynamic WHERE tag IN ('NEEDED', 'SONAME', 'RUNPATH')"
        " ORDER BY path, number",
        "SELECT symtab, name, value, bind, type, visibility, section FROM elf_symbol"
        " WHERE number > 0")
    same([tuple(h.values()) for h in header],
         [(c, e, m, "DYN", 0x10200, "/lib/ld-test.so") for c, e, m in
          ((64, "little", "x86-64"), (32, "little", "x86"), (64, "big", "SPARC64"),
           (32, "big", "MIPS"))])
    same([tuple(n.values()) for n in needed],
         [("NEEDED", "libneeded.so.1"), ("SONAME", "libself.so.2"), ("RUNPATH", "/opt/run")] * 4)
    same(sorted(tuple(s.values()) for s in symbols), sorted([
        (".dynsym", "exported", 0x10200, "GLOBAL", "FUNC", "DEFAULT", ".text"),
        (".dynsym", "imported", 0, "WEAK", "NOTYPE", "DEFAULT", "UND"),
        (".symtab", "test.c", 0, "LOCAL", "FILE", "DEFAULT", "ABS"),
        (".symtab", "local", 0x10204, "LOCAL", "OBJECT", "HIDDEN", ".text"),
        (".symtab", "absolute", 4711, "GLOBAL", "NOTYPE", "DEFAULT", "ABS"),
        (".symtab", "common", 8, "GLOBAL", "OBJECT", "PROTECTED", "COM")] * 4))


@in_directory
def counts_too_large_for_the_header_are_in_the_first_section(directory):
    data = bytearray(support.elf(True, True))
    shoff = int.from_bytes(data[40:48], "little")
    before = write(directory, "before.so", data)
    data[56:58], data[60:62], data[62:64] = b"\xff\xff", b"\0\0", b"\xff\xff"
    data[shoff + 32:shoff + 40] = (9).to_bytes(8, "little")
    data[shoff + 40:shoff + 48] = (8).to_bytes(4, "little") + (3).to_bytes(4, "little")
    after = write(directory, "after.so", data)
    header, sections = ask("elf.sql", [before, after],
                           "SELECT segments, sections, error FROM elf_header",
                           "SELECT path, name FROM elf_section ORDER BY number")
    same(header, [{"segments": 3, "sections": 9, "error": None}] * 2)
    names = lambda path: [s["name"] for s in sections if s["path"] == path]
    same(names(after), names(before))


@in_directory
def files_without_section_headers_still_say_what_they_need(directory):
    data = bytearray(support.elf(False, False))
    data[32:36], data[48:50] = bytes(4), bytes(2)
    path = write(directory, "bare.so", data)
    sections, needed = ask("elf.sql", [path], "SELECT * FROM elf_section",
                           "SELECT value FROM elf_dynamic WHERE tag = 'NEEDED'")
    same((sections, needed), ([], [{"value": "libneeded.so.1"}]))


@in_directory
def what_is_cut_off_is_said(directory):
    data = support.elf(True, True)
    path = write(directory, "cut.so", data[:-100])
    header, sections = ask("elf.sql", [path], "SELECT sections, error FROM elf_header",
                           "SELECT count(*) AS n FROM elf_section")
    same(header, [{"sections": 7, "error": "the section headers reach past the end of the file"}])
    same(sections, [{"n": 7}])


def relocatable(is64, little, machine, sections, symbols=()):
    """An object file of sections (name, flags) and symbols (name, section), in any number."""
    end = "<" if little else ">"
    word = "Q" if is64 else "I"
    pack = lambda form, *values: struct.pack(end + form, *values)
    count = len(sections) + 5
    names, places = bytearray(b"\0"), []
    for name, _ in sections:
        places.append(len(names))
        names += name + b"\0"
    tables = {}
    for name in (b".symtab", b".symtab_shndx", b".strtab", b".shstrtab"):
        tables[name] = len(names)
        names += name + b"\0"
    strings, symtab, wide = bytearray(b"\0"), bytearray(24 if is64 else 16), bytearray(4)
    for name, number in symbols:
        short = number if number < 0xff00 or number > 0xffffff else 0xffff
        fields = (len(strings), 0x10, 0, short & 0xffff)
        if is64:
            symtab += pack("IBBHQQ", *fields, 7, 0)
        else:
            symtab += pack("IIIBBH", fields[0], 7, 0, *fields[1:])
        wide += pack("I", number if short == 0xffff else 0)
        strings += name + b"\0"
    data = bytearray(64 if is64 else 52)
    ends = []
    for body in (symtab, wide, strings, names):
        data += bytes(-len(data) % 8)
        ends.append((len(data), len(body)))
        data += body
    data += bytes(-len(data) % 8)
    shoff = len(data)
    header = lambda name, kind, flags=0, at=0, size=0, link=0, info=0, entry=0: pack(
        "II" + word * 4 + "II" + word * 2, name, kind, flags, 0, at, size, link, info, 1, entry)
    many = count >= 0xff00
    first = len(sections) + 1  # the number of .symtab
    data += header(0, 0, size=count if many else 0, link=count - 1 if many else 0)
    data += b"".join(header(place, 1, flags) for place, (_, flags) in zip(places, sections))
    data += header(tables[b".symtab"], 2, 0, *ends[0], first + 2, 1, 24 if is64 else 16)
    data += header(tables[b".symtab_shndx"], 18, 0, *ends[1], first, 0, 4)
    data += header(tables[b".strtab"], 3, 0, *ends[2])
    data += header(tables[b".shstrtab"], 3, 0, *ends[3])
    data[:16] = b"\x7fELF" + bytes([2 if is64 else 1, 1 if little else 2, 1]) + bytes(9)
    data[16:64 if is64 else 52] = pack(
        "HHI" + word * 3 + "IHHHHHH", 1, machine, 1, 0, 0, shoff, 0, 64 if is64 else 52, 0, 0,
        64 if is64 else 40, 0 if many else count, 0xffff if many else count - 1)
    return bytes(data)


KINDS = ((True, True, 62), (False, True, 40), (True, False, 43), (False, False, 20))


@in_directory
def more_sections_than_16_bits_can_count(directory):
    paths = []
    sections = [(b"s%d" % i, 2) for i in range(1, 65400)]
    symbols = [(b"y%d" % i, i) for i in (1, 2, 65278, 65279, 65280, 65281, 65300, 65399)]
    symbols += [(b"undefined", 0), (b"absolute", 0xfffffff1), (b"common", 0xfffffff2)]
    for i, kind in enumerate(KINDS):
        paths.append(write(directory, f"{i}.o", relocatable(*kind, sections, symbols)))
        same(rows("elf.sql", paths[-1], "SELECT name, section_number, section FROM elf_symbol"
                                        " WHERE number BETWEEN 1 AND 8"),
             [(name.decode(), number, f"s{number}") for name, number in symbols[:8]])
        same(rows("elf.sql", paths[-1], "SELECT name, section FROM elf_symbol WHERE number > 8"),
             [("undefined", "UND"), ("absolute", "ABS"), ("common", "COM")])
    # As an assembler writes it.
    lines = (b'.section t%d,"ax"\n.globl f%d\nf%d: .byte 1\n' % (i, i, i) for i in range(65400))
    source = write(directory, "a.s", b"".join(lines))
    paths.append(os.path.join(directory, "a.o"))
    subprocess.run(["as", "-o", paths[-1], source], check=True)
    check(paths[-2:])


@in_directory
def numbers_that_name_no_section(directory):
    """Reserved ones, and 0xffff without the table that says which it is."""
    sections = [(b"s%d" % i, 2) for i in range(1, 65400)]
    special = (0xff00, 0xff02, 0xff1f, 0xff3f, 0xfff0, 0xffff)
    for kind in KINDS:
        data = relocatable(*kind, sections, [(b"y%d" % n, 0xffff0000 + n) for n in special])
        names = {0xff02: "LARGE_COM"} if kind[2] == 62 else {}
        got = rows("elf.sql", write(directory, "a.o", data.replace(
            struct.pack("<I" if kind[1] else ">I", 18), bytes(4))),
                   "SELECT section_number, section FROM elf_symbol WHERE number > 0")
        same(got, [(n, names.get(n, f"0x{n:x}")) for n in special])


@in_directory
def flags_of_sections_are_those_of_readelf(directory):
    rng = random.Random(4)
    bits = [1 << i for i in range(32)]
    flags = bits + [0, 6, 0x10000003, 0x80000002, 0x200002, 0x80200007]
    # Of several that it has no letter for, readelf gives one, and drops those behind it.
    alone = lambda flag, mask: bin(flag & mask).count("1") <= 1
    flags += [flag for flag in (sum(rng.sample(bits, 3)) for _ in range(60))
              if alone(flag, 0x0ff00000) and alone(flag, 0xf0000000) and alone(flag, 0x000ff008)]
    for kind, abi in [(kind, abi) for kind in KINDS for abi in (0, 3, 9, 6)]:
        data = bytearray(relocatable(*kind, [(b"s%d" % j, flag) for j, flag in enumerate(flags)]))
        data[7] = abi
        path = write(directory, "a.o", data)
        pattern = r"^  \[ *\d+\] s\d+ +PROGBITS +(?:[0-9a-f]+ +){4}([A-Za-z]*) +\d+ +\d+ +\d+$"
        found = re.findall(pattern, readelf("-S", path), flags=re.M)
        query = "SELECT flags FROM elf_section WHERE name GLOB 's[0-9]*'"
        got = [value for value, in rows("elf.sql", path, query)]
        same([(hex(flag), sorted(set(g))) for flag, g in zip(flags, got)],
             [(hex(flag), sorted(set(f))) for flag, f in zip(flags, found)], (kind, abi))
        same(len(found), len(flags))
    source = write(directory, "x.s", b'.section foo,"ae",@progbits\n.byte 1\n'
                                     b'.section bar,"aR",@progbits\n.byte 1\n'
                                     b'.section big,"awl",@progbits\n.byte 2\n')
    path = os.path.join(directory, "x.o")
    subprocess.run(["as", "-o", path, source], check=True)
    query = "SELECT name, flags FROM elf_section WHERE name IN ('foo', 'bar', 'big')"
    same(rows("elf.sql", path, query),
         [("foo", "AE"), ("bar", "AR"), ("big", "WAl")])


@in_directory
def names_are_utf8_or_latin1(directory):
    names = (b"caf\xc3\xa9", b"caf\xe9", b"\xff\xfe", "\u65e5\u672c".encode(), b"\xe2\x82",
             b"x" * 5000)
    for kind in KINDS:
        data = relocatable(*kind, [(name, 2) for name in names],
                           [(name, i + 1) for i, name in enumerate(names)])
        path = write(directory, "a.o", data)
        expected = ["caf\xe9", "caf\xe9", "\xff\xfe", "\u65e5\u672c", "\xe2\x82", "x" * 4096]
        last = len(names)
        same([name for name, in rows("elf.sql", path, "SELECT name FROM elf_section")][1:last + 1],
             expected)
        same(rows("elf.sql", path, "SELECT name, section FROM elf_symbol WHERE number > 0"),
             [(name, name) for name in expected])
    data = support.elf(True, True)
    for old, query in ((b"/lib/ld-test.so", "SELECT interpreter FROM elf_header"),
                       (b"libneeded.so.1", "SELECT value FROM elf_dynamic WHERE tag = 'NEEDED'")):
        new = b"\xe9" + old[1:]
        path = write(directory, "b.so", data.replace(old, new))
        same(rows("elf.sql", path, query), [(new.decode("latin-1"),)])


@in_directory
def sections_without_names_or_no_sections(directory):
    data = bytearray(relocatable(True, True, 62, [(b"one", 2)]))
    shoff = struct.unpack_from("<Q", data, 40)[0]
    for number, error in ((0, None), (1, None), (200, None)):
        struct.pack_into("<H", data, 62, number)
        path = write(directory, "a.o", data)
        got = rows("elf.sql", path, "SELECT number, type FROM elf_section")
        same([n for n, _ in got], list(range(6)))
        same(rows("elf.sql", path, "SELECT sections, error FROM elf_header"), [(6, error)])
    struct.pack_into("<QHHH", data, 40, 0, 0, 0, 0)
    data[40:48], data[58:64] = bytes(8), bytes(6)
    path = write(directory, "b.o", data[:shoff])
    same(rows("elf.sql", path, "SELECT sections, segments, error FROM elf_header"), [(0, 0, None)])
    same(rows("elf.sql", path, "SELECT * FROM elf_section"), [])


TESTS = [agrees_with_readelf, reads_both_classes_and_byte_orders,
         counts_too_large_for_the_header_are_in_the_first_section,
         files_without_section_headers_still_say_what_they_need, what_is_cut_off_is_said,
         more_sections_than_16_bits_can_count, numbers_that_name_no_section,
         flags_of_sections_are_those_of_readelf, names_are_utf8_or_latin1,
         sections_without_names_or_no_sections]

if __name__ == "__main__":
    sys.exit(support.run_tests(TESTS))
