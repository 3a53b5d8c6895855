// The number of things that have arrived, and waiting for the next one.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

namespace tritonserver::inference {

class Arrivals {
 public:
  using Clock = std::chrono::steady_clock;

  std::uint32_t count() const { return count_.load(); }

  // On any thread; neither blocks nor throws. Whoever sleeps needs to be woken, too.
  void Add() noexcept { count_.fetch_add(1); }
  void WakeSleepers() noexcept;

  // So many seconds from now; nothing if that is decades.
  static std::optional<Clock::time_point> DeadlineIn(double seconds);

  enum class WaitResult { kArrival, kTimeout, kPythonError };
  // Waits until `count()` is no longer `seen`. Called with the GIL, which it gives up. Signal
  // handlers run; if one raises, that is the Python error.
  WaitResult Wait(std::uint32_t seen, std::optional<Clock::time_point> deadline);

  // Waits while `count()` is `seen`, but not beyond `deadline` nor for longer than signals may stay
  // unhandled. May return early. Called without the GIL, right before it is taken.
  void WaitASlice(std::uint32_t seen, std::optional<Clock::time_point> deadline = std::nullopt);

  // Does not sleep. Whether `count()` is no longer `seen`. Called as `WaitASlice()`.
  bool WaitBriefly(std::uint32_t seen);

 private:
  void Sleep(std::uint32_t seen, std::chrono::nanoseconds limit);

  std::atomic<std::uint32_t> count_{0};  // a futex
  std::atomic<int> sleepers_{0};
};

}  // namespace tritonserver::inference
