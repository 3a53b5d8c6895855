#include "native/inference/python_memory_buffer.h"

#include <array>
#include <cstdint>
#include <new>
#include <string>
#include <utility>

#include "native/c_api/enums.h"
#include "native/inference/lazy_fields.h"
#include "native/inference/numpy.h"
#include "native/inference/python_types.h"
#include "native/inference/tensor_view.h"

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

// For what lost its buffer when something was to be made of it.
void CheckIsThere(const OutputBufferPtr& buffer) {
  if (buffer == nullptr) throw std::bad_alloc();
}

py::object NewOwner(OutputBufferPtr buffer, std::size_t byte_size) {
  CheckIsThere(buffer);
  void* data = buffer->data;
  const py::object memory = Steal(pooled_memory_type->tp_alloc(pooled_memory_type, 0));
  reinterpret_cast<PooledMemory*>(memory.ptr())->buffer = buffer.release();
  auto* const cls = reinterpret_cast<PyTypeObject*>(classes.OutputMemory);
  return NewByteArray(data, byte_size, memory, cls);
}

// The buffer that an array shows, whole or in part; null for a copy.
const OutputBuffer* BufferOf(PyObject* array) {
  PyObject* object = array;
  while (object != nullptr && NumPy::get().PyArray_Check_(object))
    object = ArrayFields(object).base;
  if (object == nullptr || Py_TYPE(object) != pooled_memory_type) return nullptr;
  return reinterpret_cast<PooledMemory*>(object)->buffer;
}

// Too large numbers are taken for the largest.
Py_ssize_t IndexOf(PyObject* number) {
  const Py_ssize_t index = PyNumber_AsSsize_t(number, nullptr);
  if (index == -1 && PyErr_Occurred() != nullptr) throw py::error_already_set();
  return index;
}

// Of a class of an output of the response to which the memory of `array` belongs.
py::str ClassificationLabel(const py::object& array, const py::object& output_index,
                            const py::object& class_index) {
  const Py_ssize_t output = IndexOf(output_index.ptr());
  const Py_ssize_t label = IndexOf(class_index.ptr());
  const OutputBuffer* const buffer = BufferOf(array.ptr());
  if (buffer == nullptr) return py::str();
  if (output < 0 || output >= static_cast<Py_ssize_t>(buffer->output_count)) {
    throw Error(TRITONSERVER_ERROR_INVALID_ARG, "the response has no output number " +
                                                    std::to_string(output) + ", but " +
                                                    std::to_string(buffer->output_count));
  }
  const auto labels = buffer->labels == nullptr ? nullptr : (*buffer->labels)[output];
  if (labels == nullptr || label < 0 || label >= static_cast<Py_ssize_t>(labels->size())) {
    return py::str();
  }
  return py::reinterpret_steal<py::str>(NewText((*labels)[label]));
}

struct MemorySource {
  enum Field : std::size_t { kDataPtr, kMemoryType, kMemoryTypeId, kSize, kOwner };
  static constexpr std::array kFields{&PythonNames::data_ptr, &PythonNames::memory_type,
                                      &PythonNames::memory_type_id, &PythonNames::size,
                                      &PythonNames::owner};

  void* data;
  TRITONSERVER_MemoryType memory_type;
  std::int64_t memory_type_id;
  std::size_t byte_size;
  OutputBufferPtr buffer;  // of the pool, until it has an owner

  py::object Make(PyObject*, std::size_t field) {
    switch (field) {
      case kDataPtr:
        return Steal(PyLong_FromVoidPtr(data));
      case kMemoryType:
        return EnumMember(memory_type);
      case kMemoryTypeId:
        return Steal(PyLong_FromLongLong(memory_type_id));
      case kSize:
        return Steal(PyLong_FromSize_t(byte_size));
      default:
        return NewOwner(std::move(buffer), byte_size);
    }
  }
};

using MemoryFields = LazyFields<MemorySource>;

// The source of a buffer that is as it was made, but for its owner; otherwise null.
const MemorySource* SourceOf(PyObject* memory_buffer) {
  if (!MemoryFields::IsInstance(memory_buffer)) return nullptr;
  return MemoryFields::SourceIfOnly(memory_buffer, MemorySource::kOwner);
}

}  // namespace

py::object NewMemoryBuffer(OutputBufferPtr buffer, std::size_t byte_size) {
  CheckIsThere(buffer);
  PyObject* const given = buffer->memory_buffer;
  if (given != nullptr && buffer->byte_size == byte_size) {
    const bool is_owned = std::exchange(buffer->owns_memory_buffer, false);
    return is_owned ? py::reinterpret_steal<py::object>(given)
                    : py::reinterpret_borrow<py::object>(given);
  }
  MemorySource source{buffer->data, buffer->memory_type, buffer->memory_type_id, byte_size,
                      given != nullptr ? nullptr : std::move(buffer)};
  py::object made = MemoryFields::New(classes.MemoryBuffer, std::move(source));
  if (given != nullptr) Set(made.ptr(), names.owner, Get(given, names.owner).release().ptr());
  return made;
}

TensorView ReadMemoryBuffer(PyObject* memory_buffer) {
  TensorView view{TRITONSERVER_TYPE_UINT8, {}};
  if (const MemorySource* source = SourceOf(memory_buffer)) {
    view.data = source->data;
    view.byte_size = source->byte_size;
    view.memory_type = source->memory_type;
    view.memory_type_id = source->memory_type_id;
  } else {
    view.data = reinterpret_cast<void*>(Get(memory_buffer, names.data_ptr).cast<std::uintptr_t>());
    view.byte_size = Get(memory_buffer, names.size).cast<std::size_t>();
    view.memory_type = Get(memory_buffer, names.memory_type).cast<TRITONSERVER_MemoryType>();
    view.memory_type_id = Get(memory_buffer, names.memory_type_id).cast<std::int64_t>();
  }
  view.shape = {static_cast<std::int64_t>(view.byte_size)};
  view.owner = py::reinterpret_borrow<py::object>(memory_buffer);
  return view;
}

void BindPythonMemoryBuffer(py::module_& module) {
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
  module.def("classification_label", &ClassificationLabel, py::arg("array"),
             py::arg("output_index"), py::arg("class_index"),
             "What `OutputMemory.output_classification_label` returns.");
  MemoryFields::Bind(module, "MemoryBufferBase", "The fields of MemoryBuffer.", {}, {});
}

}  // namespace tritonserver::inference
