import os
import shlex
from pathlib import Path

import pytest

from tritonserver.runtime import _directories, plain_path


@pytest.mark.parametrize("path", ["/plain/path-1.2", "relative/path", "s3://bucket/with blank"])
def test_a_path_that_a_shell_reads_as_one_word_stays(path: str) -> None:
    assert plain_path(path) == path


@pytest.mark.parametrize(
    "name", ["with blank", "semi;colon", "par(en", "quo'te", "dollar$", "ümlaut"]
)
def test_any_other_path_becomes_a_link_in_a_plain_directory(name: str, tmp_path: Path) -> None:
    directory = tmp_path / name
    directory.mkdir()
    (directory / "file").touch()

    link = plain_path(directory)

    assert shlex.quote(link) == link
    assert os.listdir(link) == ["file"]
    assert plain_path(directory) == link


def test_a_link_to_another_place_is_replaced(tmp_path: Path) -> None:
    link = Path(plain_path(tmp_path / "a b"))
    link.unlink()
    link.symlink_to("/elsewhere")

    assert plain_path(tmp_path / "a b") == str(link)
    assert os.readlink(link) == str(tmp_path / "a b")


def test_links_are_plain_even_if_the_cache_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "John Doe"))

    assert plain_path(tmp_path / "a b").startswith(f"/tmp/tritonserver-{os.getuid()}/links/")


@pytest.mark.parametrize("unusable", ["/proc/1", "not/absolute", "/dev/null/cache"])
def test_the_cache_falls_back_to_a_private_temporary_directory(
    unusable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", unusable)

    cache = _directories.cache()

    assert cache == Path(f"/tmp/tritonserver-{os.getuid()}")
    assert cache.stat().st_mode & 0o777 == 0o700


def test_a_temporary_directory_that_others_can_write_to_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null/cache")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / f"tritonserver-{os.getuid()}").mkdir()
    (tmp_path / f"tritonserver-{os.getuid()}").chmod(0o777)

    with pytest.raises(PermissionError, match="set XDG_CACHE_HOME"):
        _directories.cache()
