"""The request path: from Python inputs to Python outputs."""

import asyncio
import collections.abc
import contextvars
import types
import typing

import numpy
import numpy.typing
import typing_extensions

import tritonserver
import tritonserver._api._dlpack
import tritonserver._api._request
import tritonserver._c.triton_bindings

def register(object: type | collections.abc.Callable[..., object]) -> None:
    """Hand in a class or function of tritonserver._api; it is known by its `__name__`."""

@typing.final
class PooledMemory:
    """Memory of an output, which goes back to the pool."""

def classification_label(array: object, output_index: object, class_index: object) -> str:
    """What `OutputMemory.output_classification_label` returns."""

class MemoryBufferBase:
    """The fields of MemoryBuffer."""
    def __getstate__(self) -> dict[str, typing.Any]:
        """The fields, to copy or pickle them."""

class TensorBase:
    """The fields of Tensor, and what it does with its memory."""
    def __dlpack__(
        self,
        *,
        stream: int | None = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> typing_extensions.CapsuleType:
        """A DLPack capsule over the tensor's memory, which keeps the tensor; versioned if `max_version` is at
        least (1, 0).

        InvalidArgumentError for BYTES, which DLPack does not have, and for a shape that does not fit the
        memory. BufferError if `copy` is False and the tensor would have to be copied to `dl_device`.
        """
    def __dlpack_device__(self) -> tuple[int, int]:
        """DLPack's device type and number of the memory. Pinned memory counts as the CPU's."""
    def _as_numpy(self) -> numpy.typing.NDArray[typing.Any]:
        """The tensor, in host memory, as an array."""
    def _as_bytes_array(self) -> numpy.typing.NDArray[numpy.object_]:
        """The elements of a BYTES tensor as bytes."""
    def _as_string_array(self) -> numpy.typing.NDArray[typing.Any]:
        """The elements of a BYTES tensor as text."""
    def __getstate__(self) -> dict[str, typing.Any]:
        """The fields, to copy or pickle them."""
    def __buffer__(self, flags: int, /) -> memoryview: ...

def view_dlpack(
    producer: tritonserver._api._dlpack.DLPackObject,
) -> tuple[
    tritonserver._c.triton_bindings.TRITONSERVER_DataType,
    list[int],
    int,
    tritonserver._c.triton_bindings.TRITONSERVER_MemoryType,
    int,
    int,
    object,
]:
    """(data type, shape, address, memory type, memory type id, bytes, owner) of the memory of an object
    with DLPack. The owner must be kept as long as the memory is used.
    """

def ask_for_capsule(
    producer: tritonserver._api._dlpack.DLPackObject, stream: object
) -> typing_extensions.CapsuleType:
    """What `__dlpack__` of an object returns for a stream of its device."""

def encode_text(
    value: numpy.typing.ArrayLike,
) -> tuple[
    tritonserver._c.triton_bindings.TRITONSERVER_DataType,
    list[int],
    int,
    tritonserver._c.triton_bindings.TRITONSERVER_MemoryType,
    int,
    int,
    object,
]:
    """The same of a BYTES tensor in new memory, with the elements of an array or list."""

class ResponseBase:
    """The fields of InferenceResponse."""
    def __getstate__(self) -> dict[str, typing.Any]:
        """The fields, to copy or pickle them."""

@typing.final
class Wakeup:
    """Wakes the task that waits for the next response."""
    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The loop whose task may wait."""
    def add_done_callback(
        self,
        callback: collections.abc.Callable[[typing_extensions.Self], object],
        /,
        *,
        context: contextvars.Context,
    ) -> None:
        """Have the task that waits called."""
    def cancel(self, msg: object = None) -> bool:
        """Wake the task with a CancelledError; whether it was still waiting."""
    def done(self) -> bool:
        """Whether nobody has to wait any more."""
    def result(self) -> None:
        """Raises CancelledError if cancelled."""
    _asyncio_future_blocking: bool

class SystemThread:
    """A running thread of the system, whatever `threading` has for threads."""
    def __init__(self, function: collections.abc.Callable[[], None], name: str) -> None:
        """RuntimeError if there can be none. The system keeps 15 characters of the name."""
    def join(self, timeout: typing.SupportsFloat | typing.SupportsIndex | None = None) -> bool:
        """Wait for the end of the function, for so many seconds or without a limit; False if it has not come.

        Gives way to signal handlers.
        """

class Responses:
    """The responses of one request."""
    def cancel(self) -> None:
        """Ask the model to stop. Best effort, and harmless when the request has finished.

        The stream still ends with a final response: an error of code CANCELLED, or just an early end, as
        the backend decides. Does not block.

        C API: TRITONSERVER_InferenceRequestCancel
        """
    def close(self) -> None:
        """Cancel what is still running and drop what was not read. Closing twice is allowed. Does not block."""

AnyIterator = typing.TypeVar("AnyIterator", bound=Responses)

class SyncResponses(Responses):
    """The responses of one request; waits for the next one."""
    def __iter__(self) -> typing_extensions.Self: ...
    def __next__(self) -> tritonserver.InferenceResponse: ...
    def _only_outputs(self) -> dict[str, tritonserver.Tensor]:
        """Wait for the end, close, and return the outputs of the one response that has any.

        UnsupportedError if several have.
        """
    def _next(self, timeout: float | None, /) -> tritonserver.InferenceResponse:
        """The next response, within `timeout` seconds if that is not None."""

class AsyncResponses(Responses):
    """The responses of one request; awaits the next one."""
    def __aiter__(self) -> typing_extensions.Self: ...
    def __anext__(
        self,
    ) -> collections.abc.Coroutine[typing.Any, typing.Any, tritonserver.InferenceResponse]: ...

@typing.final
class NextResponse:
    """Waits for the next response."""
    def __iter__(self) -> typing_extensions.Self: ...
    def __next__(self) -> asyncio.Future[None]: ...
    def __await__(
        self,
    ) -> collections.abc.Generator[typing.Any, typing.Any, tritonserver.InferenceResponse]: ...
    def send(self, value: None, /) -> Wakeup:
        """Go on, as the event loop does."""
    def throw(
        self,
        type: type[BaseException] | BaseException,
        value: object = None,
        traceback: types.TracebackType | None = None,
        /,
    ) -> typing.NoReturn:
        """Give up waiting and raise the exception."""
    def close(self) -> None:
        """Give up waiting."""

class ModelBase:
    """How Model sends requests."""
    def infer(
        self,
        inference_request: tritonserver.InferenceRequest | None = None,
        raise_on_error: bool = True,
        **kwargs: typing_extensions.Unpack[tritonserver._api._request.InferenceArguments],
    ) -> tritonserver.ResponseIterator:
        """Send a request and return an iterator over its responses.

        Does not wait for the model. Contiguous inputs are not copied: do not write to them until the
        response is there. They need not be kept.

        Parameters
        ----------
        inference_request
            The request; its own model is asked. Either this or keywords.
        raise_on_error
            Whether a response that carries an error is raised instead of returned.
        **kwargs
            The fields of `InferenceRequest`.

        Raises
        ------
        InvalidArgumentError
            An input is unknown, missing, of the wrong type or shape, or cannot be converted.
        NotFoundError
            There is no such model.
        UnavailableError
            The model or its version is not ready.
        TypeError
            A field has the wrong type, or a keyword is unknown.

        Notes
        -----
        C API: TRITONSERVER_InferenceRequestNew, TRITONSERVER_ServerInferAsync
        """
    def async_infer(
        self,
        inference_request: tritonserver.InferenceRequest | None = None,
        raise_on_error: bool = True,
        **kwargs: typing_extensions.Unpack[tritonserver._api._request.InferenceArguments],
    ) -> tritonserver.AsyncResponseIterator:
        """Send a request and return an asynchronous iterator over its responses.

        Not a coroutine: the request is sent at once, as by `infer`, of which all else is true as well.
        """
    def _run(self, inputs: dict[str, object], /) -> dict[str, tritonserver.Tensor]:
        """Send a request, wait for the end of its responses and return the outputs of the only one with any.

        C API: TRITONSERVER_InferenceRequestNew, TRITONSERVER_ServerInferAsync
        """

class BoundRequestBase:
    """A request that is prepared once and sent many times."""
    def _prepare(
        self,
        model: tritonserver.Model,
        keywords: tritonserver._api._request.InferenceArguments,
        outputs: dict[
            str,
            tritonserver.Tensor
            | tritonserver.MemoryBuffer
            | tritonserver._api._dlpack.DLPackObject,
        ],
        /,
    ) -> None:
        """Read everything. Once only, before anything else."""
    def _send(self, iterator_class: type[AnyIterator], raise_on_error: bool, /) -> AnyIterator:
        """Send the request and return an iterator over its responses."""
    def run(self) -> dict[str, tritonserver.Tensor]:
        """Run a model that answers once, and return its outputs by name.

        Raises
        ------
        InvalidArgumentError
            An output does not fit the buffer given for it, or the model refuses an input.
        UnavailableError
            The output buffers are in use by another run, or the model is not ready.
        UnsupportedError
            The model answered more than once.
        TritonError
            The inference failed.
        """

def sequence_facts(
    server: tritonserver._c.triton_bindings.TRITONSERVER_Server,
    model_name: str,
    model_version: typing.SupportsIndex,
) -> tuple[tritonserver._c.triton_bindings.TRITONSERVER_DataType, int]:
    """The type of the model's input for ids of sequences, INVALID if there is none, and the longest idle time of a sequence in microseconds, 0 if it is not known. Of an ensemble, the narrowest type and the shortest time of its steps."""

DATA_TYPES: tuple[tuple[tritonserver._c.triton_bindings.TRITONSERVER_DataType, int, int, str], ...]

def in_flight(server: tritonserver._c.triton_bindings.TRITONSERVER_Server) -> list[str]:
    """The name of the model of each request of a low-level server that Triton has not finished."""

def cancel_all(server: tritonserver._c.triton_bindings.TRITONSERVER_Server) -> list[str]:
    """The same, and cancel them."""

def set_asks_python(
    memory_type: tritonserver._c.triton_bindings.TRITONSERVER_MemoryType, asks: bool
) -> None:
    """Say whether outputs in this type of memory come from an allocator in Python."""

def read_memory(address: typing.SupportsIndex, byte_size: typing.SupportsIndex) -> bytes:
    """A copy of host memory."""

def live_counts() -> dict[str, int]:
    """Native objects that are alive, and bytes that wait in the pool of output buffers."""
