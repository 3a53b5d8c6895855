#include "native/c_api/bindings.h"
#include "native/c_api/call.h"

namespace tritonserver {

BufferAttributes NewBufferAttributes() {
  BufferAttributes attributes(New<&Api::BufferAttributesNew>());
  Call<&Api::BufferAttributesSetByteSize>(attributes.get(), 0u);  // the core leaves it undefined
  return attributes;
}

void CopyBufferAttributes(TRITONSERVER_BufferAttributes* from, TRITONSERVER_BufferAttributes* to) {
  TRITONSERVER_MemoryType memory_type;
  std::int64_t memory_type_id;
  std::size_t byte_size;
  void* cuda_ipc_handle;
  Call<&Api::BufferAttributesMemoryType>(from, &memory_type);
  Call<&Api::BufferAttributesMemoryTypeId>(from, &memory_type_id);
  Call<&Api::BufferAttributesByteSize>(from, &byte_size);
  Call<&Api::BufferAttributesCudaIpcHandle>(from, &cuda_ipc_handle);
  Call<&Api::BufferAttributesSetMemoryType>(to, memory_type);
  Call<&Api::BufferAttributesSetMemoryTypeId>(to, memory_type_id);
  Call<&Api::BufferAttributesSetByteSize>(to, byte_size);
  if (cuda_ipc_handle != nullptr) {
    Call<&Api::BufferAttributesSetCudaIpcHandle>(to, cuda_ipc_handle);
  }
}

namespace {

void SetCudaIpcHandle(const BufferAttributes& attributes, Integer<std::uintptr_t> address) {
  if (address == 0) {
    throw Error(TRITONSERVER_ERROR_INVALID_ARG,
                "cuda_ipc_handle must be the address of a handle of 64 bytes, not 0");
  }
  Call<&Api::BufferAttributesSetCudaIpcHandle>(attributes.get(),
                                               reinterpret_cast<void*>(address.value));
}

}  // namespace

void BindBufferAttributes(py::module_& module, Later& later) {
  py::class_<BufferAttributes> attributes(module, "TRITONSERVER_BufferAttributes", R"(
Where a buffer is: kind of memory, device and size. Begins as 0 bytes of CPU memory.

C API: TRITONSERVER_BufferAttributes, TRITONSERVER_BufferAttributesNew,
TRITONSERVER_BufferAttributesDelete)");
  later.push_back([attributes]() mutable {
    attributes.def(py::init(&NewBufferAttributes));
    DefProperty<&Api::BufferAttributesMemoryType, &Api::BufferAttributesSetMemoryType>(
        attributes, "memory_type", "Kind of memory.");
    DefProperty<&Api::BufferAttributesMemoryTypeId, &Api::BufferAttributesSetMemoryTypeId>(
        attributes, "memory_type_id", "Number of the device, 0 for the host.");
    DefProperty<&Api::BufferAttributesByteSize, &Api::BufferAttributesSetByteSize>(
        attributes, "byte_size", "Size in bytes.");
    DefPropertyAs<&Api::BufferAttributesCudaIpcHandle, &Api::BufferAttributesSetCudaIpcHandle>(
        attributes, "cuda_ipc_handle",
        "Address of a CUDA IPC handle of 64 bytes, 0 without one. Setting copies the handle; the "
        "address got is that of the copy, valid as long as this object.",
        &SetCudaIpcHandle);
  });
}

}  // namespace tritonserver
