#!/usr/bin/python3
"""sql/formats of programs, classes, debug data and git's packs beside binutils, LLVM, javap, dexdump and git."""

import glob
import os
import re
import shutil
import struct
import subprocess
import sys
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "data"))
import formats_support as support
import samples_programs as samples
from formats_support import in_directory, rows, same, write


def tool(name):
    """Where a program is, also one that has LLVM's version in its name."""
    return next(filter(None, map(shutil.which, [name] + [f"{name}-{i}" for i in range(25, 10, -1)])), None)


def tells(*command, directory=None):
    """What a program says; None, with a word, where there is no such program, or it fails."""
    program = tool(command[0])
    if program is None:
        print(f"skipped: there is no {command[0]}")
        return None
    run = subprocess.run((program, *command[1:]), stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=directory)
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


# ---- Mach-O --------------------------------------------------------------------------------------

def macho_programs(directory):
    """Files made here: hand-made ones, objects and libraries by LLVM, universal ones."""
    for i, data in enumerate(support.samples()["macho.sql"]):
        yield write(directory, f"small-{i}", data)
    source = write(directory, "a.c", b"""
        extern int far(int); int shared = 5; int common[10]; static int hidden(int x) { return x * 3; }
        const char *name = "hello"; __attribute__((weak)) int soft(int x) { return x; } static int zero[100];
        int near(int x) { return far(x) + hidden(x) + zero[x & 3]; }""")
    at = lambda name: os.path.join(directory, name)
    linked = []
    for arch, system in (("x86_64", "macos11"), ("arm64", "macos11"), ("i386", "macos10.5"), ("armv7", "ios8")):
        if tells("clang", f"--target={arch}-apple-{system}", "-g", "-fcommon", "-c", source, "-o", at(arch + ".o")) is None:
            return
        yield at(arch + ".o")
        if system == "macos11" and tells("ld64.lld", "-arch", arch, "-platform_version", "macos", "11.0", "11.0", "-dylib", "-undefined",
                                         "dynamic_lookup", at(arch + ".o"), "-o", at(arch), "-install_name", "@rpath/x.dylib",
                                         "-current_version", "3.2.1", "-rpath", "/opt/lib") is not None:
            linked.append(at(arch))
            yield at(arch)
    if linked and tells("llvm-lipo", "-create", *linked, "-output", at("all")) is not None:
        yield at("all")


def otool(path):
    """(arch, what, {key: value}) for each thing that LLVM's otool names, in order."""
    told = tells("llvm-objdump", "--macho", "--private-headers", "--arch=all", path)
    found, arch = [], -1
    for line in (told or "").split("\n"):
        word, _, value = line.strip().partition(" ")
        if line.startswith("Mach header"):
            arch += 1
        elif line.startswith("Load command") or line == "Section":
            found.append((arch, line.partition(" ")[0], {}))
        elif found and word:
            found[-1][2].setdefault(word, value.strip())
    return found


@in_directory
def macho_agrees_with_llvm(directory):
    number = lambda value: int(value.split()[0], 0)
    for path in macho_programs(directory):
        found = otool(path)
        if not found:
            continue
        starts = dict(rows("macho.sql", path, "SELECT arch, offset FROM macho_header"))
        commands = [(arch, about) for arch, what, about in found if what == "Load"]
        same(rows("macho.sql", path, "SELECT arch, command, length, error FROM macho_command"),
             [(arch, about["cmd"].replace("LC_", "", 1), number(about["cmdsize"]), None) for arch, about in commands], path)
        same(rows("macho.sql", path, "SELECT arch, name, address, memory_size, offset, size, rights, most_rights, sections, error"
                                     " FROM macho_segment"),
             [(arch, about.get("segname", ""), number(about["vmaddr"]), number(about["vmsize"]), starts[arch] + number(about["fileoff"]),
               number(about["filesize"]), about["initprot"], about["maxprot"], number(about["nsects"]), None)
              for arch, about in commands if "vmaddr" in about], path)
        same(rows("macho.sql", path, "SELECT arch, name, segment, address, size, coalesce(offset, 0), align, error FROM macho_section"),
             [(arch, about["sectname"], about["segname"], number(about["addr"]), number(about["size"]),
               starts[arch] + number(about["offset"]) if "ZEROFILL" not in about["type"] else 0, 1 << int(about["align"].split("^")[1].split()[0]),
               None) for arch, what, about in found if what == "Section"], path)
        kinds = {"LC_ID_DYLIB": "id", "LC_LOAD_DYLIB": "load", "LC_LOAD_WEAK_DYLIB": "weak", "LC_REEXPORT_DYLIB": "reexport"}
        same(rows("macho.sql", path, "SELECT arch, kind, name, current, compatible FROM macho_library"),
             [(arch, kinds[about["cmd"]], about["name"].partition(" (")[0], about["current"].split()[-1], about["compatibility"].split()[-1])
              for arch, about in commands if about["cmd"] in kinds], path)
        same(rows("macho.sql", path, "SELECT arch, upper(value) FROM macho_command WHERE command = 'UUID'"),
             [(arch, about["uuid"]) for arch, about in commands if about["cmd"] == "LC_UUID"], path)
        symbols = []
        for part in (tells("llvm-nm", "-p", "-m", "--arch=all", path) or "").split("\n\n"):
            symbols += [(int(value, 16) if value.strip() else 0, name, type_.strip("()").partition(",")[0], rest)
                        for value, type_, rest, name in re.findall(
                            r"^([0-9a-f]+| +) (\([^)]*\)|-) (.*?)(\S+)(?: \([^)]*\))?$", part, flags=re.M) if type_ not in ("-", "(?)")]
        got = rows("macho.sql", path, "SELECT value, name, type, external FROM macho_symbol WHERE type <> 'debug' ORDER BY arch, number")
        same([row[:2] for row in got if row[1].isascii() and row[2] != "undefined"],
             [row[:2] for row in symbols if "\ufffd" not in row[1] and row[2] != "undefined"], path)
        same([row[1] for row in got if row[2] == "undefined"], [row[1] for row in symbols if row[2] == "undefined"], path)


