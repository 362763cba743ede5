#!/usr/bin/python3
"""sql/formats/pcap.sql and utmp.sql on odd files, beside Python's struct and utmpdump."""

import datetime
import itertools
import os
import re
import socket
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "data"))
from recipe_support import connect, library, put, rows, run_tests, same

LIBRARY = library()
PCAP, UTMP = "formats/pcap.sql", "formats/utmp.sql"
MICRO, NANO, MODIFIED = 0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34


# ---- pcap ----------------------------------------------------------------------------------------

def header(magic=MICRO, end="<", link=1, longest=65535):
    return struct.pack(end + "IHHiIII", magic, 2, 4, 0, 0, longest, link)


def packet(data, magic=MICRO, end="<", fraction=5, length=None, seconds=1700000000):
    head = struct.pack(end + "IIII", seconds, fraction, len(data),
                       len(data) if length is None else length)
    return head + (bytes(8) if magic == MODIFIED else b"") + data


def udp(body=b"abcd"):
    return struct.pack(">HHHH", 5353, 53, 8 + len(body), 0) + body


def ip4(body=udp(), protocol=17, options=b"", fragment=0):
    return struct.pack(">BBHHHBBH4s4s", 0x45 + len(options) // 4, 0, 20 + len(options) + len(body),
                       1,
                       fragment, 64, protocol, 0, bytes([10, 0, 0, 1]),
                       bytes([10, 0, 0, 2])) + options + body


SIX = [socket.inet_pton(socket.AF_INET6, a) for a in ("2001:db8::1", "2001:db8::2")]


def ip6(body=udp(), protocol=17):
    return struct.pack(">IHBB", 0x60000000, len(body), protocol, 64) + b"".join(SIX) + body


def ethernet(kind, body):
    return bytes(12) + kind + body


def packets(data, columns="number, time, captured, length, error", view="pcap_packet"):
    return rows(connect(PCAP), [put("a.pcap", data)],
                f"SELECT {columns} FROM {view} ORDER BY number")


IP = ("number, source, destination, protocol, source_port, destination_port,"
      " CASE WHEN payload_offset > 0"
      " THEN CAST(mmap_slice(path, payload_offset, payload_offset + payload_bytes) AS TEXT) END")


def payloads(frames, link=1, magic=MICRO, end="<"):
    data = header(magic, end, link) + b"".join(packet(f, magic, end) for f in frames)
    return packets(data, IP, "pcap_ip")


V4 = ("10.0.0.1", "10.0.0.2", "UDP", 5353, 53, "abcd")
V6 = ("2001:db8:0:0:0:0:0:1", "2001:db8:0:0:0:0:0:2", "UDP", 5353, 53, "abcd")


def every_magic_in_both_orders():
    for magic, end in itertools.product((MICRO, NANO, MODIFIED), "<>"):
        frames = [ethernet(b"\x08\0", ip4()), b"", ethernet(b"\x86\xdd", ip6())]
        data = header(magic, end) + b"".join(packet(f, magic, end, 123456) for f in frames)
        fraction = "000123456" if magic == NANO else "123456"
        same(packets(data), [(i, "2023-11-14 22:13:20." + fraction, len(f), len(f), None)
                             for i, f in enumerate(frames)])
        same(packets(data, IP, "pcap_ip"), [(0,) + V4, (2,) + V6])
        same(rows(connect(PCAP), ["a.pcap"], "SELECT endian, resolution, longest, link, error"
                  " FROM pcap_file"), [("little" if end == "<" else "big", "nanoseconds"
                                        if magic == NANO else "microseconds", 65535, "Ethernet",
                                        None)])
        same(packets(data[:-3])[-1][4], "it reaches past the end of the file")


def tags_are_passed_over_however_many():
    for kinds in ([b"\x81\0"], [b"\x88\xa8", b"\x81\0"], [b"\x91\0", b"\x81\0"],
                  [b"\x92\0", b"\x93\0"],
                  [b"\x81\0"] * 3, [b"\x91\0"] * 20):
        tags = lambda last: b"".join(k + b"\0\7" for k in kinds) + last
        frames = [ethernet(tags(b"\x08\0"), ip4()), ethernet(tags(b"\x86\xdd"), ip6()),
                  ethernet(tags(b"\x08\x06"), bytes(28)), ethernet(tags(b""), b""),
                  ethernet(tags(b"\x08"), b"")]
        same(payloads(frames), [(0,) + V4, (1,) + V6], kinds)
    # In Linux's cooked captures, too.
    tag = b"\0\7\x08\0"
    same(payloads([bytes(14) + b"\x81\0" + tag + ip4()], 113), [(0,) + V4])
    same(payloads([b"\x81\0" + bytes(18) + tag + ip4()], 276), [(0,) + V4])


