#!/usr/bin/python3
"""deb.py OUT CONTROL NAME=FILE[=MODE]...: a Debian package of these files.

OUT is NAME_VERSION_ARCHITECTURE.deb. CONTROL is its control file without what OUT says and what is computed. Files
whose name ends in .gz are compressed here. /usr/share/doc/NAME/changelog.gz is made of CHANGELOG.md, and
what Depends says of libc6 of what the libraries need.
"""

import hashlib
import os
import re
import sys

sys.dont_write_bytecode = True
import archive  # noqa: E402

MAINTAINER = "sqlite-mmap contributors <sqlite-mmap@example.org>"
CHANGES = """\
{name} ({version}) unstable; urgency=medium

  * Release {version}: /usr/share/doc/{name}/NEWS.gz says what changed.

 -- {maintainer}  Tue, 01 Jan 1980 00:00:00 +0000
"""


def glibc(found):
    """The newest version of glibc whose symbols they need."""
    needed = {version for name, _, data in found if name.endswith(".so")
              for version in re.findall(rb"\0GLIBC_([0-9.]+)\0", data)}
    return max(needed, key=lambda version: [int(part) for part in version.split(b".")]).decode()


def control(text, name, version, architecture, found):
    size = sum((len(data) + 1023) // 1024 for _, _, data in found) + len(archive.parents(found))
    head = (f"Package: {name}\nVersion: {version}\nArchitecture: {architecture}\n"
            f"Maintainer: {MAINTAINER}\nInstalled-Size: {size}\nDepends: libc6 (>= {glibc(found)})\n")
    return head + text


def package(name, version, architecture, text, found):
    changes = CHANGES.format(name=name, version=version, maintainer=MAINTAINER)
    found = found + [(f"usr/share/doc/{name}/changelog.gz", 0o644, changes.encode())]
    found = sorted((member, mode, archive.gzipped(data) if member.endswith(".gz") else data)
                   for member, mode, data in found)
    sums = "".join(f"{hashlib.md5(data).hexdigest()}  {member}\n" for member, _, data in found)
    about = [("./control", 0o644, control(text, name, version, architecture, found).encode()),
             ("./md5sums", 0o644, sums.encode())]
    content = [("./" + member, mode, data) for member, mode, data in found]
    return archive.ar([("debian-binary", 0o644, b"2.0\n"),
                       ("control.tar.xz", 0o644, archive.xz(archive.tarred(about))),
                       ("data.tar.xz", 0o644, archive.xz(archive.tarred(content)))])


def main():
    out, described, *words = sys.argv[1:]
    name, version, architecture = os.path.basename(out)[:-len(".deb")].split("_")
    with open(described, encoding="utf-8") as file:
        text = file.read()
    archive.write(out, package(name, version, architecture, text, archive.members(words)))


main()
