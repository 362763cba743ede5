#!/usr/bin/python3
"""mmap_export and mmap_apply beside readers and writers of IPS and BPS in Python, on random changes."""

import os
import random
import resource
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
import zlib


def same(what, ours, theirs):
    if ours != theirs:
        sys.exit(f"{what}\n  ours   {str(ours)[:400]}\n  theirs {str(theirs)[:400]}")


def connect(library):
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(library)
    return db


def put(name, data):
    with open(name, "wb") as file:
        file.write(data)


def get(name):
    with open(name, "rb") as file:
        return file.read()


def one(db, sql, *arguments):
    return db.execute(sql, arguments).fetchone()[0]


# ---- IPS -----------------------------------------------------------------------------------------

def apply_ips(data, patch):
    out, at = bytearray(data), 5
    same("how an IPS begins", patch[:5], b"PATCH")
    while patch[at:at + 3] != b"EOF":
        offset = int.from_bytes(patch[at:at + 3], "big")
        size = int.from_bytes(patch[at + 3:at + 5], "big")
        if size:
            new = patch[at + 5:at + 5 + size]
            at += 5 + size
        else:
            new = patch[at + 7:at + 8] * int.from_bytes(patch[at + 5:at + 7], "big")
            at += 8
        out.extend(bytes(max(0, offset + len(new) - len(out))))
        out[offset:offset + len(new)] = new
    cut = patch[at + 3:]
    return bytes(out[:int.from_bytes(cut, "big")] if cut else out)


def random_ips(rng, size):
    """Records in any order, over each other and behind the end, some repeated; perhaps a cut."""
    patch = b"PATCH"
    for _ in range(rng.randint(0, 6)):
        offset = rng.randint(0, size + 30)
        if rng.random() < 0.4:
            patch += struct.pack(">BHHHB", offset >> 16, offset & 0xFFFF, 0, rng.randint(0, 300), rng.randint(0, 255))
        else:
            data = rng.randbytes(rng.randint(1, 40))
            patch += struct.pack(">BHH", offset >> 16, offset & 0xFFFF, len(data)) + data
    patch += b"EOF"
    if rng.random() < 0.3:
        patch += rng.randint(0, size).to_bytes(3, "big")
    return patch


# ---- BPS -----------------------------------------------------------------------------------------

def bps_number(patch, at):
    value, shift = 0, 1
    while True:
        byte = patch[at]
        at += 1
        value += (byte & 0x7F) * shift
        if byte & 0x80:
            return value, at
        shift <<= 7
        value += shift


def as_bps_number(value):
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F])
        value = (value >> 7) - 1
    return out + bytes([value | 0x80])


def apply_bps(data, patch):
    same("the patch's own checksum", zlib.crc32(patch[:-4]), int.from_bytes(patch[-4:], "little"))
    same("the old file's checksum", zlib.crc32(data), int.from_bytes(patch[-12:-8], "little"))
    old_size, at = bps_number(patch, 4)
    new_size, at = bps_number(patch, at)
    metadata, at = bps_number(patch, at)
    at += metadata
    out, old_at, new_at = bytearray(), 0, 0
    same("the old file's size", old_size, len(data))
    while at < len(patch) - 12:
        action, at = bps_number(patch, at)
        size = (action >> 2) + 1
        if action & 3 == 0:
            out += data[len(out):len(out) + size]
        elif action & 3 == 1:
            out += patch[at:at + size]
            at += size
        else:
            step, at = bps_number(patch, at)
            step = -(step >> 1) if step & 1 else step >> 1
            if action & 3 == 2:
                old_at += step
                out += data[old_at:old_at + size]
                old_at += size
            else:
                new_at += step
                for i in range(size):
                    out.append(out[new_at + i])
                new_at += size
    same("the new file's size", len(out), new_size)
    same("the new file's checksum", zlib.crc32(out), int.from_bytes(patch[-8:-4], "little"))
    return bytes(out)


