import time
from pathlib import Path

import tritonserver
from tritonserver._api._logging import LogLevel, LogMessage

records = []


def callback(level, filename, line, timestamp_us, message):
    records.append((level, filename, line, timestamp_us, message))


before = time.time_ns() // 1000
server = tritonserver.Server(
    model_repository="/models", log_info=True, log_verbose=1, log_callback=callback
).start(wait_until_ready=True)
messages = [record[4] for record in records]
assert "successfully loaded 'identity'" in messages

mine = {
    "some\nlines": LogLevel.INFO,
    "careful": LogLevel.WARN,
    "broken": LogLevel.ERROR,
    "in detail": LogLevel.VERBOSE,
}
for message, level in mine.items():
    LogMessage(level, message)
for level, filename, line, timestamp_us, message in records:
    if message not in mine:
        continue
    assert isinstance(level, LogLevel)
    assert isinstance(filename, str)
    assert isinstance(line, int)
    assert before <= timestamp_us <= time.time_ns() // 1000
    print(level.name, repr(message))
# INFO 'some\nlines'
# WARN 'careful'
# ERROR 'broken'
# VERBOSE 'in detail'

later = tritonserver.Server(model_repository="/models", log_info=True, log_file="log").start()
LogMessage(LogLevel.INFO, "to the file again")
print(any("to the file again" in record[4] for record in records))
# False
print("to the file again" in Path("log").read_text())
# True
later.stop()
server.stop()
