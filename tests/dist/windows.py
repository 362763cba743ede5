#!/usr/bin/python3
"""windows.py FILE...: the packages for Windows have the library, whole and under both names."""

import os
import sys
import tarfile
import unittest
import zipfile

FILES = {os.path.basename(path): path for path in sys.argv[1:]}


def contents(path):
    """The files of a package: names to bytes."""
    if path.endswith(".tgz"):
        with tarfile.open(path) as archive:
            return {member.name: archive.extractfile(member).read() for member in archive}
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


class Windows(unittest.TestCase):
    def test_each_package_has_the_library_by_both_names(self):
        self.assertEqual(len(FILES), 3)
        for name, path in FILES.items():
            with self.subTest(name):
                libraries = {member.rpartition("/")[2]: data for member, data in contents(path).items()
                             if member.endswith(".dll")}
                self.assertEqual(sorted(libraries), ["mmap0.dll", "mmapro.dll"])
                self.assertEqual(libraries["mmap0.dll"], libraries["mmapro.dll"])
                self.assertEqual(libraries["mmap0.dll"][:2], b"MZ")
                self.assertIn(b"sqlite3_mmapro_init\0", libraries["mmap0.dll"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
