"""Small programs, libraries and objects, as compilers and linkers would make them."""

import hashlib
import struct
import zlib


def leb128(number):
    digits = [number >> i & 127 for i in range(0, max(number.bit_length(), 1), 7)]
    return bytes([d | 128 for d in digits[:-1]] + digits[-1:])


class Image:
    """Bytes that know where they will be: each piece put in gives its address."""

    def __init__(self, base):
        self.base, self.data = base, bytearray()

    def put(self, piece, align=1):
        self.data += bytes(-len(self.data) % align)
        at = self.base + len(self.data)
        self.data += piece
        return at


# ---- PE ------------------------------------------------------------------------------------------

def pe(wide=True, sections=(), imports=None, time=1700000000):
    """A library with imports of every kind and exports of every kind; `sections` are more of them."""
    word = "Q" if wide else "I"
    high = 1 << (63 if wide else 31)
    image = Image(0x1000)
    text = lambda value: image.put(value + b"\0")
    wanted = lambda names: b"".join(
        struct.pack("<" + word, high | name if isinstance(name, int)
                    else image.put(struct.pack("<H", name[0]) + name[1] + b"\0", 2))
        for name in names) + bytes(8 if wide else 4)

    if imports is None:
        imports = [(b"one.dll", [(7, b"first"), 4711, (0, b"caf\xe9")]), (b"none.dll", []),
                   (b"two.dll", [(0x8001, b"?third@@YAXXZ")])]
    entries = b""
    for library, names in imports:
        table = wanted(names)
        lookup, addresses = image.put(table, 8), image.put(table, 8)
        entries += struct.pack("<IIIII", lookup, 0, 0, text(library), addresses)
    import_at = image.put(entries + bytes(20), 4)
    table = image.put(wanted([(3, b"late"), 5]), 8)
    delay_at = image.put(struct.pack("<8I", 1, text(b"delayed.dll"), 0, table, table, 0, 0, 0)
                         + bytes(32), 4)
    # Functions 10 to 14: named twice, none, forwarded, without a name, named.
    names = [(0, b"alias"), (4, b"last"), (0, b"named"), (2, b"sent")]
    export_at = image.put(bytes(40), 4)
    forward = text(b"OTHER.sent_on")
    functions = image.put(struct.pack("<5I", 0x1111, 0, forward, 0x2222, 0x3333), 4)
    pointers = [text(name) for _, name in names]
    names_at = image.put(struct.pack("<4I", *pointers), 4)
    numbers_at = image.put(struct.pack("<4H", *(number for number, _ in names)), 2)
    library = text(b"self.dll")
    export_size = image.base + len(image.data) - export_at
    struct.pack_into("<IIHHIIIIIII", image.data, export_at - image.base, 0, time, 0, 0, library, 10, 5, 4,
                     functions, names_at, numbers_at)

    body = bytes(image.data).ljust(-len(image.data) % 512 + len(image.data), b"\0")
    places = [(0, 0)] * 16
    places[0], places[1], places[13] = (export_at, export_size), (import_at, 20 * (1 + len(imports))), (delay_at, 64)
    places[4] = (0x400, 8)
    directory = b"".join(struct.pack("<II", *place) for place in places)
    optional = struct.pack("<HBBIIIII", 0x20b if wide else 0x10b, 14, 0, 0, len(body), 0, 0x1010, 0x1000)
    optional += struct.pack("<Q", 0x180000000) if wide else struct.pack("<II", 0x1000, 0x10000000)
    optional += struct.pack("<II6HIIIIHH", 4096, 512, 6, 0, 0, 0, 6, 0, 0, 0x6000, 0x400, 0, 3, 0x160)
    optional += struct.pack("<" + word * 4 + "II", 1 << 20, 4096, 1 << 20, 4096, 0, 16) + directory
    symbols = 0x400 + len(body)
    all_sections = [(b".rdata", len(image.data), 0x1000, len(body), 0x400, 0x40000040),
                    (b".bss", 0x800, 0x4000, 0, 0, 0xc0000080), (b"/4", 8, 0x5000, 0, 0, 0x62000020),
                    *sections]
    head = struct.pack("<HHIIIHH", 0x8664 if wide else 0x14c, len(all_sections), time, symbols, 0,
                       len(optional), 0x2022 if wide else 0x2102)
    table = b"".join(struct.pack("<8sIIIIIIHHI", name, memory, address, size, place, 0, 0, 0, 0, flags)
                     for name, memory, address, size, place, flags in all_sections)
    start = (b"MZ" + bytes(58) + struct.pack("<I", 128)).ljust(128, b"\0")
    strings = b".a_long_name\0"
    return ((start + b"PE\0\0" + head + optional + table).ljust(0x400, b"\0") + body
            + struct.pack("<I", 4 + len(strings)) + strings)


