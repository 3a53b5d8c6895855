// Requests to models with a response cache.
//
// The core takes a request for an earlier one if model, version and the bytes of the inputs are the
// same, whatever their shapes and data types, the parameters and the requested outputs are. What it
// keeps is the earlier answer with the outputs of that request, of a failure an answer without any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "native/c_api/objects.h"
#include "native/inference/model_facts.h"
#include "native/inference/request_data.h"
#include "native/inference/response.h"

namespace tritonserver::inference {

struct CachedModel {
  std::string name;  // of the model or, of an ensemble, of a step
  bool preserves_ordering = false;
  std::vector<std::string> outputs;  // of the model that is asked
};

// Nothing if the model has no response cache.
std::optional<CachedModel> FindCache(const ModelFacts& facts);

// A request to such a model, on its way to the core: what the cache does not look at is remembered,
// so that a later request that the cache takes for this one can be told apart. Without the GIL.
class CacheClaim {
 public:
  // Throws UNSUPPORTED if the cache has the answer to other shapes or data types, or if the model
  // is one of which answers would be lost.
  CacheClaim(const Server& server, const CachedModel& model, const RequestData& data);
  // Forgets a request that the core has refused.
  ~CacheClaim();
  CacheClaim(const CacheClaim&) = delete;
  CacheClaim& operator=(const CacheClaim&) = delete;

  // Why the answer may belong to other parameters; empty if it does not. The log has it, too, once
  // for each model.
  const std::string& doubt() const { return doubt_; }

  // What to ask the core for instead of the requested outputs: all, so that the cache has them for
  // whoever asks for others.
  const std::vector<std::string>& outputs() const { return outputs_; }

  // The core has taken the request.
  void Keep() { is_new_ = false; }

 private:
  std::uint64_t key_ = 0;
  bool is_new_ = false;
  std::string doubt_;
  std::vector<std::string> outputs_;
};

// Drops the outputs that were not requested; none means all. What lacks one, or has no outputs at
// all, becomes an error. On any thread.
void CheckCachedResponse(const std::vector<std::string>& requested_outputs, Response* response);

}  // namespace tritonserver::inference
