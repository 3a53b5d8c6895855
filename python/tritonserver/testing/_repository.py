"""A model repository that is written from Python."""

import inspect
import os
import re
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tritonserver._c.triton_bindings import InvalidArgumentError

_MODEL = """\
from __future__ import annotations

import numpy as np
import triton_python_backend_utils as pb_utils


{source}

def _outputs(request):
    return {name}(**{{tensor.name(): tensor.as_numpy() for tensor in request.inputs()}})


def _response(outputs):
    tensors = [pb_utils.Tensor(name, np.asarray(value)) for name, value in outputs.items()]
    return pb_utils.InferenceResponse(tensors)


def _error(error):
    message = f"{{type(error).__name__}}: {{error}}"
    return pb_utils.InferenceResponse(error=pb_utils.TritonError(message))


class TritonPythonModel:
{execute}
"""

_EXECUTE = """\
    def execute(self, requests):
        return [self._respond(request) for request in requests]

    def _respond(self, request):
        try:
            return _response(_outputs(request))
        except Exception as error:
            return _error(error)
"""

_EXECUTE_DECOUPLED = """\
    def execute(self, requests):
        for request in requests:
            sender = request.get_response_sender()
            try:
                for outputs in _outputs(request):
                    if request.is_cancelled():
                        break
                    sender.send(_response(outputs))
            except Exception as error:
                sender.send(_error(error))
            sender.send(flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
"""

_TENSOR = re.compile(r"\s*(?P<type>\w+)\s*\[(?P<dims>[-\d,\s]*)\]\s*")

#: A Python function that is a model: arrays by name of input to arrays by name of output.
ModelFunction = Callable[..., Any]


class ModelRepository:
    """A directory of models, to be given to `tritonserver.Server`.

    Parameters
    ----------
    path
        The directory; made if it is not there.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path: Path = Path(path)
        self.path.mkdir(parents=True, exist_ok=True)

    def __fspath__(self) -> str:
        return str(self.path)

    def add(
        self,
        name: str,
        function: ModelFunction,
        inputs: Mapping[str, str],
        outputs: Mapping[str, str],
        *,
        version: int = 1,
        max_batch_size: int = 0,
        decoupled: bool = False,
        config: str = "",
    ) -> Path:
        """Write a Python model that calls `function`, and return the model's directory.

        The function's source is copied, so it must hold whatever it needs, imports included; only
        `np` is there. It gets the inputs as keyword arguments, NumPy arrays with the batch
        dimension if there is one and with `bytes` objects for BYTES, and returns a dict of outputs.
        What it raises becomes the error of the response.

        Parameters
        ----------
        inputs, outputs
            Names to types and dimensions, such as `"FP32[-1, 4]"` or `"BYTES[1]"`.
        max_batch_size
            More than 0 for a model that batches; the dimensions are without the batch then.
        decoupled
            Whether the function is a generator that yields any number of responses.
        config
            More of the model's configuration, as protobuf text.

        Raises
        ------
        InvalidArgumentError
            The function has no source, or uses variables from around it; or a tensor cannot be
            read.
        """
        directory = self.path / name
        source = _source(function)
        execute = _EXECUTE_DECOUPLED if decoupled else _EXECUTE
        model = _MODEL.format(source=source, name=function.__name__, execute=execute)
        fields = [
            'backend: "python"',
            f"max_batch_size: {max_batch_size}",
            *(_tensor("input", *item) for item in inputs.items()),
            *(_tensor("output", *item) for item in outputs.items()),
            "instance_group { kind: KIND_CPU }",
        ]
        if decoupled:
            fields.append("model_transaction_policy { decoupled: true }")
        (directory / str(version)).mkdir(parents=True, exist_ok=True)
        (directory / str(version) / "model.py").write_text(model, encoding="utf-8")
        (directory / "config.pbtxt").write_text("\n".join([*fields, config, ""]), encoding="utf-8")
        return directory


def _source(function: ModelFunction) -> str:
    if not inspect.isfunction(function) or function.__name__ == "<lambda>":
        raise InvalidArgumentError(f"{function!r}: a model is made from a function with a name")
    outer = inspect.getclosurevars(function)
    borrowed = [*outer.nonlocals, *(name for name in outer.globals if name != "np")]
    if borrowed:
        raise InvalidArgumentError(
            f"{function.__name__}: uses {', '.join(borrowed)} from around it, which the model's "
            "process does not have; define or import that inside the function"
        )
    try:
        return textwrap.dedent(inspect.getsource(function))
    except OSError:
        raise InvalidArgumentError(f"{function.__name__}: its source cannot be found") from None


def _tensor(kind: str, name: str, specification: str) -> str:
    match = _TENSOR.fullmatch(specification)
    if match is None:
        raise InvalidArgumentError(f"{name}: {specification!r} must be like 'FP32[-1, 4]'")
    data_type = {"BYTES": "STRING"}.get(match["type"], match["type"])
    return f'{kind} {{ name: "{name}" data_type: TYPE_{data_type} dims: [{match["dims"]}] }}'
