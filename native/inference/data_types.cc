#include "native/inference/data_types.h"

#include <algorithm>

namespace tritonserver::inference {
namespace {

constexpr bool InOrder() {
  for (std::size_t i = 0; i < kDataTypes.size(); ++i) {
    if (static_cast<std::size_t>(kDataTypes[i].data_type) != i) return false;
  }
  return true;
}
static_assert(InOrder());

}  // namespace

TRITONSERVER_DataType DataTypeOfNumPy(char kind, std::size_t byte_size) {
  for (const DataTypeInfo& info : kDataTypes) {
    if (info.byte_size == byte_size && info.numpy_kind == kind && byte_size != 0) {
      return info.data_type;
    }
  }
  return TRITONSERVER_TYPE_INVALID;
}

TRITONSERVER_DataType DataTypeOfDLPack(std::uint8_t code, std::uint8_t bits) {
  for (const DataTypeInfo& info : kDataTypes) {
    if (info.dlpack_bits == bits && info.dlpack_code == code && bits != 0) return info.data_type;
  }
  return TRITONSERVER_TYPE_INVALID;
}

TRITONSERVER_DataType DataTypeOfConfiguration(const std::string& name) {
  if (name == "TYPE_STRING") return TRITONSERVER_TYPE_BYTES;
  for (const DataTypeInfo& info : kDataTypes) {
    if (name == std::string("TYPE_") + info.name) return info.data_type;
  }
  return TRITONSERVER_TYPE_INVALID;
}

std::string Describe(TRITONSERVER_DataType data_type, const std::int64_t* shape, std::size_t rank) {
  std::string text = InfoOf(data_type).name;
  text += " [";
  for (std::size_t i = 0; i < rank; ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  text += "]";
  return text;
}

bool CountElements(const std::int64_t* shape, std::size_t rank, std::size_t element_size,
                   std::uint64_t* count) {
  if (std::any_of(shape, shape + rank, [](std::int64_t dim) { return dim < 0; })) return false;
  *count = 1;
  if (std::find(shape, shape + rank, 0) != shape + rank) {
    *count = 0;
    return true;
  }
  std::uint64_t byte_size = std::max<std::size_t>(element_size, 1);
  for (std::size_t i = 0; i < rank; ++i) {
    if (__builtin_mul_overflow(byte_size, static_cast<std::uint64_t>(shape[i]), &byte_size)) {
      return false;
    }
    *count *= static_cast<std::uint64_t>(shape[i]);
  }
  return true;
}

}  // namespace tritonserver::inference
