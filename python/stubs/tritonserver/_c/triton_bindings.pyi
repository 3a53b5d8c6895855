"""Triton's in-process C API, one to one.

A class or function for each C name, with the same meaning: results instead of output parameters,
exceptions instead of errors. The Triton core is found and opened by the first call that needs it.
"""

import asyncio
import collections.abc
import concurrent.futures
import enum
import typing

import numpy
import numpy.typing
import typing_extensions

class TritonError(Exception):
    """Base of all errors of Triton."""
    def __str__(self) -> str: ...

class UnknownError(TritonError):
    """An error that Triton does not classify."""

class InternalError(TritonError):
    """A failure inside Triton, a backend or a model."""

class NotFoundError(TritonError):
    """What was asked for does not exist."""

class InvalidArgumentError(TritonError):
    """An argument has a value that is not allowed."""

class UnavailableError(TritonError):
    """Not possible in the present state of the server, model or object."""

class UnsupportedError(TritonError):
    """Not supported by this Triton release, build or object."""

class AlreadyExistsError(TritonError):
    """There is one already."""

class CancelledError(UnknownError):
    """The request was cancelled."""

class TRITONSERVER_Error:
    """An error of the C API: a code and a message.

    Calls that fail raise an exception instead; this is for programs that deal with the C API itself.

    C API: TRITONSERVER_Error, TRITONSERVER_ErrorNew, TRITONSERVER_ErrorDelete
    """
    def __init__(self, code: TRITONSERVER_Error_Code, message: str) -> None: ...
    @property
    def code(self) -> TRITONSERVER_Error_Code:
        """Kind of the error.

        C API: TRITONSERVER_ErrorCode
        """
    @property
    def code_string(self) -> str:
        """Kind of the error in words; the core has none for CANCELLED.

        C API: TRITONSERVER_ErrorCodeString
        """
    @property
    def message(self) -> str:
        """What went wrong.

        C API: TRITONSERVER_ErrorMessage
        """

class TRITONSERVER_DataType(enum.IntEnum):
    """Element type of a tensor."""

    INVALID = 0
    """no data type"""
    BOOL = 1
    """1-byte boolean"""
    UINT8 = 2
    """8-bit unsigned integer"""
    UINT16 = 3
    """16-bit unsigned integer"""
    UINT32 = 4
    """32-bit unsigned integer"""
    UINT64 = 5
    """64-bit unsigned integer"""
    INT8 = 6
    """8-bit integer"""
    INT16 = 7
    """16-bit integer"""
    INT32 = 8
    """32-bit integer"""
    INT64 = 9
    """64-bit integer"""
    FP16 = 10
    """IEEE half precision"""
    FP32 = 11
    """IEEE single precision"""
    FP64 = 12
    """IEEE double precision"""
    BYTES = 13
    """strings of any length, each after its 4-byte little-endian length"""
    BF16 = 14
    """bfloat16"""

class TRITONSERVER_MemoryType(enum.IntEnum):
    """Kind of memory that holds a buffer."""

    CPU = 0
    """pageable host memory"""
    CPU_PINNED = 1
    """page-locked host memory"""
    GPU = 2
    """device memory"""

class TRITONSERVER_ParameterType(enum.IntEnum):
    """Type of a parameter value."""

    STRING = 0
    """text"""
    INT = 1
    """64-bit integer"""
    BOOL = 2
    """boolean"""
    DOUBLE = 3
    """double precision (24.02 and later)"""
    BYTES = 4
    """bytes"""

class TRITONSERVER_InstanceGroupKind(enum.IntEnum):
    """Where the instances of a model run."""

    AUTO = 0
    """chosen by Triton"""
    CPU = 1
    """on the CPU"""
    GPU = 2
    """on GPUs"""
    MODEL = 3
    """chosen by the model itself"""

class TRITONSERVER_LogLevel(enum.IntEnum):
    """Severity of a log message."""

    INFO = 0
    """information"""
    WARN = 1
    """warning"""
    ERROR = 2
    """error"""
    VERBOSE = 3
    """detail, off unless a verbose level is set"""

class TRITONSERVER_LogFormat(enum.IntEnum):
    """How the timestamps of log messages look."""

    DEFAULT = 0
    """compact timestamps"""
    ISO8601 = 1
    """ISO 8601 timestamps"""

class TRITONSERVER_Error_Code(enum.IntEnum):
    """What kind of error a call of the C API returned."""

    UNKNOWN = 0
    """not classified"""
    INTERNAL = 1
    """failure inside the core"""
    NOT_FOUND = 2
    """no such object"""
    INVALID_ARG = 3
    """invalid argument"""
    UNAVAILABLE = 4
    """not available in the present state"""
    UNSUPPORTED = 5
    """not supported by this core or object"""
    ALREADY_EXISTS = 6
    """exists already"""
    CANCELLED = 7
    """the request was cancelled"""

class TRITONSERVER_MetricFormat(enum.IntEnum):
    """Text format of collected metrics."""

    PROMETHEUS = 0
    """Prometheus text exposition format"""

class TRITONSERVER_InferenceTraceLevel(enum.IntFlag):
    """What a trace reports, as bits."""

    DISABLED = 0
    """nothing"""
    MIN = 1
    """same as TIMESTAMPS, kept for old programs"""
    MAX = 2
    """same as TIMESTAMPS, kept for old programs"""
    TIMESTAMPS = 4
    """timestamps of the stages of a request"""
    TENSORS = 8
    """contents of its tensors"""

DISABLED: typing.Final = TRITONSERVER_InferenceTraceLevel.DISABLED
MIN: typing.Final = TRITONSERVER_InferenceTraceLevel.MIN
MAX: typing.Final = TRITONSERVER_InferenceTraceLevel.MAX
TIMESTAMPS: typing.Final = TRITONSERVER_InferenceTraceLevel.TIMESTAMPS
TENSORS: typing.Final = TRITONSERVER_InferenceTraceLevel.TENSORS

class TRITONSERVER_InferenceTraceActivity(enum.IntEnum):
    """Event reported by a trace."""

    REQUEST_START = 0
    """the request was accepted"""
    QUEUE_START = 1
    """it entered the queue of its model"""
    COMPUTE_START = 2
    """its execution began"""
    COMPUTE_INPUT_END = 3
    """its inputs are ready"""
    COMPUTE_OUTPUT_START = 4
    """its outputs are being extracted"""
    COMPUTE_END = 5
    """its execution ended"""
    REQUEST_END = 6
    """the request was released"""
    TENSOR_QUEUE_INPUT = 7
    """an input tensor as it was queued"""
    TENSOR_BACKEND_INPUT = 8
    """an input tensor as the backend saw it"""
    TENSOR_BACKEND_OUTPUT = 9
    """an output tensor as the backend made it"""
    CUSTOM_ACTIVITY = 10
    """activity reported by a program or backend (24.07 and later)"""

