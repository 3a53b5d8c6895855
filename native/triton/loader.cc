#include "native/triton/loader.h"

#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>

#include "native/triton/api.h"
#include "native/triton/core_waits.h"

namespace tritonserver {
namespace {

constexpr auto kParameterBytesBefore2402 = static_cast<TRITONSERVER_ParameterType>(3);

constexpr std::uint32_t kApiMajor = 1;
constexpr std::uint32_t kOldestApiMinor = 27;

struct Loader {
  std::mutex mutex;
  std::function<Home()> locator;
  std::function<void()> activator;
  std::optional<Home> home;       // set once, after the table is complete
  std::string release = "23.12";  // the newest release whose functions are all there
  bool bytes_is_three = false;
  bool count_calls = false;
};

// Never destroyed: trampolines may run during static destruction.
Loader& loader() {
  static auto& instance = *new Loader;
  return instance;
}

// What the slots of a counting table call.
Api& counted_api() {
  static auto& instance = *new Api;
  return instance;
}

template <auto kFunction>
std::atomic<std::uint64_t> call_count{0};

void LoadLocatedCore() {
  std::function<Home()> locator;
  {
    std::lock_guard lock(loader().mutex);
    if (loader().home) return;
    locator = loader().locator;
  }
  if (!locator) {
    throw Error(TRITONSERVER_ERROR_UNAVAILABLE,
                "no Triton core is loaded and nothing was set to find one; import tritonserver");
  }
  // Outside the lock, because the locator takes the GIL.
  LoadCore(locator());
}

template <auto kFunction>
struct Slot;

template <class Result, class... Parameters, Result (*Api::*kFunction)(Parameters...)>
struct Slot<kFunction> {
  static Result Lazy(Parameters... parameters) {
    LoadLocatedCore();
    return (g_api.*kFunction)(parameters...);
  }

  static Result Counted(Parameters... parameters) {
    call_count<kFunction>.fetch_add(1, std::memory_order_relaxed);
    return (counted_api().*kFunction)(parameters...);
  }

  static Result Missing(Parameters...);
};

template <class Result, class... Parameters, Result (*Api::*kFunction)(Parameters...)>
Result Slot<kFunction>::Missing(Parameters...) {
  throw NeedsRelease(std::string(kFunctionName<kFunction>) + " needs", kSince<kFunction>);
}

void CheckVersion(const Home& home, const Api& found) {
  if (found.ApiVersion == nullptr || found.ErrorDelete == nullptr) {
    throw Error(TRITONSERVER_ERROR_INVALID_ARG,
                home.library + " is not a Triton core: it has no TRITONSERVER_ApiVersion");
  }
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  found.ErrorDelete(found.ApiVersion(&major, &minor));
  if (major != kApiMajor || minor < kOldestApiMinor) {
    throw Error(TRITONSERVER_ERROR_UNSUPPORTED,
                "the Triton core at " + home.library + " has C API version " +
                    std::to_string(major) + "." + std::to_string(minor) +
                    "; this package needs 1.27 (Triton 23.12) or a later 1.x");
  }
}

}  // namespace

Api g_api = {
#define TRITON_FUNCTION(name, result, parameters, since) Slot<&Api::name>::Lazy,
#include "native/triton/functions.def"
#undef TRITON_FUNCTION
};

void SetHomeLocator(std::function<Home()> locator) {
  std::lock_guard lock(loader().mutex);
  loader().locator = std::move(locator);
}

void SetHomeActivator(std::function<void()> activate) {
  std::lock_guard lock(loader().mutex);
  loader().activator = std::move(activate);
}

void ActivateHome() {
  std::function<void()> activate;
  {
    std::lock_guard lock(loader().mutex);
    activate = loader().activator;
  }
  // Outside the lock, because it takes the GIL.
  if (activate) activate();
}

void LoadCore(const Home& home) {
  std::lock_guard lock(loader().mutex);
  if (loader().home) {
    if (loader().home->library == home.library) return;
    throw Error(TRITONSERVER_ERROR_ALREADY_EXISTS,
                "this process already uses the Triton core at " + loader().home->library +
                    "; it cannot load another one from " + home.library);
  }

  // RTLD_LOCAL is enough: backends find the loaded core by its SONAME. Never closed again, for
  // the core's threads and the libraries that use it live as long as the process.
  void* library = dlopen(home.library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    throw Error(TRITONSERVER_ERROR_NOT_FOUND,
                "cannot open the Triton core " + home.library + ": " + dlerror());
  }

  Api found;
  std::string release = "23.12";
#define TRITON_FUNCTION(name, result, parameters, since)                                     \
  found.name = reinterpret_cast<decltype(Api::name)>(dlsym(library, "TRITONSERVER_" #name)); \
  if (found.name != nullptr) release = std::max<std::string>(release, since);
#include "native/triton/functions.def"
#undef TRITON_FUNCTION
  CheckVersion(home, found);
  TakeOverWaits(reinterpret_cast<const void*>(found.ServerStop));

#define TRITON_FUNCTION(name, result, parameters, since) \
  if (found.name == nullptr) found.name = Slot<&Api::name>::Missing;
#include "native/triton/functions.def"
#undef TRITON_FUNCTION

  loader().bytes_is_three = found.InferenceRequestSetDoubleParameter ==
                            Slot<&Api::InferenceRequestSetDoubleParameter>::Missing;
  loader().release = release;
  loader().home = home;
  if (loader().count_calls) {
    counted_api() = found;
#define TRITON_FUNCTION(name, result, parameters, since) \
  if (found.name != Slot<&Api::name>::Missing) found.name = Slot<&Api::name>::Counted;
#include "native/triton/functions.def"
#undef TRITON_FUNCTION
  }
  g_api = found;
}

const Home& LoadedHome() {
  LoadLocatedCore();
  return *loader().home;
}

std::optional<std::string> LoadedLibrary() {
  std::lock_guard lock(loader().mutex);
  if (!loader().home) return std::nullopt;
  return loader().home->library;
}

bool IsRelease(const char* since) {
  LoadedHome();
  return loader().release >= since;
}

Error NeedsRelease(const std::string& what, const char* since) {
  return Error(TRITONSERVER_ERROR_UNSUPPORTED,
               what + " Triton " + since + " or later; the core at " + LoadedHome().library +
                   " is release " + loader().release);
}

TRITONSERVER_ParameterType ParameterTypeToCore(TRITONSERVER_ParameterType type) {
  LoadedHome();
  if (!loader().bytes_is_three) return type;
  if (type == kParameterDouble) throw NeedsRelease("parameters of type DOUBLE need", "24.02");
  return type == kParameterBytes ? kParameterBytesBefore2402 : type;
}

TRITONSERVER_ParameterType ParameterTypeFromCore(TRITONSERVER_ParameterType type) {
  return loader().bytes_is_three && type == kParameterBytesBefore2402 ? kParameterBytes : type;
}

void CountCalls(bool enabled) {
  std::lock_guard lock(loader().mutex);
  if (loader().home) {
    throw Error(TRITONSERVER_ERROR_INVALID_ARG,
                "calls can only be counted from before the Triton core is loaded");
  }
  loader().count_calls = enabled;
}

std::map<std::string, std::uint64_t> CallCounts() {
  return {
#define TRITON_FUNCTION(name, result, parameters, since) \
  {"TRITONSERVER_" #name, call_count<&Api::name>.load(std::memory_order_relaxed)},
#include "native/triton/functions.def"
#undef TRITON_FUNCTION
  };
}

}  // namespace tritonserver
