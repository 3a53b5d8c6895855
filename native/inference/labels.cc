#include "native/inference/labels.h"

#include <array>
#include <chrono>
#include <map>
#include <mutex>
#include <tuple>
#include <utility>

#include "native/c_api/objects.h"
#include "native/inference/model_facts.h"
#include "native/triton/api.h"

namespace tritonserver::inference {
namespace {

using Clock = std::chrono::steady_clock;

// Also by others than this process, through the address of a server.
constexpr std::chrono::seconds kLongestWithoutChange{1};

// The core does not tell how many labels there are, and an empty line is a class without one: there
// are no more after so many of these.
constexpr std::size_t kMostWithout = 4096;

std::shared_ptr<const Labels> ReadLabels(const LabelledOutput& output) {
  Labels labels;
  for (std::size_t i = 0; i < labels.size() + kMostWithout; ++i) {
    std::string label = LabelOf(output.response, output.index, i);
    if (label.empty()) continue;
    labels.resize(i);
    labels.push_back(std::move(label));
  }
  return labels.empty() ? nullptr : std::make_shared<const Labels>(std::move(labels));
}

// Labels that were read of models of one generation.
class Remembered {
 public:
  std::shared_ptr<const Labels> Get(const LabelledOutput& output) {
    const Key key{output.server, output.model_name, output.model_version, output.name};
    const std::uint64_t generation = ModelsGeneration();
    {
      std::lock_guard lock(mutex_);
      if (std::exchange(generation_, generation) != generation) entries_.clear();
      const auto found = entries_.find(key);
      if (found != entries_.end() && Clock::now() < found->second.until) {
        return found->second.labels;
      }
    }
    auto labels = ReadLabels(output);
    std::lock_guard lock(mutex_);
    if (generation_ == generation) {
      entries_[key] = {labels, Clock::now() + kLongestWithoutChange};
    }
    return labels;
  }

 private:
  using Key = std::tuple<const void*, std::string, std::int64_t, std::string>;
  struct Entry {
    std::shared_ptr<const Labels> labels;
    Clock::time_point until;
  };

  std::mutex mutex_;
  std::uint64_t generation_ = 0;
  std::map<Key, Entry> entries_;
};

}  // namespace

std::string LabelOf(TRITONSERVER_InferenceResponse* response, std::uint32_t output,
                    std::size_t class_index) {
  const char* label = nullptr;
  Call<&Api::InferenceResponseOutputClassificationLabel>(response, output, class_index, &label);
  std::string text = label == nullptr ? "" : label;
  if (!text.empty() && text.back() == '\r') text.pop_back();
  return text;
}

bool MayHaveLabels(const py::object& server, const std::string& model_name,
                   std::int64_t model_version) {
  struct Known {
    const void* server = nullptr;
    std::uint64_t generation = 0;
    std::int64_t version = 0;
    std::string model;
    bool may_have_labels = false;
  };
  static std::array<Known, 256> last;
  const std::size_t hash = model_name.empty() ? 0 : model_name.size() * 16 + model_name.back();
  Known& known = last[hash % last.size()];
  const std::uint64_t generation = ModelsGeneration();
  if (known.generation == generation && known.server == server.ptr() &&
      known.version == model_version && known.model == model_name) {
    return known.may_have_labels;
  }
  const auto facts = FactsOf(server, model_name, model_version);
  if (facts == nullptr) return false;  // there will be no response
  bool may_have_labels = false;
  VisitModels(*facts, [&](const ModelFacts& each) { may_have_labels |= each.has_labels; });
  known = {server.ptr(), generation, model_version, model_name, may_have_labels};
  return may_have_labels;
}

std::shared_ptr<const Labels> LabelsOf(const LabelledOutput& output) {
  // Never destroyed: threads of the core may come late.
  static auto* const remembered = new Remembered;
  return remembered->Get(output);
}

}  // namespace tritonserver::inference
