"""Stubs of compiled modules: generated, committed, compared."""

load("@rules_python//python:defs.bzl", "py_binary", "py_test")

_COMMITTED = Label("//tools/stubgen:committed.py")

def extension_stubs(name, modules, extension, package):
    """Generates the stubs of an extension's modules next to the committed ones.

    `<name>_test` compares the two; `bazel run` of `update` replaces the committed ones.

    Args:
      name: prefix of the targets.
      modules: dotted names; the committed stub of `a.b` is `a/b.pyi` in this package.
      extension: the compiled library.
      package: the Python files of the package that the modules are in.
    """
    generated = []
    pairs = []
    for module in modules:
        committed = module.replace(".", "/") + ".pyi"
        stub = "generated/" + committed
        native.genrule(
            name = module + ".stub",
            srcs = [
                extension,
                package,
            ],
            outs = [stub],
            # The extension is an input and not a dependency of the tool, which would have it
            # compiled once more, for the machine that builds.
            cmd = " ".join([
                "$(execpath //tools/stubgen)",
                module,
                "$(execpath %s)" % extension,
                "$(execpath @pypi//ruff:bin/ruff)",
                "$@",
                "$(execpaths %s)" % package,
            ]),
            tools = [
                "//tools/stubgen",
                "@pypi//ruff:bin/ruff",
            ],
        )
        generated.append(stub)
        pairs += [
            "$(rootpath %s)" % stub,
            "%s/%s" % (native.package_name(), committed),
        ]
    update = "update"
    py_test(
        name = name + "_test",
        size = "small",
        srcs = [_COMMITTED],
        main = _COMMITTED,
        args = [
            "check",
            "'bazel run //%s:%s'" % (native.package_name(), update),
        ] + pairs,
        data = generated + native.glob(["**/*.pyi"]),
        legacy_create_init = 0,
    )
    py_binary(
        name = update,
        srcs = [_COMMITTED],
        args = ["update"] + pairs,
        data = generated,
        legacy_create_init = 0,
        main = _COMMITTED,
        tags = ["manual"],
    )
