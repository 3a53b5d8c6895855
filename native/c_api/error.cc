#include "native/c_api/error.h"

#include <array>
#include <exception>

#include "native/c_api/bindings.h"
#include "native/c_api/call.h"

namespace tritonserver {

// An error object of the C API.
class ErrorObject : public PythonClass {
 public:
  ErrorObject(TRITONSERVER_Error_Code code, const std::string& message) {
    CheckText("message", message);
    error_ = OwnMade<&Api::ErrorNew>(Call<&Api::ErrorNew>(code, message.c_str()));
  }

  TRITONSERVER_Error* get() const { return error_.get(); }

 private:
  Handle<TRITONSERVER_Error> error_;
};

template <>
struct ClassFor<TRITONSERVER_Error> {
  using Type = ErrorObject;
};

namespace {

struct ErrorType {
  TRITONSERVER_Error_Code code;
  const char* name;
  const char* base;
  const char* meaning;
};

// A class stands after its base, and is looked for from the end: so the most derived one is found.
constexpr std::array kErrorTypes{
    ErrorType{TRITONSERVER_ERROR_UNKNOWN, "UnknownError", "TritonError",
              "An error that Triton does not classify."},
    ErrorType{TRITONSERVER_ERROR_INTERNAL, "InternalError", "TritonError",
              "A failure inside Triton, a backend or a model."},
    ErrorType{TRITONSERVER_ERROR_NOT_FOUND, "NotFoundError", "TritonError",
              "What was asked for does not exist."},
    ErrorType{TRITONSERVER_ERROR_INVALID_ARG, "InvalidArgumentError", "TritonError",
              "An argument has a value that is not allowed."},
    ErrorType{TRITONSERVER_ERROR_UNAVAILABLE, "UnavailableError", "TritonError",
              "Not possible in the present state of the server, model or object."},
    ErrorType{TRITONSERVER_ERROR_UNSUPPORTED, "UnsupportedError", "TritonError",
              "Not supported by this Triton release, build or object."},
    ErrorType{TRITONSERVER_ERROR_ALREADY_EXISTS, "AlreadyExistsError", "TritonError",
              "There is one already."},
    ErrorType{TRITONSERVER_ERROR_CANCELLED, "CancelledError", "UnknownError",
              "The request was cancelled."},
};

// Made by `BindErrors` and never dropped: callbacks and translators may need them at any time.
py::handle triton_error;
std::array<py::handle, kErrorTypes.size()> error_classes;

py::handle NewClass(py::module_& module, const char* name, const char* meaning, py::handle base) {
  const std::string qualified = module.attr("__name__").cast<std::string>() + "." + name;
  PyObject* made = PyErr_NewExceptionWithDoc(qualified.c_str(), meaning, base.ptr(), nullptr);
  if (made == nullptr) throw py::error_already_set();
  module.add_object(name, made);
  return made;
}

// The message alone, although the error of a response carries the response as its second argument.
py::str MessageText(py::handle exception) {
  const py::tuple arguments = exception.attr("args");
  return arguments.empty() ? py::str() : py::str(py::object(arguments[0]));
}

void Translate(std::exception_ptr thrown) {
  try {
    if (thrown) std::rethrow_exception(thrown);
  } catch (const Error& error) {
    PyErr_SetObject(ErrorClass(error.code()).ptr(), MakePythonError(error).ptr());
  }
}

}  // namespace

py::handle ErrorClass(TRITONSERVER_Error_Code code) {
  for (std::size_t i = 0; i < kErrorTypes.size(); ++i) {
    if (kErrorTypes[i].code == code) return error_classes[i];
  }
  return error_classes[0];
}

py::object MakePythonError(const Error& error) {
  // The core passes text of models and files on, so it need not be UTF-8.
  py::object made = ErrorClass(error.code())(py::reinterpret_steal<py::str>(PyUnicode_DecodeUTF8(
      error.message().data(), static_cast<Py_ssize_t>(error.message().size()), "replace")));
  if (const auto* caused = dynamic_cast<const CausedError*>(&error)) {
    PyException_SetCause(made.ptr(), py::object(caused->cause()).release().ptr());
  }
  return made;
}

Error ErrorFromPython(const py::error_already_set& exception) {
  const py::object& value = exception.value();
  std::string text;
  try {
    text = py::str(value);
  } catch (const py::error_already_set&) {  // its __str__ fails
    text = "(no message)";
  }
  for (std::size_t i = kErrorTypes.size(); i-- > 0;) {
    if (py::isinstance(value, error_classes[i])) return Error(kErrorTypes[i].code, text);
  }
  const std::string name = py::str(exception.type().attr("__name__"));
  return Error(TRITONSERVER_ERROR_UNKNOWN, text.empty() ? name : name + ": " + text);
}

void BindErrors(py::module_& module, Later& later) {
  triton_error = NewClass(module, "TritonError", "Base of all errors of Triton.", PyExc_Exception);
  for (std::size_t i = 0; i < kErrorTypes.size(); ++i) {
    const ErrorType& type = kErrorTypes[i];
    error_classes[i] = NewClass(module, type.name, type.meaning, module.attr(type.base));
  }
  triton_error.attr("__str__") =
      py::cpp_function(&MessageText, py::name("__str__"), py::is_method(triton_error));
  py::register_local_exception_translator(&Translate);

  py::class_<ErrorObject> error(module, "TRITONSERVER_Error", R"(
An error of the C API: a code and a message.

Calls that fail raise an exception instead; this is for programs that deal with the C API itself.

C API: TRITONSERVER_Error, TRITONSERVER_ErrorNew, TRITONSERVER_ErrorDelete)");
  later.push_back([error]() mutable {
    error.def(py::init<TRITONSERVER_Error_Code, const String&>(), py::arg("code"),
              py::arg("message"));
    DefProperty<&Api::ErrorCode>(error, "code", "Kind of the error.");
    DefProperty<&Api::ErrorCodeString>(
        error, "code_string", "Kind of the error in words; the core has none for CANCELLED.");
    DefProperty<&Api::ErrorMessage>(error, "message", "What went wrong.");
  });
}

}  // namespace tritonserver
