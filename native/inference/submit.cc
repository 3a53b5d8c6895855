#include "native/inference/submit.h"

#include <pybind11/stl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "native/c_api/enums.h"
#include "native/c_api/objects.h"
#include "native/c_api/trace.h"
#include "native/inference/correlation_id.h"
#include "native/inference/data_types.h"
#include "native/inference/inference.h"
#include "native/inference/labels.h"
#include "native/inference/model_facts.h"
#include "native/inference/python_types.h"
#include "native/inference/request_data.h"
#include "native/inference/response_cache.h"
#include "native/inference/waker.h"
#include "native/triton/api.h"
#include "native/triton/handle.h"

namespace tritonserver::inference {
namespace {

// --- Without the GIL

void SetParameter(const Request& request, const std::string& name, const ParameterValue& value) {
  struct Visitor {
    TRITONSERVER_InferenceRequest* request;
    const char* name;
    void operator()(const std::string& text) const {
      Call<&Api::InferenceRequestSetStringParameter>(request, name, text.c_str());
    }
    void operator()(std::int64_t number) const {
      Call<&Api::InferenceRequestSetIntParameter>(request, name, number);
    }
    void operator()(bool flag) const {
      Call<&Api::InferenceRequestSetBoolParameter>(request, name, flag);
    }
    void operator()(double number) const {
      Call<&Api::InferenceRequestSetDoubleParameter>(request, name, number);
    }
  };
  std::visit(Visitor{request.get(), name.c_str()}, value);
}

void AddInput(const Request& request, const std::string& name, const TensorView& view) {
  Call<&Api::InferenceRequestAddInput>(request.get(), name.c_str(), view.data_type,
                                       view.shape.data(), view.shape.size());
  // Triton refuses an input without any buffer, also an empty one.
  static const char kNothing = 0;
  Call<&Api::InferenceRequestAppendInputData>(
      request.get(), name.c_str(), view.data == nullptr ? &kNothing : view.data, view.byte_size,
      view.memory_type, view.memory_type_id);
}

bool IsBatched(TRITONSERVER_Server* server, const RequestData& data) {
  std::uint32_t flags = 0;
  void* extra = nullptr;
  Call<&Api::ServerModelBatchProperties>(server, data.model_name.c_str(), data.model_version,
                                         &flags, &extra);
  return (flags & TRITONSERVER_BATCH_FIRST_DIM) != 0;
}

}  // namespace

Request NewRequest(TRITONSERVER_Server* server, const RequestData& data,
                   const std::vector<std::string>& requested_outputs) {
  TRITONSERVER_InferenceRequest* made = nullptr;
  Call<&Api::InferenceRequestNew>(&made, server, data.model_name.c_str(), data.model_version);
  Request request = OwnMade<&Api::InferenceRequestNew>(made);
  if (!data.id.empty()) Call<&Api::InferenceRequestSetId>(made, data.id.c_str());
  if (data.flags != 0) Call<&Api::InferenceRequestSetFlags>(made, data.flags);
  if (const auto* number = std::get_if<std::uint64_t>(&data.correlation_id)) {
    Call<&Api::InferenceRequestSetCorrelationId>(made, *number);
  } else if (const auto* text = std::get_if<std::string>(&data.correlation_id)) {
    Call<&Api::InferenceRequestSetCorrelationIdString>(made, text->c_str());
  }
  if (data.priority != 0) Call<&Api::InferenceRequestSetPriorityUInt64>(made, data.priority);
  if (data.timeout != 0) Call<&Api::InferenceRequestSetTimeoutMicroseconds>(made, data.timeout);
  for (const auto& [name, value] : data.parameters) SetParameter(request, name, value);
  for (const std::string& name : requested_outputs) {
    Call<&Api::InferenceRequestAddRequestedOutput>(made, name.c_str());
  }
  for (const auto& [name, view] : data.inputs) AddInput(request, name, view);
  return request;
}

namespace {

// --- With the GIL

// What pybind11's conversion does, which takes longer, for an object that is exactly of the class.
const Server& ServerOf(PyObject* object) {
  static const PyTypeObject* const exact =
      reinterpret_cast<PyTypeObject*>(py::type::of<Server>().release().ptr());
  if (Py_TYPE(object) == exact) {
    auto* const instance = reinterpret_cast<py::detail::instance*>(object);
    const auto* server = instance->get_value_and_holder().value_ptr<Server>();
    if (server != nullptr) return *server;
  }
  return py::handle(object).cast<Server&>();
}

// The waker of the event loop that reads an asyncio queue; null for any other queue.
std::shared_ptr<Waker> WakerOfQueue(const py::object& queue) {
  PyObject* const modules = PyImport_GetModuleDict();
  PyObject* const asyncio = PyDict_GetItemString(modules, "asyncio");
  if (asyncio == nullptr) return nullptr;  // then it cannot be one
  if (!py::isinstance(queue, py::handle(asyncio).attr("Queue"))) return nullptr;
  const py::object running = RunningLoop();
  if (!running.is_none()) return Waker::OfLoop(running.ptr());
  const py::object loop = py::getattr(queue, py::handle(names._loop), py::none());
  if (!loop.is_none()) return Waker::OfLoopElsewhere(loop.ptr());
  throw Error(TRITONSERVER_ERROR_INVALID_ARG,
              "an asyncio queue as response_queue needs its event loop: send the request from a "
              "coroutine, or use queue.SimpleQueue");
}

void SetQueue(const py::object& queue, Inference::Setup* setup) {
  if (!IsGiven(queue)) return;
  if (!PyObject_HasAttr(queue.ptr(), names.put_nowait)) {
    throw Error(TRITONSERVER_ERROR_INVALID_ARG,
                std::string("response_queue must have put_nowait(), which ") +
                    Py_TYPE(queue.ptr())->tp_name + " has not");
  }
  setup->queue_waker = WakerOfQueue(queue);
  setup->response_queue = py::object(queue).release().ptr();
  setup->feeds_queue = true;
}

// A trace on its way to the core, which keeps it unless sending fails.
class GivenTrace {
 public:
  explicit GivenTrace(const py::object& trace) {
    if (!IsGiven(trace)) return;
    if (!py::hasattr(trace, py::handle(names._take))) RaiseTypeError("trace", "a Trace", trace);
    trace_ = trace;
    object_ = Steal(PyObject_CallMethodNoArgs(trace.ptr(), names._take));
    given_ = object_.cast<Trace&>().Give();
  }
  ~GivenTrace() {
    if (given_ == nullptr || !object_.cast<Trace&>().TakeBack(given_)) return;
    const py::error_scope raised;
    if (PyObject_SetAttr(trace_.ptr(), names._unused, object_.ptr()) < 0) PyErr_Clear();
  }
  GivenTrace(const GivenTrace&) = delete;
  GivenTrace& operator=(const GivenTrace&) = delete;

