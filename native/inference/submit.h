// From what a request says to an inference in flight.
#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <vector>

#include "native/inference/inference.h"
#include "native/inference/request_data.h"
#include "native/triton/handle.h"

namespace tritonserver::inference {

namespace py = pybind11;

using Request = Handle<TRITONSERVER_InferenceRequest>;

// The request for the core: a new one for each inference, for the core does not reset all of a used
// one. Without the GIL.
Request NewRequest(TRITONSERVER_Server* server, const RequestData& data,
                   const std::vector<std::string>& requested_outputs);

// An inference that lacks the owners of its inputs. With the GIL.
InferenceReference NewInference(const py::object& server, const RequestData& data,
                                const RequestFields& fields);

// Whether to wait for a response before the GIL is taken back.
enum class Afterwards { kGoOn, kWait };

// Sends it. Nothing is left behind if that fails, and the trace is as it was. With the GIL.
void Send(Inference& inference, const RequestData& data, const py::object& model,
          const py::object& trace, Afterwards afterwards);

// For a handler of whatever refuses a request: ends its trace, if it has one that no other request
// had, for whoever waits for it. With the GIL.
void EndTrace(const py::object& trace);

// Reads the inputs as well, and sends all to `model`, a `Model`. With the GIL.
InferenceReference SendFields(const py::object& model, const RequestFields& fields,
                              Afterwards afterwards);

// Throws `refusal`, explained by `tritonserver._api._request`, which may ask the model what it
// takes. With the GIL.
[[noreturn]] void ThrowExplained(const Error& refusal, const py::object& model,
                                 const RequestData& data);

}  // namespace tritonserver::inference
