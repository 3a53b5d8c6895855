"""Real models in the real core: what their processes see, and what becomes of them."""

import json
import os
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.skipif(
    int(np.__version__[0]) >= 2,
    reason="this Python has no NumPy < 2, without which the core runs no Python models",
)

_LOAD = """
    import sys
    import tritonserver
    with tritonserver.Server(model_repository=sys.argv[1]) as server:
        print(server.models())
"""

_LOAD_AND_INFER = """
    import sys
    import numpy
    import tritonserver
    with tritonserver.Server(model_repository=sys.argv[1]) as server:
        for response in server.model("model").infer(inputs={"input": numpy.ones(3, "float32")}):
            print(numpy.from_dlpack(response.outputs["output"]))
"""

_REPORT = """
import json, sys
report = {
    "path": sys.path, "executable": sys.executable, "prefix": sys.prefix,
    "environment": dict(os.environ), "encoding": sys.stdout.encoding,
    "numpy": pb_utils.np.__file__, "version": sys.version,
    "interrupt": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
}
open(os.environ["REPORT"], "w").write(json.dumps(report))
"""


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], dict[str, Any]]:
    """Return what a model with `at_import=_REPORT` saw."""
    path = tmp_path / "report.json"
    monkeypatch.setenv("REPORT", str(path))
    return lambda: json.loads(path.read_text())


