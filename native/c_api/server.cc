#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <set>
#include <thread>
#include <vector>

#include "native/c_api/bindings.h"
#include "native/c_api/call.h"
#include "native/c_api/log.h"
#include "native/c_api/request.h"
#include "native/c_api/trace.h"
#include "native/triton/loader.h"

namespace tritonserver {
namespace {

// All servers, for the end of the process, and the threads on which some are being deleted.
struct Registry {
  std::mutex mutex;
  std::set<Server*> servers;
  std::vector<std::thread> deletions;
};

Registry& registry() {
  static auto& instance = *new Registry;
  return instance;
}

// How often the process was forked on the way to this one. Cheaper than asking for its number.
int Forks() {
  static std::atomic<int> forks{0};
  static const int registered = pthread_atfork(nullptr, nullptr, [] { ++forks; });
  static_cast<void>(registered);
  return forks.load(std::memory_order_relaxed);
}

// Creating and deleting servers, one at a time: each makes, or destroys, the memory pools of the
// process without a lock of the core's own. A creation that is still loading models has made the
// pools long before, so nobody waits for it.
class OneAtATime {
 public:
  OneAtATime() : lock_(mutex(), std::chrono::milliseconds(100)) {}

 private:
  static std::timed_mutex& mutex() {
    static auto& instance = *new std::timed_mutex;
    return instance;
  }

