#!/usr/bin/python3
"""Does what the tables of docs/transactions.md say, and compares.

The first of them has a row for each part of a COMMIT. The sqlite3 shell is killed by strace at the
calls of that part, all of them by --long, else some. Then a fresh shell looks at the files and the
database, which must be as the row says, and nothing may be left beside them. No call of the
COMMIT is outside of all rows. The second table is about lost machines: each row names the tests
that show it, which must be there.

    tests/clients/transactions.py [--long] [LIBRARY]
"""

import argparse
import concurrent.futures
import itertools
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

PAGE = "docs/transactions.md"
MODEL = "tests/core/file/crash_model_test.cc"
SUFFIX = "-mmap-journal"
RECORD = "mmap-commit-"
# Calls that change something on the disk or make it stay; with "?", not every machine has it.
CALLS = ("openat,fchown,fchmod,pwrite64,fsync,fdatasync,ftruncate,fallocate,"
         "?rename,?renameat,?renameat2,?unlink,?unlinkat")
# The shell looks for a file of this name where COMMIT begins, and when it is done, which strace sees.
MARK = "here-is-commit"
END = "here it ends"

LONG = False
LIBRARY = ""
failures = []


def fail(what):
    failures.append(what)
    if len(failures) <= 40:
        print("FAILED: " + what, flush=True)


# ---- the page

def table(heading):
    """The rows of the table whose first column is called so, as dicts."""
    rows = []
    columns = None
    with open(PAGE, encoding="utf-8") as page:
        for line in page:
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if not line.startswith("|"):
                columns = None
            elif columns is None:
                columns = cells
            elif columns[0] == heading and not set(line) <= set("|- \n"):
                rows.append(dict(zip(columns, cells)))
    return rows


# ---- the transactions

class Transaction:
    """What is changed between BEGIN and COMMIT, and how it ends."""

    def __init__(self, names, database, end="COMMIT;"):
        self.names, self.database, self.end = names, database, end

    def sql(self):
        # Two places of each file, so that a part of it can be seen.
        patches = "".join("SELECT mmap_patch('%s', 100, 'new'), mmap_insert('%s', 5000, 'more');\n" %
                          (name, name) for name in self.names)
        row = "INSERT INTO t VALUES ('new');\n" if self.database else ""
        mark = "SELECT readfile('%s');\n" % MARK
        return "BEGIN;\n%s%s%s%s\n%sSELECT '%s';\n" % (row, patches, mark, self.end, mark, END)


# Another connection reads the database, so SQLite cannot commit it.
REFUSED = (".connection 1\n.open main.db\nBEGIN; SELECT count(*) FROM t;\n.connection 0\n"
           ".bail off\nCOMMIT;\n")
TRIED_AGAIN = (REFUSED + "INSERT INTO t SELECT 'other' WHERE 0;\nSAVEPOINT s;\n"
               ".connection 1\nCOMMIT;\n.connection 0\nCOMMIT;")
ROLLED_BACK = REFUSED + "INSERT INTO t SELECT 'other' WHERE 0;\nROLLBACK;"

TRANSACTIONS = {
    "one file": Transaction(["f"], False),
    "several files": Transaction(["f", "d/g"], False),
    "one file and the database": Transaction(["f"], True),
    "several files and the database": Transaction(["f", "d/g"], True),
    "one file, refused, tried again": Transaction(["f"], True, TRIED_AGAIN),
    "several files, refused, tried again": Transaction(["f", "d/g"], True, TRIED_AGAIN),
    "one file, refused, rolled back": Transaction(["f"], True, ROLLED_BACK),
    "several files, refused, rolled back": Transaction(["f", "d/g"], True, ROLLED_BACK),
}

# Each row is tried with both settings of the journal, and with both kinds of the database's; but with wal
# SQLite refuses none for its readers.
SYNCHRONOUS = ("full", "normal", "off")
JOURNAL = ("delete", "persist")
DATABASES = ("delete", "wal")


