#!/usr/bin/python3
"""sql/formats of messages, documents and models beside readers written here, whole, odd and damaged."""

import datetime
import json
import os
import random
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "data"))
import formats_support as support
import samples_wire as samples
from formats_support import in_directory, rows, same, write
from samples_wire import bson, bson_text, field, gguf, gguf_value, msgpack


def utf8(data):
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return "\ufffd"


def signed(number):
    return number - (1 << 64) if number >= 1 << 63 else number


# ---- GGUF ----------------------------------------------------------------------------------------

GGUF_TYPES = ("u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "string", "array", "u64", "i64", "f64")
TENSOR_TYPES = {0: "F32", 1: "F16", 2: "Q4_0", 14: "Q6_K", 30: "BF16"}


def gguf_agrees(path, pairs, tensors, data_at, alignment):
    scalar = lambda kind, value: utf8(value) if kind == 8 else signed(value) if kind in (10, 11) else value
    same(rows("gguf.sql", path, "SELECT key, type, value, item_type, items, error FROM gguf_meta"),
         [(utf8(key), GGUF_TYPES[kind], *((None, GGUF_TYPES[value[0]], len(value[1])) if kind == 9 else (scalar(kind, value), None, None)), None)
          for key, kind, value in pairs])
    same(rows("gguf.sql", path, "SELECT key, number, text FROM gguf_string"),
         [(utf8(key), i, utf8(text)) for key, kind, value in pairs if kind == 9 and value[0] == 8 for i, text in enumerate(value[1])])
    place, expected = data_at, []
    for name, shape, kind, size in tensors:
        expected.append((utf8(name), TENSOR_TYPES[kind], json.dumps(shape, separators=(",", ":")), place, size, None))
        place += size + -size % alignment
    same(rows("gguf.sql", path, "SELECT name, type, shape, offset, bytes, error FROM gguf_tensor"), expected)


@in_directory
def gguf_of_files(directory):
    vocabulary = [b"\xe2\x96\x81%d" % i for i in range(5000)]
    more = samples.GGUF_PAIRS[2:] + [(b"tokenizer.ggml.tokens", 9, (8, vocabulary)), (b"", 5, -2)]
    many = [(b"blk.%d" % i, [256, i + 1], 14, 210 * (i + 1)) for i in range(50)] + [(b"b", [3, 1, 1, 5], 30, 30)]
    for end in "<>":
        for version in (2, 3):
            for pairs, tensors, alignment in ((samples.GGUF_PAIRS, samples.GGUF_TENSORS, 64), (more, many, 32), ([], [], 32),
                                              ([], samples.GGUF_TENSORS, 32)):
                data = gguf(end, version, pairs, tensors, alignment)
                path = write(directory, "a.gguf", data)
                size = sum(size + -size % alignment for *_, size in tensors)
                same(rows("gguf.sql", path, "SELECT version, endian, tensors, pairs, alignment, data_offset, error FROM gguf_header"),
                     [(version, "le" if end == "<" else "be", len(tensors), len(pairs), alignment, len(data) - size, None)])
                gguf_agrees(path, pairs, tensors, len(data) - size, alignment)
    path = write(directory, "a.gguf", gguf())
    same(rows("gguf.sql", path, "SELECT mmap_get(path, offset, 'f32le[2]') FROM gguf_meta WHERE key = 'scores'"), [("[0.5,-1.0]",)])


@in_directory
def gguf_that_is_odd(directory):
    ask = lambda data, query: rows("gguf.sql", write(directory, "odd.gguf", bytes(data)), query)
    header, meta = "SELECT version, error FROM gguf_header", "SELECT key, error FROM gguf_meta WHERE error IS NOT NULL"
    one = lambda key, kind, value: b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + gguf_value("<", 8, key) + struct.pack("<I", kind) + value
    pairs_cut = "its pairs cannot be read to the end"
    same(ask(one(b"a\0b", 8, gguf_value("<", 8, b"c\0d")), "SELECT key, value, error FROM gguf_meta"), [("\ufffd", "\ufffd", None)])
    same(ask(gguf(version=1), header), [(1, "its version is not read here")])
    same(ask(gguf()[:20], header), [(3, "its header reaches past the end of the file")])
    same(ask(one(b"k", 13, b""), header), [(3, pairs_cut)])
    same(ask(one(b"k", 13, b""), meta), [("k", "it is of no type")])
    same(ask(one(b"k", 8, struct.pack("<Q", 1 << 62)), meta), [("k", "it reaches past the end of the file")])
    nested = one(b"k", 9, struct.pack("<IQIQB", 9, 1, 0, 1, 5))
    same(ask(nested, meta), [("k", "arrays of arrays are not read here")])
    same(ask(nested, header), [(3, pairs_cut)])
    same(ask(one(b"k", 9, struct.pack("<IQQ1s", 8, 2, 1, b"x")), meta), [("k", "its items reach past the end of the file")])
    same(ask(one(b"k", 9, struct.pack("<IQQ1s", 8, 2, 1, b"x")), "SELECT text FROM gguf_string"), [("x",)])
    tensor = lambda *about: ask(gguf(pairs=[], tensors=[about]), "SELECT name, type, bytes, error FROM gguf_tensor")
    same(tensor(b"t", [2], 99, 8), [("t", 99, None, "it is of a type not known here")])
    same(tensor(b"t", [1] * 5, 0, 8), [("t", "F32", None, "it has more than 4 dimensions")])
    same(tensor(b"t", [1 << 40], 0, 8), [("t", "F32", 1 << 42, "it reaches past the end of the file")])
    same(tensor(b"", [], 0, 4), [("", "F32", 4, None)])
    good = gguf()
    for size in range(4, 834, 7):
        (told,), = ask(good[:size], "SELECT error IS NOT NULL OR EXISTS (SELECT 1 FROM gguf_tensor WHERE error IS NOT NULL) FROM gguf_header")
        assert told, size
    for other in (b"", b"GGU", b"GGUG" + good[4:], b"FUGG" + good[4:]):
        same(ask(other, header), [])


# ---- Protocol Buffers ----------------------------------------------------------------------------

def protobuf_read(data, start=0, stop=None):
    """(field, wire type, value, where it is, its bytes) of each field; None if it is no message."""
    stop, found, open_ = len(data) if stop is None else stop, [], []

    def varint(at):
        value = 0
        for i in range(10):
            if at >= stop:
                return None, at
            value |= (data[at] & 127) << 7 * i
            at += 1
            if not data[at - 1] & 128:
                return (value, at) if value < 1 << 64 else (None, at)
        return None, at

    at = start
    while at < stop:
        begin = at
        key, at = varint(at)
        if key is None or not 1 <= key >> 3 < 1 << 29 or key & 7 > 5:
            return None
        wire, value, length = key & 7, None, None
        if wire == 0:
            value, at = varint(at)
        elif wire == 2:
            length, at = varint(at)
            if length is None or length > stop - at:
                return None
            found.append((key >> 3, wire, None, at, length))
            at += length
            continue
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
            if stop - at < size:
                return None
            value = int.from_bytes(data[at:at + size], "little")
            at += size
        if wire == 3:
            open_.append(key >> 3)
        elif wire == 4 and (not open_ or open_.pop() != key >> 3):
            return None
        if wire < 2 and value is None:
            return None
        found.append((key >> 3, wire, value if value is None else signed(value), begin, at - begin))
    return found if found and not open_ else None


def protobuf_tree(data, prefix="", start=0, stop=None, depth=0):
    for number, wire, value, at, length in protobuf_read(data, start, stop) or []:
        yield depth, f"{prefix}{number}", WIRES[wire], value, at, length
        if wire == 2 and length and depth < 32:
            yield from protobuf_tree(data, f"{prefix}{number}.", at, at + length, depth + 1)


WIRES = ("varint", "64 bit", "bytes", "group", "end of group", "32 bit")


def random_message(rng, depth=0):
    parts = []
    for _ in range(rng.randrange(1, 6)):
        number = rng.choice((1, 2, 15, 16, 2047, 2048, (1 << 29) - 1))
        parts.append(rng.choice((
            lambda: field(number, 0, samples.leb128(rng.choice((0, 127, 128, 1 << 31, (1 << 64) - 1)))), lambda: field(number, 1, rng.randbytes(8)),
            lambda: field(number, 5, rng.randbytes(4)), lambda: field(number, 2, rng.randbytes(rng.randrange(4))),
            lambda: field(number, 2, rng.choice((b"", b"text", "\u65e5\u672c".encode()))),
            lambda: field(number, 2, random_message(rng, depth + 1) if depth < 4 else b""),
            lambda: field(number, 3, b"") + field(1, 0, b"\1") + field(number, 4, b"")))())
    return b"".join(parts)


@in_directory
def protobuf_messages(directory):
    rng = random.Random(7)
    messages = [samples.protobuf()] + [random_message(rng) for _ in range(60)]
    paths = [write(directory, f"{i:03}.pb", data) for i, data in enumerate(messages)]
    got = rows("protobuf.sql", paths, "SELECT path, field, wire, value, offset, length FROM protobuf_field")
    same(got, [(path, number, WIRES[wire], *rest) for path, data in zip(paths, messages) for number, wire, *rest in protobuf_read(data)])
    got = rows("protobuf.sql", paths, "SELECT path, depth, name, wire, value, offset, length FROM protobuf_tree")
    same(sorted(got, key=str), sorted(((path, *row) for path, data in zip(paths, messages) for row in protobuf_tree(data)), key=str))
    same(rows("protobuf.sql", paths[0], "SELECT field, real, text FROM protobuf_field WHERE real IS NOT NULL OR text IS NOT NULL"),
         [(2, None, "t\u00e9st"), (4, 2.5, None)])


@in_directory
def protobuf_that_is_none(directory):
    good = samples.protobuf()
    fields = "SELECT count(*) FROM protobuf_field"
    for size in range(len(good)):
        expected = len(protobuf_read(good[:size]) or [])
        same(rows("protobuf.sql", write(directory, "cut", good[:size]), fields), [(expected,)], size)
    for other in (b"", b"\0\0", b"\x07", b"\x0e", field(1, 0, b"\xff" * 10), field(1, 3, b""), field(1, 4, b""), b"text", field(1 << 29, 0, b"\1"),
                  field(1, 3, b"") + field(2, 4, b""), field(1, 4, b"") + field(1, 3, b"")):
        same(rows("protobuf.sql", write(directory, "other", other), fields), [(0,)], other)
    # Groups of all kinds of nesting: the reader keeps those that are open.
    rng = random.Random(5)
    for _ in range(200):
        groups = b"".join(field(rng.randint(1, 2), rng.choice((3, 4)), b"") for _ in range(rng.choice((2, 4, 4, 6))))
        path = write(directory, "groups", groups + field(3, 2, bytes([len(groups)]) + groups) if rng.random() < .5 else field(3, 2, bytes([len(groups)]) + groups))
        data = open(path, "rb").read()
        same(rows("protobuf.sql", path, "SELECT name, wire FROM protobuf_tree ORDER BY offset, depth"),
             [row[1:3] for row in sorted(protobuf_tree(data), key=lambda row: (row[4], row[0]))], data)
    # The layout reads what is damaged, and parts of other files.
    path = write(directory, "cut", good[:14])
    same(rows("protobuf.sql", path, "SELECT field, length, error IS NULL FROM target, protobuf_wire(path)"), [(1, None, 1), (2, 5, 1), (3, 20, 0)])
    path = write(directory, "inside", b"before" + good + b"behind")
    same(rows("protobuf.sql", path, f"SELECT field FROM target, protobuf_wire(path, 6, {6 + len(good)})"), [(f[0],) for f in protobuf_read(good)])


# ---- BSON ----------------------------------------------------------------------------------------

BSON_TYPES = {1: "double", 2: "string", 3: "document", 4: "array", 5: "binary", 6: "undefined", 7: "object id", 8: "boolean", 9: "date", 10: "null",
              11: "regex", 12: "pointer", 13: "code", 14: "symbol", 15: "code with scope", 16: "int32", 17: "timestamp", 18: "int64", 19: "decimal",
              127: "max", 255: "min"}


def bson_read(data, at, prefix=""):
    """(name, type, value) of each field, those of documents in it behind it; `at` is where the document is."""
    stop = at + struct.unpack_from("<i", data, at)[0] - 1
    at += 4
    while at < stop:
        kind, end = data[at], data.index(b"\0", at + 1)
        name, at = prefix + utf8(data[at + 1:end]), end + 1
        take = lambda form: struct.unpack_from("<" + form, data, at)
        value, inner = None, None
        if kind in (2, 12, 13, 14):
            size, = take("i")
            value, at = utf8(data[at + 4:at + 3 + size]), at + 4 + size
            if kind == 12:
                value, at = value + " " + data[at:at + 12].hex(), at + 12
        elif kind in (3, 4):
            value, = take("i")
            inner, at = at, at + value
        elif kind == 15:
            value, = take("i")
            at += value
        elif kind == 5:
            size, = take("i")
            value, at = data[at + 5:at + 5 + size].hex(), at + 5 + size
        elif kind == 11:
            middle = data.index(b"\0", at)
            end = data.index(b"\0", middle + 1)
            value, at = f"/{utf8(data[at:middle])}/{utf8(data[middle + 1:end])}", end + 1
        elif kind in (7, 19):
            size = 12 if kind == 7 else 16
            value, at = data[at:at + size].hex(), at + size
        elif kind == 9:
            moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=take("q")[0])
            value, at = moment.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3], at + 8
        elif kind == 17:
            value, at = "%d:%d" % take("II")[::-1], at + 8
        elif kind in (1, 8, 16, 18):
            form = {1: "d", 8: "B", 16: "i", 18: "q"}[kind]
            value, at = take(form)[0], at + struct.calcsize("<" + form)
        yield name, BSON_TYPES[kind], value
        if inner is not None:
            yield from bson_read(data, inner, name + ".")


