#!/usr/bin/python3
"""The main things in Python's sqlite3 module, as a Python program does them."""

import os
import re
import sqlite3
import sys
import tempfile


def content(path):
    with open(path, "rb") as file:
        return file.read()


def reading(db, data):
    row = db.execute("SELECT mmap_get('f', 0), mmap_slice('f', 7, 12), mmap_find('f', ?)", (b"o",))
    assert row.fetchone() == (72, b"world", 4)
    rows = db.execute("SELECT offset, byte FROM mmap(?) WHERE byte < 97", ("f",)).fetchall()
    assert rows == [(i, byte) for i, byte in enumerate(data) if byte < 97]
    assert [row[0] for row in db.execute("SELECT offset FROM mmap_find_all('f', 'o')")] == [4, 8]
    lines = db.execute("SELECT text FROM mmap_lines('f')").fetchall()
    assert lines == [("Hello, world",)]


def a_context_manager_is_a_transaction(db, data):
    """`with db` commits, or takes back when an exception leaves it."""
    class Leave(Exception):
        pass

    try:
        with db:
            db.execute("UPDATE mmap SET byte = ? WHERE file = 'f' AND offset = 0", (ord("J"),))
            assert db.in_transaction
            changes = db.execute("SELECT offset, old, new FROM mmap_changes").fetchall()
            assert changes == [(0, b"H", b"J")]
            db.execute("SELECT mmap_patch('f', 7, ?)", (b"WORLD",)).fetchall()
            assert db.execute("SELECT mmap_slice('f')").fetchone() == (b"Jello, WORLD\n",)
            assert content("f") == data
            raise Leave
    except Leave:
        pass
    assert content("f") == data
    with db:
        db.execute("UPDATE mmap SET byte = ? WHERE file = 'f' AND offset = 0", (ord("J"),))
    assert content("f") == b"Jello, world\n"
    assert os.listdir(".").count("f-mmap-journal") == 0


def left_by(program):
    """What notes.txt is after a program that raises ValueError."""
    with open("notes.txt", "wb") as file:
        file.write(b"some words\n")
    try:
        program()
    except ValueError:
        return content("notes.txt")
    raise AssertionError("it did not raise")


def leaving(db, *statements):
    """A program that an exception makes leave `with db`, after the statements."""
    def program():
        with db:
            for statement in statements:
                db.execute(statement).fetchall()
            raise ValueError
    return program


def a_select_that_writes_begins_no_transaction(db, page):
    """As docs/caveats.md says."""
    programs = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    assert len(programs) == 1 and "BEGIN" in programs[0]
    assert left_by(lambda: exec(programs[0], {"db": db})) == b"some words\n"
    without = "".join(line for line in programs[0].splitlines(True) if "BEGIN" not in line)
    assert left_by(lambda: exec(without, {"db": db})) == b"Some words\n"
    patch = "SELECT mmap_patch('notes.txt', 0, 'S')"
    assert left_by(leaving(db, patch)) == b"Some words\n"
    db.execute("CREATE TEMP TABLE log(n)")
    for begins in ("BEGIN", "UPDATE mmap SET byte = 33 WHERE file = 'notes.txt' AND offset = 9",
                   "INSERT INTO log SELECT mmap_set('notes.txt', 9, 33)"):
        assert left_by(leaving(db, begins, patch)) == b"some words\n", begins
    with db:
        db.execute("INSERT INTO log SELECT mmap_set('notes.txt', 9, 33)")
    assert content("notes.txt") == b"some word!\n"
    db.execute("SELECT mmap_patch('notes.txt', 0, 'S')").fetchall()
    db.rollback()
    assert content("notes.txt") == b"Some word!\n"
    rows = "SELECT mmap_set('notes.txt', offset, 46) FROM mmap('notes.txt') WHERE offset < 3"
    with db:
        db.execute("BEGIN")
        db.execute(rows)  # nobody fetches: one row was, of three
    assert content("notes.txt") == b".ome word!\n"


def a_large_slice_is_bytes(db):
    big = os.urandom(1 << 20)
    with open("big", "wb") as file:
        file.write(big)
    (blob,) = db.execute("SELECT mmap_slice('big', 1)").fetchone()
    assert isinstance(blob, bytes) and blob == big[1:]
    # Also as an argument of a function of one's own.
    db.create_function("same", 1, lambda value: value == big)
    assert db.execute("SELECT same(mmap_slice('big'))").fetchone() == (1,)


def records_come_and_go(db):
    db.execute("CREATE VIRTUAL TABLE temp.r USING mmap('r', access=create, delete=yes, k u32le, name text(4))")
    with db:
        db.executemany("INSERT INTO r VALUES(?, ?)", [(i, f"n{i}") for i in range(100)])
    assert os.path.getsize("r") == 800 and content("r")[8:14] == b"\1\0\0\0n1"
    assert db.execute("SELECT k FROM r WHERE name = ?", ("n42",)).fetchall() == [(42,)]
    with db:
        db.execute("DELETE FROM r WHERE k >= 10")
    assert os.path.getsize("r") == 80


def errors_are_exceptions(db):
    for call, text in (
            ("SELECT mmap_get('f', 13)", "mmap_get: offset 13 is outside 'f' (13 bytes)"),
            ("SELECT mmap_get('none', 0)",
             "mmap_get: cannot open 'none': No such file or directory"),
            ("UPDATE mmap SET byte = 0", "mmap: the file is missing: mmap(file) or WHERE file = …")):
        try:
            db.execute(call).fetchall()
        except sqlite3.OperationalError as error:
            assert str(error) == text, error
        else:
            raise AssertionError(f"{call} did not fail")


def main():
    with open("docs/caveats.md", encoding="utf-8") as file:
        page = file.read()
    library = os.path.abspath("ext/mmap0.so" if len(sys.argv) < 2 else sys.argv[1])
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        data = b"Hello, world\n"
        with open("f", "wb") as file:
            file.write(data)
        db = sqlite3.connect(":memory:")
        db.enable_load_extension(True)
        db.load_extension(library)
        db.enable_load_extension(False)
        reading(db, data)
        a_context_manager_is_a_transaction(db, data)
        a_select_that_writes_begins_no_transaction(db, page)
        a_large_slice_is_bytes(db)
        records_come_and_go(db)
        errors_are_exceptions(db)
        db.close()
        os.chdir("/")
    print("ok")


if __name__ == "__main__":
    main()
