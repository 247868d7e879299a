"""Whole generated recordings: nothing is found where nothing is, and the effect is found where there is one.

Every recording is a shortened session as ``veridical demo --fast`` runs it, made by the simulator's own generator and
taken through the same feature extraction and validation as a recorded one.
"""

import numpy as np
import pytest
from scipy import stats

from veridical.cli.demo import demo_settings
from veridical.domain.annotation import AnnotationSet
from veridical.domain.progress import finish
from veridical.domain.protocol import expand
from veridical.domain.rating import VALENCE
from veridical.domain.simulation import Profile, SimulationPlan
from veridical.domain.stimulus import CONDITIONS, Stimulus, StimulusSet
from veridical.features.extraction import extract_features
from veridical.learning.validation import validate_problem
from veridical.services.trial_grid import join_runs
from veridical.simulator.offline import simulate_in_memory
from veridical.simulator.performance import SHORTENED, perform

N_PERMUTATIONS = 199


def make_stimuli(seed: int) -> StimulusSet:
    """24 stimuli of each class with norms as scattered as those of published sets."""
    rng = np.random.default_rng([seed, 1])
    norms = {"negative": (1.8, 3.2), "neutral": (3.6, 4.4), "positive": (4.8, 6.2)}
    return StimulusSet(
        tuple(
            Stimulus(
                f"{condition}{k}",
                "none.jpg",
                valence_mean=float(rng.uniform(*norms[condition])),
                arousal_mean=float(rng.uniform(2.0, 6.0)),
            )
            for condition in CONDITIONS
            for k in range(24)
        )
    )


def p_value_of(profile: Profile, seed: int) -> float:
    """Generate a session of this participant, extract, validate; return the headline p value."""
    settings, stimuli = demo_settings(is_fast=True, seed=seed), make_stimuli(seed)
    plan = SimulationPlan(profile=profile, seed=seed)
    session = expand(settings.protocol, stimuli, seed)
    markers = perform(session, stimuli, settings.protocol.scales, plan.seed, seed, SHORTENED)
    features = extract_features(simulate_in_memory(plan, stimuli, markers), AnnotationSet(), settings)
    grid = join_runs([features])
    problem = grid.problem(VALENCE, settings.analysis, np.full(len(grid.trials), np.nan))
    return finish(validate_problem(problem, N_PERMUTATIONS, seed)).p_value


def most_by_chance(n: int, rate: float) -> int:
    """Number of positives among ``n`` that a test with this rate stays below in 99.9 % of cases."""
    return int(stats.binom.isf(0.001, n, rate))


@pytest.mark.timeout(3600)
def test_no_effect_is_claimed_more_often_than_chance_allows(is_full: bool) -> None:
    n = 100 if is_full else 8
    positives = sum(p_value_of("null", 1000 + seed) < 0.05 for seed in range(n))
    # METHODS 5.4: at most .07 at .05.
    assert positives <= most_by_chance(n, 0.07)


@pytest.mark.timeout(3600)
def test_responsive_participants_are_found(is_full: bool) -> None:
    n = 30 if is_full else 5
    found = sum(p_value_of("responsive", 2000 + seed) < 0.05 for seed in range(n))
    assert found >= 0.9 * n