@in_directory
def bson_dumps(directory):
    documents = samples.bson_documents() + [bson((16, b"n", struct.pack("<i", i)), (4, b"a", bson(*[(2, b"%d" % j, bson_text(b"v" * j)) for j in range(i % 7)])))
                                            for i in range(200)]
    data = b"".join(documents)
    path = write(directory, "a.bson", data)
    places = [sum(map(len, documents[:i])) for i in range(len(documents))]
    same(rows("bson.sql", path, "SELECT number, offset, length, error FROM bson_document"),
         [(i, at, len(document), None) for i, (at, document) in enumerate(zip(places, documents))])
    got = rows("bson.sql", path, "SELECT document, name, type, value, error FROM bson_value")
    expected = [(i, *row, None) for i, at in enumerate(places) for row in bson_read(data, at)]
    same(sorted(got, key=str), sorted(expected, key=str))


@in_directory
def bson_that_is_damaged(directory):
    first, second = bson((16, b"a", struct.pack("<i", 1)), (2, b"b", bson_text(b"x"))), bson((16, b"c", struct.pack("<i", 2)))
    ask = lambda data, query: rows("bson.sql", write(directory, "odd.bson", bytes(data)), query)
    documents, values = "SELECT number, error FROM bson_document", "SELECT document, name, value, error FROM bson_value"
    wrong = "it is of no type, or reaches past the end of its document"
    for size in range(1, len(second)):
        same(ask(first + second[:size], documents), [(0, None), (1, "it reaches past the end of the file")], size)
        same(len(ask(first + second[:size], values)), 2)
    same(ask(first + second[:-1] + b"\1", documents)[1], (1, "it does not end with NUL"))
    same(ask(first + struct.pack("<i", 4) + second[4:], documents)[1], (1, "it has 4 bytes, fewer than a document has"))
    same(ask(first.replace(b"\2b\0", b"\x50b\0"), values), [(0, "a", 1, None), (0, "b", None, wrong)])
    same(ask(first.replace(bson_text(b"x"), struct.pack("<i", 99) + b"x\0"), values)[1], (0, "b", None, wrong))
    same(ask(first.replace(bson_text(b"x"), struct.pack("<i", 0) + b"x\0"), values)[1], (0, "b", None, wrong))
    # Values of a right length that are none, as in the corpus of BSON's drivers; the fields behind them are read.
    behind = (16, b"z", struct.pack("<i", 7))
    for kind, data, value, error in (
            (2, struct.pack("<i", 2) + b"ab", "a", "it does not end with NUL"), (14, struct.pack("<i", 1) + b"a", "", "it does not end with NUL"),
            (3, struct.pack("<i", 4), 4, "it has 4 bytes, fewer than such a value has"),
            (4, struct.pack("<i", 6) + b"\0\1", 6, "it does not end with NUL"),
            (15, struct.pack("<i", 9) + struct.pack("<i", 1) + b"\0", 9, "it has 9 bytes, fewer than such a value has"),
            (8, b"\2", 2, "it is neither 0 nor 1"), (2, bson_text(b"a\0b"), "\ufffd", None)):
        same(ask(bson((kind, b"a", data), behind), values), [(0, "a", value, error), (0, "z", 7, None)], (kind, data))
    deep = bson((10, b"end", b""))
    for _ in range(40):
        deep = bson((3, b"d", deep))
    same(ask(deep, "SELECT count(*) FROM bson_value"), [(33,)])
    for other in (b"", b"\5\0\0\0", bson()[:-1] + b"\1", b"\5\0\0\0\1", struct.pack("<i", 8) + b"\x50a\0\0", b"text of which none is a document"):
        same(ask(other, documents), [], other)
    same(ask(bson(), documents), [(0, None)])


