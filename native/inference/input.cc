// Python values as inputs.

#include <algorithm>
#include <string>
#include <utility>

#include "native/inference/bytes_codec.h"
#include "native/inference/data_types.h"
#include "native/inference/foreign.h"
#include "native/inference/model_facts.h"
#include "native/inference/nested_list.h"
#include "native/inference/numpy.h"
#include "native/inference/python_types.h"
#include "native/inference/tensor_view.h"
#include "native/inference/untyped.h"

namespace tritonserver::inference {
namespace {

[[noreturn]] void Refuse(const std::string& what, const std::string& problem) {
  throw Error(TRITONSERVER_ERROR_INVALID_ARG, what + ": " + problem);
}

std::string Text(py::handle object) { return py::str(object).cast<std::string>(); }

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

bool IsMasked(PyObject* array) {
  static PyObject* const masked_array =
      NumPyModule().attr("ma").attr("MaskedArray").cast<py::object>().release().ptr();
  return py::isinstance(array, masked_array);
}

}  // namespace

TensorView BytesView(py::object encoded, std::vector<std::int64_t> shape) {
  TensorView view{TRITONSERVER_TYPE_BYTES, std::move(shape)};
  view.data = ArrayData(encoded);
  view.byte_size = static_cast<std::size_t>(ArrayFields(encoded.ptr()).dimensions[0]);
  view.owner = std::move(encoded);
  return view;
}

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
    const std::string dtype = Text(ArrayFields(array).descr);
    const std::string hint = dtype == "|V2"
                                 ? "; if it is what numpy.load makes of a saved array of "
                                   "bfloat16, give array.view(ml_dtypes.bfloat16)"
                                 : "";
    Refuse(what, "Triton has no data type for NumPy's " + dtype + hint);
  }
  return ViewOf(Regular(array), data_type);
}

TensorView ReadInput(const std::string& name, PyObject* value, const AskedModel* model) {
  const AskedInput input{name, model};
  if (IsExactArray(value)) {
    // Most inputs are like that. Nothing can be wrong, so no text for an error is made.
    const auto data_type = DataTypeOfNumPy(DtypeFields(value).kind, ItemSize(value));
    if (data_type != TRITONSERVER_TYPE_INVALID && IsRegular(value)) {
      return ViewOf(py::reinterpret_borrow<py::object>(value), data_type);
    }
    return ReadArray(value, input.What());
  }
  if (py::isinstance(value, classes.Tensor)) {
    TensorView view = ReadTensor(value, input.What());
    const std::size_t element_size = InfoOf(view.data_type).byte_size;
    std::uint64_t count = 0;
    CountElements(view.shape.data(), view.shape.size(), element_size, &count);
    if (element_size != 0 && count * element_size != view.byte_size) {
      Refuse(input.What(), Describe(view.data_type, view.shape.data(), view.shape.size()) +
                               " takes " + std::to_string(count * element_size) +
                               " bytes, but its buffer has " + std::to_string(view.byte_size));
    }
    return view;
  }
  if (IsList(value)) return ReadList(value, input);
  if (auto read = ReadItems(&value, 1, {}, input)) return std::move(*read);
  if (NumPy::get().PyArray_Check_(value)) {
    if (IsMasked(value)) {
      Refuse(input.What(), "Triton has no masked arrays; use `array.filled(value)`");
    }
    return ReadArray(value, input.What());
  }
  return ReadForeign(value, input);
}

}  // namespace tritonserver::inference
