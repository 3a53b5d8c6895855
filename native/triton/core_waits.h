// How the core waits, mended.
//
// In two places the core waits for time to pass where something has already happened:
//
// 1. While a server stops, it looks once a second whether the models are gone, although that takes
//    them a fraction of a millisecond.
// 2. With a queue policy, a batcher is told that an instance has finished a moment before the
//    instance counts as idle. If it is too quick it waits for half a second, with requests in the
//    queue (from 24.03 to 26.07).
//
// So the core's calls of the functions that wait come here, by changing its table of imported
// functions. Each wait may only become shorter, which looks to the core like a second that passed,
// or a spurious wake-up. With TRITONSERVER_KEEP_CORE_WAITS=1 in the environment nothing is changed.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace tritonserver {

// Takes over the waits of the library that has `function`; of one that is built otherwise, none.
void TakeOverWaits(const void* function);

// The sleeps of a thread of ours while it stops a server in the core: short at first, and together
// as long as the timeout.
class StopClock {
 public:
  // So many sleeps beyond one for each second are needed to be short at first.
  static constexpr unsigned kShortSleeps = 70;

  // Whether the core's sleeps were taken over; otherwise each takes a second.
  static bool IsInForce();

  // For this thread, until the object is destroyed. The core gives up after `sleeps`.
  StopClock(std::chrono::seconds timeout, unsigned sleeps);
  ~StopClock();
  StopClock(const StopClock&) = delete;
  StopClock& operator=(const StopClock&) = delete;

  // Lets the time be over. On any thread.
  void RunOut();

  // In place of one of the core's sleeps.
  void Sleep();

 private:
  using Clock = std::chrono::steady_clock;

  const Clock::time_point begin_ = Clock::now();
  const Clock::duration timeout_;
  unsigned sleeps_left_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ran_out_ = false;
};

}  // namespace tritonserver
