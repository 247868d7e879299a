"""What cannot be analysed is refused, or left out, in a sentence that names the recording."""

from dataclasses import replace

import pytest
from tests.unit.test_features_extraction import N_TRIALS, SETTINGS, _recording

from veridical.domain.annotation import AnnotationSet
from veridical.domain.errors import AnalysisError
from veridical.features.extraction import TrialFeatures, extract_features
from veridical.services.judging import naming_files
from veridical.services.trial_grid import join_runs


def run(name: str, labels: tuple[str, ...]) -> TrialFeatures:
    """A recording of EEG alone."""
    recording = replace(_recording(labels=labels, has_body=False), file=name)
    return extract_features(recording, AnnotationSet(), SETTINGS, "evoked")


def test_recordings_with_different_montages_share_what_both_have_and_the_others_are_named() -> None:
    grid = join_runs([run("first.xdf", ("Pz", "Cz", "Fz")), run("second.xdf", ("Cz", "Pz", "Oz"))])
    assert {name.split()[0] for name in grid.names} == {"Pz", "Cz"}
    assert len(grid.trials) == 2 * N_TRIALS
    (words,) = [line for line in grid.left_out if "features that not every" in line]
    # 64 samples each of Fz and Oz.
    assert words.startswith("128 features that not every recording has: they are missing in first.xdf, second.xdf")
    (lacking,) = [
        line
        for line in join_runs([run("whole.xdf", ("Pz", "Cz")), run("half.xdf", ("Pz",))]).left_out
        if "features that not every" in line
    ]
    assert lacking.endswith("missing in half.xdf")


def test_recordings_without_a_common_channel_are_refused_by_name() -> None:
    with pytest.raises(AnalysisError, match=r"a\.xdf, b\.xdf have no feature in common; record the same channels"):
        join_runs([run("a.xdf", ("Pz",)), run("b.xdf", ("Cz",))])


def test_what_validation_refuses_begins_with_the_recording() -> None:
    with pytest.raises(AnalysisError, match=r"^a\.xdf: Only 12"), naming_files(["a.xdf"]):
        raise AnalysisError("Only 12 of 54 trials can be used")
    with pytest.raises(AnalysisError, match=r"^a\.xdf and 2 more: All answers"), naming_files(["a.xdf", "b", "c"]):
        raise AnalysisError("All answers fall into one class")
