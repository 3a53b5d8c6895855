"""The end of a process, in whatever state, and processes forked from it."""

import subprocess
from collections.abc import Callable

import pytest

PROLOGUE = """
import os, queue, sys, threading, time
import numpy as np
options = tb.TRITONSERVER_ServerOptions()
options.set_log_info(False)
options.set_log_warn(False)
options.set_log_error(False)
options.set_gpu_metrics(False)
options.set_model_repository_path("tests/models/native")
options.set_model_control_mode(tb.TRITONSERVER_ModelControlMode.EXPLICIT)
options.set_startup_model("identity_fp32")
options.set_startup_model("identity_slow")
server = tb.TRITONSERVER_Server(options)
x = np.ones(3, np.float32)

def make_request(model="identity_fp32"):
    request = tb.TRITONSERVER_InferenceRequest(server, model, -1)
    request.add_input("INPUT0", tb.TRITONSERVER_DataType.FP32, [3])
    request.append_input_data("INPUT0", x.ctypes.data, 12, tb.TRITONSERVER_MemoryType.CPU, 0)
    return request

def allocate(allocator, name, size, *_):
    block = np.empty(size, np.byte)
    return block.ctypes.data, block, tb.TRITONSERVER_MemoryType.CPU, 0

allocator = tb.TRITONSERVER_ResponseAllocator(allocate, lambda *_: None)
answers = queue.Queue()

def infer(model="identity_fp32"):
    request = make_request(model)
    request.set_release_callback(lambda *_: None, None)
    request.set_response_callback(allocator, None, lambda r, *_: answers.put(r), None)
    server.infer_async(request)
    return request
"""

STATES = {
    "server alone": "",
    "request that was never sent": "request = make_request()",
    "response": "request = infer(); response = answers.get(timeout=10)",
    "response in a queue": "request = infer(); time.sleep(0.2)",
    "request in flight": "request = infer('identity_slow')",
    "request in flight without a name": "infer('identity_slow')",
    "request in flight with futures": "request = make_request('identity_slow')\n"
    "server.infer_async(request)",
    "cycle": "cycle = [infer(), server]; cycle.append(cycle)",
    "stopped": "server.stop()",
    "stopped with a response": "request = infer(); response = answers.get(timeout=10)\n"
    "server.stop()",
    "load in another thread": "threading.Thread(target=server.load_model,"
    " args=['identity_slow_load'], daemon=True).start(); time.sleep(0.1)",
    "threads that never stop calling": "for call in (server.metrics, server.metadata,"
    " lambda: tb.TRITONSERVER_LogMessage(tb.TRITONSERVER_LogLevel.INFO, 'a', 1, 'b')):\n"
    "    threading.Thread(target=lambda call=call: [call() for _ in iter(int, 1)],"
    " daemon=True).start()",
    "trace": "trace = tb.TRITONSERVER_InferenceTrace(4, 0, print, print, None)",
    "exception": "raise SystemExit(0)",
}


@pytest.mark.parametrize("state", STATES)
def test_exit(run_program: Callable[..., subprocess.CompletedProcess[str]], state: str) -> None:
    result = run_program(PROLOGUE + STATES[state] + "\n", timeout=30)
    assert (result.returncode, result.stdout) == (0, ""), result.stderr
    assert "Error" not in result.stderr.replace("Error: Failed to initialize NVML", "")


def test_fork(run_program: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    program = (
        PROLOGUE
        + """
request = infer()
response = answers.get(timeout=10)
sys.stdout.flush()
# The sanitizer's allocator is not ready for a fork while another thread, the model's, is in it.
time.sleep(0.5)
child = os.fork()
if child == 0:
    for use in (server.is_live, server.stop, lambda: server.infer_async(request),
                lambda: tb.TRITONSERVER_InferenceRequest(server, "identity_fp32", -1)):
        try:
            use()
        except tb.UnavailableError as error:
            print("forked" in str(error))
    sys.exit(0)  # with all that was made before
assert os.waitpid(child, 0)[1] == 0
print(server.is_live(), response.output_count)
server.stop()
"""
    )
    result = run_program(program, timeout=30)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["True"] * 5 + ["1"]
