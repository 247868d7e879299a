"""Artifact marks, and edits of them as values that can be undone."""

from dataclasses import dataclass, replace
from typing import Literal

# Label ids and the words a rater reads; the order fixes keys 1 to 9 and 0.
LABELS: dict[str, str] = {
    "blink": "Blink",
    "eye": "Eye movement",
    "muscle": "Muscle",
    "movement": "Movement",
    "laughter": "Laughter",
    "speech": "Speech",
    "pop": "Electrode pop",
    "line": "Line noise",
    "drift": "Drift",
    "flat": "Flat",
    "eda-motion": "EDA motion",
    "ecg-missed": "ECG missed beat",
    "other": "Other",
}


@dataclass(frozen=True, order=True)
class Annotation:
    """A marked stretch of time.

    Parameters
    ----------
    onset_s, duration_s : float
        Seconds from the recording's origin; duration above 0.
    label : str
        One of LABELS, or a study's own.
    channels : tuple of str
        Empty for all channels.
    source : str
        ``rater`` or the suggestion's method ("suggested:muscle").
    """

    onset_s: float
    duration_s: float
    label: str
    channels: tuple[str, ...] = ()
    comment: str = ""
    source: str = "rater"

    @property
    def stop_s(self) -> float:
        """End in seconds."""
        return self.onset_s + self.duration_s


@dataclass(frozen=True)
class Suggestion:
    """A stretch that a method proposes to mark.

    Parameters
    ----------
    score : float
        The method's own number; larger is stronger.
    reason : str
        In words: "20-45 Hz power 8.3 SD above this recording's median".
    """

    onset_s: float
    duration_s: float
    label: str
    channels: tuple[str, ...]
    method: str
    score: float
    reason: str


EditKind = Literal["add", "remove", "change"]


@dataclass(frozen=True)
class Edit:
    """What an act changed: ``removed`` went, ``added`` came; ``text`` names it for the undo menu."""

    kind: EditKind
    removed: tuple[Annotation, ...]
    added: tuple[Annotation, ...]
    text: str

    @property
    def inverse(self) -> "Edit":
        """The edit that takes this one back."""
        opposite: dict[EditKind, EditKind] = {"add": "remove", "remove": "add", "change": "change"}
        return Edit(opposite[self.kind], self.added, self.removed, self.text)


@dataclass(frozen=True)
class AnnotationSet:
    """Annotations of one rater, sorted by onset."""

    annotations: tuple[Annotation, ...] = ()

    def apply(self, edit: Edit) -> "AnnotationSet":
        """Return the set after an edit (equal annotations are removed once each)."""
        kept = list(self.annotations)
        for annotation in edit.removed:
            if annotation in kept:
                kept.remove(annotation)
        return AnnotationSet(tuple(sorted([*kept, *edit.added])))

    def add(self, new: Annotation) -> tuple["AnnotationSet", Edit]:
        """Add a mark; those of the same label, channels and comment that touch it merge into one."""
        touching = tuple(
            a
            for a in self.annotations
            if (a.label, a.channels, a.comment) == (new.label, new.channels, new.comment)
            and a.onset_s <= new.stop_s
            and new.onset_s <= a.stop_s
        )
        onset = min([new.onset_s, *(a.onset_s for a in touching)])
        stop = max([new.stop_s, *(a.stop_s for a in touching)])
        merged = replace(new, onset_s=onset, duration_s=stop - onset)
        edit = Edit("change" if touching else "add", touching, (merged,), f"Mark {new.label}")
        return self.apply(edit), edit

    def remove(self, old: Annotation) -> tuple["AnnotationSet", Edit]:
        """Remove a mark."""
        edit = Edit("remove", (old,), (), f"Remove {old.label}")
        return self.apply(edit), edit

    def change(self, old: Annotation, new: Annotation) -> tuple["AnnotationSet", Edit]:
        """Replace a mark by another (a new label, moved edges, a comment)."""
        edit = Edit("change", (old,), (new,), f"Change {old.label}")
        return self.apply(edit), edit

    def clip(self, start_s: float, stop_s: float) -> tuple["AnnotationSet", Edit]:
        """Cut marks to [start_s, stop_s]; those wholly outside go."""
        removed, added = [], []
        for a in self.annotations:
            onset, stop = max(a.onset_s, start_s), min(a.stop_s, stop_s)
            if (onset, stop) != (a.onset_s, a.stop_s):
                removed.append(a)
                if stop > onset:
                    added.append(replace(a, onset_s=onset, duration_s=stop - onset))
        edit = Edit("change", tuple(removed), tuple(added), "Clip to the recording")
        return self.apply(edit), edit

    def touching(self, start_s: float, stop_s: float) -> tuple[Annotation, ...]:
        """Marks that share time with [start_s, stop_s)."""
        return tuple(a for a in self.annotations if a.onset_s < stop_s and start_s < a.stop_s)
