#include "native/inference/iterators.h"

#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "native/inference/one_response.h"
#include "native/inference/python_response.h"
#include "native/inference/python_types.h"
#include "native/inference/waker.h"
#include "native/inference/wakeup.h"

namespace tritonserver::inference {
namespace {

// --- What both iterators share

struct Responses {
  PyObject_HEAD Inference* inference;
  bool raise_on_error;
  bool started;  // something was read, or somebody gave up waiting
  bool closed;
};

Responses& ResponsesOf(PyObject* self) { return *reinterpret_cast<Responses*>(self); }

bool IsAtEnd(const Responses& responses) {
  return responses.closed || responses.inference->ended();
}

// The next response for the user, if one is there; throws its error if it is to be raised.
py::object TakeNext(Responses& responses) {
  std::unique_ptr<Response> response = responses.inference->Take();
  if (response == nullptr) return py::object();
  responses.started = true;
  const Inference& inference = *responses.inference;
  if (responses.raise_on_error && response->error) RaiseErrorOf(std::move(response), inference);
  return ToPythonResponse(std::move(response), inference);
}

PyObject* CancelResponses(PyObject* self, PyObject*) {
  ResponsesOf(self).inference->Cancel();
  Py_RETURN_NONE;
}

PyObject* CloseResponses(PyObject* self, PyObject*) {
  Responses& responses = ResponsesOf(self);
  if (!IsAtEnd(responses)) responses.inference->Cancel();
  responses.closed = true;
  responses.inference->ReaderIsGone();
  Py_RETURN_NONE;
}

void DeallocateResponses(PyObject* self) {
  Responses& responses = ResponsesOf(self);
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  // Whoever leaves a stream early does not want the rest. Whoever never looked wants it to run.
  if (responses.started && !IsAtEnd(responses) && !responses.inference->setup().feeds_queue) {
    responses.inference->Cancel();
  }
  responses.inference->ReaderIsGone();
  responses.inference->ReleaseWithGil();
  PyErr_Restore(type, value, traceback);
  PyTypeObject* self_type = Py_TYPE(self);
  self_type->tp_free(self);
  Py_DECREF(self_type);
}

constexpr const char* kCancelDoc = R"(cancel(self) -> None

Ask the model to stop. Best effort, and harmless when the request has finished.

The stream still ends with a final response: an error of code CANCELLED, or just an early end, as
the backend decides. Does not block.

C API: TRITONSERVER_InferenceRequestCancel)";

constexpr const char* kCloseDoc = R"(close(self) -> None

Cancel what is still running and drop what was not read. Closing twice is allowed. Does not block.)";

PyMethodDef responses_methods[] = {
    {"cancel", &CancelResponses, METH_NOARGS, kCancelDoc},
    {"close", &CloseResponses, METH_NOARGS, kCloseDoc},
    {nullptr, nullptr, 0, nullptr},
};

// --- The synchronous iterator

// Null without a Python error at the end.
PyObject* NextResponse(PyObject* self, std::optional<Arrivals::Clock::time_point> deadline) {
  Responses& responses = ResponsesOf(self);
  Inference& inference = *responses.inference;
  while (!IsAtEnd(responses)) {
    const std::uint32_t seen = inference.arrivals();
    py::object response = TakeNext(responses);
    if (response) return response.release().ptr();
    if (IsAtEnd(responses)) break;
    switch (inference.Wait(seen, deadline)) {
      case Arrivals::WaitResult::kArrival:
        break;
      case Arrivals::WaitResult::kTimeout:
        PyErr_SetString(PyExc_TimeoutError, "no response came in time");
        throw py::error_already_set();
      case Arrivals::WaitResult::kPythonError:
        responses.started = true;
        throw py::error_already_set();
    }
  }
  return nullptr;
}

PyObject* IterNext(PyObject* self) {
  return ForPython<PyObject*>(nullptr, [&] { return NextResponse(self, std::nullopt); });
}

