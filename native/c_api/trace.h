// A trace: what happens to a request, reported to Python functions.
#pragma once

#include <cstdint>
#include <memory>

#include "native/c_api/objects.h"

namespace tritonserver {

struct TraceReporter;

// A trace that belongs to Python, or that the core lends to a callback.
class Trace : public PythonClass {
 public:
  // `used` is whether a request has had it: before, the core leaves undefined what it says of one.
  Trace(Handle<TRITONSERVER_InferenceTrace> handle, std::shared_ptr<TraceReporter> reporter,
        bool used);
  ~Trace();

  TRITONSERVER_InferenceTrace* get() const { return trace_.get(); }
  bool used() const { return used_; }

  std::shared_ptr<Trace> SpawnChild() const;

  // Gives the trace to the core, whose release callback gives it back as a new object.
  TRITONSERVER_InferenceTrace* Give();
  // Undoes that after a failure; false if the core has given it back already.
  bool TakeBack(TRITONSERVER_InferenceTrace* given);
  // Ends a loan.
  void Forget() { trace_.Take().Release(); }

 private:
  std::shared_ptr<TraceReporter> reporter_;
  std::uint64_t id_;
  Object<TRITONSERVER_InferenceTrace> trace_;
  bool used_;
};

template <>
struct ClassFor<TRITONSERVER_InferenceTrace> {
  using Type = Trace;
};

}  // namespace tritonserver
