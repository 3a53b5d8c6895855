#include "native/inference/one_response.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "native/inference/python_response.h"
#include "native/inference/python_tensor.h"
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

// Whether `outputs` are what would be made of the response, and nobody else has them.
bool MayReuse(const py::object& outputs, const Response& response) {
  if (!outputs || Py_REFCNT(outputs.ptr()) != 1) return false;
  if (PyDict_GET_SIZE(outputs.ptr()) != static_cast<Py_ssize_t>(response.outputs.size())) {
    return false;
  }
  return std::all_of(response.outputs.begin(), response.outputs.end(), [&](const Output& output) {
    PyObject* const tensor = PyDict_GetItemWithError(outputs.ptr(), TextOfName(output.name).ptr());
    return tensor != nullptr && Py_REFCNT(tensor) == 1 && IsNewTensorOf(tensor, output);
  });
}

py::object OutputsOf(Response& response, py::object* previous) {
  if (response.converted != nullptr) return Get(response.converted, names.outputs);
  if (previous == nullptr || response.outputs.empty() ||
      !std::all_of(response.outputs.begin(), response.outputs.end(),
                   std::mem_fn(&Output::is_from_python))) {
    return NewPythonOutputs(response);
  }
  if (MayReuse(*previous, response)) return *previous;
  py::object outputs = NewPythonOutputs(response);
  *previous = outputs;
  return outputs;
}

}  // namespace

python::Outputs OnlyOutputs(Inference& inference, bool raise_on_error, py::object* previous) {
  const Closing closing(inference);
  py::object outputs;
  while (!inference.ended()) {
    const std::uint32_t seen = inference.arrivals();
    std::unique_ptr<Response> response = inference.Take();
    if (response != nullptr) {
      if (response->error && raise_on_error) RaiseErrorOf(std::move(response), inference);
      const py::object found = OutputsOf(*response, previous);
      if (PyObject_Size(found.ptr()) == 0) continue;
      if (outputs) {
        throw Error(
            TRITONSERVER_ERROR_UNSUPPORTED,
            "model '" + response->model_name + "' answers a request more than once; use infer()");
      }
      outputs = found;
    } else if (!inference.ended() &&
               inference.Wait(seen, std::nullopt) == Arrivals::WaitResult::kPythonError) {
      throw py::error_already_set();
    }
  }
  return outputs ? outputs : NewEmptyOutputs();
}

}  // namespace tritonserver::inference
