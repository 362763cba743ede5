#!/usr/bin/python3
"""sql/formats/cpio.sql beside the program cpio, and on archives of all kinds, one behind another, and damaged."""

import gzip
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "data"))
import formats_support as support
from formats_support import dicts, in_directory, rows, same, write

KINDS = {"newc": "newc", "crc": "crc", "odc": "odc", "<": "binary", ">": "binary"}
ARCHIVES = "SELECT number, kind, offset, bytes, members, error FROM cpio_archive"
TYPES = {0o10: "fifo", 0o40: "directory", 0o100: "file", 0o120: "symlink"}


@in_directory
def archives_agree_with_cpio(directory):
    if not shutil.which("cpio"):
        print("skipped, not installed: cpio")
        return
    tree = os.path.join(directory, "t")
    os.makedirs(tree + "/sub" * 9)
    for i, size in enumerate((0, 1, 2, 3, 4, 5, 511, 512, 100000)):
        write(tree, f"file {i}" + "z" * i * 20, bytes([65 + i]) * size)
    os.symlink("file 0", tree + "/sub/link")
    os.link(tree + "/file 1" + "z" * 20, tree + "/sub/hard")
    os.link(tree + "/file 1" + "z" * 20, tree + "/sub/sub/harder")
    os.mkfifo(tree + "/fifo")
    os.utime(tree + "/file 0", (1, 1700000000))
    os.chmod(tree + "/file 0", 0o4751)
    names = sorted(os.path.relpath(os.path.join(at, name), tree) for at, dirs,
                   files in os.walk(tree) for name in dirs + files)
    for form, kind in (("newc", "newc"), ("crc", "crc"), ("odc", "odc"), ("bin", "binary")):
        data = subprocess.run(["cpio", "-o", "-H", form], input="\n".join(names).encode(), cwd=tree, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=True).stdout
        path = write(directory, "a.cpio", data)
        found = dicts("cpio.sql", path, "SELECT * FROM cpio_member")
        listed = subprocess.run(["cpio", "-it", "--quiet"], input=data, stdout=subprocess.PIPE,
                                check=True).stdout.decode().split("\n")[:-1]
        same([row["name"] for row in found], listed, form)
        same(sorted(row["name"] for row in found), names, form)
        same([row[1:3] + row[4:] for row in rows("cpio.sql", path, ARCHIVES)], [(kind, 0, len(names), None)], form)
        for row in found:
            stat = os.lstat(os.path.join(tree, row["name"]))
            same((row["kind"], row["type"], row["mode"], row["uid"], row["gid"], row["links"], row["modified"],
                  row["error"]),
                 (kind, TYPES[stat.st_mode >> 12 << 3], "%04o" % (stat.st_mode & 0o7777), stat.st_uid, stat.st_gid,
                  stat.st_nlink,
                  time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(int(stat.st_mtime))), None), (form, row["name"]))
            body = data[row["data_offset"]:row["data_offset"] + row["size"]]
            if row["type"] == "file":
                with open(os.path.join(tree, row["name"]), "rb") as file:
                    same(body, file.read(), (form, row["name"]))
            same(row["link"], "file 0" if row["type"] == "symlink" else None)
            same(row["checksum_ok"], 1 if form == "crc" and row["type"] == "file" else None, (form, row["name"]))


MEMBER = "SELECT name, type, mode, uid, gid, links, size, modified, inode, link, error FROM cpio_member"


def expected():
    listed = (("dir", "directory", "0755", 2, 0, 2, None), ("dir/a", "file", "4711", 1, 5, 3, None),
              ("\xe4 1", "file", "0644", 1, 700, 4, None),
              ("caf\xe9", "file", "0644", 1, 1, 5, None), ("link", "symlink", "0777", 1, 5, 6, "dir/a"),
              ("first", "file", "0644", 2, 6, 7, None),
              ("second", "file", "0644", 2, 6, 7, None), ("pipe", "fifo", "0600", 1, 0, 8, None))
    return [(name, kind, mode, 1000, 100, links, size, "2023-11-14 22:13:20", inode, link, None) for name, kind, mode,
            links, size, inode, link in listed]


@in_directory
def archives_of_all_kinds(directory):
    for kind, said in KINDS.items():
        data = support.cpio(kind)
        path = write(directory, "a.cpio", data)
        same(rows("cpio.sql", path, MEMBER), expected(), kind)
        same([row[:3] + row[4:] for row in rows("cpio.sql", path, ARCHIVES)], [(1, said, 0, 8, None)], kind)
        for name, at, size in rows("cpio.sql", path, "SELECT name, data_offset, size FROM cpio_member WHERE name IN ('first', 'second')"):
            same(data[at:at + size], b"shared", (kind, name))


