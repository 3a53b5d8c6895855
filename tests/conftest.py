"""Fixtures of all tests."""

import os

# Set by Bazel: what a test writes to a home or a cache directory stays its own.
if "TEST_TMPDIR" in os.environ:
    for variable in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        os.environ[variable] = os.environ["TEST_TMPDIR"]
