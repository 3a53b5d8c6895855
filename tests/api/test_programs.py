"""Typical programs run as they are, but for where the models lie, and print what they say below."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = Path(__file__).parent / "programs"

# The models a program finds; both if it says nothing else.
BOTH = ("python/identity", "python/stream")
MODELS = {
    "01_hello_world.py": BOTH[:1],
    "02_options_object.py": BOTH[:1],
    "03_kinds_of_input.py": BOTH[:1],
    "04_decoupled_stream.py": BOTH[1:],
    "05_asyncio.py": BOTH[1:],
    "05_leaving_early.py": BOTH[1:],
    "06_cancel.py": BOTH[1:],
    "07_response_queue.py": BOTH[:1],
    "08_request_object.py": BOTH[:1],
    "09_errors.py": BOTH[1:],
    "16_own_allocator.py": BOTH[:1],
    "16_torch_allocator.py": BOTH[:1],
    "17_data_plane.py": (),
    "17_tensors_by_hand.py": (),
    "18_reading_memory.py": BOTH[:1],
    "19_response_to_json.py": BOTH[:1],
}


@pytest.mark.parametrize("program", sorted(path.name for path in PROGRAMS.glob("*.py")))
def test_program(
    program: str,
    run_program: Callable[..., Any],
    repository: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = (PROGRAMS / program).read_text()
    if "import torch" in source and importlib.util.find_spec("torch") is None:
        pytest.skip("needs torch")
    path = repository(*MODELS.get(program, BOTH))
    monkeypatch.chdir(tmp_path)
    ended = run_program(source.replace('"/models"', repr(str(path))))
    assert (ended.code, ended.errors) == (0, "")
    expected = [line[2:] for line in source.splitlines() if line.startswith("# ")]
    assert ended.output.splitlines()[: len(expected)] == expected
