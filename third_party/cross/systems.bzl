"""Builds a target for another system, from a build for Linux: Windows, aarch64 or musl, which BUILD here describes."""

def _cross(settings, attr):
    return {
        "//command_line_option:compilation_mode": "opt",
        "//command_line_option:copt": [],
        "//command_line_option:cpu": attr.system,
        "//command_line_option:crosstool_top": "//third_party/cross:suite",
        "//command_line_option:force_pic": False,
        "//command_line_option:linkopt": [],
        "//command_line_option:platform_suffix": "-" + attr.system,
        "//command_line_option:strip": "never",
    }

_transition = transition(
    implementation = _cross,
    inputs = [],
    outputs = [
        "//command_line_option:compilation_mode",
        "//command_line_option:copt",
        "//command_line_option:cpu",
        "//command_line_option:crosstool_top",
        "//command_line_option:force_pic",
        "//command_line_option:linkopt",
        "//command_line_option:platform_suffix",
        "//command_line_option:strip",
    ],
)

def _for_system(ctx):
    built = ctx.attr.binary[0][DefaultInfo].files_to_run.executable
    out = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = out, target_file = built)
    return DefaultInfo(files = depset([out]), runfiles = ctx.runfiles([out]))

for_system = rule(
    doc = "The program or library `binary`, a cc_binary or cc_test, for `system`, under the rule's own name.",
    implementation = _for_system,
    attrs = {
        "binary": attr.label(cfg = _transition, mandatory = True),
        "system": attr.string(mandatory = True),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
    },
)

def for_windows(**kwargs):
    for_system(system = "windows", **kwargs)
