// Errors of the C API as C++ exceptions, in both directions.
#pragma once

#include <exception>
#include <string>
#include <utility>

#include "triton/core/tritonserver.h"

namespace tritonserver {

// Code and message of a TRITONSERVER_Error. Holds nothing of Python, so it may be thrown with and
// without the GIL; c_api/error.cc turns it into the Python class of its code.
class Error : public std::exception {
 public:
  Error(TRITONSERVER_Error_Code code, std::string message)
      : code_(code), message_(std::move(message)) {}

  TRITONSERVER_Error_Code code() const { return code_; }
  const std::string& message() const { return message_; }
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  TRITONSERVER_Error_Code code_;
  std::string message_;
};

// Takes over `error` and returns what it says.
Error TakeError(TRITONSERVER_Error* error);

// Throws what `error` says and deletes it.
[[noreturn, gnu::cold]] void Throw(TRITONSERVER_Error* error);

// Null means success.
inline void ThrowIfError(TRITONSERVER_Error* error) {
  if (error != nullptr) Throw(error);
}

// For a handler: throws the exception that escaped from the C function as an INTERNAL `Error`.
// Ours, and what ends a thread, stay what they are.
[[noreturn, gnu::cold]] void ThrowEscaped(const char* function);

// A new error for the core, which deletes it; null if not even that can be made.
TRITONSERVER_Error* MakeError(TRITONSERVER_Error_Code code, const char* message) noexcept;

}  // namespace tritonserver
