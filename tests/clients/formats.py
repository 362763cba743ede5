#!/usr/bin/python3
"""sql/formats on files that zipfile, wave, zlib and sfdisk made; ELF has a test of its own."""

import io
import json
import os
import re
import struct
import subprocess
import sys
import uuid
import zipfile
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "data"))
import formats_support as support
from formats_support import ask, in_directory, same, write

SFDISK = "/sbin/sfdisk"


# ---- PNG -----------------------------------------------------------------------------------------

@in_directory
def png_has_its_header_chunks_and_texts(directory):
    data = bytearray(support.png())
    good = write(directory, "good.png", data)
    data[data.index(b"Title")] ^= 0x20
    wrong = write(directory, "wrong.png", data)
    cut = write(directory, "cut.png", data[:-3])
    header, chunks, texts, bad, ends = ask(
        "png.sql", [good, wrong, cut, __file__], f"SELECT * FROM png_header WHERE path = '{good}'",
        f"SELECT offset, length, type, crc, crc_ok, error FROM png_chunk WHERE path = '{good}'",
        f"SELECT keyword, text FROM png_text WHERE path = '{good}'",
        "SELECT path, type FROM png_chunk WHERE NOT crc_ok ORDER BY 1 DESC",
        f"SELECT type, crc_ok, error FROM png_chunk WHERE path = '{cut}' AND error IS NOT NULL")
    same(header,
         [{"path": good, "width": 7, "height": 5, "depth": 8, "color": "RGB", "interlaced": 0}])
    expected, at, data = [], 8, support.png()
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        crc = zlib.crc32(data[at + 4:at + 8 + length])
        expected.append({"offset": at, "length": length, "type": kind.decode(), "crc": crc,
                         "crc_ok": 1,
                         "error": None})
        at += 12 + length
    same(chunks, expected)
    same(texts, [{"keyword": "Title", "text": "Caf\xe9 \xa9"}, {"keyword": "Empty", "text": None}])
    same(bad, [{"path": wrong, "type": "tEXt"}, {"path": cut, "type": "tEXt"}])
    same(ends, [{"type": "IEND", "crc_ok": None, "error": "it reaches past the end of the file"}])


# ---- ZIP -----------------------------------------------------------------------------------------

METHODS = {0: "stored", 8: "deflated"}


def check_archive(path):
    data = open(path, "rb").read()
    archives, members, local = ask(
        "zip.sql", [path], "SELECT members, comment, error FROM zip_archive",
        "SELECT * FROM zip_member ORDER BY number",
        "SELECT name, method, data_offset FROM zip_local ORDER BY offset")
    with zipfile.ZipFile(path) as z:
        same(archives,
             [{"members": len(z.infolist()), "comment": z.comment.decode() or None, "error": None}])
        same(len(members), len(z.infolist()), path)
        for row, info in zip(members, z.infolist()):
            same({k: row[k]
                  for k in ("name", "method", "size", "compressed", "crc", "local_offset",
                            "error")},
                 {"name": info.filename, "method": METHODS[info.compress_type],
                  "size": info.file_size,
                  "compressed": info.compress_size, "crc": info.CRC,
                  "local_offset": info.header_offset,
                  "error": None}, path)
            same(row["modified"], "%04d-%02d-%02d %02d:%02d:%02d" % info.date_time)
            body = data[row["data_offset"]:row["data_offset"] + row["compressed"]]
            same(body if row["method"] == "stored" else zlib.decompress(body, -15), z.read(info),
                 path)
    same(local, [{k: m[k] for k in ("name", "method", "data_offset")} for m in members], path)


@in_directory
def zip_agrees_with_zipfile(directory):
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    signature = b"PK\5\6 in a comment, " + bytes(30)
    for name, data in (("plain.zip", support.archive()),
                       ("comment.zip", support.archive(b"a comment")),
                       ("zip64.zip", support.archive(zip64=True)),
                       ("before.zip", support.archive(before=b"x" * 99)),
                       ("wide.zip", support.zip64_by_hand()), ("empty.zip", empty.getvalue())):
        check_archive(write(directory, name, data))
    path = write(directory, "odd.zip", support.archive(signature))
    members, archives = ask("zip.sql", [path],
                            "SELECT count(*) AS n, count(error) AS errors FROM zip_member",
                            "SELECT members, comment, error FROM zip_archive")
    same(members, [{"n": 3, "errors": 0}])
    same(archives, [{"members": 3, "comment": "PK\5\6 in a comment, ", "error": None}])


