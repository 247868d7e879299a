"""How well the simulated participants' effects are found: simulation, features and validation together."""

import numpy as np
import pytest

from veridical.cli.demo import demo_settings
from veridical.domain.annotation import AnnotationSet
from veridical.domain.evaluation import Validation
from veridical.domain.progress import finish
from veridical.domain.protocol import expand
from veridical.domain.simulation import Profile, SimulationPlan
from veridical.features.extraction import extract_features
from veridical.learning.labels import group_numbers
from veridical.learning.problem import Problem
from veridical.learning.validation import validate_problem
from veridical.paths import demo_stimuli
from veridical.simulator.offline import simulate_in_memory
from veridical.simulator.performance import SHORTENED, perform
from veridical.storage.stimuli_table import read_stimuli


def _validate(profile: Profile, seed: int) -> Validation:
    """Go through the short demonstration in memory and validate evoked samples + ridge on it."""
    settings = demo_settings(is_fast=True, seed=seed)
    stimuli = read_stimuli(demo_stimuli() / "stimuli.tsv")
    session = expand(settings.protocol, stimuli, seed)
    markers = perform(session, stimuli, settings.protocol.scales, participant_seed=seed, seed=seed, pace=SHORTENED)
    recording = simulate_in_memory(SimulationPlan(profile, seed=seed), stimuli, markers)
    found = extract_features(recording, AnnotationSet(), settings)
    ratings = [t.value("valence") for t in found.trials]
    problem = Problem(
        features=found.evoked,
        ratings=np.array([np.nan if r is None else r for r in ratings]),
        kept=found.kept,
        midpoint=4.0,
        label_rule="midpoint",
        groups=group_numbers([t.stimulus_id for t in found.trials]),
        onsets_s=np.array([t.onset_s for t in found.trials]),
        runs=np.zeros(len(found.trials), dtype=int),
        embargo_s=settings.analysis.embargo_s,
    )
    return finish(validate_problem(problem, n_permutations=400))


def test_a_responsive_participant_is_found_and_a_null_one_is_not_better_than_chance() -> None:
    responsive = [_validate("responsive", seed) for seed in range(2)]
    null = [_validate("null", seed) for seed in range(2)]
    assert min(sum(v.classes.values()) for v in responsive) >= 40
    assert float(np.mean([v.balanced_accuracy for v in responsive])) > 0.65
    # The mean of two AUCs of 50 trials varies by about .06 around .5.
    assert float(np.mean([v.auc for v in null])) < 0.7


@pytest.mark.full
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("profile", "at_least", "at_most"), [("responsive", 17, 20), ("null", 0, 4)])
def test_the_share_of_significant_seeds(profile: Profile, at_least: int, at_most: int) -> None:
    n_found = sum(_validate(profile, seed).p_value < 0.05 for seed in range(1000, 1020))
    # Binomial: 4 of 20 at a rate of .05 is exceeded in 0.3 %; fewer than 17 of 20 at .95 come in 1.6 %.
    assert at_least <= n_found <= at_most