class Setup:
    """A transaction under certain settings, and the directory that it begins with."""

    def __init__(self, name, synchronous, journal, database):
        self.name, self.transaction = name, TRANSACTIONS[name]
        self.synchronous, self.journal, self.database = synchronous, journal, database
        self.template = tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"))
        self.old = self.new = None

    def __str__(self):
        return "%s, %s, %s, the database's journal %s" % (self.name, self.synchronous, self.journal,
                                                          self.database)

    def begin(self):
        return (".load '%s'\nSELECT mmap_config('synchronous', '%s'), mmap_config('journal', '%s');\n" %
                (LIBRARY, self.synchronous, self.journal))

    def make(self):
        """Files that were committed to before: with persist their journals are there."""
        os.mkdir(os.path.join(self.template, "d"))
        for seed, name in enumerate(self.transaction.names):
            with open(os.path.join(self.template, name), "wb") as file:
                file.write(random.Random(seed).randbytes(6000))
        done = shell(self.template, self.begin() + "PRAGMA journal_mode = %s;\n" % self.database +
                     "CREATE TABLE t(n);\nBEGIN;\n" +
                     "".join("SELECT mmap_patch('%s', 3000, 'first');\n" % name
                             for name in self.transaction.names) + "COMMIT;\n")
        if done.returncode:
            sys.exit("%s: cannot be made: %s" % (self, done.stderr))
        self.old = look(self.template, self.transaction)

    def script(self):
        return self.begin() + self.transaction.sql()


# ---- running the shell

def shell(directory, sql, before=()):
    return subprocess.run([*before, "sqlite3", "-init", "/dev/null", "-bail", "main.db"], input=sql,
                          cwd=directory, text=True, capture_output=True, timeout=120, check=False)


def contents(path):
    with open(path, "rb") as file:
        return file.read()


def look(directory, transaction, backwards=False):
    """What a fresh shell sees of each file, and of the database."""
    names = transaction.names[::-1] if backwards else transaction.names
    done = shell(directory, ".load '%s'\n" % LIBRARY +
                 "".join("SELECT hex(mmap_slice('%s'));\n" % name for name in names) +
                 "SELECT count(*) FROM t WHERE n = 'new';\n")
    if done.returncode:
        return {"error": done.stderr.strip()}
    lines = done.stdout.split()
    seen = dict(zip(names, map(bytes.fromhex, lines)))
    for name in names:
        if contents(os.path.join(directory, name)) != seen[name]:
            return {"error": name + " shows what is not in it"}
    return {**seen, "database": lines[-1]}


def litter(directory, may_stay):
    """What lies there and should not; a blank journal may."""
    for folder, _, names in os.walk(directory):
        for name in names:
            blank = name.endswith(SUFFIX) and contents(os.path.join(folder, name))[:8] == bytes(8)
            if name.startswith(RECORD) or (name.endswith(SUFFIX) and not (blank and may_stay)):
                return name
    return None


class Call:
    """A line of strace's: what is called, the how manieth it is, and the path that it is about."""

    def __init__(self, line, counts, directory):
        self.name = line.split("(")[0]
        counts[self.name] = self.number = counts.get(self.name, 0) + 1
        by_name = re.match(r"openat|rename|unlink", line)
        path = re.search(r'"([^"]*)"' if by_name else r"<([^<>]*)>", line)
        self.path = re.sub("^" + re.escape(directory) + "/?", "", path[1] if path else "") or "."
        self.path = re.sub(RECORD + "[0-9a-f]{16}", RECORD + "*", self.path)
        self.marks = MARK in line
        self.makes = "O_CREAT" in line
        self.blanks = '"\\0\\0\\0\\0\\0\\0\\0\\0", 8, 0' in line
        self.inside = directory in line or self.marks
        self.what = "%s %d (%s)" % (self.name, self.number, self.path)


def strace(expressions):
    command = ["strace", "-y", "-qq", "-o", "log", "-e", "trace=" + CALLS]
    for expression in expressions:
        command += ["-e", "inject=" + expression]
    return command


