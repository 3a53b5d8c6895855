// A response, whose buffers live as long as it does.
#pragma once

#include <memory>
#include <vector>

#include "native/c_api/objects.h"
#include "native/c_api/response_allocator.h"

namespace tritonserver {

class Response : public PythonClass {
 public:
  // `allocator` is null if the outputs are in host memory of our own.
  Response(std::shared_ptr<Server> server, std::shared_ptr<ResponseAllocator> allocator,
           Handle<TRITONSERVER_InferenceResponse> handle);
  ~Response();

  // UNAVAILABLE after the server was stopped.
  TRITONSERVER_InferenceResponse* get() const;

  Server::Tie& tie() { return tie_; }

  // Whether a Python allocator made the outputs.
  bool FromPythonAllocator() const { return allocator_ != nullptr; }

 private:
  std::shared_ptr<void> Surrender();

  std::shared_ptr<ResponseAllocator> allocator_;
  std::vector<HostBuffer::Owner> kept_buffers_;
  Handle<TRITONSERVER_InferenceResponse> handle_;
  Server::Tie tie_;
};

template <>
struct ClassFor<TRITONSERVER_InferenceResponse> {
  using Type = Response;
};

}  // namespace tritonserver
