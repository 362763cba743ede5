#!/usr/bin/python3
"""Runs the recipes in sql/ in the sqlite3 shell, on real files, and compares with Python.

The lines that a recipe's comment shows are run as they stand, too.
"""

import bz2
import collections
import gzip
import io
import itertools
import lzma
import math
import os
import random
import re
import shutil
import sqlite3
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
import wave
import zipfile
import zlib

SQL = os.path.abspath("sql")
LIBRARY = None


def put(path, data):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def get(path):
    with open(path, "rb") as file:
        return file.read()


def start(script, database=":memory:"):
    script = f".bail on\n.load '{LIBRARY}'\n.mode list\n{script}\n"
    command = ["sqlite3", "-init", "/dev/null", "-batch", database]
    shell = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, encoding="latin-1")
    shell.stdin.write(script)
    shell.stdin.close()
    shell.stdin = None
    return shell


def finish(shell):
    out, err = shell.communicate(timeout=100)
    return out, err.strip()


def run(script, database=":memory:"):
    """The rows that the shell prints, a list of columns each; an error ends the test."""
    out, err = finish(start(script, database))
    assert not err, f"{script}\n{out}{err}"
    return [line.split("|") for line in out.splitlines()]


def fails(script, message, database=":memory:"):
    _, err = finish(start(script, database))
    assert message in err, f"{script}\n{err!r} has no {message!r}"


def example(recipe):
    """The lines that the comment on top of a recipe shows: its paragraphs that are indented."""
    text = open(os.path.join(SQL, recipe), encoding="utf-8").read()
    comment = text[:re.search(r"^(?!--)", text, re.M).start()]
    paragraphs = re.split(r"^--\n", comment, flags=re.M)
    shown = "".join(re.sub("^--     ", "", part, flags=re.M) for part in paragraphs
                    if part.startswith("--     "))
    assert shown.startswith(f".read sql/{recipe}\n"), shown
    return shown


def same(got, expected):
    expected = [[str(column) for column in row] for row in expected]
    if got != expected:
        for i, (a, b) in enumerate(itertools.zip_longest(got, expected)):
            assert a == b, f"row {i}:\n got      {a}\n expected {b}"


def near(got, expected):
    assert abs(float(got) - expected) < 1e-6, f"{got} is not near {expected}"


def png(width=3, height=2, texts=(), extra=b""):
    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)
    rows = b"".join(b"\0" + os.urandom(3 * width) for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
            + b"".join(chunk(b"tEXt", k + b"\0" + t) for k, t in texts)
            + chunk(b"IDAT", zlib.compress(rows)) + extra + chunk(b"IEND", b""))


