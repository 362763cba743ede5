"""Small programs, libraries and objects, as compilers and linkers would make them."""

import struct


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


def slow_pe(wide):
    """Lists of imports that overlap, in as many sections, of a string without an end; exports likewise."""
    data = bytearray(pe(wide))
    data[0x400:] = bytes(0x200)
    base = 0x400 - 0x1000
    entries = 2000
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
    }


def samples():
    """A small file for each recipe, by the recipe's name."""
    return {
        "pe.sql": [pe(), pe(False)],
    }
