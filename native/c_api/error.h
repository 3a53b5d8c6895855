// Errors between C++ and Python: the exception classes and the two ways between them and `Error`.
#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <utility>

#include "native/triton/error.h"
#include "native/triton/gil.h"

namespace tritonserver {

// The exception class of an error code, borrowed; `UnknownError` for codes without a class.
py::handle ErrorClass(TRITONSERVER_Error_Code code);

// An error that a Python exception led to, which becomes its `__cause__`. Only with the GIL.
class CausedError : public Error {
 public:
  CausedError(TRITONSERVER_Error_Code code, std::string message, py::object cause)
      : Error(code, std::move(message)), cause_(std::move(cause)) {}

  const py::object& cause() const { return cause_; }

 private:
  py::object cause_;
};

// An exception object, not raised, with `error`'s message as its only argument.
py::object MakePythonError(const Error& error);

// What a Python exception says as an error of the C API: the code is that of its class, UNKNOWN for
// classes other than ours, whose name then starts the message. Needs the GIL.
Error ErrorFromPython(const py::error_already_set& exception);

// For callbacks of the core that return an error: runs `body` with the GIL and turns whatever it
// throws into an error for the core. `where` names the callback.
template <class Body>
TRITONSERVER_Error* CallPythonForCore(const char* where, Body&& body) noexcept {
  InCallback in_callback;
  if (!PythonIsRunning()) {
    return MakeError(TRITONSERVER_ERROR_UNAVAILABLE, "Python is shutting down");
  }
  WithGil gil;
  try {
    body();
    return nullptr;
  } catch (const py::error_already_set& exception) {
    const Error error = ErrorFromPython(exception);
    return MakeError(error.code(), error.message().c_str());
  } catch (const Error& error) {
    return MakeError(error.code(), error.what());
  } catch (const py::cast_error&) {
    const std::string message = std::string(where) + " returned a value of the wrong type";
    return MakeError(TRITONSERVER_ERROR_INVALID_ARG, message.c_str());
  } catch (const std::exception& exception) {
    return MakeError(TRITONSERVER_ERROR_INTERNAL, exception.what());
  } catch (...) {
    return MakeError(TRITONSERVER_ERROR_INTERNAL, "unknown C++ exception");
  }
}

}  // namespace tritonserver
