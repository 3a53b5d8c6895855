// Requests that are prepared once and sent many times.
#pragma once

#include <pybind11/pybind11.h>

namespace tritonserver::inference {

namespace py = pybind11;

void BindBoundRequest(py::module_& module);

}  // namespace tritonserver::inference