# ---- Mach-O --------------------------------------------------------------------------------------

def macho(wide=True, little=True, machine=0x1000007, symbols=None, commands=()):
    """A library with two segments, three sections, libraries of each kind and symbols; `commands` are more of them."""
    end = "<" if little else ">"
    word = "Q" if wide else "I"
    pack = lambda form, *values: struct.pack(end + form, *values)
    text = lambda number, value: (lambda body: pack("III", number, 12 + len(body), 12) + body)(
        value + bytes(8 - (12 + len(value)) % 8))
    library = lambda number, value: (lambda body: pack("IIIIII", number, 24 + len(body), 24, 2, 0x10203, 0x10000) + body)(
        value + bytes(8 - len(value) % 8))

    def segment(name, address, place, size, rights, sections):
        body = pack("16s" + word * 4 + "IIII", name, address, 0x1000, place, size, rights | 4, rights, len(sections), 0)
        for section, at, bytes_, where, kind in sections:
            body += pack("16s16s" + word * 2 + "IIIIIII" + "I" * wide, section, name, at, bytes_, where, 4, 0, 0, kind, 0, 0,
                         *[0] * wide)
        return pack("II", 0x19 if wide else 1, 8 + len(body)) + body

    if symbols is None:
        symbols = [(b"_near", 0xf, 1, 0, 0x1010), (b"_far", 1, 0, 0x200, 0), (b"_hidden", 0xe, 2, 0, 0x2000),
                   (b"caf\xe9", 0x1e, 3, 0, 0x2008), (b"_common", 1, 0, 0, 16), (b"/a.c", 0x64, 0, 0, 0), (b"_abs", 2, 0, 0, 99)]
    strings, table = b"\0", b""
    for name, kind, section, about, value in symbols:
        table += pack("IBBH" + word, len(strings), kind, section, about, value)
        strings += name + b"\0"
    strings = strings[:-1]  # the last one ends with the table

    def laid_out(at):
        all_ = [segment(b"__TEXT", 0x1000, 0, at + 16, 5, [(b"__text", 0x1010, 16, at, 0x80000400)]),
                segment(b"__SIXTEEN_BYTES_", 0x2000, at + 16, 8, 3, [(b"__data", 0x2000, 8, at + 16, 0), (b"__bss", 0x2008, 64, 0, 1)]),
                library(13, b"/usr/lib/self.dylib"), library(12, b"/usr/lib/one.dylib"), library(0x80000018, b"@rpath/two.dylib"),
                library(0x8000001f, b"/three"), text(0x8000001c, b"@loader_path/../lib"), pack("II16s", 0x1b, 24, bytes(range(16))),
                pack("IIIIII", 2, 24, at + 24, len(symbols), at + 24 + len(table), len(strings)), *commands]
        head = pack("IIIIIII" + "I" * wide, 0xfeedfacf if wide else 0xfeedface, machine, 3, 6, len(all_),
                    len(b"".join(all_)), 0x85, *[0] * wide)
        return head + b"".join(all_)

    at = len(laid_out(0))
    return laid_out(at) + bytes(range(24)) + table + strings


def universal(*parts, wide=False):
    """One file of several, each with its machine."""
    form = ">IIQQII" if wide else ">IIIII"
    at, head, body = 4096, b"", b""
    for machine, part in parts:
        where = (at + len(body), len(part), 12)
        head += struct.pack(form, machine, 3, *where, *([0] if wide else []))
        body += part + bytes(-len(part) % 4096)
    return (struct.pack(">II", 0xcafebabf if wide else 0xcafebabe, len(parts)) + head).ljust(4096, b"\0") + body


# ---- Java ----------------------------------------------------------------------------------------

def java_constants(*values):
    """The bytes of a pool, and how many numbers it takes; a value is a text, an int, or (tag, form, numbers…)."""
    out, count = b"", 1
    for value in values:
        if isinstance(value, bytes):
            out += struct.pack(">BH", 1, len(value)) + value
        elif isinstance(value, int):
            out += struct.pack(">BH", 7, value)
        else:
            out += struct.pack(">B" + value[1], value[0], *value[2:])
        count += 2 if isinstance(value, tuple) and value[0] in (5, 6) else 1
    return out, count


