// A request: what it consists of, and its way through the core.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/typing.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "native/c_api/objects.h"
#include "native/c_api/response_allocator.h"
#include "native/c_api/response_queue.h"
#include "native/c_api/trace.h"

namespace tritonserver {

// May be sent any number of times, each time as a new object of the core: one that is sent again
// answers from the cache although its inputs changed, and breaks the accounting of ensembles. So
// whatever is set is remembered, to be set again.
//
// Python reaches a request with the GIL held, which guards all members but the state and the queue.
// The core holds an `Inference` while a request is in flight, which holds the request.
class Request : public std::enable_shared_from_this<Request>, public PythonClass {
 public:
  using ReleaseFunction =
      py::typing::Callable<py::object(std::shared_ptr<Request>, py::int_, py::object)>;
  using ResponseFunction = py::typing::Callable<py::object(
      py::typing::Optional<std::shared_ptr<Response>>, py::int_, py::object)>;

  Request(std::shared_ptr<Server> server, std::string model_name, std::int64_t model_version);
  ~Request();

  // For reading, also while in flight. UNAVAILABLE after the server was stopped.
  TRITONSERVER_InferenceRequest* get() const;

  // What a change is about; with the name of the input, output or parameter it is a key.
  enum class Part { kProperty, kInput, kInputData, kRequestedOutput, kParameter };
  using Setter = std::function<void(TRITONSERVER_InferenceRequest*)>;

  // Calls `set` now, and again for each new object of the core. A change replaces an earlier one
  // with the same key, but input data adds up. UNAVAILABLE while in flight.
  void Change(Part part, std::string name, Setter set);
  // Calls `undo` and forgets the changes to a part, of this name or, if it is empty, all.
  void Undo(Part part, const std::string& name, const Setter& undo);

  // The functions to call for the next inference, instead of queueing its responses.
  void SetReleaseCallback(ReleaseFunction function, py::object user);
  void SetResponseCallback(std::shared_ptr<ResponseAllocator> allocator, py::object allocator_user,
                           ResponseFunction function, py::object user);

  // Sends the request, with a trace or null. Does not wait for the model.
  void Send(const Server& server, Trace* trace);
  void Cancel();
  bool IsCancelled() const;
  void GetNextResponse(ResponseFuture future);

 private:
  friend struct Inference;

  enum class State { kIdle, kSending, kInFlight };

  struct ReleaseCallback {
    GilSafe<ReleaseFunction> function;
    GilSafe<> user;
  };
  struct ResponseCallback {
    AllocatorUse allocator;
    GilSafe<ResponseFunction> function;
    GilSafe<> user;
  };
  struct ChangeRecord {
    Part part;
    std::string name;
    Setter set;
  };

  void CheckIdle() const;
  void Renew();
  std::shared_ptr<void> Surrender();

  const std::string model_name_;
  const std::int64_t model_version_;
  std::vector<ChangeRecord> changes_;

  // Callbacks are used once: a request that had them needs new ones to be sent again.
  std::optional<ReleaseCallback> release_callback_;
  std::optional<ResponseCallback> response_callback_;
  bool had_release_callback_ = false;
  bool had_response_callback_ = false;
  const std::shared_ptr<ResponseQueue> queue_ = std::make_shared<ResponseQueue>();

  std::atomic<State> state_{State::kIdle};
  std::uint64_t sent_ = 0;  // how often
  bool cancel_when_sent_ = false;

  Handle<TRITONSERVER_InferenceRequest> handle_;
  Server::Tie tie_;
};

template <>
struct ClassFor<TRITONSERVER_InferenceRequest> {
  using Type = Request;
};

}  // namespace tritonserver
