#include "native/inference/standby.h"

#include <chrono>

#include "native/inference/patience.h"

namespace tritonserver::inference {
namespace {

// Several times what Python takes to read a response and make the next request.
constexpr std::chrono::microseconds kLongestStandby{50};

std::atomic<unsigned> sent{0};

thread_local bool is_sending = false;
thread_local Patience patience;

}  // namespace

Sending::Sending() { is_sending = true; }

Sending::~Sending() {
  is_sending = false;
  sent.fetch_add(1);
}

void StandBy(const std::atomic<std::size_t>& requests_in_flight) noexcept {
  // A cached response, say: the core finished the request on the thread that sends it.
  if (is_sending) return;
  const unsigned seen = sent.load();
  if (requests_in_flight.load() > 0) return;
  patience.YieldUntil([seen] { return sent.load() != seen; }, kLongestStandby);
}

}  // namespace tritonserver::inference
