"""Builds a target for Windows, from a build for Linux."""

def _windows(settings, attr):
    return {
        "//command_line_option:compilation_mode": "opt",
        "//command_line_option:copt": [],
        "//command_line_option:cpu": "windows",
        "//command_line_option:crosstool_top": "//third_party/mingw:suite",
        "//command_line_option:force_pic": False,
        "//command_line_option:linkopt": [],
        "//command_line_option:platform_suffix": "-mingw",
        "//command_line_option:strip": "never",
    }

_transition = transition(
    implementation = _windows,
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

def _for_windows(ctx):
    built = ctx.attr.binary[0][DefaultInfo].files_to_run.executable
    out = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = out, target_file = built)
    return DefaultInfo(files = depset([out]), runfiles = ctx.runfiles([out]))

for_windows = rule(
    doc = "The program or library `binary`, a cc_binary or cc_test, for Windows, under the rule's own name.",
    implementation = _for_windows,
    attrs = {
        "binary": attr.label(cfg = _transition, mandatory = True),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
    },
)
