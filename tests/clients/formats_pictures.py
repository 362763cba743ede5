#!/usr/bin/python3
"""sql/formats of pictures beside readers in Python: GIF, TIFF with EXIF, HEIF. On files made here and on the machine's own."""

import json
import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "data"))
import formats_support as support
from formats_support import dicts, found, in_directory, rows, same, write


def said(path):
    return subprocess.run(["file", "-b", path], stdout=subprocess.PIPE, check=True).stdout.decode("utf-8", "replace")


# ---- GIF -----------------------------------------------------------------------------------------

GIFS = ("/usr/share/**/*.gif", "/usr/lib/python3*/**/*.gif")


def gif_reader(data):
    """(header, blocks, images, comments) of a whole file, by struct."""
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at = 13 + (6 << (flags & 7) if flags & 0x80 else 0)
    header = (data[3:6].decode(), width, height, 2 << (flags & 7) if flags & 0x80 else 0)
    blocks, images, comments, control = [], [], [], None
    while True:
        start, kind = at, data[at]
        if kind == 0x3b:
            return header, blocks + [(start, "trailer", 1)], images, comments
        if kind == 0x2c:
            x, y, w, h, flags = struct.unpack_from("<HHHHB", data, at + 1)
            at += 11 + (6 << (flags & 7) if flags & 0x80 else 0)
        else:
            at += 2
        parts = []
        while data[at]:
            parts.append(data[at + 1:at + 1 + data[at]])
            at += 1 + data[at]
        at += 1
        if kind == 0x2c:
            name = "image"
            images.append((x, y, w, h, 2 << (flags & 7) if flags & 0x80 else None, flags >> 6 & 1, control))
            control = None
        else:
            name = {0xf9: "graphic control", 0xfe: "comment", 0xff: "application"}[data[start + 1]]
            if name == "comment":
                comments.append((start, b"".join(parts).decode("latin-1")))
            elif name == "graphic control":
                control, = struct.unpack_from("<H", parts[0], 1)
        blocks.append((start, name, at - start))


@in_directory
def gif_agrees_with_a_reader(directory):
    for path in [write(directory, "a.gif", support.gif())] + found(*GIFS):
        with open(path, "rb") as file:
            data = file.read()
        header, blocks, images, comments = gif_reader(data)
        same(rows("gif.sql", path, "SELECT version, width, height, colors FROM gif_header"), [header], path)
        same(rows("gif.sql", path, "SELECT offset, type, length FROM gif_block"), blocks, path)
        same(rows("gif.sql", path, "SELECT x, y, width, height, colors, interlaced, delay FROM gif_image"), images, path)
        same(rows("gif.sql", path, "SELECT offset, text FROM gif_comment"), comments, path)
        same(rows("gif.sql", path, "SELECT images, seconds FROM gif_animation"),
             [(len(images), sum(image[-1] or 0 for image in images) / 100)], path)
        assert f"{header[1]} x {header[2]}" in said(path), said(path)
    same(rows("gif.sql", os.path.join(directory, "a.gif"),
              "SELECT loops, seconds, i.number, disposal, transparent, application, aspect, background"
              " FROM gif_animation, gif_image AS i, gif_header, gif_block AS b WHERE b.number = 0"),
         [(5, 0.62, 0, "keep", None, "NETSCAPE2.0", 1.0, 1), (5, 0.62, 1, "clear", 3, "NETSCAPE2.0", 1.0, 1)])


def gif_ends(directory, data):
    """(type of the last block, its error)."""
    return rows("gif.sql", write(directory, "b.gif", data), "SELECT type, error FROM gif_block")[-1]


