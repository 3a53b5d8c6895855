#include "native/inference/system_thread.h"

#include <pthread.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "native/inference/arrivals.h"
#include "native/triton/gil.h"

namespace tritonserver::inference {
namespace {

using Function = py::typing::Callable<void()>;

// The thread lives on when nobody refers to it any more, as a daemon.
class SystemThread {
 public:
  SystemThread(Function function, const std::string& name) {
    // Where the GIL is not needed to drop it: the thread may fail to start, or never get it.
    auto kept = std::make_shared<GilSafe<Function>>(std::move(function));
    try {
      std::thread thread([kept = std::move(kept), end = end_, name]() mutable {
        pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
        Run(std::move(kept));
        end->Add();
        end->WakeSleepers();
      });
      thread.detach();
    } catch (const std::system_error& error) {
      throw std::runtime_error(std::string("no new thread: ") + error.what());
    }
  }

  bool Join(std::optional<double> seconds) {
    const auto deadline = seconds ? Arrivals::DeadlineIn(*seconds) : std::nullopt;
    const auto result = end_->Wait(0, deadline);
    if (result == Arrivals::WaitResult::kPythonError) throw py::error_already_set();
    return result == Arrivals::WaitResult::kArrival;
  }

 private:
  static void Run(std::shared_ptr<GilSafe<Function>> function) noexcept {
    if (!PythonIsRunning()) return;
    WithGil gil;
    try {
      function->get()();
    } catch (py::error_already_set& error) {
      error.discard_as_unraisable("SystemThread");
    }
    function.reset();
  }

  const std::shared_ptr<Arrivals> end_ = std::make_shared<Arrivals>();
};

}  // namespace

void BindSystemThread(py::module_& module) {
  py::class_<SystemThread>(module, "SystemThread",
                           "A running thread of the system, whatever `threading` has for threads.")
      .def(py::init<Function, std::string>(), py::arg("function"), py::arg("name"),
           "RuntimeError if there can be none. The system keeps 15 characters of the name.")
      .def("join", &SystemThread::Join, py::arg("timeout") = py::none(), R"(
Wait for the end of the function, for so many seconds or without a limit; False if it has not come.

Gives way to signal handlers.)");
}

}  // namespace tritonserver::inference
