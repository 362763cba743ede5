#!/usr/bin/python3
"""sql/formats of programs, classes, debug data and git's packs beside binutils, LLVM, javap, dexdump and git."""

import glob
import os
import re
import shutil
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "data"))
import formats_support as support
import samples_programs as samples
from formats_support import in_directory, rows, same, write


def tells(*command, directory=None):
    """What a program says; None, with a word, where there is no such program, or it fails."""
    if shutil.which(command[0]) is None:
        print(f"skipped: there is no {command[0]}")
        return None
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=directory)
    if run.returncode:
        print(f"skipped: {command[0]}: {run.stderr.decode(errors='replace').strip()[:200]}")
        return None
    return run.stdout.decode("utf-8", "replace")


# ---- PE ------------------------------------------------------------------------------------------

def objdump_sections(path):
    told = tells("objdump", "-h", path)
    found = re.findall(r"^ +\d+ (\S+) +\w+  \w+  \w+  (\w+)  2", told, flags=re.M)
    return [(name, int(place, 16)) for name, place in found if int(place, 16)]


def objdump_imports(told):
    found = []
    for part in told.partition("The Import Tables")[2].partition("There is ")[0].split("DLL Name: ")[1:]:
        library, _, rest = part.partition("\n")
        for hint, name in re.findall(r"^\t[0-9a-f]+\t +([0-9a-f]+)  (\S+)", rest, flags=re.M):
            # Those of PE32 are decimal, those of PE32+ hexadecimal, of nine digits.
            ordinal = int(hint, 16 if len(hint) == 9 else 10) if name == "<none>" else None
            found.append((library, *((None, ordinal, None) if ordinal else (int(hint), None, name))))
    return found


def objdump_exports(told):
    base = int((re.findall(r"Ordinal Base \t+(\d+)", told) or [0])[0])
    functions, names = {}, []
    for number, rva, kind, forward in re.findall(
            r"^\t\[ *(\d+)\] \+base\[ *\d+\] +(\w+) (Export|Forwarder) RVA(?: -- (.*))?$", told, flags=re.M):
        functions[int(number)] = (int(rva, 16), None) if kind == "Export" else (None, forward)
    for number, name in re.findall(r"^\t\[ *(\d+)\] (?!\+base)(?:\+base\[ *\d+\] +\w+ )?(\S+)$",
                                   told.partition("[Ordinal/Name Pointer] Table")[2], flags=re.M):
        names.append((int(number), name))
    unnamed = [(number, None) for number in functions if number not in dict(names)]
    key = lambda row: (row[0], row[1] or "")
    return sorted([(base + number, name, *functions[number]) for number, name in names + unnamed], key=key)


def windows_programs(directory):
    """Files made here by LLVM, those that Python's installer brings, and those of MinGW."""
    source = write(directory, "a.c", b"""
        __declspec(dllimport) int far(int); __declspec(dllimport) int wide(int); int by_number(int);
        void *__delayLoadHelper2(void *a, void *b) { return a; } int _fltused;
        __declspec(dllexport) int near(int x) { return far(x) + wide(x); }
        int other(int x) { return by_number(x); }
        int _DllMainCRTStartup(void *a, int b, void *c) { return near(b) + other(b); }""")
    library = write(directory, "far.def", b"LIBRARY far.dll\nEXPORTS\n far\n by_number @77 NONAME\n")
    delayed = write(directory, "wide.def", b"LIBRARY wide.dll\nEXPORTS\n wide\n")
    for name, target, machine in (("x64", "x86_64", "i386:x86-64"), ("arm64", "aarch64", "arm64")):
        made, at = os.path.join(directory, name + ".dll"), lambda end: os.path.join(directory, name + end)
        steps = [("llvm-dlltool", "-m", machine, "-d", library, "-l", at("far.lib")),
                 ("llvm-dlltool", "-m", machine, "-d", delayed, "-l", at("wide.lib")),
                 ("clang", f"--target={target}-pc-windows-msvc", "-O1", "-c", source, "-o", at(".obj")),
                 ("lld-link", "/dll", "/nodefaultlib", "/out:" + made, at(".obj"), at("far.lib"), at("wide.lib"),
                  "/delayload:wide.dll", "/export:again=near", "/export:sent=FAR.far", "/export:quiet=other,@9,NONAME")]
        if all(tells(*step, directory=directory) is not None for step in steps):
            yield made
    brought = tells("python3", "-c", "import pip._vendor.distlib as d; print(d.__path__[0])")
    yield from glob.glob(os.path.join((brought or "none").strip(), "*.exe"))[:8]
    yield from glob.glob("/usr/*-w64-mingw32/lib/*.dll") + glob.glob("/usr/lib/gcc/*-mingw32/*/*.dll")


