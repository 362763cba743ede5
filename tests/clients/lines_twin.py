#!/usr/bin/python3
"""mmap_lines with columns beside Python's csv and re, sort(1) and look(1), on random input.

    lines_twin.py [LIBRARY [CSV]]

CSV is SQLite's own csv extension, which tests/versions/csv.sh makes; without it that part is skipped.
"""

import csv
import ipaddress
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

ROUNDS = 300 * int(os.environ.get("MMAP_TEST_SEEDS", 1))
FAILURES = []


def check(what, ours, theirs):
    if ours != theirs:
        FAILURES.append(what)
        print(f"{what}\n  ours   {str(ours)[:400]}\n  theirs {str(theirs)[:400]}")


def connect(library):
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(library)
    return db


def put(name, text):
    with open(name, "w", encoding="utf-8", newline="") as file:
        file.write(text)


def make(db, arguments, name="t"):
    db.execute(f"DROP TABLE IF EXISTS temp.{name}")
    db.execute(f"CREATE VIRTUAL TABLE temp.{name} USING mmap_lines({arguments})")


def rows(db, sql, *values):
    return db.execute(sql, values).fetchall()


# ---- csv ----------------------------------------------------------------------------------------

def reading_is_pythons(db, rng):
    """What odd quotes mean, field by field."""
    for _ in range(ROUNDS):
        separator = rng.choice(",;\t|")
        pieces = ["a", "bc", '"', '""', separator, separator, "\n", " ", "é", '",', '"\n']
        text = "".join(rng.choice(pieces) for _ in range(rng.randint(0, 40)))
        put("f", text)
        name = "tab" if separator == "\t" else f"'{separator}'"
        make(db, f"'f', separator={name}, quote='\"', "
                 + ", ".join(f"c{i}" for i in range(45)))
        ours = [[field for field in row if field is not None] for row in rows(db, "SELECT * FROM t")]
        # Their lines come one by one; an empty one is [], ours has one empty field.
        theirs = [row or [""] for row in csv.reader(iter_lines(text), delimiter=separator)]
        check(f"csv {text!r}", ours, theirs)


