"""The unpacked PyPI wheel that carries a Triton core."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from . import _directories, _pins


@dataclass(frozen=True)
class Wheel:
    """A directory that holds the files of the wheel.

    Parameters
    ----------
    root : Path
        The directory with `nvidia_pytriton.libs` and `pytriton` in it.
    version : str
        Version of the wheel, not of Triton.
    """

    root: Path
    version: str

    @property
    def libraries(self) -> Path:
        return self.root / "nvidia_pytriton.libs"

    @property
    def triton(self) -> Path:
        return self.root / "pytriton" / "tritonserver"

    @property
    def stubs(self) -> Path:
        return self.triton / "python_backend_stubs"

    @property
    def triton_version(self) -> str | None:
        pin = _pins.WHEELS.get(self.version)
        return pin.triton if pin else None

    @property
    def core(self) -> Path:
        return self.library("libtritonserver")

    def library(self, name: str) -> Path:
        """Return the library ``name``, which has a hash in its file name."""
        for library in self.libraries.glob(f"{name}-*.so*"):
            return library
        raise LookupError(
            f"{self.libraries}: no {name}; the wheel is not complete, install it again"
        )

    def stub(self, python: str) -> Path | None:
        """Return the stub for Python ``python``, such as ``"3.11"``."""
        stub = self.stubs / python / "triton_python_backend_stub"
        return stub if stub.exists() else None

    def is_complete(self) -> bool:
        return any(self.libraries.glob("libtritonserver-*.so*")) and self.stubs.is_dir()


def unpacked(root: Path) -> Wheel:
    """Return the wheel in ``root``, whose `.dist-info` directory tells its version."""
    information = next(root.glob("nvidia_pytriton-*.dist-info"), None)
    return Wheel(root, information.name.split("-")[1].removesuffix(".dist") if information else "?")


def installed() -> Wheel | None:
    """Return the wheel installed for this interpreter, or unpacked in an entry of ``sys.path``."""
    from importlib import metadata

    try:
        distribution = metadata.distribution(_pins.DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return None
    wheel = Wheel(Path(str(distribution.locate_file(""))).absolute(), distribution.version)
    return wheel if wheel.is_complete() else None


def fetched_root(version: str) -> Path:
    return _directories.data() / "core" / version


def fetched() -> Wheel | None:
    """Return the newest wheel fetched by ``python -m tritonserver.runtime install``."""
    for version in reversed(_pins.WHEELS):
        wheel = Wheel(fetched_root(version), version)
        if wheel.is_complete():
            return wheel
    return None
