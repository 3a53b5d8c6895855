#include "native/inference/correlation_id.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "native/c_api/call.h"
#include "native/c_api/enums.h"
#include "native/c_api/objects.h"
#include "native/inference/data_types.h"
#include "native/inference/model_facts.h"
#include "native/inference/python_signatures.h"
#include "native/inference/python_types.h"
#include "native/triton/api.h"
#include "native/triton/handle.h"

namespace tritonserver::inference {
namespace {

// What the core's buffer for a text has room for.
constexpr std::size_t kMostBytes = 128;

// Earlier cores hand a text over in a form that backends refuse. There is no function by which to
// tell the releases apart.
bool ServesTexts(TRITONSERVER_Server* server) {
  constexpr int kMajor = 2;
  constexpr int kMinor = 54;  // 25.01
  TRITONSERVER_Message* made = nullptr;
  Call<&Api::ServerMetadata>(server, &made);
  const auto message = OwnMade<&Api::ServerMetadata>(made);
  const char* text = nullptr;
  std::size_t size = 0;
  Call<&Api::MessageSerializeToJson>(made, &text, &size);
  const py::object metadata = py::module_::import("json").attr("loads")(py::str(text, size));
  const auto version = metadata["version"].cast<std::string>();
  int major = 0;
  int minor = 0;
  return std::sscanf(version.c_str(), "%d.%d", &major, &minor) == 2 &&
         (major > kMajor || (major == kMajor && minor >= kMinor));
}

// Where numbers are cut; 0 for types that carry none.
std::uint64_t LargestNumber(TRITONSERVER_DataType data_type) {
  switch (data_type) {
    case TRITONSERVER_TYPE_INT32:
      return std::numeric_limits<std::int32_t>::max();
    case TRITONSERVER_TYPE_UINT32:
      return std::numeric_limits<std::uint32_t>::max();
    case TRITONSERVER_TYPE_INT64:
      return std::numeric_limits<std::int64_t>::max();
    case TRITONSERVER_TYPE_UINT64:
      return std::numeric_limits<std::uint64_t>::max();
    default:
      return 0;
  }
}

[[noreturn]] void Refuse(TRITONSERVER_Error_Code code, const RequestData& data,
                         const ModelFacts& facts, const std::string& remedy) {
  const auto* text = std::get_if<std::string>(&data.correlation_id);
  const std::string id = text != nullptr
                             ? "'" + *text + "'"
                             : std::to_string(std::get<std::uint64_t>(data.correlation_id));
  const bool is_text = facts.correlation_id_type == TRITONSERVER_TYPE_BYTES;
  const char* type = is_text ? "STRING" : InfoOf(*facts.correlation_id_type).name;
  throw Error(code, "correlation_id: " + id + " does not fit model '" + facts.name +
                        "', whose input of kind CONTROL_SEQUENCE_CORRID has type TYPE_" + type +
                        "; " + remedy);
}

void CheckFor(const ModelFacts& facts, TRITONSERVER_Server* server, const RequestData& data) {
  if (!facts.correlation_id_type) return;
  const TRITONSERVER_DataType type = *facts.correlation_id_type;
  const auto* text = std::get_if<std::string>(&data.correlation_id);
  const auto* number = std::get_if<std::uint64_t>(&data.correlation_id);
  if (type == TRITONSERVER_TYPE_BYTES) {
    if (!ServesTexts(server)) {
      Refuse(TRITONSERVER_ERROR_UNSUPPORTED, data, facts,
             "Triton before 25.01 cannot serve that type: make it TYPE_UINT64 and give numbers");
    }
    if (text == nullptr) Refuse(TRITONSERVER_ERROR_INVALID_ARG, data, facts, "give text");
    if (text->size() > kMostBytes) {
      Refuse(TRITONSERVER_ERROR_INVALID_ARG, data, facts,
             "give text of at most " + std::to_string(kMostBytes) + " bytes");
    }
  } else if (const std::uint64_t largest = LargestNumber(type);
             largest != 0 && (number == nullptr || *number > largest)) {
    Refuse(TRITONSERVER_ERROR_INVALID_ARG, data, facts,
           "give a number from 1 to " + std::to_string(largest));
  }
}

using SequenceFacts = std::pair<TRITONSERVER_DataType, std::uint64_t>;

SequenceFacts SequenceFactsOf(const python::NativeServer& server, const std::string& model_name,
                              Integer<std::int64_t> model_version) {
  const auto facts = FactsOf(server, model_name, model_version);
  SequenceFacts found{TRITONSERVER_TYPE_INVALID, 0};
  if (facts == nullptr) return found;
  VisitModels(*facts, [&found](const ModelFacts& each) {
    auto& [type, idle] = found;
    if (const auto next = each.correlation_id_type) {
      const bool is_narrower = LargestNumber(*next) < LargestNumber(type);
      if (type == TRITONSERVER_TYPE_INVALID || is_narrower) type = *next;
    }
    const std::uint64_t next = each.max_sequence_idle_microseconds;
    if (next != 0) idle = idle == 0 ? next : std::min(idle, next);
  });
  return found;
}

}  // namespace

void CheckCorrelationId(const py::object& server, const RequestData& data) {
  const auto facts = FactsOf(server, data.model_name, data.model_version);
  if (facts == nullptr) return;
  TRITONSERVER_Server* const core = server.cast<Server&>().get();
  VisitModels(*facts, [&](const ModelFacts& each) { CheckFor(each, core, data); });
}

void BindCorrelationId(py::module_& module) {
  module.def("sequence_facts", &SequenceFactsOf, py::arg("server"), py::arg("model_name"),
             py::arg("model_version"),
             "The type of the model's input for ids of sequences, INVALID if there is none, and "
             "the longest idle time of a sequence in microseconds, 0 if it is not known. Of an "
             "ensemble, the narrowest type and the shortest time of its steps.");
}

}  // namespace tritonserver::inference
