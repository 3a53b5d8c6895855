#include <pybind11/typing.h>

#include "native/c_api/bindings.h"
#include "native/c_api/call.h"
#include "native/triton/loader.h"

namespace tritonserver {
namespace {

using Value = py::typing::Union<py::bytes, py::str, py::bool_, py::int_, py::float_>;

Handle<TRITONSERVER_Parameter> NewParameter(const std::string& name,
                                            TRITONSERVER_ParameterType type, const void* value) {
  return OwnMade<&Api::ParameterNew>(
      Call<&Api::ParameterNew>(name.c_str(), ParameterTypeToCore(type), value));
}

}  // namespace

Parameter::Parameter(const std::string& name, const py::object& value) {
  CheckName("name", name);
  py::detail::make_caster<bool> boolean;
  py::detail::make_caster<std::int64_t> integer;
  py::detail::make_caster<double> number;
  if (py::isinstance<py::bytes>(value)) {
    const auto bytes = value.cast<py::bytes>();
    const std::string_view data = bytes;
    bytes_ = GilSafe<py::bytes>(bytes);
    handle_ = OwnMade<&Api::ParameterBytesNew>(
        Call<&Api::ParameterBytesNew>(name.c_str(), data.data(), data.size()));
  } else if (py::isinstance<py::str>(value)) {
    const auto text = value.cast<std::string>();
    CheckText("value", text);
    handle_ = NewParameter(name, TRITONSERVER_PARAMETER_STRING, text.c_str());
  } else if (boolean.load(value, /*convert=*/false)) {  // before int: True is one
    const bool flag = boolean;
    handle_ = NewParameter(name, TRITONSERVER_PARAMETER_BOOL, &flag);
  } else if (PyIndex_Check(value.ptr())) {
    if (!integer.load(value, /*convert=*/true)) {
      throw py::type_error("value must be an integer of 64 bits");
    }
    const std::int64_t signed_value = integer;
    handle_ = NewParameter(name, TRITONSERVER_PARAMETER_INT, &signed_value);
  } else if (!value.is_none() && number.load(value, /*convert=*/true)) {
    // Earlier cores know the type, for requests, but make no such object.
    constexpr const char* kSince = "24.06";
    if (!IsRelease(kSince)) throw NeedsRelease("parameter objects of type DOUBLE need", kSince);
    const double floating = number;
    handle_ = NewParameter(name, kParameterDouble, &floating);
  } else {
    throw py::type_error("value must be bytes, str, bool, int or float, not " +
                         std::string(Py_TYPE(value.ptr())->tp_name));
  }
}

std::vector<const TRITONSERVER_Parameter*> Pointers(const Parameters& parameters) {
  std::vector<const TRITONSERVER_Parameter*> pointers;
  for (const auto& parameter : parameters) {
    if (parameter == nullptr) throw py::type_error("a list of parameters must not contain None");
    pointers.push_back(parameter->get());
  }
  return pointers;
}

void BindParameter(py::module_& module, Later& later) {
  py::class_<Parameter, std::shared_ptr<Parameter>> parameter(module, "TRITONSERVER_Parameter", R"(
A named value: for loading a model, registering a repository, or labelling a metric.

Immutable; may be used any number of times. `bytes` are not copied but kept alive. Integers have 64
bits. A `float` needs Triton 24.06 or later (UnsupportedError).

C API: TRITONSERVER_Parameter, TRITONSERVER_ParameterNew, TRITONSERVER_ParameterBytesNew,
TRITONSERVER_ParameterDelete)");
  later.push_back([parameter]() mutable {
    parameter.def(py::init([](const String& name, const Value& value) {
                    return std::make_shared<Parameter>(name, value);
                  }),
                  py::arg("name"), py::arg("value"));
  });
}

}  // namespace tritonserver
