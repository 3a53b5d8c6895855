// A library with all functions of the C API that injects faults which the real core cannot be made
// to commit. It stands in for the core in no other test.
//
// A function without a fault succeeds: it makes an object where one is asked for, and otherwise
// answers with zeros, `true` and the text "text". Objects that are used or deleted although they do
// not exist are noted as mistakes. What the tests control is at the end.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <unordered_set>

#include "triton/core/tritonserver.h"

namespace {

// So long that nobody waits for it unless something is wrong.
constexpr std::chrono::seconds kLongestWait(30);

struct Object;

struct State {
  std::mutex mutex;
  std::condition_variable changed;
  std::string function;  // the one with the fault
  std::string fault;
  int injected = 0;  // how often that happened
  bool blocked = false;
  std::unordered_set<const Object*> objects;
  std::string mistakes;

  // What happens to a request that was sent, and how large the output of its responses is.
  std::string script = "fx";
  std::size_t output_size = sizeof(double);
};

// Never destroyed: objects of Python outlive static destruction.
State& state() {
  static auto& instance = *new State;
  return instance;
}

struct Object {
  Object() {
    std::lock_guard lock(state().mutex);
    state().objects.insert(this);
  }
  virtual ~Object() = default;
};

void Note(const std::string& mistake) { state().mistakes += mistake + "\n"; }

}  // namespace

struct TRITONSERVER_BufferAttributes : Object {};
struct TRITONSERVER_Message : Object {};
struct TRITONSERVER_Metric : Object {};
struct TRITONSERVER_MetricArgs : Object {};
struct TRITONSERVER_MetricFamily : Object {};
struct TRITONSERVER_Metrics : Object {};
struct TRITONSERVER_Parameter : Object {};
struct TRITONSERVER_Server : Object {};

struct TRITONSERVER_ServerOptions : Object {
  TRITONSERVER_LogCallbackFn_t log = nullptr;
  void* log_userp = nullptr;
};

struct TRITONSERVER_Error : Object {
  TRITONSERVER_Error(TRITONSERVER_Error_Code code, const std::string& message)
      : code(code), message(message) {}
  TRITONSERVER_Error_Code code;
  std::string message;
};

struct TRITONSERVER_ResponseAllocator : Object {
  TRITONSERVER_ResponseAllocatorAllocFn_t alloc;
  TRITONSERVER_ResponseAllocatorReleaseFn_t release;
};

struct TRITONSERVER_InferenceTrace : Object {
  TRITONSERVER_InferenceTraceReleaseFn_t release = nullptr;
  void* userp = nullptr;
};

// What a request was told to do when it is answered and released.
struct Callbacks {
  TRITONSERVER_InferenceRequestReleaseFn_t release = nullptr;
  void* release_userp = nullptr;
  TRITONSERVER_ResponseAllocator* allocator = nullptr;
  void* allocator_userp = nullptr;
  TRITONSERVER_InferenceResponseCompleteFn_t respond = nullptr;
  void* response_userp = nullptr;
};

struct TRITONSERVER_InferenceRequest : Object {
  Callbacks callbacks;
};

// With one output, whose buffer is null, and the response an error, if the allocator failed.
struct TRITONSERVER_InferenceResponse : Object {
  explicit TRITONSERVER_InferenceResponse(const Callbacks& callbacks);
  ~TRITONSERVER_InferenceResponse() override;

  TRITONSERVER_ResponseAllocator* const allocator;
  const std::size_t byte_size;
  void* buffer = nullptr;
  void* buffer_userp = nullptr;
  TRITONSERVER_MemoryType memory_type = TRITONSERVER_MEMORY_CPU;
  int64_t memory_type_id = 0;
  TRITONSERVER_Error* error = nullptr;
};

