import sys
from pathlib import Path

import pytest

from tritonserver.runtime import _interpreter
from tritonserver.runtime._interpreter import this_interpreter


def test_it_is_this_one_without_its_virtual_environment() -> None:
    found = this_interpreter()

    assert found.version == "{}.{}".format(*sys.version_info)
    assert found.full_version.startswith(found.version + ".")
    assert found.executable is not None
    assert not (Path(found.executable).parents[1] / "pyvenv.cfg").exists()


def test_a_program_that_embeds_python_has_the_interpreter_near_its_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "bin" / "python3.77"
    python.parent.mkdir()
    python.touch(mode=0o755)
    monkeypatch.setattr(sys, "base_exec_prefix", str(tmp_path))

    assert _interpreter._executable("3.77") == str(python)
    assert _interpreter._executable("3.78") is None


def test_libpython_is_looked_for_where_python_was_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "base_exec_prefix", str(tmp_path))
    assert _interpreter._libpython("3.77") is None

    library = tmp_path / "lib" / "libpython3.77.so.1.0"
    library.parent.mkdir()
    library.touch()

    assert _interpreter._libpython("3.77") == str(library)
