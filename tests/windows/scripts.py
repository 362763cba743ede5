#!/usr/bin/python3
"""scripts.py DIRECTORY LIBRARY: what is typed into the sqlite3 shell on Windows, and what it answers there.

In DIRECTORY is a directory for each script, with the files that it asks about, `script.sql` and `expected`: what
the shell here prints, with LIBRARY, or what is written below. The shell is started in it, beside a copy of
mmap0.dll. `killed` has two scripts instead, for a COMMIT that is killed and for who looks at its file then.
"""

import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, "tests/clients")
import documents

# By its own recipe: what it needs is a part of every Windows, and it shows its entry points and nothing else.
IMPORTS = """.load ./mmap0
.read pe.sql
INSERT INTO target VALUES ('mmap0.dll');
SELECT DISTINCT 'needs ' || lower(library) FROM pe_import ORDER BY 1;
SELECT 'shows ' || name FROM pe_export ORDER BY 1;
"""
IMPORTED = """needs advapi32.dll
needs bcrypt.dll
needs kernel32.dll
needs msvcrt.dll
needs ntdll.dll
shows sqlite3_mmap0_init
shows sqlite3_mmap_init
shows sqlite3_mmap_readonly_init
shows sqlite3_mmapro_init
"""

# Another shell, while this one has the tag.
TAG = """.load ./mmap0
CREATE TEMP TABLE h AS SELECT mmap_open(NULL, 'write', 16, 0, 'mmap0 tests: two shells') AS h;
SELECT mmap_patch(h, 0, 'one') FROM h;
.system sqlite3.exe -batch :memory: ".read other.sql"
SELECT CAST(mmap_slice(h, 0, 11) AS TEXT) FROM h;
"""
OTHER = """.load ./mmap0
CREATE TEMP TABLE h AS SELECT mmap_open(NULL, 'write', 16, 0, 'mmap0 tests: two shells') AS h;
SELECT 'the other one sees ' || CAST(mmap_slice(h, 0, 3) AS TEXT) FROM h;
SELECT mmap_patch(h, 3, ' and two') FROM h;
"""
SHARED = """3
the other one sees one
8
one and two
"""

SIZE = 8 << 20
COMMIT = f""".load ./mmap0
BEGIN;
SELECT mmap_patch('f', 0, replace(hex(zeroblob({SIZE // 2})), '0', 'b'));
COMMIT;
"""
# All of it is as before or as after the COMMIT, and what recovers it is gone.
LOOK = f""".load ./mmap0
SELECT iif(mmap_slice('f') IN (CAST(replace(hex(zeroblob({SIZE // 2})), '0', 'a') AS BLOB),
                               CAST(replace(hex(zeroblob({SIZE // 2})), '0', 'b') AS BLOB)), 'whole', 'torn');
SELECT count(*) || ' journals' FROM mmap_glob('f-mmap-*');
"""
LOOKED = """whole
0 journals
"""


def put(directory, name, text):
    with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
        file.write(text)


def answers(directory, library):
    """What the sqlite3 shell here prints."""
    shutil.copy(library, os.path.join(directory, "mmap0.so"))
    with open(os.path.join(directory, "script.sql"), encoding="utf-8") as script:
        printed = subprocess.run([*documents.SQLITE, "-init", "/dev/null", "-batch", ":memory:"], stdin=script,
                                 cwd=directory, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    os.remove(os.path.join(directory, "mmap0.so"))
    return printed.stdout.decode()


def readme(directory):
    """README's session; what it does by sh is done now."""
    with open("README.md", encoding="utf-8") as file:
        found = documents.examples(file.read().split("\n"))
    typed = ""
    for example in found:
        if example.prompt == documents.SQL:
            typed += example.text + "\n"
        elif example.text != "sqlite3":
            subprocess.run(["sh", "-c", example.text], cwd=directory, check=True)
    return typed


def demo(directory):
    """sql/demo.sql, but for the program itself, which is one of Linux."""
    shutil.copy("/bin/true", os.path.join(directory, "program"))
    with open("sql/demo.sql", encoding="utf-8") as file:
        return ".load ./mmap0\n" + re.sub(r"^\.shell.*\n", "", file.read(), flags=re.M)


def lay(top, library, name, make):
    """The files and the script of one that is answered here, and its answers."""
    directory = os.path.join(top, name)
    os.mkdir(directory)
    put(directory, "script.sql", make(directory))
    kept = os.path.join(top, "kept")
    shutil.copytree(directory, kept)
    expected = answers(directory, library)
    shutil.rmtree(directory)
    os.rename(kept, directory)
    put(directory, "expected", expected)


def write(top, name, **files):
    directory = os.path.join(top, name)
    os.mkdir(directory)
    for file, text in files.items():
        put(directory, file if file == "expected" else file + ".sql", text)
    return directory


def main():
    top, library = sys.argv[1], os.path.abspath(sys.argv[2])
    os.makedirs(top, exist_ok=True)
    lay(top, library, "README", readme)
    lay(top, library, "demo", demo)
    shutil.copy("sql/formats/pe.sql", write(top, "imports", script=IMPORTS, expected=IMPORTED))
    write(top, "tag", script=TAG, other=OTHER, expected=SHARED)
    write(top, "killed", commit=COMMIT, look=LOOK, expected=LOOKED)


if __name__ == "__main__":
    main()