def calls_of(directory):
    """The calls that the log has, from the beginning of COMMIT on."""
    counts, calls, begun = {}, [], False
    for line in contents(os.path.join(directory, "log")).decode(errors="replace").splitlines():
        if not re.match(r"\w+\(", line):
            continue
        call = Call(line, counts, os.path.realpath(directory))
        begun = begun or call.marks
        if begun and call.inside and (call.name != "openat" or call.makes or call.marks):
            calls.append(call)
    return calls


class Copy:
    """A directory of its own to run in."""

    def __init__(self, setup):
        self.setup = setup
        parent = tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"))
        self.parent, self.path = parent, os.path.join(parent, "x")

    def __enter__(self):
        shutil.copytree(self.setup.template, self.path)
        return self.path

    def __exit__(self, *error):
        shutil.rmtree(self.parent)


# ---- where a row ends

def is_file(call):
    return call.name in ("pwrite64", "ftruncate") and call.path in ("f", "d/g")


def is_rename(call):
    return call.name.startswith("rename")


def first(calls, matches):
    return next((i for i, call in enumerate(calls) if matches(call)), None)


def last_before_files(calls, matches):
    """The last that matches and comes before the next write of a file."""
    end = first(calls, is_file)
    found = [i for i, call in enumerate(calls[:end]) if matches(call)]
    return found[-1] if found else None


def database_commits(calls):
    removal = first(calls, lambda c: c.name.startswith("unlink") and c.path == "main.db-journal")
    if removal is not None:
        return removal
    return last_before_files(calls, lambda c: c.name == "pwrite64" and c.path == "main.db-wal")


def journal_is_whole(calls):
    return first(calls, lambda c: c.name == "pwrite64" and c.path == "f" + SUFFIX and not c.blanks)


def goes_on(calls):
    """The journal, or the record that all hang on, is emptied."""
    return first(calls, lambda c: c.name == "ftruncate" and
                 (c.path == "f" + SUFFIX or c.path.startswith(RECORD)))


def last_file_is_written(calls):
    found = [i for i, call in enumerate(calls) if is_file(call)]
    return found[-1] if found else None


# What a row ends with: the number of the call, among those from the row's beginning on, that does it. Killed
# at this call, it is not done.
LANDMARKS = {
    "the journal is whole": journal_is_whole,
    "the record has its name": lambda calls: first(calls, is_rename),
    "the database has committed": database_commits,
    "the first file is written to": lambda calls: first(calls, is_file),
    "the last file is written to": last_file_is_written,
    "the transaction goes on": goes_on,
    "ROLLBACK has emptied the journal": goes_on,
    "ROLLBACK has emptied the record": goes_on,
    "its journal is whole again": journal_is_whole,
    "a record has its name again": lambda calls: first(calls, is_rename),
}


def split(setup, rows, calls):
    """The calls of each row."""
    parts = []
    for row in rows:
        text = row["killed"]
        match = re.search(r"until (.*?)$", text)
        if not match:
            parts.append(calls)
            calls = []
            continue
        place = LANDMARKS[match[1]](calls)
        if place is None:
            fail("%s: nothing of the COMMIT is '%s'" % (setup, match[1]))
            place = -1
        parts.append(calls[:place + 1])
        calls = calls[place + 1:]
    if calls:
        fail("%s: no row is about %s" % (setup, calls[0].what))
    return parts


# ---- a row

def state(setup, seen):
    """A word for the files, and one for the database."""
    names = setup.transaction.names
    files = "a part"
    if all(seen[name] == setup.old[name] for name in names):
        files = "before"
    elif all(seen[name] == setup.new[name] for name in names):
        files = "after"
    return files, "after" if seen["database"] == "1" else "before"


