"""What a rater has looked at, how methods did, and the trials: beside the signals."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QAbstractListModel, Qt

from veridical.gui.annotate.suggestion_list import AnyIndex
from veridical.gui.annotate.view_model import AnnotateScreen
from veridical.gui.common import wording

if TYPE_CHECKING:
    from veridical.domain.agreement import LabelAgreement
    from veridical.domain.method_record import MethodRecord
    from veridical.services.consensus import RaterAgreement
    from veridical.services.trial_list import TrialLine

_METHOD_WORDS = {"beats": "heart beats", "eda": "skin conductance", "flat": "flat or saturated", "operator": "observed"}


class TrialList(QAbstractListModel):
    """One row per trial."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: tuple[TrialLine, ...] = ()

    def show_rows(self, rows: "tuple[TrialLine, ...]") -> None:
        """Replace the rows if they changed."""
        if rows != self.rows:
            self.beginResetModel()
            self.rows = rows
            self.endResetModel()

    def rowCount(self, parent: AnyIndex | None = None) -> int:  # noqa: N802
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role == Qt.ItemDataRole.DisplayRole:
            return trial_words(self.rows[index.row()])
        return None


def trial_words(trial: "TrialLine") -> str:
    """One line: number, time, what it was if that may be known, kept or dropped and why."""
    standing = "kept" if trial.is_kept else f"dropped, {trial.reason}"
    parts = (f"{trial.trial}", wording.clock(trial.onset_s), trial.condition, trial.stimulus, trial.ratings, standing)
    return " · ".join(part for part in parts if part)


def trial_summary(trials: "Sequence[TrialLine]") -> str:
    """How many are kept."""
    if not trials:
        return "No pictures were shown in this recording."
    n_kept = sum(t.is_kept for t in trials)
    return f"{n_kept} of {wording.count(len(trials), 'trial')} kept by your marks."


def review_words(screen: AnnotateScreen) -> str:
    """How much was looked at, and what comes next."""
    if screen.again:
        return (
            f"Judging {wording.count(len(screen.again), 'stretch', 'stretches')} of 10 s again (Shift+U; Ctrl+G ends)."
        )
    review = screen.review
    if review.is_locked:
        seen = "classes and ratings are shown" if review.is_unblinded else "still blind"
        after = f", {wording.count(review.n_edits_after, 'change')} since" if review.n_edits_after else ""
        return f"Locked as reviewed, {seen}{after}."
    left = review.unseen(screen.length_s)
    if not left and screen.length_s > 0:
        return "All of it was on screen: lock it as reviewed (Ctrl+L)."
    # Never 100 % while something is left.
    share = min(0.99, review.share(screen.length_s))
    return f"{wording.percent(share)} looked at, {wording.count(len(left), 'stretch', 'stretches')} left (U)."


def queue_words(screen: AnnotateScreen) -> str:
    """How many suggestions are left, and how long they will take."""
    n = len(screen.suggestions)
    if not n:
        return "None to decide on."
    words = f"{wording.count(n, 'suggestion')} to decide on; none counts before you accept it."
    if screen.minutes_left is not None:
        words += f" At your pace {wording.remaining(60 * screen.minutes_left)}."
    return words


def method_words(records: "Sequence[MethodRecord]") -> str:
    """How the methods did against this rater, a line each; only those that were decided on."""
    lines = []
    for r in records:
        if r.precision is None:
            continue
        name = _METHOD_WORDS.get(r.method, r.method)
        recall = "" if r.recall is None else f", found {r.n_found} of {r.n_marks} marks"
        lines.append(f"{name}: {r.n_accepted} of {r.n_accepted + r.n_rejected} accepted{recall}")
    return "\n".join(lines)


def again_words(found: "Sequence[LabelAgreement]") -> str:
    """How far a rater agrees with themselves."""
    if not found:
        return ""
    whole = found[0]
    if whole.kappa is None:
        return "Judged again: nothing was marked either time in these stretches, so there is no agreement to tell."
    parts = [f"kappa {wording.number(whole.kappa, 2)} over time"]
    if whole.f1 is not None:
        parts.append(f"{whole.n_matched} of {max(whole.n_events)} marks found again")
    return f"Judged again: {', '.join(parts)}."


def agreement_words(found: "RaterAgreement") -> str:
    """How far raters agree, in one sentence for each pair."""
    sentences = []
    for pair in found.pairs:
        whole = pair.labels[0]
        kappa = "not defined" if whole.kappa is None else wording.number(whole.kappa, 2)
        f1 = "" if whole.f1 is None else f", F1 of events {wording.number(whole.f1, 2)}"
        error = "" if whole.onset_error_s is None else f", onsets {wording.number(whole.onset_error_s, 2)} s apart"
        sentences.append(f"{pair.one} and {pair.other}: kappa {kappa} over time{f1}{error}.")
    if len(found.raters) > 2 and found.alpha[0][1] is not None:
        sentences.append(f"Krippendorff's alpha of all {len(found.raters)}: {wording.number(found.alpha[0][1], 2)}.")
    return " ".join(sentences)
