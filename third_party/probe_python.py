"""Print what the build has to know about the interpreter that runs this, as JSON."""

import json
import os
import sys
import sysconfig

print(
    json.dumps(
        {
            "executable": sys.executable,
            # Behind shims of version managers and virtual environments.
            "base": os.path.realpath(getattr(sys, "_base_executable", sys.executable)),
            "full": "{}.{}.{}".format(*sys.version_info),
            "version": "{}.{}".format(*sys.version_info),
            "ext_suffix": sysconfig.get_config_var("EXT_SUFFIX"),
            "abi_tag": "cp{}{}{}".format(*sys.version_info[:2], getattr(sys, "abiflags", "")),
            "platform_tag": sysconfig.get_platform().replace("-", "_").replace(".", "_"),
            "include": sysconfig.get_path("include"),
        }
    )
)
