// The one table of data types: what Triton, DLPack, NumPy and the buffer protocol call each.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "triton/core/tritonserver.h"

namespace tritonserver::inference {

struct DataTypeInfo {
  TRITONSERVER_DataType data_type;
  const char* name;
  std::uint32_t byte_size;    // of an element; 0 if elements differ in size
  std::uint8_t dlpack_code;   // meaningful if dlpack_bits is not 0
  std::uint8_t dlpack_bits;   // 0: DLPack has no such type
  const char* numpy_name;     // attribute of the numpy module; empty: none
  char numpy_kind;            // dtype.kind
  std::int8_t numpy_number;   // dtype.num; -1: none
  const char* buffer_format;  // as in the struct module; empty: none
};

// In the order of the enumeration.
inline constexpr std::array<DataTypeInfo, 15> kDataTypes = {{
    {TRITONSERVER_TYPE_INVALID, "INVALID", 0, 0, 0, "", 0, -1, ""},
    {TRITONSERVER_TYPE_BOOL, "BOOL", 1, 6, 8, "bool_", 'b', 0, "?"},
    {TRITONSERVER_TYPE_UINT8, "UINT8", 1, 1, 8, "uint8", 'u', 2, "B"},
    {TRITONSERVER_TYPE_UINT16, "UINT16", 2, 1, 16, "uint16", 'u', 4, "H"},
    {TRITONSERVER_TYPE_UINT32, "UINT32", 4, 1, 32, "uint32", 'u', 6, "I"},
    {TRITONSERVER_TYPE_UINT64, "UINT64", 8, 1, 64, "uint64", 'u', 8, "Q"},
    {TRITONSERVER_TYPE_INT8, "INT8", 1, 0, 8, "int8", 'i', 1, "b"},
    {TRITONSERVER_TYPE_INT16, "INT16", 2, 0, 16, "int16", 'i', 3, "h"},
    {TRITONSERVER_TYPE_INT32, "INT32", 4, 0, 32, "int32", 'i', 5, "i"},
    {TRITONSERVER_TYPE_INT64, "INT64", 8, 0, 64, "int64", 'i', 7, "q"},
    {TRITONSERVER_TYPE_FP16, "FP16", 2, 2, 16, "float16", 'f', 23, "e"},
    {TRITONSERVER_TYPE_FP32, "FP32", 4, 2, 32, "float32", 'f', 11, "f"},
    {TRITONSERVER_TYPE_FP64, "FP64", 8, 2, 64, "float64", 'f', 12, "d"},
    {TRITONSERVER_TYPE_BYTES, "BYTES", 0, 0, 0, "object_", 'O', 17, ""},
    {TRITONSERVER_TYPE_BF16, "BF16", 2, 4, 16, "", 0, -1, ""},
}};

// Numbers outside the enumeration count as INVALID.
inline const DataTypeInfo& InfoOf(TRITONSERVER_DataType data_type) {
  const auto index = static_cast<std::size_t>(data_type);
  return kDataTypes[index < kDataTypes.size() ? index : 0];
}

// INVALID if Triton has no such type.
TRITONSERVER_DataType DataTypeOfNumPy(char kind, std::size_t byte_size);
TRITONSERVER_DataType DataTypeOfDLPack(std::uint8_t code, std::uint8_t bits);
// The name as in a model configuration, such as "TYPE_FP32".
TRITONSERVER_DataType DataTypeOfConfiguration(const std::string& name);

// "FP32 [2, 3]", for messages.
std::string Describe(TRITONSERVER_DataType data_type, const std::int64_t* shape, std::size_t rank);

// Elements of a tensor of this shape. False if a dimension is negative or the count or its byte
// size does not fit 64 bits.
bool CountElements(const std::int64_t* shape, std::size_t rank, std::size_t element_size,
                   std::uint64_t* count);

}  // namespace tritonserver::inference
