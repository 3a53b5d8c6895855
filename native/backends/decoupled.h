// What our decoupled backends share: responses that are sent from threads of their own, while the
// core is already free to execute the next request.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "native/backends/backend.h"
#include "native/backends/model_config.h"
#include "native/backends/worker_pool.h"

namespace tritonserver::backend {

// The responses of one request. Its end sends the final flag, without a response. It may outlive
// the request and keeps the model loaded.
class ResponseStream {
 public:
  ResponseStream(TRITONBACKEND_ModelInstance* instance, TRITONBACKEND_Request* request);
  ~ResponseStream();
  ResponseStream(const ResponseStream&) = delete;
  ResponseStream& operator=(const ResponseStream&) = delete;

  bool IsCancelled() const noexcept;

  // Sends the response to which `add_outputs(response)` adds its outputs. Nothing is sent if that
  // throws.
  template <class AddOutputs>
  void Send(AddOutputs add_outputs) {
    const uint64_t start = Nanoseconds();
    Response response(factory_);
    const uint64_t output_start = Nanoseconds();
    add_outputs(response);
    ReportStatistics(start, output_start, nullptr);
    response.Send(0, nullptr);
  }

  // Sends `error`, which it takes over.
  void Fail(TRITONSERVER_Error* error) noexcept;

 private:
  void ReportStatistics(uint64_t start, uint64_t output_start, TRITONSERVER_Error* error) noexcept;

  TRITONBACKEND_ModelInstance* const instance_;
  TRITONBACKEND_ResponseFactory* factory_;
};

// An instance of a decoupled model without batching.
class DecoupledInstance : public Instance {
 public:
  DecoupledInstance(TRITONBACKEND_ModelInstance* handle, const ModelConfig& config);

  void Execute(TRITONBACKEND_Request** requests, uint32_t count) final;

 protected:
  // What a request asks for. Nothing in it may refer to the request.
  struct Job {
    // Sends all responses; stops when the stream is cancelled. Runs on a worker thread.
    std::function<void(ResponseStream&)> send;
    // How long the instance stays busy and the request unreleased, from the start of `send` on. If
    // zero, the request is released before `send` starts.
    Milliseconds hold{0};
  };
  virtual Job Read(TRITONBACKEND_Request* request) = 0;

 private:
  void Serve(TRITONBACKEND_Request* request);
  void Start(std::shared_ptr<ResponseStream> stream, std::function<void(ResponseStream&)> send);

  WorkerPool workers_;
};

// The elements of an input that must be of type `Value`.
template <class Value>
std::vector<Value> ReadInput(TRITONBACKEND_Request* request, const char* name) {
  const Input input(request, name);
  if (input.data_type != kDataType<Value>) {
    throw Error(TRITONSERVER_ERROR_INVALID_ARG,
                std::string("input '") + name + "' must be of type " +
                    TRITONSERVER_DataTypeString(kDataType<Value>) + ", not " +
                    TRITONSERVER_DataTypeString(input.data_type));
  }
  std::vector<Value> values(input.byte_size / sizeof(Value));
  input.CopyTo(values.data());
  return values;
}

}  // namespace tritonserver::backend
