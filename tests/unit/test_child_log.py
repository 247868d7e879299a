"""A child's words on a disk that refuses them."""

import os
from pathlib import Path

from veridical.storage.child_log import open_patiently


def test_words_are_in_the_file_at_once(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as file:
        print("one", file=open_patiently(file.fileno()))
        assert (tmp_path / "log").read_text().split() == ["one"]


def test_what_cannot_be_written_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("before")
    # A descriptor for reading only refuses every write, as a full disk does.
    descriptor = os.open(tmp_path / "log", os.O_RDONLY)
    log = open_patiently(descriptor)
    print("lost", file=log, flush=True)
    log.close()
    os.close(descriptor)
    assert (tmp_path / "log").read_text() == "before"
