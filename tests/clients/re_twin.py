#!/usr/bin/python3
"""Searches, scans, replacing and checksums beside Python's own (re, bytes.find, bytes.replace, zlib, hashlib)
and strings(1), on random input."""

import binascii
import collections
import contextlib
import hashlib
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import zlib

ALPHABET = b"aab b\nAB01_\x00\xff"
FAILURES = []


def check(what, ours, theirs):
    if ours != theirs:
        FAILURES.append(what)
        print(f"{what}\n  ours   {str(ours)[:300]}\n  theirs {str(theirs)[:300]}")


def connect(library):
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(library)
    return db


def put(name, data):
    with open(name, "wb") as file:
        file.write(data)


# ---- regular expressions ------------------------------------------------------------------------

ATOMS = [b"a", b"b", b"A", b"ab", b"a", b"0", b" ", b"_", b"\\n", b"\\x00", b"\\xff", b".", b"\\w", b"\\d",
         b"\\s", b"\\W", b"\\S", b"[ab]", b"[^a]", b"[a-c0-9]", b"[^\\n]", b"[\\x00-\\x60]", b"[]a]", b"\\.", b"[ab0]"]
ASSERTIONS = [b"^", b"$", b"\\b", b"\\B", b"(?=a)", b"(?!b)", b"(?<=a)", b"(?<!b)", b"(?<=\\n)"]
GROUPS = [b"(", b"(?:"] + [b"(?>"] * (sys.version_info >= (3, 11))
QUANTIFIERS = [b"", b"", b"", b"", b"*", b"+", b"?", b"*?", b"+?", b"??", b"{2}", b"{1,3}", b"{0,2}?", b"{2,}"]


def atom(rng, depth):
    """An element, and whether it can match nothing."""
    kind = rng.random()
    if kind < 0.1:
        return rng.choice(ASSERTIONS), True
    if kind < 0.3 and depth < 3:
        body, empty = expression(rng, depth + 1)
        return rng.choice(GROUPS) + body + b")", empty
    return rng.choice(ATOMS), False


def sequence(rng, depth):
    text, empty = b"", True
    for _ in range(rng.randint(1, 4)):
        piece, nothing = atom(rng, depth)
        # How often nothing is repeated is told differently by different engines.
        quantifier = rng.choice(QUANTIFIERS) if not nothing else b""
        if len(piece) == 2 and piece.isalpha() and quantifier:
            piece = b"(?:" + piece + b")"
        text += piece + quantifier
        empty = empty and (nothing or quantifier[:1] in (b"*", b"?") or quantifier.startswith(b"{0"))
    return text, empty


def expression(rng, depth=0):
    parts = [sequence(rng, depth) for _ in range(rng.choice([1, 1, 1, 2, 3]))]
    if depth and rng.random() < 0.3:
        parts.insert(rng.randint(0, len(parts)), (b"", True))
    text = b"|".join(part for part, _ in parts)
    if depth == 0 and rng.random() < 0.3:
        text = rng.choice([b"(?i)", b"(?s)", b"(?m)", b"(?is)"]) + text
    return text, any(empty for _, empty in parts)


def spans(db, name, pattern, *bounds):
    rows = db.execute(
        "SELECT offset, length, match FROM mmap_search_all(?, ?%s)" % (", ?" * len(bounds)),
        (name, pattern, *bounds)).fetchall()
    return [(offset, length, bytes(match)) for offset, length, match in rows]


def twin_spans(data, pattern, *bounds):
    matches = re.compile(pattern).finditer(data, *bounds)
    return [(m.start(), m.end() - m.start(), m.group()) for m in matches]


class TooSlow(Exception):
    """Of re, on nested repeats that take it for ever."""


def too_slow(*_):
    raise TooSlow


@contextlib.contextmanager
def seconds(count):
    """re looks for signals while it matches."""
    signal.signal(signal.SIGALRM, too_slow)
    signal.alarm(count)
    try:
        yield
    finally:
        signal.alarm(0)


