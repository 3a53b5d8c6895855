"""Copies each `<type>_input` to `<type>_output`, for every data type of Triton."""

import json

import triton_python_backend_utils as pb_utils

TYPES = (
    "string",
    "bool",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "int8",
    "int16",
    "int32",
    "int64",
    "fp16",
    "fp32",
    "fp64",
    "bf16",
)


def copy(type_name, tensor):
    output = f"{type_name}_output"
    if type_name == "bf16":  # NumPy has no such type
        return pb_utils.Tensor.from_dlpack(output, tensor.to_dlpack())
    return pb_utils.Tensor(output, tensor.as_numpy())


def respond(request):
    inputs = {tensor.name(): tensor for tensor in request.inputs()}
    requested = request.requested_output_names()
    return pb_utils.InferenceResponse(
        [
            copy(name, inputs[f"{name}_input"])
            for name in TYPES
            if f"{name}_input" in inputs and f"{name}_output" in requested
        ]
    )


class TritonPythonModel:
    """All inputs are optional. Needs no config.pbtxt.

    With the model parameter `decoupled` set to "True" the model is decoupled: it sends its one
    response and then closes the stream with a flag only.
    """

    @staticmethod
    def auto_complete_config(config):
        for name in TYPES:
            tensor = {"data_type": f"TYPE_{name.upper()}", "dims": [-1, -1]}
            config.add_input({"name": f"{name}_input", "optional": True, **tensor})
            config.add_output({"name": f"{name}_output", **tensor})
        parameters = config.as_dict()["parameters"]
        if parameters.get("decoupled", {}).get("string_value") == "True":
            config.set_model_transaction_policy({"decoupled": True})
        return config

    def initialize(self, args):
        config = json.loads(args["model_config"])
        self._decoupled = pb_utils.using_decoupled_model_transaction_policy(config)

    def execute(self, requests):
        if not self._decoupled:
            return [respond(request) for request in requests]
        for request in requests:
            sender = request.get_response_sender()
            sender.send(respond(request))
            sender.send(flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
        return None
