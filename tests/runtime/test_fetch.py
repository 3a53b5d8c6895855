import base64
import hashlib
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tritonserver.runtime import _fetch, _numpy, _pins, _wheel
from tritonserver.runtime._fetch import FetchError
from tritonserver.runtime._numpy import NumPy

_PYTHON = "{}.{}".format(*sys.version_info)


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory, and the only place that pip looks at."""
    directory = tmp_path / "registry"
    directory.mkdir()
    for variable, value in {
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": str(directory),
        "PIP_NO_INDEX": "1",
    }.items():
        monkeypatch.setenv(variable, value)
    return directory


def _write_wheel(registry: Path, name: str, version: str, files: dict[str, str]) -> str:
    """Write a wheel; return its hash."""
    information = f"{name}-{version}.dist-info"
    files = {
        **files,
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{information}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: py3-none-any\n",
    }
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
        record += f"{path},sha256={digest.decode()},{len(text)}\n"
    wheel = registry / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
        archive.writestr(f"{information}/RECORD", record)
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


@pytest.fixture
def core(registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel 0.7.0 with two files in the registry, and its hash in the pins."""
    files = {
        "nvidia_pytriton.libs/libtritonserver-0.so": "core",
        "pytriton/tritonserver/python_backend_stubs/3.11/stub": "stub",
    }
    sha256 = _write_wheel(registry, "nvidia_pytriton", "0.7.0", files)
    monkeypatch.setitem(_pins.WHEELS, "0.7.0", _pins.WheelPin("2.51.0", sha256))


@pytest.mark.usefixtures("core")
def test_a_core_is_fetched_once(registry: Path) -> None:
    root = _fetch.fetch_core("0.7.0")

    assert _wheel.fetched() == _wheel.Wheel(root, "0.7.0")
    assert (root / "nvidia_pytriton.libs" / "libtritonserver-0.so").read_text() == "core"
    assert [path.name for path in root.parent.iterdir()] == ["0.7.0"]

    for file in registry.iterdir():
        file.unlink()
    assert _fetch.fetch_core("0.7.0") == root


@pytest.mark.usefixtures("core")
def test_a_file_with_another_hash_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_pins.WHEELS, "0.7.0", _pins.WheelPin("2.51.0", "0" * 64))

    with pytest.raises(FetchError, match="not the one pinned by its SHA-256"):
        _fetch.fetch_core("0.7.0")
    assert list(_wheel.fetched_root("0.7.0").parent.iterdir()) == []


@pytest.mark.usefixtures("registry")
def test_a_registry_without_the_file() -> None:
    with pytest.raises(FetchError, match=r"nvidia-pytriton==0\.7\.0: .* has no such file"):
        _fetch.fetch_core("0.7.0")


@pytest.mark.usefixtures("registry")
def test_a_registry_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")

    with pytest.raises(FetchError, match="cannot be reached"):
        _fetch.fetch_core("0.7.0")


def test_an_interpreter_without_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "$0: No module named pip" >&2; exit 1\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))

    with pytest.raises(FetchError, match="no pip; run `python -m ensurepip`"):
        _fetch.fetch_core("0.7.0")


@pytest.mark.usefixtures("core")
def test_a_directory_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/dev/null")

    with pytest.raises(FetchError, match="cannot write /dev/null/tritonserver/core/"):
        _fetch.fetch_core("0.7.0")


def test_a_machine_that_nothing_is_pinned_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")

    with pytest.raises(FetchError, match="x86-64 only, and this is riscv64"):
        _fetch.fetch_core("0.7.0")


def test_a_version_that_is_not_known() -> None:
    with pytest.raises(FetchError, match=r"version 9\.9 is not known; one of 0\.5\.0, "):
        _fetch.fetch_core("9.9")


@pytest.mark.parametrize(
    ("own", "fetched"),
    [(NumPy("1.26.4", "/numpy"), False), (NumPy("2.2.6", "/numpy"), True), (None, True)],
)
def test_a_numpy_for_models_is_fetched_where_the_program_has_none(
    own: NumPy | None, fetched: bool, registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = _write_wheel(registry, "numpy", _pins.NUMPY_VERSION, {"numpy/__init__.py": ""})
    monkeypatch.setattr(_pins, "NUMPY", {_PYTHON: sha256})
    monkeypatch.setattr(_numpy, "on_path", lambda: own)

    root = _fetch.fetch_numpy_for_models()

    assert root == (_numpy.shadow_root(_PYTHON) if fetched else None)
    assert (_numpy.shadow(_PYTHON) is not None) == fetched


def test_no_numpy_is_fetched_for_a_python_that_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pins, "NUMPY", {})
    monkeypatch.setattr(_numpy, "on_path", lambda: None)

    assert _fetch.fetch_numpy_for_models() is None


@pytest.mark.usefixtures("core")
def test_the_command_line_installs(run_program: Callable[..., Any], tmp_path: Path) -> None:
    sha256 = _pins.WHEELS["0.7.0"].sha256
    program = f"""
        import runpy, sys
        from tritonserver.runtime import _pins
        _pins.WHEELS["0.7.0"] = _pins.WheelPin("2.51.0", {sha256!r})
        _pins.NUMPY.clear()
        sys.argv[1:] = ["install"]
        runpy.run_module("tritonserver.runtime", run_name="__main__")
    """

    ended = run_program(program)

    assert ended.code == 0, ended.errors
    assert ended.output.splitlines() == [
        "Triton 2.51.0 from nvidia-pytriton 0.7.0 ...",
        f"  {tmp_path}/data/tritonserver/core/0.7.0",
    ]


@pytest.mark.usefixtures("registry")
def test_the_command_line_fails_with_one_line(run_program: Callable[..., Any]) -> None:
    program = """
        import runpy, sys
        sys.argv[1:] = ["install"]
        runpy.run_module("tritonserver.runtime", run_name="__main__")
    """

    ended = run_program(program)

    assert ended.code == 1
    (line,) = ended.errors.splitlines()
    assert line.startswith("error: nvidia-pytriton==0.7.0: ")
