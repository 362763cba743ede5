#!/usr/bin/python3
"""sql/formats of archives beside tarfile, ar and gzip, whole, odd and damaged."""

import gzip
import io
import lzma
import os
import shutil
import struct
import subprocess
import sys
import tarfile
import time
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "data"))
import formats_support as support
from formats_support import in_directory, rows, same, write

# ---- TAR -----------------------------------------------------------------------------------------

TYPES = {tarfile.REGTYPE: "file", tarfile.AREGTYPE: "file", tarfile.LNKTYPE: "link",
         tarfile.SYMTYPE: "symlink", tarfile.CHRTYPE: "char", tarfile.BLKTYPE: "block",
         tarfile.DIRTYPE: "directory", tarfile.FIFOTYPE: "fifo", tarfile.CONTTYPE: "file"}
TAR = ("SELECT name, type, mode, uid, gid, size, modified, user, \"group\", link, data_offset,"
       " checksum_ok, error FROM tar_member")


def tar_expected(path, encoding="utf-8"):
    with tarfile.open(path, encoding=encoding, errors="strict") as t:
        return [(m.name + ("/" if m.isdir() else ""), TYPES[m.type], "%04o" % (m.mode & 0o7777),
                 m.uid, m.gid, m.size,
                 time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(int(m.mtime))), m.uname or None,
                 m.gname or None, m.linkname or None, m.offset_data, 1, None)
                for m in t.getmembers()]


def tar_same(path, encoding="utf-8"):
    same(rows("tar.sql", path, TAR), tar_expected(path, encoding), path)


@in_directory
def tar_agrees_with_tarfile(directory):
    long = "d" * 99 + "/" + "e" * 120 + "/" + "f" * 90
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=form) as t:
            for name, kind, data, link in (
                    ("a", tarfile.REGTYPE, b"hello", ""), ("empty", tarfile.REGTYPE, b"", ""),
                    ("dir/", tarfile.DIRTYPE, b"", ""), ("s", tarfile.SYMTYPE, b"", "a"),
                    ("l", tarfile.LNKTYPE, b"", "a"), ("f", tarfile.FIFOTYPE, b"", ""),
                    ("c", tarfile.CHRTYPE, b"", ""), ("b", tarfile.BLKTYPE, b"", ""),
                    ("x" * 100, tarfile.REGTYPE, b"x" * 512, ""),
                    ("p" * 90 + "/" + "q" * 90, tarfile.REGTYPE, b"x" * 513, ""),
                    *([] if form == tarfile.USTAR_FORMAT else
                      [(long, tarfile.REGTYPE, b"1", ""), (long + "s", tarfile.SYMTYPE, b"", long),
                       ("short", tarfile.SYMTYPE, b"", long),
                       ("caf\xe9 \u65e5", tarfile.REGTYPE, b"2", "")]),
                    ("last", tarfile.REGTYPE, b"3", "")):
                info = tarfile.TarInfo(name)
                info.type, info.size, info.linkname = kind, len(data), link
                info.uid, info.gid, info.mtime, info.mode = 1000, 100, 1700000000, 0o4755
                info.uname, info.gname = "anna", "users"
                t.addfile(info, io.BytesIO(data))
        path = write(directory, f"{form}.tar", out.getvalue())
        tar_same(path)
        for name, at, size in rows("tar.sql", path, "SELECT name, data_offset, size FROM tar_member"
                                                    " WHERE type = 'file'"):
            with tarfile.open(path) as t:
                same(out.getvalue()[at:at + size], t.extractfile(name).read(), name)


@in_directory
def tar_of_the_program(directory):
    os.makedirs(os.path.join(directory, "t/" + "sub" * 30 + "/" + "deep" * 20))
    for i, name in enumerate(("one", "t" * 120, "zwei \xe4")):
        write(os.path.join(directory, "t"), name, bytes(1000 * i))
    os.symlink("one", os.path.join(directory, "t/link"))
    for form in ("v7", "oldgnu", "gnu", "ustar", "posix"):
        path = os.path.join(directory, form + ".tar")
        subprocess.run(["tar", "-C", directory, "--format=" + form, "-cf", path, "t"],
                       stderr=subprocess.DEVNULL)
        got = [row[:6] + row[9:] for row in rows("tar.sql", path, TAR)]
        same(got, [row[:6] + row[9:] for row in tar_expected(path)], form)


