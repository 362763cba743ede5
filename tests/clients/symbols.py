#!/usr/bin/python3
"""symbols.py [LIBRARY...]: a library that is built here loads on systems that are much older.

What it needs from glibc was there in 2.17, of 2012, and it needs no other library than the C
library's. Without an argument: ext/mmap0.so.
"""

import re
import subprocess
import sys

NEWEST = (2, 17)
# What glibc has been split into, and joined from.
LIBRARIES = {"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2"}
# A dynamic linker is named after its machine.
LINKER = re.compile(r"ld(?:64)?(?:-linux[-\w]*)?\.so\.\d")


def readelf(option, library):
    return subprocess.run(["readelf", "-W", option, library], check=True, capture_output=True,
                          text=True).stdout


def number(version):
    return tuple(int(part) for part in version.split("."))


def newer(library):
    """The symbols that an older glibc lacks, as readelf prints them."""
    needed = re.findall(r" UND (\S+)@GLIBC_([\d.]+)", readelf("--dyn-syms", library))
    if not needed:
        sys.exit(f"{library} needs nothing of glibc: that cannot be")
    return [f"{name} of glibc {version}" for name, version in needed if number(version) > NEWEST]


def strangers(library):
    names = re.findall(r"\(NEEDED\).*\[(.*)\]", readelf("--dynamic", library))
    return [f"the library {name}" for name in names
            if name not in LIBRARIES and not LINKER.fullmatch(name)]


def main():
    wrong = [f"{library} needs {what}" for library in sys.argv[1:] or ["ext/mmap0.so"]
             for what in newer(library) + strangers(library)]
    if wrong:
        sys.exit("\n".join(wrong))
    print("needs glibc 2.17 and no more")


main()
