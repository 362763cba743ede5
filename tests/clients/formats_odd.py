#!/usr/bin/python3
"""sql/formats on odd files that exist: ZIP, PNG, BMP and WAV as some programs write them.

The rows are read by a host that takes no TEXT but UTF-8. ELF has a test of its own.
"""

import io
import os
import random
import struct
import sys
import wave
import zipfile
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "data"))
import formats_support as support
from formats_support import connect, in_directory, png_chunk, rows, same, write


# ---- ZIP -----------------------------------------------------------------------------------------

def archive(names=("a", "b", "c"), comment=b""):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as z:
        for name in names:
            z.writestr(zipfile.ZipInfo(name), b"data of " + name.encode())
        z.comment = comment
    return file.getvalue()


def end_record(members, size, at, comment=b"", disk=0, first_disk=0):
    return struct.pack("<IHHHHIIH", 0x06054b50, disk, first_disk, members, members, size, at,
                       len(comment)) + comment


def names_of(path):
    return [name for name, in rows("zip.sql", path, "SELECT name FROM zip_member ORDER BY number")]


@in_directory
def zip_is_found_before_bytes_that_follow_it(directory):
    html = b"<html> PK\5\6 was appended by a broken server </html>\n"
    for i, behind in enumerate((b"\n", html, html * 3, bytes(70000), html + bytes(2 << 20))):
        path = write(directory, f"{i}.zip", archive() + behind)
        same(names_of(path), ["a", "b", "c"], behind[:60])
        same(rows("zip.sql", path, "SELECT members, comment, bytes_before, error FROM zip_archive"),
             [(3, None, 0, None)])
        path = write(directory, f"{i}.exe", b"MZ" + bytes(98) + archive() + behind[:100000])
        same(names_of(path), ["a", "b", "c"], behind[:60])
        same(rows("zip.sql", path, "SELECT bytes_before FROM zip_archive"), [(100,)])


@in_directory
def zip_has_comments_with_end_records_inside(directory):
    inner = archive(["inner"])
    for i, comment in enumerate((b"PK\5\6", b"PK\5\6" * 5, b"x" * 65535, b"PK\5\6" * 16383 + b"abc",
                                 end_record(0, 0, 0) + b".", end_record(1, 46, 0) + b"!",
                                 end_record(9, 99, 7, b"z" * 30))):
        path = write(directory, f"{i}.zip", archive(comment=comment))
        same(names_of(path), ["a", "b", "c"], comment[:60])
        expected = comment.split(b"\0")[0].decode()
        same(rows("zip.sql", path, "SELECT comment, error FROM zip_archive"), [(expected, None)])
    # An archive that is the comment of another: zipfile and unzip read the one that ends the file.
    path = write(directory, "both.zip", archive(comment=inner))
    same(names_of(path), zipfile.ZipFile(path).namelist())
    # A comment whose end is missing.
    data = archive(comment=b"it goes on")[:-3]
    path = write(directory, "cut.zip", data)
    same(names_of(path), ["a", "b", "c"])
    same(rows("zip.sql", path, "SELECT comment, error FROM zip_archive"),
         [(None, "the comment reaches past the end of the file")])


@in_directory
def zip_in_a_zip_is_not_taken_for_it(directory):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as z:
        z.writestr("first", b"1")
        z.writestr("inner.zip", archive())
        z.writestr("last", bytes(1000))
    whole = file.getvalue()
    same(names_of(write(directory, "whole.zip", whole)), ["first", "inner.zip", "last"])
    # Without its directory there are local headers only, the inner archive's among them.
    path = write(directory, "cut.zip", whole[:whole.index(b"PK\1\2", whole.rindex(b"PK\3\4"))])
    same(names_of(path), [])
    same([name for name, in rows("zip.sql", path, "SELECT name FROM zip_local ORDER BY offset")],
         ["first", "inner.zip", "a", "b", "c", "last"])


@in_directory
def programs_that_name_the_signature_are_no_archives(directory):
    for start in (b"\x7fELF", b"MZ", b"text"):
        path = write(directory, "program",
                     start + bytes(500) + b"PK\5\6\0PK\3\4PK\1\2" + bytes(900))
        for view in ("zip_archive", "zip_member", "zip_local"):
            same(rows("zip.sql", path, f"SELECT * FROM {view}"), [], view)


@in_directory
def zip_directory_is_found_though_its_size_or_count_lies(directory):
    data = archive()
    at = data.rindex(b"PK\5\6")
    for i, (field, form, value) in enumerate(((12, "I", 0), (12, "I", 7), (12, "I", 0xfffffff0),
                                              (16, "I", 0xfffff000), (16, "I", 3),
                                              (8, "HH", (1, 1)))):
        changed = bytearray(data)
        struct.pack_into("<" + form, changed, at + field,
                         *(value if isinstance(value, tuple) else (value,)))
        path = write(directory, f"{i}.zip", changed)
        same(names_of(path), ["a", "b", "c"], (field, value))
    # More members are said than there are: the last one says so.
    changed = bytearray(data)
    struct.pack_into("<HH", changed, at + 8, 5, 5)
    path = write(directory, "five.zip", changed)
    same(rows("zip.sql", path, "SELECT name, error FROM zip_member WHERE error IS NOT NULL"),
         [("c", "the directory ends behind it, which should have 5 members")])


