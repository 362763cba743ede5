"""Headers that every test includes, read by the compiler once for all of them."""

load("@bazel_tools//tools/build_defs/cc:action_names.bzl", "CPP_COMPILE_ACTION_NAME")
load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

def _command(ctx, toolchain, context, header, out):
    features = cc_common.configure_features(ctx = ctx, cc_toolchain = toolchain)
    variables = cc_common.create_compile_variables(
        feature_configuration = features,
        cc_toolchain = toolchain,
        source_file = header.path,
        output_file = out.path,
        user_compile_flags = ctx.fragments.cpp.copts + ctx.fragments.cpp.cxxopts + ctx.attr.copts,
        quote_include_directories = context.quote_includes,
        system_include_directories = context.system_includes,
        include_directories = context.includes,
        preprocessor_defines = context.defines,
        use_pic = True,
    )
    program = cc_common.get_tool_for_action(
        feature_configuration = features,
        action_name = CPP_COMPILE_ACTION_NAME,
    )
    flags = cc_common.get_memory_inefficient_command_line(
        feature_configuration = features,
        action_name = CPP_COMPILE_ACTION_NAME,
        variables = variables,
    )
    return program, flags

def _precompiled(ctx):
    toolchain = find_cpp_toolchain(ctx)
    context = cc_common.merge_cc_infos(cc_infos = [dep[CcInfo] for dep in ctx.attr.deps]).compilation_context
    header = ctx.actions.declare_file(ctx.attr.name + ".h")
    ctx.actions.write(header, "".join(["#include <%s>\n" % name for name in ctx.attr.headers]))
    out = ctx.actions.declare_file(header.basename + ".gch")
    found = ctx.actions.declare_file(header.basename + ".d")
    program, flags = _command(ctx, toolchain, context, header, out)
    ctx.actions.run(
        executable = program,
        arguments = ["-x", "c++-header", "-MD", "-MF", found.path] + flags,
        inputs = depset([header], transitive = [context.headers, toolchain.all_files]),
        # What is found here is kept in `out`, for -fpch-deps.
        outputs = [out, found],
        mnemonic = "Precompile",
        progress_message = "Precompiling %s" % header.short_path,
    )
    own = cc_common.create_compilation_context(headers = depset([header, out]))
    return CcInfo(compilation_context = own)

precompiled = rule(
    doc = """NAME.h, which includes `headers`, and what the compiler with `copts` makes of it.

    To be read with these `copts` and no others: gcc 12 may end with an internal error otherwise.""",
    implementation = _precompiled,
    attrs = {
        "copts": attr.string_list(),
        "deps": attr.label_list(providers = [CcInfo]),
        "headers": attr.string_list(mandatory = True),
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
    },
    fragments = ["cpp"],
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
)
