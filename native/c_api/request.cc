#include "native/c_api/request.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "native/c_api/bindings.h"
#include "native/c_api/call.h"

namespace tritonserver {

// What the core holds of a request in flight: two references, one until the last response, one
// until the release, which come in any order.
struct Inference {
  std::shared_ptr<Request> request;
  std::optional<Request::ReleaseCallback> release;
  std::optional<Request::ResponseCallback> response;
  std::atomic<int> references{2};

  void Drop() {
    if (--references == 0) delete this;
  }

  static void OnResponse(TRITONSERVER_InferenceResponse* c_response, std::uint32_t flags,
                         void* userp) {
    InCallback in_callback;
    auto* inference = static_cast<Inference*>(userp);
    const bool is_final = (flags & TRITONSERVER_RESPONSE_COMPLETE_FINAL) != 0;
    inference->Respond(c_response, flags, is_final);
    if (is_final) inference->Drop();
  }

  static void OnRelease(TRITONSERVER_InferenceRequest*, std::uint32_t flags, void* userp) {
    InCallback in_callback;
    if ((flags & TRITONSERVER_REQUEST_RELEASE_ALL) == 0) return;
    auto* inference = static_cast<Inference*>(userp);
    inference->request->state_ = Request::State::kIdle;
    if (const auto& release = inference->release) {
      CallPython("release callback",
                 [&] { release->function.get()(inference->request, flags, release->user.get()); });
    }
    inference->request->tie_.SurrenderIfStopping();
    inference->Drop();
  }

