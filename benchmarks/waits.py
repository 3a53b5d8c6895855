"""Measures what is gained where the core only waits for time to pass; see README.md.

Prints how long `Server.stop` takes, and how long queued requests to a model with a queue policy
take, each as the core waits by itself and as this package has it wait.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tritonserver import Model, ModelControlMode, Server, runtime

ROUNDS = 5
QUEUED = 10
EXECUTION_MS = 20

_PYTHON_MODEL = """
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        inputs = [pb_utils.get_input_tensor_by_name(request, "INPUT0") for request in requests]
        outputs = [pb_utils.Tensor("OUTPUT0", tensor.as_numpy()) for tensor in inputs]
        return [pb_utils.InferenceResponse([output]) for output in outputs]
"""
_TENSORS = """
input { name: "INPUT0" data_type: TYPE_FP32 dims: [ 1 ] }
output { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 1 ] }
"""
_ONE_INSTANCE = "instance_group { kind: KIND_CPU count: 1 }"

# What the models of the second table have in their configuration.
POLICIES = {
    "no policy": "dynamic_batching { }",
    "max_queue_size": "dynamic_batching { default_queue_policy { max_queue_size: 100 } }",
    "priority_levels": "dynamic_batching { priority_levels: 2 default_priority_level: 1 }",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks/waits", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument(
        "--core", nargs="*", default=[], help="libtritonserver.so of other releases, for the queues"
    )
    parser.add_argument("--worker", choices=["stop", "queue"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker is not None:
        measured = {"stop": _stop_times, "queue": _queue_times}[options.worker](options.rounds)
        print(json.dumps({"version": runtime.locate().version, "times": measured}))
        return
    print(f"load of the machine: {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors")
    print("\nServer.stop, mean (longest) in seconds: as the core waits by itself, as it is")
    _compare("stop", options.rounds, None)
    print(f"\n{QUEUED} requests of {EXECUTION_MS} ms in a queue, likewise")
    for core in [None, *options.core]:
        _compare("queue", options.rounds, core)


def _compare(worker: str, rounds: int, core: str | None) -> None:
    environment = {} if core is None else {"TRITONSERVER_LIBRARY": core}
    before = _run(worker, rounds, {**environment, "TRITONSERVER_KEEP_CORE_WAITS": "1"})
    after = _run(worker, rounds, environment)
    print(f"  Triton {after['version']}")
    for name in after["times"]:
        columns = [
            f"{statistics.fmean(times):6.2f} ({max(times):.2f})"
            for times in (before["times"][name], after["times"][name])
        ]
        print(f"    {name:24}" + "".join(f"{column:>16}" for column in columns))


def _run(worker: str, rounds: int, environment: Mapping[str, str]) -> Any:
    command = [sys.executable, __file__, "--worker", worker, "--rounds", str(rounds)]
    ended = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(ended.stdout.splitlines()[-1])


def _write(repository: Path, name: str, backend: str, config: str) -> None:
    (repository / name / "1").mkdir(parents=True)
    if backend == "python":
        (repository / name / "1" / "model.py").write_text(_PYTHON_MODEL)
    text = f'backend: "{backend}"\n{_TENSORS}{config}\n'
    (repository / name / "config.pbtxt").write_text(text)


def _timed(call: Callable[[], object]) -> float:
    begin = time.monotonic()
    call()
    return time.monotonic() - begin


def _stop_times(rounds: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as directory:
        for kind, backend in (("native", "identity"), ("python", "python")):
            _write(Path(directory, kind), "model", backend, _ONE_INSTANCE)
            for mode in ModelControlMode:
                startup = ["model"] if mode == ModelControlMode.EXPLICIT else []
                name = f"{kind} model, {mode.name}"
                for _ in range(rounds):
                    server = Server(
                        model_repository=Path(directory, kind),
                        model_control_mode=mode,
                        startup_models=startup,
                    ).start()
                    server.model("model")(INPUT0=np.ones(1, np.float32))
                    times.setdefault(name, []).append(_timed(server.stop))
    return times


def _queue_times(rounds: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {}
    delay = f'parameters {{ key: "execute_delay_ms" value {{ string_value: "{EXECUTION_MS}" }} }}'
    with tempfile.TemporaryDirectory() as directory:
        for name, policy in POLICIES.items():
            config = f"max_batch_size: 1\n{_ONE_INSTANCE}\n{policy}\n{delay}"
            _write(Path(directory), name.replace(" ", "_"), "identity", config)
        with Server(model_repository=directory) as server:
            for name in POLICIES:
                model = server.model(name.replace(" ", "_"))
                times[name] = [_timed(partial(_fill_queue, model)) for _ in range(rounds)]
    return times


def _fill_queue(model: Model) -> None:
    inputs = {"INPUT0": np.ones((1, 1), np.float32)}
    for responses in [model.infer(inputs=inputs) for _ in range(QUEUED)]:
        list(responses)


if __name__ == "__main__":
    main()
