#!/usr/bin/python3
"""amalgamate.py OUT [SOURCE...]: writes all of the library as one C file, and mmap0.h beside it.

SOURCE are the files of core/ and ext/, by their paths from the top, where this runs; those that
are not C are passed over. Without any they are found. Each .c file stands in OUT once, and before the first that includes it
each of the project's headers; the system's come first of all, so that everything behind them can
be hidden from other libraries. A file-local name has to be the only one of its kind in the whole
library, or OUT does not compile: that is how it is checked.

Every function and variable but the entry points is made static, so that a program that OUT is
linked with may use the names. The sources are formatted by clang-format, and so what begins in
column 0 with a lower-case word is a type or the declaration of a function or a variable.
"""

import os
import re
import sys

INCLUDE = re.compile(r'^#include (<[^>]+>|"[^"]+").*\n', re.M)
# The mark of a header that must not be there twice; the others are meant to be.
GUARD = re.compile(r"^#ifndef (\w+_H)\n#define \1\n", re.M)
# Declares or defines a function or a variable; a structure itself does neither.
DECLARATION = re.compile(r"^(?:extern (?!\")|(?!(?:static|typedef|enum|extern|_Static_assert)\b|"
                         r"(?:struct|union) \w+(?:;| {))(?=[a-z]))(?=(.*))", re.M)
# Declares all of a list; what it names is defined before its first use.
LIST = re.compile(r"^(#define \w+\(\w+\)) extern .*", re.M)
ENTRY = re.compile(r"^MMAP0_EXPORT int (\w+)\(", re.M)
# What only tests and measurements call. Whatever else has no caller is a warning in OUT.
FOR_TESTS = ["mm_count_set", "mm_record_start_anew", "mm_sys_default",
             "mm_varlen_measure"]
# Where sqlite3ext.h's table of functions is declared and defined.
TABLE = re.compile(r"^SQLITE_EXTENSION_INIT([13])\n", re.M)
TABLE_OF_ITS_OWN = """\
#ifndef SQLITE_CORE
static SQLITE_EXTENSION_INIT1
#endif
"""

TOP = """\
/*
** mmap0.c: sqlite-mmap {version} in one file, made from the sources of the same names.
**
**     cc -O2 -fPIC -shared mmap0.c -o mmap0.so -lpcre2-8 -ldeflate -lcrypto -lb2
**     cc -O2 -DSQLITE_CORE -c mmap0.c     # to be linked into a program, with SQLite: see mmap0.h
**
{license}*/
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#ifndef _FILE_OFFSET_BITS
#define _FILE_OFFSET_BITS 64
#endif
#define PCRE2_CODE_UNIT_WIDTH 8
#define OPENSSL_SUPPRESS_DEPRECATED
#define XXH_INLINE_ALL

{includes}
/* What is not declared otherwise stays inside the library. */
#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif
"""

BOTTOM = """
#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
"""


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def banner(text):
    return f"\n/* ---- {text} " + "-" * (90 - len(text)) + " */\n"


class Amalgamation:
    def __init__(self, paths):
        self.texts = {path: read(path) for path in paths if path.endswith((".c", ".h"))}
        self.entries = ENTRY.findall(self.texts["ext/mmap0.h"])
        self.seen = set()
        self.system = []

    def expand(self, path):
        """The text of a file, with the project's headers in the place of their names."""
        text = self.private(self.texts[path])
        out, at, depth = [], 0, 0
        guarded = 1 if GUARD.search(text) else 0
        for match in INCLUDE.finditer(text):
            out.append(text[at:match.start()])
            depth += self.nesting(text[at:match.start()])
            out.append(self.included(match, path, depth > guarded))
            at = match.end()
        return re.sub(r"\n{3,}", "\n\n", "".join(out) + text[at:])

    def private(self, text):
        """The text of a file with all static but the entry points."""
        def static(match):
            name = re.search(r"(\w+)\)?\(", match[1])
            if name and name[1] in self.entries:
                return ""
            return "static __attribute__((unused)) " if name and name[1] in FOR_TESTS else "static "
        text = TABLE.sub(lambda match: TABLE_OF_ITS_OWN if match[1] == "3" else "", text)
        return DECLARATION.sub(static, LIST.sub(r"\1", text))

    @staticmethod
    def nesting(text):
        """How many more #if than #endif."""
        opened = len(re.findall(r"^#\s*if", text, re.M))
        return opened - len(re.findall(r"^#\s*endif", text, re.M))

    def included(self, match, path, conditional):
        name = match[1][1:-1]
        if name in self.texts:
            if name in self.seen:
                return ""
            if GUARD.search(self.texts[name]):
                self.seen.add(name)
            return banner(name) + self.expand(name) + banner(path + ", further")
        if conditional:
            return match[0]
        if match[1] not in self.system:
            self.system.append(match[1])
        return ""

    def write(self, sources):
        parts = [banner(path) + self.expand(path) for path in sources]
        version = re.search(r'#define MMAP0_VERSION "(.*)"', self.texts["ext/mmap0.h"])[1]
        lines = read("LICENSE").splitlines()
        top = TOP.format(version=version,
                         license="".join(f"** {line}".rstrip() + "\n" for line in lines),
                         includes="".join(f"#include {name}\n" for name in sorted(self.system)))
        return top + "".join(parts) + BOTTOM


def find_sources():
    return sorted(os.path.join(folder, name) for top in ("core", "ext")
                  for folder, _, names in os.walk(top) for name in names)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    out, paths = sys.argv[1], sys.argv[2:] or find_sources()
    if "ext/mmap0.h" not in paths or not os.path.exists("LICENSE"):
        sys.exit("amalgamate.py: SOURCE are all files of core/ and ext/; LICENSE is beside the two")
    # The entry points last: they know all the others.
    sources = sorted((path for path in paths
                      if path.endswith(".c") and not path.endswith("_windows.c")),
                     key=lambda path: (path == "ext/mmap0.c", path))
    text = Amalgamation(paths).write(sources)
    with open(out, "w", encoding="utf-8") as file:
        file.write(text)
    with open(os.path.join(os.path.dirname(out), "mmap0.h"), "w", encoding="utf-8") as file:
        file.write(read("ext/mmap0.h"))


main()