def random_data(rng, size):
    return bytes(rng.choice(ALPHABET) for _ in range(size))


def compare_patterns(db, rng, count):
    refused = 0
    for _ in range(count):
        pattern, _ = expression(rng)
        data = random_data(rng, rng.choice([0, 1, 2, 10, 40, 80]))
        put("a", data)
        start = rng.randint(0, len(data) + 1)
        stop = rng.randint(0, len(data) + 1)
        if b"\\B" in pattern and (not data or not stop):
            continue  # before 3.14 re has it that nothing does not match \B
        try:
            ours = spans(db, "a", pattern)
        except sqlite3.OperationalError as error:
            # Nested repeats that would take re for ever.
            refused += "needs too much work" in str(error)
            continue
        try:
            with seconds(2):
                twin_spans(data, pattern)
                twin_spans(data, pattern, start, stop)
        except TooSlow:  # where a literal of it is nowhere, the library does not try
            refused += 1
            continue
        check(f"search_all {pattern} in {data}", ours, twin_spans(data, pattern))
        check(f"search_all {pattern} in {data} from {start} to {stop}",
              spans(db, "a", pattern, start, stop), twin_spans(data, pattern, start, stop))
        first = re.compile(pattern).search(data, start, stop)
        ours = db.execute("SELECT mmap_search('a', ?, ?, ?)", (pattern, start, stop)).fetchone()[0]
        check(f"search {pattern} in {data} from {start} to {stop}", ours, first.start() if first else -1)
    check("refused patterns are few", refused < count / 100, True)


def compare_groups(db, rng):
    data = b"".join(b"key%d=%s;" % (i, rng.choice([b"", b"v\xff", b"text"])) for i in range(500))
    put("a", data)
    pattern = rb"(k)(e)(y)(\d)(\d)?(\d)?=(v)?([a-z]+)?(;)"
    ours = db.execute("SELECT g1, g2, g3, g4, g5, g6, g7, g8, g9 FROM mmap_search_all('a', ?)",
                      (pattern,)).fetchall()
    check("groups", [tuple(row) for row in ours], [m.groups() for m in re.finditer(pattern, data)])


# Literals far from each other, in runs, across the pieces that a search goes in; matches of any length.
LONG = [rb"needle", rb"n[a-z]{4}e", rb"(?i)NEEDLE", rb"(?s)start.*?end", rb"(?s)start.*end", rb"x{1000,}",
        rb"[^x]{60000}", rb"\w+dle", rb"(?m)^\d+$", rb"(?m)^.*needle.*$", rb"(?<=\n)n", rb"n(e)\1dle",
        rb"needle|end", rb"(?s)n.{5}.{0,9}n", rb"\d{3}\n", rb"e", rb"(?s)\n.\n", rb"needle\Z|zzz", rb"(?=needle)",
        # The literal is last or in the middle, behind what has a bound and what has none.
        rb"[a-m]+dle", rb"[a-z]{1,4}dle\d?", rb"[^\n]{0,9}start", rb"\d+\n(?:needle|end)", rb"\d*\n?end\d",
        rb"(?i)[b-e]+DLE", rb"\w*?needle", rb"(?s).{3}needle.", rb"[^x\n]*start[^x]", rb"\d+\n(need)(le)?",
        rb"(?s)n..d.e", rb"(?s)[a-z]e.dl[d-g]", rb"(?s)[\x60-\x6f]\d\n"]


def compare_long(db, rng):
    for size in (70000, 300000):
        pieces, total = [], 0
        while total < size:
            piece = rng.choice([b"x" * rng.randint(1, 5000), b"needle", b"start", b"end", b"\n",
                                b"%d\n" % rng.randint(0, 10000), bytes(rng.randbytes(rng.randint(1, 3000)))])
            pieces.append(piece)
            total += len(piece)
        data = b"".join(pieces)
        put("a", data)
        for pattern in LONG:
            ours = spans(db, "a", pattern.replace(rb"\Z", rb"\z"))
            check(f"long {pattern}", ours, twin_spans(data, pattern))


