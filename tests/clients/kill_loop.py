#!/usr/bin/python3
"""Kills the sqlite3 shell at each system call of a COMMIT, and fails each of these calls.

strace does it, to the real library on a real file system. After each kill or failure a fresh shell
must find each file whole: as it was before the transaction or after it, and after it if COMMIT had
succeeded, before it if COMMIT had failed; and of several files all, or none. Then come a full disk and a limit on the size of files.

    tests/clients/kill_loop.py [--long] [LIBRARY]

Without --long only a sample of the places is tried where there are many of them.
"""

import argparse
import concurrent.futures
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile

SUFFIX = "-mmap-journal"
RECORD = "mmap-commit-"
# Calls that change something on the disk or make it stay. strace counts each of them by itself.
CALLS = ("openat", "fchown", "fchmod", "pwrite64", "fsync", "fdatasync", "rename", "unlink",
         "ftruncate", "fallocate")

LONG = False
LIBRARY = ""
failures = []


def pattern(size, seed):
    return random.Random(seed).randbytes(size)


def fail(what):
    failures.append(what)
    if len(failures) <= 40:
        print("FAILED: " + what, flush=True)


class Scenario:
    """Files, and SQL between BEGIN and COMMIT that changes them."""

    def __init__(self, name, files, sql, places=None):
        self.name, self.files, self.sql = name, files, sql
        self.new = None         # the files afterwards
        self.places = places    # how many places of one call are tried without --long
        # The name of a common record is not known before. Without names the calls are the shell's,
        # too: of those it makes an openat only.
        self.calls = CALLS if len(files) == 1 else tuple(c for c in CALLS if c != "openat")


def literal(data):
    return "x'%s'" % data.hex()


def scattered(size, count, seed):
    chance = random.Random(seed)
    return "".join("SELECT mmap_patch('f', %d, %s);\n" %
                   (chance.randrange(size - 20), literal(chance.randbytes(7)))
                   for _ in range(count))


OLD = pattern(10000, 1)

SCENARIOS = [
    Scenario("one patch", {"f": OLD}, "SELECT mmap_patch('f', 4090, 'across two pages');"),
    Scenario("two files", {"f": OLD, "g": OLD[:5000]},
             "SELECT mmap_patch('f', 100, 'to both'); SELECT mmap_insert('g', 10, 'of them');"),
    Scenario("three of them", {"f": OLD, "g": OLD[:3000], "h": OLD[:7000]},
             "SELECT mmap_config('journal', 'persist');"
             "SELECT mmap_resize('f', 100); SELECT mmap_patch('g', 10, 'in place');"
             "SELECT mmap_resize('h', 9000); SELECT mmap_patch('h', 8500, 'far out');"),
    Scenario("growth", {"f": OLD},
             "SELECT mmap_resize('f', 50000); SELECT mmap_patch('f', 9990, 'over the old end');"
             "SELECT mmap_patch('f', 49000, 'far out');"),
    Scenario("shrink", {"f": OLD},
             "SELECT mmap_patch('f', 1, 'in front'); SELECT mmap_resize('f', 3000);"),
    Scenario("1,000 patches", {"f": pattern(300000, 2)}, scattered(300000, 1000, 3), places=12),
]


# ---- running the shell

def script(scenario):
    return (".load '%s'\nBEGIN;\n%s\nCOMMIT;\nSELECT 'committed';\n" % (LIBRARY, scenario.sql) +
            "".join("SELECT writefile('seen-%s', mmap_slice('%s'));\n" % (name, name)
                    for name in scenario.files))


def shell(directory, sql, before=(), **more):
    return subprocess.run([*before, "sqlite3", "-init", "/dev/null", "-bail", ":memory:"],
                          input=sql, cwd=directory, text=True, capture_output=True, timeout=120,
                          **more)


def contents(path):
    with open(path, "rb") as file:
        return file.read()


def put(directory, files):
    for name, data in files.items():
        with open(os.path.join(directory, name), "wb") as file:
            file.write(data)


def look_script(scenario):
    return ".load '%s'\n" % LIBRARY + "".join(
        "SELECT writefile('look-%s', mmap_slice('%s'));\n" % (name, name)
        for name in scenario.files)


