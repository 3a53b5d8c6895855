"""The end of a server, whatever else goes on.

Each case is a program that says when it begins to end, and that is timed from then to the end of
its process. A table of the times stands below the results of the tests.
"""

import os
import signal
import time
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
    options = {"model_repository": repository, "exit_timeout": 20, **options}
    return Server(**options).start()

def ending():
    print(time.monotonic(), flush=True)

def stop(server):
    ending()
    server.stop()

def in_background(call):
    def repeat():
        try:
            while True:
                call()
        except tritonserver.TritonError as error:
            ended.append(error)

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    return thread

ended = []

def ask(server, **keywords):
    return server.model("test").infer(inputs={"int32_input": np.int32([[7]])}, **keywords)

def ask_native(server):
    return server.model("identity_fp32").infer(inputs={"INPUT0": np.float32([7])})

def count(server, n, delay=0.0, **keywords):
    inputs = {"N": np.int32([n]), "DELAY": np.float32([delay])}
    return server.model("stream").infer(inputs=inputs, **keywords)

def count_native(server, n=100000, delay_ms=10):
    delays = np.full(n, delay_ms, np.uint32)
    inputs = {"IN": np.zeros(n, np.int32), "DELAY": delays, "WAIT": np.uint32([0])}
    return server.model("repeat_int32").infer(inputs=inputs)
"""

# Name of the case: models, and a program that must end well, with code 0 and in time.
PROGRAMS = {
    "leftover loop variable": (
        ["models/test"],
        """
server = start()
for response in ask(server):
    pass
stop(server)
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
stop(server)
del server
assert array.tolist() == [[7]]
""",
    ),
    "leftover unread iterator": (
        ["models/test"],
        """
server = start()
responses = ask(server)
stop(server)
""",
    ),
    "leftover unread stream": (
        ["python/stream"],
        """
server = start()
responses = count(server, 100000, 0.01)
next(responses)
stop(server)
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
stop(server)
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
stop(server)
""",
    ),
    "leftover request": (
        ["models/test"],
        """
server = start()
request = server.model("test").create_request(inputs={"int32_input": np.int32([[7]])})
model = server.model("test")
stop(server)
""",
    ),
    "while loading": (
        ["native/identity_slow_load"],
        """
server = start(model_control_mode=EXPLICIT)
thread = threading.Thread(target=server.load, args=["identity_slow_load"])
thread.start()
time.sleep(0.3)
stop(server)
thread.join()
""",
    ),
    "while inferring": (
        ["models/test"],
        """
server = start()
threads = [in_background(lambda: list(ask(server))) for _ in range(4)]
time.sleep(0.3)
stop(server)
for thread in threads:
    thread.join()
assert len(ended) == 4
""",
    ),
    "while streaming": (
        ["python/stream"],
        """
server = start()
responses = count(server, 100000, 0.01, raise_on_error=False)
reading = threading.Thread(target=lambda: ended.extend(responses))
reading.start()
time.sleep(0.3)
stop(server)
reading.join()
assert ended[-1].final
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
    await asyncio.to_thread(stop, server)
    assert (await reading)[-1].final

asyncio.run(main())
""",
    ),
    "while scraping metrics": (
        ["models/test"],
        """
server = start()
scraped = []
thread = in_background(lambda: scraped.append(server.metrics()))
time.sleep(0.1)
stop(server)
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
stop(server)
stopping.set()
for thread in threads:
    thread.join()
assert any(record[-1] == "busy" for record in seen)
""",
    ),
    "while a model hangs": (
        ["failing/hangs_in_execute"],
        """
server = start(exit_timeout=2)
responses = server.model("hangs_in_execute").infer(inputs={"INPUT0": np.float32([1])})
time.sleep(0.5)
try:
    stop(server)
except tritonserver.InternalError as error:
    assert "Exit timeout expired. Exiting immediately." in str(error), error
    assert "1 request(s) of model 'hangs_in_execute'" in str(error), error
else:
    raise AssertionError
assert server._ptr()
""",
    ),
    "from another thread": (
        ["models/test"],
        """
server = start()
thread = threading.Thread(target=stop, args=[server])
thread.start()
thread.join()
assert not server.live()
""",
    ),
    "from five threads": (
        ["models/test"],
        """
server = start()
threads = [threading.Thread(target=server.stop) for _ in range(5)]
ending()
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not server.live()
""",
    ),
    "twice": (
        ["models/test"],
        """
server = start()
stop(server)
server.stop()
""",
    ),
    "after a fork": (
        ["models/test"],
        """
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
stop(server)
""",
    ),
    "from atexit": (
        ["models/test"],
        """
server = start()
(response,) = ask(server)
atexit.register(server.stop)
ending()
""",
    ),
    "from atexit, too late": (
        ["native/identity_fp32"],
        """
server = start()
ending()
""",
    ),
    "from a finalizer at exit": (
        ["native/identity_fp32"],
        """
class Holder:
    def __del__(self):
        self.server.stop()

holder = Holder()
holder.cycle = holder
holder.server = start()
del holder
ending()
""",
    ),
    "never": (
        ["models/test"],
        """
server = start()
(response,) = ask(server)
model = server.model("test")
ending()
""",
    ),
    "never, in a cycle": (
        ["native/repeat_int32"],
        """
server = start()
server.cycle = server, count_native(server)
del server
ending()
""",
    ),
    "never, with a stream": (
        ["python/stream"],
        """
server = start()
responses = count(server, 100000, 0.01)
next(responses)
ending()
""",
    ),
    "never, with a daemon thread that waits": (
        ["python/stream"],
        """
