#include "native/backends/backend.h"

#include "native/backends/model_config.h"

namespace tritonserver::backend {
namespace {

constexpr uint32_t kOldestMinorVersion = 17;  // of release 23.12

void RequireCpuMemory(TRITONSERVER_MemoryType type, const char* what, const char* tensor) {
  if (type == TRITONSERVER_MEMORY_GPU) {
    throw Error(TRITONSERVER_ERROR_UNSUPPORTED, std::string(what) + " '" + tensor +
                                                    "' is in GPU memory, but this backend works " +
                                                    "in CPU memory only");
  }
}

struct DeleteMessage {
  void operator()(TRITONSERVER_Message* message) {
    LogIfError(TRITONSERVER_MessageDelete(message));
  }
};

ModelConfig ReadModelConfig(TRITONBACKEND_ModelInstance* instance) {
  TRITONBACKEND_Model* model;
  ThrowIfError(TRITONBACKEND_ModelInstanceModel(instance, &model));
  TRITONSERVER_Message* message;
  ThrowIfError(TRITONBACKEND_ModelConfig(model, 1, &message));
  const std::unique_ptr<TRITONSERVER_Message, DeleteMessage> owner(message);
  const char* json;
  size_t size;
  ThrowIfError(TRITONSERVER_MessageSerializeToJson(message, &json, &size));
  return ParseModelConfig({json, size});
}

Instance* InstanceOf(TRITONBACKEND_ModelInstance* handle) {
  void* state;
  ThrowIfError(TRITONBACKEND_ModelInstanceState(handle, &state));
  return static_cast<Instance*>(state);
}

}  // namespace

void ThrowIfError(TRITONSERVER_Error* error) {
  if (error == nullptr) return;
  const Error thrown(TRITONSERVER_ErrorCode(error), TRITONSERVER_ErrorMessage(error));
  TRITONSERVER_ErrorDelete(error);
  throw thrown;
}

void LogIfError(TRITONSERVER_Error* error) noexcept {
  if (error == nullptr) return;
  TRITONSERVER_ErrorDelete(TRITONSERVER_LogMessage(TRITONSERVER_LOG_ERROR, __FILE__, __LINE__,
                                                   TRITONSERVER_ErrorMessage(error)));
  TRITONSERVER_ErrorDelete(error);
}

Input::Input(TRITONBACKEND_Input* input, const char* policy) : handle(input), host_policy(policy) {
  ThrowIfError(TRITONBACKEND_InputPropertiesForHostPolicy(
      input, host_policy, &name, &data_type, &shape, &rank, &byte_size, &buffer_count));
}

Input::Input(TRITONBACKEND_Request* request, const char* name)
    : Input([&] {
        TRITONBACKEND_Input* input;
        ThrowIfError(TRITONBACKEND_RequestInput(request, name, &input));
        return input;
      }()) {}

const void* Input::Buffer(uint32_t index, uint64_t* size) const {
  const void* buffer;
  TRITONSERVER_MemoryType memory_type = TRITONSERVER_MEMORY_CPU;
  int64_t memory_id = 0;
  ThrowIfError(TRITONBACKEND_InputBufferForHostPolicy(handle, host_policy, index, &buffer, size,
                                                      &memory_type, &memory_id));
  RequireCpuMemory(memory_type, "input", name);
  return buffer;
}

void Input::CopyTo(void* target) const {
  auto* position = static_cast<char*>(target);
  for (uint32_t i = 0; i < buffer_count; ++i) {
    uint64_t size;
    const void* buffer = Buffer(i, &size);
    std::memcpy(position, buffer, size);
    position += size;
  }
}

bool IsRequested(TRITONBACKEND_Request* request, const char* output) {
  uint32_t count;
  ThrowIfError(TRITONBACKEND_RequestOutputCount(request, &count));
  for (uint32_t i = 0; i < count; ++i) {
    const char* name;
    ThrowIfError(TRITONBACKEND_RequestOutputName(request, i, &name));
    if (std::strcmp(name, output) == 0) return true;
  }
  return false;
}

bool IsCancelled(TRITONBACKEND_Request* request) noexcept {
  bool cancelled = false;
  LogIfError(TRITONBACKEND_RequestIsCancelled(request, &cancelled));
  return cancelled;
}

Response::Response(TRITONBACKEND_Request* request) {
  ThrowIfError(TRITONBACKEND_ResponseNew(&handle_, request));
}

Response::Response(TRITONBACKEND_ResponseFactory* factory) {
  ThrowIfError(TRITONBACKEND_ResponseNewFromFactory(&handle_, factory));
}

Response::~Response() {
  if (handle_ != nullptr) LogIfError(TRITONBACKEND_ResponseDelete(handle_));
}

void* Response::AddOutput(const char* name, TRITONSERVER_DataType data_type, const int64_t* shape,
                          uint32_t rank, uint64_t byte_size) {
  TRITONBACKEND_Output* output;
  ThrowIfError(TRITONBACKEND_ResponseOutput(handle_, &output, name, data_type, shape, rank));
  void* buffer = nullptr;
  TRITONSERVER_MemoryType memory_type = TRITONSERVER_MEMORY_CPU;
  int64_t memory_id = 0;
  ThrowIfError(TRITONBACKEND_OutputBuffer(output, &buffer, byte_size, &memory_type, &memory_id));
  RequireCpuMemory(memory_type, "output", name);
  if (buffer == nullptr && byte_size != 0) {
    throw Error(TRITONSERVER_ERROR_INTERNAL,
                std::string("the allocator gave no memory for output '") + name + "'");
  }
  return buffer;
}

void Response::Send(uint32_t flags, TRITONSERVER_Error* error) noexcept {
  if (handle_ == nullptr) return LogIfError(error);
  LogIfError(TRITONBACKEND_ResponseSend(std::exchange(handle_, nullptr), flags, error));
  TRITONSERVER_ErrorDelete(error);
}

void Release(TRITONBACKEND_Request* request) noexcept {
  LogIfError(TRITONBACKEND_RequestRelease(request, TRITONSERVER_REQUEST_RELEASE_ALL));
}

}  // namespace tritonserver::backend

