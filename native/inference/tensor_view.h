// The memory of a tensor and what it means.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "triton/core/tritonserver.h"

namespace tritonserver::inference {

namespace py = pybind11;

struct AskedModel;

// C-contiguous, in native byte order. Valid while `owner` lives.
struct TensorView {
  TRITONSERVER_DataType data_type;
  std::vector<std::int64_t> shape;
  const void* data = nullptr;
  std::size_t byte_size = 0;
  TRITONSERVER_MemoryType memory_type = TRITONSERVER_MEMORY_CPU;
  std::int64_t memory_type_id = 0;
  py::object owner = {};
};

// Whatever may be given as an input. Contiguous data is not copied, other data once. What has no
// data type becomes that of the model, if there is one. Throws INVALID_ARG, naming the input, for
// what is not a tensor.
TensorView ReadInput(const std::string& name, PyObject* value, const AskedModel* model);

// An instance of `Tensor`. INVALID_ARG if its shape needs more memory than it has.
TensorView ReadTensor(PyObject* tensor, const std::string& what);

// A `MemoryBuffer`, as bytes: UINT8 of one dimension.
TensorView ReadMemoryBuffer(PyObject* memory_buffer);

// A BYTES tensor of what an encoder made.
TensorView BytesView(py::object encoded, std::vector<std::int64_t> shape);

// A NumPy array of any layout.
TensorView ReadArray(PyObject* array, const std::string& what);

// An object with `__dlpack__`; the owner is its capsule. An input may be read-only, and host memory
// that is not C-contiguous is copied; otherwise both are refused.
TensorView ReadDLPack(PyObject* producer, const std::string& what, bool is_input);

}  // namespace tritonserver::inference