@in_directory
def zip_counts_in_16_bits_and_goes_on_at_0(directory):
    """As old programs write more members than 65,535 without ZIP64."""
    for count in (65536, 65539):
        local = b"PK\3\4" + struct.pack("<HHHHHIIIHH", 10, 0, 0, 0, 33, 0, 0, 0, 1, 0) + b"n"
        entry = b"PK\1\2" + struct.pack("<HHHHHHIIIHHHHHII", 10, 10, 0, 0, 0, 33, 0, 0, 0, 1,
                                        *bytes(6)) + b"n"
        path = write(directory, "many.zip", local + entry * count
                     + end_record(count % 65536, len(entry) * count, len(local)))
        same(rows("zip.sql", path, "SELECT count(*), count(error) FROM zip_member"), [(count, 0)])


CP437 = bytes(range(128, 256)).decode("cp437")


def renamed(old, new):
    """An archive of one member whose name's bytes are `new`, without bit 11."""
    return archive([old]).replace(old.encode(), new)


def made_by(data, system):
    at = data.index(b"PK\1\2") + 5
    return data[:at] + bytes([system]) + data[at + 1:]


@in_directory
def zip_names_agree_with_zipfile(directory):
    rng = random.Random(11)
    letters = CP437 + "abc ./"
    names = [CP437[:64], CP437[64:], "n\xe6m.txt"]
    names += ["".join(rng.choices(letters, k=20)) for _ in range(40)]
    for i, name in enumerate(names):
        raw = name.encode("cp437")
        data = made_by(renamed("x" * len(raw), raw), 0)
        path = write(directory, f"{i}.zip", data)
        expected = zipfile.ZipFile(path).namelist()
        same(expected, [name])
        same(names_of(path), expected, raw)
        local = rows("zip.sql", path, "SELECT name FROM zip_local")
        try:  # it does not say who made it: UTF-8 if it can be
            same(local, [(raw.decode(),)], raw)
        except UnicodeDecodeError:
            same(local, [(name,)], raw)
    # With bit 11, UTF-8.
    for name in ("caf\xe9", "\u65e5\u672c\u8a9e.txt", "\U0001f333/\xe4\u20ac", "\u2588\u00e9"):
        path = write(directory, "flag.zip", archive([name]))
        same(names_of(path), zipfile.ZipFile(path).namelist())
        same(rows("zip.sql", path, "SELECT name FROM zip_local"), [(name,)])


@in_directory
def zip_names_in_utf8_that_do_not_say_so(directory):
    name = "caf\xe9 \u65e5\u672c"
    raw = name.encode()
    data = renamed("x" * len(raw), raw)
    # Unix and macOS write what they have; DOS has its code page.
    for system, expected in ((3, name), (19, name), (0, raw.decode("cp437"))):
        same(names_of(write(directory, "a.zip", made_by(data, system))), [expected], system)
    # What is said to be UTF-8 and is none.
    data = archive(["\xe9x"]).replace("\xe9".encode(), b"\x91z")
    same(names_of(write(directory, "b.zip", data)), ["\xe6zx"])
    # Bytes behind a NUL do not count.
    data = renamed("abcd", b"a\0\xff\xfe")
    same(names_of(write(directory, "c.zip", data)), ["a"])
    same(names_of(write(directory, "d.zip", renamed("abcd", b"\x91\0\xff\xfe"))), ["\xe6"])


@in_directory
def zip_names_in_a_unicode_field(directory):
    """Info-ZIP's field 0x7075; it counts only for the name that it was made for."""
    raw, better = b"n\x91m", "n\xe6m \u65e5"
    for check, version, expected in ((zlib.crc32(raw), 1, better), (0, 1, "n\xe6m"),
                                     (zlib.crc32(raw), 2, "n\xe6m")):
        info = zipfile.ZipInfo("nXm")
        extra = struct.pack("<BI", version, check) + better.encode()
        info.extra = struct.pack("<HH2s", 0x5455, 2, b"ab") + struct.pack("<HH", 0x7075,
                                                                          len(extra)) + extra
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as z:
            z.writestr(info, b"1")
        path = write(directory, "a.zip", file.getvalue().replace(b"nXm", raw))
        same(names_of(path), [expected])


@in_directory
def zip_comments_are_utf8_or_cp437(directory):
    for comment, expected in ((b"caf\x82", "caf\xe9"), ("caf\xe9".encode(), "caf\xe9"),
                              (bytes(range(128, 256)), CP437)):
        path = write(directory, "a.zip", archive(comment=comment))
        same(rows("zip.sql", path, "SELECT comment FROM zip_archive"), [(expected,)])


