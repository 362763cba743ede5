"""Small messages, documents and models, as programs would write them."""

import struct

from samples_programs import leb128


# ---- GGUF ----------------------------------------------------------------------------------------

GGUF_FORMS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "B", 10: "Q", 11: "q", 12: "d"}


def gguf_value(end, kind, value):
    text = lambda data: struct.pack(end + "Q", len(data)) + data
    if kind == 8:
        return text(value)
    if kind == 9:
        return struct.pack(end + "IQ", value[0], len(value[1])) + b"".join(gguf_value(end, value[0], item) for item in value[1])
    return struct.pack(end + GGUF_FORMS[kind], value)


GGUF_PAIRS = [(b"general.name", 8, "M\u00f6del".encode()), (b"general.alignment", 4, 64), (b"empty", 8, b""), (b"u8", 0, 255), (b"i8", 1, -128),
              (b"u16", 2, 65535), (b"i16", 3, -32768), (b"i32", 5, -1), (b"f32", 6, 1.5), (b"bool", 7, 1), (b"u64", 10, 1 << 40), (b"i64", 11, -1 << 63),
              (b"f64", 12, 2.5), (b"tokens", 9, (8, [b"a", b"", "\u65e5".encode(), b"\xff"])), (b"scores", 9, (6, [0.5, -1.0])), (b"none", 9, (8, [])),
              (b"last", 8, b"end")]
GGUF_TENSORS = [(b"w", [2, 3], 0, 24), (b"q.weight", [64, 2], 2, 72), (b"scalar", [], 1, 2)]


def gguf(end="<", version=3, pairs=None, tensors=None, alignment=64):
    """A model with a value of each type and three tensors of zeros."""
    pairs = GGUF_PAIRS if pairs is None else pairs
    tensors = GGUF_TENSORS if tensors is None else tensors
    out = b"GGUF" + struct.pack(end + "IQQ", version, len(tensors), len(pairs))
    for key, kind, value in pairs:
        out += gguf_value(end, 8, key) + struct.pack(end + "I", kind) + gguf_value(end, kind, value)
    place = 0
    for name, shape, kind, size in tensors:
        out += gguf_value(end, 8, name) + struct.pack(end + "I%dQ" % len(shape), len(shape), *shape) + struct.pack(end + "IQ", kind, place)
        place += size + -size % alignment
    return out + bytes(-len(out) % alignment) + bytes(place)


# ---- Protocol Buffers ----------------------------------------------------------------------------

def field(number, wire, data):
    """A field; of wire type 2 the data without their length."""
    return leb128(number << 3 | wire) + (leb128(len(data)) if wire == 2 else b"") + data


def protobuf():
    inner = field(1, 0, leb128(2**64 - 1)) + field(2, 2, b"") + field(4, 2, field(7, 5, struct.pack("<f", 1.5)))
    return (field(1, 0, leb128(150)) + field(2, 2, "t\u00e9st".encode()) + field(3, 2, inner) + field(4, 1, struct.pack("<d", 2.5))
            + field(5, 3, b"") + field(1, 0, b"\1") + field(5, 4, b"") + field(2**29 - 1, 2, b"\xff\xfe"))


# ---- BSON ----------------------------------------------------------------------------------------

def bson(*fields):
    """A document of fields (type, name, bytes)."""
    body = b"".join(bytes([kind]) + name + b"\0" + data for kind, name, data in fields)
    return struct.pack("<i", 5 + len(body)) + body + b"\0"


def bson_text(value):
    return struct.pack("<i", len(value) + 1) + value + b"\0"


def bson_documents():
    """A dump of three documents with a value of each type."""
    inner = bson((16, b"0", struct.pack("<i", -1)), (2, b"1", bson_text(b"x")), (3, b"2", bson((18, b"deep", struct.pack("<q", 1 << 40)))))
    return [bson((1, b"double", struct.pack("<d", 2.5)), (2, "t\u00e9xt".encode(), bson_text("\u65e5".encode())), (4, b"list", inner),
                 (5, b"binary", struct.pack("<iB", 3, 0) + b"\1\2\3"), (6, b"undefined", b""), (7, b"_id", bytes(range(12))), (8, b"true", b"\1"),
                 (9, b"date", struct.pack("<q", 1700000000123)), (10, b"null", b""), (11, b"regex", b"a.b\0im\0"),
                 (12, b"pointer", bson_text(b"db.c") + bytes(12)), (13, b"code", bson_text(b"f()")), (14, b"symbol", bson_text(b"s")),
                 (15, b"scoped", struct.pack("<i", 4 + 6 + 5) + bson_text(b"g")[:6] + bson()), (17, b"stamp", struct.pack("<II", 7, 1700000000)),
                 (19, b"decimal", bytes(range(16))), (127, b"max", b""), (255, b"min", b"")),
            bson(), bson((2, b"", bson_text(b"")), (2, b"bad", bson_text(b"\xff")))]


# ---- MessagePack ---------------------------------------------------------------------------------

