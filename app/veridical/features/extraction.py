"""From a recording and its annotations to one row per trial."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from veridical.domain.annotation import Annotation, AnnotationSet
from veridical.domain.arrays import BoolArray, FloatArray
from veridical.domain.errors import AnalysisError
from veridical.domain.pipeline import PIPELINES, PipelineName
from veridical.domain.recording import Recording
from veridical.domain.study import StudySettings
from veridical.domain.trial_table import TrialRow
from veridical.features import table
from veridical.features.computing import ComputedFeatures, compute_features
from veridical.features.eeg import (
    EvokedSamples,
    PreparedEeg,
    artifact_indices,
)
from veridical.features.marks import first_label_touching, marked_share, relevant_marks
from veridical.features.table import FeatureDefinition, Modality
from veridical.features.timing import TOLERANCE_S, TrialTiming
from veridical.features.views import ViewPlan, plan_views

_SHOWN_REASONS = 2


@dataclass(frozen=True)
class View:
    """Columns that one model learns from, such as the evoked samples or one modality's named features."""

    name: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class TrialFeatures:
    """One row per presented trial, in presentation order.

    Parameters
    ----------
    file : str
        Name of the recording.
    pipeline : str
        What ``kept``, ``reasons`` and ``artifacts`` are about: the windows of everything that it learns from.
    views : tuple of View
        What the pipeline learns from; columns of one view have a model of their own if there are several.
    kept : ndarray of bool, shape (n_trials,)
        Trials that the pipeline may use.
    reasons : tuple of str
        Per trial: empty, or why it was dropped ("marked: Muscle").
    evoked : ndarray, shape (n_trials, n_evoked)
        Volts, channel by channel over ``evoked_times_s``. Finite in kept trials if they are learned from.
    named : ndarray, shape (n_trials, n_features)
        Finite in kept trials for modalities that are learned from; elsewhere NaN may stand where one failed.
    flags : tuple of str
        Per trial: empty, or that a mark touches it and the study keeps it ("flagged: Muscle").
    artifacts : ndarray, shape (n_trials, n_artifacts)
        Finite in kept trials.
    is_marked : ndarray of bool, shape (n_trials,)
        Whether a rater's mark touches the analysis window; known for dropped trials too.
    left_out : tuple of str
        Features, channels and modalities that were left out, in words.
    preparation : str
        How the EEG was prepared, in words; empty without EEG.
    evoked_labels : tuple of str
        Channels of ``evoked``.
    window_s : tuple of float
        The analysis window of the pipeline, seconds from onset.
    """

    file: str
    pipeline: PipelineName
    views: tuple[View, ...]
    trials: tuple[TrialRow, ...]
    kept: BoolArray
    reasons: tuple[str, ...]
    flags: tuple[str, ...]
    evoked: FloatArray
    evoked_names: tuple[str, ...]
    named: FloatArray
    features: tuple[FeatureDefinition, ...]
    artifacts: FloatArray
    artifact_names: tuple[str, ...]
    is_marked: BoolArray
    left_out: tuple[str, ...]
    preparation: str
    evoked_labels: tuple[str, ...]
    evoked_times_s: FloatArray
    window_s: tuple[float, float]

    @property
    def onsets_s(self) -> FloatArray:
        """Picture onsets, seconds from the recording's origin."""
        return np.array([t.onset_s for t in self.trials])

    @property
    def learned_names(self) -> tuple[str, ...]:
        """Columns that the pipeline learns from; of several views, each column once."""
        return tuple(dict.fromkeys(name for view in self.views for name in view.names))

    def columns(self, names: Sequence[str]) -> FloatArray:
        """Return columns of evoked samples and named features, shape (n_trials, n_names)."""
        place = {name: k for k, name in enumerate((*self.evoked_names, *(f.name for f in self.features)))}
        everything = np.column_stack([self.evoked, self.named])
        chosen: FloatArray = everything[:, [place[name] for name in names]]
        return chosen


