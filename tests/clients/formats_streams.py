#!/usr/bin/python3
"""sql/formats of streams beside readers in Python: pcapng, Ogg, ID3, Matroska. On files made here and on the machine's own."""

import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "data"))
import formats_support as support
from formats_support import found, in_directory, rows, same, write


def said(path):
    return subprocess.run(["file", "-b", path], stdout=subprocess.PIPE, check=True).stdout.decode("utf-8", "replace")


# ---- pcapng --------------------------------------------------------------------------------------

def pcapng_reader(data):
    """(offset, type, length) of each block, by struct."""
    at, out, end = 0, [], "<"
    while at < len(data):
        if data[at:at + 4] == b"\x0a\x0d\x0d\x0a":
            end = "<" if data[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
        kind, length = struct.unpack_from(end + "II", data, at)
        out.append((at, kind, length))
        at += length
    return out


KINDS = {0x0a0d0d0a: "section", 1: "interface", 2: "old packet", 3: "simple packet", 4: "names", 5: "statistics", 6: "packet",
         0x7777: "0x00007777"}


@in_directory
def pcapng_has_its_blocks_packets_and_names(directory):
    for end in "<>":
        data = support.pcapng_section(end)
        path = write(directory, "a.pcapng", data)
        same(rows("pcapng.sql", path, "SELECT offset, type, length, error FROM pcapng_block"),
             [(at, KINDS[kind], length, None) for at, kind, length in pcapng_reader(data)])
        same(rows("pcapng.sql", path, "SELECT number, link, longest, unit, seconds_more, name FROM pcapng_interface"),
             [(0, "Ethernet", 64, 10**6, None, "eth0"), (1, "IP", 0, 10**9, 100, None)])
        got = rows("pcapng.sql", path, "SELECT offset, interface, time, captured, length, link, error FROM pcapng_packet")
        frame = support.packets()[0]
        same([row[1:] for row in got],
             [(0, "2023-11-14 22:13:20.123456000", len(frame), len(frame) + 9, 1, None),
              (1, "2023-11-14 22:13:20.123456789", 3, 3, 101, None), (0, None, 64, 100, 1, None),
              (0, "2023-11-14 22:13:21.000000000", 1, 1, 1, None)])
        same([data[at:at + size] for at, _, _, size, *_ in got], [frame, b"abc", bytes(64), b"z"])
        same(rows("pcapng.sql", path, "SELECT block, code, name, value, error FROM pcapng_option"),
             [(0, 4, "application", "caf\xe9", None), (0, 999, None, None, None), (1, 2, "name", "eth0", None),
              (1, 11, "filter", None, None), (2, 9, "tsresol", 9, None), (2, 14, "tsoffset", 100, None), (2, 8, "speed", 10**9, None),
              (3, 1, "comment", "a comment", None), (3, 2, "flags", 1, None), (3, 4, "dropped", 7, None), (8, 4, "received", 12, None)])
        same(rows("pcapng.sql", path, "SELECT address, name FROM pcapng_name"),
             [("10.0.0.1", "a.example"), ("10.0.0.1", "b.test"), ("2001:db8:0:0:0:0:0:1", "c")])
        assert "pcapng" in said(path) or "pcap-ng" in said(path), said(path)


@in_directory
def pcapng_units_of_time(directory):
    for resolution, stamp, unit, time in ((0, 1700000000, 1, "000000000"), (3, 1700000000123, 1000, "123000000"),
                                          (12, 1700000000123456789012, None, None), (0x80, 1700000000, 1, "000000000"),
                                          (0x8a, 1700000000 << 10 | 512, 1024, "500000000"), (19, 5, None, None),
                                          (12, 1700000 * 10**12 + 5 * 10**11, 10**12, None), (0xff, 5, None, None)):
        if stamp >= 1 << 64:
            continue
        data = (support.pcapng_block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1))
                + support.pcapng_block(1, struct.pack("<HHI", 1, 0, 0) + support.pcapng_options((9, bytes([resolution]))))
                + support.pcapng_block(6, struct.pack("<IIIII", 0, stamp >> 32, stamp & 0xffffffff, 0, 0)))
        path = write(directory, "a.pcapng", data)
        same(rows("pcapng.sql", path, "SELECT unit FROM pcapng_interface"), [(unit,)])
        (got,), = rows("pcapng.sql", path, "SELECT time FROM pcapng_packet")
        if time or not unit:
            same(got, time and "2023-11-14 22:13:20." + time, resolution)
        else:
            same(got, "1970-01-20 16:13:20.500000000")