@in_directory
def macho_of_odd_files(directory):
    ask = lambda data, query: rows("macho.sql", write(directory, "odd", bytes(data)), query)
    header = "SELECT machine, type, commands, error FROM macho_header"
    good = samples.macho()
    same(ask(good, "SELECT name, type, section, library FROM macho_symbol"),
         [("_near", "section", 1, None), ("_far", "undefined", None, 2), ("_hidden", "section", 2, None), ("caf\xe9", "section", 3, None),
          ("_common", "common", None, None), ("/a.c", "debug", None, None), ("_abs", "absolute", None, None)])
    same(ask(good, "SELECT number, kind, name, current FROM macho_library"),
         [(None, "id", "/usr/lib/self.dylib", "1.2.3"), (1, "load", "/usr/lib/one.dylib", "1.2.3"),
          (2, "weak", "@rpath/two.dylib", "1.2.3"), (3, "reexport", "/three", "1.2.3")])

    def changed(*changes, data=good):
        data = bytearray(data)
        for at, form, *values in changes:
            struct.pack_into(form, data, at, *values)
        return data

    # A header alone; commands that reach past the end, of too few bytes, and more than there is room for.
    same(ask(good[:32], header), [("x86-64", "library", 9, "its load commands reach past its end")])
    same(ask(good[:31], header), [("x86-64", "library", 9, "its header reaches past its end")])
    same(ask(changed((32 + 4, "<I", 7)), "SELECT command, error FROM macho_command"),
         [("SEGMENT_64", "it has 7 bytes, fewer than a command has")])
    same(ask(changed((32 + 4, "<I", 0xffffff)), "SELECT command, error FROM macho_command"),
         [("SEGMENT_64", "it reaches past the end of the commands")])
    same(ask(changed((16, "<I", 0xffffffff)), "SELECT count(*) FROM macho_command"), [(9,)])
    same(ask(changed((16, "<I", 2)), "SELECT count(*) FROM macho_command"), [(2,)])
    # A segment that says it has more sections than its command has room for, and one that is nowhere in the file.
    same(ask(changed((32 + 64, "<I", 5)), "SELECT name, error FROM macho_segment WHERE error IS NOT NULL"),
         [("__TEXT", "its sections reach past the end of the command")])
    same(ask(changed((32 + 40, "<Q", 1 << 63)), "SELECT name, error FROM macho_segment WHERE error IS NOT NULL"),
         [("__TEXT", "it reaches past the end of the file")])
    # The first table of symbols only, and a name that is outside of the strings.
    more = samples.macho(commands=[struct.pack("<IIIIII", 2, 24, 0, 50, 0, 50)])
    same(ask(more, "SELECT name FROM macho_symbol"), ask(good, "SELECT name FROM macho_symbol"))
    # Commands that say what is not there: symbols, their names, a text, a UUID.
    named = "SELECT command, error FROM macho_command WHERE error IS NOT NULL"
    same(ask(good, named), [])
    at = good.index(struct.pack("<II", 2, 24))
    for place, value, what in ((8, 1 << 31, "its symbols reach"), (12, 0xffffffff, "its symbols reach"),
                               (16, 0xfffffff0, "the names of its symbols reach"), (20, 99999, "the names of its symbols reach")):
        same(ask(changed((at + place, "<I", value)), named), [("SYMTAB", what + " past the end of the file")])
    same(ask(good[:-1], named), [("SYMTAB", "the names of its symbols reach past the end of the file")])
    for place in (0, 11, 48, 0xffff):
        same(ask(changed((good.index(b"/usr/lib/one") - 16, "<I", place)), named), [("LOAD_DYLIB", "its text is not in it")], place)
    for number, name in ((0x1b, "UUID"), (2, "SYMTAB")):
        same(ask(samples.macho(commands=[struct.pack("<IIQ", number, 16, 0)]), named), [(name, "it has 16 bytes, fewer than such a command has")])
    # Universal: an archive in one, an empty part, one behind the end, and what is a class of Java.
    both = samples.universal((7, b"!<arch>\n"), (12, good), (18, b""))
    same(ask(both, "SELECT arch, machine, type, error FROM macho_header"),
         [(0, "x86", None, "it is no Mach-O file"), (1, "x86-64", "library", None), (2, "PowerPC", None, "it is no Mach-O file")])
    far = changed((8 + 8, ">I", 0xffffff00), data=samples.universal((7, good), (12, good)))
    same(ask(far, "SELECT arch, error FROM macho_header ORDER BY arch"), [(0, "it reaches past the end of the file"), (1, None)])
    same(ask(both[:24], "SELECT arch, error FROM macho_header ORDER BY arch"), [(0, "it reaches past the end of the file")] * 1)
    for other in (b"", b"\xfe\xed\xfa", b"\xfe\xed\xfa\xcd" + bytes(99), b"\xca\xfe\xba\xbe\0\0\0\x34" + bytes(99),
                  b"\xca\xfe\xba\xbe" + bytes(99)):
        same(ask(other, header), [], other)


# ---- Java ----------------------------------------------------------------------------------------

