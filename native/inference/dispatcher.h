// The one thread of this package: it runs the Python code that the core's threads ask for, where
// nobody else is going to.
#pragma once

#include <memory>

namespace tritonserver::inference {

class Inference;
class Waker;

// Has the dispatcher call `inference.Forward()`. On any thread; neither takes the GIL nor throws.
void DispatchForward(Inference& inference) noexcept;

// Has the dispatcher call `waker->CallSoonThreadsafe()`. Likewise.
void DispatchCallSoon(std::shared_ptr<Waker> waker) noexcept;

// Ends the thread after what it is doing; for the exit of the interpreter. With the GIL. Whatever
// is dispatched afterwards stays undone.
void StopDispatcher();

}  // namespace tritonserver::inference
