#!/usr/bin/python3
"""sql/formats on files that are cut short, damaged at random, or made to do harm.

Whatever the others in target are, each view ends without an error, and soon, and the rows of a
whole file stay what they are when it is alone.
"""

import collections
import os
import random
import sqlite3
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "data"))
import formats_support as support
import samples_programs
import samples_wire
from formats_support import in_directory, quote, same, write

# All files of a format together: enough for a busy machine, not for what takes time by the square
# of a length.
SECONDS = 60


def rows_of(recipe, good, others):
    """Every view's rows of the file `good`, after all columns of all files were computed."""
    statements = [f".read {quote(os.path.abspath(os.path.join('sql/formats', recipe)))}"]
    statements += ["INSERT INTO target VALUES "
                   + ", ".join(f"({quote(path)})" for path in [good] + others) + ";"]
    for view in support.views(recipe):
        statements += [f"CREATE TEMP TABLE all_{view} AS SELECT * FROM {view};",
                       f"SELECT * FROM all_{view} WHERE path = {quote(good)};"]
    began = time.monotonic()
    results = support.shell(statements)
    took = time.monotonic() - began
    for statement, (_, error) in zip(statements, results):
        assert error is None, f"{recipe}: {statement[:200]}\n  {error}"
    assert took < SECONDS, f"{recipe}: {took:.1f} s"
    return [rows for rows, _ in results[3::2]]


def check(recipe, good, others):
    alone = rows_of(recipe, good, [])
    assert any(alone), recipe
    same(rows_of(recipe, good, others), alone, recipe)


def cuts(data):
    """Lengths from 0 up, those around what the formats have as sizes, and some more."""
    random.seed(len(data))
    lengths = set(range(0, 64, 3)) | {len(data) - i for i in range(1, 30)}
    lengths |= {84, 400, 383, 385, 511, 512, 513, 1024}
    lengths |= {random.randrange(len(data)) for _ in range(40)}
    return [data[:n] for n in sorted(lengths) if 0 <= n < len(data)]


HARD = [b"\xff" * 8, b"\xff" * 4, b"\xff\xff", b"\0" * 8, b"\0" * 4,
        b"\x7f" + b"\xff" * 7, b"\xff" * 7 + b"\x7f", b"\x80" + b"\0" * 7, b"\0" * 7 + b"\x80",
        b"\0\0\0\x80", b"\x80\0\0\0", b"\1\0\0\0", b"\0\0\0\1"]


def damaged(data, seed, count):
    """Random bytes anywhere, and numbers that are hard to bear."""
    random.seed(seed)
    for _ in range(count):
        changed = bytearray(data)
        for _ in range(random.choice((1, 1, 2, 4, 16))):
            at = random.randrange(len(changed))
            hard = random.random() < 0.6
            change = random.choice(HARD) if hard else bytes([random.randrange(256)])
            changed[at:at + len(change)] = change[:len(changed) - at]
        yield bytes(changed)


def variants(make):
    @in_directory
    def test(directory):
        for recipe, data in support.samples().items():
            good = write(directory, "good-" + recipe, data[0])
            others = []
            for i, sample in enumerate(data):
                others += [write(directory, f"{recipe}-{i}-{j}", changed)
                           for j, changed in enumerate(make(sample, i))]
            check(recipe, good, others)
    return test


def every_view_bears_files_that_are_cut():
    variants(lambda sample, i: cuts(sample))()


def every_view_bears_damaged_files():
    variants(lambda sample, i: damaged(sample, i, 90))()


@in_directory
def every_view_bears_every_other_format(directory):
    samples = support.samples()
    paths = {recipe: [write(directory, f"{recipe}-{i}", data) for i, data in enumerate(all_)]
             for recipe, all_ in samples.items()}
    noise = [write(directory, f"noise-{n}", random.Random(n).randbytes(n))
             for n in (0, 1, 511, 9999)]
    noise += [write(directory, "it's a \"name\" [with] %s", b"\0" * 4096)]
    for recipe, mine in paths.items():
        check(recipe, mine[0],
              noise + [path for other in paths.values() for path in other if path not in mine])


