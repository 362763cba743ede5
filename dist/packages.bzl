"""Packages of one library: a wheel, a package for npm, one for Debian, an archive."""

load("@version//:version.bzl", "VERSION")

LINKED = [
    "libb2",
    "libdeflate",
    "openssl",
    "pcre2",
    "xxhash",
]

_LICENCES = {"licences/LICENSE": "//:LICENSE"}

_LICENCES.update({"licences/%s.txt" % name: "licences/%s.txt" % name for name in LINKED + ["Apache-2.0"]})

def pack(name, out, packer, contents, first = [], tags = []):
    """Target `name`, which makes the file `out` by dist/PACKER.py of `contents`: names to files, a mode behind "=".

    first: files that the packer is given before."""
    words = ["$(location %s)" % file for file in first]
    sources = []
    for member, file in contents.items():
        file, _, mode = file.partition("=")
        words.append("%s=$(location %s)%s" % (member, file, "=" + mode if mode else ""))
        if file not in sources:
            sources.append(file)
    native.genrule(
        name = name,
        srcs = first + sources,
        outs = [out],
        cmd = "$(location %s.py) $@ %s" % (packer, " ".join(words)),
        tags = tags,
        tools = [
            "archive.py",
            packer + ".py",
        ],
        visibility = ["//tests/dist:__pkg__"],
    )

def pack_tree(name, out, top, contents, tags = []):
    """An archive with all in one directory, `top`."""
    pack(name, out, "tree", {top + "/" + member: file for member, file in contents.items()}, tags = tags)

def _under(prefix, contents):
    return {prefix + member: file for member, file in contents.items()}

def packages(name, libraries, platform, wheel, npm, system, debian = None, strip = None, tags = []):
    """All packages for one platform, which together are :NAME.

    libraries: mmap0 and mmapro by their file names, Bazel's labels; `strip` is the program that takes their symbols
    away. platform: how archives call it. wheel: how wheels do. npm: the name behind "sqlite-mmap-".
    debian: how Debian calls it, and the directory of its libraries; without it there is no such package."""
    stripped = {}
    for file, label in libraries.items():
        stripped[file] = label
        if strip:
            stripped[file] = "%s/%s" % (name, file)
            native.genrule(
                name = "%s_%s" % (name, file),
                srcs = [label],
                outs = [stripped[file]],
                cmd = "%s --strip-unneeded --remove-section=.comment -o $@ $<" % strip,
                tags = tags,
                visibility = ["//tests/dist:__pkg__"],
            )
    made = []

    out = "sqlite_mmap-%s-py3-none-%s.whl" % (VERSION, wheel)
    contents = {"README.md": "python/README.md"}
    contents.update(_under("sqlite_mmap/", {
        "__init__.py": "python/__init__.py",
        "py.typed": "python/py.typed",
    }))
    contents.update(_under("sqlite_mmap/", stripped))
    contents.update(_LICENCES)
    pack(name + "_wheel", out, "wheel", contents, tags = tags)
    made.append(name + "_wheel")

    out = "sqlite-mmap-%s-%s.tgz" % (npm, VERSION)
    contents = {"README.md": "npm/PLATFORM.md"}
    contents.update(stripped)
    contents.update(_LICENCES)
    pack(name + "_npm", out, "npm", contents, ["npm/%s.json" % npm], tags = tags)
    made.append(name + "_npm")

    if debian:
        package = "libsqlite3-mod-mmap"
        doc = "usr/share/doc/%s/" % package
        contents = _under("usr/lib/%s/" % debian[1], stripped)
        contents.update({
            doc + "NEWS.gz": "//:CHANGELOG.md",
            doc + "copyright": "debian/copyright",
            "usr/share/lintian/overrides/" + package: "debian/overrides",
            "usr/share/man/man3/mmap0.3.gz": "//:mmap0.3",
        })
        contents.update({doc + "linked/%s.txt" % name: "licences/%s.txt" % name for name in LINKED})
        pack(name + "_deb", "%s_%s_%s.deb" % (package, VERSION, debian[0]), "deb", contents, ["debian/control"], tags = tags)
        made.append(name + "_deb")

    top = "mmap0-%s-%s" % (VERSION, platform)
    contents = _under("bin/" if system == "windows" else "lib/", stripped)
    contents.update({
        "CHANGELOG.md": "//:CHANGELOG.md",
        "include/mmap0.h": "//ext:mmap0.h",
        "share/man/man3/mmap0.3": "//:mmap0.3",
    })
    contents.update(_LICENCES)
    if system != "windows":
        contents["lib/pkgconfig/mmap0.pc"] = "//ext:mmap0.pc"
    pack_tree(name + "_archive", top + (".zip" if system == "windows" else ".tar.gz"), top, contents, tags = tags)
    made.append(name + "_archive")

    native.filegroup(
        name = name,
        srcs = made,
        tags = tags,
        visibility = ["//tests/dist:__pkg__"],
    )