@in_directory
def tar_with_odd_numbers_and_texts(directory):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT, encoding="latin-1") as t:
        info = tarfile.TarInfo("caf\xe9")
        info.size = 5
        t.addfile(info, io.BytesIO(b"abcde"))
        t.addfile(tarfile.TarInfo("next"))
    data = bytearray(out.getvalue())
    path = write(directory, "latin.tar", data)
    same(rows("tar.sql", path, "SELECT name, size, checksum_ok FROM tar_member"),
         [("caf\xe9", 5, 1), ("next", 0, 1)])
    # A size in binary, as GNU writes large ones.
    data[124:136] = b"\x80" + bytes(10) + b"\5"
    path = write(directory, "binary.tar", data)
    same(rows("tar.sql", path, "SELECT name, size, checksum_ok FROM tar_member"),
         [("caf\xe9", 5, 0), ("next", 0, 1)])
    # Cut in the data, in a header, and a size that no file has.
    same(rows("tar.sql", write(directory, "cut.tar", data[:514]), "SELECT name, error FROM tar_member"),
         [("caf\xe9", "its data reach past the end of the file")])
    same(rows("tar.sql", write(directory, "head.tar", data[:1100]), "SELECT name, error FROM tar_member"),
         [("caf\xe9", None)])
    data[124:136] = b"\x80" + b"\xff" * 11
    same(rows("tar.sql", write(directory, "neg.tar", data), "SELECT name, size, error FROM tar_member"),
         [("caf\xe9", None, "its size is no number")])
    for other in (b"", b"text " * 300, bytes(2048)):
        same(rows("tar.sql", write(directory, "other", other), "SELECT * FROM tar_member"), [])


def tar_header(name=b"a", kind=b"0", signed=False, magic=b"ustar\x0000", **numbers):
    """The fields that are given stand there as they are."""
    octal = {"mode": b"0000644", "uid": b"0000000", "gid": b"0000000", "size": b"00000000000", "time": b"00000000000", **numbers}
    head = name.ljust(100, b"\0") + b"".join(octal[key].ljust(room, b"\0") for key, room in
                                             (("mode", 8), ("uid", 8), ("gid", 8), ("size", 12), ("time", 12)))
    rest = kind + bytes(100) + magic.ljust(255, b"\0")
    check = 256 + sum(byte - 256 * (signed and byte > 127) for byte in head + rest)
    return head + b"%06o\0 " % check + rest


@in_directory
def tar_numbers_in_binary(directory):
    binary = lambda number, room: (number + (1 << 8 * room) * (number < 0) | (number >= 0) << 8 * room - 1).to_bytes(room, "big")
    for uid, gid, seconds in ((2097152, 0x7fffffff, -86400), (-2, 1 << 40, 1 << 34), (-1 << 40, 1, -1)):
        data = tar_header(uid=binary(uid, 8), gid=binary(gid, 8), time=binary(seconds, 12)) + bytes(1024)
        path = write(directory, "binary.tar", data)
        with tarfile.open(path) as t:
            same([(m.uid, m.gid, m.mtime) for m in t.getmembers()], [(uid, gid, seconds)])
        same(rows("tar.sql", path, "SELECT uid, gid, CAST(strftime('%s', modified) AS INTEGER), checksum_ok, error FROM tar_member"), [(uid, gid, seconds, 1, None)])
    for number in (binary(-5, 12), b"\x80\0\0\1" + bytes(8), b"0000000000z", b"-0000000005"):
        path = write(directory, "size.tar", tar_header(size=number) + bytes(1024))
        same(rows("tar.sql", path, "SELECT name, size, error FROM tar_member"), [("a", None, "its size is no number")], number)
    same(rows("tar.sql", write(directory, "time.tar", tar_header(time=b"\x80" + b"\xff" * 11) + bytes(1024)),
              "SELECT modified, error FROM tar_member"), [(None, None)])


@in_directory
def tar_of_old_programs(directory):
    old = lambda name, kind=b"\0", **more: tar_header(name, kind, magic=b"", **more)
    data = old(b"caf\xe9/", signed=True) + old(b"caf\xe9/\xe4", signed=True) + old(b"x") + bytes(1024)
    path = write(directory, "v7.tar", data)
    with tarfile.open(path, encoding="latin-1") as t:
        same([(m.name, m.isdir()) for m in t.getmembers()], [("caf\xe9", True), ("caf\xe9/\xe4", False), ("x", False)])
    same(rows("tar.sql", path, "SELECT name, type, checksum_ok FROM tar_member"),
         [("caf\xe9/", "directory", 1), ("caf\xe9/\xe4", "file", 1), ("x", "file", 1)])
    same(rows("tar.sql", write(directory, "no.tar", data[:3] + b"G" + data[4:]), "SELECT * FROM tar_member"), [])


