// NumPy arrays without NumPy's headers, through what pybind11 knows of its C API.
#pragma once

#include <pybind11/numpy.h>

#include <cstddef>
#include <string>

#include "native/inference/python_types.h"

namespace tritonserver::inference {

using NumPy = py::detail::npy_api;

// The numpy module, kept for ever as modules are.
inline py::handle NumPyModule() {
  static PyObject* const module = py::module_::import("numpy").release().ptr();
  return module;
}

inline const py::detail::PyArray_Proxy& ArrayFields(PyObject* array) {
  return *reinterpret_cast<const py::detail::PyArray_Proxy*>(array);
}

inline const py::detail::PyArrayDescr_Proxy& DtypeFields(PyObject* array) {
  return *reinterpret_cast<const py::detail::PyArrayDescr_Proxy*>(ArrayFields(array).descr);
}

inline std::size_t ItemSize(PyObject* array) {
  return py::reinterpret_borrow<py::dtype>(ArrayFields(array).descr).itemsize();
}

inline bool IsExactArray(PyObject* object) { return Py_TYPE(object) == NumPy::get().PyArray_Type_; }

// A C-contiguous, writeable array of the type with this number: over `data`, kept by `base`, or in
// new memory if `data` is null. `cls` is ndarray or derived from it.
inline py::object NewArray(int type_number, int rank, const Py_ssize_t* shape, void* data,
                           const py::object& base, PyTypeObject* cls = NumPy::get().PyArray_Type_) {
  NumPy& numpy = NumPy::get();
  // Without data, any flag means Fortran order.
  const int flags = data == nullptr ? 0
                                    : NumPy::NPY_ARRAY_C_CONTIGUOUS_ | NumPy::NPY_ARRAY_ALIGNED_ |
                                          NumPy::NPY_ARRAY_WRITEABLE_;
  py::object array = Steal(numpy.PyArray_NewFromDescr_(
      cls, numpy.PyArray_DescrFromType_(type_number), rank, shape, nullptr, data, flags, nullptr));
  if (base && numpy.PyArray_SetBaseObject_(array.ptr(), py::object(base).release().ptr()) != 0) {
    throw py::error_already_set();
  }
  return array;
}

// The kind of array that owns the memory of a MemoryBuffer.
inline py::object NewByteArray(void* data, std::size_t byte_size, const py::object& base,
                               PyTypeObject* cls = NumPy::get().PyArray_Type_) {
  const auto size = static_cast<Py_ssize_t>(byte_size);
  return NewArray(NumPy::NPY_BYTE_, 1, &size, data, base, cls);
}

// With memory of its own, not initialised.
inline py::object NewByteArray(std::size_t byte_size) {
  return NewByteArray(nullptr, byte_size, py::object());
}

// What NumPy makes of an object.
inline py::object AsArray(PyObject* object, const std::string& what,
                          py::object dtype = py::none()) {
  return AskOthers(what + ": it does not become an array", [&]() -> py::object {
    return NumPyModule().attr("asarray")(py::handle(object), dtype);
  });
}

inline void* ArrayData(const py::object& array) { return ArrayFields(array.ptr()).data; }

}  // namespace tritonserver::inference
