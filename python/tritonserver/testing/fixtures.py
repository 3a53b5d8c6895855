"""A pytest plugin: a model repository and servers for each test.

Ask for it with `pytest_plugins = ["tritonserver.testing.fixtures"]` in a `conftest.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import tritonserver
from tritonserver.testing import ModelRepository


@pytest.fixture
def model_repository(tmp_path: Path) -> ModelRepository:
    """An empty model repository."""
    return ModelRepository(tmp_path / "models")


@pytest.fixture
def start_server(
    model_repository: ModelRepository,
) -> Iterator[Callable[..., tritonserver.Server]]:
    """Call it with options to get a started server, which is stopped when the test ends.

    It serves `model_repository` unless told otherwise, takes configurations as they are, which is
    faster than having them completed, and is given five seconds to stop.
    """
    with ExitStack() as servers:

        def start(**options: Any) -> tritonserver.Server:
            defaults = {
                "model_repository": model_repository,
                "strict_model_config": True,
                "exit_timeout": 5,
            }
            server = tritonserver.Server(**{**defaults, **options})
            return servers.enter_context(server)

        yield start
