"""Servers that are started and stopped many times leave nothing behind.

With the environment variable `FULL_STRESS` set there are more cycles.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

_MODELS = Path(__file__).parents[2] / "models"
_NATIVE_MODELS = Path(__file__).parents[1] / "models" / "native"

_FULL = bool(os.environ.get("FULL_STRESS"))

_PROGRAM = """
import gc, json, os, sys
import numpy as np, psutil
import tritonserver

repository, model, tensor, cycles = *sys.argv[1:4], int(sys.argv[4])
process = psutil.Process()

def cycle():
    options = {"model_repository": repository, "startup_models": [model],
               "model_control_mode": tritonserver.ModelControlMode.EXPLICIT}
    with tritonserver.Server(**options) as server:
        dtype = np.int32 if tensor == "int32_input" else np.float32
        shape = (1, 1) if tensor == "int32_input" else (1,)
        list(server.model(model).infer(inputs={tensor: np.ones(shape, dtype)}))

# What the model processes of this process have there; other tests run at the same time.
settings = tritonserver.runtime.locate().backend_settings()
prefix = settings["python"]["shm-region-prefix-name"]

def measure():
    gc.collect()
    return {"MiB": process.memory_info().rss >> 20, "threads": process.num_threads(),
            "descriptors": process.num_fds(), "children": len(process.children(recursive=True)),
            "shared memory": sum(name.startswith(prefix) for name in os.listdir("/dev/shm"))}

for _ in range(5):
    cycle()
before = measure()
for _ in range(cycles):
    cycle()
print(json.dumps([before, measure()]))
"""


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("repository", "model", "tensor", "cycles"),
    [
        (_MODELS, "test", "int32_input", 50 if _FULL else 13),
        (_NATIVE_MODELS, "identity_fp32", "INPUT0", 200 if _FULL else 50),
    ],
    ids=["python", "native"],
)
def test_start_stop(repository: Path, model: str, tensor: str, cycles: int) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM, repository, model, tensor, str(cycles)],
        capture_output=True,
        text=True,
        env=os.environ,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    before, after = json.loads(ended.stdout)
    print(f"{cycles} cycles: {before} before, {after} after")
    memory = after.pop("MiB") - before.pop("MiB")
    assert after == before
    assert memory <= 4
