import asyncio

import numpy as np

import tritonserver

server = tritonserver.Server(model_repository="/models").start(wait_until_ready=True)
model = server.model("stream")


async def consume(n):
    out = []
    async for response in model.async_infer(inputs={"N": np.array([n], np.int32)}):
        if response.outputs:
            out.append(int(np.from_dlpack(response.outputs["I"])[0]))
    return out


async def main():
    print(await asyncio.gather(*(consume(n) for n in (1, 2, 3))))
    responses = [r async for r in model.async_infer(inputs={"N": np.array([1], np.int32)})]
    assert responses[-1].final  # one or two items, the last one is final


asyncio.run(main())
server.stop()

# [[0], [0, 1], [0, 1, 2]]