def attempt(setup, row, call, number):
    """Killed at the call. What is seen then, in words."""
    with Copy(setup) as directory:
        expression = "%s:signal=KILL:when=%d" % (call.name, call.number)
        done = shell(directory, setup.script(), strace([expression]))
        reached = calls_of(directory)
        what = "%s, killed at %s" % (setup, call.what)
        if done.returncode not in (-9, 137) or not reached or reached[-1].what != call.what:
            fail("%s: it was not, but %s" % (what, reached[-1].what if reached else done))
            return None
        seen = look(directory, setup.transaction, number % 2 == 1)
        if "error" in seen:
            fail("%s: %s" % (what, seen["error"]))
            return None
        left = litter(directory, setup.journal == "persist")
        if left:
            fail("%s: %s is left" % (what, left))
        found = state(setup, seen)
        wanted = (row["the files"].strip("*"), row["the database"].strip("*"))
        if wanted[1] == "–" and not setup.transaction.database:
            wanted = (wanted[0], "before")
        if found[1] != wanted[1] or (found[0] != wanted[0] and wanted[0] != "a part"):
            fail("%s: the files are %s, the database %s; not %s, %s" % (what, *found, *wanted))
        return found


def some(calls):
    """The first, the last, and two between."""
    if LONG or len(calls) <= 4:
        return calls
    return [calls[0], *random.Random(len(calls)).sample(calls[1:-1], 2), calls[-1]]


def run_setup(pool, setup, rows):
    setup.make()
    with Copy(setup) as directory:
        done = shell(directory, setup.script(), strace([]))
        calls = calls_of(directory)
        setup.new = look(directory, setup.transaction)
        if END not in done.stdout or "error" in setup.new or not calls:
            sys.exit("%s fails undisturbed: %s %s" % (setup, done.stderr, setup.new.get("error")))
    if "rolled back" in setup.name:
        setup.new = after_commit(setup)
    jobs = []
    for row, part in zip(rows, split(setup, rows, calls)):
        if not part:
            fail("%s: nothing is '%s'" % (setup, row["killed"]))
        for number, call in enumerate(some(part)):
            jobs.append((row, pool.submit(attempt, setup, row, call, number)))
    for row in rows:
        found = [job.result() for of, job in jobs if of is row]
        if row["the files"] == "a part" and not any(f and f[0] == "a part" for f in found):
            fail("%s: '%s' never leaves a part" % (setup, row["killed"]))
    print("%4d kills  %s" % (len(jobs), setup), flush=True)
    shutil.rmtree(setup.template)
    return len(jobs)


def after_commit(setup):
    """What it would have been without the refusal."""
    with Copy(setup) as directory:
        sql = setup.begin() + setup.transaction.sql().replace(setup.transaction.end, "COMMIT;")
        shell(directory, sql)
        return look(directory, setup.transaction)


def words(cell):
    found = re.findall(r"\w+", cell)
    if not found or set(found) - set(SYNCHRONOUS):
        fail("'%s' in %s is none of %s" % (cell, PAGE, ", ".join(SYNCHRONOUS)))
    return found


def run_killed(pool):
    groups = {}
    for row in table("in the transaction"):
        key = (row["in the transaction"], row["synchronous"])
        groups.setdefault(key, []).append(row)
    shown = set()
    kills = 0
    for (name, synchronous), rows in groups.items():
        if name not in TRANSACTIONS:
            fail("'%s' in %s is no transaction here" % (name, PAGE))
            continue
        databases = ["delete"] if "refused" in name else DATABASES
        for settings in itertools.product(words(synchronous), JOURNAL, databases):
            kills += run_setup(pool, Setup(name, *settings), rows)
            shown.add((name, settings[0]))
    for name, synchronous in itertools.product(TRANSACTIONS, SYNCHRONOUS):
        if (name, synchronous) not in shown and ("refused" not in name or synchronous != "off"):
            fail("%s has no row for %s with synchronous %s" % (PAGE, name, synchronous))
    print("%4d kills in all" % kills)


# ---- what is done to the files before they are used again

DAMAGE = "printf X | dd bs=1 seek=%d conv=notrunc status=none of=%s"

