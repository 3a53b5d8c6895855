#include "native/inference/numbers.h"

#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "native/inference/data_types.h"
#include "native/inference/nested_list.h"
#include "native/inference/numpy.h"
#include "native/inference/python_types.h"
#include "native/inference/short_floats.h"

namespace tritonserver::inference {
namespace {

// As messages show a number, without what derived classes make of it. Python refuses to write very
// large ones.
std::string Shown(PyObject* number) {
  if (PyLong_Check(number)) {
    const py::handle type(reinterpret_cast<PyObject*>(&PyLong_Type));
    const auto bits = type.attr("bit_length")(py::handle(number)).cast<std::size_t>();
    if (bits > 256) return "an int of " + std::to_string(bits) + " bits";
  }
  const PyTypeObject& type = PyBool_Check(number)   ? PyBool_Type
                             : PyLong_Check(number) ? PyLong_Type
                                                    : PyFloat_Type;
  return Steal(type.tp_repr(number)).cast<std::string>();
}

std::string Shown(double number) { return Shown(Steal(PyFloat_FromDouble(number)).ptr()); }

std::string Range(const std::string& smallest, const std::string& largest) {
  return " (" + smallest + " to " + largest + ")";
}

// How a data type stores numbers. `Store` is false for what it does not have, and `Problem` is then
// the end of a sentence that begins with "is 300".

struct Bools {
  using Stored = bool;

  static bool Store(PyObject* number, Stored* to) {
    *to = number == Py_True;
    return PyBool_Check(number);
  }

  static std::string Problem(PyObject*, const std::string& name) {
    return ", but " + name + " takes True and False only";
  }
};

template <class Value>
struct Integers {
  using Stored = Value;
  using Limits = std::numeric_limits<Value>;

  static bool Store(PyObject* number, Stored* to) {
    if (!PyLong_Check(number) || PyBool_Check(number)) return false;
    if constexpr (std::is_same_v<Value, std::uint64_t>) {
      *to = PyLong_AsUnsignedLongLong(number);
      if (*to != Limits::max() || PyErr_Occurred() == nullptr) return true;
      PyErr_Clear();
      return false;
    } else {
      int overflow = 0;
      const long long value = PyLong_AsLongLongAndOverflow(number, &overflow);
      *to = static_cast<Stored>(value);
      return overflow == 0 && value >= Limits::min() && value <= Limits::max();
    }
  }

  static std::string Problem(PyObject* number, const std::string& name) {
    if (PyFloat_Check(number)) return ", but " + name + " takes int only";
    return ", which does not fit " + name +
           Range(std::to_string(Limits::min()), std::to_string(Limits::max()));
  }
};

// The formats that C++ has, in the terms of ShortFloat.
template <class Value>
struct NativeFloat {
  using Bits = Value;
  static constexpr Value kLargest = std::numeric_limits<Value>::max();
  static Value Round(double value) { return static_cast<Value>(value); }
  static Value ToFloat(Value value) { return value; }
};

// Infinite if it is too large for that.
double NearestDouble(PyObject* number) {
  if (PyFloat_Check(number)) return PyFloat_AS_DOUBLE(number);
  const double value = PyLong_AsDouble(number);
  if (value != -1 || PyErr_Occurred() == nullptr) return value;
  PyErr_Clear();
  return std::numeric_limits<double>::infinity();
}

bool IsEqual(double value, PyObject* number) {
  if (std::fabs(value) < std::ldexp(1, std::numeric_limits<double>::digits)) return true;
  const py::object made = Steal(PyFloat_FromDouble(value));
  return IsTrue(Steal(PyObject_RichCompare(made.ptr(), number, Py_EQ)).ptr());
}

template <class Format>
struct Floats {
  using Stored = typename Format::Bits;

  static bool Store(PyObject* number, Stored* to) {
    if (PyBool_Check(number)) return false;
    const double value = NearestDouble(number);
    *to = Format::Round(value);
    if (PyFloat_Check(number)) return !std::isinf(Format::ToFloat(*to)) || std::isinf(value);
    return Format::ToFloat(*to) == value && IsEqual(value, number);
  }

