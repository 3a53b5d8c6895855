import subprocess
import sys
from collections.abc import Callable

import pytest

RunModule = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def run_module(tmp_path_factory: pytest.TempPathFactory) -> RunModule:
    """Runs `python -m` with arguments where it may leave its caches, and returns how that went."""
    directory = tmp_path_factory.mktemp("caches")

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", *map(str, arguments)]
        return subprocess.run(command, check=False, capture_output=True, text=True, cwd=directory)

    return run
