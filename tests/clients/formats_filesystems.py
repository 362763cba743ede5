#!/usr/bin/python3
"""sql/formats of file systems beside the programs that make and read them: mtools, debugfs, isoinfo, unsquashfs."""

import os
import random
import shutil
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "data"))
import formats_support as support
from formats_support import dicts, in_directory, rows, same, write

os.environ.update(LC_ALL="C.UTF-8", TZ="UTC", MTOOLS_SKIP_CHECK="1")
os.environ["PATH"] += ":/usr/sbin:/sbin"


def run(*command, **more):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **more).stdout


def installed(*programs):
    """Whether they are all there; a word if not."""
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        print(f"skipped, not installed: {' '.join(missing)}")
    return not missing


def read(path):
    with open(path, "rb") as file:
        return file.read()


def content(data, runs):
    return b"".join(data[at:at + size] for at, size in runs)


def changed(data, *changes, form="<I"):
    """With other values at places: (place, value), (place, bytes)."""
    data = bytearray(data)
    for at, value in changes:
        value = value if isinstance(value, bytes) else struct.pack(form, value)
        data[at:at + len(value)] = value
    return bytes(data)


# ---- FAT -----------------------------------------------------------------------------------------

def tree_for_fat(directory):
    """A tree with names of all lengths, in a directory: {name in the image: content, or None for a directory}."""
    chance, found = random.Random(7), {}
    letters = "abc XYZ\xe4\u20ac\u65e5+,;=[]."
    places = [""]
    for i in range(60):
        size = chance.choice((1, 5, 8, 11, 12, 13, 14, 25, 26, 27, 60, 100))
        name = chance.choice(places) + "/" + "".join(chance.choice(letters) for _ in range(size)).strip(". ") + f"x{i}"
        if name.count("/") < 5 and i % 4 == 0:
            os.mkdir(directory + name)
            places.append(name)
            found[name] = None
        else:
            found[name] = bytes([65 + i]) * chance.choice((0, 1, 511, 512, 513, 5000, 20000))
            write(directory, name[1:], found[name])
    return found


@in_directory
def fat_agrees_with_mtools(directory):
    if not installed("mkfs.fat", "mcopy", "mdel"):
        return
    os.mkdir(directory + "/t")
    made = tree_for_fat(directory + "/t")
    for bits, size, sectors in ((12, 1440, 1), (12, 2880, 4), (16, 9000, 1), (16, 40000, 8), (32, 40000, 1)):
        image = os.path.join(directory, f"{bits}-{size}.img")
        run("mkfs.fat", "-C", "-F", str(bits), "-s", str(sectors), "-n", "MY LABEL", "-i", "89abcdef", image, str(size))
        run("mcopy", "-i", image, "-s", *(os.path.join(directory, "t", name) for name in sorted(os.listdir(directory + "/t"))), "::/")
        same(rows("fat.sql", image, "SELECT kind, label, serial, cluster_bytes, fats, fats_agree, dirty, error FROM fat_volume"),
             [(f"FAT{bits}", "MY LABEL", "89AB-CDEF", sectors * 512, 2, 1, 0, None)])
        text = run("minfo", "-i", image, "::").decode() + run("mdir", "-i", image, "::").decode()
        free, = rows("fat.sql", image, "SELECT free_clusters * cluster_bytes FROM fat_volume")[0]
        assert f"{free:,} bytes free".replace(",", " ") in text, (free, text)
        data = read(image)
        entries = rows("fat.sql", image, "SELECT name, kind, size, error FROM fat_entry WHERE kind <> 'label'")
        same(sorted(entries), sorted((name, "file" if body is not None else "directory", None if body is None else len(body), None)
                                     for name, body in made.items()), image)
        runs = {}
        for name, at, size, error in rows("fat.sql", image, "SELECT name, offset, bytes, error FROM fat_extent ORDER BY name, number"):
            same(error, None, name)
            runs.setdefault(name, []).append((at, size))
        for name, body in made.items():
            same(body is None or content(data, runs.get(name, [])) == body, True, name)
        short = {line.split(b"  ")[0] for line in run("mdir", "-b", "-i", image, "::").split(b"\n")}
        assert len(short) > 5
        gone = sorted(name for name, body in made.items() if body)[:9]
        for name in gone:
            run("mdel", "-i", image, "::" + name.replace("[", "\\[").replace("]", "\\]"))
        deleted = rows("fat.sql", image, "SELECT name, size, substr(short_name, 1, 1) FROM fat_entry WHERE deleted")
        same(sorted(deleted), sorted((name, len(made[name]), "?") for name in gone), image)
        data = read(image)
        for name, at, size in rows("fat.sql", image, "SELECT x.name, x.offset, bytes FROM fat_extent AS x JOIN fat_entry AS e USING (path, name) WHERE deleted"):
            same(data[at:at + size], made[name][:size], name)


