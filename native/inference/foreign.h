// Objects of other libraries as inputs.
#pragma once

#include "native/inference/model_facts.h"
#include "native/inference/tensor_view.h"

namespace tritonserver::inference {

// Whatever has DLPack, the buffer protocol or one of NumPy's own. Throws INVALID_ARG, with the
// library's exception as the cause, if it does not hand over its data, and for nulls, with their
// place.
TensorView ReadForeign(PyObject* object, const AskedInput& input);

}  // namespace tritonserver::inference
