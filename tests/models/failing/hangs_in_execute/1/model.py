"""Loads, and never returns from the first request, cancelled or not."""

import time


class TritonPythonModel:
    def execute(self, requests):
        while True:
            time.sleep(3600)
