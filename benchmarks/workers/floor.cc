// The floor: what requests cost a careful C++ program that uses Triton's C API directly.
//
//   floor LIBRARY BACKENDS REPOSITORY
//
// Speaks the protocol of protocol.py: the first line on stdout lists the cases; then each line
// `CASE ITERATIONS` on stdin is answered with the seconds that one iteration took, or with bytes
// for the case `memory`.
//
// Each inference makes a request of its own, as the core wants it, and deletes it in the release
// callback; outputs are malloc'ed; responses wake the caller, which reads and deletes them.

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "native/triton/api.h"
#include "native/triton/handle.h"
#include "native/triton/loader.h"

namespace tritonserver {
namespace {

using Request = Handle<TRITONSERVER_InferenceRequest>;
using Response = Handle<TRITONSERVER_InferenceResponse>;

template <class Object, auto kNew, class... Arguments>
Handle<Object> New(Arguments... arguments) {
  Object* object = nullptr;
  Call<kNew>(&object, arguments...);
  return Handle<Object>::Own(object);
}

struct Tensor {
  std::string name;
  TRITONSERVER_DataType data_type;
  std::vector<int64_t> shape;
  std::string data;
};

struct Workload {
  const char* model;
  std::vector<Tensor> inputs;
};

// Models of tests/models/native.
constexpr const char* kModel = "identity_fp32";
constexpr const char* kWideModel = "identity_eight";
constexpr const char* kStreamModel = "repeat_int32";

// Responses on their way from the core's threads to the caller.
class Arrivals {
 public:
  struct Item {
    Response response;  // empty if only the end of a stream arrived
    bool final;
  };

  void Push(Item item) {
    {
      const std::lock_guard lock(mutex_);
      items_.push_back(std::move(item));
    }
    arrived_.notify_one();
  }