  static std::string Problem(PyObject* number, const std::string& name) {
    const double largest = Format::ToFloat(Format::kLargest);
    if (std::fabs(NearestDouble(number)) > largest) {
      return ", which does not fit " + name + Range(Shown(-largest), Shown(largest));
    }
    return ", which " + name + " does not have exactly; give a float if it may be rounded";
  }
};

// Calls `body` with the storage of a data type of numbers.
template <class Body>
void WithStorage(TRITONSERVER_DataType data_type, Body&& body) {
  switch (data_type) {
    case TRITONSERVER_TYPE_BOOL:
      return body(Bools());
    case TRITONSERVER_TYPE_UINT8:
      return body(Integers<std::uint8_t>());
    case TRITONSERVER_TYPE_UINT16:
      return body(Integers<std::uint16_t>());
    case TRITONSERVER_TYPE_UINT32:
      return body(Integers<std::uint32_t>());
    case TRITONSERVER_TYPE_UINT64:
      return body(Integers<std::uint64_t>());
    case TRITONSERVER_TYPE_INT8:
      return body(Integers<std::int8_t>());
    case TRITONSERVER_TYPE_INT16:
      return body(Integers<std::int16_t>());
    case TRITONSERVER_TYPE_INT32:
      return body(Integers<std::int32_t>());
    case TRITONSERVER_TYPE_INT64:
      return body(Integers<std::int64_t>());
    case TRITONSERVER_TYPE_FP16:
      return body(Floats<Half>());
    case TRITONSERVER_TYPE_BF16:
      return body(Floats<BFloat16>());
    case TRITONSERVER_TYPE_FP32:
      return body(Floats<NativeFloat<float>>());
    case TRITONSERVER_TYPE_FP64:
      return body(Floats<NativeFloat<double>>());
    default:
      return;
  }
}

[[noreturn]] void Refuse(PyObject* number, const std::string& problem, const std::string& element,
                         const std::string& what) {
  throw Error(TRITONSERVER_ERROR_INVALID_ARG,
              what + ": " + element + " is " + Shown(number) + problem);
}

template <class Storage>
TensorView Store(PyObject* const* numbers, std::size_t count, std::vector<std::int64_t> shape,
                 const DataTypeInfo& info, const std::string& what) {
  TensorView view{info.data_type, std::move(shape)};
  view.byte_size = count * info.byte_size;
  view.owner = NewByteArray(view.byte_size);
  view.data = ArrayData(view.owner);
  auto* const to = static_cast<typename Storage::Stored*>(ArrayData(view.owner));
  for (std::size_t i = 0; i < count; ++i) {
    if (Storage::Store(numbers[i], to + i)) continue;
    const bool is_bool = PyBool_Check(numbers[i]) && info.data_type != TRITONSERVER_TYPE_BOOL;
    Refuse(numbers[i],
           is_bool ? std::string(", but ") + info.name + " takes numbers; give 0 or 1"
                   : Storage::Problem(numbers[i], info.name),
           ElementAt(i, view.shape), what);
  }
  return view;
}

}  // namespace

bool IsNumber(PyObject* object) {
  if (PyFloat_CheckExact(object) || PyLong_Check(object)) return true;
  static PyObject* const numpy_scalar =
      NumPyModule().attr("generic").cast<py::object>().release().ptr();
  return PyFloat_Check(object) && !py::isinstance(object, numpy_scalar);
}

TensorView ReadNumbers(PyObject* const* numbers, std::size_t count, std::vector<std::int64_t> shape,
                       TRITONSERVER_DataType data_type, const std::string& what) {
  if (InfoOf(data_type).byte_size == 0) {
    Refuse(numbers[0], ", but BYTES takes str and bytes only", ElementAt(0, shape), what);
  }
  TensorView view{};
  WithStorage(data_type, [&](auto storage) {
    view = Store<decltype(storage)>(numbers, count, std::move(shape), InfoOf(data_type), what);
  });
  return view;
}

}  // namespace tritonserver::inference
