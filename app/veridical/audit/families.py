"""The confound families: each is tried alone on the model's own folds, then regressed out of the model inside them.

One family at a time keeps the power (.76 at 100 trials and a true balanced accuracy of .68); demanding that the
model beat the best confound model loses it (.35) [measured; METHODS 6]. Regressing on all the data instead of inside
the folds would bias the score below chance (.33) [measured].
"""

from dataclasses import dataclass, replace

import numpy as np

from veridical.audit.context import AuditContext, FamilyResult
from veridical.audit.verdict import ALPHA
from veridical.domain.arrays import BoolArray, FloatArray
from veridical.domain.errors import AnalysisError
from veridical.domain.evaluation import Validation
from veridical.domain.progress import Work
from veridical.learning.problem import Problem, with_other_features
from veridical.learning.splits import outer_folds
from veridical.learning.validation import validate_problem

ARTIFACTS = "artifact bias"
OTHER_RATING = "other rating"
TIME = "time on task"
PICTURES = "picture confounds"

# A family may hold an index for each of 128 channels. Beyond ten, its leading components stand for it: ten
# channel-wise indices let muscle pass as neural in <= 8 % of simulations, one average in 13-44 % [measured; METHODS 4].
MAX_COLUMNS = 10
# Every column regressed out takes some of a true effect along, so short sessions get fewer. In simulation (59 trials,
# indices of reliability .4, eight independent muscles of which one laughs; 48 seeds kept apart from the choice) 7 and
# 10 columns left 2 and 1 of 18 laughing models unexplained, and let 22 and 19 of 27 truly responsive models stand.
TRIALS_PER_COLUMN = 8
MIN_COLUMNS = 5


@dataclass(frozen=True)
class Family:
    """Confounding numbers per trial.

    Parameters
    ----------
    values : ndarray, shape (n_presented, n_columns)
        Rows of trials for which they are unknown are NaN.
    is_required : bool
        The verdict asks for the regression whether or not the family alone is above chance.
    is_in_headline : bool
        The headline model is already free of it (the trial index): the model after it is the model itself.
    missing : str
        Why there is nothing to measure, in words; empty otherwise.
    """

    name: str
    words: str
    values: FloatArray
    is_required: bool = False
    is_in_headline: bool = False
    missing: str = ""


def families_of(context: AuditContext) -> tuple[Family, ...]:
    """Collect the families: artifacts, the pictures' own properties, every other rating, trial index."""
    kept = np.asarray(context.problem.kept, dtype=bool)
    n = len(kept)
    artifacts = _artifact_columns(context, kept)
    no_artifacts = "" if artifacts.shape[1] else "the recording holds no artifact index (no EEG channel)"
    found = [Family(ARTIFACTS, "muscle, eye and movement artifacts", artifacts, is_required=True, missing=no_artifacts)]
    found += _picture_families(context, kept)
    scales = context.other_scales
    for scale in scales:
        rating = context.ratings_on(scale)
        values = np.column_stack([rating, _squared(rating)])
        name = OTHER_RATING if len(scales) == 1 else f"{OTHER_RATING} ({scale})"
        found.append(Family(name, f"the {scale} rating", values))
    if not scales:
        found.append(Family(OTHER_RATING, "the other rating", np.empty((n, 0)), missing="no second scale was asked"))
    index = np.linspace(-1.0, 1.0, n)
    found.append(
        Family(TIME, "time on task", np.column_stack([index, _squared(index)]), is_in_headline=context.problem.detrends)
    )
    return tuple(found)


def _picture_families(context: AuditContext, kept: BoolArray) -> tuple[Family, ...]:
    """Low-level statistics by their leading components, and normative arousal, as far as they are known."""
    looks, norm = "brightness, colours and structure of the pictures", "the pictures' normative arousal"
    empty = np.empty((len(kept), 0))
    pictures = context.pictures
    if pictures is None:
        return (Family(PICTURES, looks, empty, missing="the stimulus table could not be read"),)
    known = kept & np.isfinite(pictures.statistics).all(axis=1)
    values = leading_components(pictures.statistics, known, n_artifact_columns(int(known.sum())))
    missing = "" if values.shape[1] else "the pictures' statistics were not measured on import"
    found = [Family(PICTURES, looks, values, missing=missing)]
    norms = np.asarray(pictures.norm_arousal, dtype=float)
    if np.isfinite(norms[kept]).sum() > 1 and np.nanstd(norms[kept]) > 0:
        found.append(Family(f"{PICTURES} (norm arousal)", norm, np.column_stack([norms, _squared(norms)])))
    return tuple(found)


