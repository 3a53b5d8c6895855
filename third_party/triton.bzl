"""`@triton`: the Triton core and headers that tests and the build use.

An installation (a container's, or any in the same layout) comes first: the directory TRITON_HOME,
else /opt/tritonserver. Without one it is the newest core on PyPI, as the wheel that a user gets, and
our own declarations; these also stand in for headers older than they are.
"""

load(":pypi.bzl", "UNPACK_WHEELS_ATTR", "unpack_wheels")
load(":python_configure.bzl", "PYTHON_ATTR", "run_python")
load(":triton_wheels.bzl", "NEWEST")

_INSTALLATION = """\
load("@rules_cc//cc:defs.bzl", "cc_library")
load("@rules_python//python:defs.bzl", "py_library")

package(default_visibility = ["//visibility:public"])

# tritonserver.runtime finds an installation by itself.
py_library(name = "runtime")

cc_library(
    name = "headers",
    hdrs = glob(["include/triton/**/*.h"], allow_empty = True),
    includes = ["include"],
)
"""

_WHEEL = """\
package(default_visibility = ["//visibility:public"])

alias(
    name = "runtime",
    actual = "@triton_{release}//:runtime",
)
"""

def _installation(rctx):
    chosen = rctx.os.environ.get("TRITON_HOME")
    home = chosen or "/opt/tritonserver"
    if rctx.path(home + "/lib/libtritonserver.so").exists:
        return home
    if chosen:
        fail("TRITON_HOME is %s, which has no lib/libtritonserver.so" % chosen)
    return None

# The version, 1.x, of the C API from release 24.08 on, which our own declarations have. Earlier
# headers lack functions and number parameter types differently: a binding built with them would
# suit that release alone.
_API_MINOR = 34

def _has_headers(rctx, home):
    header = rctx.path(home + "/include/triton/core/tritonserver.h")
    if not header.exists:
        return False
    define = "#define TRITONSERVER_API_VERSION_MINOR "
    for line in rctx.read(header).split("\n"):
        if line.startswith(define):
            return int(line[len(define):].strip()) >= _API_MINOR
    fail("%s does not tell the version of the C API" % header)

def _triton_impl(rctx):
    home = _installation(rctx)
    headers = home != None and _has_headers(rctx, home)
    if headers:
        rctx.symlink(home + "/include", "include")
    rctx.file("BUILD.bazel", _INSTALLATION if home else _WHEEL.format(release = NEWEST.replace(".", "_")))
    rctx.file("defs.bzl", "HAS_HEADERS = %s\n" % headers)

triton = repository_rule(
    implementation = _triton_impl,
    doc = "`:runtime`, which makes the core importable; `:headers` where `HAS_HEADERS` of `defs.bzl` says so.",
    environ = ["TRITON_HOME"],
    local = True,
)

_UNPACKED = """\
load("@rules_python//python:defs.bzl", "py_library")

package(default_visibility = ["//visibility:public"])

py_library(
    name = "runtime",
    data = glob(["nvidia_pytriton/site-packages/**"], exclude = ["**/*.pyc", "**/* *"]),
    imports = ["nvidia_pytriton/site-packages"],
)
"""

def _triton_wheel_impl(rctx):
    rctx.file("requirements.txt", run_python(rctx, "reading the pins", [
        rctx.path(rctx.attr.pinned_triton),
        rctx.path(rctx.attr.pins),
        rctx.attr.version,
    ]))
    unpack_wheels(rctx, "requirements.txt")
    rctx.file("BUILD.bazel", _UNPACKED)

triton_wheel = repository_rule(
    implementation = _triton_wheel_impl,
    doc = "A wheel of nvidia-pytriton without its dependencies, found by tests as if it were installed.",
    attrs = {
        "pinned_triton": attr.label(
            default = Label("//third_party:pinned_triton.py"),
            allow_single_file = True,
        ),
        "pins": attr.label(
            default = Label("//python/tritonserver:runtime/_pins.py"),
            allow_single_file = True,
        ),
        "python": PYTHON_ATTR,
        "unpack_wheels": UNPACK_WHEELS_ATTR,
        "version": attr.string(mandatory = True),
    },
)
