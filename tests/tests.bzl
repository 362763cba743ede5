"""Finds the tests: a new file under tests/ is a new test, without an edit of BUILD."""

load("//:flags.bzl", "CXX_OPTS")
load("//tests/windows:left_out.bzl", "left_out")
load("//tests/windows:wine.bzl", "wine_test")
load("//third_party/cross:systems.bzl", "for_windows")

# What every test that loads the library can read, by its path from the workspace root.
_DATA = [
    "//:documents",
    "//ext:mmap0.so",
    "//sql",
]

# What some of the scripts need besides.
_MORE = {
    "clients/client_java.sh": ["clients/client_java.java"],
    "clients/amalgamation.sh": [
        "clients/symbols.sh",
        "//:LICENSE",
        "//:amalgamation",
        "//core:sources",
        "//ext:amalgamate.py",
        "//ext:sources",
    ],
    "clients/documented.py": [
        "//dist:README.md",
        "//tests:README.md",
        "//tests/bench:README.md",
        "//tests/dqlite:node.c",
    ],
    "clients/install.sh": [
        "//:install",
        "//:mmap0.3",
        "//ext:mmap0.h",
        "//ext:mmap0.pc",
        "//ext:mmapro.so",
    ],
    "clients/transactions.py": ["core/file/crash_model_test.cc"],
}

# Those that compile all of the library several times, or read thousands of files in the shell.
_LONG = [
    "clients/amalgamation.sh",
    "clients/formats_hostile.py",
    "clients/formats_programs.py",
]

# Not under ASAN, which support/preload.sh brings into the others' hosts, and why.
_NOT_UNDER_ASAN = {
    "clients/amalgamation.sh": "the compilers it runs leak and are slow with it, and it builds a library of its own",
    "clients/client_php.php": "PHP loads its modules with RTLD_DEEPBIND, which ASAN refuses",
    "clients/documents.py": "dd asks aligned_alloc for what ASAN takes for an error",
    "clients/loading.py": "PHP, as above, and Java are among its hosts",
    "clients/install.sh": "groff deletes what it has from malloc",
    "clients/symbols.sh": "the library with it needs its runtime",
}

# What --config=tsan runs: where threads meet. But not ext/connection/limits_test, which counts the
# process's own memory and mappings, and finds TSAN's.
_THREADS = ["%s_test.cc" % name for name in [
    "core/os/guard",
    "core/file/hammer",
    "core/os/lock",
    "core/os/lock_readers",
    "core/file/reading",
    "core/file/object_race",
    "core/os/own",
    "core/os/parts",
    "core/bytes/checksum",
    "core/file/view",
    "ext/connection/connections",
    "ext/connection/isolation",
    "ext/connection/lifetime",
    "ext/lines/lines",
    "ext/connection/progress",
    "ext/tables/scans",
    "ext/connection/sigbus",
    "ext/connection/threads",
    "ext/tables/several_threads",
]]

# For Windows each file reads its headers itself. Bazel is told what is in those that were read before.
PRECOMPILED_OPTS = select({
    "//third_party/cross:windows": [],
    "//conditions:default": ["-include", "tests/precompiled.h", "-fpch-deps"],
})

PRECOMPILED = select({
    "//third_party/cross:windows": [],
    "//conditions:default": ["//tests:precompiled"],
})

def _compiled(source):
    return source[:-len("_test.cc")] + "_compiled"

def cc_tests(pattern, deps, tags = [], **kwargs):
    """One cc_test for each source that matches: core/os/own_test.cc is //tests:core/os/own_test.

    What is compiled of it, once, is a library: it is linked into other tests, too."""
    for source in native.glob([pattern]):
        native.cc_library(
            name = _compiled(source),
            testonly = True,
            srcs = [source],
            copts = CXX_OPTS + PRECOMPILED_OPTS,
            linkstatic = True,
            alwayslink = True,
            deps = deps + PRECOMPILED,
        )
        native.cc_test(
            name = source[:-len(".cc")],
            tags = tags + (["threads"] if source in _THREADS else []),
            size = "small",
            linkstatic = True,
            deps = [_compiled(source)],
            **kwargs
        )

def core_tests(pattern):
    """Tests of core/, without SQLite."""
    deps = ["//core", "//core/os:names_windows", "//tests:support", "@googletest//:gtest_main"]
    cc_tests(pattern, deps = deps)
    native.cc_test(
        name = "core/file/crash_model_windows_test",
        size = "small",
        env = {"MM_MODEL_OS": "windows"},
        linkstatic = True,
        deps = [_compiled("core/file/crash_model_test.cc")],
    )

