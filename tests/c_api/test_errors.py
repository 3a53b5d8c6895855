"""Exception classes, and what becomes of errors on their way through the core."""

import pickle
import traceback

import pytest

import tritonserver
from tritonserver import _c
from tritonserver._c import triton_bindings as tb

CLASSES = {
    "UNKNOWN": "UnknownError",
    "INTERNAL": "InternalError",
    "NOT_FOUND": "NotFoundError",
    "INVALID_ARG": "InvalidArgumentError",
    "UNAVAILABLE": "UnavailableError",
    "UNSUPPORTED": "UnsupportedError",
    "ALREADY_EXISTS": "AlreadyExistsError",
    "CANCELLED": "CancelledError",
}


@pytest.mark.parametrize("name", [*CLASSES.values(), "TritonError"])
def test_class(name: str) -> None:
    error_class = getattr(tb, name)
    assert getattr(_c, name) is getattr(tritonserver, name) is error_class
    assert error_class.__module__ == "tritonserver"
    assert error_class.__qualname__ == name
    assert error_class.__doc__.endswith(".")
    base = {"TritonError": Exception, "CancelledError": tb.UnknownError}.get(name, tb.TritonError)
    assert error_class.__bases__ == (base,)


@pytest.mark.parametrize("name", CLASSES.values())
def test_instances(name: str) -> None:
    error_class = getattr(tb, name)
    error = error_class("no such model")
    assert str(error) == "no such model"
    assert traceback.format_exception_only(error) == [f"tritonserver.{name}: no such model\n"]
    copied = pickle.loads(pickle.dumps(error))
    assert (type(copied), copied.args) == (error_class, ("no such model",))

    assert str(error_class()) == ""
    assert str(error_class(ValueError("in it"))) == "in it"


def test_text_of_the_error_of_a_response_is_its_message() -> None:
    response = object()
    error = tb.InternalError("out of memory", response)
    assert error.args == ("out of memory", response)
    assert str(error) == "out of memory"


def test_error_of_the_core() -> None:
    with pytest.raises(tb.InvalidArgumentError) as caught:
        tb.TRITONSERVER_MetricFamily(tb.TRITONSERVER_MetricKind(1), "bad name", "")
    assert caught.value.args == (str(caught.value),)


@pytest.mark.parametrize("code", CLASSES)
def test_error_object(code: str) -> None:
    error_code = tb.TRITONSERVER_Error_Code[code]
    error = tb.TRITONSERVER_Error(error_code, "what went wrong")
    assert error.code is error_code
    assert error.message == "what went wrong"
    in_words = {
        "INVALID_ARG": "Invalid argument",
        "CANCELLED": "<invalid code>",
        "UNSUPPORTED": "Unsupported",
    }
    assert error.code_string == in_words.get(code, code.replace("_", " ").capitalize())
