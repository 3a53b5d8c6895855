#include "native/inference/classification.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <type_traits>
#include <utility>

#include "native/inference/data_types.h"
#include "native/inference/labels.h"
#include "native/inference/response.h"
#include "native/inference/short_floats.h"

namespace tritonserver::inference {
namespace {

// What is no number comes last; equal values stay in order.
template <class Value>
bool IsHigher(Value left, Value right) {
  if constexpr (std::is_floating_point_v<Value>) {
    if (std::isnan(left) || std::isnan(right)) return !std::isnan(left) && std::isnan(right);
  }
  return left > right;
}

void AppendElement(const std::string& text, std::string* encoded) {
  const auto size = static_cast<std::uint32_t>(text.size());
  encoded->append(reinterpret_cast<const char*>(&size), sizeof(size)).append(text);
}

// Appends the highest `class_count` of the values. `Load` makes numbers of what is stored.
template <class Stored, class Load>
void AppendClasses(TRITONSERVER_InferenceResponse* source, std::uint32_t output,
                   const Stored* values, std::size_t value_count, std::size_t class_count,
                   Load load, std::string* encoded) {
  std::vector<std::size_t> order(value_count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(class_count),
                    order.end(), [&](std::size_t left, std::size_t right) {
                      const auto one = load(values[left]), other = load(values[right]);
                      if (IsHigher(one, other)) return true;
                      return !IsHigher(other, one) && left < right;
                    });
  for (std::size_t i = 0; i < class_count; ++i) {
    char number[64];  // the shortest text that reads back as the same value
    const auto end =
        std::to_chars(std::begin(number), std::end(number), load(values[order[i]])).ptr;
    std::string text(number, end);
    text += ":" + std::to_string(order[i]);
    const std::string label = LabelOf(source, output, order[i]);
    if (!label.empty()) text += ":" + label;
    AppendElement(text, encoded);
  }
}

// Calls `body(values, load)` with the values in their own type.
template <class Body>
void WithValues(const Output& output, Body&& body) {
  const void* data = output.buffer == nullptr ? nullptr : output.buffer->data;
  const auto same = [](auto value) { return value; };
  switch (output.data_type) {
    case TRITONSERVER_TYPE_BOOL:
    case TRITONSERVER_TYPE_UINT8:
      return body(static_cast<const std::uint8_t*>(data), [](auto v) { return unsigned{v}; });
    case TRITONSERVER_TYPE_UINT16:
      return body(static_cast<const std::uint16_t*>(data), same);
    case TRITONSERVER_TYPE_UINT32:
      return body(static_cast<const std::uint32_t*>(data), same);
    case TRITONSERVER_TYPE_UINT64:
      return body(static_cast<const std::uint64_t*>(data), same);
    case TRITONSERVER_TYPE_INT8:
      return body(static_cast<const std::int8_t*>(data), [](auto v) { return int{v}; });
    case TRITONSERVER_TYPE_INT16:
      return body(static_cast<const std::int16_t*>(data), same);
    case TRITONSERVER_TYPE_INT32:
      return body(static_cast<const std::int32_t*>(data), same);
    case TRITONSERVER_TYPE_INT64:
      return body(static_cast<const std::int64_t*>(data), same);
    case TRITONSERVER_TYPE_FP16:
      return body(static_cast<const std::uint16_t*>(data), Half::ToFloat);
    case TRITONSERVER_TYPE_BF16:
      return body(static_cast<const std::uint16_t*>(data), BFloat16::ToFloat);
    case TRITONSERVER_TYPE_FP32:
      return body(static_cast<const float*>(data), same);
    case TRITONSERVER_TYPE_FP64:
      return body(static_cast<const double*>(data), same);
    default:
      throw Error(TRITONSERVER_ERROR_UNSUPPORTED,
                  "output '" + output.name + "' has data type " + InfoOf(output.data_type).name +
                      ", of which there are no classes; request it without class_count");
  }
}

}  // namespace

void Classify(TRITONSERVER_InferenceResponse* source, std::uint32_t index,
              std::uint32_t class_count, bool batched, Output& output) {
  const bool has_batch = batched && !output.shape.empty();
  const std::size_t rows = has_batch ? static_cast<std::size_t>(output.shape[0]) : 1;
  std::size_t width = 1;
  for (std::size_t i = has_batch ? 1 : 0; i < output.shape.size(); ++i) {
    width *= static_cast<std::size_t>(output.shape[i]);
  }
  const std::size_t kept = std::min<std::size_t>(width, class_count);
  std::string encoded;
  WithValues(output, [&](const auto* values, auto load) {
    if (rows * width * sizeof(*values) > output.byte_size) {
      throw Error(TRITONSERVER_ERROR_INTERNAL,
                  "output '" + output.name + "' is smaller than its shape");
    }
    for (std::size_t row = 0; row < rows; ++row) {
      AppendClasses(source, index, values + row * width, width, kept, load, &encoded);
    }
  });
  output.data_type = TRITONSERVER_TYPE_BYTES;
  output.shape.assign(1, static_cast<std::int64_t>(kept));
  if (has_batch) output.shape.insert(output.shape.begin(), static_cast<std::int64_t>(rows));
  output.byte_size = encoded.size();
  OutputBufferPtr classes = NewOutputBuffer(encoded.size());
  std::memcpy(classes->data, encoded.data(), encoded.size());
  if (output.buffer != nullptr) {
    output.buffer->adopted = false;  // the core's response deletes the values with itself
    output.buffer.release();
  }
  output.buffer = std::move(classes);
}

}  // namespace tritonserver::inference
