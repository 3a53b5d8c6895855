#include "native/inference/python_response.h"

#include <string>
#include <utility>
#include <variant>

#include "native/c_api/enums.h"
#include "native/inference/numpy.h"
#include "native/inference/python_types.h"

namespace tritonserver::inference {
namespace {

// The Python object that keeps a pooled buffer; the base of the array that is its owner.
struct PooledMemory {
  PyObject_HEAD OutputBuffer* buffer;
};

PyTypeObject* pooled_memory_type;

void DeallocatePooledMemory(PyObject* self) {
  OutputBufferPtr(reinterpret_cast<PooledMemory*>(self)->buffer).reset();
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

py::object NewOwner(OutputBufferPtr buffer, std::size_t byte_size) {
  void* data = buffer->data;
  const py::object memory = Steal(pooled_memory_type->tp_alloc(pooled_memory_type, 0));
  reinterpret_cast<PooledMemory*>(memory.ptr())->buffer = buffer.release();
  return NewByteArray(data, byte_size, memory);
}

py::object NewMemoryBuffer(Output& output) {
  if (output.buffer == nullptr) output.buffer = NewOutputBuffer(0);
  OutputBuffer& buffer = *output.buffer;
  const py::object memory_buffer = NewInstance(classes.MemoryBuffer);
  Set(memory_buffer.ptr(), names.data_ptr, PyLong_FromVoidPtr(buffer.data));
  Set(memory_buffer.ptr(), names.memory_type, EnumMember(buffer.memory_type).release().ptr());
  Set(memory_buffer.ptr(), names.memory_type_id, PyLong_FromLongLong(buffer.memory_type_id));
  Set(memory_buffer.ptr(), names.size, PyLong_FromSize_t(output.byte_size));
  py::object owner = buffer.memory_buffer != nullptr
                         ? Get(buffer.memory_buffer, names.owner)
                         : NewOwner(std::move(output.buffer), output.byte_size);
  Set(memory_buffer.ptr(), names.owner, owner.release().ptr());
  return memory_buffer;
}

// An allocator's own MemoryBuffer is passed on if it describes the output exactly.
py::object MemoryBufferOf(Output& output) {
  if (output.buffer != nullptr && output.buffer->memory_buffer != nullptr &&
      output.buffer->byte_size == output.byte_size) {
    return py::reinterpret_borrow<py::object>(output.buffer->memory_buffer);
  }
  return NewMemoryBuffer(output);
}

py::object NewTensor(Output& output) {
  const py::object shape = Steal(PyList_New(static_cast<Py_ssize_t>(output.shape.size())));
  for (std::size_t i = 0; i < output.shape.size(); ++i) {
    PyList_SET_ITEM(shape.ptr(), i, Steal(PyLong_FromLongLong(output.shape[i])).release().ptr());
  }
  const py::object tensor = NewInstance(classes.Tensor);
  Set(tensor.ptr(), names.data_type, EnumMember(output.data_type).release().ptr());
  Set(tensor.ptr(), names.shape, shape.inc_ref().ptr());
  Set(tensor.ptr(), names.memory_buffer, MemoryBufferOf(output).release().ptr());
  return tensor;
}

// A new handle for the model that answered: responses share nothing that their users may change.
py::object NewModel(const Response& response, const Inference& inference) {
  const py::object model = NewInstance(classes.Model);
  Set(model.ptr(), names.name, NewText(response.model_name));
  Set(model.ptr(), names.version, PyLong_FromLongLong(response.model_version));
  Set(model.ptr(), names.state, Py_NewRef(Py_None));
  Set(model.ptr(), names.reason, Py_NewRef(Py_None));
  Set(model.ptr(), names._server, Py_NewRef(inference.setup().server));
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

void SetItem(const py::object& dict, const std::string& key, const py::object& value) {
  const py::object text = Steal(NewText(key));
  if (PyDict_SetItem(dict.ptr(), text.ptr(), value.ptr()) != 0) throw py::error_already_set();
}

}  // namespace

py::object NewPythonOutputs(Response& response) {
  py::object outputs = Steal(PyDict_New());
  for (Output& output : response.outputs) SetItem(outputs, output.name, NewTensor(output));
  return outputs;
}

py::object NewPythonResponse(Response& response, const Inference& inference) {
  const py::object parameters = Steal(PyDict_New());
  for (const auto& [name, value] : response.parameters) {
    SetItem(parameters, name, NewParameter(value));
  }
  py::object made = NewInstance(classes.InferenceResponse);
  Set(made.ptr(), names.model, NewModel(response, inference).release().ptr());
  Set(made.ptr(), names.request_id, NewText(response.request_id));
  Set(made.ptr(), names.parameters, parameters.inc_ref().ptr());
  Set(made.ptr(), names.outputs, NewPythonOutputs(response).release().ptr());
  py::object error = py::none();
  if (response.error) {
    const py::object message = MakePythonError(*response.error).attr("args")[py::int_(0)];
    error = ErrorClass(response.error->code())(message, made);
  }
  Set(made.ptr(), names.error, error.release().ptr());
  Set(made.ptr(), names.classification_label, Py_NewRef(Py_None));
  Set(made.ptr(), names.final, PyBool_FromLong(response.final));
  return made;
}

py::object ToPythonResponse(Response& response, const Inference& inference) {
  if (response.converted == nullptr) return NewPythonResponse(response, inference);
  return py::reinterpret_steal<py::object>(std::exchange(response.converted, nullptr));
}

void RaiseErrorOf(Response& response, const Inference& inference) {
  const py::object error = Get(ToPythonResponse(response, inference).ptr(), names.error);
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.ptr())), error.ptr());
  throw py::error_already_set();
}

void BindPythonResponse(py::module_& module) {
  PyType_Slot slots[] = {
      {Py_tp_dealloc, reinterpret_cast<void*>(&DeallocatePooledMemory)},
      {Py_tp_doc, const_cast<char*>("Memory of an output, which goes back to the pool.")},
      {0, nullptr},
  };
  PyType_Spec spec = {"tritonserver._c._inference.PooledMemory", sizeof(PooledMemory), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
  pooled_memory_type =
      reinterpret_cast<PyTypeObject*>(Steal(PyType_FromSpec(&spec)).release().ptr());
  module.add_object("PooledMemory", reinterpret_cast<PyObject*>(pooled_memory_type));
}

}  // namespace tritonserver::inference
