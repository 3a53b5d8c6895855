#include "native/c_api/bindings.h"
#include "native/c_api/call.h"

namespace tritonserver {
namespace {

Message ParseMessage(const String& json) {
  return Message(New<&Api::MessageNewFromSerializedJson>(json.data(), json.size()));
}

std::string SerializeToJson(const Message& message) {
  const char* base = nullptr;
  std::size_t size = 0;
  Call<&Api::MessageSerializeToJson>(message.get(), &base, &size);
  return std::string(base, size);
}

}  // namespace

void BindMessage(py::module_& module, Later& later) {
  py::class_<Message> message(module, "TRITONSERVER_Message", R"(
A JSON document that Triton returns, or takes.

Immutable. The constructor copies `json` and does not validate it.

C API: TRITONSERVER_Message, TRITONSERVER_MessageNewFromSerializedJson, TRITONSERVER_MessageDelete)");
  later.push_back([message]() mutable {
    message.def(py::init(&ParseMessage), py::arg("json"));
    message.def("serialize_to_json", &SerializeToJson,
                Document<&Api::MessageSerializeToJson>("The document as text.").c_str());
  });
}

}  // namespace tritonserver