  std::unique_lock<std::timed_mutex> lock_;
};

Handle<TRITONSERVER_Server> NewServer(TRITONSERVER_ServerOptions* options) {
  OneAtATime one_at_a_time;
  return New<&Api::ServerNew>(options);
}

// The core crashes when it destroys a model whose thread is still at the end of an execution, or of
// the load, although the response or the load is there. It has no way to wait for that.
void LetModelsComeToRest() { std::this_thread::sleep_for(std::chrono::milliseconds(50)); }

std::atomic<std::uint64_t> models_generation{0};

// For functions that may replace or destroy models.
struct ChangingModels {
  ChangingModels() {
    ActivateHome();
    models_generation.fetch_add(1);
    LetModelsComeToRest();
  }
  ~ChangingModels() { models_generation.fetch_add(1); }
};
using NoGilChangingModels = py::call_guard<WithoutGil, ChangingModels>;

}  // namespace

std::uint64_t ModelsGeneration() { return models_generation.load(); }

Server::Server(const ServerOptions& options)
    : handle_(NewServer(options.get())),
      server_(handle_.get()),
      process_(getpid()),
      forks_(Forks()),
      has_response_cache_(options.has_response_cache),
      exit_timeout_(options.exit_timeout) {
  models_generation.fetch_add(1);
  std::lock_guard lock(registry().mutex);
  registry().servers.insert(this);
}

Server::~Server() {
  if (!InItsProcess() || stop_failure_) handle_.Release();
  const auto delete_server = [](Handle<TRITONSERVER_Server> handle, bool stopped) {
    if (!stopped) LetModelsComeToRest();
    OneAtATime one_at_a_time;
    handle.Reset();
  };
  std::unique_lock lock(registry().mutex);
  registry().servers.erase(this);
  if (!handle_) return;
  if (InCallback::Active()) {
    // Deleting waits for the threads of the core, so it must not run on one of them.
    registry().deletions.emplace_back(delete_server, std::move(handle_), stopped_);
  } else {
    lock.unlock();
    delete_server(std::move(handle_), stopped_);
  }
}

bool Server::InItsProcess() const { return Forks() == forks_; }

void Server::CheckProcess() const {
  if (InItsProcess()) return;
  throw Error(TRITONSERVER_ERROR_UNAVAILABLE,
              "this server belongs to process " + std::to_string(process_) +
                  ", from which this process was forked; start a server of its own here");
}

TRITONSERVER_Server* Server::get() const {
  CheckProcess();
  TRITONSERVER_Server* server = server_.load(std::memory_order_acquire);
  if (server == nullptr) {
    throw Error(TRITONSERVER_ERROR_UNAVAILABLE,
                "this server was stopped and is deleted; start another one");
  }
  return server;
}

bool Server::DeleteStopped() {
  std::lock_guard lock(stop_mutex_);
  if (!handle_) return true;
  if (!stopped_) return false;
  server_ = nullptr;
  // Calls that have begun find a server that refuses everything at once.
  LetModelsComeToRest();
  OneAtATime one_at_a_time;
  handle_.Reset();
  return true;
}

void Server::Stop() {
  if (InCallback::Active()) {
    throw Error(TRITONSERVER_ERROR_UNAVAILABLE,
                "a server cannot be stopped from a callback, because stopping waits until all "
                "callbacks have returned; stop it from another thread");
  }
  CheckProcess();
  stopping_ = true;
  std::vector<std::shared_ptr<void>> surrendered;
  {
    std::lock_guard lock(ties_mutex_);
    for (auto& [tie, surrender] : ties_) surrendered.push_back(surrender());
  }
  WithoutGil without_gil;
  surrendered.clear();

  std::lock_guard lock(stop_mutex_);
  // The core answers later calls with success, whatever became of the first one.
  if (stop_failure_) throw *stop_failure_;
  if (stopped_) return;
  LetModelsComeToRest();
  try {
    StopCore();
  } catch (const Error& error) {
    std::lock_guard clock_lock(stop_clock_mutex_);
    if (!nothing_is_alive_) {
      stop_failure_ = error;
      throw;
    }
  }
  stopped_ = true;
}

void Server::StopCore() {
  const unsigned timeout = exit_timeout_;
  unsigned sleeps = timeout;
  if (StopClock::IsInForce() && timeout > 0) {
    try {
      const unsigned more = std::min(timeout, INT_MAX - StopClock::kShortSleeps);
      Call<&Api::ServerSetExitTimeout>(handle_.get(), more + StopClock::kShortSleeps);
      sleeps = more + StopClock::kShortSleeps;
    } catch (const Error& error) {
      if (error.code() != TRITONSERVER_ERROR_UNSUPPORTED) throw;
    }
  }
  StopClock clock(std::chrono::seconds(timeout), sleeps);
  const auto set_clock = [this](StopClock* present) {
    std::lock_guard lock(stop_clock_mutex_);
    stop_clock_ = present;
    if (present != nullptr && stop_ended_) present->RunOut();
  };
  set_clock(&clock);
  try {
    Call<&Api::ServerStop>(handle_.get());
  } catch (...) {
    set_clock(nullptr);
    throw;
  }
  set_clock(nullptr);
}

void Server::SetExitTimeout(unsigned seconds) {
  // The core stores a signed number: larger ones would mean no time at all.
  const auto timeout = std::min<unsigned>(seconds, INT_MAX);
  Call<&Api::ServerSetExitTimeout>(get(), timeout);
  exit_timeout_ = timeout;
}

void Server::EndStop(bool nothing_is_alive) {
  std::lock_guard lock(stop_clock_mutex_);
  stop_ended_ = true;
  nothing_is_alive_ = nothing_is_alive;
  if (stop_clock_ != nullptr) stop_clock_->RunOut();
}

Server::Tie::Tie(std::shared_ptr<Server> server, Surrender surrender) : server_(std::move(server)) {
  std::lock_guard lock(server_->ties_mutex_);
  server_->ties_.emplace(this, std::move(surrender));
}

Server::Tie::~Tie() {
  std::lock_guard lock(server_->ties_mutex_);
  server_->ties_.erase(this);
}

void Server::Tie::SurrenderIfStopping() {
  if (!server_->stopping_) return;
  CallPython("stop", [&] {
    std::shared_ptr<void> surrendered;
    {
      std::lock_guard lock(server_->ties_mutex_);
      surrendered = server_->ties_.at(this)();
    }
    WithoutGil without_gil;
    surrendered.reset();
  });
}

namespace {

// Runs when the interpreter exits, while callbacks can still enter it.
void StopAll() {
  std::vector<std::shared_ptr<Server>> servers;
  std::vector<std::thread> deletions;
  {
    std::lock_guard lock(registry().mutex);
    for (Server* server : registry().servers) {
      if (auto alive = server->weak_from_this().lock()) servers.push_back(std::move(alive));
    }
    deletions.swap(registry().deletions);
  }
  for (const auto& server : servers) {
    try {
      if (server->InItsProcess()) server->Stop();
    } catch (const Error&) {  // the core has logged it
    }
  }
  {
    WithoutGil without_gil;
    for (std::thread& deletion : deletions) deletion.join();
    servers.clear();
  }
  FlushLogCallback();
}

std::shared_ptr<Server> NewServerWithLog(const ServerOptions& options) {
  InstallLogCallback(options.log_callback());
  std::shared_ptr<Server> server;
  try {
    WithoutGil without_gil;
    ActivateHome();
    server = std::make_shared<Server>(options);
  } catch (const Error&) {
    FlushLogCallback();
    throw;
  }
  FlushLogCallback();
  return server;
}

void StopWithLog(Server& server) {
  server.Stop();
  FlushLogCallback();
}

void SetExitTimeout(Server& server, Integer<unsigned> seconds) { server.SetExitTimeout(seconds); }

Message ModelIndex(Server& server, Integer<std::uint32_t> flags) {
  return server.ReadRepositories([&](TRITONSERVER_Server* c_server) {
    TRITONSERVER_Message* index = nullptr;
    Call<&Api::ServerModelIndex>(c_server, flags.value, &index);
    return Message(OwnMade<&Api::ServerModelIndex>(index));
  });
}

// The core would crash if it never came up.
void CheckLive(TRITONSERVER_Server* server) {
  bool live = false;
  Call<&Api::ServerIsLive>(server, &live);
  if (!live) {
    throw Error(TRITONSERVER_ERROR_UNAVAILABLE,
                "the server is not live, so it has no model repositories to change");
  }
}

void RegisterModelRepository(Server& server, const String& path, const Parameters& mapping) {
  CheckName("path", path);
  auto pointers = Pointers(mapping);
  server.ChangeRepositories([&](TRITONSERVER_Server* c_server) {
    CheckLive(c_server);
    Call<&Api::ServerRegisterModelRepository>(c_server, path.c_str(), pointers.data(),
                                              pointers.size());
  });
}

void UnregisterModelRepository(Server& server, const String& path) {
  CheckName("path", path);
  server.ChangeRepositories([&](TRITONSERVER_Server* c_server) {
    CheckLive(c_server);
    Call<&Api::ServerUnregisterModelRepository>(c_server, path.c_str());
  });
}

void LoadModelWithParameters(const Server& server, const String& model_name,
                             const Parameters& parameters) {
  CheckName("model_name", model_name);
  CheckModelName(model_name);
  auto pointers = Pointers(parameters);
  Call<&Api::ServerLoadModelWithParameters>(server.get(), model_name.c_str(), pointers.data(),
                                            pointers.size());
}

void InferAsync(const Server& server, Request& request) { request.Send(server, nullptr); }

void InferAsyncWithTrace(const Server& server, Request& request, Trace& trace) {
  request.Send(server, &trace);
}

std::uintptr_t Address(const Server& server) {
  return reinterpret_cast<std::uintptr_t>(server.get());
}

}  // namespace

void BindServer(py::module_& module, Later& later) {
  py::class_<Server, std::shared_ptr<Server>> server(module, "TRITONSERVER_Server", R"(
A running server. Making one starts it and waits until its models are loaded, or have failed to.

With `set_exit_on_error(False)` a server is made even if models failed (it is live, not ready) or
the repository cannot be read (it is not live). A server that is dropped stops and is deleted, after
its last request and response. Methods may be called from any thread and let other Python threads
run while they wait. In a forked child process they raise UnavailableError.

A `model_version` of -1 means the newest version that is ready. Models that do not exist are
NotFoundError.

C API: TRITONSERVER_Server, TRITONSERVER_ServerNew, TRITONSERVER_ServerDelete)",
                                                     py::release_gil_before_calling_cpp_dtor());
  py::module_::import("atexit").attr("register")(py::cpp_function(&StopAll));