@in_directory
def pe_agrees_with_objdump(directory):
    small = [write(directory, "wide.dll", samples.pe()), write(directory, "narrow.dll", samples.pe(False))]
    seen = 0
    for path in small + list(windows_programs(directory)):
        told = tells("objdump", "-p", path)
        if not told:  # some machines are not known to it
            continue
        seen += 1
        header = rows("pe.sql", path, "SELECT timestamp, format, printf('%x', entry), error FROM pe_header")
        stamp = re.findall(r"^AddressOfEntryPoint\t+(\w+)$", told, flags=re.M)[0].lstrip("0") or "0"
        magic = re.findall(r"^Magic\t+(\w+)", told, flags=re.M)[0]
        same(header[0][1:], ({"010b": "PE32", "020b": "PE32+"}[magic], stamp, None), path)
        utf8 = lambda row: tuple(c if c is None or isinstance(c, int) or c.isascii() else "?" for c in row)
        imports = rows("pe.sql", path, "SELECT library, hint, ordinal, name FROM pe_import"
                                       " WHERE NOT delayed AND number IS NOT NULL")
        same([utf8(row) for row in imports], [utf8(row) for row in objdump_imports(told)], path)
        exports = rows("pe.sql", path, "SELECT ordinal, name, address, forward FROM pe_export ORDER BY 1, 2")
        same(exports, objdump_exports(told), path)
        same(rows("pe.sql", path, "SELECT name, offset FROM pe_section WHERE offset > 0"),
             objdump_sections(path), path)
        same(rows("pe.sql", path, "SELECT * FROM pe_import WHERE error IS NOT NULL UNION ALL"
                                  " SELECT path, 0, 0, 0, 0, 0, 0, error FROM pe_directory WHERE error IS NOT NULL"), [])
    assert seen >= 2 or shutil.which("objdump") is None


@in_directory
def pe_imports_agree_with_llvm(directory):
    """Those of libraries that are loaded when first used, too, and of machines that objdump does not know."""
    small = [write(directory, "wide.dll", samples.pe()), write(directory, "narrow.dll", samples.pe(False))]
    for path in small + list(windows_programs(directory)):
        told = tells("llvm-readobj", "--coff-imports", path)
        if told is None:
            return
        expected = []
        for delayed, library, rest in re.findall(r"^(Delay)?Import \{\n  Name: (\S+)\n(.*?)^\}", told, flags=re.M | re.S):
            expected += [(delayed == "Delay", library, name or None, int(number))
                         for name, number in re.findall(r"Symbol: (\S*) \((\d+)\)", rest)]
        got = rows("pe.sql", path, "SELECT delayed, library, name, coalesce(ordinal, hint) FROM pe_import"
                                   " WHERE number IS NOT NULL")
        same([row for row in got if (row[2] or "").isascii()],
             [row for row in expected if (row[2] or "").isascii() and "\ufffd" not in (row[2] or "")], path)


