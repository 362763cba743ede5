"""Python's side of the benchmark: reads an expression a line, prints its value a line."""

import binascii
import bisect
import csv
import hashlib
import mmap
import re
import struct
import sys
import zlib

MAPS = {}


def mapped(path):
    """The file's mmap object, made once."""
    if path not in MAPS:
        with open(path, "rb") as file:
            MAPS[path] = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return MAPS[path]


def find(path, needle):
    return mapped(path).find(needle)


def rfind(path, needle):
    return mapped(path).rfind(needle)


def count(path, needle):
    """Overlapping occurrences."""
    memory, found, at = mapped(path), 0, -1
    while (at := memory.find(needle, at + 1)) >= 0:
        found += 1
    return found


def search(path, pattern):
    match = re.search(pattern, mapped(path))
    return match.start() if match else -1


def lines(path):
    """How many, and how many bytes without their ends; the last one has an end too."""
    number = size = 0
    with open(path, "rb") as file:
        readline = file.readline
        while line := readline():
            number += 1
            size += len(line)
    return f"{number}|{size - number}"


def line_count(path):
    """How many lines, the length of each being asked for."""
    number = 0
    with open(path, "rb") as file:
        readline = file.readline
        while len(readline()):
            number += 1
    return number


def join(path, keys_path):
    """The sum of the values that stand beside the keys, in records of two 32-bit numbers."""
    records = memoryview(mapped(path)).cast("I")
    keys = memoryview(mapped(keys_path)).cast("I")
    total, everything, key_of = 0, range(len(records) // 2), lambda i: records[2 * i]
    for key in keys:
        at = bisect.bisect_left(everything, key, key=key_of)
        if at < len(everything) and records[2 * at] == key:
            total += records[2 * at + 1]
    return total


def chain(path, size):
    """How many records of a size and so many bytes there are in `size` bytes, and the sum of the sizes."""
    memory, number, total, at = mapped(path), 0, 0, 0
    unpack = struct.Struct("B").unpack_from
    while at < size:
        n, = unpack(memory, at)
        number += 1
        total += n
        at += 1 + n
    return f"{number}|{total}"


def binascii_crc_hqx(data):
    return binascii.crc_hqx(data, 0)


def csv_sum(path):
    """The sum of the second column."""
    with open(path, newline="", encoding="ascii") as file:
        return sum(int(row[1]) for row in csv.reader(file))


class Keys:
    """The keys of a CSV's lines, by where they begin: what bisect needs."""

    def __init__(self, memory):
        self.memory = memory

    def __len__(self):
        return len(self.memory)

    def __getitem__(self, at):
        start = self.memory.rfind(b"\n", 0, at) + 1
        return int(self.memory[start:self.memory.find(b",", start)])


def csv_lookups(path, count, lines_there, kinds):
    """The sum of what stands beside `count` keys; of two kinds one is of keys that are not there."""
    memory, total = mapped(path), 0
    keys = Keys(memory)
    for i in range(count):
        key = i * 7919 % lines_there * 7 + i % kinds
        at = bisect.bisect_left(keys, key)
        start = memory.rfind(b"\n", 0, at) + 1
        fields = memory[start:memory.find(b"\n", start)].split(b",")
        if len(fields) > 1 and int(fields[0]) == key:
            total += int(fields[1])
    return total


for expression in sys.stdin:
    print(eval(expression), flush=True)  # of our own program's making
