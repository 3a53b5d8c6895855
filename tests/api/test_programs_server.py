"""Typical programs that use a server, run as they are but for where the models lie."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = Path(__file__).parent / "programs"

MODELS = {"01_hello_world.py": ["python/identity"]}


@pytest.mark.parametrize("program", sorted(path.name for path in PROGRAMS.glob("*.py")))
def test_program(
    program: str,
    run_program: Callable[..., Any],
    repository: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = repository(*MODELS.get(program, ["python/identity", "python/stream"]))
    source = (PROGRAMS / program).read_text().replace('"/models"', repr(str(path)))
    monkeypatch.chdir(tmp_path)
    ended = run_program(source)
    assert (ended.code, ended.errors) == (0, "")
    expected = [line[2:] for line in source.splitlines() if line.startswith("# ")]
    assert ended.output.splitlines()[: len(expected)] == expected
