#!/usr/bin/python3
"""sql/formats/mbr.sql and gpt.sql on odd tables of partitions, beside partx and sfdisk."""

import os
import random
import re
import struct
import subprocess
import sys
import uuid
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "data"))
from recipe_support import connect, library, put, rows, run_tests, same

LIBRARY = library()
EXTENDED = (0x05, 0x0f, 0x85)
LEADS_NOWHERE = "the chain leads to no partition table"


# ---- MBR -----------------------------------------------------------------------------------------

def entry(kind, first, sectors, active=0):
    return struct.pack("<B3sB3sII", active, b"\0\2\0", kind, b"\xff" * 3, first, sectors)


def table(*entries, mark=b"\x55\xaa"):
    return (bytes(446) + b"".join(entries)).ljust(510, b"\0") + mark


def disk(sectors, size=4000, name="disk.img"):
    data = bytearray(size * 512)
    for at, content in sectors.items():
        data[at * 512:at * 512 + len(content)] = content
    return put(name, data)


def partitions(sectors, columns="number, type, sector, error", where="kind = 'logical'", **more):
    path = disk(sectors, **more)
    return rows(connect("formats/mbr.sql"), [path],
                f"SELECT {columns} FROM mbr_partition WHERE {where} ORDER BY number")


def program(*command):
    run = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, check=False)
    return run.stdout


def by_sfdisk(path="disk.img"):
    """(number, type, first sector) as `sfdisk --dump` says."""
    found = re.findall(r"^\S*?(\d+) : start=\s*(\d+),.*type=(\w+)",
                       program("/sbin/sfdisk", "-d", path),
                       flags=re.M)
    return [(int(number), f"{int(kind, 16):02x}", int(start)) for number, start, kind in found]


def the_link_may_stand_before_the_partition():
    found = partitions({0: table(entry(5, 100, 3000)),
                        100: table(entry(5, 1000, 500), entry(0x83, 10, 90)),
                        1100: table(entry(0x83, 10, 400))})
    same(found, [(5, "83", 110, None), (6, "83", 1110, None)])
    same([row[:3] for row in found], by_sfdisk()[1:])


def a_table_without_partitions_takes_no_number():
    found = partitions({0: table(entry(5, 100, 3000)), 100: table(entry(5, 1000, 500)),
                        1100: table(bytes(16), entry(5, 2000, 500)),
                        2100: table(entry(0x83, 10, 400))})
    same(found, [(5, "83", 2110, None)])


def a_table_that_is_none_is_said():
    first = {0: table(entry(5, 100, 3000))}
    link = table(entry(0x83, 10, 90), entry(5, 1000, 500))
    for sectors, expected in (
            ({100: table(entry(0x83, 10, 90), mark=b"\0\0")}, [(1, LEADS_NOWHERE)]),
            ({100: link}, [(1, None), (5, LEADS_NOWHERE)]),
            ({100: table(entry(5, 1000, 500))}, [(1, LEADS_NOWHERE)]),
            ({0: table(entry(5, 3999, 1))}, [(1, LEADS_NOWHERE)]),
            ({0: table(entry(5, 4000, 1))},
             [(1, LEADS_NOWHERE)]), ({0: table(entry(5, 0, 1))}, [(1, LEADS_NOWHERE)]),
            ({0: table(entry(5, 0xffffffff, 0xffffffff))}, [(1, LEADS_NOWHERE)])):
        same(partitions({**first, **sectors}, "number, error", "true"), expected, sectors)


def chains_come_back_to_each_of_their_links():
    for back in (400, 700):
        found = partitions({0: table(bytes(16), entry(5, 100, 3900)),
                            100: table(entry(0x83, 1, 9), entry(5, 300, 9)),
                            400: table(entry(0x83, 1, 9), entry(15, 600, 9)),
                            700: table(entry(5, back - 100, 9))})
        same(found, [(5, "83", 101, None), (6, "83", 401, "the chain comes back to where it was")])
    # A link to where the extended partition begins is none, as in Linux.
    same(partitions({0: table(entry(5, 100, 50)), 100: table(entry(0x83, 1, 9), entry(5, 0, 9))}),
         [(5, "83", 101, None)])


