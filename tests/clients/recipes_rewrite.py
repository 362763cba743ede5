#!/usr/bin/python3
"""sql/rewrite.sql: what it writes is what readelf, tarfile, wave and zlib read; of EXIF, only the bytes of times."""

import io
import json
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


def tensors(**shapes):
    """A file of tensors; each is (dtype, shape, bytes)."""
    header, body = {"__metadata__": {"format": "pt"}}, b""
    for name, (kind, shape, data) in shapes.items():
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def bf16(value):
    """Rounded to the nearest, to even between two."""
    bits, = struct.unpack("<I", struct.pack("<f", value))
    return (bits + 0x7fff + (bits >> 16 & 1)) >> 16


def tensor_values():
    forms = {"F64": "d", "F32": "f", "F16": "e", "I64": "q", "I32": "i", "I16": "h", "I8": "b", "U32": "I", "U16": "H", "U8": "B"}
    shapes = {f"t.{kind}": (kind, [2, 3], struct.pack("<6" + form, *range(6))) for kind, form in forms.items()}
    shapes["t.BF16"] = ("BF16", [6], struct.pack("<6H", *map(bf16, range(6))))
    shapes.update(scalar=("F32", [], struct.pack("<f", 7)), none=("F32", [0, 9], b""))
    data = tensors(**shapes)
    path = put("a.safetensors", data)
    length, = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + length])
    db = database(path)
    values = lambda name: [value for value, in db.execute("SELECT value FROM rewrite_tensor WHERE name = ? ORDER BY number", (name,))]
    for name in shapes:
        same(values(name), {"scalar": [7.0], "none": []}.get(name, list(range(6))), name)
    for kind, form in forms.items():
        at = 8 + length + header[f"t.{kind}"]["data_offsets"][0]
        new = -7.25 if form in "dfe" else 99
        db.execute("UPDATE rewrite_tensor SET value = ? WHERE name = ? AND number = 4", (new, f"t.{kind}"))
        same(struct.unpack_from("<6" + form, get(path), at), (0, 1, 2, 3, new, 5), kind)
        db.execute("UPDATE rewrite_tensor SET value = 4 WHERE name = ? AND number = 4", (f"t.{kind}",))
        same(get(path), data, kind)
    at = 8 + length + header["t.BF16"]["data_offsets"][0]
    for value in (-7.25, 1 / 3, 1e-40, 3e38, 0.0, 1.00390625, 1.01171875):
        db.execute("UPDATE rewrite_tensor SET value = ? WHERE name = 't.BF16' AND number = 1", (value,))
        same(struct.unpack_from("<6H", get(path), at)[1], bf16(value), value)
    for value in (1 / 3, 65504, 6e-8, 2049.0, 1e-9):
        db.execute("UPDATE rewrite_tensor SET value = ? WHERE name = 't.F16' AND number = 1", (value,))
        same(values("t.F16")[1], struct.unpack("<e", struct.pack("<e", value))[0], value)
    db.execute("BEGIN")
    db.execute("UPDATE rewrite_tensor SET value = value * 2 WHERE name = 't.F32'")
    same(values("t.F32"), [0, 2, 4, 6, 8, 10])
    db.execute("ROLLBACK")
    same(values("t.F32"), list(range(6)))
    # No number, one that is too large, and places that are not there.
    before = get(path)
    for name, wrong in (("F32", "NULL"), ("F32", "'1'"), ("F32", "x'00'"), ("F32", "3.5e38"), ("F32", "9e999"), ("F16", "65505"), ("F16", "-1e5"),
                        ("BF16", "3.4e38"),
                        ("I8", "1.5"), ("F64", "-9e999")):
        refused(db, f"UPDATE rewrite_tensor SET value = {wrong} WHERE name = 't.{name}'", "no number that the type", path)
    for name, wrong in (("I8", 128), ("U8", -1), ("U32", 1 << 32), ("I16", -32769)):
        refused(db, f"UPDATE rewrite_tensor SET value = {wrong} WHERE name = 't.{name}'", "", path)
    for where in ("name = 't.F32' AND number = 6", "name = 't.F32' AND number = -1", "name = 'none'", "name = 'other'"):
        db.execute(f"UPDATE rewrite_tensor SET value = 1 WHERE {where}")
    same(get(path), before)
    # Tensors whose bytes are not where they say, or not as many as they say, are none.
    for wrong in ({"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}, {"dtype": "F32", "shape": [2], "data_offsets": [-4, 4]},
                  {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]},
                  {"dtype": "F32", "shape": [-1, -2], "data_offsets": [4, 4]}, {"dtype": "F99", "shape": [2], "data_offsets": [0, 8]},
                  {"dtype": "F32"}, {"dtype": "F32", "shape": "x"},
                  {"dtype": "F32", "shape": [1 << 62, 1 << 62], "data_offsets": [0, 8]}, {"dtype": "F32", "shape": [2], "data_offsets": ["0", 8]}):
        text = json.dumps({"w": wrong}).encode()
        path = put("b.safetensors", struct.pack("<Q", len(text)) + text + bytes(8))
        same(database(path).execute("SELECT * FROM rewrite_tensor").fetchall(), [], wrong)


