"""What the tests of sql/formats share: the sqlite3 shell, and small files of each format."""

import glob
import io
import json
import os
import re
import sqlite3
import struct
import subprocess
import sys
import tarfile
import tempfile
import wave
import zipfile
import zlib

import samples_programs
import samples_wire
from samples_programs import leb128


# ---- the shell -----------------------------------------------------------------------------------

def library():
    return os.path.abspath("ext/mmap0.so" if len(sys.argv) < 2 else sys.argv[1])


def recipes():
    return sorted(name for name in os.listdir("sql/formats") if name.endswith(".sql"))


def views(recipe):
    """The views that a recipe makes for its users."""
    text = open(os.path.join("sql/formats", recipe), encoding="utf-8").read()
    return re.findall(r"^CREATE TEMP VIEW IF NOT EXISTS (\w+[a-z]) AS$", text, flags=re.M)


def quote(value):
    return "'" + value.replace("'", "''") + "'"


def shell(statements, directory="."):
    """(rows as dicts, error text) of each statement."""
    script = [".bail off", f".load {quote(library())}", ".mode json"]
    for i, statement in enumerate(statements):
        script += [statement, f".print <<{i}>>"]
    run = subprocess.run(
        ["stdbuf", "-o0", "sqlite3", "-init", "/dev/null", "-batch", ":memory:"],
        input="\n".join(script) + "\n", cwd=directory, encoding="utf-8", errors="replace",
        timeout=100,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    results, rest = [], run.stdout
    for i, statement in enumerate(statements):
        output, marker, rest = rest.partition(f"<<{i}>>\n")
        if not marker:
            sys.exit(f"the shell stopped at: {statement}\n{output}")
        error = re.search(r"^.*[Ee]rror near line .*", output, flags=re.M)
        results.append(([], error.group()) if error else (json.loads(output or "[]"), None))
    return results


def ask(recipe, paths, *queries, directory="."):
    """The rows of each query with the recipe read and `paths` in target; an error ends the test."""
    root = os.path.abspath("sql/formats")
    statements = [f".read {quote(os.path.join(root, recipe))}"]
    statements += [f"INSERT OR IGNORE INTO target VALUES ({quote(path)});" for path in paths]
    results = shell(statements + [query + ";" for query in queries], directory)
    for statement, (_, error) in zip(statements + list(queries), results):
        assert error is None, f"{statement}\n  {error}"
    return [rows for rows, _ in results[-len(queries):]]


def connect(recipe, encoding="UTF-8"):
    """A host that takes no TEXT but UTF-8, with the library loaded and the recipe read."""
    root = "sql" if os.path.exists(os.path.join("sql", recipe)) else "sql/formats"
    database = sqlite3.connect(":memory:", isolation_level=None)
    database.execute(f"PRAGMA encoding = '{encoding}'")
    database.enable_load_extension(True)
    database.load_extension(library())
    database.executescript(open(os.path.join(root, recipe), encoding="utf-8").read())
    return database


def rows(recipe, paths, query, form=tuple):
    """The rows of a query, as tuples, with the path or the paths in target."""
    database = connect(recipe)
    database.row_factory = sqlite3.Row
    try:
        database.executemany("INSERT INTO target VALUES (?)",
                             [(p,) for p in ([paths] if isinstance(paths, str) else paths)])
        return [form(row) for row in database.execute(query)]
    finally:
        database.close()


def dicts(recipe, paths, query):
    return rows(recipe, paths, query, dict)


def same(got, expected, what=""):
    if got == expected:
        return
    if isinstance(got, list) and isinstance(expected, list):
        for i, (g, e) in enumerate(zip(got, expected)):
            assert g == e, f"{what}: row {i}:\n  got      {g}\n  expected {e}"
        raise AssertionError(f"{what}: {len(got)} rows instead of {len(expected)}")
    raise AssertionError(f"{what}:\n  got      {got}\n  expected {expected}")


def run_tests(tests):
    failed = 0
    for test in tests:
        try:
            test()
        except AssertionError as problem:
            failed += 1
            print(f"{test.__name__}: {problem}")
    print(f"{len(tests) - failed} passed, {failed} failed")
    return 1 if failed else 0


def write(directory, name, data):
    path = os.path.join(directory, name)
    with open(path, "wb") as file:
        file.write(data)
    return path


def found(*patterns):
    """Files of the machine; a word if there are none."""
    paths = sorted({os.path.realpath(p) for pattern in patterns for p in glob.glob(pattern, recursive=True)
                    if os.path.isfile(p)})
    if not paths:
        print(f"none of {' '.join(patterns)} is here: only files made in the test")
    return paths


def in_directory(test):
    def run():
        with tempfile.TemporaryDirectory() as directory:
            test(directory)
    run.__name__ = test.__name__
    return run


# ---- small files ---------------------------------------------------------------------------------

def elf(is64, little, machine=62):
    """A shared library with each kind of segment that is read, and two symbol tables."""
    end = "<" if little else ">"
    word = "Q" if is64 else "I"
    pack = lambda form, *values: struct.pack(end + form, *values)
    ehsize, phsize, shsize = (64, 56, 64) if is64 else (52, 32, 40)
    base = 0x10000

    def symbol(name, value, size, info, other, section):
        if is64:
            return pack("IBBHQQ", name, info, other, section, value, size)
        return pack("IIIBBH", name, value, size, info, other, section)

    def dynamic(*entries):
        return b"".join(pack(word * 2, tag, value) for tag, value in entries)

    interp = b"/lib/ld-test.so\0"
    text = b"\x90" * 16
    dynstr = b"\0libneeded.so.1\0libself.so.2\0/opt/run\0exported\0imported\0"
    dynsym = (symbol(0, 0, 0, 0, 0, 0)
              + symbol(dynstr.index(b"exported"), base + 0x200, 12, 0x12, 0, 2)
              + symbol(dynstr.index(b"imported"), 0, 0, 0x20, 0, 0))
    strtab = b"\0local\0absolute\0common\0test.c\0"
    symtab = (symbol(0, 0, 0, 0, 0, 0)
              + symbol(strtab.index(b"test.c"), 0, 0, 0x04, 0, 0xfff1)
              + symbol(strtab.index(b"local"), base + 0x204, 4, 0x01, 2, 2)
              + symbol(strtab.index(b"absolute"), 4711, 0, 0x10, 0, 0xfff1)
              + symbol(strtab.index(b"common"), 8, 8, 0x11, 3, 0xfff2))
    names = b"\0.interp\0.text\0.dynsym\0.dynstr\0.dynamic\0.symtab\0.strtab\0.shstrtab\0"
    places, at = {}, ehsize + 3 * phsize
    entries = [(1, dynstr.index(b"libneeded")), (14, dynstr.index(b"libself")),
               (29, dynstr.index(b"/opt")), (5, 0), (10, len(dynstr)), (0, 0), (0, 0)]
    bodies = {".interp": interp, ".text": text, ".dynsym": dynsym, ".dynstr": dynstr,
              ".dynamic": dynamic(*entries), ".symtab": symtab, ".strtab": strtab,
              ".shstrtab": names}
    for name, body in bodies.items():
        at += -at % 8
        places[name] = at
        at += len(body)
    shoff = at + -at % 8
    entries[3] = (5, base + places[".dynstr"])
    bodies[".dynamic"] = dynamic(*entries)

    def segment(kind, flags, offset, size, align):
        if is64:
            return pack("IIQQQQQQ", kind, flags, offset, base + offset, base + offset, size, size,
                        align)
        return pack("IIIIIIII", kind, offset, base + offset, base + offset, size, size, flags,
                    align)

    def section(name, kind, flags, link, info, align, entry):
        at, size = places.get(name, 0), len(bodies.get(name, b""))
        return pack("II" + word * 4 + "II" + word * 2,
                    names.index(name.encode() + b"\0") if name else 0, kind,
                    flags, base + at if flags & 2 else 0, at, size, link, info, align, entry)

    data = bytearray(shoff)
    data[:16] = b"\x7fELF" + bytes([2 if is64 else 1, 1 if little else 2, 1]) + bytes(9)
    data[16:ehsize] = pack("HHI" + word * 3 + "IHHHHHH", 3, machine, 1, base + 0x200, ehsize, shoff,
                           0, ehsize,
                           phsize, 3, shsize, 9, 8)
    data[ehsize:ehsize + 3 * phsize] = (
        segment(3, 4, places[".interp"], len(interp), 1) + segment(1, 5, 0, shoff, 4096)
        + segment(2, 6, places[".dynamic"], len(bodies[".dynamic"]), 8))
    for name, body in bodies.items():
        data[places[name]:places[name] + len(body)] = body
    step = len(dynsym) // 3
    data += (section("", 0, 0, 0, 0, 0, 0) + section(".interp", 1, 2, 0, 0, 1, 0)
             + section(".text", 1, 6, 0, 0, 16, 0) + section(".dynsym", 11, 2, 4, 1, 8, step)
             + section(".dynstr", 3, 2, 0, 0, 1, 0)
             + section(".dynamic", 6, 3, 4, 0, 8, 16 if is64 else 8)
             + section(".symtab", 2, 0, 7, 3, 8, step) + section(".strtab", 3, 0, 0, 0, 1, 0)
             + section(".shstrtab", 3, 0, 0, 0, 1, 0))
    return bytes(data)


def png_chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width=7, height=5):
    rows = b"".join(b"\0" + bytes(3 * width) for _ in range(height))
    return (b"\x89PNG\r\n\x1a\n"
            + png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + png_chunk(b"tEXt", b"Title\0Caf\xe9 \xa9") + png_chunk(b"tEXt", b"Empty\0")
            + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b""))


