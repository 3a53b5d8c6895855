// From the fields of a request to an inference in flight.
#pragma once

#include <pybind11/pybind11.h>

namespace tritonserver::inference {

namespace py = pybind11;

void BindSubmit(py::module_& module);

}  // namespace tritonserver::inference
