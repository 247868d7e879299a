"""The trials of all runs of a participant on one grid, as learning and audit take them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from veridical.domain.arrays import BoolArray, FloatArray, IntArray
from veridical.domain.errors import AnalysisError
from veridical.domain.label_rule import LabelRule, needs_norms, split_of
from veridical.domain.rating import Scale
from veridical.domain.stimulus import NEUTRAL_HALF_WIDTH
from veridical.domain.study import AnalysisChoices
from veridical.domain.trial_table import TrialRow
from veridical.features.extraction import TrialFeatures
from veridical.learning.bundle import FeatureColumn
from veridical.learning.labels import group_numbers
from veridical.learning.problem import Combination, Problem, View

_CLASS_NAMES = {"valence": ("negative", "positive")}


@dataclass(frozen=True)
class TrialGrid:
    """One row per presented trial, run after run.

    Parameters
    ----------
    matrix : ndarray, shape (n_presented, n_features)
        What the pipeline learns from; ``columns`` describes it.
    runs : ndarray of int, shape (n_presented,)
        Position of the trial's run among those that take part.
    window_s : tuple of float
        Analysis window, seconds from onset.
    evoked_channels : int
        Number of channels if the columns are evoked samples, channel by channel; else 0.
    preparation : tuple of str
        How the signals were prepared, in words, once for all runs that share it.
    views : tuple of View
        Columns that get a model of their own; empty if one model learns from all of them.
    combines : str
        How the views' decisions are put together.
    """

    trials: tuple[TrialRow, ...]
    kept: BoolArray
    reasons: tuple[str, ...]
    is_marked: BoolArray
    matrix: FloatArray
    columns: tuple[FeatureColumn, ...]
    artifacts: FloatArray
    artifact_names: tuple[str, ...]
    runs: IntArray
    left_out: tuple[str, ...]
    window_s: tuple[float, float]
    evoked_channels: int = 0
    preparation: tuple[str, ...] = ()
    views: tuple[View, ...] = ()
    combines: Combination = "fused"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns of ``matrix``."""
        return tuple(c.name for c in self.columns)

    def only(self, rows: BoolArray) -> "TrialGrid":
        """Return the grid of some of the presented trials."""
        where = np.flatnonzero(rows)
        return replace(
            self,
            trials=tuple(self.trials[k] for k in where),
            kept=self.kept[where],
            reasons=tuple(self.reasons[k] for k in where),
            is_marked=self.is_marked[where],
            matrix=self.matrix[where],
            artifacts=self.artifacts[where],
            runs=self.runs[where],
        )

    def problem(self, scale: Scale, choices: AnalysisChoices, norms: FloatArray) -> Problem:
        """Return the learning problem for one rating scale.

        Parameters
        ----------
        norms : ndarray, shape (n_presented,)
            Norms of the scale from -1 to 1; NaN where there is none. Only some label rules look at them.

        Raises
        ------
        AnalysisError
            If the label rule needs norms and no picture has one.
        """
        values = [t.value(scale.id) for t in self.trials]
        own = np.array([np.nan if v is None else v for v in values], dtype=float)
        return Problem(
            features=self.matrix,
            ratings=labelled_ratings(own, norms, scale.midpoint, choices.label_rule),
            kept=self.kept,
            midpoint=scale.midpoint,
            label_rule=split_of(choices.label_rule),
            dead_zone=choices.dead_zone if choices.label_rule == "midpoint" else 0.0,
            groups=group_numbers([t.stimulus_id for t in self.trials]),
            onsets_s=np.array([t.onset_s for t in self.trials]),
            runs=self.runs,
            embargo_s=choices.embargo_s,
            class_names=_CLASS_NAMES.get(scale.id, ("low", "high")),
            views=self.views,
            combines=self.combines,
        )


def labelled_ratings(own: FloatArray, norms: FloatArray, midpoint: float, rule: LabelRule) -> FloatArray:
    """Ratings as the rule's split sees them: on the midpoint where norms leave a trial out.

    Parameters
    ----------
    own, norms : ndarray, shape (n_presented,)
        Ratings on the scale, norms from -1 to 1; NaN where there is none.

    Raises
    ------
    AnalysisError
        If the rule needs norms and no picture has one.
    """
    if not needs_norms(rule):
        return own
    if not np.isfinite(norms).any():
        raise AnalysisError(
            f"The label rule '{rule}' needs norms of the pictures and the study's stimuli have none for this scale; "
            "import norms with the stimuli, or choose another label rule."
        )
    known = np.nan_to_num(norms)
    side = np.sign(known) * (np.abs(known) > NEUTRAL_HALF_WIDTH)
    if rule == "norm":
        return np.where(np.isfinite(norms), midpoint + side, np.nan)
    # Unanswered trials stay unanswered.
    return np.where(np.isfinite(own) & (np.sign(own - midpoint) != side), midpoint, own)


