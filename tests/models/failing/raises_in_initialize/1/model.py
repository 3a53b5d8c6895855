"""Fails to load: an exception in `initialize`."""


class TritonPythonModel:
    def initialize(self, args):
        raise RuntimeError("this model cannot be initialized")

    def execute(self, requests):
        return []