def random_bps(rng, data):
    """All four actions; and the file that it makes."""
    out, body, old_at, new_at = bytearray(), b"", 0, 0
    for _ in range(rng.randint(0, 8)):
        kind, size = rng.randint(0, 3), rng.randint(1, 50)
        if kind == 0 and len(out) + size <= len(data):
            body += as_bps_number((size - 1) << 2)
            out += data[len(out):len(out) + size]
        elif kind == 2 and size <= len(data):
            place = rng.randint(0, len(data) - size)
            body += as_bps_number((size - 1) << 2 | 2)
            body += as_bps_number(abs(place - old_at) << 1 | (place < old_at))
            out += data[place:place + size]
            old_at = place + size
        elif kind == 3 and out:
            place = rng.randint(0, len(out) - 1)
            body += as_bps_number((size - 1) << 2 | 3)
            body += as_bps_number(abs(place - new_at) << 1 | (place < new_at))
            for i in range(size):
                out.append(out[place + i])
            new_at = place + size
        else:
            new = rng.randbytes(size)
            body += as_bps_number((size - 1) << 2 | 1) + new
            out += new
    note = rng.randbytes(rng.choice([0, 0, 5]))
    patch = b"BPS1" + as_bps_number(len(data)) + as_bps_number(len(out)) + as_bps_number(len(note)) + note + body
    patch += struct.pack("<II", zlib.crc32(data), zlib.crc32(out))
    return patch + struct.pack("<I", zlib.crc32(patch)), bytes(out)


# ---- text ----------------------------------------------------------------------------------------

def apply_text(data, patch):
    out, at = b"", 0
    for line in patch.decode().split("\n"):
        words = line.split("#")[0].split()
        if not words:
            continue
        offset = int(words[0], 0)
        old, new = (b"" if word == "-" else bytes.fromhex(word) for word in words[1:])
        same("the old bytes", data[offset:offset + len(old)], old)
        out += data[at:offset] + new
        at = offset + len(old)
    return out + data[at:]


# ---- random changes ------------------------------------------------------------------------------

READERS = {"text": apply_text, "ips": apply_ips, "bps": apply_bps}


def change(db, rng):
    for _ in range(rng.randint(0, 6)):
        size = one(db, "SELECT mmap_length('a')")
        place = rng.randint(0, size)
        data = rng.randbytes(rng.choice([1, 3, 40]))
        kind = rng.randint(0, 4)
        if kind == 0:
            one(db, "SELECT mmap_insert('a', ?, ?)", place, data)
        elif kind == 1:
            one(db, "SELECT mmap_delete('a', ?, ?)", place, rng.randint(place, size))
        elif kind == 2:
            one(db, "SELECT mmap_resize('a', ?)", rng.randint(0, size + 100))
        elif place + len(data) <= size:
            one(db, "SELECT mmap_patch('a', ?, ?)", place, data)


def export_and_apply(db, rng, count):
    for _ in range(count):
        old = rng.randbytes(rng.choice([0, 1, 50, 3000]))
        put("a", old)
        db.execute("BEGIN")
        change(db, rng)
        new = bytes(one(db, "SELECT mmap_slice('a')"))
        patches = {name: bytes(one(db, "SELECT mmap_export('a', ?)", name)) for name in READERS}
        db.execute("ROLLBACK")
        for name, reader in READERS.items():
            same(f"{name} read by Python", reader(old, patches[name]), new)
            one(db, "SELECT mmap_apply('a', ?)", patches[name])
            same(f"{name} applied", get("a"), new)
            put("a", old)


def apply_others(db, rng, count):
    for _ in range(count):
        old = rng.randbytes(rng.choice([0, 1, 50, 3000]))
        for patch, new in (random_bps(rng, old), (ips := random_ips(rng, len(old)), apply_ips(old, ips))):
            put("a", old)
            one(db, "SELECT mmap_apply('a', ?)", patch)
            same(f"{patch} applied to {old}", get("a"), new)


def damaged_ones_change_nothing(db, rng, count):
    refused = 0
    for _ in range(count):
        old = rng.randbytes(200)
        patch, _ = rng.choice([random_bps(rng, old), (random_ips(rng, 200), None),
                               (b"# mmap patch 1\n3 %s ff\n" % old[3:4].hex().encode(), None)])
        damaged = bytearray(patch[:rng.randint(0, len(patch))] if rng.random() < 0.5 else patch)
        for _ in range(rng.randint(0, 3)):
            if damaged:
                damaged[rng.randrange(len(damaged))] = rng.randint(0, 255)
        put("a", old)
        try:
            one(db, "SELECT mmap_apply('a', ?)", bytes(damaged))
        except sqlite3.OperationalError:
            refused += 1
            same("a refused patch", get("a"), old)
    same("damaged ones are refused", refused > count / 3, True)


PEERS = {"xdelta3": "xdelta3 -e -f -9 -S none -s old new delta", "bsdiff": "bsdiff old new delta"}


