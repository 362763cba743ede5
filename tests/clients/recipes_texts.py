#!/usr/bin/python3
"""sql/grep.sql, tail.sql, patch.sql and triage.sql on odd texts, and on what looks like others."""

import os
import random
import re
import sqlite3
import struct
import sys
import time
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "data"))
from recipe_support import SQL, connect, library, put, rows, run_tests, same

LIBRARY = library()


def grep(pattern, data, columns="number, text", db=None):
    db = db or connect("grep.sql")
    db.execute("DELETE FROM grep")
    db.execute("INSERT INTO grep VALUES (?)", (pattern,))
    return rows(db, [put("text", data)], f"SELECT {columns} FROM grep_line ORDER BY number")


def open_handles(db):
    return db.execute("SELECT count(handle) FROM mmap_list").fetchone()[0]


# ---- grep: lines ---------------------------------------------------------------------------------

def one_long_line_takes_time_by_its_length():
    """In CPU time, with a wide margin: eight times as long is 64 times by the square."""
    db, took = connect("grep.sql"), []
    for n in (20000, 20000, 160000):
        data, began = b'{"key": "value", "n": 12345},' * n, time.process_time()
        same(grep("value", data, "number, offset, matches, length(text)", db), [(1, 0, n, 29 * n)])
        took.append(time.process_time() - began)
    assert took[2] < 30 * max(took[1], 0.02), took


def dollar_is_the_end_of_a_line_before_either_line_end():
    for end in (b"\n", b"\r\n"):
        for last in (b"", end):
            data = end.join([b"one", b"two", b"", b"two 2", b"two"]) + last
            same(grep("(?m)two$", data), [(2, "two"), (5, "two")], (end, last))
            same(grep("(?m)^$", data), [(3, "")], (end, last))
            same(grep("(?m)^two.*", data, "number, matches"), [(2, 1), (4, 1), (5, 1)], (end, last))
            same(grep("(*ANYCRLF)(?m)two$", data), [(2, "two"), (5, "two")], (end, last))
    # grep_match takes a pattern as it stands.
    db = connect("grep.sql")
    for pattern, expected in (("(?m)two$", []), ("(*ANYCRLF)(?m)two$", [(5, b"two")])):
        grep(pattern, b"one\r\ntwo\r\n", db=db)
        same(db.execute("SELECT offset, match FROM grep_match").fetchall(), expected)
    # Without any \r\n a lone \r is a character as others; with one it may be turned off.
    same(grep("(?m)^b", b"a\rb\nb\n"), [(2, "b")])
    same(grep("(?m)a.b$", b"a\rb\n"), [(1, "a\rb")])
    same(grep("(*LF)(?m)^b", b"a\rb\r\nb\r\n"), [(2, "b")])
    same(grep("(*LF)(?m)b$", b"b\r\nb"), [(2, "b")])


def a_bad_pattern_is_said_where_it_is_bad():
    db = connect("grep.sql")
    for data in (b"a\r\n", b"a\n", "\ufeffa\r\n".encode("utf-16-le")):
        try:
            grep("a(", data, db=db)
        except Exception as problem:
            assert "bad pattern at 2" in str(problem), problem
        else:
            raise AssertionError("no error")
    same(open_handles(db), 0)


def lines_and_what_is_around_them_agree_with_python():
    rng, db = random.Random(22), connect("grep.sql")
    pieces = ["\n", "a", "\r\n", "\r", "bc", "\n\n", "\u00e9", "\u20ac", "\U0001f333", "\ufeff",
              "\0"]
    for turn in range(400):
        text = "".join(rng.choice(pieces) for _ in range(rng.randrange(14)))
        coding = rng.choice(["utf-8", "latin-1", "utf-16-le", "utf-16-be"])
        if coding.startswith("utf-16"):
            text = "\ufeff" + text.replace("\0", "")
            data = text.encode(coding)
            if data[:4] == b"\xff\xfe\0\0":
                continue
        else:
            data = text.replace("\0", "").encode(coding, "replace")
        lines, at = [], 0
        body = text[1:] if coding.startswith("utf-16") else None
        if body is None:
            at = 3 if data.startswith(b"\xef\xbb\xbf") else 0
            for line in re.findall(rb"[^\n]*\n|[^\n]+", data[at:]):
                lines.append((at, re.sub(rb"\r?\n$", b"", line).decode("utf-8", "replace")))
                at += len(line)
        else:
            at = 2
            for line in re.findall("[^\n]*\n|[^\n]+", body):
                lines.append((at, re.sub("\r?\n$", "", line)))
                at += len(line.encode(coding))
        expected = [(i + 1, at, line, lines[i - 1][1] if i else None,
                     lines[i + 1][1] if i + 1 < len(lines) else None, line.count("a"))
                    for i, (at, line) in enumerate(lines) if "a" in line]
        same(grep("a", data, "number, offset, text, previous, following, matches", db), expected,
             f"turn {turn}: {coding} {data}")
    same(open_handles(db), 0)


