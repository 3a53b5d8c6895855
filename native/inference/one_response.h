// The outputs of models that answer a request once.
#pragma once

#include <pybind11/pybind11.h>

#include "native/inference/inference.h"
#include "native/inference/python_signatures.h"

namespace tritonserver::inference {

namespace py = pybind11;

// Waits for the end of a stream and returns the outputs of its one response with any: a dict of
// name to Tensor. UNSUPPORTED if there are several. Whatever happens, the reader is gone
// afterwards, and what still runs is cancelled. With the GIL.
//
// `previous` is for requests that are sent again and again, as `zip` does it with its tuples: if
// all outputs are in buffers that the caller provides, they are kept there, and returned once more
// when nobody else has them any longer and they say what the next response says.
python::Outputs OnlyOutputs(Inference& inference, bool raise_on_error,
                            py::object* previous = nullptr);

}  // namespace tritonserver::inference