def pcapng_errors(directory, data):
    return rows("pcapng.sql", write(directory, "b.pcapng", data), "SELECT section, number, error FROM pcapng_block WHERE error IS NOT NULL")


@in_directory
def pcapng_odd_and_damaged(directory):
    little, big = support.pcapng_section(), support.pcapng_section(">", 1 << 62)
    # Sections of both orders one behind the other, whatever they say of their length.
    path = write(directory, "a.pcapng", little + big + little)
    same(rows("pcapng.sql", path, "SELECT section, count(*), count(error) FROM pcapng_block GROUP BY 1"), [(i, 10, 0) for i in range(3)])
    same(rows("pcapng.sql", path, "SELECT section, count(*), count(error) FROM pcapng_packet GROUP BY 1"), [(i, 4, 0) for i in range(3)])
    same(pcapng_errors(directory, little + big[:8] + b"what" + big[12:]), [(1, 0, "its order of bytes is unknown")])
    # Lengths that differ, that are none, that are too long; packets of interfaces that are not there.
    block = support.pcapng_block
    same(pcapng_errors(directory, support.pcapng_section(more=block(0x7777, b"", again=16) + block(0x7778, b""))),
         [(0, 10, "its length is 12 at its start, 16 at its end")])
    for length in (0, 11):
        same(pcapng_errors(directory, little + struct.pack("<II", 6, length) + bytes(99)), [(0, 10, f"its length is {length}")])
    past = "it reaches past the end of the file"
    for length in (13, 0x7fffffff, 0xffffffff):
        same(pcapng_errors(directory, little + struct.pack("<II", 6, length)), [(0, 10, past)])
    same(pcapng_errors(directory, little[:-1]), [(0, 9, past)])
    path = write(directory, "c.pcapng", support.pcapng_section(more=block(6, struct.pack("<IIIII", 2, 0, 0, 0, 0))
                                                               + block(6, struct.pack("<IIIII", 0, 0, 0, 5, 4))
                                                               + block(6, struct.pack("<IIIII", 0, 0, 0, 4, 2) + b"abcd")))
    same(rows("pcapng.sql", path, "SELECT interface, error FROM pcapng_packet WHERE error IS NOT NULL"),
         [(2, "its section has no interface 2"), (0, "it reaches past the end of its block"), (0, "more was captured than the packet had")])
    path = write(directory, "d.pcapng", support.pcapng_section(
        more=block(1, struct.pack("<HHI", 1, 0, 0) + struct.pack("<HH", 2, 99) + b"name")
        + block(1, struct.pack("<HHI", 1, 0, 0) + support.pcapng_options((2, b"\xff\xfe")))))
    same(rows("pcapng.sql", path, "SELECT name, value, error FROM pcapng_option WHERE block > 9"),
         [("name", None, "it reaches past the end of its block"), ("name", "\ufffd", None)])
    for other in (b"", b"\x0a\x0d\x0d\x0a", b"\x0a\x0d\x0d\x0a" * 99, support.pcap(), b"text " * 99):
        same(rows("pcapng.sql", write(directory, "other", other), "SELECT * FROM pcapng_block"), [])


# ---- Ogg -----------------------------------------------------------------------------------------

OGGS = ("/usr/share/sounds/**/*.og[ga]", "/usr/share/**/*.og[ga]", "/usr/share/**/*.opus")


