"""Hello world: run a Triton server in this process and ask the model `test`.

Usage: quickstart.py [MODEL_REPOSITORY]
"""

import sys
import time
from pathlib import Path

import numpy as np

import tritonserver

DEFAULT_REPOSITORY = Path(__file__).parent.parent / "models"

# One value for each data type of Triton.
INPUTS = {
    "string_input": [["hello world!"]],
    "bool_input": [[True, False]],
    "uint8_input": np.array([[0, 255]], np.uint8),
    "uint16_input": np.array([[0, 65535]], np.uint16),
    "uint32_input": np.array([[0, 2**32 - 1]], np.uint32),
    "uint64_input": np.array([[0, 2**64 - 1]], np.uint64),
    "int8_input": np.array([[-128, 127]], np.int8),
    "int16_input": np.array([[-(2**15), 2**15 - 1]], np.int16),
    "int32_input": np.array([[-(2**31), 2**31 - 1]], np.int32),
    "int64_input": np.array([[-(2**63), 2**63 - 1]], np.int64),
    "fp16_input": np.array([[0.5, -2.0]], np.float16),
    "fp32_input": np.array([[0.1, 1e30]], np.float32),
    "fp64_input": np.array([[0.1, 1e300]], np.float64),
    "bf16_input": tritonserver.Tensor(  # NumPy has no such type: the upper half of FP32
        tritonserver.DataType.BF16,
        [1, 2],
        tritonserver.MemoryBuffer.from_dlpack(np.array([[0x3F80, 0xC000]], np.uint16)),
    ),
}


def main(repository: str) -> None:
    server = tritonserver.Server(model_repository=repository)
    server.start()
    print(server.models())

    model = server.model("test")
    for response in model.infer(inputs={"string_input": [["hello world!"]]}):
        print(response.outputs["string_output"].to_string_array())

    for name, value in INPUTS.items():
        for response in model.infer(inputs={name: value}):
            ((output, tensor),) = response.outputs.items()
            print(f"{output:14} {tensor.data_type.name:7} {readable(tensor)}")

    began = time.monotonic()
    server.stop()
    print(f"stopped in {time.monotonic() - began:.1f} s")


def readable(tensor: tritonserver.Tensor) -> object:
    if tensor.data_type == tritonserver.DataType.BYTES:
        return tensor.to_string_array().tolist()
    if tensor.data_type == tritonserver.DataType.BF16:
        bits = np.frombuffer(tensor.memory_buffer.owner, np.uint16).reshape(tensor.shape)
        return (bits.astype(np.uint32) << 16).view(np.float32).tolist()
    return np.from_dlpack(tensor).tolist()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else str(DEFAULT_REPOSITORY))
