// The square backend, for decoupled models: answers the number n with n responses, each n.
//
//   input   IN    INT32 [1]
//   output  OUT   INT32 [1]
//
// A number below one is answered with the end of the stream alone. Stops when cancelled.

#include "native/backends/decoupled.h"

namespace tritonserver::backend {
namespace {

class Square : public DecoupledInstance {
 public:
  using DecoupledInstance::DecoupledInstance;

 private:
  Job Read(TRITONBACKEND_Request* request) override {
    const std::vector<int32_t> in = ReadInput<int32_t>(request, "IN");
    if (in.size() != 1) {
      throw Error(TRITONSERVER_ERROR_INVALID_ARG,
                  "input 'IN' must have one element, not " + std::to_string(in.size()));
    }
    return {[n = in[0]](ResponseStream& stream) {
      for (int32_t i = 0; i < n && !stream.IsCancelled(); ++i) {
        stream.Send([&](Response& response) { response.AddOutput("OUT", n); });
      }
    }};
  }
};

}  // namespace

std::unique_ptr<Instance> NewInstance(TRITONBACKEND_ModelInstance* handle,
                                      const ModelConfig& config) {
  return std::make_unique<Square>(handle, config);
}

}  // namespace tritonserver::backend
