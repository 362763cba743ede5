#!/usr/bin/python3
"""sql/formats/elf.sql against readelf: on programs and libraries that are here, and on small
ones of both classes and byte orders."""

import glob
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "data"))
import formats_support as support
from formats_support import ask, in_directory, same, write


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
    same(row["sections"], int(field("Number of section headers")), path)
    same(row["error"], None, path)
    machine = {"Advanced Micro Devices X86-64": "x86-64", "Intel 80386": "x86", "AArch64": "arm64",
               "Sparc v9": "SPARC64", "MIPS R3000": "MIPS"}
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
               r" +([A-Zop]*) +(\d+) +(\d+) +(\d+)$")
    found = re.findall(pattern, readelf("-S", path), flags=re.M)
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
        same(row["flags"], re.sub("[^WAXMSILGTC]", "", flags), f"{path}: {name}")
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
    found = dict(zip(views, ask("elf.sql", paths, *(f"SELECT * FROM {view}" for view in views))))
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
    if not shutil.which("readelf"):
        print("readelf is not here: agrees_with_readelf is left out")
        return
    files = real_files() + small_files(directory)
    if shutil.which("gcc"):
        files += compiled(directory)
    check(files)


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


TESTS = [agrees_with_readelf, reads_both_classes_and_byte_orders,
         counts_too_large_for_the_header_are_in_the_first_section,
         files_without_section_headers_still_say_what_they_need, what_is_cut_off_is_said]

if __name__ == "__main__":
    sys.exit(support.run_tests(TESTS))