  // Waits until there is something and moves it all into `items`, which is empty.
  void Take(std::vector<Item>& items) {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [this] { return !items_.empty(); });
    std::swap(items, items_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Item> items_;
};

TRITONSERVER_Error* Allocate(TRITONSERVER_ResponseAllocator*, const char*, size_t byte_size,
                             TRITONSERVER_MemoryType, int64_t, void*, void** buffer,
                             void** buffer_userp, TRITONSERVER_MemoryType* memory_type,
                             int64_t* memory_type_id) {
  *buffer = std::malloc(std::max<size_t>(byte_size, 1));
  *buffer_userp = nullptr;
  *memory_type = TRITONSERVER_MEMORY_CPU;
  *memory_type_id = 0;
  return *buffer != nullptr ? nullptr : MakeError(TRITONSERVER_ERROR_UNAVAILABLE, "out of memory");
}

TRITONSERVER_Error* Free(TRITONSERVER_ResponseAllocator*, void* buffer, void*, size_t,
                         TRITONSERVER_MemoryType, int64_t) {
  std::free(buffer);
  return nullptr;
}

void Arrived(TRITONSERVER_InferenceResponse* response, const uint32_t flags, void* arrivals) {
  static_cast<Arrivals*>(arrivals)->Push(
      {Response::Own(response), (flags & TRITONSERVER_RESPONSE_COMPLETE_FINAL) != 0});
}

void Released(TRITONSERVER_InferenceRequest* request, const uint32_t flags, void*) {
  if ((flags & TRITONSERVER_REQUEST_RELEASE_ALL) != 0) Request::Own(request);
}

Handle<TRITONSERVER_Server> Start(const char* backends, const char* repository) {
  const auto handle = New<TRITONSERVER_ServerOptions, &Api::ServerOptionsNew>();
  TRITONSERVER_ServerOptions* const options = handle.get();
  Call<&Api::ServerOptionsSetModelRepositoryPath>(options, repository);
  Call<&Api::ServerOptionsSetBackendDirectory>(options, backends);
  Call<&Api::ServerOptionsSetModelControlMode>(options, TRITONSERVER_MODEL_CONTROL_EXPLICIT);
  for (const char* model : {kModel, kWideModel, kStreamModel}) {
    Call<&Api::ServerOptionsSetStartupModel>(options, model);
  }
  // The two that the core leaves uninitialised.
  Call<&Api::ServerOptionsSetModelLoadRetryCount>(options, 0);
  Call<&Api::ServerOptionsSetEnablePeerAccess>(options, true);
  Call<&Api::ServerOptionsSetGpuMetrics>(options, false);
  Call<&Api::ServerOptionsSetPinnedMemoryPoolByteSize>(options, 0);
  Call<&Api::ServerOptionsSetLogInfo>(options, false);
  Call<&Api::ServerOptionsSetLogWarn>(options, false);
  Call<&Api::ServerOptionsSetLogError>(options, false);
  return New<TRITONSERVER_Server, &Api::ServerNew>(options);
}

void Read(TRITONSERVER_InferenceResponse* response) {
  Call<&Api::InferenceResponseError>(response);
  uint32_t count;
  Call<&Api::InferenceResponseOutputCount>(response, &count);
  for (uint32_t i = 0; i < count; ++i) {
    const char* name;
    TRITONSERVER_DataType data_type;
    const int64_t* shape;
    uint64_t rank;
    const void* data;
    size_t byte_size;
    TRITONSERVER_MemoryType memory_type;
    int64_t memory_type_id;
    void* userp;
    Call<&Api::InferenceResponseOutput>(response, i, &name, &data_type, &shape, &rank, &data,
                                        &byte_size, &memory_type, &memory_type_id, &userp);
    if (byte_size == 0) throw Error(TRITONSERVER_ERROR_INTERNAL, "an output is empty");
  }
}

size_t ResidentBytes() {
  size_t total, resident;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

class Floor {
 public:
  Floor(const char* backends, const char* repository)
      : allocator_(New<TRITONSERVER_ResponseAllocator, &Api::ResponseAllocatorNew>(&Allocate, &Free,
                                                                                   nullptr)),
        server_(Start(backends, repository)) {}

  // Seconds per request, with at most `in_flight` of them sent and not finished.
  double Time(const Workload& workload, int in_flight, int requests) {
    const auto start = std::chrono::steady_clock::now();
    int sent = 0;
    for (; sent < std::min(in_flight, requests); ++sent) Send(NewRequest(workload));
    for (int finished = 0; finished < requests;) {
      arrivals_.Take(items_);
      for (const Arrivals::Item& item : items_) {
        if (item.response) Read(item.response.get());
        if (!item.final) continue;
        ++finished;
        if (sent == requests) continue;
        Send(NewRequest(workload));
        ++sent;
      }
      items_.clear();
    }
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    return elapsed.count() / requests;
  }

  // Bytes for each of `requests` requests that wait behind a slow one. As many others wait already,
  // so that no memory is left over from earlier.
  double Memory(const Workload& workload, int requests) {
    Request slow = NewRequest(workload);
    Call<&Api::InferenceRequestSetIntParameter>(slow.get(), "execute_delay_ms", int64_t{1} << 30);
    TRITONSERVER_InferenceRequest* const running = slow.get();
    Send(std::move(slow));
    for (int i = 0; i < requests; ++i) Send(NewRequest(workload));
    const size_t before = ResidentBytes();
    for (int i = 0; i < requests; ++i) Send(NewRequest(workload));
    const size_t after = ResidentBytes();
    Call<&Api::InferenceRequestCancel>(running);
    for (int finished = 0; finished < 2 * requests + 1; finished += items_.size()) {
      items_.clear();
      arrivals_.Take(items_);
    }
    items_.clear();
    return static_cast<double>(after - before) / requests;
  }

 private:
  Request NewRequest(const Workload& workload) {
    auto request = New<TRITONSERVER_InferenceRequest, &Api::InferenceRequestNew>(
        server_.get(), workload.model, int64_t{-1});
    for (const Tensor& input : workload.inputs) {
      Call<&Api::InferenceRequestAddInput>(request.get(), input.name.c_str(), input.data_type,
                                           input.shape.data(), input.shape.size());
      Call<&Api::InferenceRequestAppendInputData>(
          request.get(), input.name.c_str(), static_cast<const void*>(input.data.data()),
          input.data.size(), TRITONSERVER_MEMORY_CPU, int64_t{0});
    }
    Call<&Api::InferenceRequestSetReleaseCallback>(request.get(), &Released, nullptr);
    Call<&Api::InferenceRequestSetResponseCallback>(request.get(), allocator_.get(), nullptr,
                                                    &Arrived, static_cast<void*>(&arrivals_));
    return request;
  }

  void Send(Request request) {
    Call<&Api::ServerInferAsync>(server_.get(), request.get(), nullptr);
    request.Release();
  }

  Arrivals arrivals_;
  std::vector<Arrivals::Item> items_;  // kept, so that no batch has to allocate
  Handle<TRITONSERVER_ResponseAllocator> allocator_;
  Handle<TRITONSERVER_Server> server_;
};

template <class Value>
Tensor MakeTensor(std::string name, TRITONSERVER_DataType data_type, std::vector<Value> values) {
  return {std::move(name),
          data_type,
          {static_cast<int64_t>(values.size())},
          std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(Value))};
}

Workload Identity(const char* model, int inputs, size_t elements) {
  Workload workload{model, {}};
  for (int i = 0; i < inputs; ++i) {
    workload.inputs.push_back(MakeTensor("INPUT" + std::to_string(i), TRITONSERVER_TYPE_FP32,
                                         std::vector<float>(elements, 1)));
  }
  return workload;
}

Workload Repeat(size_t responses) {
  return {kStreamModel,
          {MakeTensor("IN", TRITONSERVER_TYPE_INT32, std::vector<int32_t>(responses, 1)),
           MakeTensor("DELAY", TRITONSERVER_TYPE_UINT32, std::vector<uint32_t>(responses, 0)),
           MakeTensor("WAIT", TRITONSERVER_TYPE_UINT32, std::vector<uint32_t>{0})}};
}

void Serve(Floor& floor) {
  const Workload small = Identity(kModel, 1, 16);
  const Workload large = Identity(kModel, 1, 1 << 18);
  const Workload wide = Identity(kWideModel, 8, 16);
  const Workload stream = Repeat(1000);
  const std::map<std::string, std::function<double(int)>> cases = {
      {"one", [&](int n) { return floor.Time(small, 1, n); }},
      {"in_flight_8", [&](int n) { return floor.Time(small, 8, n); }},
      {"in_flight_64", [&](int n) { return floor.Time(small, 64, n); }},
      {"large", [&](int n) { return floor.Time(large, 1, n); }},
      {"wide", [&](int n) { return floor.Time(wide, 1, n); }},
      {"stream", [&](int n) { return floor.Time(stream, 1, n); }},
      {"memory", [&](int n) { return floor.Memory(small, n); }},
  };
  const char* separator = "{\"cases\": [";
  for (const auto& [name, run] : cases) {
    std::cout << std::exchange(separator, ", ") << '"' << name << '"';
  }
  std::cout << "]}" << std::endl;
  std::string name;
  int iterations;
  while (std::cin >> name >> iterations) {
    std::cout << cases.at(name)(iterations) << std::endl;
  }
}

}  // namespace
}  // namespace tritonserver

int main(int argc, char** argv) {
  using namespace tritonserver;
  if (argc != 4) {
    std::cerr << "usage: floor LIBRARY BACKENDS REPOSITORY\n";
    return 2;
  }
  try {
    LoadCore({argv[1], argv[2], "", ""});
    Floor floor(argv[2], argv[3]);
    Serve(floor);
  } catch (const std::exception& error) {
    std::cerr << "floor: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
