"""Bazel 4's own Python rules under the names and with the attributes that rules_python gives them."""

load("@bazel_tools//tools/python:toolchain.bzl", _py_runtime_pair = "py_runtime_pair")

py_runtime_pair = _py_runtime_pair

# The global rules, gone from Bazel 9, are what this file is for.
# buildifier: disable=native-py
# buildifier: disable=unused-variable
def py_runtime(interpreter_version_info = None, **kwargs):
    native.py_runtime(**kwargs)

# buildifier: disable=native-py
def py_library(**kwargs):
    native.py_library(srcs_version = "PY3", **kwargs)

# buildifier: disable=native-py
def py_binary(**kwargs):
    native.py_binary(srcs_version = "PY3", **kwargs)

# buildifier: disable=native-py
def py_test(**kwargs):
    native.py_test(srcs_version = "PY3", **kwargs)
