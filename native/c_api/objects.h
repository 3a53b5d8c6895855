// The C++ classes behind the Python classes.
//
// Most objects of the C API are an `Object` of their handle. Those with more to know or to keep
// alive have a class of their own, here or in the file of their area if nobody else uses it.
#pragma once

#include <pybind11/pybind11.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "native/triton/core_waits.h"
#include "native/triton/gil.h"
#include "native/triton/handle.h"

namespace tritonserver {

// Base of the C++ classes that have a Python class.
class PythonClass {};

// A handle that Python holds. It becomes empty when the object is given to the core, or when the
// callback ends for whose duration the core lent it; using it then is an error.
template <class CObject>
class Object : public PythonClass {
 public:
  explicit Object(Handle<CObject> handle) : handle_(std::move(handle)) {}

  CObject* get() const {
    if (!handle_) {
      throw Error(TRITONSERVER_ERROR_INVALID_ARG,
                  "this object is no longer valid: it was given to Triton, or was lent for the "
                  "duration of a callback that has returned");
    }
    return handle_.get();
  }

  // Takes the handle out.
  Handle<CObject> Take() { return std::move(handle_); }

 private:
  Handle<CObject> handle_;
};

using BufferAttributes = Object<TRITONSERVER_BufferAttributes>;
using Message = Object<TRITONSERVER_Message>;
using MetricArgs = Object<TRITONSERVER_MetricArgs>;
using Metrics = Object<TRITONSERVER_Metrics>;

// Options of a server to be started, and what it has to know of its own.
class ServerOptions : public Object<TRITONSERVER_ServerOptions> {
 public:
  using Object::Object;

  unsigned exit_timeout = 30;  // seconds
  bool has_response_cache = false;

  // None for no callback. With the GIL.
  void SetLogCallback(py::object callback);
  const py::object& log_callback() const { return log_callback_.get(); }

 private:
  GilSafe<> log_callback_{py::none()};
};

// New attributes, of 0 bytes of CPU memory.
BufferAttributes NewBufferAttributes();
void CopyBufferAttributes(TRITONSERVER_BufferAttributes* from, TRITONSERVER_BufferAttributes* to);

// A running server. Held by std::shared_ptr by everything that needs it, so that it is deleted
// after its requests and responses.
//
// Stopping waits until nothing pins a model any more. So what pins one is tied to its server, and
// is taken away from its owner before the server stops.
class Server : public std::enable_shared_from_this<Server>, public PythonClass {
 public:
  // Starts the server and waits for its models. Without the GIL.
  explicit Server(const ServerOptions& options);
  // Stops the server, unless it was stopped, and deletes it. Without the GIL. Leaks the server if
  // stopping failed, for what is still alive in it would use it, and in a forked child process.
  ~Server();

  // UNAVAILABLE in a process forked from the one that started the server.
  void CheckProcess() const;

  // The same once the server is deleted.
  TRITONSERVER_Server* get() const;

  bool has_response_cache() const { return has_response_cache_; }

  // Takes away what is tied to the server, then stops it: waits for requests in flight, at most for
  // the exit timeout. Once only: later calls repeat the outcome. Call it with the GIL.
  void Stop();

  // Sets how long that may take. UNSUPPORTED on cores that take it from the options only.
  void SetExitTimeout(unsigned seconds);

  // Has a running `Stop`, or the next one, look once more and end: with success if
  // `nothing_is_alive` although the core says otherwise. On any thread.
  void EndStop(bool nothing_is_alive);

  // Deletes the server, if it was stopped, although objects still refer to it; whether it is
  // deleted. Without the GIL.
  bool DeleteStopped();

  // Calls `body(server)` while nobody changes the set of repositories, or while nobody looks at it:
  // the core does not lock it. Without the GIL.
  template <class Body>
  auto ReadRepositories(Body&& body) {
    std::shared_lock lock(repositories_mutex_);
    return body(get());
  }
  template <class Body>
  auto ChangeRepositories(Body&& body) {
    std::unique_lock lock(repositories_mutex_);
    return body(get());
  }

  // Makes the server call `surrender` before it stops, and delete what that returns. `surrender`
  // runs under a lock, with the GIL, while the tie exists, and must only move a handle out. Declare
  // the tie after the handle, so that it is cut before the handle is destroyed.
  class Tie {
   public:
    using Surrender = std::function<std::shared_ptr<void>()>;

