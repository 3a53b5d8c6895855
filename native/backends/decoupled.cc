#include "native/backends/decoupled.h"

// Absent from cores before release 24.03.
#pragma weak TRITONBACKEND_ModelInstanceResponseStatisticsNew
#pragma weak TRITONBACKEND_ModelInstanceResponseStatisticsDelete
#pragma weak TRITONBACKEND_ModelInstanceResponseStatisticsSetModelInstance
#pragma weak TRITONBACKEND_ModelInstanceResponseStatisticsSetResponseFactory
#pragma weak TRITONBACKEND_ModelInstanceResponseStatisticsSetResponseStart
#pragma weak TRITONBACKEND_ModelInstanceResponseStatisticsSetComputeOutputStart
#pragma weak TRITONBACKEND_ModelInstanceResponseStatisticsSetResponseEnd
#pragma weak TRITONBACKEND_ModelInstanceResponseStatisticsSetError
#pragma weak TRITONBACKEND_ModelInstanceReportResponseStatistics

namespace tritonserver::backend {

ResponseStream::ResponseStream(TRITONBACKEND_ModelInstance* instance,
                               TRITONBACKEND_Request* request)
    : instance_(instance) {
  ThrowIfError(TRITONBACKEND_ResponseFactoryNew(&factory_, request));
}

ResponseStream::~ResponseStream() {
  LogIfError(
      TRITONBACKEND_ResponseFactorySendFlags(factory_, TRITONSERVER_RESPONSE_COMPLETE_FINAL));
  LogIfError(TRITONBACKEND_ResponseFactoryDelete(factory_));
}

bool ResponseStream::IsCancelled() const noexcept {
  bool cancelled = false;
  LogIfError(TRITONBACKEND_ResponseFactoryIsCancelled(factory_, &cancelled));
  return cancelled;
}

void ResponseStream::Fail(TRITONSERVER_Error* error) noexcept {
  const uint64_t start = Nanoseconds();
  Response response;
  LogIfError(ErrorOf([&] { response = Response(factory_); }));
  ReportStatistics(start, start, error);
  response.Send(0, error);
}

void ResponseStream::ReportStatistics(uint64_t start, uint64_t output_start,
                                      TRITONSERVER_Error* error) noexcept {
  if (TRITONBACKEND_ModelInstanceResponseStatisticsNew == nullptr) return;
  TRITONBACKEND_ModelInstanceResponseStatistics* stats = nullptr;
  LogIfError(ErrorOf([&] {
    ThrowIfError(TRITONBACKEND_ModelInstanceResponseStatisticsNew(&stats));
    ThrowIfError(TRITONBACKEND_ModelInstanceResponseStatisticsSetModelInstance(stats, instance_));
    ThrowIfError(TRITONBACKEND_ModelInstanceResponseStatisticsSetResponseFactory(stats, factory_));
    ThrowIfError(TRITONBACKEND_ModelInstanceResponseStatisticsSetResponseStart(stats, start));
    ThrowIfError(
        TRITONBACKEND_ModelInstanceResponseStatisticsSetComputeOutputStart(stats, output_start));
    ThrowIfError(TRITONBACKEND_ModelInstanceResponseStatisticsSetResponseEnd(stats, Nanoseconds()));
    if (error != nullptr) {
      ThrowIfError(TRITONBACKEND_ModelInstanceResponseStatisticsSetError(stats, error));
    }
    ThrowIfError(TRITONBACKEND_ModelInstanceReportResponseStatistics(stats));
  }));
  if (stats != nullptr) LogIfError(TRITONBACKEND_ModelInstanceResponseStatisticsDelete(stats));
}

DecoupledInstance::DecoupledInstance(TRITONBACKEND_ModelInstance* handle, const ModelConfig& config)
    : Instance(handle) {
  if (!config.decoupled || config.max_batch_size > 0) {
    throw Error(TRITONSERVER_ERROR_INVALID_ARG,
                "this backend is for decoupled models without batching: set "
                "`model_transaction_policy { decoupled: true }` and `max_batch_size: 0`");
  }
}

void DecoupledInstance::Execute(TRITONBACKEND_Request** requests, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) Serve(requests[i]);
}

void DecoupledInstance::Serve(TRITONBACKEND_Request* request) {
  const uint64_t start = Nanoseconds();
  Job job;
  std::shared_ptr<ResponseStream> stream;
  TRITONSERVER_Error* error = ErrorOf([&] {
    job = Read(request);
    stream = std::make_shared<ResponseStream>(handle(), request);
  });
  if (stream != nullptr && job.hold > Milliseconds(0)) {
    Start(std::move(stream), job.send);
    SleepUntil(Clock::now() + job.hold, [&] { return IsCancelled(request); });
  }
  const uint64_t end = Nanoseconds();
  LogIfError(TRITONBACKEND_ModelInstanceReportStatistics(handle(), request, error == nullptr, start,
                                                         start, end, end));
  LogIfError(TRITONBACKEND_ModelInstanceReportBatchStatistics(handle(), 1, start, start, end, end));
  if (error != nullptr) {
    Response response;
    LogIfError(ErrorOf([&] { response = Response(request); }));
    response.Send(TRITONSERVER_RESPONSE_COMPLETE_FINAL, error);
  }
  Release(request);
  if (stream != nullptr) Start(std::move(stream), job.send);
}

void DecoupledInstance::Start(std::shared_ptr<ResponseStream> stream,
                              std::function<void(ResponseStream&)> send) {
  TRITONSERVER_Error* error = ErrorOf([&] {
    workers_.Run([stream, send = std::move(send)] {
      TRITONSERVER_Error* error = ErrorOf([&] { send(*stream); });
      if (error != nullptr) stream->Fail(error);
    });
  });
  if (error != nullptr) stream->Fail(error);
}

}  // namespace tritonserver::backend
