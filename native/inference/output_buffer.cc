#include "native/inference/output_buffer.h"

#include <pthread.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <new>

#include "native/inference/deferred.h"

namespace tritonserver::inference {
namespace {

constexpr std::size_t kAlignment = 64;
static_assert(sizeof(OutputBuffer) <= kAlignment, "the header stands before the data");

// Blocks of 128 bytes to 64 MiB are pooled, in four sizes for each power of two; together at most
// kMostPooled bytes.
constexpr int kSmallestLog2 = 7;
constexpr int kLargestLog2 = 26;
constexpr std::size_t kSizesPerLog2 = 4;
constexpr std::size_t kSizeClasses = (kLargestLog2 - kSmallestLog2) * kSizesPerLog2 + 1;
constexpr std::size_t kMostPooled = std::size_t{64} << 20;

struct SizeClass {
  std::size_t index;
  std::size_t byte_size;
};

// The smallest class that holds `byte_size`; index kSizeClasses if none does.
SizeClass ClassOf(std::size_t byte_size) {
  if (byte_size <= (std::size_t{1} << kSmallestLog2)) return {0, std::size_t{1} << kSmallestLog2};
  if (byte_size > (std::size_t{1} << kLargestLog2)) return {kSizeClasses, byte_size};
  const int log2 = 63 - __builtin_clzll(byte_size - 1);
  const std::size_t step = (std::size_t{1} << log2) / kSizesPerLog2;
  const std::size_t steps = (byte_size - (std::size_t{1} << log2) + step - 1) / step;
  return {(log2 - kSmallestLog2) * kSizesPerLog2 + steps, (std::size_t{1} << log2) + steps * step};
}

class Pool {
 public:
  void* Take(SizeClass size_class) {
    if (size_class.index < kSizeClasses) {
      FreeList& list = lists_[size_class.index];
      std::lock_guard lock(list.mutex);
      if (list.first != nullptr) {
        FreeBlock* block = list.first;
        list.first = block->next;
        pooled_bytes_.fetch_sub(size_class.byte_size, std::memory_order_relaxed);
        return block;
      }
    }
    void* block = std::aligned_alloc(
        kAlignment, (size_class.byte_size + kAlignment - 1) / kAlignment * kAlignment);
    if (block == nullptr) throw std::bad_alloc();
    return block;
  }

  void Give(void* block, SizeClass size_class) noexcept {
    if (size_class.index < kSizeClasses &&
        pooled_bytes_.fetch_add(size_class.byte_size, std::memory_order_relaxed) +
                size_class.byte_size <=
            kMostPooled) {
      FreeList& list = lists_[size_class.index];
      std::lock_guard lock(list.mutex);
      list.first = new (block) FreeBlock{list.first};
      return;
    }
    if (size_class.index < kSizeClasses) {
      pooled_bytes_.fetch_sub(size_class.byte_size, std::memory_order_relaxed);
    }
    std::free(block);
  }

  std::size_t pooled_bytes() const { return pooled_bytes_.load(std::memory_order_relaxed); }

 private:
  struct FreeBlock {
    FreeBlock* next;
  };
  struct FreeList {
    std::mutex mutex;
    FreeBlock* first = nullptr;
  };

  std::array<FreeList, kSizeClasses> lists_;
  std::atomic<std::size_t> pooled_bytes_{0};
};

std::atomic<std::size_t> buffer_count{0};

// Never destroyed: arrays may outlive static objects. In a forked child another thread of the
// parent may have held a lock, so the child starts with an empty pool.
alignas(Pool) unsigned char pool_storage[sizeof(Pool)];

Pool& pool() {
  static Pool* instance = [] {
    pthread_atfork(nullptr, nullptr, [] { new (pool_storage) Pool; });
    return new (pool_storage) Pool;
  }();
  return *instance;
}

std::size_t BlockSize(std::size_t byte_size) {
  if (byte_size > SIZE_MAX - 2 * kAlignment) throw std::bad_alloc();
  return kAlignment + byte_size;
}

}  // namespace

OutputBufferPtr NewOutputBuffer(std::size_t byte_size) {
  void* block = pool().Take(ClassOf(BlockSize(byte_size)));
  buffer_count.fetch_add(1, std::memory_order_relaxed);
  return OutputBufferPtr(new (block)
                             OutputBuffer{static_cast<char*>(block) + kAlignment, byte_size,
                                          TRITONSERVER_MEMORY_CPU, 0, nullptr, false, false});
}

OutputBufferPtr WrapMemoryBuffer(PyObject* memory_buffer, bool own, void* data,
                                 std::size_t byte_size, TRITONSERVER_MemoryType memory_type,
                                 std::int64_t memory_type_id) {
  OutputBufferPtr buffer = NewOutputBuffer(0);
  if (own) Py_INCREF(memory_buffer);
  *buffer = {data, byte_size, memory_type, memory_type_id, memory_buffer, own, false};
  return buffer;
}

void OutputBuffer::Deleter::operator()(OutputBuffer* buffer) const noexcept {
  const std::size_t pooled_size = buffer->memory_buffer == nullptr ? buffer->byte_size : 0;
  if (buffer->owns_memory_buffer) DeferDrop(buffer->memory_buffer);
  buffer_count.fetch_sub(1, std::memory_order_relaxed);
  buffer->~OutputBuffer();
  pool().Give(buffer, ClassOf(BlockSize(pooled_size)));
}

std::size_t OutputBufferCount() { return buffer_count.load(std::memory_order_relaxed); }
std::size_t PooledByteCount() { return pool().pooled_bytes(); }

}  // namespace tritonserver::inference
