// The Python side of the request path as C++ sees it: names of attributes, made once, and the
// classes of `tritonserver._api`, which hands them in when it is imported.
#pragma once

#include <pybind11/pybind11.h>

#include <exception>
#include <string>

// Enumerations have one conversion: every source has to see it, or the linker mixes two.
#include "native/c_api/enums.h"
#include "native/c_api/error.h"

namespace tritonserver::inference {

namespace py = pybind11;

// Attributes, arguments and dictionary keys.
#define TRITONSERVER_PYTHON_NAMES(NAME) \
  NAME(__array__)                       \
  NAME(__array_interface__)             \
  NAME(__array_struct__)                \
  NAME(__module__)                      \
  NAME(_loop)                           \
  NAME(_ready)                          \
  NAME(__dlpack__)                      \
  NAME(__dlpack_device__)               \
  NAME(_refuse)                         \
  NAME(_take)                           \
  NAME(_unused)                         \
  NAME(_server)                         \
  NAME(add_reader)                      \
  NAME(call_soon)                       \
  NAME(call_soon_threadsafe)            \
  NAME(class_count)                     \
  NAME(classification_label)            \
  NAME(correlation_id)                  \
  NAME(copy)                            \
  NAME(dl_device)                       \
  NAME(data_ptr)                        \
  NAME(data_type)                       \
  NAME(error)                           \
  NAME(final)                           \
  NAME(flags)                           \
  NAME(inference_request)               \
  NAME(inputs)                          \
  NAME(is_closed)                       \
  NAME(max_version)                     \
  NAME(memory_buffer)                   \
  NAME(memory_type)                     \
  NAME(memory_type_id)                  \
  NAME(model)                           \
  NAME(name)                            \
  NAME(output_memory_allocator)         \
  NAME(output_memory_type)              \
  NAME(outputs)                         \
  NAME(owner)                           \
  NAME(parameters)                      \
  NAME(priority)                        \
  NAME(put)                             \
  NAME(put_nowait)                      \
  NAME(raise_on_error)                  \
  NAME(reason)                          \
  NAME(request_id)                      \
  NAME(requested_outputs)               \
  NAME(response_queue)                  \
  NAME(shape)                           \
  NAME(size)                            \
  NAME(state)                           \
  NAME(stream)                          \
  NAME(to_device)                       \
  NAME(timeout)                         \
  NAME(trace)                           \
  NAME(version)

struct PythonNames {
#define NAME(name) PyObject* name;
  TRITONSERVER_PYTHON_NAMES(NAME)
#undef NAME
};

// Classes and functions of `tritonserver._api`.
#define TRITONSERVER_PYTHON_CLASSES(CLASS) \
  CLASS(AsyncResponseIterator)             \
  CLASS(InferenceRequest)                  \
  CLASS(InferenceResponse)                 \
  CLASS(MemoryBuffer)                      \
  CLASS(Model)                             \
  CLASS(OutputMemory)                      \
  CLASS(Outputs)                           \
  CLASS(RequestedOutput)                   \
  CLASS(ResponseIterator)                  \
  CLASS(Tensor)                            \
  CLASS(allocate_output)                   \
  CLASS(copy_memory)                       \
  CLASS(explain_rejection)                 \
  CLASS(resolve_output_memory)             \
  CLASS(take_from_gpu)

struct PythonClasses {
#define CLASS(name) PyObject* name;
  TRITONSERVER_PYTHON_CLASSES(CLASS)
#undef CLASS
};

// Never dropped; filled by `BindPythonTypes` and by the calls of `register`.
extern PythonNames names;
extern PythonClasses classes;

void BindPythonTypes(py::module_& module);

// Has `hook` called with each class that is handed in.
void OnRegister(void (*hook)(PyTypeObject* cls));

// `attribute` of `object`; throws if there is none.
inline py::object Get(PyObject* object, PyObject* attribute) {
  PyObject* value = PyObject_GetAttr(object, attribute);
  if (value == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(value);
}

// Sets `attribute` of `object`, whose class has no `__setattr__` of its own, taking over `value`,
// which is null if making it failed.
inline void Set(PyObject* object, PyObject* attribute, PyObject* value) {
  const bool failed = value == nullptr || PyObject_GenericSetAttr(object, attribute, value) != 0;
  Py_XDECREF(value);
  if (failed) throw py::error_already_set();
}

// A new reference, or the Python error as exception.
inline py::object Steal(PyObject* made) {
  if (made == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(made);
}

// An instance of a class without `__slots__` and `__new__`, without calling `__init__`. It is
// `object.__new__` that keeps attributes where reading them is fastest, which `tp_alloc` does not.
inline py::object NewInstance(PyObject* cls) {
  static PyObject* const nothing = PyTuple_New(0);
  return Steal(PyBaseObject_Type.tp_new(reinterpret_cast<PyTypeObject*>(cls), nothing, nullptr));
}

// Text of the core, which need not be UTF-8 when models and files put it there.
inline PyObject* NewText(const std::string& text) {
  return PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace");
}

// Runs what is other people's code. Whatever it raises becomes an INVALID_ARG error that begins
// with `what` and gives the reason, but for lack of memory and what is meant to end the program.
template <class Body>
auto AskOthers(const std::string& what, Body&& body) {
  try {
    return body();
  } catch (py::error_already_set& error) {
    if (error.matches(PyExc_MemoryError) || !error.matches(PyExc_Exception)) throw;
    throw CausedError(TRITONSERVER_ERROR_INVALID_ARG,
                      what + ": " + ErrorFromPython(error).message(), error.value());
  }
}

// Makes the C++ exception that is being handled the Python error. For functions that Python calls
// without pybind11 in between.
void SetPythonError() noexcept;

// Runs the body of such a function: what it throws becomes the Python error and `failure` the
// result.
template <class Result, class Body>
Result ForPython(Result failure, Body&& body) noexcept {
  try {
    return body();
  } catch (...) {
    SetPythonError();
    return failure;
  }
}

// Whether Python takes `object` for true.
inline bool IsTrue(PyObject* object) {
  const int truth = PyObject_IsTrue(object);
  if (truth < 0) throw py::error_already_set();
  return truth != 0;
}

// For the table of slots of a class.
template <class Function>
PyType_Slot Slot(int slot, Function* function) {
  return {slot, reinterpret_cast<void*>(function)};
}

// For the table of methods of a class: a function with the parameters that its flags say.
template <class Function>
PyCFunction AsMethod(Function* function) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(function));
}

}  // namespace tritonserver::inference
