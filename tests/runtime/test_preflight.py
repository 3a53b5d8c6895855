import os
from collections import namedtuple
from pathlib import Path

import pytest

from tritonserver.runtime import _numpy, _preflight
from tritonserver.runtime._embedded import prepare
from tritonserver.runtime._interpreter import Interpreter, this_interpreter
from tritonserver.runtime._numpy import NumPy
from tritonserver.runtime._wheel import Wheel

_PYTHON = this_interpreter().version


@pytest.fixture
def home(wheel: Wheel) -> Path:
    return prepare(wheel).root


@pytest.fixture
def numpy_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_numpy, "on_path", lambda: NumPy("1.26.4", "/site-packages/numpy"))


@pytest.fixture
def numpy_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_numpy, "on_path", lambda: NumPy("2.2.6", "/site-packages/numpy"))


def _problem(home: Path, wheel: Wheel, python: str = _PYTHON, executable: str | None = "x") -> str:
    interpreter = Interpreter(python, f"{python}.9", executable, None)
    return _preflight.problem(home, wheel, interpreter) or ""


@pytest.mark.usefixtures("numpy_1")
def test_no_problem(home: Path, wheel: Wheel) -> None:
    assert _problem(home, wheel) == ""
    assert (home / "python" / "stub_starts").exists()


@pytest.mark.usefixtures("numpy_1")
def test_a_python_without_a_stub(home: Path, wheel: Wheel) -> None:
    problem = _problem(home, wheel, python="3.99")

    assert "cannot run models with Python 3.99" in problem
    assert "one of 3.8, 3.9, 3.10, 3.11" in problem


@pytest.mark.usefixtures("numpy_1")
def test_no_interpreter(home: Path, wheel: Wheel) -> None:
    assert "no interpreter of Python" in _problem(home, wheel, executable=None)


@pytest.mark.usefixtures("numpy_2")
def test_numpy_2_names_where_it_is_and_how_to_get_another(home: Path, wheel: Wheel) -> None:
    problem = _problem(home, wheel, python="3.11")

    assert "need NumPy < 2, but NumPy 2.2.6 is in /site-packages/numpy" in problem
    assert "`python -m tritonserver.runtime install`" in problem
    assert '"numpy<2"' in problem


@pytest.mark.usefixtures("numpy_2")
def test_numpy_2_on_a_python_that_has_no_other(home: Path, wheel: Wheel) -> None:
    problem = _problem(home, wheel, python="3.13")

    assert "none for Python 3.13: run the program with one of 3.10, 3.11, 3.12" in problem


def test_no_numpy(home: Path, wheel: Wheel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_numpy, "on_path", lambda: None)

    assert "there is no NumPy" in _problem(home, wheel)


@pytest.mark.usefixtures("numpy_2")
def test_a_fetched_numpy_solves_it(home: Path, wheel: Wheel) -> None:
    (_numpy.shadow_root(_PYTHON) / "numpy").mkdir(parents=True)

    assert _problem(home, wheel) == ""
    assert _numpy.shadow_directories(_PYTHON) == [str(_numpy.shadow_root(_PYTHON))]


@pytest.mark.usefixtures("numpy_1")
def test_a_fetched_numpy_is_not_used_where_there_is_a_usable_one() -> None:
    (_numpy.shadow_root(_PYTHON) / "numpy").mkdir(parents=True)

    assert _numpy.shadow_directories(_PYTHON) == []


@pytest.mark.usefixtures("numpy_1")
def test_no_bash(home: Path, wheel: Wheel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")

    assert "with bash, and none is on PATH" in _problem(home, wheel)


@pytest.mark.usefixtures("numpy_1")
def test_little_shared_memory(home: Path, wheel: Wheel, monkeypatch: pytest.MonkeyPatch) -> None:
    status = namedtuple("status", "f_bavail f_frsize")
    monkeypatch.setattr(os, "statvfs", lambda path: status(f_bavail=100, f_frsize=4096))

    problem = _problem(home, wheel)

    assert "/dev/shm has 409600 bytes left" in problem
    assert "--shm-size" in problem


@pytest.mark.usefixtures("numpy_1")
def test_a_stub_without_its_libpython(home: Path, wheel: Wheel) -> None:
    _break_stub(
        home,
        "echo 'stub: error while loading shared libraries: "
        f"libpython{_PYTHON}.so.1.0: cannot open shared object file' >&2; exit 127",
    )

    problem = _problem(home, wheel)

    assert f"libpython{_PYTHON}.so.1.0: cannot open shared object file" in problem
    assert f"apt-get install libpython{_PYTHON}" in problem


@pytest.mark.usefixtures("numpy_1")
def test_a_stub_that_may_not_be_executed(home: Path, wheel: Wheel) -> None:
    _break_stub(home, "").chmod(0o644)

    assert "Permission denied" in _problem(home, wheel)


def _break_stub(home: Path, script: str) -> Path:
    (home / "python" / "stub_starts").unlink(missing_ok=True)
    stub = home / "python" / "bin" / "triton_python_backend_stub"
    stub.unlink()
    stub.write_text(f"#!/bin/sh\n{script}\n")
    stub.chmod(0o755)
    return stub


def test_where_models_cannot_run_no_python_backend_is_handed_out(
    wheel: Wheel, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A home of its own, because the answer is kept for the process.
    monkeypatch.setenv("PATH", "/nonexistent")

    home = prepare(wheel)

    assert home.python_models_problem()
    assert home.backends == home.root / "backends_without_python"
    monkeypatch.undo()
    assert "bash" not in (prepare(wheel).python_models_problem() or "")
