#include "native/inference/dlpack.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "native/inference/data_types.h"
#include "native/inference/deferred.h"
#include "native/inference/dlpack_abi.h"
#include "native/inference/numpy.h"
#include "native/inference/python_types.h"

namespace tritonserver::inference {
namespace {

[[noreturn]] void Refuse(const std::string& what, const std::string& problem) {
  throw Error(TRITONSERVER_ERROR_INVALID_ARG, what + ": " + problem);
}

// --- Out

// What a capsule of ours points to: one allocation with the shape behind it.
template <class Managed>
struct Export {
  Managed managed{};
  PyObject* owner;
  PyObject* tensor;
  std::int64_t shape_and_strides[1];  // of 2 * ndim
};

// May run on any thread; the one who holds the capsule's tensor may not have the GIL.
template <class Managed>
void DeleteExport(Managed* managed) {
  auto* exported = static_cast<Export<Managed>*>(managed->manager_ctx);
  if (PyGILState_Check()) {
    Py_DECREF(exported->owner);
    Py_DECREF(exported->tensor);
  } else {
    DeferDrop(exported->owner);
    DeferDrop(exported->tensor);
  }
  ::operator delete(exported);
}

// Runs when nobody took the tensor out.
template <class Managed>
void DestroyCapsule(PyObject* capsule, const char* name) {
  if (!PyCapsule_IsValid(capsule, name)) return;
  auto* managed = static_cast<Managed*>(PyCapsule_GetPointer(capsule, name));
  managed->deleter(managed);
}

DLDevice DLDeviceOf(TRITONSERVER_MemoryType memory_type, std::int64_t memory_type_id) {
  const bool is_gpu = memory_type == TRITONSERVER_MEMORY_GPU;
  return {is_gpu ? kDLCUDA : kDLCPU, static_cast<std::int32_t>(memory_type_id)};
}

template <class Managed>
py::object NewCapsuleOf(const TensorView& view, PyObject* tensor, const char* name,
                        PyCapsule_Destructor destroy) {
  const DataTypeInfo& info = InfoOf(view.data_type);
  const std::size_t rank = view.shape.size();
  auto* exported = new (::operator new(sizeof(Export<Managed>) + 2 * rank * sizeof(std::int64_t)))
      Export<Managed>;
  exported->owner = py::object(view.owner).release().ptr();
  exported->tensor = Py_NewRef(tensor);
  exported->managed.manager_ctx = exported;
  exported->managed.deleter = &DeleteExport<Managed>;
  std::int64_t* const shape = exported->shape_and_strides;
  std::int64_t* const strides = shape + rank;
  std::copy(view.shape.begin(), view.shape.end(), shape);
  std::int64_t stride = 1;
  for (std::size_t i = rank; i-- > 0;) {
    strides[i] = stride;
    stride *= std::max<std::int64_t>(shape[i], 1);
  }
  exported->managed.dl_tensor = {const_cast<void*>(view.data),
                                 DLDeviceOf(view.memory_type, view.memory_type_id),
                                 static_cast<std::int32_t>(rank),
                                 {info.dlpack_code, info.dlpack_bits, 1},
                                 shape,
                                 strides,
                                 0};
  PyObject* capsule = PyCapsule_New(&exported->managed, name, destroy);
  if (capsule == nullptr) DeleteExport(&exported->managed);
  return Steal(capsule);
}

// --- In

// The tensor in a capsule, which stays with the capsule: the capsule is kept as long as the memory
// is used, and its own destructor calls the deleter.
const DLTensor& TensorOf(const py::object& capsule, const std::string& what) {
  if (PyCapsule_IsValid(capsule.ptr(), kDLTensorVersioned)) {
    const auto* managed = static_cast<const DLManagedTensorVersioned*>(
        PyCapsule_GetPointer(capsule.ptr(), kDLTensorVersioned));
    if (managed->version.major != kDLPackVersion.major) {
      Refuse(what, "its DLPack version is " + std::to_string(managed->version.major) +
                       "; versions 0 and 1 are understood");
    }
    return managed->dl_tensor;
  }
  if (PyCapsule_IsValid(capsule.ptr(), kDLTensor)) {
    return static_cast<const DLManagedTensor*>(PyCapsule_GetPointer(capsule.ptr(), kDLTensor))
        ->dl_tensor;
  }
  Refuse(what, "its __dlpack__() did not return an unused DLPack capsule");
}

bool IsReadOnly(const py::object& capsule) {
  if (!PyCapsule_IsValid(capsule.ptr(), kDLTensorVersioned)) return false;
  const auto* managed = static_cast<const DLManagedTensorVersioned*>(
      PyCapsule_GetPointer(capsule.ptr(), kDLTensorVersioned));
  return (managed->flags & kDLPackReadOnly) != 0;
}

// Whether a producer does not know the keyword for versions. A TypeError may be about its data as
// well, and then it must not be asked again.
bool IsAboutKeywords(const py::error_already_set& refusal) {
  if (!refusal.matches(PyExc_TypeError)) return false;
  const std::string reason = ErrorFromPython(refusal).message();
  return reason.find("max_version") != std::string::npos ||
         reason.find("keyword argument") != std::string::npos;
}

bool IsContiguous(const DLTensor& tensor) {
  if (tensor.strides == nullptr) return true;
  std::int64_t expected = 1;
  for (std::int32_t i = tensor.ndim; i-- > 0;) {
    if (tensor.shape[i] == 0) return true;
    // The stride of a dimension of size 1 means nothing.
    if (tensor.shape[i] != 1 && tensor.strides[i] != expected) {
      return std::find(tensor.shape, tensor.shape + i, 0) != tensor.shape + i;
    }
    expected *= tensor.shape[i];
  }
  return true;
}

// Copies the elements below `axis` in C order; returns the end of what was written.
char* CopyStrided(const DLTensor& tensor, std::size_t element_size, std::int32_t axis,
                  const char* from, char* to) {
  if (axis == tensor.ndim) {
    std::memcpy(to, from, element_size);
    return to + element_size;
  }
  const std::int64_t step = tensor.strides[axis] * static_cast<std::int64_t>(element_size);
  for (std::int64_t i = 0; i < tensor.shape[axis]; ++i) {
    to = CopyStrided(tensor, element_size, axis + 1, from + i * step, to);
  }
  return to;
}

bool IsGpu(const DLDevice& device) {
  return device.device_type == kDLCUDA || device.device_type == kDLCUDAManaged;
}

TRITONSERVER_MemoryType MemoryTypeOf(const DLDevice& device, const std::string& what) {
  switch (device.device_type) {
    case kDLCPU:
      return TRITONSERVER_MEMORY_CPU;
    case kDLCUDAHost:
      return TRITONSERVER_MEMORY_CPU_PINNED;
    case kDLCUDA:
    case kDLCUDAManaged:
      return TRITONSERVER_MEMORY_GPU;
    default:
      Refuse(what, "Triton has no memory type for DLPack device type " +
                       std::to_string(device.device_type));
  }
}

}  // namespace

py::object NewCapsule(const TensorView& view, PyObject* tensor, bool versioned, bool is_copied) {
  if (InfoOf(view.data_type).dlpack_bits == 0) {
    throw Error(TRITONSERVER_ERROR_INVALID_ARG,
                std::string("DLPack has no data type for ") + InfoOf(view.data_type).name +
                    (view.data_type == TRITONSERVER_TYPE_BYTES
                         ? "; use to_bytes_array() or to_string_array()"
                         : ""));
  }
  if (!versioned) {
    return NewCapsuleOf<DLManagedTensor>(view, tensor, kDLTensor, [](PyObject* unused) {
      DestroyCapsule<DLManagedTensor>(unused, kDLTensor);
    });
  }
  py::object capsule = NewCapsuleOf<DLManagedTensorVersioned>(
      view, tensor, kDLTensorVersioned, [](PyObject* unused) {
        DestroyCapsule<DLManagedTensorVersioned>(unused, kDLTensorVersioned);
      });
  auto* managed = static_cast<DLManagedTensorVersioned*>(
      PyCapsule_GetPointer(capsule.ptr(), kDLTensorVersioned));
  managed->version = kDLPackVersion;
  managed->flags = is_copied ? kDLPackIsCopied : 0;
  return capsule;
}

py::object AskForCapsule(PyObject* producer, PyObject* stream) {
  static PyObject* const both =
      Steal(PyTuple_Pack(2, names.stream, names.max_version)).release().ptr();
  static PyObject* const first = Steal(PyTuple_GetSlice(both, 0, 1)).release().ptr();
  static PyObject* const second = Steal(PyTuple_GetSlice(both, 1, 2)).release().ptr();
  static PyObject* const version =
      py::make_tuple(kDLPackVersion.major, kDLPackVersion.minor).release().ptr();
  const py::object method = Get(producer, names.__dlpack__);
  PyObject* arguments[] = {stream, version};
  PyObject* capsule = stream != nullptr
                          ? PyObject_Vectorcall(method.ptr(), arguments, 0, both)
                          : PyObject_Vectorcall(method.ptr(), arguments + 1, 0, second);
  if (capsule != nullptr) return Steal(capsule);
  py::error_already_set refusal;
  if (!IsAboutKeywords(refusal)) throw refusal;
  return Steal(stream != nullptr ? PyObject_Vectorcall(method.ptr(), arguments, 0, first)
                                 : PyObject_CallNoArgs(method.ptr()));
}

py::object DeviceOf(TRITONSERVER_MemoryType memory_type, std::int64_t memory_type_id) {
  const DLDevice device = DLDeviceOf(memory_type, memory_type_id);
  return py::make_tuple(static_cast<int>(device.device_type), device.device_id);
}

TensorView ReadDLPack(PyObject* producer, const std::string& what, bool is_input) {
  py::object capsule = AskForCapsule(producer, nullptr);
  if (const DLDevice device = TensorOf(capsule, what).device; IsGpu(device)) {
    capsule = py::handle(classes.take_from_gpu)(py::handle(producer), device.device_id);
  }
  const DLTensor& tensor = TensorOf(capsule, what);
  if (!is_input && IsReadOnly(capsule)) Refuse(what, "the memory is read-only; copy it first");
  const TRITONSERVER_DataType data_type =
      tensor.dtype.lanes == 1 ? DataTypeOfDLPack(tensor.dtype.code, tensor.dtype.bits)
                              : TRITONSERVER_TYPE_INVALID;
  if (data_type == TRITONSERVER_TYPE_INVALID) {
    Refuse(what, "Triton has no data type for DLPack type code " +
                     std::to_string(tensor.dtype.code) + " with " +
                     std::to_string(tensor.dtype.bits) + " bits and " +
                     std::to_string(tensor.dtype.lanes) + " lanes");
  }
  const std::size_t element_size = InfoOf(data_type).byte_size;
  TensorView view{data_type, {tensor.shape, tensor.shape + tensor.ndim}};
  std::uint64_t count = 0;
  if (!CountElements(view.shape.data(), view.shape.size(), element_size, &count)) {
    Refuse(what, Describe(data_type, tensor.shape, static_cast<std::size_t>(tensor.ndim)) +
                     " is not the shape of a tensor");
  }
  view.byte_size = count * element_size;
  view.memory_type = MemoryTypeOf(tensor.device, what);
  view.memory_type_id = tensor.device.device_id;
  const char* data = static_cast<const char*>(tensor.data) + tensor.byte_offset;
  if (IsContiguous(tensor)) {
    view.data = data;
    view.owner = std::move(capsule);
    return view;
  }
  if (!is_input || view.memory_type == TRITONSERVER_MEMORY_GPU) {
    Refuse(what, "its memory is not C-contiguous; make it so first");
  }
  view.owner = NewByteArray(view.byte_size);
  view.data = ArrayData(view.owner);
  CopyStrided(tensor, element_size, 0, data, static_cast<char*>(ArrayData(view.owner)));
  return view;
}

}  // namespace tritonserver::inference