def slow_elf(is64):
    """8,000 section headers, each of which says that it is a symbol table of all of the file."""
    data = bytearray(support.elf(is64, True))
    shoff, = struct.unpack_from("<Q" if is64 else "<I", data, 40 if is64 else 32)
    size = 64 if is64 else 40
    del data[shoff:]
    total = len(data) + 8000 * size
    for i in range(8000):
        kind = 11 if i % 2 else 2
        if is64:
            data += struct.pack("<IIQQQQIIQQ", i, kind, 0, 0, 0, total, i, 0, 0, 24)
        else:
            data += struct.pack("<IIIIIIIIII", i, kind, 0, 0, 0, total, i, 0, 0, 16)
    struct.pack_into("<HHH", data, 58 if is64 else 46, size, 8000, 7)
    return bytes(data)


def elf_of_crowded_tables():
    """Tables whose entries are said to have a byte each, up to the last byte of the file."""
    data = support.elf(True, True)
    last = len(data) - 64
    headers = bytearray(data)
    struct.pack_into("<QQ", headers, 32, last, last)
    struct.pack_into("<HHHHH", headers, 54, 1, 64, 1, 64, 1)
    symbols = bytearray(data) + b"\1" * 64
    struct.pack_into("<QQ", symbols, len(data) - 3 * 64 + 24, len(data), 64)
    struct.pack_into("<Q", symbols, len(data) - 3 * 64 + 56, 1)
    return [bytes(headers), bytes(symbols)]


def slow_names():
    """20,000 symbols, each of them with all of a long string that nothing ends as its name."""
    data = bytearray(support.elf(True, True))
    headers, = struct.unpack_from("<Q", data, 40)
    symbols = len(data)
    data += bytes(24) * 20000
    strings = len(data)
    data += b"x" * (1 << 19)
    struct.pack_into("<QQ", data, headers + 6 * 64 + 24, symbols, 24 * 20000)
    struct.pack_into("<QQ", data, headers + 7 * 64 + 24, strings, 1 << 19)
    return bytes(data)


def slow_dynamic():
    """The dynamic table is all of the file, and names are all that is behind them, or before."""
    data = bytearray(support.elf(True, True))
    segments = 64 + 56
    struct.pack_into("<Q", data, segments + 56 + 8, len(data))
    struct.pack_into("<Q", data, segments + 56 + 32, 1 << 40)
    data += struct.pack("<QQ", 5, 0x10000) + struct.pack("<QQQQ", 1, 1 << 63, 1, 2**64 - 1)
    data += struct.pack("<QQ", 1, 1) * 20000
    struct.pack_into("<Q", data, segments + 32, len(data))
    return bytes(data)


def fat_of_knots():
    """28 directories, each of which has 14 of them in it; and one whose chain, as a directory, is all of the volume."""
    data = bytearray(support.fat(clusters=44))
    first = len(data) - 44 * 512
    slot = lambda cluster: support.fat_slots(b"D%-10d" % cluster, "", 16, cluster)
    for cluster in range(13, 41):
        body = support.fat_slots(b".          ", "", 16, cluster) + b"".join(slot(13 + (cluster * i) % 28) for i in range(1, 15))
        data[first + (cluster - 2) * 512:first + (cluster - 2) * 512 + len(body)] = body
    data[first - 32:first] = slot(13)
    data[first - 24 * 32:first - 32] = slot(14) * 23
    return [bytes(data), support.fat(bits=32, clusters=3000, extra=slot(2) * 3)]


def zip_of(entries, end):
    return b"PK\3\4" + bytes(26) + entries + end


