#include "native/c_api/trace.h"

#include <pybind11/numpy.h>
#include <pybind11/typing.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "native/c_api/bindings.h"
#include "native/c_api/call.h"

namespace tritonserver {

// The Python functions of a trace and of its descendants.
struct TraceReporter {
  using Activity = py::typing::Callable<py::object(
      std::shared_ptr<Trace>, TRITONSERVER_InferenceTraceActivity, py::int_, py::object)>;
  using TensorActivity = py::typing::Callable<py::object(
      std::shared_ptr<Trace>, TRITONSERVER_InferenceTraceActivity, py::str, TRITONSERVER_DataType,
      py::int_, py::int_, py::array_t<std::int64_t>, TRITONSERVER_MemoryType, py::int_,
      py::object)>;
  using Release = py::typing::Callable<py::object(std::shared_ptr<Trace>, py::object)>;

  GilSafe<Activity> activity;
  GilSafe<TensorActivity> tensor_activity;
  GilSafe<Release> release;
  GilSafe<> user;
  std::uintptr_t number;  // the `userp` of its traces
};

namespace {

enum class Holder { kPython, kCore };

// A number that no other trace of the process has, or had.
std::uint64_t Id(TRITONSERVER_InferenceTrace* trace) {
  std::uint64_t id = 0;
  Call<&Api::InferenceTraceId>(trace, &id);
  return id;
}

// The traces that exist, by reporter. The core makes child traces with the `userp` of their parent
// and does not tell when the last one is gone. So a `userp` is a number, under which a reporter is
// found as long as one of its traces is known.
class Families {
 public:
  static Families& Get() {
    static auto& instance = *new Families;
    return instance;
  }

  std::uintptr_t NewNumber() { return ++last_number_; }

  void Add(std::shared_ptr<TraceReporter> reporter, std::uint64_t trace) {
    std::lock_guard lock(mutex_);
    Family& family = families_[reporter->number];
    family.reporter = std::move(reporter);
    family.traces[trace] = Holder::kPython;
  }

  // The reporter of a trace that the core shows; null if its family is gone.
  std::shared_ptr<TraceReporter> Find(void* userp, std::uint64_t trace) {
    std::lock_guard lock(mutex_);
    const auto found = families_.find(reinterpret_cast<std::uintptr_t>(userp));
    if (found == families_.end()) return nullptr;
    found->second.traces.try_emplace(trace, Holder::kCore);
    return found->second.reporter;
  }

  // Notes who has a trace now.
  void Move(const TraceReporter& reporter, std::uint64_t trace, Holder holder) {
    std::lock_guard lock(mutex_);
    families_[reporter.number].traces[trace] = holder;
  }

  // Whether the core has a trace, which may be gone.
  bool InCore(const TraceReporter& reporter, std::uint64_t trace) {
    std::lock_guard lock(mutex_);
    const auto family = families_.find(reporter.number);
    if (family == families_.end()) return false;
    const auto found = family->second.traces.find(trace);
    return found != family->second.traces.end() && found->second == Holder::kCore;
  }

  void Remove(const TraceReporter& reporter, std::uint64_t trace) {
    std::shared_ptr<TraceReporter> dropped;  // after the lock
    std::lock_guard lock(mutex_);
    Family& family = families_[reporter.number];
    family.traces.erase(trace);
    if (!family.traces.empty()) return;
    dropped = std::move(family.reporter);
    families_.erase(reporter.number);
  }

 private:
  struct Family {
    std::shared_ptr<TraceReporter> reporter;
    std::unordered_map<std::uint64_t, Holder> traces;  // by id
  };

  std::atomic<std::uintptr_t> last_number_{0};
  std::mutex mutex_;
  std::unordered_map<std::uintptr_t, Family> families_;
};

// The Python object for a trace during a callback.
class Loan {
 public:
  Loan(TRITONSERVER_InferenceTrace* trace, std::shared_ptr<TraceReporter> reporter)
      : trace_(std::make_shared<Trace>(Handle<TRITONSERVER_InferenceTrace>::Borrow(trace),
                                       std::move(reporter), true)) {}
  ~Loan() { trace_->Forget(); }

  const std::shared_ptr<Trace>& trace() const { return trace_; }