def every_extended_partition_is_followed():
    sectors = {0: table(entry(5, 1000, 800), entry(0x83, 10, 20), entry(0x85, 100, 400)),
               100: table(entry(0x83, 10, 20), entry(5, 100, 50)), 200: table(entry(7, 1, 2)),
               1000: table(entry(0x82, 10, 20), entry(5, 3999, 50))}
    same(partitions(sectors, "number, kind, sector, error", "true"),
         [(1, "extended", 1000, None), (2, "primary", 10, None), (3, "extended", 100, None),
          (5, "logical", 1010, LEADS_NOWHERE), (6, "logical", 110, None),
          (7, "logical", 201, None)])


def four_partitions_in_one_table():
    found = partitions({0: table(entry(5, 100, 500)),
                        100: table(*(entry(0x83, 10 + 20 * i, 20) for i in range(4)))})
    same([row[:3] for row in found], [(5 + i, "83", 110 + 20 * i) for i in range(4)])
    # The last two only where they lie within the extended partition.
    found = partitions({0: table(entry(5, 100, 60)),
                        100: table(*(entry(0x83, 10 + 20 * i, 20) for i in range(4)))})
    same([row[:3] for row in found], [(5 + i, "83", 110 + 20 * i) for i in range(2)])


def a_partition_of_type_0_is_one_if_it_has_a_length():
    found = partitions({0: table(entry(0, 10, 20), entry(5, 100, 3000)),
                        100: table(entry(0, 10, 20), entry(5, 500, 100)),
                        600: table(entry(0x83, 10, 20))}, where="true")
    same([row[:3] for row in found],
         [(1, "00", 10), (2, "05", 100), (5, "00", 110), (6, "83", 610)])
    same([row[:3] for row in found], by_sfdisk())


def hybrid_and_protective_tables_are_shown_as_they_are():
    gpt = b"EFI PART" + bytes(504)
    for count in (3999, 0xffffffff):
        found = partitions({0: table(entry(0xee, 1, count), entry(0x0c, 100, 50, 0x80)), 1: gpt},
                           "number, name, active, sector, bytes, error", "true")
        same(found, [(1, "GPT follows", 0, 1, 3999 * 512, None), (2, "FAT32", 1, 100, 25600, None)])


def every_partition_without_an_error_can_be_opened():
    path = disk({0: table(entry(0xee, 1, 0xffffffff), entry(0x83, 3000, 1000),
                          entry(0x83, 3000, 1001))})
    same(rows(connect("formats/mbr.sql"), [path],
              "SELECT number, mmap_length(mmap_open(path, 'read', bytes, offset))"
              " FROM mbr_partition"
              " WHERE error IS NULL"), [(1, 3999 * 512), (2, 512000)])


def boot_sectors_are_no_tables():
    for data in (bytes(446) + b"\x01" + bytes(63) + b"\x55\xaa", b"", b"\x55\xaa", bytes(512),
                 bytes(510) + b"\x55\xaa", bytes(511) + b"\x55"):
        same(rows(connect("formats/mbr.sql"), [put("boot", data)],
                  "SELECT * FROM mbr_partition"), [], data)


def long_chains_take_time_by_their_length():
    """Of 9,000 links 256 are followed; a hundred such files are a matter of seconds."""
    data = bytearray(9100 * 512)
    data[:512] = table(entry(5, 8, 9000))
    for i in range(9000):
        link = table(entry(0x83, 1, 1), entry(5, i + 1, 1))
        data[(8 + i) * 512:(9 + i) * 512] = link
    path = put("long.img", data)
    db, steps = connect("formats/mbr.sql"), [0]
    db.set_progress_handler(lambda: steps.__setitem__(0, steps[0] + 1) or 0, 1000)
    found = rows(db, [path], "SELECT number, error FROM mbr_partition ORDER BY 1")
    same(found[-1], (260, "the chain goes on, and is not followed"))
    same(len(found), 257)
    # Each link costs a few hundred of SQLite's steps; by the square it would be many times that.
    assert steps[0] < 2000, f"{steps[0]} thousand steps"


