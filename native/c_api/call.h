// Makes Python functions out of C functions.
//
// `Def`, `DefProperty` and `DefFunction` derive everything from the C function: what they take and
// return from its type, the names of the arguments from native/triton/functions.def, the last line
// of the docstring from its name. Leading parameters are arguments, trailing output parameters
// are results, an error becomes an exception.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "native/c_api/enums.h"
#include "native/c_api/model_name.h"
#include "native/c_api/objects.h"
#include "native/triton/api.h"

namespace tritonserver {

// An integer argument: whatever has `__index__` and fits. pybind11's own conversion would truncate
// NumPy's and other floats.
template <class Number>
struct Integer {
  Number value;

  operator Number() const { return value; }
};

// A string argument: only `str`, whereas pybind11 would take `bytes` that need not be text.
struct String : std::string {};

// What a string argument may be. Arguments are a `Name` unless `Def` is told otherwise.
struct Name {};       // not empty
struct ModelName {};  // that a model can have
struct Text {};       // anything

// Throws if the C API would not take `value` as it is.
inline void CheckText(std::string_view argument, const std::string& value) {
  if (value.find('\0') != std::string::npos) {
    throw Error(TRITONSERVER_ERROR_INVALID_ARG,
                std::string(argument) + " must not contain a NUL character");
  }
}

inline void CheckName(std::string_view argument, const std::string& value) {
  CheckText(argument, value);
  if (argument == "model_name") CheckModelNameIsGiven(value);
  if (value.empty()) {
    throw Error(TRITONSERVER_ERROR_INVALID_ARG, std::string(argument) + " must not be empty");
  }
}

template <auto kFunction>
constexpr std::string_view kParameters = "";

#define TRITON_FUNCTION(name, result, parameters, since) \
  template <>                                            \
  inline constexpr std::string_view kParameters<&Api::name> = #parameters;
#include "native/triton/functions.def"
#undef TRITON_FUNCTION

// The name of the `index`-th parameter of a C function: the last word before the next comma.
template <auto kFunction>
std::string ParameterName(std::size_t index) {
  std::string_view rest = kParameters<kFunction>.substr(1, kParameters<kFunction>.size() - 2);
  for (; index > 0; --index) rest.remove_prefix(rest.find(',') + 1);
  rest = rest.substr(0, rest.find(','));
  return std::string(rest.substr(rest.find_last_of(" *") + 1));
}

// Whether a pointer parameter is an output: it points to a number, enumerator or pointer that the
// function may write.
template <class Parameter>
constexpr bool kIsOutput = false;
template <class Value>
constexpr bool kIsOutput<Value*> = std::is_scalar_v<Value> && !std::is_const_v<Value>;

template <class Type>
constexpr bool kIsInteger = std::is_integral_v<Type> && !std::is_same_v<Type, bool>;

// What an argument is in Python, and how it gets from there to C.
template <class Parameter, class = void>
struct Argument {
  using Type = Parameter;
  template <auto kFunction, std::size_t kIndex, class Kind>
  static Parameter ToC(Parameter value) {
    return value;
  }
};
template <class Parameter>
struct Argument<Parameter, std::enable_if_t<kIsInteger<Parameter>>> {
  using Type = Integer<Parameter>;
  template <auto kFunction, std::size_t kIndex, class Kind>
  static Parameter ToC(Integer<Parameter> value) {
    return value;
  }
};
template <class CObject>
struct Argument<CObject*> {
  using Type = const ClassOf<CObject>&;
  template <auto kFunction, std::size_t kIndex, class Kind>
  static CObject* ToC(const ClassOf<CObject>& object) {
    return object.get();
  }
  template <auto kFunction, std::size_t kIndex, class Kind>
  static CObject* ToC(CObject* object) {
    return object;
  }
};
template <>
struct Argument<const char*> {
  using Type = const String&;
  template <auto kFunction, std::size_t kIndex, class Kind>
  static const char* ToC(const std::string& value) {
    (std::is_same_v<Kind, Text> ? CheckText : CheckName)(ParameterName<kFunction>(kIndex), value);
    if (std::is_same_v<Kind, ModelName>) CheckModelName(value);
    return value.c_str();
  }
};

// How a result gets from C to Python. A null string is an empty one.
template <class Value>
Value ToPython(Value value) {
  return value;
}
inline std::string ToPython(const char* text) { return text == nullptr ? "" : text; }
inline std::uintptr_t ToPython(void* address) { return reinterpret_cast<std::uintptr_t>(address); }

// The same for a result of that function: objects belong to the caller.
template <auto kFunction, class Value>
auto ResultToPython(Value value) {
  if constexpr (std::is_class_v<std::remove_pointer_t<Value>>) {
    return Object(OwnMade<kFunction>(value));
  } else {
    return ToPython(value);
  }
}

template <auto kFunction, class... Strings>
struct Adapter;

template <class Result, class... Parameters, Result (*Api::*kFunction)(Parameters...),
          class... Strings>
struct Adapter<kFunction, Strings...> {
  static constexpr std::size_t kOutputs = (std::size_t{kIsOutput<Parameters>} + ... + 0);
  static constexpr std::size_t kInputs = sizeof...(Parameters) - kOutputs;
  using Types = std::tuple<Parameters...>;