def png_texts(data):
    """(keyword, text) of each tEXt chunk; the checksums are right."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, texts = 8, []
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        body = data[at + 4:at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length)[0] == zlib.crc32(body), body[:4]
        if body[:4] == b"tEXt":
            texts.append(tuple(body[4:].split(b"\0", 1)))
        at += 12 + length
    return texts


def seal(data):
    return data + struct.pack("<I", zlib.crc32(data))


# ---- patch.sql

READ_PATCH = ".read sql/patch.sql\n"


def patch_example():
    firmware = bytearray(range(256))
    firmware[0x20] = 0x74
    firmware[0x30:0x32] = b"\x74\x05"
    put("firmware.bin", firmware)
    put("other.bin", b"1234beta8")
    body = bytes(range(100))
    put("sealed.bin", seal(body))
    put("photo.png", png(texts=[(b"Title", b"short"), (b"Author", b"me")]))
    same(run(example("patch.sql")), [
        [0], [1], ["firmware.bin", 48, "old"], ["other.bin", 4, "old"],
        [264, 5], ["sealed.bin", 1], ["Title", "a longer title", 1], ["Author", "me", 1]])
    firmware[0x20] = 0x90
    assert get("firmware.bin") == firmware
    assert get("other.bin") == b"1234beta8"
    assert get("sealed.bin") == seal(body[:0x10] + b"\xeb" + body[0x11:])
    assert png_texts(get("photo.png")) == [(b"Title", b"a longer title"), (b"Author", b"me")]


def patch_swaps_once():
    """Many at once, each adding one if it can: nothing is lost."""
    put("counter", b"\0")
    add = ["PRAGMA busy_timeout = 20000; SELECT mmap_config('busy_timeout', 20000);",
           "CREATE TEMP TABLE done(n); INSERT INTO done VALUES (0);"]
    for _ in range(20):
        add += ["BEGIN; SELECT mmap_patch('counter', 0, x'');",
                "CREATE TEMP TABLE seen AS SELECT mmap_get('counter', 0) AS byte;",
                "UPDATE mmap SET byte = byte + 1 WHERE file = 'counter' AND offset = 0"
                " AND byte = (SELECT byte FROM seen);",
                "UPDATE done SET n = n + changes(); DROP TABLE seen; COMMIT;"]
    add += ["SELECT 'done', n FROM done;"]
    shells = [start("\n".join(add)) for _ in range(4)]
    for shell in shells:
        out, err = finish(shell)
        assert not err and out.endswith("done|20\n"), (out, err)
    assert get("counter") == bytes([80])
    swap = ("UPDATE mmap SET byte = 1 WHERE file = 'counter' AND offset = 0 AND byte = {};"
            "SELECT changes();")
    same(run(swap.format(81)), [[0]])
    same(run(swap.format(80)), [[1]])


def patch_is_all_or_nothing():
    before = {"a": b"0123456789", "b": b"abcdefghij"}
    read = (".read sql/patch.sql\nINSERT INTO patch VALUES"
            " ('a', 2, '23', 'XY'), ('b', 8, x'696a', x'0001'), ('a', 9, '9', '!');")
    apply = "INSERT INTO patch_run VALUES ('apply');"
    revert = "INSERT INTO patch_run VALUES ('revert');"
    for name, data in before.items():
        put(name, data)

    def untouched():
        return get("a") == before["a"] and get("b") == before["b"]

    run(read + apply)
    assert get("a") == b"01XY45678!" and get("b") == b"abcdefgh\0\1"
    fails(read + apply, "not 32 as the patch says")
    run(read + revert)
    assert untouched()
    fails(read + revert, "not 58 as the patch says")
    fails(read + "INSERT INTO patch_run VALUES ('go')", "takes 'apply' or 'revert'")
    for bad, state, problem in (
            ("('b', 0, 'x', 'y')", "other", "at offset 0 'b' has 61, not 78"),
            ("('b', 10, 'k', 'x')", "outside", "bytes are outside"),
            ("('a', 1, '12', 'xx')", "overlap", "not behind the run before it"),
            ("('a', 50, 'x', 'y')", "outside", "bytes are outside")):
        add = f"INSERT INTO patch VALUES {bad};"
        for begin in ("", "BEGIN;"):
            fails(read + add + begin + apply, problem)
            assert untouched()
        states = run(read + add + "SELECT DISTINCT state FROM patch_state")
        assert sorted(states) == sorted([["old"], [state]]), states
    # One file under two names: the second patch does not find what it says.
    for begin in ("", "BEGIN;"):
        fails(read + "INSERT INTO patch VALUES ('./a', 3, '34', 'PQ');" + begin + apply,
              "as the patch says")
        assert untouched()
    # A file that cannot be written: the others are not, either.
    fails(read + "INSERT INTO patch VALUES ('z', 0, 'x', 'y');" + apply, "cannot open")
    assert untouched()


def patches_of_another_length_are_reverted():
    rng = random.Random(12)
    for _ in range(20):
        old, new, at, rows = os.urandom(300), b"", 0, []
        while at < 300:
            end, begin = min(300, at + rng.randrange(1, 20)), at + rng.randrange(20)
            piece = b"+" * rng.randrange(4)
            if begin < end:
                rows.append(f"('f', {begin}, x'{old[begin:end].hex()}', x'{piece.hex()}')")
                new += old[at:begin] + piece
            else:
                new += old[at:end]
            at = end
        put("f", old)
        read = READ_PATCH + "INSERT INTO patch VALUES " + ",".join(rows) + ";"
        state = "SELECT DISTINCT state FROM patch_state;"
        same(run(read + state + "INSERT INTO patch_run VALUES ('apply')"), [["old"]])
        assert get("f") == new
        run(read + "INSERT INTO patch_run VALUES ('revert')")
        assert get("f") == old


def patch_is_undone():
    edits = {
        "grown": "SELECT mmap_resize('f', 150), mmap_patch('f', 95, '1234567890'),"
                 " mmap_set('f', 3, 1)",
        "cut": "SELECT mmap_set('f', 3, 7), mmap_resize('f', 40)",
        "cut and grown": "SELECT mmap_resize('f', 40), mmap_resize('f', 130), mmap_set('f', 60, 9)",
        "inserted": "SELECT mmap_insert('f', 10, 'abc'), mmap_delete('f', 0, 1),"
                    " mmap_move('f', 20, 30, 9)",
        "emptied": "SELECT mmap_resize('f', 0), mmap_patch('g', 0, 'g')",
        "two files": "SELECT mmap_insert('f', 0, 'new'), mmap_delete('g', 1, 3)",
    }
    log = "INSERT INTO patch_keep DEFAULT VALUES; COMMIT;"
    undo = READ_PATCH + "INSERT INTO patch_undo SELECT run FROM patch_keep"
    start_f, start_g = os.urandom(100), os.urandom(5)
    put("f", start_f)
    put("g", start_g)
    states = [(start_f, start_g)]
    for edit in edits.values():
        run(READ_PATCH + f"BEGIN; {edit};" + log, "log.db")
        states.append((get("f"), get("g")))
        assert states[-1] != states[-2], edit
    same(run("SELECT count(DISTINCT run) FROM patch_log", "log.db"), [[len(edits)]])
    # Not the oldest first, not what has changed since, and not what never was.
    fails(READ_PATCH + "INSERT INTO patch_undo VALUES (1)", "a file has another size", "log.db")
    fails(READ_PATCH + "INSERT INTO patch_undo VALUES (99)", "no such run", "log.db")
    put("g", bytes(byte ^ 1 for byte in states[-1][1]))
    fails(undo, "as the patch says", "log.db")
    put("g", states[-1][1])
    put("f", states[-1][0] + b"!")
    fails(undo, "a file has another size", "log.db")
    put("f", states[-1][0])
    assert (get("f"), get("g")) == states[-1]
    for state in reversed(states[:-1]):
        run(undo, "log.db")
        assert (get("f"), get("g")) == state
    same(run("SELECT count(*) FROM patch_log", "log.db"), [[0]])


def patch_keeps_checksums():
    body = bytearray(os.urandom(1000))
    put("s", seal(body))
    update = "UPDATE patch_sealed SET byte = {} WHERE path = 's' AND offset {};"
    read = READ_PATCH + "INSERT INTO target VALUES ('s');"
    run(read + update.format("255 - byte", "BETWEEN 10 AND 14"))
    for i in range(10, 15):
        body[i] = 255 - body[i]
    assert get("s") == seal(body)
    # What fails leaves both as they were, also in a transaction.
    for begin in ("", "BEGIN;"):
        fails(read + begin + update.format("7", "IN (20, 1001)"), "the checksum is no byte")
        fails(read + begin + update.format("300", "= 20"), "300 does not fit u8")
        assert get("s") == seal(body)
    run(read + "BEGIN;" + update.format("7", "= 20") + "ROLLBACK")
    assert get("s") == seal(body)
    put("s", body + b"1234")
    fails(read + update.format("7", "= 20"), "the checksum was wrong before")
    assert get("s") == body + b"1234"

    texts = [(b"Title", b""), (b"Author", b"somebody"), (b"Comment", b"\xe9t\xe9 " * 100)]
    put("p.png", png(texts=texts))
    read = READ_PATCH + "INSERT INTO target VALUES ('p.png'), ('s');"
    for keyword, text in ((b"Title", b"now with a title"), (b"Author", b""), (b"Comment", b"x"),
                          (b"Title", b"no"), (b"Comment", b"as long as it was " * 50)):
        run(read + f"UPDATE patch_png_text SET text = '{text.decode()}' WHERE path = 'p.png'"
            f" AND keyword = '{keyword.decode()}'")
        texts = [(k, text if k == keyword else t) for k, t in texts]
        assert png_texts(get("p.png")) == texts
    run(read + "UPDATE patch_png_text SET text = x'e974e9' WHERE keyword = 'Title'")
    texts[0] = (b"Title", b"\xe9t\xe9")
    assert png_texts(get("p.png")) == texts
    # Texts of the same length do not move each other, others would.
    run(read + "UPDATE patch_png_text SET text = upper(text) WHERE keyword <> 'Title'")
    assert png_texts(get("p.png")) == [(k, t if k == b"Title" else t.upper()) for k, t in texts]
    before = get("p.png")
    fails(read + "UPDATE patch_png_text SET text = text || '!'", "one text of a file at a time")
    assert get("p.png") == before


PATCH = [patch_example, patch_swaps_once, patch_is_all_or_nothing,
         patches_of_another_length_are_reverted, patch_is_undone, patch_keeps_checksums]


# ---- carve.sql


def carve_example():
    pictures = [png(2, 5), png(40, 30, texts=[(b"Title", b"second")]), png(1, 1)]
    disk = (os.urandom(1000) + pictures[0] + bytes(512) + pictures[1] + pictures[2]
            + b"\x89PNG\r\n\x1a\n" + os.urandom(700))
    put("disk.img", disk)
    places = [disk.index(picture) for picture in pictures]
    rows = run(example("carve.sql"))
    same(rows[:3], [["disk.img", at, len(p), *struct.unpack_from(">II", p, 16)]
                    for at, p in zip(places, pictures)])
    assert len(rows) == 7 and int(rows[3][0]) == disk.rindex(b"\x89PNG"), rows
    for at, picture in zip(places, pictures):
        assert get(f"shell-{at:06x}.png") == picture and get(f"carved-{at:06x}.png") == picture
    assert len([name for name in os.listdir() if name.endswith(".png")]) == 6


def carve_says_what_is_wrong():
    whole = png(20, 20)
    idat = whole.index(b"IDAT")
    spoilt = bytearray(whole)
    spoilt[idat + 9] ^= 1
    no_header = whole[:8] + whole[8 + 25:]
    nested = png(2, 2, extra=struct.pack(">I", len(whole)) + b"exIf" + whole
                 + struct.pack(">I", zlib.crc32(b"exIf" + whole)))
    # The one that reaches past the end is the last.
    parts = [whole, bytes(spoilt), no_header, nested, whole[:idat + 10]]
    put("d", b"".join(parts))
    ends = list(itertools.accumulate(len(part) for part in parts))
    begins = [0] + ends[:-1]
    inner = begins[3] + nested.index(whole)
    read = ".read sql/carve.sql\nINSERT INTO target VALUES ('d'), ('e'), ('f');"
    put("e", b"")
    put("f", whole[:8])
    errors = run(read + "SELECT path, offset, length, error FROM carve_signature ORDER BY 1, 2")
    chunk = idat - 4
    same(errors, [
        ["d", begins[0], len(whole), ""],
        ["d", begins[1], "", f"the checksum of the chunk at {begins[1] + chunk} is wrong"],
        ["d", begins[2], len(no_header), "its first chunk is no IHDR"],
        ["d", begins[3], len(nested), ""],
        ["d", inner, len(whole), ""],
        ["d", begins[4], "", f"the chunk at {begins[4] + chunk} reaches past the end"],
        ["f", 0, "", "the file ends before its IEND"]])
    same(run(read + "SELECT offset FROM carve_png ORDER BY 1"), [[begins[0]], [begins[3]], [inner]])
    # A name that is there is replaced; and what is rolled back is not written.
    put("out", b"x" * 100000)
    run(read + "INSERT INTO carve_file VALUES ('d', 0, 50, 'out')")
    assert get("out") == whole[:50]
    run(read + "BEGIN; INSERT INTO carve_file VALUES ('d', 0, 70, 'out'); ROLLBACK")
    assert get("out") == whole[:50]
    # Every client can do it.
    db = sqlite3.connect(":memory:")
    db.enable_load_extension(True)
    db.load_extension(LIBRARY)
    db.executescript(open("sql/carve.sql", encoding="utf-8").read())
    db.execute("INSERT INTO target VALUES ('d')")
    db.execute("INSERT INTO carve_file SELECT path, offset, length, 'py-' || offset FROM carve_png")
    db.commit()
    assert get("py-0") == whole and get(f"py-{inner}") == whole


CARVE = [carve_example, carve_says_what_is_wrong]


# ---- grep.sql


def printable(data):
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data)


def grep_example():
    put("a.bin", bytes(range(100)) + b"secretkey" + bytes(3))
    put("deep/er/b.bin", b"secret_key\n" * 3)
    put("c.txt", b"secret_key")
    put("src/x.c", b"#include <x.h>\n\nint main(void) {\n  return 0; // TODO\n}\n")
    put("src/deep/y.c", b"int mainly;\r\nint main() {}")
    rows = run(example("grep.sql"))
    expected = [["a.bin", 100, 9, printable(bytes(range(84, 100))), "secretkey", "..."]]
    text = get("deep/er/b.bin")
    for at in (0, 11, 22):
        expected.append(["deep/er/b.bin", at, 10, printable(text[max(0, at - 16):at]), "secret_key",
                         printable(text[at + 10:at + 26])])
    expected += [["a.bin", 1], ["deep/er/b.bin", 3]]
    lines = [["src/deep/y.c", 1, "int mainly;"], ["src/deep/y.c", 2, "int main() {}"],
             ["src/x.c", 3, "int main(void) {"]]
    expected += lines
    expected += [["src/deep/y.c", 1, "", "int mainly;", "int main() {}"],
                 ["src/deep/y.c", 2, "int mainly;", "int main() {}", ""],
                 ["src/x.c", 3, "", "int main(void) {", "  return 0; // TODO"], ["src/deep/y.c"],
                 ["src/deep/y.c", "int", 2], ["src/deep/y.c", "main", 2], ["src/x.c", "int", 1],
                 ["src/x.c", "main", 1]]
    same(rows, expected)


def grep_agrees_with_re():
    rng = random.Random(7)
    words = [b"alpha", b"beta", b"gamma", b"be", b"42", b"", b"--", b"\xe9t\xe9"]
    files = {}
    for i in range(8):
        lines = [b" ".join(rng.choices(words, k=rng.randrange(6)))
                 for _ in range(rng.randrange(60))]
        files[f"f{i}"] = rng.choice([b"\n", b"\r\n"]).join(lines) + rng.choice([b"", b"\n"])
    files["f8"] = b""
    files["f9"] = b"\n\n\nalpha\n\n"
    files["fa"] = b"alpha\0beta\nalpha"
    for name, data in files.items():
        put(name, data)
    for pattern in ("beta", "a b", r"(?m)^be\b", r"(?m)a$", r"\d+", "beta|alpha", r"(?m)^$",
                    "--[^-]*42", "x?"):
        read = (".read sql/grep.sql\nINSERT INTO target SELECT path FROM mmap_glob('f*');"
                f"INSERT INTO grep VALUES ('{pattern}');")
        expected, expected_lines = [], []
        for name, data in files.items():
            found = list(re.finditer(pattern.encode(), data))
            expected += [[name, m.start(), len(m.group()), m.group().hex().upper()] for m in found]
            if b"\0" in data:
                continue
            if b"\r\n" in data:  # lines end there for $, too
                found = [m for m in re.finditer(pattern.replace("$", r"(?=\r?$)").encode(), data)
                         if data[m.start() - 1:m.start() + 1] != b"\r\n"]
            starts = [0] + [i + 1 for i, byte in enumerate(data) if byte == 10]
            counts = collections.Counter(max(s for s in starts if s <= m.start()) for m in found)
            for number, begin in enumerate(starts, 1):
                if begin in counts and begin < len(data):
                    line = data[begin:].split(b"\n")[0]
                    if data[begin + len(line):][:1] == b"\n" and line.endswith(b"\r"):
                        line = line[:-1]
                    text = line.decode("utf-8", "replace").encode()
                    expected_lines.append([name, number, begin, text.hex().upper(), counts[begin]])
        same(run(read + "SELECT path, offset, length, hex(match) FROM grep_match ORDER BY 1, 2"),
             expected)
        same(run(read + "SELECT path, number, offset, hex(text), matches FROM grep_line"
                 " ORDER BY path, number"), expected_lines)


GREP = [grep_example, grep_agrees_with_re]

# ---- tail.sql


def tail_example():
    lines = [b"line %d" % i for i in range(50)]
    put("server.log", b"\n".join(lines) + b"\n")
    rows = run(example("tail.sql"))
    offsets = [0] + list(itertools.accumulate(len(line) + 1 for line in lines))
    same(rows, [[line.decode()] for line in lines[-10:]]
         + [["server.log", at, line.decode()] for at, line in list(zip(offsets, lines))[-3:]]
         + [["server.log", at, line.decode()] for at, line in zip(offsets, lines)])


def tail_gives_the_last_lines():
    read = ".read sql/tail.sql\nINSERT INTO target VALUES ('t'); UPDATE tail_option SET lines = {};"
    for data in (b"", b"\n", b"a", b"a\n", b"a\r\nb\r\n", b"\n\n\n", b"x\ny\nz", b"\r\n\r",
                 b"one\ntwo\r"):
        put("t", data)
        lines, at = [], 0
        for line in re.findall(rb"[^\n]*\n|[^\n]+", data):
            lines.append([at, re.sub(rb"\r?\n$", b"", line).hex().upper()])
            at += len(line)
        for n in (0, 1, 2, 10):
            query = "SELECT offset, hex(text) FROM tail_line ORDER BY back DESC"
            same(run(read.format(n) + query), lines[-n:] if n else [])


def tail_does_not_read_the_rest():
    with open("t", "wb") as file:
        file.seek(1 << 40)
        file.write(b"".join(b"\nline %d" % i for i in range(20)))
    read = ".read sql/tail.sql\nINSERT INTO target VALUES ('t');"
    same(run(read + "SELECT text FROM tail_line ORDER BY offset"),
         [[f"line {i}"] for i in range(10, 20)])


def tail_follows():
    """What each look at a growing file gives is all of it, once, and only whole lines."""
    look = (".read sql/tail.sql\n"
            "INSERT OR IGNORE INTO tail_seen(path) VALUES ('log');"
            "UPDATE tail_seen SET seen = 0 WHERE seen > mmap_length(path);"
            "UPDATE tail_seen SET upto = max(seen, 1 + mmap_rfind(path, x'0a', seen));"
            "SELECT text FROM tail_new; UPDATE tail_seen SET seen = upto;")
    put("log", b"")

    def added(data):
        with open("log", "ab") as file:
            file.write(data)
        return [row[0] for row in run(look, "seen.db")]

    assert added(b"") == []
    assert added(b"one\ntwo\n") == ["one", "two"]
    assert added(b"") == []
    assert added(b"thr") == []
    assert added(b"ee\nfour\nfi") == ["three", "four"]
    assert added(b"ve\r\n\n") == ["five", ""]
    put("log", b"anew\n")
    assert added(b"x\ny") == ["anew", "x"]
    put("log", b"")
    assert added(b"") == []
    assert added(b"z\n") == ["z"]
    # Also from within one connection, beside a program that writes.
    writer = subprocess.Popen([sys.executable, "-c", """
