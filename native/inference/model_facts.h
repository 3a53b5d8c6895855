// What the request path knows of a model: the parts of its configuration that decide how a request
// has to look.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "triton/core/tritonserver.h"

namespace tritonserver::inference {

namespace py = pybind11;

struct ModelFacts {
  struct Input {
    std::string name;
    TRITONSERVER_DataType data_type;
    std::vector<std::int64_t> dims;  // of an item of a batch; -1: any length
    bool is_optional;
  };

  // Null if the model has no such input.
  const Input* FindInput(const std::string& input) const;

  std::string name;
  std::string backend;
  std::int64_t max_batch_size = 0;  // 0: the first dimension is no batch
  std::vector<Input> inputs;
  std::vector<std::string> outputs;
  bool has_labels = false;  // of the classes of an output
  bool has_response_cache = false;
  bool preserves_ordering = false;
  bool has_sequences = false;
  std::uint64_t max_sequence_idle_microseconds = 0;
  // Of the input that tells the backend to which sequence a request belongs, if there is one.
  std::optional<TRITONSERVER_DataType> correlation_id_type;
  // Of an ensemble, which hands requests on to them.
  std::vector<std::shared_ptr<const ModelFacts>> steps;
};

// Calls `visit` with the facts of the model and, if it is an ensemble, of all its steps.
template <class Visit>
void VisitModels(const ModelFacts& facts, const Visit& visit) {
  visit(facts);
  for (const auto& step : facts.steps) VisitModels(*step, visit);
}

// The facts about a model of a low-level server; null if it cannot be asked, as when it does not
// exist. Remembered until a call of this process may have changed models, and for a second at most,
// because others may change them through the address of the server. With the GIL.
std::shared_ptr<const ModelFacts> FactsOf(const py::object& server, const std::string& model_name,
                                          std::int64_t model_version);

// The model to which a request goes. Asking for its facts is left to those who need them.
struct AskedModel {
  const py::object& server;  // the low-level one
  const std::string& name;
  std::int64_t version;

  std::shared_ptr<const ModelFacts> Facts() const { return FactsOf(server, name, version); }
};

// One of its inputs; of a tensor that is for no model if that is null.
struct AskedInput {
  const std::string& name;
  const AskedModel* model;

  // How messages begin.
  std::string What() const { return "input '" + name + "'"; }
  // In the configuration; INVALID if that is not known.
  TRITONSERVER_DataType DataType() const;
};

}  // namespace tritonserver::inference
