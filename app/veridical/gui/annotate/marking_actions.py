"""What a rater can do with marks, as rows of the actions table: every gesture has a key."""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from veridical.domain.annotation import LABEL_KEYS, SHIPPED_LABELS
from veridical.gui.annotate.view_model import AnnotateModel
from veridical.gui.common.actions import Action


class MarkingDesk(Protocol):
    """What the actions need of the page."""

    model: AnnotateModel

    def do(self, act: Callable[[], object]) -> None:
        """Run one act of the model, show a problem in words, draw."""
        ...

    def ask_comment(self) -> None:
        """Ask for a comment to the selected mark."""
        ...

    def put_key(self, key: str) -> None:
        """Put the label that has this key in the study."""
        ...

    def has_key(self, key: str) -> bool:
        """Whether a label of the study has this key and there is something to label."""
        ...

    def toggle_again(self) -> None:
        """Begin or end the second judgement of a tenth."""
        ...

    def unblind(self) -> None:
        """Ask, then show classes and ratings."""
        ...

    def add_rater(self) -> None:
        """Ask for a name and mark under it."""
        ...

    def resolve(self) -> None:
        """Open the consensus of all raters."""
        ...

    def show_agreement(self) -> None:
        """Say how far the raters agree."""
        ...

    def bring_in(self) -> None:
        """Ask for a file of marks and add them."""
        ...

    def carry_out(self) -> None:
        """Ask for a name and write the marks for another program."""
        ...

    def toggle_trials(self) -> None:
        """List trials in place of suggestions, or suggestions again."""
        ...


def make_marking_actions(page: MarkingDesk) -> tuple[Action, ...]:
    """Rows for stretches, marks, jumps, labels, review and raters."""
    model = page.model

    def is_open() -> bool:
        return model.is_open

    def has_selected() -> bool:
        return model.screen.selected is not None

    def has_hand() -> bool:
        return model.screen.selected is not None or model.screen.pending is not None

    def has_channels() -> bool:
        return bool(model.channels_in_hand)

    def can_lock() -> bool:
        review = model.screen.review
        return is_open() and not review.is_locked and review.is_complete(model.screen.length_s)

    def can_unblind() -> bool:
        return model.screen.review.is_locked and model.screen.is_blind

    jump = model.jump
    acts: tuple[tuple[str, str, str, Callable[[], object], Callable[[], bool], str], ...] = (
        ("stop_later", "End later, or begin a stretch", "Shift+Right", partial(model.move_stop, 1), is_open,
         "Of the stretch or mark in hand, by a hundredth of the window; zoom in for finer steps."),
        ("stop_earlier", "End earlier", "Shift+Left", partial(model.move_stop, -1), is_open, ""),
        ("start_later", "Begin later, or move the cursor", "Ctrl+Right", partial(model.move_start, 1), is_open,
         "Without a stretch or mark in hand it moves the cursor, where keys begin a stretch."),
        ("start_earlier", "Begin earlier, or move the cursor back", "Ctrl+Left", partial(model.move_start, -1),
         is_open, ""),
        ("channel_next", "Stretch on the next channel", "Shift+Down", partial(model.step_channel, 1), is_open,
         "From all channels to the first one, and so on."),
        ("channel_previous", "Stretch on the previous channel", "Shift+Up", partial(model.step_channel, -1),
         is_open, ""),
        ("channel_more", "Stretch on one channel more", "Ctrl+Down", partial(model.extend_channels, 1), is_open, ""),
        ("channel_fewer", "Stretch on one channel fewer", "Ctrl+Up", partial(model.extend_channels, -1), is_open, ""),
        ("split", "Split the mark", "X", model.split, has_selected, "At the last click or cursor inside it, or in its "
         "middle."),
        ("join", "Join marks", "Ctrl+J", model.join, has_hand, "The selected mark with the next of its label, or all "
         "of one label under the stretch in hand."),
        ("comment", "Comment on the mark", "T", page.ask_comment, has_selected, ""),
        ("bad", "Bad channel or good again", "B", model.toggle_bad, has_channels,
         "Of the channels in hand: out of the whole recording, in every feature and average reference."),
        ("snap", "Edges snap to pictures, or to samples only", "S", model.toggle_snap, is_open, ""),
        ("next_trial", "Next trial", "N", partial(jump, "trial", 1), is_open, ""),
        ("previous_trial", "Previous trial", "Shift+N", partial(jump, "trial", -1), is_open, ""),
        ("next_event", "Next event", "V", partial(jump, "event", 1), is_open, ""),
        ("previous_event", "Previous event", "Shift+V", partial(jump, "event", -1), is_open, ""),
        ("next_mark", "Next mark", "M", partial(jump, "mark", 1), is_open, ""),
        ("previous_mark", "Previous mark", "Shift+M", partial(jump, "mark", -1), is_open, ""),
        ("next_unseen", "Next stretch not looked at", "U", partial(jump, "unseen", 1), is_open,
         "A stretch counts as looked at when it was on screen in a window of a minute or less."),
        ("next_again", "Next stretch to judge again", "Shift+U", partial(jump, "again", 1),
         lambda: bool(model.screen.again), ""),
        ("lock", "Lock as reviewed", "Ctrl+L", model.lock, can_lock,
         "Once all of it was on screen. Later changes stay possible, are logged and count as an analysis."),
    )  # fmt: skip
    whole: tuple[tuple[str, str, str, Callable[[], None], Callable[[], bool], str], ...] = (
        ("unblind", "Show classes and ratings", "Ctrl+U", page.unblind, can_unblind,
         "Only after the lock; it is logged and counts as an analysis."),
        ("judge_again", "Judge a tenth again, or end that", "Ctrl+G", page.toggle_again, is_open,
         "A tenth of the recording without your marks: how far you agree with yourself."),
        ("add_rater", "Mark as another rater", "Ctrl+Shift+R", page.add_rater, is_open,
         "Every rater has a file of their own and sees no other's marks."),
        ("agreement", "Agreement of the raters", "Ctrl+Shift+G", page.show_agreement, is_open, ""),
        ("resolve", "Resolve the raters' differences", "Ctrl+Shift+D", page.resolve, is_open,
         "What all agree on is taken over; you decide on the rest. The consensus then counts in their place."),
        ("import_marks", "Import marks", "Ctrl+I", page.bring_in, is_open,
         "From MNE (FIF, CSV), EDF+, BIDS events, EEGLAB text or a table of Veridical's."),
        ("export_marks", "Export marks", "Ctrl+E", page.carry_out, is_open,
         "For MNE (-annot.fif, .csv), EDF+ (.edf), BIDS (_events.tsv) or EEGLAB (.txt)."),
        ("trials", "List trials or suggestions", "Ctrl+T", page.toggle_trials, is_open,
         "Trials with what your marks do to them: kept or dropped, and why."),
    )  # fmt: skip
    shipped = {label.key: label for label in SHIPPED_LABELS}
    labels = []
    for key in LABEL_KEYS:
        known = shipped.get(key)
        labels.append(
            Action(
                f"annotate.label.{known.id if known else key.lower()}",
                f"Label: {known.words}" if known else f"The study's label on {key}",
                key,
                partial(page.put_key, key),
                partial(page.has_key, key),
                "Label the stretch in hand or the selected mark, or take the chosen suggestion with this label.",
                "annotate",
            )
        )
    return (
        *(Action(f"annotate.{i}", text, key, partial(page.do, run), when, words, "annotate")
          for i, text, key, run, when, words in acts),
        *(Action(f"annotate.{i}", text, key, run, when, words, "annotate") for i, text, key, run, when, words in whole),
        *labels,
    )  # fmt: skip
