"""Fixtures: repositories with models of this project, servers, and programs in processes of their
own."""

import os
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import tritonserver

_ROOT = Path(__file__).parents[2]

# Where a model is found by the first part of its path; see the READMEs there.
_REPOSITORIES = {
    "models": _ROOT / "models",
    "native": _ROOT / "tests" / "models" / "native",
    "python": _ROOT / "tests" / "models" / "python",
    "failing": _ROOT / "tests" / "models" / "failing",
}


# Models that all tests of a file share.
_SHARED = [
    "classifier",
    "identity_eight",
    "identity_fp32",
    "identity_priority",
    "identity_sequence",
    "identity_slow",
    "native_identity",
    "repeat_int32",
]


@pytest.fixture(scope="module")
def native_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tritonserver.Server]:
    """One running server for a file of tests, with models of `tests/models/native`."""
    shared = tmp_path_factory.mktemp("repository")
    for model in _SHARED:
        shutil.copytree(_REPOSITORIES["native"] / model, shared / model)
    with tritonserver.Server(model_repository=shared) as server:
        yield server


@pytest.fixture
def repository(tmp_path: Path) -> Callable[..., Path]:
    """Make a repository of copies of models, such as `repository("native/identity_fp32")`."""

    def make(*models: str) -> Path:
        made = tmp_path / "repository"
        made.mkdir(exist_ok=True)
        for model in models:
            kind, name = model.split("/")
            shutil.copytree(_REPOSITORIES[kind] / name, made / name)
        return made

    return make


@pytest.fixture
def start_server(repository: Callable[..., Path]) -> Iterator[Callable[..., tritonserver.Server]]:
    """Start a server with copies of models; it is stopped when the test ends."""
    with ExitStack() as servers:

        def start(*models: str, **options: Any) -> tritonserver.Server:
            options.setdefault("model_repository", repository(*models))
            server = tritonserver.Server(**options)
            return servers.enter_context(server)

        yield start


@dataclass
class Ended:
    """How a program ended, and when, by the monotonic clock."""

    code: int
    output: str
    errors: str
    at: float


@pytest.fixture
def run_program() -> Callable[..., Ended]:
    """Run Python source in a process of its own; it gets `arguments` in `sys.argv`."""

    def run(source: str, *arguments: object, timeout: float = 60, **environment: str) -> Ended:
        ended = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(source), *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=timeout,
            env={**os.environ, **environment},
            check=False,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr, time.monotonic())

    return run


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how the programs of `test_lifecycle` ended."""
    rows = []
    for report in terminalreporter.getreports("passed"):
        found = dict(report.user_properties)
        if "exit code" in found:
            name = report.nodeid.partition("[")[2].rstrip("]")
            rows.append(f"{found['seconds']:6.2f} s  exit code {found['exit code']}  {name}")
    if rows:
        terminalreporter.section("from the beginning of the end to the end of the process")
        terminalreporter.write_line("\n".join(rows))