  template <std::size_t kIndex>
  using Type = std::tuple_element_t<kIndex, Types>;

  // The kind of string that the parameter at this index takes.
  template <std::size_t kIndex>
  static constexpr auto StringKind() {
    constexpr std::array<bool, sizeof...(Parameters)> is_string = {
        std::is_same_v<Parameters, const char*>...};
    constexpr std::size_t place = [&] {
      std::size_t count = 0;
      for (std::size_t i = 0; i < kIndex; ++i) count += is_string[i];
      return count;
    }();
    if constexpr (place < sizeof...(Strings)) {
      return std::tuple_element_t<place, std::tuple<Strings...>>{};
    } else {
      return Name{};
    }
  }

  template <class Inputs = std::make_index_sequence<kInputs>,
            class Outputs = std::make_index_sequence<kOutputs>>
  struct Python;

  template <std::size_t... kIn, std::size_t... kOut>
  struct Python<std::index_sequence<kIn...>, std::index_sequence<kOut...>> {
    static auto Run(typename Argument<Type<kIn>>::Type... arguments) {
      return Invoke(arguments...);
    }

    template <class... Arguments>
    static auto Invoke(const Arguments&... arguments) {
      std::tuple<std::remove_pointer_t<Type<kInputs + kOut>>...> outputs{};
      auto call = [&] {
        return Call<kFunction>(
            Argument<Type<kIn>>::template ToC<kFunction, kIn, decltype(StringKind<kIn>())>(
                arguments)...,
            &std::get<kOut>(outputs)...);
      };
      if constexpr (!std::is_same_v<Result, TRITONSERVER_Error*>) {
        return ResultToPython<kFunction>(call());
      } else if constexpr (kOutputs == 0) {
        call();
      } else if constexpr (kOutputs == 1) {
        call();
        return ResultToPython<kFunction>(std::get<0>(outputs));
      } else {
        call();
        return std::make_tuple(ResultToPython<kFunction>(std::get<kOut>(outputs))...);
      }
    }
  };

