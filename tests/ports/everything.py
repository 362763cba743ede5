#!/usr/bin/python3
"""everything.py REFERENCE: SQL over all that the library has, to be answered alike on each machine.

The examples of REFERENCE, docs/reference.md, which has each function and table
(tests/clients/documented.py sees to that); then every type by the byte, in a table and as the order
of one, scans and searches at each alignment, checksums. It is an error if a type of REFERENCE is missing
here. Nothing waits for the disk.
"""

import re
import sys

WIDTHS = {"8": "", **{str(bits): "le be" for bits in range(16, 72, 8)}}
WHOLE = [f"{sign}{bits}{order}" for bits, orders in WIDTHS.items()
         for order in orders.split() or [""] for sign in "ui"]
FLOATS = [f"{name}{order}" for name in ("f16", "bf16", "f32", "f64") for order in ("le", "be")]
SIZED = ["blob(6)", "text(6)", "latin1(6)", "utf16le(12)", "utf16be(12)"]
# What no value of TEXTS or PLAIN_REALS is for.
OTHERS = {"uuid": ["'00112233-4455-6677-8899-AABBCCDDEEFF'", "x'00112233445566778899aabbccddeeff'", "'x'"],
          "guid": ["'{00112233-4455-6677-8899-AABBCCDDEEFF}'", "x'00112233445566778899aabbccddeeff'"],
          "u24be[4]": ["'[1,2,3,4]'", "'[1,2,3]'", "'[1,2,3,16777216]'"],
          "f16le[3]": ["'[1.5,null,-1e999]'", "'[1,2,65520]'"],
          "text(3)[2]": ["json_array('é', char(7))", "'[1,\"\\u00e9\"]'", "'[\"abcd\",1]'"]}
VARIABLE = ["uleb128", "sleb128", "varint", "vlq", "vlq1", "cstr", "cstr(x'0a')"]

ALGORITHMS = ("adler32 fletcher16 fletcher32 xxh32 xxh64 xxh3 md5 sha1 sha224 sha256 sha384 sha512 blake2b"
              " crc-3/gsm crc-5/usb crc-8/smbus crc-12/umts crc-16/modbus crc-16/xmodem crc-24/openpgp"
              " crc-32/iso-hdlc crc-32/iscsi crc-32/bzip2 crc-64/xz crc-64/we none").split()

# 1e300 is read by SQLite itself, a little beside where a long double is no longer than a double.
PLAIN_REALS = ["0.0", "-0.0", "1.5", "-1.0", "0.1", "16777217.0", "3.4028234663852886e38", "1e-40",
               "9e999", "-9e999", "NULL", "1e22 * 1e22", "12345678901234567890.0"]
TEXTS = ["''", "'a'", "'häß'", "'€'", "'😀'", "'Zz'", "'10'", "10", "1.5", "1e22 * 1e22", "'toolongforit'",
         "x'00ff'", "x'c3a4'", "NULL", "char(97, 0, 98)"]


def edges(name):
    """Integers around the limits of a type, and what is no integer."""
    bits = int(re.search(r"\d+", name)[0])
    around = {0, 1, -1, 0x7B, -(1 << 63), (1 << 63) - 1}
    for power in (bits - 1, bits):
        around |= {(1 << power) + i for i in (-1, 0, 1)} | {-(1 << power) + i for i in (-1, 0, 1)}
    around |= {0x0123456789ABCDEF >> (64 - bits), 0x7EDCBA9876543210 >> (64 - bits)}
    numbers = [str(n) if n != -(1 << 63) else "-9223372036854775807 - 1"
               for n in sorted(around) if -(1 << 63) <= n < 1 << 63]
    return numbers + ["1.5", "'7'", "'0x7'", "2.0", "x'07'", "NULL"]


def stored(name, values):
    """Each value stored by itself, as an error is an answer."""
    yield "SELECT mmap_resize('values', 0), mmap_resize('values', 32);"
    for value in values:
        yield f"SELECT mmap_set('values', 5, {value}, '{name}'), mmap_get('values', 5, '{name}');"
        yield "SELECT hex(mmap_slice('values', 0, 24));"


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def read(name):
    """Any bytes at each alignment."""
    return (f"SELECT o, mmap_get('noise', o, {quoted(name)}) FROM"
            " (SELECT value AS o FROM counter WHERE value < 600);")


