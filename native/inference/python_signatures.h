// Types that only Python knows, as they appear in the signatures of functions.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/typing.h>

namespace tritonserver::inference {

namespace py = pybind11;

// Type in C++, type in Python.
#define TRITONSERVER_PYTHON_TYPES(TYPE)                                     \
  TYPE(ArrayLike, "numpy.typing.ArrayLike")                                 \
  TYPE(Capsule, "typing_extensions.CapsuleType")                            \
  TYPE(DLPackObject, "tritonserver._api._dlpack.DLPackObject")              \
  TYPE(NativeServer, "tritonserver._c.triton_bindings.TRITONSERVER_Server") \
  TYPE(Tensor, "tritonserver.Tensor")

namespace python {

inline bool IsObject(PyObject*) { return true; }

class Unchecked : public py::object {
  PYBIND11_OBJECT_DEFAULT(Unchecked, py::object, IsObject)
};

#define TYPE(name, spelling)      \
  class name : public Unchecked { \
   public:                        \
    using Unchecked::Unchecked;   \
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

#define TYPE(type, spelling)                                       \
  template <>                                                      \
  struct handle_type_name<tritonserver::inference::python::type> { \
    static constexpr auto name = const_name(spelling);             \
  };
TRITONSERVER_PYTHON_TYPES(TYPE)
#undef TYPE

}  // namespace pybind11::detail
