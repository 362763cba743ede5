"""What of the tests does not run on Windows, each with its reason: whole tests, or cases of one."""

LEFT_OUT = {
    "core/file/hammer_test": "processes by fork, killed by signals",
    "core/file/holes_test": "holes as Linux's file systems have them",
    "core/file/object_test": "signals, sent by hand",
    "core/os/guard_test": "SIGBUS; windows/guard_test is for here",
    "core/os/lock_readers_test": "processes by fork",
    "core/os/lock_test": "processes by fork",
    "core/os/path_test": "paths of POSIX; core/os/names_windows_test is for here",
    "core/os/sys_test": "the calls of Linux; windows/sys_test is for here",
    "ext/connection/confinement_test": "sockets, FIFOs and links",
    "ext/connection/device_test": "block devices of Linux",
    "ext/connection/isolation_hammer_test": "processes by fork, killed by signals",
    "ext/connection/lifetime_test": "dlopen",
    "ext/connection/limits_test": "RLIMIT_FSIZE and the like",
    "ext/connection/sigbus_test": "SIGBUS",
    "ext/connection/threads_test": "processes by fork, killed by signals",
    "ext/connection/walk_test": "processes by fork, killed by signals",
}

# Whose programs have run there, and passed. Those that are neither here nor above have not been tried.
TRIED = [
    "core/bytes/array_test",
    "core/bytes/bits_test",
    "core/bytes/half_test",
    "core/bytes/layout_test",
    "core/bytes/slice_test",
    "core/bytes/varlen_test",
    "core/common/mem_test",
    "core/file/killed_test",
    "core/os/own_test",
    "core/search/hex_test",
    "core/search/search_test",
]

def left_out(test):
    """The cases of `test` that are left out, for googletest: "*" if all of it is."""
    if test in LEFT_OUT or test not in TRIED:
        return "*"
    return ":".join([key[len(test) + 1:] for key in LEFT_OUT if key.startswith(test + ":")])