def n_artifact_columns(n_kept: int) -> int:
    """Columns that stand for the artifact family: one for 8 kept trials, 5 at least and 10 at most."""
    return min(MAX_COLUMNS, max(MIN_COLUMNS, n_kept // TRIALS_PER_COLUMN))


def _artifact_columns(context: AuditContext, kept: BoolArray) -> FloatArray:
    """Eye activity, marks and movement as they are; muscle, one index per channel, by its leading components."""
    values = np.asarray(context.artifacts, dtype=float)
    is_muscle = np.array([name.startswith("muscle ") for name in context.artifact_names], dtype=bool)
    most = n_artifact_columns(int(kept.sum()))
    others = leading_components(values[:, ~is_muscle], kept, most)
    muscle = leading_components(values[:, is_muscle], kept, max(1, most - others.shape[1]))
    return np.hstack([muscle, others])


def leading_components(values: FloatArray, rows: BoolArray, n_columns: int) -> FloatArray:
    """Standardise columns over ``rows`` and keep at most ``n_columns`` principal components.

    No label is looked at, so nothing leaks. Columns that are constant or not finite on ``rows`` are left out.

    Returns
    -------
    ndarray, shape (n_trials, <= n_columns)
        NaN on rows with a missing value and outside ``rows``.
    """
    inside = values[rows]
    usable = [c for c in inside.T if len(c) and np.isfinite(c).all() and np.ptp(c) > 0]
    standard = np.array([(c - c.mean()) / c.std() for c in usable]).T.reshape(len(inside), len(usable))
    if len(usable) > n_columns:
        left, scale, _ = np.linalg.svd(standard, full_matrices=False)
        standard = (left * scale)[:, :n_columns]
    components = np.full((len(values), standard.shape[1]), np.nan)
    components[rows] = standard
    return components


def measure_family(context: AuditContext, family: Family) -> Work[FamilyResult]:
    """Validate the family alone and, where the verdict needs it, the model after its in-fold regression."""
    if family.missing:
        return FamilyResult(family.name, family.words, None, None, problem=family.missing)
    n_columns = family.values.shape[1]
    known: BoolArray = np.asarray(np.isfinite(family.values).all(axis=1))
    kept = np.asarray(context.problem.kept, dtype=bool) & known
    values = np.where(known[:, None], family.values, 0.0)
    alone_problem = replace(
        with_other_features(context.problem, values),
        kept=kept,
        nuisance=None,
        # Taking the trial index out of the trial index would leave nothing to measure.
        detrends=context.problem.detrends and not family.is_in_headline,
    )
    try:
        alone = yield from _validate(context, alone_problem)
    except AnalysisError as error:
        return FamilyResult(family.name, family.words, None, None, n_columns, str(error))
    after, problem = None, ""
    if family.is_in_headline:
        after = context.validation
    elif context.validation.p_value < ALPHA and (family.is_required or alone.p_value < ALPHA):
        try:
            after = yield from _validate(context, replace(context.problem, kept=kept, nuisance=values))
        except AnalysisError as error:
            problem = str(error)
    return FamilyResult(family.name, family.words, alone, after, n_columns, problem)


def _validate(context: AuditContext, problem: Problem) -> Work[Validation]:
    # The model's own folds: a family's unknown rows drop out of them, nothing else moves.
    folds = outer_folds(context.problem)
    validation = yield from validate_problem(problem, context.analysis.n_permutations, context.seed, folds)
    return validation


def _squared(column: FloatArray) -> FloatArray:
    """Square around the mean, so that linear and quadratic part say different things."""
    finite = np.isfinite(column)
    centre = float(column[finite].mean()) if finite.any() else 0.0
    squared: FloatArray = (column - centre) ** 2
    return squared