def archive(comment=b"", zip64=False, before=b""):
    file = io.BytesIO()
    file.write(before)
    with zipfile.ZipFile(file, "a" if before else "w") as z:
        for name, body, method in (("stored.txt", b"stored bytes", zipfile.ZIP_STORED),
                                   ("dir/packed.txt", b"packed " * 99, zipfile.ZIP_DEFLATED),
                                   ("\xe4\u20ac.txt", b"", zipfile.ZIP_STORED)):
            info = zipfile.ZipInfo(name, (2021, 12, 31, 23, 58, 56))
            info.compress_type = method
            with z.open(info, "w", force_zip64=zip64) as member:
                member.write(body)
        z.comment = comment
    return file.getvalue()


def zip64_by_hand():
    """An archive whose only numbers are those of ZIP64: what zipfile makes only beyond 4 GiB."""
    name, body = b"wide.bin", b"wide bytes"
    crc, full = zlib.crc32(body), 0xffffffff
    local = struct.pack("<IHHHHHIIIHH", 0x04034b50, 45, 0, 0, 0, 0x21, crc, full, full, len(name),
                        20) + name
    local += struct.pack("<HHQQ", 1, 16, len(body), len(body)) + body
    extra = struct.pack("<HHI", 0x7777, 4, 0) + struct.pack("<HHQQQ", 1, 24, len(body), len(body),
                                                            0)
    entry = struct.pack("<IHHHHHHIIIHHHHHII", 0x02014b50, 45, 45, 0, 0, 0, 0x21, crc, full, full,
                        len(name),
                        len(extra), 0, 0, 0, 0, full) + name + extra
    end = len(local) + len(entry)
    return (local + entry
            + struct.pack("<IQHHIIQQQQ", 0x06064b50, 44, 45, 45, 0, 0, 1, 1, len(entry), len(local))
            + struct.pack("<IIQI", 0x07064b50, 0, end, 1)
            + struct.pack("<IHHHHIIH", 0x06054b50, 0, 0, 0xffff, 0xffff, full, full, 0))


def bmp(bits=8, width=5, height=-3):
    colors = b"".join(bytes([i, 2 * i, 3 * i, 0]) for i in range(4)) if bits == 8 else b""
    row = (width * bits + 31) // 32 * 4
    pixels = 54 + len(colors)
    size = pixels + row * abs(height)
    return (struct.pack("<2sIHHI", b"BM", size, 0, 0, pixels)
            + struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, 0, row * abs(height), 0, 0,
                          len(colors) // 4, 0) + colors + bytes(range(row)) * abs(height))


def wav(rate=8000, channels=2, frames=1000):
    file = io.BytesIO()
    with wave.open(file, "wb") as w:
        w.setnchannels(channels)
        w.setsampwidth(2)
        w.setframerate(rate)
        w.writeframes(bytes(2 * channels * frames))
    return file.getvalue()


def riff(kind, body, end="<"):
    return kind + struct.pack(end + "I", len(body)) + body + b"\0" * (len(body) % 2)


def avi():
    movie = riff(b"LIST", b"movi" + riff(b"00dc", b"abc") + riff(b"01wb", b""))
    lists = riff(b"LIST",
                 b"hdrl"
                 + riff(b"avih", bytes(56)) + riff(b"LIST", b"strl" + riff(b"strh", bytes(8))))
    return riff(b"RIFF", b"AVI " + lists + movie + riff(b"idx1", bytes(16)))


def mbr_entry(kind, start, sectors):
    return struct.pack("<B3sB3sII", 0, b"", kind, b"", start, sectors)


def mbr():
    """Two primary partitions, and an extended one with two logical ones."""
    sector = lambda *entries: bytes(446) + b"".join(entries).ljust(64, b"\0") + b"\x55\xaa"
    data = bytearray(64 * 512)
    data[:512] = sector(mbr_entry(0x83, 1, 3), mbr_entry(0x0f, 8, 40), mbr_entry(0x82, 50, 10))
    data[8 * 512:9 * 512] = sector(mbr_entry(0x83, 1, 4), mbr_entry(5, 20, 10))
    data[28 * 512:29 * 512] = sector(mbr_entry(0x07, 2, 6))
    return bytes(data)


def gpt(sector=512, name="Wurzel \u00e4\U0001f333"):
    """A disk of 64 sectors with one partition and both copies of the table."""
    count = 4
    guid = bytes(range(16))
    entry = guid + bytes(range(16, 32)) + struct.pack("<QQQ", 10, 19, 4) + name.encode("utf-16le")
    entries = entry.ljust(128, b"\0") + bytes(128 * (count - 1))

    def header(here, other, table):
        fields = lambda crc: struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, crc, 0,
                                         here, other, 6,
                                         57, guid, table, count, 128, zlib.crc32(entries))
        return fields(zlib.crc32(fields(0)))

    data = bytearray(64 * sector)
    for here, other, table in ((1, 63, 2), (63, 1, 58)):
        head = header(here, other, table)
        data[here * sector:here * sector + len(head)] = head
        data[table * sector:table * sector + len(entries)] = entries
    data[:512] = bytes(446) + mbr_entry(0xee, 1, 63) + bytes(48) + b"\x55\xaa"
    return bytes(data)


