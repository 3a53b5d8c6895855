#include <algorithm>
#include <cmath>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "native/c_api/bindings.h"
#include "native/c_api/call.h"
#include "native/triton/loader.h"

namespace tritonserver {

// A metric family. There is one for each name at a time: metrics with equal labels share their
// value, which the core counts for each handle of a family, so that deleting a metric made through
// one handle would free the value under a metric made through another.
class MetricFamily : public PythonClass {
 public:
  static std::shared_ptr<MetricFamily> Get(TRITONSERVER_MetricKind kind, const String& name,
                                           const String& description) {
    CheckName("name", name);
    CheckText("description", description);
    WithoutGil without_gil;
    // Older cores have neither, and would only call the kind invalid.
    if (kind == kMetricHistogram) New<&Api::MetricArgsNew>();
    std::lock_guard lock(registry().mutex);
    auto& known = registry().families[name];
    if (auto family = known.lock(); family && family->kind_ == kind) return family;
    std::shared_ptr<MetricFamily> family(new MetricFamily(kind, name, description));
    known = family;
    return family;
  }

  TRITONSERVER_MetricFamily* get() const { return handle_.get(); }

 private:
  struct Registry {
    std::mutex mutex;
    std::unordered_map<std::string, std::weak_ptr<MetricFamily>> families;
  };
  static Registry& registry() {
    static auto& instance = *new Registry;
    return instance;
  }

  MetricFamily(TRITONSERVER_MetricKind kind, const std::string& name,
               const std::string& description)
      : kind_(kind), handle_(New<&Api::MetricFamilyNew>(kind, name.c_str(), description.c_str())) {}

  TRITONSERVER_MetricKind kind_;
  Handle<TRITONSERVER_MetricFamily> handle_;
};

// A metric, which keeps its family alive: the core cannot delete a family that has metrics.
class Metric : public PythonClass {
 public:
  Metric(std::shared_ptr<MetricFamily> family, Handle<TRITONSERVER_Metric> handle)
      : family_(std::move(family)), handle_(std::move(handle)) {}

  TRITONSERVER_Metric* get() const { return handle_.get(); }

 private:
  std::shared_ptr<MetricFamily> family_;
  Handle<TRITONSERVER_Metric> handle_;
};

template <>
struct ClassFor<TRITONSERVER_MetricFamily> {
  using Type = MetricFamily;
};
template <>
struct ClassFor<TRITONSERVER_Metric> {
  using Type = Metric;
};

namespace {

std::unique_ptr<Metric> NewMetric(const std::shared_ptr<MetricFamily>& family,
                                  const Parameters& labels) {
  auto pointers = Pointers(labels);
  WithoutGil without_gil;
  return std::make_unique<Metric>(
      family, New<&Api::MetricNew>(family->get(), pointers.data(), pointers.size()));
}

std::unique_ptr<Metric> NewMetricWithArgs(const std::shared_ptr<MetricFamily>& family,
                                          const Parameters& labels, const MetricArgs& args) {
  auto pointers = Pointers(labels);
  const TRITONSERVER_MetricArgs* c_args = args.get();
  WithoutGil without_gil;
  return std::make_unique<Metric>(
      family,
      New<&Api::MetricNewWithArgs>(family->get(), pointers.data(), pointers.size(), c_args));
}

void SetHistogram(const MetricArgs& args, const std::vector<double>& buckets) {
  // The core finds other disorder when the metric is made.
  if (std::any_of(buckets.begin(), buckets.end(), [](double bound) { return std::isnan(bound); })) {
    throw Error(TRITONSERVER_ERROR_INVALID_ARG, "buckets must not contain NaN");
  }
  Call<&Api::MetricArgsSetHistogram>(args.get(), buckets.data(), buckets.size());
}

std::string Formatted(const Metrics& metrics, TRITONSERVER_MetricFormat format) {
  const char* base = nullptr;
  std::size_t size = 0;
  Call<&Api::MetricsFormatted>(metrics.get(), format, &base, &size);
  return std::string(base, size);
}

}  // namespace

void BindMetrics(py::module_& module, Later& later) {
  py::class_<Metrics> metrics(module, "TRITONSERVER_Metrics", R"(
The metrics of this process, made by `TRITONSERVER_Server.metrics()`.

C API: TRITONSERVER_Metrics, TRITONSERVER_MetricsDelete)");
  py::class_<MetricFamily, std::shared_ptr<MetricFamily>> family(
      module, "TRITONSERVER_MetricFamily", R"(
A named group of custom metrics of one kind, in the registry of this process.

Needs no server. Names stay registered: one that was used is the same family again, and
InvalidArgumentError with another kind. Histograms need Triton 24.08 or later.

C API: TRITONSERVER_MetricFamily, TRITONSERVER_MetricFamilyNew, TRITONSERVER_MetricFamilyDelete)",
      py::release_gil_before_calling_cpp_dtor());
  py::class_<MetricArgs> args(module, "TRITONSERVER_MetricArgs", R"(
What a metric needs to know besides its labels: the buckets of a histogram.

Needs Triton 24.08 or later (UnsupportedError).

C API: TRITONSERVER_MetricArgs, TRITONSERVER_MetricArgsNew, TRITONSERVER_MetricArgsDelete)");
  py::class_<Metric> metric(module, "TRITONSERVER_Metric", R"(
One custom metric: a family with values for its labels. Keeps its family alive.

`labels` are parameters of type STRING; metrics of a family with equal labels share one value.
Histograms need `args`, other kinds refuse them (InvalidArgumentError).

C API: TRITONSERVER_Metric, TRITONSERVER_MetricNew, TRITONSERVER_MetricNewWithArgs,
TRITONSERVER_MetricDelete)",
                            py::release_gil_before_calling_cpp_dtor());

  later.push_back([metrics]() mutable {
    metrics.def("formatted", &Formatted, py::arg("format"), NoGil(),
                Document<&Api::MetricsFormatted>("Collect all metrics now, as text.").c_str());
  });
  later.push_back([family]() mutable {
    family.def(py::init(&MetricFamily::Get), py::arg("kind"), py::arg("name"),
               py::arg("description"));
    DefProperty<&Api::GetMetricFamilyKind>(family, "kind", "Kind of its metrics.");
  });
  later.push_back([args]() mutable {
    args.def(py::init([] { return MetricArgs(New<&Api::MetricArgsNew>()); }));
    args.def(
        "set_histogram", &SetHistogram, py::arg("buckets"),
        Document<&Api::MetricArgsSetHistogram>(
            "Upper bounds of the buckets of a histogram, strictly increasing; +Inf is implied.")
            .c_str());
  });
  later.push_back([metric]() mutable {
    metric.def(py::init(&NewMetric), py::arg("family").none(false), py::arg("labels"));
    metric.def(py::init(&NewMetricWithArgs), py::arg("family").none(false), py::arg("labels"),
               py::arg("args"));
    DefProperty<&Api::MetricValue>(
        metric, "value", "Current value of a counter or gauge; UnsupportedError for a histogram.");
    DefProperty<&Api::GetMetricKind>(metric, "kind", "Kind of the metric.");
    Def<&Api::MetricIncrement>(
        metric, "increment",
        "Add to a counter (not negative, InvalidArgumentError) or to a gauge. Thread-safe.");
    Def<&Api::MetricSet>(metric, "set_value",
                         "Set a gauge; UnsupportedError for other kinds. Thread-safe.");
    Def<&Api::MetricObserve>(metric, "observe",
                             "Count a value in a histogram; UnsupportedError for other kinds. "
                             "Thread-safe.");
  });
}

}  // namespace tritonserver
