#include "native/triton/error.h"

#include "native/triton/api.h"

namespace tritonserver {

Error TakeError(TRITONSERVER_Error* error) {
  Error taken(api().ErrorCode(error), api().ErrorMessage(error));
  api().ErrorDelete(error);
  return taken;
}

TRITONSERVER_Error* MakeError(TRITONSERVER_Error_Code code, const char* message) noexcept {
  try {
    return api().ErrorNew(code, message);
  } catch (...) {  // out of memory
    return nullptr;
  }
}

}  // namespace tritonserver
