// A stand-in for libcudart on machines without a GPU: two devices whose memory is the host's.
//
// Copies are made as late as CUDA may make them, when their stream is waited for, and what is not
// allocated is refused. The functions at the end control and question it.

#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

enum Code { kSuccess = 0, kInvalidValue = 1, kInvalidDevice = 101 };

struct Copy {
  void* target;
  const void* source;
  std::size_t size;
};

struct Stream {
  int device;
  std::vector<Copy> copies;
};

std::mutex mutex;
std::map<void*, int> allocations;  // and their device
std::string failing_function;
int failing_code = kSuccess;
thread_local int current_device = 0;
thread_local int last_error = kSuccess;

int Return(const char* function, int code = kSuccess) {
  if (failing_function == function) code = failing_code;
  if (code != kSuccess) last_error = code;
  return code;
}

}  // namespace

EXPORT int cudaGetDevice(int* device) {
  *device = current_device;
  return Return(__func__);
}

EXPORT int cudaSetDevice(int device) {
  if (device < 0 || device > 1) return Return(__func__, kInvalidDevice);
  current_device = device;
  return Return(__func__);
}

EXPORT int cudaMalloc(void** address, std::size_t size) {
  if (const int code = Return(__func__)) return code;
  const std::lock_guard<std::mutex> lock(mutex);
  *address = size == 0 ? nullptr : std::malloc(size);
  if (*address != nullptr) allocations[*address] = current_device;
  return kSuccess;
}

EXPORT int cudaFree(void* address) {
  if (const int code = Return(__func__)) return code;
  const std::lock_guard<std::mutex> lock(mutex);
  if (allocations.erase(address) == 0) return Return(__func__, kInvalidValue);
  std::free(address);
  return kSuccess;
}

EXPORT int cudaStreamCreateWithFlags(Stream** stream, unsigned flags) {
  if (flags != 1) return Return(__func__, kInvalidValue);
  *stream = new Stream{current_device, {}};  // for ever, as the one of a runtime
  return Return(__func__);
}

EXPORT int cudaMemcpyAsync(void* target, const void* source, std::size_t size, int kind,
                           Stream* stream) {
  if (kind != 4 || stream->device != current_device) return Return(__func__, kInvalidValue);
  if (const int code = Return(__func__)) return code;
  const std::lock_guard<std::mutex> lock(mutex);
  stream->copies.push_back({target, source, size});
  return kSuccess;
}

EXPORT int cudaStreamSynchronize(Stream* stream) {
  if (const int code = Return(__func__)) return code;
  const std::lock_guard<std::mutex> lock(mutex);
  for (const Copy& copy : stream->copies) std::memcpy(copy.target, copy.source, copy.size);
  stream->copies.clear();
  return kSuccess;
}

EXPORT int cudaGetLastError() {
  const int code = last_error;
  last_error = kSuccess;
  return code;
}

EXPORT const char* cudaGetErrorString(int) { return "what CUDA says"; }

// From now on `function`, "" for none, fails with `code`.
EXPORT void fake_cudart_fail(const char* function, int code) {
  failing_function = function;
  failing_code = code;
}

// How much memory is allocated on a device, in pieces.
EXPORT int fake_cudart_allocations(int device) {
  const std::lock_guard<std::mutex> lock(mutex);
  int count = 0;
  for (const auto& [address, owner] : allocations) count += owner == device;
  return count;
}

// Puts bytes on a stream, as the kernel of a library that writes there would.
EXPORT void fake_cudart_write(Stream* stream, void* target, const void* source, std::size_t size) {
  const std::lock_guard<std::mutex> lock(mutex);
  stream->copies.push_back({target, source, size});
}
