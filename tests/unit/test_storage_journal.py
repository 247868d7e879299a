"""The journal holds whole lines only, whatever the disk does."""

import subprocess
import sys
from pathlib import Path

import pytest

from veridical.domain.errors import StorageError
from veridical.storage.journal import Journal, read_journal

_FILL = """
import resource, signal, sys
from pathlib import Path
from veridical.domain.errors import StorageError
from veridical.storage.journal import Journal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (250, resource.RLIM_INFINITY))
journal, failed = Journal(Path(sys.argv[1])), 0
for k in range(6):
    try:
        journal.append(float(k), f"note text={k}")
    except StorageError:
        failed += 1
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
journal.append(99.0, "session/end")
journal.close()
print(failed)
"""


def test_lines_survive_and_a_partial_last_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a" / "events.jsonl"
    journal = Journal(path)
    journal.append(1.5, "fixation trial=1")
    journal.append(2.5, "picture/positive id=a trial=1")
    journal.close()
    path.write_bytes(path.read_bytes() + b'{"lsl_s":3.5,"ut')
    assert [(line.lsl_s, line.marker) for line in read_journal(path)] == [
        (1.5, "fixation trial=1"),
        (2.5, "picture/positive id=a trial=1"),
    ]


def test_a_journal_is_never_overwritten(tmp_path: Path) -> None:
    Journal(tmp_path / "events.jsonl").close()
    with pytest.raises(StorageError, match="next run number"):
        Journal(tmp_path / "events.jsonl")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on file sizes to stand in for a full disk")
def test_a_disk_that_fills_mid_line_costs_only_the_lines_that_did_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    done = subprocess.run([sys.executable, "-c", _FILL, str(path)], capture_output=True, text=True, check=True)
    failed = int(done.stdout)
    assert failed > 0
    kept = [line.lsl_s for line in read_journal(path)]
    assert kept == [*map(float, range(6 - failed)), 99.0]
    assert path.read_bytes().count(b"\n") == len(kept)