class Pipe(io.RawIOBase):
    """What cannot seek: zipfile and wave write other headers there."""

    def __init__(self):
        self.data = b""

    def writable(self):
        return True

    def write(self, data):
        self.data += bytes(data)
        return len(data)


@in_directory
def zip_that_was_written_to_a_pipe(directory):
    pipe = Pipe()
    bodies = {"one": b"1" * 5000, "empty": b"", "two": os.urandom(300)}
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as z:
        for name, body in bodies.items():
            with z.open(name, "w", force_zip64=name == "two") as member:
                member.write(body)
    path = write(directory, "a.zip", pipe.data)
    with zipfile.ZipFile(path) as z:
        expected = [(i.filename, i.file_size, i.compress_size, i.CRC, None) for i in z.infolist()]
    for view, more in (("zip_member", ""), ("zip_local", " AND sizes_follow")):
        got = rows("zip.sql", path, f"SELECT name, size, compressed, crc, error FROM {view}"
                                    f" WHERE 1{more}")
        same(got, expected, view)
    query = "SELECT name, data_offset, compressed FROM zip_member"
    for name, at, size in rows("zip.sql", path, query):
        same(zlib.decompress(pipe.data[at:at + size], -15), bodies[name])
    # Without signatures, which are optional; and when something else follows the data.
    first = pipe.data.index(b"PK\7\x08")
    path = write(directory, "b.zip", pipe.data[:first] + pipe.data[first + 4:])
    same(rows("zip.sql", path, "SELECT size, compressed, crc FROM zip_local LIMIT 1"),
         [expected[0][1:4]])
    path = write(directory, "c.zip", pipe.data[:first] + b"?" * 9 + pipe.data[first:])
    same(rows("zip.sql", path, "SELECT size, compressed, crc FROM zip_local LIMIT 1"),
         [(None, None, None)])


@in_directory
def zip64_local_headers_have_their_sizes(directory):
    path = write(directory, "a.zip", support.zip64_by_hand())
    same(rows("zip.sql", path, "SELECT name, size, compressed FROM zip_local"),
         [("wide.bin", 10, 10)])
    # Its end record with more in it, behind bytes that are no part of the archive.
    data = support.zip64_by_hand()
    at = data.index(b"PK\6\6")
    more = data[:at + 4] + struct.pack("<Q", 44 + 9) + data[at + 12:at + 56] + b"and more."
    path = write(directory, "b.zip", b"#!/bin/sh\nexit\n" + more + data[at + 56:])
    same(rows("zip.sql", path, "SELECT members, bytes_before, error FROM zip_archive"),
         [(1, 15, None)])
    same(names_of(path), ["wide.bin"])


@in_directory
def zip64_agrees_with_zipfile(directory):
    """What is ZIP64 only in part: a member behind 4 GiB, which a hole in the file fills, one of more than that, 70,000 of them."""
    big, small = (1 << 32) + 5, b"small"
    path = os.path.join(directory, "big.zip")
    entry = lambda name, size, place, *wide: struct.pack("<IHHHHHHIIIHHHHHII", 0x02014b50, 45, 45, 0, 0, 0, 0x21, 0, min(size, 0xffffffff),
                                                         min(size, 0xffffffff), len(name), 4 + 8 * len(wide) if wide else 0, 0, 0, 0, 0,
                                                         min(place, 0xffffffff)) + name + (
        struct.pack("<HH%dQ" % len(wide), 1, 8 * len(wide), *wide) if wide else b"")
    local = lambda name, size: struct.pack("<IHHHHHIIIHH", 0x04034b50, 45, 0, 0, 0, 0x21, 0, min(size, 0xffffffff), min(size, 0xffffffff), len(name),
                                           0) + name
    with open(path, "wb") as file:
        file.write(local(b"big", big))
        second = file.seek(big, os.SEEK_CUR)
        file.write(local(b"small", len(small)) + small)
        at = file.tell()
        entries = entry(b"big", big, 0, big, big) + entry(b"small", len(small), second, second)
        file.write(entries + struct.pack("<IQHHIIQQQQ", 0x06064b50, 44, 45, 45, 0, 0, 2, 2, len(entries), at)
                   + struct.pack("<IIQI", 0x07064b50, 0, at + len(entries), 1)
                   + struct.pack("<IHHHHIIH", 0x06054b50, 0, 0, 2, 2, len(entries), 0xffffffff, 0))
    many = os.path.join(directory, "many.zip")
    with zipfile.ZipFile(many, "w") as z:
        for i in range(70000):
            z.writestr(zipfile.ZipInfo(f"{i}"), b"")
    for name in (path, many):
        with zipfile.ZipFile(name) as z:
            expected = [(i.filename, i.file_size, i.compress_size, i.header_offset, None) for i in z.infolist()]
        same(rows("zip.sql", name, "SELECT name, size, compressed, local_offset, error FROM zip_member"), expected)
        same(rows("zip.sql", name, "SELECT members, bytes_before, error FROM zip_archive"), [(len(expected), 0, None)])
    same(rows("zip.sql", path, "SELECT mmap_slice(path, data_offset, data_offset + size) FROM zip_member WHERE name = 'small'"), [(small,)])