@in_directory
def fat_of_pieces(directory):
    for bits, clusters in ((12, 40), (16, 5000), (32, 40)):
        data = support.fat(bits, clusters)
        path = write(directory, "a.img", data)
        same(rows("fat.sql", path, "SELECT kind, label, serial, maker, clusters, free_clusters, error FROM fat_volume"),
             [(f"FAT{bits}", "VOLUME", "1234-ABCD", "MADEHERE", clusters, clusters - 7 - (bits == 32), None)])
        same(rows("fat.sql", path, "SELECT name, short_name, kind, deleted, attributes, size, modified, made, accessed, error FROM fat_entry"
                                   " WHERE name NOT LIKE '/SUB/E%'"),
             [(name, short, kind, deleted, attributes, size, "2023-12-31 23:58:56", "2023-12-31 23:58:57.50", "2023-12-31", None)
              for name, short, kind, deleted, attributes, size in (
                  ("/VOLUME", "VOLUME", "label", 0, "", None), ("/SUB", "SUB", "directory", 0, "", None), ("/A.TXT", "A.TXT", "file", 0, "R", 700),
                  ("/gone with the wind.txt", "?ONE~1.TXT", "file", 1, "A", 300), ("/B\xe4r.document", "B\xe4R~1.DOC", "file", 0, "A", 99),
                  ("/SUB/deep", "DEEP", "directory", 0, "", None), ("/SUB/deep/END", "END", "file", 0, "A", 0))])
        same(rows("fat.sql", path, "SELECT name FROM fat_entry WHERE name LIKE '/SUB/E%'"), [(f"/SUB/Ein langer Name {i} \U0001f333.txt",) for i in range(6)])
        runs = rows("fat.sql", path, "SELECT name, number, offset, bytes, error FROM fat_extent WHERE name IN ('/A.TXT', '/SUB', '/gone with the wind.txt')")
        same([row[:2] + row[3:] for row in runs], [("/SUB", 0, 512, None), ("/SUB", 1, 512, None), ("/A.TXT", 0, 512, None), ("/A.TXT", 1, 188, None),
                                                   ("/gone with the wind.txt", 0, 300, None)])
        same(content(data, [row[2:4] for row in runs[2:]]), b"4" * 512 + b"7" * 188 + b"8" * 300)


@in_directory
def fat_with_odd_names(directory):
    slot = support.fat_slots
    long = slot(b"LONGNA~1TXT", "long name.txt")
    ask = lambda extra, bits=12: [name for name, in rows("fat.sql", write(directory, "odd.img", support.fat(bits, extra=extra)),
                                                         "SELECT name FROM fat_entry WHERE entry_offset > (SELECT entry_offset FROM fat_entry"
                                                         " WHERE name = '/B\xe4r.document') AND name NOT LIKE '/SUB/%'")]
    same(ask(long), ["/long name.txt"])
    same(ask(long[:32] + slot(b"OTHER   TXT")), ["/OTHER.TXT"])  # a long name that another program left behind
    same(ask(slot(b"X          ", "y" * 30)[32:]), ["/X"])  # and one without its beginning
    same(ask(slot(b"X          ", "y" * 13)), ["/" + "y" * 13])
    same(ask(slot(b"X          ", "y" * 255)), ["/" + "y" * 255])
    same(ask(slot(b"X          ", "y" * 12 + "\U0001f333" * 3)), ["/" + "y" * 12 + "\U0001f333" * 3])
    lower = bytearray(slot(b"SMALL   TXT") * 3)
    lower[12], lower[32 + 12], lower[64 + 12] = 0x18, 0x08, 0x10
    same(ask(bytes(lower)), ["/small.txt", "/small.TXT", "/SMALL.txt"])
    same(ask(slot(b"\x05BC     X  ") + slot(b"\x81\xff\xb0     \xe4\xf1 ")), ["/\u03c3BC.X", "/\xfc\xa0\u2591.\u03a3\xb1"])
    same(ask(slot(b"X          ", "a\ud83cb")), ["/a\ufffdb"])
    gone = [slot((b"G%d~1" % i).ljust(8) + b"TXT", f"gone {i} {'z' * i}", 0x20, 0, 0, 0xe5) for i in (3, 20, 30)]
    same(ask(b"".join(gone)), [f"/gone {i} {'z' * i}" for i in (3, 20, 30)])
    same(ask(slot(b"GONE    TXT", "", 0x20, 0, 0, 0xe5)), ["/?ONE.TXT"])