import time
file = open("log", "ab", buffering=0)
for i in range(300):
    file.write(b"number %d" % i)
    file.write(b"\\n")
    time.sleep(0.001)
"""])
    db = sqlite3.connect("seen.db", isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(LIBRARY)
    db.executescript(open("sql/tail.sql", encoding="utf-8").read())
    seen = []
    statements = [statement for statement in look.split("\n", 1)[1].split(";") if statement]
    while len(seen) < 300 and (writer.poll() is None or seen[-1:] != ["number 299"]):
        for statement in statements:
            seen += [row[0] for row in db.execute(statement).fetchall()]
    assert seen == [f"number {i}" for i in range(300)], seen
    assert writer.wait() == 0


TAIL = [tail_example, tail_gives_the_last_lines, tail_does_not_read_the_rest, tail_follows]


# ---- triage.sql


def entropy(data):
    return sum(n / len(data) * math.log2(len(data) / n) for n in collections.Counter(data).values())


def longest_run(data, byte):
    runs = [m.span() for m in re.finditer(b"[\\x%02x]+" % byte, data)]
    start, end = max(runs, key=lambda run: (run[1] - run[0], -run[0]))
    return [byte, start, end - start]


def triage_example():
    rng = random.Random(3)
    text = b" ".join(rng.choices([b"the", b"quick", b"brown", b"fox"], k=2000))
    data = (b"\x7fELF" + zlib.compress(rng.randbytes(20000)) + bytes(9000) + text + b"\xff" * 500
            + rng.randbytes(4096 * 2))
    put("unknown.bin", data)
    rows = run(example("triage.sql"))
    assert rows[0] == ["unknown.bin", str(len(data)), "ELF", f"{entropy(data):.3f}"], rows[0]
    assert rows[1] == ["ELF", "0"]
    common = collections.Counter(data).most_common(5)
    for (byte, count), row in zip(common, rows[2:7]):
        assert row[1:] == [str(count), str(round(count / len(data), 3))], (row, byte, count)
    same(rows[7:9], [longest_run(data, 0), longest_run(data, 255)])
    strings = sorted(((m.start(), m.group()) for m in re.finditer(rb"[\t -~]{6,}", data)),
                     key=lambda found: (-len(found[1]), found[0]))
    same(rows[9:14], [[at, len(text), text.decode()] for at, text in strings[:5]])
    blocks = [(at, data[at:at + 4096]) for at in range(0, len(data), 4096)]
    same(rows[14:], [[at, len(block), round(entropy(block), 2)] for at, block in blocks
                     if entropy(block) > 7.5])
    assert len(rows) > 18


def triage_measures_entropy():
    rng = random.Random(5)
    files = {
        "one byte": b"a", "one kind": b"a" * 100000, "two": b"ab" * 50000,
        "skewed": b"a" * 99999 + b"b", "all": bytes(range(256)) * 100,
        "random": rng.randbytes(100003), "halves": bytes(70000) + rng.randbytes(70000),
        "text": b" ".join(str(rng.random()).encode() for _ in range(5000)),
        "program": get(sys.executable)[:300000], "library": get(LIBRARY)[-200000:],
    }
    for kinds in (3, 5, 7, 9, 15, 17, 31, 33, 127, 255):
        files[f"kinds{kinds}"] = bytes(range(kinds)) * 1000
        files[f"falling{kinds}"] = b"".join(bytes([i]) * (i * i + 1) for i in range(kinds))
    for name, data in files.items():
        put(f"e/{name}", data)
    put("e/empty", b"")
    read = ".read sql/triage.sql\nINSERT INTO target SELECT path FROM mmap_glob('e/*');"
    rows = {name: rest for name, *rest in run(read + "SELECT path, size, entropy FROM triage_file")}
    assert rows.pop("e/empty") == ["0", ""]
    assert len(rows) == len(files)
    for name, data in files.items():
        size, measured = rows[f"e/{name}"]
        assert int(size) == len(data)
        near(measured, entropy(data))
    for block in (65536, 1000):
        rows = run(read + f"UPDATE triage_option SET block = {block};"
                   "SELECT path, offset, length, entropy FROM triage_block ORDER BY path, offset")
        expected = [(f"e/{name}", at, data[at:at + block]) for name, data in sorted(files.items())
                    for at in range(0, len(data), block)]
        assert len(rows) == len(expected)
        for row, (path, at, data) in zip(rows, expected):
            assert row[:3] == [path, str(at), str(len(data))], row
            near(row[3], entropy(data))
    for name, data in files.items():
        where = f"WHERE path = 'e/{name}' ORDER BY byte"
        shares = run(read + "SELECT byte, count, share FROM triage_byte " + where)
        counts = sorted(collections.Counter(data).items())
        same([row[:2] for row in shares], counts)
        for row, (_, count) in zip(shares, counts):
            near(row[2], count / len(data))
        runs = [longest_run(data, byte) for byte in (0, 255) if bytes([byte]) in data]
        same(run(read + "SELECT byte, offset, length FROM triage_run " + where), runs)


def triage_needs_no_logarithm():
    source = open("sql/triage.sql", encoding="utf-8").read()
    code = re.sub("--.*", "", source)
    assert not re.search(r"\b(log|log2|log10|ln|exp|pow|power|sqrt|ceil|floor)\s*\(", code)


def triage_knows_formats():
    """Files as their own programs and Python's libraries make them."""
    made = {}

    def make(name, data, form):
        put(f"m/{name}", data)
        made[f"m/{name}"] = form

    text = b"some text\n" * 30
    make("gzip", gzip.compress(text), "gzip")
    make("bzip2", bz2.compress(text), "bzip2")
    make("xz", lzma.compress(text), "xz")
    make("png", png(), "PNG image")
    make("elf", get(LIBRARY), "ELF")
    make("script", b"#!/bin/sh\n", "script")
    make("pdf", b"%PDF-1.7\n", "PDF")
    make("jpeg", b"\xff\xd8\xff\xe0\0\x10JFIF", "JPEG image")
    make("webp", b"RIFF\x24\0\0\0WEBPVP8 ", "WebP image")
    make("mp4", b"\0\0\0\x18ftypisom", "MP4, QuickTime")
    make("heic", b"\0\0\0\x18ftypheic", "HEIC image")
    make("deb", b"!<arch>\ndebian-binary   ", "Debian package")
    make("ar", b"!<arch>\nx.o/", "ar archive, static library")
    make("mbr", bytes(510) + b"\x55\xaa" + bytes(512), "MBR disk or boot sector")
    make("gpt", bytes(510) + b"\x55\xaaEFI PART" + bytes(512), "GPT disk")
    make("iso", bytes(32769) + b"CD001\1", "ISO 9660")
    make("ext4", bytes(1080) + b"\x53\xef" + bytes(10), "ext2/3/4 file system")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a", text)
    make("zip", stream.getvalue(), "ZIP archive, Office, JAR, APK")
    stream = io.BytesIO()
    zipfile.ZipFile(stream, "w").close()
    make("emptyzip", stream.getvalue(), "ZIP archive, empty")
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"))
    make("tar", stream.getvalue(), "tar archive")
    stream = io.BytesIO()
    with wave.open(stream, "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", "not compressed"))
        sound.writeframes(bytes(100))
    make("wav", stream.getvalue(), "WAV audio")
    # A database is not read while this process has it open.
    sqlite3.connect("m/sqlite").executescript("CREATE TABLE t(x);")
    made["m/sqlite"] = "SQLite database"
    for program, form in (("zstd", "Zstandard"), ("lz4", "LZ4 frame")):
        if shutil.which(program):
            make(program, subprocess.run([program, "-q", "-c"], input=text, check=True,
                                         stdout=subprocess.PIPE).stdout, form)
    for name, data in (("text", text), ("empty", b""), ("random", b"\1\2\3" * 100000)):
        make(name, data, "")
    read = ".read sql/triage.sql\nINSERT INTO target SELECT path FROM mmap_glob('m/*');"
    same(run(read + "SELECT path, format FROM triage_file ORDER BY path"), sorted(made.items()))
    # The user's own come in, and the longest one wins.
    mine = "INSERT INTO triage_magic(format, offset, magic) VALUES ('mine', 0, x'736f6d652074');"
    same(run(read + mine + "SELECT path FROM triage_format WHERE format = 'mine'"), [["m/text"]])
    same(run(read + "SELECT count(DISTINCT format) >= 30 FROM triage_magic"), [[1]])


TRIAGE = [triage_example, triage_measures_entropy, triage_needs_no_logarithm, triage_knows_formats]


def main():
    """Of the tests, those whose names begin as the second argument says."""
    global LIBRARY
    LIBRARY = os.path.abspath("ext/mmap0.so" if len(sys.argv) < 2 else sys.argv[1])
    chosen = sys.argv[2] if len(sys.argv) > 2 else ""
    before = os.getcwd()
    for test in PATCH + CARVE + GREP + TAIL + TRIAGE:
        if not test.__name__.startswith(chosen):
            continue
        with tempfile.TemporaryDirectory() as directory:
            os.chdir(directory)
            os.symlink(SQL, "sql")
            began = time.time()
            try:
                test()
            finally:
                os.chdir(before)
        print(f"{test.__name__}: ok, {time.time() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main()
