"""Artifact marks, and edits of them as values that can be undone."""

from bisect import bisect_left, insort
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True)
class ArtifactLabel:
    """What a mark may say.

    Parameters
    ----------
    id : str
        Stands in files: letters, digits and hyphens.
    words : str
        What a rater reads.
    key : str
        The single key that puts it.
    colour : str
        ``#rrggbb``.
    """

    id: str
    words: str
    key: str
    colour: str


# The colours were searched for: the nearest two are 26 CIE76 units apart for normal sight and for each of protanopia,
# deuteranopia and tritanopia (simulated after Machado et al. 2009); a test computes it.
SHIPPED_LABELS = (
    ArtifactLabel("blink", "Blink", "1", "#417fbe"),
    ArtifactLabel("eye", "Eye movement", "2", "#6eccff"),
    ArtifactLabel("muscle", "Muscle", "3", "#f60376"),
    ArtifactLabel("movement", "Movement", "4", "#8d9002"),
    ArtifactLabel("laughter", "Laughter", "5", "#ff9a77"),
    ArtifactLabel("speech", "Speech", "6", "#7e006a"),
    ArtifactLabel("pop", "Electrode pop", "7", "#6410af"),
    ArtifactLabel("line", "Line noise", "8", "#a3e11f"),
    ArtifactLabel("drift", "Drift", "9", "#0400ff"),
    ArtifactLabel("flat", "Flat", "0", "#704c03"),
    ArtifactLabel("eda-motion", "EDA motion", "E", "#325239"),
    ArtifactLabel("ecg-missed", "ECG missed beat", "H", "#a367ff"),
    ArtifactLabel("other", "Other", "O", "#e4ccc4"),
)
# Keys that labels may have; the other letters belong to the page's own acts.
LABEL_KEYS = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "E", "H", "O", "G", "J", "K", "W", "Y")
# Shipped label ids and the words a rater reads.
LABELS: dict[str, str] = {label.id: label.words for label in SHIPPED_LABELS}


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
        ``rater``, the suggestion's method ("suggested:muscle"), or where it was imported from ("imported:x.edf").
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
    """What an act changed: ``removed`` went, ``added`` came; ``text`` names it for the undo menu.

    Parameters
    ----------
    no_longer_bad, newly_bad : tuple of str
        Channels whose standing changed.
    """

    kind: EditKind
    removed: tuple[Annotation, ...]
    added: tuple[Annotation, ...]
    text: str
    no_longer_bad: tuple[str, ...] = ()
    newly_bad: tuple[str, ...] = ()

    @property
    def inverse(self) -> "Edit":
        """The edit that takes this one back."""
        opposite: dict[EditKind, EditKind] = {"add": "remove", "remove": "add", "change": "change"}
        return Edit(opposite[self.kind], self.added, self.removed, self.text, self.newly_bad, self.no_longer_bad)


@dataclass(frozen=True)
class AnnotationSet:
    """Annotations of one rater, sorted by onset.

    Parameters
    ----------
    bad_channels : tuple of str
        Channels that the rater takes out of the whole recording, sorted.
    """

    annotations: tuple[Annotation, ...] = ()
    bad_channels: tuple[str, ...] = ()

    def apply(self, edit: Edit) -> "AnnotationSet":
        """Return the set after an edit (equal annotations are removed once each)."""
        kept = list(self.annotations)
        for annotation in edit.removed:
            # Sorted: found in a few steps, so that thousands of marks cost nothing.
            place = bisect_left(kept, annotation)
            if place < len(kept) and kept[place] == annotation:
                del kept[place]
        for annotation in edit.added:
            insort(kept, annotation)
        bad = (set(self.bad_channels) - set(edit.no_longer_bad)) | set(edit.newly_bad)
        return AnnotationSet(tuple(kept), tuple(sorted(bad)))

    def add(self, new: Annotation) -> tuple["AnnotationSet", Edit]:
        """Add a mark; those of the same label, channels and comment that touch it merge into one."""
        return self._put((), new, f"Mark {new.label}")

    def remove(self, old: Annotation) -> tuple["AnnotationSet", Edit]:
        """Remove a mark."""
        edit = Edit("remove", (old,), (), f"Remove {old.label}")
        return self.apply(edit), edit

    def change(self, old: Annotation, new: Annotation) -> tuple["AnnotationSet", Edit]:
        """Replace a mark by another (a new label, moved edges, a comment); it merges with what it now touches."""
        return self._put((old,), new, f"Change {old.label}")

    def split(self, old: Annotation, at_s: float) -> tuple["AnnotationSet", Edit]:
        """Cut a mark in two, each of which can be changed alone.

        Raises
        ------
        ValueError
            If ``at_s`` is not inside the mark.
        """
        if not old.onset_s < at_s < old.stop_s:
            raise ValueError(f"{at_s} s is not inside the mark")
        first = replace(old, duration_s=at_s - old.onset_s)
        second = replace(old, onset_s=at_s, duration_s=old.stop_s - at_s)
        edit = Edit("change", (old,), (first, second), f"Split {old.label}")
        return self.apply(edit), edit

    def merge(self, marks: Iterable[Annotation]) -> tuple["AnnotationSet", Edit]:
        """Make one mark of several of one label, from the first onset to the last end, with all their channels.

        Raises
        ------
        ValueError
            If they are fewer than two, or of different labels.
        """
        joined = tuple(sorted(marks))
        if len(joined) < 2 or len({m.label for m in joined}) > 1:
            raise ValueError("take two or more marks of one label")
        onset = joined[0].onset_s
        everywhere = any(not m.channels for m in joined)
        channels = () if everywhere else tuple(dict.fromkeys(c for m in joined for c in m.channels))
        comment = "; ".join(dict.fromkeys(m.comment for m in joined if m.comment))
        whole = replace(joined[0], duration_s=max(m.stop_s for m in joined) - onset, channels=channels, comment=comment)
        edit = Edit("change", joined, (whole,), f"Join {len(joined)} × {whole.label}")
        return self.apply(edit), edit

    def set_bad(self, channels: Iterable[str], is_bad: bool) -> tuple["AnnotationSet", Edit]:
        """Take channels out of the whole recording, or back in."""
        known = set(self.bad_channels)
        names = tuple(sorted(set(channels) - known if is_bad else set(channels) & known))
        text = f"{', '.join(names)} {'bad' if is_bad else 'good'}"
        edit = Edit("change", (), (), text, () if is_bad else names, names if is_bad else ())
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

    def _put(self, gone: tuple[Annotation, ...], new: Annotation, text: str) -> tuple["AnnotationSet", Edit]:
        touching = tuple(
            a
            for a in self.annotations
            if a.onset_s <= new.stop_s
            and new.onset_s <= a.stop_s
            and (a.label, a.channels, a.comment) == (new.label, new.channels, new.comment)
            and a not in gone
        )
        onset = min([new.onset_s, *(a.onset_s for a in touching)])
        stop = max([new.stop_s, *(a.stop_s for a in touching)])
        merged = replace(new, onset_s=onset, duration_s=stop - onset)
        removed = (*gone, *touching)
        edit = Edit("change" if removed else "add", removed, (merged,), text)
        return self.apply(edit), edit
