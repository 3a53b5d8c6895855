"""Our declarations of the C API agree with an installation's header, and a difference is found."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = ROOT / "native" / "triton" / "include"

VERSION = """\
#define TRITONSERVER_API_VERSION_MAJOR 1
#define TRITONSERVER_API_VERSION_MINOR {minor}
"""


def compile_against(include: Path) -> subprocess.CompletedProcess[str]:
    source = ROOT / "tests" / "c_api" / "header_agreement.cc"
    compiler = [os.environ.get("CXX", "g++"), "-std=c++17", "-fsyntax-only"]
    command = [*compiler, f"-I{include}", f"-I{ROOT}", str(source)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.fixture
def header(tmp_path: Path) -> Path:
    """A header that looks like an installation's: one file, made from our declarations."""
    ours = OURS / "triton" / "core" / "tritonserver.h"
    command = ["g++", "-E", "-P", "-x", "c++", f"-I{ROOT}", f"-I{OURS}", str(ours)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    begin = text.index("typedef struct TRITONSERVER_")
    header = tmp_path / "triton" / "core" / "tritonserver.h"
    header.parent.mkdir(parents=True)
    header.write_text(
        VERSION.format(minor=34)
        + "#pragma once\n#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n"
        + 'extern "C" {\n'
        + text[begin:]
    )
    return header


def replace(header: Path, *replacements: tuple[str, str]) -> Path:
    text = header.read_text()
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    header.write_text(text)
    return header.parents[2]


def test_the_header_of_the_installation() -> None:
    home = Path(os.environ.get("TRITON_HOME", "/opt/tritonserver"))
    installed = home / "include"
    compiled = compile_against(installed if installed.is_dir() else OURS)
    assert compiled.returncode == 0, compiled.stderr


def test_a_header_with_the_same_declarations(header: Path) -> None:
    compiled = compile_against(replace(header))
    assert compiled.returncode == 0, compiled.stderr


def test_an_older_header(header: Path) -> None:
    """What came later is missing there, and BYTES has another number."""
    include = replace(
        header,
        ("API_VERSION_MINOR 34", "API_VERSION_MINOR 27"),
        ("TRITONSERVER_PARAMETER_DOUBLE = 3,", ""),
        ("TRITONSERVER_PARAMETER_BYTES = 4,", "TRITONSERVER_PARAMETER_BYTES = 3,"),
        ("TRITONSERVER_TRACE_CUSTOM_ACTIVITY = 10,", ""),
        ("TRITONSERVER_METRIC_KIND_HISTOGRAM = 2,", ""),
        ("TRITONSERVER_Error* TRITONSERVER_ServerSetExitTimeout", "void* unrelated"),
        ("TRITONSERVER_ServerOptionsSetLogCallback", "unrelated_function"),
        ("TRITONSERVER_LogCallbackFn_t", "unrelated_type"),
    )
    compiled = compile_against(include)
    assert compiled.returncode == 0, compiled.stderr


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("TRITONSERVER_TYPE_BOOL = 1,", "TRITONSERVER_TYPE_BOOL = 21,"),
        ("TRITONSERVER_ERROR_CANCELLED = 7,", ""),
        ("TRITONSERVER_ApiVersion (uint32_t* major", "TRITONSERVER_ApiVersion (uint64_t* major"),
        ("uint32_t TRITONSERVER_DataTypeByteSize", "uint64_t TRITONSERVER_DataTypeByteSize"),
        (
            "TRITONSERVER_InferenceTraceReleaseFn_t) (TRITONSERVER_InferenceTrace* trace",
            "TRITONSERVER_InferenceTraceReleaseFn_t) (const TRITONSERVER_InferenceTrace* trace",
        ),
        ("int line, uint64_t timestamp_us", "int line, int64_t timestamp_us"),
    ],
)
def test_one_difference_is_found(header: Path, old: str, new: str) -> None:
    compiled = compile_against(replace(header, (old, new)))
    assert compiled.returncode != 0
    assert "error:" in compiled.stderr
