"""Rooms: each folder of core/ and ext/ is a library, which sees those that it names and no others."""

load("//:flags.bzl", "C_OPTS")

# x_posix.c is compiled for Linux, x_windows.c for Windows, and x.c for both.
_SYSTEMS = [
    "posix",
    "windows",
]

def _library(name, deps, **kwargs):
    native.cc_library(
        name = name,
        srcs = native.glob(
            ["*.c"],
            exclude = ["*_%s.c" % system for system in _SYSTEMS],
        ) + select({
            "//third_party/cross:windows": native.glob(["*_windows.c"]),
            "//conditions:default": native.glob(["*_posix.c"]),
        }),
        hdrs = native.glob(["*.h"]),
        copts = C_OPTS,
        linkstatic = True,
        visibility = ["//visibility:public"],
        deps = deps,
        **kwargs
    )

def _sources():
    """For what reads the sources or builds them by other means."""
    native.filegroup(
        name = "sources",
        srcs = native.glob([
            "*.c",
            "*.h",
        ]),
        visibility = ["//visibility:public"],
    )

def core_room(name, deps = [], **kwargs):
    _library(name, deps, **kwargs)
    _sources()

def ext_room(name, deps):
    """Twice: for the loadable library, and to be linked into a program with SQLite (NAME-static)."""
    _library(name, deps + ["//third_party:sqlite3_headers"])
    _library(
        name + "-static",
        [dep + ":" + dep.rpartition("/")[2] + "-static" if dep.startswith("//ext/") else dep for dep in deps] +
        ["//third_party:sqlite3"],
        local_defines = ["SQLITE_CORE"],
        alwayslink = True,
    )
    _sources()