def utmp_record(kind, pid, line, user, host, seconds, address=bytes(16), wide=False):
    head = struct.pack("<hHi32s4s32s256shh", kind, 0, pid, line, b"id", user, host, 0, 0)
    if wide:
        return head + struct.pack("<qqq16s20s4x", 0, seconds, 123456, address, b"")
    return head + struct.pack("<iii16s20s", 0, seconds, 123456, address, b"")


def utmp(wide=False):
    six = bytes.fromhex("20010db8000000000000000000000001")
    return (utmp_record(2, 0, b"~", b"reboot", b"6.1.0", 1700000000, wide=wide)
            + utmp_record(7, 4711, b"pts/0", b"anna", b"example.org", 1700000100,
                          bytes([192, 0, 2, 1]), wide)
            + utmp_record(7, 4712, b"pts/1", b"u" * 32, b"h" * 256, 1700000200, six, wide)
            + utmp_record(8, 4711, b"pts/0", b"", b"", 1700000300, wide=wide))


def ip4(protocol, body, fragment=0):
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 1, fragment, 64, protocol, 0,
                       bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])) + body


def packets():
    """Ethernet frames, and what is expected of each: source, ports, flags, bytes of payload."""
    tcp = struct.pack(">HHIIBBHHH", 40000, 443, 12345, 0, 0x60, 0x18, 1000, 0,
                      0) + b"\1\1\1\1" + b"hello"
    udp = struct.pack(">HHHH", 5353, 53, 8 + 3, 0) + b"abc"
    six = bytes.fromhex("20010db8000000000000000000000001")
    ip6 = struct.pack(">IHBB", 0x60000000, len(udp), 17, 64) + six + six[:-1] + b"\2" + udp
    mac = b"\2" * 12
    return [mac + b"\x08\x00" + ip4(6, tcp) + b"pad", mac + b"\x81\x00\x00\x07\x86\xdd" + ip6,
            mac + b"\x08\x00" + ip4(17, udp), mac + b"\x08\x00" + ip4(17, b"rest of it", 185),
            mac + b"\x08\x06" + bytes(28), b"short"]


def pcap(end="<", nano=False, link=1, frames=None):
    data = struct.pack(end + "IHHiIII", 0xa1b23c4d if nano else 0xa1b2c3d4, 2, 4, 0, 0, 65535, link)
    for i, frame in enumerate(packets() if frames is None else frames):
        data += struct.pack(end + "IIII", 1700000000 + i, 123456, len(frame),
                            len(frame) + i) + frame
    return data