 private:
  void Respond(TRITONSERVER_InferenceResponse* c_response, std::uint32_t flags, bool is_final) {
    if (c_response == nullptr && !is_final) return;
    std::shared_ptr<Response> arrived;
    if (c_response != nullptr) {
      arrived = std::make_shared<Response>(request->tie_.server(),
                                           response ? response->allocator.allocator : nullptr,
                                           Handle<TRITONSERVER_InferenceResponse>::Own(c_response));
    }
    if (response) {
      CallPython("response callback",
                 [&] { response->function.get()(arrived, flags, response->user.get()); });
    } else {
      request->queue_->Push(arrived, flags);
    }
    if (arrived != nullptr) arrived->tie().SurrenderIfStopping();
  }
};

Request::Request(std::shared_ptr<Server> server, std::string model_name, std::int64_t model_version)
    : model_name_(std::move(model_name)),
      model_version_(model_version),
      handle_(New<&Api::InferenceRequestNew>(server->get(), model_name_.c_str(), model_version_)),
      tie_(std::move(server), [this] { return Surrender(); }) {}

Request::~Request() {
  if (!tie_.server()->InItsProcess()) handle_.Release();
}

TRITONSERVER_InferenceRequest* Request::get() const {
  if (!handle_) {
    throw Error(TRITONSERVER_ERROR_UNAVAILABLE,
                "this request is gone, because its server was stopped");
  }
  return handle_.get();
}

std::shared_ptr<void> Request::Surrender() {
  if (state_ != State::kIdle) return nullptr;
  return std::make_shared<Handle<TRITONSERVER_InferenceRequest>>(std::move(handle_));
}

void Request::CheckIdle() const {
  if (state_ != State::kIdle) {
    throw Error(TRITONSERVER_ERROR_UNAVAILABLE,
                "this request is in flight; it can be changed and sent again after its release");
  }
}

void Request::Change(Part part, std::string name, Setter set) {
  CheckIdle();
  set(get());
  if (part != Part::kInputData) {
    changes_.erase(std::remove_if(changes_.begin(), changes_.end(),
                                  [&](const ChangeRecord& change) {
                                    return change.part == part && change.name == name;
                                  }),
                   changes_.end());
  }
  changes_.push_back({part, std::move(name), std::move(set)});
}

void Request::Undo(Part part, const std::string& name, const Setter& undo) {
  CheckIdle();
  undo(get());
  changes_.erase(std::remove_if(changes_.begin(), changes_.end(),
                                [&](const ChangeRecord& change) {
                                  const bool same_part =
                                      change.part == part ||
                                      (part == Part::kInput && change.part == Part::kInputData);
                                  return same_part && (name.empty() || change.name == name);
                                }),
                 changes_.end());
}

void Request::SetReleaseCallback(ReleaseFunction function, py::object user) {
  CheckIdle();
  release_callback_ = {GilSafe(std::move(function)), GilSafe(std::move(user))};
}

void Request::SetResponseCallback(std::shared_ptr<ResponseAllocator> allocator,
                                  py::object allocator_user, ResponseFunction function,
                                  py::object user) {
  CheckIdle();
  response_callback_ = {{std::move(allocator), GilSafe(std::move(allocator_user))},
                        GilSafe(std::move(function)),
                        GilSafe(std::move(user))};
}

void Request::Send(const Server& server, Trace* trace) {
  server.get();
  CheckIdle();
  get();
  if (&server != tie_.server().get()) {
    throw Error(TRITONSERVER_ERROR_INVALID_ARG, "this request was made for another server");
  }
  if ((had_release_callback_ && !release_callback_) ||
      (had_response_callback_ && !response_callback_)) {
    throw Error(TRITONSERVER_ERROR_INVALID_ARG,
                "set the callbacks again before sending this request again: each is used for one "
                "inference only");
  }

  auto inference = std::make_unique<Inference>();
  TRITONSERVER_InferenceTrace* c_trace = trace == nullptr ? nullptr : trace->Give();
  const std::uint64_t sending = ++sent_;
  cancel_when_sent_ = false;
  state_ = State::kSending;
  inference->request = shared_from_this();
  inference->release = std::exchange(release_callback_, std::nullopt);
  inference->response = std::exchange(response_callback_, std::nullopt);
  const bool has_release_callback = inference->release.has_value();
  const bool has_response_callback = inference->response.has_value();
  try {
    if (sending > 1) Renew();
    WithoutGil without_gil;
    auto& response = inference->response;
    Call<&Api::InferenceRequestSetReleaseCallback>(handle_.get(), &Inference::OnRelease,
                                                   inference.get());
    Call<&Api::InferenceRequestSetResponseCallback>(
        handle_.get(), response ? response->allocator.allocator->get() : HostAllocator(),
        response ? &response->allocator : nullptr, &Inference::OnResponse, inference.get());
    Call<&Api::ServerInferAsync>(server.get(), handle_.get(), c_trace);
    inference.release();
  } catch (const Error&) {  // no callback has run, and none will
    state_ = State::kIdle;
    release_callback_ = std::move(inference->release);
    response_callback_ = std::move(inference->response);
    if (c_trace != nullptr) trace->TakeBack(c_trace);
    throw;
  }
  had_release_callback_ = has_release_callback;
  had_response_callback_ = has_response_callback;

  // By now it may have been released, and sent again.
  if (sent_ != sending) return;
  State expected = State::kSending;
  if (state_.compare_exchange_strong(expected, State::kInFlight) && cancel_when_sent_) Cancel();
}

// Takes a new object of the core and sets on it what was set on this one.
void Request::Renew() {
  Handle<TRITONSERVER_InferenceRequest> renewed;
  {
    WithoutGil without_gil;
    renewed =
        New<&Api::InferenceRequestNew>(tie_.server()->get(), model_name_.c_str(), model_version_);
    for (const ChangeRecord& change : changes_) change.set(renewed.get());
  }
  std::swap(handle_, renewed);
  WithoutGil without_gil;
  renewed.Reset();
}

void Request::Cancel() {
  if (state_ == State::kSending) {  // the core does not allow both at the same time
    cancel_when_sent_ = true;
  } else {
    Call<&Api::InferenceRequestCancel>(get());
  }
}

bool Request::IsCancelled() const {
  if (state_ == State::kSending) return cancel_when_sent_;
  bool cancelled = false;
  Call<&Api::InferenceRequestIsCancelled>(get(), &cancelled);
  return cancelled;
}

void Request::GetNextResponse(ResponseFuture future) {
  if (response_callback_ || had_response_callback_) {
    throw Error(TRITONSERVER_ERROR_INVALID_ARG,
                "the responses of this request go to its response callback");
  }
  queue_->Wait(std::move(future));
}

namespace {

using Part = Request::Part;

// A setter of the C API that the request remembers. The key of a change is the name that the setter
// takes first, or the setter itself if it sets a property.
template <auto kFunction, Part kPart, class... Strings>
struct Remembered;

template <class... Parameters,
          TRITONSERVER_Error* (*Api::*kFunction)(TRITONSERVER_InferenceRequest*, Parameters...),
          Part kPart, class... Strings>
struct Remembered<kFunction, kPart, Strings...> {
  static void Run(Request& request, typename Argument<Parameters>::Type... arguments) {
    const auto values = std::make_tuple(arguments...);
    std::string key = kFunctionName<kFunction>;
    if constexpr (kPart != Part::kProperty) key = std::get<0>(values);
    request.Change(kPart, std::move(key), [values](TRITONSERVER_InferenceRequest* c_request) {
      std::apply(
          [&](const auto&... value) {
            Adapter<kFunction, Strings...>::Invoke(c_request, value...);
          },
          values);
    });
  }
};

template <auto kGetter, auto kSetter, class... Strings, class Class>
void DefRequestProperty(Class& request, const char* name, const char* meaning) {
  DefPropertyAs<kGetter, kSetter>(request, name, meaning,
                                  &Remembered<kSetter, Part::kProperty, Strings...>::Run);
}

template <auto kFunction, Part kPart, class... Strings, class Class>
void DefChange(Class& request, const char* name, const char* meaning) {
  DefAs<kFunction>(request, name, meaning, &Remembered<kFunction, kPart, Strings...>::Run);
}

template <auto kFunction, Part kPart, class Class>
void DefRemove(Class& request, const char* name, const char* meaning) {
  DefAs<kFunction>(
      request, name, meaning, +[](Request& self, const String& named) {
        self.Undo(kPart, named, [&](TRITONSERVER_InferenceRequest* c_request) {
          Adapter<kFunction>::Invoke(c_request, named);
        });
      });
}

template <auto kFunction, Part kPart, class Class>
void DefRemoveAll(Class& request, const char* name, const char* meaning) {
  DefAs<kFunction>(
      request, name, meaning, +[](Request& self) {
        self.Undo(kPart, "",
                  [](TRITONSERVER_InferenceRequest* c_request) { Call<kFunction>(c_request); });
      });
}

void AddInput(Request& self, const String& name, TRITONSERVER_DataType data_type,
              const std::vector<Integer<std::int64_t>>& shape) {
  CheckName("name", name);
  const std::vector<std::int64_t> dimensions(shape.begin(), shape.end());
  self.Change(Part::kInput, name, [=](TRITONSERVER_InferenceRequest* c_request) {
    Call<&Api::InferenceRequestAddInput>(c_request, name.c_str(), data_type, dimensions.data(),
                                         dimensions.size());
  });
}

const void* Address(std::uintptr_t pointer, std::size_t byte_size) {
  if (pointer == 0 && byte_size > 0) {
    throw Error(TRITONSERVER_ERROR_INVALID_ARG,
                "pointer must not be 0 for " + std::to_string(byte_size) + " bytes");
  }
  return reinterpret_cast<const void*>(pointer);
}

void AppendInputData(Request& self, const String& name, Integer<std::uintptr_t> pointer,
                     Integer<std::size_t> byte_size, TRITONSERVER_MemoryType memory_type,
                     Integer<std::int64_t> memory_type_id) {
  CheckName("name", name);
  const void* base = Address(pointer, byte_size);
  self.Change(Part::kInputData, name, [=](TRITONSERVER_InferenceRequest* c_request) {
    Call<&Api::InferenceRequestAppendInputData>(c_request, name.c_str(), base, byte_size.value,
                                                memory_type, memory_type_id.value);
  });
}

void AppendInputDataWithHostPolicy(Request& self, const String& name,
                                   Integer<std::uintptr_t> pointer, Integer<std::size_t> byte_size,
                                   TRITONSERVER_MemoryType memory_type,
                                   Integer<std::int64_t> memory_type_id,
                                   const String& host_policy) {
  CheckName("name", name);
  CheckName("host_policy", host_policy);
  const void* base = Address(pointer, byte_size);
  self.Change(Part::kInputData, name, [=](TRITONSERVER_InferenceRequest* c_request) {
    Call<&Api::InferenceRequestAppendInputDataWithHostPolicy>(
        c_request, name.c_str(), base, byte_size.value, memory_type, memory_type_id.value,
        host_policy.c_str());
  });
}

void AppendInputDataWithBufferAttributes(Request& self, const String& name,
                                         Integer<std::uintptr_t> pointer,
                                         const BufferAttributes& attributes) {
  CheckName("name", name);
  std::size_t byte_size = 0;
  Call<&Api::BufferAttributesByteSize>(attributes.get(), &byte_size);
  const void* base = Address(pointer, byte_size);
  const auto copy = std::make_shared<BufferAttributes>(NewBufferAttributes());
  CopyBufferAttributes(attributes.get(), copy->get());
  self.Change(Part::kInputData, name, [=](TRITONSERVER_InferenceRequest* c_request) {
    Call<&Api::InferenceRequestAppendInputDataWithBufferAttributes>(c_request, name.c_str(), base,
                                                                    copy->get());
  });
}

std::shared_ptr<Request> NewRequest(std::shared_ptr<Server> server, const String& model_name,
                                    Integer<std::int64_t> model_version) {
  CheckName("model_name", model_name);
  WithoutGil without_gil;
  return std::make_shared<Request>(std::move(server), model_name, model_version);
}

}  // namespace

void BindRequest(py::module_& module, Later& later) {
  py::class_<Request, std::shared_ptr<Request>> request(module, "TRITONSERVER_InferenceRequest", R"(
A request to a model; send it with `TRITONSERVER_Server.infer_async`.

Responses go to the response callback if one is set, otherwise to `get_next_response`. While it is in
flight a request can be read and cancelled, but not changed or sent (UnavailableError). After its
release it can be sent again, with its properties, inputs, outputs and parameters, but with new
callbacks. Keeps its model loaded and its server running; when the server is stopped it is no longer
valid, unless in flight.

NotFoundError for an unknown model, UnavailableError for one that is not ready.

C API: TRITONSERVER_InferenceRequest, TRITONSERVER_InferenceRequestNew,
TRITONSERVER_InferenceRequestDelete)",
                                                        py::release_gil_before_calling_cpp_dtor());
  later.push_back([request]() mutable {
    request.def(py::init(&NewRequest), py::arg("server").none(false), py::arg("model_name"),
                py::arg("model_version"));
    DefRequestProperty<&Api::InferenceRequestId, &Api::InferenceRequestSetId, Text>(
        request, "id", "Id that its responses and traces carry; empty by default.");
    DefRequestProperty<&Api::InferenceRequestFlags, &Api::InferenceRequestSetFlags>(
        request, "flags", "Bits of TRITONSERVER_RequestFlag.");
    DefRequestProperty<&Api::InferenceRequestCorrelationId, &Api::InferenceRequestSetCorrelationId>(
        request, "correlation_id",
        "Number of the sequence, 0 for none. InvalidArgumentError if a string is set.");
    DefRequestProperty<&Api::InferenceRequestCorrelationIdString,
                       &Api::InferenceRequestSetCorrelationIdString, Text>(
        request, "correlation_id_string",
        "Name of the sequence, at most 128 characters. InvalidArgumentError if a number is set.");
    DefRequestProperty<&Api::InferenceRequestPriority, &Api::InferenceRequestSetPriority>(
        request, "priority",
        "Priority, if it fits 32 bits. One that the model does not have becomes its default.");
    DefRequestProperty<&Api::InferenceRequestPriorityUInt64,
                       &Api::InferenceRequestSetPriorityUInt64>(
        request, "priority_uint64",
        "Priority; lower numbers go first. One that the model does not have becomes its default.");
    DefRequestProperty<&Api::InferenceRequestTimeoutMicroseconds,
                       &Api::InferenceRequestSetTimeoutMicroseconds>(
        request, "timeout_microseconds",
        "Microseconds that it may wait in a queue, where the model's queue policy allows that.");

    request.def("add_input", &AddInput, py::arg("name"), py::arg("data_type"), py::arg("shape"),
                Document<&Api::InferenceRequestAddInput>(
                    "Add an input. The shape has the batch dimension if the model batches.")
                    .c_str());
    DefChange<&Api::InferenceRequestAddRawInput, Part::kInput>(
        request, "add_raw_input",
        "Add the only input, whose data type and shape are those of the model's input.");
    DefRemove<&Api::InferenceRequestRemoveInput, Part::kInput>(request, "remove_input",
                                                               "Remove an input and its data.");
    DefRemoveAll<&Api::InferenceRequestRemoveAllInputs, Part::kInput>(
        request, "remove_all_inputs", "Remove all inputs and their data.");
    request.def("append_input_data", &AppendInputData, py::arg("name"), py::arg("pointer"),
                py::arg("byte_size"), py::arg("memory_type"), py::arg("memory_type_id"),
                Document<&Api::InferenceRequestAppendInputData>(R"(
Append a buffer to the data of an input.

It is neither copied nor kept alive: it must exist, unchanged, until the request is released.)")
                    .c_str());
    request.def("append_input_data_with_host_policy", &AppendInputDataWithHostPolicy,
                py::arg("name"), py::arg("pointer"), py::arg("byte_size"), py::arg("memory_type"),
                py::arg("memory_type_id"), py::arg("host_policy"),
                Document<&Api::InferenceRequestAppendInputDataWithHostPolicy>(R"(
Append a buffer to the data of an input for model instances with this host policy.

The input needs data for all other instances too. As with `append_input_data`, the buffer must exist
until the request is released.)")
                    .c_str());
    request.def("append_input_data_with_buffer_attributes", &AppendInputDataWithBufferAttributes,
                py::arg("name"), py::arg("pointer"), py::arg("attributes"),
                Document<&Api::InferenceRequestAppendInputDataWithBufferAttributes>(R"(
Append a buffer to the data of an input. The attributes are copied.

As with `append_input_data`, the buffer must exist until the request is released.)")
                    .c_str());
    DefRemove<&Api::InferenceRequestRemoveAllInputData, Part::kInputData>(
        request, "remove_all_input_data", "Remove the data of an input.");
    DefChange<&Api::InferenceRequestAddRequestedOutput, Part::kRequestedOutput>(
        request, "add_requested_output",
        "Ask for an output; all are computed if none is asked for. Unknown names are errors when "
        "the request is sent.");
    DefRemove<&Api::InferenceRequestRemoveRequestedOutput, Part::kRequestedOutput>(
        request, "remove_requested_output", "Ask no longer for an output.");
    DefRemoveAll<&Api::InferenceRequestRemoveAllRequestedOutputs, Part::kRequestedOutput>(
        request, "remove_all_requested_outputs", "Ask for all outputs again.");
    DefChange<&Api::InferenceRequestSetStringParameter, Part::kParameter, Name, Text>(
        request, "set_string_parameter", "Give the model a named text.");
    DefChange<&Api::InferenceRequestSetIntParameter, Part::kParameter>(
        request, "set_int_parameter", "Give the model a named integer of 64 bits.");
    DefChange<&Api::InferenceRequestSetBoolParameter, Part::kParameter>(
        request, "set_bool_parameter", "Give the model a named boolean.");
    DefChange<&Api::InferenceRequestSetDoubleParameter, Part::kParameter>(
        request, "set_double_parameter", "Give the model a named number.");

    request.def("set_release_callback", &Request::SetReleaseCallback, py::arg("release_function"),
                py::arg("user"),
                Document<&Api::InferenceRequestSetReleaseCallback>(R"(
Set what is called when the core is done with the request, for the next inference only.

Called as `(request, flags, user)` on a thread of the core, before or after the last response;
`flags` are bits of TRITONSERVER_RequestReleaseFlag. Input buffers may go, and the request may be
changed or sent again, from then on.)")
                    .c_str());
    request.def("set_response_callback", &Request::SetResponseCallback,
                py::arg("allocator").none(false), py::arg("allocator_user"),
                py::arg("response_function"), py::arg("user"),
                Document<&Api::InferenceRequestSetResponseCallback>(R"(
Set what is called with each response, for the next inference only.

Called as `(response, flags, user)` on a thread of the core; `flags` are bits of
TRITONSERVER_ResponseCompleteFlag. The response is None if FINAL comes alone, after the last one.
`allocator` provides the memory of the outputs, and its functions get `allocator_user`.)")
                    .c_str());
    request.def("get_next_response", &Request::GetNextResponse, py::arg("future"), R"(
Complete a future with the next response: a tuple `(response, flags)`.

`flags` are bits of TRITONSERVER_ResponseCompleteFlag; the response is None if FINAL comes alone. A
`concurrent.futures.Future` is completed on a thread of the core, or at once; an asyncio future on
its loop. One that is cancelled loses no response. Outputs are in host memory. AlreadyExistsError
while another future waits; InvalidArgumentError if a response callback is set.)");
    DefAs<&Api::InferenceRequestCancel>(
        request, "cancel",
        "Ask for the request to be given up; it still gets its last response and its release. "
        "InternalError if it was never sent.",
        &Request::Cancel);
    request.def_property_readonly(
        "is_cancelled", &Request::IsCancelled,
        Document<&Api::InferenceRequestIsCancelled>(
            "Whether it was cancelled since it was sent. InternalError if it was never sent.")
            .c_str());
  });
}

}  // namespace tritonserver
