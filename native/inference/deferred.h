// Destruction that needs the GIL, asked for on threads that must not wait for it.
//
// The callbacks of the core run on its threads, sometimes with its locks held, and never take the
// GIL. What they let go of and holds Python references is put on a list, without a lock, and
// destroyed by the next thread that comes by with the GIL.
#pragma once

#include <pybind11/pybind11.h>

namespace tritonserver::inference {

class Deferred {
 public:
  virtual ~Deferred() = default;

 private:
  friend void Defer(Deferred* object) noexcept;
  friend void DestroyDeferred() noexcept;

  Deferred* next_ = nullptr;
};

// Has `object` deleted by a thread with the GIL. Callable on any thread, with or without the GIL.
void Defer(Deferred* object) noexcept;

// Has a reference dropped by a thread with the GIL. Null is allowed.
void DeferDrop(PyObject* reference) noexcept;

// Deletes what waits for it. With the GIL; the destructors may run any Python code.
void DestroyDeferred() noexcept;

}  // namespace tritonserver::inference
