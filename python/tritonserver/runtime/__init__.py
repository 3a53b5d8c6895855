"""Finds a Triton core, and makes the one inside a PyPI wheel usable without Docker or root.

A core is where ``TRITONSERVER_LIBRARY`` or ``TRITON_HOME`` says, in ``/opt/tritonserver``, or in
the wheel `nvidia-pytriton`. From the wheel, which holds the core but no complete installation,
this package prepares a home: the core under the name that backends ask for, the Python backend set
up to run models in the environment of this program, and the backends of this package. See
`_embedded` for what a home holds.

On the command line::

    python -m tritonserver.runtime install   # fetch the wheel, checked by hash, for this user
    python -m tritonserver.runtime info      # what is there, and what hinders
    python -m tritonserver.runtime clean     # remove what was prepared
"""

from ._devices import gpu_present
from ._directories import plain_path
from ._home import Home
from ._locate import backends, locate, python_models_problem

__all__ = ["Home", "backends", "gpu_present", "locate", "plain_path", "python_models_problem"]