def exif_times(data):
    """The times in a file, at which places, by what they look like."""
    return [(m.start(), m.group().decode()) for m in re.finditer(rb"\d{4}:\d\d:\d\d \d\d:\d\d:\d\d", data)]


def exif_dates():
    tiffs = [files.tiff(), files.tiff(">")]
    for i, data in enumerate(tiffs + [files.exif(tiff) for tiff in tiffs]):
        path = put("a.jpg" if i > 1 else "a.tif", data)
        db = database(path)
        same(db.execute("SELECT name, time FROM rewrite_exif").fetchall(),
             [("DateTime", "2024-01-01 00:00:00"), ("DateTimeOriginal", "2023-11-14 22:13:20")])
        db.execute("BEGIN")
        db.execute("UPDATE rewrite_exif SET time = datetime(time, '+2 hours')")
        same(sorted(time for _, time in exif_times(get(path))), ["2023:11:14 22:13:20", "2024:01:01 00:00:00"])
        db.execute("ROLLBACK")
        same(get(path), data)
        db.execute("BEGIN")
        db.execute("UPDATE rewrite_exif SET time = datetime(time, '+2 hours')")
        db.execute("COMMIT")
        same(sorted(time for _, time in exif_times(get(path))), ["2023:11:15 00:13:20", "2024:01:01 02:00:00"])
        same([at for at, _ in exif_times(get(path))], [at for at, _ in exif_times(data)])
        places = [at for at, _ in exif_times(data)]
        assert all(any(at <= i < at + 19 for at in places) for i in differs(data, get(path)))
        db.execute("UPDATE rewrite_exif SET time = '2023-11-14 22:13:20' WHERE name = 'DateTimeOriginal'")
        db.execute("UPDATE rewrite_exif SET time = '2024-01-01 00:00:00' WHERE name = 'DateTime'")
        same(get(path), data)
        for wrong in ("NULL", "''", "'2024-01-01'", "'2024:01:01 00:00:00'", "'2024-13-01 00:00:00'", "5", "'2024-01-01 00:00:00.5'"):
            refused(db, f"UPDATE rewrite_exif SET time = {wrong}", "a time is", path)
    # A time that was never set, and one that reaches past the end.
    blank = tiffs[0].replace(b"2024:01:01 00:00:00", b"    :  :     :  :  ")
    db = database(put("a.tif", blank))
    same(db.execute("SELECT time FROM rewrite_exif WHERE name = 'DateTime'").fetchall(), [(None,)])
    db.execute("UPDATE rewrite_exif SET time = '2024-01-01 00:00:00' WHERE name = 'DateTime'")
    same(get("a.tif"), tiffs[0])
    for data in (b"", b"II*\0", b"II*\0\x08\0\0\0", tiffs[0][:60], files.jpeg(), tiffs[0][:8] + b"\xff" * 99, b"II*\0" + b"\xff" * 99):
        same(database(put("other", data)).execute("SELECT * FROM rewrite_exif").fetchall(), [])
    for cut in range(8, len(tiffs[1]), 7):
        database(put("cut", tiffs[1][:cut]), put("cut.jpg", files.exif(tiffs[0])[:cut])).execute("SELECT * FROM rewrite_exif").fetchall()


TESTS = [elf_segments, tar_members, wav_rates, png_texts, tensor_values, exif_dates]

if __name__ == "__main__":
    sys.exit(run_tests(TESTS))
