"""The wheel installed by pip, in an environment that has NumPy and nothing else."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(wheel: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    target = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*command, f"--target={target}", str(wheel)], check=True)
    return target


def run(installed: pathlib.Path, program: str) -> str:
    numpy = pathlib.Path(np.__file__).parents[1]
    environment = {
        "HOME": os.environ["HOME"],
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join(map(str, (installed, numpy))),
    }
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
        cwd=installed,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_imports_without_triton(installed: pathlib.Path) -> None:
    assert str(installed) in run(installed, "import tritonserver; print(tritonserver.__file__)")


def test_both_extension_modules_import(installed: pathlib.Path) -> None:
    run(installed, "import tritonserver._c.triton_bindings, tritonserver._c._inference")


def test_programs_type_check_against_it(installed: pathlib.Path, tmp_path: pathlib.Path) -> None:
    programs = [*ROOT.glob("examples/*.py"), *ROOT.glob("tests/typing/right/*.py")]
    assert len(programs) > 5
    search_path = os.pathsep.join([str(installed), os.environ["PYTHONPATH"]])
    result = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", *map(str, programs)],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": search_path},
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_version_is_the_distributions(wheel: pathlib.Path, installed: pathlib.Path) -> None:
    printed = run(installed, "import tritonserver; print(tritonserver.__version__)")
    assert printed.strip() == wheel.name.split("-")[1]
