// What a request says, read from Python.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "native/inference/classification.h"
#include "native/inference/response.h"
#include "native/inference/tensor_view.h"

namespace tritonserver::inference {

namespace py = pybind11;

// The fields of InferenceRequest but for its model, in its order.
#define TRITONSERVER_REQUEST_FIELDS(FIELD) \
  FIELD(request_id)                        \
  FIELD(flags)                             \
  FIELD(correlation_id)                    \
  FIELD(priority)                          \
  FIELD(timeout)                           \
  FIELD(inputs)                            \
  FIELD(parameters)                        \
  FIELD(output_memory_type)                \
  FIELD(output_memory_allocator)           \
  FIELD(response_queue)                    \
  FIELD(requested_outputs)                 \
  FIELD(trace)

// Null and None mean that a field is not given.
struct RequestFields {
#define FIELD(name) py::object name;
  TRITONSERVER_REQUEST_FIELDS(FIELD)
#undef FIELD

  // Sets the field that has this name; TypeError if there is none.
  void Set(PyObject* name, PyObject* value);
};

inline bool IsGiven(const py::object& field) { return field && !field.is_none(); }

// From an InferenceRequest, or from keyword arguments of the same names.
RequestFields FieldsOfRequest(PyObject* request);
RequestFields FieldsOfKeywords(PyObject* keywords);

// What a request says to the core. Reading it takes the GIL, using it does not.
struct RequestData {
  std::string model_name;
  std::int64_t model_version = -1;
  std::string id;
  std::uint32_t flags = 0;
  std::variant<std::monostate, std::uint64_t, std::string> correlation_id;
  std::uint64_t priority = 0;
  std::uint64_t timeout = 0;  // microseconds
  std::vector<std::pair<std::string, ParameterValue>> parameters;
  std::vector<std::string> requested_outputs;
  Classification classification;  // of some of them
  std::vector<std::pair<std::string, TensorView>> inputs;
};

// Throws TypeError for fields of the wrong type and INVALID_ARG for values that cannot be sent.
RequestData ReadScalars(PyObject* model, const RequestFields& fields);

// Adds the inputs, for a model of this low-level server. Throws INVALID_ARG, naming the input, for
// a value that is not a tensor.
void ReadInputs(const py::object& inputs, const py::object& server, RequestData* data);

[[noreturn]] void RaiseTypeError(const char* field, const char* wanted, const py::object& value);

}  // namespace tritonserver::inference