  later.push_back([module, server]() mutable {
    module.def(
        "_check_model_name", [](const String& model_name) { CheckModelName(model_name); },
        py::arg("model_name"), "InvalidArgumentError for a name that no model can have.");
    server.def(py::init(&NewServerWithLog), py::arg("options").none(false));
    server.def("stop", &StopWithLog,
               Document<&Api::ServerStop>(
                   R"(Stop the server: wait for requests in flight and for models to be unloaded.

Waits at most for the exit timeout (InternalError).
Requests, once released, and responses would keep models loaded: they become invalid. A response
that arrives meanwhile is valid during its callback.
UnavailableError in a callback, which the server would wait for. Later calls repeat the outcome.)")
                   .c_str());
    server.def("set_exit_timeout", &SetExitTimeout, py::arg("seconds"),
               Document<&Api::ServerSetExitTimeout>(
                   "Set how long the next stop waits for requests in flight, in seconds.")
                   .c_str());
    server.def("_end_stop", &Server::EndStop, py::arg("nothing_is_alive").none(false), NoGil(), R"(
Have a running stop, or the next one, look once more and end.

It succeeds if `nothing_is_alive`, whatever the core says: after a reload that failed, the core
counts a model that is not there, and would wait for it until the exit timeout is over.)");
    server.def("_delete_stopped", &Server::DeleteStopped, NoGil(), R"(
Delete the server, if it was stopped, although objects still refer to it; whether it is deleted.

Its response cache goes with it. Whoever uses it afterwards gets UnavailableError.)");
    Def<&Api::ServerIsLive>(server, "is_live",
                            "Whether the server can answer; UnavailableError once it was stopped.",
                            NoGil());
    Def<&Api::ServerIsReady>(server, "is_ready",
                             "Whether models can be run; UnavailableError once it was stopped.",
                             NoGil());
    Def<&Api::ServerModelIsReady>(server, "model_is_ready",
                                  "Whether a model can be run; False for one that does not exist.",
                                  NoGil());
    Def<&Api::ServerModelBatchProperties>(
        server, "model_batch_properties",
        "How a model batches, as bits of TRITONSERVER_ModelBatchFlag, and 0.", NoGil());
    Def<&Api::ServerModelTransactionProperties>(
        server, "model_transaction_properties",
        "How many responses a model sends, as bits of TRITONSERVER_ModelTxnPropertyFlag, and 0.",
        NoGil());
    Def<&Api::ServerMetadata>(server, "metadata", "Name, version and extensions of the server.");
    Def<&Api::ServerModelMetadata>(server, "model_metadata",
                                   "Versions, inputs and outputs of a model.", NoGil());
    Def<&Api::ServerModelStatistics, Text>(
        server, "model_statistics",
        "Statistics of a model; an empty name means all models, version -1 all ready versions.",
        NoGil());
    Def<&Api::ServerModelConfig>(
        server, "model_config",
        "Configuration of a model with all defaults filled in. `config_version` must be 1.",
        NoGil());
    server.def("model_index", &ModelIndex, py::arg("flags"), NoGil(),
               Document<&Api::ServerModelIndex>(
                   "All models in the repositories with their state; with bit READY of "
                   "TRITONSERVER_ModelIndexFlag those that are ready.")
                   .c_str());
    Def<&Api::ServerLoadModel, ModelName>(
        server, "load_model",
        R"(Load or reload a model and wait for it. EXPLICIT mode only, otherwise UnavailableError.

InvalidArgumentError says why the backend refused it; InternalError leaves the reason to the log.)",
        NoGilChangingModels());
    server.def(
        "load_model_with_parameters", &LoadModelWithParameters, py::arg("model_name"),
        py::arg("parameters"), NoGilChangingModels(),
        Document<&Api::ServerLoadModelWithParameters>(
            R"(Load a model with another configuration or other files, and wait for it. EXPLICIT mode only.

Parameter `config` (str, JSON) replaces the configuration; `file:<relative path>` (bytes) adds a
file: then the files given are all the model has, and `config` is needed too.)")
            .c_str());
    Def<&Api::ServerUnloadModel, ModelName>(
        server, "unload_model",
        "Begin to unload a model; returns before it is gone. Unknown models are ignored.",
        NoGilChangingModels());
    Def<&Api::ServerUnloadModelAndDependents, ModelName>(
        server, "unload_model_and_dependents",
        "Begin to unload a model and the models it is composed of that nobody else uses.",
        NoGilChangingModels());
    server.def("register_model_repository", &RegisterModelRepository, py::arg("path"),
               py::arg("mapping"), NoGil(),
               Document<&Api::ServerRegisterModelRepository>(
                   R"(Add a model repository. EXPLICIT mode only, otherwise UnsupportedError.

Each parameter of `mapping` names a directory in it, and its value the model there. UnavailableError
if the server is not live.)")
                   .c_str());
    server.def("unregister_model_repository", &UnregisterModelRepository, py::arg("path"), NoGil(),
               Document<&Api::ServerUnregisterModelRepository>(
                   "Remove a model repository. EXPLICIT mode only, otherwise UnsupportedError.")
                   .c_str());
    Def<&Api::ServerPollModelRepository>(
        server, "poll_model_repository",
        "Load, reload and unload what changed in the repositories, and wait. POLL mode only, "
        "otherwise UnavailableError.",
        NoGilChangingModels());
    Def<&Api::ServerMetrics>(server, "metrics", "The metrics of this process.");
    const std::string infer_async = Document<&Api::ServerInferAsync>(R"(
Send a request. Returns before the model has run; responses may arrive before that.

Invalid requests are InvalidArgumentError, and can be changed and sent again. A `trace` is given
away, unless the request is refused before its trace began.)");
    server.def("infer_async", &InferAsync, py::arg("request").none(false), infer_async.c_str());
    server.def("infer_async", &InferAsyncWithTrace, py::arg("request").none(false),
               py::arg("trace").none(false), infer_async.c_str());
    server.def("_check_process", &Server::CheckProcess,
               "UnavailableError in a process forked from the one that started the server.");
    server.def("_ptr", &Address,
               "Address of the TRITONSERVER_Server, for other libraries that use the same core.");
  });
}

}  // namespace tritonserver