@in_directory
def zip_of_several_parts(directory):
    data = archive()
    at = data.rindex(b"PK\5\6")
    entries = [i for i in range(len(data)) if data[i:i + 4] == b"PK\1\2"]
    changed = bytearray(data)
    struct.pack_into("<HH", changed, at + 4, 2, 2)
    for entry, disk in zip(entries, (0, 1, 2)):
        struct.pack_into("<H", changed, entry + 34, disk)
    path = write(directory, "last.zip", changed)
    same(rows("zip.sql", path, "SELECT members, error FROM zip_archive"),
         [(3, "it is the last of 3 parts")])
    got = rows("zip.sql", path, "SELECT name, data_offset, error FROM zip_member ORDER BY number")
    same([(name, error) for name, _, error in got],
         [("a", "its data begin in part 1 of 3"), ("b", "its data begin in part 2 of 3"),
          ("c", None)])
    same([at is None for _, at, _ in got], [True, True, False])
    # The directory begins in the part before.
    struct.pack_into("<HHHH", changed, at + 4, 2, 1, 1, 3)
    struct.pack_into("<II", changed, at + 12, 5000, 4000)
    path = write(directory, "split.zip", changed[entries[2]:])
    same(rows("zip.sql", path, "SELECT error FROM zip_archive"),
         [("its directory begins in part 2 of 3",)])
    # The first part has a mark, and no end.
    path = write(directory, "first.z01", b"PK\7\x08" + data[:entries[0]])
    same([name for name, in rows("zip.sql", path, "SELECT name FROM zip_local")], ["a", "b", "c"])


@in_directory
def zip_members_without_a_name_and_an_archive_without_members(directory):
    path = write(directory, "noname.zip", archive(["x", ""]))
    same(names_of(path), ["x", ""])
    for before in (b"", b"#!/bin/sh\n" * 9):
        path = write(directory, "empty.zip", before + archive([]))
        same(rows("zip.sql", path, "SELECT members, error FROM zip_archive"), [(0, None)])
        same(names_of(path), [])


# ---- PNG -----------------------------------------------------------------------------------------

SIGNATURE = b"\x89PNG\r\n\x1a\n"
IHDR = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 3, 2, 8, 2, 0, 0, 1))
IEND = png_chunk(b"IEND", b"")


@in_directory
def png_texts_are_latin1(directory):
    every = bytes(range(1, 256))
    for body, expected in ((b"Title\0" + every, ("Title", every.decode("latin-1"))),
                           (b"T\xefte\0\xe9", ("T\xefte", "\xe9")),
                           (b"\xfftitle\0", ("\xfftitle", None)),
                           (b"no NUL in it", ("no NUL in it", None))):
        path = write(directory, "a.png", SIGNATURE + IHDR + png_chunk(b"tEXt", body) + IEND)
        same(rows("png.sql", path, "SELECT keyword, text FROM png_text"), [expected])


@in_directory
def png_chunks_before_ihdr(directory):
    apple = png_chunk(b"CgBI", b"\x50\0\x20\2")
    path = write(directory, "a.png", SIGNATURE + apple + IHDR + IEND)
    same(rows("png.sql", path, "SELECT width, height, depth, color, interlaced FROM png_header"),
         [(3, 2, 8, "RGB", 1)])
    same(rows("png.sql", path, "SELECT type, crc_ok, error FROM png_chunk"),
         [("CgBI", 1, "it stands where IHDR should be"), ("IHDR", 1, None), ("IEND", 1, None)])
    # A header of another length is none; chunks of no bytes are some.
    wrong = png_chunk(b"IHDR", bytes(12))
    path = write(directory, "b.png", SIGNATURE + wrong + png_chunk(b"IDAT", b"") + IEND)
    same(rows("png.sql", path, "SELECT * FROM png_header"), [])
    same(rows("png.sql", path, "SELECT type, length, error FROM png_chunk"),
         [("IHDR", 12, "it has 12 bytes, not 13"), ("IDAT", 0, None), ("IEND", 0, None)])


@in_directory
def png_types_that_are_none(directory):
    for kind in (b"\xff\xfeab", b"\xe9\xe9\xe9\xe9", b"a\0bc", b"\x80\x81\x82\x83", b"ab1d"):
        path = write(directory, "a.png", SIGNATURE + IHDR + b"\0\0\0\4" + kind + bytes(8))
        same(rows("png.sql", path, "SELECT type, error FROM png_chunk")[1:],
             [(kind.decode("latin-1"), "it is no chunk")])


