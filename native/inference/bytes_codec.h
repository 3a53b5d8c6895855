// BYTES tensors: each element is a 32-bit little-endian length and that many bytes.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tritonserver::inference {

namespace py = pybind11;

// Encoders return a NumPy array of bytes. They throw INVALID_ARG for text that is not valid Unicode
// and elements beyond 4 GiB, naming the element after `what`.

// `str` as UTF-8 and `bytes` as they are. Other objects become text with `str()`, except what is
// certainly a mistake: numbers, arrays and containers are refused.
// `elements` stay alive unless Python code runs that drops them; null stands for None.
py::object EncodeObjects(PyObject* const* elements, std::size_t count, const std::string& what);

// Elements of `width` characters or bytes each, padded with zeros, as NumPy stores text.
py::object EncodePaddedText(const Py_UCS4* text, std::size_t count, std::size_t width,
                            const std::string& what);
py::object EncodePaddedBytes(const char* bytes, std::size_t count, std::size_t width,
                             const std::string& what);

// An array of `bytes` objects. INVALID_ARG unless `data` holds exactly the elements of the shape.
py::object DecodeBytes(const char* data, std::size_t byte_size,
                       const std::vector<std::int64_t>& shape);

// An array of text, of fixed width like every array of text in NumPy; of `str` objects if fixed
// width would lose NULs at the end of an element, or waste memory because the elements differ much
// in length. INVALID_ARG also if an element is not UTF-8.
py::object DecodeText(const char* data, std::size_t byte_size,
                      const std::vector<std::int64_t>& shape);

}  // namespace tritonserver::inference
