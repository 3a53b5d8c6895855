"""What the core tells of models, as typed dictionaries."""

from typing import Any, TypedDict


class TensorMetadata(TypedDict):
    """An input or output in `ModelMetadata`. A dimension of -1 may have any size."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(TypedDict):
    """What `Model.metadata` returns."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class Duration(TypedDict):
    """How often something happened, and the nanoseconds that took altogether."""

    count: int
    ns: int


class InferenceStatistics(TypedDict):
    """The stages of requests, in `ModelVersionStatistics`."""

    success: Duration
    fail: Duration
    queue: Duration
    compute_input: Duration
    compute_infer: Duration
    compute_output: Duration
    cache_hit: Duration
    cache_miss: Duration


class BatchStatistics(TypedDict):
    """The executions of one batch size, in `ModelVersionStatistics`."""

    batch_size: int
    compute_input: Duration
    compute_infer: Duration
    compute_output: Duration


class ResponseStatistics(TypedDict):
    """The responses of a decoupled model, in `ModelVersionStatistics`."""

    compute_infer: Duration
    compute_output: Duration
    success: Duration
    fail: Duration
    empty_response: Duration
    cancel: Duration


class MemoryUsage(TypedDict):
    """Memory that a backend reports for a model, in `ModelVersionStatistics`."""

    type: str
    id: int
    byte_size: int


class _ModelVersionStatistics(TypedDict):
    name: str
    version: str
    last_inference: int
    inference_count: int
    execution_count: int
    inference_stats: InferenceStatistics
    batch_stats: list[BatchStatistics]


class ModelVersionStatistics(_ModelVersionStatistics, total=False):
    """An item of `ModelStatistics`. `last_inference` is in milliseconds since the epoch.

    The keys of `response_stats` are "0" for the first response to a request, and so on.
    """

    response_stats: dict[str, ResponseStatistics]
    memory_usage: list[MemoryUsage]


class ModelStatistics(TypedDict):
    """What `Model.statistics` returns: an item for each version."""

    model_stats: list[ModelVersionStatistics]


class _TensorConfiguration(TypedDict):
    name: str
    data_type: str
    dims: list[int]


class TensorConfiguration(_TensorConfiguration, total=False):
    """An input or output in `ModelConfiguration`, such as `TYPE_FP32` with dims `[-1, 4]`.

    The batch dimension is not among them.
    """

    format: str
    reshape: dict[str, list[int]]
    optional: bool
    allow_ragged_batch: bool
    is_shape_tensor: bool
    is_non_linear_format_io: bool
    label_filename: str


class InstanceGroup(TypedDict, total=False):
    """Instances of a model on devices of one kind, in `ModelConfiguration`."""

    name: str
    kind: str
    count: int
    gpus: list[int]
    secondary_devices: list[dict[str, Any]]
    profile: list[str]
    passive: bool
    host_policy: str
    rate_limiter: dict[str, Any]


class _ModelConfiguration(TypedDict):
    name: str
    platform: str
    backend: str
    version_policy: dict[str, Any]
    max_batch_size: int
    input: list[TensorConfiguration]
    output: list[TensorConfiguration]
    batch_input: list[dict[str, Any]]
    batch_output: list[dict[str, Any]]
    instance_group: list[InstanceGroup]
    default_model_filename: str
    cc_model_filenames: dict[str, str]
    metric_tags: dict[str, str]
    parameters: dict[str, dict[str, str]]
    model_warmup: list[dict[str, Any]]


class ModelConfiguration(_ModelConfiguration, total=False):
    """What `Model.config` returns: Triton's ModelConfig message as JSON has it.

    `Server.load` takes it as `config`.
    """

    runtime: str
    optimization: dict[str, Any]
    dynamic_batching: dict[str, Any]
    sequence_batching: dict[str, Any]
    ensemble_scheduling: dict[str, Any]
    model_operations: dict[str, Any]
    model_transaction_policy: dict[str, bool]
    model_repository_agents: dict[str, Any]
    model_metrics: dict[str, Any]
    response_cache: dict[str, bool]
