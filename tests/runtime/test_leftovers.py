import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tritonserver.runtime import _leftovers, _model_processes


@pytest.fixture
def dead() -> int:
    """The number of a process that is gone."""
    pid = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(pid, 0)
    return pid


@pytest.fixture
def region() -> Iterator[Path]:
    path = Path("/dev/shm") / (_model_processes.shared_memory_prefix() + "region")
    yield path
    path.unlink(missing_ok=True)


def test_regions_of_processes_that_are_gone_are_removed(dead: int) -> None:
    mine = _model_processes.shared_memory_prefix()
    region = Path("/dev/shm") / (mine.replace(f"-{os.getpid()}-", f"-{dead}-") + "region")
    region.touch()

    assert region in _leftovers.sweep_shared_memory()
    assert not region.exists()


def test_regions_of_this_process_stay(region: Path) -> None:
    region.touch()

    assert region not in _leftovers.sweep_shared_memory()
    assert region.exists()


def test_regions_of_another_pid_namespace_stay(dead: int) -> None:
    region = Path("/dev/shm") / f"tritonserver-1-{dead}-region"
    region.touch()
    try:
        assert region not in _leftovers.sweep_shared_memory()
        assert region.exists()
    finally:
        region.unlink()


def test_directories_stay_where_not_all_processes_can_be_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    directory = Path(tempfile.mkdtemp(prefix="python_env_", dir="/tmp"))
    monkeypatch.setattr(_leftovers, "namespace", lambda: "another")
    try:
        assert _leftovers._sweep_environment_directories() == []
        assert directory.exists()
    finally:
        directory.rmdir()


def test_a_forked_process_lets_go_of_the_life_line_and_gets_its_own() -> None:
    read_end = _model_processes._life_line_fd()
    identity = os.fstat(read_end).st_ino
    child = os.fork()
    if child == 0:
        try:
            gone = _model_processes._life_line is None
            other = os.fstat(_model_processes._life_line_fd()).st_ino != identity
            os._exit(0 if gone and other else 1)
        finally:
            os._exit(2)

    assert os.waitpid(child, 0)[1] == 0
    assert os.fstat(_model_processes._life_line_fd()).st_ino == identity
