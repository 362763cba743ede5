"""gcc for another system as Debian installs it, as a toolchain for Bazel."""

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

# As Bazel itself compiles optimized code.
_OPTIMIZED = [
    "-O2",
    "-DNDEBUG",
    "-D_FILE_OFFSET_BITS=64",
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-canonical-system-headers",
    # No dates in what is built.
    "-Wno-builtin-macro-redefined",
    "-D__DATE__=\"redacted\"",
    "-D__TIMESTAMP__=\"redacted\"",
    "-D__TIME__=\"redacted\"",
]

def _flags(name, actions, flags):
    return feature(
        name = name,
        enabled = True,
        flag_sets = [flag_set(actions = actions, flag_groups = [flag_group(flags = flags)])],
    )

def _config(ctx):
    system = ctx.attr.system
    tools = {tool: ctx.attr.prefix + tool for tool in ["ar", "cpp", "gcc", "gcov", "ld", "nm", "objdump", "strip"]}
    for tool in ["cpp", "gcc", "gcov"]:
        tools[tool] += ctx.attr.suffix
    return cc_common.create_cc_toolchain_config_info(
        ctx = ctx,
        toolchain_identifier = system,
        host_system_name = "local",
        target_system_name = system,
        target_cpu = system,
        target_libc = system,
        compiler = "gcc",
        abi_version = "local",
        abi_libc_version = "local",
        cxx_builtin_include_directories = ctx.attr.includes,
        tool_paths = [tool_path(name = name, path = "/usr/bin/" + tool) for name, tool in tools.items()],
        artifact_name_patterns = [
            artifact_name_pattern("executable", "", ctx.attr.executable_suffix),
        ],
        features = [
            _flags("default_compile_flags", _COMPILE, _OPTIMIZED + ctx.attr.compile),
            _flags("default_link_flags", _LINK, ["-Wl,--gc-sections"] + ctx.attr.link),
        ],
    )

cross_toolchain_config = rule(
    doc = "gcc is PREFIXgccSUFFIX of /usr/bin, ar PREFIXar; its own headers are below `includes`.",
    implementation = _config,
    attrs = {
        "compile": attr.string_list(),
        "executable_suffix": attr.string(),
        "includes": attr.string_list(),
        "link": attr.string_list(),
        "prefix": attr.string(),
        "suffix": attr.string(),
        "system": attr.string(mandatory = True),
    },
    provides = [CcToolchainConfigInfo],
)

def cross_toolchain(name, **kwargs):
    """A cc_toolchain for `system`; what is built is for it where the config_setting of that name holds."""
    system = kwargs["system"]
    native.config_setting(
        name = system,
        values = {"cpu": system},
    )
    cross_toolchain_config(
        name = name + "_config",
        **kwargs
    )
    native.cc_toolchain(
        name = name,
        tags = ["manual"],
        all_files = ":none",
        compiler_files = ":none",
        dwp_files = ":none",
        linker_files = ":none",
        objcopy_files = ":none",
        strip_files = ":none",
        supports_param_files = 1,
        toolchain_config = name + "_config",
    )
