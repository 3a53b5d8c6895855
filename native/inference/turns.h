// Turns at the GIL, among the threads that wait for responses.
#pragma once

namespace tritonserver::inference {

// While it lives, the thread waits for something without the GIL, and the others may have their
// turn. Destroyed right before the thread takes the GIL, which is when it has a turn again.
//
// Python puts to sleep whoever finds the GIL taken. Threads that infer again and again have it for
// a few microseconds each, so they keep out of each other's way: who has a turn keeps it until it
// waits for its next response, also while it sends the request without the GIL.
class BetweenTurns {
 public:
  BetweenTurns();
  ~BetweenTurns();
  BetweenTurns(const BetweenTurns&) = delete;
  BetweenTurns& operator=(const BetweenTurns&) = delete;
};

}  // namespace tritonserver::inference
