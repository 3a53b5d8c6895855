"""Python models that cannot be loaded, that leave requests without an answer, or that are loaded
again: what their processes make of that."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tritonserver
from tritonserver import InternalError, InvalidArgumentError, ModelControlMode, Server
from tritonserver._c import triton_bindings as tb

pytestmark = pytest.mark.skipif(
    int(np.__version__[0]) >= 2,
    reason="this Python has no NumPy < 2, without which the core runs no Python models",
)

HEAD = """
import os
import numpy as np
import triton_python_backend_utils as pb_utils

def answer(request):
    x = pb_utils.get_input_tensor_by_name(request, "X").as_numpy()
    return pb_utils.InferenceResponse([pb_utils.Tensor("Y", x)])

"""
ECHO = """
class TritonPythonModel:
    def execute(self, requests):
        return [answer(request) for request in requests]
"""
CONFIG = """
backend: "python"
input { name: "X" data_type: TYPE_FP32 dims: [ -1 ] }
output { name: "Y" data_type: TYPE_FP32 dims: [ -1 ] }
"""
X = np.array([1, 2], np.float32)


class Models:
    """A repository, and an EXPLICIT server for it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.server = Server(
            model_repository=path, model_control_mode=ModelControlMode.EXPLICIT, exit_timeout=20
        )

    def write(self, name: str, code: str = ECHO, version: str = "1", config: str = "") -> Path:
        (self.path / name / version).mkdir(parents=True, exist_ok=True)
        (self.path / name / "config.pbtxt").write_text(CONFIG + config)
        file = self.path / name / version / "model.py"
        file.write_text(HEAD + textwrap.dedent(code))
        return file

    def error_of(self, name: str) -> str:
        with pytest.raises((InternalError, InvalidArgumentError)) as caught:
            self.server.load(name, timeout=60)
        return str(caught.value)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Models]:
    path = tmp_path_factory.mktemp("models")
    models = Models(path)
    with models.server:
        yield models


def test_model_under_another_name(models: Models) -> None:
    file = models.write("misnamed")
    file.rename(file.with_name("my_model.py"))
    error = models.error_of("misnamed")
    assert f"{file} is not there" in error
    assert "my_model.py" in error
    assert "default_model_filename" in error
    file.with_name("my_model.py").rename(file)
    assert models.server.load("misnamed")(X=X)["Y"].to_numpy().tolist() == [1, 2]


def test_model_under_a_name_that_the_configuration_gives(models: Models) -> None:
    file = models.write("named", config='default_model_filename: "other.py"')
    error = models.error_of("named")
    assert "other.py is not there" in error
    assert "model.py" in error
    file.rename(file.with_name("other.py"))
    assert models.server.load("named").ready()


def test_version_directory_without_a_model(models: Models) -> None:
    models.write("empty").unlink()
    assert "/empty/1 has nothing" in models.error_of("empty")


def test_model_that_is_a_directory(models: Models) -> None:
    file = models.write("directory")
    file.unlink()
    file.mkdir()
    assert f"{file} is no file" in models.error_of("directory")


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything; needs another user")
def test_model_that_cannot_be_read(models: Models) -> None:
    models.write("secret").chmod(0)
    assert "cannot be read" in models.error_of("secret")


@pytest.mark.parametrize("version", ["2024-05-01", "3.bak"])
def test_directory_that_the_core_takes_for_another_version(models: Models, version: str) -> None:
    name = f"version_{version.replace('.', '_')}"
    models.write(name, version=version)
    error = models.error_of(name)
    assert f"/{name} has {version}" in error
    assert f"call it {version[:-6] if version[0] == '2' else 3}" in error


def test_reload_without_the_file(models: Models) -> None:
    file = models.write("lost")
    model = models.server.load("lost")
    code = file.read_text()
    file.unlink()
    assert "is not there" in models.error_of("lost")
    assert model(X=X)["Y"].to_numpy().tolist() == [1, 2]
    file.write_text(code + "#")
    assert models.server.load("lost")(X=X)["Y"].to_numpy().tolist() == [1, 2]


BODY = "class TritonPythonModel:\n    def execute(self, requests):\n        "
FORGETFUL = {
    "no_return": BODY + "[answer(request) for request in requests]",
    "none": BODY + "return None",
    "none_inside": BODY + "return [None for request in requests]",
    "none_from_a_coroutine": BODY.replace("def execute", "async def execute") + "return None",
}


@pytest.mark.parametrize("name", FORGETFUL)
def test_request_without_an_answer(models: Models, name: str) -> None:
    models.write(name, FORGETFUL[name])
    model = models.server.load(name)
    for _ in range(2):
        with pytest.raises(
            tritonserver.TritonError, match=rf"execute\(\) of model '{name}' .*None"
        ):
            model.infer(inputs={"X": X}).next(timeout=60)


