import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tritonserver.runtime import _wheel, gpu_present, plain_path
from tritonserver.runtime._embedded import homes, prepare
from tritonserver.runtime._wheel import Wheel


@pytest.fixture
def run() -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tritonserver.runtime", *arguments],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_info_shows_what_is_used(wheel: Wheel, run: Callable[..., Any]) -> None:
    ended = run("info", "--json")

    facts = json.loads(ended.stdout)
    assert ended.returncode == 0
    assert facts["kind"] == "embedded"
    assert facts["triton"] == wheel.triton_version
    assert facts["wheel"] == f"nvidia-pytriton {wheel.version} in {wheel.root}"
    assert facts["python"].startswith("{}.{}.{} (".format(*sys.version_info))
    assert "local" in facts["caches"]
    assert Path(facts["library"]).is_file()

    lines = run("info").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(facts)


def test_info_shows_an_installation(
    tmp_path: Path, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "libtritonserver.so").touch()
    (tmp_path / "backends" / "onnxruntime").mkdir(parents=True)
    monkeypatch.setenv("TRITON_HOME", str(tmp_path))

    facts = json.loads(run("info", "--json").stdout)

    assert facts["kind"] == "installation"
    assert facts["backends"] == ["onnxruntime"]
    assert facts["triton"] == "unknown until it is opened"


def test_info_without_triton_says_where_it_looked(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRITONSERVER_LIBRARY", "/nothing/libtritonserver.so")

    ended = run("info")

    assert ended.returncode == 1
    assert "/nothing/libtritonserver.so: no such file" in ended.stdout


def test_clean_removes_what_was_prepared(
    wheel: Wheel, tmp_path: Path, run: Callable[..., Any]
) -> None:
    prepare(wheel)
    link = Path(plain_path(tmp_path / "a b"))
    fetched = _wheel.fetched_root("0.7.0")
    fetched.mkdir(parents=True)

    ended = run("clean")

    assert ended.returncode == 0, ended.stderr
    assert f"removed {homes()}" in ended.stdout
    assert not homes().exists()
    assert not link.is_symlink()
    assert fetched.exists()

    run("clean", "--all")
    assert not fetched.exists()


def test_an_unknown_version_is_refused(run: Callable[..., Any]) -> None:
    ended = run("install", "--version", "9.9")

    assert ended.returncode == 2
    assert "invalid choice: '9.9'" in ended.stderr


def test_a_gpu_is_present_if_its_driver_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "exists", lambda path: path == "/dev/nvidiactl")
    assert gpu_present()

    monkeypatch.setattr(os.path, "exists", lambda path: False)
    assert not gpu_present()