def sorted_table(name):
    """A table that is in order by the type: seeks, ranges and what breaks it."""
    yield f"CREATE VIRTUAL TABLE temp.s USING mmap('s', access=create, n u8, k {name}, sorted=k);"
    yield (f"INSERT INTO s SELECT value % 256, mmap_get('noise', value * 3, '{name}') FROM counter"
           f" WHERE value < 400 AND mmap_get('noise', value * 3, '{name}') IS NOT NULL"
           + order_of(name) + ";")
    yield "SELECT mmap_check('s'), count(*), hex(mmap_slice('s', 0, 90)), mmap_crc32('s') FROM s;"
    yield "SELECT rowid, n, k FROM s WHERE k >= (SELECT k FROM s WHERE rowid = 150) LIMIT 3;"
    yield "SELECT rowid FROM s WHERE k < (SELECT k FROM s WHERE rowid = 9) ORDER BY k DESC LIMIT 3;"
    yield "SELECT min(k) FROM s; SELECT max(k) FROM s;"
    yield "SELECT count(*) FROM s AS a JOIN s AS b ON a.k = b.k WHERE a.rowid % 7 = 0;"
    yield "SELECT rowid FROM s WHERE k IN (SELECT k FROM s WHERE rowid IN (3, 77, 200)) ORDER BY k;"
    yield "INSERT INTO s SELECT 1, k FROM s WHERE rowid = 0;"
    yield "UPDATE s SET n = 7 WHERE k = (SELECT k FROM s WHERE rowid = 100);"
    yield "SELECT mmap_crc32('s'); DROP TABLE s; SELECT mmap_resize('s', 0);"


def order_of(name):
    """ORDER BY by which records of the type ascend: u64 is unsigned, text and blob are by bytes."""
    value = f"mmap_get('noise', value * 3, '{name}')"
    if name.startswith("u64"):
        return f" ORDER BY {value} < 0, {value}"
    if name.startswith(("text", "utf16")):
        return f" ORDER BY CAST({value} AS BLOB)"
    return f" ORDER BY {value}"


def types():
    yield "SELECT mmap_open('values', 'create');"
    yield ("CREATE TEMP TABLE counter AS WITH RECURSIVE c(value) AS (SELECT 0 UNION ALL"
           " SELECT value + 1 FROM c WHERE value < 19999) SELECT value FROM c;")
    # The same bytes on each machine, without a function of SQLite's that could differ.
    yield "SELECT mmap_resize(mmap_open('noise', 'create'), 20000);"
    yield ("BEGIN; SELECT sum(mmap_set('noise', value, (value * value * 7 + value * 13 + (value >> 3) * 31)"
           " % 251)) FROM counter; COMMIT;")
    yield "SELECT mmap_crc32('noise'), hex(mmap_slice('noise', 0, 64));"
    for name in WHOLE:
        yield from stored(name, edges(name))
    for name in FLOATS:
        yield from stored(name, PLAIN_REALS + ["7", "9007199254740993", "'1.5'", "x'00'"])
    for name in SIZED:
        yield from stored(name, TEXTS)
    for name, values in OTHERS.items():
        yield from stored(name, values)
    for name in WHOLE + FLOATS + SIZED + list(OTHERS) + VARIABLE:
        yield read(name)
    for name in WHOLE + FLOATS + ["blob(6)", "uuid", "guid"]:
        yield from sorted_table(name)


def texts():
    """Texts in order, in each of the encodings that a file can have."""
    for name in SIZED[1:]:
        yield f"CREATE VIRTUAL TABLE temp.t USING mmap('t', access=create, k {name}, sorted=k);"
        for value in ["''", "'A'", "'Zz'", "'a'", "'ab'", "'ä'", "'€'", "'ﬀ'", "'😀'", "'a'"]:
            yield f"INSERT INTO t VALUES ({value});"
        yield "SELECT rowid, k FROM t WHERE k >= 'a'; SELECT k FROM t WHERE k < 'ä' ORDER BY k DESC;"
        yield "SELECT mmap_check('t'), mmap_crc32('t'), hex(mmap_slice('t')); DROP TABLE t;"
        yield "SELECT mmap_resize('t', 0);"


