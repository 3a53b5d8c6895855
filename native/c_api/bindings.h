// The areas of the C API, one function and one file each.
#pragma once

#include <pybind11/pybind11.h>

#include <functional>
#include <vector>

namespace tritonserver {

namespace py = pybind11;

// Each function adds the classes of its area to the module and leaves everything whose signature
// mentions a class, its own or another area's, in `later`, which runs when all classes are there:
// so signatures show Python names only.
using Later = std::vector<std::function<void()>>;

void BindBufferAttributes(py::module_& module, Later& later);
void BindEnums(py::module_& module, Later& later);
void BindErrors(py::module_& module, Later& later);
void BindLog(py::module_& module, Later& later);
void BindMessage(py::module_& module, Later& later);
void BindMetrics(py::module_& module, Later& later);
void BindModelPin(py::module_& module, Later& later);
void BindParameter(py::module_& module, Later& later);
void BindRequest(py::module_& module, Later& later);
void BindResponse(py::module_& module, Later& later);
void BindResponseAllocator(py::module_& module, Later& later);
void BindServer(py::module_& module, Later& later);
void BindServerOptions(py::module_& module, Later& later);
void BindTrace(py::module_& module, Later& later);

}  // namespace tritonserver
