#include "native/inference/response.h"

#include <new>

#include "native/inference/deferred.h"
#include "native/triton/api.h"
#include "native/triton/handle.h"
#include "native/triton/loader.h"

namespace tritonserver::inference {
namespace {

constexpr auto kParameterDouble = static_cast<TRITONSERVER_ParameterType>(3);

const char* OrEmpty(const char* text) { return text == nullptr ? "" : text; }

ParameterValue ReadParameter(const char* name, TRITONSERVER_ParameterType type, const void* value) {
  switch (ParameterTypeFromCore(type)) {
    case TRITONSERVER_PARAMETER_STRING:
      return std::string(OrEmpty(static_cast<const char*>(value)));
    case TRITONSERVER_PARAMETER_INT:
      return *static_cast<const std::int64_t*>(value);
    case TRITONSERVER_PARAMETER_BOOL:
      return *static_cast<const bool*>(value);
    case kParameterDouble:
      return *static_cast<const double*>(value);
    default:
      throw Error(TRITONSERVER_ERROR_UNSUPPORTED,
                  std::string("response parameter '") + name + "' has type " +
                      OrEmpty(api().ParameterTypeString(type)) +
                      ", whose value cannot be read through Triton's C API");
  }
}

// What an error says that has no text. The core gives none to what it cancels in its queues.
std::string TextFor(TRITONSERVER_Error_Code code, const std::string& model_name) {
  if (code == TRITONSERVER_ERROR_CANCELLED) {
    return "the request was cancelled before model '" + model_name +
           "' had answered it; with a request of a sequence, those that wait behind it are "
           "cancelled, too";
  }
  return "model '" + model_name + "' answered with an error that has no text";
}

bool IsBlank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

void ReadHead(TRITONSERVER_InferenceResponse* source, Response& response) {
  const char* text = nullptr;
  Call<&Api::InferenceResponseModel>(source, &text, &response.model_version);
  response.model_name = OrEmpty(text);
  text = nullptr;
  Call<&Api::InferenceResponseId>(source, &text);
  response.request_id = OrEmpty(text);
  std::uint32_t count = 0;
  Call<&Api::InferenceResponseParameterCount>(source, &count);
  response.parameters.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const char* name = nullptr;
    TRITONSERVER_ParameterType type;
    const void* value = nullptr;
    Call<&Api::InferenceResponseParameter>(source, i, &name, &type, &value);
    response.parameters.emplace_back(OrEmpty(name), ReadParameter(OrEmpty(name), type, value));
  }
}

void ReadOutputs(TRITONSERVER_InferenceResponse* source, const Classification& classification,
                 const void* server_of_labels, Response& response) {
  std::uint32_t count = 0;
  Call<&Api::InferenceResponseOutputCount>(source, &count);
  response.outputs.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const char* name = nullptr;
    TRITONSERVER_DataType data_type;
    const std::int64_t* shape = nullptr;
    std::uint64_t rank = 0;
    const void* base = nullptr;
    std::size_t byte_size = 0;
    TRITONSERVER_MemoryType memory_type;
    std::int64_t memory_type_id = 0;
    void* buffer_userp = nullptr;
    Call<&Api::InferenceResponseOutput>(source, i, &name, &data_type, &shape, &rank, &base,
                                        &byte_size, &memory_type, &memory_type_id, &buffer_userp);
    // Without data no buffer was allocated, and the core left its userp uninitialised.
    auto* buffer = base == nullptr ? nullptr : static_cast<OutputBuffer*>(buffer_userp);
    // Neither is the size defined then.
    Output& output = response.outputs.emplace_back(Output{OrEmpty(name),
                                                          data_type,
                                                          {shape, shape + rank},
                                                          buffer == nullptr ? 0 : byte_size,
                                                          nullptr,
                                                          nullptr});
    if (buffer != nullptr && !buffer->adopted) {
      buffer->adopted = true;
      output.buffer.reset(buffer);
    }
    if (server_of_labels != nullptr) {
      output.labels = LabelsOf(
          {server_of_labels, response.model_name, response.model_version, source, i, output.name});
    }
    if (const std::uint32_t class_count = classification.CountOf(output.name.c_str())) {
      Classify(source, i, class_count, classification.batched, output);
    }
  }
}

}  // namespace

Response::~Response() { DeferDrop(converted); }

std::unique_ptr<Response> TakeResponse(TRITONSERVER_InferenceResponse* source,
                                       const Classification& classification,
                                       const void* server_of_labels) {
  auto response = std::make_unique<Response>();
  auto handle = Handle<TRITONSERVER_InferenceResponse>::Own(source);
  try {
    // A new error with each call, despite what the header says.
    if (TRITONSERVER_Error* error = api().InferenceResponseError(source)) {
      response->error = TakeError(error);
    }
    ReadHead(source, *response);
    if (!response->error) ReadOutputs(source, classification, server_of_labels, *response);
  } catch (const Error& unreadable) {
    if (!response->error) response->error = unreadable;
  }
  if (response->error && IsBlank(response->error->message())) {
    const TRITONSERVER_Error_Code code = response->error->code();
    response->error = Error(code, TextFor(code, response->model_name));
  }
  // Calls the release function of each buffer, so all buffers must still be there.
  handle.Reset();
  if (response->error) response->outputs.clear();
  return response;
}

}  // namespace tritonserver::inference