@in_directory
def archives_one_behind_another(directory):
    kinds = ("newc", "crc", "odc", "<", "newc")
    parts = [support.cpio(kind, block) for kind, block in zip(kinds, (512, 4, 512, 2, 8192))]
    data = b"".join(parts)
    path = write(directory, "a.cpio", data)
    got = rows("cpio.sql", path, ARCHIVES)
    same([(number, kind, at, members, error) for number, kind, at, _, members, error in got],
         [(i + 1, KINDS[kind], sum(map(len, parts[:i])), 8, None) for i, kind in enumerate(kinds)])
    same(rows("cpio.sql", path, MEMBER), expected() * 5)
    same(rows("cpio.sql", path, "SELECT DISTINCT archive, number FROM cpio_member"),
         [(i + 1, j + 1) for i in range(5) for j in range(8)])
    # What follows is compressed, as in an initrd; or nothing that is known.
    for rest, kind, error in ((gzip.compress(b"x" * 999), "gzip", None),
                              (b"\x28\xb5\x2f\xfd" + bytes(range(99)), "zstd", None), (b"\xfd7zXZ\0", "xz", None),
                              (b"?", None, "it is no archive of cpio")):
        path = write(directory, "b.cpio", parts[0] + bytes(1000) + rest)
        got = rows("cpio.sql", path, ARCHIVES)
        same(got[1:], [(2, kind, len(parts[0]) + 1000, len(rest), None, error)])
        same(len(rows("cpio.sql", path, MEMBER)), 8)
    # Names before and behind the trailer that only look like it.
    odd = support.cpio_member("newc", b"TRAILER!!!x") + support.cpio_member("newc", b"./TRAILER!!!") + support.cpio()
    same([row[0] for row in rows("cpio.sql", write(directory, "c.cpio", odd), MEMBER)][:3],
         ["TRAILER!!!x", "./TRAILER!!!", "dir"])


@in_directory
def archives_that_are_damaged(directory):
    ask = lambda data, query: rows("cpio.sql", write(directory, "bad.cpio", data), query)
    for kind in KINDS:
        data = support.cpio(kind)
        for size in (len(data) - 700, 1000, 300, 200):
            got = ask(data[:size], "SELECT error FROM cpio_member")
            same({error for error, in got[:-1]} | {None}, {None}, (kind, size))
            same(ask(data[:size], "SELECT error FROM cpio_archive WHERE number = 1 AND members"), [("it has no end",)],
                 (kind, size))
        # The archive's own end is not cut, what fills up its block is.
        end = data.index(b"TRAILER!!!") + 11
        same(ask(data[:end], ARCHIVES)[0][-1], None, kind)
        at = ask(data, "SELECT header_offset FROM cpio_member WHERE name = 'caf\xe9'")[0][0]
        got = ask(data[:at] + b"XXXXXX" + data[at + 6:], "SELECT number, kind, members, error FROM cpio_archive")
        same(got, [(1, KINDS[kind], 3, "it has no end"), (1, None, None, "it is no header of a member")], kind)
    data = support.cpio()
    for at, digits, error in ((94, b"xxxxxxxx", "its header is damaged"), (94, b"00000000", "its header is damaged"),
                              (94, b"FFFFFFFF", "it reaches past the end of the file"),
                              (54, b"FFFFFFFF", "it reaches past the end of the file"),
                              (54, b"-0000001", "its header is damaged")):
        same(ask(data[:at] + digits + data[at + 8:], "SELECT error FROM cpio_member"), [(error,)], (at, digits))
    crc = support.cpio("crc")
    at = crc.index(b"hello")
    same(ask(crc[:at] + b"j" + crc[at + 1:], "SELECT name FROM cpio_member WHERE NOT checksum_ok"), [("dir/a",)])
    # A name of all of the file, and links to data that are nowhere.
    same(ask(data[:94] + b"%08X" % (len(data) - 112) + data[102:], "SELECT error FROM cpio_member"), [(None,)])
    lost = support.cpio_member("newc", b"a", b"", links=2, inode=9) + support.cpio()
    same(ask(lost, "SELECT name, size, error FROM cpio_member WHERE inode = 9"), [("a", 0, None)])
    for other in (b"", b"0", b"07070", b"070707"[::-1] * 99, b"070703" * 99, b"\xc7\x71", b"\xc7\x71" + b"\xff" * 99,
                  b"\x71\xc7" + bytes([0, 1, 0, 1, 0xff, 0xff]) + bytes(99), bytes(9999)):
        same(ask(other, MEMBER) + ask(other, ARCHIVES), [], other[:9])


TESTS = [archives_agree_with_cpio, archives_of_all_kinds, archives_one_behind_another, archives_that_are_damaged]

if __name__ == "__main__":
    sys.exit(support.run_tests(TESTS))