def ext_tests(pattern, tags = ["sql"]):
    """Tests that load ext/mmap0.so into the system's SQLite, as a program would."""
    cc_tests(
        pattern,
        tags = tags,  # versions/run.sh runs them by it
        data = _DATA,
        deps = [
            "//tests:support",
            "//third_party:sqlite3",
            "@googletest//:gtest_main",
        ],
    )

def fault_tests(pattern, modes):
    """The SQL tests again, with faults: faults/main.cc says how. //tests:faults/oom for mode oom."""
    native.cc_library(
        name = "faults/tests",
        testonly = True,
        srcs = native.glob(["faults/*.cc", "faults/*.h"]),
        copts = CXX_OPTS + PRECOMPILED_OPTS,
        linkstatic = True,
        alwayslink = True,
        deps = [_compiled(source) for source in native.glob([pattern])] +
               ["//ext:static", "//tests:support", "@googletest//:gtest_main"] + PRECOMPILED,
    )
    for mode in modes:
        native.cc_test(
            name = "faults/" + mode,
            size = "large",
            data = _DATA,
            env = {"MM_FAULTS": mode},
            # Thousands of processes, each of which it would look through for leaks at its end.
            tags = ["not-under-asan"],
            linkstatic = True,
            deps = ["faults/tests"],
        )

def call_tests(pattern):
    """Tests that count system calls: the library is linked into them."""
    cc_tests(pattern, deps = ["//ext:static", "//tests:support", "@googletest//:gtest_main"])

def script_tests(pattern):
    """Tests that are programs: executable scripts, started in the workspace root."""
    for source in native.glob([pattern]):
        native.sh_test(
            name = source.rpartition(".")[0],
            size = "medium" if source in _LONG else "small",
            srcs = select({
                "//:asan": ["support/preload.sh"],
                "//conditions:default": [source],
            }),
            args = select({
                "//:asan": ["$(location %s)" % source],
                "//conditions:default": [],
            }),
            data = [source] + _DATA + native.glob([source.rpartition("/")[0] + "/data/**"]) +
                   _MORE.get(source, []),
            tags = ["uninstrumented-host"] + (["not-under-asan"] if source in _NOT_UNDER_ASAN else []),
        )

def port_tests(machines):
    """All the SQL on other machines, where ports/run.sh has been told to fetch them: //tests:ports/arm64."""
    for machine in machines:
        native.sh_test(
            name = "ports/" + machine,
            size = "small",
            srcs = ["ports/run.sh"],
            args = ["--short", machine],
            data = [
                "ports/answers.c",
                "ports/everything.py",
                "//:amalgamation",
            ] + _DATA,
            tags = ["not-under-asan", "uninstrumented-host"],
        )

def windows_tests(patterns):
    """The tests of C++ for Windows, under wine: //tests:wine/core/os/own_test. left_out.bzl says which are not.

    Their programs together are //tests:wine/programs, and wine/tests.txt has what is left out of each."""
    cases = {source[:-len(".cc")]: left_out(source[:-len(".cc")]) for source in native.glob(patterns)}
    tests = [test for test in cases if cases[test] != "*"]
    for test in tests:
        program = "wine/%s.exe" % test
        for_windows(
            name = program,
            testonly = True,
            binary = test,
            tags = ["manual"],
        )
        wine_test(
            "wine/" + test,
            "//tests/windows:run.sh",
            [program],
            args = ["--gtest_brief=1", "'--gtest_filter=*:-%s'" % cases[test]],
            loads = ["//ext:mmap0.dll"],
            data = _DATA,
            env = {"MMAP_LIBRARY": "ext/mmap0.dll"},
        )
    native.filegroup(
        name = "wine/programs",
        testonly = True,
        srcs = ["wine/%s.exe" % test for test in tests],
        tags = ["manual"],
        visibility = ["//tests/windows:__pkg__"],
    )
    native.genrule(
        name = "wine/list",
        outs = ["wine/tests.txt"],
        cmd = "printf '%s' >$@" % "".join(["%s\\t%s\\n" % (test, cases[test]) for test in tests]),
        visibility = ["//tests/windows:__pkg__"],
    )

def benchmarks(pattern):
    """Programs that measure core/: `bazelw run //tests/bench:find_bench`. No test runs them."""
    for source in native.glob([pattern]):
        native.cc_binary(
            name = source[:-len(".cc")],
            testonly = True,
            srcs = [source],
            copts = CXX_OPTS,
            deps = ["//core", "//tests:support", "//third_party:benchmark"],
        )