 private:
  std::shared_ptr<Trace> trace_;
};

void OnActivity(TRITONSERVER_InferenceTrace* trace, TRITONSERVER_InferenceTraceActivity activity,
                std::uint64_t time_ns, void* userp) {
  const auto reporter = Families::Get().Find(userp, Id(trace));
  if (reporter == nullptr) return;
  CallPython("activity_function", [&] {
    const Loan loan(trace, reporter);
    reporter->activity.get()(loan.trace(), activity, time_ns, reporter->user.get());
  });
}

void OnTensorActivity(TRITONSERVER_InferenceTrace* trace,
                      TRITONSERVER_InferenceTraceActivity activity, const char* name,
                      TRITONSERVER_DataType data_type, const void* base, std::size_t byte_size,
                      const std::int64_t* shape, std::uint64_t rank,
                      TRITONSERVER_MemoryType memory_type, std::int64_t memory_type_id,
                      void* userp) {
  const auto reporter = Families::Get().Find(userp, Id(trace));
  if (reporter == nullptr) return;
  CallPython("tensor_activity_function", [&] {
    const Loan loan(trace, reporter);
    reporter->tensor_activity.get()(
        loan.trace(), activity, name, data_type, reinterpret_cast<std::uintptr_t>(base), byte_size,
        py::array_t<std::int64_t>(static_cast<py::ssize_t>(rank), shape), memory_type,
        memory_type_id, reporter->user.get());
  });
}

void OnRelease(TRITONSERVER_InferenceTrace* trace, void* userp) {
  InCallback in_callback;
  auto handle = Handle<TRITONSERVER_InferenceTrace>::Own(trace);
  const auto reporter = Families::Get().Find(userp, Id(trace));
  if (reporter == nullptr) return;
  Families::Get().Move(*reporter, Id(trace), Holder::kPython);
  const auto released = std::make_shared<Trace>(std::move(handle), reporter, true);
  CallPython("release_function", [&] { reporter->release.get()(released, reporter->user.get()); });
}

}  // namespace

Trace::Trace(Handle<TRITONSERVER_InferenceTrace> handle, std::shared_ptr<TraceReporter> reporter,
             bool used)
    : reporter_(std::move(reporter)),
      id_(Id(handle.get())),
      trace_(std::move(handle)),
      used_(used) {}

Trace::~Trace() {
  if (auto owned = trace_.Take()) {
    owned.Reset();
    Families::Get().Remove(*reporter_, id_);
  }
}

std::shared_ptr<Trace> Trace::SpawnChild() const {
  TRITONSERVER_InferenceTrace* made = nullptr;
  Call<&Api::InferenceTraceSpawnChildTrace>(get(), &made);
  auto child =
      std::make_shared<Trace>(OwnMade<&Api::InferenceTraceSpawnChildTrace>(made), reporter_, false);
  Families::Get().Move(*reporter_, child->id_, Holder::kPython);
  return child;
}

TRITONSERVER_InferenceTrace* Trace::Give() {
  get();
  Families::Get().Move(*reporter_, id_, Holder::kCore);
  return trace_.Take().Release();
}

bool Trace::TakeBack(TRITONSERVER_InferenceTrace* given) {
  if (!Families::Get().InCore(*reporter_, id_)) return false;
  Families::Get().Move(*reporter_, id_, Holder::kPython);
  trace_ = Object(Handle<TRITONSERVER_InferenceTrace>::Own(given));
  return true;
}

namespace {

using Activity = TraceReporter::Activity;
using TensorActivity = TraceReporter::TensorActivity;
using Release = TraceReporter::Release;

TRITONSERVER_InferenceTraceLevel CheckLevel(std::uint32_t level, std::uint32_t allowed) {
  if ((level & ~allowed) != 0) {
    throw Error(TRITONSERVER_ERROR_INVALID_ARG,
                "level " + std::to_string(level) +
                    " has bits that are unknown, or TENSORS without a tensor_activity_function");
  }
  return static_cast<TRITONSERVER_InferenceTraceLevel>(level);
}

// Makes a trace for `reporter` with `make`, which gets the `userp` for it.
template <class Make>
std::shared_ptr<Trace> NewTrace(std::shared_ptr<TraceReporter> reporter, Make make) {
  reporter->number = Families::Get().NewNumber();
  Handle<TRITONSERVER_InferenceTrace> handle = make(reinterpret_cast<void*>(reporter->number));
  Families::Get().Add(reporter, Id(handle.get()));
  return std::make_shared<Trace>(std::move(handle), std::move(reporter), false);
}

constexpr std::uint32_t kTimestampLevels = TRITONSERVER_TRACE_LEVEL_MIN |
                                           TRITONSERVER_TRACE_LEVEL_MAX |
                                           TRITONSERVER_TRACE_LEVEL_TIMESTAMPS;

std::shared_ptr<Trace> NewTimestampTrace(Integer<std::uint32_t> level,
                                         Integer<std::uint64_t> parent_id, Activity activity,
                                         Release release, py::object user) {
  const auto c_level = CheckLevel(level, kTimestampLevels);
  auto reporter = std::make_shared<TraceReporter>();
  reporter->activity = GilSafe(std::move(activity));
  reporter->release = GilSafe(std::move(release));
  reporter->user = GilSafe(std::move(user));
  return NewTrace(reporter, [&](void* userp) {
    return New<&Api::InferenceTraceNew>(c_level, parent_id.value, &OnActivity, &OnRelease, userp);
  });
}

// The plain constructor would leave the core without a function for tensors to call.
std::shared_ptr<Trace> NewTensorTrace(Integer<std::uint32_t> level,
                                      Integer<std::uint64_t> parent_id, Activity activity,
                                      TensorActivity tensor_activity, Release release,
                                      py::object user) {
  const auto c_level = CheckLevel(level, kTimestampLevels | TRITONSERVER_TRACE_LEVEL_TENSORS);
  auto reporter = std::make_shared<TraceReporter>();
  reporter->activity = GilSafe(std::move(activity));
  reporter->tensor_activity = GilSafe(std::move(tensor_activity));
  reporter->release = GilSafe(std::move(release));
  reporter->user = GilSafe(std::move(user));
  return NewTrace(reporter, [&](void* userp) {
    return New<&Api::InferenceTraceTensorNew>(c_level, parent_id.value, &OnActivity,
                                              &OnTensorActivity, &OnRelease, userp);
  });
}

std::int64_t ModelVersion(const Trace& trace) {
  TRITONSERVER_InferenceTrace* c_trace = trace.get();
  std::int64_t version = -1;
  if (trace.used()) Call<&Api::InferenceTraceModelVersion>(c_trace, &version);
  return version;
}

}  // namespace

void BindTrace(py::module_& module, Later& later) {
  py::class_<Trace, std::shared_ptr<Trace>> trace(module, "TRITONSERVER_InferenceTrace", R"(
What happens to a request, reported to functions; give it to `TRITONSERVER_Server.infer_async`.

`level` is an int of TRITONSERVER_InferenceTraceLevel bits; TENSORS needs `tensor_activity_function`.
The functions run on threads of the core, also for the child traces that ensembles make:

activity_function(trace, activity, timestamp_ns, user)
    A stage was reached. Times are those of the steady clock; events may arrive out of order. `trace`
    is valid only during the call.
tensor_activity_function(trace, activity, name, data_type, pointer, byte_size, shape, memory_type,
                         memory_type_id, user)
    A tensor, whose memory is valid only during the call.
release_function(trace, user)
    Nothing more will be reported: the request was released and its responses are deleted. `trace`
    is a new object that belongs to Python.

The object itself is no longer valid after it was given away. Exceptions in the functions are
reported through `sys.unraisablehook`.

C API: TRITONSERVER_InferenceTrace, TRITONSERVER_InferenceTraceNew,
TRITONSERVER_InferenceTraceTensorNew, TRITONSERVER_InferenceTraceDelete)",
                                                  py::release_gil_before_calling_cpp_dtor());
  later.push_back([trace]() mutable {
    trace.def(py::init(&NewTimestampTrace), py::arg("level"), py::arg("parent_id"),
              py::arg("activity_function"), py::arg("release_function"), py::arg("trace_userp"));
    trace.def(py::init(&NewTensorTrace), py::arg("level"), py::arg("parent_id"),
              py::arg("activity_function"), py::arg("tensor_activity_function"),
              py::arg("release_function"), py::arg("trace_userp"));
    DefProperty<&Api::InferenceTraceId>(trace, "id", "Number of the trace in this process.");
    DefProperty<&Api::InferenceTraceParentId>(trace, "parent_id",
                                              "Number of the parent trace, 0 without one.");
    DefProperty<&Api::InferenceTraceModelName>(
        trace, "model_name", "Model of the request; empty before a request has the trace.");
    trace.def_property_readonly(
        "model_version", &ModelVersion,
        Document<&Api::InferenceTraceModelVersion>(
            "Version of the model of the request; -1 before a request has the trace.")
            .c_str());
    DefProperty<&Api::InferenceTraceRequestId>(
        trace, "request_id", "Id of the request; empty before a request has the trace.");
    DefProperty<&Api::InferenceTraceContext, &Api::InferenceTraceSetContext, Text>(
        trace, "context", "Text that identifies a surrounding trace, for OpenTelemetry.");
    Def<&Api::InferenceTraceReportActivity>(
        trace, "report_activity",
        "Report an activity of the program's own: adds it to the context and calls the activity "
        "function, on this thread.",
        NoGil());
    trace.def("spawn_child_trace", &Trace::SpawnChild,
              Document<&Api::InferenceTraceSpawnChildTrace>(
                  "Make a child trace with the same level, functions and user object.")
                  .c_str());
  });
}

}  // namespace tritonserver
