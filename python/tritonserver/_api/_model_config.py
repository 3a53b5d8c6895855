"""Model configurations as the core takes them: JSON, also from a dict or from protobuf text."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tritonserver._c.triton_bindings import InvalidArgumentError

# Protobuf text does not show that a field given once may be given more often, while JSON does.
_REPEATED = frozenset(
    (
        "agents",
        "batch_input",
        "batch_output",
        "bool_false_true",
        "buckets",
        "control",
        "control_input",
        "cpu_execution_accelerator",
        "dim",
        "dims",
        "fp32_false_true",
        "gpu_execution_accelerator",
        "gpus",
        "graph_spec",
        "initial_state",
        "input",
        "instance_group",
        "int32_false_true",
        "metric_control",
        "model_warmup",
        "op_library_filename",
        "output",
        "preferred_batch_size",
        "profile",
        "resources",
        "secondary_devices",
        "shape",
        "source_input",
        "state",
        "step",
        "target_name",
        "versions",
    )
)
_MAPS = frozenset(
    (
        "cc_model_filenames",
        "input_map",
        "inputs",
        "metric_tags",
        "output_map",
        "parameters",
        "priority_queue_policy",
    )
)
# In these messages `input` is a map.
_MESSAGES_WITH_INPUT_MAP = frozenset(("graph_spec", "graph_lower_bound"))

_TOKEN = re.compile(
    r"""(?P<blank>(?:\s|\#[^\n]*)+)
    | (?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    | (?P<number>-?(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)f?)
    | (?P<name>-?[A-Za-z_]\w*)
    | (?P<mark>[{}<>\[\]:,;])""",
    re.VERBOSE,
)
_CLOSING = {"{": "}", "<": ">"}
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|(.))", re.DOTALL)
_CONTROL_CHARACTERS = dict(zip(b"abfnrtv", b"\a\b\f\n\r\t\v", strict=True))


def config_json(config: Any) -> str:
    """Return the JSON of a configuration that is a mapping, JSON or protobuf text.

    Raises
    ------
    InvalidArgumentError
        The protobuf text is not well-formed; the error names the line.
    TypeError
        It is none of the three.
    """
    if isinstance(config, Mapping):
        return json.dumps(config)
    if isinstance(config, str) and re.fullmatch(r"\s*[^\s:{]+\.(pbtxt|json)\s*", config):
        raise InvalidArgumentError(f"config: {config!r} is the name of a file; give what is in it")
    if not isinstance(config, str):
        raise TypeError(f"config: {config!r} must be a mapping, JSON or protobuf text")
    return config if config.lstrip().startswith("{") else json.dumps(parse_text(config))


def parse_text(text: str) -> dict[str, Any]:
    """Return the fields of a model configuration in protobuf text, as in a `config.pbtxt`."""
    return _Parser(text).message("", "")


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._next = next(self._tokens)

    def message(self, name: str, closing: str) -> dict[str, Any]:
        """Read fields up to `closing`, which is a mark or the end of the text."""
        fields: dict[str, Any] = {}
        while self._next.text != closing:
            field = self._expect("name")
            for value in self._values(field.text):
                self._add(fields, name, field, value)
            if self._next.text in (",", ";"):
                self._take()
        self._take()
        return fields

    def _values(self, field: str) -> Iterator[Any]:
        """Read what follows the name of a field; a list gives several values."""
        if self._next.text == ":":
            self._take()
        elif self._next.text not in ("{", "<", "["):
            raise self._error("':', '{' or '['")
        if self._next.text != "[":
            yield self._value(field)
            return
        self._take()
        while self._next.text != "]":
            yield self._value(field)
            if self._next.text == ",":
                self._take()
            elif self._next.text != "]":
                raise self._error("',' or ']'")
        self._take()

    def _value(self, field: str) -> Any:
        token = self._take()
        if token.kind == "string":
            parts = [_unquote(token)]
            while self._next.kind == "string":
                parts.append(_unquote(self._take()))
            return "".join(parts)
        if token.kind == "number":
            return _number(token.text)
        if token.kind == "name":
            return {"true": True, "false": False}.get(token.text, token.text)
        if token.text in _CLOSING:
            return self.message(field, _CLOSING[token.text])
        raise self._error("a value", token)

    def _add(self, fields: dict[str, Any], message: str, field: _Token, value: Any) -> None:
        name = field.text
        if name in _MAPS or (name == "input" and message in _MESSAGES_WITH_INPUT_MAP):
            if not isinstance(value, dict) or value.keys() != {"key", "value"}:
                raise self._error("a key and a value", field)
            fields.setdefault(name, {})[str(value["key"])] = value["value"]
        elif name in _REPEATED:
            fields.setdefault(name, []).append(value)
        elif name in fields:
            raise InvalidArgumentError(f"config, line {field.line}: {name!r} is given twice")
        else:
            fields[name] = value

    def _take(self) -> _Token:
        token, self._next = self._next, next(self._tokens, self._next)
        return token

    def _expect(self, kind: str) -> _Token:
        if self._next.kind != kind:
            raise self._error(f"a {kind}")
        return self._take()

    def _error(self, expected: str, token: _Token | None = None) -> InvalidArgumentError:
        found = token or self._next
        return InvalidArgumentError(
            f"config, line {found.line}: {expected} was expected, not {found.text!r}"
        )


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    line = 1
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise InvalidArgumentError(f"config, line {line}: cannot read {text[position]!r}")
        kind = str(match.lastgroup)
        if kind != "blank":
            yield _Token(kind, match[0], line)
        line += match[0].count("\n")
        position = match.end()
    yield _Token("end", "", line)


def _unquote(token: _Token) -> str:
    return _ESCAPE.sub(_unescape, token.text[1:-1].encode()).decode(errors="replace")


def _unescape(match: re.Match[bytes]) -> bytes:
    octal, hexadecimal, other = match.groups()
    if other is not None:
        return bytes([_CONTROL_CHARACTERS.get(other[0], other[0])])
    return bytes([int(octal, 8) & 0xFF if octal else int(hexadecimal, 16)])


def _number(text: str) -> int | float:
    try:
        return int(text, 0)
    except ValueError:
        return float(text.rstrip("f"))