REQUEST_START: typing.Final = TRITONSERVER_InferenceTraceActivity.REQUEST_START
QUEUE_START: typing.Final = TRITONSERVER_InferenceTraceActivity.QUEUE_START
COMPUTE_START: typing.Final = TRITONSERVER_InferenceTraceActivity.COMPUTE_START
COMPUTE_INPUT_END: typing.Final = TRITONSERVER_InferenceTraceActivity.COMPUTE_INPUT_END
COMPUTE_OUTPUT_START: typing.Final = TRITONSERVER_InferenceTraceActivity.COMPUTE_OUTPUT_START
COMPUTE_END: typing.Final = TRITONSERVER_InferenceTraceActivity.COMPUTE_END
REQUEST_END: typing.Final = TRITONSERVER_InferenceTraceActivity.REQUEST_END
TENSOR_QUEUE_INPUT: typing.Final = TRITONSERVER_InferenceTraceActivity.TENSOR_QUEUE_INPUT
TENSOR_BACKEND_INPUT: typing.Final = TRITONSERVER_InferenceTraceActivity.TENSOR_BACKEND_INPUT
TENSOR_BACKEND_OUTPUT: typing.Final = TRITONSERVER_InferenceTraceActivity.TENSOR_BACKEND_OUTPUT
CUSTOM_ACTIVITY: typing.Final = TRITONSERVER_InferenceTraceActivity.CUSTOM_ACTIVITY

class TRITONSERVER_RequestFlag(enum.IntFlag):
    """Place of a request in its sequence, as bits."""

    SEQUENCE_START = 1
    """first request of a sequence"""
    SEQUENCE_END = 2
    """last request of a sequence"""

SEQUENCE_START: typing.Final = TRITONSERVER_RequestFlag.SEQUENCE_START
SEQUENCE_END: typing.Final = TRITONSERVER_RequestFlag.SEQUENCE_END

class TRITONSERVER_RequestReleaseFlag(enum.IntFlag):
    """Why a request was released, as bits."""

    ALL = 1
    """the core is done with the request"""
    RESCHEDULE = 2
    """the request is executed again, seen inside the core only"""

ALL: typing.Final = TRITONSERVER_RequestReleaseFlag.ALL
RESCHEDULE: typing.Final = TRITONSERVER_RequestReleaseFlag.RESCHEDULE

class TRITONSERVER_ResponseCompleteFlag(enum.IntFlag):
    """What is known about a completed response, as bits."""

    FINAL = 1
    """no further response follows"""

FINAL: typing.Final = TRITONSERVER_ResponseCompleteFlag.FINAL

class TRITONSERVER_ModelControlMode(enum.IntEnum):
    """Who decides which models are loaded."""

    NONE = 0
    """all models are loaded at start and stay"""
    POLL = 1
    """changes in the repository are taken over when it is polled"""
    EXPLICIT = 2
    """models are loaded and unloaded by request"""

class TRITONSERVER_RateLimitMode(enum.IntEnum):
    """How model executions are prioritised."""

    OFF = 0
    """executions start as soon as an instance is free"""
    EXEC_COUNT = 1
    """by resources and number of past executions"""

class TRITONSERVER_ModelBatchFlag(enum.IntFlag):
    """How a model batches, as bits."""

    UNKNOWN = 1
    """the model does not batch, or it is not known how"""
    FIRST_DIM = 2
    """along the first dimension"""

UNKNOWN: typing.Final = TRITONSERVER_ModelBatchFlag.UNKNOWN
FIRST_DIM: typing.Final = TRITONSERVER_ModelBatchFlag.FIRST_DIM

class TRITONSERVER_ModelIndexFlag(enum.IntFlag):
    """Which models an index lists, as bits."""

    READY = 1
    """models that are ready"""

READY: typing.Final = TRITONSERVER_ModelIndexFlag.READY

class TRITONSERVER_ModelTxnPropertyFlag(enum.IntFlag):
    """How many responses a request may get, as bits."""

    ONE_TO_ONE = 1
    """exactly one response"""
    DECOUPLED = 2
    """any number of responses"""

ONE_TO_ONE: typing.Final = TRITONSERVER_ModelTxnPropertyFlag.ONE_TO_ONE
DECOUPLED: typing.Final = TRITONSERVER_ModelTxnPropertyFlag.DECOUPLED

class TRITONSERVER_MetricKind(enum.IntEnum):
    """Kind of a custom metric."""

    COUNTER = 0
    """value that only grows"""
    GAUGE = 1
    """value that grows and shrinks"""
    HISTOGRAM = 2
    """observations counted in buckets (24.08 and later)"""

class TRITONSERVER_Parameter:
    """A named value: for loading a model, registering a repository, or labelling a metric.

    Immutable; may be used any number of times. `bytes` are not copied but kept alive. Integers have 64
    bits. A `float` needs Triton 24.06 or later (UnsupportedError).

    C API: TRITONSERVER_Parameter, TRITONSERVER_ParameterNew, TRITONSERVER_ParameterBytesNew,
    TRITONSERVER_ParameterDelete
    """
    def __init__(self, name: str, value: bytes | str | bool | int | float) -> None: ...

class TRITONSERVER_Message:
    """A JSON document that Triton returns, or takes.

    Immutable. The constructor copies `json` and does not validate it.

    C API: TRITONSERVER_Message, TRITONSERVER_MessageNewFromSerializedJson, TRITONSERVER_MessageDelete
    """
    def __init__(self, json: str) -> None: ...
    def serialize_to_json(self) -> str:
        """The document as text.

        C API: TRITONSERVER_MessageSerializeToJson
        """

class TRITONSERVER_BufferAttributes:
    """Where a buffer is: kind of memory, device and size. Begins as 0 bytes of CPU memory.

    C API: TRITONSERVER_BufferAttributes, TRITONSERVER_BufferAttributesNew,
    TRITONSERVER_BufferAttributesDelete
    """
    def __init__(self) -> None: ...
    @property
    def memory_type(self) -> TRITONSERVER_MemoryType:
        """Kind of memory.

        C API: TRITONSERVER_BufferAttributesMemoryType, TRITONSERVER_BufferAttributesSetMemoryType
        """
    @memory_type.setter
    def memory_type(self, value: TRITONSERVER_MemoryType) -> None: ...
    @property
    def memory_type_id(self) -> int:
        """Number of the device, 0 for the host.

        C API: TRITONSERVER_BufferAttributesMemoryTypeId, TRITONSERVER_BufferAttributesSetMemoryTypeId
        """
    @memory_type_id.setter
    def memory_type_id(self, value: typing.SupportsIndex) -> None: ...
    @property
    def byte_size(self) -> int:
        """Size in bytes.

        C API: TRITONSERVER_BufferAttributesByteSize, TRITONSERVER_BufferAttributesSetByteSize
        """
    @byte_size.setter
    def byte_size(self, value: typing.SupportsIndex) -> None: ...
    @property
    def cuda_ipc_handle(self) -> int:
        """Address of a CUDA IPC handle of 64 bytes, 0 without one. Setting copies the handle; the address got is that of the copy, valid as long as this object.

        C API: TRITONSERVER_BufferAttributesCudaIpcHandle, TRITONSERVER_BufferAttributesSetCudaIpcHandle
        """
    @cuda_ipc_handle.setter
    def cuda_ipc_handle(self, value: typing.SupportsIndex) -> None: ...

