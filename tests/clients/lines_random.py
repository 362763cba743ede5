#!/usr/bin/python3
"""mmap_lines beside an ordinary table and a naive reader: random queries, and random states of the file."""

import csv
import operator
import os
import random
import sqlite3
import sys
import tempfile

SEEDS = int(os.environ.get("MMAP_TEST_SEEDS", 1))
FAILURES = []


def fail(what, *more):
    FAILURES.append(what)
    if len(FAILURES) < 10:
        print(what, *(f"\n  {str(one)[:500]}" for one in more))


def connect(library, encoding="UTF-8"):
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.execute(f"PRAGMA encoding = '{encoding}'")
    db.enable_load_extension(True)
    db.load_extension(library)
    db.text_factory = lambda data: data.decode("latin1")
    return db


def ask(db, sql, *values):
    """The rows, or the error."""
    try:
        return db.execute(sql, values).fetchall()
    except sqlite3.Error as error:
        return str(error)


# ---- queries --------------------------------------------------------------------------------------

KINDS = [
    ("integer", "INTEGER", ["1", "2", "3", "10", "-1", "2.5", "7", "abc", "", "9223372036854775807"]),
    ("text", "TEXT", ["a", "b", "ab", "B", "", "zz", "1", "10", "2", '"q,"', '"x""y"', "~"]),
    ("text", "TEXT", ["prefixprefixa", "prefixprefix", '"prefixprefix"', '"prefixprefixa""b"', "prefixprefixb"]),
    ("real", "REAL", ["1", "1.5", "-2", "1e3", "abc", "", "0"]),
    ("ipv4", "TEXT COLLATE mmap_ipv4", ["1.2.3.4", "10.0.0.1", "9.9.9.9", "x", ""]),
    ("blob", "BLOB", ["a", "b", "", "zz", "1"]),
]
VALUES = ["1", "2", "'1'", "'a'", "'b'", "NULL", "2.5", "x'61'", "'zz'", "-1", "'10.0.0.1'", "''", "'B'", "10",
          "9223372036854775807", "1e300", "'prefixprefixa'"]


