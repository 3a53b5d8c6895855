#include "native/triton/error.h"

#include "native/triton/handle.h"

namespace tritonserver {

Error TakeError(TRITONSERVER_Error* error) {
  const auto owned = Handle<TRITONSERVER_Error>::Own(error);
  const char* message = Call<&Api::ErrorMessage>(error);
  return Error(Call<&Api::ErrorCode>(error), message == nullptr ? "" : message);
}

TRITONSERVER_Error* MakeError(TRITONSERVER_Error_Code code, const char* message) noexcept {
  try {
    return api().ErrorNew(code, message);
  } catch (...) {  // out of memory
    return nullptr;
  }
}

}  // namespace tritonserver
