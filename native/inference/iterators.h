// The Python objects that read the responses of an inference.
#pragma once

#include <pybind11/pybind11.h>

#include "native/inference/inference.h"

namespace tritonserver::inference {

namespace py = pybind11;

// An instance of `iterator_class`, a subclass of one of the classes below, that takes over a
// reference to `inference`.
py::object NewIterator(py::handle iterator_class, Inference* inference, bool raise_on_error);

// Adds the classes `SyncResponses` and `AsyncResponses`.
void BindIterators(py::module_& module);

}  // namespace tritonserver::inference
