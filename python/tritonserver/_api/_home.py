"""The Triton installation that this process uses."""

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tritonserver.runtime import Home


@functools.cache
def home() -> "Home":
    """Return the installation whose core this process loads, looking for it once.

    Raises
    ------
    NotFoundError
        There is none; the text lists every place that was looked at.
    """
    from tritonserver.runtime import locate

    return locate()


def activate_home() -> None:
    """Get the installation ready for processes of models, if this process uses one that it found.

    Raises
    ------
    OSError
        Its files are gone and cannot be written again.
    """
    if home.cache_info().currsize:
        home().activate()


def locate_core() -> tuple[str, str, str, str]:
    """Tell the C binding, when it is first used, which core to open and where its parts are."""
    found = home()
    return (
        str(found.library),
        str(found.backends),
        str(found.caches),
        str(found.repository_agents),
    )
