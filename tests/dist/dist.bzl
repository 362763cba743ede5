"""Tests that install a package of //dist."""

_HELPERS = [
    "//tests/dist:job.sh",
    "//tests/dist:job.sql",
    "//tests:clients/symbols.sh",
]

def dist_test(name, packages, data = [], src = None, more = [], tags = [], size = "small"):
    """The script NAME.sh with the places of `packages`, files or groups of files, and the words of `more`."""
    native.sh_test(
        name = name,
        size = size,
        srcs = [src or name + ".sh"],
        args = ["$(locations %s)" % package for package in packages] + more,
        data = _HELPERS + data + packages,
        tags = ["not-under-asan", "uninstrumented-host"] + tags,
    )
