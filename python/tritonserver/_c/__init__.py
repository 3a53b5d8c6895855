"""The native layer: all names of `triton_bindings`, Triton's C API one to one."""

import copyreg
import importlib.util
import sys

from tritonserver._c import triton_bindings
from tritonserver._c._handle import refuse
from tritonserver._c.triton_bindings import *  # noqa: F403 - the same names here as there

# The exceptions are public: tracebacks and pickles know them by their public name.
for _value in vars(triton_bindings).values():
    if isinstance(_value, type) and issubclass(_value, triton_bindings.TritonError):
        _value.__module__ = "tritonserver"
    elif isinstance(_value, type(triton_bindings.TRITONSERVER_Server)):
        copyreg.pickle(_value, refuse)

# The request path is a second module in the same shared object, where the import system would not
# look for it.
_spec = importlib.util.spec_from_file_location(f"{__name__}._inference", triton_bindings.__file__)
assert _spec is not None
assert _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = _module
_spec.loader.exec_module(_module)
from tritonserver._c import _inference as _inference  # noqa: E402 - found in sys.modules only
