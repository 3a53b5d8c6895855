"""The end of a server, whatever else goes on: each case is a program, timed to its end."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

PRELUDE = """
import asyncio, atexit, os, signal, sys, threading, time
import numpy as np
import tritonserver
from tritonserver import ModelControlMode, Server

repository = sys.argv[1]
EXPLICIT = ModelControlMode.EXPLICIT

def start(**options):
    options = {"model_repository": repository, "exit_timeout": 10, **options}
    return Server(**options).start()

def timed(call, *arguments):
    began = time.monotonic()
    call(*arguments)
    seconds = time.monotonic() - began
    print(f"{call.__name__}: {seconds:.2f} s")
    return seconds

def ask(server, **keywords):
    return server.model("test").infer(inputs={"int32_input": np.int32([[7]])}, **keywords)

def count(server, n, delay=0.0, **keywords):
    inputs = {"N": np.int32([n]), "DELAY": np.float32([delay])}
    return server.model("stream").infer(inputs=inputs, **keywords)
"""

# Name of the case: models, and a program that must end well, with code 0 and its stop in time.
PROGRAMS = {
    "leftover loop variable": (
        ["models/test"],
        """
server = start()
for response in ask(server):
    pass
assert timed(server.stop) < 3
assert np.from_dlpack(response.outputs["int32_output"]).tolist() == [[7]]
""",
    ),
    "leftover array": (
        ["models/test"],
        """
server = start()
(response,) = ask(server)
array = np.from_dlpack(response.outputs["int32_output"])
del response
assert timed(server.stop) < 3
del server
assert array.tolist() == [[7]]
""",
    ),
    "leftover unread iterator": (
        ["models/test"],
        """
server = start()
responses = ask(server)
assert timed(server.stop) < 3
""",
    ),
    "leftover unread stream": (
        ["python/stream"],
        """
server = start()
responses = count(server, 100000, 0.01)
next(responses)
assert timed(server.stop) < 4
""",
    ),
    "leftover exception": (
        ["python/stream"],
        """
server = start()
inputs = {"N": np.int32([3]), "FAIL_AT": np.int32([1])}
try:
    list(server.model("stream").infer(inputs=inputs))
except tritonserver.InternalError as error:
    caught = error
assert timed(server.stop) < 3
assert caught.args[0] == "fail at 1"
""",
    ),
    "leftover rejection": (
        ["native/identity_fp32"],
        """
server = start()
caught = []
for inputs in ({"INPUT0": np.int8([1])}, {"INPUT0": np.float32([[1]])}, {"other": np.float32([1])}):
    try:
        server.model("identity_fp32").infer(inputs=inputs)
    except tritonserver.InvalidArgumentError as error:
        caught.append(error)
assert len(caught) == 3
assert timed(server.stop) < 1.5
""",
    ),
    "leftover request": (
        ["models/test"],
        """
server = start()
request = server.model("test").create_request(inputs={"int32_input": np.int32([[7]])})
model = server.model("test")
assert timed(server.stop) < 3
""",
    ),
    "while loading": (
        ["native/identity_slow_load"],
        """
server = start(model_control_mode=EXPLICIT)
thread = threading.Thread(target=server.load, args=["identity_slow_load"])
thread.start()
time.sleep(0.3)
assert timed(server.stop) < 6
thread.join()
""",
    ),
    "while inferring": (
        ["models/test"],
        """
server = start()
ended = []

def client():
    try:
        while True:
            list(ask(server))
    except tritonserver.TritonError as error:
        ended.append(error)

threads = [threading.Thread(target=client) for _ in range(4)]
for thread in threads:
    thread.start()
time.sleep(0.3)
assert timed(server.stop) < 4
for thread in threads:
    thread.join()
assert len(ended) == 4
""",
    ),
    "while streaming to asyncio": (
        ["python/stream"],
        """
server = start()

async def main():
    inputs = {"N": np.int32([100000]), "DELAY": np.float32([0.01])}
    responses = server.model("stream").async_infer(inputs=inputs, raise_on_error=False)

    async def read():
        return [response async for response in responses]

    reading = asyncio.ensure_future(read())
    await asyncio.sleep(0.3)
    await asyncio.to_thread(timed, server.stop)
    assert (await asyncio.wait_for(reading, 1))[-1].final

