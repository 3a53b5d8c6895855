#include "native/c_api/enums.h"

#include <pybind11/native_enum.h>

#include <string>
#include <string_view>

#include "native/c_api/bindings.h"
#include "native/c_api/call.h"
#include "native/triton/loader.h"

namespace tritonserver {
namespace {

// The name given to values that an enumeration does not know.
constexpr const char* kUnknownName = "???";

// A member for a number that has no name, so that `Type(number)` accepts what a newer core knows.
py::object MakeUnknownMember(py::handle type, py::int_ number) {
  py::object member = py::module_::import("builtins").attr("int").attr("__new__")(type, number);
  member.attr("_name_") = kUnknownName;
  member.attr("_value_") = number;
  return member;
}

// Prints like the C++ enumerations of older bindings on every Python: the standard library prints
// the number alone from 3.11 on.
py::str MemberText(py::handle member) {
  return py::str("{}.{}").format(py::type::of(member).attr("__name__"), member.attr("name"));
}

py::str Format(py::handle member, const py::str& specification) {
  return MemberText(member).attr("__format__")(specification);
}

// Pickles by value: Python 3.11.0 to 3.11.3 do it by name, and not every number has one.
py::tuple Reduce(py::handle member, py::handle) {
  return py::make_tuple(py::type::of(member), py::make_tuple(member.attr("value")));
}

// Remembers the members and completes the class where the standard library differs from the
// behaviour that programs know.
template <class Enum>
void Complete(py::native_enum<Enum>& enumeration, py::handle scope, const char* name,
              bool is_flag) {
  enumeration.finalize();
  py::object type = scope.attr(name);
  for (py::handle member : type.attr("__members__").attr("values")()) {
    EnumInfo<Enum>::members[member.cast<py::int_>().cast<std::size_t>()] = member.inc_ref();
  }
  EnumInfo<Enum>::type = type;
  type.attr("__format__") = py::cpp_function(&Format, py::name("__format__"), py::is_method(type),
                                             py::arg("format_spec"));
  if (is_flag) {  // has its own text for combinations, and takes unknown bits
    type.attr("__str__") = py::module_::import("enum").attr("Flag").attr("__str__");
  } else {
    type.attr("__str__") = py::cpp_function(&MemberText, py::name("__str__"), py::is_method(type));
    type.attr("__reduce_ex__") =
        py::cpp_function(&Reduce, py::name("__reduce_ex__"), py::is_method(type), py::arg("proto"));
    type.attr("_missing_") =
        py::module_::import("builtins")
            .attr("classmethod")(py::cpp_function(&MakeUnknownMember, py::name("_missing_"),
                                                  py::arg("cls"), py::arg("value")));
  }
  type.inc_ref();
}

std::string ParameterTypeString(TRITONSERVER_ParameterType type) {
  return ToPython(Call<&Api::ParameterTypeString>(ParameterTypeToCore(type)));
}

}  // namespace

void BindEnums(py::module_& module, Later& later) {
#define TRITON_ENUM_BEGIN(type, base, exported, meaning)                      \
  {                                                                           \
    using Enum = type;                                                        \
    constexpr bool is_flag = std::string_view(#base) == "IntFlag";            \
    py::native_enum<Enum> enumeration(module, #type, "enum." #base, meaning); \
    if (exported) enumeration.export_values();
#define TRITON_ENUM_VALUE(c_name, python_name, value_, meaning) \
  enumeration.value(#python_name, static_cast<Enum>(value_), meaning);
#define TRITON_ENUM_END(type)                    \
  Complete(enumeration, module, #type, is_flag); \
  }
#include "native/triton/enums.def"
#undef TRITON_ENUM_BEGIN
#undef TRITON_ENUM_VALUE
#undef TRITON_ENUM_END

  later.push_back([module]() mutable {
    DefFunction<&Api::DataTypeString>(module, "TRITONSERVER_DataTypeString",
                                      "Name of a data type, \"<invalid>\" for INVALID.");
    DefFunction<&Api::StringToDataType, Text>(
        module, "TRITONSERVER_StringToDataType",
        "Data type of an upper-case name, INVALID for an unknown name.");
    DefFunction<&Api::DataTypeByteSize>(
        module, "TRITONSERVER_DataTypeByteSize",
        "Bytes of one element of a data type, 0 for BYTES and INVALID.");
    DefFunction<&Api::MemoryTypeString>(module, "TRITONSERVER_MemoryTypeString",
                                        "Name of a memory type.");
    module.def("TRITONSERVER_ParameterTypeString", &ParameterTypeString,
               py::arg("type").none(false),
               Document<&Api::ParameterTypeString>("Name of a parameter type.").c_str());
    DefFunction<&Api::InstanceGroupKindString>(module, "TRITONSERVER_InstanceGroupKindString",
                                               "Name of an instance group kind.");
    DefFunction<&Api::InferenceTraceLevelString>(
        module, "TRITONSERVER_InferenceTraceLevelString",
        "Name of a trace level that is a single bit, \"<unknown>\" for combinations.");
    DefFunction<&Api::InferenceTraceActivityString>(
        module, "TRITONSERVER_InferenceTraceActivityString", "Name of a trace activity.");
  });
}

}  // namespace tritonserver
