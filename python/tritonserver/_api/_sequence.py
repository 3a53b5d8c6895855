"""Sequences: requests that a stateful model must see in order, with a beginning and an end."""

from __future__ import annotations

import contextlib
import itertools
import random
import sys
import time
import weakref
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import tritonserver
from tritonserver._api._enums import DataType
from tritonserver._api._one_response import only_outputs_async
from tritonserver._api._request import SequenceArguments
from tritonserver._api._response import AsyncResponseIterator, ResponseIterator
from tritonserver._api._tensor import Tensor
from tritonserver._c import _inference
from tritonserver._c._handle import Handle
from tritonserver._c.triton_bindings import (
    InvalidArgumentError,
    TritonError,
    TRITONSERVER_RequestFlag,
)

if sys.version_info >= (3, 11):
    from typing import Self, Unpack
elif TYPE_CHECKING:
    from typing_extensions import Self, Unpack

_numbers = itertools.count(random.SystemRandom().randrange(1 << 62))

# Those that were started, by id: numbers that begin anew must not meet one of them.
_sequences: weakref.WeakValueDictionary[int | str, Sequence] = weakref.WeakValueDictionary()

_BITS = {DataType.INT32: 31, DataType.UINT32: 32}


class Sequence(Handle):
    """A sequence of requests to a stateful model; `Model.sequence` makes it.

    The first request gets the start flag, and the one sent with ``end=True`` the end flag. Leaving
    the ``with`` block, for whatever reason, ends a sequence that has not been ended: the last
    inputs are sent once more with the end flag, since Triton has no other way to end one, and the
    answer is dropped. A sequence is for one thread or task.

    Triton forgets a sequence without telling the model, which may keep its state: after
    `max_sequence_idle_microseconds` of the model's configuration without a request (1 s unless it
    says otherwise), when one of its requests is cancelled in the queue, and when the model is
    loaded again. The next request is an `InvalidArgumentError` then, and the sequence over.
    """

    _instead = "send inputs to the process that has the sequence"

    def __init__(self, model: tritonserver.Model, correlation_id: int | str | None) -> None:
        self._model = model
        self._correlation_id = correlation_id
        self._started = False
        self._ended = False
        self._last_inputs: Mapping[str, Any] = {}
        self._last_sent = 0.0

    @property
    def correlation_id(self) -> int | str:
        """What makes the requests one sequence to the model.

        If none was given it is made when it is first needed: of the type that the model's
        configuration says, and different from those of all other sequences of the process.
        """
        if self._correlation_id is None:
            self._correlation_id = _new_id(self._facts()[0])
        return self._correlation_id

    def infer(
        self,
        *,
        end: bool = False,
        raise_on_error: bool = True,
        **kwargs: Unpack[SequenceArguments],
    ) -> ResponseIterator:
        """Send the next request, as `Model.infer` does.

        Parameters
        ----------
        end
            Whether it is the last one of the sequence.
        """
        with self._sending(end, kwargs) as flags:
            return self._model.infer(
                None, raise_on_error, flags=flags, correlation_id=self.correlation_id, **kwargs
            )

    def async_infer(
        self,
        *,
        end: bool = False,
        raise_on_error: bool = True,
        **kwargs: Unpack[SequenceArguments],
    ) -> AsyncResponseIterator:
        """Send the next request, as `Model.async_infer` does."""
        with self._sending(end, kwargs) as flags:
            return self._model.async_infer(
                None, raise_on_error, flags=flags, correlation_id=self.correlation_id, **kwargs
            )

    def __call__(
        self, inputs: Mapping[str, Any] | None = None, /, **named_inputs: Any
    ) -> dict[str, Tensor]:
        """Send the next request, wait for its answer, and return the outputs by name."""
        return self.infer(inputs={**(inputs or {}), **named_inputs})._only_outputs()

    async def call_async(
        self, inputs: Mapping[str, Any] | None = None, /, **named_inputs: Any
    ) -> dict[str, Tensor]:
        """Send the next request, await its answer, and return the outputs by name."""
        return await only_outputs_async(self.async_infer(inputs={**(inputs or {}), **named_inputs}))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, exception_type: type[BaseException] | None, *_: object) -> None:
        if self._is_open():
            with self._ending(exception_type):
                responses = self.infer(end=True, raise_on_error=False, inputs=self._last_inputs)
                responses._only_outputs()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, exception_type: type[BaseException] | None, *_: object) -> None:
        if self._is_open():
            with self._ending(exception_type):
                await only_outputs_async(
                    self.async_infer(end=True, raise_on_error=False, inputs=self._last_inputs)
                )

    def _is_open(self) -> bool:
        return self._started and not self._ended

    @staticmethod
    def _ending(
        exception_type: type[BaseException] | None,
    ) -> contextlib.AbstractContextManager[None]:
        # What went wrong in the block matters more than that the end failed, too.
        return (
            contextlib.nullcontext() if exception_type is None else contextlib.suppress(TritonError)
        )

    @contextlib.contextmanager
    def _sending(self, end: bool, arguments: SequenceArguments) -> Iterator[int]:
        """Yield the flags of the next request, which the block sends."""
        if self._ended:
            raise InvalidArgumentError("the sequence has ended; begin a new one")
        for name in ("flags", "correlation_id"):
            if name in arguments:
                raise InvalidArgumentError(f"{name}: the sequence sets it")
        flags = 0 if self._started else TRITONSERVER_RequestFlag.SEQUENCE_START.value
        try:
            yield flags | (TRITONSERVER_RequestFlag.SEQUENCE_END.value if end else 0)
        except InvalidArgumentError as refusal:
            if not self._started or "START flag" not in str(refusal):
                raise
            self._ended = True
            raise InvalidArgumentError(self._why_it_is_unknown()) from refusal
        _sequences[self.correlation_id] = self
        self._started = True
        self._ended = end
        self._last_inputs = arguments.get("inputs", {})
        self._last_sent = time.monotonic()

    def _why_it_is_unknown(self) -> str:
        idle = time.monotonic() - self._last_sent
        limit = self._facts()[1] / 1e6
        what = f"sequence {self._correlation_id!r} of model {self._model.name!r}"
        limited = f"{limit:g} s (max_sequence_idle_microseconds of its configuration)"
        if 0 < limit <= idle:
            why = f"{what} has expired: it was idle for {idle:.3g} s, longer than {limited}"
        else:
            why = (
                f"{what} is over: one of its requests was cancelled, or the model was loaded "
                f"again; it was idle for {idle:.3g} s only, of {limited}"
            )
        return f"{why}; begin a new one, and mind that the model was not told of the end"

    def _facts(self) -> tuple[DataType, int]:
        model = self._model
        return _inference.sequence_facts(model._server, model.name, model.version)


def _new_id(data_type: DataType) -> int | str:
    """Return an id that fits the control input, or any if the model has none."""
    bits = _BITS.get(data_type, 63)
    # The upper half: far from the small numbers that programs choose themselves, and apart from
    # those of other widths.
    half = 1 << (bits - 1)
    candidates = (half + number % half for number in _numbers)
    number = next(candidate for candidate in candidates if candidate not in _sequences)
    return str(number) if data_type is DataType.BYTES else number