@in_directory
def png_texts_are_written_in_latin1(directory):
    """By sql/patch.sql: readers have what was said, and the checksum is right."""
    path = write(directory, "a.png", SIGNATURE + IHDR + png_chunk(b"tEXt", b"Title\0old \xe4")
                 + png_chunk(b"tEXt", b"\xc4rt\0\xff") + IEND)
    database = connect("patch.sql")
    database.execute("INSERT INTO target VALUES (?)", (path,))
    ask = lambda sql, *values: database.execute(sql, values).fetchall()
    same(ask("SELECT keyword, text, crc_ok FROM patch_png_text ORDER BY at"),
         [("Title", "old \xe4", 1), ("\xc4rt", "\xff", 1)])
    long = "\xe9a\xffb" * 500
    for text in ("Caf\xe9 \xa9", "plain", "", "\x80\xff", long, "\n\xa0", "shorter \xd6"):
        ask("UPDATE patch_png_text SET text = ? WHERE keyword = 'Title'", text)
        expected = (SIGNATURE + IHDR + png_chunk(b"tEXt", b"Title\0" + text.encode("latin-1"))
                    + png_chunk(b"tEXt", b"\xc4rt\0\xff") + IEND)
        same(open(path, "rb").read(), expected, text[:20])
        same(ask("SELECT text, crc_ok FROM patch_png_text WHERE keyword = 'Title'"), [(text, 1)])
        same(rows("png.sql", path, "SELECT text FROM png_text LIMIT 1"), [(text or None,)])
    before = open(path, "rb").read()
    for text, problem in (("10 \u20ac", "mmap_set: '10 \u20ac' (not all of it in latin1) does not fit latin1(4)"),
                          ("\u0100", "mmap_set: '\u0100' (not all of it in latin1) does not fit latin1(1)"),
                          ("\xe9\0\u20ac", "mmap_set: '\xe9?\u20ac' (with a NUL inside) does not fit latin1(1)")):
        try:
            ask("UPDATE patch_png_text SET text = ? WHERE keyword = 'Title'", text)
        except Exception as error:
            same(str(error), problem)
        else:
            raise AssertionError(f"{text!r} was written")
        same(open(path, "rb").read(), before)
    ask("UPDATE patch_png_text SET text = ? WHERE keyword = 'Title'", b"raw \xe2\x82\xac")
    same(ask("SELECT text FROM patch_png_text WHERE keyword = 'Title'"), [("raw \xe2\x82\xac",)])


# ---- BMP -----------------------------------------------------------------------------------------

def bmp(head=40, bits=4, width=8, height=2, compression=0, used=0, palette=b"", pixels=bytes(8),
        image=0, masks=b"", at=None):
    if head == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", head, width, height, 1, bits, compression, image, 0, 0,
                           used, 0).ljust(head, b"\0")[:head]
    place = 14 + len(info) + len(masks) + len(palette)
    return (struct.pack("<2sIHHI", b"BM", place + len(pixels), 0, 0, place if at is None else at)
            + info + masks + palette + pixels)


HEADER = ("SELECT width, height, top_down, bits, compression, colors, row_bytes, error"
          " FROM bmp_header")
COLORS = "SELECT number, red, green, blue FROM bmp_color"


def colors(count, step=4):
    """A palette, and what bmp_color says of it."""
    table = [(3 * i % 256, 2 * i % 256, i % 256) for i in range(count)]
    return (b"".join(bytes([b, g, r, 0][:step]) for r, g, b in table),
            [(i, *color) for i, color in enumerate(table)])


@in_directory
def bmp_of_all_header_sizes(directory):
    for head in (12, 16, 20, 24, 32, 36, 40, 48, 52, 56, 64, 108, 124):
        palette, expected = colors(16, 3 if head == 12 else 4)
        path = write(directory, "a.bmp", bmp(head, palette=palette))
        same(rows("bmp.sql", path, HEADER), [(8, 2, 0, 4, "none", 16, 4, None)], head)
        same(rows("bmp.sql", path, COLORS), expected, head)
        palette, expected = colors(5, 3 if head == 12 else 4)
        path = write(directory, "b.bmp", bmp(head, palette=palette, used=5))
        same(rows("bmp.sql", path, HEADER), [(8, 2, 0, 4, "none", 5, 4, None)], head)
        same(rows("bmp.sql", path, COLORS), expected, head)
    for head in (0, 11, 13, 15, 65, 107, 109, 200):
        path = write(directory, "c.bmp", bmp(40, palette=bytes(64)).replace(
            struct.pack("<Ii", 40, 8), struct.pack("<Ii", head, 8)) + bytes(200))
        same(rows("bmp.sql", path, HEADER), [], head)


