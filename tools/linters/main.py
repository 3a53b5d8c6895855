"""Run every linter and format checker over the repository; `--fix` lets the formatters write.

tools/lint calls this through Bazel, which passes the programs' paths.
"""

import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

_PYTHON_PATTERNS = ("*.py", "*.pyi")
_CPP_PATTERNS = ("*.cc", "*.h")
_BAZEL_PATTERNS = ("*.bazel", "*.bzl", "*WORKSPACE", "*WORKSPACE.bzlmod")


@dataclass(frozen=True)
class Linter:
    """One check: `check` fails on what it finds; `fix`, if any, repairs it."""

    name: str
    files: Callable[[], list[str]]
    check: list[str]
    fix: list[str] | None = None


def tracked(*patterns: str) -> list[str]:
    """The files matching `patterns` that are, or would be, committed."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [name for name in output.splitlines() if os.path.exists(name)]


def shell_scripts() -> list[str]:
    def is_shell(name: str) -> bool:
        with open(name, "rb") as file:
            first = file.readline()
        return name.endswith(".sh") or (first.startswith(b"#!") and b"sh" in first.split()[-1])

    return [name for name in tracked("tools", ".ci") if os.path.isfile(name) and is_shell(name)]


def python_sources() -> list[str]:
    # A model is imported by Triton's Python backend, from a directory that is no package. Programs
    # are run as users wrote them. What is wrong on purpose has a test of its own.
    others = ("models/", "tests/models/", "tests/typing/wrong/")
    return [
        name for name in tracked("*.py") if not name.startswith(others) and "/programs/" not in name
    ]


def linters(program: dict[str, str]) -> list[Linter]:
    buildifier = [program["node"], program["buildifier"]]
    return [
        Linter(
            "ruff format",
            lambda: tracked(*_PYTHON_PATTERNS),
            [program["ruff"], "format", "--quiet", "--diff"],
            [program["ruff"], "format", "--quiet"],
        ),
        Linter(
            "ruff check",
            lambda: tracked(*_PYTHON_PATTERNS),
            [program["ruff"], "check", "--quiet"],
            [program["ruff"], "check", "--quiet", "--fix"],
        ),
        Linter("mypy", python_sources, [sys.executable, "-m", "mypy", "--no-error-summary"]),
        Linter(
            "clang-format",
            lambda: tracked(*_CPP_PATTERNS),
            [program["clang-format"], "--dry-run", "-Werror"],
            [program["clang-format"], "-i"],
        ),
        Linter(
            "buildifier",
            lambda: tracked(*_BAZEL_PATTERNS),
            [*buildifier, "-mode=check", "-lint=warn"],
            [*buildifier, "-lint=fix"],
        ),
        Linter("shellcheck", shell_scripts, [program["shellcheck"], "--external-sources"]),
        Linter("hadolint", lambda: tracked("*Dockerfile"), [program["hadolint"]]),
    ]


def main() -> int:
    arguments = [argument for argument in sys.argv[1:] if argument != "--fix"]
    fix = "--fix" in sys.argv[1:]
    program = {pathlib.Path(path).stem: os.path.abspath(path) for path in arguments}
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path[1:] if path)
    os.chdir(os.environ["BUILD_WORKSPACE_DIRECTORY"])

    failed = []
    for linter in linters(program):
        start = time.monotonic()
        files = linter.files()
        command = linter.fix if fix and linter.fix else linter.check
        good = not files or subprocess.run([*command, *files], check=False).returncode == 0
        seconds = time.monotonic() - start
        verdict = "ok" if good else "FAILED"
        print(f"{linter.name:14} {len(files):4} files  {seconds:5.1f} s  {verdict}", flush=True)
        if not good:
            failed.append(linter.name)
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