def look(directory, scenario):
    """What a fresh shell shows of each file. The file must be the same, and the journal gone, or
    blank."""
    fresh = shell(directory, look_script(scenario))
    if fresh.returncode:
        return None, "the next shell fails: " + fresh.stderr.strip()
    seen = {}
    for name in scenario.files:
        seen[name] = contents(os.path.join(directory, "look-" + name))
        if contents(os.path.join(directory, name)) != seen[name]:
            return None, name + " shows what is not in it"
        journal = os.path.join(directory, name + SUFFIX)
        if os.path.lexists(journal) and contents(journal)[:8] != bytes(8):
            return None, "the journal of %s stays" % name
    return seen, ""


def strace(directory, scenario, expression):
    """The command that shows, or does something to, the calls that concern the scenario's files."""
    command = ["strace", "-f", "-qq", "-o", "log", "-e", expression]
    if expression.startswith("inject"):
        command += ["-e", "trace=%file,%desc"]
    if len(scenario.files) > 1:
        return command
    for name in scenario.files:
        path = os.path.join(directory, name)
        command += ["-P", path, "-P", path + SUFFIX]
    return command + ["-P", directory]


class Outcome:
    """One shell under strace, and what it left. `recovery` is done to the next shell, which finds
    what the first has left."""

    def __init__(self, scenario, inject, recovery=None):
        self.recovery = recovery
        self.directory = tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"))
        try:
            put(self.directory, scenario.files)
            self.run(scenario, inject)
        finally:
            shutil.rmtree(self.directory)

    def run(self, scenario, inject):
        done = shell(self.directory, script(scenario),
                     strace(self.directory, scenario, "inject=" + inject))
        log = contents(os.path.join(self.directory, "log")).decode(errors="replace")
        self.killed = done.returncode in (-9, 137)
        self.injected = self.killed or "(INJECTED)" in log
        self.committed = "committed" in done.stdout
        self.error = done.stderr.strip()
        self.session = {}  # what the same shell showed afterwards
        for name in scenario.files:
            path = os.path.join(self.directory, "seen-" + name)
            if os.path.exists(path):
                self.session[name] = contents(path)
        if self.recovery:
            next_shell = shell(self.directory, look_script(scenario),
                               strace(self.directory, scenario, "inject=" + self.recovery))
            self.recovered = next_shell.returncode == 0
        self.seen, self.fault = look(self.directory, scenario)
        self.litter = [name for name in os.listdir(self.directory) if name.startswith(RECORD)]


def judge(scenario, outcome):
    """What is wrong with an outcome; "" if nothing."""
    if outcome.fault:
        return outcome.fault
    old, new = scenario.files, scenario.new
    if outcome.seen not in (old, new):
        return "some of the files have changed, and some have not"
    if outcome.litter and outcome.killed:
        return outcome.litter[0] + " stays"
    for name, seen in outcome.seen.items():
        if seen not in (old[name], new[name]):
            return name + " is torn"
        if outcome.committed and seen != new[name]:
            return "the COMMIT of %s is lost" % name
        if not outcome.killed and not outcome.committed and seen != old[name]:
            return "a COMMIT of %s that failed has happened: %s" % (name, outcome.error)
    for name, seen in outcome.session.items():
        if seen != new[name]:
            return "the same shell shows something else of " + name
    if not outcome.killed and not outcome.committed and not outcome.error:
        return "it neither succeeds nor says why not"
    return ""


def attempt(scenario, inject, what, recovery=None):
    outcome = Outcome(scenario, inject, recovery)
    fault = judge(scenario, outcome)
    if fault:
        fail("%s, %s: %s" % (scenario.name, what, fault))
    return outcome


# ---- the loops

def places(scenario, counts, call):
    """Which of its calls: all, or the first, the last and some between."""
    count = counts.get(call, 0)
    if LONG or not scenario.places or count <= scenario.places:
        return range(1, count + 1)
    some = random.Random(call).sample(range(3, count - 1), scenario.places - 4)
    return sorted([1, 2, count - 1, count] + some)


