import tritonserver


def outcome(**options):
    try:
        tritonserver.Server(**options).start()
    except (TypeError, tritonserver.TritonError) as error:
        return f"{type(error).__name__}: {error}"
    return "started"


# TypeError: server_id: 1 is of type int; it must be a str
print(outcome(server_id=1))
# TypeError: model_repository: 1 is of type int; it must be a path or a list of them
print(outcome(model_repository=1))
# TypeError: exit_timeout: 'soon' is of type str; it must be an int
print(outcome(model_repository="/models", exit_timeout="soon"))
# InvalidArgumentError: model_repository: [] must be a path or a list of paths
print(outcome())

options = tritonserver.Options(model_repository="/models", strict_readiness="no")
try:
    options._create_tritonserver_server_options()
except TypeError as error:
    print(error)
# strict_readiness: 'no' is of type str; it must be a bool

server = tritonserver.Server(
    model_repository="/models", model_control_mode=tritonserver.ModelControlMode.EXPLICIT
).start()
for name in ("", "  ", "../models", "a/b"):
    try:
        server.load(name)
    except tritonserver.InvalidArgumentError as error:
        print(str(error).partition(":")[0])
server.stop()
# Invalid model name ''
# Invalid model name '  '
# Invalid model name '../models'
# Invalid model name 'a/b'
