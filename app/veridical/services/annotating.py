"""Annotating one recording: marks with undo, saved at every edit, and suggestions."""

from dataclasses import dataclass

from veridical.domain.annotation import Annotation, AnnotationSet, Suggestion
from veridical.domain.participant import RunKey
from veridical.domain.progress import Work
from veridical.domain.recording import Recording
from veridical.services.study import Study


@dataclass(frozen=True)
class AnnotationState:
    """What the Annotate page shows.

    Parameters
    ----------
    undo_text, redo_text : str or None
        Name of the act that undo or redo would take back; None if there is none.
    """

    annotations: AnnotationSet
    suggestions: tuple[Suggestion, ...]
    undo_text: str | None
    redo_text: str | None


class AnnotationDesk:
    """One rater at one recording; every act is on disk before the call returns."""

    recording: Recording

    def __init__(self, study: Study, key: RunKey, rater: str = "rater1") -> None:
        raise NotImplementedError

    @property
    def state(self) -> AnnotationState:
        """The current state."""
        raise NotImplementedError

    def mark(self, annotation: Annotation) -> AnnotationState:
        """Add a mark (touching marks of the same label and channels merge)."""
        raise NotImplementedError

    def remove(self, annotation: Annotation) -> AnnotationState:
        """Remove a mark."""
        raise NotImplementedError

    def relabel(self, annotation: Annotation, label: str) -> AnnotationState:
        """Give a mark another label."""
        raise NotImplementedError

    def undo(self) -> AnnotationState:
        """Take back the last act; nothing happens if there is none."""
        raise NotImplementedError

    def redo(self) -> AnnotationState:
        """Do again what was taken back."""
        raise NotImplementedError

    def accept(self, suggestion: Suggestion) -> AnnotationState:
        """Turn a suggestion into a mark."""
        raise NotImplementedError

    def reject(self, suggestion: Suggestion) -> AnnotationState:
        """Drop a suggestion; the decision is stored."""
        raise NotImplementedError

    def close(self) -> None:
        """Rewrite the table and let go of the files."""
        raise NotImplementedError


def suggest_work(study: Study, key: RunKey) -> Work[tuple[Suggestion, ...]]:
    """Compute artifact suggestions and write them to ``suggestions.tsv``."""
    raise NotImplementedError
