"""Libraries of Debian's; for other systems the same, as cross/ has them."""

def system_library(name, linkopts = [], srcs = []):
    """The library that `linkopts` bring, whose headers the compiler finds by itself.

    For Windows and musl it is @sources//:NAME, for aarch64 @arm64//:NAME. srcs: what it needs besides where it is
    Debian's, so that an old glibc is enough."""
    native.cc_library(
        name = name,
        srcs = select({
            "//third_party/cross:musl": [],
            "//third_party/cross:windows": [],
            "//conditions:default": srcs,
        }),
        copts = ["-fvisibility=hidden"],
        alwayslink = bool(srcs),
        linkopts = select({
            "//third_party/cross:aarch64": [],
            "//third_party/cross:musl": [],
            "//third_party/cross:windows": [],
            "//conditions:default": linkopts,
        }),
        deps = select({
            "//third_party/cross:aarch64": ["@arm64//:" + name],
            "//third_party/cross:musl": ["@sources//:" + name],
            "//third_party/cross:windows": ["@sources//:" + name],
            "//conditions:default": [],
        }),
    )