def java_class(more=(), members=None, attributes=None):
    """A class Small with an interface, a field and two methods; the pool's own constants take 32 numbers, `more` follow."""
    pool, count = java_constants(
        b"Small", 1, b"Base", 3, b"Face", 5, b"field", b"J", b"run", b"()V", (5, "q", -1 << 63), (6, "d", 2.5), (3, "i", -7), (4, "f", 1.5),
        (8, "H", 9), (12, "HH", 9, 10), (10, "HH", 2, 18), (9, "HH", 4, 24), (11, "HH", 6, 18), (15, "BH", 6, 19), (16, "H", 10), (12, "HH", 7, 8),
        (18, "HH", 0, 18), b"Code", b"SourceFile", b"nul\xc0\x80 \xed\xa0\xbc\xed\xbc\xb3 \xed\xa0\x80 caf\xc3\xa9", b"", (17, "HH", 1, 24),
        (19, "H", 1), (20, "H", 3), *more)
    attribute = lambda name, data: struct.pack(">HI", name, len(data)) + data
    if members is None:
        field = struct.pack(">HHHH", 0x1019, 7, 8, 0)
        method = struct.pack(">HHHH", 0x101, 9, 10, 2) + attribute(26, bytes(12)) + attribute(28, b"")
        members = (struct.pack(">H", 1) + field + struct.pack(">H", 2) + method
                   + struct.pack(">HHHH", 0x408, 28, 10, 0))
    if attributes is None:
        attributes = struct.pack(">H", 1) + attribute(27, struct.pack(">H", 1))
    return (struct.pack(">IHHH", 0xcafebabe, 0, 61, count) + pool + struct.pack(">HHHHH", 0x421, 2, 4, 1, 6)
            + members + attributes)


# ---- DEX -----------------------------------------------------------------------------------------

def dex(strings=None, version=b"035", lists=((2, 1, 0),), protos=None):
    """A program with a class that extends one and implements another; what it names is in `strings`, as modified UTF-8."""
    if strings is None:
        strings = [b"", b"I", b"IL", b"La;", b"Lb;", b"V", b"a.java", b"caf\xc3\xa9", b"nul\xc0\x80 \xed\xa0\xbc\xed\xbc\xb3", b"run"]
    types = [1, 3, 4, 5]  # I La; Lb; V
    protos = [(5, 3, 0), (2, 0, 1)] if protos is None else protos
    fields, methods = [(1, 2, 7)], [(1, 0, 9), (2, 1, 8)]
    tables, at = [], 0x70
    sizes = [(len(strings), 4), (len(types), 4), (len(protos), 12), (len(fields), 8), (len(methods), 8), (1, 32)]
    for count, size in sizes:
        tables.append((count, at))
        at += count * size
    data = Image(at)
    length = lambda s: len(s.replace(b"\xc0\x80", b"0").decode("utf-8", "surrogatepass").encode("utf-16le", "surrogatepass")) // 2
    places = [data.put(leb128(length(s)) + s + b"\0") for s in strings]
    listed = [0] + [data.put(struct.pack("<I", len(l)) + struct.pack("<%dH" % len(l), *l), 4) for l in lists]
    parts = [(0, 1, 0)] + [(i + 1, *table) for i, table in enumerate(tables)] + [(0x2002, len(strings), places[0]), (0x1000, 1, 0)]
    map_at = data.put(struct.pack("<I", len(parts)), 4)
    data.put(b"".join(struct.pack("<HHII", kind, 0, count, place or (map_at if kind == 0x1000 else 0)) for kind, count, place in parts))
    none = 0xffffffff
    body = (struct.pack("<%dI" % len(strings), *places) + struct.pack("<%dI" % len(types), *types)
            + b"".join(struct.pack("<III", shorty, returns, listed[where]) for shorty, returns, where in protos)
            + b"".join(struct.pack("<HHI", *field) for field in fields + methods)
            + struct.pack("<8I", 1, 0x4411, 2, listed[1], 6, 0, 0, 0) + bytes(data.data))
    head = struct.pack("<III5I", 0x70 + len(body), 0x70, 0x12345678, 0, 0, map_at, *tables[0])
    head += b"".join(struct.pack("<II", *table) for table in tables[1:]) + struct.pack("<II", len(data.data), at)
    signed = hashlib.sha1(head + body).digest() + head + body
    return b"dex\n" + version + b"\0" + struct.pack("<I", zlib.adler32(signed)) + signed


