// Responses as Python objects.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>

#include "native/inference/inference.h"
#include "native/inference/response.h"

namespace tritonserver::inference {

namespace py = pybind11;

// The InferenceResponse of `response`, or the one that was put into a response queue. With the GIL.
py::object ToPythonResponse(std::unique_ptr<Response> response, const Inference& inference);

// Raises the error that is in the InferenceResponse.
[[noreturn]] void RaiseErrorOf(std::unique_ptr<Response> response, const Inference& inference);

// A dict of name to Tensor.
py::object NewEmptyOutputs();

// Only the outputs, whose buffers they take over.
py::object NewPythonOutputs(Response& response);

// The name of an output as Python text. The last ones are kept, with their hashes.
py::object TextOfName(const std::string& name);

void BindPythonResponse(py::module_& module);

}  // namespace tritonserver::inference
