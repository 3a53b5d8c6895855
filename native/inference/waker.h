// Wakes event loops of asyncio from the threads of the core.
#pragma once

#include <pybind11/pybind11.h>

#include <deque>
#include <memory>
#include <mutex>

namespace tritonserver::inference {

class Inference;

namespace py = pybind11;

// The event loop that runs on this thread; None if none does. With the GIL.
py::object RunningLoop();

// One event loop's. What is ready when the loop comes round is handled in one go, however many
// inferences that concerns.
//
// A loop with `add_reader` watches an eventfd. For any other loop the dispatcher calls
// `call_soon_threadsafe`. Once the loop is closed nothing happens any more; the responses stay with
// their inferences.
class Waker : public std::enable_shared_from_this<Waker> {
 public:
  // With the GIL, on the thread of `loop`, which is running.
  static std::shared_ptr<Waker> OfLoop(PyObject* loop);

  // With the GIL, on any thread.
  static std::shared_ptr<Waker> OfLoopElsewhere(PyObject* loop);

  Waker(int event_fd, PyObject* loop_reference);
  ~Waker();
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  // Has the loop call `inference->Wake(*this)`. On any thread; neither takes the GIL nor throws.
  void Notify(Inference& inference) noexcept;

  // Called by the loop, with the GIL: when the eventfd is readable, and in the next round. Tasks go
  // on in `Run`, which is a call of its own, for a task that runs the loop itself could not have
  // the reader called from within the reader.
  void Read();
  void Run();

  // Asks the loop to call `Run`; for the dispatcher, with the GIL.
  void CallSoonThreadsafe();

  // The loop will not run again. Lets go of the inferences, which may hold this waker. With the
  // GIL.
  void Close();

  // With the GIL.
  bool IsOf(PyObject* loop) const;
  bool loop_is_closed() const;
  // But for the current task; false if it cannot be known, as of loops unlike asyncio's own.
  bool loop_is_idle();

 private:
  void CallSoon(PyObject* method);
  py::object Loop() const;  // None when it is gone

  const int event_fd_;              // -1: the loop has no `add_reader`
  PyObject* const loop_reference_;  // a weak one
  std::mutex mutex_;
  std::deque<Inference*> ready_;  // with a reference each
  bool closed_ = false;
  bool signalled_ = false;  // `Run` is going to be called
};

}  // namespace tritonserver::inference
