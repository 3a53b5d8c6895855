"""Stand-in for the toolchain with which rules_python precompiles; Bazel 4 has no such step."""

def _py_exec_tools_toolchain_impl(_ctx):
    return [platform_common.ToolchainInfo()]

py_exec_tools_toolchain = rule(implementation = _py_exec_tools_toolchain_impl)