def random_table(rng, ebrs, base, main=False):
    """Entries of all kinds; links lead to sectors that may have tables."""
    def one():
        kind = rng.choice([0, 0x83, 0x83, 7, 5, 5, 0x0f, 0x85])
        if kind in EXTENDED:
            target = rng.choice(ebrs + [base]) if main else rng.choice(ebrs)
            return entry(kind, max(0, target - base), rng.choice([0, 1, rng.randrange(1, 300)]))
        if rng.random() < 0.5:
            return bytes(16)
        return entry(kind, rng.randrange(1, 200), rng.choice([0, rng.randrange(1, 200)]))
    return table(*(one() for _ in range(rng.choice([4] if main else [1, 2, 2, 2, 3, 4]))))


def random_tables_agree_with_partx():
    """libblkid goes by the kernel's rules, but leaves out what begins where another one does."""
    rng, db, logical = random.Random(15), connect("formats/mbr.sql"), 0
    for turn in range(250):
        ebrs = rng.sample(range(1, 599), 12)
        main = random_table(rng, ebrs, 0, True)
        bases = [struct.unpack_from("<I", main, 454 + 16 * i)[0] for i in range(4)
                 if main[450 + 16 * i] in EXTENDED] or [0]
        sectors = {at: random_table(rng, ebrs, rng.choice(bases))
                   for at in ebrs if rng.random() < .9}
        path = disk({0: main, **sectors}, size=600)
        expected = [tuple(map(int, line.split())) for line in program(
            "/usr/bin/partx", "-r", "-g", "-t", "dos", "-o", "NR,START,SECTORS", path).splitlines()]
        mine, begins, number = [], set(), 5
        for n, first, count in rows(db, [path], "SELECT number, sector, sectors FROM mbr_partition"
                                    " ORDER BY 1"):
            if n <= 4:
                mine.append((n, first, count))
            elif first not in begins:
                mine.append((number, first, count))
                number += 1
            begins.add(first)
        same(mine, expected, f"turn {turn}")
        logical += number - 5
    assert logical > 30, logical


# ---- GPT -----------------------------------------------------------------------------------------

LINUX = uuid.UUID("0FC63DAF-8483-4772-8E79-3D69D8477DE4").bytes_le


