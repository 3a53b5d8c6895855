"""Compare committed stubs with generated ones, or replace them.

`committed.py check COMMAND PAIRS` and `committed.py update PAIRS`, where PAIRS are alternately a
generated file and the path, in the repository, of the committed one.
"""

import difflib
import os
import pathlib
import sys


def pairs(arguments: list[str]) -> list[tuple[pathlib.Path, pathlib.Path]]:
    paths = list(map(pathlib.Path, arguments))
    return list(zip(paths[::2], paths[1::2], strict=True))


def check(command: str, arguments: list[str]) -> int:
    differences = [
        line
        for generated, committed in pairs(arguments)
        for line in difflib.unified_diff(
            committed.read_text(encoding="utf-8").splitlines(keepends=True),
            generated.read_text(encoding="utf-8").splitlines(keepends=True),
            fromfile=str(committed),
            tofile="generated from the extension",
        )
    ]
    if differences:
        sys.stdout.writelines(differences)
        print(f"The stubs do not describe the extension; write them anew with: {command}")
    return bool(differences)


def update(arguments: list[str]) -> int:
    workspace = os.environ["BUILD_WORKSPACE_DIRECTORY"]
    for generated, committed in pairs(arguments):
        path = workspace / committed
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(generated.read_text(encoding="utf-8"), encoding="utf-8")
        print(committed)
    return 0


if __name__ == "__main__":
    action, *rest = sys.argv[1:]
    sys.exit(check(rest[0], rest[1:]) if action == "check" else update(rest))
