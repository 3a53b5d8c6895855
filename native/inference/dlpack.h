// DLPack capsules of tensors.
#pragma once

#include <pybind11/pybind11.h>

#include "native/inference/tensor_view.h"

namespace tritonserver::inference {

// A capsule over the memory of `view`, which keeps `view.owner` and `tensor`: "dltensor_versioned"
// if `versioned`, else "dltensor". INVALID_ARG for types that DLPack does not have.
py::object NewCapsule(const TensorView& view, PyObject* tensor, bool versioned, bool is_copied);

// What `__dlpack__` of an object returns: for this stream if there is one, and with a version if
// the object knows that.
py::object AskForCapsule(PyObject* producer, PyObject* stream);

// What `__dlpack_device__` says.
py::object DeviceOf(TRITONSERVER_MemoryType memory_type, std::int64_t memory_type_id);

}  // namespace tritonserver::inference
