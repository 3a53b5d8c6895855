#include "native/triton/error.h"

#include <cxxabi.h>

#include "native/triton/handle.h"

namespace tritonserver {

Error TakeError(TRITONSERVER_Error* error) {
  const auto owned = Handle<TRITONSERVER_Error>::Own(error);
  const char* message = Call<&Api::ErrorMessage>(error);
  return Error(Call<&Api::ErrorCode>(error), message == nullptr ? "" : message);
}

void Throw(TRITONSERVER_Error* error) { throw TakeError(error); }

void ThrowEscaped(const char* function) {
  try {
    throw;
  } catch (const Error&) {
    throw;
  } catch (const std::exception& escaped) {
    throw Error(TRITONSERVER_ERROR_INTERNAL, std::string(function) + " failed: " + escaped.what());
  } catch (const abi::__forced_unwind&) {
    throw;
  } catch (...) {
    throw Error(TRITONSERVER_ERROR_INTERNAL,
                std::string(function) + " failed: unknown C++ exception");
  }
}

TRITONSERVER_Error* MakeError(TRITONSERVER_Error_Code code, const char* message) noexcept {
  try {
    return api().ErrorNew(code, message);
  } catch (...) {  // out of memory
    return nullptr;
  }
}

}  // namespace tritonserver
