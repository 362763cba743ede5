#!/usr/bin/python3
"""sql/formats of streams beside readers in Python: pcapng, Ogg, ID3, Matroska. On files made here and on the machine's own."""

import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "data"))
import formats_support as support
from formats_support import in_directory, rows, same, write


def said(path):
    return subprocess.run(["file", "-b", path], stdout=subprocess.PIPE, check=True).stdout.decode("utf-8", "replace")


# ---- pcapng --------------------------------------------------------------------------------------

def pcapng_reader(data):
    """(offset, type, length) of each block, by struct."""
    at, out, end = 0, [], "<"
    while at < len(data):
        if data[at:at + 4] == b"\x0a\x0d\x0d\x0a":
            end = "<" if data[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
        kind, length = struct.unpack_from(end + "II", data, at)
        out.append((at, kind, length))
        at += length
    return out


KINDS = {0x0a0d0d0a: "section", 1: "interface", 2: "old packet", 3: "simple packet", 4: "names", 5: "statistics", 6: "packet",
         0x7777: "0x00007777"}


@in_directory
def pcapng_has_its_blocks_packets_and_names(directory):
    for end in "<>":
        data = support.pcapng_section(end)
        path = write(directory, "a.pcapng", data)
        same(rows("pcapng.sql", path, "SELECT offset, type, length, error FROM pcapng_block"),
             [(at, KINDS[kind], length, None) for at, kind, length in pcapng_reader(data)])
        same(rows("pcapng.sql", path, "SELECT number, link, longest, unit, seconds_more, name FROM pcapng_interface"),
             [(0, "Ethernet", 64, 10**6, None, "eth0"), (1, "IP", 0, 10**9, 100, None)])
        got = rows("pcapng.sql", path, "SELECT offset, interface, time, captured, length, link, error FROM pcapng_packet")
        frame = support.packets()[0]
        same([row[1:] for row in got],
             [(0, "2023-11-14 22:13:20.123456000", len(frame), len(frame) + 9, 1, None),
              (1, "2023-11-14 22:13:20.123456789", 3, 3, 101, None), (0, None, 64, 100, 1, None),
              (0, "2023-11-14 22:13:21.000000000", 1, 1, 1, None)])
        same([data[at:at + size] for at, _, _, size, *_ in got], [frame, b"abc", bytes(64), b"z"])
        same(rows("pcapng.sql", path, "SELECT block, code, name, value, error FROM pcapng_option"),
             [(0, 4, "application", "caf\xe9", None), (0, 999, None, None, None), (1, 2, "name", "eth0", None),
              (1, 11, "filter", None, None), (2, 9, "tsresol", 9, None), (2, 14, "tsoffset", 100, None), (2, 8, "speed", 10**9, None),
              (3, 1, "comment", "a comment", None), (3, 2, "flags", 1, None), (3, 4, "dropped", 7, None), (8, 4, "received", 12, None)])
        same(rows("pcapng.sql", path, "SELECT address, name FROM pcapng_name"),
             [("10.0.0.1", "a.example"), ("10.0.0.1", "b.test"), ("2001:db8:0:0:0:0:0:1", "c")])
        assert "pcapng" in said(path) or "pcap-ng" in said(path), said(path)


@in_directory
def pcapng_units_of_time(directory):
    for resolution, stamp, unit, time in ((0, 1700000000, 1, "000000000"), (3, 1700000000123, 1000, "123000000"),
                                          (12, 1700000000123456789012, None, None), (0x80, 1700000000, 1, "000000000"),
                                          (0x8a, 1700000000 << 10 | 512, 1024, "500000000"), (19, 5, None, None),
                                          (12, 1700000 * 10**12 + 5 * 10**11, 10**12, None), (0xff, 5, None, None)):
        if stamp >= 1 << 64:
            continue
        data = (support.pcapng_block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1))
                + support.pcapng_block(1, struct.pack("<HHI", 1, 0, 0) + support.pcapng_options((9, bytes([resolution]))))
                + support.pcapng_block(6, struct.pack("<IIIII", 0, stamp >> 32, stamp & 0xffffffff, 0, 0)))
        path = write(directory, "a.pcapng", data)
        same(rows("pcapng.sql", path, "SELECT unit FROM pcapng_interface"), [(unit,)])
        (got,), = rows("pcapng.sql", path, "SELECT time FROM pcapng_packet")
        if time or not unit:
            same(got, time and "2023-11-14 22:13:20." + time, resolution)
        else:
            same(got, "1970-01-20 16:13:20.500000000")