def every_link_that_has_ip():
    family = lambda n, end: struct.pack(end + "I", n)
    cases = {1: ethernet(b"\x08\0", ip4()), 12: ip4(), 14: ip4(), 101: ip4(), 228: ip4(),
             113: bytes(14) + b"\x08\0" + ip4(), 276: b"\x08\0" + bytes(18) + ip4(),
             0: family(2, "<") + ip4(), 108: family(2, ">") + ip4(), 1 | 0x24000000:
             ethernet(b"\x08\0", ip4()) + bytes(4)}
    for link, frame in cases.items():
        same(payloads([frame], link), [(0,) + V4], link)
    cases = {1: [ethernet(b"\x86\xdd", ip6())], 101: [ip6()], 229: [ip6()],
             113: [bytes(14) + b"\x86\xdd" + ip6()], 276: [b"\x86\xdd" + bytes(18) + ip6()],
             0: [family(n, e) + ip6() for n in (10, 24, 28, 30) for e in "<>"],
             108: [family(24, ">") + ip6()]}
    for link, frames in cases.items():
        same(payloads(frames, link), [(i,) + V6 for i in range(len(frames))], link)
    # Other families, 802.2, and links without IP.
    for link, frame in ((0, family(7, "<") + ip4()), (1, ethernet(b"\0\x20", ip4())), (147, ip4()),
                        (105, ip4()), (1, b""), (113, bytes(15)), (276, bytes(3)), (0, b"\2\0\0")):
        same(payloads([frame], link), [], link)


def options_and_extension_headers_are_passed_over():
    for options in (b"\1" * 4, b"\x94\4\0\0", b"\1" * 40):
        same(payloads([ethernet(b"\x08\0", ip4(options=options))]), [(0,) + V4])
    hop = lambda next_: bytes([next_, 0]) + bytes(6)
    long = lambda next_: bytes([next_, 2]) + bytes(22)
    first = lambda next_, at=0: struct.pack(">BBHI", next_, 0, at, 1)
    auth = lambda next_: bytes([next_, 4]) + bytes(22)
    chains = [(0, hop(17)), (60, hop(17)), (43, long(17)), (0, hop(43) + long(60) + hop(17)),
              (44, first(17)), (44, first(17, 1)), (51, auth(17)),
              (0, hop(51) + auth(44) + first(17)),
              (135, hop(17)), (0, b"".join(hop(0) for _ in range(9)) + hop(17))]
    for number, chain in chains:
        same(payloads([ethernet(b"\x86\xdd", ip6(chain + udp(), number))]), [(0,) + V6], chain)
    # A later fragment has no ports; nor has what ends within its headers, or says it is longer.
    for number, chain, protocol in ((44, first(17, 8) + udp(), "UDP"),
                                    (44, first(6, 0xfff9) + udp(), "TCP"),
                                    (0, hop(60)[:5], "0"), (60, bytes([17, 255]) + bytes(6), "UDP"),
                                    (0, hop(59), "59"), (0, hop(50) + bytes(9), "ESP"),
                                    (0, hop(60) + b"\x11", "60")):
        found = payloads([ethernet(b"\x86\xdd", ip6(chain, number))])
        same([tuple(map(str, row[3:6])) for row in found], [(protocol, "None", "None")], chain)


def packets_cut_by_snaplen_have_what_is_there():
    frame = ethernet(b"\x08\0", ip4(udp(b"x" * 1000)))
    for kept, expected in ((len(frame), "x" * 1000), (52, "x" * 10), (42, ""), (41, None),
                           (38, None),
                           (37, None)):
        found = packets(header(longest=kept) + packet(frame[:kept], length=len(frame)), IP,
                        "pcap_ip")
        ports = (5353, 53) if kept >= 38 else (None, None)
        same(found, [(0, "10.0.0.1", "10.0.0.2", "UDP") + ports + (expected,)], kept)
    same(packets(header() + packet(frame[:33], length=len(frame)), IP, "pcap_ip"), [])
    same(packets(header() + packet(frame[:33], length=len(frame)), "captured, length, error"),
         [(33, len(frame), None)])