@in_directory
def pe_of_odd_programs(directory):
    ask = lambda data, query: rows("pe.sql", write(directory, "odd.dll", bytes(data)), query)
    header = "SELECT format, kind, sections, error FROM pe_header"
    good = samples.pe()
    table = 128 + 24 + 112 + 128  # where the sections' headers are

    def changed(*changes):
        data = bytearray(good)
        for at, form, *values in changes:
            struct.pack_into("<" + form, data, at, *values)
        return data

    # No sections at all; more than the file can have; a name of 8 bytes; sections that overlap.
    same(ask(changed((128 + 6, "H", 0)), header), [("PE32+", "library", 0, None)])
    same(ask(changed((128 + 6, "H", 0)), "SELECT library, error FROM pe_import"),
         [])
    same(ask(changed((128 + 6, "H", 0xffff)), header),
         [("PE32+", "library", 0xffff, "its sections' headers reach past the end of the file")])
    same(ask(changed((table + 40, "8s", b"eight\xe9!!")), "SELECT name FROM pe_section WHERE number = 1"), [("eight\xe9!!",)])
    twice = samples.pe(sections=[(b"again", 0x1000, 0x1000, 0x200, 0, 0)])
    same(ask(twice, "SELECT library, ordinal, name FROM pe_import"), ask(good, "SELECT library, ordinal, name FROM pe_import"))
    # A section's place is rounded down to a sector; what it has only in memory is nowhere in the file.
    moved = changed((table + 20, "I", 0x411))
    same(ask(moved, "SELECT name FROM pe_export"), ask(good, "SELECT name FROM pe_export"))
    same(ask(changed((table + 16, "I", 0)), "SELECT name, error FROM pe_directory WHERE number < 4"),
         [("exports", "it is in no section"), ("imports", "it is in no section")])
    # The directories: none, and one that lies in the headers.
    none = changed((128 + 24 + 108, "I", 0))
    same([ask(none, f"SELECT count(*) FROM {view}") for view in ("pe_directory", "pe_import", "pe_export", "pe_section")],
         [[(0,)], [(0,)], [(0,)], [(3,)]])
    same(ask(changed((128 + 24 + 112 + 16, "II", 0x40, 8)), "SELECT offset, error FROM pe_directory WHERE name = 'resources'"),
         [(0x40, None)])
    # Names and lists that are nowhere, and a list of names that has no end.
    base = 0x400 - 0x1000
    import_at, = struct.unpack_from("<I", good, 128 + 24 + 112 + 8)
    lookup, = struct.unpack_from("<I", good, base + import_at)
    wrong = changed((base + import_at + 12, "I", 0x7777777), (base + import_at + 20, "I", 0x7777777), (base + lookup, "Q", 0x7777777))
    same(ask(wrong, "SELECT library, number, error FROM pe_import WHERE error IS NOT NULL"),
         [(None, i, "the name of the library is in no section") for i in range(3)]
         + [("none.dll", None, "the functions of the library are in no section")])
    same(ask(changed((base + lookup, "Q", 0x7777777)), "SELECT library, number, error FROM pe_import WHERE error IS NOT NULL"),
         [("one.dll", 0, "the name of the function is in no section")])
    # Two libraries that share a list have it once.
    shared = changed((base + import_at + 20, "I", lookup))
    same(ask(shared, "SELECT count(*) FROM pe_import WHERE NOT delayed AND number IS NOT NULL"), [(4,)])
    # A kind of header that is not read, programs of DOS, and what only begins as one.
    same(ask(changed((128 + 24, "H", 0x107)), header),
         [(None, "library", 3, "its optional header is of a kind not read here")])
    for other in (b"MZ", b"MZ" + bytes(200), good[:131], b"ZM" + good[2:], changed((60, "I", 0xffffffff)), changed((60, "I", 0))):
        same(ask(other, header), [])
    same(ask(good[:140], "SELECT machine, error FROM pe_header"), [("x86-64", "its headers reach past the end of the file")])
    same(ask(good[:0x420], "SELECT name, error FROM pe_section WHERE number = 0"), [(".rdata", "it reaches past the end of the file")])


TESTS = [pe_agrees_with_objdump, pe_imports_agree_with_llvm, pe_of_odd_programs]

if __name__ == "__main__":
    sys.exit(support.run_tests(TESTS))
