#!/usr/bin/python3
"""sql/picture.sql: its SVG read as XML, its PNG decoded by zlib, beside cells counted in Python."""

import collections
import math
import os
import random
import re
import struct
import subprocess
import sys
import xml.etree.ElementTree as xml
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "data"))
from recipe_support import SQL, connect, library, put, rows, run_tests, same

RNG = random.Random(5)
COLORS = {"zeros": "#202020", "text": "#4a90d9", "dense": "#d9534f", "other": "#7cb342"}


def entropy(data):
    return -sum(n / len(data) * math.log2(n / len(data)) for n in collections.Counter(data).values())


def cells(data):
    size = max(1, (len(data) + 4095) // 4096)
    return [data[at:at + size] for at in range(0, len(data), size)]


def sample():
    """A quarter of each kind: 64 bytes more than what 4096 cells of 1,000 bytes hold."""
    return (bytes(1000000) + (b"some text, and more of it. " * 40000)[:1000000] + RNG.randbytes(1000000)
            + bytes(RNG.choice(b"\x01\x02\x03\x80\x90") for _ in range(1000000)) + b"x" * 64)


def squares(svg):
    """By color, the cells that are painted so."""
    painted = {}
    for path in xml.fromstring(svg).iter("{http://www.w3.org/2000/svg}path"):
        painted[path.get("fill")] = [int(x) // 8 + int(y) // 8 * 64
                                     for x, y in re.findall(r"M(\d+) (\d+)h8v8h-8z", path.get("d"))]
    return painted


def map_shows_the_kinds_of_bytes():
    data = sample()
    path = put("a", data)
    (svg,), = rows(connect("picture.sql"), [path], "SELECT svg FROM picture_map")
    painted = squares(svg)
    count = len(cells(data))
    same(sorted(sum(painted.values(), [])), list(range(count)))
    kinds = ["zeros", "text", "dense", "other"]
    for i, kind in enumerate(kinds):
        middle = (2 * i + 1) * count // 8
        same([color for color in painted if middle in painted[color]], [COLORS[kind]], kind)


def strip_and_bars():
    data = sample()
    path = put("a", data)
    (svg,), = rows(connect("picture.sql"), [path], "SELECT svg FROM picture_entropy")
    heights = [float(y) for y in re.findall(r"V([\d.]+)H", svg)]
    size = (len(data) + 511) // 512
    blocks = [data[at:at + size] for at in range(0, len(data), size)]
    same(len(heights), len(blocks))
    for height, block in zip(heights, blocks):
        assert abs(height - (72 - entropy(block) * 8)) < 0.06, (height, entropy(block))
    (svg,), = rows(connect("picture.sql"), [path], "SELECT svg FROM picture_histogram")
    counts = collections.Counter(data)
    bars = {int(x) // 2: float(y) for x, y in re.findall(r"M(\d+) 128V([\d.]+)h2", svg)}
    same(sorted(bars), sorted(counts))
    for byte, y in bars.items():
        assert abs(y - (128 - 128 * counts[byte] / max(counts.values()))) < 0.06, byte


def differences_are_marked():
    data = bytearray(RNG.randbytes(40960))
    a = put("a", bytes(data))
    for at in (0, 12345, 40959):
        data[at] ^= 1
    b = put("b", bytes(data[:-1]))
    got = dict(rows(connect("picture.sql"), [a, b], "SELECT b, svg FROM picture_diff WHERE a = 'a'"))
    same(sorted(squares(got["b"])["#d9534f"]), [0, 1234, 4095])
    same(sorted(squares(got["a"])), ["#d0d0d0"])


def decoded_png(data):
    """Width, height and the pixels; all checksums are looked at."""
    same(data[:8], b"\x89PNG\r\n\x1a\n")
    at, packed, kinds = 8, b"", []
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8:at + 8 + length]
        same(struct.unpack_from(">I", data, at + 8 + length)[0], zlib.crc32(kind + body), kind)
        kinds.append(kind)
        if kind == b"IHDR":
            width, height, depth, color = struct.unpack_from(">IIBB", body)
            same((depth, color), (8, 0))
        if kind == b"IDAT":
            packed += body
        at += 12 + length
    same(kinds, [b"IHDR", b"IDAT", b"IEND"])
    lines = zlib.decompress(packed)
    same(len(lines), height * (width + 1))
    rows_of = [lines[i * (width + 1):(i + 1) * (width + 1)] for i in range(height)]
    same({row[0] for row in rows_of}, {0})
    return width, height, b"".join(row[1:] for row in rows_of)


def files_of_pixels():
    data = sample()
    db = connect("picture.sql")
    rows(db, [put("a", data)], "INSERT INTO picture_file(path, name) SELECT path, name FROM target,"
                               " (SELECT 'm.png' AS name UNION ALL SELECT 'm.pgm')")
    expected = bytes(int(entropy(cell) * 31.875 + 1e-9) for cell in cells(data)).ljust(4096, b"\0")
    width, height, pixels = decoded_png(open("m.png", "rb").read())
    same((width, height), (64, 64))
    assert max(abs(x - y) for x, y in zip(pixels, expected)) <= 1
    pgm = open("m.pgm", "rb").read()
    same(pgm[:13], b"P5 64 64 255\n")
    same(pgm[13:], pixels)


def pictures_are_part_of_the_transaction():
    db = connect("picture.sql")
    put("m.png", b"before")
    db.execute("BEGIN")
    rows(db, [put("a", b"abc")], "INSERT INTO picture_file(path, name) SELECT path, 'm.png' FROM target")
    db.execute("ROLLBACK")
    same(open("m.png", "rb").read(), b"before")


def small_and_empty_files():
    db = connect("picture.sql")
    (svg,), = rows(db, [put("a", b"a\0")], "SELECT svg FROM picture_map")
    same(squares(svg), {"#202020": [1], "#4a90d9": [0]})
    for view in ("picture_map", "picture_entropy", "picture_histogram"):
        same(rows(db, [put("a", b"")], f"SELECT count(*) FROM {view}"), [(0,)])


def examples_of_the_comment_run():
    put("firmware.bin", sample())
    os.symlink(SQL, "sql")
    lines = re.findall(r"^--     (\S.*)$", open(os.path.join(SQL, "picture.sql"), encoding="utf-8").read(), re.M)
    shell = subprocess.run(["sqlite3", "-init", "/dev/null", "-batch", ":memory:"], text=True, capture_output=True,
                           input="\n".join([".bail on", f".load '{library()}'", *lines]) + "\n")
    same(shell.stderr, "")
    for name in ("map.svg", "strip.svg", "bars.svg", "differences.svg"):
        xml.parse(name)
    decoded_png(open("map.png", "rb").read())


TESTS = [examples_of_the_comment_run, map_shows_the_kinds_of_bytes, strip_and_bars, differences_are_marked, files_of_pixels,
         pictures_are_part_of_the_transaction, small_and_empty_files]

if __name__ == "__main__":
    sys.exit(run_tests(TESTS))
