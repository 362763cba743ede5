"""mingw-w64's gcc as Debian installs it: gcc-mingw-w64-x86-64-posix, whose threads are winpthreads."""

load(
    "@bazel_tools//tools/cpp:cc_toolchain_config_lib.bzl",
    "artifact_name_pattern",
    "feature",
    "flag_group",
    "flag_set",
    "tool_path",
)
load("@bazel_tools//tools/build_defs/cc:action_names.bzl", "ACTION_NAMES")

_COMPILE = [
    ACTION_NAMES.c_compile,
    ACTION_NAMES.cpp_compile,
]

_LINK = [
    ACTION_NAMES.cpp_link_executable,
    ACTION_NAMES.cpp_link_dynamic_library,
    ACTION_NAMES.cpp_link_nodeps_dynamic_library,
]

_TOOLS = {
    "ar": "ar",
    "cpp": "cpp-posix",
    "gcc": "gcc-posix",
    "gcov": "gcov-posix",
    "ld": "ld",
    "nm": "nm",
    "objdump": "objdump",
    "strip": "strip",
}

def _flags(name, actions, flags):
    return feature(
        name = name,
        enabled = True,
        flag_sets = [flag_set(actions = actions, flag_groups = [flag_group(flags = flags)])],
    )

def _config(ctx):
    return cc_common.create_cc_toolchain_config_info(
        ctx = ctx,
        toolchain_identifier = "mingw",
        host_system_name = "local",
        target_system_name = "windows",
        target_cpu = "windows",
        target_libc = "mingw",
        compiler = "gcc",
        abi_version = "local",
        abi_libc_version = "local",
        cxx_builtin_include_directories = [
            "/usr/lib/gcc/x86_64-w64-mingw32",
            "/usr/share/mingw-w64/include",
            "/usr/x86_64-w64-mingw32/include",
        ],
        tool_paths = [
            tool_path(name = name, path = "/usr/bin/x86_64-w64-mingw32-" + tool)
            for name, tool in _TOOLS.items()
        ],
        artifact_name_patterns = [
            artifact_name_pattern("executable", "", ".exe"),
        ],
        features = [
            _flags("default_compile_flags", _COMPILE, [
                "-O2",
                "-DNDEBUG",
                "-D_FILE_OFFSET_BITS=64",
                "-ffunction-sections",
                "-fdata-sections",
                "-fno-canonical-system-headers",
                # isnan is a macro there, and the branch of it that is for float converts what is double.
                "-Wno-float-conversion",
            ]),
            # gcc's own libraries, winpthreads too, go into what is linked: nothing but Windows is needed.
            _flags("default_link_flags", _LINK, [
                "-static",
                "-static-libgcc",
                "-Wl,--gc-sections",
                "-s",
                "-lstdc++",
            ]),
            # A linked file says when it was made, unless told not to.
            _flags("reproducible", _LINK, ["-Wl,--no-insert-timestamp"]),
        ],
    )

mingw_toolchain_config = rule(
    implementation = _config,
    provides = [CcToolchainConfigInfo],
)
