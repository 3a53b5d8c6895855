#include "native/inference/untyped.h"

#include <algorithm>
#include <string>
#include <utility>

#include "native/inference/bytes_codec.h"
#include "native/inference/nested_list.h"
#include "native/inference/numbers.h"
#include "native/inference/numpy.h"
#include "native/inference/python_types.h"

namespace tritonserver::inference {
namespace {

[[noreturn]] void Refuse(const AskedInput& input, const std::string& problem) {
  throw Error(TRITONSERVER_ERROR_INVALID_ARG, input.What() + ": " + problem);
}

std::string TypeName(PyObject* object) { return Py_TYPE(object)->tp_name; }

bool IsText(PyObject* object) { return PyUnicode_Check(object) || PyBytes_Check(object); }

}  // namespace

TensorView ReadList(PyObject* value, const AskedInput& input) {
  NestedList list = ReadNestedList(value, input.What());
  if (!list.has_arrays) {
    auto read = ReadItems(list.items.data(), list.items.size(), std::move(list.shape), input);
    if (read) return std::move(*read);
  }
  const py::object array = AsArray(value, input.What());
  const char kind = DtypeFields(array.ptr()).kind;
  const bool is_text = kind == 'U' || kind == 'S';
  PyObject* const first = list.items.empty() ? value : list.items[0];
  if (kind == 'O' || (is_text && !PyObject_HasAttr(first, names.__array__))) {
    Refuse(input, "the list, which begins with " + TypeName(first) +
                      ", does not make an array of one type; numbers must fit 64 bits and must not "
                      "be mixed with text");
  }
  return ReadArray(array.ptr(), input.What());
}

std::optional<TensorView> ReadItems(PyObject* const* items, std::size_t count,
                                    std::vector<std::int64_t> shape, const AskedInput& input) {
  for (std::size_t i = 0; i < count; ++i) {
    if (items[i] == Py_None) {
      Refuse(input, ElementAt(i, shape) + " is None, which is no element of a tensor");
    }
    if (IsText(items[i]) != IsText(items[0])) {
      Refuse(input, ElementAt(i, shape) + " is of type " + TypeName(items[i]) +
                        ", but the first is of type " + TypeName(items[0]) +
                        "; text cannot be mixed with anything else");
    }
  }
  // Text does not go through an array of NumPy, which would cut NULs at the ends.
  if (count > 0 && IsText(items[0])) {
    return BytesView(EncodeObjects(items, count, input.What()), std::move(shape));
  }
  if (!std::all_of(items, items + count, IsNumber)) return std::nullopt;
  const TRITONSERVER_DataType data_type = input.DataType();
  if (data_type == TRITONSERVER_TYPE_INVALID) return std::nullopt;
  if (data_type == TRITONSERVER_TYPE_BYTES && count == 0) {
    return BytesView(EncodeObjects(items, 0, input.What()), std::move(shape));
  }
  return ReadNumbers(items, count, std::move(shape), data_type, input.What());
}

}  // namespace tritonserver::inference
