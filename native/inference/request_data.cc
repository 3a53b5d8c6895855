#include "native/inference/request_data.h"

#include <limits>

#include "native/inference/data_types.h"
#include "native/inference/model_facts.h"
#include "native/inference/python_types.h"

namespace tritonserver::inference {
namespace {

// Text that the C API takes as it is. The pointer lives as long as the object.
const char* Utf8Of(const py::object& text, const char* field) {
  if (!PyUnicode_Check(text.ptr())) RaiseTypeError(field, "str", text);
  Py_ssize_t size = 0;
  const char* utf8 = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
  if (utf8 == nullptr) {
    PyErr_Clear();
    throw Error(TRITONSERVER_ERROR_INVALID_ARG,
                std::string(field) + " holds a lone surrogate, which UTF-8 cannot encode");
  }
  if (std::char_traits<char>::length(utf8) != static_cast<std::size_t>(size)) {
    throw Error(TRITONSERVER_ERROR_INVALID_ARG,
                std::string(field) + " must not contain a NUL character");
  }
  return utf8;
}

// An integer from 0 to `largest`. Anything that is an index counts as one.
std::uint64_t NumberOf(const py::object& number, const char* field, std::uint64_t largest) {
  if (!PyIndex_Check(number.ptr())) RaiseTypeError(field, "an int", number);
  const py::object index = Steal(PyNumber_Index(number.ptr()));
  const std::uint64_t value = PyLong_AsUnsignedLongLong(index.ptr());
  if ((value == std::numeric_limits<std::uint64_t>::max() && PyErr_Occurred() != nullptr) ||
      value > largest) {
    PyErr_Clear();
    PyErr_Format(PyExc_TypeError, "%s must be an int from 0 to %llu, not %R", field,
                 static_cast<unsigned long long>(largest), number.ptr());
    throw py::error_already_set();
  }
  return value;
}

std::int64_t VersionOf(const py::object& version) {
  if (!PyIndex_Check(version.ptr())) RaiseTypeError("the version of a model", "an int", version);
  const py::object index = Steal(PyNumber_Index(version.ptr()));
  int overflow = 0;
  const std::int64_t value = PyLong_AsLongLongAndOverflow(index.ptr(), &overflow);
  if (overflow != 0) RaiseTypeError("the version of a model", "an int of 64 bits", version);
  return value;
}

// Items of a mapping, as a dict.
py::object DictOf(const py::object& mapping, const char* field) {
  if (PyDict_Check(mapping.ptr())) return mapping;
  if (!PyMapping_Check(mapping.ptr()) || PySequence_Check(mapping.ptr())) {
    RaiseTypeError(field, "a dict", mapping);
  }
  return py::dict(mapping);
}

ParameterValue ParameterOf(const char* name, PyObject* value) {
  if (PyBool_Check(value)) return value == Py_True;
  if (PyUnicode_Check(value)) {
    const std::string field = std::string("parameter '") + name + "'";
    return std::string(Utf8Of(py::reinterpret_borrow<py::object>(value), field.c_str()));
  }
  if (PyFloat_Check(value)) return PyFloat_AS_DOUBLE(value);
  if (PyIndex_Check(value)) {
    const py::object index = Steal(PyNumber_Index(value));
    int overflow = 0;
    const std::int64_t number = PyLong_AsLongLongAndOverflow(index.ptr(), &overflow);
    if (overflow == 0) return number;
    throw Error(TRITONSERVER_ERROR_INVALID_ARG,
                std::string("parameter '") + name + "' does not fit a signed 64-bit integer");
  }
  throw Error(TRITONSERVER_ERROR_INVALID_ARG, std::string("parameter '") + name +
                                                  "' must be str, int, bool or float, not " +
                                                  Py_TYPE(value)->tp_name);
}

void ReadParameters(const py::object& parameters, RequestData* data) {
  const py::object dict = DictOf(parameters, "parameters");
  PyObject* key;
  PyObject* value;
  Py_ssize_t position = 0;
  while (PyDict_Next(dict.ptr(), &position, &key, &value) != 0) {
    const char* name = Utf8Of(py::reinterpret_borrow<py::object>(key), "the name of a parameter");
    data->parameters.emplace_back(name, ParameterOf(name, value));
  }
}

// The class is imported when it is first used.
bool IsRequestedOutput(py::handle object) {
  return classes.RequestedOutput != nullptr &&
         py::isinstance(object, py::handle(classes.RequestedOutput));
}

void ReadRequestedOutputs(const py::object& outputs, RequestData* data) {
  if (PyUnicode_Check(outputs.ptr())) {
    RaiseTypeError("requested_outputs", "a sequence of names", outputs);
  }
  for (const py::handle each : py::iter(outputs)) {
    py::object name = py::reinterpret_borrow<py::object>(each);
    std::uint64_t class_count = 0;
    if (IsRequestedOutput(each)) {
      class_count = NumberOf(Get(each.ptr(), names.class_count), "class_count",
                             std::numeric_limits<std::uint32_t>::max());
      name = Get(each.ptr(), names.name);
    }
    data->requested_outputs.emplace_back(Utf8Of(name, "the name of an output"));
    if (class_count > 0) {
      data->classification.class_counts.emplace_back(data->requested_outputs.back(), class_count);
    }
  }
}

// Of a batch of no items the core takes away the dimension of the batch: it complains of sizes, or
// gives backends a tensor of one item's shape without data, which some of them never answer.
void RefuseEmptyBatch(const std::string& input, const TensorView& view, const AskedModel& model) {
  if (view.shape.empty() || view.shape[0] != 0) return;
  const auto facts = model.Facts();
  if (facts == nullptr || facts->max_batch_size == 0 || facts->FindInput(input) == nullptr) return;
  throw Error(TRITONSERVER_ERROR_INVALID_ARG,
              "input '" + input + "': the batch is empty: " +
                  Describe(view.data_type, view.shape.data(), view.shape.size()) +
                  " has no items along its first dimension; send one at least, or no request");
}

}  // namespace

[[noreturn]] void RaiseTypeError(const char* field, const char* wanted, const py::object& value) {
  PyErr_Format(PyExc_TypeError, "%s must be %s, not %s", field, wanted,
               Py_TYPE(value.ptr())->tp_name);
  throw py::error_already_set();
}

RequestFields FieldsOfRequest(PyObject* request) {
  RequestFields fields;
#define FIELD(name) fields.name = Get(request, names.name);
  TRITONSERVER_REQUEST_FIELDS(FIELD)
#undef FIELD
  return fields;
}

// Names in calls are interned, so that comparing text is for those that come from elsewhere.
void RequestFields::Set(PyObject* name, PyObject* value) {
  py::object* field = nullptr;
#define FIELD(known) \
  if (name == names.known) field = &known;
  TRITONSERVER_REQUEST_FIELDS(FIELD)
#undef FIELD
#define FIELD(known) \
  if (field == nullptr && PyUnicode_Compare(name, names.known) == 0) field = &known;
  TRITONSERVER_REQUEST_FIELDS(FIELD)
#undef FIELD
  if (field == nullptr) {
    PyErr_Format(
        PyExc_TypeError,
        "an inference request has no field %R; if it is an input, give inputs={%R: ...}, or "
        "call the model: model(%U=...)",
        name, name, name);
    throw py::error_already_set();
  }
  *field = py::reinterpret_borrow<py::object>(value);
}

RequestFields FieldsOfKeywords(PyObject* keywords) {
  RequestFields fields;
  PyObject* name;
  PyObject* value;
  Py_ssize_t position = 0;
  while (PyDict_Next(keywords, &position, &name, &value) != 0) fields.Set(name, value);
  return fields;
}

RequestData ReadScalars(PyObject* model, const RequestFields& fields) {
  constexpr std::uint64_t kLargest = std::numeric_limits<std::uint64_t>::max();
  RequestData data;
  data.model_name = Utf8Of(Get(model, names.name), "the name of a model");
  data.model_version = VersionOf(Get(model, names.version));
  if (IsGiven(fields.request_id)) data.id = Utf8Of(fields.request_id, "request_id");
  if (IsGiven(fields.flags)) {
    data.flags = static_cast<std::uint32_t>(
        NumberOf(fields.flags, "flags", std::numeric_limits<std::uint32_t>::max()));
  }
  if (IsGiven(fields.correlation_id)) {
    if (PyUnicode_Check(fields.correlation_id.ptr())) {
      data.correlation_id = std::string(Utf8Of(fields.correlation_id, "correlation_id"));
    } else {
      data.correlation_id = NumberOf(fields.correlation_id, "correlation_id", kLargest);
    }
  }
  if (IsGiven(fields.priority)) data.priority = NumberOf(fields.priority, "priority", kLargest);
  if (IsGiven(fields.timeout)) data.timeout = NumberOf(fields.timeout, "timeout", kLargest);
  if (IsGiven(fields.parameters)) ReadParameters(fields.parameters, &data);
  if (IsGiven(fields.requested_outputs)) ReadRequestedOutputs(fields.requested_outputs, &data);
  return data;
}

void ReadInputs(const py::object& inputs, const py::object& server, RequestData* data) {
  const AskedModel model{server, data->model_name, data->model_version};
  const py::object dict = DictOf(inputs, "inputs");
  data->inputs.reserve(static_cast<std::size_t>(PyDict_GET_SIZE(dict.ptr())));
  PyObject* key;
  PyObject* value;
  Py_ssize_t position = 0;
  // First as they are: converting a value may run Python code, which may change the dict.
  while (PyDict_Next(dict.ptr(), &position, &key, &value) != 0) {
    TensorView unread{};
    unread.owner = py::reinterpret_borrow<py::object>(value);
    const char* name = Utf8Of(py::reinterpret_borrow<py::object>(key), "the name of an input");
    data->inputs.emplace_back(name, std::move(unread));
  }
  for (auto input = data->inputs.begin(); input != data->inputs.end(); ++input) {
    auto& [name, view] = *input;
    const py::object value = std::move(view.owner);
    try {
      view = ReadInput(name, value.ptr(), &model);
      if (view.byte_size == 0) RefuseEmptyBatch(name, view, model);
    } catch (const Error&) {
      // Whoever explains the error sees that it is about the last one.
      view.data_type = TRITONSERVER_TYPE_INVALID;
      data->inputs.erase(input + 1, data->inputs.end());
      throw;
    }
  }
}

}  // namespace tritonserver::inference