# ---- git's packs ---------------------------------------------------------------------------------

def git_pack_objects():
    """A text, two deltas of it, one of what is not there, and a tag; each as it stands in a pack."""
    body = zlib.compress(b"")
    head = lambda kind, size: bytes([kind << 4 | size & 15 | (size > 15) << 7]) + (leb128(size >> 4) if size > 15 else b"")
    text = head(3, 5) + zlib.compress(b"hello", 0)[:14]
    return [text, head(6, 300) + bytes([len(text)]) + body + bytes(17 - 3 - len(body)), head(7, 7) + bytes([17] * 20) + body,
            head(7, 7) + bytes([0x77] * 20) + body, head(4, 0) + body]


def git_pack_places():
    objects = git_pack_objects()
    return [12 + sum(map(len, objects[:i])) for i in range(len(objects))]


def git_pack():
    """A pack and its index, of five objects whose hashes are made up."""
    objects, places = git_pack_objects(), git_pack_places()
    pack = struct.pack(">4sII", b"PACK", 2, len(objects)) + b"".join(objects)
    pack += hashlib.sha1(pack).digest()
    hashes = [bytes([i] * 20) for i in (16, 17, 0x80, 0x81, 0xff)]
    counts = [sum(h[0] <= i for h in hashes) for i in range(256)]
    index = (b"\xfftOc" + struct.pack(">I256I", 2, *counts) + b"".join(hashes)
             + struct.pack(">5I", *map(zlib.crc32, objects)) + struct.pack(">5I", *places) + pack[-20:])
    return pack, index + hashlib.sha1(index).digest()


# ---- DWARF ---------------------------------------------------------------------------------------

ABBREVIATIONS = (b"\1\x11\1\3\x08\x10\x17\0\0" b"\2\x2e\0\3\x0e\x3a\x21\0\x39\x21\x7f\0\0" b"\x81\1\x80\x42\0\x3b\x21\x80\1\x49\x13\0\0" b"\0"
                 b"\1\x34\0\0\0" b"\0")


def dwarf_units(end):
    """Units of versions 2 and 5, of 32 and 64 bits, and line programs of versions 3 to 5."""
    pack = lambda form, *values: struct.pack(end + form, *values)
    narrow = lambda body: pack("I", len(body)) + body
    wide = lambda body: pack("IQ", 0xffffffff, len(body)) + body
    info = (narrow(pack("HIB", 2, 0, 4) + b"\1a.c\0" + bytes(4)) + wide(pack("HBBQ", 5, 1, 8, 0) + b"\1b.c\0" + bytes(8))
            + narrow(pack("HBBI", 5, 3, 8, len(ABBREVIATIONS) - 6) + b"\1"))
    opcodes = bytes([13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1])
    old = b"\0a.c\0\0\0\0\0"
    line = (narrow(pack("HI", 3, 4 + 12 + 1 + len(old)) + pack("BBbB", 1, 1, -5, 14) + opcodes + old + b"\0\1\1")
            + wide(pack("HQ", 4, 5 + 12 + 1 + len(old)) + pack("BBBbB", 4, 8, 0, -3, 12) + opcodes + old + b"\1")
            + narrow(pack("HBBI", 5, 8, 0, 5 + 13 + 4) + pack("BBBbB", 1, 1, 1, -5, 14) + opcodes + bytes(4) + b"\2\1"))
    return {b".debug_info": info, b".debug_abbrev": ABBREVIATIONS, b".debug_line": line}


def dwarf(is64=True, little=True, bodies=None, flags=0):
    """An object of debug data alone; `bodies` are the sections with their bytes."""
    end, word = "<" if little else ">", "Q" if is64 else "I"
    bodies = list((dwarf_units(end) if bodies is None else bodies).items())
    strings = b"\0" + b"".join(name + b"\0" for name, _ in bodies) + b".shstrtab\0"
    at = head = 64 if is64 else 52
    headers, body = bytes(64 if is64 else 40), b""
    for name, data in bodies + [(b".shstrtab", strings)]:
        headers += struct.pack(end + "II" + word * 4 + "II" + word * 2, strings.index(name + b"\0"), 1, flags if name != b".shstrtab" else 0, 0, at, len(data),
                               0, 0, 1, 0)
        body += data
        at += len(data)
    body += bytes(-at % 8)
    return (b"\x7fELF" + bytes([2 if is64 else 1, 1 if little else 2, 1]) + bytes(9)
            + struct.pack(end + "HHI" + word * 3 + "IHHHHHH", 1, 62 if is64 else 20, 1, 0, 0, head + len(body), 0, head, 0, 0, 64 if is64 else 40,
                          len(bodies) + 2, len(bodies) + 1) + body + headers)