def twin_template(template):
    """$0 to $9 and $$, as a function for re.sub."""
    def expand(match):
        out = b""
        for token in re.findall(rb"(?s)\$[0-9$]|.", template):
            if len(token) == 1 or token == b"$$":
                out += token[-1:]
            elif int(token[1:]) <= match.re.groups:
                out += match.group(int(token[1:])) or b""
        return out
    return expand


def replaced(db, function, *arguments):
    """How many, and the bytes afterwards; rolled back."""
    db.execute("BEGIN")
    marks = ", ".join("?" * len(arguments))
    count = db.execute(f"SELECT {function}('a', {marks})", arguments).fetchone()[0]
    after = bytes(db.execute("SELECT mmap_slice('a')").fetchone()[0])
    db.execute("ROLLBACK")
    return count, after


def twin_replaced(data, needle, new, start, stop, most):
    """bytes.replace on a part."""
    low, high, _ = slice(start, stop).indices(len(data))
    part = data[low:max(low, high)]
    count = min(part.count(needle), most)
    return count, data[:low] + part.replace(needle, new, most) + data[max(low, high):]


def compare_replace(db, rng, count):
    for _ in range(count):
        data = random_data(rng, rng.choice([0, 1, 2, 10, 80, 5000]))
        put("a", data)
        start, stop = rng.randint(-len(data) - 1, len(data) + 1), rng.randint(-len(data) - 1, len(data) + 1)
        if rng.random() < 0.5:
            start, stop = 0, len(data)
        most = rng.choice([0, 1, 2, 1000000])
        needle = random_data(rng, rng.randint(1, 3))
        new = random_data(rng, rng.choice([0, len(needle), 1, 7]))
        check(f"replace {needle} {new} in {data} {start}:{stop}, {most}",
              replaced(db, "mmap_replace", needle, new, start, stop, most),
              twin_replaced(data, needle, new, start, stop, most))
        pattern, _ = expression(rng)
        if b"\\B" in pattern:
            continue
        template = bytes(rng.choice(b"x$0123$ab") for _ in range(rng.randint(0, 5)))
        if template.endswith(b"$"):
            template += b"$"
        low, high = max(start, 0), max(stop, 0)
        if low > min(high, len(data)) or re.search(rb"\$[^0-9$]", re.sub(rb"\$[0-9$]", b"", template)):
            continue
        try:
            ours = replaced(db, "mmap_search_replace", pattern, template, low, high)
        except sqlite3.OperationalError as error:
            db.execute("ROLLBACK")
            check(f"search_replace {pattern}", "needs too much work" in str(error), True)
            continue
        theirs = data[:low]
        at = low
        for match in (matches := list(re.compile(pattern).finditer(data, low, high))):
            theirs += data[at:match.start()] + twin_template(template)(match)
            at = match.end()
        check(f"search_replace {pattern} {template} in {data} {low}:{high}", ours,
              (len(matches), theirs + data[at:]))


def compare_checksums(db, rng, count):
    digests = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "blake2b")
    for _ in range(count):
        data = rng.randbytes(rng.choice([0, 1, 55, 56, 64, 127, 128, 1000, 100000]))
        put("a", data)
        start = rng.randint(0, len(data))
        for name in digests:
            check(f"{name} of {len(data)} from {start}",
                  bytes(db.execute("SELECT mmap_checksum('a', ?, ?)", (name, start)).fetchone()[0]),
                  hashlib.new(name, data[start:]).digest())
        for name, theirs in (("adler32", zlib.adler32), ("crc-32/iso-hdlc", zlib.crc32),
                             ("crc-16/xmodem", lambda part: binascii.crc_hqx(part, 0))):
            check(f"{name} of {len(data)} from {start}",
                  db.execute("SELECT mmap_checksum('a', ?, ?)", (name, start)).fetchone()[0],
                  theirs(data[start:]))


# ---- hex strings --------------------------------------------------------------------------------

