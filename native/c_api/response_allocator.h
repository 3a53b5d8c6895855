// Where responses put their outputs: memory that Python functions provide, or plain host memory.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/typing.h>

#include <cstddef>
#include <memory>
#include <optional>

#include "native/c_api/objects.h"

namespace tritonserver {

// An allocator made of Python functions. Held by everything that uses it: requests in flight,
// buffers, and responses, which the core lets refer to it until they are deleted.
class ResponseAllocator : public std::enable_shared_from_this<ResponseAllocator>,
                          public PythonClass {
 public:
  using Self = std::shared_ptr<ResponseAllocator>;
  using Placement = py::typing::Tuple<TRITONSERVER_MemoryType, py::int_>;
  using Alloc = py::typing::Callable<
      py::typing::Tuple<py::int_, py::object, TRITONSERVER_MemoryType, py::int_>(
          Self, py::str, py::int_, TRITONSERVER_MemoryType, py::int_, py::object)>;
  using Release = py::typing::Callable<py::object(Self, py::int_, py::object, py::int_,
                                                  TRITONSERVER_MemoryType, py::int_)>;
  using Start = py::typing::Callable<py::object(Self, py::object)>;
  using Query =
      py::typing::Callable<Placement(Self, py::object, py::str, py::typing::Optional<py::int_>,
                                     TRITONSERVER_MemoryType, py::int_)>;
  using Attributes = py::typing::Callable<BufferAttributes(Self, py::str, BufferAttributes,
                                                           py::object, py::object)>;

  ResponseAllocator(Alloc alloc, Release release, std::optional<Start> start);

  void SetBufferAttributesFunction(Attributes attributes);
  void SetQueryFunction(Query query);

  TRITONSERVER_ResponseAllocator* get() const { return handle_.get(); }

 private:
  friend struct AllocatorCallbacks;
  friend class PythonBuffer;

  GilSafe<Alloc> alloc_;
  GilSafe<Release> release_;
  GilSafe<Start> start_;
  GilSafe<Query> query_;
  GilSafe<Attributes> attributes_;
  Handle<TRITONSERVER_ResponseAllocator> handle_;
};

template <>
struct ClassFor<TRITONSERVER_ResponseAllocator> {
  using Type = ResponseAllocator;
};

// What the core passes to the functions of an allocator for one request.
struct AllocatorUse {
  std::shared_ptr<ResponseAllocator> allocator;
  GilSafe<> user_object;
};

// A buffer from a Python function, with the object that came with it. The core holds it as the
// buffer's `userp`.
class PythonBuffer {
 public:
  PythonBuffer(std::shared_ptr<ResponseAllocator> allocator, std::uintptr_t pointer,
               py::object user_object, std::size_t byte_size, TRITONSERVER_MemoryType memory_type,
               std::int64_t memory_type_id);

  // What the core takes for the address: never null, for it does not release null buffers.
  void* base() { return pointer_ != 0 ? reinterpret_cast<void*>(pointer_) : this; }

  std::uintptr_t pointer() const { return pointer_; }
  const py::object& user_object() const { return user_object_.get(); }

  // Gives the buffer back to the Python function. With the GIL.
  void Release();

 private:
  std::shared_ptr<ResponseAllocator> allocator_;
  std::uintptr_t pointer_;
  GilSafe<> user_object_;
  std::size_t byte_size_;
  TRITONSERVER_MemoryType memory_type_;
  std::int64_t memory_type_id_;
};

// A buffer from the allocator of plain host memory, which the core holds as its `userp`; the data
// follows it.
struct alignas(64) HostBuffer {
  struct Free {
    void operator()(HostBuffer* buffer) const;
  };
  using Owner = std::unique_ptr<HostBuffer, Free>;

  static Owner New(std::size_t byte_size);
  void* data() { return this + 1; }

  // Whether releasing leaves it alone, because somebody else owns it now.
  bool kept = false;
};

// The allocator used where the Python program sets none: CPU memory, whatever is asked for.
TRITONSERVER_ResponseAllocator* HostAllocator();

}  // namespace tritonserver