def files_in_utf_16_have_lines():
    text = "\ufeffone\r\ntwo needle\r\n\U0001f333 \u00e9 needle needle\r\n"
    for coding in ("utf-16-le", "utf-16-be"):
        data = text.encode(coding)
        expected = [(2, 2 + 2 * 5, "two needle", 1),
                    (3, 2 + 2 * 17, "\U0001f333 \u00e9 needle needle", 2)]
        for bytes_ in (data, data + b"\0"):
            same(grep("needle", bytes_, "number, offset, text, matches"), expected)
            same(grep("(?m)two needle$", bytes_), [(2, "two needle")])
        # Up to the first U+0000.
        same(grep("[xy]", "\ufeffx\n\0y\n".encode(coding)), [(1, "x")])
        for short in ("\ufeff", "\ufeff\0", "\ufeff\n"):
            same(grep("x", short.encode(coding)), [], short)
        # Without its mark, and in UTF-32, it is no text.
        same(grep("e", text[1:].encode(coding)), [])
        same(grep("e", text.encode("utf-32-le")), [])
        # Lone surrogates come as U+FFFD.
        same(grep("a", "\ufeff\ud800a\n".encode(coding, "surrogatepass")), [(1, "\ufffda")])
    db = connect("grep.sql")
    db.execute("BEGIN")
    same(grep("needle", data, "number", db), [(2,), (3,)])
    db.execute("COMMIT")
    same((open_handles(db), open("text", "rb").read()), (0, data))


def connections_that_only_read_have_all_other_lines():
    """With the statement that the comment in grep.sql shows."""
    with open(os.path.join(SQL, "grep.sql"), encoding="utf-8") as file:
        recipe = file.read()
    statement, = re.findall(r"^--   (CREATE TEMP VIEW grep_copy_.*;)$", recipe, flags=re.M)
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.enable_load_extension(True)
    db.execute("SELECT load_extension(?, 'sqlite3_mmap_readonly_init')", (LIBRARY,))
    db.execute(statement)
    db.executescript(recipe)
    same(grep("b", b"a\r\nb\r\n", "number, text, previous", db), [(2, "b", "a")])
    same(grep("b", "\ufeffb".encode("utf-16-le"), "number", db), [])


def a_byte_order_mark_is_in_no_line():
    """As in mmap_lines: grep and tail begin behind the mark."""
    mark, db, tail = b"\xef\xbb\xbf", connect("grep.sql"), connect("tail.sql")
    for text in (b"", b"\n", b"one", b"one\n", b"one\ntwo\r\n", b"one\r\n\none " + mark + b"\n",
                 mark + b"one", b"\n" + mark + b"one"):
        data = mark + text
        found = db.execute("SELECT number, offset, CAST(text AS BLOB) FROM mmap_lines(?)",
                           (put("text", data),)).fetchall()
        lines = [(number, offset, text.decode()) for number, offset, text in found]
        texts = [None] + [text for _, _, text in lines] + [None]
        for pattern, expected in (("(?m)^", lines), ("^", lines[:1]),
                                  ("one", [line for line in lines if "one" in line[2]])):
            same(grep(pattern, data, "number, offset, text", db), expected, (data, pattern))
        same(grep("(?m)^", data, "previous, following", db),
             list(zip(texts[:len(lines)], texts[2:])), data)
        both = [line[1:] for line in lines]
        same(rows(tail, ["text"], "SELECT offset, text FROM tail_line ORDER BY offset"), both, data)
        tail.execute("DELETE FROM tail_seen")
        tail.execute("INSERT INTO tail_seen(path, upto) VALUES ('text', ?)", (len(data),))
        same(tail.execute("SELECT offset, text FROM tail_new").fetchall(), both, data)
    same(open_handles(db), 0)
    same(grep("b$", mark + b"a\r\nb", "number, previous, offset"), [(2, "a", 6)])