def ogg_reader(data):
    """(pages, packets by serial number) of a file of whole pages, by struct."""
    at, pages, packets, open_ = 0, [], {}, {}
    while at < len(data):
        magic, _, flags, granule, serial, sequence, crc, count = struct.unpack_from("<4sBBqIIIB", data, at)
        assert magic == b"OggS"
        segments, body = data[at + 27:at + 27 + count], at + 27 + count
        pages.append((at, serial, sequence, None if granule == -1 else granule, flags >> 2 & 1, flags >> 1 & 1, flags & 1, body, sum(segments), crc))
        at = body
        for length in segments:
            open_[serial] = open_.get(serial, b"") + data[at:at + length]
            at += length
            if length < 255:
                packets.setdefault(serial, []).append(open_.pop(serial))
    return pages, packets


def vorbis_reader(packet):
    """The tags in a packet, key and value."""
    at = {b"\x03vorb": 7, b"OpusT": 8, b"\x81theo": 7}.get(packet[:5], 4)
    size = lambda: struct.unpack_from("<I", packet, at)[0]
    at += 4 + size()
    count, tags = size(), []
    at += 4
    for _ in range(count):
        text = packet[at + 4:at + 4 + size()].decode()
        tags.append(tuple(text.split("=", 1)) if "=" in text else ("", text))
        at += 4 + size()
    return tags


PAGES = "SELECT offset, serial, sequence, granule, last, first, continued, data_offset, length, crc FROM ogg_page ORDER BY number"


@in_directory
def ogg_agrees_with_a_reader(directory):
    vorbis, opus = support.ogg_vorbis(), support.ogg_opus()
    mixed = b"".join([vorbis[0], opus[0], vorbis[1]] + opus[1:] + vorbis[2:])
    made = [write(directory, f"{i}.ogg", data) for i, data in enumerate((b"".join(vorbis), b"".join(opus), mixed))]
    for path in made + found(*OGGS)[:12]:
        with open(path, "rb") as file:
            data = file.read()
        pages, packets = ogg_reader(data)
        same(rows("ogg.sql", path, PAGES), pages, path)
        same(rows("ogg.sql", path, "SELECT error FROM ogg_page WHERE error IS NOT NULL"), [], path)
        same(sorted(rows("ogg.sql", path, "SELECT serial, key, value FROM ogg_tag JOIN ogg_stream USING (stream)")),
             sorted((serial, *tag) for serial, all_ in packets.items() for tag in vorbis_reader(all_[1])), path)
        for codec, channels, rate in rows("ogg.sql", path, "SELECT codec, channels, rate FROM ogg_stream LIMIT 1"):
            assert codec in said(path), said(path)
            assert codec == "Opus" or f"{rate} Hz" in said(path) and ("mono", "stereo")[channels - 1] in said(path), said(path)
    same(rows("ogg.sql", made[2], "SELECT stream, serial, codec, channels, rate, pages, round(seconds, 4), error FROM ogg_stream"),
         [(0, 7, "Vorbis", 2, 44100, len(vorbis), round(48000 / 44100, 4), None),
          (1, 8, "Opus", 1, 44100, len(opus), round((48000 - 312) / 48000, 4), None)])


@in_directory
def ogg_of_other_codecs(directory):
    flac = b"\x7fFLAC\1\0\0\1" + support.flac()[:42]
    theora = (b"\x80theora\3\2\1" + struct.pack(">HH", 40, 30) + (640).to_bytes(3, "big") + (480).to_bytes(3, "big")
              + bytes(2) + struct.pack(">II", 25, 1) + bytes(10) + struct.pack(">H", 6 << 5) + bytes(4))
    speex = b"Speex   " + bytes(28) + struct.pack("<III", 16000, 0, 0) + struct.pack("<I", 1) + bytes(28)
    tags = support.vorbis_tags(b"A=b")
    for head, second, granule, expected in (
            (flac, b"\x84\0\0\1" + tags, 88200, ("FLAC", 2, 44100, None, None, 2.0)),
            (theora, b"\x81theora" + tags, (50 << 6) + 5, ("Theora", None, None, 640, 480, 55 / 25)),
            (speex, tags, 32000, ("Speex", 1, 16000, None, None, 2.0)), (b"nobody's codec", tags, 5, (None,) * 6)):
        path = write(directory, "a.ogg", b"".join(support.ogg_stream(1, head, second, granule=granule)))
        same(rows("ogg.sql", path, "SELECT codec, channels, rate, width, height, seconds FROM ogg_stream"), [expected])
        same(rows("ogg.sql", path, "SELECT key, value FROM ogg_tag"), [("A", "b")] if expected[0] else [])


