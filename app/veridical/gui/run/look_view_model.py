"""What the look at a resting session shows, resolved without Qt."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from veridical.gui.common import wording
from veridical.gui.common.tokens import StatusLevel
from veridical.gui.run.view_model import SessionScreen

if TYPE_CHECKING:
    from veridical.services.calibrating import Calibration, Look, ProvisionalVerdict

REVIEWED = f"Provisional · 0{wording.THIN_SPACE}% reviewed by a rater"


@dataclass(frozen=True)
class VerdictColumn:
    """One of two verdicts side by side.

    Parameters
    ----------
    lines : tuple of str
        What stands behind it.
    """

    title: str
    level: StatusLevel
    headline: str
    score: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class LookScreen:
    """The result of a look."""

    title: str
    plan: str
    columns: tuple[VerdictColumn, ...]
    remark: str


def resolve_look(calibration: "Calibration") -> LookScreen:
    """Put both verdicts side by side."""
    n = calibration.n_suggestions
    remarks = [calibration.cannot_count, _agreement(calibration.verdicts)]
    remarks.append(
        f"{wording.count(n, 'suggestion')} of methods and operator wait for a rater; none was accepted here."
    )
    return LookScreen(
        title=REVIEWED,
        plan=plan_words(calibration.look),
        columns=tuple(_column(v) for v in calibration.verdicts),
        remark=" ".join(r for r in remarks if r),
    )


def ways_on(screen: SessionScreen) -> str:
    """Say above the buttons what each would do."""
    n = screen.n_blocks_left
    following = (
        f"Next planned block: {wording.count(n, 'block is', 'blocks are')} left in the protocol."
        if n
        else "The protocol has no more blocks."
    )
    return (
        f"Enough: no more pictures, only the closing questions. {following} Stop: the session ends now. "
        "After 15 minutes without a decision the protocol goes on by itself."
    )


def plan_words(look: "Look") -> str:
    """Say which look it is and below which p it counts."""
    if not look.is_planned:
        return (
            f"This look after block {look.block} was not planned in study.toml: it counts as a try, "
            "and the report will say so."
        )
    shown = f"after {wording.percent(look.share)} of the planned pictures"
    level = unbroken(f"p = {level_words(look.level)}")
    if look.n_looks == 1:
        return f"The plan's only look, {shown}; it counts below {level}."
    return (
        f"Look {look.number} of {look.n_looks}, {shown}; it counts below {level}, for the looks share "
        "O\N{RIGHT SINGLE QUOTATION MARK}Brien and Fleming\N{RIGHT SINGLE QUOTATION MARK}s way an error of .05."
    )


def unbroken(words: str) -> str:
    """Keep a short term on one line."""
    return words.replace(" ", "\N{NO-BREAK SPACE}")


def level_words(p: float) -> str:
    """Write a nominal level with the digits that matter."""
    digits = 3 if p >= 0.01 else 4 if p >= 0.001 else 5
    return f"{p:.{digits}f}".removeprefix("0")


def _column(verdict: "ProvisionalVerdict") -> VerdictColumn:
    from veridical.services.calibrating import REJECTIONS

    used = f"{verdict.n_shown - verdict.n_rejected} of {wording.count(verdict.n_shown, 'picture')} used"
    v = verdict.validation
    if v is None:
        return VerdictColumn(REJECTIONS[verdict.rejection], "unknown", verdict.headline, "–", (used,))
    level: StatusLevel = "good" if "bove chance, and none" in verdict.headline else "caution"
    low, high = v.interval95
    lines = (
        f"95 % between {wording.percent(low)} and {wording.percent(high)}; guessing stays below "
        f"{wording.percent(v.chance95)}; {unbroken(wording.p_value(v.p_value))}",
        f"{used}, {v.n_trials} of them with a clear rating",
    )
    return VerdictColumn(
        REJECTIONS[verdict.rejection], level, verdict.headline, wording.percent(v.balanced_accuracy), lines
    )


def _agreement(verdicts: "Sequence[ProvisionalVerdict]") -> str:
    """Say what it means if rejecting makes the difference."""
    known = [v for v in verdicts if v.validation is not None]
    if len(known) == 2 and known[0].headline != known[1].headline:
        return "The two disagree: the answer hangs on which stretches a rater will reject."
    return ""
