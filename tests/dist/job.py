#!/usr/bin/python3
"""job.py JOB: runs the statements of JOB in a new directory, with the package sqlite_mmap as it is installed.

A line is a statement, and those behind it with `--> ` are the rows that it gives, columns between `|`.
"""

import os
import sqlite3
import sys
import tempfile
import typing

import sqlite_mmap


def statements(path):
    """Statements and their rows."""
    found = []
    for line in open(path, encoding="utf-8").read().splitlines():
        if line.startswith("--> "):
            found[-1][1].append(line[4:])
        else:
            found.append((line, []))
    return found


def refused(call, text):
    try:
        call()
    except sqlite3.OperationalError as error:
        assert text in str(error), error
    else:
        raise AssertionError(f"no error: {text}")


def main():
    job = statements(sys.argv[1])
    assert not os.path.exists("ext"), "the source tree is here"
    assert typing.get_type_hints(sqlite_mmap.load) == {
        "conn": sqlite3.Connection, "readonly": bool, "return": type(None)}
    # Some Pythons' sqlite3 is built without: its connections have no such method.
    refused(lambda: sqlite_mmap.load(object()), "this Python's sqlite3 cannot load extensions")
    db = sqlite3.connect(":memory:", isolation_level=None)
    sqlite_mmap.load(db)
    refused(lambda: db.execute("SELECT load_extension('x')"), "not authorized")
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        for sql, expected in job:
            rows = ["|".join(map(str, row)) for row in db.execute(sql)]
            assert rows == expected, (sql, rows)
        reader = sqlite3.connect(":memory:")
        sqlite_mmap.load(reader, readonly=True)
        assert reader.execute("SELECT mmap_size('pet.bin')").fetchone() == (36,)
        refused(lambda: reader.execute("SELECT mmap_set('pet.bin', 0, 0)"), "no such function: mmap_set")
        assert os.path.isfile(sqlite_mmap.loadable_path())
        assert os.path.isfile(sqlite_mmap.loadable_path(readonly=True))
        db.close()
        os.chdir("/")
    print(f"{len(job)} statements, SQLite {sqlite3.sqlite_version}, {sys.version.split()[0]}: ok")


main()