SENDER = """
        import threading
        for request in requests:
            sender = request.get_response_sender()
            final = pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL
            send = lambda s=sender, r=answer(request): s.send(r, flags=final)
            threading.Timer(0.1, send).start() if LATER else send()
        return None
"""


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("decoupled", [False, True])
def test_none_is_right_for_those_who_take_the_sender(
    models: Models, later: bool, decoupled: bool
) -> None:
    name = f"sender_{later}_{decoupled}"
    config = "model_transaction_policy { decoupled: true }" if decoupled else ""
    models.write(name, f"LATER = {later}\n" + BODY.rstrip(" ") + SENDER, config=config)
    model = models.server.load(name)
    for _ in range(2):
        (response, *_) = list(model.infer(inputs={"X": X}))
        assert response.outputs["Y"].to_numpy().tolist() == [1, 2]


SOME = """
        requests[0].get_response_sender().send(
            answer(requests[0]), flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL
        )
        return [None] * len(requests)
"""


def test_only_the_requests_without_an_answer_fail(models: Models) -> None:
    batching = "max_batch_size: 4\ndynamic_batching { max_queue_delay_microseconds: 500000 }"
    models.write("some", BODY.rstrip(" ") + SOME, config=batching)
    model = models.server.load("some")
    sent = [model.infer(inputs={"X": X[None]}, raise_on_error=False) for _ in range(4)]
    answers = [responses.next(timeout=60) for responses in sent]
    failed = [answer for answer in answers if answer.error is not None]
    assert all("returned None" in str(answer.error) for answer in failed)
    assert len(failed) == len(answers) - sum("Y" in answer.outputs for answer in answers)
    assert any("Y" in answer.outputs for answer in answers)


def test_whole_chain_of_causes(models: Models) -> None:
    code = """
class TritonPythonModel:
    def initialize(self, args):
        try:
            open("/nowhere")
        except OSError as error:
            raise ValueError("no weights") from error

    def execute(self, requests):
        try:
            requests[99]
        except IndexError:
            {}["key"]
"""
    models.write("chain", code)
    error = models.error_of("chain")
    assert "ValueError: no weights\ncaused by FileNotFoundError:" in error.replace("\\n", "\n")
    models.write("chain", code.replace("/nowhere", "/dev/null") + "#")
    model = models.server.load("chain")
    with pytest.raises(
        InternalError, match=r"KeyError: 'key'\s+caused by IndexError: .*line \d+\)"
    ):
        model(X=X)


def test_syntax_error_shows_its_line(models: Models) -> None:
    models.write(
        "syntax", "class TritonPythonModel:\n    def execute(self, requests)\n        pass"
    )
    error = models.error_of("syntax")
    assert "SyntaxError" in error
    assert ": def execute(self, requests)" in error
    assert "importlib" not in error


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Make an installed package `forward` of this code, for models."""

    def make(code: str) -> str:
        package = tmp_path / "site-packages" / "forward"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(code)
        monkeypatch.syspath_prepend(str(package.parent))
        return "import forward\n" + ECHO

    return make


def test_library_that_fails(models: Models, library: Callable[[str], str]) -> None:
    models.write("library", library("raise ImportError('numpy is too old')"))
    error = models.error_of("library")
    assert "forward/__init__.py(1): <module>" in error
    assert "library/1/model.py" in error
    assert "importlib" not in error
    assert "model_process" not in error
    assert "ImportError: numpy is too old" in error
    # That is about NumPy 2 only where the program has that.
    assert "built for NumPy 1" not in error


def test_a_model_is_not_loaded_again_for_its_bytecode(models: Models, tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = f"""
import helper
class TritonPythonModel:
    def initialize(self, args):
        with open({str(log)!r}, "a") as file:
            file.write("i")
    def execute(self, requests):
        return [answer(request) for request in requests]
"""
    file = models.write("bytecode", code)
    (file.parent / "helper.py").write_text("")
    for _ in range(3):
        models.server.load("bytecode")
    assert log.read_text() == "i"
    assert not list((models.path / "bytecode").rglob("__pycache__"))


def test_what_a_model_prints_comes_at_once(tmp_path: Path) -> None:
    path = tmp_path / "models"
    path.mkdir()
    Models(path).write("prints", ECHO.replace("return", "print('printed'); return"))
    program = """
import sys
import numpy as np
import tritonserver

with tritonserver.Server(model_repository=sys.argv[1]) as server:
    server.model("prints")(X=np.float32([1]))
    sys.stdout.write("answered\\n")
    sys.stdout.flush()
    sys.stdin.readline()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().strip() for _ in range(2)]
        process.communicate("\n")
    assert sorted(lines) == ["answered", "printed"]
    assert process.returncode == 0


@pytest.mark.parametrize("how", ["start", "load"])
def test_low_level_servers_give_models_the_packages(
    tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "of_the_program.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    (tmp_path / "models").mkdir()
    Models(tmp_path / "models").write("model", "import of_the_program\n" + ECHO)
    options = tb.TRITONSERVER_ServerOptions()
    options.set_model_repository_path(str(tmp_path / "models"))
    options.set_model_control_mode(tb.TRITONSERVER_ModelControlMode.EXPLICIT)
    if how == "start":
        options.set_startup_model("model")
    server: Any = tb.TRITONSERVER_Server(options)
    if how == "load":
        server.load_model("model")
    assert server.model_is_ready("model", -1)
    server.stop()
