// The structures of DLPack (https://dmlc.github.io/dlpack), as far as they are used here.
#pragma once

#include <cstdint>

namespace tritonserver::inference {

enum DLDeviceType : std::int32_t {
  kDLCPU = 1,
  kDLCUDA = 2,
  kDLCUDAHost = 3,
  kDLCUDAManaged = 13,
};

struct DLDevice {
  DLDeviceType device_type;
  std::int32_t device_id;
};

struct DLDataType {
  std::uint8_t code;
  std::uint8_t bits;
  std::uint16_t lanes;
};

struct DLTensor {
  void* data;
  DLDevice device;
  std::int32_t ndim;
  DLDataType dtype;
  std::int64_t* shape;
  std::int64_t* strides;  // in elements; null: C-contiguous
  std::uint64_t byte_offset;
};

struct DLManagedTensor {
  DLTensor dl_tensor;
  void* manager_ctx;
  void (*deleter)(DLManagedTensor*);
};

struct DLPackVersion {
  std::uint32_t major;
  std::uint32_t minor;
};

struct DLManagedTensorVersioned {
  DLPackVersion version;
  void* manager_ctx;
  void (*deleter)(DLManagedTensorVersioned*);
  std::uint64_t flags;
  DLTensor dl_tensor;
};

inline constexpr DLPackVersion kDLPackVersion{1, 0};
inline constexpr std::uint64_t kDLPackReadOnly = 1;
inline constexpr std::uint64_t kDLPackIsCopied = 2;

// Names of capsules, before and after their tensor was taken out.
inline constexpr const char* kDLTensor = "dltensor";
inline constexpr const char* kUsedDLTensor = "used_dltensor";
inline constexpr const char* kDLTensorVersioned = "dltensor_versioned";
inline constexpr const char* kUsedDLTensorVersioned = "used_dltensor_versioned";

}  // namespace tritonserver::inference
