"""Everything fetched or found on the machine: one list for WORKSPACE and for MODULE.bazel."""

load(":npm.bzl", "npm_package")
load(":pypi.bzl", "pypi")
load(":python_configure.bzl", "python_configure")
load(":triton.bzl", "triton", "triton_wheel")
load(":triton_wheels.bzl", "TRITON_WHEELS")

def repositories(isolated):
    """Declares the external repositories.

    Args:
      isolated: whether tests need help to hide the machine's site-packages, see python_configure.
    """
    python_configure(
        name = "local_python",
        isolated = isolated,
    )
    pypi(
        name = "pypi",
        lock = Label("//third_party:requirements_lock.txt"),
    )
    triton(name = "triton")
    for release, version in TRITON_WHEELS.items():
        triton_wheel(
            name = "triton_" + release.replace(".", "_"),
            version = version,
        )
    npm_package(
        name = "buildifier",
        package = "@bazel/buildifier",
        version = "8.2.1",
        integrity = "sha512-eZ/Aq+2r4PcJa6LbPCT6ffgIJfTU/gYilqIzoX2OLM4nNkbQC6tTMPZNn7aHHjhGPxbNLv41zm4Xqt1olCLgXw==",
    )
