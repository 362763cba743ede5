"""What the tests of recipes on odd files share: a host that decodes all TEXT strictly as UTF-8."""

import os
import sqlite3
import sys
import tempfile

# Tests go into directories of their own.
SQL = os.path.abspath("sql")
LIBRARY = os.path.abspath("ext/mmap0.so" if len(sys.argv) < 2 else sys.argv[1])


def library():
    return LIBRARY


def connect(*recipes):
    """A connection that has read the recipes. Python's own refuses TEXT that is no UTF-8."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(library())
    for recipe in recipes:
        with open(os.path.join(SQL, recipe), encoding="utf-8") as file:
            db.executescript(file.read())
    return db


def put(path, data):
    with open(path, "wb") as file:
        file.write(data)
    return path


def rows(db, paths, query):
    """The rows with these files, and no others, in target."""
    db.execute("DELETE FROM target")
    db.executemany("INSERT INTO target VALUES (?)", [(path,) for path in paths])
    return db.execute(query).fetchall()


def same(got, expected, what=""):
    if isinstance(got, list) and isinstance(expected, list):
        for i, (g, e) in enumerate(zip(got, expected)):
            assert g == e, f"{what}: row {i}:\n  got      {g}\n  expected {e}"
    assert got == expected, f"{what}:\n  got      {got}\n  expected {expected}"


def run_tests(tests):
    """Each in a directory of its own; how many failed is what the process ends with."""
    failed, before = 0, os.getcwd()
    for test in tests:
        with tempfile.TemporaryDirectory() as directory:
            os.chdir(directory)
            try:
                test()
            except AssertionError as problem:
                failed += 1
                print(f"{test.__name__}: {problem}")
            finally:
                os.chdir(before)
    print(f"{len(tests) - failed} passed, {failed} failed")
    return 1 if failed else 0