@in_directory
def bmp_palettes_end_where_the_pixels_begin(directory):
    palette, expected = colors(12)
    for used, said in ((12, None), (13, 13), (0, 16), (0xffffffff, 0xffffffff)):
        path = write(directory, "a.bmp", bmp(used=used, palette=palette))
        error = said and f"the palette should have {said} colors, and there is room for 12"
        same(rows("bmp.sql", path, HEADER), [(8, 2, 0, 4, "none", 12, 4, error)], used)
        same(rows("bmp.sql", path, COLORS), expected, used)
    # OS/2's first header cannot say how many: it is no error.
    palette, expected = colors(252, 3)
    path = write(directory, "b.bmp", bmp(12, 8, 4, 2, palette=palette))
    same(rows("bmp.sql", path, HEADER), [(4, 2, 0, 8, "none", 252, 4, None)])
    same(rows("bmp.sql", path, COLORS), expected)
    # More than the bits can name, bytes behind the palette, a palette of an image that needs none.
    palette, expected = colors(300)
    path = write(directory, "c.bmp", bmp(bits=8, used=300, palette=palette))
    same(rows("bmp.sql", path, COLORS), expected)
    path = write(directory, "d.bmp", bmp(bits=8, palette=palette))
    same(rows("bmp.sql", path, COLORS), expected[:256])
    path = write(directory, "e.bmp", bmp(bits=24, width=2, used=300, palette=palette,
                                         pixels=bytes(16)))
    same(rows("bmp.sql", path, COLORS), expected)
    same(rows("bmp.sql", path, HEADER), [(2, 2, 0, 24, "none", 300, 8, None)])


@in_directory
def bmp_pixels_inside_the_headers(directory):
    for at in (0, 13, 20, 53):
        path = write(directory, "a.bmp", bmp(palette=bytes(64), at=at))
        same(rows("bmp.sql", path, "SELECT error FROM bmp_header"),
             [("the pixels are said to lie inside the headers",)], at)


@in_directory
def bmp_masks_stand_between_header_and_palette(directory):
    for head, compression, masks in ((40, 3, 12), (40, 6, 16), (52, 3, 0), (56, 6, 0), (108, 3, 0)):
        palette, expected = colors(7)
        path = write(directory, "a.bmp", bmp(head, 16, 2, -2, compression, 7, palette,
                                             masks=b"\xff" * masks))
        name = "masks" if compression == 3 else "masks with alpha"
        same(rows("bmp.sql", path, HEADER), [(2, 2, 1, 16, name, 7, 4, None)], head)
        same(rows("bmp.sql", path, COLORS), expected, head)


@in_directory
def bmp_compressions_of_windows_and_os2(directory):
    for head, compression, bits, name in (
            (40, 1, 8, "RLE8"), (40, 2, 4, "RLE4"), (40, 4, 0, "JPEG"), (40, 5, 0, "PNG"),
            (108, 12, 8, "CMYK RLE8"), (64, 1, 8, "RLE8"), (64, 2, 4, "RLE4"),
            (64, 3, 1, "Huffman"), (64, 4, 24, "RLE24"), (48, 3, 1, "Huffman"),
            (40, 99, 8, 99), (64, 5, 8, 5)):
        palette, expected = colors(1 << bits if 0 < bits <= 8 else 0)
        for size, error in ((100, None), (101, "the pixels reach past the end of the file")):
            path = write(directory, "a.bmp", bmp(head, bits, 127, 64, compression, 0, palette,
                                                 bytes(100), size))
            same(rows("bmp.sql", path, HEADER),
                 [(127, 64, 0, bits, name, len(expected), None, error)], (head, compression))
            same(rows("bmp.sql", path, COLORS), expected, (head, compression))


# ---- WAV -----------------------------------------------------------------------------------------

def chunk(kind, body, end="<"):
    return kind + struct.pack(end + "I", len(body)) + body + b"\0" * (len(body) % 2)


def fmt(kind=1, channels=1, rate=8000, frame=2, bits=16):
    return chunk(b"fmt ", struct.pack("<HHIIHH", kind, channels, rate, rate * frame, frame, bits))


def riff(*chunks, length=None, kind=b"RIFF"):
    body = b"WAVE" + b"".join(chunks)
    return kind + struct.pack("<I", len(body) if length is None else length) + body


SECOND = bytes(range(256)) * 62 + bytes(128)
PLACE = "SELECT data_offset, data_bytes, seconds, error FROM wav_format"


@in_directory
def wav_chunks_of_odd_length_with_and_without_a_pad(directory):
    for name in (b"data", b"fact", b"note"):
        for pad in (b"", b"\0", b"\xff", b"x"):
            for between in (b"", chunk(b"junk", b"abcd")):
                odd = b"note\5\0\0\0abcde"
                data = riff(fmt(), odd + pad, between, chunk(b"data", SECOND))
                path = write(directory, "a.wav", data)
                same(rows("wav.sql", path, PLACE), [(data.index(b"data") + 8, 16000, 1.0, None)],
                     (pad, between))
                query = "SELECT id, length, error FROM riff_chunk WHERE id = 'note'"
                got = rows("wav.sql", path, query)
                missing = None if pad else "the byte that makes its length even is missing"
                same(got, [("note", 5, missing)], (pad, between))
    # The last of them may end the file.
    path = write(directory, "b.wav", riff(fmt(), chunk(b"data", SECOND), b"note\5\0\0\0abcde"))
    same(rows("wav.sql", path, "SELECT id, error FROM riff_chunk")[-1], ("note", None))