@in_directory
def ogg_odd_and_damaged(directory):
    # One stream behind the other, of the same serial number.
    chained = b"".join(support.ogg_opus(7, (b"N=1",), granule=312 + 480) + support.ogg_opus(7, (b"N=2",), granule=312 + 960))
    path = write(directory, "a.ogg", chained)
    same(rows("ogg.sql", path, "SELECT stream, pages, seconds FROM ogg_stream"), [(0, 3, 0.01), (3, 3, 0.02)])
    same(rows("ogg.sql", path, "SELECT stream, key, value FROM ogg_tag"), [(0, "N", "1"), (3, "N", "2")])
    # Lengths and texts at each place of a page's end: tags of every length, in pages of one segment.
    for size in range(225, 262):
        tags = [b"A=" + b"x" * size, b"B=y"]
        path = write(directory, "b.ogg", b"".join(support.ogg_opus(9, tags, room=1)))
        same(rows("ogg.sql", path, "SELECT key, value, error FROM ogg_tag"), [("A", "x" * size, None), ("B", "y", None)], size)
    # A page is missing, bytes are in between, the end is.
    pages = support.ogg_vorbis()
    path = write(directory, "c.ogg", b"".join(pages[:4] + [b"junk" * 30] + pages[4:6] + pages[7:]) + b"\0" * 40)
    same(rows("ogg.sql", path, "SELECT sequence, error FROM ogg_page WHERE error IS NOT NULL"),
         [(4, "bytes that are no page are before it"), (7, "pages are missing before it")] if len(pages) > 7 else
         [(4, "bytes that are no page are before it")])
    data = b"".join(pages)
    path = write(directory, "d.ogg", data[:-1])
    same(rows("ogg.sql", path, "SELECT count(*), max(error) FROM ogg_page"), [(len(pages), "it reaches past the end of the file")])
    path = write(directory, "e.ogg", data[:len(pages[0]) + len(pages[1]) + 20])
    same(rows("ogg.sql", path, "SELECT number, error FROM ogg_page WHERE error IS NOT NULL"), [(2, "it reaches past the end of the file")])
    same(rows("ogg.sql", path, "SELECT key, error FROM ogg_tag"),
         [("TITLE", None), ("PICTURE", "it reaches past the end of its packet")])
    # Lengths that are none, more tags than there are, text that is no UTF-8.
    for old, new, expected in ((b"\x0b\0\0\0TITLE", b"\xff\xff\xff\xffTITLE", [(0, "it reaches past the end of its packet")]),
                               (b"\5\0\0\0maker", b"\xff\xff\xff\x7fmaker", []), (b"maker\5", b"maker\xff", [(4, None)]),
                               (b"maker\5", b"maker\0", [])):
        assert old in data
        got = rows("ogg.sql", write(directory, "f.ogg", data.replace(old, new)), "SELECT number, error FROM ogg_tag")
        same(got[-1:], expected, new)
    got = rows("ogg.sql", write(directory, "g.ogg", data.replace("\xe9".encode(), b"\xe9\xe9")), "SELECT key, value FROM ogg_tag")
    same(got[0], ("", "\ufffd"))
    # Pages of no bytes, by the thousand; a body of nothing but what pages begin with.
    empty = support.ogg_page(1, 0, -1, [], b"") * 5000
    same(rows("ogg.sql", write(directory, "h.ogg", data + empty), "SELECT count(*) FROM ogg_page"), [(len(pages) + 5000,)])
    rows("ogg.sql", write(directory, "i.ogg", b"OggS" * 30000), "SELECT count(*) FROM ogg_page")
    for other in (b"", b"OggS", b"Ogg", bytes(99) + data, b"text " * 99):
        same(rows("ogg.sql", write(directory, "other", other), "SELECT * FROM ogg_stream"), [])


