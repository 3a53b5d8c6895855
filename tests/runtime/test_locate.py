import shutil
from pathlib import Path

import pytest

import tritonserver
from tritonserver.runtime import _locate, _numpy, _pins, _wheel, locate, python_models_problem
from tritonserver.runtime._wheel import Wheel


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_wheel, "installed", lambda: None)


@pytest.fixture
def no_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_locate, "_INSTALLATION", tmp_path / "opt")


@pytest.fixture
def installation(tmp_path: Path) -> Path:
    root = tmp_path / "triton"
    (root / "lib").mkdir(parents=True)
    (root / "backends").mkdir()
    (root / "lib" / "libtritonserver.so").touch()
    (root / "TRITON_VERSION").write_text("2.41.0\n")
    return root


@pytest.mark.usefixtures("no_wheel", "no_installation")
@pytest.mark.parametrize("numpy", [None, "1.26.4", "2.4.0"])
def test_without_any_triton_the_error_lists_every_place_and_the_remedies(
    tmp_path: Path, numpy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = numpy and _numpy.NumPy(numpy, "/somewhere")
    monkeypatch.setattr(_numpy, "on_path", lambda: found)
    with pytest.raises(tritonserver.NotFoundError) as raised:
        locate()

    message = str(raised.value)
    for place in (
        "TRITONSERVER_LIBRARY",
        "TRITON_HOME",
        f"{tmp_path}/opt/lib/libtritonserver.so",
        "nvidia-pytriton: not installed",
        f"{tmp_path}/data/tritonserver/core",
    ):
        assert place in message
    assert "python -m tritonserver.runtime install" in message
    # Which would put NumPy 1 in the place of NumPy 2.
    assert ('pip install "tritonserver[embedded]"' in message) == (numpy != "2.4.0")


def test_triton_home_comes_before_the_wheel(
    installation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRITON_HOME", str(installation))

    home = locate()

    assert home.kind == "installation"
    assert home.library == installation / "lib" / "libtritonserver.so"
    assert home.backends == installation / "backends"
    assert home.repository_agents == installation / "repoagents"
    assert home.version == "2.41.0"
    assert home.activate() == home.backends
    assert home.backend_settings() == {}
    assert python_models_problem() is None


@pytest.mark.usefixtures("no_installation")
def test_a_triton_home_of_something_else_is_passed_over(
    wheel: Wheel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The Triton compiler uses the same variable for its cache.
    monkeypatch.setenv("TRITON_HOME", str(tmp_path))

    assert locate().kind == "embedded"


def test_an_installation_comes_before_the_wheel(
    installation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_locate, "_INSTALLATION", installation)

    assert locate().library == installation / "lib" / "libtritonserver.so"


@pytest.mark.parametrize("by_argument", [True, False])
def test_a_library_that_is_named_comes_first(
    installation: Path, monkeypatch: pytest.MonkeyPatch, by_argument: bool
) -> None:
    library = installation / "lib" / "libtritonserver.so"
    monkeypatch.setenv("TRITON_HOME", "/elsewhere")
    monkeypatch.setenv("TRITONSERVER_LIBRARY", "/nothing" if by_argument else str(library))

    home = locate(library) if by_argument else locate()

    assert home.kind == "library"
    assert (home.library, home.backends) == (library, installation / "backends")


def test_a_library_on_its_own_uses_the_parts_of_the_usual_installation(tmp_path: Path) -> None:
    library = tmp_path / "libtritonserver.so"
    library.touch()

    assert locate(library).backends == Path("/opt/tritonserver/backends")


def test_a_library_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(tritonserver.NotFoundError, match=r"libother\.so: no such file"):
        locate(tmp_path / "libother.so")


def test_the_core_inside_a_wheel_gets_a_home(wheel: Wheel) -> None:
    home = locate(wheel.core)

    assert home.kind == "embedded"
    assert home.version == wheel.triton_version


@pytest.mark.usefixtures("no_installation")
def test_a_wheel_on_the_path_is_found(wheel: Wheel) -> None:
    home = locate()

    assert home.kind == "embedded"
    assert home.library.name == "libtritonserver.so"
    assert home.version == _pins.WHEELS[wheel.version].triton
    assert (home.caches / "local").is_dir()
    assert home.repository_agents.is_dir()


@pytest.mark.usefixtures("no_wheel", "no_installation")
def test_the_newest_fetched_wheel_is_found(wheel: Wheel) -> None:
    for version in ("0.5.9", "0.5.10"):
        root = _wheel.fetched_root(version)
        root.mkdir(parents=True)
        for part in ("nvidia_pytriton.libs", "pytriton"):
            (root / part).symlink_to(wheel.root / part)

    assert locate().version == "2.48.0"


@pytest.mark.usefixtures("no_wheel", "no_installation")
def test_a_wheel_with_parts_missing_is_not_used(wheel: Wheel) -> None:
    root = _wheel.fetched_root("0.7.0")
    shutil.copytree(wheel.stubs, root / "pytriton" / "tritonserver" / "python_backend_stubs")

    with pytest.raises(tritonserver.NotFoundError):
        locate()
