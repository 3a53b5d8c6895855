#include "native/c_api/response_allocator.h"

#include <new>
#include <string>
#include <tuple>
#include <utility>

#include "native/c_api/bindings.h"
#include "native/c_api/call.h"
#include "native/c_api/error.h"

namespace tritonserver {

PythonBuffer::PythonBuffer(std::shared_ptr<ResponseAllocator> allocator, std::uintptr_t pointer,
                           py::object user_object, std::size_t byte_size,
                           TRITONSERVER_MemoryType memory_type, std::int64_t memory_type_id)
    : allocator_(std::move(allocator)),
      pointer_(pointer),
      user_object_(std::move(user_object)),
      byte_size_(byte_size),
      memory_type_(memory_type),
      memory_type_id_(memory_type_id) {}

void PythonBuffer::Release() {
  allocator_->release_.get()(allocator_, pointer_, user_object_.get(), byte_size_, memory_type_,
                             memory_type_id_);
}

// What the core calls. The allocator's own `userp` is an AllocatorUse, a buffer's a PythonBuffer.
struct AllocatorCallbacks {
  static TRITONSERVER_Error* Alloc(TRITONSERVER_ResponseAllocator*, const char* name,
                                   std::size_t byte_size, TRITONSERVER_MemoryType memory_type,
                                   std::int64_t memory_type_id, void* userp, void** buffer,
                                   void** buffer_userp, TRITONSERVER_MemoryType* actual_type,
                                   std::int64_t* actual_type_id) {
    *buffer = nullptr;
    *buffer_userp = nullptr;
    return CallPythonForCore("alloc_function", [&] {
      auto& use = *static_cast<AllocatorUse*>(userp);
      const auto [pointer, user_object, type, type_id] =
          use.allocator->alloc_
              .get()(use.allocator, name, byte_size, memory_type, memory_type_id,
                     use.user_object.get())
              .template cast<std::tuple<Integer<std::uintptr_t>, py::object,
                                        TRITONSERVER_MemoryType, Integer<std::int64_t>>>();
      if (pointer == 0 && byte_size > 0) {
        throw Error(TRITONSERVER_ERROR_INVALID_ARG, "alloc_function returned a null pointer for " +
                                                        std::to_string(byte_size) +
                                                        " bytes of output '" + name + "'");
      }
      auto made = std::make_unique<PythonBuffer>(use.allocator, pointer, user_object, byte_size,
                                                 type, type_id);
      *actual_type = type;
      *actual_type_id = type_id;
      *buffer = made->base();
      *buffer_userp = made.release();
    });
  }

  static TRITONSERVER_Error* Release(TRITONSERVER_ResponseAllocator*, void*, void* buffer_userp,
                                     std::size_t, TRITONSERVER_MemoryType, std::int64_t) {
    std::unique_ptr<PythonBuffer> buffer(static_cast<PythonBuffer*>(buffer_userp));
    if (!PythonIsRunning()) return nullptr;
    return CallPythonForCore("release_function", [&] { buffer->Release(); });
  }

  static TRITONSERVER_Error* Start(TRITONSERVER_ResponseAllocator*, void* userp) {
    return CallPythonForCore("start_function", [&] {
      auto& use = *static_cast<AllocatorUse*>(userp);
      use.allocator->start_.get()(use.allocator, use.user_object.get());
    });
  }

  static TRITONSERVER_Error* Query(TRITONSERVER_ResponseAllocator*, void* userp, const char* name,
                                   std::size_t* byte_size, TRITONSERVER_MemoryType* memory_type,
                                   std::int64_t* memory_type_id) {
    return CallPythonForCore("query_function", [&] {
      auto& use = *static_cast<AllocatorUse*>(userp);
      const auto query = use.allocator->query_.get();  // may be replaced meanwhile
      const py::object size = byte_size == nullptr ? py::object(py::none()) : py::cast(*byte_size);
      const auto [type, type_id] =
          query(use.allocator, use.user_object.get(), ToPython(name), size, *memory_type,
                *memory_type_id)
              .template cast<std::tuple<TRITONSERVER_MemoryType, Integer<std::int64_t>>>();
      *memory_type = type;
      *memory_type_id = type_id;
    });
  }

