#!/usr/bin/python3
"""described.py FILE...: what packages say of themselves agrees: one version, names that exist, no code that runs at
the installation. FILE are all that //dist:all makes."""

import json
import os
import re
import subprocess
import sys
import tarfile
import unittest
import zipfile

FILES = {os.path.basename(path): path for path in sys.argv[1:]}
VERSION = re.search(r'#define MMAP0_VERSION "(.*)"', open("ext/mmap0.h", encoding="utf-8").read())[1]


def npm(name):
    """package.json of a package, and its files."""
    with tarfile.open(FILES[f"{name}-{VERSION}.tgz"]) as archive:
        names = {member.name.removeprefix("package/") for member in archive}
        return json.load(archive.extractfile("package/package.json")), names


class Described(unittest.TestCase):
    def test_every_name_has_the_version(self):
        names = set(FILES) - {"sqlpkg.json", "mmap0.so", "mmapro.so"}
        self.assertGreater(len(names), 5)
        self.assertEqual([name for name in names if VERSION not in name], [])

    def test_the_package_for_npm_has_what_it_names(self):
        package, files = npm("sqlite-mmap")
        self.assertEqual((package["name"], package["version"]), ("sqlite-mmap", VERSION))
        named = re.findall(r'"\./([^"]+)"', json.dumps(package["exports"]))
        self.assertGreater(len(named), 4)
        self.assertEqual(set(named) - files, set())

    def test_npm_runs_nothing_at_the_installation(self):
        for name in ("sqlite-mmap", "sqlite-mmap-linux-x64"):
            self.assertNotIn("scripts", npm(name)[0])

    def test_the_packages_for_platforms_are_those_that_there_are(self):
        package, _ = npm("sqlite-mmap")
        platforms = {name.removesuffix(".json") for name in os.listdir("dist/npm")
                     if name.endswith(".json") and name != "package.json"}
        self.assertEqual(package["optionalDependencies"],
                         {f"sqlite-mmap-{name}": VERSION for name in platforms})
        mine, files = npm("sqlite-mmap-linux-x64")
        self.assertEqual((mine["os"], mine["cpu"]), (["linux"], ["x64"]))
        self.assertLessEqual({"mmap0.so", "mmapro.so", "licences/LICENSE"}, files)

    def test_sqlpkg_names_an_archive_that_there_is(self):
        with open(FILES["sqlpkg.json"], encoding="utf-8") as file:
            package = json.load(file)
        self.assertEqual(package["version"], VERSION)
        self.assertIn(package["assets"]["files"]["linux-amd64"], FILES)

    def test_the_library_says_the_same(self):
        said = subprocess.run(["sqlite3", ":memory:", f".load {FILES['mmap0.so']}", "SELECT mmap_version()"],
                              stdout=subprocess.PIPE, check=True, text=True).stdout
        self.assertEqual(said, VERSION + "\n")

    def test_the_one_c_file_is_packed(self):
        with zipfile.ZipFile(FILES[f"mmap0-{VERSION}-amalgamation.zip"]) as archive:
            names = {os.path.basename(name) for name in archive.namelist()}
        self.assertEqual(names, {"LICENSE", "mmap0.c", "mmap0.h"})

    def test_nothing_says_when_or_where_it_was_made(self):
        for name in ("mmap0.so", "mmapro.so"):
            with open(FILES[name], "rb") as file:
                self.assertNotIn(b"/execroot/", file.read())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