server = start()
threading.Thread(target=lambda: list(count(server, 100000, 0.01)), daemon=True).start()
time.sleep(0.3)
ending()
""",
    ),
    "never, with daemon threads that stream, infer, log and scrape metrics": (
        ["native/repeat_int32", "native/identity_fp32"],
        """
import logging
logging.basicConfig(filename=os.devnull, level=logging.INFO)
logging.getLogger("tritonserver").setLevel(logging.INFO)
server = start()
in_background(lambda: list(count_native(server)))
in_background(lambda: list(ask_native(server)))
in_background(server.metrics)
in_background(lambda: tritonserver.LogMessage(tritonserver.LogLevel.INFO, "busy"))
time.sleep(0.3)
ending()
""",
    ),
    "never, with a daemon thread that loads": (
        ["native/identity_slow_load"],
        """
server = start(model_control_mode=EXPLICIT)
in_background(lambda: server.load("identity_slow_load"))
time.sleep(0.3)
ending()
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
    ending()
    gc.collect()
assert [w.category for w in caught] == [ResourceWarning], caught
""",
    ),
    "with a handle that outlives it": (
        ["models/test"],
        """
model = start().model("test")
(response,) = model.infer(inputs={"int32_input": np.int32([[7]])})
assert response.error is None
ending()
""",
    ),
}

# Seconds from the beginning of the end to the end of the process.
LIMIT = 3.0
LONGER_LIMITS = {
    "while loading": 6.0,  # the model takes three seconds to load
    "while a model hangs": 4.0,
    "never, with a daemon thread that loads": 6.0,
}

# Runs before the package is imported, so that what it registers runs after all of the package's.
EARLY = {"from atexit, too late": "import atexit; atexit.register(lambda: server.stop())\n"}

# From 3.12 on, Python warns of every fork of a process that has threads.
QUIET_FORK = {"PYTHONWARNINGS": "ignore::DeprecationWarning"}


def machine_has_time() -> bool:
    """Whether a limit in seconds says anything: not where programs wait for processors."""
    return os.getloadavg()[0] < (os.cpu_count() or 1)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("case", PROGRAMS)
def test_stop(
    case: str,
    run_program: Run,
    repository: Callable[..., Path],
    record_property: Callable[[str, object], None],
) -> None:
    models, program = PROGRAMS[case]
    limit = LONGER_LIMITS.get(case, LIMIT)
    source = EARLY.get(case, "") + PRELUDE + program
    path = repository(*models)
    for _ in range(5):
        ended = run_program(source, path, **QUIET_FORK)
        assert (ended.code, ended.errors) == (0, "")
        seconds = ended.at - float(ended.output)
        if seconds < limit or not machine_has_time():
            break
    record_property("exit code", ended.code)
    record_property("seconds", round(seconds, 2))
    # What waits for a timeout of the core takes longer on any machine.
    assert seconds < (limit if machine_has_time() else 3 * limit)


def test_timeout_of_stop(run_program: Run, repository: Callable[..., Path]) -> None:
    program = """
server = start(exit_timeout=60)
responses = server.model("hangs_in_execute").infer(inputs={"INPUT0": np.float32([1])})
time.sleep(0.5)
for _ in range(2):
    began = time.monotonic()
    try:
        server.stop(timeout=1)
    except tritonserver.InternalError as error:
        assert "after 1 s" in str(error), error
    else:
        raise AssertionError
    assert time.monotonic() - began < 30
os._exit(0)
"""
    ended = run_program(PRELUDE + program, repository("failing/hangs_in_execute"))
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


# What the program does when the signal comes: models, and a program that would go on for long.
BUSY = {
    "loading": (
        ["native/identity_slow_load"],
        "send_when('STARTING'); server.start()",
    ),
    "inferring": (
        ["native/repeat_int32"],
        "server.start(); send_when('RUNNING'); list(count_native(server))",
    ),
    "stopping": (
        ["failing/hangs_in_execute"],
        """
server.start()
responses = server.model("hangs_in_execute").infer(inputs={"INPUT0": np.float32([1])})
send_when("STOPPING")
server.stop()
""",
    ),
}

# Sends the signal from a thread that sees what the server does.
SEND = """
server = Server(model_repository=repository, exit_timeout=5)

def send_when(state):
    def send():
        while server._state.name != state:
            time.sleep(0.01)
        time.sleep(0.3)
        os.kill(os.getpid(), int(sys.argv[2]))

    threading.Thread(target=send, daemon=True).start()
"""


@pytest.mark.parametrize("busy", BUSY)
def test_ctrl_c(busy: str, run_program: Run, repository: Callable[..., Path]) -> None:
    models, program = BUSY[busy]
    ended = run_program(PRELUDE + SEND + program, repository(*models), signal.SIGINT.value)
    assert ended.code == -signal.SIGINT, ended
    assert ended.errors.endswith("KeyboardInterrupt\n")
    assert "Error" not in ended.errors


@pytest.mark.parametrize("busy", BUSY)
def test_sigterm(busy: str, run_program: Run, repository: Callable[..., Path]) -> None:
    models, program = BUSY[busy]
    handler = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))\n"
    path = repository(*models)
    for source, code in ((handler + program, 5), (program, -signal.SIGTERM)):
        ended = run_program(PRELUDE + SEND + source, path, signal.SIGTERM.value)
        assert (ended.code, ended.errors) == (code, "")
    while running := _processes_of(path):
        time.sleep(0.05)
    assert not running


def _processes_of(repository: Path) -> list[str]:
    """Return the numbers of the processes that run models of a repository."""
    found = []
    for process in os.listdir("/proc"):
        try:
            command = Path("/proc", process, "cmdline").read_text()
        except OSError:
            continue
        if "triton_python_backend_stub" in command and str(repository) in command:
            found.append(process)
    return found
