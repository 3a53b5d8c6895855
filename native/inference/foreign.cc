#include "native/inference/foreign.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "native/inference/data_types.h"
#include "native/inference/nested_list.h"
#include "native/inference/numbers.h"
#include "native/inference/numpy.h"
#include "native/inference/python_types.h"
#include "native/inference/untyped.h"

namespace tritonserver::inference {
namespace {

constexpr const char* kRefused = ": it does not hand over its memory";

// Libraries whose objects need care.
constexpr std::string_view kTensorFlow = "tensorflow";
constexpr std::array<std::string_view, 4> kLibraries{kTensorFlow, "pandas", "polars", "pyarrow"};

// Whether the library has columns with nulls, which `tritonserver._api._columns` finds.
bool IsOfColumns(std::string_view library) { return !library.empty() && library != kTensorFlow; }

[[noreturn]] void Refuse(const std::string& what, const std::string& problem) {
  throw Error(TRITONSERVER_ERROR_INVALID_ARG, what + ": " + problem);
}

std::string TypeName(PyObject* object) { return Py_TYPE(object)->tp_name; }

// The one of these libraries from which the object's class, or one of its bases, is; empty for all
// others.
std::string_view LibraryOf(PyObject* object) {
  PyObject* const classes = Py_TYPE(object)->tp_mro;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(classes); ++i) {
    const py::object module = Get(PyTuple_GET_ITEM(classes, i), names.__module__);
    if (!PyUnicode_Check(module.ptr())) continue;
    const auto name = module.cast<std::string_view>();
    const auto found =
        std::find(kLibraries.begin(), kLibraries.end(), name.substr(0, name.find('.')));
    if (found != kLibraries.end()) return *found;
  }
  return {};
}

// TensorFlow ends the process when it is asked for DLPack of a data type that DLPack does not have.
bool MayAskForDLPack(PyObject* object, std::string_view library, const std::string& what) {
  if (!PyObject_HasAttr(object, names.__dlpack__)) return false;
  if (library != kTensorFlow) return true;
  const auto name = AskOthers(what, [&] {
    return py::str(py::handle(object).attr("dtype").attr("name")).cast<std::string>();
  });
  return std::any_of(kDataTypes.begin(), kDataTypes.end(), [&](const DataTypeInfo& info) {
    return info.dlpack_bits != 0 && name == info.numpy_name;
  });
}

void RefuseNulls(PyObject* object, std::string_view library, const std::string& what) {
  const py::object place = AskOthers(what, [&]() -> py::object {
    const auto columns = py::module_::import("tritonserver._api._columns");
    return columns.attr("first_null")(library, py::handle(object));
  });
  if (place.is_none()) return;
  Refuse(what, ElementAt(place.cast<std::vector<std::int64_t>>()) +
                   " is null, which is no element of a tensor; fill it first");
}

// The elements of an array of objects that is not the user's own: there every text is one.
TensorView ReadObjects(const py::object& array, const AskedInput& input) {
  const py::list items = array.attr("ravel")().attr("tolist")();
  PyObject** const elements = PySequence_Fast_ITEMS(items.ptr());
  const auto shape = array.attr("shape").cast<std::vector<std::int64_t>>();
  if (auto read = ReadItems(elements, items.size(), shape, input)) return std::move(*read);
  if (items.empty()) return ReadArray(array.ptr(), input.What());
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!IsNumber(elements[i])) {
      Refuse(input.What(), ElementAt(i, shape) + " is of type " + TypeName(elements[i]) +
                               ", which is neither text nor a number");
    }
  }
  // For an input that the model does not have, of which it is up to the core to complain.
  return ReadArray(AsArray(array.attr("tolist")().ptr(), input.What()).ptr(), input.What());
}

// Whether it knows one of NumPy's own protocols.
bool HasArray(PyObject* object) {
  return PyObject_HasAttr(object, names.__array__) ||
         PyObject_HasAttr(object, names.__array_interface__) ||
         PyObject_HasAttr(object, names.__array_struct__);
}

// NumPy makes an array of one object of what does not hand over its buffer, without saying why.
void CheckBuffer(PyObject* object, const std::string& what) {
  AskOthers(what + kRefused, [&] {
    Py_buffer buffer;
    if (PyObject_GetBuffer(object, &buffer, PyBUF_FULL_RO) != 0) throw py::error_already_set();
    PyBuffer_Release(&buffer);
  });
}

TensorView ReadThroughArray(PyObject* object, std::string_view library, const AskedInput& input) {
  const std::string what = input.What();
  const bool has_array = HasArray(object);
  const bool has_buffer = !has_array && PyObject_CheckBuffer(object);
  if (has_buffer) CheckBuffer(object, what);
  if (has_array && IsOfColumns(library)) RefuseNulls(object, library, what);
  // Scalars of NumPy are numbers.
  if (has_array || has_buffer || PyNumber_Check(object)) {
    py::object array = AsArray(object, what);
    // Fixed width loses NULs at the ends.
    if (IsOfColumns(library) && DtypeFields(array.ptr()).kind == 'U') {
      array = AsArray(object, what, py::dtype(std::string("O")));
    }
    if (DtypeFields(array.ptr()).kind != 'O') return ReadArray(array.ptr(), what);
    if (has_array) return ReadObjects(array, input);
  }
  Refuse(what, "cannot make a tensor of " + TypeName(object) +
                   "; give a NumPy array, a Tensor, a list, text, or an object with DLPack or "
                   "the buffer protocol");
}

}  // namespace

TensorView ReadForeign(PyObject* object, const AskedInput& input) {
  const std::string what = input.What();
  const std::string_view library = LibraryOf(object);
  std::optional<CausedError> refusal;
  if (MayAskForDLPack(object, library, what)) {
    try {
      return AskOthers(what + kRefused, [&] { return ReadDLPack(object, what, true); });
    } catch (const CausedError& error) {
      refusal = error;
    }
  }
  if (refusal && !HasArray(object)) throw CausedError(*refusal);
  try {
    return ReadThroughArray(object, library, input);
  } catch (const CausedError&) {
    if (refusal) throw CausedError(*refusal);  // which comes closer
    throw;
  }
}

}  // namespace tritonserver::inference
