"""Why models could not be loaded, or are not yet: what the core only tells its log."""

import re
from collections.abc import Container
from pathlib import Path

from tritonserver._api._enums import LogLevel
from tritonserver._api._log_records import NOISE, Record
from tritonserver._api._model_config import check_text
from tritonserver._api._version_directories import explain_no_version
from tritonserver._c.triton_bindings import (
    AlreadyExistsError,
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    TritonError,
    UnavailableError,
    UnknownError,
    UnsupportedError,
)
from tritonserver.runtime import backends, python_models_problem

# How the core's log tells, from 23.12 on, which model failed and why.
_REASONS = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r"Poll failed for model directory '(?P<model>[^']*)': (?P<reason>.*)",
        r"failed to poll model '(?P<model>[^']*)': (?P<reason>.*)",
        r"failed to load '(?P<model>[^']*)' version -?\d+: (?P<reason>.*)",
        r"failed to load model '(?P<model>[^']*)': (?P<reason>.*)",
        r"failed to poll model repository '(?P<model>[^']*)': (?P<reason>.*)",
        r"(?:[A-Z][\w ]*: )?(?P<reason>ensemble (?P<model>\S+) contains .*)",
    )
)

# Frames of a Python model's failure that are not its own.
_OTHER_FRAMES = re.compile(
    r"^  (?:<frozen importlib[^>]*>|\S*/tritonserver_model_process/\S*)\(\d+\): \S+\n?",
    re.MULTILINE,
)

# What the core says of a model whose backend is missing.
_NO_BACKEND = re.compile(
    r"unable to find (?:backend library for backend '|'libtriton_)(?P<backend>\w+)"
)

# Backends of NVIDIA's containers.
_OF_CONTAINERS = (
    "dali",
    "fil",
    "onnxruntime",
    "openvino",
    "pytorch",
    "tensorflow",
    "tensorrt",
    "tensorrtllm",
    "vllm",
)

# What the core says of a model whose backend is missing; 23.12 names the directory.
_NO_PYTHON_BACKEND = re.compile(r"'python'|/backends_without_python/python\b")

# The words that stand for error codes in the log.
_CLASSES = {
    "Already exists": AlreadyExistsError,
    "Internal": InternalError,
    "Invalid argument": InvalidArgumentError,
    "Not found": NotFoundError,
    "Unavailable": UnavailableError,
    "Unknown": UnknownError,
    "Unsupported": UnsupportedError,
}


def start_failure(log: list[Record]) -> TritonError | None:
    """Return the error that the core logged of a start that it did not let fail; None if none.

    Parameters
    ----------
    log
        What the core logged while the server started.
    """
    for record in reversed(log):
        code, _, message = record.message.partition(": ")
        if record.filename == "tritonserver.cc" and code in _CLASSES:
            return _CLASSES[code](message)
    return None


def poll_failure(log: list[Record], names: Container[str]) -> TritonError | None:
    """Return the error of a poll, which the core lets succeed always; None if nothing failed.

    Parameters
    ----------
    log
        What the core logged while it polled.
    names
        The server's models and repositories. Other servers may load others meanwhile.
    """
    lines = [record.message for record in log if record.level == LogLevel.ERROR]
    reasons = {name: reason for name, reason in _reasons(lines).items() if name in names}
    if not reasons:
        return None
    classes = {
        _CLASSES.get(reason.partition(": ")[0], InternalError) for reason in reasons.values()
    }
    failed = classes.pop() if len(classes) == 1 else InternalError
    return failed(f"the poll could not take over {', '.join(map(repr, reasons))}")


def explain(error: TritonError, log: list[Record], repositories: list[str]) -> TritonError:
    """Return an error of the same class that says which models failed, and why.

    Parameters
    ----------
    error
        What starting a server, or loading or polling models, raised.
    log
        What the core logged meanwhile.
    repositories
        Where the models are.
    """
    lines = [record.message for record in log if record.level == LogLevel.ERROR]
    message = _own_frames(str(error.args[0])).rstrip(";\n")
    reasons = [
        f"{model}: {reason}{_remedy(model, reason, repositories)}"
        for model, reason in _reasons(lines).items()
    ]
    if not reasons:
        reasons = [line for line in lines if line not in NOISE and message not in line]
    new = [reason for reason in reasons if reason.partition(": ")[2] not in message]
    text = "\n  ".join([message + ":" if new else message, *new])
    if _NO_PYTHON_BACKEND.search(text) and (problem := python_models_problem()):
        text += f"\nPython models cannot run here: {problem}"
    return type(error)(text)


def unfinished(log: list[Record]) -> list[str]:
    """Return the models that had begun to load but neither succeeded nor failed."""
    loading: dict[str, None] = {}
    for record in log:
        if match := re.fullmatch(r"loading: (.*):-?\d+", record.message):
            loading[match[1]] = None
        elif match := re.match(r"(?:successfully|failed to) load(?:ed)? '([^']*)'", record.message):
            loading.pop(match[1], None)
    return list(loading)


def _reasons(lines: list[str]) -> dict[str, str]:
    reasons = {}
    for line in lines:
        for pattern in _REASONS:
            if match := pattern.fullmatch(line):
                reason = _own_frames(match["reason"])
                reasons[match["model"]] = reason + _syntax_error(reason)
    return reasons


def _own_frames(text: str) -> str:
    return _OTHER_FRAMES.sub("", text).strip().removesuffix("\n\nAt:")


def _remedy(model: str, reason: str, repositories: list[str]) -> str:
    """Return what may have been meant, where that can be told."""
    import difflib

    if match := _NO_BACKEND.search(reason):
        return _other_backends(match["backend"])
    directories = [path for path in map(Path, repositories) if path.is_dir()]
    if reason.startswith("model not found"):
        names = [model.name for path in directories for model in path.iterdir()]
        close = difflib.get_close_matches(model, names, n=1)
        return f" Did you mean {close[0]!r}?" if close else ""
    if reason.startswith("at least one version must be available"):
        return "".join(explain_no_version(path / model) for path in directories)
    for path in directories:
        if (path / "config.pbtxt").is_file():
            return f" {str(path)!r} looks like a model; a repository is a directory of models."
    return ""


def _other_backends(name: str) -> str:
    """Return which backends there are, for a model that asks for `name`."""
    import difflib

    known = backends()
    if name == "python" or name in known:  # Something else is the matter.
        return ""
    text = f" This Triton has the backends {', '.join(known)}"
    if close := difflib.get_close_matches(name, known, n=1):
        return f"{text}; did you mean {close[0]!r}?"
    if name in _OF_CONTAINERS:
        return f"{text}; {name!r} comes with NVIDIA's containers, see TRITON_HOME."
    return f"{text}."


def _syntax_error(reason: str) -> str:
    """Return where the configuration cannot be read, which the core tells stderr only."""
    match = re.fullmatch("failed to read text proto from (.*)", reason)
    if match is None:
        return ""
    try:
        with open(match[1], encoding="utf-8") as file:
            check_text(file.read())
    except (OSError, UnicodeDecodeError, InvalidArgumentError) as error:
        return f": {error}"
    return ""
