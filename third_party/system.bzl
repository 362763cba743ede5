"""Libraries of Debian's, or for Windows the same from mingw/."""

def system_library(name, linkopts = [], srcs = []):
    """The library that `linkopts` bring, whose headers the compiler finds by itself; for Windows @windows//:NAME.

    srcs: what it needs besides, so that an old glibc is enough."""
    native.cc_library(
        name = name,
        srcs = select({
            "//third_party/mingw:windows": [],
            "//conditions:default": srcs,
        }),
        copts = ["-fvisibility=hidden"],
        alwayslink = bool(srcs),
        linkopts = select({
            "//third_party/mingw:windows": [],
            "//conditions:default": linkopts,
        }),
        deps = select({
            "//third_party/mingw:windows": ["@windows//:" + name],
            "//conditions:default": [],
        }),
    )
