"""The trials of a recording as a rater sees them: when, kept or dropped, and why."""

from dataclasses import dataclass

from veridical.domain.annotation import AnnotationSet
from veridical.domain.study import StudySettings
from veridical.domain.trial_table import trials_from_events
from veridical.domain.viewing import ViewedRecording
from veridical.features.marks import find_bad_channels, first_label_touching, relevant_marks
from veridical.features.table import EVOKED_BASELINE_S
from veridical.features.views import needed_modalities

# The evoked window of METHODS 4; slower measures look at the whole picture.
_EVOKED_S = 1.0


@dataclass(frozen=True)
class TrialLine:
    """One presented picture.

    Parameters
    ----------
    reason : str
        Why a model leaves it out, as far as marks decide; empty if it is kept.
    condition, stimulus, ratings : str
        Empty while the rater is blind.
    """

    trial: int
    block: int
    onset_s: float
    duration_s: float
    reason: str
    condition: str = ""
    stimulus: str = ""
    ratings: str = ""

    @property
    def is_kept(self) -> bool:
        """Whether a model may use it."""
        return not self.reason


def list_trials(
    recording: ViewedRecording, marks: AnnotationSet, settings: StudySettings, *, is_blind: bool
) -> tuple[TrialLine, ...]:
    """List the trials and what the rater's marks do to them.

    The window is the primary pipeline's: 0.2 s before to 1 s after onset of the EEG for ``evoked``, the whole picture
    of what is learned from otherwise. Gaps and missing samples are found when a model is trained.
    """
    picture_s = settings.protocol.picture_s
    needed = needed_modalities(settings.analysis.pipeline, picture_s)
    modalities = [m for m in needed if settings.preprocessing.mark_rule(m) == "drop"]
    stop_s = min(_EVOKED_S, picture_s) if settings.analysis.pipeline == "evoked" else picture_s
    bad = find_bad_channels(marks, recording)
    relevant = [relevant_marks(marks.annotations, recording, m, bad) for m in modalities]
    lines = []
    for t in trials_from_events(recording.events):
        labels = [first_label_touching(own, t.onset_s - EVOKED_BASELINE_S, t.onset_s + stop_s) for own in relevant]
        label = next((words for words in labels if words), "")
        ratings = ", ".join(f"{name} {r.value:g}" for name, r in t.ratings.items() if r.value is not None)
        lines.append(
            TrialLine(
                trial=t.trial,
                block=t.block,
                onset_s=t.onset_s,
                duration_s=t.duration_s or picture_s,
                reason=f"marked: {label}" if label else "",
                condition="" if is_blind else t.condition,
                stimulus="" if is_blind else t.stimulus_id,
                ratings="" if is_blind else ratings,
            )
        )
    return tuple(lines)
