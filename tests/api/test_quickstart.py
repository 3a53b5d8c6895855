"""The first example does what it promises."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).parents[2] / "examples" / "quickstart.py"

OUTPUT = """\
{('test', 1): {'name': 'test', 'version': 1, 'state': 'READY'}}
[['hello world!']]
string_output  BYTES   [['hello world!']]
"""


def test_quickstart(run_program: Callable[..., Any], repository: Callable[..., Path]) -> None:
    ended = run_program(
        f"import runpy, sys; runpy.run_path({str(EXAMPLE)!r}, run_name='__main__')",
        repository("models/test"),
    )
    assert (ended.code, ended.errors) == (0, "")
    assert ended.output.startswith(OUTPUT)
    *lines, last = ended.output.splitlines()
    types = "string bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 fp16 fp32 fp64 bf16"
    assert [line.split()[0] for line in lines[2:]] == [f"{t}_output" for t in types.split()]
    assert last.startswith("stopped in ")
    assert float(last.split()[2]) < 3
