// Ids of sequences: what a model can be told about the sequence to which a request belongs.
#pragma once

#include <pybind11/pybind11.h>

#include "native/inference/request_data.h"

namespace tritonserver::inference {

namespace py = pybind11;

// Throws if the model, or a step of the ensemble, has an input for the correlation id of `data`,
// and the core would write something else there: it copies an id without a look at the type of the
// input. With the GIL.
void CheckCorrelationId(const py::object& server, const RequestData& data);

void BindCorrelationId(py::module_& module);

}  // namespace tritonserver::inference
