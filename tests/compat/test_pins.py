"""Which wheel carries which release: the build, the package and these tests say the same."""

import runpy
from typing import Any

from tritonserver.runtime import _pins

BUILD = runpy.run_path("third_party/triton_wheels.bzl")  # which is Python, too


def test_each_release_has_the_last_wheel_that_carries_it(releases: Any) -> None:
    last = {pin.triton: version for version, pin in _pins.WHEELS.items()}
    assert BUILD["TRITON_WHEELS"] == {each.name: last[each.triton] for each in releases}
    assert last.keys() == {each.triton for each in releases}


def test_newest_release_is_what_install_fetches() -> None:
    wheels = BUILD["TRITON_WHEELS"]
    assert max(wheels) == BUILD["NEWEST"]
    assert wheels[BUILD["NEWEST"]] == _pins.DEFAULT_VERSION
