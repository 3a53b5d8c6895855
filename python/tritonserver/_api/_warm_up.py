"""Warm-up of models, as requests.

The core warms a model up while it loads it, and can end the process over samples that do not fit.
So where a configuration can be replaced, which an EXPLICIT server allows, the core gets one without
`model_warmup`, and its samples are sent as requests when the model is loaded.
"""

from __future__ import annotations

import json
import math
import os
import random
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy

from tritonserver._api._blocking import Deadline
from tritonserver._api._enums import DataType, ModelBatchFlag
from tritonserver._api._iterators import ResponseIterator
from tritonserver._api._memorybuffer import MemoryBuffer
from tritonserver._api._model import Model
from tritonserver._api._model_config import config_json
from tritonserver._api._tensor import Tensor
from tritonserver._c import _inference
from tritonserver._c.triton_bindings import InvalidArgumentError, TritonError

_FIELD = "model_warmup"

# Bytes of an element; BYTES have none.
_BYTE_SIZES = {row[0]: row[2] // 8 for row in _inference.DATA_TYPES}


@dataclass(frozen=True)
class WarmUp:
    """What a model is to be warmed up with.

    Parameters
    ----------
    config
        The model's configuration, without it.
    samples
        The messages `ModelWarmup` of the configuration.
    directory
        The model's, where the files of the samples are.
    """

    config: dict[str, Any]
    samples: Sequence[Mapping[str, Any]]
    directory: Path

    def state(self) -> object:
        """Return what is another one when the configuration or the model's files have changed."""
        paths = [
            os.path.join(root, file)
            for root, _, files in os.walk(self.directory)
            if os.path.basename(root) != "__pycache__"
            for file in files
        ]
        times = sorted((path, os.stat(path).st_mtime_ns) for path in paths)
        return self.config, self.samples, times

    def run(self, model: Model, deadline: Deadline) -> None:
        """Send the samples in their order, each as often as it says, and wait for the answers.

        Each time, there is a request for each instance at once, so that all have something to do.

        Raises
        ------
        InvalidArgumentError
            A sample is wrong or fails; the text names it and says why.
        TimeoutError
            The deadline has come.
        """
        config: Mapping[str, Any] = model.config()
        instances = sum(
            int(group["count"]) * max(1, len(group["gpus"]))
            for group in config.get("instance_group", ())
        )
        for sample in self.samples:
            try:
                rows, requests = self._shape(sample, model, config)
                inputs = self._inputs(sample, config, rows)
                for _ in range(int(sample.get("count") or 1)):
                    sent = [
                        _send(model, config, inputs) for _ in range(requests * max(1, instances))
                    ]
                    for responses in sent:
                        _wait_for_end(responses, deadline)
            except (TritonError, OSError, ValueError) as error:
                raise InvalidArgumentError(
                    f"load failed for model {model.name!r}: sample {sample.get('name', '')!r} of "
                    f"its {_FIELD}: {error}"
                ) from error

    def _shape(
        self, sample: Mapping[str, Any], model: Model, config: Mapping[str, Any]
    ) -> tuple[int | None, int]:
        """Return the rows of a request, None without a batch, and how many requests it takes."""
        batch_size = int(sample.get("batch_size") or 1)
        if "sequence_batching" in config:  # whose requests have one row each
            rows, requests = 1, batch_size
        else:
            rows, requests = batch_size, 1
        if model.batch_properties() & ModelBatchFlag.FIRST_DIM:
            return rows, requests
        if batch_size != 1:
            raise ValueError(f"batch_size is {batch_size}, but the model takes no batches")
        return None, 1

    def _inputs(
        self, sample: Mapping[str, Any], config: Mapping[str, Any], rows: int | None
    ) -> dict[str, Tensor]:
        # The batcher adds these itself.
        controls = config.get("sequence_batching", {}).get("control_input", ())
        added = {control["name"] for control in controls}
        return {
            name: self._tensor(name, spec, rows)
            for name, spec in sample.get("inputs", {}).items()
            if name not in added
        }

    def _tensor(self, name: str, spec: Mapping[str, Any], rows: int | None) -> Tensor:
        data_type = _data_type(spec.get("data_type"))
        dims = [int(length) for length in spec.get("dims", ())]
        if data_type is None or any(length < 0 for length in dims):
            raise ValueError(f"input {name!r} needs a data_type, and dims that are not negative")
        if "input_data_file" in spec:
            row = (self.directory / "warmup" / spec["input_data_file"]).read_bytes()
        else:
            row = _made_up(data_type, math.prod(dims), is_random=bool(spec.get("random_data")))
        shape = dims if rows is None else [rows, *dims]
        memory = numpy.frombuffer(row * (rows or 1), numpy.uint8).copy()
        return Tensor(data_type, shape, MemoryBuffer.from_dlpack(memory))


class WarmUps:
    """The warm-ups of the models of one server."""

    def __init__(self) -> None:
        self._done: dict[str, object] = {}

    def take_out(
        self,
        model: Model,
        repositories: Iterable[str],
        parameters: Mapping[str, Any] | None,
        config: Any,
        files: Mapping[str, Any] | None,
    ) -> WarmUp | None:
        """Return what a load of `model` has to be followed by; None if nothing.

        Parameters
        ----------
        repositories
            Where the model is; one in a remote repository is left to the core.
        parameters, config, files
            Those of the load.
        """
        parameters = parameters or {}
        given = parameters.get("config") if config is None else config
        replaced = None if given is None else _parse(given)
        if files or any(name.startswith("file:") for name in parameters):
            if replaced and replaced.get(_FIELD):
                warn_of_core([model.name], "load the model from a repository instead")
            return None
        return _find(repositories, model.name, replaced)

    def is_done(self, model: Model, warm_up: WarmUp) -> bool:
        """Whether `model` is loaded and warmed up, and has not changed since.

        The core may load it again, for its configuration is never that of its file.
        """
        return self._done.get(model.name) == warm_up.state() and model.ready()

    def run(self, model: Model, warm_up: WarmUp, deadline: Deadline) -> None:
        """Do what `WarmUp.run` does, and remember that."""
        state = warm_up.state()
        warm_up.run(model, deadline)
        self._done[model.name] = state


def names_with_warm_up(repositories: Iterable[str]) -> list[str]:
    """Return the models in local repositories that have a warm-up."""
    return [
        directory.name
        for repository in map(Path, repositories)
        if repository.is_dir()
        for directory in repository.iterdir()
        if _mentions_warm_up(directory / "config.pbtxt")
    ]


def warn_of_core(models: Iterable[str], remedy: str) -> None:
    """Say that the core itself warms these models up."""
    if listed := ", ".join(map(repr, models)):
        warnings.warn(
            f"the core itself runs the samples of {_FIELD} of {listed}, and may end the process "
            f"over one that does not fit the model; {remedy}",
            RuntimeWarning,
            stacklevel=4,
        )


def _find(repositories: Iterable[str], name: str, config: dict[str, Any] | None) -> WarmUp | None:
    for repository in map(Path, repositories):
        directory = repository / name
        if not directory.is_dir():
            continue
        path = directory / "config.pbtxt"
        found = config
        if config is None and _mentions_warm_up(path):
            found = _parse(path.read_text(encoding="utf-8", errors="replace"))
        if found is not None and (samples := found.pop(_FIELD, None)):
            return WarmUp(found, samples, directory)
    return None


def _parse(config: Any) -> dict[str, Any] | None:
    try:
        parsed: dict[str, Any] = json.loads(config_json(config))
    except (ValueError, InvalidArgumentError):
        return None  # The core says what is wrong with it.
    return parsed


def _mentions_warm_up(config: Path) -> bool:
    try:
        return _FIELD.encode() in config.read_bytes()
    except OSError:
        return False


def _data_type(name: Any) -> DataType | None:
    text = str(name).removeprefix("TYPE_")
    return DataType.__members__.get({"STRING": "BYTES"}.get(text, text))


def _made_up(data_type: DataType, count: int, is_random: bool) -> bytes:
    """Return zeros, or small random numbers or letters, as they lie in memory."""
    if data_type is DataType.BYTES:
        element = b"\x01\0\0\0%c" if is_random else b"\0\0\0\0"
        letters = random.choices(b"abcdefghijklmnopqrstuvwxyz", k=count)
        return b"".join(element % letter if is_random else element for letter in letters)
    if not is_random:
        return bytes(count * _BYTE_SIZES[data_type])
    if data_type is DataType.BF16:  # the upper half of FP32
        return numpy.random.rand(count).astype("<f4").view("<u2")[1::2].tobytes()
    kind = numpy.dtype(_inference.DATA_TYPES[data_type.value][3])
    numbers = numpy.random.rand(count) if kind.kind == "f" else numpy.random.randint(0, 2, count)
    return numbers.astype(kind).tobytes()


def _send(
    model: Model, config: Mapping[str, Any], inputs: Mapping[str, Tensor]
) -> ResponseIterator:
    if "sequence_batching" in config:
        return model.sequence().infer(end=True, inputs=inputs)
    return model.infer(inputs=inputs)


def _wait_for_end(responses: ResponseIterator, deadline: Deadline) -> None:
    while True:
        try:
            responses.next(deadline.remaining())
        except StopIteration:
            return
