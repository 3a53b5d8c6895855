"""A pytest plugin: a model repository and servers for each test.

Ask for it with `pytest_plugins = ["tritonserver.testing.fixtures"]` in a `conftest.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

import tritonserver
from tritonserver.testing import ModelRepository

if TYPE_CHECKING:
    from typing_extensions import Unpack


class StartServer(Protocol):
    """The type of the fixture `start_server`, for annotations."""

    def __call__(self, **options: Unpack[tritonserver.OptionsKwargs]) -> tritonserver.Server:
        """Start a server with these options."""


@pytest.fixture
def model_repository(tmp_path: Path) -> ModelRepository:
    """An empty model repository."""
    return ModelRepository(tmp_path / "models")


@pytest.fixture
def start_server(model_repository: ModelRepository) -> Iterator[StartServer]:
    """Call it with options to get a started server, which is stopped when the test ends.

    It serves `model_repository` unless told otherwise, takes configurations as they are, which is
    faster than having them completed, and is given five seconds to stop.
    """
    with ExitStack() as servers:

        def start(**options: Unpack[tritonserver.OptionsKwargs]) -> tritonserver.Server:
            all_options: tritonserver.OptionsKwargs = {
                "model_repository": model_repository,
                "strict_model_config": True,
                "exit_timeout": 5,
            }
            all_options.update(options)
            return servers.enter_context(tritonserver.Server(**all_options))

        yield start
