// Threads of the core that stand by for the next request.
#pragma once

#include <atomic>
#include <cstddef>

namespace tritonserver::inference {

// While it lives, this thread gives a request to the core.
class Sending {
 public:
  Sending();
  ~Sending();
  Sending(const Sending&) = delete;
  Sending& operator=(const Sending&) = delete;
};

// On a thread of the core that has finished a request, as the last thing: yields until another one
// is sent, but not for long, nor if the core has something to do already.
//
// Where the next request is on its way, the thread would fall asleep only to be woken for it, by
// the thread that sends it: a system call and two changes of thread for each request.
void StandBy(const std::atomic<std::size_t>& requests_in_flight) noexcept;

}  // namespace tritonserver::inference
