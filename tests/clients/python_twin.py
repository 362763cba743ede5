#!/usr/bin/python3
"""Python's mmap object and SQL beside each other: thousands of random operations on two copies of a file.

After each operation the result (or that it failed) and the position are the same, and every so often all
the bytes are. Where the contract differs from Python it is said below.
"""

import mmap
import os
import random
import sqlite3
import sys
import tempfile

LIBRARY = os.path.abspath(os.environ.get("MMAP_LIBRARY", "ext/mmap0.so"))
OPERATIONS = int(os.environ.get("OPERATIONS", "6000"))


class Failed:
    """What an operation that is refused gives, on either side."""

    def __eq__(self, other):
        return isinstance(other, Failed)

    def __repr__(self):
        return "Failed"


def python_judged(error):
    """What was wrong, by Python's exception: the handle, the place or the value."""
    if isinstance(error, TypeError) and "readonly" in str(error):
        return "handle"
    return "place" if isinstance(error, IndexError) else "value"


def sql_judged(error):
    """The same by our sentence."""
    if "reading only" in str(error):
        return "handle"
    return "place" if "is outside" in str(error) else "value"


class Twin:
    def __init__(self, seed, access):
        self.random = random.Random(seed)
        self.access = access
        size = self.random.choice([1, 10, 200, mmap.PAGESIZE - 1, mmap.PAGESIZE + 1, 3 * mmap.PAGESIZE + 5])
        data = bytes(self.random.choice(b"abc\n\0") for _ in range(size))
        for name in ("python.bin", "sql.bin"):
            with open(name, "wb") as file:
                file.write(data)
        self.file = open("python.bin", "r+b")
        python_access = {"read": mmap.ACCESS_READ, "write": mmap.ACCESS_WRITE, "copy": mmap.ACCESS_COPY}
        self.python = mmap.mmap(self.file.fileno(), 0, access=python_access[access])
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        self.db.enable_load_extension(True)
        self.db.load_extension(LIBRARY)
        self.sql("mmap_config('synchronous', 'off')")
        self.handle = self.sql("mmap_open('sql.bin', ?)", access)
        self.trace = []

    def close(self):
        self.python.close()
        self.file.close()
        self.db.close()

    # ---- the two sides

    def sql(self, expression, *arguments):
        return self.db.execute("SELECT " + expression, arguments).fetchone()[0]

    def try_sql(self, expression, *arguments):
        try:
            return self.sql(expression, self.handle, *arguments)
        except sqlite3.Error:
            return Failed()

    def try_python(self, call):
        try:
            return call(self.python)
        except (ValueError, IndexError, TypeError, OverflowError, SystemError):
            return Failed()

    def same(self, what, python, sql):
        self.trace.append(what)
        if python != sql:
            sys.exit("%s\npython: %r\nsql:    %r" % ("\n".join(self.trace[-20:]), python, sql))

    def both(self, what, call, expression, *arguments):
        self.same("%s %r" % (what, arguments), self.try_python(call), self.try_sql(expression, *arguments))

    # ---- making things up

    def number(self):
        n = len(self.python)
        return self.random.choice([0, 1, -1, n, n - 1, n + 1, -n, -n - 1, self.random.randint(-n - 3, n + 3),
                                   self.random.randint(0, n), self.random.randint(0, n), mmap.PAGESIZE])

    def some(self):
        return bytes(self.random.choice(b"abc\n\0") for _ in range(self.random.choice([0, 1, 2, 3, 20])))

    # ---- the operations

    def bounds(self, needle):
        """Bounds for find, but those that Python 3.11 crashes on (start past stop), and but an empty needle
        past the end, where Python clamps the start and the contract says that there is nothing."""
        n = len(self.python)
        while True:
            start, stop = self.number(), self.number()
            first, last, _ = slice(start, stop).indices(n)
            if first <= last and (needle or start <= n):
                return start, stop

    def find(self):
        needle = self.some()
        start, stop = self.bounds(needle)
        self.both("find", lambda m: m.find(needle, start, stop), "mmap_find(?, ?, ?, ?)", needle, start, stop)
        self.both("find", lambda m: m.find(needle, start), "mmap_find(?, ?, ?)", needle, start)

    def rfind(self):
        needle = self.some()
        start, stop = self.bounds(needle)
        self.both("rfind", lambda m: m.rfind(needle, start, stop), "mmap_rfind(?, ?, ?, ?)", needle, start, stop)

    def count(self):
        """Overlapping ones too, as neither mmap nor bytes.count has them; and those of bytes.find."""
        needle, start, stop = self.some() or b"a", self.number(), self.number()

        def places(m):
            part = m[:][start:stop]
            return [i for i in range(len(part)) if part.startswith(needle, i)]

        self.both("count", lambda m: len(places(m)), "mmap_count(?, ?, ?, ?)", needle, start, stop)
        if start >= 0:
            self.both("places", lambda m: ",".join(str(start + i) for i in places(m)) or None,
                      "(SELECT group_concat(offset) FROM mmap_find_all(?, ?, ?, ?))", needle, start, stop)

    def move(self):
        to, start, count = self.number(), self.number(), self.random.choice([self.number(), 1, 5])

        def call(m):
            m.move(to, start, count)
            return count

        if self.access == "read":
            count = 1
        self.both("move", call, "mmap_move(?, ?, ?, ?)", to, start, count)

    def read(self):
        n = self.random.choice([None, -1, 0, 1, 5, self.number()])
        self.both("read", lambda m: m.read(n), "mmap_read(?, ?)", n)

    def read_byte(self):
        self.both("read_byte", lambda m: m.read_byte(), "mmap_read_byte(?)")

    def readline(self):
        self.both("readline", lambda m: m.readline(), "mmap_readline(?)")

    def write(self):
        data = self.some() or b"x"
        self.both("write", lambda m: m.write(data), "mmap_write(?, ?)", data)

    def write_byte(self):
        byte = self.random.choice([0, 65, 255, 256, -1])

        def call(m):
            m.write_byte(byte)
            return 1

        self.both("write_byte", call, "mmap_write_byte(?, ?)", byte)

    def seek(self):
        to, whence = self.number(), self.random.choice([0, 0, 1, 2, 3])

        def call(m):
            m.seek(to, whence)
            return m.tell()

        self.both("seek", call, "mmap_seek(?, ?, ?)", to, whence)

    def slice(self):
        def maybe():
            return self.random.choice([None, self.number()])

        start, stop, step = maybe(), maybe(), self.random.choice([None, 1, 2, -1, -3, 7, self.number()])
        self.both("slice", lambda m: m[start:stop:step], "mmap_slice(?, ?, ?, ?)", start, stop, step)

    def get(self):
        at = self.number()
        self.both("get", lambda m: m[at], "mmap_get(?, ?)", at)

    def set(self):
        at, byte = self.number(), self.random.choice([0, 66, 255, 256, -1])

        def call(m):
            m[at] = byte
            return 1

        self.both("set", call, "mmap_set(?, ?, ?)", at, byte)

    def judge(self):
        """What is wrong first, of a handle, a place and a value that are all wrong or not."""
        at, value = self.number(), self.random.choice([66, 256, -1, b"", b"\0", 1.5])

        def call(m):
            m[at] = value

        python = sql = None
        before = self.python[:]
        try:
            call(self.python)
        except (IndexError, TypeError, ValueError) as error:
            python = python_judged(error)
        try:
            self.sql("mmap_set(?, ?, ?)", self.handle, at, value)
        except sqlite3.Error as error:
            sql = sql_judged(error)
        self.same("judge %r %r" % (at, value), python, sql)
        if python:
            self.same("judge left all", before, self.python[:])

    def resize(self):
        if self.access == "copy" and self.random.random() < 0.5:
            return
        n = max(1, self.random.choice([self.number(), 1, 100, 2 * mmap.PAGESIZE + 7]))
        if n % mmap.PAGESIZE == 0:
            n += 1  # before 3.11.4 Python's find reads a byte past the end, and dies there

        def call(m):
            m.resize(n)  # a position past the end stays there
            return n

        self.both("resize", call, "mmap_resize(?, ?)", n)

    def flush(self):
        if self.access != "write":
            return
        offset = self.random.choice([0, 0, mmap.PAGESIZE, len(self.python) + 1, -1])
        size = self.random.choice([1, len(self.python), len(self.python) + 1])
        if offset == mmap.PAGESIZE and len(self.python) <= mmap.PAGESIZE:
            return

        def call(m):
            m.flush(offset, size)
            return 0

        self.both("flush", call, "mmap_flush(?, ?, ?)", offset, size)

    def madvise(self):
        start, length = self.number(), self.random.choice([1, 5000, 99999])
        start -= start % mmap.PAGESIZE

        def call(m):
            m.madvise(mmap.MADV_WILLNEED, start, length)
            return 0

        self.both("madvise", call, "mmap_madvise(?, 'willneed', ?, ?)", start, length)

    def size(self):
        self.both("size", lambda m: m.size(), "mmap_size(?)")
        self.both("len", len, "mmap_length(?)")

    def all(self):
        self.both("all", lambda m: m[:], "mmap_slice(?)")
        with open("python.bin", "rb") as a, open("sql.bin", "rb") as b:
            self.same("files", a.read(), b.read())

    def run(self, operations):
        reading = [self.find, self.rfind, self.count, self.read, self.read_byte, self.readline, self.seek, self.seek, self.slice,
                   self.get, self.size, self.flush, self.madvise]
        writing = [self.move, self.write, self.write, self.write_byte, self.set, self.judge, self.resize]
        for i in range(operations):
            self.random.choice(reading + writing)()
            self.both("tell", lambda m: m.tell(), "mmap_tell(?)")
            if i % 20 == 0:
                self.all()
        self.all()


def main():
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        rounds = 30
        for seed in range(rounds):
            twin = Twin(seed, ["write", "write", "copy", "read"][seed % 4])
            twin.run(OPERATIONS // rounds)
            twin.close()
        os.chdir("/")
    print("ok: %d operations" % OPERATIONS)


main()
