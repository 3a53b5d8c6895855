"""Fetch the wheels of a hash-pinned requirements file and unpack them below the current directory.

Each distribution becomes `<name>/site-packages` and, if it has programs, `<name>/bin`. Prints, as
JSON, which other distributions each one depends on here.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from email.parser import Parser

from pip._vendor.packaging.requirements import Requirement


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()


def download(requirements: pathlib.Path, destination: pathlib.Path) -> list[pathlib.Path]:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input"]
    command += ["--disable-pip-version-check", "--no-deps", "--require-hashes"]
    command += ["--only-binary=:all:", f"--dest={destination}", f"--requirement={requirements}"]
    if subprocess.run(command, check=False, stdout=sys.stderr).returncode:
        sys.exit(f"pip could not fetch what {requirements} pins: is the package index reachable?")
    return sorted(destination.glob("*.whl"))


def target(name: str, member: str) -> pathlib.Path | None:
    """Where a wheel's member goes, or None if nothing of ours needs it."""
    top, _, rest = member.partition("/")
    if not top.endswith(".data"):
        return pathlib.Path(name, "site-packages", member)
    kind, _, rest = rest.partition("/")
    directories = {"purelib": "site-packages", "platlib": "site-packages", "scripts": "bin"}
    return pathlib.Path(name, directories[kind], rest) if kind in directories else None


def unpack(wheel: pathlib.Path) -> tuple[str, list[str]]:
    """Unpack one wheel; its normalized name and those of the distributions it depends on here."""
    name = normalized(wheel.name.split("-")[0])
    requires: set[str] = set()
    with zipfile.ZipFile(wheel) as archive:
        for info in archive.infolist():
            path = target(name, info.filename)
            if info.is_dir() or path is None:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(info) as source, path.open("wb") as destination:
                shutil.copyfileobj(source, destination)
            if (info.external_attr >> 16) & 0o100 or path.parts[1] == "bin":
                path.chmod(0o755)
            if info.filename.count("/") == 1 and info.filename.endswith(".dist-info/METADATA"):
                metadata = Parser().parsestr(path.read_text(encoding="utf-8"))
                for line in metadata.get_all("Requires-Dist", []):
                    requirement = Requirement(line)
                    if not requirement.marker or requirement.marker.evaluate({"extra": ""}):
                        requires.add(normalized(requirement.name))
    return name, sorted(requires)


def main() -> None:
    requirements = pathlib.Path(sys.argv[1])
    with tempfile.TemporaryDirectory(dir=".") as wheels:
        distributions = dict(map(unpack, download(requirements, pathlib.Path(wheels))))
    print(json.dumps(distributions))


if __name__ == "__main__":
    main()