class Table:
    """A text table t and an ordinary one, o, with the same rows and rowids; w is another."""

    def __init__(self, library, rng):
        self.rng = rng
        self.kind, declared, fields = rng.choice(KINDS)
        self.descending, self.comments = rng.random() < 0.4, rng.random() < 0.3
        self.start = rng.choice(["", "", "\ufeff"]) + rng.choice(["", "", "skipped\nskipped\n"])
        self.header = rng.random() < 0.3
        self.db = connect(library, rng.choice(["UTF-8", "UTF-8", "UTF-16le"]))
        options = f"'f', separator=',', v integer, k {self.kind}" + rng.choice(["", ", null=''"])
        options += ", header=yes" if self.header else ""
        options += ", comment='#'" if self.comments else ""
        options += ", skip=2" if "skipped" in self.start else ""
        self.put([f"{rng.randint(0, 4)},{rng.choice(fields)}" for _ in range(rng.choice([0, 1, 2, 5, 12, 60]))])
        self.make(options)
        if rng.random() < 0.75:
            self.put(self.sorted_lines("null" in options))
            self.make(options + ", sorted=k" + (" desc" if self.descending else ""))
            if (found := ask(self.db, "SELECT mmap_check('t')")) != [("ok",)]:
                fail("mmap_check", found, self.text)
        self.db.execute(f"CREATE TEMP TABLE o(v INTEGER, k {declared}, number INTEGER, offset INTEGER)")
        self.db.execute("INSERT INTO o(rowid, v, k, number, offset) SELECT rowid, v, k, number, offset FROM t")
        self.db.execute("CREATE TEMP TABLE w(x, y TEXT, z INTEGER)")
        for _ in range(6):
            self.db.execute(f"INSERT INTO w VALUES({', '.join(rng.choices(VALUES, k=3))})")

    def make(self, options):
        self.db.execute("DROP TABLE IF EXISTS t")
        self.db.execute(f"CREATE VIRTUAL TABLE temp.t USING mmap_lines({options})")

    def put(self, lines):
        """Both kinds of ends, comments between, the last line perhaps without an end."""
        def end():
            return self.rng.choice(["\n", "\r\n"])
        self.text = self.start + ("v,k" + end() if self.header else "")
        for line in lines:
            if self.comments and self.rng.random() < 0.3:
                self.text += "# c,d" + end()
            self.text += line + end()
        if lines and self.rng.random() < 0.3:
            self.text = self.text.rstrip("\r\n")
        with open("f", "w", encoding="utf-8", newline="") as file:
            file.write(self.text)

    def sorted_lines(self, nulls):
        """In the order of SQLite; of texts, whose order there is the database's, bytewise, as the file's."""
        lines = [line for line, in self.db.execute(
            "SELECT line FROM t ORDER BY k" + (" DESC" if self.descending else ""))]
        if self.kind == "text":
            def key(line):
                raw = line.split(",", 1)[1]
                return bool(raw or not nulls), next(csv.reader([line]))[1].encode()
            lines.sort(key=key, reverse=self.descending)
        return lines

    # -- what is asked

    def value(self):
        return self.rng.choice(VALUES)

    def comparison(self):
        return self.rng.choice(["=", "<", "<=", ">", ">=", "IS", "IS NOT", "<>"])

    def condition(self, depth=0):
        column = self.rng.choice(["k", "k", "k", "v", "offset", "number", "@.rowid"])
        forms = [
            lambda: f"{column} {self.comparison()} {self.value()}",
            lambda: f"{column} {self.comparison()} {self.value()}",
            lambda: f"{column} {self.rng.choice(['', 'NOT '])}IN ({', '.join(self.rng.choices(VALUES, k=3))})",
            lambda: f"{column} IN (SELECT {self.rng.choice('xyz')} FROM w)",
            lambda: f"{column} BETWEEN {self.value()} AND {self.value()}",
            lambda: f"{column} IS {self.rng.choice(['', 'NOT '])}NULL",
            lambda: f"(k, v) {self.rng.choice(['=', '<', '>='])} ({self.value()}, {self.value()})",
            lambda: f"{column} {self.comparison()} (SELECT max({self.rng.choice('xyz')}) FROM w)",
            lambda: f"k {self.rng.choice(['LIKE', 'GLOB'])} {self.rng.choice(['a', '1', 'Z*', 'b%', 'a*'])!r}",
            lambda: f"NOT {self.condition(depth + 1)}",
            lambda: f"({self.condition(depth + 1)} {self.rng.choice(['AND', 'OR'])} {self.condition(depth + 1)})",
        ]
        return self.rng.choice(forms if depth < 2 else forms[:9])()

    def queries(self):
        where, down = self.condition(), self.rng.choice(["", " DESC"])
        limit = self.rng.choice(["", "LIMIT 3", "LIMIT 2 OFFSET 1", "LIMIT 0", "LIMIT -1 OFFSET 2"])
        on = f"{self.rng.choice(['@.k', '@.v', '@.number', '@.offset'])} {self.comparison()} w.{self.rng.choice('xyz')}"
        outer = ["JOIN", "LEFT JOIN"] + (["RIGHT JOIN", "FULL JOIN"] if sqlite3.sqlite_version_info >= (3, 39) else [])
        join = self.rng.choice(outer)
        one = f"ORDER BY {self.rng.choice(['k, @.rowid', 'k DESC, @.rowid', '@.rowid', 'offset DESC', 'number'])}"
        return [
            f"SELECT v, k, @.rowid FROM @ WHERE {where} {one} {limit}",
            f"SELECT k FROM @ WHERE {where} ORDER BY k{down} {limit}",
            f"SELECT count(*), min(k), max(k), min(v), max(offset), sum(number) FROM @ WHERE {where}",
            "SELECT min(k) FROM @", "SELECT max(k) FROM @", "SELECT max(offset), min(number) FROM @",
            f"SELECT w.rowid, @.v, @.k, @.rowid FROM w {join} @ ON {on} ORDER BY 1, 2, 3, 4",
            f"SELECT w.rowid, @.v, @.k, @.rowid FROM @ {join} w ON {on} WHERE {where} ORDER BY 1, 2, 3, 4",
            f"SELECT k, row_number() OVER (ORDER BY k, @.rowid), lag(v) OVER (PARTITION BY k ORDER BY @.rowid) "
            f"FROM @ WHERE {where} ORDER BY @.rowid",
            f"SELECT k, count(*) FROM @ WHERE {where} GROUP BY k ORDER BY k",
            f"SELECT v FROM @ WHERE k = (SELECT max(k) FROM @ WHERE {where}) ORDER BY @.rowid",
            "SELECT a.rowid, b.rowid FROM @ a JOIN @ b ON a.k = b.k WHERE a.v < 2 ORDER BY 1, 2 LIMIT 200",
            "SELECT (SELECT k FROM @ WHERE k <= w.x ORDER BY k DESC LIMIT 1), "
            "(SELECT k FROM @ WHERE k > w.y ORDER BY k LIMIT 1) FROM w",
            f"SELECT v FROM @ WHERE {where} EXCEPT SELECT z FROM w ORDER BY 1",
        ]


