// Our own declarations of Triton's in-process C API, version 1.34 (release 24.08 and later), with
// what 26.08 added.
//
// Used where no Triton installation with headers is at hand; tests/c_api proves that they agree
// with the installation's header where one is.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TRITONSERVER_API_VERSION_MAJOR 1
#define TRITONSERVER_API_VERSION_MINOR 34

typedef struct TRITONSERVER_BufferAttributes TRITONSERVER_BufferAttributes;
typedef struct TRITONSERVER_Error TRITONSERVER_Error;
typedef struct TRITONSERVER_InferenceRequest TRITONSERVER_InferenceRequest;
typedef struct TRITONSERVER_InferenceResponse TRITONSERVER_InferenceResponse;
typedef struct TRITONSERVER_InferenceTrace TRITONSERVER_InferenceTrace;
typedef struct TRITONSERVER_Message TRITONSERVER_Message;
typedef struct TRITONSERVER_Metrics TRITONSERVER_Metrics;
typedef struct TRITONSERVER_Parameter TRITONSERVER_Parameter;
typedef struct TRITONSERVER_ResponseAllocator TRITONSERVER_ResponseAllocator;
typedef struct TRITONSERVER_Server TRITONSERVER_Server;
typedef struct TRITONSERVER_ServerOptions TRITONSERVER_ServerOptions;
typedef struct TRITONSERVER_Metric TRITONSERVER_Metric;
typedef struct TRITONSERVER_MetricFamily TRITONSERVER_MetricFamily;
typedef struct TRITONSERVER_MetricArgs TRITONSERVER_MetricArgs;

#define TRITON_ENUM_BEGIN(type, base, exported, meaning) typedef enum type {
#define TRITON_ENUM_VALUE(c_name, python_name, value, meaning) c_name = value,
#define TRITON_ENUM_END(type) \
  }                           \
  type;
#include "native/triton/enums.def"
#undef TRITON_ENUM_BEGIN
#undef TRITON_ENUM_VALUE
#undef TRITON_ENUM_END

#define TRITON_CALLBACK(name, result, parameters) typedef result(*TRITONSERVER_##name) parameters;
#include "native/triton/callbacks.def"
#undef TRITON_CALLBACK

#define TRITON_FUNCTION(name, result, parameters, since) result TRITONSERVER_##name parameters;
#include "native/triton/functions.def"
#undef TRITON_FUNCTION

#ifdef __cplusplus
}
#endif
