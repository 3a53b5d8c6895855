"""Run a program with the sanitizer's runtime loaded first, as an uninstrumented Python needs it.

Bazel's `--run_under` calls this in front of each test of `--config=asan`.
"""

import os
import subprocess
import sys


def library(name: str) -> str:
    command = ["cc", f"-print-file-name={name}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def main() -> None:
    # libstdc++ has to be there when the runtime looks for the functions to intercept.
    os.environ["LD_PRELOAD"] = f"{library('libasan.so')} {library('libstdc++.so.6')}"
    # CPython frees nothing at exit, so a leak report would be about it alone. Tests that measure
    # memory must not take what the runtime holds back for a leak.
    os.environ["ASAN_OPTIONS"] = "detect_leaks=0:allocator_may_return_null=1:quarantine_size_mb=32"
    os.environ["UBSAN_OPTIONS"] = "print_stacktrace=1:halt_on_error=1"
    # The report of a process that ends with it would otherwise be lost in pytest's capture.
    os.environ["PYTEST_ADDOPTS"] = "--capture=sys"
    os.execv(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