std::optional<Arrivals::Clock::time_point> DeadlineIn(PyObject* timeout) {
  if (timeout == Py_None) return std::nullopt;
  const double seconds = PyFloat_AsDouble(timeout);
  if (seconds == -1 && PyErr_Occurred() != nullptr) throw py::error_already_set();
  if (std::isnan(seconds)) throw py::value_error("timeout must be a number of seconds, not NaN");
  return Arrivals::DeadlineIn(seconds);
}

PyObject* NextWithTimeout(PyObject* self, PyObject* timeout) {
  return ForPython<PyObject*>(nullptr, [&] {
    PyObject* response = NextResponse(self, DeadlineIn(timeout));
    if (response == nullptr) throw py::stop_iteration();
    return response;
  });
}

constexpr const char* kNextDoc =
    R"(_next(self, timeout: float | None, /) -> tritonserver.InferenceResponse

The next response, within `timeout` seconds if that is not None.)";

PyObject* OnlyOutputsOf(PyObject* self, PyObject*) {
  return ForPython<PyObject*>(nullptr, [&] {
    Responses& responses = ResponsesOf(self);
    responses.closed = true;
    return OnlyOutputs(*responses.inference, responses.raise_on_error).release().ptr();
  });
}

constexpr const char* kOnlyOutputsDoc =
    R"(_only_outputs(self) -> dict[str, tritonserver.Tensor]

Wait for the end, close, and return the outputs of the one response that has any.

UnsupportedError if several have.)";

PyMethodDef sync_methods[] = {
    {"_only_outputs", &OnlyOutputsOf, METH_NOARGS, kOnlyOutputsDoc},
    {"_next", &NextWithTimeout, METH_O, kNextDoc},
    {nullptr, nullptr, 0, nullptr},
};

// --- The asynchronous iterator and what its `__anext__` returns

// A coroutine in all but its type: it yields a wake-up for the event loop on which it waits. That
// holds no response, so cancelling it loses none.
struct Next {
  PyObject_HEAD PyObject* responses;
  PyObject* wakeup;  // being waited for
  bool finished;
};

PyTypeObject* next_type;

Next& NextOf(PyObject* self) { return *reinterpret_cast<Next*>(self); }

void StopWaiting(Next& next) {
  if (next.wakeup == nullptr) return;
  ResponsesOf(next.responses).inference->RemoveWaiter(next.wakeup);
  Py_CLEAR(next.wakeup);
}

// Unless something has arrived.
void StartWaiting(Next& next, std::uint32_t seen) {
  const py::object loop = RunningLoop();
  if (loop.is_none()) {
    PyErr_SetString(PyExc_RuntimeError,
                    "an asynchronous response iterator needs a running asyncio event loop");
    throw py::error_already_set();
  }
  Inference& inference = *ResponsesOf(next.responses).inference;
  std::shared_ptr<Waker> waker = Waker::OfLoop(loop.ptr());
  // Two rounds of the loop take longer than the response of a fast model.
  if (waker->loop_is_idle() && inference.WaitBriefly(seen)) return;
  py::object wakeup = NewWakeup(loop);
  if (inference.AddWaiter(seen, std::move(waker), wakeup.ptr())) {
    next.wakeup = wakeup.release().ptr();
  }
}

// A task that finds its responses there at once would keep the event loop from anything else.
constexpr unsigned kMostStepsInARow = 256;
thread_local unsigned steps_in_a_row = 0;

// Goes on until a response is there (PYGEN_RETURN) or something must be waited for (PYGEN_NEXT): a
// wake-up, or None for the next round of the loop.
PySendResult Step(Next& next, PyObject** result) {
  if (next.finished) {
    PyErr_SetString(PyExc_RuntimeError, "cannot reuse already awaited __anext__()");
    throw py::error_already_set();
  }
  Responses& responses = ResponsesOf(next.responses);
  StopWaiting(next);
  if (++steps_in_a_row > kMostStepsInARow) {
    steps_in_a_row = 0;
    responses.started = true;
    *result = Py_NewRef(Py_None);
    return PYGEN_NEXT;
  }
  for (;;) {
    const std::uint32_t seen = responses.inference->arrivals();
    py::object response = IsAtEnd(responses) ? py::object() : TakeNext(responses);
    if (response) {
      next.finished = true;
      *result = response.release().ptr();
      return PYGEN_RETURN;
    }
    if (IsAtEnd(responses)) {
      // Every stream ends like this, so no C++ exception, which is slow.
      PyErr_SetNone(PyExc_StopAsyncIteration);
      return PYGEN_ERROR;
    }
    StartWaiting(next, seen);
    if (next.wakeup != nullptr) {
      steps_in_a_row = 0;
      *result = Py_NewRef(next.wakeup);
      return PYGEN_NEXT;
    }
  }
}

