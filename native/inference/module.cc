// The module `tritonserver._c._inference`: what `tritonserver._api` builds the request path on.

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <string>
#include <vector>

#include "native/c_api/call.h"
#include "native/c_api/enums.h"
#include "native/inference/bound_request.h"
#include "native/inference/correlation_id.h"
#include "native/inference/data_types.h"
#include "native/inference/deferred.h"
#include "native/inference/dispatcher.h"
#include "native/inference/inference.h"
#include "native/inference/iterators.h"
#include "native/inference/output_allocator.h"
#include "native/inference/output_buffer.h"
#include "native/inference/python_memory_buffer.h"
#include "native/inference/python_model.h"
#include "native/inference/python_response.h"
#include "native/inference/python_signatures.h"
#include "native/inference/python_tensor.h"
#include "native/inference/python_types.h"
#include "native/inference/system_thread.h"
#include "native/inference/wakeup.h"

namespace tritonserver::inference {
namespace {

// (data type, DLPack code, DLPack bits or 0, name in numpy or "") of each.
py::tuple DataTypeTable() {
  py::list rows;
  for (const DataTypeInfo& info : kDataTypes) {
    rows.append(py::make_tuple(EnumMember(info.data_type), info.dlpack_code, info.dlpack_bits,
                               info.numpy_name));
  }
  return rows;
}

py::typing::Dict<py::str, py::int_> LiveCounts() {
  DestroyDeferred();
  py::dict counts;
  counts["inferences"] = Inference::Count();
  counts["output_buffers"] = OutputBufferCount();
  counts["pooled_bytes"] = PooledByteCount();
  return counts;
}

}  // namespace

PYBIND11_MODULE(_inference, module) {
  module.doc() = "The request path: from Python inputs to Python outputs.";
  BindPythonTypes(module);
  BindPythonMemoryBuffer(module);
  BindPythonTensor(module);
  BindPythonResponse(module);
  BindWakeup(module);
  BindSystemThread(module);
  BindIterators(module);
  BindPythonModel(module);
  BindBoundRequest(module);
  BindCorrelationId(module);
  module.attr("DATA_TYPES") = DataTypeTable();
  module.def(
      "in_flight",
      [](const python::NativeServer& server) { return Inference::InFlight(server.ptr(), false); },
      py::arg("server"),
      "The name of the model of each request of a low-level server that Triton has not finished.");
  module.def(
      "cancel_all",
      [](const python::NativeServer& server) { return Inference::InFlight(server.ptr(), true); },
      py::arg("server"), "The same, and cancel them.");
  module.def("set_asks_python", &SetAsksPython, py::arg("memory_type"), py::arg("asks"),
             "Say whether outputs in this type of memory come from an allocator in Python.");
  module.def(
      "read_memory",
      [](Integer<std::uintptr_t> address, Integer<std::size_t> byte_size) {
        return py::bytes(reinterpret_cast<const char*>(address.value), byte_size.value);
      },
      py::arg("address"), py::arg("byte_size"), "A copy of host memory.");
  module.def("live_counts", &LiveCounts,
             "Native objects that are alive, and bytes that wait in the pool of output buffers.");
  py::module_::import("atexit").attr("register")(
      py::cpp_function(&StopDispatcher, py::name("stop_dispatcher")));
}

}  // namespace tritonserver::inference
