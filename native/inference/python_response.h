// Responses as Python objects.
#pragma once

#include <pybind11/pybind11.h>

#include "native/inference/inference.h"
#include "native/inference/response.h"

namespace tritonserver::inference {

namespace py = pybind11;

// The InferenceResponse of `response`, whose buffers its tensors take over. With the GIL.
py::object NewPythonResponse(Response& response, const Inference& inference);

// The same, or the one that was put into a response queue.
py::object ToPythonResponse(Response& response, const Inference& inference);

// Raises the error that is in the InferenceResponse.
[[noreturn]] void RaiseErrorOf(Response& response, const Inference& inference);

// Its outputs alone: a dict of name to Tensor.
py::object NewPythonOutputs(Response& response);

void BindPythonResponse(py::module_& module);

}  // namespace tritonserver::inference
