// The class Tensor as the request path makes and reads it, the protocols by which others get at its
// memory, and conversions.
#pragma once

#include <pybind11/pybind11.h>

#include "native/inference/response.h"

namespace tritonserver::inference {

namespace py = pybind11;

// The Tensor of an output, whose buffer it takes over.
py::object NewTensor(Output& output);

// Whether `tensor` is as if just made of `output`, in a buffer that came from Python.
bool IsNewTensorOf(PyObject* tensor, const Output& output);

// Adds the class `TensorBase` and functions for what Tensor makes.
void BindPythonTensor(py::module_& module);

}  // namespace tritonserver::inference
