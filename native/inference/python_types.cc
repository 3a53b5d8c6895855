#include "native/inference/python_types.h"

#include <pybind11/typing.h>

#include <new>
#include <string>
#include <vector>

namespace tritonserver::inference {

PythonNames names;
PythonClasses classes;

namespace {

std::vector<void (*)(PyTypeObject*)> hooks;

using ClassOrFunction = py::typing::Union<py::type, py::typing::Callable<py::object(py::ellipsis)>>;

void Register(const ClassOrFunction& object) {
  if (PyType_Check(object.ptr())) {
    for (auto* hook : hooks) hook(reinterpret_cast<PyTypeObject*>(object.ptr()));
  }
  const auto name = object.attr("__name__").cast<std::string>();
#define CLASS(known)                                   \
  if (name == #known) {                                \
    Py_XSETREF(classes.known, object.inc_ref().ptr()); \
    return;                                            \
  }
  TRITONSERVER_PYTHON_CLASSES(CLASS)
#undef CLASS
  throw py::value_error("the request path does not use anything called " + name);
}

}  // namespace

void BindPythonTypes(py::module_& module) {
#define NAME(name)                                \
  names.name = PyUnicode_InternFromString(#name); \
  if (names.name == nullptr) throw py::error_already_set();
  TRITONSERVER_PYTHON_NAMES(NAME)
#undef NAME
  module.def("register", &Register, py::arg("object"),
             "Hand in a class or function of tritonserver._api; it is known by its `__name__`.");
}

void OnRegister(void (*hook)(PyTypeObject* cls)) { hooks.push_back(hook); }

void SetPythonError() noexcept {
  try {
    throw;
  } catch (py::error_already_set& error) {
    error.restore();
  } catch (const Error& error) {
    try {
      const py::object exception = MakePythonError(error);
      PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception.ptr())), exception.ptr());
    } catch (py::error_already_set& failure) {
      failure.restore();
    }
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const py::builtin_exception& error) {
    error.set_error();
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  } catch (...) {
    PyErr_SetString(PyExc_RuntimeError, "unknown C++ exception");
  }
}

}  // namespace tritonserver::inference
