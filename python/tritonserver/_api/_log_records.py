"""The lines of Triton's log as records."""

import json
import re
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from tritonserver._api._enums import LogLevel

# E1124 22:13:13.527943 12821 logging.cc:12] "message"          LogFormat.DEFAULT
# 2026-11-24T22:13:13Z E 12821 logging.cc:12] "message"         LogFormat.ISO8601
# E1795558393527943 12821 logging.cc:12] "message"              from a callback of the core
#
# Cores without callbacks write verbose messages as INFO; those of the binding have a mark.
_HEADER = re.compile(
    r"^(?:(?P<level>[IWEV])(?:(?P<default>\d{4} \d\d:\d\d:\d\d\.\d{6})|(?P<us>\d+))"
    r"|(?P<iso>\d{4}-\S+Z) (?P<iso_level>[IWE]))"
    r" +(?P<thread>\d+) (?P<mark>VERBOSE )?(?P<filename>[^\n]*?):(?P<line>-?\d+)\] ",
    re.MULTILINE,
)

_NO_DIGIT = re.compile(r"\D")

# What the core says at every start on a machine without a GPU.
NOISE = ("CudaDriverHelper has not been initialized.",)

_LEVELS = {
    "I": LogLevel.INFO,
    "W": LogLevel.WARN,
    "E": LogLevel.ERROR,
    "V": LogLevel.VERBOSE,
}


class Record(NamedTuple):
    """One message of the log.

    `thread` is the system's number of the thread that wrote it, `text` all that was written.
    """

    level: LogLevel
    filename: str
    line: int
    timestamp_us: int
    thread: int
    message: str
    text: str


def parse(text: str, last: Record) -> list[Record]:
    """Return the records in `text`, which is whole lines.

    Messages may have several lines, such as tables and, before 24.05, any. Lines at the start that
    belong to `last`, the record before, come as a record of the same origin.
    """
    headers = list(_HEADER.finditer(text))
    begins = [header.start() for header in headers]
    records = []
    if continued := text[: begins[0] if begins else None].rstrip("\n"):
        records.append(last._replace(message=continued, text=continued))
    for header, end in zip(headers, [*begins[1:], len(text)], strict=False):
        records.append(
            Record(
                level=_LEVELS["V" if header["mark"] else header["level"] or header["iso_level"]],
                filename=header["filename"],
                line=int(header["line"]),
                timestamp_us=int(header["us"] or _timestamp_us(header["default"], header["iso"])),
                thread=int(header["thread"]),
                message=_unescape(text[header.end() : end].rstrip("\n")),
                text=f"{text[header.start() : header.end('thread')]} "
                f"{text[header.start('filename') : end]}".rstrip("\n"),
            )
        )
    return records


def _timestamp_us(default: str | None, iso: str | None) -> int:
    now = datetime.now(timezone.utc)
    digits = _NO_DIGIT.sub("", iso or f"{now.year}{default}")
    year, microsecond = int(digits[:4]), int(digits[14:] or 0)
    month, day, hour, minute, second = (int(digits[i : i + 2]) for i in range(4, 14, 2))
    time = datetime(year, month, day, hour, minute, second, microsecond, timezone.utc)
    if time > now + timedelta(days=1):
        # The default format leaves the year out, and this was last year.
        time = time.replace(year=year - 1)
    return round(time.timestamp() * 1e6)


def _unescape(message: str) -> str:
    # From 24.05 on most messages are written as JSON strings.
    if message.startswith('"') and message.endswith('"') and len(message) > 1:
        try:
            return str(json.loads(message))
        except ValueError:
            pass
    return message