# ---- AR ------------------------------------------------------------------------------------------

AR = "SELECT name, size, data_offset, error FROM ar_member"


@in_directory
def ar_agrees_with_ar(directory):
    names = ["a.o", "exactly15chars.", "sixteen_chars_.o", "a_long_name_" * 9 + ".o", "with space.o",
             "zwei_\xe4_lang_genug.o"]
    for i, name in enumerate(names):
        write(directory, name, bytes([65 + i]) * (i * 7 + 1))
    path = os.path.join(directory, "x.a")
    subprocess.run(["ar", "qcS", path] + names, check=True, cwd=directory)
    data = open(path, "rb").read()
    got = rows("ar.sql", path, AR + " WHERE name NOT GLOB '/*'")
    same([row[0] for row in got], subprocess.run(["ar", "t", path], stdout=subprocess.PIPE,
                                                 check=True).stdout.decode().split("\n")[:-1])
    for (name, size, at, error), i in zip(got, range(9)):
        same((data[at:at + size], error), (bytes([65 + i]) * (i * 7 + 1), None), name)
    same(rows("ar.sql", write(directory, "cut.a", data[:-3]), AR)[-1][3],
         "its data reach past the end of the file")
    at = data.index(b"`\n", data.index(b"exactly15chars"))
    same(rows("ar.sql", write(directory, "bad.a", data[:at] + b"xx" + data[at + 2:]), AR)[-1][3],
         "it is no member")


@in_directory
def ar_of_debian_and_bsd(directory):
    head = lambda name, size: b"%-16s%-12d%-6d%-6d%-8o%-10d`\n" % (name, 1700000000, 0, 0, 0o100644, size)
    deb = (b"!<arch>\n" + head(b"debian-binary", 4) + b"2.0\n" + head(b"control.tar.xz", 3) + b"abc\n"
           + head(b"data.tar.xz", 5) + b"12345")
    path = write(directory, "a.deb", deb)
    same(rows("ar.sql", path, "SELECT name, modified, mode, size, error FROM ar_member"),
         [(name, "2023-11-14 22:13:20", "100644", size, None)
          for name, size in (("debian-binary", 4), ("control.tar.xz", 3), ("data.tar.xz", 5))])
    bsd = b"!<arch>\n" + head(b"#1/20", 25) + b"a name with blanks\0\0" + b"hello\n" + head(b"b.o", 1) + b"1"
    same(rows("ar.sql", write(directory, "bsd.a", bsd), AR),
         [("a name with blanks", 5, 88, None), ("b.o", 1, 154, None)])
    wrong = deb[:8] + head(b"debian-binary", -1) + deb[68:]
    same(rows("ar.sql", write(directory, "neg.deb", wrong), "SELECT name, size, error FROM ar_member"),
         [("debian-binary", -1, "its data reach past the end of the file")])


@in_directory
def ar_of_packages(directory):
    if not shutil.which("dpkg-deb"):
        print("skipped, not installed: dpkg-deb")
        return
    os.makedirs(directory + "/p/DEBIAN")
    write(directory + "/p", "file", b"hello" * 1000)
    write(directory + "/p/DEBIAN", "control", b"Package: p\nVersion: 1\nArchitecture: all\nMaintainer: m\nDescription: d\n")
    for packer, end in (("gzip", ".gz"), ("xz", ".xz"), ("none", "")):
        path = os.path.join(directory, packer + ".deb")
        subprocess.run(["dpkg-deb", "--uniform-compression", "-Z" + packer, "-b", directory + "/p", path], check=True, stdout=subprocess.DEVNULL)
        got = rows("ar.sql", path, AR)
        same([(name, error) for name, _, _, error in got], [("debian-binary", None), ("control.tar" + end, None), ("data.tar" + end, None)])
        data = open(path, "rb").read()
        for name, size, at, _ in got[1:]:
            part = name.split(".")[0]
            listed = subprocess.run(["dpkg-deb", "--fsys-tarfile" if part == "data" else "--ctrl-tarfile", path], check=True, stdout=subprocess.PIPE).stdout
            body = data[at:at + size]
            same({".gz": gzip.decompress, ".xz": lzma.decompress, "": bytes}[end](body), listed, (path, name))
    # What is not packed can be asked further, as an archive of its own.
    at, size = got[2][2], got[2][1]
    same([row[:2] for row in rows("tar.sql", write(directory, "data.tar", data[at:at + size]), "SELECT name, type, size FROM tar_member")],
         [("./", "directory"), ("./file", "file")])


