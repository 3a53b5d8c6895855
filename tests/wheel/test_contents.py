"""What is in the wheel."""

import base64
import csv
import hashlib
import io
import pathlib
import platform
import re
import stat
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from email.message import Message
from email.parser import Parser

import pytest
from packaging.requirements import Requirement

EXTENSION = "tritonserver/_c/triton_bindings" + sysconfig.get_config_var("EXT_SUFFIX")
PROGRAMS = (
    "tritonserver/backends/identity/libtriton_identity.so",
    "tritonserver/backends/repeat/libtriton_repeat.so",
    "tritonserver/backends/square/libtriton_square.so",
    "tritonserver/runtime/stub_launcher",
)


@pytest.fixture
def archive(wheel: pathlib.Path) -> Iterator[zipfile.ZipFile]:
    with zipfile.ZipFile(wheel) as archive:
        yield archive


def member(archive: zipfile.ZipFile, suffix: str) -> str:
    (name,) = (name for name in archive.namelist() if name.endswith(suffix))
    return name


@pytest.fixture
def metadata(archive: zipfile.ZipFile) -> Message:
    return Parser().parsestr(archive.read(member(archive, ".dist-info/METADATA")).decode())


def test_tag_is_this_interpreters(wheel: pathlib.Path, archive: zipfile.ZipFile) -> None:
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    tag = f"{python}-{python}{sys.abiflags}-linux_{platform.machine()}"
    assert wheel.name.endswith(f"-{tag}.whl")
    assert f"Tag: {tag}\n" in archive.read(member(archive, ".dist-info/WHEEL")).decode()


def test_record_matches_the_members(archive: zipfile.ZipFile) -> None:
    record = member(archive, ".dist-info/RECORD")
    rows = {
        name: (digest, size)
        for name, digest, size in csv.reader(io.StringIO(archive.read(record).decode()))
    }
    assert rows.pop(record) == ("", "")
    assert set(rows) == set(archive.namelist()) - {record}
    for name, (digest, size) in rows.items():
        data = archive.read(name)
        expected = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        assert (digest, size) == (f"sha256={expected}", str(len(data))), name


def test_package_is_complete_and_nothing_else(archive: zipfile.ZipFile) -> None:
    names = set(archive.namelist())
    assert {
        "tritonserver/__init__.py",
        "tritonserver/_c/__init__.py",
        "tritonserver/_c/_inference.pyi",
        "tritonserver/_c/triton_bindings.pyi",
        "tritonserver/py.typed",
        "tritonserver/runtime/__main__.py",
        EXTENSION,
        *PROGRAMS,
    } <= names
    # Distinct members of the package and its metadata; no caches, sources or build files.
    assert len(names) == len(archive.namelist())
    kinds = {pathlib.PurePath(name).suffix for name in names if ".dist-info/" not in name}
    assert kinds == {".py", ".pyi", ".so", ".typed", ""}
    assert {name.split("/")[0] for name in names} == {
        "tritonserver",
        member(archive, ".dist-info/WHEEL").split("/")[0],
    }


def test_programs_and_only_they_are_executable(archive: zipfile.ZipFile) -> None:
    modes = {info.filename: info.external_attr >> 16 for info in archive.infolist()}
    assert {name for name, mode in modes.items() if mode & stat.S_IXUSR} == set(PROGRAMS)
    assert {stat.S_IMODE(mode) for mode in modes.values()} == {0o644, 0o755}


def test_bytes_depend_on_the_contents_alone(archive: zipfile.ZipFile) -> None:
    assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    for name in (EXTENSION, *PROGRAMS):
        found = re.search(rb"[^\0]*(execroot|sandbox/|bazel-out)[^\0]*", archive.read(name))
        assert not found, f"{name} names a place of its build: {found[0]!r}"


def test_metadata(wheel: pathlib.Path, metadata: Message) -> None:
    assert metadata["Name"] == "tritonserver"
    assert metadata["Version"] == wheel.name.split("-")[1]
    assert metadata["License-Expression"] == "BSD-3-Clause"
    assert metadata["Requires-Python"] == ">=3.10"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert "import tritonserver" in str(metadata.get_payload())


def test_extras(metadata: Message) -> None:
    requirements = [Requirement(line) for line in metadata.get_all("Requires-Dist", [])]

    def names(extra: str) -> set[str]:
        return {r.name for r in requirements if not r.marker or r.marker.evaluate({"extra": extra})}

    extras = {"all", "embedded", "gpu", "gpu-cuda13", "test"}
    assert set(metadata.get_all("Provides-Extra", [])) == extras
    assert names("") == {"numpy"}
    assert names("embedded") == {"numpy", "nvidia-pytriton"}
    assert names("gpu") == {"numpy", "cupy-cuda12x"}
    assert names("gpu-cuda13") == {"numpy", "cupy-cuda13x"}
    assert names("test") == {"numpy", "pytest", "pytest-asyncio"}
    assert names("all") == names("embedded") | names("gpu") | names("test")


@pytest.mark.skipif(
    platform.libc_ver() > ("glibc", "2.36"),
    reason="what is built on a system newer than Debian 12 may need its libraries",
)
def test_libraries_of_debian_12_and_ubuntu_22_04_suffice(
    archive: zipfile.ZipFile, tmp_path: pathlib.Path
) -> None:
    limits = {"GLIBC": (2, 35), "GLIBCXX": (3, 4, 30), "CXXABI": (1, 3, 13)}
    for name in (EXTENSION, *PROGRAMS):
        needed = subprocess.run(
            ["readelf", "--wide", "--version-info", archive.extract(name, tmp_path)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        versions = re.findall(r"Name: (GLIBC|GLIBCXX|CXXABI)_([\d.]+)", needed)
        assert versions, name
        for library, version in versions:
            assert tuple(map(int, version.split("."))) <= limits[library], (
                f"{name}: {library}_{version}"
            )