  static TRITONSERVER_Error* Attributes(TRITONSERVER_ResponseAllocator*, const char* name,
                                        TRITONSERVER_BufferAttributes* attributes, void* userp,
                                        void* buffer_userp) {
    auto& buffer = *static_cast<PythonBuffer*>(buffer_userp);
    TRITONSERVER_Error* error = CallPythonForCore("buffer_attributes_function", [&] {
      auto& use = *static_cast<AllocatorUse*>(userp);
      const auto function = use.allocator->attributes_.get();  // may be replaced meanwhile
      const Loan loan(attributes);
      const py::object answer =
          function(use.allocator, name, loan.object, use.user_object.get(), buffer.user_object());
      if (!py::isinstance<BufferAttributes>(answer)) throw py::cast_error();
      if (!answer.is(loan.object)) {
        CopyBufferAttributes(answer.cast<BufferAttributes&>().get(), attributes);
      }
    });
    // The core forgets the buffer then, without releasing it.
    if (error != nullptr) ReleaseQuietly(buffer_userp);
    return error;
  }

 private:
  // The Python object for attributes of the core, during a callback.
  struct Loan {
    explicit Loan(TRITONSERVER_BufferAttributes* attributes)
        : object(py::cast(
              BufferAttributes(Handle<TRITONSERVER_BufferAttributes>::Borrow(attributes)))) {}
    ~Loan() { object.cast<BufferAttributes&>().Take(); }

    py::object object;
  };

