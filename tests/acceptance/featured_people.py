"""Participants of known truth made at feature level: thousands of times cheaper than a recording.

Shared by the acceptance tests (few) and ``tests/performance/bench_audit.py`` (many).
"""

from dataclasses import replace

import numpy as np

from veridical.audit.checks import verdict_of
from veridical.audit.context import AuditContext
from veridical.audit.families import families_of, measure_family
from veridical.domain.arrays import FloatArray
from veridical.domain.progress import finish
from veridical.domain.rating import Rating
from veridical.domain.study import AnalysisChoices
from veridical.domain.trial_table import TrialRow
from veridical.learning.problem import Problem
from veridical.learning.validation import validate_problem

RELIABILITIES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
N_PERMUTATIONS = 99
N_FEATURES = 20
N_INDICES = 10
# Size of the driver in every feature, in standard deviations of its noise.
EFFECT = 0.35


def scale_of(latent: FloatArray) -> FloatArray:
    """Seven steps from a latent value of -1 to 1."""
    steps: FloatArray = np.clip(np.round(4 + 3 * latent), 1, 7)
    return steps


def _rating(scale: str, value: float) -> Rating:
    return Rating(scale, value, 1, 7, 0.5, 1.5, 1, "keyboard", "answered", 0)


def _context(features: FloatArray, valence: FloatArray, indices: FloatArray, seed: int) -> AuditContext:
    n = len(valence)
    ratings = scale_of(valence)
    others = scale_of(np.random.default_rng([seed, 3]).uniform(-1, 1, n))
    problem = Problem(
        features=features,
        ratings=ratings,
        kept=np.ones(n, dtype=bool),
        midpoint=4.0,
        label_rule="midpoint",
        groups=np.arange(n),
        onsets_s=12.0 * np.arange(n),
        runs=np.zeros(n, dtype=int),
    )
    trials = tuple(
        TrialRow(
            i + 1, 1, f"p{i}", "neutral", 12.0 * i, 6.0, None,
            {"valence": _rating("valence", float(ratings[i])), "arousal": _rating("arousal", float(others[i]))},
        )
        for i in range(n)
    )  # fmt: skip
    return AuditContext(
        problem=problem,
        validation=finish(validate_problem(problem, N_PERMUTATIONS, seed)),
        trials=trials,
        reasons=("",) * n,
        is_marked=np.zeros(n, dtype=bool),
        artifacts=indices,
        artifact_names=tuple(f"muscle C{i}" for i in range(indices.shape[1])),
        target="valence",
        analysis=AnalysisChoices(n_permutations=N_PERMUTATIONS),
        seed=seed,
    )


def null_set(seed: int, n_trials: int = 59) -> AuditContext:
    """Features and artifacts that know nothing of the ratings."""
    rng = np.random.default_rng([seed, 21])
    valence = rng.uniform(-1, 1, n_trials)
    indices = rng.normal(size=(n_trials, N_INDICES))
    return _context(rng.normal(size=(n_trials, N_FEATURES)), valence, indices, seed)


def laughing_set(seed: int, reliability: float, n_trials: int) -> AuditContext:
    """Features that follow laughter at pleasant pictures, which ten channel-wise indices measure this reliably.

    The classical reliability: share of an index's variance that is the laughter's; the rest is noise of its own.
    """
    rng = np.random.default_rng([seed, 22, round(100 * reliability)])
    valence = rng.uniform(-1, 1, n_trials)
    muscle = np.where(valence > 0, rng.random(n_trials) < 0.8, 0.0) * np.exp(0.3 * rng.normal(size=n_trials))
    muscle = (muscle - muscle.mean()) / muscle.std()
    features = EFFECT * muscle[:, None] * rng.normal(size=N_FEATURES) + rng.normal(size=(n_trials, N_FEATURES))
    noise = rng.normal(size=(n_trials, N_INDICES))
    indices = np.sqrt(reliability) * muscle[:, None] + np.sqrt(1 - reliability) * noise
    return _context(features, valence, indices, seed)


def is_unexplained(context: AuditContext) -> bool:
    """Whether the verdict is the best there is; only the confound families that it asks for are measured."""
    if context.validation.p_value >= 0.05:
        return False
    families = tuple(finish(measure_family(context, f)) for f in families_of(context))
    return verdict_of(replace(context, families=families)).kind == "above chance"
