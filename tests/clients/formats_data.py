#!/usr/bin/python3
"""sql/formats of databases, tensors, arrays, modules and of git beside sqlite3, json, struct and git."""

import json
import os
import sqlite3
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "data"))
import formats_support as support
from formats_support import in_directory, rows, same, write

# ---- SQLite --------------------------------------------------------------------------------------

@in_directory
def sqlite_headers_and_pages(directory):
    for page, encoding in ((512, "UTF-8"), (4096, "UTF-16le"), (65536, "UTF-16be")):
        path = os.path.join(directory, f"{page}.db")
        db = sqlite3.connect(path)
        db.executescript(f"PRAGMA page_size = {page}; PRAGMA encoding = '{encoding}'; PRAGMA user_version = -7;"
                         "PRAGMA application_id = 99; CREATE TABLE t(a PRIMARY KEY, b);"
                         "CREATE INDEX i ON t(b);")
        db.executemany("INSERT INTO t VALUES (?, ?)", [(i, str(i) * 9) for i in range(3000)])
        db.commit()
        ask = lambda sql: db.execute(sql).fetchone()[0]
        expected = (ask("PRAGMA page_size"), ask("PRAGMA page_count"), ask("PRAGMA freelist_count"),
                    encoding, -7, 99, ask("PRAGMA schema_version"), "delete", sqlite3.sqlite_version)
        db.close()
        same(rows("sqlite.sql", path, "SELECT page_bytes, pages, free_pages, encoding, user_version,"
                                      " application_id, schema_cookie, journal, written_by FROM db_header"),
             [expected])
        got = rows("sqlite.sql", path, "SELECT number, kind, cells, rightmost, error FROM db_page")
        data = open(path, "rb").read()
        kinds = {2: "index interior", 5: "table interior", 10: "index leaf", 13: "table leaf"}
        for number, kind, cells, rightmost, error in got:
            at = (number - 1) * page + (100 if number == 1 else 0)
            same((kind, cells), (kinds[data[at]], struct.unpack_from(">H", data, at + 3)[0]))
            same(rightmost, struct.unpack_from(">I", data, at + 8)[0] if data[at] in (2, 5) else None)
            same(error, None)
        same(len(got), expected[1])
        same(sum(row[2] for row in got if row[1] == "table leaf"), 3000 + 3)
        cut = write(directory, "cut.db", data[:-1])
        same(rows("sqlite.sql", cut, "SELECT error FROM db_header"),
             [("the file ends before its last page",)])
        same(rows("sqlite.sql", cut, "SELECT error FROM db_page")[-1],
             ("it reaches past the end of the file",))


def sqlite_of_all_kinds(path, page, encoding, vacuum):
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript(f"PRAGMA page_size = {page}; PRAGMA encoding = '{encoding}'; PRAGMA auto_vacuum = {vacuum}; CREATE TABLE t(a INTEGER PRIMARY KEY, b);"
                     "CREATE INDEX i ON t(b); CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID; CREATE TABLE \"n\xe4me\"(a, b UNIQUE);"
                     f"CREATE VIEW v AS SELECT '{'x' * 3000}'; CREATE VIEW u AS SELECT '{chr(0xe4) * 1500}';"
                     "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END; CREATE TABLE gone(a); INSERT INTO gone VALUES (zeroblob(900000));")
    db.execute("BEGIN")
    db.executemany("INSERT INTO t VALUES (?, ?)", [(i * 77 - 5000, "x" * (i * 7 % 1300)) for i in range(900)])
    db.executemany("INSERT INTO w VALUES (?, ?)", [("k" * (i % 700) + str(i), i) for i in range(500)])
    db.executemany("INSERT INTO \"n\xe4me\" VALUES (zeroblob(?), ?)", [(size, size) for size in (0, 100, 470, 5000, 200000)])
    db.execute("COMMIT")
    db.execute("DROP TABLE gone")
    return db


