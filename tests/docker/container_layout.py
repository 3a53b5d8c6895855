"""Build and test against a directory laid out like Triton's container.

`bazel run //tests/docker:container_layout` makes the directory out of the embedded core and our own
headers, and runs Bazel with it as TRITON_HOME. The build has a configuration of its own, so that
the outputs of others stay as they are.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from tritonserver import runtime

TARGETS = [
    "//python:wheel",
    "//tests/c_api:test_header_agreement",
    "//tests/docker:test_installation",
]


def lay_out(root: pathlib.Path) -> None:
    """Make what the container has in /opt/tritonserver, as far as building and running need it."""
    home = runtime.locate()
    if home.kind != "embedded":
        sys.exit(f"the parts come from the embedded core, but the one found is {home.library}")
    (root / "lib").symlink_to(home.library.parent)
    (root / "backends").symlink_to(home.backends)
    (root / "caches").symlink_to(home.caches)
    (root / "TRITON_VERSION").write_text(f"{home.version}\n", encoding="utf-8")
    for headers in ("native/triton", "native/backends"):
        shutil.copytree(f"{headers}/include", root / "include", dirs_exist_ok=True)


def main() -> int:
    bazel = shutil.which("bazel") or shutil.which("bazelisk")
    if bazel is None:
        sys.exit("neither bazel nor bazelisk is on PATH")
    with tempfile.TemporaryDirectory(prefix="container") as directory:
        lay_out(pathlib.Path(directory))
        return subprocess.run(
            [bazel, "test", "--platform_suffix=-container", "--symlink_prefix=/", *TARGETS],
            check=False,
            cwd=os.environ["BUILD_WORKSPACE_DIRECTORY"],
            env={**os.environ, "TRITON_HOME": directory},
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
