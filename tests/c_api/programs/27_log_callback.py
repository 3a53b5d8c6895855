import tempfile
from pathlib import Path

from tritonserver._c.triton_bindings import (
    TRITONSERVER_LogLevel,
    TRITONSERVER_LogMessage,
    TRITONSERVER_ModelControlMode,
    TRITONSERVER_Server,
    TRITONSERVER_ServerOptions,
)

records = []
log_file = Path(tempfile.mkdtemp(), "log")


def start(log_callback):
    options = TRITONSERVER_ServerOptions()
    options.set_model_repository_path("/models")
    options.set_model_control_mode(TRITONSERVER_ModelControlMode.EXPLICIT)
    options.set_gpu_metrics(False)
    options.set_log_file(str(log_file))
    options.set_log_info(True)
    options.set_log_verbose(1)
    options.set_log_callback(log_callback)
    return TRITONSERVER_Server(options)


def log(level, message):
    TRITONSERVER_LogMessage(level, "/somewhere/program.py", 7, message)


log(TRITONSERVER_LogLevel.ERROR, "before the server")
server = start(lambda *record: records.append(record))
assert records
records.clear()
log(TRITONSERVER_LogLevel.INFO, "hello")
log(TRITONSERVER_LogLevel.VERBOSE, "in detail")
for level, filename, line, timestamp_us, message in records:
    print(level.name, filename, line, timestamp_us > 0, message)
# INFO program.py 7 True hello
# VERBOSE program.py 7 True in detail

other = start(None)
log(TRITONSERVER_LogLevel.INFO, "to the file")
print(records[-1][4])
# in detail
print("to the file" in log_file.read_text())
# True
other.stop()
server.stop()