def hex_twin(pattern):
    """The same hex string as a regular expression, the obvious way."""
    out = b""
    for token in re.findall(r"~?[0-9A-F?]{2}|\[[^]]*\]|[(|)]", pattern):
        if token[0] == "[":
            bounds = (token[1:-1].split("-") * 2)[:2]
            out += b".{%s,%s}?" % (bounds[0].encode(), bounds[1].encode())
        elif token in "(|)":
            out += {"(": b"(?:", "|": b"|", ")": b")"}[token]
        else:
            digits = token.lstrip("~")
            fits = [b for b in range(256)
                    if all(d in ("?", h) for d, h in zip(digits, "%02X" % b))]
            out += b"[" + (b"^" if token[0] == "~" else b"") + b"".join(b"\\x%02x" % b for b in fits) + b"]"
    return b"(?s)" + out


def random_hex(rng, depth=0):
    tokens = []
    for i in range(rng.randint(1, 5)):
        kind = rng.random()
        byte = "%02X" % rng.choice(ALPHABET)
        if kind < 0.15 and tokens and tokens[-1][0] != "[":
            low = rng.randint(0, 4)
            tokens.append(rng.choice([f"[{low}]", f"[{low}-{low + rng.randint(0, 5)}]"]))
        elif kind < 0.3 and depth < 2:
            tokens.append("(" + " | ".join(random_hex(rng, depth + 1) for _ in range(rng.randint(1, 3))) + ")")
        elif kind < 0.6:
            tokens.append(rng.choice(["??", byte[0] + "?", "?" + byte[1], "~" + byte, "~" + byte[0] + "?"]))
        else:
            tokens.append(byte)
    if tokens[-1][0] == "[":
        tokens.append("61")
    return " ".join(tokens)


def compare_hex(db, rng, count):
    for _ in range(count):
        pattern = random_hex(rng)
        data = random_data(rng, 200)
        put("a", data)
        regex = db.execute("SELECT mmap_hex(?)", (pattern,)).fetchone()[0]
        check(f"hex {pattern} as {regex} in {data}", spans(db, "a", regex), twin_spans(data, hex_twin(pattern)))


# ---- the other scans ----------------------------------------------------------------------------

def all_finds(data, needle, start, stop):
    found, at = [], data.find(needle, start, stop)
    while at >= 0:
        found.append(at)
        at = data.find(needle, at + 1, stop)
    return found


def runs_of_difference(a, b):
    common = min(len(a), len(b))
    out, i = [], 0
    while i < common:
        j = i
        while j < common and a[j] != b[j]:
            j += 1
        if j > i:
            out.append((i, j - i, a[i:j], b[i:j]))
        i = max(j, i + 1)
    if len(a) > common:
        out.append((common, len(a) - common, a[common:], None))
    if len(b) > common:
        out.append((common, len(b) - common, None, b[common:]))
    return out