def modified_utf8(data):
    """As Java writes texts; NUL as U+2400, which the recipe puts for it."""
    units = data.replace(b"\xc0\x80", b"\xe2\x90\x80").decode("utf-8", "surrogatepass").encode("utf-16le", "surrogatepass")
    return units.decode("utf-16le", "replace")


class JavaClass:
    """All of a class file by struct; what the views are held to."""

    def __init__(self, data):
        self.data, self.at = data, 8
        forms = {3: "i", 4: "f", 5: "q", 6: "d", 7: "H", 8: "H", 9: "HH", 10: "HH", 11: "HH", 12: "HH", 15: "BH", 16: "H", 17: "HH", 18: "HH",
                 19: "H", 20: "H"}
        self.pool, number, count = {}, 1, self.take("H")[0]
        while number < count:
            tag, = self.take("B")
            if tag == 1:
                size, = self.take("H")
                self.pool[number] = (1, modified_utf8(self.take(f"{size}s")[0]))
            else:
                self.pool[number] = (tag, *self.take(forms[tag]))
            number += 2 if tag in (5, 6) else 1
        self.access, this, parent, interfaces = self.take("HHHH")
        self.name, self.super = self.value(this), self.value(parent)
        self.interfaces = [self.value(number) for number in self.take("H" * interfaces)]
        self.attributes = []
        self.members = [(kind, i, *member) for kind in ("field", "method") for i, member in enumerate(self.members_of(kind))]
        self.attributes_of("class", None)

    def take(self, form):
        self.at += struct.calcsize(">" + form)
        return struct.unpack_from(">" + form, self.data, self.at - struct.calcsize(">" + form))

    def members_of(self, kind):
        found = []
        for number in range(self.take("H")[0]):
            access, name, descriptor = self.take("HHH")
            found.append((self.value(name), self.value(descriptor), access))
            self.attributes_of(kind, number)
        return found

    def attributes_of(self, owner, number):
        for _ in range(self.take("H")[0]):
            name, length = self.take("HI")
            self.attributes.append((owner, number, self.value(name), self.at, length))
            self.at += length

    def value(self, number):
        tag, *rest = self.pool.get(number, (0,))
        if tag in (7, 8, 16, 19, 20):
            return self.value(rest[0])
        if tag in (9, 10, 11):
            return f"{self.value(rest[0])}.{self.value(rest[1])}"
        if tag == 12:
            return f"{self.value(rest[0])}:{self.value(rest[1])}"
        if tag == 15:
            return HANDLES[rest[0]] + " " + self.value(rest[1])
        if tag in (17, 18):
            return f"#{rest[0]}:{self.value(rest[1])}"
        return rest[0] if rest else None


HANDLES = [None, "getField", "getStatic", "putField", "putStatic", "invokeVirtual", "invokeStatic", "invokeSpecial", "newInvokeSpecial",
           "invokeInterface"]
JAVA_TAGS = {1: "Utf8", 3: "Integer", 4: "Float", 5: "Long", 6: "Double", 7: "Class", 8: "String", 9: "Fieldref", 10: "Methodref",
             11: "InterfaceMethodref", 12: "NameAndType", 15: "MethodHandle", 16: "MethodType", 17: "Dynamic", 18: "InvokeDynamic", 19: "Module",
             20: "Package"}
JAVA = b"""import java.util.function.*;
public abstract class A<T> extends java.util.ArrayList<T> implements Runnable, Comparable<A<T>> {
  static final long L = 1234567890123L; static final double D = 2.5; static final float F = 1.5f; static final int I = -7;
  static final String S = "a\\0b\\ud83c\\udf33caf\\u00e9\\ud800x", N = ""; protected volatile transient int v; private enum E { X, Y }
  public native void n(); protected abstract int m(long a, String... b) throws java.io.IOException;
  public void run() { Supplier<String> s = () -> S + v + L + D + F; Function<String,Integer> f = String::length; System.out.println(s.get()); }
  public int compareTo(A<T> o) { synchronized (o) { return ("x" + o).hashCode() + (int) (L + v); } }
  interface Q { default void q() { } } @interface Z { int value() default 3; }
}
"""


def java_classes(directory):
    yield write(directory, "Small.class", samples.java_class())
    source = write(directory, "A.java", JAVA)
    if tells("javac", source) is not None:
        yield from sorted(glob.glob(os.path.join(directory, "A*.class")))
    for jar in sorted(glob.glob("/usr/share/java/*.jar"))[:4]:
        with zipfile.ZipFile(jar) as archive:
            for i, name in enumerate([n for n in archive.namelist() if n.endswith(".class")][:25]):
                yield write(directory, f"{os.path.basename(jar)}-{i}.class", archive.read(name))


@in_directory
def java_classes_agree_with_struct(directory):
    paths = list(java_classes(directory))
    ask = lambda query: sorted(rows("class.sql", paths, query), key=lambda row: row[:1])
    by_path = lambda table: sorted(((path, *row) for path in paths for row in table(read[path])), key=lambda row: row[:1])
    read = {path: JavaClass(open(path, "rb").read()) for path in paths}
    same(ask("SELECT path, name, super, constants, interfaces, fields, methods, error FROM class_file"),
         by_path(lambda c: [(c.name, c.super, struct.unpack_from(">H", c.data, 8)[0] - 1, len(c.interfaces),
                             *(sum(m[0] == kind for m in c.members) for kind in ("field", "method")), None)]))
    same(ask("SELECT path, number, type, value FROM class_constant"),
         by_path(lambda c: [(number, JAVA_TAGS[constant[0]], c.value(number)) for number, constant in c.pool.items()]))
    same(ask("SELECT path, name FROM class_interface"), by_path(lambda c: [(name,) for name in c.interfaces]))
    same(ask("SELECT path, kind, number, name, descriptor, error FROM class_member"),
         by_path(lambda c: [(*member[:4], None) for member in c.members]))
    same(ask("SELECT path, owner, number, name, offset, length, error FROM class_attribute"),
         by_path(lambda c: [(*attribute, None) for attribute in c.attributes]))
    texts = ("SourceFile", "Signature")
    same(ask("SELECT path, name, value FROM class_attribute WHERE name IN ('SourceFile', 'Signature')"),
         by_path(lambda c: [(a[2], c.value(struct.unpack_from(">H", c.data, a[3])[0])) for a in c.attributes if a[2] in texts]))


