// Nested lists as inputs: what is in them and where.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tritonserver::inference {

namespace py = pybind11;

struct NestedList {
  NestedList() = default;
  ~NestedList() {
    for (PyObject* item : items) Py_DECREF(item);
  }
  NestedList(NestedList&& other) noexcept = default;
  NestedList& operator=(NestedList&&) = delete;

  std::vector<std::int64_t> shape;
  // In C order. The list may change while it is read, or make its items for this one time.
  std::vector<PyObject*> items;
  // Whether there are arrays or the like in it, which have a shape of their own: then `shape` and
  // `items` mean nothing.
  bool has_arrays = false;
};

// Lists, tuples and ranges.
bool IsList(PyObject* value);

// Whether it is certainly no array or the like.
bool IsSingle(PyObject* value);

// Throws INVALID_ARG if items on one level differ in length.
NestedList ReadNestedList(PyObject* list, const std::string& what);

// How messages name an element: "element [1][2]", or "the value" if there is nothing around it.
std::string ElementAt(const std::vector<std::int64_t>& indices);
std::string ElementAt(std::size_t index, const std::vector<std::int64_t>& shape);

}  // namespace tritonserver::inference
