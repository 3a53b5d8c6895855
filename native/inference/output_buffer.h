// The memory of output tensors.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "native/inference/labels.h"
#include "triton/core/tritonserver.h"

namespace tritonserver::inference {

// By place of the output in a response; null if it has none. The whole is null if all have none.
using OutputLabels = std::vector<std::shared_ptr<const Labels>>;

// The memory of one output. Its address is the core's `buffer_userp`.
//
// From the allocation on it belongs to the response of the core, and is deleted with it, unless a
// `Response` of ours has adopted it before.
struct OutputBuffer {
  void* data;
  std::size_t byte_size;
  TRITONSERVER_MemoryType memory_type;
  std::int64_t memory_type_id;
  // The MemoryBuffer of the memory, if that comes from Python; null if it comes from the pool.
  PyObject* memory_buffer;
  bool owns_memory_buffer;
  bool adopted;
  // Of the response, for the owner of the memory; set when that is made for Python.
  std::uint32_t output_count = 0;
  std::shared_ptr<const OutputLabels> labels = {};

  struct Deleter {
    void operator()(OutputBuffer* buffer) const noexcept;  // on any thread, without the GIL
  };
};

using OutputBufferPtr = std::unique_ptr<OutputBuffer, OutputBuffer::Deleter>;

// Host memory, aligned to 64 bytes, from a pool: memory of a size that was just in use needs no
// call of the operating system, nor page faults. Throws std::bad_alloc.
OutputBufferPtr NewOutputBuffer(std::size_t byte_size);

// The memory of a MemoryBuffer. If it is to own that, it takes a reference, with the GIL; otherwise
// somebody else keeps it.
OutputBufferPtr WrapMemoryBuffer(PyObject* memory_buffer, bool own, void* data,
                                 std::size_t byte_size, TRITONSERVER_MemoryType memory_type,
                                 std::int64_t memory_type_id);

// Buffers that are not deleted yet, and bytes that the pool keeps for the next ones.
std::size_t OutputBufferCount();
std::size_t PooledByteCount();

}  // namespace tritonserver::inference
