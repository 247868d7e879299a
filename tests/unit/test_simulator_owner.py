"""A simulator whose owner died ends by itself, but not in the middle of a session."""

import os
import subprocess
import sys

from veridical.simulator.__main__ import Owner, main


def _ended() -> int:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait(30)
    return done.pid


def _seconds_until_the_end(owner: Owner, needed_until_s: float = 0.0) -> float | None:
    return next((t for t in range(100, 160) if owner.is_gone_for_good(t - 100 < needed_until_s, float(t))), None)


def test_it_streams_as_long_as_its_owner_lives() -> None:
    assert _seconds_until_the_end(Owner(os.getpid())) is None


def test_it_ends_some_seconds_after_its_owner() -> None:
    end_s = _seconds_until_the_end(Owner(_ended()))
    assert end_s is not None
    assert 1 <= end_s - 100 <= 10


def test_a_session_that_still_runs_keeps_it() -> None:
    end_s = _seconds_until_the_end(Owner(_ended()), needed_until_s=30)
    assert end_s is not None
    assert 31 <= end_s - 100 <= 40


def test_an_owner_that_nobody_has_waited_for_counts_as_gone() -> None:
    owned = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = Owner(owned.pid)
    owned.kill()
    try:
        os.waitid(os.P_PID, owned.pid, os.WEXITED | os.WNOWAIT) if hasattr(os, "waitid") else owned.wait(30)
        assert _seconds_until_the_end(owner) is not None
    finally:
        owned.communicate()


def test_an_owner_that_is_no_number_is_wrong_usage() -> None:
    assert main(["folder", "me"]) == 2
