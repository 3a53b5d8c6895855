"""Model configurations as the core takes them: JSON, also from a dict or from protobuf text."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from tritonserver._api._model_config_fields import ENUMERATIONS, MESSAGES
from tritonserver._c.triton_bindings import InvalidArgumentError

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
    """Return the fields of a model configuration in protobuf text, as in a `config.pbtxt`.

    Raises
    ------
    InvalidArgumentError
        The text is not well-formed; the error names line and column.
    """
    return _Parser(text, is_strict=False).message("ModelConfig", "")


def check_text(text: str) -> None:
    """Raise InvalidArgumentError, which names line and column, if Triton cannot read the text.

    Later releases of Triton may know fields that this does not know.
    """
    _Parser(text, is_strict=True).message("ModelConfig", "")


class _Token(NamedTuple):
    kind: str
    text: str
    line: int
    column: int


class _Parser:
    def __init__(self, text: str, is_strict: bool) -> None:
        self._is_strict = is_strict
        self._tokens = _tokens(text)
        self._next = next(self._tokens)

    def message(self, type_name: str, closing: str) -> dict[str, Any]:
        """Read fields up to `closing`, which is a mark or the end of the text."""
        known = MESSAGES.get(type_name, {})
        fields: dict[str, Any] = {}
        while self._next.text != closing:
            field = self._expect("name")
            if self._is_strict and field.text not in known:
                raise _mistake(f"{type_name} has no field {field.text!r}", field, known)
            type_ = known.get(field.text, "")
            is_map = type_.startswith("map ")
            for value in self._values(f"entry {type_[4:]}" if is_map else type_.rstrip("*")):
                self._add(fields, field, value, is_map, type_.endswith("*"))
            if self._next.text in (",", ";"):
                self._take()
        self._take()
        return fields

    def _values(self, type_: str) -> Iterator[Any]:
        """Read what follows the name of a field; a list gives several values."""
        if self._next.text == ":":
            self._take()
        elif self._next.text not in ("{", "<", "["):
            raise self._error("':', '{' or '['")
        if self._next.text != "[":
            yield self._value(type_)
            return
        self._take()
        while self._next.text != "]":
            yield self._value(type_)
            if self._next.text == ",":
                self._take()
            elif self._next.text != "]":
                raise self._error("',' or ']'")
        self._take()

    def _value(self, type_: str) -> Any:
        token = self._take()
        if self._is_strict:
            _check_value(type_, token)
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
            closing = _CLOSING[token.text]
            if type_.startswith("entry "):
                return self._entry(type_.removeprefix("entry "), closing)
            return self.message(type_, closing)
        raise self._error("a value", token)

    def _entry(self, value_type: str, closing: str) -> dict[str, Any]:
        """Read the key and the value of an item of a map."""
        types = {"key": "", "value": value_type}
        entry: dict[str, Any] = {}
        while self._next.text != closing:
            field = self._expect("name")
            if field.text not in types:
                raise _mistake(f"an item of a map has no field {field.text!r}", field, types)
            for value in self._values(types[field.text]):
                entry[field.text] = value
            if self._next.text in (",", ";"):
                self._take()
        self._take()
        return entry

    def _add(
        self, fields: dict[str, Any], field: _Token, value: Any, is_map: bool, is_repeated: bool
    ) -> None:
        name = field.text
        if is_map:
            if not isinstance(value, dict) or value.keys() != {"key", "value"}:
                raise self._error("a key and a value", field)
            fields.setdefault(name, {})[str(value["key"])] = value["value"]
        elif is_repeated:
            fields.setdefault(name, []).append(value)
        elif name in fields:
            raise _mistake(f"{name!r} is given twice", field)
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
        return _mistake(f"{expected} was expected, not {found.text!r}", found)


def _mistake(text: str, token: _Token, known: Iterable[str] = ()) -> InvalidArgumentError:
    import difflib  # only here: nobody waits for it who makes no mistake

    close = difflib.get_close_matches(token.text, list(known), n=1)
    remedy = f"; did you mean {close[0]!r}?" if close else ""
    return InvalidArgumentError(f"config, line {token.line}, column {token.column}: {text}{remedy}")


# What may stand for a value of a scalar type.
_KINDS = {"string": {"string"}, "bytes": {"string"}, "bool": {"name", "number"}}


def _check_value(type_: str, token: _Token) -> None:
    """Raise if the first token of a value cannot begin one of that type; "" is any."""
    if type_ in ENUMERATIONS:
        enumerators = ENUMERATIONS[type_]
        if token.kind != "number" and token.text not in enumerators:
            # Without their beginning, as TYPE_, they are known from elsewhere.
            meant = [each for each in enumerators if each.endswith("_" + token.text)]
            raise _mistake(
                f"{token.text} is no {type_}; it is one of {', '.join(meant or enumerators)}", token
            )
    elif type_ in MESSAGES or type_.startswith("entry "):
        if token.text not in _CLOSING:
            raise _mistake(f"'{{' was expected, not {token.text!r}", token)
    elif type_ and token.kind not in _KINDS.get(type_, {"number"}):
        raise _mistake(f"a value of type {type_} was expected, not {token.text!r}", token)


def _tokens(text: str) -> Iterator[_Token]:
    position = line_start = 0
    line = 1
    while position < len(text):
        match = _TOKEN.match(text, position)
        column = position - line_start + 1
        if match is None:
            wrong = _Token("", text[position], line, column)
            raise _mistake(f"cannot read {text[position]!r}", wrong)
        kind = str(match.lastgroup)
        if kind != "blank":
            yield _Token(kind, match[0], line, column)
        line += match[0].count("\n")
        position = match.end()
        line_start = text.rfind("\n", 0, position) + 1
    yield _Token("end", "", line, position - line_start + 1)


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