@in_directory
def java_modifiers_are_those_of_javap(directory):
    path = list(java_classes(directory))[1:2]
    told = path and tells("javap", "-v", "-p", *path)
    if not told:
        return
    words = lambda flags: sorted(word.replace("ACC_", "").lower().replace("strict", "strictfp") for word in re.findall(r"ACC_\w+", flags))
    flags = [words(line) for line in re.findall(r"^ +flags: (.*)$", told, flags=re.M)]
    got = rows("class.sql", path, "SELECT modifiers FROM class_file UNION ALL SELECT modifiers FROM class_member")
    same([sorted((modifiers or "").split()) for modifiers, in got], flags)


@in_directory
def java_classes_that_are_odd(directory):
    ask = lambda data, query: rows("class.sql", write(directory, "Odd.class", bytes(data)), query)
    about = "SELECT name, constants, fields, methods, error FROM class_file"
    # No constant, references to none, to themselves and to what is of another kind.
    empty = struct.pack(">IHHH4H3H", 0xcafebabe, 0, 52, 1, *[0] * 7)
    same(ask(empty, about), [(None, 0, 0, 0, None)])
    same(ask(struct.pack(">IHHH", 0xcafebabe, 0, 52, 0) + bytes(14), about), [(None, -1, 0, 0, None)])
    odd = samples.java_class(more=[(7, "H", 0), (8, "H", 34), (7, "H", 12), (10, "HH", 36, 36), (15, "BH", 77, 37), (12, "HH", 999, 1)])
    same(ask(odd, "SELECT number, value FROM class_constant WHERE number > 32"), [(i, None) for i in range(33, 39)])
    same(ask(odd, about), [("Small", 38, 1, 2, None)])
    # A tag that is none; a pool that ends within a long; a class that ends behind its constants, or in its members.
    good = samples.java_class()
    same(ask(good[:10] + b"\2" + good[11:], about), [(None, 32, None, None, "constant 1 is none, or reaches past the end of the file")])
    for size in range(10, len(good)):
        (name, _, _, _, error), = ask(good[:size], about)
        assert error, size
    same(ask(good[:-5], "SELECT owner, name, error FROM class_attribute")[-1],
         ("class", "SourceFile", "it reaches past the end of the file"))
    members = struct.pack(">HHHHHH", 1, 1, 7, 8, 0, 9)  # nine methods, and none is there
    same(ask(samples.java_class(members=members, attributes=b""), about)[0][3:],
         (9, "its members or attributes reach past the end of the file"))
    # Bytes behind the end are not looked at; what macOS has under the same magic is none.
    same(ask(good + b"more", about), ask(good, about))
    for other in (b"", good[:9], b"\xca\xfe\xba\xbe\0\0\0\2" + bytes(99), b"\xca\xfe\xba\xbf" + good[4:]):
        same(ask(other, about), [])


# ---- DEX -----------------------------------------------------------------------------------------

class Dex:
    """All of a DEX by struct; what the views are held to."""

    def __init__(self, data):
        self.data = data
        unpack = lambda form, at: struct.unpack_from("<" + form, data, at)
        table = lambda where, form: [unpack(form, at) for count, start in [unpack("II", where)]
                                     for at in range(start, start + count * struct.calcsize("<" + form), struct.calcsize("<" + form))]
        self.strings = [self.string(at) for at, in table(56, "I")]
        self.types = [self.strings[i] for i, in table(64, "I")]
        listed = lambda at: [self.types[i] for i in unpack("%dH" % unpack("I", at), at + 4)] if at else []
        self.protos = [("(" + "".join(listed(at)) + ")" + self.types[returns], self.strings[shorty]) for shorty, returns, at in table(72, "III")]
        self.fields = [(self.types[a], self.strings[c], self.types[b]) for a, b, c in table(80, "HHI")]
        self.methods = [(self.types[a], self.strings[c], self.protos[b][0]) for a, b, c in table(88, "HHI")]
        name = lambda names, i: None if i == 0xffffffff else names[i]
        self.classes = [(self.types[c[0]], name(self.types, c[2]), " ".join(listed(c[3])) or None, name(self.strings, c[4]))
                        for c in table(96, "8I")]
        map_at, = unpack("I", 52)
        self.map = [unpack("HHII", map_at + 4 + 12 * i)[2:] for i in range(unpack("I", map_at)[0])]

    def string(self, at):
        while self.data[at] & 128:
            at += 1
        return modified_utf8(self.data[at + 1:self.data.index(b"\0", at + 1)])


