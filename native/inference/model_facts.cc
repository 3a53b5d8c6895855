#include "native/inference/model_facts.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <tuple>
#include <utility>

#include "native/c_api/objects.h"
#include "native/inference/data_types.h"
#include "native/inference/python_types.h"
#include "native/triton/api.h"
#include "native/triton/handle.h"

namespace tritonserver::inference {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kLongest{1};
constexpr std::size_t kMostModels = 4096;

struct Remembered {
  std::shared_ptr<const ModelFacts> facts;
  Clock::time_point until;
};

// By server, name and version; of one generation of models.
using Key = std::tuple<const void*, std::string, std::int64_t>;
std::map<Key, Remembered> remembered;
std::uint64_t remembered_generation = 0;

// An item of a JSON object, which leaves out what has its default.
py::object Find(const py::handle& document, const char* key) {
  PyObject* const item = PyDict_GetItemString(document.ptr(), key);
  return item == nullptr ? py::object(py::none()) : py::reinterpret_borrow<py::object>(item);
}

py::list FindList(const py::handle& document, const char* key) {
  const py::object list = Find(document, key);
  return list.is_none() ? py::list() : py::list(list);
}

std::string FindText(const py::handle& document, const char* key) {
  const py::object text = Find(document, key);
  return text.is_none() ? std::string() : text.cast<std::string>();
}

bool IsTrue(const py::object& object) { return object.ptr() == Py_True; }

// The core writes numbers of 64 bits as text.
std::int64_t ToNumber(const py::object& number) {
  return number.is_none() ? 0 : py::int_(number).cast<std::int64_t>();
}

ModelFacts::Input ToInput(const py::handle& input) {
  ModelFacts::Input result{FindText(input, "name"),
                           DataTypeOfConfiguration(FindText(input, "data_type")),
                           {},
                           IsTrue(Find(input, "optional"))};
  for (const py::handle& length : FindList(input, "dims")) {
    result.dims.push_back(ToNumber(py::reinterpret_borrow<py::object>(length)));
  }
  return result;
}

void ReadSequences(const py::object& sequences, ModelFacts* facts) {
  facts->has_sequences = true;
  facts->max_sequence_idle_microseconds =
      static_cast<std::uint64_t>(ToNumber(Find(sequences, "max_sequence_idle_microseconds")));
  for (const py::handle& input : FindList(sequences, "control_input")) {
    for (const py::handle& control : FindList(input, "control")) {
      if (FindText(control, "kind") == "CONTROL_SEQUENCE_CORRID") {
        facts->correlation_id_type = DataTypeOfConfiguration(FindText(control, "data_type"));
      }
    }
  }
}

ModelFacts ReadFacts(const py::object& configuration) {
  ModelFacts facts;
  facts.name = FindText(configuration, "name");
  facts.backend = FindText(configuration, "backend");
  facts.max_batch_size = ToNumber(Find(configuration, "max_batch_size"));
  for (const py::handle& input : FindList(configuration, "input")) {
    facts.inputs.push_back(ToInput(input));
  }
  for (const py::handle& output : FindList(configuration, "output")) {
    facts.outputs.push_back(FindText(output, "name"));
    facts.has_labels |= !FindText(output, "label_filename").empty();
  }
  if (const py::object cache = Find(configuration, "response_cache"); !cache.is_none()) {
    facts.has_response_cache = IsTrue(Find(cache, "enable"));
  }
  if (const py::object batching = Find(configuration, "dynamic_batching"); !batching.is_none()) {
    facts.preserves_ordering = IsTrue(Find(batching, "preserve_ordering"));
  }
  if (const py::object sequences = Find(configuration, "sequence_batching"); !sequences.is_none()) {
    ReadSequences(sequences, &facts);
  }
  return facts;
}

py::object AskForConfiguration(TRITONSERVER_Server* server, const std::string& name,
                               std::int64_t version) {
  const std::string json = [&] {
    const WithoutGil without_gil;
    TRITONSERVER_Message* made = nullptr;
    Call<&Api::ServerModelConfig>(server, name.c_str(), version, 1u, &made);
    const auto message = OwnMade<&Api::ServerModelConfig>(made);
    const char* text = nullptr;
    std::size_t size = 0;
    Call<&Api::MessageSerializeToJson>(made, &text, &size);
    return std::string(text, size);
  }();
  return py::module_::import("json").attr("loads")(Steal(NewText(json)));
}

std::vector<std::shared_ptr<const ModelFacts>> FactsOfSteps(const py::object& server,
                                                            const py::object& configuration) {
  std::vector<std::shared_ptr<const ModelFacts>> steps;
  const py::object scheduling = Find(configuration, "ensemble_scheduling");
  if (scheduling.is_none()) return steps;
  for (const py::handle& step : FindList(scheduling, "step")) {
    auto facts =
        FactsOf(server, FindText(step, "model_name"), ToNumber(Find(step, "model_version")));
    if (facts != nullptr) steps.push_back(std::move(facts));
  }
  return steps;
}

}  // namespace

const ModelFacts::Input* ModelFacts::FindInput(const std::string& input) const {
  const auto found = std::find_if(inputs.begin(), inputs.end(),
                                  [&](const Input& each) { return each.name == input; });
  return found == inputs.end() ? nullptr : &*found;
}

TRITONSERVER_DataType AskedInput::DataType() const {
  const auto facts = model == nullptr ? nullptr : model->Facts();
  const ModelFacts::Input* input = facts == nullptr ? nullptr : facts->FindInput(name);
  return input == nullptr ? TRITONSERVER_TYPE_INVALID : input->data_type;
}

std::shared_ptr<const ModelFacts> FactsOf(const py::object& server, const std::string& model_name,
                                          std::int64_t model_version) {
  const auto& native = server.cast<Server&>();
  const std::uint64_t generation = ModelsGeneration();
  if (generation != remembered_generation || remembered.size() >= kMostModels) remembered.clear();
  remembered_generation = generation;
  const Key key{&native, model_name, model_version};
  const auto now = Clock::now();
  if (const auto found = remembered.find(key); found != remembered.end()) {
    if (now < found->second.until) return found->second.facts;
    remembered.erase(found);
  }
  try {
    const py::object configuration = AskForConfiguration(native.get(), model_name, model_version);
    auto facts = std::make_shared<ModelFacts>(ReadFacts(configuration));
    facts->steps = FactsOfSteps(server, configuration);
    // Others ran meanwhile.
    if (ModelsGeneration() == generation) remembered[key] = {facts, now + kLongest};
    return facts;
  } catch (const Error&) {
    return nullptr;
  }
}

}  // namespace tritonserver::inference