def extract_features(
    recording: Recording,
    annotations: AnnotationSet,
    settings: StudySettings,
    pipeline: PipelineName | None = None,
) -> TrialFeatures:
    """Compute every feature whose window fits, and say which trials may be used.

    Parameters
    ----------
    recording : Recording
    annotations : AnnotationSet
        A rater's marks; suggestions do not count until accepted.
    settings : StudySettings
    pipeline : str or None
        None takes what the study fixed as primary.

    Returns
    -------
    TrialFeatures

    Raises
    ------
    AnalysisError
        If the recording shows no analysed picture, has none of EEG, EDA and ECG, or leaves the pipeline
        without a feature.
    """
    return select_trials(compute_features(recording, annotations, settings), pipeline or settings.analysis.pipeline)


def select_trials(computed: ComputedFeatures, pipeline: PipelineName) -> TrialFeatures:
    """Say what a pipeline learns from, and in which trials it may; AnalysisError if that leaves it nothing."""
    basis, eeg = computed.basis, computed.eeg
    recording, timing = basis.recording, basis.timing
    evoked, features, named = computed.evoked, computed.features, computed.named
    left_out = list(computed.left_out)
    plans = plan_views(pipeline, has_evoked=evoked is not None, named=features)
    if not plans:
        others = [p for p in PIPELINES if plan_views(p, has_evoked=evoked is not None, named=features)]
        # A picture that is too short leaves a long list out; the first reasons say which way it is.
        more = f"; and {len(left_out) - _SHOWN_REASONS} more" if len(left_out) > _SHOWN_REASONS else ""
        why = "; ".join(left_out[:_SHOWN_REASONS]) + more
        raise AnalysisError(
            f"From {Path(recording.file).name} the pipeline '{pipeline}' can learn nothing ({why}); take the "
            f"pipeline {' or '.join(repr(p) for p in others[:2])}, or assign more channels in study.toml."
        )
    used = evoked if any(p.is_evoked for p in plans) else None
    modalities = {m for p in plans if not p.is_evoked for m in p.modalities}
    is_used = [f.modality in modalities for f in features]
    used_features = tuple(f for f, is_in in zip(features, is_used, strict=True) if is_in)
    spans = _spans(used, used_features)
    marks = {m: relevant_marks(basis.annotations.annotations, recording, m, basis.bad_channels) for m in spans}
    window_s = (min(s[0] for s in spans.values()), max(s[1] for s in spans.values()))
    names, artifacts, missing = _artifacts(recording, eeg, timing, marks, window_s)
    left_out += missing
    samples = used.values if used is not None else np.empty((len(basis.trials), 0))
    needed = np.column_stack([samples, named[:, is_used], artifacts])
    owners = [*["EEG"] * samples.shape[1], *(f.modality for f in used_features), *["EEG"] * artifacts.shape[1]]
    rules = computed.preprocessing
    dropping = _touching(timing, {m: s for m, s in spans.items() if rules.mark_rule(m) == "drop"}, marks)
    flagging = _touching(timing, {m: s for m, s in spans.items() if rules.mark_rule(m) == "flag"}, marks)
    longest_s = min(timing.picture_s, max(stop_s for _, stop_s in spans.values()))
    reasons = _reasons(timing, longest_s, dropping, needed, owners)
    return TrialFeatures(
        file=recording.file,
        pipeline=pipeline,
        views=tuple(_view(plan, evoked, features) for plan in plans),
        trials=basis.trials,
        kept=np.array([not r for r in reasons], dtype=bool),
        reasons=reasons,
        evoked=evoked.values if evoked is not None else np.empty((len(basis.trials), 0)),
        evoked_names=evoked.names if evoked is not None else (),
        named=named,
        features=features,
        artifacts=artifacts,
        artifact_names=names,
        flags=tuple(f"flagged: {label}" if label else "" for label in flagging),
        is_marked=np.array([bool(label) for label in _touching(timing, spans, marks)], dtype=bool),
        left_out=tuple(left_out),
        preparation=computed.preparation,
        evoked_labels=eeg.labels if eeg is not None else (),
        evoked_times_s=evoked.times_s if evoked is not None else np.empty(0),
        window_s=window_s,
    )


