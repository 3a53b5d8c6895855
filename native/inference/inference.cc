#include "native/inference/inference.h"

#include <pthread.h>

#include <new>
#include <string>

#include "native/inference/dispatcher.h"
#include "native/inference/output_allocator.h"
#include "native/inference/python_response.h"
#include "native/inference/python_types.h"
#include "native/inference/response_cache.h"
#include "native/inference/standby.h"
#include "native/inference/waker.h"
#include "native/inference/wakeup.h"
#include "native/triton/api.h"
#include "native/triton/gil.h"
#include "native/triton/handle.h"

namespace tritonserver::inference {
namespace {

std::atomic<std::size_t> inference_count{0};
std::atomic<unsigned> process_number{0};  // counts forks

// All inferences that the core has not finished.
struct InFlightList {
  std::mutex mutex;
  Inference* first = nullptr;
  std::atomic<std::size_t> count{0};
};
alignas(InFlightList) unsigned char in_flight_storage[sizeof(InFlightList)];

InFlightList& in_flight() {
  static InFlightList* instance = [] {
    // The child has none of the core's threads, and nobody to unlock the mutex.
    pthread_atfork(nullptr, nullptr, [] {
      process_number.fetch_add(1);
      new (in_flight_storage) InFlightList;
    });
    return new (in_flight_storage) InFlightList;
  }();
  return *instance;
}

unsigned ProcessNumber() {
  in_flight();  // begins to count
  return process_number.load();
}

class DeferredOwners : public Deferred {
 public:
  explicit DeferredOwners(std::vector<PyObject*> owners) : owners_(std::move(owners)) {}
  ~DeferredOwners() override {
    for (PyObject* owner : owners_) Py_DECREF(owner);
  }

