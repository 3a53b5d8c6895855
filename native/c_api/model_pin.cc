#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "native/c_api/bindings.h"
#include "native/c_api/call.h"

namespace tritonserver {
namespace {

// Keeps a model alive: a request that is never sent. Unlike other requests it is not taken away
// when the server stops; whoever has it must drop it for the server to be able to.
class ModelPin : public PythonClass {
 public:
  ModelPin(std::shared_ptr<Server> server, const std::string& model_name,
           Integer<std::int64_t> model_version)
      : server_(std::move(server)),
        request_(New<&Api::InferenceRequestNew>(server_->get(), model_name.c_str(),
                                                model_version.value)) {}
  ~ModelPin() {
    if (!server_->InItsProcess()) request_.Release();
  }

 private:
  std::shared_ptr<Server> server_;
  Handle<TRITONSERVER_InferenceRequest> request_;
};

}  // namespace

void BindModelPin(py::module_& module, Later& later) {
  py::class_<ModelPin> pin(module, "_ModelPin", R"(
Keeps a model from being destroyed while the object lives, also when the server stops.

The core crashes when it destroys a model whose thread is still at the end of an execution.

C API: TRITONSERVER_InferenceRequestNew, TRITONSERVER_InferenceRequestDelete)",
                           py::release_gil_before_calling_cpp_dtor());
  later.push_back([pin]() mutable {
    pin.def(py::init([](std::shared_ptr<Server> server, const String& model_name,
                        Integer<std::int64_t> model_version) {
              CheckName("model_name", model_name);
              return std::make_unique<ModelPin>(std::move(server), model_name, model_version);
            }),
            py::arg("server").none(false), py::arg("model_name"), py::arg("model_version"),
            "NotFoundError or UnavailableError if the model cannot be asked.");
  });
}

}  // namespace tritonserver