@in_directory
def wav_headers_of_other_lengths(directory):
    tail = chunk(b"data", SECOND)
    short = chunk(b"fmt ", struct.pack("<HHIIH", 6, 1, 8000, 8000, 1))
    for head, expected in (
            (short, ("A-law", 1, 8000, None, 2.0)), (fmt(), ("PCM", 1, 8000, 16, 1.0)),
            (chunk(b"fmt ", fmt()[8:] + b"\0\0"), ("PCM", 1, 8000, 16, 1.0)),
            (chunk(b"fmt ", fmt(0xfffe)[8:] + struct.pack("<HHIH", 22, 16, 4, 3) + bytes(14)),
             ("float", 1, 8000, 16, 1.0)),
            (chunk(b"fmt ", fmt(0xfffe)[8:] + b"\0\0"), (0xfffe, 1, 8000, 16, 1.0))):
        path = write(directory, "a.wav", riff(head, tail))
        same(rows("wav.sql", path, "SELECT format, channels, rate, bits, seconds FROM wav_format"),
             [expected])
    path = write(directory, "b.wav", riff(chunk(b"fmt ", bytes(12)), tail))
    same(rows("wav.sql", path, "SELECT format, channels, bits, error FROM wav_format"),
         [(None, None, None, "it has no format")])


@in_directory
def wav_that_was_written_to_a_pipe(directory):
    """Lengths of 0, of 0xffffffff, and of what was thought to come; all samples are there."""
    for outer in (0, 36, 0xffffffff):
        for inner in (0, 0xffffffff):
            for samples in (SECOND, bytes(16000), b"\x80" * 16000):
                data = riff(fmt(), b"data" + struct.pack("<I", inner) + samples, length=outer)
                path = write(directory, "a.wav", data)
                same(rows("wav.sql", path, PLACE), [(44, 16000, 1.0, None)], (outer, inner))
                same(rows("wav.sql", path, "SELECT id, offset, length, error FROM riff_chunk"),
                     [("RIFF", 0, 16036, None), ("fmt ", 12, 16, None), ("data", 36, 16000, None)],
                     (outer, inner))
    # With another chunk behind it, or nothing, `data` of length 0 is one.
    for more in ((), (chunk(b"LIST", b"INFO" + chunk(b"INAM", b"x")),)):
        path = write(directory, "b.wav", riff(fmt(), chunk(b"data", b""), *more))
        same(rows("wav.sql", path, PLACE), [(44, 0, 0.0, None)])
    pipe = Pipe()
    with wave.open(pipe, "wb") as w:
        w.setparams((1, 2, 8000, 0, "NONE", ""))
        w._patchheader = lambda: None  # as it cannot be done here
        w.writeframesraw(SECOND)
    path = write(directory, "c.wav", pipe.data)
    same(rows("wav.sql", path, PLACE), [(44, 16000, 1.0, None)])


@in_directory
def wav_lengths_that_lie(directory):
    good = riff(fmt(), chunk(b"data", SECOND))
    for length in (len(good), 4, 36, 100, 0x7fffffff):
        path = write(directory, "a.wav", good[:4] + struct.pack("<I", length) + good[8:])
        same(rows("wav.sql", path, PLACE), [(44, 16000, 1.0, None)], length)
    path = write(directory, "b.wav", good[:-100])
    same(rows("wav.sql", path, PLACE),
         [(44, 15900, 15900 / 16000, "the data reach past the end of the file")])
    path = write(directory, "c.wav", good + bytes(77))
    same(rows("wav.sql", path, PLACE), [(44, 16000, 1.0, None)])


def rf64(kind=b"RF64", data=16000, table=(), extra=b"", inner=0xffffffff):
    sizes = struct.pack("<QQQI", 1 << 40, data, 8000, len(table))
    sizes += b"".join(struct.pack("<4sQ", *entry) for entry in table)
    return riff(chunk(b"ds64", sizes), extra, fmt(), b"data" + struct.pack("<I", inner) + SECOND,
                length=0xffffffff, kind=kind)


@in_directory
def wav_of_64_bits(directory):
    for kind in (b"RF64", b"BW64"):
        for data, inner in ((16000, 0xffffffff), (0, 0xffffffff), (2**64 - 1, 0xffffffff),
                            (5, 16000)):
            content = rf64(kind, data, inner=inner)
            path = write(directory, "a.wav", content)
            same(rows("wav.sql", path, PLACE + " WHERE format = 'PCM'"),
                 [(content.index(b"data") + 8, 16000, 1.0, None)], (kind, data))
        # What stands behind `data` is none of it; other chunks have their lengths in a table.
        big = b"big " + b"\xff" * 4 + b"12345678"
        content = rf64(kind, 16000, [(b"othr", 5), (b"big ", 8)], big) + chunk(b"tail", b"xy")
        path = write(directory, "b.wav", content)
        same(rows("wav.sql", path, PLACE), [(content.index(b"data") + 8, 16000, 1.0, None)])
        same(rows("wav.sql", path, "SELECT depth, id, length, error FROM riff_chunk")[1:],
             [(1, "ds64", 52, None), (1, "big ", 8, None), (1, "fmt ", 16, None),
              (1, "data", 16000, None), (1, "tail", 2, None)])


