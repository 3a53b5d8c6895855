"""Sequences: requests that a stateful model must see in order, with a beginning and an end."""

from __future__ import annotations

import contextlib
import itertools
import random
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import tritonserver
from tritonserver._api._one_response import only_outputs_async
from tritonserver._api._request import SequenceArguments
from tritonserver._api._response import AsyncResponseIterator, ResponseIterator
from tritonserver._api._tensor import Tensor
from tritonserver._c.triton_bindings import (
    InvalidArgumentError,
    TritonError,
    TRITONSERVER_RequestFlag,
)

if sys.version_info >= (3, 11):
    from typing import Self, Unpack
elif TYPE_CHECKING:
    from typing_extensions import Self, Unpack

# Far from the small numbers that programs choose themselves.
_correlation_ids = itertools.count(random.SystemRandom().randrange(1 << 62, 1 << 63))


class Sequence:
    """A sequence of requests to a stateful model; `Model.sequence` makes it.

    The first request gets the start flag, and the one sent with ``end=True`` the end flag. Leaving
    the ``with`` block, for whatever reason, ends a sequence that has not been ended: the last
    inputs are sent once more with the end flag, since Triton has no other way to end one, and the
    answer is dropped. A sequence is for one thread or task.
    """

    def __init__(self, model: tritonserver.Model, correlation_id: int | str | None) -> None:
        self._model = model
        self._correlation_id = next(_correlation_ids) if correlation_id is None else correlation_id
        self._started = False
        self._ended = False
        self._last_inputs: Mapping[str, Any] = {}

    @property
    def correlation_id(self) -> int | str:
        """What makes the requests one sequence to the model."""
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
        flags = self._next_flags(end, kwargs)
        responses = self._model.infer(
            None, raise_on_error, flags=flags, correlation_id=self._correlation_id, **kwargs
        )
        self._sent(end, kwargs)
        return responses

    def async_infer(
        self,
        *,
        end: bool = False,
        raise_on_error: bool = True,
        **kwargs: Unpack[SequenceArguments],
    ) -> AsyncResponseIterator:
        """Send the next request, as `Model.async_infer` does."""
        flags = self._next_flags(end, kwargs)
        responses = self._model.async_infer(
            None, raise_on_error, flags=flags, correlation_id=self._correlation_id, **kwargs
        )
        self._sent(end, kwargs)
        return responses

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

    def _next_flags(self, end: bool, arguments: SequenceArguments) -> int:
        if self._ended:
            raise InvalidArgumentError("the sequence has ended; begin a new one")
        for name in ("flags", "correlation_id"):
            if name in arguments:
                raise InvalidArgumentError(f"{name}: the sequence sets it")
        flags = 0 if self._started else TRITONSERVER_RequestFlag.SEQUENCE_START.value
        return flags | (TRITONSERVER_RequestFlag.SEQUENCE_END.value if end else 0)

    def _sent(self, end: bool, arguments: SequenceArguments) -> None:
        self._started = True
        self._ended = end
        self._last_inputs = arguments.get("inputs", {})