def pcapng_errors(directory, data):
    return rows("pcapng.sql", write(directory, "b.pcapng", data), "SELECT section, number, error FROM pcapng_block WHERE error IS NOT NULL")


@in_directory
def pcapng_odd_and_damaged(directory):
    little, big = support.pcapng_section(), support.pcapng_section(">", 1 << 62)
    # Sections of both orders one behind the other, whatever they say of their length.
    path = write(directory, "a.pcapng", little + big + little)
    same(rows("pcapng.sql", path, "SELECT section, count(*), count(error) FROM pcapng_block GROUP BY 1"), [(i, 10, 0) for i in range(3)])
    same(rows("pcapng.sql", path, "SELECT section, count(*), count(error) FROM pcapng_packet GROUP BY 1"), [(i, 4, 0) for i in range(3)])
    same(pcapng_errors(directory, little + big[:8] + b"what" + big[12:]), [(1, 0, "its order of bytes is unknown")])
    # Lengths that differ, that are none, that are too long; packets of interfaces that are not there.
    block = support.pcapng_block
    same(pcapng_errors(directory, support.pcapng_section(more=block(0x7777, b"", again=16) + block(0x7778, b""))),
         [(0, 10, "its length is 12 at its start, 16 at its end")])
    for length in (0, 11):
        same(pcapng_errors(directory, little + struct.pack("<II", 6, length) + bytes(99)), [(0, 10, f"its length is {length}")])
    past = "it reaches past the end of the file"
    for length in (13, 0x7fffffff, 0xffffffff):
        same(pcapng_errors(directory, little + struct.pack("<II", 6, length)), [(0, 10, past)])
    same(pcapng_errors(directory, little[:-1]), [(0, 9, past)])
    path = write(directory, "c.pcapng", support.pcapng_section(more=block(6, struct.pack("<IIIII", 2, 0, 0, 0, 0))
                                                               + block(6, struct.pack("<IIIII", 0, 0, 0, 5, 4))
                                                               + block(6, struct.pack("<IIIII", 0, 0, 0, 4, 2) + b"abcd")))
    same(rows("pcapng.sql", path, "SELECT interface, error FROM pcapng_packet WHERE error IS NOT NULL"),
         [(2, "its section has no interface 2"), (0, "it reaches past the end of its block"), (0, "more was captured than the packet had")])
    path = write(directory, "d.pcapng", support.pcapng_section(
        more=block(1, struct.pack("<HHI", 1, 0, 0) + struct.pack("<HH", 2, 99) + b"name")
        + block(1, struct.pack("<HHI", 1, 0, 0) + support.pcapng_options((2, b"\xff\xfe")))))
    same(rows("pcapng.sql", path, "SELECT name, value, error FROM pcapng_option WHERE block > 9"),
         [("name", None, "it reaches past the end of its block"), ("name", "\ufffd", None)])
    for other in (b"", b"\x0a\x0d\x0d\x0a", b"\x0a\x0d\x0d\x0a" * 99, support.pcap(), b"text " * 99):
        same(rows("pcapng.sql", write(directory, "other", other), "SELECT * FROM pcapng_block"), [])


TESTS = [pcapng_has_its_blocks_packets_and_names, pcapng_units_of_time, pcapng_odd_and_damaged]

if __name__ == "__main__":
    sys.exit(support.run_tests(TESTS))
