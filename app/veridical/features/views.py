"""What a pipeline learns from: evoked samples, named features of some modalities, or several of these as views."""

from collections.abc import Sequence
from dataclasses import dataclass

from veridical.domain.pipeline import PipelineName
from veridical.features.table import MODALITIES, NAMED_FEATURES, FeatureDefinition, Modality

_EVOKED_NAME = "evoked samples"
_NAMES: dict[Modality, str] = {"EEG": "named EEG features", "EDA": "skin conductance", "ECG": "heart rate"}
_ALL_NAME = "all named features"
_SINGLE: dict[PipelineName, Modality] = {"eeg": "EEG", "eda": "EDA", "ecg": "ECG"}


@dataclass(frozen=True)
class ViewPlan:
    """Features that one model learns from.

    Parameters
    ----------
    name : str
        In words.
    is_evoked : bool
        Whether they are the evoked samples; then ``modalities`` is the EEG.
    modalities : tuple of str
        Whose named features they are.
    """

    name: str
    is_evoked: bool
    modalities: tuple[Modality, ...]


def plan_views(pipeline: PipelineName, *, has_evoked: bool, named: Sequence[FeatureDefinition]) -> tuple[ViewPlan, ...]:
    """Return the views of a pipeline that a recording has features for; empty if there is none.

    Parameters
    ----------
    has_evoked : bool
        Whether there are evoked samples.
    named : sequence of FeatureDefinition
        Named features that could be computed; only evidence counts.
    """
    there = tuple(m for m in MODALITIES if any(f.modality == m and f.is_evidence for f in named))
    singles = {m: ViewPlan(_NAMES[m], False, (m,)) for m in there}
    together = (ViewPlan(_ALL_NAME, False, there),) if there else ()
    evoked = (ViewPlan(_EVOKED_NAME, True, ("EEG",)),) if has_evoked else ()
    if pipeline in _SINGLE:
        return tuple(v for m, v in singles.items() if m == _SINGLE[pipeline])
    if pipeline == "evoked":
        # A recording without EEG still has an answer.
        return evoked or together
    if pipeline == "interpretable":
        return together
    if pipeline == "fusion":
        of_eeg = evoked or tuple(v for m, v in singles.items() if m == "EEG")
        return (*of_eeg, *(v for m, v in singles.items() if m != "EEG"))
    # One modality's named features are the same as all named features where there is no other.
    return (*evoked, *singles.values(), *(together if len(there) > 1 else ()))


def needed_modalities(pipeline: PipelineName, picture_s: float) -> tuple[Modality, ...]:
    """Return the modalities that a pipeline learns from where pictures stay ``picture_s`` seconds.

    Of the named features those count whose windows the pictures leave room for: a skin response that no picture is
    long enough for needs no electrodes.
    """
    named = [d for d in NAMED_FEATURES if d.needs_picture_s <= picture_s]
    plans = plan_views(pipeline, has_evoked=True, named=named)
    return tuple(m for m in MODALITIES if any(m in p.modalities for p in plans))
