#include "native/inference/nested_list.h"

#include <utility>

#include "native/inference/python_types.h"

namespace tritonserver::inference {
namespace {

// More than NumPy and the core's backends can do with; a list that is in itself has no end.
constexpr std::size_t kMostLevels = 64;

std::string Place(const std::vector<std::int64_t>& indices) {
  std::string place;
  for (const std::int64_t index : indices) place += "[" + std::to_string(index) + "]";
  return place;
}

class Reader {
 public:
  explicit Reader(const std::string& what) : what_(what) {}

  NestedList Read(PyObject* list) {
    Measure(list);
    Collect(list);
    return std::move(read_);
  }

 private:
  [[noreturn]] void Refuse(const std::string& problem) const {
    throw Error(TRITONSERVER_ERROR_INVALID_ARG, what_ + ": " + problem);
  }

  [[noreturn]] void RefuseRagged(const std::string& found) const {
    const std::size_t level = indices_.size();
    const std::string wanted = level < read_.shape.size()
                                   ? "has " + std::to_string(read_.shape[level]) + " items"
                                   : "is a single value";
    Refuse("the list is ragged: " + Place(std::vector<std::int64_t>(level)) + " " + wanted +
           ", but " + Place(indices_) + " " + found);
  }

  // Takes the lengths along the first items.
  void Measure(PyObject* list) {
    py::object item = py::reinterpret_borrow<py::object>(list);
    while (IsList(item.ptr())) {
      if (read_.shape.size() == kMostLevels) {
        Refuse("the list is nested more than " + std::to_string(kMostLevels) + " levels deep");
      }
      const py::object items = Steal(PySequence_Fast(item.ptr(), "not a list"));
      read_.shape.push_back(PySequence_Fast_GET_SIZE(items.ptr()));
      if (read_.shape.back() == 0) return;
      item = py::reinterpret_borrow<py::object>(PySequence_Fast_GET_ITEM(items.ptr(), 0));
    }
    begins_with_array_ = !IsSingle(item.ptr());
  }

  void Collect(PyObject* value) {
    const std::size_t level = indices_.size();
    const bool is_deep = level == read_.shape.size();
    if (!IsList(value) || (is_deep && begins_with_array_)) {
      if (is_deep) {
        read_.items.push_back(Py_NewRef(value));
      } else if (IsSingle(value)) {
        RefuseRagged("is a single value");
      }
      read_.has_arrays |= !IsSingle(value);
      return;
    }
    const auto kept = py::reinterpret_borrow<py::object>(value);
    // The list itself, or what an object of a derived class says that it holds.
    const py::object items = Steal(PySequence_Fast(value, "not a list"));
    const Py_ssize_t count = PySequence_Fast_GET_SIZE(items.ptr());
    if (is_deep || count != read_.shape[level]) {
      RefuseRagged("has " + std::to_string(count) + " items");
    }
    indices_.push_back(0);
    for (Py_ssize_t i = 0; i < count; ++i) {
      // Reading a derived class may have changed this list.
      if (PySequence_Fast_GET_SIZE(items.ptr()) != count) Refuse("the list changed");
      indices_.back() = i;
      Collect(PySequence_Fast_GET_ITEM(items.ptr(), i));
    }
    indices_.pop_back();
  }

  const std::string& what_;
  NestedList read_;
  bool begins_with_array_ = false;
  std::vector<std::int64_t> indices_;  // of the item that is being read
};

}  // namespace

bool IsList(PyObject* value) {
  return PyList_Check(value) || PyTuple_Check(value) || PyRange_Check(value);
}

bool IsSingle(PyObject* value) {
  return value == Py_None || PyUnicode_Check(value) || PyBytes_Check(value) ||
         PyLong_Check(value) || PyFloat_Check(value) || PyComplex_Check(value);
}

NestedList ReadNestedList(PyObject* list, const std::string& what) {
  return Reader(what).Read(list);
}

std::string ElementAt(const std::vector<std::int64_t>& indices) {
  return indices.empty() ? "the value" : "element " + Place(indices);
}

std::string ElementAt(std::size_t index, const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> indices(shape.size());
  for (std::size_t i = shape.size(); i-- > 0;) {
    indices[i] = static_cast<std::int64_t>(index % shape[i]);
    index /= shape[i];
  }
  return ElementAt(indices);
}

}  // namespace tritonserver::inference
