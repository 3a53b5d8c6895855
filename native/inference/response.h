// A response of the core, taken out of it.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "native/inference/classification.h"
#include "native/inference/labels.h"
#include "native/inference/output_buffer.h"
#include "native/triton/error.h"

namespace tritonserver::inference {

using ParameterValue = std::variant<std::string, std::int64_t, bool, double>;

struct Output {
  std::string name;
  TRITONSERVER_DataType data_type;
  std::vector<std::int64_t> shape;
  std::size_t byte_size;                 // at most the buffer's
  OutputBufferPtr buffer;                // null if there is no data
  std::shared_ptr<const Labels> labels;  // of its classes; null if there are none

  // Memory that Python gave has to be handed on while those who keep it are there.
  bool is_from_python() const { return buffer != nullptr && buffer->memory_buffer != nullptr; }
};

// Everything a response says, independent of the core: nothing here pins the model or the server.
struct Response {
  Response() = default;
  ~Response();  // on any thread, without the GIL
  Response(const Response&) = delete;
  Response& operator=(const Response&) = delete;

  std::string model_name;
  std::int64_t model_version = -1;
  std::string request_id;
  std::vector<std::pair<std::string, ParameterValue>> parameters;
  std::vector<Output> outputs;
  std::optional<Error> error;  // then there are no outputs
  bool final = false;

  // The InferenceResponse already made of it, if it was put into a response queue.
  PyObject* converted = nullptr;

  std::unique_ptr<Response> next;  // in a ResponseList
};

// Takes `source` over: reads it, adopts its buffers, deletes it. What cannot be read becomes the
// error of the response. Throws std::bad_alloc only. The server is needed for models whose outputs
// may have labels, and otherwise null.
std::unique_ptr<Response> TakeResponse(TRITONSERVER_InferenceResponse* source,
                                       const Classification& classification,
                                       const void* server_of_labels);

// First in, first out.
class ResponseList {
 public:
  ResponseList() = default;
  ResponseList(ResponseList&&) = default;
  ResponseList& operator=(ResponseList&&) = default;
  ~ResponseList() {
    while (Pop() != nullptr) {
    }
  }
  bool empty() const { return first_ == nullptr; }
  void Push(std::unique_ptr<Response> response) {
    Response* last = response.get();
    (first_ == nullptr ? first_ : last_->next) = std::move(response);
    last_ = last;
  }
  std::unique_ptr<Response> Pop() {
    std::unique_ptr<Response> response = std::move(first_);
    if (response != nullptr) first_ = std::move(response->next);
    return response;
  }

 private:
  std::unique_ptr<Response> first_;
  Response* last_ = nullptr;
};

}  // namespace tritonserver::inference
