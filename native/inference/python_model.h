// What sends requests of `tritonserver.Model`.
#pragma once

#include <pybind11/pybind11.h>

namespace tritonserver::inference {

namespace py = pybind11;

void BindPythonModel(py::module_& module);

}  // namespace tritonserver::inference
