// Yielding the processor until another thread has done something that it is about to do.
#pragma once

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace tritonserver::inference {

// Changing threads by yielding is cheaper than by falling asleep, which also costs the other thread
// a system call, and in a virtual machine one of tens of microseconds. But it must not be in vain
// for long, nor often: so each thread has a patience for each thing to wait for, which learns.
class Patience {
 public:
  // Yields until `happened()`, for about `limit` at most. Whether it has happened; after this was
  // in vain again and again that is false at once, as many times as experience tells.
  template <class Happened>
  bool YieldUntil(Happened&& happened, std::chrono::nanoseconds limit) {
    if (refusals_ > 0) {
      --refusals_;
      return false;
    }
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + limit;
    Clock::time_point now;
    do {
      if (happened()) return Succeed();
      sched_yield();
      now = Clock::now();
    } while (now < end);
    const bool has_happened = happened();
    if (has_happened && now < end + kLongestDelay) return Succeed();
    refusals_ = std::exchange(next_refusals_, std::min(2 * next_refusals_ + 1, kMostRefusals));
    return has_happened;
  }

 private:
  static constexpr unsigned kMostRefusals = 63;
  // Other threads may run for long when this one yields; one that slept would be given precedence.
  static constexpr std::chrono::milliseconds kLongestDelay{1};

  bool Succeed() {
    next_refusals_ = 0;
    return true;
  }

  unsigned refusals_ = 0;       // still to come
  unsigned next_refusals_ = 0;  // after the next failure
};

}  // namespace tritonserver::inference
