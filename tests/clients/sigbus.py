#!/usr/bin/python3
"""Files that are cut while Debian's python3 has them mapped, with and without its faulthandler.

faulthandler takes the place of the library's handler of SIGBUS when it is enabled after the load, and
lies below it when it was before. Either way a cut file is an error of the statement, and a fault that has
nothing to do with the library still ends the process with faulthandler's report.
"""

import faulthandler
import mmap
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading

SIZE = 8 << 20


def connect(library):
    # isolation_level None: transactions are the test's own.
    db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    db.enable_load_extension(True)
    db.load_extension(library)
    return db


def fresh(path):
    with open(path, "wb") as file:
        file.write(b"a" * SIZE)


def fails(call, *words):
    try:
        call()
    except sqlite3.Error as error:
        text = f"{type(error).__name__}: {error}"
        assert any(word in text for word in words), text
        return
    raise AssertionError("no error")


def cut_in_a_function(db, path):
    fresh(path)
    db.create_function("cut", 0, lambda: os.truncate(path, 0))
    query = "SELECT mmap_length(?1), cut(), mmap_find(?1, 'b')"
    fails(lambda: db.execute(query, (path,)).fetchall(), "was cut")
    assert db.execute("SELECT mmap_length(?)", (path,)).fetchone() == (0,)


def cut_in_a_cursor(db, path):
    fresh(path)
    rows = db.execute("SELECT byte FROM mmap(?)", (path,))
    assert rows.fetchone() == (97,)
    os.truncate(path, 5000)
    fails(rows.fetchall, "was cut")


def cut_while_python_reads_a_slice(db, path):
    fresh(path)
    db.create_function("look", 1, lambda data: data.count(b"a"))
    assert db.execute("SELECT look(mmap_slice(?))", (path,)).fetchone() == (SIZE,)
    query = "SELECT instr(mmap_slice(?), coalesce(cut(), x'62'))"
    fails(lambda: db.execute(query, (path,)).fetchall(), "interrupted")


def cut_in_a_transaction(db, path):
    fresh(path)
    db.execute("BEGIN")
    db.execute("SELECT mmap_patch(?, 0, 'mine')", (path,)).fetchall()
    os.truncate(path, SIZE // 2)
    fails(lambda: db.execute("SELECT sum(byte) FROM mmap(?)", (path,)).fetchall(), "was cut")
    if db.in_transaction:
        fails(lambda: db.execute("COMMIT"), "changed", "was cut")
    if db.in_transaction:
        db.execute("ROLLBACK")
    assert open(path, "rb").read(4) == b"aaaa" and os.path.getsize(path) == SIZE // 2


def cut_in_another_thread(db, path):
    fresh(path)
    problems = []

    def work():
        try:
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGBUS])
            cut_in_a_function(db, path)
        except BaseException as problem:
            problems.append(problem)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not problems, problems


def works_again(db, path):
    fresh(path)
    assert db.execute("SELECT mmap_count(?, 'a')", (path,)).fetchone() == (SIZE,)


CASES = [cut_in_a_function, cut_in_a_cursor, cut_while_python_reads_a_slice, cut_in_a_transaction,
         cut_in_another_thread]


def matrix(library, path):
    db = connect(library)
    for case in CASES:
        case(db, path)
        works_again(db, path)
    db.close()


def crash(path):
    """A fault that is none of ours: faulthandler reports it and the process dies of it."""
    fresh(path)
    with open(path, "r+b") as file:
        data = mmap.mmap(file.fileno(), SIZE)
        file.truncate(0)
        data[SIZE - 1]


def child(order, library, directory):
    path = os.path.join(directory, "f")
    if order == "before":
        faulthandler.enable()
        matrix(library, path)
    elif order == "after":
        connect(library).execute("SELECT mmap_version()")
        fresh(path)
        db = connect(library)
        works_again(db, path)
        faulthandler.enable()
        matrix(library, path)
        faulthandler.disable()
        matrix(library, path)
        faulthandler.enable()
        matrix(library, path)
    else:
        matrix(library, path)
    print("done", flush=True)
    crash(path)


def main():
    library = os.path.abspath("ext/mmap0.so" if len(sys.argv) < 2 else sys.argv[1])
    for order in ("never", "before", "after"):
        with tempfile.TemporaryDirectory() as directory:
            command = [sys.executable, os.path.abspath(__file__), "--child", order, library, directory]
            ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                 timeout=100)
        assert ran.stdout == "done\n", (order, ran)
        assert ran.returncode == -signal.SIGBUS, (order, ran)
        reported = "Fatal Python error: Bus error" in ran.stderr
        assert reported == (order != "never"), (order, ran.stderr)
        print(f"faulthandler {order} the load: ok")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
    else:
        main()