class TRITONSERVER_ResponseAllocator:
    """Functions that provide the memory of outputs. They run on threads of the core.

    alloc_function(allocator, tensor_name, byte_size, memory_type, memory_type_id, user_object)
        For each output. `byte_size` may be 0, the memory type is the one preferred. Returns `(pointer,
        buffer_user_object, memory_type, memory_type_id)`, with the memory type as it is. The buffer
        user object is kept until after release.
    release_function(allocator, pointer, buffer_user_object, byte_size, memory_type, memory_type_id)
        When the response is deleted. What it returns is ignored.
    start_function(allocator, user_object)
        Before the outputs of each response, and of some that never arrive. Its result is ignored.

    `user_object` is what the request was given. An exception becomes an error with the code of its
    class, in the response if possible. One allocator may serve any number of requests.

    C API: TRITONSERVER_ResponseAllocator, TRITONSERVER_ResponseAllocatorNew,
    TRITONSERVER_ResponseAllocatorDelete
    """
    @typing.overload
    def __init__(
        self,
        alloc_function: collections.abc.Callable[
            [TRITONSERVER_ResponseAllocator, str, int, TRITONSERVER_MemoryType, int, object],
            tuple[int, object, TRITONSERVER_MemoryType, int],
        ],
        release_function: collections.abc.Callable[
            [TRITONSERVER_ResponseAllocator, int, object, int, TRITONSERVER_MemoryType, int], object
        ],
    ) -> None: ...
    @typing.overload
    def __init__(
        self,
        alloc_function: collections.abc.Callable[
            [TRITONSERVER_ResponseAllocator, str, int, TRITONSERVER_MemoryType, int, object],
            tuple[int, object, TRITONSERVER_MemoryType, int],
        ],
        release_function: collections.abc.Callable[
            [TRITONSERVER_ResponseAllocator, int, object, int, TRITONSERVER_MemoryType, int], object
        ],
        start_function: collections.abc.Callable[[TRITONSERVER_ResponseAllocator, object], object],
    ) -> None: ...
    def set_buffer_attributes_function(
        self,
        buffer_attributes_function: collections.abc.Callable[
            [TRITONSERVER_ResponseAllocator, str, TRITONSERVER_BufferAttributes, object, object],
            TRITONSERVER_BufferAttributes,
        ],
    ) -> None:
        """Set what describes a buffer after it was allocated. Set it before the allocator is used.

        Called as `(allocator, tensor_name, buffer_attributes, user_object, buffer_user_object)`; returns
        the attributes it got, changed, or others, whose values are taken. `buffer_attributes` is valid only
        during the call. The core uses the CUDA IPC handle only.

        C API: TRITONSERVER_ResponseAllocatorSetBufferAttributesFunction
        """
    def set_query_function(
        self,
        query_function: collections.abc.Callable[
            [TRITONSERVER_ResponseAllocator, object, str, int | None, TRITONSERVER_MemoryType, int],
            tuple[TRITONSERVER_MemoryType, int],
        ],
    ) -> None:
        """Set what tells backends which memory an output will get. Set it before the allocator is used.

        Called as `(allocator, user_object, tensor_name, byte_size, memory_type, memory_type_id)` with
        `byte_size` None and an empty name if unknown; returns `(memory_type, memory_type_id)`.

        C API: TRITONSERVER_ResponseAllocatorSetQueryFunction
        """

class TRITONSERVER_Metrics:
    """The metrics of this process, made by `TRITONSERVER_Server.metrics()`.

    C API: TRITONSERVER_Metrics, TRITONSERVER_MetricsDelete
    """
    def __init__(
        self,
        never: typing_extensions.Never,
        /,
        *args: typing_extensions.Never,
        **kwargs: typing_extensions.Never,
    ) -> None: ...
    def formatted(self, format: TRITONSERVER_MetricFormat) -> str:
        """Collect all metrics now, as text.

        C API: TRITONSERVER_MetricsFormatted
        """

class TRITONSERVER_MetricFamily:
    """A named group of custom metrics of one kind, in the registry of this process.

    Needs no server. Names stay registered: one that was used is the same family again, and
    InvalidArgumentError with another kind. Histograms need Triton 24.08 or later.

    C API: TRITONSERVER_MetricFamily, TRITONSERVER_MetricFamilyNew, TRITONSERVER_MetricFamilyDelete
    """
    def __init__(self, kind: TRITONSERVER_MetricKind, name: str, description: str) -> None: ...
    @property
    def kind(self) -> TRITONSERVER_MetricKind:
        """Kind of its metrics.

        Needs Triton 24.08 or later (UnsupportedError).

        C API: TRITONSERVER_GetMetricFamilyKind
        """

class TRITONSERVER_MetricArgs:
    """What a metric needs to know besides its labels: the buckets of a histogram.

    Needs Triton 24.08 or later (UnsupportedError).

    C API: TRITONSERVER_MetricArgs, TRITONSERVER_MetricArgsNew, TRITONSERVER_MetricArgsDelete
    """
    def __init__(self) -> None: ...
    def set_histogram(
        self, buckets: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex]
    ) -> None:
        """Upper bounds of the buckets of a histogram, strictly increasing; +Inf is implied.

        Needs Triton 24.08 or later (UnsupportedError).

        C API: TRITONSERVER_MetricArgsSetHistogram
        """

class TRITONSERVER_Metric:
    """One custom metric: a family with values for its labels. Keeps its family alive.

    `labels` are parameters of type STRING; metrics of a family with equal labels share one value.
    Histograms need `args`, other kinds refuse them (InvalidArgumentError).

    C API: TRITONSERVER_Metric, TRITONSERVER_MetricNew, TRITONSERVER_MetricNewWithArgs,
    TRITONSERVER_MetricDelete
    """
    @typing.overload
    def __init__(
        self,
        family: TRITONSERVER_MetricFamily,
        labels: collections.abc.Sequence[TRITONSERVER_Parameter],
    ) -> None: ...
    @typing.overload
    def __init__(
        self,
        family: TRITONSERVER_MetricFamily,
        labels: collections.abc.Sequence[TRITONSERVER_Parameter],
        args: TRITONSERVER_MetricArgs,
    ) -> None: ...
    @property
    def value(self) -> float:
        """Current value of a counter or gauge; UnsupportedError for a histogram.

        C API: TRITONSERVER_MetricValue
        """
    @property
    def kind(self) -> TRITONSERVER_MetricKind:
        """Kind of the metric.

        C API: TRITONSERVER_GetMetricKind
        """
    def increment(self, value: typing.SupportsFloat | typing.SupportsIndex) -> None:
        """Add to a counter (not negative, InvalidArgumentError) or to a gauge. Thread-safe.

        C API: TRITONSERVER_MetricIncrement
        """
    def set_value(self, value: typing.SupportsFloat | typing.SupportsIndex) -> None:
        """Set a gauge; UnsupportedError for other kinds. Thread-safe.

        C API: TRITONSERVER_MetricSet
        """
    def observe(self, value: typing.SupportsFloat | typing.SupportsIndex) -> None:
        """Count a value in a histogram; UnsupportedError for other kinds. Thread-safe.

        Needs Triton 24.08 or later (UnsupportedError).

        C API: TRITONSERVER_MetricObserve
        """