# ---- MessagePack ---------------------------------------------------------------------------------

def msgpack_values(value):
    """(type, value, items) of a value and of what is in it, in the order of the file."""
    if isinstance(value, (list, dict)):
        inner = value if isinstance(value, list) else [item for pair in value.items() for item in pair]
        yield "array" if isinstance(value, list) else "map", None, len(inner)
        for item in inner:
            yield from msgpack_values(item)
    elif isinstance(value, tuple):
        yield "extension", value[1].hex(), None
    elif isinstance(value, bytes):
        yield "binary", value.hex(), None
    elif value is None or isinstance(value, bool):
        yield "nil" if value is None else "boolean", value if value is None else int(value), None
    elif isinstance(value, int):
        yield "integer", signed(value), None
    else:
        yield "float" if isinstance(value, float) else "text", value, None


@in_directory
def msgpack_of_files(directory):
    for values in (samples.MSGPACK[:1], samples.MSGPACK, [{}], [[]] * 5, [[[[[1]], []]], {"a": [[]]}]):
        path = write(directory, "a.msgpack", b"".join(map(msgpack, values)))
        got = rows("msgpack.sql", path, "SELECT outermost, type, value, items FROM msgpack_value")
        same(got, [(i, *row) for i, value in enumerate(values) for row in msgpack_values(value)])


