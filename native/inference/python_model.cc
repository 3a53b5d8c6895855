#include "native/inference/python_model.h"

#include "native/inference/inference.h"
#include "native/inference/iterators.h"
#include "native/inference/one_response.h"
#include "native/inference/python_types.h"
#include "native/inference/request_data.h"
#include "native/inference/submit.h"

namespace tritonserver::inference {
namespace {

// infer(self, inference_request=None, raise_on_error=True, **fields), as Python passes it.
class InferArguments {
 public:
  InferArguments(const char* function, PyObject* const* arguments, Py_ssize_t count,
                 PyObject* keywords) {
    if (count > 2) {
      PyErr_Format(PyExc_TypeError, "%s() takes at most 2 positional arguments, but got %zd",
                   function, count);
      throw py::error_already_set();
    }
    if (count > 0) request_ = arguments[0];
    if (count > 1) raise_on_error_ = arguments[1];
    if (keywords == nullptr) return;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(keywords); ++i) {
      PyObject* const keyword = PyTuple_GET_ITEM(keywords, i);
      PyObject* const value = arguments[count + i];
      if (Is(keyword, names.inference_request)) {
        Set(&request_, keyword, value, function);
      } else if (Is(keyword, names.raise_on_error)) {
        Set(&raise_on_error_, keyword, value, function);
      } else {
        fields_.Set(keyword, value);
        has_fields_ = true;
      }
    }
  }

  InferenceReference Send(PyObject* self) const {
    if (request_ == nullptr || request_ == Py_None) {
      return SendFields(py::reinterpret_borrow<py::object>(self), fields_, Afterwards::kGoOn);
    }
    if (has_fields_) {
      throw Error(TRITONSERVER_ERROR_INVALID_ARG,
                  "give either an InferenceRequest or its fields as keywords, not both: set them "
                  "on the request");
    }
    if (!py::isinstance(request_, py::handle(classes.InferenceRequest))) {
      RaiseTypeError("inference_request", "an InferenceRequest",
                     py::reinterpret_borrow<py::object>(request_));
    }
    return SendFields(Get(request_, names.model), FieldsOfRequest(request_), Afterwards::kGoOn);
  }

  bool raise_on_error() const { return raise_on_error_ == nullptr || IsTrue(raise_on_error_); }

 private:
  // Names in source code are interned, and of these no two have the same text.
  static bool Is(PyObject* keyword, PyObject* name) {
    if (keyword == name) return true;
    return PyUnicode_CHECK_INTERNED(keyword) == 0 && PyUnicode_Compare(keyword, name) == 0;
  }

  static void Set(PyObject** argument, PyObject* keyword, PyObject* value, const char* function) {
    if (*argument != nullptr) {
      PyErr_Format(PyExc_TypeError, "%s() got multiple values for argument %R", function, keyword);
      throw py::error_already_set();
    }
    *argument = value;
  }

  PyObject* request_ = nullptr;
  PyObject* raise_on_error_ = nullptr;
  RequestFields fields_;
  bool has_fields_ = false;
};

PyObject* SendBy(const char* function, PyObject* iterator_class, PyObject* self,
                 PyObject* const* arguments, Py_ssize_t count, PyObject* keywords) {
  return ForPython<PyObject*>(nullptr, [&] {
    const InferArguments given(function, arguments, count, keywords);
    const bool raise_on_error = given.raise_on_error();
    return NewIterator(iterator_class, given.Send(self).release(), raise_on_error).release().ptr();
  });
}

PyObject* Infer(PyObject* self, PyObject* const* arguments, Py_ssize_t count, PyObject* keywords) {
  return SendBy("infer", classes.ResponseIterator, self, arguments, count, keywords);
}

PyObject* AsyncInfer(PyObject* self, PyObject* const* arguments, Py_ssize_t count,
                     PyObject* keywords) {
  return SendBy("async_infer", classes.AsyncResponseIterator, self, arguments, count, keywords);
}

PyObject* Run(PyObject* self, PyObject* inputs) {
  return ForPython<PyObject*>(nullptr, [&] {
    RequestFields fields;
    fields.inputs = py::reinterpret_borrow<py::object>(inputs);
    const auto model = py::reinterpret_borrow<py::object>(self);
    return OnlyOutputs(*SendFields(model, fields, Afterwards::kWait), true).release().ptr();
  });
}

// The first line is for `inspect.signature`, which has no room for types; the next one for the
// stub.
PyMethodDef methods[] = {
    {"infer", AsMethod(&Infer), METH_FASTCALL | METH_KEYWORDS,
     R"(infer($self, /, inference_request=None, raise_on_error=True, **kwargs)
--

infer(self, inference_request: tritonserver.InferenceRequest | None = None, raise_on_error: bool = True, **kwargs: typing_extensions.Unpack[tritonserver._api._request.InferenceArguments]) -> tritonserver.ResponseIterator

Send a request and return an iterator over its responses.

Does not wait for the model. Contiguous inputs are not copied: do not write to them until the
response is there. They need not be kept.

Parameters
----------
inference_request
    The request; its own model is asked. Either this or keywords.
raise_on_error
    Whether a response that carries an error is raised instead of returned.
**kwargs
    The fields of `InferenceRequest`.

Raises
------
InvalidArgumentError
    An input is unknown, missing, of the wrong type or shape, or cannot be converted.
NotFoundError
    There is no such model.
UnavailableError
    The model or its version is not ready.
TypeError
    A field has the wrong type, or a keyword is unknown.

Notes
-----
C API: TRITONSERVER_InferenceRequestNew, TRITONSERVER_ServerInferAsync)"},
    {"async_infer", AsMethod(&AsyncInfer), METH_FASTCALL | METH_KEYWORDS,
     R"(async_infer($self, /, inference_request=None, raise_on_error=True, **kwargs)
--

async_infer(self, inference_request: tritonserver.InferenceRequest | None = None, raise_on_error: bool = True, **kwargs: typing_extensions.Unpack[tritonserver._api._request.InferenceArguments]) -> tritonserver.AsyncResponseIterator

Send a request and return an asynchronous iterator over its responses.

Not a coroutine: the request is sent at once, as by `infer`, of which all else is true as well.)"},
    {"_run", &Run, METH_O,
     R"(_run(self, inputs: dict[str, object], /) -> dict[str, tritonserver.Tensor]

Send a request, wait for the end of its responses and return the outputs of the only one with any.

C API: TRITONSERVER_InferenceRequestNew, TRITONSERVER_ServerInferAsync)"},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

// The methods have no pybind11 in between, which costs as much as all that is done with the
// arguments, and no Python, which costs half of that.
void BindPythonModel(py::module_& module) {
  PyType_Slot slots[] = {
      {Py_tp_methods, methods},
      {Py_tp_doc, const_cast<char*>("How Model sends requests.")},
      {0, nullptr},
  };
  PyType_Spec spec = {"tritonserver._c._inference.ModelBase", sizeof(PyObject), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
  module.add_object("ModelBase", PyType_FromSpec(&spec));
}

}  // namespace tritonserver::inference
