"""Long work: progress, result, failure in words, and a cancel that cleans up."""

import threading

import pytest
from pytestqt.qtbot import QtBot

from veridical.domain.errors import AnalysisError
from veridical.domain.progress import Progress, Work
from veridical.gui.common.appearance import Appearance
from veridical.gui.common.progress_strip import ProgressStrip
from veridical.gui.common.work_runner import WorkRunner, WorkState, estimate_remaining


def test_work_reports_steps_and_returns_its_result(qtbot: QtBot) -> None:
    runner = WorkRunner()
    steps: list[WorkState] = []
    runner.progressed.connect(steps.append)
    threads: set[str] = set()

    def work() -> Work[int]:
        for k in range(3):
            threads.add(threading.current_thread().name)
            yield Progress(k, 3, f"step {k}")
        return 42

    with qtbot.waitSignal(runner.finished, timeout=5000) as done:
        runner.start(work)
    assert done.args == [42]
    assert [s.text for s in steps] == ["step 0", "step 1", "step 2"]
    assert threads == {"veridical-work"}
    assert not runner.is_running


def test_cancel_closes_the_generator_in_its_own_thread(qtbot: QtBot) -> None:
    runner = WorkRunner()
    begun, cleaned = threading.Event(), threading.Event()

    def work() -> Work[None]:
        try:
            while True:
                begun.set()
                yield Progress(0, 1, "forever")
        finally:
            assert threading.current_thread().name == "veridical-work"
            cleaned.set()

    with qtbot.waitSignal(runner.cancelled, timeout=5000):
        runner.start(work)
        assert begun.wait(5)
        runner.cancel()
    assert cleaned.is_set()
    assert not runner.is_running


@pytest.mark.parametrize(
    ("error", "words"),
    [(AnalysisError("Only one class; record more."), "Only one class"), (ValueError("x"), "Something unexpected")],
)
def test_a_failure_is_a_sentence(qtbot: QtBot, error: Exception, words: str) -> None:
    runner = WorkRunner()

    def work() -> Work[None]:
        yield Progress(0, 1)
        raise error

    with qtbot.waitSignal(runner.failed, timeout=5000) as failed:
        runner.start(work)
    assert failed.args is not None
    assert words in failed.args[0]


def test_close_leaves_no_thread(qtbot: QtBot) -> None:
    runner = WorkRunner()

    def work() -> Work[None]:
        while True:
            yield Progress(0, 1)

    runner.start(work)
    runner.close()
    assert not [t for t in threading.enumerate() if t.name == "veridical-work"]


def test_remaining_time_waits_for_something_to_go_by() -> None:
    assert estimate_remaining(0.01, 5.0) is None
    assert estimate_remaining(0.5, 0.2) is None
    assert estimate_remaining(0.25, 10.0) == pytest.approx(30.0)
    assert WorkState(0.5, "Permuting labels", 22.0).words == "Permuting labels · about 25 s left"


def test_strip_is_seen_at_once_and_goes_with_the_work(qtbot: QtBot, appearance: Appearance) -> None:
    runner = WorkRunner()
    strip = ProgressStrip(appearance, runner)
    qtbot.addWidget(strip)
    go_on = threading.Event()

    def work() -> Work[None]:
        yield Progress(0, 2, "Reading")
        go_on.wait(5)
        yield Progress(1, 2, "Reading")

    strip.show_start("Reading")
    assert not strip.isHidden()
    with qtbot.waitSignal(runner.finished, timeout=5000):
        runner.start(work)
        go_on.set()
    qtbot.waitUntil(strip.isHidden)