using namespace tritonserver::backend;

extern "C" {

TRITONSERVER_Error* TRITONBACKEND_Initialize(TRITONBACKEND_Backend*) {
  return ErrorOf([] {
    uint32_t major, minor;
    ThrowIfError(TRITONBACKEND_ApiVersion(&major, &minor));
    if (major != TRITONBACKEND_API_VERSION_MAJOR || minor < kOldestMinorVersion) {
      throw Error(TRITONSERVER_ERROR_UNSUPPORTED,
                  "this backend needs version 1.17 or a later 1.x of the backend API, not " +
                      std::to_string(major) + "." + std::to_string(minor));
    }
  });
}

// Without this, an instance group that names no kind would become one of the GPU where there is
// one.
TRITONSERVER_Error* TRITONBACKEND_GetBackendAttribute(TRITONBACKEND_Backend*,
                                                      TRITONBACKEND_BackendAttribute* attributes) {
  return TRITONBACKEND_BackendAttributeAddPreferredInstanceGroup(
      attributes, TRITONSERVER_INSTANCEGROUPKIND_CPU, 1, nullptr, 0);
}

TRITONSERVER_Error* TRITONBACKEND_ModelInstanceInitialize(TRITONBACKEND_ModelInstance* handle) {
  return ErrorOf([&] {
    auto instance = NewInstance(handle, ReadModelConfig(handle));
    ThrowIfError(TRITONBACKEND_ModelInstanceSetState(handle, instance.get()));
    instance.release();
  });
}

TRITONSERVER_Error* TRITONBACKEND_ModelInstanceFinalize(TRITONBACKEND_ModelInstance* handle) {
  return ErrorOf([&] { delete InstanceOf(handle); });
}

TRITONSERVER_Error* TRITONBACKEND_ModelInstanceExecute(TRITONBACKEND_ModelInstance* handle,
                                                       TRITONBACKEND_Request** requests,
                                                       uint32_t count) {
  return ErrorOf([&] { InstanceOf(handle)->Execute(requests, count); });
}

}  // extern "C"