namespace {

template <auto kFunction>
constexpr std::string_view kName = "";

#define TRITON_FUNCTION(name, result, parameters, since) \
  template <>                                            \
  constexpr std::string_view kName<&TRITONSERVER_##name> = #name;
#include "native/triton/functions.def"
#undef TRITON_FUNCTION

// Throws or waits if that is the fault of this function; returns any other fault.
// As the core does while a server stops: until the exit timeout is over, which is a day here.
void SleepForADay() {
  constexpr timespec kSecond{1, 0};
  for (int i = 0; i < 24 * 60 * 60; ++i) nanosleep(&kSecond, nullptr);
}

std::string Enter(std::string_view function) {
  std::unique_lock lock(state().mutex);
  if (state().function != function) return "";
  ++state().injected;
  const std::string fault = state().fault;
  const std::string message = "injected into " + state().function;
  if (fault == "exception") throw std::out_of_range(message);
  if (fault == "other exception") throw 42;
  if (fault == "block") {
    state().blocked = true;
    state().changed.notify_all();
    const auto resumed = [] { return !state().blocked; };
    if (!state().changed.wait_for(lock, kLongestWait, resumed)) Note(message + ", never resumed");
  }
  if (fault == "sleep") {
    lock.unlock();
    SleepForADay();
  }
  return fault;
}

// An argument that is an object has to exist, unless it may be null.
template <class Argument>
void Check(std::string_view function, Argument argument) {
  constexpr bool kNullable = std::is_same_v<Argument, TRITONSERVER_Error*> ||
                             std::is_same_v<Argument, TRITONSERVER_InferenceTrace*>;
  if constexpr (std::is_convertible_v<Argument, const Object*>) {
    if (kNullable && argument == nullptr) return;
    std::lock_guard lock(state().mutex);
    if (state().objects.count(argument) == 0) {
      Note(std::string(function) + " got an object that does not exist");
    }
  }
}

// Fills in an output parameter.
template <class Argument>
void Answer(bool null, Argument argument) {
  if constexpr (std::is_pointer_v<Argument>) {
    using Value = std::remove_pointer_t<Argument>;
    if constexpr (std::is_same_v<Value, const char*>) {
      *argument = null ? nullptr : "text";
    } else if constexpr (std::is_same_v<Value, bool>) {
      *argument = true;
    } else if constexpr (std::is_convertible_v<Value, Object*>) {
      *argument = null ? nullptr : new std::remove_pointer_t<Value>;
    } else if constexpr (std::is_scalar_v<Value> && !std::is_const_v<Value> &&
                         !std::is_convertible_v<Value, const Object*>) {
      *argument = Value();
    }
  }
}

template <class Argument>
void Delete(Argument argument) {
  if constexpr (std::is_convertible_v<Argument, const Object*>) {
    {
      std::lock_guard lock(state().mutex);
      if (state().objects.erase(argument) == 0) return;
    }
    delete argument;
  }
}

// What a function does and returns besides.
template <auto kFunction, class Result, class... Parameters>
Result Act(bool null, Parameters...) {
  if constexpr (std::is_same_v<Result, const char*>) {
    return null ? nullptr : "text";
  } else if constexpr (std::is_same_v<Result, TRITONSERVER_Parameter*>) {
    return null ? nullptr : new TRITONSERVER_Parameter;
  } else if constexpr (std::is_same_v<Result, bool>) {
    return true;
  } else {
    return Result();
  }
}

template <>
TRITONSERVER_Error* Act<&TRITONSERVER_ApiVersion, TRITONSERVER_Error*>(bool, uint32_t* major,
                                                                       uint32_t* minor) {
  const char* version = std::getenv("FAKE_CORE_API_VERSION");
  char* rest = nullptr;
  *major = std::strtoul(version == nullptr ? "1.34" : version, &rest, 10);
  *minor = std::strtoul(rest + 1, nullptr, 10);
  return nullptr;
}

template <>
TRITONSERVER_Error* Act<&TRITONSERVER_ErrorNew, TRITONSERVER_Error*>(bool null,
                                                                     TRITONSERVER_Error_Code code,
                                                                     const char* message) {
  return null ? nullptr : new TRITONSERVER_Error(code, message);
}

template <>
TRITONSERVER_Error_Code Act<&TRITONSERVER_ErrorCode, TRITONSERVER_Error_Code>(
    bool, TRITONSERVER_Error* error) {
  return error->code;
}

template <>
const char* Act<&TRITONSERVER_ErrorMessage, const char*>(bool null, TRITONSERVER_Error* error) {
  return null ? nullptr : error->message.c_str();
}

template <>
TRITONSERVER_Error* Act<&TRITONSERVER_ResponseAllocatorNew, TRITONSERVER_Error*>(
    bool null, TRITONSERVER_ResponseAllocator** allocator,
    TRITONSERVER_ResponseAllocatorAllocFn_t alloc,
    TRITONSERVER_ResponseAllocatorReleaseFn_t release, TRITONSERVER_ResponseAllocatorStartFn_t) {
  if (!null) {
    (*allocator)->alloc = alloc;
    (*allocator)->release = release;
  }
  return nullptr;
}

template <>
TRITONSERVER_Error* Act<&TRITONSERVER_InferenceTraceNew, TRITONSERVER_Error*>(
    bool null, TRITONSERVER_InferenceTrace** trace, TRITONSERVER_InferenceTraceLevel, uint64_t,
    TRITONSERVER_InferenceTraceActivityFn_t, TRITONSERVER_InferenceTraceReleaseFn_t release,
    void* userp) {
  if (!null) {
    (*trace)->release = release;
    (*trace)->userp = userp;
  }
  return nullptr;
}

template <>
TRITONSERVER_Error* Act<&TRITONSERVER_InferenceRequestSetReleaseCallback, TRITONSERVER_Error*>(
    bool, TRITONSERVER_InferenceRequest* request, TRITONSERVER_InferenceRequestReleaseFn_t release,
    void* userp) {
  request->callbacks.release = release;
  request->callbacks.release_userp = userp;
  return nullptr;
}

template <>
TRITONSERVER_Error* Act<&TRITONSERVER_InferenceRequestSetResponseCallback, TRITONSERVER_Error*>(
    bool, TRITONSERVER_InferenceRequest* request, TRITONSERVER_ResponseAllocator* allocator,
    void* allocator_userp, TRITONSERVER_InferenceResponseCompleteFn_t respond, void* userp) {
  request->callbacks.allocator = allocator;
  request->callbacks.allocator_userp = allocator_userp;
  request->callbacks.respond = respond;
  request->callbacks.response_userp = userp;
  return nullptr;
}

// Where records go, if anywhere: to what the options of the last server had.
struct Log {
  std::mutex mutex;
  TRITONSERVER_LogCallbackFn_t callback = nullptr;
  void* userp = nullptr;
};

Log& installed_log() {
  static auto& instance = *new Log;
  return instance;
}

// Calls back under a lock of the core's.
void WriteLog(TRITONSERVER_LogLevel level, const char* filename, int line, const char* message) {
  constexpr uint64_t kTimestamp = 1'795'558'393'527'943;
  const Log& log = installed_log();
  std::lock_guard lock(installed_log().mutex);
  if (log.callback != nullptr) {
    log.callback(level, filename, line, kTimestamp, message, log.userp);
  }
}

template <>
TRITONSERVER_Error* Act<&TRITONSERVER_ServerOptionsSetLogCallback, TRITONSERVER_Error*>(
    bool, TRITONSERVER_ServerOptions* options, TRITONSERVER_LogCallbackFn_t callback, void* userp) {
  options->log = callback;
  options->log_userp = userp;
  return nullptr;
}

template <>
TRITONSERVER_Error* Act<&TRITONSERVER_ServerNew, TRITONSERVER_Error*>(
    bool, TRITONSERVER_Server**, TRITONSERVER_ServerOptions* options) {
  std::lock_guard lock(installed_log().mutex);
  installed_log().callback = options->log;
  installed_log().userp = options->log_userp;
  return nullptr;
}

template <>
TRITONSERVER_Error* Act<&TRITONSERVER_LogMessage, TRITONSERVER_Error*>(
    bool, TRITONSERVER_LogLevel level, const char* filename, int line, const char* message) {
  WriteLog(level, filename, line, message);
  return nullptr;
}

void Play(TRITONSERVER_InferenceRequest* request, const Callbacks callbacks, std::string script) {
  const auto respond = [&](TRITONSERVER_InferenceResponse* response, uint32_t flags) {
    callbacks.respond(response, flags, callbacks.response_userp);
  };
  while (!script.empty()) {
    const char step = script.front();
    script.erase(0, 1);
    switch (step) {
      case 'r':
        respond(new TRITONSERVER_InferenceResponse(callbacks), 0);
        break;
      case 'f':
        respond(new TRITONSERVER_InferenceResponse(callbacks),
                TRITONSERVER_RESPONSE_COMPLETE_FINAL);
        break;
      case 'n':
        respond(nullptr, TRITONSERVER_RESPONSE_COMPLETE_FINAL);
        break;
      case '0':
        respond(nullptr, 0);
        break;
      case 'x':
        callbacks.release(request, TRITONSERVER_REQUEST_RELEASE_ALL, callbacks.release_userp);
        break;
      case 't':
        std::thread(&Play, request, callbacks, script).detach();
        return;
    }
  }
}

template <>
TRITONSERVER_Error* Act<&TRITONSERVER_ServerInferAsync, TRITONSERVER_Error*>(
    bool, TRITONSERVER_Server*, TRITONSERVER_InferenceRequest* request,
    TRITONSERVER_InferenceTrace* trace) {
  Play(request, request->callbacks, state().script);
  if (trace != nullptr) trace->release(trace, trace->userp);
  return nullptr;
}

template <>
TRITONSERVER_Error* Act<&TRITONSERVER_InferenceResponseError, TRITONSERVER_Error*>(
    bool, TRITONSERVER_InferenceResponse* response) {
  const TRITONSERVER_Error* error = response->error;
  return error == nullptr ? nullptr : new TRITONSERVER_Error(error->code, error->message);
}

template <>
TRITONSERVER_Error* Act<&TRITONSERVER_InferenceResponseOutput, TRITONSERVER_Error*>(
    bool, TRITONSERVER_InferenceResponse* response, uint32_t, const char**,
    TRITONSERVER_DataType* data_type, const int64_t**, uint64_t*, const void** base,
    std::size_t* byte_size, TRITONSERVER_MemoryType*, int64_t*, void** userp) {
  *data_type = TRITONSERVER_TYPE_FP64;
  *base = response->buffer;
  *byte_size = response->byte_size;
  *userp = response->buffer_userp;
  return nullptr;
}

template <>
TRITONSERVER_Error* Act<&TRITONSERVER_InferenceResponseOutputCount, TRITONSERVER_Error*>(
    bool, TRITONSERVER_InferenceResponse*, uint32_t* count) {
  *count = 1;
  return nullptr;
}

template <auto kFunction>
struct Function;

template <class Result, class... Parameters, Result (*kFunction)(Parameters...)>
struct Function<kFunction> {
  static constexpr std::string_view kSuffix = "Delete";
  static constexpr bool kDeletes =
      kName<kFunction>.substr(kName<kFunction>.size() - kSuffix.size()) == kSuffix;