began = time.monotonic()
asyncio.run(main())
assert time.monotonic() - began < 4
""",
    ),
    "while scraping metrics": (
        ["models/test"],
        """
server = start()
scraped = []

def scrape():
    try:
        while True:
            scraped.append(server.metrics())
    except tritonserver.InvalidArgumentError:
        pass

thread = threading.Thread(target=scrape)
thread.start()
time.sleep(0.1)
assert timed(server.stop) < 3
thread.join()
assert "nv_inference_count" in scraped[0]
""",
    ),
    "while logging": (
        ["models/test"],
        """
seen = []
server = start(log_info=True, log_callback=lambda *record: seen.append(record))
stopping = threading.Event()

def write():
    while not stopping.is_set():
        tritonserver.LogMessage(tritonserver.LogLevel.INFO, "busy")

threads = [threading.Thread(target=write) for _ in range(2)]
for thread in threads:
    thread.start()
assert timed(server.stop) < 4
stopping.set()
for thread in threads:
    thread.join()
assert any(record[-1] == "busy" for record in seen)
""",
    ),
    "from another thread": (
        ["models/test"],
        """
server = start()
thread = threading.Thread(target=timed, args=[server.stop])
thread.start()
thread.join(3)
assert not thread.is_alive()
assert not server.live()
""",
    ),
    "from five threads": (
        ["models/test"],
        """
