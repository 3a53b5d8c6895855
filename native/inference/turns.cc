#include "native/inference/turns.h"

#include <atomic>
#include <chrono>

#include "native/inference/patience.h"

namespace tritonserver::inference {
namespace {

// A thread that does something else after its inference keeps its turn, too, and may have given up
// the GIL. So others do not wait for it any longer than that.
constexpr std::chrono::microseconds kLongestTurn{50};

thread_local Patience patience;  // its address stands for the thread
std::atomic<const Patience*> whose_turn{nullptr};

}  // namespace

BetweenTurns::BetweenTurns() {
  const Patience* expected = &patience;
  whose_turn.compare_exchange_strong(expected, nullptr);
}

BetweenTurns::~BetweenTurns() {
  Patience& mine = patience;
  const Patience* other = nullptr;
  while (!whose_turn.compare_exchange_strong(other, &mine)) {
    if (!mine.YieldUntil([other] { return whose_turn.load() != other; }, kLongestTurn)) {
      whose_turn.store(&mine);
      return;
    }
    other = nullptr;
  }
}

}  // namespace tritonserver::inference