def fractions_of_a_second_and_more():
    for magic, full in ((MICRO, 10**6), (NANO, 10**9), (MODIFIED, 10**6)):
        for end in "<>":
            for fraction, seconds, rest in ((0, 0, 0), (full - 1, 0, full - 1), (full, 1, 0),
                                            (full * 3 // 2, 1, full // 2),
                                            (2**32 - 1, (2**32 - 1) // full, (2**32 - 1) % full)):
                found = packets(header(magic, end) + packet(b"x", magic, end, fraction),
                                "time, seconds, nanoseconds, error")
                time = datetime.datetime(1970, 1, 1) + datetime.timedelta(0, 1700000000 + seconds)
                error = f"its fraction of a second is {fraction} of {full}" if seconds else None
                same(found, [(f"{time}.{rest:0{len(str(full)) - 1}d}", 1700000000,
                              fraction * (10**9 // full), error)])
    same(packets(header() + packet(b"x", seconds=2**32 - 1), "time"),
         [("2106-02-07 06:28:15.000005",)])
    same(packets(header() + packet(b"x", seconds=0), "time"), [("1970-01-01 00:00:00.000005",)])


def packets_of_no_bytes_and_lengths_that_lie():
    full = packet(ethernet(b"\x08\0", ip4()))
    same([row[2:]
          for row in packets(header() + packet(b"") + full + packet(b"", length=60) + full)],
         [(0, 0, None), (46, 46, None), (0, 60, None), (46, 46, None)])
    more = "more was captured than the packet had"
    same([row[2:] for row in packets(header() + packet(b"abc", length=0) + packet(b"abc", length=2)
                                     + full)],
         [(3, 0, more), (3, 2, more), (46, 46, None)])
    nothing = "it is no packet: its length is 0"
    for zeros in (16, 17, 500):
        found = packets(header() + full + bytes(zeros))
        same([row[4] for row in found], [None, nothing])
        same([row[4] for row in packets(header() + bytes(zeros))], [nothing])
    for size in (1, 15):
        same([row[4] for row in packets(header() + full + bytes(size))],
             ["the file ends within the next packet's header"])
    past = struct.pack("<IIII", 1, 1, 2**32 - 1, 2**32 - 1)
    same([row[4] for row in packets(header() + full + past)],
         [None, "it reaches past the end of the file"])


def files_that_end_before_their_first_packet():
    for magic, end in itertools.product((MICRO, NANO, MODIFIED), "<>"):
        data = header(magic, end) + packet(b"x", magic, end)
        head = 24 if magic == MODIFIED else 16
        for size in range(4, 24 + head):
            error = ("the file ends within its header" if size < 24 else
                     "the file ends within the first packet's header" if size > 24 else None)
            same(packets(data[:size]), [])
            same(rows(connect(PCAP), ["a.pcap"], "SELECT error FROM pcap_file"), [(error,)], size)
    for data in (b"", b"\xd4\xc3\xb2", b"\x0a\x0d\x0d\x0a" + bytes(99), bytes(99)):
        same(packets(data), [])
        same(rows(connect(PCAP), ["a.pcap"], "SELECT * FROM pcap_file"), [])


# ---- utmp ----------------------------------------------------------------------------------------

def record(size=384, kind=7, user=b"ann", seconds=1700000000, micro=5, line=b"pts/0", host=b"host",
           address=bytes(16)):
    head = struct.pack("<HHi32s4s32s256shh", kind, 0, 42, line, b"ts/0", user, host, 0, 0)
    time = struct.pack("<iII", 0, seconds, micro) if size == 384 else struct.pack("<qqq", 0,
                                                                                  seconds,
                                                                                  micro)
    return (head + time + address).ljust(size, b"\0")


def records(data, columns="count(*), min(user), max(user), count(error)"):
    return rows(connect(UTMP), [put("wtmp", data)], f"SELECT {columns} FROM utmp_record")


def the_layout_is_told_by_the_records():
    """Files of n records, whole and cut; many sizes fit both layouts, or none."""
    for size, address, micro in itertools.product((384, 400),
                                                  (bytes(16), bytes([192, 0, 2, 9]) + bytes(12),
                                                               bytes(range(16))), (0, 5, 999999)):
        one = record(size, address=address, micro=micro)
        for n in (1, 2, 3, 24, 25, 48, 50, 75):
            same(records(one * n), [(n, "ann", "ann", 0)], (size, n))
            for cut in (1, 16, 200, size - 1):
                same(records(one * n + one[:cut]), [(n + 1, "ann", "ann", 1)], (size, n, cut))
    same(records((record() * 60)[:10000]), [(27, "ann", "ann", 1)])
    for data in (record(400)[:399], record()[:383], b""):
        same(records(data)[0][0], 0)


def boards_without_a_clock_begin_in_1970():
    for size in (384, 400):
        data = record(size, 2, b"reboot", 8, 0, b"~") + record(size, 7, seconds=30) * 3
        same(records(data), [(4, "ann", "reboot", 0)], size)
        same(records(data + record(size) * 30), [(34, "ann", "reboot", 0)], size)


def first_records_may_be_empty():
    for size in (384, 400):
        for empty in (1, 2, 24, 25, 300):
            data = bytes(size * empty) + record(size) * 3
            same(records(data, "count(*), sum(type = 'empty'), sum(user = 'ann'), count(error)"),
                 [(empty + 3, empty, 3, 0)], (size, empty))
        left = record(size, 0, b"") + record(size)
        same(records(left, "type, user"), [("empty", ""), ("user", "ann")])
    # As in the first blocks of a file system: what would be the first record has numbers where the line is.
    numbers = struct.pack("<7I", 7, 12, 0x80d, 0x100d, 13, 9, 0)
    for data in (bytes(384), bytes(400), bytes(384 * 400), bytes(384) + b"\1" * 384,
                 bytes(1024) + bytes(range(16)) + bytes(1264) + numbers.ljust(384, b"\0") + bytes(3000)):
        same(records(data)[0][0], 0)


def records_that_are_none_are_said():
    for size in (384, 400):
        bad = record(size, 77)
        late = record(size, micro=1000000)
        same(records(record(size) + bad + late + record(size), "error"),
             [(None,), ("it is no record: its type is 77",), ("it is no record: its time is none",),
              (None,)], size)
        # Also if the first is one of them, where most are whole.
        same(records(bad + record(size) * 3, "error IS NULL"), [(0,), (1,), (1,), (1,)], size)
    same(records(record(400) + record(400, seconds=1 << 50), "time, error"),
         [("2023-11-14 22:13:20", None), (None, "it is no record: its time is none")])


def times_end_in_2106():
    same(records(record() + record(seconds=2**31) + record(seconds=2**32 - 1), "time"),
         [("2023-11-14 22:13:20",), ("2038-01-19 03:14:08",), ("2106-02-07 06:28:15",)])


def agrees_with_utmpdump():
    data = b"".join(record(384, kind, f"user{kind}".encode(), 1700000000 + kind, 123456,
                           f"tty{kind}".encode(), b"example.org",
                           bytes([192, 0, 2, kind]) + bytes(12))
                    for kind in range(1, 9))
    put("wtmp", data)
    dump = subprocess.run(["/usr/bin/utmpdump", "wtmp"], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=True).stdout
    fields = [re.findall(r"\[(.*?)\s*\]", line) for line in dump.splitlines()]
    found = rows(connect(UTMP), ["wtmp"], "SELECT pid, id, user, line, host, address,"
                 " replace(time, ' ', 'T') || ',' || microseconds || '+00:00' FROM utmp_record")
    same([tuple(map(str, row)) for row in found],
         [(str(int(f[1])),) + tuple(f[2:]) for f in fields])


TESTS = [every_magic_in_both_orders, tags_are_passed_over_however_many, every_link_that_has_ip,
         options_and_extension_headers_are_passed_over, packets_cut_by_snaplen_have_what_is_there,
         fractions_of_a_second_and_more, packets_of_no_bytes_and_lengths_that_lie,
         files_that_end_before_their_first_packet, the_layout_is_told_by_the_records,
         boards_without_a_clock_begin_in_1970, first_records_may_be_empty,
         records_that_are_none_are_said, times_end_in_2106, agrees_with_utmpdump]

if __name__ == "__main__":
    sys.exit(run_tests(TESTS))
