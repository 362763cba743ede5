"""The flags that this project's own sources are compiled with."""

C_OPTS = [
    # Bazel's toolchain keeps the frame pointer: rows of records are a tenth slower with it.
    "-fomit-frame-pointer",
    "-std=c11",
    "-D_GNU_SOURCE",
    "-fvisibility=hidden",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Wshadow",
    "-Werror",
]

CXX_OPTS = [
    # Tests are many and compiled often; what they test is optimized.
    "-O1",
    "-std=c++17",
    "-Wall",
    "-Wextra",
    "-Werror",
    # googletest's macros have an else of their own: `if (x) GTEST_SKIP();`.
    "-Wno-dangling-else",
]
