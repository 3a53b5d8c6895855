#include "native/inference/dispatcher.h"

#include <pthread.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#include "native/inference/inference.h"
#include "native/inference/waker.h"
#include "native/triton/gil.h"

namespace tritonserver::inference {
namespace {

class Dispatcher {
 public:
  void Post(std::function<void()> task) noexcept {
    try {
      std::lock_guard lock(mutex_);
      if (stopped_) return;
      tasks_.push_back(std::move(task));
      if (!thread_.joinable()) thread_ = std::thread([this] { Work(); });
    } catch (const std::exception&) {  // out of memory or threads: with the next response
      return;
    }
    changed_.notify_one();
  }

  void Stop() {
    std::thread thread;
    {
      std::lock_guard lock(mutex_);
      stopped_ = true;
      thread.swap(thread_);
    }
    changed_.notify_one();
    if (thread.joinable()) thread.join();
  }

 private:
  void Work() {
    for (;;) {
      std::vector<std::function<void()>> tasks;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return stopped_ || !tasks_.empty(); });
        if (stopped_) return;
        tasks.swap(tasks_);
      }
      CallPython("tritonserver dispatcher", [&] {
        for (const auto& task : tasks) CallPython("tritonserver dispatcher", task);
        tasks.clear();
      });
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::function<void()>> tasks_;
  std::thread thread_;
  bool stopped_ = false;
};

alignas(Dispatcher) unsigned char dispatcher_storage[sizeof(Dispatcher)];

// Never destroyed, and new in a forked child, which has not got the thread.
Dispatcher& dispatcher() {
  static Dispatcher* instance = [] {
    pthread_atfork(nullptr, nullptr, [] { new (dispatcher_storage) Dispatcher; });
    return new (dispatcher_storage) Dispatcher;
  }();
  return *instance;
}

}  // namespace

void DispatchForward(Inference& inference) noexcept {
  inference.Retain();
  dispatcher().Post([&inference] {
    inference.Forward();
    inference.ReleaseWithGil();
  });
}

void DispatchCallSoon(std::shared_ptr<Waker> waker) noexcept {
  dispatcher().Post([waker = std::move(waker)] { waker->CallSoonThreadsafe(); });
}

void StopDispatcher() {
  WithoutGil without_gil;
  dispatcher().Stop();
}

}  // namespace tritonserver::inference
