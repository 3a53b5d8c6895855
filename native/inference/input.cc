// Python values as inputs.

#include <algorithm>
#include <string>
#include <utility>

#include "native/inference/bytes_codec.h"
#include "native/inference/data_types.h"
#include "native/inference/numpy.h"
#include "native/inference/python_types.h"
#include "native/inference/tensor_view.h"

namespace tritonserver::inference {
namespace {

constexpr int kNumPyStringDType = 2056;

[[noreturn]] void Refuse(const std::string& what, const std::string& problem) {
  throw Error(TRITONSERVER_ERROR_INVALID_ARG, what + ": " + problem);
}

std::string TypeName(PyObject* object) { return Py_TYPE(object)->tp_name; }

std::string Text(py::handle object) { return py::str(object).cast<std::string>(); }

// Attributes of the numpy module, kept for ever as modules are.
py::handle NumPyModule() {
  static PyObject* const module = py::module_::import("numpy").release().ptr();
  return module;
}

py::object AsArray(PyObject* value, const std::string& what) {
  try {
    return NumPyModule().attr("asarray")(py::handle(value));
  } catch (py::error_already_set& error) {
    if (error.matches(PyExc_MemoryError) || !error.matches(PyExc_Exception)) throw;
    Refuse(what, "NumPy cannot make an array of it: " + Text(error.value()));
  }
}

std::vector<std::int64_t> ShapeOf(PyObject* array) {
  const auto& fields = ArrayFields(array);
  return {fields.dimensions, fields.dimensions + fields.nd};
}

std::size_t CountOf(PyObject* array) {
  const auto& fields = ArrayFields(array);
  std::size_t count = 1;
  for (int i = 0; i < fields.nd; ++i) count *= static_cast<std::size_t>(fields.dimensions[i]);
  return count;
}

bool IsNativeByteOrder(PyObject* array) {
  const char order = DtypeFields(array).byteorder;
  return order != (PY_BIG_ENDIAN ? '<' : '>');
}

constexpr int kRegular = NumPy::NPY_ARRAY_C_CONTIGUOUS_ | NumPy::NPY_ARRAY_ALIGNED_;

// Whether the elements are in C order, aligned, and in native byte order.
bool IsRegular(PyObject* array) {
  return (ArrayFields(array).flags & kRegular) == kRegular && IsNativeByteOrder(array);
}

// The same elements in an exact ndarray that is regular: the array itself if it is.
py::object Regular(PyObject* array) {
  if (IsRegular(array)) return py::reinterpret_borrow<py::object>(array);
  py::object dtype = py::reinterpret_borrow<py::object>(ArrayFields(array).descr);
  if (!IsNativeByteOrder(array)) dtype = dtype.attr("newbyteorder")("=");
  return Steal(NumPy::get().PyArray_FromAny_(array, dtype.release().ptr(), 0, 0,
                                             kRegular | NumPy::NPY_ARRAY_ENSUREARRAY_, nullptr));
}

// The elements of a regular array, where they are.
TensorView ViewOf(py::object regular, TRITONSERVER_DataType data_type) {
  TensorView view{data_type, ShapeOf(regular.ptr())};
  view.data = ArrayData(regular);
  view.byte_size = CountOf(regular.ptr()) * InfoOf(data_type).byte_size;
  view.owner = std::move(regular);
  return view;
}

TensorView BytesView(py::object encoded, std::vector<std::int64_t> shape) {
  TensorView view{TRITONSERVER_TYPE_BYTES, std::move(shape)};
  view.data = ArrayData(encoded);
  view.byte_size = static_cast<std::size_t>(ArrayFields(encoded.ptr()).dimensions[0]);
  view.owner = std::move(encoded);
  return view;
}

TensorView ReadObjectArray(PyObject* array, const std::string& what) {
  const py::object regular = Regular(array);
  return BytesView(EncodeObjects(static_cast<PyObject**>(ArrayData(regular)), CountOf(array), what),
                   ShapeOf(array));
}

TensorView ReadTextArray(PyObject* array, const std::string& what) {
  const py::object regular = Regular(array);
  const std::size_t count = CountOf(array);
  const char kind = DtypeFields(array).kind;
  if (kind == 'U') {
    return BytesView(EncodePaddedText(static_cast<const Py_UCS4*>(ArrayData(regular)), count,
                                      ItemSize(array) / sizeof(Py_UCS4), what),
                     ShapeOf(array));
  }
  return BytesView(
      EncodePaddedBytes(static_cast<const char*>(ArrayData(regular)), count, ItemSize(array), what),
      ShapeOf(array));
}

// NumPy's StringDType, whose elements may be missing.
TensorView ReadStringDTypeArray(PyObject* array, const std::string& what) {
  const py::object objects = py::handle(array).attr("astype")(py::dtype(std::string("O")), "C");
  auto* const elements = static_cast<PyObject**>(ArrayData(objects));
  for (std::size_t i = 0; i < CountOf(array); ++i) {
    if (!PyUnicode_Check(elements[i])) {
      Refuse(what, "element " + std::to_string(i) + " is missing; give it a text first");
    }
  }
  return ReadObjectArray(objects.ptr(), what);
}

// Types that NumPy does not have itself.
TRITONSERVER_DataType DataTypeOfOther(PyObject* array) {
  const bool is_bfloat16 =
      ItemSize(array) == 2 && Text(py::handle(ArrayFields(array).descr)) == "bfloat16";
  return is_bfloat16 ? TRITONSERVER_TYPE_BF16 : TRITONSERVER_TYPE_INVALID;
}

bool IsList(PyObject* value) { return PyList_Check(value) || PyTuple_Check(value); }

// Whether it is certainly no array or the like.
bool IsSingle(PyObject* value) {
  return value == Py_None || PyUnicode_Check(value) || PyBytes_Check(value) ||
         PyLong_Check(value) || PyFloat_Check(value) || PyComplex_Check(value);
}

// Lengths along the first items of a nested list.
std::vector<std::int64_t> ListShape(PyObject* list) {
  std::vector<std::int64_t> shape;
  py::object item = py::reinterpret_borrow<py::object>(list);
  while (IsList(item.ptr())) {
    shape.push_back(PySequence_Size(item.ptr()));
    if (shape.back() == 0) break;
    item = Steal(PySequence_GetItem(item.ptr(), 0));
  }
  return shape;
}

// Refuses a nested list whose items on one level differ in length. Arrays in it are left to NumPy.
void CheckIsBox(PyObject* value, const std::vector<std::int64_t>& shape, std::size_t axis,
                const std::string& path, const std::string& what) {
  const auto refuse = [&](const std::string& found) {
    std::string first;
    for (std::size_t i = 0; i < axis; ++i) first += "[0]";
    const std::string wanted =
        axis < shape.size() ? "has " + std::to_string(shape[axis]) + " items" : "is a single value";
    Refuse(what, "the list is ragged: " + first + " " + wanted + ", but " + path + " " + found);
  };
  if (!IsList(value)) {
    if (axis < shape.size() && IsSingle(value)) refuse("is a single value");
    return;
  }
  const Py_ssize_t count = PySequence_Size(value);
  if (axis >= shape.size() || count != shape[axis]) {
    refuse("has " + std::to_string(count) + " items");
  }
  for (Py_ssize_t i = 0; i < count; ++i) {
    CheckIsBox(Steal(PySequence_GetItem(value, i)).ptr(), shape, axis + 1,
               path + "[" + std::to_string(i) + "]", what);
  }
}

py::object FirstLeaf(PyObject* value) {
  py::object leaf = py::reinterpret_borrow<py::object>(value);
  while (IsList(leaf.ptr()) && PySequence_Size(leaf.ptr()) > 0) {
    leaf = Steal(PySequence_GetItem(leaf.ptr(), 0));
  }
  return leaf;
}

bool IsText(PyObject* object) { return PyUnicode_Check(object) || PyBytes_Check(object); }

// Collects the items of a nested list whose shape is `shape` from `axis` on.
void Flatten(PyObject* value, const std::vector<std::int64_t>& shape, std::size_t axis,
             const std::string& what, std::vector<PyObject*>* items) {
  const py::object sequence = Steal(PySequence_Fast(value, "not a list or tuple"));
  // Items of odd list types may have changed the list since it was measured.
  if (PySequence_Fast_GET_SIZE(sequence.ptr()) != shape[axis]) Refuse(what, "the list changed");
  PyObject** elements = PySequence_Fast_ITEMS(sequence.ptr());
  for (std::int64_t i = 0; i < shape[axis]; ++i) {
    if (axis + 1 < shape.size()) {
      Flatten(elements[i], shape, axis + 1, what, items);
    } else if (IsText(elements[i])) {
      items->push_back(elements[i]);
    } else {
      Refuse(what, "the list mixes text with " + TypeName(elements[i]) +
                       "; the elements of a BYTES tensor must be str or bytes");
    }
  }
}

// Lists of text do not go through an array of NumPy, which would cut NULs at the ends.
TensorView ReadTextList(PyObject* list, std::vector<std::int64_t> shape, const std::string& what) {
  std::vector<PyObject*> items;
  Flatten(list, shape, 0, what, &items);
  return BytesView(EncodeObjects(items.data(), items.size(), what), std::move(shape));
}

TensorView ReadList(PyObject* list, const std::string& what) {
  std::vector<std::int64_t> shape = ListShape(list);
  CheckIsBox(list, shape, 0, "", what);
  const py::object leaf = FirstLeaf(list);
  if (IsText(leaf.ptr())) return ReadTextList(list, std::move(shape), what);
  const py::object array = AsArray(list, what);
  const char kind = DtypeFields(array.ptr()).kind;
  const bool is_text = kind == 'U' || kind == 'S';
  if (kind == 'O' || (is_text && !PyObject_HasAttr(leaf.ptr(), names.__array__))) {
    Refuse(what, "the list, which begins with " + TypeName(leaf.ptr()) +
                     ", does not make an array of one type; numbers must fit 64 bits and must not "
                     "be mixed with text or None");
  }
  return ReadArray(array.ptr(), what);
}

bool IsMasked(PyObject* array) {
  static PyObject* const masked_array =
      NumPyModule().attr("ma").attr("MaskedArray").cast<py::object>().release().ptr();
  return py::isinstance(array, masked_array);
}

}  // namespace

TensorView ReadArray(PyObject* array, const std::string& what) {
  const char kind = DtypeFields(array).kind;
  switch (kind) {
    case 'U':
    case 'S':
      return ReadTextArray(array, what);
    case 'O':
      return ReadObjectArray(array, what);
    case 'T':
      return ReadStringDTypeArray(array, what);
  }
  TRITONSERVER_DataType data_type = DataTypeOfNumPy(kind, ItemSize(array));
  if (data_type == TRITONSERVER_TYPE_INVALID) data_type = DataTypeOfOther(array);
  if (data_type == TRITONSERVER_TYPE_INVALID) {
    Refuse(what, "Triton has no data type for NumPy's " + Text(ArrayFields(array).descr));
  }
  return ViewOf(Regular(array), data_type);
}

TensorView ReadInput(const std::string& name, PyObject* value) {
  const auto what = [&] { return "input '" + name + "'"; };
  if (IsExactArray(value)) {
    // Most inputs are like that. Nothing can be wrong, so no text for an error is made.
    const auto data_type = DataTypeOfNumPy(DtypeFields(value).kind, ItemSize(value));
    if (data_type != TRITONSERVER_TYPE_INVALID && IsRegular(value)) {
      return ViewOf(py::reinterpret_borrow<py::object>(value), data_type);
    }
    return ReadArray(value, what());
  }
  if (py::isinstance(value, classes.Tensor)) {
    TensorView view = ReadTensor(value, what());
    const std::size_t element_size = InfoOf(view.data_type).byte_size;
    std::uint64_t count = 0;
    CountElements(view.shape.data(), view.shape.size(), element_size, &count);
    if (element_size != 0 && count * element_size != view.byte_size) {
      Refuse(what(), Describe(view.data_type, view.shape.data(), view.shape.size()) + " takes " +
                         std::to_string(count * element_size) + " bytes, but its buffer has " +
                         std::to_string(view.byte_size));
    }
    return view;
  }
  if (IsList(value)) return ReadList(value, what());
  if (IsText(value)) {
    return BytesView(EncodeObjects(&value, 1, what()), {});
  }
  if (NumPy::get().PyArray_Check_(value)) {
    if (IsMasked(value)) {
      Refuse(what(), "Triton has no masked arrays; use `array.filled(value)`");
    }
    return ReadArray(value, what());
  }
  if (PyObject_HasAttr(value, names.__dlpack__)) return ReadDLPack(value, what(), true);
  // Numbers, NumPy scalars, memoryview, array.array and others that say what they are.
  if (PyNumber_Check(value) || PyObject_CheckBuffer(value) || PyRange_Check(value) ||
      PyObject_HasAttr(value, names.__array__)) {
    const py::object array = AsArray(value, what());
    if (DtypeFields(array.ptr()).kind != 'O') return ReadArray(array.ptr(), what());
  }
  Refuse(what(), "cannot make a tensor of " + TypeName(value) +
                     "; give a NumPy array, a Tensor, a list, text, or an object with DLPack or "
                     "the buffer protocol");
}

}  // namespace tritonserver::inference
