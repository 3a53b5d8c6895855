"""Tests that start Triton servers."""

load("//tools/pytest:defs.bzl", "pytest_tests")

def server_tests(core = "@triton//:runtime", deps = [], data = [], **kwargs):
    """One test for each `test_*.py` of the package, with a Triton core and the models at hand.

    Args:
      core: the Triton core to use.
      deps: what the tests import besides the package, NumPy and psutil.
      data: files they read besides the models.
      **kwargs: as for pytest_tests.
    """
    pytest_tests(
        data = data + [
            "//models",
            "//tests/models",
        ],
        deps = deps + [
            core,
            "//python/tritonserver",
            "@pypi//numpy",
            "@pypi//psutil",
        ],
        **kwargs
    )
