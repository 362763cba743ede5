"""The version, for the names of packages: @version//:version.bzl has it from ext/mmap0.h, the one place where it is."""

def _version(repository):
    header = repository.read(repository.attr.header)
    repository.file("BUILD")
    repository.file("version.bzl", "VERSION = \"%s\"\n" % header.split("#define MMAP0_VERSION \"")[1].split("\"")[0])

version = repository_rule(
    implementation = _version,
    attrs = {"header": attr.label(mandatory = True)},
)
