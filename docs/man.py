#!/usr/bin/python3
"""man.py REFERENCE HEADER: the manual page mmap0(3), from reference.md and mmap0.h."""

import re
import sys

HEAD = """\
.TH MMAP0 3 "" "sqlite-mmap {version}" "SQLite extensions"
.SH NAME
mmap0 \\- files mapped into memory, as SQL functions and tables
.SH SYNOPSIS
.EX
sqlite> .load mmap0

#include <mmap0.h>

{prototypes}
.EE
.SH DESCRIPTION
"""


TAIL = """\
.SH ENVIRONMENT
.TP
.B SQLITE_MMAP_ROOT
A directory that all paths must stay below, from the first use of a file on; as \\fBmmap_config('root', …)\\fR.
.SH FILES
.TP
.I PATH\\-mmap\\-journal
Beside a file while a COMMIT writes it; after a crash, until the next use of the file. It belongs to the file: do not
remove it, and move it along.
.TP
.I mmap\\-commit\\-XXXXXXXXXXXXXXXX
Likewise of a COMMIT of several files, in the directory of one of them.
.TP
.I /dev/shm/sqlite\\-mmap\\-*
Named shared memory, while a handle with its tag is open.
.TP
.I mmap0.so
The library. In the shell it is loaded by its path, \\fB.load /usr/local/lib/mmap0\\fR, or by its name where the loader of the
system looks for it. That line in \\fI~/.sqliterc\\fR loads it at each start.
.TP
.I mmapro.so
The same for reading only, beside it.
.SH SEE ALSO
.BR sqlite3 (1),
.BR mmap (2),
.BR madvise (2),
.BR pcre2pattern (3),
.BR strings (1)
"""

RUN = re.compile(r"`([^`]*)`|\*\*([^*]*)\*\*|\[([^\]]*)\]\([^)]*\)"
                 r"|((?:[^`*\[]|\*(?!\*)|\[)+?(?=[`*\[]|$))")


def escape(text):
    """Text as roff prints it."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "".join(c if ord(c) < 128 else f"\\[u{ord(c):04X}]" for c in text)


def inline(text):
    """A run of Markdown: `code`, **bold** and [links](of any kind)."""
    out = []
    for code, bold, link, plain in RUN.findall(text):
        if code or bold:
            out.append("\\fB" + escape(code or bold) + "\\fR")
        else:
            out.append(escape(link or plain))
    return "".join(out)


def guard(line):
    """A line that begins with a dot or a quote is none of roff's requests."""
    return "\\&" + line if line[:1] in (".", "'") else line


def text_of(lines):
    return guard(inline(" ".join(line.strip() for line in lines)))


def cells(row):
    return [cell.strip().replace("\\|", "|")
            for cell in re.split(r"(?<!\\)\|", row.strip().strip("|"))]


def table(rows):
    """Its first column are the terms, the rest of a row says what they are."""
    out = []
    for row in rows[2:]:
        first, *rest = cells(row)
        out += [".TP", guard(inline(first)), guard(inline("; ".join(filter(None, rest))))]
    return out


def bullets(lines):
    out = []
    for line in lines:
        if line.startswith("- "):
            out.append([line[2:]])
        else:
            out[-1].append(line)
    return [part for item in out for part in (".IP \\(bu 2", text_of(item))]


def block(lines):
    """What stands between two empty lines."""
    if lines[0].startswith("### "):
        return ['.SS "' + escape(lines[0][4:].replace("`", "")) + '"']
    if lines[0].startswith("## "):
        return ['.SH "' + escape(lines[0][3:].replace("`", "").upper()) + '"']
    if lines[0].startswith("# "):
        return []
    if lines[0].startswith("|"):
        return table(lines)
    if lines[0].startswith("- "):
        return bullets(lines)
    return [".PP", text_of(lines)]


def blocks(text):
    """The blocks, code being one whatever is in it."""
    for i, part in enumerate(re.split(r"^```\w*\n(.*?)^```\n", text, flags=re.M | re.S)):
        if i % 2:
            lines = [guard(escape(line)) for line in part.rstrip("\n").split("\n")]
            yield [".PP", ".RS 4", ".EX"] + lines + [".EE", ".RE"]
        else:
            for lines in re.split(r"\n{2,}", part.strip("\n")):
                if lines:
                    yield block(lines.split("\n"))


def main():
    reference, header = (open(path, encoding="utf-8").read() for path in sys.argv[1:])
    version = re.search(r'#define MMAP0_VERSION "(.*)"', header)[1]
    prototypes = re.findall(r"^MMAP0_EXPORT (int [^;]*;)", header, re.M)
    prototypes = [re.sub(r"\s+", " ", prototype) for prototype in prototypes]
    sys.stdout.write(HEAD.format(version=version, prototypes=escape("\n".join(prototypes))))
    # Its list of contents is of links.
    reference = re.sub(r"^## Contents\n.*?(?=^## )", "", reference, flags=re.M | re.S)
    for lines in blocks(reference):
        sys.stdout.write("".join(line + "\n" for line in lines))
    sys.stdout.write(TAIL.replace("…", escape("…")))


main()