# ---- ID3 -----------------------------------------------------------------------------------------

MP3S = ("/usr/share/**/*.mp3",)
TEXTS = "SELECT id, language, description, value FROM id3_text"


def texts_of(version):
    """What id3_frames has in it."""
    name = lambda three, four: three if version == 2 else four
    return [(name("TT2", "TIT2"), None, None, "caf\xe9"), (name("TP1", "TPE1"), None, None, "\u65e5\U0001f333"),
            (name("TAL", "TALB"), None, None, "\u20ac" if version == 4 else "Album"), (name("TCM", "TCOM"), None, None, "a"),
            (name("TCM", "TCOM"), None, None, "b"), (name("TXX", "TXXX"), None, "key", "v\xe9"), (name("COM", "COMM"), "eng", "what", "it is"),
            (name("WXX", "WXXX"), None, "site", "http://x.example"), (name("WAR", "WOAR"), None, None, "http://y.example")]


@in_directory
def id3_tags_of_each_version(directory):
    for version in (2, 3, 4):
        frames = support.id3_frames(version)
        data = support.id3(version, frames) + support.mpeg() + support.id3_v1()
        path = write(directory, "a.mp3", data)
        head, at, places = 6 if version == 2 else 10, 10, []
        for frame in frames:
            places.append((at + head, len(frame) - head, None))
            at += len(frame)
        same(rows("id3.sql", path, "SELECT length, version, unsynchronised, error FROM id3_tag"),
             [(at + 20, f"2.{version}.0", 0, None)])
        same(rows("id3.sql", path, "SELECT data_offset, length, error FROM id3_frame"), places, version)
        same(rows("id3.sql", path, TEXTS), texts_of(version), version)
        same(rows("id3.sql", path, "SELECT title, artist, album, year, comment, track, genre FROM id3_v1"),
             [("T\xe4", "artist", "album", "1999", "comment", 7, 17)])
        same(rows("id3.sql", path, "SELECT offset, version, layer, rate, channels, bitrate, round(seconds, 3) FROM id3_sound"),
             [(at + 20, "1", 3, 44100, 2, 128, round(4 * 417 / 16000, 3))])
        assert f"ID3 version 2.{version}.0" in said(path), said(path)
    for path in found(*MP3S):
        with open(path, "rb") as file:
            data = file.read()
        assert (f"ID3 version 2.{data[3]}" in said(path)) == (data[:3] == b"ID3"), path
        same(len(rows("id3.sql", path, "SELECT * FROM id3_tag")), data[:3] == b"ID3", path)
        same(len(rows("id3.sql", path, "SELECT * FROM id3_v1")), data[-128:-125] == b"TAG", path)
        for layer, rate in rows("id3.sql", path, "SELECT layer, rate FROM id3_sound"):
            assert "I" * layer + "," in said(path) or f"{rate / 1000:g} kHz" in said(path), said(path)


@in_directory
def id3_unsynchronised_extended_and_with_a_footer(directory):
    for version in (2, 3):
        path = write(directory, "a.mp3", support.id3(version, support.id3_frames(version), unsync=True) + support.mpeg())
        got = rows("id3.sql", path, TEXTS)
        # The mark is stuffed; of texts with more of it there is nothing.
        expected = [(*text[:3], None) if "\xff" in str(text[3]) else text for text in texts_of(version)]
        same(got, expected, version)
        same(rows("id3.sql", path, "SELECT error FROM id3_frame WHERE error IS NOT NULL"), [])
    for version, extended in ((3, struct.pack(">IHI", 6, 0, 20)), (4, support.syncsafe(6) + b"\1\0")):
        path = write(directory, "b.mp3", support.id3(version, support.id3_frames(version), extended=extended))
        same(rows("id3.sql", path, TEXTS), texts_of(version), version)
    # At the end, with a footer, before an ID3v1 and without.
    for behind in (b"", support.id3_v1()):
        path = write(directory, "c.mp3", support.mpeg(xing=True) + support.id3(4, support.id3_frames(4), footer=True) + behind)
        same(rows("id3.sql", path, TEXTS), texts_of(4))
        same(rows("id3.sql", path, "SELECT offset, frames, round(seconds, 3) FROM id3_sound"), [(0, 1000, 26.122)])
    # Frame flags of 2.4: a group and the length in front; compressed.
    frames = [support.id3_frame(4, b"TIT2", b"G\0\0\0\5\0text", 0x41), support.id3_frame(4, b"TALB", b"\0\0\0\5zzzz", 0x09)]
    path = write(directory, "d.mp3", support.id3(4, frames))
    same(rows("id3.sql", path, "SELECT id, value FROM id3_text"), [("TIT2", "text")])
    same(rows("id3.sql", path, "SELECT id, packed FROM id3_frame"), [("TIT2", 0), ("TALB", 1)])