ROOT = "it is used below a root that leaves the record out"
# By a row's first column: sh that does it, and where the two files are then.
MEANWHILE = {
    "nothing": ("", "f", "d/g"),
    "the whole tree is moved": ("mkdir new; mv f* d mmap-commit-* new", "new/f", "new/d/g"),
    "the whole tree is copied, and the copy used":
        ("mkdir new; cp -a f* d mmap-commit-* new", "new/f", "new/d/g"),
    "the file is moved, its journal not": ("mv d/g g", "f", "g"),
    "… and both at their places again": ("mv d/g g; mv g d/g", "f", "d/g"),
    "the file is moved with its journal, out of the tree":
        ("mkdir -p far/away; mv d/g d/g-mmap-journal far/away", "f", "far/away/g"),
    "the file is removed": ("rm d/g", "f", "d/g"),
    "the file is replaced by another of its name":
        ("cp d/g new; printf theirs | dd of=new conv=notrunc status=none; mv new d/g", "f", "d/g"),
    "the file is written over in place, by as many bytes":
        ("head -c 6000 /dev/zero | dd of=d/g conv=notrunc status=none", "f", "d/g"),
    "the file is written over in place, by more or fewer": ("head -c 500 /dev/zero > d/g", "f", "d/g"),
    "its journal is removed": ("rm d/g-mmap-journal", "f", "d/g"),
    "its journal is damaged": (DAMAGE % (170, "d/g-mmap-journal"), "f", "d/g"),
    "the record is removed": ("rm mmap-commit-*", "f", "d/g"),
    "the record is damaged": (DAMAGE % (60, "mmap-commit-*"), "f", "d/g"),
    ROOT: ("", "f", "d/g"),
}


def use(directory, path, old, new, root):
    """What the next use of a file finds, in a word or as an error."""
    done = shell(directory, ".load '%s'\n" % LIBRARY +
                 (".output /dev/null\nSELECT mmap_config('root', 'd');\n.output\n" if root else "") +
                 "SELECT hex(mmap_slice('%s'));\n" % path)
    if done.returncode:
        return done.stderr.strip()
    seen = bytes.fromhex(done.stdout.strip())
    return "before" if seen == old else "after" if seen == new else "a mixture"


def meanwhile(setup, row, call):
    """Killed when the record has got its name; then this is done."""
    what = row["meanwhile"]
    if what not in MEANWHILE:
        return fail("'%s' in %s is nothing that is known here" % (what, PAGE))
    command, other, own = MEANWHILE[what]
    with Copy(setup) as directory:
        shell(directory, setup.script(),
              strace(["%s:signal=KILL:when=%d" % (call.name, call.number)]))
        subprocess.run(command.replace("of=mmap-commit-*", "of=$(echo mmap-commit-*)"), shell=True,
                       cwd=directory, check=True)
        for path, name, cell in ((own, "d/g", row["the file"]), (other, "f", row["the others"])):
            root = what == ROOT and path == own
            found = use(directory, path, setup.old[name], setup.new[name], root)
            wanted = cell.strip("*").strip("`")
            if found != wanted and (wanted in ("before", "after", "a mixture") or
                                    wanted not in found):
                fail("%s: %s is '%s', not '%s'" % (what, name, found, wanted))
        stays = any(name.startswith(RECORD) for _, _, names in os.walk(directory) for name in names)
        if stays != (row["the record"] == "stays"):
            fail("%s: the record %s" % (what, "stays" if stays else "does not stay"))


def run_meanwhile(pool):
    setup = Setup("several files", "full", "delete", "delete")
    setup.make()
    with Copy(setup) as directory:
        shell(directory, setup.script(), strace([]))
        setup.new = look(directory, setup.transaction)
        calls = calls_of(directory)
    place = first(calls, is_file)
    rows = table("meanwhile")
    list(pool.map(lambda row: meanwhile(setup, row, calls[place]), rows))
    if {row["meanwhile"] for row in rows} != set(MEANWHILE):
        fail("not all that may be done to files is in %s" % PAGE)
    shutil.rmtree(setup.template)


# ---- how often a COMMIT syncs

FILES = {"one file": ["f"], "two files of one directory": ["f", "g"],
         "two files of two directories": ["f", "d/g"]}


