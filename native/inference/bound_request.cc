#include "native/inference/bound_request.h"

#include <string>
#include <utility>

#include "native/inference/inference.h"
#include "native/inference/iterators.h"
#include "native/inference/numpy.h"
#include "native/inference/one_response.h"
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
class BoundRequest {
 public:
  BoundRequest(py::object model, PyObject* keywords, const py::dict& outputs)
      : model_(std::move(model)),
        fields_(FieldsOfKeywords(keywords)),
        data_(ReadScalars(model_.ptr(), fields_)) {
    if (IsGiven(fields_.inputs)) ReadBoundInputs();
    for (const auto& [name, buffer] : outputs) AddOutput(name.cast<std::string>(), buffer);
  }

  // `owner` keeps this object.
  InferenceReference Send(PyObject* owner, Afterwards afterwards) {
    if (!provided_.buffers.empty() && provided_.in_use.exchange(true)) {
      throw Error(TRITONSERVER_ERROR_UNAVAILABLE,
                  "the buffers for the outputs are in use by the previous run; wait for its "
                  "response first");
    }
    DestroyDeferred();
    try {
      InferenceReference inference = NewInference(Get(model_.ptr(), names._server), data_, fields_);
      inference->setup().bound_request = Py_NewRef(owner);
      if (!provided_.buffers.empty()) inference->setup().provided = &provided_;
      tritonserver::inference::Send(*inference, data_, model_, fields_.trace, afterwards);
      return inference;
    } catch (...) {
      provided_.in_use.store(false);
      EndTrace(fields_.trace);
      throw;
    }
  }

  // For `OnlyOutputs`.
  py::object* previous_outputs() { return &previous_outputs_; }

 private:
  // In-place means in place: what would be a copy would not show later changes.
  void ReadBoundInputs() {
    try {
      ReadInputs(fields_.inputs, Get(model_.ptr(), names._server), &data_);
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
      memory_buffer = AskOthers("output '" + name + "'", [&]() -> py::object {
        return py::handle(classes.MemoryBuffer).attr("from_dlpack")(buffer);
      });
    }
    TensorView view = ReadMemoryBuffer(memory_buffer.ptr());
    memory_buffers_.append(memory_buffer);
    provided_.buffers.push_back({std::move(name), std::move(view), memory_buffer.ptr()});
  }

  py::object model_;
  RequestFields fields_;
  RequestData data_;
  py::list memory_buffers_;
  Inference::ProvidedOutputs provided_;
  py::object previous_outputs_;
};

// --- The base of the class in Python. It has no pybind11 in between, which takes longer than all
// that is left to do for a run.

struct Bound {
  PyObject_HEAD BoundRequest* request;
};

BoundRequest*& RequestOf(PyObject* self) { return reinterpret_cast<Bound*>(self)->request; }

BoundRequest& PreparedRequestOf(PyObject* self) {
  if (RequestOf(self) == nullptr) throw py::type_error("the bound request was never initialised");
  return *RequestOf(self);
}

void Deallocate(PyObject* self) {
  delete RequestOf(self);
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* Prepare(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
  return ForPython<PyObject*>(nullptr, [&] {
    if (count != 3) throw py::type_error("_prepare() takes three arguments");
    if (RequestOf(self) != nullptr) throw py::type_error("a bound request cannot be changed");
    RequestOf(self) =
        new BoundRequest(py::reinterpret_borrow<py::object>(arguments[0]), arguments[1],
                         py::reinterpret_borrow<py::dict>(arguments[2]));
    return Py_NewRef(Py_None);
  });
}

PyObject* Send(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
  return ForPython<PyObject*>(nullptr, [&] {
    if (count != 2) throw py::type_error("_send() takes two arguments");
    const bool raise_on_error = IsTrue(arguments[1]);
    InferenceReference sent = PreparedRequestOf(self).Send(self, Afterwards::kGoOn);
    return NewIterator(arguments[0], sent.release(), raise_on_error).release().ptr();
  });
}

PyObject* Run(PyObject* self, PyObject*) {
  return ForPython<PyObject*>(nullptr, [&] {
    const InferenceReference sent = PreparedRequestOf(self).Send(self, Afterwards::kWait);
    return OnlyOutputs(*sent, true, PreparedRequestOf(self).previous_outputs()).release().ptr();
  });
}

PyMethodDef methods[] = {
    {"_prepare", AsMethod(&Prepare), METH_FASTCALL,
     R"(_prepare(self, model: tritonserver.Model, keywords: tritonserver._api._request.InferenceArguments, outputs: dict[str, tritonserver.Tensor | tritonserver.MemoryBuffer | tritonserver._api._dlpack.DLPackObject], /) -> None

Read everything. Once only, before anything else.)"},
    {"_send", AsMethod(&Send), METH_FASTCALL,
     R"(_send(self, iterator_class: type[AnyIterator], raise_on_error: bool, /) -> AnyIterator

Send the request and return an iterator over its responses.)"},
    {"run", &Run, METH_NOARGS, R"(run(self) -> dict[str, tritonserver.Tensor]

Run a model that answers once, and return its outputs by name.

Raises
------
InvalidArgumentError
    An output does not fit the buffer given for it, or the model refuses an input.
UnavailableError
    The output buffers are in use by another run, or the model is not ready.
UnsupportedError
    The model answered more than once.
TritonError
    The inference failed.)"},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void BindBoundRequest(py::module_& module) {
  PyType_Slot slots[] = {
      {Py_tp_dealloc, reinterpret_cast<void*>(&Deallocate)},
      {Py_tp_methods, methods},
      {Py_tp_doc, const_cast<char*>("A request that is prepared once and sent many times.")},
      {0, nullptr},
  };
  PyType_Spec spec = {"tritonserver._c._inference.BoundRequestBase", sizeof(Bound), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
  module.add_object("BoundRequestBase", PyType_FromSpec(&spec));
}

}  // namespace tritonserver::inference
