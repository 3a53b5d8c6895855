// Proves at compile time that our declarations agree with the `triton/core/tritonserver.h` in the
// include path: it compiles only if they do. Declaring a function or callback type a second time is
// an error if its type differs; what is newer than that header is merely declared.
#include "triton/core/tritonserver.h"

// Enumerators that came, or were numbered anew, after that header.
#if TRITONSERVER_API_VERSION_MINOR < 29
#define TRITONSERVER_PARAMETER_DOUBLE 3
#define TRITONSERVER_PARAMETER_BYTES 4
#endif
#if TRITONSERVER_API_VERSION_MINOR < 33
#define TRITONSERVER_TRACE_CUSTOM_ACTIVITY 10
#endif
#if TRITONSERVER_API_VERSION_MINOR < 34
#define TRITONSERVER_METRIC_KIND_HISTOGRAM 2
#endif

struct TRITONSERVER_MetricArgs;

static_assert(TRITONSERVER_API_VERSION_MAJOR == 1);

#define TRITON_ENUM_BEGIN(type, base, exported, meaning) static_assert(sizeof(type) == sizeof(int));
#define TRITON_ENUM_VALUE(c_name, python_name, value, meaning) static_assert(c_name == value);
#define TRITON_ENUM_END(type)
#include "native/triton/enums.def"

extern "C" {

#define TRITON_CALLBACK(name, result, parameters) typedef result(*TRITONSERVER_##name) parameters;
#include "native/triton/callbacks.def"

#define TRITON_FUNCTION(name, result, parameters, since) result TRITONSERVER_##name parameters;
#include "native/triton/functions.def"

}  // extern "C"
