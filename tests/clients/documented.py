#!/usr/bin/python3
"""Everything has its place in the documentation: what the library registers in docs/reference.md
and docs/functions.md, what Python's mmap has in docs/from-python-mmap.md, the version in CHANGELOG.md."""

import glob
import mmap
import os
import re
import subprocess
import sys
import unittest

# Python's own of every object, and no way to use one.
COMMON = set(dir(object)) | {"__module__", "__class_getitem__", "__del__"}
# Used by other syntax, which the page has.
SYNTAX = {"__getitem__": "m[i]", "__setitem__": "m[i] = v", "__delitem__": "del m[i]",
          "__len__": "len(m)", "__enter__": "with mmap.mmap", "__exit__": "with mmap.mmap"}
# Not for users: the module behind writing functions.
INTERNAL = {"mmap_transaction", "mmap_writer"}


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def headings(path):
    """Those of all levels but the first; code has none."""
    text = re.sub(r"^```.*?^```\n", "", text_of(path), flags=re.M | re.S)
    return re.findall(r"^##+ (.*)$", text, re.M)


def anchor_of(heading):
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def query(sql):
    """The rows of a query in a shell that has loaded the library."""
    library = os.path.abspath(os.environ.get("MMAP0", "ext/mmap0.so"))
    return subprocess.run(["sqlite3", "-init", "/dev/null", "-batch", ":memory:",
                           f".load '{library}'", sql],
                          check=True, text=True, stdout=subprocess.PIPE).stdout.split()


class Documented(unittest.TestCase):
    def test_everything_that_is_registered_is_in_the_reference(self):
        headings = re.findall(r"^### `(\w+)", text_of("docs/reference.md"), re.M)
        names = set(query("SELECT DISTINCT name FROM pragma_function_list WHERE name LIKE 'mmap%'"
                          " UNION SELECT name FROM pragma_module_list WHERE name LIKE 'mmap%'"))
        self.assertGreater(len(names), 40)
        self.assertEqual(names - INTERNAL - set(headings), set())
        self.assertEqual({name for name in headings if name.startswith("mmap")} - names, set())

    def test_and_on_the_page_of_all_functions(self):
        page = text_of("docs/functions.md")
        names = query("SELECT DISTINCT name FROM pragma_function_list WHERE name LIKE 'mmap%'"
                      " UNION SELECT name FROM pragma_module_list WHERE name LIKE 'mmap%'")
        self.assertEqual([name for name in names
                          if name not in INTERNAL and f"`{name}" not in page], [])

    def test_every_optional_argument_is_in_its_heading(self):
        headings = dict(re.findall(r"^### `(\w+)(\(.*?\))`", text_of("docs/reference.md"), re.M))
        arguments = {}
        for row in query("SELECT name || '|' || narg FROM pragma_function_list"
                         " WHERE name LIKE 'mmap%' AND type = 's'"):
            name, count = row.split("|")
            arguments.setdefault(name, []).append(int(count))
        for name, counts in arguments.items():
            heading = headings[name]
            most = len(re.findall(r"\w+", heading))
            least = len(re.findall(r"\w+", heading.split("[")[0]))
            with self.subTest(name):
                self.assertEqual((least, most), (min(counts), max(counts)))

    def test_every_attribute_of_a_python_mmap_is_in_its_page(self):
        page = text_of("docs/from-python-mmap.md")
        for name in set(dir(mmap.mmap)) - COMMON | {"__eq__", "__hash__", "__repr__"}:
            wanted = SYNTAX.get(name, f"m.{name}" if not name.startswith("_") else name)
            with self.subTest(name):
                self.assertTrue(f"`{wanted}" in page)

    def test_and_every_constant(self):
        page = text_of("docs/from-python-mmap.md")
        for name in dir(mmap):
            if name.isupper():
                with self.subTest(name):
                    self.assertTrue(f"`{name}`" in page)

    def test_every_document_is_named_in_the_readme(self):
        readme = text_of("README.md")
        names = [f"docs/{name}" for name in os.listdir("docs") if name.endswith(".md")]
        for name in names + ["CHANGELOG.md", "CONTRIBUTING.md"]:
            with self.subTest(name):
                self.assertTrue(f"({name})" in readme)

    def test_links_lead_somewhere(self):
        for document in ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"] + [
                f"docs/{name}" for name in os.listdir("docs") if name.endswith(".md")]:
            for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text_of(document)):
                with self.subTest(f"{document}: {link}"):
                    self.assertTrue(os.path.exists(
                        os.path.join(os.path.dirname(document), link)))

    def test_anchors_are_headings(self):
        for document in sorted(glob.glob("*.md") + glob.glob("docs/*.md") + glob.glob("sql/*.md")):
            for path, anchor in re.findall(r"\]\(([^)#:]*)#([^)]*)\)", text_of(document)):
                with self.subTest(f"{document}: {path}#{anchor}"):
                    target = os.path.join(os.path.dirname(document), path) if path else document
                    self.assertIn(anchor, [anchor_of(heading) for heading in headings(target)])

    def test_the_contents_of_the_reference_are_its_headings(self):
        contents = re.search(r"^## Contents\n(.*?)^## ", text_of("docs/reference.md"), re.M | re.S)[1]
        self.assertEqual(re.findall(r"\(#([^)]*)\)", contents),
                         [anchor_of(heading) for heading in headings("docs/reference.md")
                          if heading != "Contents"])

    def test_the_changelog_has_the_version(self):
        version = query("SELECT mmap_version()")[0]
        self.assertTrue(f"\n## [{version}]" in text_of("CHANGELOG.md"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