def all_text_is_utf8():
    """What decoders put for what is none: U+FFFD for each piece, as Python's."""
    rng = random.Random(29)
    alphabet = [b"\xc3", b"\xa9", b"\xe2\x82", b"\xac", b"\xed\xa0\x80", b"\xf0\x9f\x8c", b"\xb3",
                b"\xff",
                b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xf4\x8f\xbf\xbf", b"\xe0\x80\x80", b"x",
                b"\xf8\x88"]
    db, tail = connect("grep.sql"), connect("tail.sql")
    tail.execute("UPDATE tail_option SET lines = 1000")
    for _ in range(100):
        lines = [b"a" + b"".join(rng.choice(alphabet) for _ in range(rng.randrange(9)))
                 for _ in range(9)]
        data = b"\n".join(lines) + b"\n"
        texts = [line.decode("utf-8", "replace") for line in lines]
        same(grep("(?m)^a", data, "text, previous, following", db),
             list(zip(texts, [None] + texts, texts[1:] + [None])))
        same(rows(tail, ["text"], "SELECT text FROM tail_line ORDER BY offset"),
             [(t,) for t in texts])
        tail.execute("DELETE FROM tail_seen")
        tail.execute("INSERT INTO tail_seen(path, upto) VALUES ('text', ?)", (len(data),))
        same(tail.execute("SELECT text FROM tail_new").fetchall(), [(t,) for t in texts])
    long = "\u00e9\U0001f333" * 300000
    same(grep("a", long.encode() + b"a\xff")[0][1], long + "a\ufffd")
    nul = b"x" * 9000 + b"a\0b\n"
    same(grep("a", nul), [(1, nul[:-1].decode())])


# ---- patch ---------------------------------------------------------------------------------------

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def picture(*texts):
    return b"".join([b"\x89PNG\r\n\x1a\n",
                     chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)),
                     *(chunk(b"tEXt", k + b"\0" + t) for k, t in texts),
                     chunk(b"IDAT", zlib.compress(b"\0\0")), chunk(b"IEND", b"")])


def texts_of_png_are_latin_1_both_ways():
    path = put("a.png", picture((b"Title", b"caf\xe9"), (b"Gr\xf6\xdfe", b"\x80\xff"),
                                (b"Empty", b"")))
    db = connect("patch.sql")
    query = "SELECT keyword, text, crc_ok FROM patch_png_text ORDER BY at"
    same(rows(db, [path], query), [("Title", "caf\u00e9", 1), ("Gr\u00f6\u00dfe", "\x80\u00ff", 1),
                                   ("Empty", "", 1)])
    update = "UPDATE patch_png_text SET text = ? WHERE keyword = ?"
    every = "".join(map(chr, range(1, 256)))
    for value, stored in (("\u00fcber", b"\xfcber"), (every, every.encode("latin-1")), ("", b""),
                          ("x", b"x"),
                          (b"\xe9\0\xff", b"\xe9\0\xff"), (1234, b"1234"), (1.5, b"1.5")):
        db.execute(update, (value, "Title"))
        expected = picture((b"Title", stored), (b"Gr\xf6\xdfe", b"\x80\xff"), (b"Empty", b""))
        same(open(path, "rb").read(), expected, value)
    for value in ("\u20ac", "a\u0100", "\U0001f333"):
        try:
            db.execute(update, (value, "Title"))
        except Exception as problem:
            assert "not all of it in latin1" in str(problem), problem
        else:
            raise AssertionError(value)
    same(open(path, "rb").read(), expected)
    db.execute("UPDATE patch_png_text SET text = upper(text) WHERE keyword = ?",
               ("Gr\u00f6\u00dfe",))
    same(open(path, "rb").read(), expected)


def states_of_many_patches_take_time_by_their_number():
    steps = []
    for count in (1000, 4000):
        db, done = connect("patch.sql"), [0]
        put("big", bytes(count * 4))
        db.executemany("INSERT INTO patch VALUES ('big', ?, x'00', x'01')",
                       [(4 * i,) for i in range(count)])
        db.set_progress_handler(lambda: done.__setitem__(0, done[0] + 1) or 0, 100)
        same(db.execute("SELECT state, count(*) FROM patch_state GROUP BY 1").fetchall(),
             [("old", count)])
        steps.append(done[0])
    assert steps[1] < 6 * steps[0], steps


def overlaps_agree_with_python():
    rng = random.Random(4)
    put("f", bytes(100))
    for _ in range(100):
        db = connect("patch.sql")
        patches = {rng.randrange(60): rng.choice([0, 1, 1, 2, 9, 40])
                   for _ in range(rng.randrange(1, 7))}
        db.executemany("INSERT INTO patch VALUES ('f', ?, zeroblob(?), zeroblob(?))",
                       [(at, n, n) for at, n in patches.items()])
        expected = [(at, "overlap" if any(p != at and p < at + n and at < p + m
                                          for p, m in patches.items()) else "old")
                    for at, n in sorted(patches.items())]
        same(db.execute("SELECT offset, state FROM patch_state ORDER BY 1").fetchall(), expected,
             patches)


# ---- triage --------------------------------------------------------------------------------------

