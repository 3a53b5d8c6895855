// What a coroutine yields to its event loop to be woken: a future in all that tasks of asyncio ask
// of one.
//
// A future of asyncio's has its callbacks called in the next round of the loop, each through a
// handle of its own. This one calls its task at once, on the loop's thread, which is several times
// cheaper; one round of the loop so goes on with all tasks whose responses came.
#pragma once

#include <pybind11/pybind11.h>

namespace tritonserver::inference {

namespace py = pybind11;

// A new one for tasks of `loop`, which is running.
py::object NewWakeup(const py::object& loop);

// Has the task go on that waits for `wakeup`, if it is still waiting: now, on the loop's thread,
// which runs no task, or in the next round. `WakeTaskNow` throws what the task lets out of its
// loop, KeyboardInterrupt and SystemExit.
void WakeTaskNow(PyObject* wakeup);
void WakeTaskSoon(PyObject* wakeup);

void BindWakeup(py::module_& module);

}  // namespace tritonserver::inference
