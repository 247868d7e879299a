"""One step of the preparation changed at a time: a fixed row, shown and never chosen from (METHODS 5.9)."""

from dataclasses import dataclass, replace

from veridical.domain.errors import AnalysisError
from veridical.domain.pipeline import PipelineName
from veridical.domain.preprocessing import AVERAGE, RECORDED, Preprocessing
from veridical.features.computing import ComputedFeatures, compute_from
from veridical.features.extraction import TrialFeatures, select_trials
from veridical.features.views import plan_views
from veridical.learning.parallel import each


@dataclass(frozen=True)
class Change:
    """One change of the preparation."""

    words: str
    preprocessing: Preprocessing
    removes_line_noise: bool = True


def vary(computed: ComputedFeatures, pipeline: PipelineName) -> dict[str, TrialFeatures | AnalysisError]:
    """Prepare a recording anew by each change that can matter to a pipeline, several at once.

    Returns
    -------
    dict
        By the change in words: features, or why the recording cannot be prepared like that.
    """
    plans = plan_views(pipeline, has_evoked=computed.evoked is not None, named=computed.features)
    uses_eeg = any("EEG" in plan.modalities for plan in plans)
    only_evoked = all(plan.is_evoked for plan in plans)
    is_average = computed.eeg is not None and computed.eeg.is_average_reference
    changes = _changes(computed.preprocessing, is_average=is_average, has_eeg=uses_eeg)

    def prepare(change: Change) -> TrialFeatures | AnalysisError:
        try:
            again = compute_from(
                computed.basis,
                change.preprocessing,
                only_evoked=only_evoked,
                removes_line_noise=change.removes_line_noise,
            )
            return select_trials(again, pipeline)
        except AnalysisError as error:
            return error

    return dict(zip((c.words for c in changes), each(changes, prepare), strict=True))


def _changes(fixed: Preprocessing, *, is_average: bool, has_eeg: bool) -> tuple[Change, ...]:
    """Return the row for what a study fixed; it depends on nothing that was found."""
    drops = "drop" in (fixed.marked_eeg, fixed.marked_eda, fixed.marked_ecg)
    marks = replace(fixed, marked_eeg="keep", marked_eda="keep", marked_ecg="keep")
    if not drops:
        marks = replace(fixed, marked_eeg="drop", marked_eda="drop", marked_ecg="drop")
    of_marks = Change("marked trials kept" if drops else "marked trials dropped", marks)
    if not has_eeg:
        return (of_marks,)
    reference = replace(fixed, reference=RECORDED if is_average else AVERAGE)
    cuts_drifts, is_sharp = fixed.high_pass_hz >= 0.5, fixed.low_pass_hz > 12
    return (
        Change("reference as recorded" if is_average else "average reference", reference),
        Change(
            "slow drifts from 0.1 Hz on kept" if cuts_drifts else "slow drifts below 0.5 Hz cut",
            replace(fixed, high_pass_hz=0.1 if cuts_drifts else 0.5),
        ),
        Change(
            "evoked samples below 12 Hz" if is_sharp else "evoked samples below 24 Hz",
            replace(fixed, low_pass_hz=12.0 if is_sharp else 24.0),
        ),
        Change("hum left in", fixed, removes_line_noise=False),
        of_marks,
    )
