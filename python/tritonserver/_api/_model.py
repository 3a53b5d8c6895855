"""A handle for a model of a server."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn, SupportsIndex, cast

import tritonserver
from tritonserver._api._bound_request import BoundRequest
from tritonserver._api._copies import Copies
from tritonserver._api._dlpack import DLPackObject
from tritonserver._api._enums import ModelBatchFlag, ModelTxnPropertyFlag
from tritonserver._api._memorybuffer import MemoryBuffer
from tritonserver._api._one_response import only_outputs_async
from tritonserver._api._request import InferenceArguments, InferenceRequest
from tritonserver._api._response import InferenceResponse
from tritonserver._api._sequence import Sequence
from tritonserver._api._tensor import Tensor
from tritonserver._c import _inference
from tritonserver._c._handle import Handle
from tritonserver._c.triton_bindings import (
    InvalidArgumentError,
    TRITONSERVER_Message,
    UnavailableError,
    _check_model_name,
)

if sys.version_info >= (3, 11):
    from typing import Self, Unpack
elif TYPE_CHECKING:
    from typing_extensions import Self, Unpack

__all__ = ["InferenceRequest", "InferenceResponse", "Model", "Tensor"]


class Model(_inference.ModelBase, Copies, Handle):
    """A handle for a model of a server. Making one asks the server nothing.

    Parameters
    ----------
    server
        A started server.
    name
        Name of the model.
    version
        -1 for the one that the model's version policy chooses, at each call anew.
    state, reason
        What `Server.models` found; never refreshed.

    Raises
    ------
    InvalidArgumentError
        The server is not started.
    """

    name: str
    version: int
    state: str | None
    reason: str | None

    _instead = "send its name, and ask a server there for the model"

    def __init__(
        self,
        server: tritonserver.Server,
        name: str,
        version: int = -1,
        state: str | None = None,
        reason: str | None = None,
    ) -> None:
        self.name = name
        self.version = version
        self.state = state
        self.reason = reason
        self._server = server._server

    def create_request(self, **kwargs: Unpack[InferenceArguments]) -> InferenceRequest:
        """Return a request for this model; the keywords are the fields of `InferenceRequest`."""
        kwargs.pop("model", None)  # type: ignore[typeddict-item] # programs may give it
        return InferenceRequest(self, **kwargs)

    def __call__(
        self, inputs: Mapping[str, Any] | None = None, /, **named_inputs: Any
    ) -> dict[str, Tensor]:
        """Run a model that answers once: send inputs, wait, and return the outputs by name.

        ``model(INPUT0=x)["OUTPUT0"].to_numpy()`` is all it takes; what `infer` offers beyond inputs
        is not needed for most models.

        Parameters
        ----------
        inputs
            Name to value, for names that are no Python names.
        **named_inputs
            The same as keywords.

        Raises
        ------
        UnsupportedError
            The model answered more than once.
        TritonError
            As for `infer`, or the inference failed.
        """
        return self._run({**(inputs or {}), **named_inputs})

    async def call_async(
        self, inputs: Mapping[str, Any] | None = None, /, **named_inputs: Any
    ) -> dict[str, Tensor]:
        """Like calling the model, for coroutines. Cancelling the task cancels the inference."""
        return await only_outputs_async(self.async_infer(inputs={**(inputs or {}), **named_inputs}))

    def sequence(self, correlation_id: int | str | None = None) -> Sequence:
        """Return a sequence of requests to a stateful model; use it in a ``with`` block.

        Parameters
        ----------
        correlation_id
            What makes requests one sequence, as for `InferenceRequest`. None means one that fits
            the model and that no other sequence of this process has.
        """
        return Sequence(self, correlation_id)

    def bind(
        self,
        outputs: Mapping[str, Tensor | MemoryBuffer | DLPackObject] | None = None,
        **kwargs: Unpack[InferenceArguments],
    ) -> BoundRequest:
        """Return a request that is prepared once, to be run many times.

        Inputs are read from the memory of the given arrays at each run. Text and lists are read
        once and stay as they were.

        Parameters
        ----------
        outputs
            Name to buffer for outputs that are to be written there: a writeable array, `Tensor` or
            `MemoryBuffer`, large enough.
        **kwargs
            The fields of `InferenceRequest`.

        Raises
        ------
        InvalidArgumentError
            An array cannot be used in place, or an input cannot be converted.
        """
        return BoundRequest(self, outputs, kwargs)

    def metadata(self) -> tritonserver.ModelMetadata:
        """Return name, versions, platform, inputs and outputs.

        Raises
        ------
        NotFoundError
            There is no such model.

        Notes
        -----
        C API: TRITONSERVER_ServerModelMetadata
        """
        return cast(
            "tritonserver.ModelMetadata",
            _document(self._server.model_metadata(self.name, self.version)),
        )

    def config(self, config_version: int = 1) -> tritonserver.ModelConfiguration:
        """Return the model configuration, completed by the core and the backend.

        Parameters
        ----------
        config_version
            1, the only version of the format.

        Raises
        ------
        InvalidArgumentError
            `config_version` is another.
        NotFoundError
            There is no such model.

        Notes
        -----
        C API: TRITONSERVER_ServerModelConfig
        """
        message = self._server.model_config(self.name, self.version, config_version)
        return cast("tritonserver.ModelConfiguration", _document(message))

    def statistics(self) -> tritonserver.ModelStatistics:
        """Return counts and times of inferences since the model was loaded.

        Notes
        -----
        What counts is up to Triton:

        - `inference_count` counts items of batches, `success` and `fail` count requests, and
          `execution_count` counts batches. What a response cache answers is a success only.
        - Warm-up counts like any other request.
        - A request that is refused when it is sent counts nowhere.
        - An error with which a Python model answers a request counts as a success from Triton 24.06
          (2.47) on, if not earlier, and as a failure in 23.12 (2.41). An exception that its
          `execute` lets out is always a failure.
        - The figures may be there a moment after the answer.

        C API: TRITONSERVER_ServerModelStatistics
        """
        _check_model_name(self.name)  # an empty one would stand for all models
        message = self._server.model_statistics(self.name, self.version)
        return cast("tritonserver.ModelStatistics", _document(message))

    def ready(self) -> bool:
        """Whether the model serves requests; False for an unknown one, and once the server stops.

        Notes
        -----
        C API: TRITONSERVER_ServerModelIsReady
        """
        try:
            return self._server.model_is_ready(self.name, self.version)
        except UnavailableError:
            # Said by a core that is stopping, and in a forked child, where it must be heard.
            self._server._check_process()
            return False

    def batch_properties(self) -> ModelBatchFlag:
        """Whether the model batches along the first dimension.

        Notes
        -----
        C API: TRITONSERVER_ServerModelBatchProperties
        """
        flags, _ = self._server.model_batch_properties(self.name, self.version)
        return ModelBatchFlag(flags)

    def transaction_properties(self) -> ModelTxnPropertyFlag:
        """Whether a request has exactly one response, or any number of them (decoupled).

        Notes
        -----
        C API: TRITONSERVER_ServerModelTransactionProperties
        """
        flags, _ = self._server.model_transaction_properties(self.name, self.version)
        return ModelTxnPropertyFlag(flags)

    def __repr__(self) -> str:
        return repr({"name": self.name, "version": self.version, "state": self.state})

    def __deepcopy__(self, _: object) -> Self:
        return self.__copy__()  # another handle for the same model


class ModelElsewhere(Model):
    """The model of a response that was pickled: it has a name and a version, but no server."""

    def __init__(self, name: str, version: int) -> None:
        self.name = name
        self.version = version
        self.state = None
        self.reason = None

    def __getattr__(self, name: str) -> NoReturn:
        if name != "_server":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        raise InvalidArgumentError(
            f"model {self.name!r} came with a pickled response and has no server in this process; "
            "ask one for the model, by its name"
        )

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> Any:
        return type(self), (self.name, self.version)


def _document(message: TRITONSERVER_Message) -> Any:
    import json  # which programs that only infer do not need

    return json.loads(message.serialize_to_json())


_inference.register(Model)
