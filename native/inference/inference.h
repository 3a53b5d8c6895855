// One inference, from its submission until nobody needs it any more: what the core, the iterator
// that reads the responses, and whoever waits for them share.
#pragma once

#include <pybind11/pybind11.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "native/inference/arrivals.h"
#include "native/inference/classification.h"
#include "native/inference/deferred.h"
#include "native/inference/response.h"
#include "native/inference/tensor_view.h"
#include "native/triton/error.h"

namespace tritonserver::inference {

namespace py = pybind11;

class Waker;

// References are counted: one is the reader's (the Python iterator), one the core's until the FINAL
// flag, one the core's until it releases the request (either may come first), and one is held for
// each entry in a list of a waker or of the dispatcher.
//
// The core's threads append to lists under a mutex that is never held for long; they neither take
// the GIL nor run Python.
class Inference : public Deferred {
 public:
  using Clock = Arrivals::Clock;

  // Buffers that the caller provides for outputs. They serve one inference at a time.
  struct ProvidedOutputs {
    struct Buffer {
      std::string name;
      TensorView view;
      PyObject* memory_buffer;  // kept by the bound request
    };
    std::vector<Buffer> buffers;
    std::atomic<bool> in_use{false};
  };

  // Python references are owned, and may be null.
  struct Setup {
    std::string model_name;
    std::int64_t model_version = -1;
    std::string request_id;
    PyObject* server = nullptr;           // the low-level server
    PyObject* bound_request = nullptr;    // if it is one that was sent
    ProvidedOutputs* provided = nullptr;  // of the bound request
    PyObject* allocator = nullptr;        // a MemoryAllocator
    PyObject* response_queue = nullptr;   // gets every response too, until the final one
    bool feeds_queue = false;
    std::shared_ptr<Waker> queue_waker;  // of the event loop of an asyncio queue
    // Where outputs are wanted; otherwise where the backend prefers them.
    std::optional<std::pair<TRITONSERVER_MemoryType, std::int64_t>> output_memory;
    Classification classification;
    bool may_have_labels = false;  // the outputs of the model
    // Of a model with a response cache: the outputs that were requested.
    std::optional<std::vector<std::string>> cached_outputs;
  };

  Inference();            // with one reference
  ~Inference() override;  // with the GIL

  // Complete it before the submission.
  Setup& setup() { return setup_; }
  const Setup& setup() const { return setup_; }

  void Retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void ReleaseWithGil();
  void Release() noexcept;  // on any thread

  // Keeps `owner`, of the memory of an input, until the core releases the request.
  void AddOwner(py::object owner) { owners_.push_back(owner.release().ptr()); }

  // Sends `request`, which is complete but for its callbacks, with a trace or null; without the
  // GIL. Takes the request over. If sending fails the error is thrown, the request is deleted and
  // no callback of the request runs any more.
  void Submit(TRITONSERVER_Server* server, TRITONSERVER_InferenceRequest* request,
              TRITONSERVER_InferenceTrace* trace);

  // Asks the core to cancel; does nothing when there is nothing left to cancel.
  void Cancel() noexcept;

  // --- For the reader; with the GIL.

  // Changes when there may be something new to take.
  std::uint32_t arrivals() const { return arrivals_.count(); }

  // The next response if one is there.
  std::unique_ptr<Response> Take();

  // Whether the final response was taken.
  bool ended() const { return ended_; }

  // Waits until `arrivals()` is no longer `seen`; called with the GIL. See `Arrivals`.
  Arrivals::WaitResult Wait(std::uint32_t seen, std::optional<Clock::time_point> deadline) {
    return arrivals_.Wait(seen, deadline);
  }

  // The same without the GIL, for a while only.
  void WaitASlice(std::uint32_t seen) { arrivals_.WaitASlice(seen); }

  // Waits as briefly as an event loop may be kept waiting, but only if the core has nothing else to
  // do. Whether `arrivals()` is no longer `seen`.
  bool WaitBriefly(std::uint32_t seen);

  // Has the task of `wakeup`, which belongs to the loop of `waker`, go on when `arrivals()` is no
  // longer `seen`. False if that is already so. The wake-up is borrowed until it is removed.
  bool AddWaiter(std::uint32_t seen, std::shared_ptr<Waker> waker, PyObject* wakeup);
  void RemoveWaiter(PyObject* wakeup);

  // The reader goes away: unread responses are dropped, and inputs as soon as the core has released
  // them.
  void ReaderIsGone();

  // --- For the waker and the dispatcher; with the GIL.

  // Has the tasks go on that wait for `waker`, and forwards if it is the queue's. Throws what one
  // of them lets out of the loop.
  void Wake(Waker& waker);

  // Converts the responses that came, puts each into the response queue and leaves it for the
  // reader. What the queue raises is reported as unraisable and loses nothing for the reader.
  void Forward();

  // --- For stopping a server; with or without the GIL.

  // The models of the requests of `server` that the core has not finished, which may be cancelled.
  static std::vector<std::string> InFlight(PyObject* server, bool cancel);

  // Objects that are not destroyed yet.
  static std::size_t Count();

 private:
  struct Waiter {
    std::shared_ptr<Waker> waker;
    PyObject* wakeup;  // borrowed
    bool notified;
  };

  static void OnResponse(TRITONSERVER_InferenceResponse* response, std::uint32_t flags,
                         void* userp) noexcept;
  static void OnRelease(TRITONSERVER_InferenceRequest* request, std::uint32_t flags,
                        void* userp) noexcept;

  void Deliver(std::unique_ptr<Response> response) noexcept;
  void Announce(std::unique_lock<std::mutex> lock) noexcept;
  bool MayForwardHere() const;
  void CoreIsDoneWithPart() noexcept;
  void Register();
  void Unregister() noexcept;
  void CheckProcess() const;

  Setup setup_;
  std::vector<PyObject*> owners_;  // from the submission on under the mutex
  const unsigned process_;         // in a forked child, objects of the parent only can be dropped
  std::atomic<int> references_{1};
  std::atomic<int> core_parts_{2};
  Inference* previous_ = nullptr;  // in the list of those in flight
  Inference* next_in_flight_ = nullptr;

  std::mutex mutex_;
  TRITONSERVER_InferenceRequest* request_ = nullptr;  // until the core is done with it
  // The core has taken it: cancelling must not race with that.
  std::atomic<bool> may_cancel_{false};
  bool request_released_ = false;
  bool reader_is_gone_ = false;
  bool final_came_ = false;
  bool forward_asked_ = false;
  ResponseList responses_;
  ResponseList unforwarded_;  // not converted yet, if there is a response queue
  std::vector<Waiter> waiters_;

  Arrivals arrivals_;

  // Used with the GIL only.
  bool ended_ = false;
  bool forwarding_ = false;
};

// A reference of a thread that has the GIL.
struct ReleaseReference {
  void operator()(Inference* inference) const { inference->ReleaseWithGil(); }
};
using InferenceReference = std::unique_ptr<Inference, ReleaseReference>;

}  // namespace tritonserver::inference
