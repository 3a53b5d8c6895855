// Opens a Triton core and fills the symbol table with it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "native/triton/error.h"
#include "triton/core/tritonserver.h"

namespace tritonserver {

// Where a Triton installation keeps its parts. Empty directories mean the core's own defaults.
struct Home {
  std::string library;
  std::string backends;
  std::string caches;
  std::string repository_agents;
};

// Finds the home when the first call of the C API needs a core; may throw.
void SetHomeLocator(std::function<Home()> locator);

// Gets the home ready for processes of models to be started; may throw. Called without the GIL,
// before every call of the core that may start some.
void SetHomeActivator(std::function<void()> activate);
void ActivateHome();

// Opens `home.library` and resolves all functions of the C API in it.
//
// One process has one core: repeating the call with the same library does nothing, another one is
// an ALREADY_EXISTS error. NOT_FOUND if the library cannot be opened, INVALID_ARG if it is not a
// Triton core, UNSUPPORTED if it is older than 23.12 or has another major version.
void LoadCore(const Home& home);

// The home of the loaded core, loading it first if need be.
const Home& LoadedHome();

// The loaded library's path, or nothing before a core is loaded.
std::optional<std::string> LoadedLibrary();

// Whether the loaded core is of that release or a later one.
bool IsRelease(const char* since);

// UNSUPPORTED: the loaded core is older than `what` needs; `what` begins the message.
Error NeedsRelease(const std::string& what, const char* since);

// Enumerators that the headers of old releases lack or number differently.
constexpr auto kMetricHistogram = static_cast<TRITONSERVER_MetricKind>(2);
constexpr auto kParameterDouble = static_cast<TRITONSERVER_ParameterType>(3);
constexpr auto kParameterBytes = static_cast<TRITONSERVER_ParameterType>(4);

// The core's numbering of parameter types: BYTES was 3 and became 4 in 24.02, when DOUBLE took 3,
// without a new API version. Types unknown to the core pass unchanged.
TRITONSERVER_ParameterType ParameterTypeToCore(TRITONSERVER_ParameterType type);
TRITONSERVER_ParameterType ParameterTypeFromCore(TRITONSERVER_ParameterType type);

// Whether the loader puts a counting trampoline into every slot; it does not by default, and then
// counting costs nothing. Call it before the core is loaded; INVALID_ARG afterwards.
void CountCalls(bool enabled);

// Calls so far by full C name, all zero unless calls are counted.
std::map<std::string, std::uint64_t> CallCounts();

}  // namespace tritonserver
