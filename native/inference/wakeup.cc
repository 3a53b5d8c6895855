#include "native/inference/wakeup.h"

#include <structmember.h>

#include <cstddef>
#include <utility>

#include "native/inference/python_types.h"

namespace tritonserver::inference {
namespace {

enum class State { kWaiting, kWoken, kCancelled };

struct Wakeup {
  PyObject_HEAD PyObject* loop;
  PyObject* callback;  // of the task that waits
  PyObject* context;   // to call it in
  PyObject* message;   // of the cancellation
  State state;
  bool is_yielded;  // by `await`, as tasks make sure
};

PyTypeObject* wakeup_type;

Wakeup& WakeupOf(PyObject* self) { return *reinterpret_cast<Wakeup*>(self); }

// What calling a task takes. Without a callback no task waits.
struct Task {
  py::object callback;
  py::object context;
};

// The task that waits, which from now on does not. None if it was woken before.
Task TakeTask(PyObject* self, State state) {
  Wakeup& wakeup = WakeupOf(self);
  if (wakeup.state == State::kWaiting) wakeup.state = state;
  return {py::reinterpret_steal<py::object>(std::exchange(wakeup.callback, nullptr)),
          py::reinterpret_steal<py::object>(std::exchange(wakeup.context, nullptr))};
}

// As a future does it.
void CallSoon(PyObject* self, const Task& task) {
  py::handle(WakeupOf(self).loop)
      .attr(py::handle(names.call_soon))(task.callback, py::handle(self),
                                         py::arg("context") = task.context);
}

// The current context becomes `context`, which another call may have entered already.
class Entered {
 public:
  explicit Entered(PyObject* context) : context_(context) {
    if (PyContext_Enter(context) == 0) return;
    context_ = nullptr;
    PyErr_Clear();
  }
  ~Entered() {
    if (context_ != nullptr && PyContext_Exit(context_) != 0) PyErr_Clear();
  }
  Entered(const Entered&) = delete;
  Entered& operator=(const Entered&) = delete;

  explicit operator bool() const { return context_ != nullptr; }

