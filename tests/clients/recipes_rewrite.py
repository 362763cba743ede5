#!/usr/bin/python3
"""sql/rewrite.sql: what it writes is what readelf, tarfile, wave and zlib read."""

import io
import os
import re
import struct
import subprocess
import sys
import tarfile
import wave

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "data"))
import formats_support as files
from recipe_support import connect, put, run_tests, same


def database(*paths):
    db = connect("rewrite.sql")
    db.executemany("INSERT INTO target VALUES (?)", [(path,) for path in paths])
    return db


def get(path):
    with open(path, "rb") as file:
        return file.read()


def refused(db, sql, problem, path):
    before = get(path)
    try:
        db.execute(sql)
    except Exception as error:
        assert problem in str(error), error
    else:
        raise AssertionError(sql)
    same(get(path), before)


def differs(a, b):
    return [i for i, (x, y) in enumerate(zip(a, b)) if x != y]


def elf_segments():
    for is64, little in ((True, True), (True, False), (False, True), (False, False)):
        data = files.elf(is64, little)
        path = put("a.so", data)
        db = database(path)
        before = db.execute("SELECT number, type, rights FROM rewrite_elf").fetchall()
        assert len(before) == 3, before
        db.execute("UPDATE rewrite_elf SET rights = 'RWX' WHERE number = 1")
        text = subprocess.run(["readelf", "-lW", path], stdout=subprocess.PIPE, check=True).stdout.decode()
        flags = re.findall(r"^  \w+ +(?:0x[0-9a-f]+ +){5}([R ][W ][E ]) ", text, re.M)
        same(flags[1], "RWE")
        same(len(differs(data, get(path))), 1)
        db.execute("UPDATE rewrite_elf SET rights = ? WHERE number = 1", (before[1][2],))
        same(get(path), data)
        for wrong in ("'RW'", "'rwx'", "NULL", "7"):
            refused(db, f"UPDATE rewrite_elf SET rights = {wrong}", "rights are three", path)
    same(database(put("none", b"\x7fELF")).execute("SELECT * FROM rewrite_elf").fetchall(), [])


def tar_members():
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=form) as t:
            for name in ("README", "p" * 90 + "/" + "q" * 60, "z"):
                info = tarfile.TarInfo(name)
                info.size = 3
                t.addfile(info, io.BytesIO(b"abc"))
        path = put("a.tar", out.getvalue())
        db = database(path)
        names = lambda: tarfile.open(path, errorlevel=2).getnames()
        was = names()
        for new in ("docs/README", "n" * 100, "\xe4\u65e5", "x"):
            db.execute("UPDATE rewrite_tar SET name = ? WHERE number = 0", (new,))
            same(names(), [new] + was[1:])
            subprocess.run(["tar", "-tf", path], check=True, stdout=subprocess.DEVNULL)
        if form == tarfile.USTAR_FORMAT:
            db.execute("UPDATE rewrite_tar SET name = 'short' WHERE number = 1")
            same(names(), ["x", "short", "z"])
        db.execute("BEGIN")
        db.execute("UPDATE rewrite_tar SET name = name || '.bak'")
        db.execute("ROLLBACK")
        same(names()[0], "x")
        for wrong in ("NULL", "''", f"'{'n' * 101}'", "'a' || char(0)"):
            refused(db, f"UPDATE rewrite_tar SET name = {wrong} WHERE number = 0", "the name has", path)


def wav_rates():
    path = put("a.wav", files.wav(8000, 2, 100))
    db = database(path)
    db.execute("UPDATE rewrite_wav SET rate = 48000")
    with wave.open(path) as w:
        same((w.getframerate(), w.getnframes(), w.getnchannels()), (48000, 100, 2))
    same(struct.unpack_from("<II", get(path), 24), (48000, 192000))
    for wrong in ("0", "-1", "NULL", "'x'", "4294967296"):
        refused(db, f"UPDATE rewrite_wav SET rate = {wrong}", "", path)
    big = files.riff(b"RIFX", b"WAVE" + files.riff(b"fmt ", struct.pack(">HHIIHH", 1, 1, 8000, 16000, 2, 16),
                                                   ">") + files.riff(b"data", bytes(20), ">"), ">")
    path = put("b.wav", big)
    database(path).execute("UPDATE rewrite_wav SET rate = 44100")
    same(struct.unpack_from(">II", get(path), 24), (44100, 88200))


def png_texts():
    path = put("a.png", files.png())
    db = database(path)
    same(db.execute("SELECT keyword, text FROM rewrite_png").fetchall(), [("Title", "Caf\xe9 \xa9"), ("Empty", "")])
    db.execute("BEGIN")
    db.execute("UPDATE rewrite_png SET text = 'T\xe9a  \xff' WHERE keyword = 'Title'")
    db.execute("ROLLBACK")
    same(get(path), files.png())
    db.execute("UPDATE rewrite_png SET text = 'T\xe9a  \xff' WHERE keyword = 'Title'")
    body = b"tEXtTitle\0T\xe9a  \xff"
    assert body + struct.pack(">I", files.zlib.crc32(body)) in get(path)
    for wrong in ("'longer than it was'", "'short'", "NULL"):
        refused(db, f"UPDATE rewrite_png SET text = {wrong} WHERE keyword = 'Title'", "as long as", path)
    refused(db, "UPDATE rewrite_png SET text = 'sign \u20ac' WHERE keyword = 'Title'", "latin1", path)


TESTS = [elf_segments, tar_members, wav_rates, png_texts]

if __name__ == "__main__":
    sys.exit(run_tests(TESTS))
