// Responses on their way to futures.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/typing.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>

#include "native/c_api/response.h"

namespace tritonserver {

// A `concurrent.futures.Future` or an asyncio future, by what is done with it.
class ResponseFuture : public py::object {
 public:
  PYBIND11_OBJECT(ResponseFuture, py::object, IsFuture)

 private:
  static bool IsFuture(PyObject* object) {
    return PyObject_HasAttrString(object, "done") && PyObject_HasAttrString(object, "set_result");
  }
};

// Hands responses to futures, in order, one future at a time. A response whose future was cancelled
// meanwhile waits for the next one.
class ResponseQueue : public std::enable_shared_from_this<ResponseQueue> {
 public:
  // On any thread, without the GIL. A null response is the end of a stream without a last one.
  void Push(std::shared_ptr<Response> response, std::uint32_t flags);

  // Makes `future` get the next response. ALREADY_EXISTS while another future waits. With the GIL.
  void Wait(ResponseFuture future);

 private:
  struct Item {
    std::shared_ptr<Response> response;
    std::uint32_t flags;
  };

  // Both with the GIL. `Deliver` hands items over as long as there is a future that waits;
  // `Complete` does so for one, on the thread of its event loop if it has one.
  void Deliver();
  void Complete(const py::object& future);

  std::mutex mutex_;
  std::deque<Item> items_;
  bool waiting_ = false;     // there is a future
  bool delivering_ = false;  // it is being completed
  GilSafe<> future_;         // guarded by the GIL instead
};

}  // namespace tritonserver

namespace pybind11::detail {

template <>
struct handle_type_name<tritonserver::ResponseFuture> {
  using Result = typing::Tuple<typing::Optional<std::shared_ptr<tritonserver::Response>>, int_>;
  static constexpr auto name = const_name("concurrent.futures.Future[") +
                               make_caster<Result>::name + const_name("] | asyncio.Future[") +
                               make_caster<Result>::name + const_name("]");
};

}  // namespace pybind11::detail
