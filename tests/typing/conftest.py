import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest


@pytest.fixture(scope="session")
def oldest_python() -> str:
    """The oldest Python that both this package and the NumPy at hand support."""
    return "3.10" if np.__version__.startswith("1.") else f"3.{sys.version_info.minor}"


@pytest.fixture(scope="session")
def run_module(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `python -m` with arguments where it may leave its caches, and returns how that went."""
    directory = tmp_path_factory.mktemp("caches")

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", *map(str, arguments)]
        return subprocess.run(command, check=False, capture_output=True, text=True, cwd=directory)

    return run