@in_directory
def zip_has_many_members_and_more_than_16_bits_count(directory):
    path = os.path.join(directory, "many.zip")
    with zipfile.ZipFile(path, "w") as z:
        for i in range(66000):
            z.writestr(zipfile.ZipInfo(f"{i}"), b"")
    members, = ask("zip.sql", [path],
                   "SELECT count(*) AS n, count(DISTINCT name) AS names, count(error) AS errors"
                   " FROM zip_member")
    same(members, [{"n": 66000, "names": 66000, "errors": 0}])


@in_directory
def zip_local_finds_what_a_cut_archive_still_has(directory):
    data = support.archive()
    path = write(directory, "cut.zip", data[:data.index(b"PK\1\2") + 10])
    members, local = ask("zip.sql", [path, __file__], "SELECT * FROM zip_member",
                         "SELECT name FROM zip_local")
    same(members, [])
    same([row["name"] for row in local], ["stored.txt", "dir/packed.txt", "\xe4\u20ac.txt"])


# ---- BMP and RIFF --------------------------------------------------------------------------------

@in_directory
def bmp_has_its_header_and_palette(directory):
    small = write(directory, "8.bmp", support.bmp())
    true = write(directory, "24.bmp", support.bmp(24, 5, 7))
    cut = write(directory, "cut.bmp", support.bmp()[:-1])
    os2 = write(directory, "os2.bmp",
                struct.pack("<2sIHHIIHHHH", b"BM", 0, 0, 0, 32, 12, 16, 2, 1, 1)
                + bytes([1, 2, 3, 4, 5, 6]) + bytes(8))
    header, colors = ask("bmp.sql", [small, true, cut, os2, __file__],
                         "SELECT * FROM bmp_header ORDER BY path",
                         f"SELECT * FROM bmp_color WHERE path IN ('{small}', '{os2}')"
                         " ORDER BY path, number")
    expect = lambda path, *values: dict(zip(
        ("path", "width", "height", "top_down", "bits", "compression", "colors", "pixels",
         "row_bytes", "error"),
        (path,) + values))
    same(header,
         [expect(true, 5, 7, 0, 24, "none", 0, 54, 16, None),
          expect(small, 5, 3, 1, 8, "none", 4, 70, 8, None),
          expect(cut, 5, 3, 1, 8, "none", 4, 70, 8, "the pixels reach past the end of the file"),
          expect(os2, 16, 2, 0, 1, "none", 2, 32, 4, None)])
    same(colors,
         [{"path": small, "number": i, "red": 3 * i, "green": 2 * i, "blue": i} for i in range(4)]
         + [{"path": os2, "number": i, "red": 3 * i + 3, "green": 3 * i + 2, "blue": 3 * i + 1}
            for i in range(2)])


@in_directory
def wav_agrees_with_wave(directory):
    path = write(directory, "a.wav", support.wav(8000, 2, 1234))
    cut = write(directory, "cut.wav", support.wav(8000, 2, 1234)[:-40])
    format_, = ask("wav.sql", [path, cut, __file__], "SELECT * FROM wav_format ORDER BY path")
    expect = {"path": path, "format": "PCM", "channels": 2, "rate": 8000, "byte_rate": 32000,
              "frame_bytes": 4,
              "bits": 16, "data_offset": 44, "data_bytes": 1234 * 4, "seconds": 1234 / 8000,
              "error": None}
    same(format_, [expect, dict(expect, path=cut, data_bytes=1224 * 4, seconds=1224 / 8000,
                                error="the data reach past the end of the file")])


