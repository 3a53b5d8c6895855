"""The README's snippets run and print what stands below them."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)

# Runs each snippet in one namespace, as a reader would, and tells where its output ends.
DRIVER = """
import json, sys
namespace = {"__name__": "__main__"}
for number, snippet in enumerate(json.load(sys.stdin)):
    exec(compile(snippet, f"README.md, snippet {number + 1}", "exec"), namespace)
    print("\\0", end="", flush=True)
"""


def snippets(document: Path) -> list[tuple[str, str]]:
    """Python snippets, each with the output that follows it in the text."""
    found: list[tuple[str, str]] = []
    for language, text in BLOCK.findall(document.read_text()):
        if language == "python":
            found.append((text, ""))
        else:
            assert language == "text", f"neither a program nor its output: {language}"
            found[-1] = found[-1][0], text
    return found


@pytest.mark.parametrize(
    "libraries",
    [
        pytest.param((), id="numpy"),
        pytest.param(
            ("torch",),
            id="torch",
            marks=pytest.mark.skipif(find_spec("torch") is None, reason="needs torch"),
        ),
    ],
)
def test_snippets_print_what_the_readme_says(tmp_path: Path, libraries: tuple[str, ...]) -> None:
    """The snippets that import torch need it; the others must do without."""
    for repository in ("models", "tests/models/python"):
        shutil.copytree(ROOT / repository, tmp_path / repository)
    programs = [
        (program, output)
        for program, output in snippets(ROOT / "README.md")
        if "import torch" not in program or "torch" in libraries
    ]
    assert len(programs) > 5
    done = subprocess.run(
        [sys.executable, "-c", DRIVER],
        input=json.dumps([program for program, _ in programs]),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.split("\0") == [output for _, output in programs] + [""]
