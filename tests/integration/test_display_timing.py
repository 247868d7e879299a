"""The display test: flashes are seen by a channel, and what was measured moves the pictures of later sessions."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from veridical.domain.errors import AnalysisError, StreamError
from veridical.domain.event import Event, Marker
from veridical.domain.event_timing import EventTiming
from veridical.domain.progress import finish
from veridical.domain.run import ScreenChoice
from veridical.domain.simulation import SimulationPlan
from veridical.domain.stream import StreamDescription
from veridical.domain.study import StudySettings
from veridical.domain.trigger import TriggerChoice
from veridical.services.display_timing import DisplayTest, measure_display_work
from veridical.services.streams import StreamWatch, start_simulator
from veridical.services.study import Study, create_study
from veridical.signals.pulses import delayed_onsets
from veridical.storage.timing_file import read_display_timings

_HEADLESS = ScreenChoice(kind="headless", fullscreen=False)
_LINE = StreamDescription("veridical-loopback", "TTL", "veridical-loopback-light", "", "", 1, 1000.0, "float32")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study whose pulses come back on a stream of their own."""
    settings = StudySettings(trigger=TriggerChoice("loopback", "light"))
    return create_study(tmp_path_factory.mktemp("display") / "study", settings)


def test_flashes_that_come_back_are_measured_and_kept_with_the_study(study: Study) -> None:
    timing = finish(measure_display_work(study, DisplayTest(_LINE, 0, _HEADLESS, n_flashes=12)))
    assert (timing.n_flashes, timing.n_seen) == (12, 12)
    assert timing.screen.startswith("headless")
    # The line is sampled at 1000 Hz and set right after the flip.
    assert -0.002 < timing.offset_s < 0.02
    assert timing.jitter_s < 0.01
    assert read_display_timings(study.paths.display_timing) == (timing,)
    assert (study.root / timing.recording).is_file()
    assert not (study.root / "sourcedata").exists(), "a display test is no participant's session"


@pytest.fixture(scope="module")
def heart(study: Study) -> Iterator[StreamDescription]:
    """A stream that sees no light."""
    simulator = start_simulator(study, SimulationPlan(seed=1, eeg_channels=2, eeg_hz=250.0))
    watch = StreamWatch()
    assert watch.wait_for(lambda found: any(s.name == "SimECG" and bool(s.labels) for s in found), 40.0)
    yield next(s for s in watch.streams() if s.name == "SimECG")
    watch.close()
    simulator.stop()


def test_a_channel_that_saw_nothing_is_a_sentence_with_a_remedy(study: Study, heart: StreamDescription) -> None:
    before = read_display_timings(study.paths.display_timing)
    with pytest.raises(AnalysisError, match="put the photodiode on the square in the lower left corner"):
        finish(measure_display_work(study, DisplayTest(heart, 0, _HEADLESS, n_flashes=10)))
    assert read_display_timings(study.paths.display_timing) == before
    with pytest.raises(StreamError, match="has 1 channels"):
        finish(measure_display_work(study, DisplayTest(heart, 3, _HEADLESS)))


def test_a_delay_that_was_measured_moves_pictures_and_nothing_else(tmp_path: Path) -> None:
    events = tuple(
        Event(t, Marker(name)) for t, name in ((1.0, "fixation"), (2.0, "picture/neutral"), (3.0, "picture/off"))
    )
    moved, timing = delayed_onsets(events, EventTiming(n_pictures=1), 0.034, 0.001)
    np.testing.assert_allclose([e.onset_s for e in moved], [1.0, 2.034, 3.0])
    assert "34.0 ms" in timing.words
    measured = replace(timing, source="TTL")
    assert delayed_onsets(events, measured, 0.034, 0.001) == (events, measured)
