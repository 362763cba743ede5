#!/usr/bin/python3
"""sql/formats of pictures, sound and film beside readers in Python, on files made here."""

import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "data"))
import formats_support as support
from formats_support import in_directory, rows, same, write

# ---- MP4 -----------------------------------------------------------------------------------------

CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"udta", b"edts")


def boxes(data, start, stop, depth=0):
    """(depth, type, offset, length) of each box, by struct."""
    while start + 8 <= stop:
        length, kind = struct.unpack_from(">I4s", data, start)
        head = 8
        if length == 1:
            length, head = struct.unpack_from(">Q", data, start + 8)[0], 16
        elif length == 0:
            length = stop - start
        yield depth, kind.decode("latin-1"), start, length
        if kind in CONTAINERS:
            yield from boxes(data, start + head, start + length, depth + 1)
        start += length


@in_directory
def mp4_boxes_movie_and_tracks(directory):
    for version in (0, 1):
        data = support.mp4(version)
        path = write(directory, "a.mp4", data)
        same(rows("mp4.sql", path, "SELECT depth, type, offset, length FROM mp4_box"),
             list(boxes(data, 0, len(data))))
        same(rows("mp4.sql", path, "SELECT brand, timescale, seconds, made FROM mp4_movie"),
             [("isom", 1000, 2.5, "2023-11-14 22:13:20")])
        same(rows("mp4.sql", path, "SELECT box, kind, seconds, width, height, codec FROM mp4_track"),
             [(1, "vide", 2.5, 640, 360, "avc1"), (2, "soun", 2.0, 0, 0, "mp4a")])


@in_directory
def mp4_odd_and_damaged(directory):
    data = support.mp4()
    query = "SELECT type, error FROM mp4_box WHERE error IS NOT NULL"
    error = "it reaches past the end of what it is in"
    same(rows("mp4.sql", write(directory, "cut.mp4", data[:-2]), query), [("mdat", error)])
    # A box that is larger than the one it is in: that ends, the others stay.
    at = data.index(b"stsd") - 4
    wrong = data[:at] + b"\0\1\0\0" + data[at + 4:]
    got = rows("mp4.sql", write(directory, "wrong.mp4", wrong), "SELECT type, depth, error FROM mp4_box")
    same([row for row in got if row[2]], [("stsd", 5, error)])
    same(got[-1], ("mdat", 0, None))
    # To the end of the file, in 64 bits, and with a length that is less than its head.
    ftyp = struct.pack(">I4s4sI", 16, b"ftyp", b"qt  ", 0)
    for body, length in ((struct.pack(">I4s", 0, b"mdat") + bytes(9), 17),
                         (struct.pack(">I4sQ", 1, b"mdat", 25) + bytes(9), 25)):
        same(rows("mp4.sql", write(directory, "b.mov", ftyp + body), "SELECT type, length, error FROM mp4_box"),
             [("ftyp", 16, None), ("mdat", length, None)])
    for length in (2, 7):
        path = write(directory, "c.mov", ftyp + struct.pack(">I4s", length, b"free") + bytes(99))
        same(rows("mp4.sql", path, query), [("free", error)])
    for other in (b"", b"text " * 99, bytes(999)):
        same(rows("mp4.sql", write(directory, "other", other), "SELECT * FROM mp4_box"), [])


# ---- JPEG ----------------------------------------------------------------------------------------

JPEG = "SELECT name, tag, length, data_offset, error FROM jpeg_segment"


@in_directory
def jpeg_segments_and_header(directory):
    data = support.jpeg()
    path = write(directory, "a.jpg", data)
    same(rows("jpeg.sql", path, "SELECT width, height, depth, components, process FROM jpeg_header"),
         [(640, 480, 8, 3, "progressive")])
    same(rows("jpeg.sql", path, JPEG),
         [("SOI", None, None, None, None), ("APP0", "JFIF", 14, 6, None), ("COM", None, 6, 24, None),
          ("DQT", None, 65, 36, None), ("SOF2", None, 15, 105, None), ("SOS", None, 10, 124, None)])
    same(rows("jpeg.sql", path, "SELECT text FROM jpeg_comment"), [("caf\xe9 !",)])
    # file(1) does not know fill bytes.
    plain = write(directory, "b.jpg", data.replace(b"\xff\xff\xff\xdb", b"\xff\xdb"))
    said = subprocess.run(["file", "-b", plain], stdout=subprocess.PIPE, check=True).stdout.decode()
    assert "640x480" in said and "progressive" in said, said


