"""Ask a native and a Python model with the installed package; tools/pythons runs this.

Prints their answers. Where there is no NumPy that the Python backend could use, the load has to say
so, and that is printed.
"""

import sys
from pathlib import Path

import tritonserver
from tritonserver import ModelControlMode, Server, TritonError

ROOT = Path(__file__).parents[2]


def ask(server: Server, model: str) -> str:
    (response,) = server.load(model).infer(inputs={"string_input": [["hello world!"]]})
    answer: str = response.outputs["string_output"].to_string_array().item()
    return answer


def main() -> None:
    assert ROOT not in Path(tritonserver.__file__).parents, "run this with an installed package"
    with Server(
        model_repository=[ROOT / "models", ROOT / "tests" / "models" / "native"],
        model_control_mode=ModelControlMode.EXPLICIT,
    ) as server:
        print(ask(server, "native_identity"))
        try:
            print(ask(server, "test"))
        except TritonError as error:
            if sys.version_info < (3, 13):
                raise
            print("refused:", str(error).partition("Python models cannot run here: ")[2])


if __name__ == "__main__":
    main()
