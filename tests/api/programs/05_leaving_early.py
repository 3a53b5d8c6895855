import asyncio

import numpy as np

import tritonserver

server = tritonserver.Server(model_repository="/models").start(wait_until_ready=True)
model = server.model("stream")


async def first(model, inputs):  # KServe: one answer is enough
    async for response in model.async_infer(inputs=inputs):
        return response


async def with_deadline(iterator):  # an await that times out must lose nothing
    while True:
        try:
            return await asyncio.wait_for(iterator.__anext__(), 0.1)
        except asyncio.TimeoutError:
            continue


async def main():
    inputs = {"N": np.array([3], np.int32), "DELAY": np.array([0.25], np.float32)}
    print(np.from_dlpack((await first(model, inputs)).outputs["I"]))
    iterator = model.async_infer(inputs=inputs)
    print([np.from_dlpack((await with_deadline(iterator)).outputs["I"])[0] for _ in range(3)])
    assert (await with_deadline(iterator)).final


asyncio.run(main())
server.stop()

# [0]
# [0, 1, 2]
