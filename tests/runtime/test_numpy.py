import sys
from pathlib import Path

import pytest

from tritonserver.runtime import _numpy


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty package `numpy` that comes before any other."""
    directory = tmp_path / "numpy"
    directory.mkdir()
    (directory / "__init__.py").touch()
    for name in [name for name in sys.modules if name.partition(".")[0] == "numpy"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    return directory


def test_of_a_numpy_that_is_loaded() -> None:
    import numpy as np

    found = _numpy.on_path()

    assert found is not None
    assert found.version == np.__version__
    assert found.is_usable == (int(np.__version__[0]) < 2)


@pytest.mark.parametrize(("version", "usable"), [("1.26.4", True), ("2.0.0rc1", False)])
def test_of_one_that_is_not(package: Path, version: str, usable: bool) -> None:
    (package / "version.py").write_text(f'\nversion = "{version}"\n__version__ = version\n')

    found = _numpy.on_path()

    assert found == (version, str(package))
    assert found.is_usable == usable
    assert "numpy" not in sys.modules


def test_of_an_old_one_whose_version_is_not_in_its_source(package: Path) -> None:
    (package / "version.py").write_text("from ._version import get_versions\n")
    information = package.parent / "numpy-1.24.4.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 1.24.4\n")

    found = _numpy.on_path()

    assert found is not None
    assert found.version == "1.24.4"


def test_of_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "numpy", raising=False)
    monkeypatch.setattr(sys, "path", [])

    assert _numpy.on_path() is None