@in_directory
def jpeg_odd_and_damaged(directory):
    data = support.jpeg()
    # More ff than one before a code are allowed; support.jpeg has three of them before DQT.
    same(data.count(b"\xff\xff\xff\xdb"), 1)
    error = "it reaches past the end of the file, or is no segment"
    got = rows("jpeg.sql", write(directory, "cut.jpg", data[:60]), JPEG)
    same((got[-1][0], got[-1][4]), ("DQT", error))
    at = data.index(b"\xff\xfe")
    for length in (0, 1):
        changed = data[:at + 2] + struct.pack(">H", length) + data[at + 4:]
        got = rows("jpeg.sql", write(directory, "short.jpg", changed), JPEG)
        same((got[-1][0], got[-1][4]), ("COM", error))
    changed = data[:at] + b"??" + data[at + 2:]
    got = rows("jpeg.sql", write(directory, "lost.jpg", changed), JPEG)
    same([(row[0], row[4]) for row in got], [("SOI", None), ("APP0", "what follows it is no segment")])
    # Cut between segments, and within the next one's marker.
    for behind in (b"", b"\xff", b"\xff\xff"):
        got = rows("jpeg.sql", write(directory, "between.jpg", data[:at] + behind), JPEG)
        same([(row[0], row[4]) for row in got if row[4]], [("APP0", "the file ends behind it, without a scan")], behind)
    # A frame that is too short, and one of JPEG-LS.
    at = data.index(b"\xff\xc2")
    got = rows("jpeg.sql", write(directory, "frame.jpg", data[:at + 2] + b"\0\4ab\xff\xd9"), JPEG)
    same([row[::4] for row in got[-2:]], [("SOF2", "it has 2 bytes, fewer than a frame has"), ("EOI", None)])
    path = write(directory, "ls.jpg", data[:at + 1] + b"\xf7" + data[at + 2:])
    same(rows("jpeg.sql", path, "SELECT width, height, process FROM jpeg_header"), [(640, 480, "JPEG-LS")])
    same([row[::4] for row in rows("jpeg.sql", path, JPEG)[-2:]], [("SOF55", None), ("SOS", None)])
    for other in (b"", b"\xff\xd8", b"text" * 99):
        same(rows("jpeg.sql", write(directory, "other", other), "SELECT * FROM jpeg_header"), [])


# ---- FLAC ----------------------------------------------------------------------------------------

@in_directory
def flac_header_blocks_and_tags(directory):
    data = support.flac()
    path = write(directory, "a.flac", data)
    same(rows("flac.sql", path, "SELECT rate, channels, bits, samples, seconds, md5 FROM flac_header"),
         [(44100, 2, 16, 88200, 2.0, bytes(range(16)).hex())])
    same(rows("flac.sql", path, "SELECT offset, type, length, error FROM flac_block"),
         [(4, "STREAMINFO", 34, None), (42, "VORBIS_COMMENT", 52, None), (98, "PADDING", 7, None)])
    same(rows("flac.sql", path, "SELECT key, value FROM flac_tag"),
         [("TITLE", "caf\xe9=x"), ("", "no key"), ("ARTIST", "")])
    said = subprocess.run(["file", "-b", path], stdout=subprocess.PIPE, check=True).stdout.decode()
    assert "16 bit, stereo, 44.1 kHz, 88200 samples" in said, said


@in_directory
def flac_damaged(directory):
    data = support.flac()
    same(rows("flac.sql", write(directory, "cut.flac", data[:-12]), "SELECT type, error FROM flac_block")[-1],
         ("PADDING", "it reaches past the end of the file"))
    # Cut between blocks, and in the head of the next; STREAMINFO of another length, and a type that no block has.
    blocks = "SELECT type, error FROM flac_block"
    for size in (42, 45):
        same(rows("flac.sql", write(directory, "between.flac", data[:size]), blocks),
             [("STREAMINFO", "the file ends behind it, though it is not the last")], size)
    for size in (20, 43):
        info = b"fLaC\x80" + struct.pack(">I", size)[1:] + bytes(size)
        same(rows("flac.sql", write(directory, "info.flac", info), blocks), [("STREAMINFO", f"it has {size} bytes, not 34")])
    same(rows("flac.sql", write(directory, "type.flac", data[:42] + b"\xff\0\0\1x"), blocks)[1:], [(127, "it is no block")])
    at = data.index(b"ARTIST") - 4
    for length in (8, 0x7fffffff, 0xffffffff):
        changed = data[:at] + struct.pack("<I", length) + data[at + 4:]
        same(len(rows("flac.sql", write(directory, "tag.flac", changed), "SELECT * FROM flac_tag")), 2)
    changed = data.replace("\xe9".encode(), b"\xe9\xe9")
    same(rows("flac.sql", write(directory, "text.flac", changed), "SELECT value FROM flac_tag")[0], ("\ufffd",))
    for other in (b"", b"fLaC", b"fLaC\x80", b"text" * 9):
        same(rows("flac.sql", write(directory, "other", other), "SELECT * FROM flac_block"), [])


TESTS = [mp4_boxes_movie_and_tracks, mp4_odd_and_damaged, jpeg_segments_and_header,
         jpeg_odd_and_damaged,
         flac_header_blocks_and_tags, flac_damaged]

if __name__ == "__main__":
    sys.exit(support.run_tests(TESTS))