def compare_scans(db, rng, count):
    for _ in range(count):
        size = rng.choice([0, 1, 63, 64, 65, 200, 5000])
        alphabet = rng.choice([b"ab", ALPHABET, bytes(range(256))])
        data = bytes(rng.choice(alphabet) for _ in range(size))
        put("a", data)
        needle = bytes(rng.choice(alphabet) for _ in range(rng.randint(1, 4)))
        start, stop = rng.randint(-size - 2, size + 2), rng.randint(-size - 2, size + 2)
        low = rng.randint(-1, size)
        ours = [row[0] for row in db.execute("SELECT offset FROM mmap_find_all('a', ?, ?, ?)", (needle, start, stop))]
        check(f"find_all {needle} in {data} {start}:{stop}", ours, all_finds(data, needle, start, stop))
        ours = [row[0] for row in db.execute(
            "SELECT offset FROM mmap_find_all('a', ?) WHERE offset BETWEEN ? AND ?", (needle, low, low + 40))]
        check(f"find_all {needle} in {data} bounded", ours,
              [at for at in all_finds(data, needle, 0, size) if low <= at <= low + 40])
        least = rng.randint(1, 9)
        texts = [(m.start(), m.end() - m.start(), m.group().decode())
                 for m in re.finditer(rb"[\t\x20-\x7e]{%d,}" % least, data)]
        check(f"strings {least} in {data}",
              db.execute("SELECT offset, length, text FROM mmap_strings('a', ?)", (least,)).fetchall(), texts)
        check(f"strings {least} in {data} from {low}",
              db.execute("SELECT offset, length, text FROM mmap_strings('a', ?) WHERE offset >= ?",
                         (least, low)).fetchall(), [t for t in texts if t[0] >= low])
        counts = collections.Counter(data[start:stop])
        check(f"histogram {start}:{stop}",
              db.execute("SELECT byte, count FROM mmap_histogram('a', ?, ?)", (start, stop)).fetchall(),
              [(b, counts[b]) for b in range(256)])
        check("crc32", db.execute("SELECT mmap_crc32('a', ?, ?)", (start, stop)).fetchone()[0],
              zlib.crc32(data[start:stop]))
        other = bytes(b if rng.random() < 0.7 else rng.choice(alphabet) for b in data[:rng.randint(0, size)])
        other += bytes(rng.choice(alphabet) for _ in range(rng.choice([0, 0, 5])))
        put("b", other)
        theirs = runs_of_difference(data, other)
        check(f"diff {data} {other}", db.execute("SELECT * FROM mmap_diff('a', 'b')").fetchall(), theirs)
        check(f"diff {data} {other} from {low}",
              db.execute("SELECT * FROM mmap_diff('a', 'b') WHERE offset > ?", (low,)).fetchall(),
              [row for row in theirs if row[0] > low])
        check(f"hexdump {start}:{stop}",
              db.execute("SELECT hex, ascii FROM mmap_hexdump('a', ?, ?)", (start, stop)).fetchall(),
              [(row.hex(" "), "".join(chr(c) if 32 <= c < 127 else "." for c in row))
               for row in (data[start:stop][i:i + 16] for i in range(0, len(data[start:stop]), 16))])


def compare_strings_program(db, library):
    if not shutil.which("strings"):
        print("strings(1) is not installed: not compared")
        return
    for path in (library, sys.executable):
        out = subprocess.run(["strings", "-a", "-t", "d", "-n", "6", path], stdout=subprocess.PIPE, check=True).stdout
        theirs = [line.lstrip().split(b" ", 1) for line in out.split(b"\n") if line]
        ours = db.execute("SELECT offset, text FROM mmap_strings(?, 6)", (path,)).fetchall()
        check(f"strings {path}", [(o, t.encode()) for o, t in ours], [(int(o), t) for o, t in theirs])


def compare_cmp_program(db, library):
    if not shutil.which("cmp"):
        print("cmp(1) is not installed: not compared")
        return
    data = bytearray(open(library, "rb").read())
    for i in range(0, len(data), 9973):
        data[i] ^= 1 + i % 255
    put("b", bytes(data[:-7]))
    out = subprocess.run(["cmp", "-l", library, "b"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    theirs = [int(line.split()[0]) - 1 for line in out.stdout.splitlines()]
    ours = [offset + i for offset, length in db.execute(
        "SELECT offset, length FROM mmap_diff(?, 'b') WHERE b IS NOT NULL", (library,)) for i in range(length)]
    check("cmp", ours, theirs)


def main():
    library = os.path.abspath("ext/mmap0.so" if len(sys.argv) < 2 else sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 20240229
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR")) as directory:
        os.chdir(directory)
        db = connect(library)
        for _ in range(rounds):
            compare_patterns(db, rng, 1500)
            compare_groups(db, rng)
            compare_long(db, rng)
            compare_hex(db, rng, 500)
            compare_scans(db, rng, 300)
            compare_replace(db, rng, 1500)
            compare_checksums(db, rng, 40)
        compare_strings_program(db, library)
        compare_cmp_program(db, library)
        db.close()
        os.chdir("/")
    if FAILURES:
        sys.exit(f"{len(FAILURES)} differences, seed {seed}")


if __name__ == "__main__":
    main()
