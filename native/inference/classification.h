// Outputs as classes: the values that are the highest, with their labels.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "triton/core/tritonserver.h"

namespace tritonserver::inference {

struct Output;

// The outputs of a request that are wanted as classes, and how many classes of each.
struct Classification {
  std::vector<std::pair<std::string, std::uint32_t>> class_counts;
  bool batched = false;  // the first dimension of outputs is that of a batch

  // 0 if this output, whose name may not be known yet, is wanted as it is.
  std::uint32_t CountOf(const char* output) const {
    if (output == nullptr) return 0;
    for (const auto& [name, count] : class_counts) {
      if (name == output) return count;
    }
    return 0;
  }
};

// Replaces an output in host memory, number `index` of `source`, by what Triton's classification
// extension defines: a BYTES tensor with up to `class_count` elements for each item of the batch,
// "value:index" or, if the model has a label for it, "value:index:label"; the highest value first.
// Throws UNSUPPORTED for text.
void Classify(TRITONSERVER_InferenceResponse* source, std::uint32_t index,
              std::uint32_t class_count, bool batched, Output& output);

}  // namespace tritonserver::inference