def run_syncs():
    rows = table("synced in the first COMMIT of a connection")
    for row, journal in itertools.product(rows, JOURNAL):
        setup = Setup("one file", "full", journal, "delete")
        setup.transaction = Transaction(FILES[row["synced in the first COMMIT of a connection"]], False)
        setup.make()
        with Copy(setup) as directory:
            shell(directory, setup.script(), strace([]))
            count = sum(call.name in ("fsync", "fdatasync") and "main.db" not in call.path
                        for call in calls_of(directory))
            if str(count) != row["`%s`" % journal]:
                fail("%s, %s: %d syncs, not %s" % (row["synced in the first COMMIT of a connection"], journal, count,
                                                   row["`%s`" % journal]))
        shutil.rmtree(setup.template)
    if len(rows) != len(FILES):
        fail("where is the table of syncs?")


# ---- lost machines

def removal_is_lost():
    """SQLite removes its journal to commit, and by default makes that durable no more than a crash of
    the machine may undo it: the database rolls back, the files do not."""
    setup = Setup("several files and the database", "full", "delete", "delete")
    setup.make()
    with Copy(setup) as directory:
        shell(directory, setup.script(), strace([]))
        setup.new = look(directory, setup.transaction)
        removal = next(call for call in calls_of(directory) if call.name.startswith("unlink") and
                       call.path == "main.db-journal")
    with Copy(setup) as directory:
        done = shell(directory, setup.script(),
                     strace(["%s:retval=0:when=%d" % (removal.name, removal.number)]))
        found = state(setup, look(directory, setup.transaction))
        if END not in done.stdout or found != ("after", "before"):
            fail("with the removal of SQLite's journal lost: %s, %s" % (found, done.stderr))
    shutil.rmtree(setup.template)


# What a database may be set to, and whether SQLite's commit is on the disk before we write a file.
COMMITS = {
    "PRAGMA synchronous = FULL": False,
    "PRAGMA synchronous = EXTRA": True,
    "PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = FULL": True,
    "PRAGMA journal_mode = PERSIST; PRAGMA synchronous = FULL": True,
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL": True,
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL": False,
}


def commit_is_durable():
    """Does SQLite sync what its commit did last, before the first file is written?"""
    for pragmas, durable in COMMITS.items():
        setup = Setup("one file and the database", "full", "delete", "delete")
        setup.make()
        with Copy(setup) as directory:
            shell(directory, pragmas + ";\n" + setup.script(), strace([]))
            calls = calls_of(directory)
            calls = calls[:first(calls, is_file)]
            done = max(i for i, c in enumerate(calls) if c.path.startswith("main.db-") and
                       re.match("pwrite|ftruncate|unlink", c.name))
            synced = any(c.name in ("fsync", "fdatasync") for c in calls[done:])
            if synced != durable:
                fail("%s: SQLite's commit is %son the disk" % (pragmas, "" if synced else "not "))
        shutil.rmtree(setup.template)


def run_lost():
    with open(MODEL, encoding="utf-8") as file:
        known = {"%s.%s" % match for match in
                 re.findall(r"^TEST_[PF]\((\w+), (\w+)\)", file.read(), re.M)}
    known |= {"transactions.py: " + name for name in ("removal_is_lost", "commit_is_durable")}
    rows = table("the machine is lost")
    for row in rows:
        names = re.findall(r"`([^`]+)`", row["shown by"])
        if not names:
            fail("nothing shows '%s'" % row["the machine is lost"])
        for name in names:
            if name not in known:
                fail("%s names the test %s, which is not there" % (PAGE, name))
    if len(rows) < 5:
        fail("where is the table of lost machines?")


def can_trace():
    if not shutil.which("strace"):
        print("kills: skipped, there is no strace")
        return False
    done = subprocess.run(["strace", "-o", "/dev/null", "-e", "inject=fsync:error=EIO", "true"],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        print("kills: skipped, strace cannot: " + done.stderr.strip())
    return done.returncode == 0


def main():
    global LONG, LIBRARY
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--long", action="store_true", help="at every call")
    arguments.add_argument("library", nargs="?", default="ext/mmap0.so")
    chosen = arguments.parse_args()
    LONG, LIBRARY = chosen.long, os.path.realpath(chosen.library)
    run_lost()
    if can_trace():
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            run_killed(pool)
            run_meanwhile(pool)
        run_syncs()
        removal_is_lost()
        commit_is_durable()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
