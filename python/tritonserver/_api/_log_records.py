"""The lines of Triton's log as records."""

import dataclasses
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from tritonserver._api._enums import LogLevel

# E1124 22:13:13.527943 12821 logging.cc:12] "message"          LogFormat.DEFAULT
# 2026-11-24T22:13:13Z E 12821 logging.cc:12] "message"         LogFormat.ISO8601
_HEADER = re.compile(
    r"^(?:(?P<level>[IWE])(?P<default>\d{4} \d\d:\d\d:\d\d\.\d{6})"
    r"|(?P<iso>\d{4}-\S+Z) (?P<iso_level>[IWE]))"
    r" +(?P<thread>\d+) (?P<filename>[^:\n]+):(?P<line>\d+)\] ",
    re.MULTILINE,
)

# Verbose messages are written as INFO.
_LEVELS = {"I": LogLevel.INFO, "W": LogLevel.WARN, "E": LogLevel.ERROR}


@dataclass(frozen=True, slots=True)
class Record:
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
        records.append(dataclasses.replace(last, message=continued, text=continued))
    for header, end in zip(headers, [*begins[1:], len(text)], strict=False):
        records.append(
            Record(
                level=_LEVELS[header["level"] or header["iso_level"]],
                filename=header["filename"],
                line=int(header["line"]),
                timestamp_us=_timestamp_us(header["default"], header["iso"]),
                thread=int(header["thread"]),
                message=_unescape(text[header.end() : end].rstrip("\n")),
                text=text[header.start() : end].rstrip("\n"),
            )
        )
    return records


def _timestamp_us(default: str | None, iso: str | None) -> int:
    if default is None:
        time = datetime.strptime(iso or "", "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    else:
        # The year is left out; a time ahead of now is one of last year.
        now = datetime.now(timezone.utc)
        time = datetime.strptime(f"{now.year}{default}+0000", "%Y%m%d %H:%M:%S.%f%z")
        if time > now + timedelta(days=1):
            time = time.replace(year=now.year - 1)
    return round(time.timestamp() * 1e6)


def _unescape(message: str) -> str:
    # From 24.05 on most messages are written as JSON strings.
    if message.startswith('"') and message.endswith('"') and len(message) > 1:
        try:
            return str(json.loads(message))
        except ValueError:
            pass
    return message