def tar(form=tarfile.GNU_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as t:
        for name, kind, data in (("a", tarfile.REGTYPE, b"hello"), ("dir", tarfile.DIRTYPE, b""),
                                 ("n" * 150, tarfile.SYMTYPE, b""), ("z", tarfile.REGTYPE, bytes(600))):
            info = tarfile.TarInfo(name)
            info.type, info.size = kind, len(data)
            info.linkname = "target" * 30 if kind == tarfile.SYMTYPE else ""
            t.addfile(info, io.BytesIO(data))
    return out.getvalue()


def bgzf(*parts):
    out = b""
    for part in parts:
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        body = packer.compress(part) + packer.flush()
        out += (b"\x1f\x8b\x08\x04" + bytes(6)
                + struct.pack("<H2sHH", 6, b"BC", 2, len(body) + 25) + body
                + struct.pack("<II", zlib.crc32(part), len(part)))
    return out


def ar():
    head = lambda name, size: b"%-16s%-12d%-6d%-6d%-8o%-10d`\n" % (name, 0, 0, 0, 0o100644, size)
    return (b"!<arch>\n" + head(b"//", 20) + b"long_name_of_a.o/\n\n\n" + head(b"/0", 5) + b"hello\n"
            + head(b"b.o/", 3) + b"abc\n" + head(b"#1/8", 12) + b"bsd.name1234")


def mp4(version=0):
    box = lambda kind, *parts: struct.pack(">I4s", 8 + sum(map(len, parts)), kind) + b"".join(parts)
    word = "Q" if version else "I"
    times = lambda scale, duration: (struct.pack(">I", version << 24) + struct.pack(
        ">" + word * 2 + "I" + word, 1700000000 + 2082844800, 0, scale, duration))

    def track(kind, codec, scale, duration, width, height):
        tkhd = (struct.pack(">I", version << 24) + struct.pack(">" + word * 2 + "II" + word, 0, 0, 1, 0, duration)
                + bytes(52) + struct.pack(">II", width << 16, height << 16))
        stsd = box(b"stsd", struct.pack(">II", 0, 1), box(codec, bytes(8)))
        return box(b"trak", box(b"tkhd", tkhd), box(
            b"mdia", box(b"mdhd", times(scale, duration) + bytes(4)),
            box(b"hdlr", bytes(8) + kind + bytes(13)), box(b"minf", box(b"stbl", stsd))))

    return (box(b"ftyp", b"isom", bytes(4), b"isom")
            + box(b"moov", box(b"mvhd", times(1000, 2500) + bytes(80)),
                  track(b"vide", b"avc1", 600, 1500, 640, 360), track(b"soun", b"mp4a", 44100, 88200, 0, 0),
                  box(b"udta", box(b"name", b"x")))
            + box(b"mdat", bytes(40)))


def heif(version=0, method=0):
    """Two pictures of different sizes, of which the second is the main one, and EXIF. `version`: of iloc, and 32-bit ids if 2."""
    box = lambda kind, *parts: struct.pack(">I4s", 8 + sum(map(len, parts)), kind) + b"".join(parts)
    full = lambda kind, number, *parts: box(kind, struct.pack(">I", number), *parts)
    word = "I" if version == 2 else "H"
    id_ = lambda number: struct.pack(">" + word, number)
    wide = 1 if version == 2 else 0
    infe = lambda number, kind, name: full(b"infe", (3 if wide else 2) << 24, id_(number), struct.pack(">H4s", 0, kind), name + b"\0")
    ispe = lambda width, height: full(b"ispe", 0, struct.pack(">II", width, height))

    def iloc(base):
        head = struct.pack(">HH" if version < 2 else ">HI", 0x4440 if version == 0 else 0x4444, 3)
        for number, place, length in ((1, 0, 10), (2, 10, 20), (3, 30, 5)):
            head += id_(number) + (struct.pack(">H", method) if version else b"") + struct.pack(">HIH", 0, base, 1)
            head += (struct.pack(">I", 1) if version else b"") + struct.pack(">II", place, length)
        return full(b"iloc", version << 24, head)

    def meta(base):
        return full(b"meta", 0, full(b"hdlr", 0, bytes(4) + b"pict" + bytes(13)), full(b"pitm", wide << 24, id_(2)),
                    full(b"iinf", wide << 24, id_(3), infe(1, b"hvc1", b""), infe(2, b"hvc1", "W\xe4rme".encode()), infe(3, b"Exif", b"")),
                    full(b"iref", wide << 24, box(b"cdsc", id_(3) + struct.pack(">H", 1) + id_(2))),
                    box(b"iprp", box(b"ipco", ispe(64, 48), box(b"pixi", bytes(8)), ispe(640, 480)),
                        full(b"ipma", wide << 24, struct.pack(">I", 2) + id_(1) + b"\2\x82\1" + id_(2) + b"\1\x83")),
                    iloc(base), box(b"idat", bytes(range(40))))

    before = box(b"ftyp", b"heic" + bytes(4) + b"mif1heic")
    base = 0 if method == 1 else len(before) + len(meta(0)) + 8
    return before + meta(base) + box(b"mdat", bytes(range(40)))


def jpeg():
    part = lambda code, body: struct.pack(">BBH", 0xff, code, 2 + len(body)) + body
    return (b"\xff\xd8" + part(0xe0, b"JFIF\0\1\1" + bytes(7)) + part(0xfe, b"caf\xe9 !") + b"\xff\xff"
            + part(0xdb, bytes(65)) + part(0xc2, struct.pack(">BHHB", 8, 480, 640, 3) + bytes(9))
            + part(0xda, bytes(10)) + b"\x12\x34\xff\0\xff\xd9")


def sqlite_files():
    """A database with records that go on elsewhere and with free pages, and a log of one frame."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "a.db")
        db = sqlite3.connect(path, isolation_level=None)
        db.execute("PRAGMA page_size = 512")
        db.execute("CREATE TABLE t(a)")
        db.executemany("INSERT INTO t VALUES (zeroblob(?))", [(5,), (2000,), (3000,), (400,), (400,)])
        db.execute("DELETE FROM t WHERE rowid = 3")
        db.close()
        with open(path, "rb") as file:
            data = file.read()
    head = struct.pack(">IIIIIIII", 0x377f0682, 3007000, 512, 0, 11, 22, 0, 0)
    return [data, head + struct.pack(">IIIIII", 2, 2, 11, 22, 0, 0) + data[512:1024]]


def safetensors():
    header = json.dumps({"__metadata__": {"format": "pt"},
                         "w": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]},
                         "b": {"dtype": "F16", "shape": [3], "data_offsets": [16, 22]}}).encode()
    return struct.pack("<Q", len(header)) + header + struct.pack("<4f", 0, 1, 2, 3) + bytes(6)


def wasm(imports=((b"env", b"f", b"\0\0"),), exports=((b"run", 0, 1),), before=b""):
    """A module; of an import module, name, and the kind with what follows it."""
    sized = lambda data: leb128(len(data)) + data
    listed = lambda entries: leb128(len(entries)) + b"".join(entries)
    section = lambda number, data: bytes([number]) + sized(data)
    return (b"\0asm\1\0\0\0" + before + section(1, listed([b"\x60\0\0"]))
            + section(2, listed([sized(module) + sized(name) + rest for module, name, rest in imports]))
            + section(7, listed([sized(name) + bytes([kind]) + leb128(number) for name, kind, number in exports]))
            + section(0, sized(b"name") + bytes(300)))


def npy(version=1, descr="'<f8'", shape=(2, 3), fortran=False, data=bytes(48)):
    text = f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}"
    before = 10 if version == 1 else 12
    header = text.encode().ljust(-(before + len(text) + 1) % 64 + len(text)) + b"\n"
    return (b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(header))
            + header + data)


def git_index():
    def entry(name, stage):
        body = (struct.pack(">10I", 1700000000, 0, 1700000001, 0, 1, 2, 0o100644, 3, 4, 5) + bytes(range(20))
                + struct.pack(">H", stage << 12 | len(name)) + name)
        return body + bytes(8 - len(body) % 8)
    return struct.pack(">4sII", b"DIRC", 2, 3) + entry(b"a", 0) + entry(b"dir/name", 2) + entry(b"z" * 30, 3)


def flac():
    block = lambda kind, body, last=0: struct.pack(">I", last << 31 | kind << 24 | len(body)) + body
    text = lambda value: struct.pack("<I", len(value)) + value
    info = (struct.pack(">HH", 4096, 4096) + bytes(6)
            + struct.pack(">Q", 44100 << 44 | 1 << 41 | 15 << 36 | 88200) + bytes(range(16)))
    tags = (text(b"maker") + struct.pack("<I", 3) + text("TITLE=caf\xe9=x".encode()) + text(b"=no key")
            + text(b"ARTIST="))
    return b"fLaC" + block(0, info) + block(4, tags) + block(1, bytes(7), 1) + b"\xff\xf8" + bytes(8)


def fat_slots(short, long="", attributes=0x20, cluster=0, size=0, first=None):
    """The slots of an entry; `first` is the byte that a deleted one begins with."""
    total = 0
    for byte in short:
        total = ((total & 1) << 7) + (total >> 1) + byte & 255
    units = long.encode("utf-16le", "surrogatepass")
    units += b"\0\0" * (len(units) // 2 % 13 > 0)
    parts = [units[i:i + 26].ljust(26, b"\xff") for i in range(0, len(units), 26)]
    out = b""
    for i in reversed(range(len(parts))):
        ordinal = i + 1 | 0x40 * (i == len(parts) - 1) if first is None else first
        out += (bytes([ordinal]) + parts[i][:10] + bytes([0x0f, 0, total]) + parts[i][10:22] + bytes(2) + parts[i][22:])
    date, time = 43 << 9 | 12 << 5 | 31, 23 << 11 | 58 << 5 | 28
    begin = short if first is None else bytes([first]) + short[1:]
    return out + begin + struct.pack("<BBBHHHHHHHI", attributes, 0, 150, time, date, date, cluster >> 16, time, date,
                                     cluster & 0xffff, size)


def fat(bits=12, clusters=40, sector=512, extra=b""):
    """A volume with a file in two pieces, one with a long name, a deleted one, and a directory of two clusters."""
    reserved, root_entries = (4, 0) if bits == 32 else (1, 32)
    links = {3: 5, 4: 7, 5: -1, 7: -1, 9: -1, 10: -1, 12: -1}
    links.update({2: -1} if bits == 32 else {})
    names = [f"Ein langer Name {i} \U0001f333.txt" for i in range(6)]
    here = fat_slots(b".          ", attributes=16, cluster=3) + fat_slots(b"..         ", attributes=16)
    here += b"".join(fat_slots(b"EINLAN~%dTXT" % i, name, cluster=12, size=9) for i, name in enumerate(names))
    deep = (fat_slots(b".          ", attributes=16, cluster=10) + fat_slots(b"..         ", attributes=16, cluster=3)
            + fat_slots(b"END        "))
    here += fat_slots(b"DEEP       ", "deep", 16, 10)
    root = (fat_slots(b"VOLUME     ", attributes=8) + fat_slots(b"SUB        ", "", 16, 3) + fat_slots(b"A       TXT", "", 1, 4,
        700)
            + fat_slots(b"GONE~1  TXT", "gone with the wind.txt", 0x20, 8, 300, 0xe5)
            + fat_slots(b"B\x84R~1   DOC", "B\xe4r.document", 0x20, 9, 99) + extra)
    data = bytearray((clusters + 2) * sector)
    put = lambda cluster, body: data.__setitem__(slice(cluster * sector, cluster * sector + len(body)), body)
    put(3, here[:sector])
    put(5, here[sector:])
    for cluster, body in ((4, b"4" * sector), (7, b"7" * 188), (8, b"8" * 300), (9, b"9" * 99), (10, deep), (12, b"123456789")):
        put(cluster, body)
    if bits == 32:
        put(2, root)
    table = bytearray((clusters + 2) * 4)
    for i, link in {0: -8, 1: -1, **links}.items():
        value = link & (1 << min(bits, 28)) - 1
        if bits == 12:
            old, = struct.unpack_from("<H", table, i * 3 // 2)
            struct.pack_into("<H", table, i * 3 // 2, old | (value << 4 if i & 1 else value))
        else:
            struct.pack_into("<H" if bits == 16 else "<I", table, i * bits // 8, value)
    size = -(-(clusters + 2) * bits // 8 // sector)
    table = bytes(table[:size * sector].ljust(size * sector, b"\0"))
    total = reserved + 2 * size + root_entries * 32 // sector + clusters
    boot = struct.pack("<3s8sHBHBHHBHHHII", b"\xeb\x3c\x90", b"MADEHERE", sector, 1, reserved, 2, root_entries,
                       total % 65536 if total < 65536 else 0, 0xf8,
                       0 if bits == 32 else size, 32, 64, 0, 0 if total < 65536 else total)
    if bits == 32:
        boot += struct.pack("<IHHIHH12x", size, 0, 0, 2, 1, 6)
    boot += struct.pack("<BBBI11s8s", 0x80, 0, 0x29, 0x1234abcd, b"NO NAME    ", b"FAT%-5d" % bits)
    boot = boot.ljust(510, b"\0") + b"\x55\xaa"
    return (boot.ljust(reserved * sector, b"\0") + table * 2 + (b"" if bits == 32 else root.ljust(root_entries * 32, b"\0"))
            + data[2 * sector:])


def ext4(wide=False):
    """A volume of 24 KiB: of ext2 or, if wide, with extents, descriptors of 64 bytes and inodes of 256."""
    size, step = (256, 64) if wide else (128, 32)
    data, inodes = bytearray(24 * 1024), 16
    block = lambda number, body: data.__setitem__(slice(number * 1024, number * 1024 + len(body)), body)
    table = 5
    root, sub, file, first = (table + size * inodes // 1024 + i for i in range(4))

    def entries(*listed):
        out = b""
        for i, (number, name, kind) in enumerate(listed):
            length = 1024 - len(out) if i == len(listed) - 1 else 8 + len(name) + 3 & ~3
            out += struct.pack("<IHBB", number, length, len(name), kind) + name.ljust(length - 8, b"\0")
        return out

    def inode(number, mode, bytes_, *blocks, links=1, body=None, deleted=0):
        runs = b"".join(struct.pack("<IHHI", i, 1, 0, at) for i, at in enumerate(blocks))
        body = (body if body is not None else struct.pack("<HHHHI", 0xf30a, len(blocks), 4, 0, 0) + runs if wide
                else struct.pack(f"<{len(blocks)}I", *blocks))
        made = (struct.pack("<HHIiiiIHHIII", mode, 1000, bytes_, 1700000000, 1700000001, 1700000002, deleted, 100, links,
                            2 * len(blocks),
                            0x80000 if wide and blocks else 0, 0) + body.ljust(60, b"\0") + bytes(28))
        made += struct.pack("<HHIIIiI", 28, 0, 0, 1, 0, 1600000000, 0) if wide else b""
        at = table * 1024 + (number - 1) * size
        data[at:at + len(made)] = made

    inode(2, 0o40755, 1024, root, links=3)
    inode(11, 0o40700, 1024, sub, links=2)
    inode(12, 0o100644, 1500, file, first + 3)
    inode(13, 0o120777, 9, body=b"sub/f\xc3\xa4le")
    inode(14, 0o100600, 0, links=0, deleted=1700000100)
    block(root, entries((2, b".", 2), (2, b"..", 2), (11, b"sub", 2), (13, b"link", 7)))
    block(sub, entries((11, b".", 2), (2, b"..", 2), (12, "f\xe4le".encode(), 1), (12, b"hard \xff", 1)))
    block(file, b"a" * 1024)
    block(first + 3, b"b" * 476)
    head = struct.pack("<IIIIIIIIIIIIIHHHHHHIIIIHHIHHIII", inodes, 24, 0, 9, 3, 1, 0, 0, 8192, 8192, inodes, 0, 1700000000, 0,
                       20, 0xef53,
                       1, 1, 0, 0, 0, 0, 1, 0, 0, 11, size, 0, 0x20, 0x2c2 if wide else 2, 0x43 if wide else 1)
    head = (head + bytes(range(16)) + b"caf\xe9".ljust(16, b"\0") + b"/mnt").ljust(254, b"\0") + struct.pack("<HII", step, 0, 0)
    block(1, head + struct.pack("<I", 1600000000))
    block(2, struct.pack("<IIIHHHH", 3, 4, table, 9, 3, 2, 0))
    return bytes(data)


def iso(volume_blocks=None):
    """An image with Rock Ridge and Joliet: a moved directory, a file in two pieces, a link, a name that goes on elsewhere."""
    both = lambda form, value: struct.pack("<" + form, value) + struct.pack(">" + form, value)
    field = lambda mark, body: mark + bytes([len(body) + 4, 1]) + body
    rights = lambda mode: field(b"PX", b"".join(both("I", value) for value in (mode, 1, 1000, 100, 7)))
    called = lambda name, flags=0: field(b"NM", bytes([flags]) + name)
    sectors = {}

    def record(name, extent, size, flags=0, fields=b""):
        body = (both("I", extent) + both("I", size) + bytes([123, 11, 14, 23, 13, 20, 4, flags, 0, 0]) + both("H", 1)
                + bytes([len(name)]) + name + bytes(1 - len(name) % 2) + fields)
        body += bytes(len(body) % 2)
        return bytes([len(body) + 2, 0]) + body

    def directory(at, parent, *records, first=b""):
        sectors[at] = record(b"\0", at, 2048, 2, first) + record(b"\1", parent, 2048, 2) + b"".join(records)

    long = "\u00e4".encode() * 60
    directory(20, 20, record(b"DIR", 21, 2048, 2, rights(0o40755) + called(b"dir")),
              record(b"LINK.;1", 0, 0, 0, rights(0o120777) + called(b"link")
                     + field(b"SL", b"\0\4\0\2\0\0\5di\xc3\xa4r\1\2he\0\2re")),
              record(b"LONG.TXT;1", 26, 5, 0, called(long[:51], 1) + field(b"CE",
                                                                           both("I", 24) + both("I", 100) + both("I",
                                                                               5 + len(long) - 51 + 44))),
              record(b"MOVED", 22, 2048, 2, field(b"RE", b"") + called(b"moved")), first=field(b"SP", b"\xbe\xef\0"))
    sectors[24] = bytes(100) + called(long[51:]) + rights(0o100644)
    directory(21, 20, record(b"BIG.BIN;1", 27, 2048, 0x80, called(b"big.bin")),
              record(b"BIG.BIN;1", 26, 100, 0, called(b"big.bin")),
              record(b"DEEP.;1", 0, 0, 0, field(b"CL", both("I", 22)) + called(b"deep")),
              record(b"Z.;1", 26, 9, 1, called(b"caf\xe9")))
    directory(22, 20, record(b"END.TXT;1", 26, 3, 0, called(b"end.txt")))
    wide = lambda name: name.encode("utf-16be")
    directory(23, 23, record(wide("Dir"), 25, 2048, 2), record(wide("Lang \U0001f333.txt;1"), 26, 5))
    directory(25, 23, record(wide("\u00e9"), 26, 9))
    sectors[26] = b"end of the file".ljust(100, b"+")
    sectors[27] = b"b" * 2048
    total = 28 if volume_blocks is None else volume_blocks

    def volume(kind, root, label, escapes=b""):
        head = (bytes([kind]) + b"CD001\1\0" + (b" " * 32 if kind == 1 else bytes(32)) + label + bytes(8) + both("I",
            total) + escapes.ljust(32, b"\0") + both("H", 1)
                + both("H", 1) + both("H", 2048) + both("I", 10) + struct.pack("<II", 19, 0) + struct.pack(">II", 19, 0)
                + record(b"\0", root, 2048, 2)[:34])
        text = lambda value: value.encode("utf-16be").ljust(128, b"\0") if escapes else value.encode("latin-1").ljust(128)
        return head + text("SET") + text("WHO") + text("MADE") + text("BY HAND") + b" " * 111 + b"2023111423132000\4" + b"0" * 51 + b"\1"

    sectors[16] = volume(1, 20, b"CAF\xc9".ljust(32))
    sectors[17] = volume(2, 23, wide("Caf\u00e9").ljust(32, b"\0"), b"%/E")
    sectors[18] = b"\xffCD001\1"
    return b"".join(sectors.get(i, b"").ljust(2048, b"\0") for i in range(28))


def squashfs(plain=True, ids=(0, 1000, 0xffffffff), fragments=600):
    """An image without files, but with all tables; the fragments' has two blocks."""
    pack = (lambda body: body) if plain else zlib.compress
    made = lambda body: struct.pack("<H", len(pack(body)) | 0x8000 * plain) + pack(body)
    data, places = bytes(96), {}

    def table(name, body):
        nonlocal data
        blocks = []
        for at in range(0, len(body), 8192):
            blocks.append(len(data))
            data += made(body[at:at + 8192])
        places[name] = len(data)
        data += struct.pack(f"<{len(blocks)}Q", *blocks)

    places["inodes"] = len(data)
    data += made(b"i" * 8192) + made(b"i" * 40)
    places["directories"] = len(data)
    data += made(b"d" * 100)
    table("fragments", b"".join(struct.pack("<QII", 96, 10 + i | 0x1000000 * (i & 1), 0) for i in range(fragments)))
    table("export", b"".join(struct.pack("<Q", i << 16 | 32 * i) for i in range(3)))
    table("ids", struct.pack(f"<{len(ids)}I", *ids))
    head = struct.pack("<4sIIIIHHHHHHQQQQQQQQ", b"hsqs", 3, 1700000000, 131072, fragments, 1, 17, 0x8cb if plain else 0xc0,
                       len(ids), 4, 0, 0, len(data),
                       places["ids"], 2**64 - 1, places["inodes"], places["directories"], places["fragments"], places["export"])
    return head + data[96:]


def cpio_member(kind, name, data=b"", mode=0o100644, inode=1, links=1, uid=1000, gid=100, time=1700000000, device=0x0801):
    """A member of a kind: newc, crc, odc, or the binary ones of either order, < and >. The name's bytes are as they are."""
    name += b"\0"
    pad = lambda body, step: body + bytes(-len(body) % step)
    if kind in ("newc", "crc"):
        numbers = (inode, mode, uid, gid, links, time, len(data), device >> 8, device & 255, 0, 0, len(name),
                   sum(data) & 0xffffffff if kind == "crc" else 0)
        return pad((b"070701" if kind == "newc" else b"070702") + b"".join(b"%08X" % number for number in numbers) + name,
                   4) + pad(data, 4)
    if kind == "odc":
        return b"070707%06o%06o%06o%06o%06o%06o%06o%011o%06o%011o" % (device, inode, mode, uid, gid, links, 0, time, len(name),
                                                                      len(data)) + name + data
    numbers = (0o70707, device, inode, mode, uid, gid, links, 0, time >> 16, time & 0xffff, len(name), len(data) >> 16,
               len(data) & 0xffff)
    return pad(struct.pack(kind + "13H", *numbers) + name, 2) + pad(data, 2)


def cpio(kind="newc", block=512):
    """An archive with a directory, files, a link, two names of one file, and a name that is no UTF-8."""
    make = lambda *values, **more: cpio_member(kind, *values, **more)
    data = (make(b"dir", mode=0o40755, inode=2, links=2) + make(b"dir/a", b"hello", 0o104711, 3) + make("\xe4".encode() + b" 1",
        b"x" * 700, inode=4)
            + make(b"caf\xe9", b"y", inode=5) + make(b"link", b"dir/a", 0o120777, 6)
            + make(b"first", b"" if kind in ("newc", "crc") else b"shared", inode=7, links=2) + make(b"second", b"shared",
                inode=7, links=2)
            + make(b"pipe", mode=0o10600, inode=8) + make(b"TRAILER!!!", mode=0, inode=0, uid=0, gid=0, time=0, device=0))
    return data + bytes(-len(data) % block)
def gif_parts(data, step=255):
    """The sub-blocks of so many bytes each, and the one that ends them."""
    parts = [data[i:i + step] for i in range(0, len(data), step)]
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def gif_image(x, y, width, height, palette=b"", data=bytes(300)):
    flags = 0x80 | (len(palette) // 3).bit_length() - 2 if palette else 0x40
    return struct.pack("<BHHHHB", 0x2c, x, y, width, height, flags) + palette + b"\x02" + gif_parts(data)


def gif_control(delay, disposal=1, transparent=None):
    return (b"\x21\xf9\x04" + struct.pack("<BHB", disposal << 2 | (transparent is not None), delay, transparent or 0)
            + b"\0")


def gif(blocks=None, palette=bytes(12), end=b"\x3b"):
    """An animation of two images, or the blocks given."""
    if blocks is None:
        blocks = [b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x05\0\0", b"\x21\xfe" + gif_parts(b"caf\xe9 " * 60),
                  gif_control(12), gif_image(0, 0, 7, 5), gif_control(50, 2, 3), gif_image(1, 2, 3, 3, bytes(24))]
    flags = 0xf0 | (len(palette) // 3).bit_length() - 2 if palette else 0x70
    return b"GIF89a" + struct.pack("<HHBBB", 7, 5, flags, 1, 49) + palette + b"".join(blocks) + end


def tiff_directory(at, entries, more=0, end="<", big=False):
    """A directory that stands at `at`, and behind it what does not fit into it. An entry is (tag, type, items, bytes)."""
    room, word, count = (8, "Q", "Q") if big else (4, "I", "H")
    values_at = at + struct.calcsize("=" + count) + len(entries) * (12 + 2 * (room - 4)) + room
    out, values = struct.pack(end + count, len(entries)), b""
    for tag, kind, items, data in entries:
        place = data.ljust(room, b"\0")
        if len(data) > room:
            place = struct.pack(end + word, values_at + len(values))
            values += data + b"\0" * (len(data) % 2)
        out += struct.pack(end + "HH" + word, tag, kind, items) + place
    return out + struct.pack(end + word, more) + values


TAKEN = b"2023:11:14 22:13:20\0"


def tiff(end="<", big=False, loop=False):
    """Two pages, of which the first has EXIF, GPS and a sub directory."""
    pack = lambda form, *values: struct.pack(end + form, *values)
    mark = b"II" if end == "<" else b"MM"
    data = mark + (pack("HHHQ", 43, 8, 0, 0) if big else pack("HI", 42, 0))
    where = {}

    def put(name, entries, more=0):
        nonlocal data
        where[name] = len(data)
        data += tiff_directory(len(data), entries, more, end, big)

    ratios = lambda *values: pack("I" * 2 * len(values), *(n for pair in values for n in pair))
    put("EXIF", [(0x829a, 5, 1, ratios((1, 250))), (0x8827, 3, 1, pack("H", 400)), (0x9000, 7, 4, b"0232"), (0x9003, 2, 20, TAKEN),
                 (0x9204, 10, 1, pack("ii", -1, 3)), (0xa432, 5, 2, ratios((24, 1), (0, 0)))])
    put("GPS", [(1, 2, 2, b"S\0"), (2, 5, 3, ratios((33, 1), (30, 1), (18, 1))), (3, 2, 2, b"W\0"),
                (4, 5, 3, ratios((70, 1), (75, 2), (0, 1))), (5, 1, 1, b"\1"), (6, 5, 1, ratios((25, 2))),
                (7, 5, 3, ratios((7, 1), (8, 1), (9, 1))), (0x1d, 2, 11, b"2023:11:14\0")])
    put("sub", [(0x100, 3, 1, pack("H", 3)), (0x101, 3, 1, pack("H", 2))])
    pointer = lambda name: pack("Q" if big else "I", where[name])
    long = 16 if big else 4
    first = len(data)
    put("page 2", [(0x100, 3, 1, pack("H", 9)), (0x101, 3, 1, pack("H", 8)), (0x201, 4, 1, pack("I", 30)), (0x202, 4, 1, pack("I", 40))],
        first if loop else 0)
    put("page 1", [(0x100, 4, 1, pack("I", 70000)), (0x101, 3, 1, pack("H", 5)), (0x102, 3, 3, pack("HHH", 8, 8, 8)),
                   (0x103, 3, 1, pack("H", 5)), (0x10e, 2, 6, b"caf\xe9!\0"), (0x10f, 2, 7, "M\xe4ker\0".encode()), (0x112, 3, 1, pack("H", 6)),
                   (0x132, 2, 20, b"2024:01:01 00:00:00\0"), (0x14a, long, 1, pointer("sub")), (0x8769, long, 1, pointer("EXIF")),
                   (0x8825, long, 1, pointer("GPS")), (0xc000, 11, 2, pack("ff", 1.5, -2)), (0xc001, 12, 1, pack("d", 0.1)),
                   (0xc002, 6, 3, pack("bbb", -1, 0, 1)), (0xc003, 9, 1, pack("i", -70000)), (0xc004, 99, 1, b"what"), (0xc005, 8, 0, b"")], first)
    head = mark + (pack("HHHQ", 43, 8, 0, where["page 1"]) if big else pack("HI", 42, where["page 1"]))
    return head + data[len(head):]


def exif(body):
    """A JPEG with a TIFF in it."""
    part = lambda code, data: struct.pack(">BBH", 0xff, code, 2 + len(data)) + data
    return (b"\xff\xd8" + part(0xfe, b"first") + part(0xe1, b"http://ns.adobe.com/xap/1.0/\0") + part(0xe1, b"Exif\0\0" + body)
            + part(0xc0, struct.pack(">BHHB", 8, 480, 640, 3) + bytes(9)) + part(0xda, bytes(10)) + b"\x12\xff\xd9")


def pcapng_block(kind, body, end="<", again=None):
    body += bytes(-len(body) % 4)
    return (struct.pack(end + "II", kind, 12 + len(body)) + body
            + struct.pack(end + "I", 12 + len(body) if again is None else again))


def pcapng_options(*options, end="<"):
    return b"".join(struct.pack(end + "HH", code, len(value)) + value + bytes(-len(value) % 4) for code, value in options) + bytes(4)


def pcapng_section(end="<", length=-1, more=b""):
    """A section with two interfaces, packets of each kind, names, statistics and a block of nobody."""
    block = lambda kind, body: pcapng_block(kind, body, end)
    options = lambda *all_: pcapng_options(*all_, end=end)
    pack = lambda form, *values: struct.pack(end + form, *values)
    time = lambda stamp: pack("II", stamp >> 32, stamp & 0xffffffff)
    frames = packets()
    return (block(0x0a0d0d0a, pack("IHHq", 0x1a2b3c4d, 1, 0, length) + options((4, "caf\xe9".encode()), (999, b"xyz")))
            + block(1, pack("HHI", 1, 0, 64) + options((2, b"eth0"), (11, b"\0tcp")))
            + block(1, pack("HHI", 101, 0, 0) + options((9, b"\x09"), (14, pack("q", 100)), (8, pack("q", 10**9))))
            + block(6, pack("I", 0) + time(1700000000123456) + pack("II", len(frames[0]), len(frames[0]) + 9) + frames[0]
                    + bytes(-len(frames[0]) % 4) + options((1, b"a comment"), (2, pack("I", 1)), (4, pack("q", 7))))
            + block(6, pack("I", 1) + time(1699999900123456789) + pack("II", 3, 3) + b"abc")
            + block(3, pack("I", 100) + bytes(64)) + block(2, pack("HH", 0, 65535) + time(1700000001000000) + pack("II", 1, 1) + b"z")
            + block(4, pack("HH", 1, 21) + bytes([10, 0, 0, 1]) + b"a.example\0b.test\0" + bytes(3)
                    + pack("HH", 2, 18) + bytes.fromhex("20010db8000000000000000000000001") + b"c\0" + bytes(2) + bytes(4))
            + block(5, pack("I", 0) + time(0) + options((4, pack("q", 12)))) + block(0x7777, b"what") + more)


def ogg_crc(data):
    crc = 0
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04c11db7 if crc >> 31 else 0)) & 0xffffffff
    return crc


def ogg_page(serial, sequence, granule, segments, body, flags=0):
    head = lambda crc: struct.pack("<4sBBqIIIB", b"OggS", 0, flags, granule, serial, sequence, crc, len(segments)) + bytes(segments)
    return head(ogg_crc(head(0) + body)) + body


def ogg_stream(serial, *packets, granule=48000, room=3):
    """Each packet begins a page of at most `room` segments, and goes on over the next ones; the last page ends the stream."""
    pages = []
    for packet in packets:
        segments = [255] * (len(packet) // 255) + [len(packet) % 255]
        for i in range(0, len(segments), room):
            part = segments[i:i + room]
            pages.append((part, packet[255 * i:255 * i + sum(part)], 1 if i else 0))
    last = len(pages) - 1
    return [ogg_page(serial, i, granule if i == last else 0 if i == 0 else -1, part, body, flag | 2 * (i == 0) | 4 * (i == last))
            for i, (part, body, flag) in enumerate(pages)]


def vorbis_tags(*tags, maker=b"maker"):
    sized = lambda data: struct.pack("<I", len(data)) + data
    return sized(maker) + struct.pack("<I", len(tags)) + b"".join(map(sized, tags))


OGG_TAGS = ("TITLE=caf\xe9".encode(), b"PICTURE=" + b"QUJD" * 400, b"=no key", b"none", b"LAST=")


def ogg_vorbis(serial=7, tags=OGG_TAGS, **more):
    head = b"\x01vorbis" + struct.pack("<IBIiiiB", 0, 2, 44100, 0, 128000, 0, 0xb8) + b"\1"
    return ogg_stream(serial, head, b"\x03vorbis" + vorbis_tags(*tags) + b"\1", b"\x05vorbis" + bytes(600), **more)


def ogg_opus(serial=8, tags=(b"ARTIST=x",), **more):
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 312, 44100, 0, 0)
    return ogg_stream(serial, head, b"OpusTags" + vorbis_tags(*tags), bytes(90), **more)


def syncsafe(number):
    return bytes(number >> shift & 127 for shift in (21, 14, 7, 0))


def stuffed(data):
    """Unsynchronised: a 0 behind each ff before a 0 or what looks like sound."""
    return re.sub(rb"\xff(?=[\x00\xe0-\xff]|$)", b"\xff\0", data)


def id3_frame(version, name, body, flags=0, plain=False):
    if version == 2:
        return name + struct.pack(">I", len(body))[1:] + body
    size = syncsafe(len(body)) if version == 4 and not plain else struct.pack(">I", len(body))
    return name + size + struct.pack(">H", flags) + body


def id3(version, frames, unsync=False, extended=b"", footer=False, padding=20):
    body = extended + b"".join(frames) + bytes(0 if footer else padding)
    body = stuffed(body) if unsync and version < 4 else body
    head = bytes([version, 0, 128 * unsync | 64 * bool(extended) | 16 * footer]) + syncsafe(len(body))
    return b"ID3" + head + body + (b"3DI" + head if footer else b"")


def id3_frames(version):
    """A text of each encoding, a list, a comment, an address and lyrics."""
    name = lambda three, four: three if version == 2 else four
    utf16 = lambda text: b"\xff\xfe" + text.encode("utf-16le")
    frame = lambda three, four, body: id3_frame(version, name(three, four), body)
    return [frame(b"TT2", b"TIT2", b"\0caf\xe9"), frame(b"TP1", b"TPE1", b"\1" + utf16("\u65e5\U0001f333")),
            frame(b"TAL", b"TALB", b"\3" + "\u20ac".encode() if version == 4 else b"\0Album\0"),
            frame(b"TCM", b"TCOM", b"\1" + utf16("a\0") + utf16("b")),
            frame(b"TXX", b"TXXX", b"\1" + b"\xfe\xff" + "key\0".encode("utf-16be") + b"\xfe\xff" + "v\xe9".encode("utf-16be")),
            frame(b"COM", b"COMM", b"\0eng" + b"what\0it is"), frame(b"WXX", b"WXXX", b"\1" + utf16("site\0") + b"http://x.example"),
            frame(b"WAR", b"WOAR", b"http://y.example"), frame(b"PIC", b"APIC", b"\0" + bytes(200))]


def id3_v1(title=b"T\xe4 "):
    return b"TAG" + struct.pack("30s30s30s4s28sBBB", title, b"artist", b"album", b"1999", b"comment", 0, 7, 17)


def mpeg(frames=4, xing=False):
    """MPEG 1, layer III, 128 kbit/s, 44.1 kHz, stereo."""
    first = b"\xff\xfb\x90\0" + bytes(32) + (b"Xing" + struct.pack(">II", 1, 1000) if xing else b"")
    return first.ljust(417, b"\0") + (b"\xff\xfb\x90\0" + bytes(413)) * (frames - 1)


def ebml(number, body=b"", size=None, unknown=False):
    """An element; its length in `size` bytes, or unknown."""
    name = number.to_bytes((number.bit_length() + 7) // 8, "big")
    size = size or next(n for n in range(1, 9) if len(body) < (1 << 7 * n) - 1)
    said = (1 << 7 * size) - 1 if unknown else len(body)
    return name + (1 << 7 * size | said).to_bytes(size, "big") + body


def matroska(live=False, scale=1000000):
    """A film of two tracks; `live`: segment and clusters of unknown length."""
    number = lambda name, value, size=None: ebml(name, value.to_bytes(size or max(1, (value.bit_length() + 7) // 8), "big"))
    text = lambda name, value: ebml(name, value.encode())
    info = ebml(0x1549a966, number(0x2ad7b1, scale) + ebml(0x4489, struct.pack(">d", 2500)) + text(0x7ba9, "F\xeftes") + text(0x4d80, "maker")
                + text(0x5741, "writer") + ebml(0x4461, struct.pack(">q", (1700000000 - 978307200) * 10**9)))
    video = ebml(0xae, number(0xd7, 1) + number(0x73c5, 77, 8) + number(0x83, 1) + text(0x86, "V_VP9") + ebml(0xe0, number(0xb0, 640) + number(0xba, 360)))
    audio = ebml(0xae, number(0xd7, 2) + number(0x83, 2) + text(0x86, "A_OPUS") + text(0x22b59c, "deu") + text(0x536e, "Ton")
                 + ebml(0xe1, ebml(0xb5, struct.pack(">f", 48000)) + number(0x9f, 2)))
    tags = ebml(0x1254c367, ebml(0x7373, ebml(0x63c0, number(0x68ca, 30) + number(0x63c5, 77))
                                 + ebml(0x67c8, text(0x45a3, "ARTIST") + text(0x4487, "x") + ebml(0x67c8, text(0x45a3, "SORT") + text(0x4487, "y")))))
    cluster = lambda time: ebml(0x1f43b675, number(0xe7, time) + ebml(0xa3, b"\x81\0\0\x80" + bytes(20))
                                + ebml(0xa0, ebml(0xa1, b"\x82\0\1\0" + bytes(9)) + ebml(0xfb, b"\xff")), unknown=live, size=8 if live else None)
    before = info + ebml(0x1654ae6b, video + audio) + ebml(0xec, bytes(130))
    clusters = cluster(0) + cluster(1000)
    cues = ebml(0x1c53bb6b, b"".join(ebml(0xbb, number(0xb3, time) + ebml(0xb7, number(0xf7, 1) + number(0xf1, len(before) + place)))
                                     for time, place in ((0, 0), (1000, len(clusters) // 2))))
    return (ebml(0x1a45dfa3, number(0x4286, 1) + text(0x4282, "webm" if live else "matroska"))
            + ebml(0x18538067, before + clusters + cues + tags, 8, live))


def samples():
    """A small file for each recipe, by the recipe's name."""
    return {
        "elf.sql": [elf(True, True), elf(False, True, 3), elf(True, False, 43),
                    elf(False, False, 8)],
        "png.sql": [png()],
        "zip.sql": [archive(), archive(b"a comment", True), archive(before=b"#!/bin/sh\n"),
                    zip64_by_hand()],
        "bmp.sql": [bmp(), bmp(24)],
        "wav.sql": [wav(frames=20), avi()],
        "mbr.sql": [mbr()],
        "gpt.sql": [gpt()],
        "utmp.sql": [utmp(), utmp(True)],
        "pcap.sql": [pcap(), pcap(">", True)],
        "tar.sql": [tar(), tar(tarfile.PAX_FORMAT)],
        "ar.sql": [ar()],
        "mp4.sql": [mp4(), heif()],
        "jpeg.sql": [jpeg()],
        "sqlite.sql": sqlite_files()[:1],
        "sqlite_wal.sql": sqlite_files()[1:],
        "safetensors.sql": [safetensors()],
        "npy.sql": [npy(), npy(2)],
        "wasm.sql": [wasm()],
        "git_index.sql": [git_index()],
        "flac.sql": [flac()],
        "fat.sql": [fat(), fat(32)],
        "ext4.sql": [ext4(), ext4(True)],
        "iso9660.sql": [iso()],
        "squashfs.sql": [squashfs(fragments=9), squashfs(False, fragments=9)],
        "cpio.sql": [cpio(), cpio("crc") + cpio("odc") + cpio("<"), cpio(">", 1)],
        "gif.sql": [gif()],
        "ogg.sql": [b"".join(ogg_vorbis()), b"".join(ogg_opus())],
        "id3.sql": [id3(version, id3_frames(version)) + mpeg() + id3_v1() for version in (3, 2, 4)],
        "matroska.sql": [matroska(), matroska(True)],
        "pcapng.sql": [pcapng_section(), pcapng_section(">", 99)],
        "tiff.sql": [tiff(), tiff(">"), tiff("<", True), tiff(">", True), exif(tiff())],
        "gzip.sql": [bgzf(b"hello" * 9, b"")],
        **samples_programs.samples(),
        **samples_wire.samples(),
    }