  static void ReleaseQuietly(void* buffer_userp) {
    std::unique_ptr<PythonBuffer> buffer(static_cast<PythonBuffer*>(buffer_userp));
    CallPython("release_function", [&] { buffer->Release(); });
  }
};

ResponseAllocator::ResponseAllocator(Alloc alloc, Release release, std::optional<Start> start)
    : alloc_(std::move(alloc)), release_(std::move(release)) {
  if (start) start_ = GilSafe<Start>(std::move(*start));
  handle_ =
      New<&Api::ResponseAllocatorNew>(&AllocatorCallbacks::Alloc, &AllocatorCallbacks::Release,
                                      start_.get() ? &AllocatorCallbacks::Start : nullptr);
}

void ResponseAllocator::SetBufferAttributesFunction(Attributes attributes) {
  attributes_ = GilSafe<Attributes>(std::move(attributes));
  Call<&Api::ResponseAllocatorSetBufferAttributesFunction>(get(), &AllocatorCallbacks::Attributes);
}

void ResponseAllocator::SetQueryFunction(Query query) {
  query_ = GilSafe<Query>(std::move(query));
  Call<&Api::ResponseAllocatorSetQueryFunction>(get(), &AllocatorCallbacks::Query);
}

HostBuffer::Owner HostBuffer::New(std::size_t byte_size) {
  constexpr std::align_val_t kAlignment{alignof(HostBuffer)};
  void* memory = operator new(sizeof(HostBuffer) + byte_size, kAlignment, std::nothrow);
  return Owner(memory == nullptr ? nullptr : new (memory) HostBuffer);
}

void HostBuffer::Free::operator()(HostBuffer* buffer) const {
  operator delete(buffer, std::align_val_t{alignof(HostBuffer)});
}

namespace {

TRITONSERVER_Error* AllocHost(TRITONSERVER_ResponseAllocator*, const char* name,
                              std::size_t byte_size, TRITONSERVER_MemoryType, std::int64_t, void*,
                              void** buffer, void** buffer_userp,
                              TRITONSERVER_MemoryType* actual_type, std::int64_t* actual_type_id) {
  *actual_type = TRITONSERVER_MEMORY_CPU;
  *actual_type_id = 0;
  *buffer = nullptr;  // stays so for empty outputs
  *buffer_userp = nullptr;
  if (byte_size == 0) return nullptr;
  auto made = HostBuffer::New(byte_size);
  if (made == nullptr) {
    const std::string message = "cannot allocate " + std::to_string(byte_size) +
                                " bytes for output '" + std::string(name) + "'";
    return MakeError(TRITONSERVER_ERROR_UNAVAILABLE, message.c_str());
  }
  *buffer = made->data();
  *buffer_userp = made.release();
  return nullptr;
}

TRITONSERVER_Error* ReleaseHost(TRITONSERVER_ResponseAllocator*, void*, void* buffer_userp,
                                std::size_t, TRITONSERVER_MemoryType, std::int64_t) {
  auto* buffer = static_cast<HostBuffer*>(buffer_userp);
  if (!buffer->kept) HostBuffer::Free()(buffer);
  return nullptr;
}

}  // namespace

TRITONSERVER_ResponseAllocator* HostAllocator() {
  // Never deleted: responses may exist until the process ends.
  static TRITONSERVER_ResponseAllocator* allocator =
      New<&Api::ResponseAllocatorNew>(&AllocHost, &ReleaseHost, nullptr).Release();
  return allocator;
}

void BindResponseAllocator(py::module_& module, Later& later) {
  py::class_<ResponseAllocator, std::shared_ptr<ResponseAllocator>> allocator(
      module, "TRITONSERVER_ResponseAllocator", R"(
Functions that provide the memory of outputs. They run on threads of the core.

alloc_function(allocator, tensor_name, byte_size, memory_type, memory_type_id, user_object)
    For each output. `byte_size` may be 0, the memory type is the one preferred. Returns `(pointer,
    buffer_user_object, memory_type, memory_type_id)`, with the memory type as it is. The buffer
    user object is kept until after release.
release_function(allocator, pointer, buffer_user_object, byte_size, memory_type, memory_type_id)
    When the response is deleted. What it returns is ignored.
start_function(allocator, user_object)
    Before the outputs of each response, and of some that never arrive. Its result is ignored.

`user_object` is what the request was given. An exception becomes an error with the code of its
class, in the response if possible. One allocator may serve any number of requests.

C API: TRITONSERVER_ResponseAllocator, TRITONSERVER_ResponseAllocatorNew,
TRITONSERVER_ResponseAllocatorDelete)",
      py::release_gil_before_calling_cpp_dtor());
  later.push_back([allocator]() mutable {
    using Class = ResponseAllocator;
    allocator.def(py::init([](Class::Alloc alloc, Class::Release release) {
                    return std::make_shared<Class>(std::move(alloc), std::move(release),
                                                   std::nullopt);
                  }),
                  py::arg("alloc_function"), py::arg("release_function"));
    allocator.def(
        py::init([](Class::Alloc alloc, Class::Release release, Class::Start start) {
          return std::make_shared<Class>(std::move(alloc), std::move(release), std::move(start));
        }),
        py::arg("alloc_function"), py::arg("release_function"), py::arg("start_function"));
    allocator.def("set_buffer_attributes_function", &Class::SetBufferAttributesFunction,
                  py::arg("buffer_attributes_function"),
                  Document<&Api::ResponseAllocatorSetBufferAttributesFunction>(R"(
Set what describes a buffer after it was allocated. Set it before the allocator is used.

Called as `(allocator, tensor_name, buffer_attributes, user_object, buffer_user_object)`; returns
the attributes it got, changed, or others, whose values are taken. `buffer_attributes` is valid only
during the call. The core uses the CUDA IPC handle only.)")
                      .c_str());
    allocator.def("set_query_function", &Class::SetQueryFunction, py::arg("query_function"),
                  Document<&Api::ResponseAllocatorSetQueryFunction>(R"(
Set what tells backends which memory an output will get. Set it before the allocator is used.

Called as `(allocator, user_object, tensor_name, byte_size, memory_type, memory_type_id)` with
`byte_size` None and an empty name if unknown; returns `(memory_type, memory_type_id)`.)")
                      .c_str());
  });
}

}  // namespace tritonserver