  static Result Run(Parameters... parameters) {
    (Check(kName<kFunction>, parameters), ...);
    if constexpr (kDeletes) (Delete(parameters), ...);  // whatever it says then
    const std::string fault = Enter(kName<kFunction>);
    if constexpr (std::is_same_v<Result, TRITONSERVER_Error*>) {
      if (fault == "error") {
        return new TRITONSERVER_Error(TRITONSERVER_ERROR_ALREADY_EXISTS,
                                      "injected into " + std::string(kName<kFunction>));
      }
    }
    const bool null = fault == "null";
    (Answer(null, parameters), ...);
    return Act<kFunction, Result>(null, parameters...);
  }
};

bool IsMissing(std::string_view function) {
  const char* missing = std::getenv("FAKE_CORE_WITHOUT");
  return missing != nullptr && function == missing;
}

}  // namespace

TRITONSERVER_InferenceResponse::TRITONSERVER_InferenceResponse(const Callbacks& callbacks)
    : allocator(callbacks.allocator), byte_size(state().output_size) {
  error = allocator->alloc(allocator, "OUTPUT", byte_size, memory_type, memory_type_id,
                           callbacks.allocator_userp, &buffer, &buffer_userp, &memory_type,
                           &memory_type_id);
  if (error != nullptr) buffer = nullptr;
}