SMALI = r"""
.class public abstract Lcom/x/A;
.super Ljava/lang/Object;
.implements Ljava/lang/Runnable;
.implements Ljava/lang/Comparable;
.source "A.java"
.field private static final text:Ljava/lang/String; = "nul\u0000 \ud83c\udf33 \ud800 caf\u00e9"
.field public volatile count:J
.method public run()V
  .registers 3
  const-string v0, ""
  const-string v1, "LONG"
  invoke-virtual {p0, v0, v1}, Lcom/x/A;->two(Ljava/lang/String;Ljava/lang/String;)[[I
  return-void
.end method
.method public abstract two(Ljava/lang/String;Ljava/lang/String;)[[I
.end method
""".replace("LONG", "long " * 3000)


@in_directory
def dex_agrees_with_struct_and_baksmali(directory):
    made = os.path.join(directory, "made.dex")
    assembled = tells("smali", "assemble", "-o", made, write(directory, "A.smali", SMALI.encode())) is not None
    ask = lambda path, query: rows("dex.sql", path, query)
    for path in [write(directory, "small.dex", samples.dex())] + [made] * assembled:
        dex = Dex(open(path, "rb").read())
        same(ask(path, "SELECT text, error FROM dex_string"), [(text, None) for text in dex.strings])
        same(ask(path, "SELECT descriptor, error FROM dex_type"), [(text, None) for text in dex.types])
        same(ask(path, "SELECT descriptor, shorty, error FROM dex_proto"), [(*proto, None) for proto in dex.protos])
        same(ask(path, "SELECT class, name, type, error FROM dex_field"), [(*field, None) for field in dex.fields])
        same(ask(path, "SELECT class, name, descriptor, error FROM dex_method"), [(*method, None) for method in dex.methods])
        same(ask(path, "SELECT name, super, interfaces, source, error FROM dex_class"), [(*one, None) for one in dex.classes])
        same(ask(path, "SELECT items, offset, error FROM dex_map"), [(*part, None) for part in dex.map])
        same(ask(path, "SELECT strings, types, protos, fields, methods, classes, size, error FROM dex_header"),
             [(*map(len, (dex.strings, dex.types, dex.protos, dex.fields, dex.methods, dex.classes)), len(dex.data), None)])
    if assembled:
        listed = lambda what: (tells("baksmali", "list", what, made) or "").split("\n")[:-1]
        same(ask(made, "SELECT class || '->' || name || descriptor FROM dex_method"), [(line,) for line in listed("methods")])
        same(ask(made, "SELECT class || '->' || name || ':' || type FROM dex_field"), [(line,) for line in listed("fields")])
        same(ask(made, "SELECT length, modifiers FROM dex_string, dex_class WHERE text GLOB 'long*'"), [(15000, "public abstract")])


@in_directory
def dex_that_is_odd(directory):
    good = samples.dex()
    ask = lambda data, query: rows("dex.sql", write(directory, "odd.dex", bytes(data)), query)

    def changed(at, form, *values):
        data = bytearray(good)
        struct.pack_into("<" + form, data, at, *values)
        return data

    header = "SELECT version, strings, error FROM dex_header"
    same(ask(changed(40, "I", 0x78563412), header), [("035", 10, "its order of bytes is not read here")])
    same(ask(changed(56, "I", 0xffffffff), header), [("035", 0xffffffff, "one of its tables reaches past the end of the file")])
    same(ask(good[:0x6f], header), [("035", 10, "its header reaches past the end of the file")])
    same(ask(good[:-1], header), [("035", 10, "it reaches past the end of the file")])
    # Two strings in one place, one that begins in another, one that nothing ends.
    places = struct.unpack_from("<10I", good, 0x70)
    told = dict(ask(changed(0x70 + 4 * 6, "I", places[7]), "SELECT number, error FROM dex_string"))
    same([number for number, error in told.items() if error], [6])
    told = ask(changed(0x70 + 4 * 9, "I", places[6] + 2), "SELECT number, text, error FROM dex_string WHERE number IN (6, 9)")
    same(told[0], (6, "a", "another one begins in it"))
    same(ask(changed(0x70, "I", 0xffffff), "SELECT text, error FROM dex_string LIMIT 1"), [(None, "it reaches past the end of the file")])
    # Numbers of what is not there.
    missing = "it names what is not there"
    tables = dict(zip(("strings", "types", "protos", "fields", "methods", "classes"), range(56, 104, 8)))
    at = lambda name: struct.unpack_from("<I", good, tables[name] + 4)[0]
    same(ask(changed(at("types"), "I", 10), "SELECT descriptor, error FROM dex_type LIMIT 1"), [(None, missing)])
    same(ask(changed(at("fields"), "H", 4), "SELECT class, name, error FROM dex_field"), [(None, "caf\xe9", missing)])
    same(ask(changed(at("methods") + 2, "H", 2), "SELECT name, descriptor, error FROM dex_method LIMIT 1"), [("run", None, missing)])
    same(ask(changed(at("protos"), "I", 99), "SELECT descriptor, shorty, error FROM dex_proto LIMIT 1"), [("()V", None, missing)])
    same(ask(changed(at("classes") + 8, "II", 0xffffffff, 0), "SELECT name, super, interfaces, error FROM dex_class"),
         [("La;", None, None, None)])
    same(ask(changed(at("classes") + 8, "I", 4), "SELECT super, error FROM dex_class"), [(None, missing)])
    # A list that reaches past the end; one type in it that is not there.
    cut = "its list of types reaches past the end of the file"
    same(ask(changed(at("protos") + 20, "I", 0xfffffff), "SELECT descriptor, error FROM dex_proto WHERE number = 1"), [("()I", cut)])
    where, = struct.unpack_from("<I", good, at("protos") + 20)
    same(ask(changed(where, "I", 0xffffffff), "SELECT error FROM dex_proto WHERE number = 1"), [(cut,)])
    same(ask(changed(where + 4, "H", 77), "SELECT descriptor FROM dex_proto WHERE number = 1"), [("(?La;I)I",)])
    for other in (b"", b"dex\n", b"dex\n035", b"dey\n035\0" + good[8:], b"dex\n035 " + good[8:]):
        same(ask(other, header), [], other)


