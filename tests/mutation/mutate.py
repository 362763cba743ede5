#!/usr/bin/python3
"""Takes away each fsync, check, lock and step of a commit in turn, and shows that a test fails.

    tests/mutation/mutate.py                all of them; a table
    tests/mutation/mutate.py --only WORD    those with WORD in their names
    tests/mutation/mutate.py --readme       and writes the table into tests/README.md
    tests/mutation/mutate.py --fit          only sees that each still fits the source

It works on a copy of core/ in a temporary directory, with plain gcc and g++, and needs Debian's
googletest sources. What is taken away stands in mutations.py. It takes some minutes: of it, only
`--fit` is part of `bazelw test //...`. It fails if a mutation goes unseen or no longer fits the
source.
"""

import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from mutations import GROUPS  # pylint: disable=wrong-import-position

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GTEST = "/usr/src/googletest/googletest"
# In the order in which they are asked; the first that fails is named in the table.
TESTS = ["file/record_test", "file/crash_model_test", "file/journal_test", "file/persist_test",
         "file/change_test", "os/lock_test", "os/lock_readers_test", "file/reading_test",
         "file/tag_test", "file/object_race_test", "file/object_test", "file/hammer_test"]
C = ["gcc", "-std=c11", "-D_GNU_SOURCE", "-O1", "-fPIC", "-w"]
CXX = ["g++", "-std=c++17", "-O1", "-w", "-I" + GTEST + "/include"]
LIBRARIES = ["-lpthread", "-lpcre2-8", "-ldeflate", "-lcrypto", "-lb2"]
SECONDS = 120  # a test that takes longer hangs: it has failed


def run(command, **more):
    done = subprocess.run(command, capture_output=True, text=True, **more)
    if done.returncode:
        sys.exit("%s\n%s" % (" ".join(command), done.stderr))


class Build:
    """Core as a shared library and its tests, which any other core can be put under. All in a copy
    of the sources as they are now."""

    def __init__(self, pool, directory):
        self.directory = directory
        for part in ("core", "tests/core", "tests/support"):
            shutil.copytree(os.path.join(ROOT, part), self.path(part))
        names = sorted(os.path.join(folder, name)
                       for folder, _, files in os.walk(self.path("core"))
                       for name in files
                       if name.endswith(".c") and not name.endswith("_windows.c"))
        jobs = [pool.submit(run, [*C, "-I" + directory, "-c", name, "-o", self.object(name)])
                for name in names]
        jobs += [pool.submit(run, [*CXX, "-I" + directory, "-c",
                                   self.path("tests/support/" + name + ".cc"), "-o",
                                   self.path(name + ".o")]) for name in ("model_os", "fault_sys")]
        jobs.append(pool.submit(run, [*CXX, "-I" + GTEST, "-c", GTEST + "/src/gtest-all.cc",
                                      "-o", self.path("gtest.o")]))
        jobs.append(pool.submit(run, [*CXX, "-c", GTEST + "/src/gtest_main.cc",
                                      "-o", self.path("gtest_main.o")]))
        for job in jobs:
            job.result()
        self.core = [self.object(name) for name in names]
        self.link(self.core, directory)
        for job in [pool.submit(self.test, name) for name in TESTS]:
            job.result()

    def path(self, name):
        return os.path.join(self.directory, name)

    def program(self, name):
        return self.path(os.path.basename(name))

    def object(self, source):
        return self.path(os.path.basename(source) + ".o")

    def link(self, objects, directory):
        run(["gcc", "-shared", "-o", os.path.join(directory, "libcore.so"), *objects, *LIBRARIES])

    def test(self, name):
        parts = [self.path(part + ".o")
                 for part in ("model_os", "fault_sys", "gtest", "gtest_main")]
        run([*CXX, "-I" + self.directory, self.path("tests/core/" + name + ".cc"), "-o",
             self.program(name), *parts,
             "-L" + self.directory, "-lcore", *LIBRARIES])

    def first_failure(self, directory):
        """The first test that fails with the core in `directory`; "" if none does."""
        environment = dict(os.environ, LD_LIBRARY_PATH=directory, MM_HAMMER_SECONDS="4",
                           TEST_TMPDIR=directory)
        for name in TESTS:
            try:
                done = subprocess.run(
                    [self.program(name), "--gtest_brief=1", "--gtest_fail_fast"], env=environment,
                    capture_output=True, text=True, errors="replace", timeout=SECONDS,
                    cwd=directory)
            except subprocess.TimeoutExpired:
                return name + " (hangs)"
            if done.returncode:
                failed = re.findall(r"^\[  FAILED  \] ([\w/]+\.[\w/]+)", done.stdout, re.M)
                return failed[0] if failed else name + " (crashes)"
        return ""

    def mutate(self, mutation):
        """Who sees it: as above, or an exception if the mutation cannot be made."""
        name, source, old, new = mutation
        with open(self.path(source), encoding="utf-8") as file:
            text = file.read()
        if text.count(old) != 1:
            raise ValueError("'%s' fits %s %d times, not once" % (name, source, text.count(old)))
        with tempfile.TemporaryDirectory(dir=self.directory) as directory:
            mutated = os.path.join(directory, os.path.basename(source))
            with open(mutated, "w", encoding="utf-8") as file:
                file.write(text.replace(old, new))
            run([*C, "-I" + self.directory, "-c", mutated, "-o", mutated + ".o"])
            self.link([mutated + ".o" if path == self.object(source) else path
                       for path in self.core], directory)
            return self.first_failure(directory)