@in_directory
def id3_odd_and_damaged(directory):
    text = b"\3" + b"x" * 300
    # Sizes that are not syncsafe though they should be, before another frame, before padding, and at the end.
    for after, padding in (([support.id3_frame(4, b"TPE1", b"\3y")], 20), ([], 20), ([], 0)):
        path = write(directory, "a.mp3", support.id3(4, [support.id3_frame(4, b"TIT2", text, plain=True)] + after, padding=padding))
        same(rows("id3.sql", path, "SELECT id, length(value) FROM id3_text"), [("TIT2", 300)] + [("TPE1", 1) for _ in after])
    wrong = {"cut": (support.id3(3, support.id3_frames(3))[:60], "it reaches past the end of the tag"),
             "long": (support.id3(3, [b"TIT2\x7f\xff\xff\xff\0\0\0x"]), "it reaches past the end of the tag"),
             "huge": (support.id3(3, [b"TIT2\xff\xff\xff\xff\0\0\0x"]), "it reaches past the end of the tag"),
             "lost": (support.id3(3, support.id3_frames(3)[:1] + [b"\1\2\3\4" + bytes(9)]), "it is no frame")}
    for name, (data, error) in wrong.items():
        got = rows("id3.sql", write(directory, "b.mp3", data), "SELECT error FROM id3_frame")
        same(got[-1], (error,), name)
        same(len([row for row in got if row[0]]), 1, name)
    # Texts: of an unknown encoding, no UTF-8, half a UTF-16, empty, of nothing but the encoding.
    bodies = [b"\x09text", b"\3\xff\xfe", b"\1\xff\xfea", b"\0", b"\1\xff\xfe", b"\2\0a\0", b"\0one\0\0two\0"]
    path = write(directory, "c.mp3", support.id3(4, [support.id3_frame(4, b"TIT%d" % i, body) for i, body in enumerate(bodies)]))
    same([row for row in rows("id3.sql", path, "SELECT id, value FROM id3_text") if row[0] not in ("TIT2", "TIT5")],
         [("TIT0", None), ("TIT1", "\ufffd"), ("TIT3", ""), ("TIT4", ""), ("TIT6", "one"), ("TIT6", "two")])
    # A frame alone is no sound, nor is one that is not followed by another.
    for data in (support.mpeg(1)[:-1] + b"x" * 99, b"\xff\xfb\x90\0" + bytes(999), support.id3(4, support.id3_frames(4)) + b"\xff\xfb" * 9):
        same(rows("id3.sql", write(directory, "d.mp3", data), "SELECT * FROM id3_sound"), [])
    for other in (b"", b"ID3", b"ID3\x04\0\0\xff\xff\xff\xff" + bytes(99), b"\xff\xfe" * 999, b"text " * 99, support.jpeg()):
        for view in ("id3_tag", "id3_frame", "id3_text", "id3_sound"):
            same(rows("id3.sql", write(directory, "other", other), f"SELECT * FROM {view}"), [], other[:9])


# ---- Matroska ------------------------------------------------------------------------------------

