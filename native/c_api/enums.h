// The enumerations of the C API as Python enumerations, and their conversion.
#pragma once

#include <pybind11/pybind11.h>

#include <array>
#include <string>
#include <type_traits>

#include "native/triton/error.h"
#include "triton/core/tritonserver.h"

namespace tritonserver {

namespace py = pybind11;

// What is known about an enumeration. The references are never dropped: they live as long as the
// module, and there is no time after which conversions are certain not to happen.
template <class Enum>
struct EnumInfo {
  static inline py::handle type;
  static inline std::array<py::handle, 16> members;  // by value
};

// The member with this value, borrowed if the value is known; made by the enumeration otherwise,
// for a newer core may know more values.
template <class Enum>
py::object EnumMember(Enum value) {
  const auto index = static_cast<unsigned>(value);
  const auto& members = EnumInfo<Enum>::members;
  if (index < members.size() && members[index]) {
    return py::reinterpret_borrow<py::object>(members[index]);
  }
  return EnumInfo<Enum>::type(index);
}

template <class Type>
constexpr bool kIsEnum = false;

#define TRITON_ENUM_BEGIN(type, base, exported, meaning) \
  template <>                                            \
  inline constexpr bool kIsEnum<type> = true;
#define TRITON_ENUM_VALUE(c_name, python_name, value, meaning)
#define TRITON_ENUM_END(type)
#include "native/triton/enums.def"
#undef TRITON_ENUM_BEGIN
#undef TRITON_ENUM_VALUE
#undef TRITON_ENUM_END

}  // namespace tritonserver

namespace pybind11::detail {

// Ours instead of pybind11's: members come from the cache, and a value that the enumeration does
// not have is refused before it becomes a C enumerator, which could not hold it.
#define TRITON_ENUM_BEGIN(type, base, exported, meaning) \
  template <>                                            \
  struct type_caster_enum_type_enabled<type> : std::false_type {};
#define TRITON_ENUM_VALUE(c_name, python_name, value, meaning)
#define TRITON_ENUM_END(type)
#include "native/triton/enums.def"
#undef TRITON_ENUM_BEGIN
#undef TRITON_ENUM_VALUE
#undef TRITON_ENUM_END

template <class Enum>
class type_caster<Enum, std::enable_if_t<tritonserver::kIsEnum<Enum>>> {
 public:
  PYBIND11_TYPE_CASTER(Enum, const_name<Enum>());

  bool load(handle source, bool) {
    if (!isinstance(source, tritonserver::EnumInfo<Enum>::type)) return false;
    const auto number = PyLong_AsLongLong(source.ptr());
    const auto& members = tritonserver::EnumInfo<Enum>::members;
    if (number < 0 || number >= static_cast<long long>(members.size()) || !members[number]) {
      PyErr_Clear();  // the number may be too large for C
      throw tritonserver::Error(TRITONSERVER_ERROR_INVALID_ARG,
                                repr(source).cast<std::string>() + " is not a known value");
    }
    value = static_cast<Enum>(number);
    return true;
  }

  static handle cast(Enum value, return_value_policy, handle) {
    return tritonserver::EnumMember(value).release();
  }
};

}  // namespace pybind11::detail
