import logging
from pathlib import Path

import tritonserver
from tritonserver._api._logging import LogLevel, LogMessage

server = tritonserver.Server(
    model_repository="/models", log_info=True, log_file="server.log"
).start()
LogMessage(LogLevel.INFO, "hello from the application")
server.stop()
assert "hello from the application" in Path("server.log").read_text()

LEVELS = {LogLevel.INFO: 20, LogLevel.WARN: 30, LogLevel.ERROR: 40, LogLevel.VERBOSE: 10}
logging.basicConfig(level=logging.INFO, filename="python.log")


def sink(level, filename, line, timestamp_us, message):
    logging.getLogger("triton").log(LEVELS[level], "%s:%d %s", filename, line, message)


server = tritonserver.Server(model_repository="/models", log_info=True, log_callback=sink).start()
server.stop()
assert "successfully loaded 'identity'" in Path("python.log").read_text()
