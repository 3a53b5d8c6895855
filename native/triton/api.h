// The table through which every call of Triton's C API goes.
//
// The core is opened at run time and never linked: a slot of the table starts as a lazy trampoline
// that loads the core and calls through; once it is loaded, a slot holds the core's function or,
// if that core is too old to have it, a trampoline that throws. So no caller checks for null, and
// a loaded table costs one indirect call.
#pragma once

#include <cstdint>

#include "native/triton/error.h"
#include "triton/core/tritonserver.h"

// Absent from the headers of releases before 24.08.
struct TRITONSERVER_MetricArgs;

// One of them is absent from the headers of releases before 26.08.
#define TRITON_CALLBACK(name, result, parameters) typedef result(*TRITONSERVER_##name) parameters;
#include "native/triton/callbacks.def"
#undef TRITON_CALLBACK

namespace tritonserver {

struct Api {
#define TRITON_FUNCTION(name, result, parameters, since) result(*name) parameters;
#include "native/triton/functions.def"
#undef TRITON_FUNCTION
};

extern Api g_api;

// For the functions whose result is not a status; all others are called with `Call`.
inline const Api& api() { return g_api; }

template <auto kFunction>
constexpr const char* kFunctionName = nullptr;

// The first release that has the function.
template <auto kFunction>
constexpr const char* kSince = nullptr;

#define TRITON_FUNCTION(name, result, parameters, since)                          \
  template <>                                                                     \
  inline constexpr const char* kFunctionName<&Api::name> = "TRITONSERVER_" #name; \
  template <>                                                                     \
  inline constexpr const char* kSince<&Api::name> = since;
#include "native/triton/functions.def"
#undef TRITON_FUNCTION

// Whether an error that a function returns says that the function failed.
template <auto kFunction>
constexpr bool kReturnsStatus = false;
template <class... Parameters, TRITONSERVER_Error* (*Api::*kFunction)(Parameters...)>
constexpr bool kReturnsStatus<kFunction> = true;
template <>
inline constexpr bool kReturnsStatus<&Api::ErrorNew> = false;

// Calls a function of the core. An error it returns is thrown as `Error` and deleted; any other
// result is returned. C++ exceptions that the core lets escape become INTERNAL errors, for a
// binding would otherwise take a `std::out_of_range` for an index error of its own.
template <auto kFunction, class... Arguments>
auto Call(Arguments... arguments) {
  const auto call = [&] {
    try {
      return (g_api.*kFunction)(arguments...);
    } catch (...) {
      ThrowEscaped(kFunctionName<kFunction>);
    }
  };
  if constexpr (kReturnsStatus<kFunction>) {
    ThrowIfError(call());
  } else {
    return call();
  }
}

}  // namespace tritonserver
