"""Requests leave nothing behind, however they end.

With the environment variable `FULL_STRESS` set there are ten times as many.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

_NATIVE_MODELS = Path(__file__).parents[1] / "models" / "native"

_TIMES = 10 if os.environ.get("FULL_STRESS") else 1

_PROGRAM = """
import asyncio, gc, json, sys, time
import numpy as np, psutil
import tritonserver
from tritonserver._c import _inference

repository, kind, count = *sys.argv[1:3], int(sys.argv[3])
process = psutil.Process()
X = np.arange(64, dtype=np.float32)
LONG = {"IN": np.arange(1000, dtype=np.int32), "DELAY": np.full(1000, 10, np.uint32),
        "WAIT": np.array([0], np.uint32)}
LASTING = {"inputs": {"INPUT0": X}, "parameters": {"execute_delay_ms": 30_000}}
WAYS = 4  # of doing each kind of thing

# --- Inferences

def iterate(way):
    # Arrays, arrays that have to be copied, lists; most of them temporaries.
    value = [X, X[::-1], X.astype(">f4"), [np.float32(1)] * 64][way]
    (response,) = identity.infer(inputs={"INPUT0": value}, request_id="a")
    assert np.array_equal(response.outputs["OUTPUT0"].to_numpy(), value)

async def call(i):
    value = np.full(64, i, np.float32)
    outputs = await identity.call_async(INPUT0=value)
    assert np.array_equal(outputs["OUTPUT0"].to_numpy(), value)

async def gather():
    await asyncio.gather(*map(call, range(100)))

def infer(number):
    for _ in range(number // 200):
        for i in range(100):
            iterate(i % WAYS)
        asyncio.run(gather())

# --- Streams that nobody reads to their end

async def leave(way):
    responses = repeat.async_infer(inputs=LONG)
    task = asyncio.ensure_future(anext(responses))
    await asyncio.sleep(0)
    if way == 1:
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            return
    else:
        await task
        if way == 3:
            await responses.aclose()

def abandon(number):
    for i in range(number):
        if i % WAYS != 0:
            asyncio.run(leave(i % WAYS))
        else:
            for response in repeat.infer(inputs=LONG):
                assert response.outputs["OUT"].to_numpy() == [0]
                break

# --- Cancellations

def cancel(number):
    for i in range(number):
        responses = slow.infer(**LASTING)
        responses.cancel()
        try:
            next(responses)
        except tritonserver.CancelledError:
            continue
        raise AssertionError("not cancelled")

# ---

def is_quiet():
    gc.collect()
    return not any(_inference.live_counts()[name] for name in ("inferences", "output_buffers"))

def measure():
    end = time.monotonic() + 60
    while not is_quiet():
        assert time.monotonic() < end, _inference.live_counts()
        time.sleep(0.01)
    return {"KiB": process.memory_info().rss >> 10, "threads": process.num_threads(),
            "descriptors": process.num_fds()}

work = {"inferences": infer, "streams": abandon, "cancellations": cancel}[kind]
models = ["identity_fp32", "repeat_int32", "identity_slow"]
explicit = tritonserver.ModelControlMode.EXPLICIT
with tritonserver.Server(
    model_repository=repository, model_control_mode=explicit, startup_models=models
) as server:
    identity, repeat, slow = map(server.model, models)
    measured = []
    for _ in range(10):
        work(count // 10)
        measured.append(measure())
print(json.dumps(measured))
"""


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("kind", "count"),
    [("inferences", 20_000), ("streams", 200), ("cancellations", 50)],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_requests(kind: str, count: int) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM, _NATIVE_MODELS, kind, str(count * _TIMES)],
        capture_output=True,
        text=True,
        env=os.environ,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    measured = json.loads(ended.stdout)
    print(kind, count * _TIMES, measured)
    before, after = measured[0], measured[-1]
    memory = after.pop("KiB") - before.pop("KiB")
    assert after == before
    assert memory <= 4096