@in_directory
def riff_chunks_are_walked_into_lists(directory):
    path = write(directory, "a.avi", support.avi())
    big = write(directory, "b.wav", support.riff(b"RIFX", b"WAVE" + support.riff(
        b"fmt ", struct.pack(">HHIIHH", 3, 1, 48000, 192000, 4, 32), ">")
                                                 + support.riff(b"data", bytes(400), ">"), ">"))
    chunks, format_ = ask("wav.sql", [path, big],
                          f"SELECT * FROM riff_chunk WHERE path = '{path}'",
                          "SELECT format, rate, seconds FROM wav_format")
    same([(c["depth"], c["id"], c["form"], c["length"]) for c in chunks],
         [(0, "RIFF", "AVI ", len(support.avi()) - 8), (1, "LIST", "hdrl", 4 + 64 + 28),
          (2, "avih", None, 56),
          (2, "LIST", "strl", 20), (3, "strh", None, 8), (1, "LIST", "movi", 4 + 12 + 8),
          (2, "00dc", None, 3),
          (2, "01wb", None, 0), (1, "idx1", None, 16)])
    for chunk in chunks:
        same(support.avi()[chunk["offset"]:chunk["offset"] + 4].decode(), chunk["id"])
        same(chunk["error"], None)
    same(format_, [{"format": "float", "rate": 48000, "seconds": 100 / 48000}])


# ---- partitions ----------------------------------------------------------------------------------

def sfdisk(path, script):
    subprocess.run([SFDISK, "-q", path], input=script, text=True, check=True,
                   stdout=subprocess.DEVNULL)
    dump = subprocess.run([SFDISK, "--json", path], text=True, check=True,
                          stdout=subprocess.PIPE).stdout
    return json.loads(dump)["partitiontable"]


def image(directory, name, megabytes=64):
    path = os.path.join(directory, name)
    with open(path, "wb") as file:
        file.truncate(megabytes << 20)
    return path


@in_directory
def mbr_agrees_with_sfdisk(directory):
    path = image(directory, "mbr.img")
    table = sfdisk(path, "label: dos\nstart=2048, size=8192, type=83, bootable\nsize=4096, type=c\n"
                         "size=8, type=83\nsize=65536, type=f\n"
                   + "size=4096, type=83\n" * 3 + "type=82, size=2048\n")
    rows, = ask("mbr.sql", [path, __file__],
                "SELECT number, sector, sectors, type, active, error FROM mbr_partition"
                " ORDER BY number")
    number = lambda p: int(re.search(r"\d+$", p["node"]).group())
    same(rows,
         [{"number": number(p), "sector": p["start"], "sectors": p["size"],
           "type": "%02x" % int(p["type"], 16),
                 "active": int(p.get("bootable", False)), "error": None}
          for p in table["partitions"]])
    same([row["number"] for row in rows], [1, 2, 3, 4, 5, 6, 7, 8])


@in_directory
def mbr_chains_that_bite_their_tail_end(directory):
    data = bytearray(support.mbr())
    good = write(directory, "good.img", data)
    struct.pack_into("<16s", data, 28 * 512 + 462, support.mbr_entry(5, 0x14, 10))
    loop = write(directory, "loop.img", data)
    struct.pack_into("<16s", data, 28 * 512 + 462, support.mbr_entry(5, 7, 10))
    astray = write(directory, "astray.img", data)
    struct.pack_into("<16s", data, 28 * 512 + 462, support.mbr_entry(5, 0xffffffff, 10))
    beyond = write(directory, "beyond.img", data)
    rows, = ask("mbr.sql", [good, loop, astray, beyond],
                "SELECT path, number, kind, sector, error FROM mbr_partition ORDER BY path, number")
    lead = "the chain leads to no partition table"
    for path, error in ((good, None), (loop, "the chain comes back to where it was"),
                        (astray, lead), (beyond, lead)):
        same([(r["number"], r["kind"], r["sector"], r["error"]) for r in rows if r["path"] == path],
             [(1, "primary", 1, None), (2, "extended", 8, None), (3, "primary", 50, None),
              (5, "logical", 9, None),
              (6, "logical", 30, error)], path)


