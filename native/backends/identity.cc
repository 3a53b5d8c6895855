// The identity backend: output i of a model's configuration is a copy of its input i, for any data
// type and shape. An output is left out if its input was not given or if it was not requested.
// Where the name of an input tells that of its copy, as INPUT0 and X do, it must be OUTPUT0 and Y,
// or the same: an output in the wrong place would otherwise be found out by its values.
// Requests of one batch are executed together and answered one by one.
//
// Model parameters, in config.pbtxt:
//
//   execute_delay_ms     milliseconds that an execution takes
//   creation_delay_sec   seconds that the creation of an instance takes
//
// Request parameters:
//
//   execute_delay_ms     INT     replaces the model's; a batch takes as long as its longest
//   error                STRING  fail with this message
//   error_code           INT     fail with this TRITONSERVER_Error_Code; INTERNAL if not given
//   echo_parameters      BOOL    return each parameter of the request as one of the response
//   input_pointers       BOOL    return the address of the first buffer of each input as response
//                                parameter `<input>_pointer`, an INT; 0 for an empty input
//   host_policy          STRING  copy the data that the inputs have for this host policy
//   query_outputs        BOOL    ask where each output will be before it is allocated, and return
//                                the answer as response parameters `<output>_memory_type` and
//                                `<output>_memory_type_id`, INTs
//
// A request that is cancelled while its execution is delayed fails with CANCELLED; the delay ends
// early when all requests of the batch are cancelled.

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "native/backends/backend.h"
#include "native/backends/model_config.h"

// Absent from cores before release 24.02.
#pragma weak TRITONBACKEND_ResponseSetDoubleParameter

namespace tritonserver::backend {
namespace {

constexpr int64_t kLongestDelay = std::numeric_limits<int32_t>::max();

struct Parameter {
  Parameter(TRITONBACKEND_Request* request, uint32_t index) {
    ThrowIfError(TRITONBACKEND_RequestParameter(request, index, &name, &type, &value));
  }

  bool Is(const char* other) const { return std::strcmp(name, other) == 0; }

  // The value, which must be of type `wanted`, for which the core keeps a `Value`.
  template <class Value>
  const Value* As(TRITONSERVER_ParameterType wanted) const {
    if (type != wanted) {
      throw Error(TRITONSERVER_ERROR_INVALID_ARG,
                  std::string("the request parameter '") + name + "' must be of type " +
                      TRITONSERVER_ParameterTypeString(wanted) + ", not " +
                      TRITONSERVER_ParameterTypeString(type));
    }
    return static_cast<const Value*>(value);
  }
  int64_t Int() const { return *As<int64_t>(TRITONSERVER_PARAMETER_INT); }
  bool Bool() const { return *As<bool>(TRITONSERVER_PARAMETER_BOOL); }
  const char* String() const { return As<char>(TRITONSERVER_PARAMETER_STRING); }

