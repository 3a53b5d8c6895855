"""A wheel whose bytes depend on its contents alone, whatever the Bazel and the rule sets."""

def _wheel_impl(ctx):
    wheel = ctx.actions.declare_file("%s-%s-%s.whl" % (ctx.attr.distribution, ctx.attr.version, ctx.attr.tag))
    files = [
        struct(
            path = file.path,
            member = file.short_path[len(ctx.attr.strip_prefix):],
            executable = file in ctx.files.executables,
        )
        for file in ctx.files.srcs + ctx.files.executables
    ]
    spec = ctx.actions.declare_file(ctx.label.name + ".json")
    ctx.actions.write(spec, json.encode(struct(
        distribution = ctx.attr.distribution,
        files = files,
        license = ctx.file.license.path,
        metadata = ctx.attr.metadata,
        readme = ctx.file.readme.path,
        tag = ctx.attr.tag,
        version = ctx.attr.version,
    )))
    ctx.actions.run(
        executable = ctx.executable._wheel,
        arguments = [spec.path, wheel.path],
        inputs = ctx.files.srcs + ctx.files.executables + [ctx.file.license, ctx.file.readme, spec],
        outputs = [wheel],
        mnemonic = "Wheel",
    )
    return [DefaultInfo(
        files = depset([wheel]),
        runfiles = ctx.runfiles([wheel]),
    )]

wheel = rule(
    implementation = _wheel_impl,
    attrs = {
        "distribution": attr.string(mandatory = True),
        "executables": attr.label_list(
            allow_files = True,
            doc = "Files that are installed with mode 0755.",
        ),
        "license": attr.label(
            mandatory = True,
            allow_single_file = True,
        ),
        "metadata": attr.string_list(
            doc = "Lines of METADATA after Name and Version.",
        ),
        "readme": attr.label(
            mandatory = True,
            allow_single_file = True,
        ),
        "srcs": attr.label_list(
            mandatory = True,
            allow_files = True,
        ),
        "strip_prefix": attr.string(
            doc = "What to take from the files' paths in the repository.",
        ),
        "tag": attr.string(mandatory = True),
        "version": attr.string(mandatory = True),
        "_wheel": attr.label(
            default = Label("//tools/wheel"),
            executable = True,
            cfg = "exec",
        ),
    },
)
