// The rules about Python's global lock, as types.
//
// 1. What can wait or call back runs without the GIL: bind it with `NoGil()`.
// 2. No Python runs and no Python reference is dropped while a C++ lock is held. Where both are
//    needed the GIL is released first, so that it is taken back after the lock is gone.
// 3. Python objects that C++ keeps are `GilSafe`; callbacks of the core run Python in `CallPython`.
#pragma once

#include <cxxabi.h>
#include <pybind11/pybind11.h>
#include <unistd.h>

#include <optional>
#include <utility>

namespace tritonserver {

namespace py = pybind11;

// Whether Python code may still run; false once the interpreter is shutting down.
inline bool PythonIsRunning() {
#if PY_VERSION_HEX >= 0x030D0000
  return Py_IsInitialized() && !Py_IsFinalizing();
#else
  return Py_IsInitialized() && !_Py_IsFinalizing();
#endif
}

// Takes the GIL by `take`. Until 3.13 Python ends a thread that does so while the interpreter shuts
// down, by unwinding its stack, and C++ would end the process for that. The thread sleeps for ever
// instead, as it does from 3.14 on. Unwinding comes without an exception to refer to, which
// sanitizers take for a null reference.
template <class Take>
[[gnu::no_sanitize("null")]] void TakeGil(Take&& take) noexcept {
  try {
    take();
  } catch (const abi::__forced_unwind&) {
    for (;;) pause();
  }
}

// Takes the GIL, also on threads that are new to Python.
class WithGil {
 public:
  WithGil() {
    TakeGil([this] { gil_.emplace(); });
  }

 private:
  std::optional<py::gil_scoped_acquire> gil_;
};

// Gives the GIL up.
class WithoutGil {
 public:
  WithoutGil() : state_(PyEval_SaveThread()) {}
  ~WithoutGil() {
    TakeGil([this] { PyEval_RestoreThread(state_); });
  }
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;

 private:
  PyThreadState* state_;
};

using NoGil = py::call_guard<WithoutGil>;

// A Python object that may be dropped on any thread, with or without the GIL. Once the interpreter
// is ending the reference is leaked on purpose: there is no way left to drop it.
template <class PythonObject = py::object>
class GilSafe {
 public:
  GilSafe() = default;
  explicit GilSafe(PythonObject object) : object_(std::move(object)) {}
  GilSafe(GilSafe&&) noexcept = default;
  GilSafe& operator=(GilSafe&& other) noexcept {
    GilSafe dropped(std::move(*this));
    object_ = std::move(other.object_);
    return *this;
  }
  ~GilSafe() {
    if (!object_) return;
    if (!PythonIsRunning()) {
      object_.release();
      return;
    }
    WithGil gil;
    object_ = PythonObject();
  }

  // With the GIL held.
  const PythonObject& get() const { return object_; }

 private:
  PythonObject object_;
};

// Open while a callback of the core runs on this thread. What waits for the core's threads must not
// be done then: one of them is this thread.
class InCallback {
 public:
  InCallback() { ++depth_; }
  ~InCallback() { --depth_; }
  InCallback(const InCallback&) = delete;
  InCallback& operator=(const InCallback&) = delete;

  static bool Active() { return depth_ > 0; }

 private:
  static inline thread_local int depth_ = 0;
};

// Runs `body` with the GIL for a callback of the core and lets nothing escape; false if Python is
// shutting down or `body` threw, which has then been reported through `sys.unraisablehook`.
template <class Body>
bool CallPython(const char* where, Body&& body) noexcept {
  InCallback in_callback;
  if (!PythonIsRunning()) return false;
  WithGil gil;
  try {
    body();
    return true;
  } catch (py::error_already_set& error) {
    error.discard_as_unraisable(where);
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
    PyErr_WriteUnraisable(py::str(where).ptr());
  } catch (...) {
    PyErr_SetString(PyExc_RuntimeError, "unknown C++ exception");
    PyErr_WriteUnraisable(py::str(where).ptr());
  }
  return false;
}

}  // namespace tritonserver
