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
python::Outputs OnlyOutputs(Inference& inference, bool raise_on_error);

}  // namespace tritonserver::inference
