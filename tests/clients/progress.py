#!/usr/bin/python3
"""Progress and cancelling as users meet them: the shell's `.progress`, Python's handler."""

import os
import sqlite3
import subprocess
import sys
import tempfile

SIZE = 128 << 20
CALLS = ["mmap_find('big', 'absent')", "mmap_crc32('big')", "mmap_search('big', '[a-z]+x')",
         "mmap_count('big', 'ab')", "(SELECT count(*) FROM mmap_lines('big') WHERE text > 'x')",
         "(SELECT count(*) FROM mmap_find_all('big', 'absent'))",
         "(SELECT sum(count) FROM mmap_histogram('big'))"]
WRITES = ["mmap_insert('file', 0, 'x')", "mmap_move('file', 0, 1, 20000000)",
          "mmap_patch('file', 1, mmap_slice('file', 0, 20000000))"]


def run(library, script):
    shell = subprocess.run(["sqlite3", "-init", "/dev/null", "-batch", ":memory:"],
                           input=f".load '{library}'\n{script}\n", text=True, timeout=100,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return shell.stdout.splitlines(), shell.stderr


def shell_stops_what_takes_too_long(library):
    for call in CALLS:
        out, err = run(library, f".progress 1000 --limit 2 --quiet\nSELECT {call};\n"
                                ".progress 0\nSELECT mmap_length('big');")
        assert "interrupted" in err, (call, err)
        assert out[-1] == str(SIZE), (call, out)
        # As many calls as 4 MiB each make with a hundred steps, and what SQLite needs itself.
        out, err = run(library, f".progress 1000 --limit 1000 --quiet\nSELECT {call};")
        assert not err and len(out) == 1, (call, out, err)


def shell_shows_progress(library):
    out, err = run(library, f".progress 100\nSELECT {CALLS[0]};")
    marks = [line for line in out if line.startswith("Progress ")]
    assert not err and len(marks) >= SIZE // (4 << 20) - 2, (out, err)
    assert out[-1] == "-1", out


def shell_stops_a_write(library, before):
    for call in WRITES:
        for begin in ("", "BEGIN;"):
            out, err = run(library, f".progress 100 --limit 2 --quiet\n{begin}\nSELECT {call};\n"
                                    ".progress 0\nSELECT count(*) FROM mmap_changes;")
            assert "interrupted" in err, (call, err)
            assert out[-1] == "0", (call, out)
            with open("file", "rb") as file:
                assert file.read() == before, call


def python_draws_a_bar(library):
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(library)
    for call in CALLS:
        ticks = []
        db.set_progress_handler(lambda: ticks.append(1), 100)
        whole = db.execute(f"SELECT {call}").fetchall()
        assert len(ticks) >= SIZE // (4 << 20) - 2, (call, len(ticks))
        half, ticks = len(ticks) // 2, []
        db.set_progress_handler(lambda: ticks.append(1) or len(ticks) >= half, 100)
        try:
            db.execute(f"SELECT {call}").fetchall()
        except sqlite3.OperationalError as error:
            assert "interrupted" in str(error), (call, error)
        else:
            raise AssertionError(f"{call} went on")
        assert len(ticks) <= half + 2, (call, half, len(ticks))
        db.set_progress_handler(None, 0)
        assert db.execute(f"SELECT {call}").fetchall() == whole


def main():
    library = os.path.abspath("ext/mmap0.so" if len(sys.argv) < 2 else sys.argv[1])
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        with open("big", "wb") as file:
            file.truncate(SIZE)
        data = bytes(range(256)) * (24 << 12)
        with open("file", "wb") as file:
            file.write(data)
        shell_stops_what_takes_too_long(library)
        shell_shows_progress(library)
        shell_stops_a_write(library, data)
        python_draws_a_bar(library)
        os.chdir(before)
    print("ok")


if __name__ == "__main__":
    main()