# ---- what does harm ------------------------------------------------------------------------------

def slow_macho():
    """Load commands that are all tables of symbols of all of the file, with strings that nothing ends."""
    data = macho(commands=[struct.pack("<IIIIII", 2, 24, 0, 0xffffffff, 0, 0xffffffff)] * 3000
                 + [struct.pack("<II16s", 0x19, 72, b"") + b"\xff" * 48] * 100)
    return data + b"x" * 9000


def slow_pe(wide):
    """Lists of imports that overlap, in as many sections, of a string without an end; exports likewise."""
    data = bytearray(pe(wide))
    data[0x400:] = bytes(0x200)
    base = 0x400 - 0x1000
    entries = 800
    at = len(data) - base
    for i in range(entries):
        data += struct.pack("<IIIII", at + 8 * i, 0, 0, at + 8, at + 8 * i)
    data += bytes(20) + b"x" * 8000
    struct.pack_into("<II", data, 128 + 24 + (112 if wide else 96), 0x1000, 0xffffff)
    struct.pack_into("<II", data, 128 + 24 + (112 if wide else 96) + 8, at, 20 * entries)
    struct.pack_into("<10I", data, 0x400, 0, 0, 0, 0x7fffffff, 0xffffffff, 0xffffffff, 0xffffffff, at, at + 2, at + 1)
    table = 128 + 24 + (240 if wide else 224)
    struct.pack_into("<IIII", data, table + 8, len(data), 0x1000, len(data), 0x400)
    return bytes(data)


def hostile():
    """By recipe: files that a careless reader would read for ever, or beyond their end."""
    return {
        "pe.sql": [slow_pe(True), slow_pe(False)],
        "class.sql": [java_class(more=[b"x" * 65535] + [(8, "H", 33)] * 2000),
                      java_class(members=struct.pack(">H", 65535) + struct.pack(">HHHH", 1, 7, 8, 65535) + struct.pack(">HI", 26, 0) * 4000),
                      java_class(members=b"\xff" * 50000), java_class()[:10] + b"\x08\0\1" * 9000,
                      struct.pack(">IHHH", 0xcafebabe, 0, 61, 65535) + b"\1\0\0" * 5000],
        "dex.sql": [dex(strings=[b"x" * 60000] + [b"I", b"II", b"La;", b"Lb;", b"V", b"a", b"b", b"c", b"d"] + [b""] * 9000),
                    dex(strings=[b"I" * 5000] * 10, lists=[[0] * 65535], protos=[(0, 0, 1)] * 60),
                    dex()[:0x70].replace(struct.pack("<I", 10), struct.pack("<I", 0xffffffff)) + bytes(20000)],
        "dwarf.sql": [dwarf(bodies={b".debug_abbrev": b"\1\1\1" + b"\3\x08" * 20000, b".debug_info": bytes(40000), b".debug_line": b"\xff" * 9000}),
                      dwarf(bodies={b".debug_abbrev": b"\1\1\0\0\0" * 9000, b".debug_info": (struct.pack("<IHIB", 7, 4, 0, 8)) * 9000}),
                      dwarf(bodies={b".debug_abbrev": b"\x80" * 40000, b".debug_info": struct.pack("<IQ", 0xffffffff, 1 << 63) + bytes(99)}),
                      dwarf(bodies={b".debug_abbrev": b"\1\2\0" + b"\1\x21" * 9000}),
                      dwarf(bodies={b".debug_%d" % i: b"" for i in range(4000)})],
        "macho.sql": [slow_macho(), struct.pack(">II", 0xcafebabe, 40) + struct.pack(">IIIII", 7, 3, 0, 0xffffffff, 0) * 40,
                      universal(*[(7, slow_macho()[:9000])] * 20)],
    }


def samples():
    """A small file for each recipe, by the recipe's name."""
    return {
        "pe.sql": [pe(), pe(False)],
        "class.sql": [java_class()],
        "dex.sql": [dex(), dex(version=b"039")],
        "git_pack.sql": [git_pack()[1]],
        "dwarf.sql": [dwarf(), dwarf(False, False)],
        "macho.sql": [macho(), macho(False, False, 18), universal((0x1000007, macho()), (18, macho(False, False, 18))),
                      universal((0x100000c, macho(machine=0x100000c)), wide=True)],
    }
