#include "native/inference/deferred.h"

#include <atomic>
#include <new>
#include <utility>

#include "native/triton/gil.h"

namespace tritonserver::inference {
namespace {

std::atomic<Deferred*> deferred{nullptr};

class DeferredReference : public Deferred {
 public:
  explicit DeferredReference(PyObject* reference) : reference_(reference) {}
  ~DeferredReference() override { Py_DECREF(reference_); }

 private:
  PyObject* reference_;
};

int RunPendingCall(void*) {
  DestroyDeferred();
  return 0;
}

}  // namespace

void Defer(Deferred* object) noexcept {
  object->next_ = deferred.load(std::memory_order_relaxed);
  while (!deferred.compare_exchange_weak(object->next_, object, std::memory_order_release,
                                         std::memory_order_relaxed)) {
  }
  // For the case that no thread comes by. If the interpreter's own list is full, one will.
  if (object->next_ == nullptr && PythonIsRunning()) Py_AddPendingCall(RunPendingCall, nullptr);
}

void DeferDrop(PyObject* reference) noexcept {
  if (reference == nullptr) return;
  // Out of memory: the reference leaks.
  if (auto* object = new (std::nothrow) DeferredReference(reference)) Defer(object);
}

void DestroyDeferred() noexcept {
  if (deferred.load(std::memory_order_relaxed) == nullptr) return;
  Deferred* object = deferred.exchange(nullptr, std::memory_order_acquire);
  while (object != nullptr) {
    Deferred* next = object->next_;
    delete object;
    object = next;
  }
}

}  // namespace tritonserver::inference
