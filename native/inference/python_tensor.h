// What Tensor does with its memory: the protocols that others use to get at it, and conversions.
#pragma once

#include <pybind11/pybind11.h>

namespace tritonserver::inference {

namespace py = pybind11;

// Adds the class `TensorBase` and functions for what Tensor makes.
void BindPythonTensor(py::module_& module);

}  // namespace tritonserver::inference