# ---- git's packs ---------------------------------------------------------------------------------

def git(directory, *words, given=None):
    env = dict(os.environ, HOME=directory, GIT_CONFIG_NOSYSTEM="1", GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@b.c", GIT_COMMITTER_NAME="a",
               GIT_COMMITTER_EMAIL="a@b.c")
    return subprocess.run(["git", "-C", directory, *words], check=True, env=env, input=given, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout


def repository(directory, form):
    """Fourteen versions of a long file, and others; the hashes of all that there is."""
    git(directory, "init", "-q", "--object-format=" + form)
    lines = [f"line {i} of a file that is long enough\n" for i in range(400)]
    for version in range(14):
        lines[version * 9] = f"changed in version {version}\n"
        write(directory, "long", "".join(lines).encode())
        write(directory, f"n{version}", os.urandom(3000 * version))
        git(directory, "add", ".")
        git(directory, "commit", "-qm", f"version {version}")
    git(directory, "tag", "-am", "a tag", "v1")
    return git(directory, "rev-list", "--objects", "--all").rstrip().split(b"\n")


def same_as_git(index):
    """All that git verify-pack and git show-index say of a pack."""
    form = "sha256" if len(os.path.basename(index)) > 60 else "sha1"
    ask = lambda *words, **about: subprocess.run(["git", words[0], "--object-format=" + form, *words[1:]], cwd=os.path.dirname(index), check=True,
                                                 stdout=subprocess.PIPE, **about).stdout.decode()
    told = ask("verify-pack", "-v", index)
    objects = sorted(tuple(line.split()) for line in told.split("\n") if re.match(r"[0-9a-f]{40,} ", line))
    at = {int(o[4]): o[0] for o in objects}
    got = sorted(rows("git_pack.sql", index, "SELECT hash, size, packed, offset, crc_ok, error FROM git_pack_object"))
    same(got, [(o[0], int(o[2]), int(o[3]), int(o[4]), 1, None) for o in objects])
    got = sorted(rows("git_pack.sql", index, "SELECT hash, type, depth, base_offset, error FROM git_pack_delta"))
    same([(*row[:3], at.get(row[3]), row[4]) for row in got],
         [(o[0], o[1], int(o[5]) if len(o) > 5 else 0, o[6] if len(o) > 5 else None, None) for o in objects])
    with open(index, "rb") as file:
        told = ask("show-index", stdin=file)
    same(rows("git_pack.sql", index, "SELECT offset || ' ' || hash || printf(' (%08x)', crc) FROM git_pack_object ORDER BY hash"),
         [(line,) for line in told.split("\n")[:-1]])
    same(rows("git_pack.sql", index, "SELECT kind, version, objects, error FROM git_pack"), [("index", 2, len(objects), None)])
    return rows("git_pack.sql", index, "SELECT type, count(*) FROM git_pack_object GROUP BY type", lambda row: row[0])


@in_directory
def git_packs_agree_with_git(directory):
    for form in ("sha1", "sha256"):
        place = os.path.join(directory, form + " [a*b?]")
        os.mkdir(place)
        objects = b"".join(line.partition(b" ")[0] + b"\n" for line in repository(place, form))
        kinds = set()
        for name, options in (("ofs", ("--delta-base-offset",)), ("ref", ()), ("far", ("--index-version=2,0x800",))):
            git(place, "pack-objects", "-q", *options, os.path.join(place, name), given=objects)
            index, = glob.glob(os.path.join(glob.escape(place), name + "-*.idx"))
            kinds |= set(same_as_git(index))
            assert rows("git_pack.sql", index[:-3] + "pack", "SELECT kind, error FROM git_pack") == [("pack", None)]
        assert {"commit", "tree", "blob", "tag", "ofs-delta", "ref-delta"} <= kinds, kinds


@in_directory
def git_packs_that_are_odd(directory):
    pack, index = samples.git_pack()
    path = os.path.join(directory, "a.idx")
    columns = "SELECT offset, type, size, packed, base_offset, base_hash, crc_ok, error FROM git_pack_object"

    def ask(query=columns, pack=pack, index=index):
        write(directory, "a.pack", bytes(pack))
        return rows("git_pack.sql", write(directory, "a.idx", bytes(index)), query)

    def changed(data, at, form, *values):
        data = bytearray(data)
        struct.pack_into(form, data, at, *values)
        return data

    places = samples.git_pack_places()
    hashes = [bytes([i] * 20).hex() for i in (16, 17, 0x80, 0x81, 0xff)]
    same(ask(), [(places[0], "blob", 5, 15, None, None, 1, None), (places[1], "ofs-delta", 300, 17, places[0], None, 1, None),
                 (places[2], "ref-delta", 7, 29, None, hashes[1], 1, None), (places[3], "ref-delta", 7, 29, None, "77" * 20, 1, None),
                 (places[4], "tag", 0, 9, None, None, 1, None)])
    missing = "it, or a base of it, is not in the pack"
    depths = "SELECT type, depth, base_offset, error FROM git_pack_delta"
    same(ask(depths), [("blob", 0, None, None), ("blob", 1, places[0], None), ("blob", 2, places[1], None), (None, 0, None, missing),
                       ("tag", 0, None, None)])
    # Deltas that are made from each other, and one of itself.
    base = pack.index(bytes.fromhex(hashes[1]))
    same(ask(depths, changed(pack, base, "20s", bytes([0x80] * 20)))[2], (None, 999, places[2], "it is made by 999 deltas or more"))
    # A base before the pack; a type that is none; objects that are cut, without and with the end of the pack.
    back = places[1] + 2
    same(ask(pack=changed(pack, back, "B", 0x7f))[1][-1], "its base is before the pack")
    same(ask(pack=changed(pack, places[0], "B", 0x55))[0][1::6], (5, "it is of no type"))
    same(ask("SELECT crc_ok, error FROM git_pack_object", changed(pack, places[0] + 9, "B", 0xee))[0], (0, None))
    same([row[-1] for row in ask(pack=pack[:places[2] + 20])][2:], ["its place is not in the pack"] * 3)
    same(ask("SELECT error FROM git_pack", pack[:-1]), [("the pack beside it is another one",)])
    # Places of 8 bytes: within, behind the end, and not there.
    count = 1032 + 5 * 24
    far = changed(index, count, ">I", 0x80000000)
    wide = far[:count + 20] + struct.pack(">Q", places[0]) + far[count + 20:]
    same(ask(index=wide)[0][:2], (places[0], "blob"))
    same(ask(index=changed(wide, count + 20, ">Q", 1 << 63), query=columns + " WHERE error IS NOT NULL")[0][-1], "its place is not in the pack")
    same(ask(index=changed(index, count, ">I", 0xffffffff), query=columns + " WHERE offset IS NULL")[0][-1],
         "its place reaches past the end of the index")
    # More objects than there are, none, another version, cut at every length, without a pack.
    same(ask("SELECT objects, error FROM git_pack", index=changed(index, 1028, ">I", 0xffffffff)),
         [(0xffffffff, "its tables reach past the end of the file")])
    same(ask("SELECT objects, error FROM git_pack", index=index[:8] + bytes(1024) + index[-40:]), [(0, None)])
    same(ask("SELECT version, error FROM git_pack", index=changed(index, 4, ">I", 3)), [(3, "its version is not read here")])
    same(ask(index=changed(index, 4, ">I", 3)), [])
    for size in list(range(0, 1040, 97)) + list(range(1032, len(index), 11)):
        ask(index=index[:size])
        ask(depths, index=index[:size])
        told = ask("SELECT error FROM git_pack", index=index[:size])
        assert size < 4 or told[0][0], size
    for size in range(0, len(pack), 5):
        ask(pack=pack[:size])
        ask(depths, pack=pack[:size])
    os.remove(os.path.join(directory, "a.pack"))
    same(rows("git_pack.sql", write(directory, "a.idx", index), "SELECT offset, type, error FROM git_pack_object LIMIT 1"),
         [(places[0], None, "its pack is not beside the index")])
    for name, data in (("b.idx", b""), ("b.pack", b"PACJ" + bytes(9)), ("c.idx", b"\xfftOd" + bytes(2000))):
        same(rows("git_pack.sql", write(directory, name, data), "SELECT kind FROM git_pack"), [])


# ---- DWARF ---------------------------------------------------------------------------------------

def dwarf_files(directory):
    """Hand-made ones, objects of each version by GCC and Clang, a library of two units."""
    for i, data in enumerate(support.samples()["dwarf.sql"]):
        yield write(directory, f"small-{i}", data)
    one = write(directory, "one.c", b"struct s { int a; char b[3]; };\nint f(struct s *p) { for (int i = 0; i < 3; i++) p->a += p->b[i]; return p->a; }\n")
    two = write(directory, "two.c", b"#include <string.h>\nint g(const char *x) { return (int)strlen(x); }\n")
    for compiler in ("gcc", "clang"):
        for options in (["-g", "-O2"], ["-gdwarf-2"], ["-gdwarf-3"], ["-gdwarf-4"], ["-gdwarf-5", "-gdwarf64"]):
            made = os.path.join(directory, compiler + "".join(options))
            if tells(compiler, *options, "-c", one, "-o", made) is not None:
                yield made
        made = os.path.join(directory, compiler + ".so")
        if tells(compiler, "-g", "-shared", "-fPIC", one, two, "-o", made) is not None:
            yield made


def readelf_blocks(path, what, begin):
    """{key: value} of each block that readelf prints from a line on that begins so."""
    found = []
    for line in (tells("readelf", "--debug-dump=" + what, path) or "").split("\n"):
        key, _, value = line.strip().partition(":")
        if re.match(begin, line.strip()):
            found.append({})
        if found and value:
            found[-1].setdefault(key, value.strip())
    return found


@in_directory
def dwarf_agrees_with_readelf(directory):
    number = lambda value: int(value.split()[0], 0)
    strip = lambda name: None if name is None else name.replace("DW_TAG_", "").replace("DW_AT_", "").replace("DW_FORM_", "")
    for path in dwarf_files(directory):
        told = tells("readelf", "--debug-dump=info", path)
        if not told:
            continue
        starts = [int(place, 16) for place in re.findall(r"Compilation Unit @ offset (?:0x)?(\w+)", told)]
        units = readelf_blocks(path, "info", "Compilation Unit @")
        same(rows("dwarf.sql", path, "SELECT place, length, bits, version, abbrev_place, address_bytes, error FROM dwarf_unit"),
             [(start, number(u["Length"]), int(u["Length"].split("(")[1][:2]), number(u["Version"]), number(u["Abbrev Offset"]), number(u["Pointer Size"]), None)
              for start, u in zip(starts, units)], path)
        lines = readelf_blocks(path, "rawline", "Offset:")
        optional = lambda about, key, other: number(about[key]) if key in about else other
        same(rows("dwarf.sql", path, "SELECT place, length, version, header_length, address_bytes, least_instruction, most_operations, is_stmt, line_base,"
                                     " line_range, opcode_base, error FROM dwarf_line"),
             [(number(l["Offset"]), number(l["Length"]), number(l["DWARF Version"]), number(l["Prologue Length"]), optional(l, "Address size (bytes)", None),
               number(l["Minimum Instruction Length"]), optional(l, "Maximum Ops per Instruction", 1), number(l["Initial value of 'is_stmt'"]),
               number(l["Line Base"]), number(l["Line Range"]), number(l["Opcode Base"]), None) for l in lines], path)
        told = tells("readelf", "--debug-dump=abbrev", path)
        tables = [int(place, 16) for place in re.findall(r"^  Number TAG \((?:0x)?(\w+)\)", told, flags=re.M)]
        entries = re.findall(r"^   (\d+)      (?:Unknown TAG value: )?(\S+)    \[(has|no) children\]", told, flags=re.M)
        got = rows("dwarf.sql", path, "SELECT code, tag, children FROM dwarf_abbrev")
        same([row for row in got if not row[1].startswith("0x")],
             [(int(code), strip(tag), int(has == "has")) for code, tag, has in entries if tag.startswith("DW_TAG_") and "GNU" not in tag], path)
        same(len(got), len(entries), path)
        firsts = {row[0] for row in rows("dwarf.sql", path, "SELECT place FROM dwarf_abbrev")}
        assert set(tables) <= firsts, path
        pairs = re.findall(r"^    DW_AT_(\S+) +DW_FORM_(\w+)(?:: (-?\d+))?$", told, flags=re.M)
        same(rows("dwarf.sql", path, "SELECT attribute, form, value FROM dwarf_attribute WHERE attribute NOT GLOB '0x*'"),
             [(attribute, form, int(value) if value else None) for attribute, form, value in pairs if not attribute.startswith(("GNU", "LLVM"))], path)


@in_directory
def dwarf_that_is_odd(directory):
    ask = lambda data, query: rows("dwarf.sql", write(directory, "odd.o", bytes(data)), query)
    good, cut = samples.dwarf_units("<"), "it reaches past the end of the section"
    made = lambda **bodies: samples.dwarf(bodies={**good, **{b".debug_" + name.encode(): body for name, body in bodies.items()}})
    units, lines = "SELECT version, error FROM dwarf_unit", "SELECT version, error FROM dwarf_line"
    same(ask(made(info=good[b".debug_info"][:-1]), units), [(2, None), (5, None), (None, cut)])
    same(ask(made(info=struct.pack("<IHI", 6, 9, 0)), units), [(9, "its version is not read here")])
    same(ask(made(info=b"\xff" * 12), units), [(None, cut)])
    same(ask(made(info=b""), units), [])
    same(ask(made(line=good[b".debug_line"][:60]), lines), [(3, None), (None, cut)])
    same(ask(made(line=struct.pack("<IHI", 6, 1, 0)), lines), [(1, "its version is not read here")])
    same(ask(made(line=good[b".debug_line"][:6] + struct.pack("<I", 5000) + good[b".debug_line"][10:]), lines)[0],
         (3, "its program begins behind its end"))
    # No opcodes of the standard at all; abbreviations that nothing ends, and an attribute of nothing.
    same(ask(made(line=struct.pack("<IHI", 11, 3, 5) + bytes([1, 1, 0xfb, 14, 0])), "SELECT opcode_base, arguments, error FROM dwarf_line"), [(0, "[]", None)])
    abbreviations = good[b".debug_abbrev"]
    same(ask(made(abbrev=abbreviations[:15]), "SELECT code FROM dwarf_abbrev"), [(1,)])
    same(ask(made(abbrev=b"\0\0\0" + abbreviations), "SELECT place, code FROM dwarf_abbrev LIMIT 2"), [(3, 1), (12, 2)])
    same(ask(made(abbrev=b"\1\2\0\3\0\0\0\0"), "SELECT attribute, form FROM dwarf_attribute"), [("name", "0x0")])
    # Compressed sections are named, and not read; two sections of a name: the first one.
    packed = samples.dwarf(flags=0x800)
    same(ask(packed, "SELECT name, compressed FROM dwarf_section"), [(name.decode(), 1) for name in good])
    same(ask(packed, units) + ask(packed, lines), [])
    same(ask(samples.dwarf(bodies={b".text": b"x"}), "SELECT * FROM dwarf_section"), [])
    for other in (b"", b"\x7fELF", samples.dwarf()[:64], b"\x7fELF\3" + samples.dwarf()[5:], samples.dwarf()[:5] + b"\3" + samples.dwarf()[6:]):
        same(ask(other, "SELECT * FROM dwarf_section"), [])


TESTS = [pe_agrees_with_objdump, pe_imports_agree_with_llvm, pe_of_odd_programs, macho_agrees_with_llvm, macho_of_odd_files,
         java_classes_agree_with_struct, java_modifiers_are_those_of_javap, java_classes_that_are_odd,
         dex_agrees_with_struct_and_baksmali, dex_that_is_odd,
         git_packs_agree_with_git, git_packs_that_are_odd,
         dwarf_agrees_with_readelf, dwarf_that_is_odd]

if __name__ == "__main__":
    sys.exit(support.run_tests(TESTS))
