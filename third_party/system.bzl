"""Libraries of Debian's, or for Windows the same from mingw/."""

def system_library(name, linkopts = []):
    """The library that `linkopts` bring, whose headers the compiler finds by itself; for Windows @windows//:NAME."""
    native.cc_library(
        name = name,
        linkopts = select({
            "//third_party/mingw:windows": [],
            "//conditions:default": linkopts,
        }),
        deps = select({
            "//third_party/mingw:windows": ["@windows//:" + name],
            "//conditions:default": [],
        }),
    )
