#include "native/inference/response_cache.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>

#include "native/inference/data_types.h"
#include "native/triton/api.h"
#include "native/triton/handle.h"

namespace tritonserver::inference {
namespace {

// More are forgotten: a few MiB.
constexpr std::size_t kMostRequests = std::size_t{1} << 16;

class Hash {
 public:
  template <class Value>
  void Add(const Value& value) {
    value_ = (value_ ^ std::hash<Value>{}(value)) * 0x9e3779b97f4a7c15u;
    value_ ^= value_ >> 32;
  }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0;
};

using NamedInput = std::pair<std::string, TensorView>;

// Whether the cache looks at the request at all.
bool IsOnHost(const NamedInput& input) {
  return input.second.memory_type != TRITONSERVER_MEMORY_GPU;
}

struct Request {
  std::uint64_t key = 0;  // of what the core compares
  // Of what it does not compare.
  std::uint64_t tensors = 0;
  std::uint64_t parameters = 0;
};

Request Read(const RequestData& data) {
  std::vector<const NamedInput*> inputs;
  for (const NamedInput& input : data.inputs) inputs.push_back(&input);
  std::sort(inputs.begin(), inputs.end(),
            [](const auto* left, const auto* right) { return left->first < right->first; });
  Hash key;
  Hash tensors;
  key.Add(data.model_name);
  key.Add(data.model_version);
  for (const NamedInput* input : inputs) {
    const TensorView& view = input->second;
    key.Add(input->first);
    key.Add(std::string_view(static_cast<const char*>(view.data), view.byte_size));
    tensors.Add(static_cast<int>(view.data_type));
    tensors.Add(view.shape.size());
    for (const std::int64_t length : view.shape) tensors.Add(length);
  }
  auto sorted = data.parameters;
  std::sort(sorted.begin(), sorted.end());
  Hash parameters;
  for (const auto& [name, value] : sorted) {
    parameters.Add(name);
    parameters.Add(value);
  }
  parameters.Add(data.correlation_id);
  parameters.Add(data.flags);
  return {key.value(), tensors.value(), parameters.value()};
}

struct Remembered {
  std::mutex mutex;
  std::weak_ptr<const Server> server;  // there is one cache at a time
  std::unordered_map<std::uint64_t, Request> requests;
  std::set<std::string> models_in_doubt;

  void BeginAnewUnlessOf(const Server& other) {
    const std::weak_ptr<const Server> others = other.weak_from_this();
    if (!server.owner_before(others) && !others.owner_before(server)) return;
    server = others;
    requests.clear();
    models_in_doubt.clear();
  }
};

Remembered& remembered() {
  static auto& instance = *new Remembered;
  return instance;
}

// Those that are requested come first: among them may be unknown ones, which the core refuses.
std::vector<std::string> AllOutputs(const RequestData& data, const CachedModel& model) {
  std::vector<std::string> outputs = data.requested_outputs;
  if (outputs.empty()) return outputs;
  for (const std::string& output : model.outputs) {
    if (std::find(outputs.begin(), outputs.end(), output) == outputs.end()) {
      outputs.push_back(output);
    }
  }
  return outputs;
}

std::string Shapes(const RequestData& data) {
  std::string text;
  for (const auto& [name, view] : data.inputs) {
    text += (text.empty() ? "'" : ", '") + name + "' " +
            Describe(view.data_type, view.shape.data(), view.shape.size());
  }
  return text;
}

}  // namespace

std::optional<CachedModel> FindCache(const ModelFacts& facts) {
  std::optional<CachedModel> found;
  VisitModels(facts, [&](const ModelFacts& each) {
    if (!each.has_response_cache || (found && !each.preserves_ordering)) return;
    found = {each.name, each.preserves_ordering, facts.outputs};
  });
  return found;
}

CacheClaim::CacheClaim(const Server& server, const CachedModel& model, const RequestData& data)
    : outputs_(AllOutputs(data, model)) {
  if (model.preserves_ordering) {
    throw Error(TRITONSERVER_ERROR_UNSUPPORTED,
                "model '" + model.name +
                    "' has a response cache and preserve_ordering: once the cache has answered, "
                    "Triton waits without end for the turn of what the model answers; switch one "
                    "of the two off");
  }
  if (!std::all_of(data.inputs.begin(), data.inputs.end(), &IsOnHost)) return;
  const Request request = Read(data);
  key_ = request.key;
  bool is_first_doubt = false;
  {
    std::lock_guard lock(remembered().mutex);
    remembered().BeginAnewUnlessOf(server);
    auto& requests = remembered().requests;
    if (requests.size() >= kMostRequests) requests.erase(requests.begin());
    const auto [known, is_new] = requests.emplace(request.key, request);
    is_new_ = is_new;
    if (known->second.tensors != request.tensors) {
      throw Error(TRITONSERVER_ERROR_UNSUPPORTED,
                  "the response cache of model '" + model.name +
                      "' takes this request for an earlier one with other shapes or data types, "
                      "whose answer it has: it compares only the bytes of inputs; given: " +
                      Shapes(data) +
                      "; switch response_cache of the model off, or add an input that differs");
    }
    if (known->second.parameters == request.parameters) return;
    is_first_doubt = remembered().models_in_doubt.insert(model.name).second;
  }
  doubt_ = "the response cache of model '" + model.name +
           "' takes this request for an earlier one with other parameters, and may give its "
           "answer: it compares only the bytes of inputs; if the model looks at parameters, switch "
           "response_cache of the model off, or make them inputs";
  if (is_first_doubt) {
    Call<&Api::LogMessage>(TRITONSERVER_LOG_WARN, __FILE__, __LINE__, doubt_.c_str());
  }
}

CacheClaim::~CacheClaim() {
  if (!is_new_) return;
  std::lock_guard lock(remembered().mutex);
  remembered().requests.erase(key_);
}

void CheckCachedResponse(const std::vector<std::string>& requested_outputs, Response* response) {
  if (response->error) return;
  auto& outputs = response->outputs;
  const auto fail = [&](const std::string& lack, const std::string& reason) {
    response->error = Error(TRITONSERVER_ERROR_UNAVAILABLE,
                            "model '" + response->model_name + "' answered without " + lack +
                                ", or its response cache did, with what it kept of an earlier "
                                "request with the same inputs " +
                                reason);
    outputs.clear();
  };
  if (outputs.empty()) return fail("outputs", "that had failed");
  for (const std::string& name : requested_outputs) {
    if (std::none_of(outputs.begin(), outputs.end(),
                     [&](const Output& output) { return output.name == name; })) {
      return fail("output '" + name + "'", "that had not asked for it");
    }
  }
  if (requested_outputs.empty()) return;
  outputs.erase(std::remove_if(outputs.begin(), outputs.end(),
                               [&](const Output& output) {
                                 return std::find(requested_outputs.begin(),
                                                  requested_outputs.end(),
                                                  output.name) == requested_outputs.end();
                               }),
                outputs.end());
}

}  // namespace tritonserver::inference