def hostile():
    """By recipe: files that a careless reader would read for ever, or beyond their end."""
    entry = b"PK\1\2" + bytes(42)
    end = lambda n, size, at: struct.pack("<IHHHHIIH", 0x06054b50, 0, 0, n, n, size, at, 0)
    record64 = lambda *values: struct.pack("<IQHHIIQQQQ", 0x06064b50, 44, 45, 45, 0, 0, *values)
    end64 = lambda at, n, size: (record64(n, n, size, at)
                                 + struct.pack("<IIQI", 0x07064b50, 0, 1 << 63, 1)
                                 + end(0xffff, 0xffffffff, 0xffffffff))
    wide = (entry[:20] + b"\xff" * 8 + struct.pack("<HHH", 0, 65532, 0) + bytes(8) + b"\xff" * 4
            + bytes(65532))
    wide64 = support.zip64_by_hand()
    locals_ = [wide64.replace(struct.pack("<QQQ", 10, 10, 0), struct.pack("<QQQ", 10, 10, at))
               for at in (1 << 63, 2**64 - 1)]
    gpts = []
    for at, form, *values in ((80, "I", 0xffffffff), (84, "I", 0), (84, "I", 0xffffffff),
                              (72, "QII", 63, 512, 1), (72, "Q", 0), (72, "Q", 1 << 63),
                              (12, "I", 0), (12, "I", 513), (12, "I", 0xffffffff)):
        changed = bytearray(support.gpt())
        struct.pack_into("<" + form, changed, 512 + at, *values)
        gpts.append(bytes(changed))
    chain = bytearray(support.mbr()[:8 * 512]) + bytearray(9000 * 512)
    for i in range(9000):
        at = (8 + i) * 512
        entries = support.mbr_entry(0x83, 1, 1) + support.mbr_entry(5, i + 1, 1)
        chain[at + 446:at + 512] = entries + bytes(32) + b"\x55\xaa"
    global_header = support.pcap()[:24]
    crowd = b"".join(struct.pack("<HHHII", 1, 0x14a, 4, 1000, 8 + 18 * 3000) + struct.pack("<I", 8 + 18 * i) for i in range(3000))
    tags = [b"A=b"] * 6000
    interfaces = support.pcapng_block(1, struct.pack("<HHI", 1, 0, 0)) * 2000
    packets = support.pcapng_block(6, struct.pack("<IIIII", 1999, 0, 0, 0, 0)) * 2000
    items = support.heif().replace(b"\0\0\0\2\0\1\2\x82\1", b"\0\0\0\2\0\1\2\xff\xff")
    return {
        "elf.sql": [slow_elf(True), slow_elf(False), slow_names(), slow_dynamic()]
        + elf_of_crowded_tables(),
        "png.sql": [b"\x89PNG\r\n\x1a\n" + support.png_chunk(b"tEXt", b"") * 40000,
                    b"\x89PNG\r\n\x1a\n" + struct.pack(">I4s", 0xffffffff, b"tEXt") + bytes(99),
                    b"\x89PNG\r\n\x1a\n" + support.png_chunk(b"tEXt", b"\0" + bytes(1 << 20))],
        "zip.sql": [zip_of(entry * 20000, end(20000, 46 * 20000, 30)),
                    zip_of(entry, end(65535, 0, 0)),
                    zip_of(entry, end(1, 0xffffffff, 0xffffffff)),
                    zip_of(wide * 40, end(40, len(wide) * 40, 30)),
                    zip_of(entry, end64(30, 1 << 63, 46)),
                    zip_of(entry, end64(1 << 63, 1, 1 << 63)),
                    *locals_, end64(0, 1, 46)[56:], b"PK\3\4" * 100000,
                    b"PK\5\6" * 16000 + bytes(18)],
        "fat.sql": fat_of_knots(),
        "cpio.sql": [support.cpio(block=1) + bytes(1 << 20), support.cpio_member("newc", b"") * 30000,
                     support.cpio_member("newc", b"a", links=2) * 30000, support.cpio_member("newc", b"TRAILER!!!") * 30000,
                     (b"\xc7\x71" + bytes(24)) * 9000],
        "bmp.sql": [support.bmp()[:14]
                    + struct.pack("<IiiHHIIiiII", 40, a, b, 1, bits, c, 0, 0, 0, 0xffffffff, 0)
                    for a, b, bits, c in ((2**31 - 1, -2**31, 65535, 0), (0, 0, 0, 0), (1, 1, 8, 1),
                                          (-2**31, 2**31 - 1, 32, 0))],
        "wav.sql": [support.riff(b"RIFF", b"WAVE" + b"zero\0\0\0\0" * 40000),
                    b"RIFF" + b"\xff" * 4 + b"WAVE",
                    b"RIFF" + b"\xff" * 4 + b"WAVE" + b"fmt " + b"\xff" * 4 + b"data" + b"\xff" * 4,
                    (b"LIST" + b"\xff" * 4 + b"movi") * 1 + b"RIFF",
                    b"".join(b"RIFF" + b"\xff" * 4 + b"WAVE" for _ in range(20000)),
                    b"RIFF" + bytes(1 << 20)],
        "mbr.sql": [bytes(chain), bytes(446) + support.mbr_entry(5, 0, 1) * 4 + b"\x55\xaa",
                    bytes(446) + support.mbr_entry(5, 0xffffffff, 0xffffffff) * 4 + b"\x55\xaa"],
        "gpt.sql": gpts,
        "utmp.sql": [support.utmp()[:384] + b"\xff" * (384 * 3000), b"\1\0\0\0" + bytes(380),
                     support.utmp(True)[:400] + b"\xff" * 400],
        "gif.sql": [support.gif([], end=b"\0" * 300000), support.gif([support.gif_image(0, 0, 1, 1)] * 3000),
                    support.gif([b"\x21\xfe" + b"\1x" * 200000], end=b""), support.gif([support.gif_control(1)] * 3000)],
        "tiff.sql": [b"II*\0\x08\0\0\0" + crowd + struct.pack("<I", 8) * 9000,
                     b"II*\0\x08\0\0\0" + (b"\xff\xff" + struct.pack("<HHII", 0x14a, 4, 1000, 20) * 99) * 4,
                     b"MM\0+\0\x08\0\0" + b"\xff" * 8 + b"\x7f" + b"\xff" * 999],
        "ogg.sql": [b"".join(support.ogg_opus(1, tags, room=4)), b"OggS" * 30000, support.ogg_page(1, 0, -1, [], b"", 2) * 1500],
        "id3.sql": [support.id3(3, [b"TIT2\0\0\1\0\0\0"], unsync=True, padding=0) + b"\xff\0" * 90000,
                    b"ID3\3\0\x80\0\x0f\0\0TIT2\0\0\1\0\0\0" + bytes(255) + b"\xff\0" * 120000,
                    b"ID3\2\0\0\0\x0f\0\0" + b"TT2\0\0\0" * 3000, b"ID3\4\0\0\0\x0f\0\0" + support.id3_frame(4, b"TXXX", b"\0" * 200000)],
        "matroska.sql": [support.ebml(0x1a45dfa3) + b"\xec\x80" * 6000, support.ebml(0x1a45dfa3) + b"\x67\xc8\x01" + b"\xff" * 7 + b"\x67\xc8\xff" * 3000,
                         support.ebml(0x1a45dfa3) + b"\x18\x53\x80\x67\xff" * 2000],
        "pcapng.sql": [support.pcapng_section(more=interfaces + packets), support.pcapng_section() * 60,
                       support.pcapng_block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1)) * 2000],
        "mp4.sql": [items, support.mp4() + b"\0\0\0\x08free" * 20000, b"\0\0\0\x08ftyp" + b"\0\0\0\0meta" * 3000],
        "pcap.sql": [global_header + bytes(1 << 20), global_header + b"\xff" * 64,
                     global_header + struct.pack("<IIII", 0, 0, 0x80000000, 0) + bytes(64),
                     support.pcap(frames=[bytes(12) + b"\x08\0\x4f" + bytes(19),
                                          bytes(12) + b"\x08\0\x45",
                                          bytes(12) + b"\x86\xdd\x60" + bytes(39),
                                          bytes(12) + b"\x81\0\0\0\x81\0",
                                          bytes(12) + b"\x08\0"
                                          + support.ip4(6, bytes(12) + b"\xff" + bytes(7))])],
        **samples_programs.hostile(),
        **samples_wire.hostile(),
    }


