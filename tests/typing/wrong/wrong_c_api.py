"""Mistakes with the C API; each is found before the program runs."""

from tritonserver._c import triton_bindings as t

t.TRITONSERVER_Error("NOT_FOUND", "message")  # error: arg-type
t.TRITONSERVER_DataTypeString("FP32")  # error: arg-type
t.TRITONSERVER_DataTypeString(11)  # error: arg-type
t.TRITONSERVER_DataTypeByteSizes()  # error: attr-defined
t.TRITONSERVER_Parameter("name")  # error: call-arg
t.TRITONSERVER_Parameter("name", None)  # error: arg-type
t.TRITONSERVER_Message(b"{}")  # error: arg-type
t.TRITONSERVER_Metrics()  # error: call-arg
t.TRITONSERVER_InferenceResponse(None)  # error: arg-type
t.TRITONSERVER_BufferAttributes().byte_size = "16"  # error: assignment

options = t.TRITONSERVER_ServerOptions()
options.set_exit_timeout(0.5)  # error: arg-type
options.set_model_control_mode("EXPLICIT")  # error: arg-type
options.set_log_callback(print, 1)  # error: call-arg
options.set_server_ids("typed")  # error: attr-defined
t.TRITONSERVER_Server()  # error: call-arg
t.TRITONSERVER_Server("models")  # error: arg-type
server = t.TRITONSERVER_Server(options)
server.load_model_with_parameters("test", {"config": "{}"})  # error: arg-type
server.model_config("test", -1)  # error: call-arg
server.infer_async("request")  # error: call-overload

request = t.TRITONSERVER_InferenceRequest(server, "test", -1)
request.add_input("x", "FP32", [1])  # error: arg-type
request.add_input("x", t.TRITONSERVER_DataType.FP32, 1)  # error: arg-type
request.append_input_data("x", 0, 0, 0, 0)  # error: arg-type
request.is_cancelled = True  # error: misc
request.set_release_callback(lambda request: None, None)  # error: arg-type misc
request.set_response_callback(None, None, print, None)  # error: arg-type
t.TRITONSERVER_ResponseAllocator(print)  # error: call-overload
t.TRITONSERVER_MetricFamily(t.TRITONSERVER_MetricKind.COUNTER, "name")  # error: call-arg
