// Threads of the system, for calls that block. Those of Python's `threading` may be something else,
// which blocks its fellows: greenlets, where gevent has taken their place.
#pragma once

#include <pybind11/pybind11.h>

namespace tritonserver::inference {

namespace py = pybind11;

// Adds the class `SystemThread`.
void BindSystemThread(py::module_& module);

}  // namespace tritonserver::inference
