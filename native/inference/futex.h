// Waiting for a change of a number: what std::condition_variable cannot do is to return when a
// signal arrives, on which Ctrl-C depends.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <climits>
#include <cstdint>

namespace tritonserver::inference {

// Sleeps while `word` is `expected`, at most `timeout`. May return early, as after a signal.
inline void FutexWait(std::atomic<std::uint32_t>& word, std::uint32_t expected,
                      std::chrono::nanoseconds timeout) {
  const auto nanoseconds = std::max<std::int64_t>(timeout.count(), 0);
  const timespec limit{static_cast<time_t>(nanoseconds / 1'000'000'000),
                       static_cast<long>(nanoseconds % 1'000'000'000)};
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, &limit, nullptr, 0);
}

// Wakes all sleepers.
inline void FutexWake(std::atomic<std::uint32_t>& word) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace tritonserver::inference
