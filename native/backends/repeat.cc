// The repeat backend, for decoupled models: answers each element of a tensor with a response.
//
//   input   IN     INT32 [-1]    the elements
//   input   DELAY  UINT32 [-1]   for each, how many milliseconds to wait before its response
//   input   WAIT   UINT32 [1]    how many milliseconds the model stays busy with the request
//   output  OUT    INT32 [1]     an element
//   output  IDX    UINT32 [1]    its index
//
// Stops when cancelled.

#include "native/backends/decoupled.h"

namespace tritonserver::backend {
namespace {

class Repeat : public DecoupledInstance {
 public:
  using DecoupledInstance::DecoupledInstance;

 private:
  Job Read(TRITONBACKEND_Request* request) override {
    auto in = ReadInput<int32_t>(request, "IN");
    auto delay = ReadInput<uint32_t>(request, "DELAY");
    const auto wait = ReadInput<uint32_t>(request, "WAIT");
    if (delay.size() != in.size()) {
      throw Error(TRITONSERVER_ERROR_INVALID_ARG,
                  "input 'DELAY' must have as many elements as 'IN', " + std::to_string(in.size()) +
                      ", not " + std::to_string(delay.size()));
    }
    if (wait.size() != 1) {
      throw Error(TRITONSERVER_ERROR_INVALID_ARG,
                  "input 'WAIT' must have one element, not " + std::to_string(wait.size()));
    }
    const bool send_out = IsRequested(request, "OUT");
    const bool send_index = IsRequested(request, "IDX");
    return {[=, in = std::move(in), delay = std::move(delay)](ResponseStream& stream) {
              for (uint32_t i = 0; i < in.size(); ++i) {
                SleepUntil(Clock::now() + Milliseconds(delay[i]),
                           [&] { return stream.IsCancelled(); });
                if (stream.IsCancelled()) return;
                stream.Send([&](Response& response) {
                  if (send_out) response.AddOutput("OUT", in[i]);
                  if (send_index) response.AddOutput("IDX", i);
                });
              }
            },
            Milliseconds(wait[0])};
  }
};

}  // namespace

std::unique_ptr<Instance> NewInstance(TRITONBACKEND_ModelInstance* handle,
                                      const ModelConfig& config) {
  return std::make_unique<Repeat>(handle, config);
}

}  // namespace tritonserver::backend