MASTERS = {0x1a45dfa3, 0x18538067, 0x1549a966, 0x1654ae6b, 0xae, 0xe0, 0xe1, 0x1f43b675, 0xa0, 0x1c53bb6b, 0xbb, 0xb7, 0x1254c367, 0x7373, 0x63c0,
           0x67c8, 0x114d9b74, 0x4dbb, 0x1941a469, 0x61a7, 0x55b0}
TOP = {0x1f43b675, 0x1c53bb6b, 0x1254c367, 0x1549a966, 0x1654ae6b, 0x114d9b74, 0x1a45dfa3, 0x18538067}


def vint(data, at, keep):
    """A number of 1 to 8 bytes at a place, and where it ends; None if it is nothing but ones."""
    size = 9 - data[at].bit_length()
    value = int.from_bytes(data[at:at + size], "big")
    if not keep:
        value -= 1 << 7 * size
        value = None if value == (1 << 7 * size) - 1 else value
    return value, at + size


def elements(data, at, stop, depth=0, inside=None):
    """(depth, offset, id, where its data are, length) of each element, by its bytes; ends where something cannot be `inside`."""
    while at < stop:
        name, place = vint(data, at, True)
        if inside == 0x1f43b675 and name in TOP or inside == 0x18538067 and name in (0x1a45dfa3, 0x18538067):
            return
        length, body = vint(data, place, False)
        yield depth, at, name, body, length
        end = at = body + (length or 0)
        if name in MASTERS:
            for row in elements(data, body, stop if length is None else end, depth + 1, name if length is None else None):
                yield row
                at = max(at, row[3] + (row[4] or 0))


@in_directory
def matroska_agrees_with_a_reader(directory):
    made = [write(directory, f"{i}.mkv", support.matroska(live)) for i, live in enumerate((False, True))]
    for path in made + found("/usr/share/**/*.webm", "/usr/share/**/*.mkv"):
        with open(path, "rb") as file:
            data = file.read()
        same(rows("matroska.sql", path, "SELECT depth, offset, id, data_offset, length FROM matroska_element"),
             [(depth, at, hex(name), body, length) for depth, at, name, body, length in elements(data, 0, len(data))], path)
        same(rows("matroska.sql", path, "SELECT * FROM matroska_element WHERE error IS NOT NULL"), [], path)
        assert "Matroska" in said(path) or "WebM" in said(path), said(path)
    for path, kind in zip(made, ("matroska", "webm")):
        same(rows("matroska.sql", path, "SELECT doctype, seconds, title, muxing_app, writing_app, made, error FROM matroska_segment"),
             [(kind, 2.5, "F\xeftes", "maker", "writer", "2023-11-14 22:13:20", None)])
        same(rows("matroska.sql", path, "SELECT number, uid, type, codec, name, language, width, height, rate, channels FROM matroska_track"),
             [(1, 77, "video", "V_VP9", None, "eng", 640, 360, None, None), (2, None, "audio", "A_OPUS", "Ton", "deu", None, None, 48000.0, 2)])
        with open(path, "rb") as file:
            data = file.read()
        cues = rows("matroska.sql", path, "SELECT seconds, track, offset FROM matroska_cue")
        same([cue[:2] for cue in cues], [(0.0, 1), (1.0, 1)])
        same([data[at:at + 4] for _, _, at in cues], [b"\x1f\x43\xb6\x75"] * 2)
        same(rows("matroska.sql", path, "SELECT level, track_uid, name, value FROM matroska_tag"), [(30, 77, "ARTIST", "x"), (30, 77, "SORT", "y")])
    same(rows("matroska.sql", write(directory, "s.mkv", support.matroska(scale=10**9)), "SELECT seconds FROM matroska_segment"), [(2500.0,)])


def matroska_errors(directory, data):
    return rows("matroska.sql", write(directory, "b.mkv", data), "SELECT id, error FROM matroska_element WHERE error IS NOT NULL")