  const char* name;
  TRITONSERVER_ParameterType type;
  const void* value;
};

// What the parameters of a request ask for.
struct Options {
  Milliseconds delay{0};
  bool fail = false;
  const char* error = "failed on request";
  TRITONSERVER_Error_Code error_code = TRITONSERVER_ERROR_INTERNAL;
  bool echo_parameters = false;
  bool input_pointers = false;
  const char* host_policy = nullptr;
  bool query_outputs = false;
};

uint32_t ParameterCount(TRITONBACKEND_Request* request) {
  uint32_t count;
  ThrowIfError(TRITONBACKEND_RequestParameterCount(request, &count));
  return count;
}

Milliseconds Delay(int64_t milliseconds) {
  if (milliseconds < 0 || milliseconds > kLongestDelay) {
    throw Error(TRITONSERVER_ERROR_INVALID_ARG,
                "the request parameter 'execute_delay_ms' must be from 0 to " +
                    std::to_string(kLongestDelay) + ", not " + std::to_string(milliseconds));
  }
  return Milliseconds(milliseconds);
}

void ReadOptions(TRITONBACKEND_Request* request, Options& options) {
  const uint32_t count = ParameterCount(request);
  for (uint32_t i = 0; i < count; ++i) {
    const Parameter parameter(request, i);
    if (parameter.Is("execute_delay_ms")) {
      options.delay = Delay(parameter.Int());
    } else if (parameter.Is("error")) {
      options.error = parameter.String();
      options.fail = true;
    } else if (parameter.Is("error_code")) {
      options.error_code = static_cast<TRITONSERVER_Error_Code>(parameter.Int());
      options.fail = true;
    } else if (parameter.Is("echo_parameters")) {
      options.echo_parameters = parameter.Bool();
    } else if (parameter.Is("input_pointers")) {
      options.input_pointers = parameter.Bool();
    } else if (parameter.Is("host_policy")) {
      options.host_policy = parameter.String();
    } else if (parameter.Is("query_outputs")) {
      options.query_outputs = parameter.Bool();
    }
  }
}

void Echo(const Parameter& parameter, TRITONBACKEND_Response* response) {
  switch (parameter.type) {
    case TRITONSERVER_PARAMETER_STRING:
      return ThrowIfError(
          TRITONBACKEND_ResponseSetStringParameter(response, parameter.name, parameter.String()));
    case TRITONSERVER_PARAMETER_INT:
      return ThrowIfError(
          TRITONBACKEND_ResponseSetIntParameter(response, parameter.name, parameter.Int()));
    case TRITONSERVER_PARAMETER_BOOL:
      return ThrowIfError(
          TRITONBACKEND_ResponseSetBoolParameter(response, parameter.name, parameter.Bool()));
    case TRITONSERVER_PARAMETER_DOUBLE:  // comes only from a core that also has the setter
      return ThrowIfError(TRITONBACKEND_ResponseSetDoubleParameter(
          response, parameter.name, *static_cast<const double*>(parameter.value)));
    default:
      throw Error(TRITONSERVER_ERROR_UNSUPPORTED,
                  std::string("cannot return the parameter '") + parameter.name + "' of type " +
                      TRITONSERVER_ParameterTypeString(parameter.type));
  }
}

void SetInt(TRITONBACKEND_Response* response, const std::string& name, int64_t value) {
  ThrowIfError(TRITONBACKEND_ResponseSetIntParameter(response, name.c_str(), value));
}

// What the copy of an input is usually called; nothing if its name does not tell.
std::optional<std::string> NameOfCopy(const std::string& input) {
  struct Names {
    std::string_view input;
    std::string_view copy;
    bool anywhere;  // otherwise with nothing but a number behind it
  };
  constexpr Names kNames[] = {{"INPUT", "OUTPUT", true}, {"input", "output", true},
                              {"IN", "OUT", false},      {"in", "out", false},
                              {"X", "Y", false},         {"x", "y", false}};
  for (const Names& names : kNames) {
    const size_t found = input.find(names.input);
    if (found == std::string::npos) continue;
    const size_t end = found + names.input.size();
    const bool is_whole =
        found == 0 && input.find_first_not_of("0123456789", end) == std::string::npos;
    if (names.anywhere || is_whole)
      return std::string(input).replace(found, end - found, names.copy);
  }
  return std::nullopt;
}

class Identity : public Instance {
 public:
  Identity(TRITONBACKEND_ModelInstance* handle, const ModelConfig& config);

  void Execute(TRITONBACKEND_Request** requests, uint32_t count) override;

 private:
  // A request on its way to its response.
  struct Job {
    TRITONBACKEND_Request* request;
    Options options;
    uint64_t batch_size = 1;
    Response response{};
    TRITONSERVER_Error* error = nullptr;
  };

  // The place in inputs_; its end if it is none of these, but the control input of a sequence.
  size_t Find(const Input& input) const;
  bool IsEmptyBatch(const Input& input, size_t place) const;
  uint64_t BatchSize(TRITONBACKEND_Request* request) const;
  void Wait(Milliseconds delay);
  void Respond(Job& job);
  void CopyInputs(Job& job);
  void QueryOutput(Job& job, const std::string& name, size_t byte_size);

