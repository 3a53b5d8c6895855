// Types that only Python knows, as they appear in the signatures of functions.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/typing.h>

namespace tritonserver::inference {

namespace py = pybind11;

// Type in C++, what is checked of it, type in Python. `AnyIterator` is the type variable that
// `BindIterators` makes.
#define TRITONSERVER_PYTHON_TYPES(TYPE)                                                \
  TYPE(AnyIterator, Unchecked, "AnyIterator")                                          \
  TYPE(ArrayLike, Unchecked, "numpy.typing.ArrayLike")                                 \
  TYPE(DLPackObject, Unchecked, "tritonserver._api._dlpack.DLPackObject")              \
  TYPE(InferenceArguments, py::dict, "tritonserver._api._request.InferenceArguments")  \
  TYPE(InferenceRequest, Unchecked, "tritonserver.InferenceRequest")                   \
  TYPE(MemoryBuffer, Unchecked, "tritonserver.MemoryBuffer")                           \
  TYPE(Model, Unchecked, "tritonserver.Model")                                         \
  TYPE(NativeServer, Unchecked, "tritonserver._c.triton_bindings.TRITONSERVER_Server") \
  TYPE(Tensor, Unchecked, "tritonserver.Tensor")

namespace python {

inline bool IsObject(PyObject*) { return true; }

class Unchecked : public py::object {
  PYBIND11_OBJECT_DEFAULT(Unchecked, py::object, IsObject)
};

#define TYPE(name, base, spelling) \
  class name : public base {       \
    using Base = base;             \
                                   \
   public:                         \
    using Base::Base;              \
  };
TRITONSERVER_PYTHON_TYPES(TYPE)
#undef TYPE

}  // namespace python
}  // namespace tritonserver::inference

namespace tritonserver::inference::python {

// By name, of models that answer once.
using Outputs = py::typing::Dict<py::str, Tensor>;

}  // namespace tritonserver::inference::python

namespace pybind11::detail {

#define TYPE(type, base, spelling)                                 \
  template <>                                                      \
  struct handle_type_name<tritonserver::inference::python::type> { \
    static constexpr auto name = const_name(spelling);             \
  };
TRITONSERVER_PYTHON_TYPES(TYPE)
#undef TYPE

}  // namespace pybind11::detail