@in_directory
def every_view_bears_what_was_made_to_do_harm(directory):
    for recipe, files in hostile().items():
        good = write(directory, "good-" + recipe, support.samples()[recipe][0])
        check(recipe, good,
              [write(directory, f"{recipe}-{i}", data) for i, data in enumerate(files)])


@in_directory
def a_constant_path_changes_nothing(directory):
    """WHERE path = '…' puts the path into each expression, which is evaluated no earlier for it."""
    for recipe, samples in support.samples().items():
        paths = [write(directory, f"{recipe}-{i}", data)
                 for i, data in enumerate(cuts(samples[0])[::12] + list(damaged(samples[0], 7, 6)))]
        views = support.views(recipe)
        support.ask(recipe, paths,
                    *(f"SELECT * FROM {view} WHERE path = {quote(path)}"
                      for view in views for path in paths))


def with_layouts(recipe):
    """A connection with the recipe read, which has no more memory than small files have a use for, and
    the names of its layouts, `USING mmap(*, …)`."""
    database = support.connect(recipe)
    names = [name for name, in database.execute(
        "SELECT name FROM sqlite_temp_schema WHERE sql LIKE 'CREATE VIRTUAL % USING mmap(*,%'")]
    database.text_factory = bytes
    database.execute(f"PRAGMA hard_heap_limit = {48 << 20}")
    return database, names


