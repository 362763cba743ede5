"""Tests that run programs of Windows: where there is no wine, or nothing to build them by, they pass and say so."""

load("@sources//:there.bzl", "WINE")
load("//:flags.bzl", "CXX_OPTS")
load("//third_party/cross:systems.bzl", "for_windows")

def wine_test(name, script, programs, args = [], loads = [], data = [], size = "medium", tags = [], **kwargs):
    """`script` with the places of `programs`, and then `args`; without any if there is no wine.

    What the programs load at run time is built for Windows, too: `loads`."""
    native.sh_test(
        name = name,
        size = size,
        srcs = [script],
        args = ["$(location %s)" % program for program in programs] + args if WINE else [],
        data = ["//tests/windows:run.sh"] + data + (programs + loads if WINE else []),
        tags = ["not-under-asan", "uninstrumented-host", "windows"] + tags,
        **kwargs
    )

def windows_only_tests(sources):
    """A test of C++ for each of `sources`, which can be compiled for Windows only: x_test of x_test.cc. All of
    their programs are //tests/windows:only_there."""
    tests = [source[:-len(".cc")] for source in sources]
    for test in tests:
        native.cc_test(
            name = "program/" + test,
            srcs = [test + ".cc"],
            copts = CXX_OPTS,
            linkstatic = True,
            tags = ["manual"],
            deps = ["//core", "//tests:support", "@googletest//:gtest_main"],
        )
        for_windows(
            name = test + ".exe",
            testonly = True,
            binary = "program/" + test,
            tags = ["manual"],
        )
        wine_test(test, "run.sh", [test + ".exe"], args = ["--gtest_brief=1"])
    native.filegroup(
        name = "only_there",
        testonly = True,
        srcs = [test + ".exe" for test in tests],
        tags = ["manual"],
    )