class TRITONSERVER_InferenceTrace:
    """What happens to a request, reported to functions; give it to `TRITONSERVER_Server.infer_async`.

    `level` is an int of TRITONSERVER_InferenceTraceLevel bits; TENSORS needs `tensor_activity_function`.
    The functions run on threads of the core, also for the child traces that ensembles make:

    activity_function(trace, activity, timestamp_ns, user)
        A stage was reached. Times are those of the steady clock; events may arrive out of order. `trace`
        is valid only during the call.
    tensor_activity_function(trace, activity, name, data_type, pointer, byte_size, shape, memory_type,
                             memory_type_id, user)
        A tensor, whose memory is valid only during the call.
    release_function(trace, user)
        Nothing more will be reported: the request was released and its responses are deleted. `trace`
        is a new object that belongs to Python.

    The object itself is no longer valid after it was given away. Exceptions in the functions are
    reported through `sys.unraisablehook`.

    C API: TRITONSERVER_InferenceTrace, TRITONSERVER_InferenceTraceNew,
    TRITONSERVER_InferenceTraceTensorNew, TRITONSERVER_InferenceTraceDelete
    """
    @typing.overload
    def __init__(
        self,
        level: typing.SupportsIndex,
        parent_id: typing.SupportsIndex,
        activity_function: collections.abc.Callable[
            [TRITONSERVER_InferenceTrace, TRITONSERVER_InferenceTraceActivity, int, object], object
        ],
        release_function: collections.abc.Callable[[TRITONSERVER_InferenceTrace, object], object],
        trace_userp: object,
    ) -> None: ...
    @typing.overload
    def __init__(
        self,
        level: typing.SupportsIndex,
        parent_id: typing.SupportsIndex,
        activity_function: collections.abc.Callable[
            [TRITONSERVER_InferenceTrace, TRITONSERVER_InferenceTraceActivity, int, object], object
        ],
        tensor_activity_function: collections.abc.Callable[
            [
                TRITONSERVER_InferenceTrace,
                TRITONSERVER_InferenceTraceActivity,
                str,
                TRITONSERVER_DataType,
                int,
                int,
                numpy.typing.NDArray[numpy.int64],
                TRITONSERVER_MemoryType,
                int,
                object,
            ],
            object,
        ],
        release_function: collections.abc.Callable[[TRITONSERVER_InferenceTrace, object], object],
        trace_userp: object,
    ) -> None: ...
    @property
    def id(self) -> int:
        """Number of the trace in this process.

        C API: TRITONSERVER_InferenceTraceId
        """
    @property
    def parent_id(self) -> int:
        """Number of the parent trace, 0 without one.

        C API: TRITONSERVER_InferenceTraceParentId
        """
    @property
    def model_name(self) -> str:
        """Model of the request; empty before a request has the trace.

        C API: TRITONSERVER_InferenceTraceModelName
        """
    @property
    def model_version(self) -> int:
        """Version of the model of the request; -1 before a request has the trace.

        C API: TRITONSERVER_InferenceTraceModelVersion
        """
    @property
    def request_id(self) -> str:
        """Id of the request; empty before a request has the trace.

        C API: TRITONSERVER_InferenceTraceRequestId
        """
    @property
    def context(self) -> str:
        """Text that identifies a surrounding trace, for OpenTelemetry.

        Needs Triton 24.03 or later (UnsupportedError).

        C API: TRITONSERVER_InferenceTraceContext, TRITONSERVER_InferenceTraceSetContext
        """
    @context.setter
    def context(self, value: str) -> None: ...
    def report_activity(self, timestamp_ns: typing.SupportsIndex, name: str) -> None:
        """Report an activity of the program's own: adds it to the context and calls the activity function, on this thread.

        Needs Triton 24.07 or later (UnsupportedError).

        C API: TRITONSERVER_InferenceTraceReportActivity
        """
    def spawn_child_trace(self) -> TRITONSERVER_InferenceTrace:
        """Make a child trace with the same level, functions and user object.

        C API: TRITONSERVER_InferenceTraceSpawnChildTrace
        """

class TRITONSERVER_InferenceResponse:
    """A response to a request; responses are made by the core.

    Owns the buffers of its outputs: their addresses are valid until it is deleted. Keeps its model
    loaded, until its server is stopped; then it is no longer valid (UnavailableError), though buffers in
    host memory stay.

    C API: TRITONSERVER_InferenceResponse, TRITONSERVER_InferenceResponseDelete
    """
    def __init__(
        self,
        never: typing_extensions.Never,
        /,
        *args: typing_extensions.Never,
        **kwargs: typing_extensions.Never,
    ) -> None: ...
    def throw_if_response_error(self) -> None:
        """Raise the error that this response reports, if it does.

        C API: TRITONSERVER_InferenceResponseError
        """
    @property
    def model(self) -> tuple[str, int]:
        """Name and version of the model that answered.

        C API: TRITONSERVER_InferenceResponseModel
        """
    @property
    def id(self) -> str:
        """Id of the request.

        C API: TRITONSERVER_InferenceResponseId
        """
    @property
    def parameter_count(self) -> int:
        """Number of parameters.

        C API: TRITONSERVER_InferenceResponseParameterCount
        """
    @property
    def output_count(self) -> int:
        """Number of outputs.

        C API: TRITONSERVER_InferenceResponseOutputCount
        """
    def parameter(
        self, index: typing.SupportsIndex
    ) -> tuple[str, TRITONSERVER_ParameterType, str | int | bool | float | None]:
        """Name, type and value of a parameter; None for a type that is not known.

        C API: TRITONSERVER_InferenceResponseParameter
        """
    def output(
        self, index: typing.SupportsIndex
    ) -> (
        tuple[
            str,
            TRITONSERVER_DataType,
            numpy.typing.NDArray[numpy.int64],
            int,
            int,
            TRITONSERVER_MemoryType,
            int,
        ]
        | tuple[
            str,
            TRITONSERVER_DataType,
            numpy.typing.NDArray[numpy.int64],
            int,
            int,
            TRITONSERVER_MemoryType,
            int,
            object,
        ]
    ):
        """Name, data type, shape, address, size in bytes, memory type and memory type id of an output.

        With the buffer user object at the end if the request had a response callback. The address is 0 and
        the size 0 for an empty output.

        C API: TRITONSERVER_InferenceResponseOutput
        """
    def output_classification_label(
        self, index: typing.SupportsIndex, class_index: typing.SupportsIndex
    ) -> str:
        """Label of a class of an output, as it stands in the model's label file: with a carriage return at its end if that has lines of Windows. An empty string if there is none.

        C API: TRITONSERVER_InferenceResponseOutputClassificationLabel
        """

