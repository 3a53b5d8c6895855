// Python's numbers, which have no data type, as elements of one.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "native/inference/tensor_view.h"

namespace tritonserver::inference {

// bool, int and float, but no scalars of NumPy.
bool IsNumber(PyObject* object);

// A tensor of this data type, which is not INVALID, of numbers in C order; at least one if they are
// for BYTES, which takes none. Throws INVALID_ARG for the first that the type does not have. An int
// must be exact, also in a type of floating point. A float may be rounded, but not to infinity, and
// is no integer even if it has no fraction. BOOL takes bools only, and nothing else takes them.
TensorView ReadNumbers(PyObject* const* numbers, std::size_t count, std::vector<std::int64_t> shape,
                       TRITONSERVER_DataType data_type, const std::string& what);

}  // namespace tritonserver::inference
