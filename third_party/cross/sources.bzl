"""What is linked in for other systems, where fetch.sh and fetch_arm64.sh have unpacked it. bazelw says where that is."""

def _fetched(repository, variable, names):
    there = repository.os.environ.get(variable, "")
    for name in names:
        if there:
            repository.symlink(there + "/" + name, name)
    repository.symlink(repository.attr.build_file if there else repository.attr.missing, "BUILD")
    return there

def _sources(repository):
    names = ["libb2", "libdeflate", "openssl", "pcre2", "sqlite3", "xxhash"]
    there = _fetched(repository, "MMAP_SOURCES", names)
    wine = bool(there and repository.os.environ.get("MMAP_WINE", ""))
    repository.file("there.bzl", "WINE = %s\n" % wine)

def _arm64(repository):
    _fetched(repository, "MMAP_ARM64", ["usr"])

_ATTRS = {
    "build_file": attr.label(mandatory = True),
    "missing": attr.label(mandatory = True),
}

cross_sources = repository_rule(
    implementation = _sources,
    attrs = _ATTRS,
    environ = [
        "MMAP_SOURCES",
        "MMAP_WINE",
    ],
    local = True,
)

cross_arm64 = repository_rule(
    implementation = _arm64,
    attrs = _ATTRS,
    environ = ["MMAP_ARM64"],
    local = True,
)