def _processes_of(repository: Path) -> list[str]:
    """Return the command lines of all processes that name `repository`, without zombies."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = process.read_text().replace("\0", " ")
        except OSError:
            continue
        if str(repository) in command and "triton_python_backend_stub" in command:
            found.append(command)
    return found


def _all_end(repository: Path) -> bool:
    deadline = time.monotonic() + 30
    while _processes_of(repository) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not _processes_of(repository)


def test_a_model_sees_the_environment_of_the_program(
    write_model: Callable[..., Path],
    run_program: Callable[..., Any],
    report: Callable[[], dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/some/libraries:/others")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    repository = write_model(at_import=_REPORT)

    ended = run_program(
        """
        import json, os, sys
        sys.path.append("/added/by/the/program")
        environment = dict(os.environ)
        import tritonserver
        with tritonserver.Server(model_repository=sys.argv[1]):
            print(json.dumps([sys.path, sys.executable, sys.prefix, environment]))
        """,
        repository,
    )

    path, executable, prefix, environment = json.loads(ended.output)
    seen = report()
    assert seen["path"][: len(path)] == path
    assert (seen["executable"], seen["prefix"]) == (executable, prefix)
    assert seen["encoding"].lower() == "utf-8"
    assert not seen["interrupt"]
    environment.pop("TRITONSERVER_EMBEDDING_PROCESS", None)  # Of the process that runs the tests.
    for variable in ("_", "SHLVL", "PWD", "OLDPWD"):  # Of the shell between the two.
        environment.pop(variable, None)
        seen["environment"].pop(variable, None)
    assert seen["environment"] == environment


@pytest.mark.parametrize("name", ["with blank", "semi;colon", "ümlaut"])
def test_a_repository_with_an_odd_path(
    name: str, write_model: Callable[..., Path], run_program: Callable[..., Any]
) -> None:
    ended = run_program(_LOAD_AND_INFER, write_model(repository=name))

    assert ended.output.strip() == "[1. 1. 1.]", ended.errors


def test_a_program_that_ignores_its_children(
    write_model: Callable[..., Path], run_program: Callable[..., Any]
) -> None:
    # The backend then takes the stub for broken and makes it unreadable.
    program = "    import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n" + _LOAD_AND_INFER
    status = "import subprocess; assert subprocess.run(['false']).returncode == 1"
    repository = write_model(at_import=status)

    for _ in range(2):
        assert run_program(program, repository).output.strip() == "[1. 1. 1.]"


@pytest.mark.parametrize("place", ["at_import", "in_auto_complete", "in_initialize"])
@pytest.mark.parametrize(
    ("death", "cause"),
    [
        ("os._exit(3)", "ended with exit code 3"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "was killed by SIGSEGV"),
    ],
)
def test_a_model_whose_process_dies_while_it_loads_is_an_error(
    place: str,
    death: str,
    cause: str,
    write_model: Callable[..., Path],
    run_program: Callable[..., Any],
) -> None:
    repository = write_model(**{place: death})

    ended = run_program(_LOAD, repository)

    assert f"the process of the model {cause} while it was loading" in ended.errors
    assert "tritonserver.InternalError" in ended.errors
    assert _all_end(repository)


def test_a_death_before_the_first_import_of_the_model_is_an_error(
    write_model: Callable[..., Path], run_program: Callable[..., Any]
) -> None:
    repository = write_model()
    (repository / "model" / "1" / "model.py").write_text("import os; os._exit(0)")

    assert "ended with exit code 0" in run_program(_LOAD, repository).errors


@pytest.mark.parametrize("place", ["at_import", "in_auto_complete", "in_initialize"])
def test_an_exception_while_a_model_loads_is_reported_as_ever(
    place: str, write_model: Callable[..., Path], run_program: Callable[..., Any]
) -> None:
    repository = write_model(**{place: "raise ValueError('bad weights')"})

    ended = run_program(_LOAD, repository)

    assert "ValueError: bad weights" in ended.errors
    assert "while it was loading" not in ended.errors
    assert _all_end(repository)


@pytest.mark.parametrize(
    ("busy", "by"),
    [
        ("while True: pass", signal.SIGKILL),
        ("import time; time.sleep(60)", signal.SIGKILL),
        ("while True: pass", signal.SIGTERM),
    ],
)
def test_nothing_outlives_a_program_that_is_killed(
    busy: str, by: signal.Signals, write_model: Callable[..., Path], run_program: Callable[..., Any]
) -> None:
    repository = write_model(in_execute=busy)
    program = """
        import os, signal, sys, time
        import numpy
        import tritonserver
        server = tritonserver.Server(model_repository=sys.argv[1]).start()
        server.model("model").infer(inputs={"input": numpy.ones(3, "float32")})
        time.sleep(0.3)
        print(os.getpid(), flush=True)
        if os.fork():
            os.kill(os.getpid(), int(sys.argv[2]))
        time.sleep(10)
    """

    killed = subprocess.Popen(
        [
            sys.executable,
            "-W",
            "ignore",
            "-c",
            program.replace("\n        ", "\n"),
            repository,
            f"{by:d}",
        ],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert killed.stdout is not None
    pid = killed.stdout.readline().strip()

    assert killed.wait(timeout=60) == -by
    assert _all_end(repository)
    killed.stdout.close()

    left = [name for name in os.listdir("/dev/shm") if f"-{pid}-" in name]
    assert left
    run_program("from tritonserver.runtime import locate; locate().activate()")
    assert not set(left) & set(os.listdir("/dev/shm"))


def test_nothing_outlives_a_program_that_is_killed_while_a_model_loads(
    write_model: Callable[..., Path],
) -> None:
    repository = write_model(at_import="import time; time.sleep(60)")
    program = "import sys, tritonserver; tritonserver.Server(model_repository=sys.argv[1]).start()"
    loading = subprocess.Popen(
        [sys.executable, "-c", program, repository],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    deadline = time.monotonic() + 30
    while len(_processes_of(repository)) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)  # Until the model's process and its understudy are there.

    loading.kill()
    loading.wait()

    assert _all_end(repository)


_PRETEND_NUMPY_2 = """
    import numpy
    numpy.__version__ = "2.2.6"
