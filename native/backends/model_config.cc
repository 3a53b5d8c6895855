#include "native/backends/model_config.h"

#include <charconv>
#include <optional>

#include "native/backends/backend.h"
#include "native/backends/json_reader.h"

namespace tritonserver::backend {
namespace {

size_t CountItems(JsonReader& reader) {
  size_t count = 0;
  reader.Array([&] {
    reader.Skip();
    ++count;
  });
  return count;
}

std::vector<ModelConfig::Tensor> ReadTensors(JsonReader& reader) {
  std::vector<ModelConfig::Tensor> tensors;
  reader.Array([&] {
    ModelConfig::Tensor& tensor = tensors.emplace_back();
    std::optional<size_t> reshaped;
    reader.Object([&](const std::string& key) {
      if (key == "name") {
        tensor.name = reader.String();
      } else if (key == "data_type") {
        tensor.data_type = reader.String();
      } else if (key == "dims") {
        tensor.rank = CountItems(reader);
      } else if (key == "reshape") {
        reshaped = 0;  // an empty shape is left out
        reader.Object([&](const std::string&) { reshaped = CountItems(reader); });
      } else {
        reader.Skip();
      }
    });
    tensor.rank = reshaped.value_or(tensor.rank);
  });
  return tensors;
}

}  // namespace

ModelConfig ParseModelConfig(std::string_view json) {
  ModelConfig config;
  JsonReader reader(json);
  reader.Object([&](const std::string& key) {
    if (key == "max_batch_size") {
      config.max_batch_size = reader.Integer();
    } else if (key == "input") {
      config.inputs = ReadTensors(reader);
    } else if (key == "output") {
      config.outputs = ReadTensors(reader);
    } else if (key == "model_transaction_policy") {
      reader.Object([&](const std::string& policy) {
        if (policy == "decoupled") {
          config.decoupled = reader.Boolean();
        } else {
          reader.Skip();
        }
      });
    } else if (key == "parameters") {
      reader.Object([&](const std::string& name) {
        reader.Object([&](const std::string&) { config.parameters[name] = reader.String(); });
      });
    } else {
      reader.Skip();
    }
  });
  return config;
}

int64_t IntegerParameter(const ModelConfig& config, const std::string& name, int64_t maximum) {
  const auto parameter = config.parameters.find(name);
  if (parameter == config.parameters.end()) return 0;
  const std::string& text = parameter->second;
  const char* end = text.data() + text.size();
  int64_t value = 0;
  const auto [stop, failure] = std::from_chars(text.data(), end, value);
  if (failure != std::errc() || stop != end || value < 0 || value > maximum) {
    throw Error(TRITONSERVER_ERROR_INVALID_ARG,
                "the model parameter '" + name + "' must be an integer from 0 to " +
                    std::to_string(maximum) + ", not '" + text + "'");
  }
  return value;
}

}  // namespace tritonserver::backend
