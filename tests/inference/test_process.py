"""How programs end: with requests in flight, unread responses, in a forked child, by Ctrl-C."""

import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

_BEGIN = """
import asyncio, gc, os, queue, sys, threading, time
import numpy as np
import tritonserver

server = tritonserver.Server(model_repository=sys.argv[1], exit_timeout=10).start()
identity = server.model("identity_fp32")
slow = server.model("identity_slow")
stream = server.model("repeat_int32")
X = np.ones(4, np.float32)

def repeat(count, delay):
    return {"IN": np.arange(count, dtype=np.int32), "DELAY": np.full(count, delay, np.uint32),
            "WAIT": np.array([0], np.uint32)}
"""


@pytest.fixture
def ends_well(run_program: Run) -> Callable[..., float]:
    """Run a program that begins with a server; it must end by itself, quietly and with code 0."""

    def run(source: str, **environment: str) -> float:
        began = time.monotonic()
        ended = run_program(_BEGIN + textwrap.dedent(source), **environment)
        assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout + ended.stderr
        assert ended.stdout.splitlines()[-1:] == ["done"]
        return time.monotonic() - began

    return run


_KEPT = """
kept = [
    list(identity.infer(inputs={"INPUT0": X})),
    identity.infer(inputs={"INPUT0": X}),
    np.from_dlpack(identity(INPUT0=X)["OUTPUT0"]),
    memoryview(identity(INPUT0=X)["OUTPUT0"]),
    identity(INPUT0=X)["OUTPUT0"].__dlpack__(),
    started := stream.infer(inputs=repeat(1000, 0)),
    next(started),
    running := stream.infer(inputs=repeat(1000, 10)),
    next(running),
    slow.infer(inputs={"INPUT0": X}),
    identity.async_infer(inputs={"INPUT0": X}),
    responses := queue.SimpleQueue(),
    stream.infer(inputs=repeat(100, 1), response_queue=responses),
    bound := identity.bind(inputs={"INPUT0": X}, outputs={"OUTPUT0": X.copy()}),
    bound.run(),
]
slow.infer(inputs={"INPUT0": X})
stream.infer(inputs=repeat(100, 1))
"""


@pytest.mark.parametrize("stop", ["server.stop()", "pass"])
def test_leaving_things_behind(ends_well: Callable[..., float], stop: str) -> None:
    ends_well(f"{_KEPT}\n{stop}\nprint('done')")


def test_an_exception_that_is_kept(ends_well: Callable[..., float]) -> None:
    ends_well(
        """
        for arguments in ({"inputs": {"INPUT0": X}, "parameters": {"error": "boo"}},
                          {"inputs": {"INPUT1": X}}, {"inputs": {}}):
            try:
                list(identity.infer(**arguments))
            except tritonserver.TritonError as error:
                kept = error
        server.stop()
        print("done")
        """
    )


def test_a_rejected_request_leaves_nothing(ends_well: Callable[..., float]) -> None:
    ends_well(
        """
        from tritonserver._c import _inference
        for inputs in ({}, {"INPUT1": X}, {"INPUT0": X.astype(int)}, {"INPUT0": [[1], [2, 3]]},
                       {"INPUT0": X[None]}, {"INPUT0": None}):
            try:
                identity.infer(inputs=inputs)
            except tritonserver.InvalidArgumentError:
                assert _inference.live_counts()["inferences"] == 0
            else:
                raise AssertionError(inputs)
        server.stop()
        print("done")
        """
    )


def test_threads_that_wait_at_the_end(ends_well: Callable[..., float]) -> None:
    ends_well(
        """
        def wait():
            for _ in stream.infer(inputs=repeat(1000, 10)):
                pass

        for _ in range(3):
            threading.Thread(target=wait, daemon=True).start()
        time.sleep(0.05)
        print("done")
        """
    )


def test_a_loop_that_is_abandoned(ends_well: Callable[..., float]) -> None:
    ends_well(
        """
        async def main():
            tasks = [asyncio.create_task(slow.call_async(INPUT0=X)) for _ in range(3)]
            await asyncio.sleep(0.01)

        asyncio.run(main())
        print("done")
        """
    )


