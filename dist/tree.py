#!/usr/bin/python3
"""tree.py OUT NAME=FILE[=MODE]...: a .tar.gz or .zip of files under these names."""

import sys

sys.dont_write_bytecode = True
import archive  # noqa: E402


def main():
    out, *words = sys.argv[1:]
    found = archive.members(words)
    archive.write(out, archive.zipped(found) if out.endswith(".zip")
                  else archive.gzipped(archive.tarred(found)))


main()
