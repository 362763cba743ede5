"""What of the tests does not run on Windows, each with its reason: whole tests, or cases of one."""

LEFT_OUT = {
    "core/file/hammer_test": "processes by fork, killed by signals",
    "core/file/history_test": "processes by fork, killed by signals; core/file/killed_test is for here",
    "core/file/holes_test": "holes as Linux's file systems have them",
    "core/os/guard_test": "SIGBUS; windows/guard_test is for here",
    "core/os/path_test": "paths of POSIX; core/os/names_windows_test is for here",
    "core/os/sys_test": "the calls of Linux; windows/sys_test is for here",
    "ext/connection/device_test": "block devices of Linux",
    "ext/connection/isolation_hammer_test": "processes by fork, killed by signals",
    "ext/connection/lifetime_test": "dlopen",
    "ext/connection/limits_test": "RLIMIT_FSIZE and the like",
    "ext/connection/sigbus_test": "SIGBUS",
    "ext/connection/walk_test": "processes by fork, killed by signals",
}

def left_out(test):
    """The cases of `test` that are left out, for googletest: "*" if all of it is."""
    if test in LEFT_OUT:
        return "*"
    return ":".join([key[len(test) + 1:] for key in LEFT_OUT if key.startswith(test + ":")])
