#include "native/inference/python_tensor.h"

#include <array>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "native/c_api/enums.h"
#include "native/inference/bytes_codec.h"
#include "native/inference/data_types.h"
#include "native/inference/dlpack.h"
#include "native/inference/lazy_fields.h"
#include "native/inference/numpy.h"
#include "native/inference/python_memory_buffer.h"
#include "native/inference/python_signatures.h"
#include "native/inference/python_types.h"
#include "native/inference/tensor_view.h"

namespace tritonserver::inference {
namespace {

constexpr const char* kWhat = "tensor";

[[noreturn]] void Refuse(TRITONSERVER_Error_Code code, const std::string& problem) {
  throw Error(code, problem);
}

// --- The fields

py::object NewShape(const std::vector<std::int64_t>& dims) {
  py::object shape = Steal(PyList_New(static_cast<Py_ssize_t>(dims.size())));
  for (std::size_t i = 0; i < dims.size(); ++i) {
    PyList_SET_ITEM(shape.ptr(), i, Steal(PyLong_FromLongLong(dims[i])).release().ptr());
  }
  return shape;
}

struct TensorSource {
  enum Field : std::size_t { kDataType, kShape, kMemoryBuffer };
  static constexpr std::array kFields{&PythonNames::data_type, &PythonNames::shape,
                                      &PythonNames::memory_buffer};

  TRITONSERVER_DataType data_type;
  std::vector<std::int64_t> shape;
  std::size_t byte_size;
  OutputBufferPtr buffer;  // until there is a MemoryBuffer

