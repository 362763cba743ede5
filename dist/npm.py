#!/usr/bin/python3
"""npm.py OUT DESCRIPTION NAME=FILE[=MODE]...: a package for npm of these files, and of its package.json.

DESCRIPTION is package.json as JSON without what OUT, NAME-VERSION.tgz, says: its name and version. "VERSION" in it
stands for the version.
"""

import json
import os
import re
import sys

sys.dont_write_bytecode = True
import archive  # noqa: E402


def main():
    out, description, *words = sys.argv[1:]
    name, version = re.match(r"(.*?)-(\d.*)\.tgz$", os.path.basename(out)).groups()
    with open(description, encoding="utf-8") as file:
        package = {"name": name, "version": version, **json.loads(file.read().replace("VERSION", version))}
    found = [("package.json", 0o644, (json.dumps(package, indent=2) + "\n").encode())]
    found += archive.members(words)
    found = [("package/" + member, mode, data) for member, mode, data in found]
    archive.write(out, archive.gzipped(archive.tarred(found, directories=False)))


main()
