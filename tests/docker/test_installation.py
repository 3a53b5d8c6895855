"""A Triton installation, such as the container's, takes precedence over the embedded core.

Run by container_layout.py, with TRITON_HOME set.
"""

import os
import pathlib

import numpy as np

import tritonserver
from tritonserver import runtime

MODELS = pathlib.Path("tests/models/native").absolute()


def test_the_installation_is_found() -> None:
    home = runtime.locate()
    assert home.kind == "installation"
    assert home.library == pathlib.Path(os.environ["TRITON_HOME"], "lib/libtritonserver.so")


def test_a_server_runs_in_it() -> None:
    array = np.arange(4, dtype=np.float32)
    with tritonserver.Server(
        model_repository=MODELS,
        model_control_mode=tritonserver.ModelControlMode.EXPLICIT,
        startup_models=["identity_fp32"],
    ) as server:
        model = server.model("identity_fp32")
        (name,) = (entry["name"] for entry in model.metadata()["inputs"])
        for response in model.infer(inputs={name: array}):
            (output,) = response.outputs.values()
            np.testing.assert_array_equal(np.from_dlpack(output), array)