  py::object Make(PyObject*, std::size_t field) {
    switch (field) {
      case kDataType:
        return EnumMember(data_type);
      case kShape:
        return NewShape(shape);
      default:
        return NewMemoryBuffer(std::move(buffer), byte_size);
    }
  }
};

using TensorFields = LazyFields<TensorSource>;

std::vector<std::int64_t> ReadShape(const py::object& sequence) {
  const py::object dims =
      Steal(PySequence_Fast(sequence.ptr(), "the shape of a tensor must be a sequence"));
  const Py_ssize_t rank = PySequence_Fast_GET_SIZE(dims.ptr());
  std::vector<std::int64_t> shape;
  shape.reserve(static_cast<std::size_t>(rank));
  for (Py_ssize_t i = 0; i < rank; ++i) {
    const py::object dim = Steal(PyNumber_Index(PySequence_Fast_GET_ITEM(dims.ptr(), i)));
    shape.push_back(PyLong_AsLongLong(dim.ptr()));
    if (shape.back() == -1 && PyErr_Occurred() != nullptr) throw py::error_already_set();
  }
  return shape;
}

void CheckIsHost(const TensorView& view) {
  if (view.memory_type == TRITONSERVER_MEMORY_GPU) {
    Refuse(TRITONSERVER_ERROR_UNSUPPORTED, "the tensor is in GPU memory; use to_host() first");
  }
}

// --- The buffer protocol

// What a Py_buffer points into.
struct BufferView {
  TensorView tensor;  // keeps the memory, whatever becomes of the Tensor
  std::vector<Py_ssize_t> strides;
};

// An empty tensor may have no memory, but a buffer must have an address.
void* AddressOf(const TensorView& view) {
  static char nothing;
  return view.data == nullptr ? &nothing : const_cast<void*>(view.data);
}

int GetBuffer(PyObject* self, Py_buffer* buffer, int flags) {
  buffer->obj = nullptr;
  const auto fail = [](const std::string& problem) {
    PyErr_SetString(PyExc_BufferError, problem.c_str());
    return -1;
  };
  return ForPython(-1, [&] {
    auto view = std::make_unique<BufferView>(BufferView{ReadTensor(self, kWhat), {}});
    const TensorView& tensor = view->tensor;
    const DataTypeInfo& info = InfoOf(tensor.data_type);
    if (tensor.memory_type == TRITONSERVER_MEMORY_GPU) {
      return fail("the tensor is in GPU memory; use to_host() first");
    }
    if (*info.buffer_format == '\0') {
      return fail(std::string("the buffer protocol has no format for ") + info.name);
    }
    if ((flags & PyBUF_F_CONTIGUOUS) == PyBUF_F_CONTIGUOUS && tensor.shape.size() > 1) {
      return fail("a tensor is C-contiguous, not Fortran-contiguous");
    }
    Py_ssize_t stride = info.byte_size;
    view->strides.resize(tensor.shape.size());
    for (std::size_t i = tensor.shape.size(); i-- > 0;) {
      view->strides[i] = stride;
      stride *= tensor.shape[i];
    }
    buffer->buf = AddressOf(tensor);
    buffer->len = stride;
    buffer->itemsize = info.byte_size;
    buffer->readonly = 0;
    buffer->ndim = static_cast<int>(tensor.shape.size());
    buffer->format = (flags & PyBUF_FORMAT) != 0 ? const_cast<char*>(info.buffer_format) : nullptr;
    buffer->shape = (flags & PyBUF_ND) != 0
                        ? reinterpret_cast<Py_ssize_t*>(view->tensor.shape.data())
                        : nullptr;
    buffer->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? view->strides.data() : nullptr;
    buffer->suboffsets = nullptr;
    buffer->internal = view.release();
    buffer->obj = Py_NewRef(self);
    return 0;
  });
}

void ReleaseBuffer(PyObject*, Py_buffer* buffer) {
  delete static_cast<BufferView*>(buffer->internal);
}

// --- DLPack

struct DLPackArguments {
  PyObject* stream = Py_None;
  PyObject* max_version = Py_None;
  PyObject* dl_device = Py_None;
  PyObject* copy = Py_None;
};

DLPackArguments ReadDLPackArguments(PyObject* const* values, Py_ssize_t count, PyObject* keywords) {
  if (count > 0) throw py::type_error("__dlpack__() takes keyword arguments only");
  DLPackArguments arguments;
  const Py_ssize_t keyword_count = keywords == nullptr ? 0 : PyTuple_GET_SIZE(keywords);
  for (Py_ssize_t i = 0; i < keyword_count; ++i) {
    PyObject* const keyword = PyTuple_GET_ITEM(keywords, i);
    const auto is = [&](PyObject* name) {
      return keyword == name || PyUnicode_Compare(keyword, name) == 0;
    };
    if (is(names.stream)) {
      arguments.stream = values[i];
    } else if (is(names.max_version)) {
      arguments.max_version = values[i];
    } else if (is(names.dl_device)) {
      arguments.dl_device = values[i];
    } else if (is(names.copy)) {
      arguments.copy = values[i];
    } else {
      PyErr_Format(PyExc_TypeError, "__dlpack__() got an unexpected keyword argument %R", keyword);
      throw py::error_already_set();
    }
  }
  return arguments;
}

bool IsNoneOrZero(PyObject* object) {
  return object == Py_None || (PyLong_Check(object) && PyObject_IsTrue(object) == 0);
}

PyObject* DLPack(PyObject* self, PyObject* const* values, Py_ssize_t count, PyObject* keywords) {
  return ForPython<PyObject*>(nullptr, [&]() -> PyObject* {
    const DLPackArguments arguments = ReadDLPackArguments(values, count, keywords);
    TensorView view = ReadTensor(self, kWhat);
    const bool is_host = view.memory_type != TRITONSERVER_MEMORY_GPU;
    // What is in GPU memory is complete, so that no stream has to wait for another.
    if (is_host && !IsNoneOrZero(arguments.stream)) {
      Refuse(TRITONSERVER_ERROR_UNSUPPORTED, "a tensor in host memory has no stream");
    }
    const bool versioned =
        arguments.max_version != Py_None &&
        py::handle(arguments.max_version).attr("__getitem__")(0).cast<std::int64_t>() >= 1;
    bool is_copied = false;
    if (arguments.dl_device != Py_None &&
        !DeviceOf(view.memory_type, view.memory_type_id).equal(py::handle(arguments.dl_device))) {
      if (arguments.copy == Py_False) {
        PyErr_SetString(PyExc_BufferError, "the tensor is on another device, and copy=False");
        throw py::error_already_set();
      }
      const py::object moved =
          Steal(PyObject_CallMethodOneArg(self, names.to_device, arguments.dl_device));
      view = ReadTensor(moved.ptr(), kWhat);
      is_copied = true;
    } else if (arguments.copy == Py_True) {
      const auto wanted = is_host ? TRITONSERVER_MEMORY_CPU : view.memory_type;
      const TensorView copy =
          ReadMemoryBuffer(py::handle(classes.copy_memory)(Get(self, names.memory_buffer),
                                                           EnumMember(wanted), view.memory_type_id)
                               .ptr());
      view.data = copy.data;
      view.owner = copy.owner;
      is_copied = true;
    }
    return NewCapsule(view, self, versioned, is_copied).release().ptr();
  });
}

PyObject* DLPackDevice(PyObject* self, PyObject*) {
  return ForPython<PyObject*>(nullptr, [&] {
    const TensorView view = ReadTensor(self, kWhat);
    return DeviceOf(view.memory_type, view.memory_type_id).release().ptr();
  });
}

// --- NumPy

// The type number of bfloat16, which the package ml_dtypes adds to NumPy.
int BFloat16Number() {
  static const int number = [] {
    try {
      return py::dtype::from_args(py::module_::import("ml_dtypes").attr("bfloat16")).num();
    } catch (py::error_already_set& error) {
      if (!error.matches(PyExc_ImportError)) throw;
      Refuse(TRITONSERVER_ERROR_UNSUPPORTED,
             "NumPy has no bfloat16; install the package ml_dtypes, or read the tensor through "
             "DLPack with a library that has it");
    }
  }();
  return number;
}

PyObject* AsNumPy(PyObject* self, PyObject*) {
  return ForPython<PyObject*>(nullptr, [&] {
    TensorView view = ReadTensor(self, kWhat);
    CheckIsHost(view);
    if (view.data_type == TRITONSERVER_TYPE_BYTES) {
      return DecodeBytes(static_cast<const char*>(view.data), view.byte_size, view.shape)
          .release()
          .ptr();
    }
    const DataTypeInfo& info = InfoOf(view.data_type);
    if (info.byte_size == 0) {
      Refuse(TRITONSERVER_ERROR_INVALID_ARG, "NumPy has no data type for INVALID");
    }
    const int number =
        view.data_type == TRITONSERVER_TYPE_BF16 ? BFloat16Number() : info.numpy_number;
    return NewArray(number, static_cast<int>(view.shape.size()),
                    reinterpret_cast<const Py_ssize_t*>(view.shape.data()), AddressOf(view),
                    view.owner)
        .release()
        .ptr();
  });
}

TensorView ReadBytesTensor(PyObject* self) {
  TensorView view = ReadTensor(self, kWhat);
  CheckIsHost(view);
  if (view.data_type != TRITONSERVER_TYPE_BYTES) {
    Refuse(TRITONSERVER_ERROR_INVALID_ARG,
           std::string("the tensor has data type ") + InfoOf(view.data_type).name + ", not BYTES");
  }
  return view;
}

PyObject* AsBytesArray(PyObject* self, PyObject*) {
  return ForPython<PyObject*>(nullptr, [&] {
    const TensorView view = ReadBytesTensor(self);
    return DecodeBytes(static_cast<const char*>(view.data), view.byte_size, view.shape)
        .release()
        .ptr();
  });
}

PyObject* AsStringArray(PyObject* self, PyObject*) {
  return ForPython<PyObject*>(nullptr, [&] {
    const TensorView view = ReadBytesTensor(self);
    return DecodeText(static_cast<const char*>(view.data), view.byte_size, view.shape)
        .release()
        .ptr();
  });
}

PyMethodDef tensor_methods[] = {
    {"__dlpack__", AsMethod(&DLPack), METH_FASTCALL | METH_KEYWORDS,
     R"(__dlpack__(self, *, stream: int | None = None, max_version: tuple[int, int] | None = None, dl_device: tuple[int, int] | None = None, copy: bool | None = None) -> typing_extensions.CapsuleType

A DLPack capsule over the tensor's memory, which keeps the tensor; versioned if `max_version` is at
least (1, 0).

InvalidArgumentError for BYTES, which DLPack does not have, and for a shape that does not fit the
memory. BufferError if `copy` is False and the tensor would have to be copied to `dl_device`.)"},
    {"__dlpack_device__", &DLPackDevice, METH_NOARGS,
     R"(__dlpack_device__(self) -> tuple[int, int]

DLPack's device type and number of the memory. Pinned memory counts as the CPU's.)"},
    {"_as_numpy", &AsNumPy, METH_NOARGS,
     "_as_numpy(self) -> numpy.typing.NDArray[typing.Any]\n\nThe tensor, in host memory, as an "
     "array."},
    {"_as_bytes_array", &AsBytesArray, METH_NOARGS,
     "_as_bytes_array(self) -> numpy.typing.NDArray[numpy.object_]\n\nThe elements of a BYTES "
     "tensor as bytes."},
    {"_as_string_array", &AsStringArray, METH_NOARGS,
     "_as_string_array(self) -> numpy.typing.NDArray[typing.Any]\n\nThe elements of a BYTES "
     "tensor as text."},
};

// --- Functions

// Data type, shape, address, memory type, memory type id, bytes, owner.
using Description = py::typing::Tuple<TRITONSERVER_DataType, py::typing::List<py::int_>, py::int_,
                                      TRITONSERVER_MemoryType, py::int_, py::int_, py::object>;

Description Describe(const TensorView& view) {
  py::list shape;
  for (const std::int64_t dim : view.shape) shape.append(dim);
  return py::make_tuple(EnumMember(view.data_type), std::move(shape),
                        reinterpret_cast<std::uintptr_t>(view.data), EnumMember(view.memory_type),
                        view.memory_type_id, view.byte_size, view.owner);
}

bool IsReadOnlyArray(const py::object& producer) {
  return NumPy::get().PyArray_Check_(producer.ptr()) &&
         (ArrayFields(producer.ptr()).flags & NumPy::NPY_ARRAY_WRITEABLE_) == 0;
}

Description ViewDLPack(const python::DLPackObject& producer) {
  const std::string what =
      std::string("cannot use the memory of ") + Py_TYPE(producer.ptr())->tp_name;
  if (IsReadOnlyArray(producer)) {
    Refuse(TRITONSERVER_ERROR_INVALID_ARG, what + ": the array is read-only; copy it first");
  }
  if (IsExactArray(producer.ptr())) {
    TensorView view = ReadArray(producer.ptr(), what);
    if (view.owner.ptr() != producer.ptr()) {
      Refuse(TRITONSERVER_ERROR_INVALID_ARG,
             what +
                 ": its elements must be of a type that DLPack has, C-contiguous and in native "
                 "byte order; use numpy.ascontiguousarray(), or Tensor.from_bytes_array() for "
                 "text");
    }
    return Describe(view);
  }
  if (!PyObject_HasAttr(producer.ptr(), names.__dlpack__)) {
    Refuse(TRITONSERVER_ERROR_INVALID_ARG, what + ": it has no __dlpack__ method");
  }
  return Describe(ReadDLPack(producer.ptr(), what, false));
}

Description EncodeText(const python::ArrayLike& value) {
  const TensorView view = ReadInput("value", value.ptr(), nullptr);
  if (view.data_type != TRITONSERVER_TYPE_BYTES) {
    Refuse(TRITONSERVER_ERROR_INVALID_ARG,
           std::string("the elements must be text or bytes, not ") + InfoOf(view.data_type).name);
  }
  return Describe(view);
}

}  // namespace

py::object NewTensor(Output& output) {
  const bool is_from_python = output.is_from_python();
  py::object tensor = TensorFields::New(
      classes.Tensor,
      {output.data_type, std::move(output.shape), output.byte_size, std::move(output.buffer)});
  if (is_from_python) TensorFields::Get(tensor.ptr(), TensorSource::kMemoryBuffer);
  return tensor;
}

bool IsNewTensorOf(PyObject* tensor, const Output& output) {
  if (Py_TYPE(tensor) != reinterpret_cast<PyTypeObject*>(classes.Tensor)) return false;
  const auto* source = TensorFields::SourceIfOnly(tensor, TensorSource::kMemoryBuffer);
  return source != nullptr && source->data_type == output.data_type &&
         source->shape == output.shape && output.byte_size == output.buffer->byte_size &&
         TensorFields::Get(tensor, TensorSource::kMemoryBuffer).ptr() ==
             output.buffer->memory_buffer;
}

TensorView ReadTensor(PyObject* tensor, const std::string& what) {
  TensorView view = ReadMemoryBuffer(TensorFields::Get(tensor, TensorSource::kMemoryBuffer).ptr());
  if (const auto* source = TensorFields::SourceOf(tensor, TensorSource::kDataType)) {
    view.data_type = source->data_type;
  } else {
    view.data_type =
        TensorFields::Get(tensor, TensorSource::kDataType).cast<TRITONSERVER_DataType>();
  }
  if (const auto* source = TensorFields::SourceOf(tensor, TensorSource::kShape)) {
    view.shape = source->shape;
  } else {
    view.shape = ReadShape(TensorFields::Get(tensor, TensorSource::kShape));
  }
  const std::size_t element_size = InfoOf(view.data_type).byte_size;
  std::uint64_t count = 0;
  const bool counted = CountElements(view.shape.data(), view.shape.size(), element_size, &count);
  if (!counted || count * element_size > view.byte_size) {
    Refuse(TRITONSERVER_ERROR_INVALID_ARG,
           what + ": " + Describe(view.data_type, view.shape.data(), view.shape.size()) +
               " is not the type and shape of a buffer of " + std::to_string(view.byte_size) +
               " bytes");
  }
  return view;
}

void BindPythonTensor(py::module_& module) {
  TensorFields::Bind(module, "TensorBase",
                     "The fields of Tensor, and what it does with its memory.",
                     {{Py_bf_getbuffer, reinterpret_cast<void*>(&GetBuffer)},
                      {Py_bf_releasebuffer, reinterpret_cast<void*>(&ReleaseBuffer)}},
                     {std::begin(tensor_methods), std::end(tensor_methods)});
  module.def("view_dlpack", &ViewDLPack, py::arg("producer"), R"(
(data type, shape, address, memory type, memory type id, bytes, owner) of the memory of an object
with DLPack. The owner must be kept as long as the memory is used.)");
  module.def(
      "ask_for_capsule",
      [](const python::DLPackObject& producer, const py::object& stream) {
        return python::Capsule(AskForCapsule(producer.ptr(), stream.ptr()));
      },
      py::arg("producer"), py::arg("stream"),
      "What `__dlpack__` of an object returns for a stream of its device.");
  module.def("encode_text", &EncodeText, py::arg("value"),
             "The same of a BYTES tensor in new memory, with the elements of an array or list.");
}

}  // namespace tritonserver::inference