def beside_peers(old, new, bps, wanted):
    """How large are theirs? bsdiff packs what it writes: of random bytes nothing can be packed."""
    put("old", old)
    put("new", new)
    for peer in wanted:
        subprocess.run(PEERS[peer].split(), check=True, stdout=subprocess.DEVNULL)
        theirs = os.path.getsize("delta")
        same(f"{len(bps)} bytes beside {peer}'s {theirs}", len(bps) < 1.1 * theirs + 100, True)


def too_many_bytes_are_not_made(db):
    """A few bytes that would make 2^40, by a copy of themselves."""
    put("a", b"hello")
    size = 1 << 40
    patch = b"BPS1" + as_bps_number(5) + as_bps_number(size) + as_bps_number(0) + as_bps_number(1) + b"x"
    patch += as_bps_number((size - 2) << 2 | 3) + as_bps_number(0) + struct.pack("<II", zlib.crc32(b"hello"), 0)
    patch += struct.pack("<I", zlib.crc32(patch))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        one(db, "SELECT mmap_apply('a', ?)", patch)
        sys.exit("2^40 bytes were made")
    except sqlite3.DataError as error:
        same("the error", str(error), f"mmap_apply: the patch makes a file of {size} bytes, and 2147483647 are the most")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    same(f"memory grows by {grown} KB", grown < 100000, True)
    same("the file", get("a"), b"hello")


def moved_bytes_are_not_in_it(db, rng, count):
    """What lies behind an insertion stays, and so a patch is as large as what was done."""
    wanted = [peer for peer in PEERS if shutil.which(peer)]
    for peer in PEERS.keys() - wanted:
        print(f"not installed, and left out: {peer}")
    for _ in range(count):
        old = rng.randbytes(rng.choice([5000, 70000, 1000000]))
        put("a", old)
        db.execute("BEGIN")
        done = 0
        for _ in range(rng.randint(1, 5)):
            size = one(db, "SELECT mmap_length('a')")
            place, data = rng.randint(0, size), rng.randbytes(rng.randint(1, 200))
            done += len(data) + 300
            if rng.random() < 0.5:
                one(db, "SELECT mmap_insert('a', ?, ?)", place, data)
            else:
                one(db, "SELECT mmap_delete('a', ?, ?)", place, place + len(data))
        new = bytes(one(db, "SELECT mmap_slice('a')"))
        patches = {name: bytes(one(db, "SELECT mmap_export('a', ?)", name)) for name in ("text", "bps")}
        db.execute("ROLLBACK")
        beside_peers(old, new, patches["bps"], wanted if len(old) < 100000 else [])
        for name, patch in patches.items():
            same(f"{name} read by Python", READERS[name](old, patch) == new, True)
            one(db, "SELECT mmap_apply('a', ?)", patch)
            same(f"{name} applied", get("a") == new, True)
            same(f"{name} of {len(patch)} bytes for {done}", len(patch) < 2 * done, True)
            put("a", old)


def ips_around_its_own_end(db):
    """An offset that reads as EOF, and records of the most bytes."""
    old = bytes(0x454F46 + 70000)
    put("a", old)
    for start, size in ((0x454F46, 1), (0x454F46, 0xFFFF), (0x454F46 - 0xFFFE, 0x1FFFF), (0x454F40, 20)):
        db.execute("BEGIN")
        one(db, "SELECT mmap_patch('a', ?, ?)", start, b"x" * size)
        new = bytes(one(db, "SELECT mmap_slice('a')"))
        patch = bytes(one(db, "SELECT mmap_export('a', 'ips')"))
        db.execute("ROLLBACK")
        same(f"an IPS of {size} bytes at {start}", apply_ips(old, patch) == new, True)


def main():
    library = os.path.abspath("ext/mmap0.so" if len(sys.argv) < 2 else sys.argv[1])
    rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 7)
    with tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR")) as directory:
        os.chdir(directory)
        db = connect(library)
        one(db, "SELECT mmap_config('synchronous', 'off')")  # no crash is waited for
        export_and_apply(db, rng, 300)
        apply_others(db, rng, 400)
        damaged_ones_change_nothing(db, rng, 600)
        moved_bytes_are_not_in_it(db, rng, 30)
        ips_around_its_own_end(db)
        too_many_bytes_are_not_made(db)
        db.close()
        os.chdir("/")


if __name__ == "__main__":
    main()
