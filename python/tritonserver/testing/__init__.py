"""What a program that uses Triton needs for its own tests, without a GPU or a container.

`ModelRepository` writes Python models from functions. The module `tritonserver.testing.fixtures` is
a pytest plugin with a repository and a server for each test::

    # conftest.py
    pytest_plugins = ["tritonserver.testing.fixtures"]

    # test_double.py
    import numpy as np

    def double(x):
        return {"y": x * 2}

    def test_double(model_repository, start_server):
        model_repository.add("double", double, {"x": "FP32[-1]"}, {"y": "FP32[-1]"})
        (response,) = start_server().model("double").infer(inputs={"x": np.float32([1, 2])})
        assert np.from_dlpack(response.outputs["y"]).tolist() == [2, 4]
"""

from tritonserver.testing._repository import ModelRepository

__all__ = ["ModelRepository"]