def test_using_things_after_the_stop(ends_well: Callable[..., float]) -> None:
    ends_well(
        """
        response = next(identity.infer(inputs={"INPUT0": X}))
        unread = identity.infer(inputs={"INPUT0": X})
        bound = identity.bind(inputs={"INPUT0": X})
        server.stop()
        assert np.from_dlpack(response.outputs["OUTPUT0"]).tolist() == [1] * 4
        assert next(unread).outputs["OUTPUT0"].to_numpy().tolist() == [1] * 4
        unread.cancel()
        for use in (bound.run, lambda: identity(INPUT0=X), response.model.metadata):
            try:
                use()
            except tritonserver.TritonError as error:
                pass
            else:
                raise AssertionError
        print("done")
        """
    )


def test_a_forked_child(ends_well: Callable[..., float]) -> None:
    ends_well(
        """
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # that is about threads
        response = next(identity.infer(inputs={"INPUT0": X}))
        unread = identity.infer(inputs={"INPUT0": X})
        running = stream.infer(inputs=repeat(100, 5))
        next(running)
        aside = queue.SimpleQueue()
        stream.infer(inputs=repeat(100, 5), response_queue=aside)
        child = os.fork()
        if child == 0:
            # What is there can be read and dropped; all else is refused.
            assert np.from_dlpack(response.outputs["OUTPUT0"]).tolist() == [1] * 4
            for use in (lambda: next(unread), lambda: next(running), lambda: identity(INPUT0=X),
                        lambda: asyncio.run(identity.call_async(INPUT0=X))):
                try:
                    use()
                except tritonserver.UnavailableError:
                    pass
                else:
                    os._exit(1)
            running.cancel()
            running.close()
            del response, unread, running, aside
            gc.collect()
            sys.exit(0)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0, status
        assert len(list(unread)) == 1
        assert len(list(running)) == 100
        server.stop()
        print("done")
        """
    )


@pytest.mark.parametrize("how", ["spawn", "forkserver"])
def test_other_processes(run_program: Run, tmp_path: Path, how: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent(
            """
            import multiprocessing, sys
            import numpy as np
            import tritonserver

            def work(repository):
                with tritonserver.Server(model_repository=repository) as server:
                    return server.model("identity_fp32")(INPUT0=np.ones(2, np.float32))[
                        "OUTPUT0"].to_numpy().tolist()

            if __name__ == "__main__":
                multiprocessing.set_start_method(sys.argv[2])
                with tritonserver.Server(model_repository=sys.argv[1]):
                    with multiprocessing.Pool(1) as pool:
                        print(pool.apply(work, [sys.argv[1]]))
            """
        )
    )
    ended = run_program(
        f"import runpy, sys; sys.argv = [{str(program)!r}, sys.argv[1], {how!r}]; "
        f"runpy.run_path({str(program)!r}, run_name='__main__')"
    )
    assert ended.stdout == "[1.0, 1.0]\n", ended.stderr


@pytest.mark.parametrize(
    "wait",
    [
        "list(stream.infer(inputs=repeat(3000, 10)))",
        "stream(repeat(1, 30_000))",
        "stream.bind(inputs=repeat(1, 30_000)).run()",
    ],
)
def test_ctrl_c_ends_a_wait(repository: Path, wait: str) -> None:
    source = _BEGIN + textwrap.dedent(
        f"""
        print("waiting", flush=True)
        try:
            {wait}
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        server.stop()
        print("done")
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", source, str(repository)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "waiting\n"
        time.sleep(0.05)
        program.send_signal(signal.SIGINT)
        began = time.monotonic()
        assert program.stdout.readline() == "interrupted\n"
        assert time.monotonic() - began < 1
        output, errors = program.communicate(timeout=30)
    assert (program.returncode, output, errors) == (0, "done\n", "")


def test_a_poisoned_heap(ends_well: Callable[..., float]) -> None:
    ends_well(
        """
        from tritonserver._c import _inference

        async def drop():
            for i in range(100):
                model = (identity, slow)[i % 10 == 0]
                value = np.full(100, i, ">f4")
                task = asyncio.ensure_future(model.call_async(INPUT0=value[::-1]))
                await asyncio.sleep(0)
                if i % 3 == 0:
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)
                else:
                    assert (await task)["OUTPUT0"].to_numpy().tolist() == [i] * 100

        for i in range(300):
            identity.infer(inputs={"INPUT0": np.full(1000, i, ">f4")})
            (response,) = identity.infer(inputs={"INPUT0": np.full((1000, 2), i, np.float32)[:, 0]})
            assert (response.outputs["OUTPUT0"].to_numpy() == i).all()
            trash = [np.full(1000, -1.0) for _ in range(5)]
        asyncio.run(drop())
        print("done")
        """,
        MALLOC_PERTURB_="165",
    )