def format_of(data, name="f"):
    return rows(connect("triage.sql"), [put(name, data)], "SELECT format FROM triage_file")[0][0]


def texts_that_begin_as_a_magic_number_are_texts():
    for word in (b"BMW cars", b"MZ is short for", b"ID3 tags", b"BZh is", b"GIF89a is",
                 b"OggS and", b"PAR1S",
                 b"fLaC", b"RIFF is", b"MThd", b"hsqs", b"XFSB", b"wOF2", b"070701", b"dex\nfile",
                 b"#![no_std]",
                 b"BM", b"MZ"):
        for data in (word, word + b" of which there are many\n" * 99,
                     word + " \u00e9\u20ac\n".encode() * 99):
            same(format_of(data), None, word)
    same(format_of(b"x" * 257 + b"ustar\n" * 99), None)
    for data, expected in ((b"#!/bin/sh\n", "script"), (b"#! /usr/bin/env python3\n", "script"),
                           (b"<?xml version='1.0'?>\n", "XML"), (b"%PDF-1.4\n", "PDF")):
        same(format_of(data), expected)


def box(brand):
    return struct.pack(">I", 24) + b"ftyp" + brand + bytes(4) + b"mif1miaf"


def what_other_recipes_read_has_a_name():
    pcap = struct.pack("<HHiIII", 2, 4, 0, 0, 65535, 1)
    sector = lambda begin: begin.ljust(510, b"\0") + b"\x55\xaa" + bytes(512)
    gpt = bytearray(3 * 4096)
    gpt[450], gpt[510:512], gpt[4096:4104] = 0xee, b"\x55\xaa", b"EFI PART"
    cases = [(struct.pack(end + "I", magic) + pcap, "pcap capture") for end in "<>"
             for magic in (0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34)]
    cases += [(box(brand), name) for brand, name in (
        (b"avif", "AVIF image"), (b"avis", "AVIF image"), (b"mif1", "HEIF image"),
        (b"heic", "HEIC image"),
        (b"isom", "MP4, QuickTime"), (b"qt  ", "MP4, QuickTime"), (b"M4A ", "M4A audio"))]
    cases += [(sector(b"\xeb\x3c\x90mkfs.fat".ljust(54, b"\0") + kind), "FAT file system")
              for kind in (b"FAT12   ", b"FAT16   ", b"FAT     ")]
    cases += [(sector(b"\xeb\x58\x90mkfs.fat".ljust(82, b"\0") + b"FAT32   "), "FAT file system"),
              (sector(b"\xeb\x52\x90NTFS    "), "NTFS file system"),
              (sector(b"\xeb\x76\x90EXFAT   "), "exFAT file system"),
              (sector(b""), "MBR disk or boot sector"), (bytes(gpt), "GPT disk")]
    cases += [(form + b"\xff" * 4 + b"WAVE" + b"ds64" + bytes(32), "WAV audio")
              for form in (b"RF64", b"BW64", b"RIFF", b"RIFX")]
    cases += [(b"RIFF\4\0\0\0ACON", "RIFF, AVI or WAV of another kind")]
    cases += [(b"BM" + struct.pack("<IHHI", 70, 0, 0, 54) + struct.pack("<I", size) + bytes(40),
               "BMP image")
              for size in (12, 16, 40, 52, 56, 64, 108, 124)]
    utmp = lambda kind, line: struct.pack("<hHi32s", kind, 0, 1, line).ljust(384, b"\0")
    cases += [(utmp(kind, line), "utmp, wtmp or btmp") for kind, line in (
        (2, b"~"), (1, b"~"), (7, b"pts/0"), (8, b"pts/12"), (7, b"tty1"), (6, b"ssh:notty"))]
    for i, (data, expected) in enumerate(cases):
        same(format_of(data), expected, f"case {i}")
    same(rows(connect("triage.sql"), [put("a.avif", box(b"avif"))],
              "SELECT format, offset FROM triage_format ORDER BY 1"),
         [("AVIF image", 4), ("MP4, QuickTime", 4)])


TESTS = [one_long_line_takes_time_by_its_length, dollar_is_the_end_of_a_line_before_either_line_end,
         a_bad_pattern_is_said_where_it_is_bad, lines_and_what_is_around_them_agree_with_python,
         files_in_utf_16_have_lines,
         connections_that_only_read_have_all_other_lines, a_byte_order_mark_is_in_no_line,
         all_text_is_utf8, texts_of_png_are_latin_1_both_ways,
         states_of_many_patches_take_time_by_their_number, overlaps_agree_with_python,
         texts_that_begin_as_a_magic_number_are_texts, what_other_recipes_read_has_a_name]

if __name__ == "__main__":
    sys.exit(run_tests(TESTS))