@in_directory
def fat_that_is_damaged(directory):
    data = support.fat()
    sub, a = 1536 + 32, 1536 + 64
    link = lambda data, cluster, to: changed(data, (512 + cluster * 3 // 2, struct.pack("<H", struct.unpack_from("<H", data, 512 + cluster * 3 // 2)[0]
                                                                                       & (0xf if cluster & 1 else 0xf000) | (to << 4 if cluster & 1 else to))))
    errors = lambda data, view="fat_entry": rows("fat.sql", write(directory, "bad.img", data), f"SELECT name, error FROM {view} WHERE error IS NOT NULL")
    count = lambda data: rows("fat.sql", write(directory, "bad.img", data), "SELECT count(*) FROM fat_entry")[0][0]
    same(errors(data), [])
    same(errors(link(data, 7, 4), "fat_extent"), [])
    same(errors(changed(link(data, 7, 4), (a + 28, 70000)), "fat_extent"), [("/A.TXT", "its chain ends before its data")])
    for to in (0, 1, 4, 44, 0xff7):
        same(errors(link(data, 4, to), "fat_extent"), [("/A.TXT", "its chain ends before its data")], to)
    same(count(link(data, 5, 3)), count(data))  # the directory's chain comes back
    same(errors(link(data, 8, 9), "fat_extent"), [("/gone with the wind.txt", "others are there now")])
    for cluster in (0, 1, 42, 0xffff):
        same(errors(changed(data, (sub + 26, cluster), form="<H")), [("/SUB", "its first cluster is none")])
        same(errors(changed(data, (a + 26, cluster), form="<H")), [("/A.TXT", "its first cluster is none")])
        same(errors(changed(data, (a + 26, cluster), form="<H"), "fat_extent"), [("/A.TXT", "its first cluster is none")])
    same(errors(changed(data, (sub + 26, 4), form="<H")), [("/SUB", "it is no directory")])
    # A directory that is in itself, and many that are one.
    deep = data.index(b"DEEP       ")
    same(count(changed(data, (deep + 26, 3), form="<H")), count(data) - 1)
    same(count(changed(data, (deep + 26, 0), form="<H")), count(data) - 1)
    many = b"".join(support.fat_slots(b"M%-10d" % i, "", 16, 10) for i in range(20))
    same(count(support.fat(extra=many)), count(data) + 20)
    volume = lambda data: rows("fat.sql", write(directory, "bad.img", data), "SELECT error FROM fat_volume")
    same(volume(changed(data, (19, 0), form="<H")), [("it says that it has no sectors",)])
    same(volume(changed(data, (19, 3), form="<H")), [("it has no room for clusters",)])
    same(volume(changed(data, (19, 0), form="<H")[:32] + struct.pack("<I", 45) + data[36:]), [(None,)])  # in 32 bits, as it may be
    same(volume(changed(data, (19, 2000), form="<H")), [("its FAT is too small for its clusters",)])
    same(volume(data[:-1]), [("it reaches past the end of the file",)])
    for size in range(54, len(data), 997):
        for view in ("fat_volume", "fat_entry", "fat_extent"):
            rows("fat.sql", write(directory, "cut.img", data[:size]), f"SELECT * FROM {view}")
    # FAT32 that uses the second of its FATs, while the first is wrong.
    data = support.fat(32)
    same(count(changed(data, (4 * 512 + 12, 0), (40, 0x81))), count(data))
    assert count(changed(data, (4 * 512 + 12, 0))) < count(data)


def lookalikes():
    """Boot sectors of others: of exFAT and NTFS, and of a disk."""
    head = lambda maker, body: (b"\xeb\x76\x90" + maker + body).ljust(510, b"\0") + b"\x55\xaa" + bytes(4096)
    exfat = bytes(53) + struct.pack("<QQIIIII", 0, 9000, 24, 8, 32, 1000, 5)
    ntfs = struct.pack("<HBHBHHBHHHII", 512, 8, 0, 0, 0, 0, 0xf8, 0, 63, 255, 0, 0)
    return [head(b"EXFAT   ", exfat), head(b"NTFS    ", ntfs), support.mbr(), b"\xeb\x3c\x90" + bytes(509), b"\xff" * 512, b"FAT12   " * 100]


@in_directory
def fat_is_not_what_looks_like_it(directory):
    paths = [write(directory, str(i), data) for i, data in enumerate(lookalikes())]
    for view in ("fat_volume", "fat_entry", "fat_extent"):
        same(rows("fat.sql", paths, f"SELECT * FROM {view}"), [])


TESTS = [fat_agrees_with_mtools, fat_of_pieces, fat_with_odd_names, fat_that_is_damaged, fat_is_not_what_looks_like_it]

if __name__ == "__main__":
    sys.exit(support.run_tests(TESTS))