def baseline(scenario):
    """Run it undisturbed: what the files become, and how often it makes each call."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR")) as directory:
        put(directory, scenario.files)
        done = shell(directory, script(scenario),
                     strace(directory, scenario, "trace=" + ",".join(scenario.calls)))
        if done.returncode:
            sys.exit("%s fails undisturbed: %s" % (scenario.name, done.stderr))
        scenario.new = {name: contents(os.path.join(directory, name)) for name in scenario.files}
        for name, old in scenario.files.items():
            if scenario.new[name] == old:
                sys.exit("%s changes nothing in %s" % (scenario.name, name))
        counts = {}
        for line in contents(os.path.join(directory, "log")).decode(errors="replace").splitlines():
            call = line.split(None, 1)[1].split("(")[0]
            counts[call] = counts.get(call, 0) + 1
        return counts


def report(name, scenario, number, what):
    print("%-14s %-14s %4d %s" % (scenario.name, name, number, what), flush=True)


def each(pool, jobs):
    return [job.result() for job in [pool.submit(*job) for job in jobs]]


def kill_loop(pool, scenario, counts):
    """Before each call. One more than there are must survive."""
    jobs = [(attempt, scenario, "%s:signal=KILL:when=%d" % (call, i), "killed at %s %d" % (call, i))
            for call in scenario.calls for i in places(scenario, counts, call)]
    outcomes = each(pool, jobs)
    if not all(outcome.killed for outcome in outcomes):
        fail("%s: a shell that was to be killed was not" % scenario.name)
    last = attempt(scenario, "fdatasync:signal=KILL:when=%d" % (counts.get("fdatasync", 0) + 1),
                   "not killed")
    if last.killed or not last.committed:
        fail("%s: it does not survive at the end" % scenario.name)
    after = sum(outcome.seen is not None and outcome.seen == scenario.new for outcome in outcomes)
    report("kills", scenario, len(jobs), "%d of them after the commit point" % after)


def recovery_loop(pool, scenario, counts):
    """Killed when all journals are whole; then the shell that recovers is killed, too, or fails."""
    first = "fdatasync:signal=KILL:when=1"
    jobs = []
    for call in scenario.calls:
        for i in range(1, min(counts.get(call, 0), 8) + 1):
            for doing in ("signal=KILL", "error=EIO"):
                what = "%s in the recovery at %s %d" % (doing, call, i)
                jobs.append((attempt, scenario, first, what, "%s:%s:when=%d" % (call, doing, i)))
    outcomes = each(pool, jobs)
    for outcome, job in zip(outcomes, jobs):
        if outcome.seen is not None and outcome.seen != scenario.new:
            fail("%s, %s: the commit is lost" % (scenario.name, job[3]))
    ended = sum(not outcome.recovered for outcome in outcomes)
    report("recoveries", scenario, len(jobs), "%d of them were killed or failed" % ended)


def error_loop(pool, scenario, counts):
    jobs = []
    for call in scenario.calls:
        for i in places(scenario, counts, call):
            for error in ("EIO", "ENOSPC"):
                for end in ("", "+"):
                    what = "%s at %s %d%s" % (error, call, i, end)
                    jobs.append((attempt, scenario, "%s:error=%s:when=%d%s" % (call, error, i, end),
                                 what))
    if not LONG and len(jobs) > 36:
        jobs = random.Random(scenario.name).sample(jobs, 36)
    outcomes = each(pool, jobs)
    committed = sum(outcome.committed for outcome in outcomes)
    report("failing calls", scenario, len(jobs), "%d of them committed all the same" % committed)


def short_writes(pool):
    """A call that strace answers writes nothing: where a write is cut to 3 bytes, the file has them
    before. (Those of the journal, which has not, matter only after a crash.)"""
    scenario = Scenario("short writes", {"f": OLD}, "".join(
        "SELECT mmap_patch('f', %d, %s);\n" % (at, literal(OLD[at:at + 3] + b"changed"))
        for at in range(500, 9000, 1700)))
    counts = baseline(scenario)
    outcomes = each(pool, [(attempt, scenario, "pwrite64:retval=3:when=%d" % i, "short %d" % i)
                           for i in range(1, counts["pwrite64"] + 1)])
    if not all(outcome.injected and outcome.committed for outcome in outcomes):
        fail("short writes: not all of them were gone on after")
    report("of 3 bytes", scenario, len(outcomes), "")


# ---- real limits

def expect(what, condition, detail=""):
    if not condition:
        fail("%s %s" % (what, detail))


def refused(directory, files, sql, what, **more):
    """COMMIT must fail with a message, and leave all as it was."""
    put(directory, files)
    scenario = Scenario(what, files, sql)
    done = shell(directory, script(scenario), **more)
    expect(what, done.returncode == 1 and "committed" not in done.stdout,
           "does not fail: %s" % done)
    expect(what, done.stderr.strip() != "", "says nothing")
    seen, fault = look(directory, scenario)
    expect(what, not fault and seen == files, "leaves something else: " + fault)


def sparse_file(directory):
    """Larger than its disk: to read it takes no room, and what does not fit into it leaves none taken."""
    path = os.path.join(directory, "sparse")
    with open(path, "wb") as file:
        file.write(OLD)
        file.truncate(8 << 20)
    taken = os.stat(path).st_blocks
    done = shell(directory, ".load '%s'\n" % LIBRARY +
                 "SELECT mmap_count('sparse', x'00') > 8000000, count(*) FROM mmap('sparse') WHERE byte = 0;\n"
                 "BEGIN; SELECT mmap_patch('sparse', 1 << 20, randomblob(100000)),"
                 " mmap_patch('sparse', 3 << 20, randomblob(300000)); COMMIT;")
    expect("a sparse file is read", done.stdout.startswith("1|8"), str(done))
    expect("what does not fit is refused", "No space left" in done.stderr, str(done))
    expect("no room is taken", os.stat(path).st_blocks == taken, str(os.stat(path).st_blocks))


def full_disk():
    directory = tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"))
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", directory],
                             capture_output=True, text=True)
    if mounted.returncode:
        print("a full disk: skipped, cannot mount a tmpfs: " + mounted.stderr.strip())
        os.rmdir(directory)
        return
    try:
        files = {"f": OLD}
        refused(directory, files, "SELECT mmap_insert('f', 10000, zeroblob(400000));",
                "growth past a full disk")
        refused(directory, files, "SELECT mmap_insert('f', 10000, randomblob(150000));",
                "growth with no room for the journal")
        disk = os.statvfs(directory)
        filled = max(0, disk.f_bavail * disk.f_bsize - 12000)
        put(directory, {"filler": bytes(filled)})
        refused(directory, files, "SELECT mmap_patch('f', 0, randomblob(9999));"
                "SELECT mmap_insert('f', 10000, randomblob(9999));",
                "a patch with no room for the journal")
        put(directory, {"filler": b""})
        room = shell(directory, ".load '%s'\n" % LIBRARY +
                     "SELECT mmap_insert('f', 10000, randomblob(9999));")
        expect("room again", room.stdout.strip() == "19999", str(room))
        sparse_file(directory)
        report("refused", Scenario("a full disk", {}, ""), 3, "")
    finally:
        subprocess.run(["umount", directory], check=True)
        os.rmdir(directory)


def file_size_limit():
    def limited(size):
        return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    with tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR")) as directory:
        refused(directory, {"f": OLD}, "SELECT mmap_resize('f', 30000);", "growth past the limit",
                preexec_fn=limited(20000))
        refused(directory, {"f": OLD}, "SELECT mmap_patch('f', 0, randomblob(10000));",
                "a journal past the limit", preexec_fn=limited(10010))
        refused(directory, {"f": OLD}, "SELECT mmap_patch('f', 9000, randomblob(10));",
                "a file past the limit", preexec_fn=limited(5000))
        report("refused", Scenario("ulimit -f", {}, ""), 3, "")


def can_trace():
    if not shutil.which("strace"):
        print("kills and failing calls: skipped, there is no strace")
        return False
    done = subprocess.run(["strace", "-o", "/dev/null", "-e", "inject=fsync:error=EIO", "true"],
                          capture_output=True, text=True)
    if done.returncode:
        print("kills and failing calls: skipped, strace cannot: " + done.stderr.strip())
    return done.returncode == 0


def main():
    global LONG, LIBRARY
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--long", action="store_true", help="every call, every error")
    arguments.add_argument("library", nargs="?", default="ext/mmap0.so")
    chosen = arguments.parse_args()
    LONG, LIBRARY = chosen.long, os.path.realpath(chosen.library)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        if can_trace():
            for scenario in SCENARIOS:
                counts = baseline(scenario)
                kill_loop(pool, scenario, counts)
                error_loop(pool, scenario, counts)
                if LONG or scenario.name == "two files":
                    recovery_loop(pool, scenario, counts)
            short_writes(pool)
    full_disk()
    file_size_limit()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
