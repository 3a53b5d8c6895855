"""Bad input for every function: what the docstrings' signatures say is put to the test.

For each parameter of each function there are values that its type refuses. Each must end in a
`TypeError` or a `TritonError`, with all other arguments as they should be.
"""

import ast
import concurrent.futures
import copy
import enum
import pickle
import queue
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from tritonserver._c import triton_bindings as tb

MODULE = re.compile(r"\b(?:\w+\.)*_?triton_bindings\.")
X = np.zeros(3, np.float32)

# String parameters that may be empty; all others are names.
MAY_BE_EMPTY = {
    ("TRITONSERVER_Error", "message"),
    ("TRITONSERVER_InferenceRequest.correlation_id_string", "arg1"),
    ("TRITONSERVER_InferenceRequest.id", "arg1"),
    ("TRITONSERVER_InferenceRequest.set_string_parameter", "value"),
    ("TRITONSERVER_InferenceTrace.context", "arg1"),
    ("TRITONSERVER_LogMessage", "filename"),
    ("TRITONSERVER_LogMessage", "message"),
    ("TRITONSERVER_Message", "json"),
    ("TRITONSERVER_MetricFamily", "description"),
    ("TRITONSERVER_Server.model_statistics", "model_name"),
    ("TRITONSERVER_ServerOptions.set_backend_config", "backend"),
    ("TRITONSERVER_ServerOptions.set_backend_config", "value"),
    ("TRITONSERVER_ServerOptions.set_backend_directory", "path"),
    ("TRITONSERVER_ServerOptions.set_cache_config", "json"),
    ("TRITONSERVER_ServerOptions.set_cache_directory", "path"),
    ("TRITONSERVER_ServerOptions.set_host_policy", "value"),
    ("TRITONSERVER_ServerOptions.set_log_file", "path"),
    ("TRITONSERVER_ServerOptions.set_metrics_config", "section"),
    ("TRITONSERVER_ServerOptions.set_metrics_config", "value"),
    ("TRITONSERVER_ServerOptions.set_model_config_name", "name"),
    ("TRITONSERVER_ServerOptions.set_repo_agent_directory", "path"),
    ("TRITONSERVER_ServerOptions.set_server_id", "id"),
    ("TRITONSERVER_StringToDataType", "name"),
    ("_load_library", "backends"),
    ("_load_library", "caches"),
    ("_load_library", "repository_agents"),
}
# Text of any content, which is not passed on as a C string.
MAY_HAVE_NUL = {("TRITONSERVER_Message", "json")}
NOT_NEGATIVE = {"index", "seconds", "flags", "count", "config_version", "byte_size", "pointer"}


class Function:
    """One overload of a function, as its docstring describes it."""

    def __init__(self, name: str, owner: type | None, signature: str) -> None:
        definition = ast.parse(f"def {MODULE.sub('', signature)}: ...").body[0]
        assert isinstance(definition, ast.FunctionDef)
        self.name = name
        self.owner = owner
        self.types = {
            argument.arg: ast.unparse(argument.annotation)
            for argument in definition.args.args
            if argument.annotation
        }

    @property
    def is_constructor(self) -> bool:
        return self.owner is not None and self.name == self.owner.__name__

    @property
    def arguments(self) -> list[tuple[int, str, str]]:
        """Place, name and type of each argument."""
        first = 1 if self.is_constructor else 0
        return [(i, name, type_) for i, (name, type_) in enumerate(self.types.items())][first:]

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(self.types)})"


def overloads(docstring: str | None) -> Iterator[str]:
    for line in (docstring or "").splitlines():
        if match := re.fullmatch(r"(?:\d+\. )?(\w+\((?!\*args).*\) -> .+)", line):
            yield match[1]


def functions() -> Iterator[Function]:
    for name, value in vars(tb).items():
        if isinstance(value, type):
            if issubclass(value, enum.Enum | Exception):
                continue
            for member, function in vars(value).items():
                if isinstance(function, property):
                    for accessor in (function.fget, function.fset):
                        if accessor is not None:
                            signature = (accessor.__doc__ or "").strip().splitlines()[0]
                            yield Function(f"{name}.{member}", value, "accessor" + signature)
                elif member == "__init__" or not member.startswith("__"):
                    label = name if member == "__init__" else f"{name}.{member}"
                    for signature in overloads(function.__doc__):
                        yield Function(label, value, signature)
        elif callable(value) and not isinstance(value, enum.Enum):
            for signature in overloads(value.__doc__):
                yield Function(name, None, signature)


FUNCTIONS = list(functions())


