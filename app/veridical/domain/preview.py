"""What a protocol amounts to before anybody sits down: how long, how many, and what to think twice about."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Literal

from veridical.domain.protocol import Baseline, Protocol, SessionPlan, Trial
from veridical.domain.rating import Scale
from veridical.domain.stimulus import CONDITIONS, Condition

PartKind = Literal["words", "baseline", "practice", "block", "transfer", "break", "familiarity"]

# Seconds. A practised participant answers a scale in about 1.5 s; words and breaks are self-paced, so these are guesses
# and every length that rests on them is said to be about so long.
RATING_S = 1.7
TYPING_S = 12.0
READING_S = 8.0
BREAK_S = 25.0
_LOOK_S = 1.5
# Onsets nearer than this let skin conductance responses overlap (METHODS 2).
_LEAST_GAP_S = 12.0
# Of METHODS 5.5: a true balanced accuracy of .70 needs 40 trials, .65 needs 74, both called optimistic there.
_FEW_TRIALS = 50


@dataclass(frozen=True)
class Part:
    """A stretch of the session on its time axis.

    Parameters
    ----------
    start_s, duration_s : float
        Expected, in seconds from the first instruction.
    n_trials : int
        Pictures in it.
    """

    kind: PartKind
    name: str
    start_s: float
    duration_s: float
    n_trials: int = 0


@dataclass(frozen=True)
class Preview:
    """A session's timeline and counts.

    Parameters
    ----------
    counts : mapping as tuple
        Trials of each class shown, repeats included.
    warnings : tuple of str
        What is possible and should be thought about twice.
    """

    parts: tuple[Part, ...]
    counts: tuple[tuple[Condition, int], ...]
    n_trials: int
    n_repeats: int
    n_checks: int
    warnings: tuple[str, ...]

    @property
    def duration_s(self) -> float:
        """Expected length in seconds."""
        return self.parts[-1].start_s + self.parts[-1].duration_s if self.parts else 0.0


def rating_s(scale: Scale) -> float:
    """Expected seconds to answer a scale."""
    return TYPING_S if scale.kind == "text" else RATING_S


def trial_s(trial: Trial, scales: dict[str, Scale], min_onset_gap_s: float = 0.0) -> float:
    """Expected seconds from a trial's fixation to the next one's."""
    answers = sum(rating_s(scales[s]) if s in scales else RATING_S for s in trial.scales)
    check = RATING_S if trial.check is not None else 0.0
    own = trial.fixation_s + trial.picture_s + trial.blank_s + answers + trial.iti_s
    return max(own, min_onset_gap_s) + check


def estimate_s(protocol: Protocol) -> float:
    """Expected length of a session in seconds, jitter at its mean: what ``preview`` finds for an average plan."""
    scales = {s.id: s for s in protocol.all_scales}
    mean = Trial(
        number=1,
        block=1,
        stimulus_id="",
        condition="neutral",
        fixation_s=sum(protocol.fixation_s) / 2,
        picture_s=protocol.picture_s,
        iti_s=sum(protocol.iti_s) / 2,
        scales=tuple(s.id for s in protocol.scales),
        blank_s=sum(protocol.blank_s) / 2,
    )
    rests = [s for s in (protocol.baseline_open_s, protocol.baseline_closed_s) if s > 0]
    seconds = (
        3 * READING_S + sum(rests) + READING_S * (len(rests) + bool(rests)) + 2 * READING_S * bool(protocol.n_practice)
    )
    seconds += (protocol.n_trials + protocol.n_practice) * trial_s(mean, scales, protocol.min_onset_gap_s)
    if protocol.n_clips:
        # Clips as long as they may be: the set is not known here.
        clip = replace(mean, picture_s=protocol.clip_s)
        seconds += READING_S + max(BREAK_S, protocol.min_break_s) + protocol.n_clips * trial_s(clip, scales)
    seconds += RATING_S * protocol.n_attention_checks + (protocol.n_blocks - 1) * max(BREAK_S, protocol.min_break_s)
    if protocol.has_familiarity_pass:
        asked = sum(rating_s(s) for s in protocol.all_scales[len(protocol.scales) :])
        seconds += READING_S + protocol.n_pictures * (_LOOK_S + asked)
    return seconds


def preview(protocol: Protocol, plan: SessionPlan) -> Preview:
    """Lay a resolved session out on a time axis and count it."""
    scales = {s.id: s for s in protocol.all_scales}
    parts: list[Part] = []

    def add(kind: PartKind, name: str, duration_s: float, n_trials: int = 0) -> None:
        start_s = parts[-1].start_s + parts[-1].duration_s if parts else 0.0
        parts.append(Part(kind, name, start_s, duration_s, n_trials))

    def run(trials: tuple[Trial, ...]) -> float:
        return sum(trial_s(t, scales, plan.min_onset_gap_s) for t in trials)

    add("words", "instructions", 2 * READING_S)
    for baseline in plan.baselines:
        add("baseline", _rest_name(baseline), READING_S + baseline.duration_s)
    if plan.baselines:
        add("words", "end of the rest", READING_S)
    if plan.practice:
        add("practice", "practice", 2 * READING_S + run(plan.practice), len(plan.practice))
    for k, block in enumerate(plan.blocks):
        if k:
            add("break", "break", max(BREAK_S, plan.min_break_s))
        if block[0].is_clip:
            add("transfer", "clips", READING_S + run(block), len(block))
        else:
            add("block", f"block {k + 1}", run(block), len(block))
    if plan.familiarity:
        asked = sum(rating_s(scales[s]) for s in plan.familiarity_scales)
        seconds = READING_S + len(plan.familiarity) * (_LOOK_S + asked)
        add("familiarity", "familiarity", seconds, len(plan.familiarity))
    add("words", "debrief", READING_S)
    # The model learns from pictures: clips only test it.
    pictures = [t for t in plan.trials if not t.is_clip]
    counted = Counter(t.condition for t in pictures)
    return Preview(
        parts=tuple(parts),
        counts=tuple((c, counted[c]) for c in CONDITIONS if c in protocol.conditions),
        n_trials=len(pictures),
        n_repeats=sum(t.repeat_of is not None for t in plan.trials),
        n_checks=sum(t.check is not None for t in plan.trials),
        warnings=tuple(_warnings(protocol, plan, counted)),
    )


def _rest_name(baseline: Baseline) -> str:
    return "eyes open" if baseline.kind == "eyes-open" else "eyes closed"


def _warnings(protocol: Protocol, plan: SessionPlan, counted: Counter[Condition]) -> list[str]:
    """Sentences about what the protocol leaves for the analysis."""
    words: list[str] = []
    n = sum(counted.values())
    extremes = counted["negative"] + counted["positive"]
    if counted["neutral"] and extremes:
        few = ", which is few for a single participant" if extremes < _FEW_TRIALS else ""
        words.append(
            f"Negative against positive leaves {extremes} of {n} trials: the {counted['neutral']} neutral ones drop "
            f"out{few}."
        )
    elif n < _FEW_TRIALS:
        words.append(f"{n} trials are few for a single participant: expect wide intervals.")
    n_repeats = sum(t.repeat_of is not None for t in plan.trials)
    if n_repeats < 24 and n:
        had = f"{n_repeats} repeated pictures are" if n_repeats else "Without repeated pictures there is"
        gap = "too few for a label ceiling (24 are needed)" if n_repeats else "no label ceiling"
        words.append(f"{had} {gap}.")
    least = protocol.fixation_s[0] + protocol.picture_s + protocol.blank_s[0] + protocol.iti_s[0]
    if max(least, protocol.min_onset_gap_s) < _LEAST_GAP_S - RATING_S * max(1, len(protocol.scales)):
        words.append(
            f"Pictures may follow each other {max(least, protocol.min_onset_gap_s):g} s apart plus the answers: skin "
            f"responses overlap below {_LEAST_GAP_S:g} s, so this suits EEG rather than EDA."
        )
    if not 0.10 <= protocol.repeat_share <= 0.15 and n_repeats:
        words.append(f"{protocol.repeat_share:.0%} of the pictures are repeated; 10 to 15 % is usual.")
    shown = {t.stimulus_id for t in plan.trials}
    if any(t.stimulus_id in shown for t in plan.practice):
        words.append("The practice shows pictures of the session, which are then not new: the set has none to spare.")
    if "positive" not in protocol.conditions or not protocol.n_pleasant_end:
        words.append("The session does not end on pleasant pictures.")
    if protocol.include_sensitive:
        words.append("Sensitive pictures may be shown: the participant's consent has to cover them.")
    return words