HEADING = "## The mutation check"


def table(results):
    lines = [HEADING, "",
             "`tests/mutation/mutate.py --readme` takes away each of these from a copy of core/,",
             "one at a time, and runs the tests of core: the first that fails is named. The texts",
             "that it replaces stand in `tests/mutation/mutations.py`.", ""]
    for group, rows in results:
        lines += ["| taken away: %s | seen by |" % group, "|---|---|"]
        lines += ["| %s | %s |" % (name, "`%s`" % seen if seen else "**nobody**")
                  for name, seen in rows]
        lines.append("")
    return "\n".join(lines)


def write_readme(text):
    path = os.path.join(ROOT, "tests/README.md")
    old = ""
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            old = file.read()
    start = old.find(HEADING)
    if start < 0:
        new = (old.rstrip("\n") + "\n\n" if old else "") + text
    else:
        end = old.find("\n## ", start + 1)
        new = old[:start] + text + (old[end:] if end >= 0 else "")
    with open(path, "w", encoding="utf-8") as file:
        file.write(new)


def misfits():
    """The mutations whose text is not in its file exactly once; each is printed."""
    found = 0
    for name, source, old, _ in (mutation for _, group in GROUPS for mutation in group):
        with open(os.path.join(ROOT, source), encoding="utf-8") as file:
            times = file.read().count(old)
        if times != 1:
            found += 1
            print("'%s' fits %s %d times, not once" % (name, source, times))
    return found


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--only", default="", help="those with this in their names")
    arguments.add_argument("--readme", action="store_true", help="write tests/README.md")
    arguments.add_argument("--jobs", type=int, default=2)
    arguments.add_argument("--fit", action="store_true", help="only look whether they fit")
    chosen = arguments.parse_args()
    if chosen.fit:
        return 1 if misfits() else 0
    start = time.time()
    unseen, results = 0, []
    with tempfile.TemporaryDirectory() as directory, \
            concurrent.futures.ThreadPoolExecutor(chosen.jobs) as pool:
        build = Build(pool, directory)
        failure = build.first_failure(directory)
        if failure:
            sys.exit("a test fails with nothing taken away: " + failure)
        for group, mutations in GROUPS:
            wanted = [m for m in mutations if chosen.only in m[0]]
            jobs = [pool.submit(build.mutate, mutation) for mutation in wanted]
            rows = []
            for mutation, job in zip(wanted, jobs):
                try:
                    seen = job.result()
                except ValueError as error:
                    seen = ""
                    print("ERROR: %s" % error)
                unseen += not seen
                rows.append((mutation[0], seen))
                print("%-62s %s" % (mutation[0], seen or "NOBODY"), flush=True)
            results.append((group, rows))
    print("%d taken away, %d unseen, %d s" %
          (sum(len(rows) for _, rows in results), unseen, time.time() - start))
    if chosen.readme:
        write_readme(table(results))
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main())
