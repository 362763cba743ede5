#!/usr/bin/python3
"""bundle.py OUT FILE...: OUT is a zip file of all that run.ps1 needs, made from what Bazel has built.

Programs and documents lie in it as they do in the project; `expected` is what the SQL of `everything.sql` is
answered with here; `scripts` has what scripts.py makes.
"""

import os
import re
import subprocess
import sys
import tempfile
import zipfile

# What is not in it by its own place.
PLACES = {"tests/windows/run.ps1": "run.ps1", "tests/windows/same_sql.sed": "same_sql.sed",
          "tests/windows/sqlite3.exe": "sqlite3.exe", "tests/wine/answers.exe": "answers.exe",
          "tests/wine/tests.txt": "tests.txt"}
ONLY_HERE = ["tests/answers", "ext/mmap0.so"]


def place(path):
    """A file's place in the project, wherever Bazel keeps it."""
    path = re.sub(r"^bazel-out/[^/]+/bin/", "", path)
    return PLACES.get(path, re.sub(r"^tests/wine/", "", path))


def answers(program, library, sql):
    with tempfile.TemporaryDirectory() as directory:
        directory = os.path.join(directory, "sql")
        os.mkdir(directory)
        return subprocess.run([program, library], input=sql, cwd=directory, check=True,
                              stdout=subprocess.PIPE).stdout


def add_scripts(bundle, library):
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(["tests/windows/scripts.py", directory, library], check=True)
        for path, _, names in os.walk(directory):
            for name in names:
                file = os.path.join(path, name)
                bundle.write(file, os.path.join("scripts", os.path.relpath(file, directory)))


def main():
    out, paths = sys.argv[1], sys.argv[2:]
    program, library = (os.path.abspath(next(path for path in paths if path.endswith(name)))
                        for name in ONLY_HERE)
    sql = subprocess.run(["tests/ports/everything.py", "docs/reference.md"], check=True,
                         stdout=subprocess.PIPE).stdout
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bundle:
        for path in paths:
            if not path.endswith(tuple(ONLY_HERE)):
                bundle.write(path, place(path))
        bundle.writestr("everything.sql", sql)
        bundle.writestr("expected", answers(program, library, sql))
        add_scripts(bundle, library)


main()