@in_directory
def matroska_odd_and_damaged(directory):
    head = support.ebml(0x1a45dfa3, support.ebml(0x4282, b"webm"))
    segment = lambda body, **more: head + support.ebml(0x18538067, body, **more)
    past = "it reaches past the end of what it is in"
    # Cut: the segment and what is cut in it say so, and what is before is there.
    data = support.matroska()
    for less in (1, 60, 200):
        path = write(directory, "a.mkv", data[:-less])
        got = rows("matroska.sql", path, "SELECT id, error FROM matroska_element WHERE error IS NOT NULL")
        same(got[0], ("0x18538067", past), less)
        assert len(got) > 1, less
        same(rows("matroska.sql", path, "SELECT count(*) FROM matroska_track"), [(2,)], less)
    # An element longer than the one it is in ends that, not what is behind it.
    wrong = support.ebml(0x1654ae6b, support.ebml(0xae, b"\xd7\xff\1"[:1] + b"\x88" + bytes(3)))
    got = rows("matroska.sql", write(directory, "c.mkv", segment(wrong + support.ebml(0x1254c367))), "SELECT id, depth, error FROM matroska_element")
    same(got[3:], [("0x1654ae6b", 1, None), ("0xae", 2, None), ("0xd7", 3, past), ("0x1254c367", 1, None)])
    # Ids and lengths of 8 bytes; values of no bytes; a number of 9; an id of nobody; lengths that only segments may leave open.
    same(matroska_errors(directory, segment(support.ebml(0x0102030405060708, b"x", 8) + support.ebml(0x4999, b"what"))), [])
    path = write(directory, "d.mkv", segment(support.ebml(0x1549a966, b"".join(
        support.ebml(name, body) for name, body in ((0x2ad7b1, b""), (0x4489, b""), (0x7ba9, b""), (0x73c5, bytes(9)), (0x5741, b"\xff"))))))
    same(rows("matroska.sql", path, "SELECT value FROM matroska_element WHERE depth = 2"), [(0,), (0.0,), ("",), (None,), ("\ufffd",)])
    same(matroska_errors(directory, segment(support.ebml(0x1549a966, unknown=True))), [("0x1549a966", "its length is unknown")])
    for zeros in (1, 9):
        got = rows("matroska.sql", write(directory, "e.mkv", segment(b"") + bytes(zeros)), "SELECT error FROM matroska_element WHERE depth = 0")
        same(got[-1], ("it is no element",))
    # Segments one behind the other, both open; nothing in them but themselves, deeper than is looked.
    live = support.matroska(True)
    path = write(directory, "f.mkv", live + live)
    same(rows("matroska.sql", path, "SELECT depth, count(*) FROM matroska_element WHERE name IN ('Segment', 'Cluster', 'Block') GROUP BY 1"),
         [(0, 2), (1, 4), (3, 4)])
    same(rows("matroska.sql", path, "SELECT offset, title FROM matroska_segment"),
         [(data_at, "F\xeftes") for data_at in (live.index(b"\x18\x53\x80\x67"), len(live) + live.index(b"\x18\x53\x80\x67"))])
    deep = b""
    for _ in range(200):
        deep = support.ebml(0x67c8, deep, 8)
    same(rows("matroska.sql", write(directory, "g.mkv", segment(deep)), "SELECT max(depth) FROM matroska_element"), [(12,)])
    path = write(directory, "h.mkv", segment(support.ebml(0x1f43b675, unknown=True) * 3000))
    same(rows("matroska.sql", path, "SELECT max(depth), count(*) FROM matroska_element"), [(1, 3003)])
    for other in (b"", b"\x1a\x45\xdf", b"\x18\x53\x80\x67\xff", b"text " * 99):
        same(rows("matroska.sql", write(directory, "other", other), "SELECT * FROM matroska_element"), [])


TESTS = [pcapng_has_its_blocks_packets_and_names, pcapng_units_of_time, pcapng_odd_and_damaged, ogg_agrees_with_a_reader, ogg_of_other_codecs,
         ogg_odd_and_damaged, id3_tags_of_each_version, id3_unsynchronised_extended_and_with_a_footer, id3_odd_and_damaged,
         matroska_agrees_with_a_reader, matroska_odd_and_damaged]

if __name__ == "__main__":
    sys.exit(support.run_tests(TESTS))
