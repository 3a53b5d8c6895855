// The class Tensor as the request path makes and reads it, the protocols by which others get at its
// memory, and conversions.
#pragma once

#include <pybind11/pybind11.h>

#include "native/inference/response.h"

namespace tritonserver::inference {

namespace py = pybind11;

// The Tensor of an output, whose buffer it takes over.
py::object NewTensor(Output& output);

// Adds the class `TensorBase` and functions for what Tensor makes.
void BindPythonTensor(py::module_& module);

}  // namespace tritonserver::inference
