// One owning handle for all object kinds of the C API.
#pragma once

#include <utility>

#include "native/triton/api.h"

namespace tritonserver {

// How a kind of object is deleted: one line for each kind.
template <class Object>
struct HandleTraits;

#define TRITON_HANDLE(kind)                                                               \
  template <>                                                                             \
  struct HandleTraits<TRITONSERVER_##kind> {                                              \
    static void Delete(TRITONSERVER_##kind* object) { Call<&Api::kind##Delete>(object); } \
  };
TRITON_HANDLE(BufferAttributes)
TRITON_HANDLE(Error)
TRITON_HANDLE(InferenceRequest)
TRITON_HANDLE(InferenceResponse)
TRITON_HANDLE(InferenceTrace)
TRITON_HANDLE(Message)
TRITON_HANDLE(Metric)
TRITON_HANDLE(MetricArgs)
TRITON_HANDLE(MetricFamily)
TRITON_HANDLE(Metrics)
TRITON_HANDLE(Parameter)
TRITON_HANDLE(ResponseAllocator)
TRITON_HANDLE(Server)
TRITON_HANDLE(ServerOptions)
#undef TRITON_HANDLE

// Writes an error to the log; for destructors, which can do nothing else about it.
inline void LogQuietly(const std::string& message) noexcept {
  try {
    Call<&Api::LogMessage>(TRITONSERVER_LOG_ERROR, __FILE__, __LINE__, message.c_str());
  } catch (const Error&) {
  }
}

template <class Object>
void DeleteQuietly(Object* object) noexcept {
  try {
    HandleTraits<Object>::Delete(object);
  } catch (const Error& failure) {
    LogQuietly("cannot delete an object: " + failure.message());
  }
}

// Move-only. A handle that is not empty is valid: it either owns its object, and deletes it, or
// borrows it from somebody who outlives the handle. What an object depends on is held beside its
// handle by whoever holds the handle, and declared before it, so that it is destroyed after it.
template <class Object>
class Handle {
 public:
  Handle() = default;
  static Handle Own(Object* object) { return Handle(object, true); }
  static Handle Borrow(Object* object) { return Handle(object, false); }

  Handle(Handle&& other) noexcept
      : object_(std::exchange(other.object_, nullptr)), owned_(other.owned_) {}
  Handle& operator=(Handle&& other) noexcept {
    if (this != &other) {
      Reset();
      object_ = std::exchange(other.object_, nullptr);
      owned_ = other.owned_;
    }
    return *this;
  }
  ~Handle() { Reset(); }

  Object* get() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }

  // Gives the object away without deleting it.
  Object* Release() { return std::exchange(object_, nullptr); }

  void Reset() {
    Object* object = std::exchange(object_, nullptr);
    if (object != nullptr && owned_) DeleteQuietly(object);
  }

 private:
  Handle(Object* object, bool owned) : object_(object), owned_(owned) {}

  Object* object_ = nullptr;
  bool owned_ = false;
};

// Owns what a function of the core has made; INTERNAL if that is nothing.
template <auto kFunction, class Object>
Handle<Object> OwnMade(Object* made) {
  if (made == nullptr) {
    throw Error(TRITONSERVER_ERROR_INTERNAL,
                std::string(kFunctionName<kFunction>) + " made no object");
  }
  return Handle<Object>::Own(made);
}

}  // namespace tritonserver