@pytest.fixture(scope="module")
def samples(server: tb.TRITONSERVER_Server) -> dict[str, Callable[[], Any]]:
    """Make a good value of each type."""
    server.load_model("identity_fp32")

    def request() -> tb.TRITONSERVER_InferenceRequest:
        made = tb.TRITONSERVER_InferenceRequest(server, "identity_fp32", -1)
        made.add_input("INPUT0", tb.TRITONSERVER_DataType.FP32, [3])
        made.append_input_data("INPUT0", X.ctypes.data, X.nbytes, tb.TRITONSERVER_MemoryType.CPU, 0)
        return made

    def response() -> tb.TRITONSERVER_InferenceResponse:
        sent = request()
        server.infer_async(sent)
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        sent.get_next_response(future)
        return future.result(timeout=10)[0]

    def family() -> tb.TRITONSERVER_MetricFamily:
        return tb.TRITONSERVER_MetricFamily(tb.TRITONSERVER_MetricKind.GAUGE, "bad_input", "")

    return {
        "str": lambda: "a",
        "bool": lambda: True,
        "typing.SupportsIndex": lambda: 1,
        "typing.SupportsFloat | typing.SupportsIndex": lambda: 1.0,
        "bytes | str | bool | int | float": lambda: "a",
        "object": lambda: None,
        "TRITONSERVER_BufferAttributes": tb.TRITONSERVER_BufferAttributes,
        "TRITONSERVER_Error": lambda: tb.TRITONSERVER_Error(tb.TRITONSERVER_Error_Code.UNKNOWN, ""),
        "TRITONSERVER_InferenceRequest": request,
        "TRITONSERVER_InferenceResponse": response,
        "TRITONSERVER_InferenceTrace": lambda: tb.TRITONSERVER_InferenceTrace(
            0, 0, print, print, None
        ),
        "TRITONSERVER_Message": lambda: tb.TRITONSERVER_Message("{}"),
        "TRITONSERVER_Metric": lambda: tb.TRITONSERVER_Metric(family(), []),
        "TRITONSERVER_MetricArgs": tb.TRITONSERVER_MetricArgs,
        "TRITONSERVER_MetricFamily": family,
        "TRITONSERVER_Metrics": server.metrics,
        "TRITONSERVER_Parameter": lambda: tb.TRITONSERVER_Parameter("a", "b"),
        "_ModelPin": lambda: tb._ModelPin(server, "identity_fp32", -1),
        "TRITONSERVER_ResponseAllocator": lambda: tb.TRITONSERVER_ResponseAllocator(print, print),
        "TRITONSERVER_Server": lambda: server,
        "TRITONSERVER_ServerOptions": tb.TRITONSERVER_ServerOptions,
    }


def good_value(samples: dict[str, Callable[[], Any]], type_: str) -> Any:
    if type_ in samples:
        return samples[type_]()
    if "Callable" in type_:
        return print
    if "Sequence" in type_:
        return []
    if "Future" in type_:
        return concurrent.futures.Future()
    return next(iter(getattr(tb, type_)))


def bad_values(function: Function, parameter: str, type_: str) -> list[Any]:
    """Return values that a parameter must refuse."""
    if type_ == "str":
        values: list[Any] = [None, 1, b"\xff", ["a"], object(), "\ud800"]
        if (function.name, parameter) not in MAY_HAVE_NUL:
            values.append("a\0b")
        if (function.name, parameter) not in MAY_BE_EMPTY:
            values.append("")
        return values
    if type_ == "bool":
        return [None, "yes", [], object()]
    if type_ == "typing.SupportsIndex":
        values = [None, 1.0, np.float32(1), "1", object(), 2**64, -(2**63) - 1]
        return values + ([-1] if parameter in NOT_NEGATIVE else [])
    if type_ == "typing.SupportsFloat | typing.SupportsIndex":
        return [None, "1", object(), 1j]
    if type_ == "bytes | str | bool | int | float":
        return [None, object(), [], 2**63]
    if type_ == "object":
        return []
    if "Callable" in type_:
        return [1, "print", object()] + ([] if "None" in type_.partition("]")[2] else [None])
    if "Sequence" in type_:
        return [None, 1, object(), [None], [object()], "ab"]
    if "Future" in type_:
        return [None, 1, object()]
    type_of_object = getattr(tb, type_)
    if issubclass(type_of_object, enum.Enum):
        other = next(
            value
            for value in (tb.TRITONSERVER_LogFormat.DEFAULT, tb.TRITONSERVER_MemoryType.CPU)
            if type(value).__name__ != type_
        )
        return [None, 0, "CPU", other, type_of_object(64), type_of_object(2**40)]
    never_initialized = type_of_object.__new__(type_of_object)
    return [None, 0, object(), tb, type_of_object, never_initialized]


def cases() -> Iterator[Any]:
    for function in FUNCTIONS:
        for number, parameter, type_ in function.arguments:
            for value in bad_values(function, parameter, type_):
                yield pytest.param(
                    function, number, value, id=f"{function}-{parameter}-{value!r:.40}"
                )


def call(function: Function, arguments: list[Any]) -> Any:
    if function.is_constructor:
        return getattr(tb, function.name)(*arguments[1:])
    if function.owner is None:
        return getattr(tb, function.name)(*arguments)
    member = getattr(function.owner, function.name.partition(".")[2])
    if isinstance(member, property):
        member = member.fget if len(function.types) == 1 else member.fset
    return member(*arguments)


