#!/usr/bin/python3
"""sql/formats of pictures beside readers in Python: GIF, TIFF with EXIF, HEIF. On files made here and on the machine's own."""

import glob
import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "data"))
import formats_support as support
from formats_support import dicts, in_directory, rows, same, write


def found(*patterns):
    """Files of the machine; a word if there are none."""
    paths = sorted({os.path.realpath(p) for pattern in patterns for p in glob.glob(pattern, recursive=True)
                    if os.path.isfile(p)})
    if not paths:
        print(f"none of {' '.join(patterns)} is here: only files made in the test")
    return paths


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


TESTS = [gif_agrees_with_a_reader, gif_odd_and_damaged]

if __name__ == "__main__":
    sys.exit(support.run_tests(TESTS))
