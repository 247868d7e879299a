"""The audit on simulated participants of known truth, through the whole path; bench_audit.py runs many more."""

from pathlib import Path

import pytest
from tests.acceptance.audited_people import Audited, Person, audit_person, is_alarm, n_alarms
from tests.acceptance.featured_people import is_unexplained, laughing_set, null_set


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_a_participant_whose_brain_follows_brightness_is_caught_by_the_picture_check(tmp_path: Path) -> None:
    found = audit_person(tmp_path, "picture-driven", 1)
    assert found.kind == "explained"
    assert "brightness" in found.headline
    assert found.finding("picture confounds").verdict == "fail"
    assert "luminance" in found.finding("picture confounds").summary


@pytest.mark.timeout(600)
def test_on_features_laughter_is_explained_and_nothing_is_found_in_nobody() -> None:
    assert not any(is_unexplained(null_set(seed)) for seed in range(1, 3))
    assert not any(is_unexplained(laughing_set(seed, 0.4, 60)) for seed in range(1, 3))


# Person and the check that has to warn (docs/method.md states the effect sizes).
EXPECTED: tuple[tuple[Person, str], ...] = (
    ("laughing", "artifact bias"),
    ("picture-driven", "picture confounds"),
    ("arousal-driven", "other rating"),
    ("time-driven", "time on task"),
    ("mislabelling", "ground truth"),
    ("changing", "state mismatch"),
)


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("person", "threat"), EXPECTED)
def test_each_known_truth_is_found_by_its_check(tmp_path: Path, person: Person, threat: str) -> None:
    people = [audit_person(tmp_path / str(seed), person, seed) for seed in range(1, 6)]
    # At a rate of .9 four of five or more are found in 92 % of tries.
    assert n_alarms(people, threat) >= 4
    if person == "laughing":
        assert all("muscle" in p.finding(threat).summary for p in people if is_alarm(p.finding(threat)))


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_a_responsive_participant_passes_and_a_null_one_does_not(tmp_path: Path) -> None:
    def five(person: Person) -> list[Audited]:
        return [audit_person(tmp_path / person / str(seed), person, seed) for seed in range(1, 6)]

    assert sum(p.kind == "above chance" for p in five("responsive")) >= 4
    assert sum(p.kind == "above chance" for p in five("null")) <= 1


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("reliability", [0.4, 0.9])
def test_laughter_is_unexplained_in_at_most_8_of_100(reliability: float) -> None:
    unexplained = sum(is_unexplained(laughing_set(seed, reliability, 60)) for seed in range(1, 101))
    assert unexplained <= 8
