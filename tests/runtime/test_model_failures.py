"""What is told of the exceptions of a model, as its process does."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tritonserver import runtime

Tell = Callable[[Exception, bool], Exception]


@pytest.fixture(scope="module")
def tell() -> Tell:
    # By its file: importing the package would make a model process of this one.
    file = Path(runtime.__file__).parent / "_overlay" / "model_process" / "_failures.py"
    spec = importlib.util.spec_from_file_location("failures", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    told: Tell = module.in_full
    return told


def failure(function: Callable[[], object]) -> Exception:
    try:
        function()
    except Exception as error:
        return error
    raise AssertionError("no error")


@pytest.fixture
def import_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Exception]:
    """Return the error of the import of an installed package with this code."""
    monkeypatch.syspath_prepend(str(tmp_path / "site-packages"))

    def fail(code: str) -> Exception:
        package = tmp_path / "site-packages" / "forward"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(code)
        sys.modules.pop("forward", None)
        return failure(lambda: __import__("forward"))

    return fail


TOO_OLD = """
try:
    raise ImportError("please upgrade numpy to >= 2.0.2")
except ImportError as error:
    raise ImportError("C extension: None not built") from error
"""


def test_library_that_needs_a_later_numpy(
    tell: Tell, import_package: Callable[[str], Exception]
) -> None:
    error = import_package(TOO_OLD)
    first, second, third = str(tell(error, True)).splitlines()
    assert first.startswith("'forward' does not work with NumPy")
    assert "built for NumPy 1" in first
    assert second == "C extension: None not built"
    assert third.startswith("caused by ImportError: please upgrade numpy to >= 2.0.2 (")
    assert "built for NumPy 1" not in str(tell(error, False))


@pytest.mark.parametrize("code", ["raise ImportError('no libfoo')", "raise KeyError('numpy')"])
def test_other_failures_of_libraries(
    tell: Tell, import_package: Callable[[str], Exception], code: str
) -> None:
    assert "built for NumPy 1" not in str(tell(import_package(code), True))


def test_error_of_the_model_itself(tell: Tell) -> None:
    error = AttributeError("module 'numpy' has no attribute 'long'")
    assert str(tell(error, True)) == str(error)


def test_name_and_text_stay(tell: Tell) -> None:
    class OwnError(Exception):
        def __init__(self, first: int, second: int) -> None:
            super().__init__(f"{first} and {second}")

    told = tell(OwnError(1, 2), False)
    assert (type(told).__name__, str(told)) == ("OwnError", "1 and 2")


def test_suppressed_and_circular_causes(tell: Tell) -> None:
    def suppress() -> None:
        try:
            raise KeyError("hidden")
        except KeyError:
            raise ValueError("shown") from None

    assert str(tell(failure(suppress), False)) == "shown"
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    assert str(tell(first, False)) == "first\ncaused by ValueError: second"
