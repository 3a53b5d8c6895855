#include <pybind11/typing.h>

#include <map>
#include <memory>
#include <tuple>

#include "native/c_api/bindings.h"
#include "native/c_api/call.h"
#include "native/c_api/error.h"
#include "native/triton/loader.h"

namespace tritonserver {
namespace {

using Locate = py::typing::Callable<py::typing::Tuple<py::str, py::str, py::str, py::str>()>;

void SetPythonHomeLocator(Locate locate) {
  auto kept = std::make_shared<GilSafe<Locate>>(std::move(locate));
  SetHomeLocator([kept] {
    WithGil gil;
    try {
      auto [library, backends, caches, repository_agents] =
          kept->get()().cast<std::tuple<std::string, std::string, std::string, std::string>>();
      return Home{library, backends, caches, repository_agents};
    } catch (const py::error_already_set& exception) {
      throw ErrorFromPython(exception);
    } catch (const py::cast_error&) {
      throw Error(TRITONSERVER_ERROR_INVALID_ARG, "the home locator must return four strings");
    }
  });
}

using Activate = py::typing::Callable<void()>;

void SetPythonHomeActivator(Activate activate) {
  auto kept = std::make_shared<GilSafe<Activate>>(std::move(activate));
  SetHomeActivator([kept] {
    if (!PythonIsRunning()) return;
    WithGil gil;
    try {
      kept->get()();
    } catch (const py::error_already_set& exception) {
      throw ErrorFromPython(exception);
    }
  });
}

void LoadLibrary(const String& library, const String& backends, const String& caches,
                 const String& repository_agents) {
  CheckName("library", library);
  LoadCore(Home{library, backends, caches, repository_agents});
}

}  // namespace

PYBIND11_MODULE(triton_bindings, module) {
  module.doc() = R"(Triton's in-process C API, one to one.

A class or function for each C name, with the same meaning: results instead of output parameters,
exceptions instead of errors. The Triton core is found and opened by the first call that needs it.)";

  Later later;
  BindErrors(module, later);
  BindEnums(module, later);
  BindLog(module, later);
  BindParameter(module, later);
  BindMessage(module, later);
  BindBufferAttributes(module, later);
  BindResponseAllocator(module, later);
  BindMetrics(module, later);
  BindTrace(module, later);
  BindResponse(module, later);
  BindRequest(module, later);
  BindServerOptions(module, later);
  BindServer(module, later);
  BindModelPin(module, later);
  for (auto& add : later) add();

  DefFunction<&Api::ApiVersion>(module, "api_version",
                                "Major and minor version of the C API that the core implements.");
  module.def("_set_home_locator", &SetPythonHomeLocator, py::arg("locate"),
             R"(Set what finds the Triton core when the first call needs it.

`locate` returns the paths of the library and of the directories with backends, caches and
repository agents; an empty directory means the core's own default.)");
  module.def("_set_home_activator", &SetPythonHomeActivator, py::arg("activate"),
             "Set what is called before every call that may start processes of models.");
  module.def("_load_library", &LoadLibrary, py::arg("library"), py::arg("backends"),
             py::arg("caches"), py::arg("repository_agents"), NoGil(),
             "Open this Triton core now. AlreadyExistsError if another one is in use.");
  module.def("_loaded_library", &LoadedLibrary, "Path of the Triton core in use, if there is one.");
  module.def("_set_call_counting", &CountCalls, py::arg("enabled"),
             "Whether to count the calls of the C API. Only before a core is in use.");
  module.def("_call_counts", &CallCounts, "Calls of each function of the C API so far.");
}

}  // namespace tritonserver
