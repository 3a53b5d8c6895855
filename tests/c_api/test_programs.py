"""Typical programs of the low-level module run as they are, but for where the models lie."""

import pathlib
import shutil
import subprocess
from collections.abc import Callable

import pytest

PROGRAMS = pathlib.Path(__file__).parent / "programs"


@pytest.mark.parametrize("program", sorted(path.name for path in PROGRAMS.glob("*.py")))
def test_program(
    program: str,
    run_program: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: pathlib.Path,
) -> None:
    shutil.copytree("tests/models/native/native_identity", tmp_path / "identity")
    source = (PROGRAMS / program).read_text(encoding="utf-8")
    ended = run_program(source.replace('"/models"', repr(str(tmp_path))))
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == [
        line[2:] for line in source.splitlines() if line.startswith("# ")
    ]
