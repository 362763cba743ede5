#!/usr/bin/python3
"""sql/formats of file systems beside the programs that make and read them: mtools, debugfs, isoinfo, unsquashfs."""

import lzma
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import time
import zlib

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
        run("mcopy", "-i", image, "-s", *(os.path.join(directory, "t", name)
                                          for name in sorted(os.listdir(directory + "/t"))), "::/")
        same(rows("fat.sql", image, "SELECT kind, label, serial, cluster_bytes, fats, fats_agree, dirty, error FROM fat_volume"),
             [(f"FAT{bits}", "MY LABEL", "89AB-CDEF", sectors * 512, 2, 1, 0, None)])
        text = run("minfo", "-i", image, "::").decode() + run("mdir", "-i", image, "::").decode()
        free, = rows("fat.sql", image, "SELECT free_clusters * cluster_bytes FROM fat_volume")[0]
        assert f"{free:,} bytes free".replace(",", " ") in text, (free, text)
        data = read(image)
        entries = rows("fat.sql", image, "SELECT name, kind, size, error FROM fat_entry WHERE kind <> 'label'")
        same(sorted(entries), sorted((name, "file" if body is not None else "directory",
                                      None if body is None else len(body), None)
                                     for name, body in made.items()), image)
        runs = {}
        for name, at, size, error in rows("fat.sql", image, "SELECT name, offset, bytes, error FROM fat_extent ORDER BY name, number"):
            same(error, None, name)
            runs.setdefault(name, []).append((at, size))
        for name, body in made.items():
            same(body is None or content(data, runs.get(name, [])) == body, True, name)
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
             [(name, short, kind, deleted, attributes, size, "2023-12-31 23:58:56", "2023-12-31 23:58:57.50", "2023-12-31",
               None)
              for name, short, kind, deleted, attributes, size in (
                  ("/VOLUME", "VOLUME", "label", 0, "", None), ("/SUB", "SUB", "directory", 0, "", None),
                                                                   ("/A.TXT", "A.TXT", "file", 0, "R", 700),
                  ("/gone with the wind.txt", "?ONE~1.TXT", "file", 1, "A", 300),
                                                                   ("/B\xe4r.document", "B\xe4R~1.DOC", "file", 0, "A", 99),
                  ("/SUB/deep", "DEEP", "directory", 0, "", None), ("/SUB/deep/END", "END", "file", 0, "A", 0))])
        same(rows("fat.sql", path, "SELECT name FROM fat_entry WHERE name LIKE '/SUB/E%'"),
             [(f"/SUB/Ein langer Name {i} \U0001f333.txt",) for i in range(6)])
        runs = rows("fat.sql", path, "SELECT name, number, offset, bytes, error FROM fat_extent WHERE name IN ('/A.TXT', '/SUB', '/gone with the wind.txt')")
        same([row[:2] + row[3:] for row in runs], [("/SUB", 0, 512, None), ("/SUB", 1, 512, None), ("/A.TXT", 0, 512, None),
                                                   ("/A.TXT", 1, 188, None),
                                                   ("/gone with the wind.txt", 0, 300, None)])
        same(content(data, [row[2:4] for row in runs[2:]]), b"4" * 512 + b"7" * 188 + b"8" * 300)


