"""Run pytest under Bazel's test protocol."""

import os
import sys

# Python put this script's own directory, resolved to the source tree, first: nothing may come
# from there.
_HERE = {os.path.dirname(os.path.abspath(__file__)), os.path.dirname(os.path.realpath(__file__))}
sys.path[:] = [path for path in sys.path if os.path.abspath(path) not in _HERE]

import pytest  # noqa: E402  (sys.path has to be right first)


def main() -> int:
    # Children see the packages that this process sees, whatever way the rule set brought them here.
    runfiles = os.environ["TEST_SRCDIR"]
    os.environ["PYTHONPATH"] = os.pathsep.join(p for p in sys.path if p.startswith(runfiles))
    args = ["-p", "no:cacheprovider", "--rootdir=.", "--config-file=pyproject.toml"]
    if "TEST_TMPDIR" in os.environ:
        args.append("--basetemp=" + os.path.join(os.environ["TEST_TMPDIR"], "pytest"))
    if "XML_OUTPUT_FILE" in os.environ:
        args.append("--junitxml=" + os.environ["XML_OUTPUT_FILE"])
    if os.environ.get("TESTBRIDGE_TEST_ONLY"):  # --test_filter
        args += ["-k", os.environ["TESTBRIDGE_TEST_ONLY"]]
    return int(pytest.main(args + sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