# ---- GZIP ----------------------------------------------------------------------------------------

@in_directory
def gzip_headers_and_blocks(directory):
    out = io.BytesIO()
    with gzip.GzipFile("caf\xe9.txt", "wb", fileobj=out, mtime=1700000000) as g:
        g.write(b"abc" * 99)
    path = write(directory, "a.gz", out.getvalue())
    query = "SELECT method, modified, name, comment, data_offset, crc, size, error FROM gzip_header"
    crc = zlib.crc32(b"abc" * 99)
    same(rows("gzip.sql", path, query),
         [("deflate", "2023-11-14 22:13:20", "caf\xe9.txt", None, 19, crc, 297, None)])
    # All that a header may have.
    body = out.getvalue()[19:]
    full = (b"\x1f\x8b\x08\x1e" + bytes(5) + b"\3" + struct.pack("<H", 5) + b"extra" + b"n\xe4me\0"
            + b"a comment\0" + b"\1\2" + body)
    same(rows("gzip.sql", write(directory, "full.gz", full), query),
         [("deflate", None, "n\xe4me", "a comment", 34, crc, 297, None)])
    for size, error in ((12, "it is cut short"), (6, None)):
        got = rows("gzip.sql", write(directory, "cut.gz", full[:size]), query)
        same([row[-1] for row in got], ["its header has no end"])
    same(rows("gzip.sql", write(directory, "empty.gz", out.getvalue()[:22]), query)[0][-1],
         "it is cut short")
    written = write(directory, "of_gzip", b"12345" * 1000)
    subprocess.run(["gzip", "-N", written], check=True)
    same(rows("gzip.sql", written + ".gz", "SELECT name, size, crc, system FROM gzip_header"),
         [("of_gzip", 5000, zlib.crc32(b"12345" * 1000), "Unix")])
    parts = [b"hello" * 100, b"x" * 60000, b""]
    data = support.bgzf(*parts)
    same(gzip.decompress(data), b"".join(parts))
    path = write(directory, "b.gz", data)
    query = "SELECT number, offset, compressed, crc, size, error FROM gzip_block"
    got = rows("gzip.sql", path, query)
    same([(crc, size, error) for _, _, _, crc, size, error in got],
         [(zlib.crc32(part), len(part), None) for part in parts])
    same([gzip.decompress(data[at:at + size]) for _, at, size, _, _, _ in got], parts)
    same(rows("gzip.sql", write(directory, "c.gz", data[:-3]), query)[-1][3:],
         (0, None, "it reaches past the end of the file"))


@in_directory
def gzip_of_several_members(directory):
    parts = [b"hello" * 99, b"", b"x" * 5000]
    query = "SELECT name, data_offset, crc, size, error FROM gzip_header"
    for level in (0, 9):
        data = b"".join(gzip.compress(part, level, mtime=1) for part in parts)
        same(gzip.decompress(data), b"".join(parts))
        path = write(directory, "a.gz", data)
        same(rows("gzip.sql", path, query), [(None, 10, zlib.crc32(parts[-1]), len(parts[-1]), None)])
        same(rows("gzip.sql", path, "SELECT * FROM gzip_block"), [])
    # Of BGZF there is a row for each, also where others stand behind them.
    mixed = support.bgzf(*parts) + gzip.compress(b"more", mtime=1)
    same(gzip.decompress(mixed), b"".join(parts) + b"more")
    path = write(directory, "b.gz", mixed)
    same(rows("gzip.sql", path, "SELECT crc, size, error FROM gzip_block"), [(zlib.crc32(part), len(part), None) for part in parts])
    same(rows("gzip.sql", path, query), [(None, 18, zlib.crc32(b"more"), 4, None)])


TESTS = [tar_agrees_with_tarfile, tar_of_the_program, tar_with_odd_numbers_and_texts, tar_numbers_in_binary, tar_of_old_programs, ar_agrees_with_ar,
         ar_of_debian_and_bsd, ar_of_packages, gzip_headers_and_blocks, gzip_of_several_members]

if __name__ == "__main__":
    sys.exit(support.run_tests(TESTS))
