"""Loads, and returns no responses, so that the core answers no request."""


class TritonPythonModel:
    def execute(self, requests):
        return None
