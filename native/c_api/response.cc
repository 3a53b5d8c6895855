#include "native/c_api/response.h"

#include <pybind11/numpy.h>

#include <tuple>
#include <variant>

#include "native/c_api/bindings.h"
#include "native/c_api/call.h"
#include "native/triton/loader.h"

namespace tritonserver {
namespace {

struct Output {
  const char* name = nullptr;
  TRITONSERVER_DataType data_type = TRITONSERVER_TYPE_INVALID;
  const std::int64_t* shape = nullptr;
  std::uint64_t rank = 0;
  const void* base = nullptr;
  std::size_t byte_size = 0;
  TRITONSERVER_MemoryType memory_type = TRITONSERVER_MEMORY_CPU;
  std::int64_t memory_type_id = 0;
  void* userp = nullptr;

  Output(TRITONSERVER_InferenceResponse* response, std::uint32_t index) {
    Call<&Api::InferenceResponseOutput>(response, index, &name, &data_type, &shape, &rank, &base,
                                        &byte_size, &memory_type, &memory_type_id, &userp);
    if (base == nullptr) {  // an output without a buffer has no more than that
      byte_size = 0;
      userp = nullptr;
    }
  }
};

}  // namespace

Response::Response(std::shared_ptr<Server> server, std::shared_ptr<ResponseAllocator> allocator,
                   Handle<TRITONSERVER_InferenceResponse> handle)
    : allocator_(std::move(allocator)),
      handle_(std::move(handle)),
      tie_(std::move(server), [this] { return Surrender(); }) {}

Response::~Response() {
  if (!tie_.server()->InItsProcess()) handle_.Release();
}

TRITONSERVER_InferenceResponse* Response::get() const {
  if (!handle_) {
    throw Error(TRITONSERVER_ERROR_UNAVAILABLE,
                "this response is gone, because its server was stopped");
  }
  return handle_.get();
}

// Its buffers in host memory stay, for their addresses may be in use.
std::shared_ptr<void> Response::Surrender() {
  if (!handle_) return nullptr;
  std::uint32_t count = 0;
  if (!FromPythonAllocator()) Call<&Api::InferenceResponseOutputCount>(handle_.get(), &count);
  for (std::uint32_t i = 0; i < count; ++i) {
    if (auto* buffer = static_cast<HostBuffer*>(Output(handle_.get(), i).userp)) {
      buffer->kept = true;
      kept_buffers_.emplace_back(buffer);
    }
  }
  return std::make_shared<Handle<TRITONSERVER_InferenceResponse>>(std::move(handle_));
}

namespace {

using Value = std::variant<std::string, std::int64_t, bool, double, std::monostate>;

std::tuple<std::string, TRITONSERVER_ParameterType, Value> GetParameter(
    const Response& response, Integer<std::uint32_t> index) {
  const char* name = nullptr;
  TRITONSERVER_ParameterType core_type;
  const void* value = nullptr;
  Call<&Api::InferenceResponseParameter>(response.get(), index.value, &name, &core_type, &value);
  const auto type = ParameterTypeFromCore(core_type);
  const auto result = [&](Value converted) {
    return std::make_tuple(ToPython(name), type, converted);
  };
  if (type == TRITONSERVER_PARAMETER_STRING) {
    return result(ToPython(static_cast<const char*>(value)));
  }
  if (type == TRITONSERVER_PARAMETER_INT) return result(*static_cast<const std::int64_t*>(value));
  if (type == TRITONSERVER_PARAMETER_BOOL) return result(*static_cast<const bool*>(value));
  if (type == kParameterDouble) return result(*static_cast<const double*>(value));
  return result(std::monostate());
}

using Shape = py::array_t<std::int64_t>;
using OutputTuple = py::typing::Tuple<py::str, TRITONSERVER_DataType, Shape, py::int_, py::int_,
                                      TRITONSERVER_MemoryType, py::int_>;
using OutputTupleWithObject =
    py::typing::Tuple<py::str, TRITONSERVER_DataType, Shape, py::int_, py::int_,
                      TRITONSERVER_MemoryType, py::int_, py::object>;

py::typing::Union<OutputTuple, OutputTupleWithObject> GetOutput(const Response& response,
                                                                Integer<std::uint32_t> index) {
  const Output output(response.get(), index);
  const Shape shape(static_cast<py::ssize_t>(output.rank), output.shape);
  const auto with_pointer = [&](std::uintptr_t pointer, auto... more) -> py::tuple {
    return py::make_tuple(ToPython(output.name), output.data_type, shape, pointer, output.byte_size,
                          output.memory_type, output.memory_type_id, more...);
  };
  if (!response.FromPythonAllocator()) {
    return with_pointer(reinterpret_cast<std::uintptr_t>(output.base));
  }
  const auto* buffer = static_cast<const PythonBuffer*>(output.userp);
  return buffer == nullptr ? with_pointer(0, py::object(py::none()))
                           : with_pointer(buffer->pointer(), buffer->user_object());
}

}  // namespace

void BindResponse(py::module_& module, Later& later) {
  py::class_<Response, std::shared_ptr<Response>> response(
      module, "TRITONSERVER_InferenceResponse", R"(
A response to a request; responses are made by the core.

Owns the buffers of its outputs: their addresses are valid until it is deleted. Keeps its model
loaded, until its server is stopped; then it is no longer valid (UnavailableError), though buffers in
host memory stay.

C API: TRITONSERVER_InferenceResponse, TRITONSERVER_InferenceResponseDelete)",
      py::release_gil_before_calling_cpp_dtor());
  later.push_back([response]() mutable {
    Def<&Api::InferenceResponseError>(response, "throw_if_response_error",
                                      "Raise the error that this response reports, if it does.");
    DefProperty<&Api::InferenceResponseModel>(response, "model",
                                              "Name and version of the model that answered.");
    DefProperty<&Api::InferenceResponseId>(response, "id", "Id of the request.");
    DefProperty<&Api::InferenceResponseParameterCount>(response, "parameter_count",
                                                       "Number of parameters.");
    DefProperty<&Api::InferenceResponseOutputCount>(response, "output_count", "Number of outputs.");
    response.def("parameter", &GetParameter, py::arg("index"),
                 Document<&Api::InferenceResponseParameter>(
                     "Name, type and value of a parameter; None for a type that is not known.")
                     .c_str());
    response.def("output", &GetOutput, py::arg("index"),
                 Document<&Api::InferenceResponseOutput>(R"(
Name, data type, shape, address, size in bytes, memory type and memory type id of an output.

With the buffer user object at the end if the request had a response callback. The address is 0 and
the size 0 for an empty output.)")
                     .c_str());
    Def<&Api::InferenceResponseOutputClassificationLabel>(
        response, "output_classification_label",
        "Label of a class of an output, as it stands in the model's label file: with a carriage "
        "return at its end if that has lines of Windows. An empty string if there is none.");
  });
}

}  // namespace tritonserver