PySendResult SendNext(PyObject* self, PyObject*, PyObject** result) {
  *result = nullptr;
  const PySendResult sent = ForPython(PYGEN_ERROR, [&] { return Step(NextOf(self), result); });
  if (sent == PYGEN_ERROR) NextOf(self).finished = true;
  return sent;
}

PyObject* IterNextOfNext(PyObject* self) {
  PyObject* result;
  switch (SendNext(self, Py_None, &result)) {
    case PYGEN_NEXT:
      return result;
    case PYGEN_RETURN: {
      PyObject* stop = PyObject_CallOneArg(PyExc_StopIteration, result);
      Py_DECREF(result);
      if (stop != nullptr) {
        PyErr_SetObject(PyExc_StopIteration, stop);
        Py_DECREF(stop);
      }
      return nullptr;
    }
    default:
      return nullptr;
  }
}

PyObject* SendMethod(PyObject* self, PyObject*) { return IterNextOfNext(self); }

// Gives up waiting; the response, if it comes, is for the next one who asks.
void GiveUp(Next& next) {
  ResponsesOf(next.responses).started = true;
  StopWaiting(next);
  next.finished = true;
}

// throw(value) or throw(type[, value[, traceback]])
PyObject* ThrowMethod(PyObject* self, PyObject* arguments) {
  PyObject *type, *value = nullptr, *traceback = nullptr;
  if (PyArg_ParseTuple(arguments, "O|OO:throw", &type, &value, &traceback) == 0) return nullptr;
  return ForPython<PyObject*>(nullptr, [&]() -> PyObject* {
    GiveUp(NextOf(self));
    py::object exception = py::reinterpret_borrow<py::object>(type);
    if (PyType_Check(type)) {
      if (value == nullptr || value == Py_None) {
        exception = Steal(PyObject_CallNoArgs(type));
      } else if (PyObject_IsInstance(value, type) == 1) {
        exception = py::reinterpret_borrow<py::object>(value);
      } else {
        exception = Steal(PyObject_CallOneArg(type, value));
      }
    }
    if (!PyExceptionInstance_Check(exception.ptr())) throw py::type_error("not an exception");
    if (traceback != nullptr && traceback != Py_None) {
      PyException_SetTraceback(exception.ptr(), traceback);
    }
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception.ptr())), exception.ptr());
    throw py::error_already_set();
  });
}

PyObject* CloseMethod(PyObject* self, PyObject*) {
  Next& next = NextOf(self);
  if (next.wakeup != nullptr) GiveUp(next);
  next.finished = true;
  Py_RETURN_NONE;
}

