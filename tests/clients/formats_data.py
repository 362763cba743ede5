#!/usr/bin/python3
"""sql/formats of databases and tensors and of git beside sqlite3, json and git."""

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


TESTS = [sqlite_headers_and_pages, sqlite_logs, safetensors_of_a_file,
         git_index_agrees_with_git]

if __name__ == "__main__":
    sys.exit(support.run_tests(TESTS))