@in_directory
def sqlite_trees_agree_with_dbstat(directory):
    for page, encoding, vacuum in ((512, "UTF-8", 0), (1024, "UTF-16le", 0), (4096, "UTF-16be", 0), (65536, "UTF-8", 0), (512, "UTF-8", 1)):
        path = os.path.join(directory, "a.db")
        if os.path.exists(path):
            os.remove(path)
        db = sqlite_of_all_kinds(path, page, encoding, vacuum)
        schema = db.execute("SELECT type, name, tbl_name, nullif(rootpage, 0), sql FROM sqlite_schema ORDER BY rowid").fetchall()
        ask = lambda sql: db.execute(sql).fetchall()
        free = ask("PRAGMA freelist_count")[0][0]
        if ask("PRAGMA compile_options").count(("ENABLE_DBSTAT_VTAB",)):
            pages = ask("SELECT name, pageno, ncell, payload FROM dbstat WHERE pagetype <> 'overflow' ORDER BY pageno")
            overflow = ask("SELECT pageno, payload FROM dbstat WHERE pagetype = 'overflow' ORDER BY pageno")
        else:
            print("skipped, not compiled in: dbstat")
            pages = overflow = None
        db.close()
        got = rows("sqlite.sql", path, "SELECT type, name, \"table\", root, sql, error FROM db_schema")
        if encoding != "UTF-8":  # a statement that goes on elsewhere is cut
            got = [(*row[:4], schema[i][4] if row[4] and schema[i][4].startswith(row[4]) and page < 8000 else row[4], row[5]) for i,
                   row in enumerate(got)]
        same(got, [(*row, None) for row in schema], (page, encoding))
        trees = rows("sqlite.sql", path, "SELECT coalesce(name, 'sqlite_schema'), page, cells, error FROM db_btree ORDER BY page")
        cells = dict(rows("sqlite.sql", path, "SELECT page, sum(bytes_here) FROM db_cell GROUP BY page"))
        same(rows("sqlite.sql", path, "SELECT * FROM db_cell WHERE error IS NOT NULL"), [], (page, encoding))
        chains = rows("sqlite.sql", path, "SELECT overflow, bytes FROM db_overflow ORDER BY overflow")
        if pages is not None:
            same([(name, number, count, cells.get(number) or 0, error) for name, number, count, error in trees], [(*row, None) for row in pages],
                 (page, encoding))
            same(chains, overflow, (page, encoding))
        listed = rows("sqlite.sql", path, "SELECT page, error FROM db_free")
        same((len(listed), [error for _, error in listed if error]), (free, []), (page, encoding))
        used = [row[1] for row in trees] + [row[0] for row in chains] + [row[0] for row in listed]
        same(len(set(used)), len(used), (page, encoding))
        if not vacuum:  # else there are pages of pointers besides, and one that is never used
            same(sorted(used), list(range(1, os.path.getsize(path) // page + 1)), (page, encoding))
        keys = rows("sqlite.sql", path, "SELECT key FROM db_cell WHERE kind = 'table leaf' AND root = (SELECT root FROM db_schema WHERE name = 't') ORDER BY key")
        same(keys, [(i * 77 - 5000,) for i in range(900)])


@in_directory
def sqlite_that_is_damaged(directory):
    data = bytearray(support.sqlite_files()[0])
    ask = lambda data, query: rows("sqlite.sql", write(directory, "bad.db", data), query)
    errors = lambda data, view: [error for error, in ask(data, f"SELECT error FROM {view} WHERE error IS NOT NULL")]

    def changed(at, value, form=">I"):
        made = bytearray(data)
        struct.pack_into(form, made, at, value)
        return made

    same(ask(data, "SELECT type, name, root, sql FROM db_schema"), [("table", "t", 2, "CREATE TABLE t(a)")])
    for view in ("db_header", "db_page", "db_schema", "db_btree", "db_cell", "db_overflow", "db_free"):
        same(errors(data, view), [], view)
        assert ask(data, f"SELECT * FROM {view}"), view
    # A tree, a chain and a freelist that come back to where they were, or lead nowhere.
    at, page = ask(data, "SELECT offset, page FROM db_cell WHERE overflow LIMIT 1")[0]
    body, here = ask(data, "SELECT data_offset, bytes_here FROM db_cell WHERE overflow LIMIT 1")[0]
    chain = [number for number, in ask(data, "SELECT overflow FROM db_overflow")]
    same(errors(changed((chain[1] - 1) * 512, chain[0]), "db_overflow"), ["its chain ends before its data"])
    same(errors(changed((chain[1] - 1) * 512, 0), "db_overflow"), ["its chain ends before its data"])
    same(errors(changed(body + here, 99999), "db_overflow"), ["there is no such page"])
    root, cells = 512, ask(data, "SELECT cells, kind FROM db_btree WHERE page = 2")[0]
    same(cells[1], "table interior")
    same(ask(changed(root + 8, 2), "SELECT count(*) FROM db_btree"), [(len(ask(data, "SELECT 1 FROM db_btree")) - 1,)])
    same(errors(changed(root + 8, chain[0]), "db_btree"), ["it is no page of a tree"])
    trunk = ask(data, "SELECT page FROM db_free WHERE trunk IS NULL")[0][0]
    same(len(ask(changed((trunk - 1) * 512, trunk), "SELECT 1 FROM db_free")), len(ask(data, "SELECT 1 FROM db_free")))
    same(len(ask(changed((trunk - 1) * 512 + 4, 0xffffffff), "SELECT 1 FROM db_free")), 1 + 126)
    same(errors(changed(32, 99999), "db_free"), ["there is no such page"])
    same(errors(changed((page - 1) * 512 + 8, 511, ">H"), "db_cell"), ["it reaches past the end of its page"])
    same(errors(changed(100 + 8, 510, ">H"), "db_schema"), ["it is no cell"])
    record = data.index(b"tablett") - 6
    same(errors(changed(record, 0xff, ">B"), "db_schema"), ["it is no record of sqlite_schema, or goes on elsewhere"])
    wrong = bytearray(data)
    wrong[data.index(b"CREATE TABLE") + 3] = 0xff
    same(ask(wrong, "SELECT sql FROM db_schema"), [("CRE\ufffdTE TABLE t(a)",)])
    wrong[59] = 7  # and an encoding that is none
    same(ask(wrong, "SELECT sql FROM db_schema"), [("CRE\ufffdTE TABLE t(a)",)])


@in_directory
def sqlite_logs(directory):
    path = os.path.join(directory, "a.db")
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = wal")
    db.execute("CREATE TABLE t(a)")
    db.execute("INSERT INTO t VALUES (zeroblob(9000))")
    data = open(path + "-wal", "rb").read()
    db.close()
    wal = write(directory, "log", data)
    got = rows("sqlite_wal.sql", wal, "SELECT number, page, pages_after, valid, error FROM db_wal")
    same(len(got), (len(data) - 32) // (24 + 4096))
    for (number, page, after, valid, error), at in zip(got, range(32, len(data), 24 + 4096)):
        same((page, after, valid, error), (*struct.unpack_from(">II", data, at), 1, None), number)
    same(rows("sqlite_wal.sql", write(directory, "cut", data[:-1]), "SELECT error FROM db_wal")[-1],
         ("it reaches past the end of the file",))


# ---- safetensors ---------------------------------------------------------------------------------

@in_directory
def safetensors_of_a_file(directory):
    data = support.safetensors()
    path = write(directory, "a.safetensors", data)
    size, = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + size])
    got = rows("safetensors.sql", path, "SELECT name, type, json(shape), offset, bytes, error FROM safetensors_tensor")
    same(got, [(name, t["dtype"], json.dumps(t["shape"], separators=(",", ":")), 8 + size + t["data_offsets"][0],
                t["data_offsets"][1] - t["data_offsets"][0], None)
               for name, t in header.items() if name != "__metadata__"])
    same(rows("safetensors.sql", path, "SELECT key, value FROM safetensors_meta"), [("format", "pt")])
    same(rows("safetensors.sql", path, "SELECT mmap_get(path, offset, 'f32le[4]') FROM safetensors_tensor"
                                       " WHERE name = 'w'"), [("[0.0,1.0,2.0,3.0]",)])
    same(rows("safetensors.sql", write(directory, "cut", data[:-1]), "SELECT name, error FROM safetensors_tensor"
                                                                     " WHERE error IS NOT NULL"),
         [("b", "it reaches past the end of the file")])
    for other in (b"", b"{}", struct.pack("<Q", 1 << 40) + b"{}", struct.pack("<Q", 3) + b"{x}",
                  struct.pack("<q", -1) + b"{}", struct.pack("<Q", 9) + b"{}"):
        same(rows("safetensors.sql", write(directory, "other", other), "SELECT * FROM safetensors_tensor"), [])
    for wrong in ({"a": 1, "b": [2], "c": {}}, {"d": {"data_offsets": "x"}}, {"e": {"data_offsets": [5, 2]}}):
        text = json.dumps(wrong).encode()
        got = rows("safetensors.sql", write(directory, "wrong", struct.pack("<Q", len(text)) + text),
                   "SELECT error FROM safetensors_tensor")
        same(set(got), {("it is not described as a tensor is",)})
    # Bytes and shape that do not go together; of a type that is not known that is not said.
    few = "it has not as many bytes as its shape needs"
    for kind, shape, size, error in (("F32", [2], 8, None), ("F32", [2], 4, few), ("BF16", [], 2, None), ("BF16", [], 4, few), ("I64", [0, 9], 0, None),
                                     ("U8", [1 << 62, 9], 9, few), ("F4", [3], 2, None), ("F32", [-1], 4, "its shape is none"),
                                     ("F32", [1.0], 4, "its shape is none"), ("F32", 1, 4, "its shape is none"), ("F32", None, 4, "its shape is none"),
                                     ("F32", "x", 4, "its shape is none"), ("F32", {"a": 1}, 4, "its shape is none"), (["F32"], [9], 4, None)):
        text = json.dumps({"t": {"dtype": kind, "shape": shape, "data_offsets": [0, size]}}).encode()
        path = write(directory, "shape", struct.pack("<Q", len(text)) + text + bytes(size))
        same(rows("safetensors.sql", path, "SELECT bytes, error FROM safetensors_tensor"), [(size, error)], (kind, shape))


# ---- NumPy ---------------------------------------------------------------------------------------

@in_directory
def npy_types_and_shapes(directory):
    query = "SELECT type, json(shape), fortran_order, offset, bytes, error FROM npy_array"
    records = "[('a', '<i4'), ('b', '|S3', (2,))]"
    for version, descr, kind, shape, fortran, data in (
            (1, "'<f8'", "<f8", (2, 3), False, bytes(48)), (2, records, records, (5,), True, bytes(50)),
            (3, "'|u1'", "|u1", (), False, b"x"), (1, "'>c16'", ">c16", (0, 7), True, b"")):
        made = support.npy(version, descr, shape, fortran, data)
        same(rows("npy.sql", write(directory, "a.npy", made), query),
             [(kind, json.dumps(shape, separators=(",", ":")), int(fortran), len(made) - len(data), len(data), None)])
    made = support.npy()
    path = write(directory, "floats", made[:-48] + struct.pack("<6d", *range(6)))
    same(rows("npy.sql", path, "SELECT mmap_get(path, offset, 'f64le[3]') FROM npy_array"), [("[0.0,1.0,2.0]",)])
    for size in range(11, 128, 9):
        same(rows("npy.sql", write(directory, "cut", made[:size]), "SELECT type, error FROM npy_array"),
             [(None, "its header reaches past the end of the file")], size)
    same(rows("npy.sql", write(directory, "none", b"\x93NUMPY\1\0\4\0{}  xyz"), "SELECT error FROM npy_array"),
         [("its header is none of an array",)])
    # Data that are cut, of numbers and of texts; shapes that are none, and one as Python 2 wrote it.
    past = "its data reach past the end of the file"
    for descr, shape, size, error in (("'<f8'", "(2, 3)", 47, past), ("'<U5'", "(3,)", 59, past), ("'<U5'", "(3,)", 60, None), ("'|S5'", "()", 4, past),
                                      ("'<M8[ns]'", "(2,)", 15, past), ("'<f8'", "(9223372036854775807, 9, 0)", 0, None),
                                      ("'<f8'", "(9223372036854775807, 9)", 48, past), ("'<f8'", "(-3,)", 48, "its shape is none"),
                                      ("'<f8'", "(2L, 3L)", 48, None), ("'<f8'", "(1.5,)", 48, "its shape is none"),
                                      ("'<f8'", "(x,)", 48, "its header is none of an array")):
        path = write(directory, "b.npy", support.npy(1, descr, shape, False, bytes(size)))
        same(rows("npy.sql", path, "SELECT bytes, error FROM npy_array"), [(size, error)], (descr, shape))
    for other in (b"", made[:5], b"hello", b"hello!", b"\x93NUMPX" + made[6:], made[:6] + b"\4" + made[7:]):
        same(rows("npy.sql", write(directory, "other", other), query), [])


# ---- WebAssembly ---------------------------------------------------------------------------------

@in_directory
def wasm_sections_imports_and_exports(directory):
    leb128 = support.leb128
    imports = [(b"env", b"f", b"\0" + leb128(300)), (b"env", b"t", b"\1\x70\0\5"),
               (b"env", b"u", b"\1\x70\1\5" + leb128(900)), (b"wasi", b"memory", b"\2\1\1" + leb128(70000)),
               (b"", "m\xe9m".encode(), b"\2\0\1"), (b"x", b"g", b"\3\x7f\1"), (b"x" * 200, b"", b"\4\0\2"),
               (b"y", b"\xff\xfe", b"\0\0")]
    exports = [(b"run", 0, 1), (b"mem", 2, 0), ("\u65e5".encode(), 3, 1 << 31)]
    kinds = ("function", "table", "memory", "global", "tag")
    data = support.wasm(imports, exports)
    path = write(directory, "a.wasm", data)
    utf8 = lambda text: text.decode() if text != b"\xff\xfe" else "\ufffd"
    same(rows("wasm.sql", path, "SELECT module, name, kind FROM wasm_import"),
         [(utf8(module), utf8(name), kinds[rest[0]]) for module, name, rest in imports])
    same(rows("wasm.sql", path, "SELECT name, kind, number FROM wasm_export"),
         [(utf8(name), kinds[kind], number) for name, kind, number in exports])
    sections = rows("wasm.sql", path, "SELECT type, name, offset, length, error FROM wasm_section")
    same([(kind, name, error) for kind, name, _, _, error in sections],
         [("type", None, None), ("import", None, None), ("export", None, None), ("custom", "name", None)])
    for _, _, offset, length, _ in sections:
        same(data[offset - len(leb128(length)):offset], leb128(length))
    same(sections[-1][2] + sections[-1][3], len(data))
    ask = lambda made: rows("wasm.sql", write(directory, "b.wasm", made), "SELECT type, error FROM wasm_section")
    same(ask(data[:-1])[-1], ("custom", "it reaches past the end of the file"))
    same(ask(data[:8] + b"\1" + b"\xff" * 20), [("type", "it reaches past the end of the file")])
    same(ask(support.wasm(before=b"\x20\2ab")), [(32, "it is no section")])
    for other in (b"", data[:8], b"\0asm\2" + data[5:], b"\0asn" + data[4:]):
        same(ask(other), [])
    # A list that says it has more entries than there are, and one whose entry is none.
    for entries in (b"\xff\xff\xff\xff\x0f\1a\1b\0\0", b"\2\1a\1b\0\0\1a\1b\5\0"):
        made = support.wasm(before=b"\2" + leb128(len(entries)) + entries, imports=())
        same(rows("wasm.sql", write(directory, "c.wasm", made), "SELECT module, name, kind FROM wasm_import"),
             [("a", "b", "function")])


# ---- git -----------------------------------------------------------------------------------------

@in_directory
def git_index_agrees_with_git(directory):
    env = dict(os.environ, HOME=directory, GIT_CONFIG_NOSYSTEM="1")
    git = lambda *words: subprocess.run(["git", "-C", directory, *words], check=True, env=env,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    git("init", "-q")
    names = ["a", "n" * 9, "seven__", "zwei \xe4\u65e5"] + [f"d/{'x' * i}" for i in range(1, 20)]
    os.mkdir(os.path.join(directory, "d"))
    for i, name in enumerate(names):
        write(directory, name, b"x" * i)
    os.symlink("a", os.path.join(directory, "link"))
    git("add", ".")
    write(directory, "later", b"not yet")
    for version, step in ((2, lambda: None), (3, lambda: git("add", "-N", "later"))):
        step()
        index = write(directory, "index", open(os.path.join(directory, ".git/index"), "rb").read())
        same(rows("git_index.sql", index, "SELECT version, error FROM git_index"), [(version, None)])
        listed = [line.split(b"\t") for line in git("ls-files", "-z", "--stage").split(b"\0")[:-1]]
        same(rows("git_index.sql", index, "SELECT mode || ' ' || hash || ' ' || stage, name FROM git_index_entry"),
             [(head.decode(), name.decode()) for head, name in listed])
        same(rows("git_index.sql", index, "SELECT name FROM git_index_entry WHERE intent_to_add"),
             [("later",)] if version == 3 else [])
    for name, size, inode in rows("git_index.sql", index, "SELECT name, size, inode FROM git_index_entry"
                                                          " WHERE NOT intent_to_add"):
        told = os.lstat(os.path.join(directory, name))
        same((size, inode), (told.st_size, told.st_ino & 0xffffffff), name)
    data = open(index, "rb").read()
    got = rows("git_index.sql", write(directory, "cut", data[:212]), "SELECT error FROM git_index_entry")
    same(got, [(None,), (None,), ("it is no entry, or reaches past the end of the file",)])
    same(rows("git_index.sql", write(directory, "four", data[:7] + b"\4" + data[8:]),
              "SELECT version, error FROM git_index"), [(4, "its version is not read here")])


TESTS = [sqlite_headers_and_pages, sqlite_trees_agree_with_dbstat, sqlite_that_is_damaged, sqlite_logs, safetensors_of_a_file, npy_types_and_shapes,
         wasm_sections_imports_and_exports,
         git_index_agrees_with_git]

if __name__ == "__main__":
    sys.exit(support.run_tests(TESTS))
