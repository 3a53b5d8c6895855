#include "native/inference/arrivals.h"

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>

namespace tritonserver::inference {
namespace {

// How long a thread may give way to others before it sleeps, and how often it sleeps at once after
// that was in vain again and again.
constexpr std::chrono::microseconds kLongestYielding{100};
constexpr unsigned kMostSleepsAtOnce = 63;

std::atomic<int> waiting_threads{0};

class CountedAsWaiting {
 public:
  CountedAsWaiting() : has_company_(waiting_threads.fetch_add(1, std::memory_order_relaxed) > 0) {}
  ~CountedAsWaiting() { waiting_threads.fetch_sub(1, std::memory_order_relaxed); }
  CountedAsWaiting(const CountedAsWaiting&) = delete;
  CountedAsWaiting& operator=(const CountedAsWaiting&) = delete;

  bool has_company() const { return has_company_; }

 private:
  const bool has_company_;
};

// What this thread has learned about the models it waits for.
struct Experience {
  unsigned sleeps_at_once = 0;  // still to come
  unsigned penalty = 0;         // their number after the next failure
};
thread_local Experience experience;

}  // namespace

void Arrivals::Wait(std::uint32_t seen, std::chrono::nanoseconds limit) {
  if (count() != seen) return;  // needs no system call
  const CountedAsWaiting waiting;
  if (waiting.has_company() && YieldToOthers(seen)) return;
  Sleep(seen, limit);
}

// Where several threads wait for fast models, processors are busy anyway, and what they wait for is
// done as soon as the others have had their turn: changing threads by yielding is cheaper than by
// falling asleep, which costs the core's thread a system call for each response. A thread that
// waits alone sleeps at once: it is the kernel that knows whether the core's thread should run on
// this processor.
bool Arrivals::YieldToOthers(std::uint32_t seen) {
  if (experience.sleeps_at_once > 0) {
    --experience.sleeps_at_once;
    return false;
  }
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + kLongestYielding;
  do {
    if (count_.load() != seen) {
      experience.penalty = 0;
      return true;
    }
    sched_yield();
  } while (Clock::now() < end);
  experience.sleeps_at_once = experience.penalty;
  experience.penalty = std::min(2 * experience.penalty + 1, kMostSleepsAtOnce);
  return false;
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
