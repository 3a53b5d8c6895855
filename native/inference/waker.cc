#include "native/inference/waker.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>
#include <vector>

#include "native/inference/deferred.h"
#include "native/inference/dispatcher.h"
#include "native/inference/inference.h"
#include "native/inference/python_types.h"

namespace tritonserver::inference {
namespace {

constexpr const char* kCapsuleName = "tritonserver waker";

// Wakers of the loops that ran on this thread. Those with an eventfd belong to their loops.
struct KnownWakers {
  std::vector<std::weak_ptr<Waker>> wakers;
  std::shared_ptr<Waker> without_reader;
};
thread_local KnownWakers known;

template <void (Waker::*kMethod)()>
PyObject* CallWaker(PyObject* capsule, PyObject*) {
  return ForPython<PyObject*>(nullptr, [&] {
    auto* waker = static_cast<std::shared_ptr<Waker>*>(PyCapsule_GetPointer(capsule, kCapsuleName));
    if (waker == nullptr) throw py::error_already_set();
    const std::shared_ptr<Waker> kept = *waker;
    (kept.get()->*kMethod)();
    return Py_NewRef(Py_None);
  });
}

// Python functions that keep the waker and call it. The end of the reader, which a loop keeps until
// it is closed itself, closes the waker.
py::object NewReader(std::shared_ptr<Waker> waker) {
  static PyMethodDef definition = {"read", &CallWaker<&Waker::Read>, METH_NOARGS,
                                   "Something waits on this event loop for a response that came."};
  const py::capsule capsule(new std::shared_ptr<Waker>(std::move(waker)), kCapsuleName,
                            [](void* kept) {
                              const std::unique_ptr<std::shared_ptr<Waker>> waker(
                                  static_cast<std::shared_ptr<Waker>*>(kept));
                              (*waker)->Close();
                            });
  return Steal(PyCFunction_New(&definition, capsule.ptr()));
}

py::object NewRunFunction(std::shared_ptr<Waker> waker) {
  static PyMethodDef definition = {"wake", &CallWaker<&Waker::Run>, METH_NOARGS,
                                   "Have go on what waits on this event loop for responses."};
  const py::capsule capsule(new std::shared_ptr<Waker>(std::move(waker)), kCapsuleName,
                            [](void* kept) { delete static_cast<std::shared_ptr<Waker>*>(kept); });
  return Steal(PyCFunction_New(&definition, capsule.ptr()));
}

class FileDescriptor {
 public:
  explicit FileDescriptor(int number) : number_(number) {}
  ~FileDescriptor() {
    if (number_ >= 0) close(number_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;

  int get() const { return number_; }
  int Release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

// Null if the loop cannot watch file descriptors.
std::shared_ptr<Waker> NewWakerWithReader(PyObject* loop, const py::object& reference) {
  FileDescriptor event_fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (event_fd.get() < 0) {
    PyErr_SetFromErrno(PyExc_OSError);
    throw py::error_already_set();
  }
  const int number = event_fd.get();
  auto waker = std::make_shared<Waker>(number, py::object(reference).release().ptr());
  event_fd.Release();
  try {
    py::handle(loop).attr(py::handle(names.add_reader))(number, NewReader(waker));
  } catch (py::error_already_set& error) {
    if (!error.matches(PyExc_NotImplementedError) && !error.matches(PyExc_AttributeError)) throw;
    return nullptr;
  }
  return waker;
}

}  // namespace

py::object RunningLoop() {
  // Kept for ever, as modules are.
  static PyObject* const get_running_loop =
      py::module_::import("asyncio").attr("_get_running_loop").cast<py::object>().release().ptr();
  return Steal(PyObject_CallNoArgs(get_running_loop));
}

std::shared_ptr<Waker> Waker::OfLoop(PyObject* loop) {
  for (const std::weak_ptr<Waker>& each : known.wakers) {
    if (auto waker = each.lock(); waker != nullptr && waker->IsOf(loop)) return waker;
  }
  if (known.without_reader != nullptr && known.without_reader->IsOf(loop)) {
    return known.without_reader;
  }
  auto& wakers = known.wakers;
  wakers.erase(
      std::remove_if(wakers.begin(), wakers.end(), [](const auto& each) { return each.expired(); }),
      wakers.end());
  const py::object reference = Steal(PyWeakref_NewRef(loop, nullptr));
  std::shared_ptr<Waker> waker = NewWakerWithReader(loop, reference);
  if (waker != nullptr) {
    wakers.push_back(waker);
  } else {
    waker = std::make_shared<Waker>(-1, py::object(reference).release().ptr());
    known.without_reader = waker;
  }
  return waker;
}

std::shared_ptr<Waker> Waker::OfLoopElsewhere(PyObject* loop) {
  return std::make_shared<Waker>(-1, Steal(PyWeakref_NewRef(loop, nullptr)).release().ptr());
}

Waker::Waker(int event_fd, PyObject* loop_reference)
    : event_fd_(event_fd), loop_reference_(loop_reference) {}

Waker::~Waker() {
  for (Inference* inference : ready_) inference->Release();
  DeferDrop(loop_reference_);
  if (event_fd_ >= 0) close(event_fd_);
}

void Waker::Notify(Inference& inference) noexcept {
  {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    try {
      ready_.push_back(&inference);
    } catch (const std::bad_alloc&) {
      return;  // noticed with the next response
    }
    inference.Retain();
    if (std::exchange(signalled_, true)) return;
  }
  if (event_fd_ < 0) {
    DispatchCallSoon(shared_from_this());
    return;
  }
  const std::uint64_t one = 1;
  while (write(event_fd_, &one, sizeof(one)) < 0 && errno == EINTR) {
  }
}

void Waker::Read() {
  std::uint64_t count;
  while (read(event_fd_, &count, sizeof(count)) < 0 && errno == EINTR) {
  }
  CallSoon(names.call_soon);
}

// A task that goes on may run the loop itself, or end it by an exception. So each inference stays
// in the list until it is its turn, and the loop is told of those that are left before that.
void Waker::Run() {
  // What comes meanwhile has to wait like anything else for the next round of the loop.
  std::size_t count;
  {
    std::lock_guard lock(mutex_);
    signalled_ = false;
    count = ready_.size();
  }
  for (; count > 0; --count) {
    InferenceReference inference;
    bool tell_of_others = false;
    {
      std::lock_guard lock(mutex_);
      if (ready_.empty()) return;
      inference.reset(ready_.front());
      ready_.pop_front();
      tell_of_others = !ready_.empty() && !std::exchange(signalled_, true);
    }
    if (tell_of_others) CallSoon(names.call_soon);
    inference->Wake(*this);
  }
}

void Waker::CallSoonThreadsafe() { CallSoon(names.call_soon_threadsafe); }

void Waker::CallSoon(PyObject* method) {
  const py::object loop = Loop();
  if (loop_is_closed()) return Close();
  try {
    loop.attr(py::handle(method))(NewRunFunction(shared_from_this()));
  } catch (py::error_already_set& error) {
    if (!loop_is_closed()) throw;
    Close();  // in between, by its own thread
  }
}

void Waker::Close() {
  std::deque<Inference*> ready;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    ready.swap(ready_);
  }
  for (Inference* inference : ready) inference->ReleaseWithGil();
}

py::object Waker::Loop() const { return Steal(PyObject_CallNoArgs(loop_reference_)); }

bool Waker::IsOf(PyObject* loop) const { return Loop().ptr() == loop; }

bool Waker::loop_is_idle() {
  {
    std::lock_guard lock(mutex_);
    if (!ready_.empty()) return false;
  }
  const auto callbacks =
      py::reinterpret_steal<py::object>(PyObject_GetAttr(Loop().ptr(), names._ready));
  const Py_ssize_t count = callbacks ? PyObject_Size(callbacks.ptr()) : -1;
  if (count < 0) PyErr_Clear();
  return count == 0;
}

bool Waker::loop_is_closed() const {
  const py::object loop = Loop();
  return loop.is_none() || loop.attr(py::handle(names.is_closed))().cast<bool>();
}

}  // namespace tritonserver::inference