 private:
  std::vector<PyObject*> owners_;
};

}  // namespace

Inference::Inference() : process_(ProcessNumber()) {
  inference_count.fetch_add(1, std::memory_order_relaxed);
}

Inference::~Inference() {
  for (PyObject* owner : owners_) Py_DECREF(owner);
  Py_XDECREF(setup_.server);
  Py_XDECREF(setup_.allocator);
  Py_XDECREF(setup_.bound_request);
  Py_XDECREF(setup_.response_queue);
  inference_count.fetch_sub(1, std::memory_order_relaxed);
}

void Inference::ReleaseWithGil() {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

void Inference::Release() noexcept {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) Defer(this);
}

void Inference::Submit(TRITONSERVER_Server* server, TRITONSERVER_InferenceRequest* raw_request,
                       TRITONSERVER_InferenceTrace* trace) {
  auto request = Handle<TRITONSERVER_InferenceRequest>::Own(raw_request);
  Call<&Api::InferenceRequestSetReleaseCallback>(raw_request, &OnRelease, static_cast<void*>(this));
  Call<&Api::InferenceRequestSetResponseCallback>(raw_request, OutputAllocator(),
                                                  static_cast<void*>(this), &OnResponse,
                                                  static_cast<void*>(this));
  references_.fetch_add(2, std::memory_order_relaxed);
  request_ = raw_request;
  Register();
  try {
    const Sending sending;
    Call<&Api::ServerInferAsync>(server, raw_request, trace);
  } catch (const Error&) {
    Unregister();
    references_.fetch_sub(2, std::memory_order_relaxed);  // the caller has one too
    throw;
  }
  request.Release();
  may_cancel_.store(true, std::memory_order_release);
}

void Inference::Cancel() noexcept {
  if (process_ != process_number.load()) return;
  std::lock_guard lock(mutex_);
  if (!may_cancel_.load(std::memory_order_acquire) || request_ == nullptr) return;
  if (TRITONSERVER_Error* error = api().InferenceRequestCancel(request_)) api().ErrorDelete(error);
}

void Inference::OnResponse(TRITONSERVER_InferenceResponse* source, std::uint32_t flags,
                           void* userp) noexcept {
  auto& inference = *static_cast<Inference*>(userp);
  const bool final = (flags & TRITONSERVER_RESPONSE_COMPLETE_FINAL) != 0;
  // Null without FINAL says nothing.
  if (source == nullptr && !final) return;
  try {
    std::unique_ptr<Response> response;
    if (source != nullptr) {
      const Setup& setup = inference.setup_;
      response = TakeResponse(source, setup.classification,
                              setup.may_have_labels ? setup.server : nullptr);
      if (const auto& requested = setup.cached_outputs) {
        CheckCachedResponse(*requested, response.get());
      }
    } else {
      response = std::make_unique<Response>();
      response->model_name = inference.setup_.model_name;
      response->model_version = inference.setup_.model_version;
      response->request_id = inference.setup_.request_id;
    }
    response->final = final;
    inference.Deliver(std::move(response));
  } catch (const std::bad_alloc&) {
    // The response is lost, but not the end of the stream.
    if (final) inference.Deliver(nullptr);
  }
  if (final) inference.CoreIsDoneWithPart();
}

// A null response ends the stream.
void Inference::Deliver(std::unique_ptr<Response> response) noexcept {
  std::unique_lock lock(mutex_);
  if (final_came_) return;  // a backend that does not know when to stop
  if (response == nullptr || response->final) {
    final_came_ = true;
    if (setup_.provided != nullptr) setup_.provided->in_use.store(false);
  }
  if (setup_.feeds_queue) {
    if (response != nullptr) unforwarded_.Push(std::move(response));
  } else if (!reader_is_gone_ && response != nullptr) {
    responses_.Push(std::move(response));
  }
  Announce(std::move(lock));
  // What was not pushed is destroyed here, outside the lock.
}

void Inference::Announce(std::unique_lock<std::mutex> lock) noexcept {
  arrivals_.Add();
  for (Waiter& waiter : waiters_) {
    if (!std::exchange(waiter.notified, true)) waiter.waker->Notify(*this);
  }
  if (!unforwarded_.empty() && !std::exchange(forward_asked_, true)) {
    if (setup_.queue_waker != nullptr) {
      setup_.queue_waker->Notify(*this);
    } else {
      DispatchForward(*this);
    }
  }
  lock.unlock();
  arrivals_.WakeSleepers();
}

void Inference::OnRelease(TRITONSERVER_InferenceRequest*, std::uint32_t flags,
                          void* userp) noexcept {
  if ((flags & TRITONSERVER_REQUEST_RELEASE_ALL) == 0) return;
  auto& inference = *static_cast<Inference*>(userp);
  std::vector<PyObject*> owners;
  {
    std::lock_guard lock(inference.mutex_);
    inference.request_released_ = true;
    if (inference.reader_is_gone_) owners.swap(inference.owners_);
  }
  if (!owners.empty()) {
    if (auto* deferred = new (std::nothrow) DeferredOwners(std::move(owners))) Defer(deferred);
  }
  inference.CoreIsDoneWithPart();
}

// A decoupled model may release the request long before its last response, and can be asked to
// cancel until then: so the request is deleted when both came.
void Inference::CoreIsDoneWithPart() noexcept {
  const bool core_is_done = core_parts_.fetch_sub(1, std::memory_order_acq_rel) == 1;
  if (core_is_done) {
    Unregister();
    TRITONSERVER_InferenceRequest* request;
    {
      std::lock_guard lock(mutex_);
      request = std::exchange(request_, nullptr);
    }
    DeleteQuietly(request);
  }
  Release();
  if (core_is_done) StandBy(in_flight().count);
}

void Inference::Register() {
  std::lock_guard lock(in_flight().mutex);
  next_in_flight_ = in_flight().first;
  if (next_in_flight_ != nullptr) next_in_flight_->previous_ = this;
  in_flight().first = this;
  in_flight().count.fetch_add(1);
}

void Inference::Unregister() noexcept {
  std::lock_guard lock(in_flight().mutex);
  (previous_ == nullptr ? in_flight().first : previous_->next_in_flight_) = next_in_flight_;
  in_flight().count.fetch_sub(1);
  if (next_in_flight_ != nullptr) next_in_flight_->previous_ = previous_;
}

std::vector<std::string> Inference::InFlight(PyObject* server, bool cancel) {
  std::vector<std::string> models;
  std::lock_guard lock(in_flight().mutex);
  for (Inference* each = in_flight().first; each != nullptr; each = each->next_in_flight_) {
    if (each->setup_.server != server) continue;
    if (cancel) each->Cancel();
    models.push_back(each->setup_.model_name);
  }
  return models;
}

std::size_t Inference::Count() { return inference_count.load(std::memory_order_relaxed); }

void Inference::CheckProcess() const {
  if (process_ == process_number.load()) return;
  throw Error(TRITONSERVER_ERROR_UNAVAILABLE,
              "the inference belongs to the process that this one was forked from; start a server "
              "in this process and send the request again");
}

std::unique_ptr<Response> Inference::Take() {
  CheckProcess();
  DestroyDeferred();
  if (setup_.feeds_queue && MayForwardHere()) Forward();
  std::unique_ptr<Response> response;
  std::vector<PyObject*> released_inputs;
  bool lost_end = false;
  {
    std::lock_guard lock(mutex_);
    if (request_released_) released_inputs.swap(owners_);
    response = responses_.Pop();
    lost_end = response == nullptr && final_came_ && unforwarded_.empty() && !forwarding_;
  }
  for (PyObject* input : released_inputs) Py_DECREF(input);
  if (lost_end || (response != nullptr && response->final)) {
    ended_ = true;
    // Of the user, and may refer to the iterator; not needed any more.
    Py_CLEAR(setup_.allocator);
  }
  return response;
}

bool Inference::WaitBriefly(std::uint32_t seen) {
  if (in_flight().count.load() > 1) return false;
  WithoutGil without_gil;
  return arrivals_.WaitBriefly(seen);
}

bool Inference::AddWaiter(std::uint32_t seen, std::shared_ptr<Waker> waker, PyObject* wakeup) {
  std::lock_guard lock(mutex_);
  if (arrivals_.count() != seen) return false;
  waiters_.push_back({std::move(waker), wakeup, false});
  return true;
}

void Inference::RemoveWaiter(PyObject* wakeup) {
  std::lock_guard lock(mutex_);
  waiters_.erase(std::remove_if(waiters_.begin(), waiters_.end(),
                                [&](const Waiter& waiter) { return waiter.wakeup == wakeup; }),
                 waiters_.end());
}

void Inference::ReaderIsGone() {
  if (process_ != process_number.load()) return;
  ResponseList unread;
  std::vector<PyObject*> released_inputs;
  {
    std::lock_guard lock(mutex_);
    reader_is_gone_ = true;
    std::swap(unread, responses_);
    if (request_released_) released_inputs.swap(owners_);
  }
  for (PyObject* input : released_inputs) Py_DECREF(input);
}

void Inference::Wake(Waker& waker) {
  std::vector<py::object> wakeups;
  {
    std::lock_guard lock(mutex_);
    const auto others =
        std::stable_partition(waiters_.begin(), waiters_.end(),
                              [&](const Waiter& waiter) { return waiter.waker.get() == &waker; });
    for (auto waiter = waiters_.begin(); waiter != others; ++waiter) {
      wakeups.push_back(py::reinterpret_borrow<py::object>(waiter->wakeup));
    }
    waiters_.erase(waiters_.begin(), others);
  }
  if (setup_.queue_waker.get() == &waker) Forward();
  if (wakeups.empty()) return;
  // Only the last one goes on at once: it may throw, or run the loop itself.
  for (std::size_t i = 0; i + 1 < wakeups.size(); ++i) WakeTaskSoon(wakeups[i].ptr());
  WakeTaskNow(wakeups.back().ptr());
}

bool Inference::MayForwardHere() const {
  return setup_.queue_waker == nullptr || setup_.queue_waker->loop_is_closed() ||
         setup_.queue_waker->IsOf(RunningLoop().ptr());
}

void Inference::Forward() {
  if (forwarding_) return;
  forwarding_ = true;
  for (;;) {
    std::unique_ptr<Response> response;
    {
      std::lock_guard lock(mutex_);
      forward_asked_ = false;
      response = unforwarded_.Pop();
    }
    if (response == nullptr) break;
    // What is left for the reader.
    auto rest = std::make_unique<Response>();
    rest->model_name = response->model_name;
    rest->error = response->error;
    rest->final = response->final;
    const bool final = response->final;
    const auto queue = py::reinterpret_borrow<py::object>(setup_.response_queue);
    try {
      rest->converted = ToPythonResponse(std::move(response), *this).release().ptr();
      Steal(PyObject_CallMethodOneArg(queue.ptr(), names.put_nowait, rest->converted));
    } catch (py::error_already_set& error) {
      error.discard_as_unraisable(queue);
    } catch (const std::exception& error) {
      PyErr_SetString(PyExc_RuntimeError, error.what());
      PyErr_WriteUnraisable(queue.ptr());
    }
    {
      std::unique_lock lock(mutex_);
      if (!reader_is_gone_) responses_.Push(std::move(rest));
      Announce(std::move(lock));
    }
    if (final) Py_CLEAR(setup_.response_queue);
  }
  forwarding_ = false;
}

}  // namespace tritonserver::inference
