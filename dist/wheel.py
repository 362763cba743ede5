#!/usr/bin/python3
"""wheel.py OUT NAME=FILE[=MODE]...: a wheel of these files; its name says version and tag.

OUT is NAME-VERSION-py3-none-PLATFORM.whl, PLATFORM being one or several with dots between. Of the files those below
licences/ go where wheels have them.
"""

import base64
import hashlib
import os
import sys

sys.dont_write_bytecode = True
import archive  # noqa: E402

METADATA = """\
Metadata-Version: 2.1
Name: sqlite-mmap
Version: {version}
Summary: Files as tables of SQLite: read, searched and patched in transactions, without an import
License: MIT
Keywords: sqlite,extension,mmap,binary,csv,log
Classifier: Development Status :: 4 - Beta
Classifier: Intended Audience :: Developers
Classifier: Operating System :: {system}
Classifier: Programming Language :: C
Classifier: Programming Language :: Python :: 3
Classifier: Topic :: Database
Classifier: Typing :: Typed
Requires-Python: >=3.7
License-File: {licences}
Description-Content-Type: text/markdown

{description}"""

WHEEL = """\
Wheel-Version: 1.0
Generator: sqlite-mmap {version}
Root-Is-Purelib: false
{tags}"""


def record(found, name):
    """What RECORD says of all other files."""
    lines = []
    for member, _, data in found:
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{member},sha256={digest},{len(data)}\n")
    return "".join(lines) + name + ",,\n"


def wheel(name, found):
    distribution, version, python, abi, platforms = name[:-len(".whl")].split("-")
    info = f"{distribution}-{version}.dist-info/"
    description = next(data for member, _, data in found if member == "README.md").decode()
    files = [member for member in found if "/" in member[0]]
    files = [(info + member if member.startswith("licences/") else member, mode, data)
             for member, mode, data in files]
    licences = [member[len(info):] for member, _, _ in files if member.startswith(info)]
    tags = "".join(f"Tag: {python}-{abi}-{platform}\n" for platform in platforms.split("."))
    metadata = METADATA.format(
        version=version, description=description, licences="\nLicense-File: ".join(licences),
        system="Microsoft :: Windows" if platforms.startswith("win") else "POSIX :: Linux")
    files += [(info + "METADATA", 0o644, metadata.encode()),
              (info + "WHEEL", 0o644, WHEEL.format(version=version, tags=tags).encode())]
    files.append((info + "RECORD", 0o644, record(files, info + "RECORD").encode()))
    return files


def main():
    out, *words = sys.argv[1:]
    archive.write(out, archive.zipped(wheel(os.path.basename(out), archive.members(words))))


main()