@in_directory
def gif_odd_and_damaged(directory):
    image = support.gif_image(0, 0, 1, 1)
    past, none = "it reaches past the end of the file", "it is no block"
    same(gif_ends(directory, support.gif(end=b"")), ("image", "the file ends behind it, without a trailer"))
    same(gif_ends(directory, support.gif(end=b"")[:-1]), ("image", past))
    same(gif_ends(directory, support.gif(end=b"Z" * 9)), ("0x5a", none))
    same(gif_ends(directory, support.gif([image, b"\x21"], end=b"")), ("extension", past))
    # More ends of sub-blocks than one, an image without data, an extension of nobody, bytes behind the trailer.
    odd = [image + b"\0\0\0", support.gif_image(0, 0, 1, 1, data=b""), b"\x21\x99\x01x\0", image]
    path = write(directory, "odd.gif", support.gif(odd, b"") + b"\x2c" * 99)
    same(rows("gif.sql", path, "SELECT type, length, error FROM gif_block"),
         [("image", len(image), None), ("image", 12, None), ("extension 0x99", 5, None), ("image", len(image), None),
          ("trailer", 1, None)])
    same(rows("gif.sql", path, "SELECT images, loops, colors FROM gif_animation, gif_header"), [(3, None, 0)])
    # A control holds for one image, also with a comment between them; that of a plain text for none behind it.
    control = support.gif_control(7)
    path = write(directory, "c.gif", support.gif([control, b"\x21\xfe\x01x\0", image, image, control, b"\x21\x01\0", image]))
    same(rows("gif.sql", path, "SELECT delay FROM gif_image"), [(7,), (None,), (None,)])
    # Headers that are cut: the screen is there, or is not.
    path = write(directory, "d.gif", support.gif()[:20])
    same(rows("gif.sql", path, "SELECT width, error FROM gif_header"), [(7, "it is cut short")])
    same(rows("gif.sql", path, "SELECT * FROM gif_block"), [])
    same(rows("gif.sql", write(directory, "e.gif", b"GIF87a"), "SELECT version, width, error FROM gif_header"),
         [("87a", None, "it is cut short")])
    same(rows("gif.sql", write(directory, "f.gif", support.gif([], end=b"")), "SELECT error FROM gif_header"),
         [("nothing is behind it",)])
    for other in (b"", b"GIF8", b"GIF88a" + bytes(99), b"text " * 99):
        same(rows("gif.sql", write(directory, "other", other), "SELECT * FROM gif_header"), [])


# ---- TIFF ----------------------------------------------------------------------------------------

SIZES = {1: (1, "B"), 2: (1, "s"), 3: (2, "H"), 4: (4, "I"), 5: (8, "II"), 6: (1, "b"), 7: (1, "s"), 8: (2, "h"), 9: (4, "i"),
         10: (8, "ii"), 11: (4, "f"), 12: (8, "d"), 13: (4, "I"), 16: (8, "Q"), 17: (8, "q"), 18: (8, "Q"), 129: (1, "s")}
POINTERS = {0x8769: "EXIF", 0x8825: "GPS", 0xa005: "interop", 0x14a: "sub"}


def tiff_value(data, kind, items, end):
    """What the view gives for a value, lists as they are."""
    if kind in (2, 129):
        text = data.split(b"\0")[0]
        try:
            return text.decode()
        except UnicodeDecodeError:
            return text.decode("latin-1")
    if kind == 7:
        return data[:1000]
    form = SIZES[kind][1]
    values = list(struct.unpack(end + form * items, data))
    if len(form) == 2:
        values = [values[i] / values[i + 1] if values[i + 1] else None for i in range(0, len(values), 2)]
    return values[0] if items == 1 else values[:1000]


def tiff_reader(data, base=0):
    """{(kind, offset of the directory): entries as (tag, type, items, value)}, by struct."""
    end = "<" if data[base:base + 2] == b"II" else ">"
    big = struct.unpack_from(end + "H", data, base + 2)[0] == 43
    first, = struct.unpack_from(end + ("Q" if big else "I"), data, base + (8 if big else 4))
    todo, found_ = [("main", base + first)], {}
    while todo:
        kind, at = todo.pop()
        if (kind, at) in found_:
            continue
        entries = found_[kind, at] = []
        here = at
        count, = struct.unpack_from(end + ("Q" if big else "H"), data, here)
        here += 8 if big else 2
        for _ in range(count):
            tag, type_, items = struct.unpack_from(end + ("HHQ" if big else "HHI"), data, here)
            place, room = (here + 12, 8) if big else (here + 8, 4)
            here += 20 if big else 12
            value = None
            if type_ in SIZES and items:
                size = items * SIZES[type_][0]
                if size > room:
                    place = base + struct.unpack_from(end + ("Q" if big else "I"), data, place)[0]
                value = tiff_value(data[place:place + size], type_, items, end)
                if tag in POINTERS:
                    todo += [(POINTERS[tag], base + at_) for at_ in (value if items > 1 else [value])]
            entries.append((tag, type_, items, value))
        more, = struct.unpack_from(end + ("Q" if big else "I"), data, here)
        if more and kind in ("main", "sub"):
            todo.append((kind, base + more))
    return found_


