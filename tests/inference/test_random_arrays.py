"""Random arrays arrive bit for bit, whatever becomes of other requests, on a poisoned heap."""

import asyncio
import ctypes
import os
import queue
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

import tritonserver

pytestmark = pytest.mark.timeout(600)  # a thousand requests take their time on a busy machine

a_thousand = settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))

DTYPES = [np.dtype(code) for code in "?BHILbhilefd"]
PREFIXES = {"b": "BOOL", "u": "UINT", "i": "INT", "f": "FP"}  # of Triton, by kind


@pytest.fixture(autouse=True, scope="module")
def poisoned_heap() -> Iterator[None]:
    """What the C library frees is overwritten at once, as with `MALLOC_PERTURB_`."""
    perturb = -6  # M_PERTURB
    mallopt = ctypes.CDLL(None).mallopt
    # AddressSanitizer has a heap of its own, and reports any use of what was freed.
    assert mallopt(perturb, 165) == 1 or "libasan" in os.environ.get("LD_PRELOAD", "")
    yield
    mallopt(perturb, 0)


@dataclass
class Recipe:
    """For an array that shows the elements of `base` in one of the ways that NumPy can."""

    base: NDArray[Any]
    order: Literal["C", "F"]
    slices: tuple[slice, ...]
    axes: list[int]
    repeat: int  # times, in a new dimension without memory of its own
    swapped: bool  # not in native byte order
    shifted: bool  # not aligned
    read_only: bool

    def make(self) -> NDArray[Any]:
        made = np.array(self.base, order=self.order)
        if self.shifted:
            memory = np.zeros(made.nbytes + 1, np.uint8)[1:]
            view = memory.view(made.dtype).reshape(made.shape)
            view[...] = made
            made = view
        if self.swapped:
            made = made.astype(made.dtype.newbyteorder())
        made = made.transpose(self.axes)[self.slices]
        if self.repeat and made.ndim < 5:
            return np.broadcast_to(made, (self.repeat, *made.shape))
        made.flags.writeable = not self.read_only
        return made


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    dtype = draw(st.sampled_from(DTYPES))
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=5, min_side=0, max_side=5))
    elements = hnp.from_dtype(dtype, **({"allow_nan": True} if dtype.kind == "f" else {}))
    axis_slice = st.sampled_from([slice(None), slice(None, None, -1), slice(1, None, 2)])
    return Recipe(
        base=draw(hnp.arrays(dtype, shape, elements=elements)),
        order=draw(st.sampled_from(["C", "F"])),
        slices=draw(st.tuples(*[axis_slice] * len(shape))),
        axes=draw(st.permutations(range(len(shape)))),
        repeat=draw(st.sampled_from([0, 0, 0, 1, 3])),
        swapped=draw(st.booleans()),
        shifted=draw(st.booleans()),
        read_only=draw(st.booleans()),
    )


def as_list(value: NDArray[Any]) -> Any:
    """The same as a list: of Python's numbers, where NumPy makes the same type of them again."""
    if not value.size:
        return value  # an empty list has no type
    return value.tolist() if value.dtype.type in (np.bool_, np.int64, np.float64) else list(value)


def data_type_of(value: NDArray[Any]) -> str:
    dtype = value.dtype
    return PREFIXES[dtype.kind] + (str(8 * dtype.itemsize) if dtype.kind != "b" else "")


def arguments(value: NDArray[Any], given: Any) -> dict[str, Any]:
    return {"inputs": {f"{data_type_of(value)}_IN": given}}


def check(response: tritonserver.InferenceResponse, value: NDArray[Any]) -> None:
    ((name, tensor),) = response.outputs.items()
    wanted = np.ascontiguousarray(value).astype(value.dtype.newbyteorder("="))
    assert name == f"{data_type_of(value)}_OUT"
    assert list(tensor.shape) == list(wanted.shape)
    assert tensor.to_numpy().tobytes() == wanted.tobytes()


@a_thousand
@given(recipes(), st.booleans())
def test_any_array(server: tritonserver.Server, recipe: Recipe, listed: bool) -> None:
    value = recipe.make()
    model = server.model(f"identity_rank_{value.ndim}")
    (response,) = model.infer(**arguments(value, as_list(value) if listed else value))
    check(response, value)


@a_thousand
@given(recipes(), recipes(), recipes(), st.booleans())
def test_requests_that_nobody_waits_for(
    server: tritonserver.Server, dropped: Recipe, cancelled: Recipe, used: Recipe, listed: bool
) -> None:
    """An iterator that is dropped, a task that is cancelled, and one whose result is used.

    They get temporaries, which are freed and overwritten by the time that the model reads them.
    """
    queued: queue.SimpleQueue[tritonserver.InferenceResponse] = queue.SimpleQueue()

    def send(recipe: Recipe, method: str, **more: Any) -> Any:
        value = recipe.make()
        infer = getattr(server.model(f"identity_rank_{value.ndim}"), method)
        given = as_list(value) if listed else value
        return infer(**arguments(value, given), parameters={"execute_delay_ms": 1}, **more)

    async def run() -> None:
        send(dropped, "infer", response_queue=queued)
        task = asyncio.ensure_future(anext(send(cancelled, "async_infer")))
        responses = send(used, "async_infer")
        await asyncio.sleep(0)
        task.cancel()
        check(await anext(responses), used.make())
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())
    check(queued.get(timeout=60), dropped.make())


@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable:UserWarning")
@a_thousand
@given(recipes())
def test_torch(server: tritonserver.Server, recipe: Recipe) -> None:
    torch = pytest.importorskip("torch", reason="needs torch")
    try:
        given = torch.from_numpy(recipe.make())
        given.__dlpack__()
    except (RuntimeError, TypeError, ValueError):
        reject()  # what torch does not have: some types, negative strides, another byte order
    value = given.numpy()
    model = server.model(f"identity_rank_{value.ndim}")
    (response,) = model.infer(**arguments(value, given))
    check(response, value)
    (tensor,) = response.outputs.values()
    returned = torch.from_dlpack(tensor)
    assert returned.dtype == given.dtype
    assert returned.data_ptr() == tensor.data_ptr or not value.size
    assert returned.numpy().tobytes() == value.tobytes()