def outcome(database, query, arguments, seconds=1):
    """`rows`, or why there are no more: damage, or that it takes too long. Nothing else may happen."""
    end = time.monotonic() + seconds
    database.set_progress_handler(lambda: time.monotonic() > end, 1000)
    try:
        for _ in database.execute(query, arguments):
            pass
        result = "rows"
    except sqlite3.DatabaseError as error:
        allowed = {sqlite3.SQLITE_CORRUPT: "damage", sqlite3.SQLITE_INTERRUPT: "interrupted"}
        result = allowed.get(error.sqlite_errorcode & 0xff)
        assert result, f"{query} {arguments}: {error}"
    database.set_progress_handler(None, 0)
    late = time.monotonic() - end
    assert late < SECONDS / 4, f"{query} {arguments}: {late:.1f} s late"
    return result


def bear(recipe, paths):
    """Read the files by every layout of the recipe, from several places, in both orders of bytes. How
    often what came of it."""
    database, layouts = with_layouts(recipe)
    counts = collections.Counter()
    for layout in layouts:
        for path in paths:
            size = os.path.getsize(path)
            for start, endian in ((0, "le"), (0, "be"), (size // 3, "be"), (size * 2 // 3, "le")):
                what = outcome(database, f'SELECT * FROM "{layout}"(?, ?, ?, ?)',
                               (path, start, size, endian))
                counts[what] += 1
            outcome(database, "SELECT mmap_check(?, ?, 0, ?, 'le')", (layout, path, size))
    return counts


@in_directory
def every_layout_bears_every_file(directory):
    """Also those of recipes that nobody has made files for yet."""
    samples = support.samples()
    paths = [write(directory, f"noise-{n}", random.Random(n).randbytes(n)) for n in (0, 1, 9, 3000)]
    paths += [write(directory, f"bytes-{byte}", bytes([byte]) * 2000) for byte in (0, 1, 0x7f, 0x80, 255)]
    counts = collections.Counter()
    for recipe in support.recipes():
        mine = []
        for i, sample in enumerate(samples.get(recipe, [])):
            mine += [write(directory, f"{recipe}-{i}-{j}", changed[:50000])
                     for j, changed in enumerate([sample, *damaged(sample, i, 12)])]
        counts += bear(recipe, paths + mine)
    assert counts["rows"] > 1000 and counts["damage"] and not counts["interrupted"], counts


@in_directory
def every_layout_bears_a_file_without_end(directory):
    """A sparse one of 1 TiB: who waits can stop it."""
    path = write(directory, "endless", b"")
    os.truncate(path, 1 << 40)
    for recipe in support.recipes():
        database, layouts = with_layouts(recipe)
        for layout in layouts:
            outcome(database, f'SELECT rowid FROM "{layout}"(?, 0, ?, \'le\')', (path, 1 << 40), 0.2)


TESTS = [every_layout_bears_every_file, every_layout_bears_a_file_without_end,
         every_view_bears_files_that_are_cut, every_view_bears_damaged_files,
         every_view_bears_every_other_format,
         every_view_bears_what_was_made_to_do_harm, a_constant_path_changes_nothing]

if __name__ == "__main__":
    sys.exit(support.run_tests(TESTS))
