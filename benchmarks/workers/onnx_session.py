"""`InferenceSession.run` of onnxruntime: the same models in this process, without a server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.workers.inputs import Inputs, large, small, wide
from benchmarks.workers.protocol import from_threads, need, one_at_a_time, serve

onnxruntime = need("onnxruntime")
onnx = need("onnx")


def main() -> None:
    infer = _run(small())
    serve(
        {
            "infer": one_at_a_time(infer),
            "threads_8": from_threads(lambda: infer, 8),
            "large": one_at_a_time(_run(large())),
            "wide": one_at_a_time(_run(wide())),
        }
    )


def _run(inputs: Inputs) -> Callable[[], object]:
    session = onnxruntime.InferenceSession(
        _identity(len(inputs)), providers=["CPUExecutionProvider"]
    )
    return lambda: session.run(None, inputs)


def _identity(count: int) -> bytes:
    """Return a model that copies ``count`` inputs to as many outputs."""
    inputs, outputs = ([f"{kind}{i}" for i in range(count)] for kind in ("INPUT", "OUTPUT"))
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", [i], [o]) for i, o in zip(inputs, outputs, strict=True)],
        "identity",
        [_tensor(name) for name in inputs],
        [_tensor(name) for name in outputs],
    )
    # The oldest versions that have it, which every release can read.
    operators = onnx.helper.make_opsetid("", 13)
    model = onnx.helper.make_model(graph, opset_imports=[operators], ir_version=7)
    return bytes(model.SerializeToString())


def _tensor(name: str) -> Any:
    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None])


if __name__ == "__main__":
    main()
