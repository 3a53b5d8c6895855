#include <algorithm>
#include <climits>
#include <optional>

#include "native/c_api/bindings.h"
#include "native/c_api/call.h"
#include "native/c_api/log.h"
#include "native/triton/loader.h"

namespace tritonserver {
namespace {

// Sets an option that older cores do not have, which then behave as if it were set like this.
template <auto kFunction, class... Values>
void SetIfSupported(TRITONSERVER_ServerOptions* options, Values... values) {
  try {
    Call<kFunction>(options, values...);
  } catch (const Error& error) {
    if (error.code() != TRITONSERVER_ERROR_UNSUPPORTED) throw;
  }
}

template <auto kFunction>
void SetUnlessEmpty(TRITONSERVER_ServerOptions* options, const std::string& directory) {
  if (!directory.empty()) Call<kFunction>(options, directory.c_str());
}

// The defaults of the C API, the directories of the Triton installation in use, and values for the
// two options that the core leaves uninitialised.
ServerOptions NewOptions() {
  ServerOptions options(New<&Api::ServerOptionsNew>());
  SetIfSupported<&Api::ServerOptionsSetModelLoadRetryCount>(options.get(), 0u);
  SetIfSupported<&Api::ServerOptionsSetEnablePeerAccess>(options.get(), true);
  const Home& home = LoadedHome();
  SetUnlessEmpty<&Api::ServerOptionsSetBackendDirectory>(options.get(), home.backends);
  SetUnlessEmpty<&Api::ServerOptionsSetCacheDirectory>(options.get(), home.caches);
  SetUnlessEmpty<&Api::ServerOptionsSetRepoAgentDirectory>(options.get(), home.repository_agents);
  return options;
}

// The core stores a signed number: larger ones would mean no time at all.
void SetExitTimeout(ServerOptions& options, Integer<unsigned> seconds) {
  const auto timeout = std::min<unsigned>(seconds, INT_MAX);
  Call<&Api::ServerOptionsSetExitTimeout>(options.get(), timeout);
  options.exit_timeout = timeout;
}

template <auto kFunction, class... Arguments>
void SetCache(ServerOptions& options, Arguments... arguments) {
  Adapter<kFunction, Name, Text>::Invoke(options, arguments...);
  options.has_response_cache = true;
}

// Settings of the log are the process's.
template <auto kFunction, auto kSetting, class Value>
void SetLog(const ServerOptions& options, Value value) {
  Log::Get().Set<kFunction, kSetting>(options.get(), value);
}

void SetLogFile(const ServerOptions& options, const String& path) {
  CheckText("path", path);
  Log::Get().SetFile(options.get(), path);
}

void SetLogCallback(ServerOptions& options, std::optional<LogCallback> callback) {
  options.SetLogCallback(callback ? py::object(std::move(*callback)) : py::none());
}

}  // namespace

void ServerOptions::SetLogCallback(py::object callback) {
  // Where the core has no callbacks its text is read.
  SetIfSupported<&Api::ServerOptionsSetLogCallback>(
      get(), callback.is_none() ? nullptr : &WriteRecord, nullptr);
  log_callback_ = GilSafe<>(std::move(callback));
}

void BindServerOptions(py::module_& module, Later& later) {
  py::class_<ServerOptions> options(module, "TRITONSERVER_ServerOptions", R"(
Settings of a server to be started. A server copies them.

Starts with the defaults of the C API and the directories of the Triton installation in use. Use it
from one thread at a time.

C API: TRITONSERVER_ServerOptions, TRITONSERVER_ServerOptionsNew, TRITONSERVER_ServerOptionsDelete)");
  later.push_back([options]() mutable {
    options.def(py::init(&NewOptions));
    Def<&Api::ServerOptionsSetServerId, Text>(
        options, "set_server_id", "Name of the server in its metadata; \"triton\" by default.");
    Def<&Api::ServerOptionsSetModelRepositoryPath>(
        options, "set_model_repository_path", "Add a model repository. Call it again for more.");
    Def<&Api::ServerOptionsSetModelControlMode>(
        options, "set_model_control_mode", "Who decides which models are loaded; POLL by default.");
    Def<&Api::ServerOptionsSetStartupModel, ModelName>(
        options, "set_startup_model",
        "Add a model to load at start in EXPLICIT mode, \"*\" "
        "alone for all. Call it again for more.");
    Def<&Api::ServerOptionsSetStrictModelConfig>(
        options, "set_strict_model_config",
        "Whether each model must have a complete configuration, instead of being asked for what is "
        "missing; true by default.");
    Def<&Api::ServerOptionsSetModelConfigName, Text>(
        options, "set_model_config_name",
        "Name of the custom configuration to use for models that have it.");
    Def<&Api::ServerOptionsSetRateLimiterMode>(options, "set_rate_limiter_mode",
                                               "How executions are prioritised; OFF by default.");
    Def<&Api::ServerOptionsAddRateLimiterResource>(
        options, "add_rate_limiter_resource",
        "Limit a resource to `count` on a device; -1 means each device. The smaller count stays if "
        "it is added again.");
    Def<&Api::ServerOptionsSetPinnedMemoryPoolByteSize>(
        options, "set_pinned_memory_pool_byte_size",
        "Bytes of page-locked host memory to reserve, for all servers of the process; 256 MiB by "
        "default.");
    Def<&Api::ServerOptionsSetCudaMemoryPoolByteSize>(
        options, "set_cuda_memory_pool_byte_size",
        "Bytes to reserve on a GPU, for all servers of the process; 64 MiB by default.");
    Def<&Api::ServerOptionsSetCudaVirtualAddressSize>(
        options, "set_cuda_virtual_address_size",
        "Bytes of address space to reserve on a GPU for growable memory; 0 by default.");
    DefAs<&Api::ServerOptionsSetResponseCacheByteSize>(
        options, "set_response_cache_byte_size",
        "Bytes of the local response cache. Deprecated: use `set_cache_config`.",
        &SetCache<&Api::ServerOptionsSetResponseCacheByteSize, Integer<std::uint64_t>>);
    DefAs<&Api::ServerOptionsSetCacheConfig>(
        options, "set_cache_config",
        "Use a response cache with these settings, a JSON object. A server has one at most.",
        &SetCache<&Api::ServerOptionsSetCacheConfig, const String&, const String&>);
    Def<&Api::ServerOptionsSetCacheDirectory, Text>(options, "set_cache_directory",
                                                    "Where caches are found.");
    Def<&Api::ServerOptionsSetMinSupportedComputeCapability>(
        options, "set_min_supported_compute_capability",
        "Lowest CUDA compute capability of GPUs that are used.");
    Def<&Api::ServerOptionsSetExitOnError>(
        options, "set_exit_on_error",
        "Whether the server fails to start when a model fails to load; true by default.");
    Def<&Api::ServerOptionsSetStrictReadiness>(
        options, "set_strict_readiness",
        "Whether the server is ready only if all its models are; true by default.");
    Def<&Api::ServerOptionsSetBufferManagerThreadCount>(
        options, "set_buffer_manager_thread_count",
        "Threads that copy tensors, for all servers of the process; 0 (none) by default.");
    Def<&Api::ServerOptionsSetModelLoadThreadCount>(
        options, "set_model_load_thread_count",
        "Models that are loaded at the same time; 4 by default.");
    Def<&Api::ServerOptionsSetModelLoadRetryCount>(
        options, "set_model_load_retry_count",
        "How often loading a model is tried again; 0 by default.");
    Def<&Api::ServerOptionsSetModelNamespacing>(
        options, "set_model_namespacing",
        "Whether different repositories may have models of the same name; false by default.");
    Def<&Api::ServerOptionsSetEnablePeerAccess>(
        options, "set_enable_peer_access",
        "Whether GPUs may read each other's memory; true by default.");
    DefAs<&Api::ServerOptionsSetLogFile>(
        options, "set_log_file",
        "Append log messages to a file; an empty path means the console. InternalError if it "
        "cannot be opened. Acts on the whole process at once.",
        &SetLogFile, NoGil());
    DefAs<&Api::ServerOptionsSetLogInfo>(
        options, "set_log_info",
        "Whether information is logged. Acts on the whole process at once.",
        &SetLog<&Api::ServerOptionsSetLogInfo, &LogSettings::info, bool>, NoGil());
    DefAs<&Api::ServerOptionsSetLogWarn>(
        options, "set_log_warn", "Whether warnings are logged. Acts on the whole process at once.",
        &SetLog<&Api::ServerOptionsSetLogWarn, &LogSettings::warn, bool>, NoGil());
    DefAs<&Api::ServerOptionsSetLogError>(
        options, "set_log_error", "Whether errors are logged. Acts on the whole process at once.",
        &SetLog<&Api::ServerOptionsSetLogError, &LogSettings::error, bool>, NoGil());
    DefAs<&Api::ServerOptionsSetLogFormat>(
        options, "set_log_format", "Format of log messages. Acts on the whole process at once.",
        &SetLog<&Api::ServerOptionsSetLogFormat, &LogSettings::format, TRITONSERVER_LogFormat>,
        NoGil());
    DefAs<&Api::ServerOptionsSetLogVerbose>(
        options, "set_log_verbose",
        "Level of verbose messages; 0 turns them off. Acts on the whole process at once.",
        &SetLog<&Api::ServerOptionsSetLogVerbose, &LogSettings::verbose, Integer<int>>, NoGil());
    options.def("set_log_callback", &SetLogCallback, py::arg("callback"),
                R"(Have records of the log go to a function, instead of the file or the console.

`callback(level, filename, line, timestamp_us, message)` is called on a thread of its own, in the
order of the records; what it raises goes to `sys.unraisablehook`. It acts on the whole process from
the creation of a server with these options to that of the next one; None for no callback. Cores
before 26.08 do not tell verbose messages of their own from information.

C API: TRITONSERVER_ServerOptionsSetLogCallback)");
    Def<&Api::ServerOptionsSetMetrics>(
        options, "set_metrics",
        "Whether metrics are collected; true by default. Shared by all servers of the process.");
    Def<&Api::ServerOptionsSetGpuMetrics>(
        options, "set_gpu_metrics", "Whether metrics of GPUs are collected; true by default.");
    Def<&Api::ServerOptionsSetCpuMetrics>(
        options, "set_cpu_metrics", "Whether metrics of the host are collected; true by default.");
    Def<&Api::ServerOptionsSetMetricsInterval>(
        options, "set_metrics_interval",
        "Milliseconds between two readings of the GPU and host metrics; 2000 by default.");
    Def<&Api::ServerOptionsSetBackendDirectory, Text>(options, "set_backend_directory",
                                                      "Where backends are found.");
    Def<&Api::ServerOptionsSetRepoAgentDirectory, Text>(
        options, "set_repo_agent_directory",
        "Where repository agents are found, for all servers of the process.");
    Def<&Api::ServerOptionsSetModelLoadDeviceLimit>(
        options, "set_model_load_device_limit",
        "Largest fraction, 0 to 1, of a GPU's memory that may be in use for a model to be loaded "
        "there. Kinds other than GPU are not supported (InvalidArgumentError).");
    Def<&Api::ServerOptionsSetBackendConfig, Text, Name, Text>(
        options, "set_backend_config",
        "Give a backend a setting; an empty backend name means all backends.");
    Def<&Api::ServerOptionsSetHostPolicy, Name, Name, Text>(
        options, "set_host_policy", "Give a host policy a setting: `numa-node` or `cpu-cores`.");
    Def<&Api::ServerOptionsSetMetricsConfig, Text, Name, Text>(
        options, "set_metrics_config",
        "Give metrics a setting; an empty name means the general settings.");
    options.def("set_exit_timeout", &SetExitTimeout, py::arg("seconds"),
                Document<&Api::ServerOptionsSetExitTimeout>(
                    "Seconds that stopping waits for requests in flight; 30 by default.")
                    .c_str());
  });
}

}  // namespace tritonserver