_Spans = dict[Modality, tuple[float, float]]


def _evoked_span(evoked: EvokedSamples) -> _Spans:
    return {"EEG": (-evoked.baseline_s, float(evoked.times_s[-1] + 1 / table.EVOKED_HZ))}


def _view(plan: ViewPlan, evoked: EvokedSamples | None, features: Sequence[FeatureDefinition]) -> View:
    if plan.is_evoked:
        return View(plan.name, evoked.names if evoked is not None else ())
    return View(plan.name, tuple(f.name for f in features if f.is_evidence and f.modality in plan.modalities))


def _spans(evoked: EvokedSamples | None, features: tuple[FeatureDefinition, ...]) -> _Spans:
    """From the longest baseline to the last second that anything of a modality looks at."""
    spans = {} if evoked is None else _evoked_span(evoked)
    for f in features:
        start_s, stop_s = spans.get(f.modality, (0.0, 0.0))
        before_s = max(f.needs_before_s, table.EVOKED_BASELINE_S if f.modality == "EEG" else 0.0)
        spans[f.modality] = (min(start_s, -before_s), max(stop_s, f.window_s[1]))
    return spans


def _artifacts(
    recording: Recording,
    eeg: PreparedEeg | None,
    timing: TrialTiming,
    marks: dict[Modality, tuple[Annotation, ...]],
    window_s: tuple[float, float],
) -> tuple[tuple[str, ...], FloatArray, tuple[str, ...]]:
    """Artifact indices over the pipeline's window, and the share of it that is marked."""
    stop_s = min(max(window_s[1], 0.1), max(timing.picture_s, 0.1))
    names: tuple[str, ...] = ()
    values: FloatArray = np.empty((len(timing.onsets_s), 0))
    left_out: tuple[str, ...] = ()
    if eeg is not None:
        names, values, left_out = artifact_indices(eeg, recording.find_signal("EOG"), timing, stop_s)
    everything = sorted({mark for of_modality in marks.values() for mark in of_modality})
    share = marked_share(everything, timing.onsets_s + window_s[0], timing.onsets_s + window_s[1])
    return (*names, "marked"), np.column_stack([values, share]), left_out


def _touching(timing: TrialTiming, spans: _Spans, marks: dict[Modality, tuple[Annotation, ...]]) -> tuple[str, ...]:
    """Words of the first mark that touches a trial's window in one of the modalities, per trial; empty if none does."""
    found: list[str] = []
    for onset_s in timing.onsets_s:
        labels = [first_label_touching(marks[m], onset_s + a, onset_s + b) for m, (a, b) in spans.items()]
        found.append(next((text for text in labels if text), ""))
    return tuple(found)


def _reasons(
    timing: TrialTiming, longest_s: float, labels: Sequence[str], needed: FloatArray, owners: Sequence[str]
) -> tuple[str, ...]:
    """Say for every trial why it cannot be used; empty where it can.

    Parameters
    ----------
    longest_s : float
        How long the picture must have stayed.
    labels : sequence of str
        Per trial: the mark that drops it, or empty.
    needed : ndarray, shape (n_trials, n_columns)
        NaN where something is missing; ``owners`` names each column's modality.
    """
    reasons: list[str] = []
    for k, label in enumerate(labels):
        holes = np.isnan(needed[k])
        if np.isnan(timing.durations_s[k]):
            reasons.append("the picture's end is not marked")
        elif timing.durations_s[k] < longest_s - TOLERANCE_S:
            reasons.append(f"the picture stayed only {timing.durations_s[k]:.2f} s")
        elif label:
            reasons.append(f"marked: {label}")
        elif holes.any():
            where = {owner for owner, is_hole in zip(owners, holes, strict=True) if is_hole}
            reasons.append(f"gap, missing samples or unclear beats in {', '.join(sorted(where))}")
        else:
            reasons.append("")
    return tuple(reasons)
