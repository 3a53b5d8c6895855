import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tritonserver.runtime import _embedded
from tritonserver.runtime._embedded import homes, prepare
from tritonserver.runtime._interpreter import this_interpreter
from tritonserver.runtime._wheel import Wheel


def test_a_home_is_complete_and_says_what_it_was_made_from(wheel: Wheel) -> None:
    home = prepare(wheel)

    made_from = json.loads((home.root / "home.json").read_text())
    assert made_from["wheel_version"] == wheel.version
    assert made_from["python"] == "{}.{}.{}".format(*sys.version_info)
    python = home.root / "backends" / "python"
    assert sorted(path.name for path in python.iterdir()) == [
        "libtriton_python.so",
        "triton_python_backend_stub",
        "triton_python_backend_utils.py",
    ]
    assert not (python / "libtriton_python.so").is_symlink()
    assert not (home.root / "backends_without_python" / "python").exists()
    assert list(homes().iterdir()) == [home.root]


def test_a_home_is_made_once_and_again_when_it_is_gone(wheel: Wheel) -> None:
    home = prepare(wheel)
    made_at = (home.root / "home.json").stat().st_mtime_ns
    assert prepare(wheel) == home
    assert (home.root / "home.json").stat().st_mtime_ns == made_at

    home.root.rename(home.root.parent / "elsewhere")
    home.activate()

    assert home.library.is_file()


def test_a_home_that_lost_files_is_made_again(wheel: Wheel) -> None:
    home = prepare(wheel)
    (home.root / "home.json").unlink()
    home.library.unlink()

    assert prepare(wheel).library.is_file()


@pytest.mark.parametrize(
    "changed",
    [
        {"full_version": "3.11.99"},
        {"executable": "/usr/bin/python3-other"},
        {"libpython": "/usr/lib/other/libpython3.11.so.1.0"},
    ],
)
def test_another_interpreter_gets_another_home(
    wheel: Wheel, changed: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepare(wheel)
    other = dataclasses.replace(this_interpreter(), **changed)
    monkeypatch.setattr(_embedded, "this_interpreter", lambda: other)

    assert prepare(wheel).root != first.root


def test_another_version_of_this_package_gets_another_home(
    wheel: Wheel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepare(wheel)
    backends = tmp_path / "backends"
    (backends / "new").mkdir(parents=True)
    (backends / "new" / "libtriton_new.so").write_bytes(b"library")
    monkeypatch.setattr(_embedded, "_BACKENDS", backends)
    _embedded._made_from.cache_clear()

    second = prepare(wheel)

    _embedded._made_from.cache_clear()
    assert second.root != first.root
    for directory in ("backends", "backends_without_python"):
        assert (second.root / directory / "new" / "libtriton_new.so").read_bytes() == b"library"


def test_processes_that_prepare_at_once_share_one_home(wheel: Wheel) -> None:
    program = "from tritonserver.runtime import locate; print(locate().library)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment
        )
        for _ in range(6)
    ]
    libraries = {process.communicate(timeout=60)[0].strip() for process in processes}

    assert len(libraries) == 1
    assert Path(libraries.pop()).is_file()
    assert len(list(homes().iterdir())) == 1


def test_a_build_that_fails_leaves_nothing(wheel: Wheel, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_embedded, "_build_overlay", no_space)

    with pytest.raises(OSError, match="No space left"):
        prepare(wheel)
    assert list(homes().iterdir()) == []


def test_a_home_in_a_directory_with_blanks_hands_out_a_plain_path(
    wheel: Wheel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "John Doe"))

    home = prepare(wheel)

    assert " " in str(home.root)
    assert " " not in str(home.backends)
    assert home.backends.samefile(home.root / home.backends.resolve().name)


def test_locating_is_quick_once_there_is_a_home(
    wheel: Wheel, run_program: Callable[..., Any]
) -> None:
    prepare(wheel)
    program = """
        import time
        from tritonserver.runtime import locate
        began = time.perf_counter()
        locate().activate()
        print(time.perf_counter() - began)
    """

    assert min(float(run_program(program).output) for _ in range(4)) < 0.2


def test_importing_the_package_brings_in_neither_numpy_nor_the_builder(
    run_program: Callable[..., Any],
) -> None:
    program = """
        import sys
        sys.modules["tritonserver"] = package = type(sys)("tritonserver")
        package.__path__ = sys.argv[1:]
        import tritonserver.runtime
        print([name for name in sys.modules if name in ("numpy", "tritonserver.runtime._embedded")])
    """
    package = Path(_embedded.__file__).parents[1]

    assert run_program(program, package).output.strip() == "[]"
