"""Write a wheel: `wheel.py SPEC OUTPUT`, where SPEC is the JSON that defs.bzl makes."""

import base64
import hashlib
import json
import pathlib
import sys
import zipfile
from typing import Any


def members(spec: dict[str, Any]) -> dict[str, tuple[bytes, bool]]:
    """Content and executability of every member but RECORD."""
    content = {
        file["member"]: (pathlib.Path(file["path"]).read_bytes(), file["executable"])
        for file in spec["files"]
    }
    info = f"{spec['distribution']}-{spec['version']}.dist-info"
    metadata = [
        "Metadata-Version: 2.4",
        f"Name: {spec['distribution']}",
        f"Version: {spec['version']}",
        *spec["metadata"],
        "License-File: LICENSE",
        "Description-Content-Type: text/markdown",
        "",
        pathlib.Path(spec["readme"]).read_text(encoding="utf-8"),
    ]
    wheel = [
        "Wheel-Version: 1.0",
        "Generator: tools/wheel",
        "Root-Is-Purelib: false",
        f"Tag: {spec['tag']}",
        "",
    ]
    content[f"{info}/METADATA"] = ("\n".join(metadata).encode(), False)
    content[f"{info}/WHEEL"] = ("\n".join(wheel).encode(), False)
    content[f"{info}/licenses/LICENSE"] = (pathlib.Path(spec["license"]).read_bytes(), False)
    # Archivers are asked to put the metadata last.
    return dict(sorted(content.items(), key=lambda member: (member[0].startswith(info), member[0])))


def record_line(name: str, data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(data)}\n"


def main() -> None:
    spec = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    content = members(spec)
    record = f"{spec['distribution']}-{spec['version']}.dist-info/RECORD"
    lines = [record_line(name, data) for name, (data, _) in content.items()]
    content[record] = ("".join([*lines, f"{record},,\n"]).encode(), False)
    with zipfile.ZipFile(sys.argv[2], "w") as archive:
        for name, (data, executable) in content.items():
            # Neither the time of the build nor the modes of Bazel's outputs belong into it.
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix
            entry.external_attr = (0o100755 if executable else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data, compresslevel=6)


if __name__ == "__main__":
    main()