TRITONSERVER_InferenceResponse::~TRITONSERVER_InferenceResponse() {
  Delete(error);
  if (buffer == nullptr) return;
  Delete(
      allocator->release(allocator, buffer, buffer_userp, byte_size, memory_type, memory_type_id));
}

#define EXPORT extern "C" __attribute__((visibility("default")))

// A function is resolved when it is looked up: one that is missing is not found.
#define TRITON_FUNCTION(name, result, parameters, since)                      \
  extern "C" auto Resolve##name() -> result(*) parameters {                   \
    return IsMissing(#name) ? nullptr : &Function<&TRITONSERVER_##name>::Run; \
  }                                                                           \
  EXPORT __attribute__((ifunc("Resolve" #name))) result TRITONSERVER_##name parameters;
#include "native/triton/functions.def"
#undef TRITON_FUNCTION

// Gives a function a fault, and takes it from the one that had it: "error", "exception", "other
// exception", "null" (no text, no object), "block" until it is resumed, or "sleep" for a day.
EXPORT void fake_core_inject(const char* function, const char* fault) {
  std::lock_guard lock(state().mutex);
  state().function = function;
  state().fault = fault;
  state().injected = 0;
}

// How often the function was called since.
EXPORT int fake_core_injected() {
  std::lock_guard lock(state().mutex);
  return state().injected;
}

// What was done wrong so far, one mistake a line.
EXPORT const char* fake_core_mistakes() { return state().mistakes.c_str(); }

// How many objects exist.
EXPORT int fake_core_objects() {
  std::lock_guard lock(state().mutex);
  return static_cast<int>(state().objects.size());
}

// Waits until the function blocks, and lets it go on; false if it does not block.
EXPORT bool fake_core_resume() {
  std::unique_lock lock(state().mutex);
  if (!state().changed.wait_for(lock, kLongestWait, [] { return state().blocked; })) return false;
  state().blocked = false;
  state().changed.notify_all();
  return true;
}

// Waits for as long as a batcher waits for its next request; returns how often that woke up.
EXPORT int fake_core_batcher_wait() {
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
  int wakeups = 0;
  for (; std::chrono::steady_clock::now() < end; ++wakeups) never.wait_until(lock, end);
  return wakeups;
}

// Sets what happens to a request: `r` is a response, `f` the last one, `n` the end without one, `0`
// neither, `x` the release; `t` leaves the rest to another thread.
EXPORT void fake_core_play(const char* script) { state().script = script; }

// Sets the size of the output of each response in bytes.
EXPORT void fake_core_set_output_size(std::size_t byte_size) { state().output_size = byte_size; }

// Logs something of the core's own.
EXPORT void fake_core_log(TRITONSERVER_LogLevel level, const char* message) {
  WriteLog(level, "core.cc", 1, message);
}

// Logs on a thread of the core's until the process ends.
EXPORT void fake_core_log_for_ever() {
  std::thread([] {
    for (;;) WriteLog(TRITONSERVER_LOG_INFO, "core.cc", 1, "still here");
  }).detach();
}
