#include "native/inference/bound_request.h"

#include <memory>
#include <string>
#include <utility>

#include "native/inference/inference.h"
#include "native/inference/iterators.h"
#include "native/inference/numpy.h"
#include "native/inference/one_response.h"
#include "native/inference/python_signatures.h"
#include "native/inference/python_types.h"
#include "native/inference/request_data.h"
#include "native/inference/submit.h"
#include "native/inference/tensor_view.h"

namespace tritonserver::inference {
namespace {

[[noreturn]] void Refuse(const std::string& problem) {
  throw Error(TRITONSERVER_ERROR_INVALID_ARG, problem);
}

// A request with everything read, and the buffers of its outputs.
class BoundRequest : public std::enable_shared_from_this<BoundRequest> {
 public:
  using Outputs = py::typing::Dict<
      py::str, py::typing::Union<python::Tensor, python::MemoryBuffer, python::DLPackObject>>;

  BoundRequest(python::Model model, const python::InferenceArguments& keywords,
               const Outputs& outputs)
      : model_(std::move(model)),
        fields_(FieldsOfKeywords(keywords.ptr())),
        data_(ReadScalars(model_.ptr(), fields_)) {
    if (IsGiven(fields_.inputs)) ReadBoundInputs();
    for (const auto& [name, buffer] : outputs) AddOutput(name.cast<std::string>(), buffer);
  }

  python::AnyIterator Send(const py::typing::Type<python::AnyIterator>& iterator_class,
                           bool raise_on_error) {
    return NewIterator(iterator_class, SendOnce(Afterwards::kGoOn).release(), raise_on_error);
  }

  python::Outputs Run() { return OnlyOutputs(*SendOnce(Afterwards::kWait), true); }

 private:
  // In-place means in place: what would be a copy would not show later changes.
  void ReadBoundInputs() {
    try {
      ReadInputs(fields_.inputs, &data_);
    } catch (const Error& refusal) {
      ThrowExplained(refusal, model_, data_);
    }
    for (const auto& [name, view] : data_.inputs) {
      const py::object value = fields_.inputs[py::str(name)];
      if (NumPy::get().PyArray_Check_(value.ptr()) && view.owner.ptr() != value.ptr() &&
          view.data_type != TRITONSERVER_TYPE_BYTES) {
        Refuse("input '" + name +
               "' would have to be copied, so that later changes would not be seen; give a "
               "C-contiguous array in native byte order");
      }
    }
  }

  void AddOutput(std::string name, py::handle buffer) {
    if (data_.classification.CountOf(name.c_str()) > 0) {
      Refuse("output '" + name +
             "' is requested as classes, which cannot be written to a buffer; drop one of the two");
    }
    py::object memory_buffer = py::reinterpret_borrow<py::object>(buffer);
    if (py::isinstance(buffer, py::handle(classes.Tensor))) {
      memory_buffer = Get(buffer.ptr(), names.memory_buffer);
    } else if (!py::isinstance(buffer, py::handle(classes.MemoryBuffer))) {
      memory_buffer = py::handle(classes.MemoryBuffer).attr("from_dlpack")(buffer);
    }
    TensorView view = ReadMemoryBuffer(memory_buffer.ptr());
    memory_buffers_.append(memory_buffer);
    provided_.buffers.push_back({std::move(name), std::move(view), memory_buffer.ptr()});
  }

  InferenceReference SendOnce(Afterwards afterwards) {
    if (!provided_.buffers.empty() && provided_.in_use.exchange(true)) {
      throw Error(TRITONSERVER_ERROR_UNAVAILABLE,
                  "the buffers for the outputs are in use by the previous run; wait for its "
                  "response first");
    }
    DestroyDeferred();
    try {
      InferenceReference inference = NewInference(Get(model_.ptr(), names._server), data_, fields_);
      inference->setup().bound_request = py::cast(shared_from_this()).release().ptr();
      if (!provided_.buffers.empty()) inference->setup().provided = &provided_;
      tritonserver::inference::Send(*inference, data_, model_, fields_.trace, afterwards);
      return inference;
    } catch (...) {
      provided_.in_use.store(false);
      throw;
    }
  }

  py::object model_;
  RequestFields fields_;
  RequestData data_;
  py::list memory_buffers_;
  Inference::ProvidedOutputs provided_;
};

}  // namespace

void BindBoundRequest(py::module_& module) {
  py::class_<BoundRequest, std::shared_ptr<BoundRequest>>(
      module, "BoundRequest", "A request that is prepared once and sent many times.")
      .def(py::init<python::Model, const python::InferenceArguments&,
                    const BoundRequest::Outputs&>(),
           py::arg("model"), py::arg("keywords"), py::arg("outputs"))
      .def("send", &BoundRequest::Send, py::arg("iterator_class"), py::arg("raise_on_error"),
           "Send the request and return an iterator over its responses.")
      .def("run", &BoundRequest::Run,
           "Send the request, wait for the end of its responses and return the outputs of the only "
           "one with any.");
}

}  // namespace tritonserver::inference
