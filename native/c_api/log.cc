#include "native/c_api/bindings.h"
#include "native/c_api/call.h"

namespace tritonserver {

void BindLog(py::module_& module, Later& later) {
  later.push_back([module]() mutable {
    DefFunction<&Api::LogIsEnabled>(module, "TRITONSERVER_LogIsEnabled",
                                    "Whether messages of this level are logged. Log settings are "
                                    "the process's, not a server's.");
    DefFunction<&Api::LogMessage, Text, Text>(
        module, "TRITONSERVER_LogMessage",
        "Write a message to Triton's log. Of `filename` only the last part is shown.", NoGil());
  });
}

}  // namespace tritonserver
