"""Archives whose bytes follow from what is in them alone: no times, no owners, no order of a directory.

A member is (name, mode, bytes), or (name, None, target) for a symbolic link. Times are those of `EPOCH`: zip
knows none before 1980.
"""

import gzip
import io
import lzma
import tarfile
import zipfile

EPOCH = (1980, 1, 1, 0, 0, 0)
SECONDS = 315532800


def members(arguments):
    """Members of words "NAME=FILE" or "NAME=FILE=MODE", MODE being octal and 644 by default."""
    found = []
    for argument in arguments:
        name, path, *mode = argument.split("=")
        with open(path, "rb") as file:
            found.append((name, int(mode[0], 8) if mode else 0o644, file.read()))
    return found


def zipped(found):
    """A zip of them, in their order."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, mode, data in found:
            info = zipfile.ZipInfo(name, EPOCH)
            info.external_attr = (0o100000 | mode) << 16
            info.create_system = 3  # Unix, wherever this runs
            archive.writestr(info, data, zipfile.ZIP_DEFLATED, 9)
    return out.getvalue()


def parents(found):
    """The directories above them, each once, from the top."""
    names = set()
    for name, _, _ in found:
        parts = name.split("/")[:-1]
        names |= {"/".join(parts[:i + 1]) for i in range(len(parts))}
    return sorted(names - {"", "."})


def tarred(found, directories=True):
    """A tar of them, in their order; behind the directories that they lie in."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        entries = [(name, tarfile.DIRTYPE, 0o755, b"", "") for name in parents(found)] if directories else []
        for name, mode, data in found:
            if mode is None:
                entries.append((name, tarfile.SYMTYPE, 0o777, b"", data))
            else:
                entries.append((name, tarfile.REGTYPE, mode, data, ""))
        for name, kind, mode, data, target in entries:
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.size, info.linkname = kind, mode, len(data), target
            info.mtime, info.uname, info.gname = SECONDS, "root", "root"
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def gzipped(data):
    return gzip.compress(data, 9, mtime=0)


def xz(data):
    return lzma.compress(data, preset=9)


def ar(found):
    """An archive of ar(1), as dpkg reads it."""
    out = [b"!<arch>\n"]
    for name, mode, data in found:
        head = f"{name:<16}{SECONDS:<12}{0:<6}{0:<6}{0o100000 | mode:<8o}{len(data):<10}`\n"
        out += [head.encode(), data, b"\n" * (len(data) % 2)]
    return b"".join(out)


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)
