import asyncio
import queue

import numpy as np

import tritonserver

server = tritonserver.Server(model_repository="/models").start(wait_until_ready=True)
model = server.model("identity")
x = np.ones((1, 2), np.float32)

shared = queue.SimpleQueue()
iterators = [
    model.infer(inputs={"fp32_input": x}, response_queue=shared, request_id=str(i))
    for i in range(2)
]
ids = {shared.get(timeout=10).request_id for _ in range(2)}  # filled without touching the iterators
assert ids == {"0", "1"}
assert [len(list(it)) for it in iterators] == [1, 1]  # and the iterators still deliver everything


async def main():
    q = asyncio.Queue()
    it = model.async_infer(inputs={"fp32_input": x}, response_queue=q)
    first = await q.get()
    assert [r async for r in it][0] is first  # the same object goes to both


asyncio.run(main())
