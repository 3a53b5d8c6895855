// Labels of the classes that outputs stand for, from files of their models.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "triton/core/tritonserver.h"

namespace tritonserver::inference {

namespace py = pybind11;

// The label of a class of an output, number `output` of a response; empty if it has none. What
// Windows puts at the ends of lines, which the core leaves in place, is not part of it.
std::string LabelOf(TRITONSERVER_InferenceResponse* response, std::uint32_t output,
                    std::size_t class_index);

// By class.
using Labels = std::vector<std::string>;

// Whether outputs of a model may have labels. Remembered until models may have changed, so that
// those that have none cost nothing. With the GIL.
bool MayHaveLabels(const py::object& server, const std::string& model_name,
                   std::int64_t model_version);

// An output of a response of such a model.
struct LabelledOutput {
  const void* server;
  const std::string& model_name;
  std::int64_t model_version;
  TRITONSERVER_InferenceResponse* response;
  std::uint32_t index;
  const std::string& name;
};

// The labels of an output, for when the response is gone; null if it has none. They are read once
// for each output of a model, since the core tells one at a time. On any thread.
std::shared_ptr<const Labels> LabelsOf(const LabelledOutput& output);

}  // namespace tritonserver::inference