class TRITONSERVER_InferenceRequest:
    """A request to a model; send it with `TRITONSERVER_Server.infer_async`.

    Responses go to the response callback if one is set, otherwise to `get_next_response`. While it is in
    flight a request can be read and cancelled, but not changed or sent (UnavailableError). After its
    release it can be sent again, with its properties, inputs, outputs and parameters, but with new
    callbacks. Keeps its model loaded and its server running; when the server is stopped it is no longer
    valid, unless in flight.

    NotFoundError for an unknown model, UnavailableError for one that is not ready.

    C API: TRITONSERVER_InferenceRequest, TRITONSERVER_InferenceRequestNew,
    TRITONSERVER_InferenceRequestDelete
    """
    def __init__(
        self, server: TRITONSERVER_Server, model_name: str, model_version: typing.SupportsIndex
    ) -> None: ...
    @property
    def id(self) -> str:
        """Id that its responses and traces carry; empty by default.

        C API: TRITONSERVER_InferenceRequestId, TRITONSERVER_InferenceRequestSetId
        """
    @id.setter
    def id(self, value: str) -> None: ...
    @property
    def flags(self) -> int:
        """Bits of TRITONSERVER_RequestFlag.

        C API: TRITONSERVER_InferenceRequestFlags, TRITONSERVER_InferenceRequestSetFlags
        """
    @flags.setter
    def flags(self, value: typing.SupportsIndex) -> None: ...
    @property
    def correlation_id(self) -> int:
        """Number of the sequence, 0 for none. InvalidArgumentError if a string is set.

        C API: TRITONSERVER_InferenceRequestCorrelationId, TRITONSERVER_InferenceRequestSetCorrelationId
        """
    @correlation_id.setter
    def correlation_id(self, value: typing.SupportsIndex) -> None: ...
    @property
    def correlation_id_string(self) -> str:
        """Name of the sequence, at most 128 characters. InvalidArgumentError if a number is set.

        C API: TRITONSERVER_InferenceRequestCorrelationIdString, TRITONSERVER_InferenceRequestSetCorrelationIdString
        """
    @correlation_id_string.setter
    def correlation_id_string(self, value: str) -> None: ...
    @property
    def priority(self) -> int:
        """Priority, if it fits 32 bits. One that the model does not have becomes its default.

        C API: TRITONSERVER_InferenceRequestPriority, TRITONSERVER_InferenceRequestSetPriority
        """
    @priority.setter
    def priority(self, value: typing.SupportsIndex) -> None: ...
    @property
    def priority_uint64(self) -> int:
        """Priority; lower numbers go first. One that the model does not have becomes its default.

        C API: TRITONSERVER_InferenceRequestPriorityUInt64, TRITONSERVER_InferenceRequestSetPriorityUInt64
        """
    @priority_uint64.setter
    def priority_uint64(self, value: typing.SupportsIndex) -> None: ...
    @property
    def timeout_microseconds(self) -> int:
        """Microseconds that it may wait in a queue, where the model's queue policy allows that.

        C API: TRITONSERVER_InferenceRequestTimeoutMicroseconds, TRITONSERVER_InferenceRequestSetTimeoutMicroseconds
        """
    @timeout_microseconds.setter
    def timeout_microseconds(self, value: typing.SupportsIndex) -> None: ...
    def add_input(
        self,
        name: str,
        data_type: TRITONSERVER_DataType,
        shape: collections.abc.Sequence[typing.SupportsIndex],
    ) -> None:
        """Add an input. The shape has the batch dimension if the model batches.

        C API: TRITONSERVER_InferenceRequestAddInput
        """
    def add_raw_input(self, name: str) -> None:
        """Add the only input, whose data type and shape are those of the model's input.

        C API: TRITONSERVER_InferenceRequestAddRawInput
        """
    def remove_input(self, name: str) -> None:
        """Remove an input and its data.

        C API: TRITONSERVER_InferenceRequestRemoveInput
        """
    def remove_all_inputs(self) -> None:
        """Remove all inputs and their data.

        C API: TRITONSERVER_InferenceRequestRemoveAllInputs
        """
    def append_input_data(
        self,
        name: str,
        pointer: typing.SupportsIndex,
        byte_size: typing.SupportsIndex,
        memory_type: TRITONSERVER_MemoryType,
        memory_type_id: typing.SupportsIndex,
    ) -> None:
        """Append a buffer to the data of an input.

        It is neither copied nor kept alive: it must exist, unchanged, until the request is released.

        C API: TRITONSERVER_InferenceRequestAppendInputData
        """
    def append_input_data_with_host_policy(
        self,
        name: str,
        pointer: typing.SupportsIndex,
        byte_size: typing.SupportsIndex,
        memory_type: TRITONSERVER_MemoryType,
        memory_type_id: typing.SupportsIndex,
        host_policy: str,
    ) -> None:
        """Append a buffer to the data of an input for model instances with this host policy.

        The input needs data for all other instances too. As with `append_input_data`, the buffer must exist
        until the request is released.

        C API: TRITONSERVER_InferenceRequestAppendInputDataWithHostPolicy
        """
    def append_input_data_with_buffer_attributes(
        self, name: str, pointer: typing.SupportsIndex, attributes: TRITONSERVER_BufferAttributes
    ) -> None:
        """Append a buffer to the data of an input. The attributes are copied.

        As with `append_input_data`, the buffer must exist until the request is released.

        C API: TRITONSERVER_InferenceRequestAppendInputDataWithBufferAttributes
        """
    def remove_all_input_data(self, name: str) -> None:
        """Remove the data of an input.

        C API: TRITONSERVER_InferenceRequestRemoveAllInputData
        """
    def add_requested_output(self, name: str) -> None:
        """Ask for an output; all are computed if none is asked for. Unknown names are errors when the request is sent.

        C API: TRITONSERVER_InferenceRequestAddRequestedOutput
        """
    def remove_requested_output(self, name: str) -> None:
        """Ask no longer for an output.

        C API: TRITONSERVER_InferenceRequestRemoveRequestedOutput
        """
    def remove_all_requested_outputs(self) -> None:
        """Ask for all outputs again.

        C API: TRITONSERVER_InferenceRequestRemoveAllRequestedOutputs
        """
    def set_string_parameter(self, key: str, value: str) -> None:
        """Give the model a named text.

        C API: TRITONSERVER_InferenceRequestSetStringParameter
        """
    def set_int_parameter(self, key: str, value: typing.SupportsIndex) -> None:
        """Give the model a named integer of 64 bits.

        C API: TRITONSERVER_InferenceRequestSetIntParameter
        """
    def set_bool_parameter(self, key: str, value: bool) -> None:
        """Give the model a named boolean.

        C API: TRITONSERVER_InferenceRequestSetBoolParameter
        """
    def set_double_parameter(
        self, key: str, value: typing.SupportsFloat | typing.SupportsIndex
    ) -> None:
        """Give the model a named number.

        Needs Triton 24.02 or later (UnsupportedError).

        C API: TRITONSERVER_InferenceRequestSetDoubleParameter
        """
    def set_release_callback(
        self,
        release_function: collections.abc.Callable[
            [TRITONSERVER_InferenceRequest, int, object], object
        ],
        user: object,
    ) -> None:
        """Set what is called when the core is done with the request, for the next inference only.

        Called as `(request, flags, user)` on a thread of the core, before or after the last response;
        `flags` are bits of TRITONSERVER_RequestReleaseFlag. Input buffers may go, and the request may be
        changed or sent again, from then on.

        C API: TRITONSERVER_InferenceRequestSetReleaseCallback
        """
    def set_response_callback(
        self,
        allocator: TRITONSERVER_ResponseAllocator,
        allocator_user: object,
        response_function: collections.abc.Callable[
            [TRITONSERVER_InferenceResponse | None, int, object], object
        ],
        user: object,
    ) -> None:
        """Set what is called with each response, for the next inference only.

        Called as `(response, flags, user)` on a thread of the core; `flags` are bits of
        TRITONSERVER_ResponseCompleteFlag. The response is None if FINAL comes alone, after the last one.
        `allocator` provides the memory of the outputs, and its functions get `allocator_user`.

        C API: TRITONSERVER_InferenceRequestSetResponseCallback
        """
    def get_next_response(
        self,
        future: concurrent.futures.Future[tuple[TRITONSERVER_InferenceResponse | None, int]]
        | asyncio.Future[tuple[TRITONSERVER_InferenceResponse | None, int]],
    ) -> None:
        """Complete a future with the next response: a tuple `(response, flags)`.

        `flags` are bits of TRITONSERVER_ResponseCompleteFlag; the response is None if FINAL comes alone. A
        `concurrent.futures.Future` is completed on a thread of the core, or at once; an asyncio future on
        its loop. One that is cancelled loses no response. Outputs are in host memory. AlreadyExistsError
        while another future waits; InvalidArgumentError if a response callback is set.
        """
    def cancel(self) -> None:
        """Ask for the request to be given up; it still gets its last response and its release. InternalError if it was never sent.

        C API: TRITONSERVER_InferenceRequestCancel
        """
    @property
    def is_cancelled(self) -> bool:
        """Whether it was cancelled since it was sent. InternalError if it was never sent.

        C API: TRITONSERVER_InferenceRequestIsCancelled
        """