    Tie(std::shared_ptr<Server> server, Surrender surrender);
    ~Tie();
    Tie(const Tie&) = delete;
    Tie& operator=(const Tie&) = delete;

    const std::shared_ptr<Server>& server() const { return server_; }

    // For what comes to be tied, or can be surrendered, while the server stops. Without the GIL.
    void SurrenderIfStopping();

   private:
    std::shared_ptr<Server> server_;
  };

  // Whether this is the process that started the server. In another one nothing that belongs to
  // it may be deleted.
  bool InItsProcess() const;

 private:
  Handle<TRITONSERVER_Server> handle_;
  std::atomic<TRITONSERVER_Server*> server_;  // null once it is deleted
  const int process_;
  const int forks_;
  const bool has_response_cache_;

  std::mutex ties_mutex_;
  std::unordered_map<const Tie*, Tie::Surrender> ties_;

  void StopCore();

  std::atomic<bool> stopping_{false};
  std::atomic<unsigned> exit_timeout_;
  std::mutex stop_mutex_;
  bool stopped_ = false;
  std::optional<Error> stop_failure_;

  std::mutex stop_clock_mutex_;
  StopClock* stop_clock_ = nullptr;  // of the running stop
  bool stop_ended_ = false;
  bool nothing_is_alive_ = false;

  std::shared_mutex repositories_mutex_;
};

// Changes whenever a call of this process may have changed which models there are, or how they are
// configured. Others may do so, too, who use the address of a server.
std::uint64_t ModelsGeneration();

// A parameter. Its bytes value, if it has one, is not copied by the core.
class Parameter : public PythonClass {
 public:
  Parameter(const std::string& name, const py::object& value);

  TRITONSERVER_Parameter* get() const { return handle_.get(); }

 private:
  GilSafe<py::bytes> bytes_;
  Handle<TRITONSERVER_Parameter> handle_;
};

using Parameters = std::vector<std::shared_ptr<Parameter>>;

// What the C API takes for a list of parameters; lives as long as the list. TypeError for None.
std::vector<const TRITONSERVER_Parameter*> Pointers(const Parameters& parameters);

// The class behind an object of the C API.
template <class CObject>
struct ClassFor {
  using Type = Object<CObject>;
};
template <>
struct ClassFor<TRITONSERVER_Server> {
  using Type = Server;
};
template <>
struct ClassFor<TRITONSERVER_ServerOptions> {
  using Type = ServerOptions;
};

template <class CObject>
using ClassOf = typename ClassFor<CObject>::Type;

}  // namespace tritonserver

namespace pybind11::detail {

// `cls.__new__(cls)` makes an object that nothing initialises. pybind11 would pass it on, as memory
// of any content, and None as the `self` of methods; both are refused like an object of a wrong
// class.
inline void CheckInitialized(value_and_holder& value) {
  if (!value.holder_constructed()) throw reference_cast_error();
}

template <class Class>
constexpr bool kIsPythonClass = std::is_base_of_v<tritonserver::PythonClass, Class>;

template <class Class>
class type_caster<Class, std::enable_if_t<kIsPythonClass<Class>>> : public type_caster_base<Class> {
 public:
  bool load(handle source, bool convert) {
    return !source.is_none() && this->template load_impl<type_caster>(source, convert);
  }
  void load_value(value_and_holder&& value) {
    CheckInitialized(value);
    type_caster_base<Class>::load_value(std::move(value));
  }
};

template <class Class>
struct copyable_holder_caster_shared_ptr_with_smart_holder_support_enabled<
    Class, std::enable_if_t<kIsPythonClass<Class>>> : std::false_type {};

// The same for arguments that are shared; what is left is pybind11's own.
template <class Class>
struct copyable_holder_caster<Class, std::shared_ptr<Class>,
                              std::enable_if_t<kIsPythonClass<Class>>>
    : public copyable_holder_caster<Class, std::shared_ptr<Class>, struct Primary> {
  void load_value(value_and_holder&& value) {
    CheckInitialized(value);
    copyable_holder_caster<Class, std::shared_ptr<Class>, struct Primary>::load_value(
        std::move(value));
  }
};

}  // namespace pybind11::detail
