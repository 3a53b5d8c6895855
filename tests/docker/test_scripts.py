"""tools/docker: what its scripts ask of Docker."""

import pathlib
import subprocess

import pytest

TOOLS = pathlib.Path("tools/docker").absolute()


@pytest.fixture
def programs(tmp_path: pathlib.Path) -> pathlib.Path:
    """A directory of programs, among them a `docker` that prints its arguments, one a line."""
    directory = tmp_path / "bin"
    directory.mkdir()
    docker = directory / "docker"
    docker.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    docker.chmod(0o755)
    return directory


def docker_arguments(programs: pathlib.Path, script: str, *arguments: str) -> list[str]:
    return subprocess.run(
        [TOOLS / script, *arguments],
        check=True,
        capture_output=True,
        text=True,
        cwd=programs,
        env={"PATH": f"{programs}:/usr/bin:/bin"},
    ).stdout.splitlines()


@pytest.mark.parametrize(("arguments", "release"), [((), "23.12"), (("24.10",), "24.10")])
def test_build_makes_the_image_of_a_release(
    programs: pathlib.Path, arguments: tuple[str, ...], release: str
) -> None:
    docker = docker_arguments(programs, "build.sh", *arguments)
    assert docker[0] == "build"
    assert f"RELEASE={release}" in docker
    assert docker[docker.index("--tag") + 1] == f"tritonserver-python:{release}"
    # The context is the repository, which the Dockerfile is part of.
    assert docker[docker.index("--file") + 1] == f"{docker[-1]}/tools/docker/Dockerfile"


@pytest.mark.parametrize(("arguments", "release"), [((), "23.12"), (("24.10",), "24.10")])
def test_run_mounts_the_current_folder(
    programs: pathlib.Path, arguments: tuple[str, ...], release: str
) -> None:
    docker = docker_arguments(programs, "run.sh", *arguments)
    assert docker[0] == "run"
    assert docker[docker.index("--volume") + 1] == f"{programs}:/workspace"
    assert docker[docker.index("--workdir") + 1] == "/workspace"
    assert docker[-2:] == [f"tritonserver-python:{release}", "bash"]


def test_run_hands_on_gpus_only_if_there_are_some(programs: pathlib.Path) -> None:
    assert "--gpus" not in docker_arguments(programs, "run.sh")
    (programs / "nvidia-smi").symlink_to("/bin/true")
    docker = docker_arguments(programs, "run.sh")
    assert docker[docker.index("--gpus") + 1] == "all"


def test_image_starts_from_the_release_that_was_asked_for() -> None:
    dockerfile = (TOOLS / "Dockerfile").read_text()
    assert "ARG RELEASE=23.12\n" in dockerfile
    assert "FROM nvcr.io/nvidia/tritonserver:${RELEASE}-py3 AS triton" in dockerfile
