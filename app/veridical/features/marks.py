"""What a rater's marks mean for each modality's trials."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from veridical.domain.annotation import LABELS, Annotation, AnnotationSet
from veridical.domain.arrays import FloatArray
from veridical.domain.recording import Recording
from veridical.domain.viewing import ViewedRecording
from veridical.features.table import MODALITIES, Modality

AnyRecording = Recording | ViewedRecording

# A mark on all channels touches the modalities that its label can disturb; labels not listed disturb every one.
_DISTURBS: Mapping[str, tuple[Modality, ...]] = {
    "blink": ("EEG",),
    "eye": ("EEG",),
    "muscle": ("EEG",),
    "pop": ("EEG",),
    "line": ("EEG",),
    "drift": ("EEG",),
    "flat": ("EEG",),
    "eda-motion": ("EDA",),
    "ecg-missed": ("ECG",),
}
# A mark on single channels over more than half of the recording says that the channel is bad, not every trial.
_BAD_SHARE = 0.5


def modalities_of(mark: Annotation, recording: AnyRecording) -> tuple[Modality, ...]:
    """Return what a mark disturbs: its channels' modalities, or those of its label."""
    by_label = _DISTURBS.get(mark.label, MODALITIES)
    if not mark.channels:
        return by_label
    touched: set[Modality] = set()
    for signal in recording.signals:
        if not set(signal.labels) & set(mark.channels):
            continue
        if signal.role in ("EEG", "EOG"):
            touched.add("EEG")
        elif signal.role == "EDA":
            touched.add("EDA")
        elif signal.role == "ECG":
            touched.add("ECG")
    return tuple(m for m in MODALITIES if m in touched) or by_label


def find_bad_channels(annotations: AnnotationSet, recording: AnyRecording) -> tuple[str, ...]:
    """Return channels that a rater took out, or marked by name over more than half of the recording."""
    seconds = dict.fromkeys(annotations.bad_channels, float("inf"))
    for mark in annotations.annotations:
        for channel in mark.channels:
            seconds[channel] = seconds.get(channel, 0.0) + mark.duration_s
    return tuple(c for c, total in seconds.items() if total > _BAD_SHARE * recording.stop_s)


def relevant_marks(
    marks: Iterable[Annotation], recording: AnyRecording, modality: Modality, bad: Sequence[str]
) -> tuple[Annotation, ...]:
    """Return the marks that disturb a modality, without those that only name bad channels."""
    return tuple(
        mark
        for mark in marks
        if modality in modalities_of(mark, recording) and not (mark.channels and set(mark.channels) <= set(bad))
    )


def first_label_touching(marks: Sequence[Annotation], start_s: float, stop_s: float) -> str:
    """Return the words of the first mark that shares time with the window; empty if none does."""
    for mark in marks:
        if mark.onset_s < stop_s and start_s < mark.stop_s:
            return LABELS.get(mark.label, mark.label)
    return ""


def marked_share(marks: Sequence[Annotation], starts_s: FloatArray, stops_s: FloatArray) -> FloatArray:
    """Return the share of each window that is marked; overlapping marks count once.

    Parameters
    ----------
    starts_s, stops_s : ndarray, shape (n_windows,)

    Returns
    -------
    ndarray, shape (n_windows,)
        0 to 1.
    """
    covered = np.zeros(len(starts_s))
    reached = -np.inf
    for mark in sorted(marks):
        # Only what no earlier mark has covered adds to the share.
        start_s, reached = max(mark.onset_s, reached), max(mark.stop_s, reached)
        covered += np.clip(np.minimum(stops_s, mark.stop_s) - np.maximum(starts_s, start_s), 0, None)
    return covered / np.maximum(stops_s - starts_s, np.finfo(float).tiny)
