"""Cores that lack functions, or are of another version: each in a process of its own."""

from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., list[Any]]

# A process uses one core, but one forked before it has any may use another.
WITHOUT_EACH = """
def call(function):
    os.environ["FAKE_CORE_WITHOUT"] = function
    try:
        tb._load_library(LIBRARY, "", "", "")
        objects = TABLE["Objects"](tb.TRITONSERVER_Server(tb.TRITONSERVER_ServerOptions()))
        TABLE["CALLS"][function](objects)
    except tb.TritonError as error:
        return describe(error)


for function in TABLE["CALLS"]:
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writer, json.dumps(call(function)).encode())
        os._exit(0)
    os.close(writer)
    with open(reader) as pipe:
        print(json.dumps([function, json.loads(pipe.read())]))
    assert os.waitpid(child, 0)[1] == 0
"""


# Without these two a library is no core.
IS_NO_CORE = ["ApiVersion", "ErrorDelete"]

# What the package does without them.
MADE_UP_FOR = ["ServerOptionsSetLogCallback"]


def test_missing_function(run: Run) -> None:
    outcomes = dict(run(WITHOUT_EACH))
    assert len(outcomes) == 173
    for function in IS_NO_CORE:
        kind, message = outcomes.pop(function)
        assert kind == "InvalidArgumentError"
        assert "is not a Triton core" in message
    for function, outcome in outcomes.items():
        if function.endswith("Delete"):
            assert outcome is None, function  # by a destructor, which tells nobody
        elif function in MADE_UP_FOR:
            assert outcome is None, function
        else:
            kind, message = outcome
            assert kind == "UnsupportedError", function
            assert message.startswith(f"TRITONSERVER_{function} needs Triton "), function


LOAD = """
for _ in range(2):
    try:
        tb._load_library(LIBRARY, "", "", "")
        print(json.dumps(tb.api_version()))
    except tb.TritonError as error:
        print(json.dumps(describe(error)))
"""


@pytest.mark.parametrize("version", ["1.27", "1.34", "1.999"])
def test_version_that_is_supported(run: Run, version: str) -> None:
    numbers = [int(number) for number in version.split(".")]
    assert run(LOAD, FAKE_CORE_API_VERSION=version) == [numbers] * 2


@pytest.mark.parametrize("version", ["0.34", "1.26", "2.0", "2.34"])
def test_version_that_is_not_supported(run: Run, version: str) -> None:
    outcomes = run(LOAD, FAKE_CORE_API_VERSION=version)
    assert outcomes[0] == outcomes[1]
    kind, message = outcomes[0]
    assert kind == "UnsupportedError"
    assert f"has C API version {version}; this package needs 1.27" in message
