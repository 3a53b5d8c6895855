#include "native/inference/one_response.h"

#include <cstdint>
#include <memory>
#include <optional>

#include "native/inference/python_response.h"
#include "native/inference/python_types.h"
#include "native/inference/response.h"

namespace tritonserver::inference {
namespace {

class Closing {
 public:
  explicit Closing(Inference& inference) : inference_(inference) {}
  ~Closing() {
    if (!inference_.ended()) inference_.Cancel();
    inference_.ReaderIsGone();
  }
  Closing(const Closing&) = delete;
  Closing& operator=(const Closing&) = delete;

 private:
  Inference& inference_;
};

}  // namespace

python::Outputs OnlyOutputs(Inference& inference, bool raise_on_error) {
  const Closing closing(inference);
  py::object outputs;
  while (!inference.ended()) {
    const std::uint32_t seen = inference.arrivals();
    std::unique_ptr<Response> response = inference.Take();
    if (response != nullptr) {
      if (response->error && raise_on_error) RaiseErrorOf(std::move(response), inference);
      const py::object found = response->converted != nullptr
                                   ? Get(response->converted, names.outputs)
                                   : NewPythonOutputs(*response);
      if (PyObject_Size(found.ptr()) == 0) continue;
      if (outputs) {
        throw Error(
            TRITONSERVER_ERROR_UNSUPPORTED,
            "model '" + response->model_name + "' answers a request more than once; use infer()");
      }
      outputs = found;
    } else if (!inference.ended() &&
               inference.Wait(seen, std::nullopt) == Inference::WaitResult::kPythonError) {
      throw py::error_already_set();
    }
  }
  return outputs ? outputs : Steal(PyDict_New());
}

}  // namespace tritonserver::inference
