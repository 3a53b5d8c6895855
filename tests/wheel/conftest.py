import os
import pathlib

import pytest


@pytest.fixture(scope="session")
def wheel() -> pathlib.Path:
    """The wheel that //python:wheel built."""
    return pathlib.Path(os.environ["WHEEL"]).absolute()