def queries_are_those_of_an_ordinary_table(library, rng):
    for _ in range(40 * SEEDS):
        table = Table(library, rng)
        for _ in range(10):
            for sql in rng.sample(table.queries(), 7):
                ours, theirs = (ask(table.db, sql.replace("@", name)) for name in "to")
                if not isinstance(theirs, str) and ours != theirs:
                    fail(sql, ours, theirs, table.kind, repr(table.text))
        table.db.close()


# ---- states ---------------------------------------------------------------------------------------

def read_naively(text):
    """Each row's offset and fields, a character at a time."""
    rows, at = [], 0
    while at < len(text):
        start, fields, quoted = at, [""], False
        fresh = True  # a field begins
        while at < len(text) and (quoted or text[at] != "\n"):
            c, at = text[at], at + 1
            if quoted and c == '"' and text[at:at + 1] == '"':
                fields[-1], at = fields[-1] + c, at + 1
            elif c == '"' and (quoted or fresh):
                quoted, fresh = not quoted, False
            elif c == "," and not quoted:
                fields.append("")
                fresh = True
            else:
                fields[-1] += c
                fresh = False
        if at < len(text) and text[at - 1:at] == "\r" and at > start:
            fields[-1] = fields[-1][:-1]
        at += 1
        rows.append((start, fields))
    return rows