def pages_are_pythons(db, rng):
    """Where a page has no quote rows are found by its newlines alone."""
    csv.field_size_limit(1 << 24)
    for _ in range(ROUNDS // 10):
        fields = ["x" * rng.randint(0, 30), "1", "", "a" * rng.choice([1, 1, 1, 700, 5000])]
        quoted = ['"a\nb"', '"\n"', '"', 'a"b', '"' + "q,\n" * rng.choice([1, 2000]) + '"', '"c"']
        rare = rng.choice([0.0005, 0.005, 0.05])
        text = "".join("".join(rng.choice(quoted if rng.random() < rare else fields)
                               for _ in range(rng.randint(0, 2))) + rng.choice([",", "\n", "\n", "\r\n"])
                       for _ in range(rng.randint(1, 900)))
        put("f", text)
        columns = ", ".join(f"c{i}" for i in range(12))
        make(db, f"'f', separator=',', {columns}")
        theirs = [tuple((row or [""]) + [None] * 12)[:12] for row in csv.reader(iter_lines(text))]
        check("rows over pages", rows(db, "SELECT * FROM t"), theirs)
        places = rows(db, "SELECT offset, number FROM t")
        lines = text.encode()
        number, last = 1, 0
        for at, n in places:
            number += lines.count(b"\n", last, at)
            last = at
            check(f"the number at {at}", n, number)
        low = rng.randrange(len(lines) + 1)
        check("those behind an offset", rows(db, "SELECT count(*), max(c1) FROM t WHERE offset >= ?", low),
              rows(db, "SELECT count(*), max(c1) FROM (SELECT offset AS o, c1 FROM t) WHERE +o >= ?", low))


def iter_lines(text):
    """As a file gives them that is opened with newline=''; \\n alone ends one here."""
    lines = text.split("\n")
    for i, line in enumerate(lines):
        if i + 1 < len(lines):
            yield line + "\n"
        elif line:
            yield line


def writing_is_read_by_python(db, rng):
    for _ in range(ROUNDS // 3):
        put("f", "")
        make(db, "'f', separator=',', a, b, c")
        given = [tuple("".join(rng.choice('ab,";\n\r #') for _ in range(rng.randint(0, 5)))
                       for _ in range(3)) for _ in range(rng.randint(1, 6))]
        db.execute("BEGIN")
        db.executemany("INSERT INTO t VALUES(?, ?, ?)", given)
        db.execute("COMMIT")
        with open("f", encoding="utf-8", newline="") as file:
            check("what INSERT wrote", [tuple(row) for row in csv.reader(file)], given)
        check("and reads", rows(db, "SELECT * FROM t"), given)


def what_python_writes_is_read(db, rng):
    for _ in range(ROUNDS // 3):
        # Python leaves a \r at the end of a line without quotes.
        quoting, pieces = rng.choice([(csv.QUOTE_MINIMAL, 'ab,";\n é'),
                                      (csv.QUOTE_ALL, 'ab,";\n\r é')])
        given = [tuple("".join(rng.choice(pieces) for _ in range(rng.randint(0, 5)))
                       for _ in range(3)) for _ in range(rng.randint(1, 6))]
        end = rng.choice(["\n", "\r\n"])
        with open("f", "w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator=end, quoting=quoting).writerows(given)
        make(db, "'f', separator=',', a, b, c")
        check("what Python wrote", rows(db, "SELECT * FROM t"), given)


# ---- SQLite's csv -------------------------------------------------------------------------------

def well_formed_field(rng):
    """As RFC 4180 has fields: what lax readers differ in is in none."""
    text = "".join(rng.choice(["a", "bc", '"', ",", "\n", "\r\n", "\r", " ", "é", "1"])
                   for _ in range(rng.randint(0, 6)))
    if set(text) & set('",\r\n') or rng.random() < 0.3:
        return '"' + text.replace('"', '""') + '"'
    return text


def reading_is_that_of_sqlite(db, rng):
    if len(sys.argv) < 3:
        print("skipped: SQLite's csv extension is not there (tests/versions/csv.sh)")
        return
    db.load_extension(sys.argv[2])
    for _ in range(ROUNDS):
        columns, header = rng.randint(1, 4), rng.random() < 0.3
        lines = [",".join(well_formed_field(rng) for _ in range(rng.randint(1, 5)))
                 for _ in range(rng.randint(1, 8))]
        if header:
            lines.insert(0, ",".join(f"n{i}" for i in range(columns)))
        text = "".join(line + rng.choice(["\n", "\r\n"]) for line in lines)
        # Theirs loses an empty field with which the file ends.
        if rng.random() < 0.3 and lines[-1] and not lines[-1].endswith(","):
            text = text.rstrip("\r\n")
        put("f", ("\ufeff" if rng.random() < 0.1 else "") + text)
        names = "" if header else "".join(f", n{i}" for i in range(columns))
        make(db, "'f', separator=','" + (", header=yes" if header else names))
        db.execute("DROP TABLE IF EXISTS temp.theirs")
        db.execute("CREATE VIRTUAL TABLE temp.theirs USING csv(filename='f', "
                   + ("header=yes)" if header else f"columns={columns})"))
        check(f"SQLite's csv {text!r}", rows(db, "SELECT * FROM t"),
              rows(db, "SELECT * FROM theirs"))


# ---- re -----------------------------------------------------------------------------------------

def groups_are_pythons(db, rng):
    patterns = [r"^(\S+) (\d+)?", r"(a+)|(b+)", r"(?P<k>\w+)=(?P<v>[^;]*)", r"^(.)(.*)$",
                r"\[(.*?)\](?: (\d+))?", r"(\d+)$"]
    for _ in range(ROUNDS):
        pattern = rng.choice(patterns)
        lines = ["".join(rng.choice(["a", "b", "12", " ", "=", ";", "[", "]", "k"])
                         for _ in range(rng.randint(0, 9))) for _ in range(rng.randint(0, 9))]
        put("f", "".join(line + "\n" for line in lines))
        make(db, f"'f', match='{pattern}'")
        compiled = re.compile(pattern)
        theirs = [(n, *m.groups()) for n, m in enumerate(map(compiled.search, lines), 1) if m]
        check(f"{pattern} in {lines}", rows(db, "SELECT number, * FROM t"), theirs)


# ---- sort and look ------------------------------------------------------------------------------

def order_is_that_of_sort(db, rng):
    """Of what sort(1) has sorted, by any key, no lookup says that it is not in order."""
    for how, kind, keys in (("-k2,2", "text", ["a", "ab", "B", "", "é", "a-", "zz"]),
                            ("-k2,2n", "integer", [str(n) for n in range(-5, 30)])):
        for reverse in ("", "r"):
            lines = [f"{rng.randint(0, 9)}\t{rng.choice(keys)}" for _ in range(300)]
            out = subprocess.run(["sort", "-s", "-t", "\t", how + reverse],
                                 input="".join(line + "\n" for line in lines), check=True,
                                 text=True, stdout=subprocess.PIPE,
                                 env={**os.environ, "LC_ALL": "C"}).stdout
            put("f", out)
            make(db, f"'f', separator=tab, v, k {kind}, sorted=k" + (" desc" if reverse else ""))
            check("mmap_check", rows(db, "SELECT mmap_check('t')"), [("ok",)])
            for key in keys:
                value = int(key) if kind == "integer" else key
                check(f"{how} {key}", rows(db, "SELECT count(*) FROM t WHERE k = ?", value),
                      [(sum(line.split("\t")[1] == key for line in lines),)])


def prefixes_are_those_of_look(db, rng):
    if not shutil.which("look"):
        return
    words = sorted({"".join(rng.choice("abc") for _ in range(rng.randint(1, 6)))
                    for _ in range(400)})
    put("f", "".join(word + "\n" for word in words))
    make(db, "'f', sorted=yes")
    for _ in range(60):
        prefix = "".join(rng.choice("abcd") for _ in range(rng.randint(1, 4)))
        out = subprocess.run(["look", prefix, "f"], text=True, check=False,
                             stdout=subprocess.PIPE, env={**os.environ, "LC_ALL": "C"}).stdout
        ours = rows(db, "SELECT text FROM t WHERE text GLOB ?", prefix + "*")
        check(f"look {prefix}", [row[0] for row in ours], out.split())


def addresses_are_those_of_python(db, rng):
    starts = sorted(rng.sample(range(0, 1 << 32), 500))
    put("f", "first,n\n" + "".join(f"{ipaddress.ip_address(s)},{i}\n"
                                   for i, s in enumerate(starts)))
    make(db, "'f', separator=',', header=yes, first ipv4, n integer, sorted=first")
    for _ in range(500):
        ip = rng.choice(starts) + rng.randint(-1, 1) if rng.random() < 0.5 else rng.randrange(1 << 32)
        ip = min(max(ip, 0), (1 << 32) - 1)
        ours = rows(db, "SELECT n FROM t WHERE first <= ? ORDER BY first DESC LIMIT 1",
                    str(ipaddress.ip_address(ip)))
        theirs = [i for i, s in enumerate(starts) if s <= ip][-1:]
        check(f"{ip}", [row[0] for row in ours], theirs)


def main():
    library = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "ext/mmap0.so")
    sys.argv[2:] = map(os.path.abspath, sys.argv[2:])
    rng = random.Random(int(os.environ.get("MMAP_TEST_SEED", 18)))
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        db = connect(library)
        db.execute("SELECT mmap_config('synchronous', 'off')")
        for test in (reading_is_pythons, pages_are_pythons, writing_is_read_by_python,
                     what_python_writes_is_read, reading_is_that_of_sqlite, groups_are_pythons,
                     order_is_that_of_sort, prefixes_are_those_of_look,
                     addresses_are_those_of_python):
            test(db, rng)
        db.close()
        os.chdir("/")
    print(f"{len(FAILURES)} differences")
    sys.exit(bool(FAILURES))


if __name__ == "__main__":
    main()
