"""The demo as a user runs it: the whole loop in one command, and Ctrl-C that loses nothing."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import pyxdf

from veridical.domain.participant import RunKey
from veridical.paths import StudyPaths
from veridical.storage.journal import read_journal
from veridical.storage.session_file import find_session

_KEY = RunKey("001")


def _start(folder: Path, *options: str) -> "subprocess.Popen[str]":
    # Neither a display nor an Xvfb to be found: the headless screen.
    world = {**os.environ, "PATH": str(Path(sys.executable).parent)}
    world.pop("DISPLAY", None)
    return subprocess.Popen(
        [sys.executable, "-m", "veridical", "demo", "--fast", "--out", str(folder), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=world,
    )


def _wait_for(condition: Callable[[], object], timeout_s: float) -> None:
    end = time.monotonic() + timeout_s
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end, "nothing happened in time"
        pause.wait(0.05)


def test_the_demo_finds_the_effect_of_a_responsive_participant(tmp_path: Path) -> None:
    process = _start(tmp_path / "demo", "--json")
    out, err = process.communicate(timeout=170)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert "headless" in err
    assert "0 % reviewed by a rater" in err
    result = json.loads(out)
    assert result["p_value"] < 0.05
    assert result["n_trials"] >= 40
    assert result["balanced_accuracy"] > result["chance95"]
    # Numbers and their units are held together by narrow or wide spaces that do not break.
    page = " ".join(Path(result["report"]).read_text(encoding="utf-8").split()).replace("\u202f", " ")
    for words in ("shortened", "headless", "not validated", "In simulation", "0 % reviewed"):
        assert words.lower() in page.lower()
    paths = StudyPaths(tmp_path / "demo")
    session = find_session(paths.session_file(_KEY))
    assert session is not None
    assert session.is_verified
    assert session.presenter_ended.how == "completed"
    streams, _ = pyxdf.load_xdf(str(paths.xdf(_KEY)), verbose=False)
    markers = next(s for s in streams if s["info"]["name"][0] == "veridical-markers")
    assert [m[0] for m in markers["time_series"]] == [line.marker for line in read_journal(paths.journal(_KEY))]


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_ends_every_child_and_keeps_the_recording(tmp_path: Path) -> None:
    process = _start(tmp_path / "demo")
    paths = StudyPaths(tmp_path / "demo")

    def has_shown_pictures() -> bool:
        assert process.poll() is None, process.communicate()
        journal = paths.journal(_KEY)
        return journal.exists() and sum(b"picture/off" in line for line in journal.read_bytes().splitlines()) >= 6

    _wait_for(has_shown_pictures, 90.0)
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 3
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=40)
    assert process.returncode == 130
    assert f"The recording is kept: {paths.xdf(_KEY)}" in err
    assert "Traceback" not in err
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)
    session = find_session(paths.session_file(_KEY))
    assert session is not None
    assert session.is_verified
    assert session.presenter_ended.how == "aborted"
    streams, _ = pyxdf.load_xdf(str(paths.xdf(_KEY)), verbose=False)
    assert {s["info"]["name"][0] for s in streams} == {"SimEEG", "SimEDA", "SimECG", "veridical-markers"}
