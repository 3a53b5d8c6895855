// The class MemoryBuffer as the request path makes and reads it.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>

#include "native/inference/output_buffer.h"

namespace tritonserver::inference {

namespace py = pybind11;

// A MemoryBuffer of the first `byte_size` bytes, which keeps the buffer. One that an allocator gave
// is passed on if it describes them exactly. Without a buffer there must be no bytes.
py::object NewMemoryBuffer(OutputBufferPtr buffer, std::size_t byte_size);

void BindPythonMemoryBuffer(py::module_& module);

}  // namespace tritonserver::inference
