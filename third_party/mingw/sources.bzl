"""The sources of what is linked in for Windows, where fetch.sh has unpacked them."""

def _sources(repository):
    # bazelw says where they are, if all that a build for Windows needs is there.
    there = repository.os.environ.get("MMAP_MINGW", "")
    for name in ["libb2", "libdeflate", "openssl", "pcre2", "sqlite3", "xxhash"]:
        if there:
            repository.symlink(there + "/" + name, name)
    repository.symlink(repository.attr.build_file if there else repository.attr.missing, "BUILD")
    repository.file("there.bzl", "MINGW = %s\nWINE = %s\n" % (
        bool(there),
        bool(there and repository.os.environ.get("MMAP_WINE", "")),
    ))

windows_sources = repository_rule(
    implementation = _sources,
    attrs = {
        "build_file": attr.label(mandatory = True),
        "missing": attr.label(mandatory = True),
    },
    environ = [
        "MMAP_MINGW",
        "MMAP_WINE",
    ],
    local = True,
)