server = start()
began = time.monotonic()
threads = [threading.Thread(target=server.stop) for _ in range(5)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert time.monotonic() - began < 3
""",
    ),
    "twice": (
        ["models/test"],
        """
server = start()
assert timed(server.stop) < 3
assert timed(server.stop) < 0.1
""",
    ),
    "from atexit": (
        ["models/test"],
        """
server = start()
(response,) = ask(server)
atexit.register(timed, server.stop)
""",
    ),
    "never": (
        ["models/test"],
        """
server = start()
(response,) = ask(server)
model = server.model("test")
""",
    ),
    "never, with a stream": (
        ["python/stream"],
        """
server = start()
responses = count(server, 100000, 0.01)
next(responses)
""",
    ),
    "never, with a daemon thread that waits": (
        ["python/stream"],
        """
server = start()
threading.Thread(target=lambda: list(count(server, 100000, 0.01)), daemon=True).start()
time.sleep(0.3)
""",
    ),
    "by garbage collection": (
        ["models/test"],
        """
import gc, warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    server = start()
    cycle = [server]
    cycle.append(cycle)
    del server, cycle
    timed(gc.collect)
assert [w.category for w in caught] == [ResourceWarning], caught
""",
    ),
    "with a handle that outlives it": (
        ["models/test"],
        """
model = start().model("test")
(response,) = model.infer(inputs={"int32_input": np.int32([[7]])})
assert response.error is None
""",
    ),
}


@pytest.mark.parametrize("case", PROGRAMS)
def test_stop(case: str, run_program: Run, repository: Callable[..., Path]) -> None:
    models, program = PROGRAMS[case]
    ended = run_program(PRELUDE + program, repository(*models))
    assert (ended.code, ended.errors) == (0, "")
    assert ended.seconds < 10


def test_stop_gives_up_on_a_hanging_model(
    run_program: Run, repository: Callable[..., Path]
) -> None:
    program = """
server = start(exit_timeout=2)
responses = server.model("hangs_in_execute").infer(inputs={"INPUT0": np.float32([1])})
time.sleep(0.5)
began = time.monotonic()
try:
    server.stop()
except tritonserver.InternalError as error:
    assert "Exit timeout expired. Exiting immediately." in str(error), error
    assert "1 request(s) of model 'hangs_in_execute'" in str(error), error
else:
    raise AssertionError
assert time.monotonic() - began < 3
assert server._ptr()
"""
    ended = run_program(PRELUDE + program, repository("failing/hangs_in_execute"))
    assert (ended.code, ended.errors) == (0, "")


def test_timeout_of_stop(run_program: Run, repository: Callable[..., Path]) -> None:
    program = """
server = start()
responses = server.model("hangs_in_execute").infer(inputs={"INPUT0": np.float32([1])})
time.sleep(0.5)
for _ in range(2):
    began = time.monotonic()
    try:
        server.stop(timeout=1)
    except tritonserver.InternalError:
        pass
    else:
        raise AssertionError
    assert time.monotonic() - began < 2
"""
    ended = run_program(PRELUDE + program, repository("failing/hangs_in_execute"))
    assert (ended.code, ended.errors) == (0, "")


# From 3.12 on, Python warns of every fork of a process that has threads.
QUIET_FORK = {"PYTHONWARNINGS": "ignore::DeprecationWarning"}


def test_a_forked_child_gets_a_clear_error(
    run_program: Run, repository: Callable[..., Path]
) -> None:
    program = """
server = start()
model = server.model("test")
child = os.fork()
if child == 0:
    calls = (server.metadata, server.models, server.ready, server.stop, model.ready,
             lambda: ask(server), lambda: start())
    for call in calls:
        try:
            call()
        except tritonserver.UnavailableError as error:
            assert "forked" in str(error), error
        else:
            raise AssertionError(call)
    sys.exit(7)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 7, status
(response,) = ask(server)
server.stop()
"""
    ended = run_program(PRELUDE + program, repository("models/test"), **QUIET_FORK)
    assert (ended.code, ended.errors) == (0, "")


def test_a_child_forked_after_the_stop_may_start_its_own(
    run_program: Run, repository: Callable[..., Path]
) -> None:
    program = """
start().stop()
child = os.fork()
if child == 0:
    server = start()
    (response,) = ask(server)
    server.stop()
    sys.exit(7)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 7, status
"""
    ended = run_program(PRELUDE + program, repository("models/test"), **QUIET_FORK)
    assert (ended.code, ended.errors) == (0, "")


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_multiprocessing(
    method: str, run_program: Run, repository: Callable[..., Path], tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        PRELUDE
        + """
import multiprocessing

def work(repository):
    with Server(model_repository=repository) as server:
        (response,) = ask(server)
        return response.outputs["int32_output"].to_numpy().tolist()

if __name__ == "__main__":
    server = start()
    context = multiprocessing.get_context(sys.argv[2])
    with context.Pool(1) as pool:
        assert pool.apply(work, [repository]) == [[7]]
    server.stop()
"""
    )
    ended = run_program(
        f"import runpy; runpy.run_path({str(program)!r}, run_name='__main__')",
        repository("models/test"),
        method,
    )
    assert (ended.code, ended.errors) == (0, "")


@pytest.mark.parametrize(
    ("models", "program"),
    [
        (["native/identity_slow_load"], "start()"),
        (["models/test"], "server = start(); interrupt(); server.stop()"),
        (["python/stream"], "list(count(start(), 100000, 0.01))"),
    ],
    ids=["loading", "stopping", "inferring"],
)
def test_ctrl_c(
    models: list[str], program: str, run_program: Run, repository: Callable[..., Path]
) -> None:
    delay = """
def interrupt():
    threading.Timer(1.0, os.kill, [os.getpid(), signal.SIGINT]).start()

if "interrupt" not in PROGRAM:
    interrupt()
try:
    exec(PROGRAM)
except KeyboardInterrupt:
    print("interrupted")
    raise
"""
    ended = run_program(PRELUDE + f"PROGRAM = {program!r}\n" + delay, repository(*models))
    assert ended.code == -2, ended
    assert ended.output.endswith("interrupted\n")
    assert ended.errors.endswith("KeyboardInterrupt\n")
    assert ended.seconds < 8


@pytest.mark.parametrize("program", ["start()", "start().stop()"])
def test_sigterm_handler_runs_at_once(
    program: str, run_program: Run, repository: Callable[..., Path]
) -> None:
    source = f"""
def leave(*_):
    sys.exit(5)

signal.signal(signal.SIGTERM, leave)
threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGTERM]).start()
{program}
"""
    ended = run_program(PRELUDE + source, repository("native/identity_slow_load", "models/test"))
    assert (ended.code, ended.errors) == (5, "")
    assert ended.seconds < 8