"""


def test_with_numpy_2_python_models_are_refused_with_the_remedy(
    write_model: Callable[..., Path], run_program: Callable[..., Any]
) -> None:
    ended = run_program(_PRETEND_NUMPY_2 + _LOAD, write_model())

    assert "Python models need NumPy < 2, but NumPy 2.2.6 is in" in ended.errors
    assert "python -m tritonserver.runtime install" in ended.errors


def test_with_numpy_2_models_get_the_fetched_one(
    write_model: Callable[..., Path],
    run_program: Callable[..., Any],
    report: Callable[[], dict[str, Any]],
    tmp_path: Path,
) -> None:
    python = sysconfig.get_python_version()
    fetched = tmp_path / "data" / "tritonserver" / "numpy" / f"1.26.4-python{python}"
    fetched.mkdir(parents=True)
    site_packages = Path(np.__file__).parents[1]
    for part in site_packages.glob("numpy*"):
        (fetched / part.name).symlink_to(part)

    ended = run_program(_PRETEND_NUMPY_2 + _LOAD_AND_INFER, write_model(at_import=_REPORT))

    assert ended.output.strip() == "[1. 1. 1.]", ended.errors
    assert report()["numpy"] == str(fetched / "numpy" / "__init__.py")


def test_a_numpy_2_that_comes_up_later_is_refused_by_the_model_process(
    write_model: Callable[..., Path], run_program: Callable[..., Any], tmp_path: Path
) -> None:
    package = _write_numpy_2(tmp_path / "later")
    program = "    import sys; sys.path.insert(0, sys.argv[2])\n" + _LOAD

    ended = run_program("    import numpy\n" + program, write_model(), package.parent)

    assert f"need NumPy < 2, but NumPy 2.9.0 is in {package}" in ended.errors
    assert "python -m tritonserver.runtime install" in ended.errors


def _write_numpy_2(site_packages: Path) -> Path:
    package = site_packages / "numpy"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(
        "__version__ = '2.9.0'\ndef __getattr__(name): return object\n"
    )
    return package


@pytest.fixture
def execution_environment(tmp_path: Path) -> Path:
    """A virtual environment with the NumPy of this one."""
    environment = tmp_path / "environment"
    site_packages = (
        environment / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    )
    site_packages.mkdir(parents=True)
    (site_packages / "numpy.pth").write_text(str(Path(np.__file__).parents[1]))
    base = Path(getattr(sys, "_base_executable", sys.executable))
    (environment / "pyvenv.cfg").write_text(f"home = {base.parent}\n")
    (environment / "bin").mkdir()
    (environment / "bin" / "python3").symlink_to(base)
    (environment / "bin" / "activate").write_text(f'export PATH="{environment}/bin:$PATH"\n')
    return environment


def _with_environment(path: Path) -> str:
    return f'parameters {{key: "EXECUTION_ENV_PATH" value {{string_value: "{path}"}}}}'


def test_a_model_with_its_own_environment_runs_in_it(
    execution_environment: Path,
    write_model: Callable[..., Path],
    run_program: Callable[..., Any],
    report: Callable[[], dict[str, Any]],
) -> None:
    repository = write_model(config=_with_environment(execution_environment), at_import=_REPORT)

    ended = run_program(_LOAD_AND_INFER, repository)

    assert ended.output.strip() == "[1. 1. 1.]", ended.errors
    assert report()["prefix"] == str(execution_environment)


@pytest.mark.parametrize("interpreter", ["", "#!/nowhere", "#!/bin/false"])
def test_an_environment_whose_interpreter_does_not_run_is_an_error(
    interpreter: str,
    execution_environment: Path,
    write_model: Callable[..., Path],
    run_program: Callable[..., Any],
) -> None:
    python = execution_environment / "bin" / "python3"
    python.unlink()
    if interpreter:
        python.write_text(interpreter)
        python.chmod(0o755)
    repository = write_model(config=_with_environment(execution_environment))

    ended = run_program(_LOAD, repository)

    assert f"its EXECUTION_ENV_PATH is unusable: {python}: " in ended.errors


def test_an_environment_with_numpy_2_is_an_error(
    execution_environment: Path, write_model: Callable[..., Path], run_program: Callable[..., Any]
) -> None:
    (site_packages,) = execution_environment.glob("lib/*/site-packages")
    package = _write_numpy_2(site_packages)
    repository = write_model(config=_with_environment(execution_environment))
    # Before Python 3.11 the environment would look there for another NumPy first.
    without_python_path = "    import os\n    del os.environ['PYTHONPATH']"

    ended = run_program(without_python_path + _LOAD, repository)

    assert f'NumPy 2.9.0 is in {package}; install "numpy<2" there' in ended.errors


def test_a_model_that_dies_in_its_own_environment_is_an_error(
    execution_environment: Path, write_model: Callable[..., Path], run_program: Callable[..., Any]
) -> None:
    config = _with_environment(execution_environment)

    ended = run_program(_LOAD, write_model(config=config, at_import="os._exit(3)"))

    assert "ended with exit code 3" in ended.errors


def test_a_library_path_that_looks_like_an_environment_is_not_one(
    execution_environment: Path,
    write_model: Callable[..., Path],
    run_program: Callable[..., Any],
    report: Callable[[], dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As in a shell with conda: its `lib` is on the path, and its `bin` has an `activate`.
    monkeypatch.setenv("LD_LIBRARY_PATH", f"{execution_environment}/lib")

    ended = run_program(_LOAD_AND_INFER, write_model(at_import=_REPORT))

    assert ended.output.strip() == "[1. 1. 1.]", ended.errors
    assert report()["prefix"] == sys.prefix
