"""pytest as Bazel tests."""

load("@rules_python//python:defs.bzl", "py_library", "py_test")

_MAIN = Label("//tools/pytest:main.py")

def pytest_test(name, srcs, deps = [], data = [], **kwargs):
    """A test that runs pytest on its sources.

    Args:
      name: the target's name.
      srcs: files of tests.
      deps: what they import.
      data: files they read.
      **kwargs: further attributes of py_test.
    """
    py_test(
        name = name,
        srcs = srcs + [_MAIN],
        main = _MAIN,
        args = ["$(rootpath %s)" % src for src in srcs],
        data = data + ["//:pyproject.toml"],
        # Otherwise empty __init__.py files would be strewn over the runfiles, model repositories included.
        legacy_create_init = 0,
        deps = deps + [
            "//tests:conftest",
            "@pypi//pytest",
            "@pypi//pytest_asyncio",
            "@pypi//pytest_timeout",
        ],
        **kwargs
    )

def pytest_tests(deps = [], exclude = [], overrides = {}, **kwargs):
    """One test for each `test_*.py` of the package; its other Python files are shared by them.

    Args:
      deps: what they import.
      exclude: files that are no test of this kind.
      overrides: attributes of single tests, by name of the test.
      **kwargs: further attributes of every test.
    """
    py_library(
        name = "support",
        testonly = True,
        srcs = native.glob(
            ["*.py"],
            allow_empty = True,
            exclude = ["test_*.py"] + exclude,
        ),
        deps = deps,
    )
    for src in native.glob(["test_*.py"], exclude = exclude):
        name = src[:-len(".py")]
        pytest_test(
            name = name,
            srcs = [src],
            deps = [":support"],
            **dict(kwargs, **overrides.get(name, {}))
        )
