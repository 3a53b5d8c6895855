#include "native/inference/arrivals.h"

#include <Python.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>

#include "native/inference/patience.h"
#include "native/inference/turns.h"
#include "native/triton/gil.h"

namespace tritonserver::inference {
namespace {

// Whatever takes longer is hardly slower for sleeping. An event loop, though, may have something
// else to do that it does not know of yet.
constexpr std::chrono::microseconds kBeforeSleep{100};
constexpr std::chrono::microseconds kBriefly{50};

// How often a waiting thread looks whether a signal arrived on another one. Python handles them on
// its main thread, which is nearly always the first of the process.
constexpr std::chrono::milliseconds kSignalCheckOnMainThread{50};
constexpr std::chrono::milliseconds kSignalCheckElsewhere{1000};

thread_local Patience patience;

}  // namespace

std::optional<Arrivals::Clock::time_point> Arrivals::DeadlineIn(double seconds) {
  if (seconds > 1e9) return std::nullopt;
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(
                            std::chrono::duration<double>(std::max(seconds, 0.0)));
}

Arrivals::WaitResult Arrivals::Wait(std::uint32_t seen, std::optional<Clock::time_point> deadline) {
  for (;;) {
    {
      WithoutGil without_gil;
      WaitASlice(seen, deadline);
    }
    if (count() != seen) return WaitResult::kArrival;
    if (PyErr_CheckSignals() != 0) return WaitResult::kPythonError;
    if (deadline && Clock::now() >= *deadline) return WaitResult::kTimeout;
  }
}

void Arrivals::WaitASlice(std::uint32_t seen, std::optional<Clock::time_point> deadline) {
  thread_local const std::chrono::nanoseconds slice =
      gettid() == getpid() ? kSignalCheckOnMainThread : kSignalCheckElsewhere;
  if (count() != seen) return;  // needs no system call
  auto limit = slice;
  if (deadline) limit = std::min<std::chrono::nanoseconds>(limit, *deadline - Clock::now());
  const BetweenTurns between_turns;
  const auto before_sleep = std::min<std::chrono::nanoseconds>(kBeforeSleep, limit);
  if (patience.YieldUntil([&] { return count() != seen; }, before_sleep)) return;
  Sleep(seen, limit);
}

bool Arrivals::WaitBriefly(std::uint32_t seen) {
  const BetweenTurns between_turns;
  return patience.YieldUntil([&] { return count() != seen; }, kBriefly);
}

// A futex, because std::condition_variable cannot do what Ctrl-C depends on: return when a signal
// arrives.
void Arrivals::Sleep(std::uint32_t seen, std::chrono::nanoseconds limit) {
  const auto nanoseconds = std::max<std::int64_t>(limit.count(), 0);
  const timespec timeout{static_cast<time_t>(nanoseconds / 1'000'000'000),
                         static_cast<long>(nanoseconds % 1'000'000'000)};
  sleepers_.fetch_add(1);
  syscall(SYS_futex, &count_, FUTEX_WAIT_PRIVATE, seen, &timeout, nullptr, 0);
  sleepers_.fetch_sub(1);
}

// All of them: one that leaves after a timeout or a signal would not pass it on.
void Arrivals::WakeSleepers() noexcept {
  if (sleepers_.load() == 0) return;
  syscall(SYS_futex, &count_, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace tritonserver::inference
