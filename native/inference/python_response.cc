#include "native/inference/python_response.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "native/c_api/enums.h"
#include "native/inference/lazy_fields.h"
#include "native/inference/python_tensor.h"
#include "native/inference/python_types.h"

namespace tritonserver::inference {
namespace {

// A new handle for the model that answered: responses share nothing that their users may change.
py::object NewModel(const Response& response, const py::object& server) {
  const py::object model = NewInstance(classes.Model);
  Set(model.ptr(), names.name, NewText(response.model_name));
  Set(model.ptr(), names.version, PyLong_FromLongLong(response.model_version));
  Set(model.ptr(), names.state, Py_NewRef(Py_None));
  Set(model.ptr(), names.reason, Py_NewRef(Py_None));
  Set(model.ptr(), names._server, Py_NewRef(server.ptr()));
  return model;
}

py::object NewParameter(const ParameterValue& value) {
  struct Visitor {
    PyObject* operator()(const std::string& text) const { return NewText(text); }
    PyObject* operator()(std::int64_t number) const { return PyLong_FromLongLong(number); }
    PyObject* operator()(bool value) const { return PyBool_FromLong(value); }
    PyObject* operator()(double number) const { return PyFloat_FromDouble(number); }
  };
  return Steal(std::visit(Visitor(), value));
}

void SetItem(const py::object& dict, const std::string& name, const py::object& value) {
  const py::object text = TextOfName(name);
  if (PyDict_SetItem(dict.ptr(), text.ptr(), value.ptr()) != 0) throw py::error_already_set();
}

py::object NewParameters(const Response& response) {
  py::object parameters = Steal(PyDict_New());
  for (const auto& [name, value] : response.parameters) {
    SetItem(parameters, name, NewParameter(value));
  }
  return parameters;
}

// With the message, and the response it belongs to.
py::object NewError(const Error& error, PyObject* response) {
  const py::object message = MakePythonError(error).attr("args")[py::int_(0)];
  return ErrorClass(error.code())(message, py::handle(response));
}

// Null if no output has labels.
std::shared_ptr<const OutputLabels> LabelsOf(const Response& response) {
  if (std::none_of(response.outputs.begin(), response.outputs.end(),
                   [](const Output& output) { return output.labels != nullptr; })) {
    return nullptr;
  }
  auto labels = std::make_shared<OutputLabels>();
  for (const Output& output : response.outputs) labels->push_back(output.labels);
  return labels;
}

struct ResponseSource {
  enum Field : std::size_t {
    kModel,
    kRequestId,
    kParameters,
    kOutputs,
    kError,
    kClassificationLabel,
    kFinal
  };
  static constexpr std::array kFields{&PythonNames::model,      &PythonNames::request_id,
                                      &PythonNames::parameters, &PythonNames::outputs,
                                      &PythonNames::error,      &PythonNames::classification_label,
                                      &PythonNames::final};

  std::unique_ptr<Response> response;
  py::object server;  // the low-level one

  py::object Make(PyObject* self, std::size_t field) {
    switch (field) {
      case kModel:
        return NewModel(*response, server);
      case kRequestId:
        return Steal(NewText(response->request_id));
      case kParameters:
        return NewParameters(*response);
      case kOutputs:
        return NewPythonOutputs(*response);
      case kError:
        return response->error ? NewError(*response->error, self) : py::none();
      case kFinal:
        return py::bool_(response->final);
      default:
        return py::none();
    }
  }
};

using ResponseFields = LazyFields<ResponseSource>;

}  // namespace

py::object TextOfName(const std::string& name) {
  struct Known {
    std::string name;
    PyObject* text;
  };
  static std::array<Known, 256> last{};
  const std::size_t hash = name.empty() ? 0 : name.size() + name.front() * 16 + name.back();
  Known& known = last[hash % last.size()];
  if (known.text == nullptr || known.name != name) {
    py::object text = Steal(NewText(name));
    known.name = name;
    Py_XSETREF(known.text, text.release().ptr());
  }
  return py::reinterpret_borrow<py::object>(known.text);
}

py::object NewEmptyOutputs() {
  static PyObject* const nothing = PyTuple_New(0);
  return Steal(
      PyDict_Type.tp_new(reinterpret_cast<PyTypeObject*>(classes.Outputs), nothing, nullptr));
}

py::object NewPythonOutputs(Response& response) {
  py::object outputs = NewEmptyOutputs();
  const auto labels = LabelsOf(response);
  for (Output& output : response.outputs) {
    if (output.buffer == nullptr && output.byte_size == 0) output.buffer = NewOutputBuffer(0);
    if (output.buffer != nullptr) {
      output.buffer->output_count = static_cast<std::uint32_t>(response.outputs.size());
      output.buffer->labels = labels;
    }
    SetItem(outputs, output.name, NewTensor(output));
  }
  return outputs;
}

py::object ToPythonResponse(std::unique_ptr<Response> response, const Inference& inference) {
  if (response->converted != nullptr) {
    return py::reinterpret_steal<py::object>(std::exchange(response->converted, nullptr));
  }
  const bool is_from_python =
      std::any_of(response->outputs.begin(), response->outputs.end(),
                  [](const Output& output) { return output.is_from_python(); });
  auto server = py::reinterpret_borrow<py::object>(inference.setup().server);
  py::object made =
      ResponseFields::New(classes.InferenceResponse, {std::move(response), std::move(server)});
  if (is_from_python) ResponseFields::Get(made.ptr(), ResponseSource::kOutputs);
  return made;
}

void RaiseErrorOf(std::unique_ptr<Response> response, const Inference& inference) {
  const py::object error = Get(ToPythonResponse(std::move(response), inference).ptr(), names.error);
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.ptr())), error.ptr());
  throw py::error_already_set();
}

void BindPythonResponse(py::module_& module) {
  ResponseFields::Bind(module, "ResponseBase", "The fields of InferenceResponse.", {}, {});
}

}  // namespace tritonserver::inference
