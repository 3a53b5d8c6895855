// Python values as inputs.

#include <algorithm>
#include <string>
#include <utility>

#include "native/inference/bytes_codec.h"
#include "native/inference/data_types.h"
#include "native/inference/model_facts.h"
#include "native/inference/nested_list.h"
#include "native/inference/numbers.h"
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

bool IsText(PyObject* object) { return PyUnicode_Check(object) || PyBytes_Check(object); }

TRITONSERVER_DataType DataTypeInModel(const std::string& name, const AskedModel* model) {
  const auto facts = model == nullptr ? nullptr : model->Facts();
  const ModelFacts::Input* input = facts == nullptr ? nullptr : facts->FindInput(name);
  return input == nullptr ? TRITONSERVER_TYPE_INVALID : input->data_type;
}

// Text does not go through an array of NumPy, which would cut NULs at the ends.
TensorView ReadTextList(NestedList list, const std::string& what) {
  const py::object encoded = EncodeObjects(list.items.data(), list.items.size(), what);
  return BytesView(encoded, std::move(list.shape));
}

// Throws if there is None or a mix in a list whose items are no arrays.
void CheckItems(const NestedList& list, const std::string& what) {
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    PyObject* const first = list.items[0];
    PyObject* const item = list.items[i];
    if (item == Py_None) {
      Refuse(what, ElementAt(i, list.shape) + " is None, which is no element of a tensor");
    }
    if (IsText(item) != IsText(first)) {
      Refuse(what, ElementAt(i, list.shape) + " is of type " + TypeName(item) +
                       ", but the list begins with " + TypeName(first) +
                       "; text cannot be mixed with anything else");
    }
  }
}

TensorView ReadList(PyObject* value, const std::string& name, const AskedModel* model,
                    const std::string& what) {
  NestedList list = ReadNestedList(value, what);
  if (!list.has_arrays) {
    CheckItems(list, what);
    if (!list.items.empty() && IsText(list.items[0])) return ReadTextList(std::move(list), what);
    if (std::all_of(list.items.begin(), list.items.end(), IsNumber)) {
      const auto data_type = DataTypeInModel(name, model);
      if (data_type == TRITONSERVER_TYPE_BYTES && list.items.empty()) {
        return ReadTextList(std::move(list), what);
      }
      if (data_type != TRITONSERVER_TYPE_INVALID) {
        return ReadNumbers(list.items.data(), list.items.size(), std::move(list.shape), data_type,
                           what);
      }
    }
  }
  const py::object array = AsArray(value, what);
  const char kind = DtypeFields(array.ptr()).kind;
  const bool is_text = kind == 'U' || kind == 'S';
  if (kind == 'O' || (is_text && !PyObject_HasAttr(list.items[0], names.__array__))) {
    Refuse(what, "the list, which begins with " + TypeName(list.items[0]) +
                     ", does not make an array of one type; numbers must fit 64 bits and must not "
                     "be mixed with text");
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

TensorView ReadInput(const std::string& name, PyObject* value, const AskedModel* model) {
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
  if (IsList(value)) return ReadList(value, name, model, what());
  if (IsText(value)) {
    return BytesView(EncodeObjects(&value, 1, what()), {});
  }
  if (IsNumber(value)) {
    const auto data_type = DataTypeInModel(name, model);
    if (data_type != TRITONSERVER_TYPE_INVALID) {
      return ReadNumbers(&value, 1, {}, data_type, what());
    }
  }
  if (NumPy::get().PyArray_Check_(value)) {
    if (IsMasked(value)) {
      Refuse(what(), "Triton has no masked arrays; use `array.filled(value)`");
    }
    return ReadArray(value, what());
  }
  if (PyObject_HasAttr(value, names.__dlpack__)) return ReadDLPack(value, what(), true);
  // Numbers, NumPy scalars, memoryview, array.array and others that say what they are.
  if (PyNumber_Check(value) || PyObject_CheckBuffer(value) ||
      PyObject_HasAttr(value, names.__array__)) {
    const py::object array = AsArray(value, what());
    if (DtypeFields(array.ptr()).kind != 'O') return ReadArray(array.ptr(), what());
  }
  Refuse(what(), "cannot make a tensor of " + TypeName(value) +
                     "; give a NumPy array, a Tensor, a list, text, or an object with DLPack or "
                     "the buffer protocol");
}

}  // namespace tritonserver::inference
