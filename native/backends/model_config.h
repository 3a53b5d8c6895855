// The part of a model's configuration that our backends read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tritonserver::backend {

struct ModelConfig {
  struct Tensor {
    std::string name;
    std::string data_type;  // "TYPE_FP32", "TYPE_STRING", …
    size_t rank = 0;        // as the backend sees it, without the dimension of a batch
  };

  int64_t max_batch_size = 0;
  bool decoupled = false;
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;
  std::map<std::string, std::string> parameters;
};

// Reads the JSON text that the core makes of a configuration. Throws `Error` if it is malformed.
ModelConfig ParseModelConfig(std::string_view json);

// The model parameter of that name as an integer from 0 to `maximum`, or 0 if there is none.
int64_t IntegerParameter(const ModelConfig& config, const std::string& name, int64_t maximum);

}  // namespace tritonserver::backend