class TRITONSERVER_ServerOptions:
    """Settings of a server to be started. A server copies them.

    Starts with the defaults of the C API and the directories of the Triton installation in use. Use it
    from one thread at a time.

    C API: TRITONSERVER_ServerOptions, TRITONSERVER_ServerOptionsNew, TRITONSERVER_ServerOptionsDelete
    """
    def __init__(self) -> None: ...
    def set_server_id(self, id: str) -> None:
        """Name of the server in its metadata; "triton" by default.

        C API: TRITONSERVER_ServerOptionsSetServerId
        """
    def set_model_repository_path(self, path: str) -> None:
        """Add a model repository. Call it again for more.

        C API: TRITONSERVER_ServerOptionsSetModelRepositoryPath
        """
    def set_model_control_mode(self, mode: TRITONSERVER_ModelControlMode) -> None:
        """Who decides which models are loaded; POLL by default.

        C API: TRITONSERVER_ServerOptionsSetModelControlMode
        """
    def set_startup_model(self, model_name: str) -> None:
        """Add a model to load at start in EXPLICIT mode, "*" alone for all. Call it again for more.

        C API: TRITONSERVER_ServerOptionsSetStartupModel
        """
    def set_strict_model_config(self, enable: bool) -> None:
        """Whether each model must have a complete configuration, instead of being asked for what is missing; true by default.

        C API: TRITONSERVER_ServerOptionsSetStrictModelConfig
        """
    def set_model_config_name(self, name: str) -> None:
        """Name of the custom configuration to use for models that have it.

        Needs Triton 24.05 or later (UnsupportedError).

        C API: TRITONSERVER_ServerOptionsSetModelConfigName
        """
    def set_rate_limiter_mode(self, mode: TRITONSERVER_RateLimitMode) -> None:
        """How executions are prioritised; OFF by default.

        C API: TRITONSERVER_ServerOptionsSetRateLimiterMode
        """
    def add_rate_limiter_resource(
        self, name: str, count: typing.SupportsIndex, device: typing.SupportsIndex
    ) -> None:
        """Limit a resource to `count` on a device; -1 means each device. The smaller count stays if it is added again.

        C API: TRITONSERVER_ServerOptionsAddRateLimiterResource
        """
    def set_pinned_memory_pool_byte_size(self, byte_size: typing.SupportsIndex) -> None:
        """Bytes of page-locked host memory to reserve, for all servers of the process; 256 MiB by default.

        C API: TRITONSERVER_ServerOptionsSetPinnedMemoryPoolByteSize
        """
    def set_cuda_memory_pool_byte_size(
        self, device: typing.SupportsIndex, byte_size: typing.SupportsIndex
    ) -> None:
        """Bytes to reserve on a GPU, for all servers of the process; 64 MiB by default.

        C API: TRITONSERVER_ServerOptionsSetCudaMemoryPoolByteSize
        """
    def set_cuda_virtual_address_size(
        self, device: typing.SupportsIndex, byte_size: typing.SupportsIndex
    ) -> None:
        """Bytes of address space to reserve on a GPU for growable memory; 0 by default.

        C API: TRITONSERVER_ServerOptionsSetCudaVirtualAddressSize
        """
    def set_response_cache_byte_size(self, byte_size: typing.SupportsIndex) -> None:
        """Bytes of the local response cache. Deprecated: use `set_cache_config`.

        C API: TRITONSERVER_ServerOptionsSetResponseCacheByteSize
        """
    def set_cache_config(self, name: str, json: str) -> None:
        """Use a response cache with these settings, a JSON object. A server has one at most.

        C API: TRITONSERVER_ServerOptionsSetCacheConfig
        """
    def set_cache_directory(self, path: str) -> None:
        """Where caches are found.

        C API: TRITONSERVER_ServerOptionsSetCacheDirectory
        """
    def set_min_supported_compute_capability(
        self, capability: typing.SupportsFloat | typing.SupportsIndex
    ) -> None:
        """Lowest CUDA compute capability of GPUs that are used.

        C API: TRITONSERVER_ServerOptionsSetMinSupportedComputeCapability
        """
    def set_exit_on_error(self, enable: bool) -> None:
        """Whether the server fails to start when a model fails to load; true by default.

        C API: TRITONSERVER_ServerOptionsSetExitOnError
        """
    def set_strict_readiness(self, enable: bool) -> None:
        """Whether the server is ready only if all its models are; true by default.

        C API: TRITONSERVER_ServerOptionsSetStrictReadiness
        """
    def set_buffer_manager_thread_count(self, count: typing.SupportsIndex) -> None:
        """Threads that copy tensors, for all servers of the process; 0 (none) by default.

        C API: TRITONSERVER_ServerOptionsSetBufferManagerThreadCount
        """
    def set_model_load_thread_count(self, count: typing.SupportsIndex) -> None:
        """Models that are loaded at the same time; 4 by default.

        C API: TRITONSERVER_ServerOptionsSetModelLoadThreadCount
        """
    def set_model_load_retry_count(self, count: typing.SupportsIndex) -> None:
        """How often loading a model is tried again; 0 by default.

        Needs Triton 24.01 or later (UnsupportedError).

        C API: TRITONSERVER_ServerOptionsSetModelLoadRetryCount
        """
    def set_model_namespacing(self, enable: bool) -> None:
        """Whether different repositories may have models of the same name; false by default.

        C API: TRITONSERVER_ServerOptionsSetModelNamespacing
        """
    def set_enable_peer_access(self, enable: bool) -> None:
        """Whether GPUs may read each other's memory; true by default.

        Needs Triton 24.06 or later (UnsupportedError).

        C API: TRITONSERVER_ServerOptionsSetEnablePeerAccess
        """
    def set_log_file(self, path: str) -> None:
        """Append log messages to a file; an empty path means the console. InternalError if it cannot be opened. Acts on the whole process at once.

        C API: TRITONSERVER_ServerOptionsSetLogFile
        """
    def set_log_info(self, enable: bool) -> None:
        """Whether information is logged. Acts on the whole process at once.

        C API: TRITONSERVER_ServerOptionsSetLogInfo
        """
    def set_log_warn(self, enable: bool) -> None:
        """Whether warnings are logged. Acts on the whole process at once.

        C API: TRITONSERVER_ServerOptionsSetLogWarn
        """
    def set_log_error(self, enable: bool) -> None:
        """Whether errors are logged. Acts on the whole process at once.

        C API: TRITONSERVER_ServerOptionsSetLogError
        """
    def set_log_format(self, format: TRITONSERVER_LogFormat) -> None:
        """Format of log messages. Acts on the whole process at once.

        C API: TRITONSERVER_ServerOptionsSetLogFormat
        """
    def set_log_verbose(self, level: typing.SupportsIndex) -> None:
        """Level of verbose messages; 0 turns them off. Acts on the whole process at once.

        C API: TRITONSERVER_ServerOptionsSetLogVerbose
        """
    def set_log_callback(
        self,
        callback: collections.abc.Callable[[TRITONSERVER_LogLevel, str, int, int, str], object]
        | None,
    ) -> None:
        """Have records of the log go to a function, instead of the file or the console.

        `callback(level, filename, line, timestamp_us, message)` is called on a thread of its own, in the
        order of the records; what it raises goes to `sys.unraisablehook`. It acts on the whole process from
        the creation of a server with these options to that of the next one; None for no callback. Cores
        before 26.08 do not tell verbose messages of their own from information.

        C API: TRITONSERVER_ServerOptionsSetLogCallback
        """
    def set_metrics(self, enable: bool) -> None:
        """Whether metrics are collected; true by default. Shared by all servers of the process.

        C API: TRITONSERVER_ServerOptionsSetMetrics
        """
    def set_gpu_metrics(self, enable: bool) -> None:
        """Whether metrics of GPUs are collected; true by default.

        C API: TRITONSERVER_ServerOptionsSetGpuMetrics
        """
    def set_cpu_metrics(self, enable: bool) -> None:
        """Whether metrics of the host are collected; true by default.

        C API: TRITONSERVER_ServerOptionsSetCpuMetrics
        """
    def set_metrics_interval(self, interval_ms: typing.SupportsIndex) -> None:
        """Milliseconds between two readings of the GPU and host metrics; 2000 by default.

        C API: TRITONSERVER_ServerOptionsSetMetricsInterval
        """
    def set_backend_directory(self, path: str) -> None:
        """Where backends are found.

        C API: TRITONSERVER_ServerOptionsSetBackendDirectory
        """
    def set_repo_agent_directory(self, path: str) -> None:
        """Where repository agents are found, for all servers of the process.

        C API: TRITONSERVER_ServerOptionsSetRepoAgentDirectory
        """
    def set_model_load_device_limit(
        self,
        kind: TRITONSERVER_InstanceGroupKind,
        device: typing.SupportsIndex,
        fraction: typing.SupportsFloat | typing.SupportsIndex,
    ) -> None:
        """Largest fraction, 0 to 1, of a GPU's memory that may be in use for a model to be loaded there. Kinds other than GPU are not supported (InvalidArgumentError).

        C API: TRITONSERVER_ServerOptionsSetModelLoadDeviceLimit
        """
    def set_backend_config(self, backend: str, setting: str, value: str) -> None:
        """Give a backend a setting; an empty backend name means all backends.

        C API: TRITONSERVER_ServerOptionsSetBackendConfig
        """
    def set_host_policy(self, policy: str, setting: str, value: str) -> None:
        """Give a host policy a setting: `numa-node` or `cpu-cores`.

        C API: TRITONSERVER_ServerOptionsSetHostPolicy
        """
    def set_metrics_config(self, section: str, setting: str, value: str) -> None:
        """Give metrics a setting; an empty name means the general settings.

        C API: TRITONSERVER_ServerOptionsSetMetricsConfig
        """
    def set_exit_timeout(self, seconds: typing.SupportsIndex) -> None:
        """Seconds that stopping waits for requests in flight; 30 by default.

        C API: TRITONSERVER_ServerOptionsSetExitTimeout
        """