 private:
  PyObject* context_;
};

PyObject* GetLoop(PyObject* self, PyObject*) { return Py_NewRef(WakeupOf(self).loop); }

// add_done_callback(callback, *, context)
PyObject* AddDoneCallback(PyObject* self, PyObject* const* arguments, Py_ssize_t count,
                          PyObject* keywords) {
  return ForPython<PyObject*>(nullptr, [&] {
    Wakeup& wakeup = WakeupOf(self);
    if (count != 1 || keywords == nullptr || PyTuple_GET_SIZE(keywords) != 1) {
      throw py::type_error("add_done_callback() takes a callback and the keyword `context`");
    }
    if (wakeup.callback != nullptr) {
      PyErr_SetString(PyExc_RuntimeError, "another task waits for this wake-up");
      throw py::error_already_set();
    }
    wakeup.callback = Py_NewRef(arguments[0]);
    wakeup.context = Py_NewRef(arguments[1]);
    if (wakeup.state != State::kWaiting) CallSoon(self, TakeTask(self, wakeup.state));
    return Py_NewRef(Py_None);
  });
}

// cancel(msg=None)
PyObject* Cancel(PyObject* self, PyObject* arguments, PyObject* keywords) {
  static const char* const parameters[] = {"msg", nullptr};
  PyObject* message = Py_None;
  if (PyArg_ParseTupleAndKeywords(arguments, keywords, "|O:cancel", const_cast<char**>(parameters),
                                  &message) == 0) {
    return nullptr;
  }
  return ForPython<PyObject*>(nullptr, [&] {
    Wakeup& wakeup = WakeupOf(self);
    if (wakeup.state != State::kWaiting) return Py_NewRef(Py_False);
    wakeup.message = Py_NewRef(message);
    const Task task = TakeTask(self, State::kCancelled);
    if (task.callback) CallSoon(self, task);
    return Py_NewRef(Py_True);
  });
}

PyObject* Result(PyObject* self, PyObject*) {
  Wakeup& wakeup = WakeupOf(self);
  if (wakeup.state == State::kWoken) Py_RETURN_NONE;
  return ForPython<PyObject*>(nullptr, [&]() -> PyObject* {
    const py::module_ asyncio = py::module_::import("asyncio");
    if (wakeup.state == State::kWaiting) {
      PyErr_SetString(asyncio.attr("InvalidStateError").ptr(), "nothing has arrived yet");
    } else if (wakeup.message == Py_None) {
      PyErr_SetNone(asyncio.attr("CancelledError").ptr());
    } else {
      PyErr_SetObject(asyncio.attr("CancelledError").ptr(), wakeup.message);
    }
    throw py::error_already_set();
  });
}

PyObject* Done(PyObject* self, PyObject*) {
  return PyBool_FromLong(WakeupOf(self).state != State::kWaiting);
}

int Traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(WakeupOf(self).loop);
  Py_VISIT(WakeupOf(self).callback);
  Py_VISIT(WakeupOf(self).context);
  Py_VISIT(WakeupOf(self).message);
  return 0;
}

int Clear(PyObject* self) {
  Py_CLEAR(WakeupOf(self).callback);
  Py_CLEAR(WakeupOf(self).context);
  Py_CLEAR(WakeupOf(self).message);
  return 0;
}

void Deallocate(PyObject* self) {
  PyObject_GC_UnTrack(self);
  Clear(self);
  Py_CLEAR(WakeupOf(self).loop);
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

PyMethodDef methods[] = {
    {"get_loop", &GetLoop, METH_NOARGS,
     "get_loop(self) -> asyncio.AbstractEventLoop\n\nThe loop whose task may wait."},
    {"add_done_callback", AsMethod(&AddDoneCallback), METH_FASTCALL | METH_KEYWORDS,
     "add_done_callback(self, callback: collections.abc.Callable[[typing_extensions.Self], "
     "object], /, *, context: contextvars.Context) -> None\n\nHave the task that waits called."},
    {"cancel", AsMethod(&Cancel), METH_VARARGS | METH_KEYWORDS,
     "cancel(self, msg: object = None) -> bool\n\nWake the task with a CancelledError; whether it "
     "was still waiting."},
    {"done", &Done, METH_NOARGS, "done(self) -> bool\n\nWhether nobody has to wait any more."},
    {"result", &Result, METH_NOARGS, "result(self) -> None\n\nRaises CancelledError if cancelled."},
    {nullptr, nullptr, 0, nullptr},
};

PyMemberDef members[] = {
    {const_cast<char*>("_asyncio_future_blocking"), T_BOOL, offsetof(Wakeup, is_yielded), 0,
     "bool"},
    {nullptr, 0, 0, 0, nullptr},
};

}  // namespace

py::object NewWakeup(const py::object& loop) {
  py::object made = Steal(wakeup_type->tp_alloc(wakeup_type, 0));
  Wakeup& wakeup = WakeupOf(made.ptr());
  wakeup.loop = py::object(loop).release().ptr();
  wakeup.is_yielded = true;
  return made;
}

void WakeTaskNow(PyObject* self) {
  const Task task = TakeTask(self, State::kWoken);
  if (!task.callback) return;
  if (const Entered entered(task.context.ptr()); entered) {
    Steal(PyObject_CallOneArg(task.callback.ptr(), self));
  } else {
    CallSoon(self, task);
  }
}

void WakeTaskSoon(PyObject* self) {
  const Task task = TakeTask(self, State::kWoken);
  if (task.callback) CallSoon(self, task);
}

void BindWakeup(py::module_& module) {
  PyType_Slot slots[] = {
      {Py_tp_dealloc, reinterpret_cast<void*>(&Deallocate)},
      {Py_tp_traverse, reinterpret_cast<void*>(&Traverse)},
      {Py_tp_clear, reinterpret_cast<void*>(&Clear)},
      {Py_tp_methods, methods},
      {Py_tp_members, members},
      {Py_tp_doc, const_cast<char*>("Wakes the task that waits for the next response.")},
      {0, nullptr},
  };
  PyType_Spec spec = {"tritonserver._c._inference.Wakeup", sizeof(Wakeup), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                      slots};
  wakeup_type = reinterpret_cast<PyTypeObject*>(Steal(PyType_FromSpec(&spec)).release().ptr());
  module.add_object("Wakeup", py::handle(reinterpret_cast<PyObject*>(wakeup_type)));
}

}  // namespace tritonserver::inference
