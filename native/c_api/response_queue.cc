#include "native/c_api/response_queue.h"

#include <utility>

namespace tritonserver {

void ResponseQueue::Push(std::shared_ptr<Response> response, std::uint32_t flags) {
  bool deliver;
  {
    std::lock_guard lock(mutex_);
    items_.push_back({std::move(response), flags});
    deliver = waiting_ && !delivering_;
  }
  if (deliver) CallPython("get_next_response", [&] { Deliver(); });
}

void ResponseQueue::Wait(ResponseFuture future) {
  const py::object waiting = future_.get();
  if (waiting && !waiting.attr("done")().cast<bool>()) {
    throw Error(TRITONSERVER_ERROR_ALREADY_EXISTS,
                "another future waits for the next response already");
  }
  future_ = GilSafe<>(std::move(future));
  {
    std::lock_guard lock(mutex_);
    waiting_ = true;
  }
  Deliver();
}

void ResponseQueue::Deliver() {
  for (;;) {
    {
      std::lock_guard lock(mutex_);
      if (!waiting_ || delivering_ || items_.empty()) return;
      delivering_ = true;
    }
    const py::object future = future_.get();
    if (!py::hasattr(future, "get_loop")) {
      Complete(future);
      continue;
    }
    try {
      future.attr("get_loop")().attr("call_soon_threadsafe")(
          py::cpp_function([queue = shared_from_this(), future] {
            queue->Complete(future);
            queue->Deliver();
          }));
      return;
    } catch (const py::error_already_set&) {  // the loop is closed, so the future stays as it is
      future_ = GilSafe<>();
      std::lock_guard lock(mutex_);
      waiting_ = delivering_ = false;
    }
  }
}

void ResponseQueue::Complete(const py::object& future) {
  const bool done = future.attr("done")().cast<bool>();
  // While that ran, the future may have been cancelled and another one may have come.
  if (future_.get().is(future)) {
    Item item;
    {
      std::lock_guard lock(mutex_);
      waiting_ = false;
      if (!done) {
        item = std::move(items_.front());
        items_.pop_front();
      }
    }
    future_ = GilSafe<>();
    if (!done) {
      try {
        future.attr("set_result")(py::make_tuple(item.response, item.flags));
      } catch (const py::error_already_set&) {  // cancelled just now
        std::lock_guard lock(mutex_);
        items_.push_front(std::move(item));
      }
    }
  }
  std::lock_guard lock(mutex_);
  delivering_ = false;
}

}  // namespace tritonserver