class TRITONSERVER_Server:
    """A running server. Making one starts it and waits until its models are loaded, or have failed to.

    With `set_exit_on_error(False)` a server is made even if models failed (it is live, not ready) or
    the repository cannot be read (it is not live). A server that is dropped stops and is deleted, after
    its last request and response. Methods may be called from any thread and let other Python threads
    run while they wait. In a forked child process they raise UnavailableError.

    A `model_version` of -1 means the newest version that is ready. Models that do not exist are
    NotFoundError.

    C API: TRITONSERVER_Server, TRITONSERVER_ServerNew, TRITONSERVER_ServerDelete
    """
    def __init__(self, options: TRITONSERVER_ServerOptions) -> None: ...
    def stop(self) -> None:
        """Stop the server: wait for requests in flight and for models to be unloaded.

        Waits at most for the exit timeout (InternalError).
        Requests, once released, and responses would keep models loaded: they become invalid. A response
        that arrives meanwhile is valid during its callback.
        UnavailableError in a callback, which the server would wait for. Later calls repeat the outcome.

        C API: TRITONSERVER_ServerStop
        """
    def set_exit_timeout(self, seconds: typing.SupportsIndex) -> None:
        """Set how long the next stop waits for requests in flight, in seconds.

        Needs Triton 24.04 or later (UnsupportedError).

        C API: TRITONSERVER_ServerSetExitTimeout
        """
    def _end_stop(self, nothing_is_alive: bool) -> None:
        """Have a running stop, or the next one, look once more and end.

        It succeeds if `nothing_is_alive`, whatever the core says: after a reload that failed, the core
        counts a model that is not there, and would wait for it until the exit timeout is over.
        """
    def _delete_stopped(self) -> bool:
        """Delete the server, if it was stopped, although objects still refer to it; whether it is deleted.

        Its response cache goes with it. Whoever uses it afterwards gets UnavailableError.
        """
    def is_live(self) -> bool:
        """Whether the server can answer; UnavailableError once it was stopped.

        C API: TRITONSERVER_ServerIsLive
        """
    def is_ready(self) -> bool:
        """Whether models can be run; UnavailableError once it was stopped.

        C API: TRITONSERVER_ServerIsReady
        """
    def model_is_ready(self, model_name: str, model_version: typing.SupportsIndex) -> bool:
        """Whether a model can be run; False for one that does not exist.

        C API: TRITONSERVER_ServerModelIsReady
        """
    def model_batch_properties(
        self, model_name: str, model_version: typing.SupportsIndex
    ) -> tuple[int, int]:
        """How a model batches, as bits of TRITONSERVER_ModelBatchFlag, and 0.

        C API: TRITONSERVER_ServerModelBatchProperties
        """
    def model_transaction_properties(
        self, model_name: str, model_version: typing.SupportsIndex
    ) -> tuple[int, int]:
        """How many responses a model sends, as bits of TRITONSERVER_ModelTxnPropertyFlag, and 0.

        C API: TRITONSERVER_ServerModelTransactionProperties
        """
    def metadata(self) -> TRITONSERVER_Message:
        """Name, version and extensions of the server.

        C API: TRITONSERVER_ServerMetadata
        """
    def model_metadata(
        self, model_name: str, model_version: typing.SupportsIndex
    ) -> TRITONSERVER_Message:
        """Versions, inputs and outputs of a model.

        C API: TRITONSERVER_ServerModelMetadata
        """
    def model_statistics(
        self, model_name: str, model_version: typing.SupportsIndex
    ) -> TRITONSERVER_Message:
        """Statistics of a model; an empty name means all models, version -1 all ready versions.

        C API: TRITONSERVER_ServerModelStatistics
        """
    def model_config(
        self,
        model_name: str,
        model_version: typing.SupportsIndex,
        config_version: typing.SupportsIndex,
    ) -> TRITONSERVER_Message:
        """Configuration of a model with all defaults filled in. `config_version` must be 1.

        C API: TRITONSERVER_ServerModelConfig
        """
    def model_index(self, flags: typing.SupportsIndex) -> TRITONSERVER_Message:
        """All models in the repositories with their state; with bit READY of TRITONSERVER_ModelIndexFlag those that are ready.

        C API: TRITONSERVER_ServerModelIndex
        """
    def load_model(self, model_name: str) -> None:
        """Load or reload a model and wait for it. EXPLICIT mode only, otherwise UnavailableError.

        InvalidArgumentError says why the backend refused it; InternalError leaves the reason to the log.

        C API: TRITONSERVER_ServerLoadModel
        """
    def load_model_with_parameters(
        self, model_name: str, parameters: collections.abc.Sequence[TRITONSERVER_Parameter]
    ) -> None:
        """Load a model with another configuration or other files, and wait for it. EXPLICIT mode only.

        Parameter `config` (str, JSON) replaces the configuration; `file:<relative path>` (bytes) adds a
        file: then the files given are all the model has, and `config` is needed too.

        C API: TRITONSERVER_ServerLoadModelWithParameters
        """
    def unload_model(self, model_name: str) -> None:
        """Begin to unload a model; returns before it is gone. Unknown models are ignored.

        C API: TRITONSERVER_ServerUnloadModel
        """
    def unload_model_and_dependents(self, model_name: str) -> None:
        """Begin to unload a model and the models it is composed of that nobody else uses.

        C API: TRITONSERVER_ServerUnloadModelAndDependents
        """
    def register_model_repository(
        self, path: str, mapping: collections.abc.Sequence[TRITONSERVER_Parameter]
    ) -> None:
        """Add a model repository. EXPLICIT mode only, otherwise UnsupportedError.

        Each parameter of `mapping` names a directory in it, and its value the model there. UnavailableError
        if the server is not live.

        C API: TRITONSERVER_ServerRegisterModelRepository
        """
    def unregister_model_repository(self, path: str) -> None:
        """Remove a model repository. EXPLICIT mode only, otherwise UnsupportedError.

        C API: TRITONSERVER_ServerUnregisterModelRepository
        """
    def poll_model_repository(self) -> None:
        """Load, reload and unload what changed in the repositories, and wait. POLL mode only, otherwise UnavailableError.

        C API: TRITONSERVER_ServerPollModelRepository
        """
    def metrics(self) -> TRITONSERVER_Metrics:
        """The metrics of this process.

        C API: TRITONSERVER_ServerMetrics
        """
    @typing.overload
    def infer_async(self, request: TRITONSERVER_InferenceRequest) -> None:
        """Send a request. Returns before the model has run; responses may arrive before that.

        Invalid requests are InvalidArgumentError, and can be changed and sent again. A `trace` is given
        away, unless the request is refused before its trace began.

        C API: TRITONSERVER_ServerInferAsync
        """
    @typing.overload
    def infer_async(
        self, request: TRITONSERVER_InferenceRequest, trace: TRITONSERVER_InferenceTrace
    ) -> None:
        """Send a request. Returns before the model has run; responses may arrive before that.

        Invalid requests are InvalidArgumentError, and can be changed and sent again. A `trace` is given
        away, unless the request is refused before its trace began.

        C API: TRITONSERVER_ServerInferAsync
        """
    def _check_process(self) -> None:
        """UnavailableError in a process forked from the one that started the server."""
    def _ptr(self) -> int:
        """Address of the TRITONSERVER_Server, for other libraries that use the same core."""