def join_runs(runs: Sequence[TrialFeatures]) -> TrialGrid:
    """Put runs one after the other, with the columns that all of them have.

    Raises
    ------
    AnalysisError
        If the runs have no column in common.
    """
    whole = set().union(*(r.learned_names for r in runs))
    lacking = [r for r in runs if whole - set(r.learned_names)]
    names, matrix, lost = _common([(r.learned_names, r.columns(r.learned_names)) for r in runs])
    artifact_names, artifacts, lost_artifacts = _common([(r.artifact_names, r.artifacts) for r in runs])
    if not names:
        files = ", ".join(r.file for r in runs)
        raise AnalysisError(
            f"The recordings {files} have no feature in common; record the same channels in every run, or leave one of "
            "them out."
        )
    columns = {c.name: c for r in runs for c in _columns(r)}
    words = [line for r in runs for line in r.left_out]
    if lost:
        files = ", ".join(r.file for r in lacking)
        words.append(f"{lost} features that not every recording has: they are missing in {files}")
    if lost_artifacts:
        words.append(f"{lost_artifacts} artifact indices that not every recording has")
    return TrialGrid(
        trials=tuple(t for r in runs for t in r.trials),
        kept=np.concatenate([r.kept for r in runs]),
        reasons=tuple(reason for r in runs for reason in r.reasons),
        is_marked=np.concatenate([r.is_marked for r in runs]),
        matrix=matrix,
        columns=tuple(columns[name] for name in names),
        artifacts=artifacts,
        artifact_names=artifact_names,
        runs=np.repeat(np.arange(len(runs)), [len(r.trials) for r in runs]),
        left_out=tuple(dict.fromkeys(words)),
        window_s=runs[0].window_s,
        evoked_channels=_count_channels(runs, names),
        preparation=tuple(dict.fromkeys(r.preparation for r in runs if r.preparation)),
        views=_views(runs, names),
        combines="chosen" if runs[0].pipeline == "chosen" else "fused",
    )


def _views(runs: Sequence[TrialFeatures], names: Sequence[str]) -> tuple[View, ...]:
    """Return the views that every run has, as places among the shared columns; none if there is one model only."""
    if runs[0].pipeline not in ("fusion", "chosen"):
        return ()
    place = {name: k for k, name in enumerate(names)}
    everywhere = set.intersection(*({view.name for view in run.views} for run in runs))
    found = [
        View(view.name, np.array([place[n] for n in view.names if n in place], dtype=int))
        for view in runs[0].views
        if view.name in everywhere
    ]
    return tuple(view for view in found if len(view.columns))


def _count_channels(runs: Sequence[TrialFeatures], names: Sequence[str]) -> int:
    """Channels whose evoked samples the columns are, channel by channel; 0 if they are something else."""
    if any(run.learned_names != run.evoked_names for run in runs):
        return 0
    n_times = min(len(run.evoked_times_s) for run in runs)
    return len(names) // n_times if n_times and len(names) % n_times == 0 else 0


def _columns(run: TrialFeatures) -> tuple[FeatureColumn, ...]:
    times = np.tile(run.evoked_times_s, len(run.evoked_labels)) if run.evoked_names else np.empty(0)
    samples = (FeatureColumn(n, "V", (float(t), float(t))) for n, t in zip(run.evoked_names, times, strict=True))
    return (*samples, *(FeatureColumn(f.name, f.unit, f.window_s) for f in run.features))


def _common(tables: Sequence[tuple[tuple[str, ...], FloatArray]]) -> tuple[tuple[str, ...], FloatArray, int]:
    """Columns that every table has, in the first one's order, stacked; and how many others there are."""
    shared = tuple(n for n in tables[0][0] if all(n in names for names, _ in tables[1:]))
    stacked = [values[:, [names.index(n) for n in shared]] for names, values in tables]
    everything = {n for names, _ in tables for n in names}
    return shared, np.concatenate(stacked), len(everything) - len(shared)
