// Where the core gets the memory of outputs from.
#pragma once

#include <pybind11/pybind11.h>

#include "triton/core/tritonserver.h"

namespace tritonserver::inference {

// The one allocator of this package; its userp is the `Inference`. Lives as long as the process.
//
// Host memory comes from the pool, without the GIL. Python is asked only if the request has an
// allocator or a memory type of its own, or if `default_memory_allocators` has an entry other than
// the original one for the type of memory that the backend prefers.
TRITONSERVER_ResponseAllocator* OutputAllocator();

// Says for each memory type whether an allocator in Python is to be asked.
void SetAsksPython(TRITONSERVER_MemoryType memory_type, bool asks);

}  // namespace tritonserver::inference