  TRITONSERVER_InferenceTrace* get() const { return given_; }
  void Keep() { given_ = nullptr; }

 private:
  py::object trace_;
  py::object object_;
  TRITONSERVER_InferenceTrace* given_ = nullptr;
};

// Null if the model has no response cache.
std::unique_ptr<CacheClaim> ClaimIfCached(const Server& server, const RequestData& data,
                                          Inference& inference) {
  if (!server.has_response_cache()) return nullptr;
  const auto facts = FactsOf(py::reinterpret_borrow<py::object>(inference.setup().server),
                             data.model_name, data.model_version);
  const auto model = facts == nullptr ? std::nullopt : FindCache(*facts);
  if (!model) return nullptr;
  std::unique_ptr<CacheClaim> claim;
  {
    WithoutGil without_gil;
    claim = std::make_unique<CacheClaim>(server, *model, data);
  }
  if (!claim->doubt().empty() &&
      PyErr_WarnEx(PyExc_RuntimeWarning, claim->doubt().c_str(), 1) != 0) {
    throw py::error_already_set();
  }
  if (!model->outputs.empty()) inference.setup().cached_outputs = data.requested_outputs;
  return claim;
}

}  // namespace

InferenceReference NewInference(const py::object& server, const RequestData& data,
                                const RequestFields& fields) {
  InferenceReference inference(new Inference);
  Inference::Setup& setup = inference->setup();
  setup.model_name = data.model_name;
  setup.model_version = data.model_version;
  setup.request_id = data.id;
  setup.server = py::object(server).release().ptr();
  setup.may_have_labels = MayHaveLabels(server, data.model_name, data.model_version);
  py::object allocator = fields.output_memory_allocator;
  if (IsGiven(fields.output_memory_type)) {
    if (!IsGiven(allocator)) allocator = py::none();
    const py::tuple place =
        py::handle(classes.resolve_output_memory)(fields.output_memory_type, allocator);
    setup.output_memory = {place[0].cast<TRITONSERVER_MemoryType>(), place[1].cast<std::int64_t>()};
    allocator = place[2];
  }
  if (IsGiven(allocator)) setup.allocator = allocator.release().ptr();
  SetQueue(fields.response_queue, &setup);
  return inference;
}

void Send(Inference& inference, const RequestData& data, const py::object& model,
          const py::object& trace, Afterwards afterwards) {
  if (!std::holds_alternative<std::monostate>(data.correlation_id)) {
    CheckCorrelationId(py::reinterpret_borrow<py::object>(inference.setup().server), data);
  }
  const Server& server = ServerOf(inference.setup().server);
  TRITONSERVER_Server* const core = server.get();
  const std::unique_ptr<CacheClaim> claim = ClaimIfCached(server, data, inference);
  GivenTrace given_trace(trace);
  try {
    WithoutGil without_gil;
    Request request =
        NewRequest(core, data, claim == nullptr ? data.requested_outputs : claim->outputs());
    if (!data.classification.class_counts.empty()) {
      inference.setup().classification = {data.classification.class_counts, IsBatched(core, data)};
    }
    const std::uint32_t seen = inference.arrivals();
    inference.Submit(core, request.Release(), given_trace.get());
    given_trace.Keep();
    if (claim != nullptr) claim->Keep();
    if (afterwards == Afterwards::kWait) inference.WaitASlice(seen);
  } catch (const Error& refusal) {
    ThrowExplained(refusal, model, data);
  }
}

void EndTrace(const py::object& trace) {
  if (!IsGiven(trace) || !py::hasattr(trace, py::handle(names._refuse))) return;
  std::string reason;
  try {
    throw;
  } catch (const py::error_already_set& error) {
    reason = py::str(error.value());
  } catch (const std::exception& error) {
    reason = error.what();
  } catch (...) {  // the end of the thread
  }
  try {
    py::handle(trace).attr(py::handle(names._refuse))(reason);
  } catch (py::error_already_set& error) {  // of the program's `on_end`
    error.discard_as_unraisable("trace");
  }
}

void ThrowExplained(const Error& refusal, const py::object& model, const RequestData& data) {
  if (refusal.code() != TRITONSERVER_ERROR_INVALID_ARG &&
      refusal.code() != TRITONSERVER_ERROR_NOT_FOUND) {
    throw refusal;
  }
  py::dict given;
  for (const auto& [name, view] : data.inputs) {
    const bool is_converted = view.data_type != TRITONSERVER_TYPE_INVALID;
    given[py::str(name)] = is_converted ? py::make_tuple(InfoOf(view.data_type).name, view.shape)
                                        : py::object(py::none());
  }
  const auto explained =
      py::handle(classes.explain_rejection)(model, Steal(NewText(refusal.message())), given)
          .cast<std::string>();
  if (const auto* caused = dynamic_cast<const CausedError*>(&refusal)) {
    throw CausedError(refusal.code(), explained, caused->cause());
  }
  throw Error(refusal.code(), explained);
}

InferenceReference SendFields(const py::object& model, const RequestFields& fields,
                              Afterwards afterwards) {
  if (!py::isinstance(model, py::handle(classes.Model))) RaiseTypeError("model", "a Model", model);
  DestroyDeferred();
  try {
    RequestData data = ReadScalars(model.ptr(), fields);
    const py::object server = Get(model.ptr(), names._server);
    InferenceReference inference = NewInference(server, data, fields);
    if (IsGiven(fields.inputs)) {
      try {
        ReadInputs(fields.inputs, server, &data);
      } catch (const Error& refusal) {
        ThrowExplained(refusal, model, data);
      }
    }
    for (auto& [name, view] : data.inputs) inference->AddOwner(std::move(view.owner));
    Send(*inference, data, model, fields.trace, afterwards);
    return inference;
  } catch (...) {
    EndTrace(fields.trace);
    throw;
  }
}

}  // namespace tritonserver::inference
