// Python objects that have no data type: text and numbers, alone and in nested lists.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "native/inference/model_facts.h"
#include "native/inference/tensor_view.h"

namespace tritonserver::inference {

namespace py = pybind11;

// A nested list: of text, of numbers, or of what NumPy makes an array of. Throws INVALID_ARG, with
// the place, for anything else.
TensorView ReadList(PyObject* list, const AskedInput& input);

// Items in C order that are all text, or all numbers of an input whose data type is known; nothing
// if they are something else. Throws INVALID_ARG, with the place, for None, for text among other
// things, and for a number that the data type does not have.
std::optional<TensorView> ReadItems(PyObject* const* items, std::size_t count,
                                    std::vector<std::int64_t> shape, const AskedInput& input);

}  // namespace tritonserver::inference
