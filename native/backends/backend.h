// What our backends share. Each is one subclass of `Instance`; backend.cc has the entry points that
// the core calls and forwards them to it.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "triton/core/tritonbackend.h"

namespace tritonserver::backend {

struct ModelConfig;

// Errors inside our backends are exceptions; `ErrorOf` turns them into what the core takes.
class Error : public std::runtime_error {
 public:
  Error(TRITONSERVER_Error_Code code, const std::string& message)
      : std::runtime_error(message), code_(code) {}
  TRITONSERVER_Error_Code code() const { return code_; }

 private:
  TRITONSERVER_Error_Code code_;
};

// Throws what `error` says and deletes it; null means success.
void ThrowIfError(TRITONSERVER_Error* error);

// For what nobody can be told: writes `error` to the log and deletes it; null means success.
void LogIfError(TRITONSERVER_Error* error) noexcept;

// Runs `body` and returns what it threw as a new error, or null.
template <class Body>
TRITONSERVER_Error* ErrorOf(Body&& body) noexcept {
  try {
    body();
    return nullptr;
  } catch (const Error& error) {
    return TRITONSERVER_ErrorNew(error.code(), error.what());
  } catch (const std::exception& error) {
    return TRITONSERVER_ErrorNew(TRITONSERVER_ERROR_INTERNAL, error.what());
  }
}

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

// Sleeps until `deadline` or until `cancelled()`, which is asked every millisecond.
template <class Cancelled>
void SleepUntil(Clock::time_point deadline, Cancelled cancelled) {
  while (Clock::now() < deadline && !cancelled()) {
    std::this_thread::sleep_until(std::min(deadline, Clock::now() + Milliseconds(1)));
  }
}

// The time now as statistics want it.
inline uint64_t Nanoseconds() {
  using std::chrono::nanoseconds;
  return std::chrono::duration_cast<nanoseconds>(Clock::now().time_since_epoch()).count();
}

template <class Value>
inline constexpr TRITONSERVER_DataType kDataType = TRITONSERVER_TYPE_INVALID;
template <>
inline constexpr TRITONSERVER_DataType kDataType<int32_t> = TRITONSERVER_TYPE_INT32;
template <>
inline constexpr TRITONSERVER_DataType kDataType<uint32_t> = TRITONSERVER_TYPE_UINT32;

// An input tensor of a request; everything in it belongs to the request.
struct Input {
  // With the data for a host policy, which must live as long as the object; null means any.
  explicit Input(TRITONBACKEND_Input* input, const char* host_policy = nullptr);
  Input(TRITONBACKEND_Request* request, const char* name);

  // The address of one of its buffers, which is in CPU memory.
  const void* Buffer(uint32_t index, uint64_t* byte_size) const;

  // Copies all buffers, one after the other, to `target`, which has room for `byte_size` bytes.
  void CopyTo(void* target) const;

  TRITONBACKEND_Input* handle;
  const char* host_policy;
  const char* name;
  TRITONSERVER_DataType data_type;
  const int64_t* shape;
  uint32_t rank;
  uint64_t byte_size;
  uint32_t buffer_count;
};

// Whether the client wants that output.
bool IsRequested(TRITONBACKEND_Request* request, const char* output);

bool IsCancelled(TRITONBACKEND_Request* request) noexcept;

// An owned response. Sending gives it away; one that is never sent is deleted.
class Response {
 public:
  Response() = default;
  explicit Response(TRITONBACKEND_Request* request);
  explicit Response(TRITONBACKEND_ResponseFactory* factory);
  Response(Response&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Response& operator=(Response&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Response();

  TRITONBACKEND_Response* get() const { return handle_; }

  // Adds an output and returns the memory for its data, `byte_size` bytes of CPU memory.
  void* AddOutput(const char* name, TRITONSERVER_DataType data_type, const int64_t* shape,
                  uint32_t rank, uint64_t byte_size);

  // Adds an output of shape [1].
  template <class Value>
  void AddOutput(const char* name, Value value) {
    static constexpr int64_t kShape[] = {1};
    std::memcpy(AddOutput(name, kDataType<Value>, kShape, 1, sizeof(value)), &value, sizeof(value));
  }

  // Takes over `error`, which may be null. Does nothing but log it if there is no response.
  void Send(uint32_t flags, TRITONSERVER_Error* error) noexcept;

 private:
  TRITONBACKEND_Response* handle_ = nullptr;
};

// Gives the request back to the core.
void Release(TRITONBACKEND_Request* request) noexcept;

// One instance of a model. The core calls it from one thread at a time.
class Instance {
 public:
  explicit Instance(TRITONBACKEND_ModelInstance* handle) : handle_(handle) {}
  virtual ~Instance() = default;
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  // Answers and releases all requests, now or later. May throw only before it has touched one.
  virtual void Execute(TRITONBACKEND_Request** requests, uint32_t count) = 0;

 protected:
  TRITONBACKEND_ModelInstance* handle() const { return handle_; }

 private:
  TRITONBACKEND_ModelInstance* handle_;
};

// Each backend defines this. Throws `Error` if the configuration does not suit it.
std::unique_ptr<Instance> NewInstance(TRITONBACKEND_ModelInstance* handle,
                                      const ModelConfig& config);

}  // namespace tritonserver::backend