@in_directory
def msgpack_that_is_none(directory):
    good = msgpack(samples.MSGPACK[0])
    count = lambda data: rows("msgpack.sql", write(directory, "odd", data), "SELECT count(*) FROM msgpack_value")[0][0]
    for size in range(len(good)):
        same(count(good[:size]), 0, size)
    for other in (b"\x90\0", b"\x81\1", b"\x91\xc1", b"\xc0", b"text", msgpack("text"), msgpack([1]) + msgpack(2), b"\xdd\xff\xff\xff\xff", b"\x90\xc1"):
        same(count(other), 0, other)
    # The layout reads what is damaged, and parts of other files.
    path = write(directory, "cut", b"before" + msgpack([1, "abc"])[:-1])
    same(rows("msgpack.sql", path, "SELECT kind, items, error IS NULL FROM target, msgpack_token(path, 6)"), [("array", 2, 1), ("integer", 0, 1), ("text", None, 0)])
    same(rows("msgpack.sql", write(directory, "nul", msgpack(["a\0b"])), "SELECT value FROM msgpack_value"), [(None,), ("\ufffd",)])
    # Longer forms than need be.
    path = write(directory, "long", b"\xdd\0\0\0\3\xcf" + bytes(7) + b"\5\xdb\0\0\0\1x\xda\0\0")
    same(rows("msgpack.sql", path, "SELECT value FROM msgpack_value"), [(None,), (5,), ("x",), ("",)])


TESTS = [gguf_of_files, gguf_that_is_odd, protobuf_messages, protobuf_that_is_none, bson_dumps, bson_that_is_damaged, msgpack_of_files,
         msgpack_that_is_none]

if __name__ == "__main__":
    sys.exit(support.run_tests(TESTS))