TYPES = ("CASE type WHEN 'BYTE' THEN 1 WHEN 'ASCII' THEN 2 WHEN 'SHORT' THEN 3 WHEN 'LONG' THEN 4 WHEN 'RATIONAL' THEN 5 WHEN 'SBYTE' THEN 6"
         " WHEN 'UNDEFINED' THEN 7 WHEN 'SSHORT' THEN 8 WHEN 'SLONG' THEN 9 WHEN 'SRATIONAL' THEN 10 WHEN 'FLOAT' THEN 11 WHEN 'DOUBLE' THEN 12"
         " WHEN 'IFD' THEN 13 WHEN 'LONG8' THEN 16 WHEN 'SLONG8' THEN 17 WHEN 'IFD8' THEN 18 WHEN 'UTF-8' THEN 129 ELSE type END")


def tiff_rows(path):
    """The view's rows as tiff_reader has them."""
    got = {row: [] for row in rows("tiff.sql", path, "SELECT kind, offset FROM tiff_directory")}
    for kind, at, tag, type_, items, value in rows(
            "tiff.sql", path, f"SELECT d.kind, d.offset, tag, {TYPES}, items, value FROM tiff_directory AS d JOIN tiff_entry AS e"
            " ON e.directory = d.number ORDER BY e.directory, e.number"):
        got[kind, at].append((tag, type_, items, value))
    return got


def near(got, expected):
    if isinstance(expected, list):
        return len(got) == len(expected) and all(map(near, got, expected))
    return abs(got - expected) <= 1e-12 * abs(expected) if isinstance(expected, float) else got == expected


def tiff_agrees(path, data, base=0):
    got, expected = tiff_rows(path), tiff_reader(data, base)
    same(sorted(got), sorted(expected), path)
    for key, entries in expected.items():
        same([e[:3] for e in got[key]], [e[:3] for e in entries], f"{path} {key}")
        for (*what, value), (_, _, _, want) in zip(got[key], entries):
            if isinstance(want, list):
                value = json.loads(value)
            assert near(value, want), f"{path} {key} {what}: {value} instead of {want}"