def searches():
    """Each alignment of a needle's end and of a scan's start, across the width of any register."""
    for length in (1, 2, 3, 4, 7, 8, 9, 16, 31, 33, 64, 70):
        yield (f"SELECT sum(mmap_find('noise', mmap_slice('noise', value, value + {length}), value)"
               f" = value), sum(mmap_rfind('noise', mmap_slice('noise', value, value + {length})) %"
               f" 1009), sum(mmap_count('noise', mmap_slice('noise', value, value + {length})))"
               " FROM counter WHERE value % 97 < 2;")
    for byte in (0, 10, 65, 127, 128, 250, 255):
        yield f"SELECT count(*), sum(offset), min(offset) FROM mmap('noise') WHERE byte = {byte};"
    yield "SELECT count(*), sum(offset) FROM mmap('noise') WHERE byte < 7 AND offset > 1000;"
    yield "SELECT count(*), sum(offset), sum(length(text)) FROM mmap_lines('noise');"
    yield "SELECT count(*), sum(offset), sum(length) FROM mmap_strings('noise', 3);"
    yield "SELECT * FROM mmap_strings('noise', 5);"
    yield "SELECT * FROM mmap_histogram('noise');"
    yield "SELECT * FROM mmap_hexdump('noise', 100, 300);"
    for expression in ("[a-f]{2,}", "(?i)[^a-z]+z", "(\\d)\\W(.)", "\\x00.\\x1f?", "a|b|cd", "$"):
        yield (f"SELECT count(*), sum(offset), sum(length), group_concat(hex(g1)) FROM"
               f" (SELECT offset, length, g1 FROM mmap_search_all('noise', '{expression}') LIMIT 500);")
    yield "SELECT mmap_search('noise', mmap_hex('?? 0? [0-4] (61 | 62) ~00'));"
    yield "SELECT mmap_open('noise', 'copy'); SELECT mmap_patch(max(handle), 4095, 'xyz') FROM mmap_list;"
    yield "SELECT * FROM mmap_diff('noise', (SELECT max(handle) FROM mmap_list));"


def checksums():
    """Each algorithm, CRCs of each size and order of bits, over lengths around those of their blocks."""
    for name in ALGORITHMS:
        yield f"SELECT mmap_checksum('noise', '{name}'), hex(mmap_checksum('noise', '{name}'));"
        yield (f"SELECT value, hex(mmap_checksum('noise', '{name}', value % 7, value)) FROM counter"
               " WHERE value BETWEEN 7 AND 300 OR value % 1024 = 5;")


def transactions():
    yield "BEGIN; SELECT mmap_patch('noise', 4090, 'across a page'), mmap_insert('noise', 9, 'abc');"
    yield "SAVEPOINT a; SELECT mmap_delete('noise', 100, 5000), mmap_resize('noise', 30000);"
    yield "SELECT offset, length, hex(substr(old, 1, 20)), hex(substr(new, 1, 20)) FROM mmap_changes;"
    yield "ROLLBACK TO a; SELECT mmap_crc32('noise'), mmap_size('noise'); COMMIT;"
    yield "SELECT mmap_crc32('noise'), mmap_size('noise');"
    yield ("CREATE VIRTUAL TABLE temp.d USING mmap('noise', delete=yes, offset=3, record=11, a u16be,"
           " b i24le @3, c f32be @6);")
    yield "SELECT mmap_resize('noise', 20005), count(*) FROM d;"
    yield "DELETE FROM d WHERE a % 3 = 0; SELECT count(*), sum(a), sum(b), min(c), max(c) FROM d;"
    yield "UPDATE d SET b = -b WHERE b < 0; SELECT mmap_crc32('noise'), mmap_size('noise');"


def examples(reference):
    """What is typed in the reference, but for the shell's own commands."""
    for block in re.findall(r"^```console\n(.*?)^```", reference, re.M | re.S):
        for text in re.findall(r"^sqlite> (.*\n(?:   \.\.\.> .*\n)*)", block, re.M):
            if not text.startswith("."):
                yield text.replace("   ...> ", "").rstrip()


def bare(name):
    """A type without its byte order and size."""
    return re.sub(r"\(.*|(?<=\d)[lb]e\b", "", name)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        reference = file.read()
    here = {bare(name) for name in WHOLE + FLOATS + SIZED + list(OTHERS) + VARIABLE}
    table = reference.split("A **type** says")[1].split("\n\n")[1]
    for name in re.findall(r"`(\w+\d\w*|\w+\(n\)|\w+\d\w*\(n\))`", table):
        if bare(name) not in here:
            sys.exit(f"everything.py: the type {name} is missing")
    print("SELECT mmap_config('synchronous', 'normal');")
    for part in (examples(reference), types(), texts(), searches(), checksums(), transactions()):
        for statement in part:
            print(statement)


main()