void DeallocateNext(PyObject* self) {
  PyObject_GC_UnTrack(self);
  Next& next = NextOf(self);
  if (next.wakeup != nullptr) GiveUp(next);
  Py_CLEAR(next.responses);
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

int TraverseNext(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(NextOf(self).responses);
  Py_VISIT(NextOf(self).wakeup);
  return 0;
}

int ClearNext(PyObject* self) {
  Next& next = NextOf(self);
  if (next.wakeup != nullptr) GiveUp(next);
  next.finished = true;
  return 0;
}

PyObject* AsyncNext(PyObject* self) {
  PyObject* made = next_type->tp_alloc(next_type, 0);
  if (made != nullptr) NextOf(made).responses = Py_NewRef(self);
  return made;
}

PyMethodDef next_methods[] = {
    {"send", &SendMethod, METH_O,
     "send(self, value: None, /) -> tritonserver._c._inference.Wakeup\n\nGo on, as the event loop "
     "does."},
    {"throw", &ThrowMethod, METH_VARARGS,
     "throw(self, type: type[BaseException] | BaseException, value: object = None, "
     "traceback: types.TracebackType | None = None, /) -> typing.NoReturn\n\n"
     "Give up waiting and raise the exception."},
    {"close", &CloseMethod, METH_NOARGS, "close(self) -> None\n\nGive up waiting."},
    {nullptr, nullptr, 0, nullptr},
};

PyObject* Self(PyObject* self) { return Py_NewRef(self); }

PyObject* AddClass(py::module_& module, const char* name, int size, unsigned flags,
                   PyType_Slot* slots, PyObject* base) {
  const std::string qualified = std::string("tritonserver._c._inference.") + name;
  // The type refers to the name for ever.
  PyType_Spec spec = {(new std::string(qualified))->c_str(), size, 0,
                      static_cast<unsigned>(Py_TPFLAGS_DEFAULT) | flags, slots};
  PyObject* cls = Steal(PyType_FromSpecWithBases(&spec, base)).release().ptr();
  module.add_object(name, cls);
  return cls;
}

}  // namespace

py::object NewIterator(py::handle iterator_class, Inference* inference, bool raise_on_error) {
  auto* type = reinterpret_cast<PyTypeObject*>(iterator_class.ptr());
  PyObject* made = type->tp_alloc(type, 0);
  if (made == nullptr) {
    inference->ReleaseWithGil();
    throw py::error_already_set();
  }
  Responses& responses = ResponsesOf(made);
  responses.inference = inference;
  responses.raise_on_error = raise_on_error;
  return py::reinterpret_steal<py::object>(made);
}

void BindIterators(py::module_& module) {
  constexpr unsigned kBase = Py_TPFLAGS_BASETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION;
  PyType_Slot base_slots[] = {
      Slot(Py_tp_dealloc, &DeallocateResponses),
      {Py_tp_methods, responses_methods},
      {Py_tp_doc, const_cast<char*>("The responses of one request.")},
      {0, nullptr},
  };
  PyObject* base = AddClass(module, "Responses", sizeof(Responses), kBase, base_slots, nullptr);
  module.attr("AnyIterator") = py::module_::import("typing").attr("TypeVar")(
      "AnyIterator", py::arg("bound") = py::handle(base));
  PyType_Slot sync_slots[] = {
      Slot(Py_tp_iter, &Self),
      Slot(Py_tp_iternext, &IterNext),
      {Py_tp_methods, sync_methods},
      {Py_tp_doc, const_cast<char*>("The responses of one request; waits for the next one.")},
      {0, nullptr},
  };
  AddClass(module, "SyncResponses", sizeof(Responses), kBase, sync_slots, base);
  PyType_Slot async_slots[] = {
      Slot(Py_am_aiter, &Self),
      Slot(Py_am_anext, &AsyncNext),
      {Py_tp_doc, const_cast<char*>("The responses of one request; awaits the next one.")},
      {0, nullptr},
  };
  AddClass(module, "AsyncResponses", sizeof(Responses), kBase, async_slots, base);
  PyType_Slot next_slots[] = {
      Slot(Py_tp_dealloc, &DeallocateNext),
      Slot(Py_tp_traverse, &TraverseNext),
      Slot(Py_tp_clear, &ClearNext),
      Slot(Py_tp_iter, &Self),
      Slot(Py_tp_iternext, &IterNextOfNext),
      Slot(Py_am_await, &Self),
      Slot(Py_am_send, &SendNext),
      {Py_tp_methods, next_methods},
      {Py_tp_doc, const_cast<char*>("Waits for the next response.")},
      {0, nullptr},
  };
  PyObject* next =
      AddClass(module, "NextResponse", sizeof(Next),
               Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, next_slots, nullptr);
  next_type = reinterpret_cast<PyTypeObject*>(next);
  // For those who ask with isinstance(), like asyncio.
  py::module_::import("collections.abc").attr("Coroutine").attr("register")(py::handle(next));
}

}  // namespace tritonserver::inference