class States:
    """Two text tables and one of lines over one file, whose writers are they, functions and another program."""

    def __init__(self, library, rng):
        self.rng, self.log, self.cursors, self.savepoints = rng, [], [], 0
        self.sorted, self.header = rng.random() < 0.6, rng.random() < 0.3
        keys = sorted(self.key() for _ in range(rng.choice([0, 1, 3, 30, 400])))
        text = "".join(key + "," + rng.choice(["x", "", "yy", '"q""r"', "z" * 300]) + rng.choice(["\n", "\n", "\r\n"])
                       for key in keys)
        text = ("k,v\n" if self.header else "") + text
        with open("g", "w", encoding="utf-8", newline="") as file:
            file.write(text.rstrip("\r\n") if rng.random() < 0.3 else text)
        self.db, self.other = connect(library), connect(library)
        for db in (self.db, self.other):
            db.execute("SELECT mmap_config('synchronous', 'off'), mmap_config('busy_timeout', 0)")
        self.db.execute("SELECT mmap_config('isolation', ?)", (rng.choice(["none", "statement", "transaction"]),))
        more = (", header=yes" if self.header else "") + (", sorted=k" if self.sorted else "")
        self.db.execute(f"CREATE VIRTUAL TABLE temp.t USING mmap_lines('g', separator=',', k, v{more})")
        self.db.execute(f"CREATE VIRTUAL TABLE temp.u USING mmap_lines('g', separator=',', k integer, v{more})")
        self.db.execute("CREATE VIRTUAL TABLE temp.l USING mmap_lines('g')")

    def key(self):
        return f"{self.rng.randint(0, 999):03}"

    def sql(self, text, *values):
        answer = ask(self.db, text, *values)
        self.log.append((text, values, answer if isinstance(answer, str) else ""))
        return answer

    def fail(self, what, *more):
        fail(what, *more, self.log[-12:])

    def text(self):
        sql = "SELECT CASE WHEN mmap_length('g') THEN mmap_get('g', 0, 'blob(' || mmap_length('g') || ')') ELSE x'' END"
        return self.db.execute(sql).fetchone()[0].decode("latin1")

    # -- what happens

    def write(self):
        rng, size = self.rng, len(self.text())
        at = rng.randint(0, max(size - 1, 0))
        value = rng.choice(["new", "a,b", 'c"d', "two\nlines", "", None])
        last = ask(self.db, "SELECT max(k) FROM t")
        last = last[0][0] if not isinstance(last, str) else None
        key = last if last and rng.random() < 0.6 else self.key()
        forms = [
            lambda: self.sql(f"INSERT INTO {rng.choice('tttu')}(k, v) VALUES(?, ?)", key, value),
            lambda: self.sql(f"INSERT OR IGNORE INTO t(k, v) VALUES(?, ?), ('000', ''), ('999', 'r')", key, value),
            lambda: self.sql("INSERT INTO l(text) VALUES('999,w')"),
            lambda: self.sql("INSERT INTO t(k, v) SELECT k, v FROM t ORDER BY k DESC LIMIT 2"),
            lambda: self.sql("INSERT INTO t(k, v) VALUES('999', 'r') RETURNING k, offset, number, v"),
            lambda: self.sql(f"SELECT mmap_resize('g', {at})"),
            lambda: self.sql(f"SELECT mmap_insert('g', {size}, ? || ',i' || char(10))", self.key()),
            lambda: self.sql(f"SELECT mmap_patch('g', {at}, ?)", rng.choice("59x")) if size else None,
            lambda: self.sql(f"SELECT mmap_delete('g', {at}, {at + 1})") if size else None,
            lambda: ask(self.other, "SELECT mmap_insert('g', mmap_length('g'), '999,o' || char(10))"),
        ]
        rng.choice(forms)()

    def transact(self):
        if self.rng.random() < 0.4:
            self.sql(self.rng.choice(["COMMIT", "ROLLBACK"]) if self.db.in_transaction else "BEGIN")
        elif not self.savepoints or self.rng.random() < 0.4:
            self.sql(f"SAVEPOINT s{self.savepoints}")
            self.savepoints += 1
        else:
            self.sql(f"{self.rng.choice(['ROLLBACK TO', 'RELEASE'])} s{self.rng.randrange(self.savepoints)}")
        if not self.db.in_transaction:
            self.savepoints = 0

    def step(self):
        """A cursor that stays open, or goes on; what it tells is of no moment in particular."""
        queries = ["SELECT k, v, number, offset FROM t", "SELECT k FROM t ORDER BY k DESC",
                   "SELECT text, number FROM l",
                   "SELECT v FROM t WHERE k >= '3'", "SELECT v, rest, line FROM u WHERE offset > 3",
                   "SELECT a.k, b.v FROM t a JOIN u b ON b.k = a.k"]
        try:
            if len(self.cursors) < 3:
                self.cursors.append(self.db.execute(self.rng.choice(queries)))
            self.rng.choice(self.cursors).fetchmany(self.rng.choice([1, 3, 1000]))
        except sqlite3.Error:
            pass

    # -- what is true then

    def look(self):
        text = self.text()
        rows = [(fields[0], fields[1] if len(fields) > 1 else None, at)
                for at, fields in read_naively(text)[1 if self.header else 0:]]
        ours = self.sql("SELECT k, v, offset FROM t")
        ordered = all(a[0] <= b[0] for a, b in zip(rows, rows[1:]))
        if isinstance(ours, str):
            if not self.sorted or not any(word in ours for word in ("inside of quotes", "has no 'k'", "out of order")):
                self.fail("a scan", ours, text)
            return
        if ours != rows:
            self.fail("rows", ours, rows, text)
            return
        for key, _, at in self.rng.sample(rows, min(4, len(rows))):
            number = text.count("\n", 0, at) + 1
            found = self.sql("SELECT k, number FROM t WHERE number = ?", number), self.sql(
                "SELECT k, number FROM t WHERE offset = ?", at)
            if any(one != [(key, number)] for one in found):
                self.fail("a number", found, (key, number), text)
            sign, compare = self.rng.choice([("=", operator.eq), ("<", operator.lt), (">=", operator.ge)])
            wanted = [(other_at,) for other, _, other_at in rows if compare(other, key)]
            ours = self.sql(f"SELECT offset FROM t WHERE k {sign} ? ORDER BY offset", key)
            if ours != wanted and (ordered or not self.sorted):
                self.fail(f"keys {sign} {key}", ours, wanted, text)


def states_are_those_of_a_naive_reader(library, rng):
    for _ in range(60 * SEEDS):
        states = States(library, rng)
        for _ in range(rng.randint(5, 30)):
            rng.choice([states.write, states.write, states.transact, states.step])()
            if rng.random() < 0.5:
                if rng.random() < 0.5:
                    states.cursors.clear()
                states.look()
        states.cursors.clear()
        states.look()
        states.db.close()
        states.other.close()


def main():
    library = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "ext/mmap0.so")
    rng = random.Random(int(os.environ.get("MMAP_TEST_SEED", 11)))
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        for test in (queries_are_those_of_an_ordinary_table, states_are_those_of_a_naive_reader):
            test(library, rng)
        os.chdir("/")
    print(f"{len(FAILURES)} differences")
    sys.exit(bool(FAILURES))


if __name__ == "__main__":
    main()