@in_directory
def riff_ids_that_are_none(directory):
    for kind in (b"\xff\xfeab", b"a\0bc", b"\xc3\xa9\xc3\xa9"):
        path = write(directory, "a.wav", riff(fmt(), chunk(b"data", SECOND), kind + bytes(20)))
        expected = "".join(chr(c) if 32 <= c < 127 else "\ufffd" for c in kind)
        same(rows("wav.sql", path, "SELECT id, error FROM riff_chunk")[-1],
             (expected, "it is no chunk"))
    path = write(directory, "b.avi", b"RIFF\x10\0\0\0\xff\xfe\0Zjunk\4\0\0\0abcd")
    same(rows("wav.sql", path, "SELECT id, form FROM riff_chunk"),
         [("RIFF", "\ufffd\ufffd\ufffdZ"), ("junk", None)])


# ---- any text ------------------------------------------------------------------------------------

@in_directory
def utmp_texts_are_utf8_or_latin1(directory):
    for user, expected in ((b"\xff\xfeadmin", "\xff\xfeadmin"), ("J\xfcrgen".encode(), "J\xfcrgen"),
                           (b"J\xfcrgen", "J\xfcrgen"), (b"\xe2\x82", "\xe2\x82"),
                           (b"tab\there", "tab\there")):
        data = support.utmp_record(6, 1, b"ssh\xff", user, b"h\xe9" * 128, 1700000000)
        path = write(directory, "btmp", data)
        same(rows("utmp.sql", path, "SELECT line, user, host FROM utmp_record"),
             [("ssh\xff", expected, "h\xe9" * 128)])


@in_directory
def every_text_of_damaged_files_is_utf8(directory):
    """Strictly decoded, as most hosts do: a row that cannot be is an error here."""
    rng = random.Random(5)
    for recipe, samples in support.samples().items():
        paths = []
        for i, sample in enumerate(samples):
            for j in range(12):
                data = bytearray(sample)
                for _ in range(rng.choice((3, 30, len(data) // 8))):
                    data[rng.randrange(8, len(data))] = rng.randrange(128, 256)
                paths.append(write(directory, f"{recipe}-{i}-{j}", data))
        for view in support.views(recipe):
            rows(recipe, paths, f"SELECT * FROM {view}")


@in_directory
def texts_are_the_same_in_a_database_of_utf16(directory):
    name = b"n\x91m"
    files = {"zip.sql": (made_by(renamed("xxx", name), 0), "SELECT name FROM zip_member", "n\xe6m"),
             "png.sql": (SIGNATURE + IHDR + png_chunk(b"tEXt", b"T\0caf\xe9") + IEND,
                         "SELECT text FROM png_text", "caf\xe9"),
             "utmp.sql": (support.utmp_record(6, 1, b"l", b"J\xfcrgen", b"h", 1700000000),
                          "SELECT user FROM utmp_record", "J\xfcrgen")}
    for recipe, (data, query, expected) in files.items():
        path = write(directory, recipe + ".file", data)
        database = connect(recipe, "UTF-16")
        database.execute("INSERT INTO target VALUES (?)", (path,))
        same(database.execute("PRAGMA encoding").fetchall()[0][0][:6], "UTF-16")
        same(database.execute(query).fetchall(), [(expected,)], recipe)


TESTS = [zip_is_found_before_bytes_that_follow_it, zip_has_comments_with_end_records_inside,
         zip_in_a_zip_is_not_taken_for_it, programs_that_name_the_signature_are_no_archives,
         zip_directory_is_found_though_its_size_or_count_lies,
         zip_counts_in_16_bits_and_goes_on_at_0, zip_names_agree_with_zipfile,
         zip_names_in_utf8_that_do_not_say_so, zip_names_in_a_unicode_field,
         zip_comments_are_utf8_or_cp437, zip_that_was_written_to_a_pipe,
         zip64_local_headers_have_their_sizes, zip64_agrees_with_zipfile, zip_of_several_parts,
         zip_members_without_a_name_and_an_archive_without_members, png_texts_are_latin1,
         png_chunks_before_ihdr, png_types_that_are_none, png_texts_are_written_in_latin1,
         bmp_of_all_header_sizes, bmp_palettes_end_where_the_pixels_begin,
         bmp_pixels_inside_the_headers, bmp_masks_stand_between_header_and_palette,
         bmp_compressions_of_windows_and_os2, wav_chunks_of_odd_length_with_and_without_a_pad,
         wav_headers_of_other_lengths, wav_that_was_written_to_a_pipe, wav_lengths_that_lie,
         wav_of_64_bits, riff_ids_that_are_none, utmp_texts_are_utf8_or_latin1,
         texts_are_the_same_in_a_database_of_utf16, every_text_of_damaged_files_is_utf8]

if __name__ == "__main__":
    sys.exit(support.run_tests(TESTS))