@in_directory
def gpt_agrees_with_sfdisk(directory):
    path = image(directory, "gpt.img")
    table = sfdisk(path, 'label: gpt\nstart=2048, size=8192, type=U, name="EFI"\n'
                         'size=4096, type=S, name="a name with spaces"\ntype=L, name="W\xfcrzel"\n')
    header, rows, other = ask(
        "gpt.sql", [path, __file__], "SELECT * FROM gpt_header ORDER BY copy DESC",
        "SELECT * FROM gpt_partition WHERE copy = 'primary'",
        "SELECT * FROM gpt_partition WHERE copy = 'backup'")
    same([(h["copy"], h["disk_guid"], h["first_usable"], h["last_usable"], h["header_crc_ok"],
           h["entries_crc_ok"],
           h["error"]) for h in header],
         [(copy, table["id"], table["firstlba"], table["lastlba"], 1, 1, None)
          for copy in ("primary", "backup")])
    same([(r["first_sector"], r["last_sector"], r["type_guid"], r["guid"], r["name"], r["error"])
          for r in rows],
         [(p["start"], p["start"] + p["size"] - 1, p["type"], p["uuid"], p["name"], None)
          for p in table["partitions"]])
    same([r["type"] for r in rows], ["EFI system", "Linux swap", "Linux"])
    same([dict(r, copy="primary") for r in other], rows)


@in_directory
def gpt_of_large_sectors_and_with_wrong_bytes(directory):
    data = bytearray(support.gpt(4096))
    paths = [write(directory, "a.img", data)]
    for name, at in (("b.img", 4096 + 50), ("c.img", 2 * 4096 + 60), ("d.img", 63 * 4096 + 17)):
        changed = bytearray(data)
        changed[at] ^= 1
        paths.append(write(directory, name, changed))
    header, rows = ask("gpt.sql", paths,
                       "SELECT sector_bytes, header_crc_ok, entries_crc_ok FROM gpt_header"
                       " ORDER BY path, copy DESC",
                       f"SELECT * FROM gpt_partition WHERE path = '{paths[0]}' AND number = 1")
    right, wrong = (4096, 1, 1), (4096, 0, 1)
    same([tuple(h.values()) for h in header],
         [right, right, wrong, right, (4096, 1, 0), right, right, wrong])
    row = rows[0]
    same((row["name"], row["offset"], row["bytes"], row["attributes"]),
         ("Wurzel \xe4\U0001f333", 40960, 40960, 4))
    same((row["type_guid"], row["guid"]), (str(uuid.UUID(bytes_le=bytes(range(16)))).upper(),
                                           str(uuid.UUID(bytes_le=bytes(range(16, 32)))).upper()))


# ---- utmp and pcap -------------------------------------------------------------------------------

@in_directory
def utmp_has_the_records_of_both_layouts(directory):
    small, wide = write(directory, "wtmp", support.utmp()), write(directory, "wtmp.arm64",
                                                                  support.utmp(True))
    cut = write(directory, "cut", support.utmp()[:-100])
    rows, = ask("utmp.sql",
                [small, wide, cut, __file__]
                + [p for p in ["/var/log/wtmp"] if os.access(p, os.R_OK)],
                f"SELECT * FROM utmp_record WHERE path LIKE '{directory}%' ORDER BY path, number")
    expect = [("boot", 0, "~", "reboot", "6.1.0", None, "2023-11-14 22:13:20"),
              ("user", 4711, "pts/0", "anna", "example.org", "192.0.2.1", "2023-11-14 22:15:00"),
              ("user", 4712, "pts/1", "u" * 32, "h" * 256, "2001:db8:0:0:0:0:0:1",
               "2023-11-14 22:16:40"),
              ("dead", 4711, "pts/0", "", "", None, "2023-11-14 22:18:20")]
    for path in (small, wide):
        got = [r for r in rows if r["path"] == path]
        same([(r["type"], r["pid"], r["line"], r["user"], r["host"], r["address"], r["time"])
              for r in got], expect, path)
        same({(r["id"], r["microseconds"], r["error"]) for r in got}, {("id", 123456, None)})
    same([r["error"] for r in rows if r["path"] == cut],
         [None] * 3 + ["it is cut short: 284 bytes of 384"])


