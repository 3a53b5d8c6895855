"""`@local_python`: the machine's CPython, its headers and its toolchains.

The interpreter is PYTHON_BIN_PATH, else `python3` on PATH. Rules that run it take `PYTHON_ATTR`
instead of looking at PATH themselves, so that another PATH with the same interpreter behind it
refetches nothing: Bazel compares the content of `python.json`.
"""

PYTHON_ATTR = attr.label(
    default = Label("@local_python//:python.json"),
    allow_single_file = True,
)

def run_python(rctx, what, args):
    """Runs `@local_python` in a repository rule that has `PYTHON_ATTR` as its attribute `python`.

    Args:
      rctx: the repository context.
      what: what the program does, for the message when it fails.
      args: the interpreter's arguments.

    Returns:
      What the program printed.
    """
    python = json.decode(rctx.read(rctx.path(rctx.attr.python)))["executable"]
    result = rctx.execute([python] + [str(arg) for arg in args], timeout = 900)
    if result.return_code != 0:
        fail("%s failed (exit %d)\n%s\n%s" % (what, result.return_code, result.stdout, result.stderr))
    return result.stdout

_BUILD = """\
load("@rules_cc//cc:defs.bzl", "cc_library")
load("@rules_python//python:defs.bzl", "py_runtime", "py_runtime_pair")
load("@rules_python//python:py_exec_tools_toolchain.bzl", "py_exec_tools_toolchain")

package(default_visibility = ["//visibility:public"])

exports_files(["python.json"])

cc_library(
    name = "headers",
    hdrs = glob(["include/**/*.h"]),
    includes = ["include"],
)

py_runtime(
    name = "runtime",
    {interpreter}
    interpreter_version_info = {version_info},
    python_version = "PY3",
    # Debian has no `python`, the default.
    stub_shebang = "#!/usr/bin/env python3",
)

py_runtime_pair(
    name = "runtime_pair",
    py3_runtime = ":runtime",
)

toolchain(
    name = "toolchain",
    target_compatible_with = ["@platforms//os:linux"],
    toolchain = ":runtime_pair",
    toolchain_type = "@rules_python//python:toolchain_type",
)

py_exec_tools_toolchain(name = "exec_tools")

# rules_python would otherwise fetch an interpreter of its own just for its build steps.
toolchain(
    name = "exec_tools_toolchain",
    toolchain = ":exec_tools",
    toolchain_type = "@rules_python//python:exec_tools_toolchain_type",
)
"""

_DEFS = """\
EXT_SUFFIX = "{ext_suffix}"
PYTHON_VERSION = "{version}"
WHEEL_TAG = "{python_tag}-{abi_tag}-{platform_tag}"
"""

def _probe(rctx):
    chosen = rctx.os.environ.get("PYTHON_BIN_PATH") or "python3"
    path = chosen if chosen.startswith("/") else rctx.which(chosen)
    if not path:
        fail("no %s on PATH: install CPython 3.10 to 3.13 or set PYTHON_BIN_PATH" % chosen)
    result = rctx.execute(
        [str(path), "-I", str(rctx.path(Label("//third_party:probe_python.py")))],
        # Version managers choose by the directory they are called in.
        working_directory = str(rctx.path(Label("//:BUILD.bazel")).dirname),
    )
    if result.return_code != 0:
        fail("probing %s failed (exit %d)\n%s" % (path, result.return_code, result.stderr))
    return json.decode(result.stdout)

def _python_configure_impl(rctx):
    info = _probe(rctx)
    major, minor, micro = [int(part) for part in info["full"].split(".")]
    if (major, minor) < (3, 10):
        fail("%s is CPython %s: 3.10 or later is needed, set PYTHON_BIN_PATH" % (info["executable"], info["full"]))
    if not rctx.path(info["include"] + "/Python.h").exists:
        fail("no Python.h in %s: install the headers (Debian: python3-dev)" % info["include"])
    rctx.symlink(info["include"], "include")
    if rctx.attr.isolated:
        # A virtual environment without packages: nothing pip-installed on this machine is seen,
        # and no absolute path of it enters the cache keys.
        rctx.symlink(info["base"], "venv/bin/python3")
        rctx.file("venv/pyvenv.cfg", "home = %s\ninclude-system-site-packages = false\n" % info["base"].rpartition("/")[0])
        interpreter = 'interpreter = "venv/bin/python3",\n    files = ["venv/pyvenv.cfg"],'
    else:
        interpreter = 'interpreter_path = "%s",' % info["base"]
    rctx.file("BUILD.bazel", _BUILD.format(
        interpreter = interpreter,
        version_info = repr({"major": str(major), "minor": str(minor), "micro": str(micro)}),
    ))
    rctx.file("defs.bzl", _DEFS.format(python_tag = "cp%d%d" % (major, minor), **info))
    rctx.file("python.json", json.encode(info))

python_configure = repository_rule(
    implementation = _python_configure_impl,
    attrs = {
        "isolated": attr.bool(
            doc = "Whether the rules need help to hide the machine's site-packages (rules_python makes its own virtual environments).",
        ),
    },
    environ = ["PATH", "PYENV_VERSION", "PYTHON_BIN_PATH"],
    local = True,
)
