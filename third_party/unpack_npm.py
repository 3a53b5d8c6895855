"""Fetch a package with npm, check its integrity and unpack it below the current directory.

Arguments: node, npm's program, `package@version`, integrity (`sha512-` and a base64 digest).
"""

import base64
import hashlib
import pathlib
import subprocess
import sys
import tarfile


def main() -> None:
    node, npm, package, integrity = sys.argv[1:]
    command = [node, npm, "pack", "--loglevel=error", package]
    if subprocess.run(command, check=False, stdout=sys.stderr).returncode:
        sys.exit(f"npm could not fetch {package}: is the npm registry reachable?")
    (archive,) = pathlib.Path.cwd().glob("*.tgz")
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if f"sha512-{digest}" != integrity:
        sys.exit(f"{package} has integrity sha512-{digest}, pinned is {integrity}")
    with tarfile.open(archive) as tar:
        tar.extractall()
    archive.unlink()


if __name__ == "__main__":
    main()