  const bool batching_;
  const Milliseconds delay_;
  const std::vector<ModelConfig::Tensor> inputs_;
  const std::vector<ModelConfig::Tensor> outputs_;
  // Kept from one execution to the next, so that none has to allocate.
  std::vector<Job> jobs_;
  std::vector<std::optional<Input>> given_;  // in the order of inputs_
};

Identity::Identity(TRITONBACKEND_ModelInstance* handle, const ModelConfig& config)
    : Instance(handle),
      batching_(config.max_batch_size > 0),
      delay_(IntegerParameter(config, "execute_delay_ms", kLongestDelay)),
      inputs_(config.inputs),
      outputs_(config.outputs),
      given_(config.inputs.size()) {
  if (inputs_.size() != outputs_.size()) {
    throw Error(TRITONSERVER_ERROR_INVALID_ARG,
                "an identity model needs as many outputs as inputs, but it has " +
                    std::to_string(outputs_.size()) + " and " + std::to_string(inputs_.size()));
  }
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (inputs_[i].data_type != outputs_[i].data_type) {
      throw Error(TRITONSERVER_ERROR_INVALID_ARG,
                  "output '" + outputs_[i].name + "' is a copy of input '" + inputs_[i].name +
                      "' and must be of its type, " + inputs_[i].data_type + ", not " +
                      outputs_[i].data_type);
    }
    const auto name = NameOfCopy(inputs_[i].name);
    if (name && outputs_[i].name != *name && outputs_[i].name != inputs_[i].name) {
      throw Error(TRITONSERVER_ERROR_INVALID_ARG,
                  "output '" + outputs_[i].name + "' would be a copy of input '" + inputs_[i].name +
                      "', whose copy is called '" + *name + "' or as the input is");
    }
  }
  std::this_thread::sleep_for(
      std::chrono::seconds(IntegerParameter(config, "creation_delay_sec", kLongestDelay)));
}

// Statistics are reported before the responses leave, so that whoever has a response sees them.
void Identity::Execute(TRITONBACKEND_Request** requests, uint32_t count) {
  jobs_.clear();
  jobs_.reserve(count);
  const uint64_t start = Nanoseconds();
  Milliseconds delay{0};
  uint64_t batch_size = 0;
  for (uint32_t i = 0; i < count; ++i) {
    Job& job = jobs_.emplace_back(Job{requests[i], Options{delay_}});
    job.error = ErrorOf([&] {
      job.response = Response(job.request);
      job.batch_size = BatchSize(job.request);
      ReadOptions(job.request, job.options);
    });
    delay = std::max(delay, job.options.delay);
    batch_size += job.batch_size;
  }
  const uint64_t compute_start = Nanoseconds();
  if (delay > Milliseconds(0)) Wait(delay);
  for (Job& job : jobs_) {
    if (job.error == nullptr) job.error = ErrorOf([&] { Respond(job); });
  }
  const uint64_t end = Nanoseconds();
  for (const Job& job : jobs_) {
    LogIfError(TRITONBACKEND_ModelInstanceReportStatistics(
        handle(), job.request, job.error == nullptr, start, compute_start, end, end));
  }
  LogIfError(TRITONBACKEND_ModelInstanceReportBatchStatistics(handle(), batch_size, start,
                                                              compute_start, end, end));
  for (Job& job : jobs_) {
    job.response.Send(TRITONSERVER_RESPONSE_COMPLETE_FINAL, job.error);
    Release(job.request);
  }
}

size_t Identity::Find(const Input& input) const {
  const auto found =
      std::find_if(inputs_.begin(), inputs_.end(),
                   [&](const ModelConfig::Tensor& tensor) { return tensor.name == input.name; });
  return found - inputs_.begin();
}

// The core leaves the dimension of the batch out if it is 0.
bool Identity::IsEmptyBatch(const Input& input, size_t place) const {
  return batching_ && place < inputs_.size() && input.rank == inputs_[place].rank;
}

uint64_t Identity::BatchSize(TRITONBACKEND_Request* request) const {
  if (!batching_) return 1;
  TRITONBACKEND_Input* handle;
  ThrowIfError(TRITONBACKEND_RequestInputByIndex(request, 0, &handle));
  const Input input(handle);
  return IsEmptyBatch(input, Find(input)) ? 0 : input.shape[0];
}

void Identity::Wait(Milliseconds delay) {
  SleepUntil(Clock::now() + delay, [&] {
    return std::all_of(jobs_.begin(), jobs_.end(),
                       [](const Job& job) { return IsCancelled(job.request); });
  });
  for (Job& job : jobs_) {
    if (job.error == nullptr && IsCancelled(job.request)) {
      job.error = TRITONSERVER_ErrorNew(TRITONSERVER_ERROR_CANCELLED, "the request was cancelled");
    }
  }
}

void Identity::Respond(Job& job) {
  if (job.options.fail) throw Error(job.options.error_code, job.options.error);
  CopyInputs(job);
  if (!job.options.echo_parameters) return;
  const uint32_t count = ParameterCount(job.request);
  for (uint32_t i = 0; i < count; ++i) Echo(Parameter(job.request, i), job.response.get());
}

void Identity::CopyInputs(Job& job) {
  uint32_t input_count, output_count;
  ThrowIfError(TRITONBACKEND_RequestInputCount(job.request, &input_count));
  ThrowIfError(TRITONBACKEND_RequestOutputCount(job.request, &output_count));
  std::fill(given_.begin(), given_.end(), std::nullopt);
  for (uint32_t i = 0; i < input_count; ++i) {
    TRITONBACKEND_Input* handle;
    ThrowIfError(TRITONBACKEND_RequestInputByIndex(job.request, i, &handle));
    const Input input(handle, job.options.host_policy);
    if (const size_t place = Find(input); place < inputs_.size()) given_[place] = input;
  }
  for (size_t i = 0; i < outputs_.size(); ++i) {
    if (!given_[i]) continue;
    const Input& input = *given_[i];
    const char* output = outputs_[i].name.c_str();
    if (job.options.query_outputs) QueryOutput(job, outputs_[i].name, input.byte_size);
    if (output_count == outputs_.size() || IsRequested(job.request, output)) {
      std::vector<int64_t> empty_batch;
      if (IsEmptyBatch(input, i)) {
        empty_batch.push_back(0);
        empty_batch.insert(empty_batch.end(), input.shape, input.shape + input.rank);
      }
      const bool is_empty = !empty_batch.empty();
      input.CopyTo(job.response.AddOutput(
          output, input.data_type, is_empty ? empty_batch.data() : input.shape,
          is_empty ? static_cast<uint32_t>(empty_batch.size()) : input.rank, input.byte_size));
    }
    if (job.options.input_pointers) {
      uint64_t size;
      const void* buffer = input.buffer_count > 0 ? input.Buffer(0, &size) : nullptr;
      SetInt(job.response.get(), inputs_[i].name + "_pointer", reinterpret_cast<intptr_t>(buffer));
    }
  }
}

void Identity::QueryOutput(Job& job, const std::string& name, size_t byte_size) {
  TRITONSERVER_MemoryType memory_type = TRITONSERVER_MEMORY_CPU;
  int64_t memory_type_id = 0;
  ThrowIfError(TRITONBACKEND_RequestOutputBufferProperties(job.request, name.c_str(), &byte_size,
                                                           &memory_type, &memory_type_id));
  SetInt(job.response.get(), name + "_memory_type", memory_type);
  SetInt(job.response.get(), name + "_memory_type_id", memory_type_id);
}

}  // namespace

std::unique_ptr<Instance> NewInstance(TRITONBACKEND_ModelInstance* handle,
                                      const ModelConfig& config) {
  return std::make_unique<Identity>(handle, config);
}

}  // namespace tritonserver::backend
