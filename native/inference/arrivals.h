// The number of things that have arrived for an inference, and waiting for the next one.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace tritonserver::inference {

class Arrivals {
 public:
  std::uint32_t count() const { return count_.load(); }

  // On any thread; neither blocks nor throws. Whoever sleeps needs to be woken, too.
  void Add() noexcept { count_.fetch_add(1); }
  void WakeSleepers() noexcept;

  // Waits while `count()` is `seen`, for about `limit` at most. May return early, as after a
  // signal. Called without the GIL, right before it is taken.
  void Wait(std::uint32_t seen, std::chrono::nanoseconds limit);

  // Does not sleep. Whether `count()` is no longer `seen`. Called as `Wait()`.
  bool WaitBriefly(std::uint32_t seen);

 private:
  void Sleep(std::uint32_t seen, std::chrono::nanoseconds limit);

  std::atomic<std::uint32_t> count_{0};  // a futex
  std::atomic<int> sleepers_{0};
};

}  // namespace tritonserver::inference
