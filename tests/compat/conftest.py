"""The release under test, and a server of it."""

import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

import tritonserver
from tritonserver.runtime import _wheel


class Release(NamedTuple):
    name: str
    triton: str
    c_api: tuple[int, int]
    newest_python: tuple[int, int]  # that its Python backend has a stub for

    def has(self, since: str) -> bool:
        """Whether the release is `since` or a later one."""
        return self.name >= since

    @property
    def runs_python_models(self) -> bool:
        # The stubs need NumPy 1, which does not exist for Python 3.13.
        return sys.version_info[:2] <= min(self.newest_python, (3, 12))


RELEASES = (
    Release("23.12", "2.41.0", (1, 27), (3, 11)),
    Release("24.01", "2.42.0", (1, 28), (3, 11)),
    Release("24.02", "2.43.0", (1, 28), (3, 11)),
    Release("24.03", "2.44.0", (1, 29), (3, 12)),
    Release("24.04", "2.45.0", (1, 30), (3, 12)),
    Release("24.05", "2.46.0", (1, 31), (3, 12)),
    Release("24.06", "2.47.0", (1, 32), (3, 12)),
    Release("24.07", "2.48.0", (1, 33), (3, 12)),
    Release("24.08", "2.49.0", (1, 34), (3, 12)),
    Release("24.09", "2.50.0", (1, 34), (3, 12)),
    Release("24.10", "2.51.0", (1, 34), (3, 13)),
)


@pytest.fixture(scope="session")
def releases() -> tuple[Release, ...]:
    return RELEASES


@pytest.fixture(scope="session")
def release() -> Release:
    """The release whose wheel is on `sys.path`; it is used whatever else is installed."""
    wheel = _wheel.installed()
    assert wheel is not None, "these tests need a wheel of nvidia-pytriton on sys.path"
    os.environ["TRITONSERVER_LIBRARY"] = str(wheel.core)
    return next(each for each in RELEASES if each.name == os.environ["TRITON_RELEASE"])


@pytest.fixture
def python_models(release: Release) -> None:
    """Ask for this to skip a test where the release cannot run Python models."""
    if not release.runs_python_models:
        pytest.skip(f"Triton {release.triton} runs no models with this Python")


@pytest.fixture(scope="session")
def start_server(release: Release) -> Callable[..., tritonserver.Server]:
    """Start a server, to be stopped by the caller, that loads models of this project on demand."""

    def start(**options: Any) -> tritonserver.Server:
        return tritonserver.Server(
            model_repository=["models", "tests/models/native", "tests/models/python"],
            model_control_mode=tritonserver.ModelControlMode.EXPLICIT,
            exit_timeout=10,
            **options,
        ).start()

    return start


@pytest.fixture(scope="session")
def server(start_server: Callable[..., tritonserver.Server]) -> Iterator[tritonserver.Server]:
    with start_server() as server:
        yield server