def gpt(sector=512, count=300, name="data", entry_bytes=128, entries=128, head=92, other=None):
    """A disk of `count` sectors; `other` is where the primary says that the backup is."""
    one = (LINUX + uuid.UUID(int=5).bytes_le + struct.pack("<QQQ", 40, 100, 0)
           + name.encode("utf-16-le", "surrogatepass")).ljust(entry_bytes, b"\0")
    tab = one.ljust(entry_bytes * entries, b"\0")
    long = -(-len(tab) // sector)

    def header(here, there, at):
        fields = lambda crc: (struct.pack(
            "<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, head, crc, 0, here, there, 2 + long,
            count - long - 2, uuid.UUID(int=77).bytes_le, at, entries, entry_bytes,
            zlib.crc32(tab)).ljust(head, b"\xab"))
        return fields(zlib.crc32(fields(0)))

    data = bytearray(count * sector)
    data[:512] = table(entry(0xee, 1, count - 1))
    for here, there, at in ((1, other or count - 1, 2), (count - 1, 1, count - 1 - long)):
        data[here * sector:here * sector + head] = header(here, there, at)
        data[at * sector:at * sector + len(tab)] = tab
    return data


HEADER = ("SELECT copy, sector_bytes, offset, header_crc_ok, entries_crc_ok, error FROM gpt_header"
          " ORDER BY copy DESC, offset")


def headers(data):
    return rows(connect("formats/gpt.sql"), [put("gpt.img", data)], HEADER)


def whole(sector, count):
    return [("primary", sector, sector, 1, 1, None),
            ("backup", sector, (count - 1) * sector, 1, 1, None)]


def tables_of_all_sizes_are_whole():
    for sector in (512, 4096):
        for entry_bytes, entries, head in ((128, 128, 92), (256, 128, 92), (128, 4, 512),
                                           (1024, 16, 100), (128, 1, 92)):
            count = 300 if sector == 512 else 150
            data = gpt(sector, count, "\U0001f600" * 18, entry_bytes, entries, head)
            same(headers(data), whole(sector, count), (sector, entry_bytes))
            same(rows(connect("formats/gpt.sql"), ["gpt.img"], "SELECT copy, number, name, type,"
                      " offset, bytes, error FROM gpt_partition ORDER BY copy"),
                 [(copy, 1, "\U0001f600" * 18, "Linux", 40 * sector, 61 * sector, None)
                  for copy in ("backup", "primary")])
            if sector == 512:
                dump = program("/sbin/sfdisk", "-d", "gpt.img")
                assert "start=          40, size=          61" in dump, dump


def the_backup_of_an_enlarged_disk_is_where_the_primary_says():
    grown = "it is not in the last sector: the disk was enlarged"
    for sector, more in ((512, 1 << 20), (4096, 1 << 20), (512, 512), (4096, 4096)):
        found = headers(bytes(gpt(sector)) + bytes(more))
        expected = whole(sector, 300)
        same(found, [expected[0], expected[1][:5] + (grown,)])
    same(rows(connect("formats/gpt.sql"), ["gpt.img"], "SELECT copy, name FROM gpt_partition"),
         [("primary", "data"), ("backup", "data")])
    # A whole sector more is a larger disk; fewer bytes, such as a footer cut short, are nothing.
    same(headers(bytes(gpt()) + bytes(100)), whole(512, 300))


def a_backup_that_is_not_there_is_said():
    for data in (gpt()[:-512], gpt()[:-1], bytes(gpt())[:-512] + bytes(1 << 20),
                 gpt(other=0)[:-512],
                 gpt(other=1)[:-512], gpt(other=1 << 63)[:-512], gpt(other=2**64 - 1)[:-512]):
        same(headers(data), [("primary", 512, 512, 1, 1, "there is no backup where it says")])
    # It is in the last sector, whatever the primary says.
    for other in (2, 298, 1 << 40):
        same(headers(gpt(other=other)), whole(512, 300), other)
    # Without a primary there is nothing that says where else it would be.
    data = gpt()
    data[512:1024] = bytes(512)
    same(headers(data), whole(512, 300)[1:])
    same(headers(bytes(data) + bytes(1 << 20)), [])


def wrong_bytes_are_said():
    for at, changed, error in ((512 + 60, b"x", "the header's CRC is wrong"),
                               (1024 + 60, b"x", "the table's CRC is wrong")):
        data = gpt()
        data[at:at + len(changed)] = changed
        found = headers(data)
        same([row[5] for row in found], [error, None])
    for field, value, error in (
            (80, 65537, "the table has more than 65,536 entries, which are not read"),
            (84, 64, "its entries cannot have 64 bytes"),
            (80, 9999, "the table reaches past the end of the file")):
        data = gpt()
        struct.pack_into("<I", data, 512 + field, value)
        struct.pack_into("<I", data, 512 + 16, 0)
        struct.pack_into("<I", data, 512 + 16, zlib.crc32(data[512:512 + 92]))
        same([row[5] for row in headers(data)], [error, None])


def names_are_utf8_whatever_they_are():
    for name, expected in (("a\ud800b", "a\ufffdb"), ("\udc00", "\ufffd"), ("x" * 36, "x" * 36),
                           ("\udbff" * 36, "\ufffd" * 36), ("a\0b", "a"), ("", "")):
        data = gpt(name=name)
        same(rows(connect("formats/gpt.sql"), [put("gpt.img", data)],
                  "SELECT DISTINCT name FROM gpt_partition"), [(expected,)], repr(name))


TESTS = [the_link_may_stand_before_the_partition, a_table_without_partitions_takes_no_number,
         a_table_that_is_none_is_said, chains_come_back_to_each_of_their_links,
         every_extended_partition_is_followed, four_partitions_in_one_table,
         a_partition_of_type_0_is_one_if_it_has_a_length,
         hybrid_and_protective_tables_are_shown_as_they_are,
         every_partition_without_an_error_can_be_opened, boot_sectors_are_no_tables,
         long_chains_take_time_by_their_length, random_tables_agree_with_partx,
         tables_of_all_sizes_are_whole, the_backup_of_an_enlarged_disk_is_where_the_primary_says,
         a_backup_that_is_not_there_is_said, wrong_bytes_are_said,
         names_are_utf8_whatever_they_are]

if __name__ == "__main__":
    sys.exit(run_tests(TESTS))
