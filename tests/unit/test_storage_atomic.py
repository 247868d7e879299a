"""A write is whole or did not happen."""

from pathlib import Path

import pytest

from veridical.domain.errors import StorageError
from veridical.storage.atomic import write_atomically


def test_a_new_file_replaces_the_old_one_whole(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file.json"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert [p.name for p in path.parent.iterdir()] == ["file.json"]


def test_a_file_where_the_folder_should_be_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file")
    with pytest.raises(StorageError, match="cannot be written"):
        write_atomically(tmp_path / "folder" / "file.json", b"one")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.mkdir()
    with pytest.raises(StorageError):
        write_atomically(path, b"one")
    assert [p.name for p in tmp_path.iterdir()] == ["file.json"]