def test_all_functions_are_found() -> None:
    # Each getter, setter, method, constructor and function that the docstrings' signatures show.
    assert len(FUNCTIONS) >= 168
    assert {"TRITONSERVER_Server.infer_async", "TRITONSERVER_Metric", "api_version"} <= {
        function.name for function in FUNCTIONS
    }


@pytest.mark.parametrize(("function", "number", "value"), list(cases()))
def test_argument(
    samples: dict[str, Callable[[], Any]], function: Function, number: int, value: Any
) -> None:
    arguments = [good_value(samples, type_) for type_ in function.types.values()]
    arguments[number] = value
    with pytest.raises((TypeError, tb.TritonError)) as caught:
        call(function, arguments)
    assert str(caught.value)


@pytest.fixture(scope="module")
def gone(
    server: tb.TRITONSERVER_Server,
    samples: dict[str, Callable[[], Any]],
    make_options: Callable[..., tb.TRITONSERVER_ServerOptions],
) -> dict[str, Any]:
    """An object of each type that can be taken away from the program, after that happened."""
    trace = samples["TRITONSERVER_InferenceTrace"]()
    lent: list[tb.TRITONSERVER_BufferAttributes] = []

    def describe(*arguments: Any) -> Any:
        lent.append(arguments[2])
        return arguments[2]

    block = np.zeros(12, np.byte)
    allocator = tb.TRITONSERVER_ResponseAllocator(
        lambda *_: (block.ctypes.data, block, tb.TRITONSERVER_MemoryType.CPU, 0), lambda *_: None
    )
    allocator.set_buffer_attributes_function(describe)
    answered: queue.Queue[Any] = queue.Queue()
    sent = samples["TRITONSERVER_InferenceRequest"]()
    sent.set_response_callback(allocator, None, lambda *args: answered.put(args[0]), None)
    server.infer_async(sent, trace)
    answered.get(timeout=10)

    stopped = tb.TRITONSERVER_Server(make_options("identity_fp32"))
    request = tb.TRITONSERVER_InferenceRequest(stopped, "identity_fp32", -1)
    request.add_input("INPUT0", tb.TRITONSERVER_DataType.FP32, [3])
    request.append_input_data("INPUT0", X.ctypes.data, X.nbytes, tb.TRITONSERVER_MemoryType.CPU, 0)
    stopped.infer_async(request)
    future: concurrent.futures.Future[Any] = concurrent.futures.Future()
    request.get_next_response(future)
    response = future.result(timeout=10)[0]
    stopped.stop()
    return {
        "TRITONSERVER_BufferAttributes": lent.pop(),
        "TRITONSERVER_InferenceRequest": request,
        "TRITONSERVER_InferenceResponse": response,
        "TRITONSERVER_InferenceTrace": trace,
    }


# What a request does without the core's.
NEEDS_NO_REQUEST = {"get_next_response", "set_release_callback", "set_response_callback"}


@pytest.mark.parametrize(
    ("function", "number", "type_"),
    [
        pytest.param(function, number, type_, id=f"{function}-{parameter}")
        for function in FUNCTIONS
        for number, parameter, type_ in function.arguments
        if type_
        in {
            "TRITONSERVER_BufferAttributes",
            "TRITONSERVER_InferenceRequest",
            "TRITONSERVER_InferenceResponse",
            "TRITONSERVER_InferenceTrace",
        }
        and function.name.partition(".")[2] not in NEEDS_NO_REQUEST
    ],
)
def test_object_that_is_gone(
    samples: dict[str, Callable[[], Any]],
    gone: dict[str, Any],
    function: Function,
    number: int,
    type_: str,
) -> None:
    arguments = [good_value(samples, type_) for type_ in function.types.values()]
    arguments[number] = gone[type_]
    with pytest.raises((tb.InvalidArgumentError, tb.UnavailableError), match=r"no longer|is gone"):
        call(function, arguments)


@pytest.mark.parametrize("function", FUNCTIONS, ids=repr)
def test_number_of_arguments(samples: dict[str, Callable[[], Any]], function: Function) -> None:
    arguments = [good_value(samples, type_) for type_ in function.types.values()]
    with pytest.raises(TypeError):
        call(function, [*arguments, *[None] * 5])
    if len(arguments) > 1 and function.name != "TRITONSERVER_Metric":
        with pytest.raises(TypeError):
            call(function, arguments[:1])


@pytest.mark.parametrize(
    "name",
    [
        "TRITONSERVER_InferenceResponse",
        "TRITONSERVER_Metrics",
    ],
)
def test_classes_that_only_the_core_makes(name: str) -> None:
    with pytest.raises(TypeError, match="No constructor"):
        getattr(tb, name)()


@pytest.mark.parametrize("name", [n for n in dir(tb) if n.startswith("TRITONSERVER_")])
def test_objects_are_not_copied(samples: dict[str, Callable[[], Any]], name: str) -> None:
    if name in samples:
        made = samples[name]()
        for duplicate in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError):
                duplicate(made)