class _ModelPin:
    """Keeps a model from being destroyed while the object lives, also when the server stops.

    The core crashes when it destroys a model whose thread is still at the end of an execution.

    C API: TRITONSERVER_InferenceRequestNew, TRITONSERVER_InferenceRequestDelete
    """
    def __init__(
        self, server: TRITONSERVER_Server, model_name: str, model_version: typing.SupportsIndex
    ) -> None:
        """NotFoundError or UnavailableError if the model cannot be asked."""

def TRITONSERVER_DataTypeString(data_type: TRITONSERVER_DataType) -> str:
    """Name of a data type, "<invalid>" for INVALID.

    C API: TRITONSERVER_DataTypeString
    """

def TRITONSERVER_StringToDataType(name: str) -> TRITONSERVER_DataType:
    """Data type of an upper-case name, INVALID for an unknown name.

    C API: TRITONSERVER_StringToDataType
    """

def TRITONSERVER_DataTypeByteSize(data_type: TRITONSERVER_DataType) -> int:
    """Bytes of one element of a data type, 0 for BYTES and INVALID.

    C API: TRITONSERVER_DataTypeByteSize
    """

def TRITONSERVER_MemoryTypeString(memory_type: TRITONSERVER_MemoryType) -> str:
    """Name of a memory type.

    C API: TRITONSERVER_MemoryTypeString
    """

def TRITONSERVER_ParameterTypeString(type: TRITONSERVER_ParameterType) -> str:
    """Name of a parameter type.

    C API: TRITONSERVER_ParameterTypeString
    """

def TRITONSERVER_InstanceGroupKindString(kind: TRITONSERVER_InstanceGroupKind) -> str:
    """Name of an instance group kind.

    C API: TRITONSERVER_InstanceGroupKindString
    """

def TRITONSERVER_InferenceTraceLevelString(level: TRITONSERVER_InferenceTraceLevel) -> str:
    """Name of a trace level that is a single bit, "<unknown>" for combinations.

    C API: TRITONSERVER_InferenceTraceLevelString
    """

def TRITONSERVER_InferenceTraceActivityString(activity: TRITONSERVER_InferenceTraceActivity) -> str:
    """Name of a trace activity.

    C API: TRITONSERVER_InferenceTraceActivityString
    """

def TRITONSERVER_LogIsEnabled(level: TRITONSERVER_LogLevel) -> bool:
    """Whether messages of this level are logged. Log settings are the process's, not a server's.

    C API: TRITONSERVER_LogIsEnabled
    """

def TRITONSERVER_LogMessage(
    level: TRITONSERVER_LogLevel, filename: str, line: typing.SupportsIndex, message: str
) -> None:
    """Write a message to Triton's log. Of `filename` only the last part is shown.

    C API: TRITONSERVER_LogMessage
    """

def _set_log_callback_installer(
    install: collections.abc.Callable[
        [collections.abc.Callable[[TRITONSERVER_LogLevel, str, int, int, str], object] | None],
        collections.abc.Callable[[], object],
    ],
) -> None:
    """Set what has records of the log go to a callback, or, for None, not any more.

    `install` returns what waits until the callback has got all that was logged.
    """

def _divert_log(file: str, everything: bool, default_format: bool) -> None:
    """Have the log written to this file, whatever is set.

    `everything` turns on all levels but the verbose one.
    """

def _undivert_log() -> None:
    """Have the log written as it is set again."""

def _log_settings() -> tuple[str, bool, bool, bool, int]:
    """What the log was set to: file, info, warn, error, and the verbose level."""

def _check_model_name(model_name: str) -> None:
    """InvalidArgumentError for a name that no model can have."""

def api_version() -> tuple[int, int]:
    """Major and minor version of the C API that the core implements.

    C API: TRITONSERVER_ApiVersion
    """

def _set_home_locator(locate: collections.abc.Callable[[], tuple[str, str, str, str]]) -> None:
    """Set what finds the Triton core when the first call needs it.

    `locate` returns the paths of the library and of the directories with backends, caches and
    repository agents; an empty directory means the core's own default.
    """

def _set_home_activator(activate: collections.abc.Callable[[], None]) -> None:
    """Set what is called before every call that may start processes of models."""

def _load_library(library: str, backends: str, caches: str, repository_agents: str) -> None:
    """Open this Triton core now. AlreadyExistsError if another one is in use."""

def _loaded_library() -> str | None:
    """Path of the Triton core in use, if there is one."""

def _set_call_counting(enabled: bool) -> None:
    """Whether to count the calls of the C API. Only before a core is in use."""

def _call_counts() -> dict[str, int]:
    """Calls of each function of the C API so far."""