def msgpack(value):
    """A value in the shortest form; an extension is (type, bytes)."""
    def sized(tags, size, fix=None, most=0):
        if fix is not None and size <= most:
            return bytes([fix | size])
        form = next(i for i, (tag, limit) in enumerate(zip(tags, (1 << 8, 1 << 16, 1 << 32))) if tag and size < limit)
        return bytes([tags[form]]) + struct.pack(">" + "BHI"[form], size)

    if value is None or isinstance(value, bool):
        return {None: b"\xc0", False: b"\xc2", True: b"\xc3"}[value]
    if isinstance(value, int):
        for low, high, head, form in ((0, 1 << 7, b"", "B"), (-32, 0, b"", "b"), (0, 1 << 8, b"\xcc", "B"), (0, 1 << 16, b"\xcd", "H"),
                                      (0, 1 << 32, b"\xce", "I"), (0, 1 << 64, b"\xcf", "Q"), (-1 << 7, 0, b"\xd0", "b"),
                                      (-1 << 15, 0, b"\xd1", "h"), (-1 << 31, 0, b"\xd2", "i"), (-1 << 63, 0, b"\xd3", "q")):
            if low <= value < high:
                return head + struct.pack(">" + form, value)
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    if isinstance(value, str):
        return sized((0xd9, 0xda, 0xdb), len(value.encode()), 0xa0, 31) + value.encode()
    if isinstance(value, bytes):
        return sized((0xc4, 0xc5, 0xc6), len(value)) + value
    if isinstance(value, tuple):
        fix = {1: 0xd4, 2: 0xd5, 4: 0xd6, 8: 0xd7, 16: 0xd8}.get(len(value[1]))
        return (bytes([fix]) if fix else sized((0xc7, 0xc8, 0xc9), len(value[1]))) + struct.pack("b", value[0]) + value[1]
    if isinstance(value, list):
        return sized((0, 0xdc, 0xdd), len(value), 0x90, 15) + b"".join(map(msgpack, value))
    return sized((0, 0xde, 0xdf), len(value), 0x80, 15) + b"".join(msgpack(item) for pair in value.items() for item in pair)


MSGPACK = [{"name": "t\u00e9st", "list": [0, 127, -1, -32, 255, 65535, 1 << 31, 1 << 63, -128, -32768, -1 << 31, -1 << 63], "": ""}, [],
           [None, True, False, 2.5, b"\1\2", b"x" * 300, "y" * 40, "z" * 300, "z" * 70000, (5, b"1"), (-1, bytes(4)), (7, b"123"), {}],
           {i: [i] for i in range(20)}, list(range(20))]


# ---- what does harm ------------------------------------------------------------------------------

def hostile():
    """By recipe: files that a careless reader would read for ever, or beyond their end."""
    full = 0xffffffffffffffff
    deep = b""
    for _ in range(3000):
        deep = field(1, 2, deep)
    deepest = bson()
    for _ in range(3000):
        deepest = bson((3, b"", deepest))
    return {
        "protobuf.sql": [deep, field(1, 0, b"\1") * 20000, field(1, 2, field(1, 0, b"\1") * 9000)],
        "bson.sql": [deepest, bson() * 9000, bson((4, b"", bson(*[(10, b"", b"")] * 9000))), struct.pack("<i", 20000) + b"\2x\0" + b"\xff" * 19993],
        "msgpack.sql": [b"\x91" * 8000 + b"\xc0", b"\x90" * 8000, b"\xdd\xff\xff\xff\xff" + b"\xc0" * 9000, b"\xdf\xff\xff\xff\xff" * 4000],
        "gguf.sql": [b"GGUF" + struct.pack("<IQQ", 3, full, full) + bytes(50000), b"GGUF" + struct.pack("<IQQQ", 3, 1, 1, full >> 1) + bytes(99),
                     b"GGUF" + struct.pack("<IQQQ", 3, 1, 0, full >> 1) + bytes(99), b"GGUF" + struct.pack("<IQQ", 3, 1 << 62, 0) + bytes(50000),
                     gguf(pairs=[(b"x", 9, (8, [b""] * 9000))] * 3), gguf(pairs=[(b"", 0, 0)] * 5000),
                     b"GGUF" + struct.pack("<IQQQ1sIIQ", 3, 1, 1, 1, b"x", 9, 8, 1 << 60) + bytes(50000),
                     gguf(tensors=[(b"t", [full >> 1] * 4, 0, 0)] * 3, pairs=[(b"general.alignment", 4, 0)])],
    }


def samples():
    """A small file for each recipe, by the recipe's name."""
    return {
        "protobuf.sql": [protobuf()],
        "bson.sql": [b"".join(bson_documents())],
        "msgpack.sql": [b"".join(map(msgpack, MSGPACK[:2])), msgpack({"a": [None, 1.5, b"x" * 300]})],
        "gguf.sql": [gguf(), gguf(">"), gguf("<", 2)],
    }
