"""The directories of this user that the runtime writes to, and paths a shell reads as one word."""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path


def data() -> Path:
    """Return where fetched files lie; it need not exist."""
    return _user_directory("XDG_DATA_HOME", ".local/share") or _private_temporary()


def cache() -> Path:
    """Return the directory, created if need be, for files that can be made again at any time."""
    directory = _user_directory("XDG_CACHE_HOME", ".cache")
    if directory is not None:
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            return _private_temporary()
        if os.access(directory, os.W_OK | os.X_OK):
            return directory
    return _private_temporary()


def plain_path(path: str | os.PathLike[str]) -> str:
    """Return a path to the same place without blanks or shell characters.

    The Python backend hands the paths of its models to a shell without quotes. A path that a shell
    reads as one word, and a URL, come back as they are; for any other the answer is a symbolic
    link, the same for every call and process of this user.
    """
    text = os.fspath(path)
    if "://" in text or shlex.quote(text) == text:
        return text
    import hashlib

    target = os.path.abspath(text)
    links = cache() / "links"
    if shlex.quote(str(links)) != str(links):
        links = _private_temporary() / "links"
    links.mkdir(mode=0o700, exist_ok=True)
    link = links / hashlib.sha256(os.fsencode(target)).hexdigest()[:16]
    if not (link.is_symlink() and os.readlink(link) == target):
        temporary = links / f"{link.name}.{os.getpid()}"
        temporary.symlink_to(target)
        temporary.replace(link)
    return str(link)


def _user_directory(variable: str, under_home: str) -> Path | None:
    base = os.environ.get(variable) or os.path.join(os.path.expanduser("~"), under_home)
    return Path(base) / "tritonserver" if os.path.isabs(base) else None


def _private_temporary() -> Path:
    import tempfile

    directory = Path(tempfile.gettempdir()) / f"tritonserver-{os.getuid()}"
    directory.mkdir(mode=0o700, exist_ok=True)
    status = directory.lstat()
    private = stat.S_ISDIR(status.st_mode) and stat.S_IMODE(status.st_mode) & 0o077 == 0
    if not private or status.st_uid != os.getuid():
        raise PermissionError(
            f"{directory} is not a private directory of this user; set XDG_CACHE_HOME to another"
        )
    return directory