def exif_base(data):
    """Where the TIFF in a JPEG starts, or None."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xff and data[at + 1] != 0xda:
        size, = struct.unpack_from(">H", data, at + 2)
        if data[at + 1] == 0xe1 and data[at + 4:at + 10] == b"Exif\0\0":
            return at + 10
        at += 2 + size
    return None


@in_directory
def tiff_agrees_with_a_reader(directory):
    for i, data in enumerate(support.samples()["tiff.sql"]):
        tiff_agrees(write(directory, f"{i}.tif", data), data, 0 if data[:1] in b"IM" else exif_base(data))
    for path in found("/usr/share/**/*.tif", "/usr/share/**/*.tiff", "/usr/lib/python3*/**/*.tiff", "/usr/share/**/*.jpg"):
        with open(path, "rb") as file:
            data = file.read()
        base = 0 if data[:2] in (b"II", b"MM") else exif_base(data)
        if base is None:
            same(rows("tiff.sql", path, "SELECT * FROM tiff_header"), [], path)
        else:
            tiff_agrees(path, data, base)


@in_directory
def tiff_pictures_and_photos(directory):
    names = [write(directory, f"{i}", data) for i, data in enumerate(support.samples()["tiff.sql"])]
    for path, form, endian in zip(names, ("TIFF", "TIFF", "BigTIFF", "BigTIFF", "TIFF"), ("little", "big", "little", "big", "little")):
        same(rows("tiff.sql", path, "SELECT form, endian, directories, error FROM tiff_header"), [(form, endian, 5, None)], path)
        same(rows("tiff.sql", path, "SELECT number, kind, error FROM tiff_directory"),
             [(0, "main", None), (1, "main", None), (2, "sub", None), (3, "EXIF", None), (4, "GPS", None)], path)
        base, = rows("tiff.sql", path, "SELECT offset FROM tiff_header")[0]
        same(rows("tiff.sql", path, "SELECT kind, width, height, bits, compression, orientation, jpeg_offset, jpeg_bytes FROM tiff_image"),
             [("main", 70000, 5, "[8,8,8]", "LZW", 6, None, None), ("main", 9, 8, None, None, None, base + 30, 40),
              ("sub", 3, 2, None, None, None, None, None)], path)
        photo, = dicts("tiff.sql", path, "SELECT * FROM tiff_photo")
        photo.update({key: round(photo[key], 6) for key in ("latitude", "longitude", "exposure")}, path="")
        same(photo, {"path": "", "make": "M\xe4ker", "model": None, "lens": None, "taken": "2023-11-14 22:13:20", "zone": None,
                     "exposure": 0.004, "f_number": None, "iso": 400, "focal_length": None, "orientation": 6, "latitude": -33.505,
                     "longitude": -70.625, "altitude": -12.5, "gps_time": "2023-11-14 07:08:09"}, path)
        same(rows("tiff.sql", path, "SELECT tag, error FROM tiff_entry WHERE error IS NOT NULL"), [(0xc004, "its type is unknown")], path)
    assert "2023:11:14" in said(names[4]) or "Exif" in said(names[4]), said(names[4])


def tiff_errors(directory, data):
    path = write(directory, "b.tif", data)
    return (rows("tiff.sql", path, "SELECT kind, error FROM tiff_directory WHERE error IS NOT NULL")
            + rows("tiff.sql", path, "SELECT tag, error FROM tiff_entry WHERE error IS NOT NULL"))


@in_directory
def tiff_odd_and_damaged(directory):
    one = lambda *entry, more=0: b"II*\0\x08\0\0\0" + support.tiff_directory(8, [entry], more)
    back, past = "the chain comes back to where it was", "it reaches past the end of the file"
    # Chains that come back: to themselves, to the first; a sub directory that is its own.
    same(tiff_errors(directory, one(0x100, 3, 1, b"\1\0", more=8)), [("main", back)])
    for end, big in (("<", False), (">", True)):
        got = tiff_errors(directory, support.tiff(end, big, loop=True))
        same(got, [("main", back), (0xc004, "its type is unknown")])
    path = write(directory, "c.tif", one(0x14a, 4, 1, b"\x08\0\0\0"))
    same(rows("tiff.sql", path, "SELECT kind, offset FROM tiff_directory"), [("main", 8), ("sub", 8)])
    # Places that are none, one that is no file's, more entries than there are, more items than bytes.
    same(tiff_errors(directory, one(0x100, 3, 1, b"\1\0", more=9999)), [("main", "it is not in the file")])
    same(tiff_errors(directory, one(0x100, 3, 0x40000000, b"\1\0")), [(0x100, "its value " + past[3:])])
    same(tiff_errors(directory, one(0x100, 3, 1, b"\1\0")[:-7]), [("main", past), (0x100, "the file ends within it")])
    many = b"II*\0\x08\0\0\0\xff\xff" + bytes(24)
    same(tiff_errors(directory, many)[0], ("main", past))
    same(rows("tiff.sql", write(directory, "d.tif", b"II*\0\0\0\0\0"), "SELECT directories, error FROM tiff_header"),
         [(0, "it has no directory")])
    same(rows("tiff.sql", write(directory, "d2.tif", b"II+\0\x08\0\0\0" + struct.pack("<Q", 1 << 63)), "SELECT directories, error FROM tiff_header"),
         [(0, "its first directory is not in the file")])
    same(rows("tiff.sql", write(directory, "e.tif", b"II*\0\x08"), "SELECT error FROM tiff_header"), [("it is cut short",)])
    # Values that just fit, and just do not; at an odd place; a list that is longer than 1,000.
    for items in (4, 5):
        path = write(directory, "f.tif", one(0x100, 1, items, bytes(range(items))))
        same(rows("tiff.sql", path, "SELECT value, offset FROM tiff_entry"),
             [(str(list(range(items))).replace(" ", ""), 18 if items == 4 else 26)])
    odd = b"II*\0\x09\0\0\0\0" + support.tiff_directory(9, [(0x10e, 2, 6, b"hello\0")])
    tiff_agrees(write(directory, "g.tif", odd), odd)
    path = write(directory, "h.tif", one(0x111, 4, 1500, bytes(6000)))
    same(rows("tiff.sql", path, "SELECT items, json_array_length(value) FROM tiff_entry"), [(1500, 1000)])
    # EXIF that ends where its segment does, whatever is behind it.
    body = support.tiff()
    data = support.exif(body[:-20])
    got = rows("tiff.sql", write(directory, "i.jpg", data), "SELECT tag, value, error FROM tiff_entry WHERE error LIKE '%segment'")
    assert got and got[0][1] is None, got
    # Sub directories of sub directories, by the thousand, and each of them all of the others.
    count = 3000
    table = b"".join(struct.pack("<I", 8 + i * 18) for i in range(count))
    crowd = b"".join(support.tiff_directory(0, [(0x14a, 4, count, struct.pack("<I", 0))])[:10]
                     + struct.pack("<II", 8 + 18 * count, 0) for _ in range(count))
    path = write(directory, "j.tif", b"II*\0\x08\0\0\0" + crowd + table)
    same(rows("tiff.sql", path, "SELECT count(*) FROM tiff_directory"), [(1 + 1000,)])
    for other in (b"", b"II", b"II*", b"MM\0\x2b", b"IIIIIIIIII", b"MMMM" * 99, b"II\0*" + bytes(99), support.jpeg()):
        got = rows("tiff.sql", write(directory, "other", other), "SELECT * FROM tiff_directory")
        same(got, [], other[:9])


# ---- HEIF ----------------------------------------------------------------------------------------

ITEMS = "SELECT id, type, name, main, width, height, offset, length, pieces FROM mp4_item"


@in_directory
def heif_items_of_each_version(directory):
    for version in (0, 1, 2):
        for method in (0, 1) if version else (0,):
            data = support.heif(version, method)
            path = write(directory, "a.heic", data)
            at = data.index(b"idat" if method else b"mdat") + 4
            same(rows("mp4.sql", path, ITEMS), [(1, "hvc1", None, 0, 64, 48, at, 10, 1), (2, "hvc1", "W\xe4rme", 1, 640, 480, at + 10, 20, 1),
                                                (3, "Exif", None, 0, None, None, at + 30, 5, 1)], (version, method))
            same(rows("mp4.sql", path, "SELECT depth, type FROM mp4_box WHERE type IN ('infe', 'cdsc', 'ispe')"),
                 [(2, "infe")] * 3 + [(2, "cdsc")] + [(3, "ispe")] * 2)
            same(rows("mp4.sql", path, "SELECT * FROM mp4_box WHERE error IS NOT NULL"), [])
    assert "HEIF" in said(path), said(path)
    for path in found("/usr/share/**/*.avif", "/usr/share/**/*.heic"):
        assert rows("mp4.sql", path, "SELECT * FROM mp4_item WHERE main AND width > 0"), path


@in_directory
def heif_odd_and_damaged(directory):
    data = support.heif()
    # Items without a place, a size, a main one: the rest of them is told.
    for kind, expected in ((b"iloc", (None, None)), (b"iprp", None), (b"pitm", None), (b"ipma", None)):
        path = write(directory, "a.heic", data.replace(kind, b"free"))
        got = rows("mp4.sql", path, ITEMS)
        same([row[:2] for row in got], [(1, "hvc1"), (2, "hvc1"), (3, "Exif")], kind)
        if expected:
            same(got[0][6:8], expected)
    # An index that is no box, more entries than there are.
    path = write(directory, "b.heic", data.replace(b"\2\x82\1", b"\2\xff\0").replace(b"\1\x83", b"\xff\x83"))
    same([row[4] for row in rows("mp4.sql", path, ITEMS)], [None] * 3)
    at = data.index(b"infe")
    for cut in range(at - 30, len(data), 11):
        got = rows("mp4.sql", write(directory, "c.heic", data[:cut]), "SELECT type, error FROM mp4_box WHERE error IS NOT NULL")
        assert got or len(data) - 48 <= cut < len(data) - 40, cut  # within the head of mdat
        rows("mp4.sql", os.path.join(directory, "c.heic"), ITEMS)
    same(rows("mp4.sql", write(directory, "d.mp4", support.mp4()), ITEMS), [])


TESTS = [gif_agrees_with_a_reader, gif_odd_and_damaged, tiff_agrees_with_a_reader, tiff_pictures_and_photos, tiff_odd_and_damaged,
         heif_items_of_each_version, heif_odd_and_damaged]

if __name__ == "__main__":
    sys.exit(support.run_tests(TESTS))