@in_directory
def pcap_has_its_packets_and_what_is_in_them(directory):
    paths = {}
    for end, nano in (("<", False), ("<", True), (">", False), (">", True)):
        paths[write(directory, f"{'le' if end == '<' else 'be'}{nano}.pcap",
                    support.pcap(end, nano))] = (end, nano)
    cut = write(directory, "cut.pcap", support.pcap()[:-2])
    files, packets, ip, ends = ask(
        "pcap.sql", list(paths) + [cut, __file__], f"SELECT * FROM pcap_file WHERE path <> '{cut}'",
        f"SELECT * FROM pcap_packet WHERE path <> '{cut}'",
        f"SELECT * FROM pcap_ip WHERE path <> '{cut}'",
        f"SELECT number, error FROM pcap_packet WHERE path = '{cut}' AND error IS NOT NULL")
    same({(f["path"], f["endian"], f["resolution"], f["longest"], f["link"]) for f in files},
         {(p, "little" if end == "<" else "big", "nanoseconds" if nano else "microseconds", 65535,
           "Ethernet")
          for p, (end, nano) in paths.items()})
    for path, (_, nano) in paths.items():
        data = open(path, "rb").read()
        got = [p for p in packets if p["path"] == path]
        same([data[p["offset"]:p["offset"] + p["captured"]] for p in got], support.packets())
        same([p["length"] - p["captured"] for p in got], list(range(6)))
        same(got[1]["time"], "2023-11-14 22:13:21." + ("000123456" if nano else "123456"))
        same({(p["nanoseconds"], p["error"]) for p in got}, {(123456 if nano else 123456000, None)})
        got = [p for p in ip if p["path"] == path]
        same([(p["number"], p["source"], p["protocol"], p["source_port"], p["destination_port"],
               p["flags"]) for p in got],
             [(0, "10.0.0.1", "TCP", 40000, 443, "AP"),
              (1, "2001:db8:0:0:0:0:0:1", "UDP", 5353, 53, None),
              (2, "10.0.0.1", "UDP", 5353, 53, None), (3, "10.0.0.1", "UDP", None, None, None)])
        same([p["destination"] for p in got],
             ["10.0.0.2", "2001:db8:0:0:0:0:0:2", "10.0.0.2", "10.0.0.2"])
        bodies = [p["payload_offset"]
                  and data[p["payload_offset"]:p["payload_offset"] + p["payload_bytes"]]
                  for p in got]
        same(bodies, [b"hello", b"abc", b"abc", None])
    same(ends, [{"number": 5, "error": "it reaches past the end of the file"}])


@in_directory
def pcap_ends_where_nothing_was_written(directory):
    path = write(directory, "zeros.pcap", support.pcap() + bytes(1 << 16))
    rows, = ask("pcap.sql", [path], "SELECT number, error FROM pcap_packet WHERE number > 4")
    same(rows, [{"number": 5, "error": None},
                {"number": 6, "error": "it is no packet: its length is 0"}])


@in_directory
def pcap_of_other_links(directory):
    frame = support.ip4(17, struct.pack(">HHHH", 1, 2, 9, 0) + b"x")
    cooked = bytes(14) + b"\x08\0" + frame
    paths = [write(directory, "101.pcap", support.pcap(link=101, frames=[frame])),
             write(directory, "113.pcap", support.pcap(link=113, frames=[cooked])),
             write(directory, "276.pcap",
                   support.pcap(link=276, frames=[b"\x08\0" + bytes(18) + frame])),
             write(directory, "fcs.pcap",
                   support.pcap(link=1 | 0x24000000, frames=[bytes(12) + b"\x08\0" + frame])),
             write(directory, "none.pcap", support.pcap(link=147, frames=[frame]))]
    rows, = ask("pcap.sql", paths,
                "SELECT path, source_port, destination_port, payload_bytes FROM pcap_ip ORDER BY 1")
    same(rows,
         [{"path": p, "source_port": 1, "destination_port": 2, "payload_bytes": 1}
          for p in paths[:4]])


TESTS = [png_has_its_header_chunks_and_texts, zip_agrees_with_zipfile,
         zip_has_many_members_and_more_than_16_bits_count,
         zip_local_finds_what_a_cut_archive_still_has,
         bmp_has_its_header_and_palette, wav_agrees_with_wave, riff_chunks_are_walked_into_lists,
         mbr_agrees_with_sfdisk, mbr_chains_that_bite_their_tail_end, gpt_agrees_with_sfdisk,
         gpt_of_large_sectors_and_with_wrong_bytes, utmp_has_the_records_of_both_layouts,
         pcap_has_its_packets_and_what_is_in_them, pcap_ends_where_nothing_was_written,
         pcap_of_other_links]

if __name__ == "__main__":
    sys.exit(support.run_tests(TESTS))