@in_directory
def fat_with_odd_names(directory):
    slot = support.fat_slots
    long = slot(b"LONGNA~1TXT", "long name.txt")
    ask = lambda extra, bits=12: [name for name, in rows("fat.sql",
                                                         write(directory, "odd.img", support.fat(bits, extra=extra)),
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
    link = lambda data, cluster, to: changed(data, (512 + cluster * 3 // 2,
                                                    struct.pack("<H",
                                                                struct.unpack_from("<H", data, 512 + cluster * 3 // 2)[0]
                                                                                       & (0xf if cluster & 1
                                                                                          else 0xf000) | (to << 4
                                                                                              if cluster & 1 else to))))
    errors = lambda data, view="fat_entry": rows("fat.sql", write(directory, "bad.img", data),
                                                 f"SELECT name, error FROM {view} WHERE error IS NOT NULL")
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
    same(volume(changed(data, (19, 0), form="<H")[:32] + struct.pack("<I", 45) + data[36:]),
         [(None,)])  # in 32 bits, as it may be
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
    return [head(b"EXFAT   ", exfat), head(b"NTFS    ", ntfs), support.mbr(), b"\xeb\x3c\x90" + bytes(509), b"\xff" * 512,
            b"FAT12   " * 100]


@in_directory
def fat_is_not_what_looks_like_it(directory):
    paths = [write(directory, str(i), data) for i, data in enumerate(lookalikes())]
    for view in ("fat_volume", "fat_entry", "fat_extent"):
        same(rows("fat.sql", paths, f"SELECT * FROM {view}"), [])


# ---- ext2, ext3, ext4 ----------------------------------------------------------------------------

EXT = {
    "ext2": ("-t", "ext2"), "ext3": ("-t", "ext3"), "ext4": ("-t", "ext4"), "4k": ("-t", "ext2", "-b", "4096"),
    "32 bit": ("-t", "ext4", "-O", "^64bit,^flex_bg,^metadata_csum,uninit_bg", "-I", "128", "-b", "1024"),
    "meta_bg": ("-t", "ext2", "-b", "1024", "-g", "512", "-O", "meta_bg,^resize_inode,^sparse_super"),
    "sparse_super2": ("-t", "ext4", "-b", "1024", "-O", "sparse_super2,meta_bg,^resize_inode", "-g", "1024"),
    "bigalloc": ("-t", "ext4", "-b", "1024", "-O", "bigalloc", "-C", "4096"), "inline": ("-t", "ext4", "-O", "inline_data"),
    "no types": ("-t", "ext2", "-O", "^filetype"), "revision 0": ("-t", "ext2", "-b", "1024", "-r", "0")}


def tree_for_ext4(directory):
    """Files of all sizes and kinds; {name in the image: what lstat says}."""
    os.makedirs(directory + "/a/b/c/d/e/f/g/h/i/j")
    for size in (0, 1, 59, 60, 61, 100, 150, 1023, 1024, 1025, 12288, 12289, 300000):
        write(directory, f"size {size}", (b"%07d\n" % size * (size // 8 + 1))[:size])
    for i, name in enumerate(("x" * 255, "caf\xe9", "\u65e5\u672c", "with\nnewline")):
        write(directory + "/a", name, bytes([65 + i]) * 5000)
    for i in range(200):
        write(directory + "/a/b", f"one of so many that a tree of hashes is made {i}", b"%d" % i)
    for length in (1, 59, 60, 61, 500):
        os.symlink("t" * length, f"{directory}/a/b/c/link {length}")
    for i, size in ((1, 3 << 20), (2, 80 << 20)):
        with open(f"{directory}/sparse {i}", "wb") as file:
            for at in (100000, size // 2, size):
                file.seek(at)
                file.write(b"here")
    os.link(directory + "/size 100", directory + "/a/hard link")
    os.mkfifo(directory + "/fifo")
    os.chmod(directory + "/size 1", 0o4711)
    os.utime(directory + "/size 1", (4000000000, 4000000001))
    os.utime(directory + "/size 59", (1, -1))
    return {os.path.join(at, name)[len(directory):]: os.lstat(os.path.join(at, name)) for at, dirs,
            names in os.walk(directory) for name in dirs + names}


def ext4_content(data, size, runs):
    """All of a small file; of a large one, which is sparse, what is not 0, with its places."""
    if size > 1 << 20:
        return {logical + i: byte for logical, at, length, written in runs if written for i,
                byte in enumerate(data[at:at + length]) if byte}
    body = bytearray(size)
    for logical, at, length, written in runs:
        body[logical:logical + length] = data[at:at + length] if written else bytes(length)
    return bytes(body)


@in_directory
def ext4_agrees_with_what_was_put_into_it(directory):
    if not installed("mke2fs", "dumpe2fs"):
        return
    tree = os.path.join(directory, "t")
    os.mkdir(tree)
    made = tree_for_ext4(tree)
    kinds = {0o10: "fifo", 0o40: "directory", 0o100: "file", 0o120: "symlink"}
    for kind, options in EXT.items():
        image = os.path.join(directory, "image")
        if os.path.exists(image):
            os.remove(image)
        run("mke2fs", "-q", "-F", "-N", "1024", "-L", "label", *options, "-d", tree, image, "24M")
        said = dict(line.split(":", 1) for line in run("dumpe2fs", "-h", image).decode().split("\n") if ":" in line)
        said = {key: value.strip() for key, value in said.items()}
        volume, = dicts("ext4.sql", image, "SELECT * FROM ext4_volume")
        expected = {"label": "Filesystem volume name", "uuid": "Filesystem UUID", "features": "Filesystem features",
                    "blocks": "Block count",
                    "free_blocks": "Free blocks", "inodes": "Inode count", "free_inodes": "Free inodes",
                    "block_bytes": "Block size"}
        same({key: str(volume[key] or "(none)") for key in expected}, {key: said[name] for key, name in expected.items()},
             kind)
        same((volume["error"], volume["clean"]), (None, 1), kind)
        same(volume["kind"] if kind in ("ext2", "ext3", "ext4") else kind, kind)
        text = run("dumpe2fs", image).decode()
        groups = rows("ext4.sql", image, "SELECT inode_table, free_blocks, free_inodes, directories, error FROM ext4_group")
        same([row[0] for row in groups], [int(at) for at in re.findall(r"Inode table at (\d+)", text)], kind)
        same([row[1:] for row in groups], [(*map(int, found), None) for found in
                                           re.findall(r"(\d+) free (?:blocks|clusters), (\d+) free inodes, (\d+) directories", text)], kind)
        data = read(image)
        found = {row["name"]: row for row in dicts("ext4.sql", image, "SELECT * FROM ext4_file")}
        same(sorted(found), sorted([*made, "/lost+found"]), kind)
        runs = {}
        for inode, *run_ in rows("ext4.sql", image, "SELECT inode, logical, offset, bytes, written FROM ext4_extent WHERE error IS NULL ORDER BY inode, number"):
            runs.setdefault(inode, []).append(run_)
        for name, stat in made.items():
            row = found[name]
            mtime = (int(stat.st_mtime) + 2**31) % 2**32 - 2**31  # mke2fs does not write more
            when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(mtime))
            same((row["type"], row["mode"], row["uid"], row["gid"], row["modified"], row["error"]),
                 (kinds[stat.st_mode >> 12 << 3], "%04o" % (stat.st_mode & 0o7777), stat.st_uid, stat.st_gid, when, None),
                 (kind, name))
            if row["type"] == "file":
                same(row["size"], stat.st_size, (kind, name))
                expected = read(tree + name) if stat.st_size < 1 << 20 else {at + i: byte
                                                                             for at in (100000, (stat.st_size - 4) // 2, stat.st_size - 4)
                                                                             for i, byte in enumerate(b"here")}
                same(ext4_content(data, stat.st_size, runs.get(row["inode"], [])) == expected, True, (kind, name))
            same(row["link"], os.readlink(tree + name) if row["type"] == "symlink" else None, (kind, name))
        same(found["/a/hard link"]["inode"], found["/size 100"]["inode"])
        same(rows("ext4.sql", image, "SELECT count(*) FROM ext4_inode WHERE error IS NOT NULL"), [(0,)])


@in_directory
def ext4_after_files_were_removed(directory):
    if not installed("mke2fs", "debugfs"):
        return
    os.mkdir(directory + "/t")
    for name in "abc":
        write(directory + "/t", name, name.encode() * 3000)
    for kind in ("ext2", "ext4"):
        image = os.path.join(directory, kind)
        run("mke2fs", "-q", "-t", kind, "-d", directory + "/t", image, "4M")
        inode, = rows("ext4.sql", image, "SELECT inode FROM ext4_file WHERE name = '/b'")[0]
        run("debugfs", "-w", "-R", "rm /b", image)
        same(rows("ext4.sql", image, "SELECT name FROM ext4_file WHERE name <> '/lost+found' ORDER BY 1"),
             [("/a",), ("/c",)])
        same(rows("ext4.sql", image, "SELECT inode, links, deleted IS NOT NULL FROM ext4_inode WHERE deleted IS NOT NULL"),
             [(inode, 0, 1)], kind)


@in_directory
def ext4_by_hand(directory):
    for wide in (False, True):
        data = support.ext4(wide)
        path = write(directory, "a.ext4", data)
        if installed("debugfs"):
            text = run("debugfs", "-R", "ls -l /sub", path).decode("latin-1")
            assert " 12  100644 (1)   1000    100    1500 14-Nov-2023 22:13" in text, text
        same(rows("ext4.sql", path, "SELECT kind, label, uuid, blocks, free_blocks, inode_bytes, groups, last_mounted, written, made, error FROM ext4_volume"),
             [("ext4" if wide else "ext2", "caf\xe9", "00010203-0405-0607-0809-0a0b0c0d0e0f", 24, 9, 256 if wide else 128,
               1, "/mnt",
               "2023-11-14 22:13:20", "2020-09-13 12:26:40", None)])
        same(rows("ext4.sql", path, "SELECT name, inode, type, mode, uid, gid, size, links, modified, link, error FROM ext4_file"),
             [(name, inode, kind, mode, 1000, 100, size, links, "2159-12-22 04:41:38" if wide else "2023-11-14 22:13:22",
               link, None) for name, inode, kind, mode, size, links, link in (
                 ("/sub", 11, "directory", "0700", 1024, 2, None), ("/link", 13, "symlink", "0777", 9, 1, "sub/f\xe4le"),
                 ("/sub/f\xe4le", 12, "file", "0644", 1500, 1, None),
                     ("/sub/hard \xff", 12, "file", "0644", 1500, 1, None))])
        same(rows("ext4.sql", path, "SELECT inode, links, deleted FROM ext4_inode WHERE deleted IS NOT NULL"),
             [(14, 0, "2023-11-14 22:15:00")])
        runs = rows("ext4.sql", path, "SELECT logical, offset, bytes, written FROM ext4_extent WHERE inode = 12 ORDER BY number")
        same(ext4_content(data, 1500, runs), b"a" * 1024 + b"b" * 476)
        same(len(runs), 2)


@in_directory
def ext4_that_is_damaged(directory):
    for wide in (False, True):
        data = support.ext4(wide)
        size, table = 256 if wide else 128, 5 * 1024
        inode = lambda number: table + (number - 1) * size
        root, sub = (data.index(b".\0\0\0" + struct.pack("<I", 2), at) // 1024 * 1024 for at in (0, data.index(b"link")))
        ask = lambda data, query: rows("ext4.sql", write(directory, "bad", data), query)
        names = lambda data: [row[0] for row in ask(data, "SELECT name FROM ext4_file WHERE error IS NULL ORDER BY 1")]
        errors = lambda data, view="ext4_file": ask(data, f"SELECT error FROM {view} WHERE error IS NOT NULL")
        all_ = ["/link", "/sub", "/sub/f\xe4le", "/sub/hard \xff"]
        same((names(data), errors(data)), (all_, []))
        entry = data.index(b"sub", root) - 8
        # A directory that is in itself, or in what is in it; names of no inodes; lengths that lead nowhere.
        same(names(changed(data, (data.index("f\xe4le".encode()) - 8, 2), (data.index("f\xe4le".encode()) - 1, b"\2"))),
             all_)
        same(names(changed(data, (data.index("f\xe4le".encode()) - 8, 11), (data.index("f\xe4le".encode()) - 1, b"\2"))),
             all_)
        for number in (15, 17, 0xffffffff):
            got = ask(changed(data, (entry, number)), "SELECT name, error FROM ext4_file")
            same(got, [("/sub", "its inode is free" if number == 15 else "its inode is none"), ("/link", None)], number)
        for length in (1, 7, 8, 0xfff0):
            got = ask(changed(data, (entry + 4, length), form="<H"), "SELECT name, error FROM ext4_file")
            assert ("/", "a block of it is none of a directory") in got, (length, got)
        same(errors(changed(data, (1024 + 4, 1000)), "ext4_volume"), [("it reaches past the end of the file",)])
        for wrong in (0xffffffff, 24, 1 << 20):
            assert ask(changed(data, (2048 + 8, wrong)), "SELECT error FROM ext4_group")[0][0], wrong
            ask(changed(data, (2048 + 8, wrong)), "SELECT * FROM ext4_file")
        if wide:
            at = inode(12) + 40
            same(errors(changed(data, (at + 12 + 8, 1 << 30)), "ext4_extent"), [("it reaches past the end of the file",)])
            same(ask(changed(data, (at + 12 + 4, struct.pack("<H", 32769))),
                     "SELECT bytes, written FROM ext4_extent WHERE inode = 12"), [(1024, 0), (476, 1)])
            # A node that is its own child, and one that says that it is deeper than its child.
            knot = changed(data, (at + 2, struct.pack("<HHH", 4, 4, 3)), (at + 12, struct.pack("<III", 0, 20, 0) * 4),
                           (20 * 1024, struct.pack("<HHHHI", 0xf30a, 80, 84, 2, 0) + struct.pack("<III", 0, 20, 0) * 80))
            same(ask(knot, "SELECT * FROM ext4_extent WHERE inode = 12"), [])
        else:
            at = inode(12) + 40
            same(errors(changed(data, (at, 1 << 30)), "ext4_extent"), [("it reaches past the end of the file",)])
            # All of the map is one block of numbers of itself.
            knot = changed(data, (inode(12) + 4, 0xffffffff), (at, struct.pack("<15I", *[20] * 15)),
                           (20 * 1024, struct.pack("<256I", *[20] * 256)))
            got = ask(knot, "SELECT sum(bytes), max(error) FROM ext4_extent WHERE inode = 12")
            assert got[0][0] < 1 << 20 and got[0][1] is None, got
    for other in (b"", bytes(1080) + b"\x53\xef", bytes(1080) + b"\x53\xef" + bytes(3000), b"\xff" * 5000):
        for view in ("ext4_volume", "ext4_group", "ext4_inode", "ext4_file", "ext4_extent"):
            same(rows("ext4.sql", write(directory, "other", other), f"SELECT * FROM {view}"), [])


# ---- ISO 9660 ------------------------------------------------------------------------------------

@in_directory
def iso_agrees_with_what_was_put_into_it(directory):
    if not installed("genisoimage"):
        return
    tree = os.path.join(directory, "t")
    os.makedirs(tree + "/a/b/c/d/e/f/g/h/i/j")
    for i, name in enumerate(("a", "Name.text", "caf\xe9 \u65e5\u672c", "\xe4" * 110, "x" * 200, "a/b/c/d/e/f/g/h/i/j/end",
                              "a/b/c/d/e/f/g/h/deep", "two  blanks")):
        write(tree, name if "/" in name else "n" + name, bytes([65 + i]) * (i * 1000))
    for i in range(150):
        write(tree + "/a", f"many {i}", b"%d" % i)
    for i, link in enumerate(("na", "/", "/etc/fstab", "../../x/./y", "l" * 300, "/".join("m" * i for i in range(20)))):
        os.symlink(link, f"{tree}/link {i}")
    os.chmod(tree + "/na", 0o4751)
    os.utime(tree + "/na", (1, 1000000000))
    made = {os.path.join(at, name)[len(tree):]: os.lstat(os.path.join(at, name)) for at, dirs,
            names in os.walk(tree) for name in dirs + names}
    for options in (("-R",), ("-R", "-J", "-joliet-long"), ("-R", "-D"), ("-r", "-iso-level", "4"),
                    ("-D", "-J", "-joliet-long"), ("-D", "-l")):
        image = os.path.join(directory, "a.iso")
        run("genisoimage", "-quiet", "-input-charset", "iso8859-1" if "4" in options else "utf-8", *options, "-V", "LABEL",
            "-publisher", "WHO", "-o", image, tree)
        data, rock = read(image), "-R" in options or "-r" in options
        trees = ["primary"] + ["joliet"] * ("-J" in options) + ["enhanced"] * ("4" in options)
        got = rows("iso9660.sql", image, "SELECT tree, label, publisher, block_bytes, blocks, rock_ridge, error FROM iso_volume")
        same(got, [(kind, "LABEL", "WHO", 2048, len(data) // 2048, int(rock and kind == "primary"), None)
                   for kind in trees], options)
        found = {kind: {row["name"]: row for row in dicts("iso9660.sql", image,
                                                          f"SELECT * FROM iso_file WHERE tree = '{kind}'")}
                 for kind in trees}
        runs = {}
        for kind, record, at, size in rows("iso9660.sql", image,
                                           "SELECT tree, record, offset, bytes FROM iso_extent ORDER BY record, number"):
            runs.setdefault((kind, record), []).append((at, size))
        bodies = lambda kind: sorted(content(data, runs.get((kind, row["record"]), [])) for row in found[kind].values()
                                     if row["type"] == "file" and row["size"])
        files = sorted(read(tree + name) for name, stat in made.items() if stat.st_mode >> 12 == 8 and stat.st_size)
        for kind in trees:
            same(bodies(kind), files, (options, kind))
            same([name for name, row in found[kind].items() if row["error"]], [], (options, kind))
        if rock:
            same(sorted(set(found["primary"]) - {"/rr_moved"}), sorted(made), options)
            for name, stat in made.items():
                row, when = found["primary"][name], time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(int(stat.st_mtime)))
                same(row["link"], os.readlink(tree + name) if row["type"] == "symlink" else None, name)
                if "-R" in options and row["type"] != "symlink":
                    same((row["mode"], row["uid"], row["gid"], row["modified"]),
                         ("%04o" % (stat.st_mode & 0o7777), stat.st_uid, stat.st_gid, when), name)
                if row["type"] == "file":
                    same((row["size"], content(data, runs.get(("primary", row["record"]), [])) == read(tree + name)),
                         (stat.st_size, True), name)
        for kind in trees[1:]:
            if kind == "joliet":
                assert "/ncaf\xe9 \u65e5\u672c" in found[kind] and "/a/b/c/d/e/f/g/h/i/j/end" in found[kind], options


@in_directory
def iso_by_hand(directory):
    data = support.iso()
    path = write(directory, "a.iso", data)
    same(rows("iso9660.sql", path, "SELECT tree, label, set_name, publisher, preparer, application, blocks, rock_ridge, made, error FROM iso_volume"),
         [(kind, label, "SET", "WHO", "MADE", "BY HAND", 28, rock, "2023-11-14 22:13:20", None) for kind, label,
          rock in (("primary", "CAF\xc9", 1), ("joliet", "Caf\xe9", 0))])
    found = dicts("iso9660.sql", path, "SELECT * FROM iso_file")
    same([(row["tree"], row["name"], row["type"], row["size"], row["mode"], row["link"], row["hidden"]) for row in found], [
        ("primary", "/dir", "directory", None, "0755", None, 0),
            ("primary", "/link", "symlink", 0, "0777", ".././di\xe4r/here", 0),
        ("primary", "/" + "\xe4" * 60, "file", 5, "0644", None, 0), ("primary", "/dir/big.bin", "file", 2148, None, None, 0),
        ("primary", "/dir/deep", "directory", None, None, None, 0), ("primary", "/dir/caf\xe9", "file", 9, None, None, 1),
        ("primary", "/dir/deep/end.txt", "file", 3, None, None, 0), ("joliet", "/Dir", "directory", None, None, None, 0),
        ("joliet", "/Lang \U0001f333.txt", "file", 5, None, None, 0), ("joliet", "/Dir/\xe9", "file", 9, None, None, 0)])
    same({(row["modified"], row["error"]) for row in found}, {("2023-11-14 22:13:20", None)})
    runs = rows("iso9660.sql", path, "SELECT offset, bytes FROM iso_extent WHERE name = '/dir/big.bin' ORDER BY number")
    same(content(data, runs), b"b" * 2048 + data[26 * 2048:26 * 2048 + 100])
    # One tree, hidden by the other; and the fields of Rock Ridge behind 14 bytes of XA, or behind none that say so.
    alone = data[:17 * 2048] + data[18 * 2048:19 * 2048] + bytes(2048) + data[19 * 2048:]
    same(rows("iso9660.sql", write(directory, "b.iso", alone), "SELECT DISTINCT tree FROM iso_file"), [("primary",)])
    plain = changed(data, (20 * 2048 + 34, b"XX"))
    same(rows("iso9660.sql", write(directory, "c.iso", plain),
              "SELECT name FROM iso_file WHERE tree = 'primary' AND name LIKE '/%' ORDER BY 1"),
         [("/DIR",), ("/DIR/BIG.BIN",), ("/DIR/DEEP",), ("/DIR/Z",), ("/LINK",), ("/LONG.TXT",), ("/MOVED",),
          ("/MOVED/END.TXT",)])


@in_directory
def iso_that_is_damaged(directory):
    data = support.iso()
    ask = lambda data, query: rows("iso9660.sql", write(directory, "bad", data), query)
    errors = lambda data, view="iso_file": ask(data, f"SELECT tree, name, error FROM {view} WHERE error IS NOT NULL")
    names = lambda data: ask(data, "SELECT name FROM iso_file WHERE tree = 'primary' ORDER BY 1")
    dir_ = data.index(b"DIR") - 33
    long = data.index(b"LONG.TXT") - 33
    same((errors(data), errors(data, "iso_extent"), ask(data, "SELECT * FROM iso_volume WHERE error IS NOT NULL")),
         ([], [], []))
    same(errors(changed(data, (long + 2, 27))), [("primary", "/" + "\xe4" * 60, "its numbers differ in the two orders")])
    same(errors(changed(data, (long + 2, 999), (long + 6, b"\0\0\3\xe7"))),
         [("primary", "/" + "\xe4" * 60, "it reaches past the end of the file")])
    same(errors(changed(data, (dir_ + 2, 26))), [("primary", "/dir", "its numbers differ in the two orders")])
    same(errors(changed(data, (dir_ + 2, 26), (dir_ + 6, b"\0\0\0\x1a"))), [("primary", "/dir", "it is no directory")])
    for length in (1, 33, 40):
        same(errors(changed(data, (dir_, bytes([length])))), [("primary", "/", "a sector of it is none of a directory")],
             length)
    # A directory in itself, one that is in what is in it, and one that says that it is all of the image.
    same(names(changed(data, (dir_ + 2, 20), (dir_ + 6, b"\0\0\0\x14"))), [("/dir",), ("/link",), ("/" + "\xe4" * 60,)])
    deep = data.index(b"CL\x0c\1")
    same(len(names(changed(data, (deep + 4, 21), (deep + 8, b"\0\0\0\x15")))), 6)
    assert len(names(changed(data, (dir_ + 10, 0xffffffff)))) >= 7
    # More fields that are where they were, and pieces that never end.
    more = data.index(b"CE\x1c\1")
    assert ("/dir",) in names(changed(data, (more + 4, 20), (more + 12, long + 33 - 20 * 2048), (more + 20, 200)))
    big = data.index(b"BIG.BIN", data.index(b"BIG.BIN") + 1) - 33
    same(ask(changed(data, (big + 25, b"\x80")), "SELECT name, size FROM iso_file WHERE name = '/dir/big.bin'"),
         [("/dir/big.bin", 2148)])
    same(ask(data[:-1], "SELECT tree, error FROM iso_volume"),
         [("primary", "it reaches past the end of the file"), ("joliet", "it reaches past the end of the file")])
    root = 16 * 2048 + 158
    same(ask(changed(data, (root, 26), (root + 4, b"\0\0\0\x1a")), "SELECT error FROM iso_volume WHERE tree = 'primary'"),
         [("its root is no directory",)])
    same(ask(changed(data, (root, 21)), "SELECT error FROM iso_volume WHERE tree = 'primary'"),
         [("its numbers differ in the two orders",)])
    for size in range(32768, len(data), 1111):
        for view in ("iso_volume", "iso_file", "iso_extent"):
            ask(data[:size], f"SELECT * FROM {view}")
    for other in (b"", b"CD001" * 9000, bytes(32768) + b"\1CD001", bytes(32768) + b"\1CD002\1" + bytes(4000)):
        same(ask(other, "SELECT * FROM iso_volume") + ask(other, "SELECT * FROM iso_file"), [])


# ---- squashfs ------------------------------------------------------------------------------------

def squashfs_table(data, list_at, size, width):
    """The entries of a table, as bytes, unpacked."""
    out = b""
    for i in range(-(-size * width // 8192)):
        at, = struct.unpack_from("<Q", data, list_at + 8 * i)
        said, = struct.unpack_from("<H", data, at)
        body = data[at + 2:at + 2 + (said & 0x7fff)]
        out += body if said & 0x8000 else lzma.decompress(body) if body[:4] == b"\xfd7zX" else zlib.decompress(body)
    assert len(out) == size * width
    return [out[i:i + width] for i in range(0, len(out), width)]


SQUASHFS_FLAGS = {"plain-inodes": "Inodes are uncompressed", "plain-data": "Data is uncompressed",
                  "plain-ids": "Uids/Gids (Id table) are uncompressed",
                  "exportable": "Filesystem is exportable via NFS", "duplicates-removed": "Duplicates are removed",
                  "plain-fragments": "Fragments are uncompressed"}


@in_directory
def squashfs_agrees_with_unsquashfs(directory):
    if not installed("mksquashfs", "unsquashfs"):
        return
    os.mkdir(directory + "/t")
    for i in range(700):
        write(directory + "/t", f"file {i}", bytes([i % 256]) * (i * 7))
    for i, (options, plain) in enumerate(((("-noI", "-noId", "-noD", "-noF"), True),
                                          (("-noI", "-noId", "-b", "4096", "-all-root"), True), ((), False),
                                          (("-comp", "xz", "-b", "1M"), False),
                                          (("-no-fragments", "-no-exports", "-noI", "-noId"), True))):
        image = os.path.join(directory, str(i))
        run("mksquashfs", directory + "/t", image, "-quiet", "-no-progress", *options)
        data, text = read(image), run("unsquashfs", "-s", image).decode()
        said = lambda pattern: int(re.search(pattern, text).group(1)) if re.search(pattern, text) else 0
        volume, = dicts("squashfs.sql", image, "SELECT * FROM squashfs_volume")
        same((volume["version"], volume["block_bytes"], volume["inodes"], volume["fragments"], volume["ids"],
              volume["bytes"], volume["error"]),
             ("4.0", said(r"Block size (\d+)"), said(r"Number of inodes (\d+)"), said(r"Number of fragments (\d+)"),
              said(r"Number of ids (\d+)"),
              said(r"Filesystem size (\d+) bytes"), None), options)
        assert f"Compression {volume['compression']}\n" in text
        for flag, line in SQUASHFS_FLAGS.items():
            same(flag in volume["flags"].split() or flag == "plain-ids" and "-noI" in options, line in text, (options, flag))
        ids, _, inodes, directories, fragments, export = struct.unpack_from("<6Q", data, 48)
        blocks = rows("squashfs.sql", image, "SELECT part, number, offset, bytes, compressed FROM squashfs_block WHERE error IS NULL")
        same(rows("squashfs.sql", image, "SELECT * FROM squashfs_block WHERE error IS NOT NULL"), [], options)
        for part, number, at, size, packed in blocks:
            same((size, packed), (struct.unpack_from("<H", data, at)[0] & 0x7fff, int(data[at + 1] < 0x80)), part)
        ends = {part: at + 2 + size for part, _, at, size, _ in blocks}
        same(ends["inodes"], directories, options)
        for view, columns, at, count, form in (("squashfs_id", "id", ids, volume["ids"], "<I"),
                                               ("squashfs_fragment", "offset, bytes, compressed", fragments,
                                                volume["fragments"], "<QII"),
                                               ("squashfs_export", "place, block_offset", export,
                                                volume["inodes"] * (export < 1 << 63), "<HIH")):
            entries = [struct.unpack(form, entry) for entry in squashfs_table(data, at, count, struct.calcsize(form))]
            if view == "squashfs_fragment":
                entries = [(place, size & 0xffffff, int(size < 0x1000000)) for place, size, _ in entries]
            if view == "squashfs_export":
                entries = [(within, low | high << 32) for within, low, high in entries]
            got = rows("squashfs.sql", image, f"SELECT {columns}, error FROM {view}")
            first = squashfs_compressed(data, at) if count else False
            same(got, [(*(None for _ in columns.split(",")), "they are compressed")] * -(-count * struct.calcsize(form) // 8192) if first else [(*entry, None) for entry in entries],
                 (options, view))


def squashfs_compressed(data, list_at):
    at, = struct.unpack_from("<Q", data, list_at)
    return data[at + 1] < 0x80


@in_directory
def squashfs_by_hand(directory):
    data = support.squashfs()
    ask = lambda data, query: rows("squashfs.sql", write(directory, "a.squashfs", data), query)
    same(ask(data, "SELECT version, compression, block_bytes, inodes, fragments, ids, made, bytes, flags, error FROM squashfs_volume"),
         [("4.0", "gzip", 131072, 3, 600, 3, "2023-11-14 22:13:20", len(data),
           "plain-inodes plain-data plain-fragments duplicates-removed exportable plain-ids", None)])
    same(ask(data, "SELECT part, count(*), sum(bytes), sum(compressed) FROM squashfs_block GROUP BY part"),
         [("directories", 1, 100, 0), ("export", 1, 24, 0), ("fragments", 2, 9600, 0), ("ids", 1, 12, 0),
          ("inodes", 2, 8232, 0)])
    same(ask(data, "SELECT number, id, error FROM squashfs_id"), [(0, 0, None), (1, 1000, None), (2, 0xffffffff, None)])
    same(ask(data, "SELECT number, offset, bytes, compressed, error FROM squashfs_fragment"),
         [(i, 96, 10 + i, 1 - i % 2, None) for i in range(600)])
    same(ask(data, "SELECT inode, block_offset, place FROM squashfs_export"), [(i + 1, i, 32 * i) for i in range(3)])
    packed = support.squashfs(False)
    same(ask(packed, "SELECT number, id, error FROM squashfs_id"), [(0, None, "they are compressed")])
    same(ask(packed, "SELECT number, bytes, error FROM squashfs_fragment"),
         [(0, None, "they are compressed"), (512, None, "they are compressed")])
    # One of the two blocks is compressed.
    second = struct.unpack_from("<Q", data, struct.unpack_from("<Q", data, 80)[0] + 8)[0]
    half = ask(changed(data, (second + 1, bytes([data[second + 1] & 0x7f]))), "SELECT number, error FROM squashfs_fragment")
    same(half, [(i, None) for i in range(512)] + [(512, "they are compressed")])


@in_directory
def squashfs_that_is_damaged(directory):
    data = support.squashfs()
    ask = lambda data, query: rows("squashfs.sql", write(directory, "bad", data), query)
    volume = lambda data: ask(data, "SELECT error FROM squashfs_volume")[0][0]
    same(volume(data[:-1]), "it reaches past the end of the file")
    same(volume(data[:95]), "its superblock reaches past the end of the file")
    same(volume(changed(data, (12, 65536))), "it says two sizes of blocks")
    same(volume(changed(data, (22, b"\x40"))), "it says two sizes of blocks")
    same(ask(changed(data, (28, b"\3")), "SELECT version, block_bytes, error FROM squashfs_volume"),
         [("3.0", None, "its version is not read here")])
    same(ask(changed(data, (28, b"\3")), "SELECT 1 FROM squashfs_block UNION ALL SELECT 1 FROM squashfs_id"), [])
    for at, view in ((48, "squashfs_id"), (80, "squashfs_fragment"), (88, "squashfs_export")):
        for place in (0, 95, len(data), 1 << 63, 2**64 - 1):
            same(ask(changed(data, (at, place), form="<Q"), f"SELECT * FROM {view}"), [])
        list_at, = struct.unpack_from("<Q", data, at)
        for place in (0, 95, len(data) - 1, 1 << 63, 2**64 - 1):
            got = ask(changed(data, (list_at, place), form="<Q"), f"SELECT error FROM {view}")
            same(got[0][0], "there is no block where it should be", (view, place))
    same(ask(changed(data, (16, 0xffffffff)), "SELECT count(*) BETWEEN 601 AND 9999 FROM squashfs_fragment WHERE error IS NOT NULL OR number < 600"), [(1,)])
    block = struct.unpack_from("<Q", data, 64)[0]
    same(ask(changed(data, (block, b"\0\0")), "SELECT part, error FROM squashfs_block WHERE error IS NOT NULL"),
         [("inodes", "it is no block, or reaches past the end of the file")])
    for other in (b"", b"hsqs", b"sqsh" + data[4:], b"hsqs" + bytes(20)):
        same(ask(other, "SELECT * FROM squashfs_volume"), [])


TESTS = [fat_agrees_with_mtools, fat_of_pieces, fat_with_odd_names, fat_that_is_damaged, fat_is_not_what_looks_like_it,
         ext4_agrees_with_what_was_put_into_it, ext4_after_files_were_removed, ext4_by_hand, ext4_that_is_damaged,
         iso_agrees_with_what_was_put_into_it, iso_by_hand, iso_that_is_damaged,
         squashfs_agrees_with_unsquashfs, squashfs_by_hand, squashfs_that_is_damaged]

if __name__ == "__main__":
    sys.exit(support.run_tests([test for test in TESTS if test.__name__.startswith(tuple(sys.argv[2:]) or "")]))
