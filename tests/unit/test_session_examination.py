"""A session read back from its files: counts, markers against the journal, usable trials."""

from dataclasses import replace
from pathlib import Path

import pyxdf

from veridical.cli.demo import demo_settings
from veridical.domain.event import MARKER_STREAM_NAME
from veridical.domain.participant import RunKey
from veridical.domain.progress import finish
from veridical.domain.simulation import SimulationPlan
from veridical.services.session import plan_session
from veridical.services.session_examination import MarkerCheck, examine_work
from veridical.services.study import create_study
from veridical.simulator.offline import simulate_recording
from veridical.simulator.performance import SHORTENED
from veridical.storage.journal import Journal


def test_what_the_files_hold_is_what_was_recorded(tmp_path: Path) -> None:
    settings = demo_settings(is_fast=True, seed=3)
    protocol = replace(settings.protocol, n_per_condition=6)
    study = create_study(tmp_path / "study", replace(settings, protocol=protocol))
    key = RunKey("001")
    body = SimulationPlan(seed=3, eeg_channels=4, eeg_hz=250.0, eda_hz=32.0, ecg_hz=128.0)
    xdf = study.paths.xdf(key)
    xdf.parent.mkdir(parents=True)
    plan = plan_session(study, key)
    simulate_recording(xdf, body, plan, study.stimuli, protocol.scales, 5, SHORTENED)
    # pyxdf tells what is really in the file; the journal lacks its third marker.
    streams, _ = pyxdf.load_xdf(str(xdf), synchronize_clocks=False, dejitter_timestamps=False, verbose=False)
    by_name = {s["info"]["name"][0]: s for s in streams}
    markers = by_name[MARKER_STREAM_NAME]
    journal = Journal(study.paths.journal(key))
    for k, (stamp, text) in enumerate(zip(markers["time_stamps"], markers["time_series"], strict=True)):
        if k != 2:
            journal.append(float(stamp), text[0])
    journal.close()
    found = finish(examine_work(study, key))
    n = len(markers["time_stamps"])
    assert found.markers == MarkerCheck(n, n - 1, n - 1)
    assert not found.markers.agrees
    counts = {s.name: s.n_samples for s in found.streams}
    assert counts == {name: len(by_name[name]["time_stamps"]) for name in counts}
    assert {s.role for s in found.streams} == {"EEG", "EDA", "ECG"}
    assert all(s.n_gaps == 0 for s in found.streams)
    assert found.n_shown == len(plan.trials)
    assert found.n_usable + sum(int(w.split(" ")[0]) for w in found.unusable) == found.n_shown
