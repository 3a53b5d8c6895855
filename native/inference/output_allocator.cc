#include "native/inference/output_allocator.h"

#include <array>
#include <atomic>
#include <new>

#include "native/c_api/enums.h"
#include "native/inference/inference.h"
#include "native/inference/output_buffer.h"
#include "native/inference/python_types.h"
#include "native/inference/tensor_view.h"
#include "native/triton/api.h"

namespace tritonserver::inference {
namespace {

std::array<std::atomic<bool>, 3> asks_python{};

struct Place {
  TRITONSERVER_MemoryType memory_type;
  std::int64_t id;
};

Place PlaceFor(const Inference& inference, Place preferred) {
  const auto& wanted = inference.setup().output_memory;
  return wanted ? Place{wanted->first, wanted->second} : preferred;
}

bool AsksPython(const Inference& inference, Place place) {
  return inference.setup().allocator != nullptr ||
         (place.memory_type < asks_python.size() && asks_python[place.memory_type].load());
}

// What `tritonserver._api._allocators` chooses.
OutputBufferPtr AskPython(const Inference& inference, std::size_t byte_size, Place place) {
  PyObject* const allocator = inference.setup().allocator;
  const py::object memory_buffer =
      py::handle(classes.allocate_output)(py::handle(allocator == nullptr ? Py_None : allocator),
                                          byte_size, EnumMember(place.memory_type), place.id);
  PyObject* source = memory_buffer.ptr();
  if (!py::isinstance(memory_buffer, py::handle(classes.MemoryBuffer))) {
    throw Error(TRITONSERVER_ERROR_INTERNAL,
                std::string("an output allocator must return a MemoryBuffer, not ") +
                    Py_TYPE(source)->tp_name);
  }
  const TensorView memory = ReadMemoryBuffer(source);
  if (memory.byte_size < byte_size) {
    throw Error(TRITONSERVER_ERROR_INTERNAL,
                "an output allocator was asked for " + std::to_string(byte_size) +
                    " bytes and returned " + std::to_string(memory.byte_size));
  }
  return WrapMemoryBuffer(source, true, const_cast<void*>(memory.data), memory.byte_size,
                          memory.memory_type, memory.memory_type_id);
}

// The buffer that the caller provides for this output, if there is one.
const Inference::ProvidedOutputs::Buffer* FindProvided(const Inference& inference,
                                                       const char* name) {
  if (inference.setup().provided == nullptr) return nullptr;
  for (const auto& buffer : inference.setup().provided->buffers) {
    if (buffer.name == name) return &buffer;
  }
  return nullptr;
}

OutputBufferPtr UseProvided(const Inference::ProvidedOutputs::Buffer& provided,
                            std::size_t byte_size) {
  const TensorView& view = provided.view;
  if (byte_size > view.byte_size) {
    throw Error(TRITONSERVER_ERROR_INVALID_ARG,
                "output '" + provided.name + "' has " + std::to_string(byte_size) +
                    " bytes, but the buffer given for it only " + std::to_string(view.byte_size));
  }
  return WrapMemoryBuffer(provided.memory_buffer, false, const_cast<void*>(view.data),
                          view.byte_size, view.memory_type, view.memory_type_id);
}

// An allocator that fails makes the response an InternalError, whatever it raised.
TRITONSERVER_Error* InternalErrorOf(TRITONSERVER_Error* error, const char* name) {
  if (error == nullptr) return nullptr;
  const std::string message =
      std::string("cannot allocate output '") + name + "': " + TakeError(error).message();
  return MakeError(TRITONSERVER_ERROR_INTERNAL, message.c_str());
}

TRITONSERVER_Error* Allocate(TRITONSERVER_ResponseAllocator*, const char* name,
                             std::size_t byte_size, TRITONSERVER_MemoryType preferred,
                             std::int64_t preferred_id, void* userp, void** data,
                             void** buffer_userp, TRITONSERVER_MemoryType* memory_type,
                             std::int64_t* memory_type_id) {
  const auto& inference = *static_cast<const Inference*>(userp);
  const Place place = PlaceFor(inference, {preferred, preferred_id});
  OutputBufferPtr buffer;
  const auto* provided = FindProvided(inference, name);
  // Only what is made of it leaves the native layer.
  const bool is_classified = inference.setup().classification.CountOf(name) > 0;
  if (provided == nullptr && !is_classified && AsksPython(inference, place)) {
    TRITONSERVER_Error* error = CallPythonForCore(
        "MemoryAllocator.allocate", [&] { buffer = AskPython(inference, byte_size, place); });
    if (error != nullptr) return InternalErrorOf(error, name);
  } else {
    try {
      buffer = provided != nullptr ? UseProvided(*provided, byte_size) : NewOutputBuffer(byte_size);
    } catch (const Error& error) {
      return MakeError(error.code(), error.what());
    } catch (const std::bad_alloc&) {
      return MakeError(TRITONSERVER_ERROR_INTERNAL, "out of memory for an output");
    }
  }
  // Not null, or else the core would not release it.
  *data = buffer->data != nullptr ? buffer->data : buffer.get();
  *memory_type = buffer->memory_type;
  *memory_type_id = buffer->memory_type_id;
  *buffer_userp = buffer.release();
  return nullptr;
}

TRITONSERVER_Error* Release(TRITONSERVER_ResponseAllocator*, void*, void* buffer_userp, std::size_t,
                            TRITONSERVER_MemoryType, std::int64_t) {
  auto* buffer = static_cast<OutputBuffer*>(buffer_userp);
  if (!buffer->adopted) OutputBufferPtr(buffer).reset();
  return nullptr;
}

// Backends may ask before they allocate, even before they have a name.
TRITONSERVER_Error* Query(TRITONSERVER_ResponseAllocator*, void* userp, const char* name,
                          std::size_t*, TRITONSERVER_MemoryType* memory_type,
                          std::int64_t* memory_type_id) {
  const auto& inference = *static_cast<const Inference*>(userp);
  const Place place = PlaceFor(inference, {*memory_type, *memory_type_id});
  const bool is_pooled =
      !AsksPython(inference, place) || inference.setup().classification.CountOf(name) > 0;
  *memory_type = is_pooled ? TRITONSERVER_MEMORY_CPU : place.memory_type;
  *memory_type_id = is_pooled ? 0 : place.id;
  return nullptr;
}

TRITONSERVER_ResponseAllocator* NewAllocator() {
  TRITONSERVER_ResponseAllocator* allocator = nullptr;
  Call<&Api::ResponseAllocatorNew>(&allocator, &Allocate, &Release, nullptr);
  Call<&Api::ResponseAllocatorSetQueryFunction>(allocator, &Query);
  return allocator;
}

}  // namespace

TRITONSERVER_ResponseAllocator* OutputAllocator() {
  static TRITONSERVER_ResponseAllocator* const allocator = NewAllocator();
  return allocator;
}

void SetAsksPython(TRITONSERVER_MemoryType memory_type, bool asks) {
  asks_python.at(memory_type).store(asks);
}

}  // namespace tritonserver::inference