  // The function for Python, and the same for arguments of any type that converts.
  static constexpr auto kRun = &Python<>::Run;
  template <class... Arguments>
  static auto Invoke(const Arguments&... arguments) {
    return Python<>::Invoke(arguments...);
  }
};

// A docstring: what older cores lack and the C name are known from the function.
template <auto kFunction>
std::string Document(std::string text) {
  if (std::string_view(kSince<kFunction>) != "23.12") {
    text += std::string("\n\nNeeds Triton ") + kSince<kFunction> + " or later (UnsupportedError).";
  }
  return text + "\n\nC API: " + kFunctionName<kFunction>;
}

// Adds `run` to a class or module under the argument names of the C function, from the `kFirst`
// parameter on.
template <auto kFunction, std::size_t kFirst, class Scope, class Run, std::size_t... kIndex,
          class... Extra>
void DefWithNames(Scope& scope, const char* name, const char* meaning, Run run,
                  std::index_sequence<kIndex...>, const Extra&... extra) {
  // pybind11 keeps pointers to the names.
  [[maybe_unused]] static const std::array<std::string, sizeof...(kIndex)> names = {
      ParameterName<kFunction>(kFirst + kIndex)...};
  scope.def(name, run, Document<kFunction>(meaning).c_str(),
            py::arg(names[kIndex].c_str()).none(false)..., extra...);
}

// Adds a method that calls `run`, whose parameters are those of the C function.
template <auto kFunction, class Class, class Run, class... Extra>
void DefAs(Class& target, const char* name, const char* meaning, Run run, const Extra&... extra) {
  DefWithNames<kFunction, 1>(target, name, meaning, run,
                             std::make_index_sequence<Adapter<kFunction>::kInputs - 1>{}, extra...);
}

// Adds a method. `Strings` says for each string argument in turn whether it is a Name or a Text.
template <auto kFunction, class... Strings, class Class, class... Extra>
void Def(Class& target, const char* name, const char* meaning, const Extra&... extra) {
  DefAs<kFunction>(target, name, meaning, Adapter<kFunction, Strings...>::kRun, extra...);
}

template <auto kFunction, class... Strings, class... Extra>
void DefFunction(py::module_& target, const char* name, const char* meaning,
                 const Extra&... extra) {
  DefWithNames<kFunction, 0>(target, name, meaning, Adapter<kFunction, Strings...>::kRun,
                             std::make_index_sequence<Adapter<kFunction>::kInputs>{}, extra...);
}

template <auto kGetter, class Class>
void DefProperty(Class& target, const char* name, const char* meaning) {
  target.def_property_readonly(name, Adapter<kGetter>::kRun, Document<kGetter>(meaning).c_str());
}

// A property that `set` sets.
template <auto kGetter, auto kSetter, class Class, class Set>
void DefPropertyAs(Class& target, const char* name, const char* meaning, Set set) {
  target.def_property(name, Adapter<kGetter>::kRun, set,
                      (Document<kGetter>(meaning) + ", " + kFunctionName<kSetter>).c_str());
}

template <auto kGetter, auto kSetter, class... Strings, class Class>
void DefProperty(Class& target, const char* name, const char* meaning) {
  DefPropertyAs<kGetter, kSetter>(target, name, meaning, Adapter<kSetter, Strings...>::kRun);
}

// What a C function makes that stores a new object through its first parameter.
template <class CObject, class... Parameters>
CObject* MadeBy(TRITONSERVER_Error* (*Api::*)(CObject**, Parameters...));

// Calls such a function and owns the object.
template <auto kFunction, class... Arguments>
auto New(Arguments... arguments) {
  decltype(MadeBy(kFunction)) made = nullptr;
  Call<kFunction>(&made, arguments...);
  return OwnMade<kFunction>(made);
}

}  // namespace tritonserver

namespace pybind11::detail {

template <class Number>
struct type_caster<tritonserver::Integer<Number>> {
  PYBIND11_TYPE_CASTER(tritonserver::Integer<Number>, io_name("typing.SupportsIndex", "int"));

  bool load(handle source, bool) {
    if (!PyIndex_Check(source.ptr())) return false;
    const auto number = reinterpret_steal<object>(PyNumber_Index(source.ptr()));
    make_caster<Number> caster;
    if (!number || !caster.load(number, /*convert=*/false)) {
      PyErr_Clear();
      return false;
    }
    value = {caster};
    return true;
  }
};

template <>
struct type_caster<tritonserver::String> {
  PYBIND11_TYPE_CASTER(tritonserver::String, const_name("str"));

  bool load(handle source, bool) {
    Py_ssize_t size = 0;
    const char* text =
        PyUnicode_Check(source.ptr()) ? PyUnicode_AsUTF8AndSize(source.ptr(), &size) : nullptr;
    if (text == nullptr) {
      PyErr_Clear();  // a lone surrogate
      return false;
    }
    value.assign(text, static_cast<std::size_t>(size));
    return true;
  }
};

}  // namespace pybind11::detail
