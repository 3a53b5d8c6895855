"""Loads, and fails every request with an exception."""


class TritonPythonModel:
    def execute(self, requests):
        raise RuntimeError("this model cannot be executed")
