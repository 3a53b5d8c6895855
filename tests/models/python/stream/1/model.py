"""A decoupled model that counts: answers N with the numbers I from 0 to N - 1, one by one."""

import time

import numpy as np
import triton_python_backend_utils as pb_utils


def scalar(request, name, default):
    tensor = pb_utils.get_input_tensor_by_name(request, name)
    return default if tensor is None else tensor.as_numpy().item()


def number(value):
    return pb_utils.InferenceResponse([pb_utils.Tensor("I", np.array([value], np.int32))])


def failure(value):
    return pb_utils.InferenceResponse(error=pb_utils.TritonError(f"fail at {value}"))


def stream(request):
    count = scalar(request, "N", 0)
    delay = scalar(request, "DELAY", 0.0)
    fail_at = scalar(request, "FAIL_AT", -1)
    sender = request.get_response_sender()
    for value in range(count):
        if request.is_cancelled():
            break
        time.sleep(delay)
        sender.send(failure(value) if value == fail_at else number(value))
    sender.send(flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)


class TritonPythonModel:
    """Waits DELAY seconds before each response, sends an error instead of the number FAIL_AT,
    stops when the request is cancelled, and closes the stream with a flag only."""

    @staticmethod
    def auto_complete_config(config):
        config.add_input({"name": "N", "data_type": "TYPE_INT32", "dims": [1]})
        config.add_input({"name": "DELAY", "data_type": "TYPE_FP32", "dims": [1], "optional": True})
        config.add_input(
            {"name": "FAIL_AT", "data_type": "TYPE_INT32", "dims": [1], "optional": True}
        )
        config.add_output({"name": "I", "data_type": "TYPE_INT32", "dims": [1]})
        config.set_model_transaction_policy({"decoupled": True})
        return config

    def execute(self, requests):
        for request in requests:
            stream(request)
