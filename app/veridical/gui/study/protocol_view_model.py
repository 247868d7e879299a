"""The protocol editor without Qt: a draft with its history, the form as data, and the preview in words."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from veridical.domain.items import COMMENT, CONFIDENCE, DOMINANCE, EMOTION, MEMORY, of_kind
from veridical.domain.rating import AROUSAL, VALENCE, Scale
from veridical.domain.study import StudySettings
from veridical.gui.common import wording
from veridical.services.protocol import Trial

FieldKind = Literal["count", "seconds", "span", "share", "choice", "check", "classes", "words"]


@dataclass(frozen=True)
class Field:
    """One row of the form.

    Parameters
    ----------
    name : str
        Setting as in study.toml: ``protocol.picture_s``, ``seed``.
    options : tuple of (value, words)
        Of a ``choice``.
    """

    name: str
    title: str
    kind: FieldKind
    help: str = ""
    minimum: float = 0
    maximum: float = 999
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Section:
    """Rows that belong together."""

    title: str
    fields: tuple[Field, ...]


SECTIONS: tuple[Section, ...] = (
    Section(
        "Pictures",
        (
            Field("protocol.conditions", "Classes", "classes", "By normative valence."),
            Field("protocol.n_per_condition", "Pictures of each class", "count", minimum=1),
            Field(
                "protocol.repeat_share", "Shown again", "share", "For label reliability; 10 to 15 %.", maximum=100
            ),
            Field("protocol.repeat_distance", "Trials until shown again", "count", "At least so many.", 1),
            Field("protocol.include_sensitive", "May be sensitive", "check", "Flagged pictures may be shown."),
        ),
    ),
    Section(
        "Order",
        (
            Field("protocol.n_blocks", "Blocks", "count", "With a self-paced break between two of them.", 1, 50),
            Field("protocol.max_run", "Of a class in a row", "count", "At most so many.", 1, 50),
            Field("protocol.n_pleasant_end", "Pleasant at the end", "count", "The last pictures are pleasant.", 0, 50),
            Field(
                "protocol.picture_order", "Pictures", "choice", "Counterbalanced: the same pictures for everybody, in "
                "places that rotate from participant to participant.",
                options=(("random", "Drawn for each participant"), ("counterbalanced", "Counterbalanced")),
            ),
            Field("seed", "Seed", "count", "The same seed gives the same orders.", 0, 2**31 - 1),
        ),
    ),
    Section(
        "Before the pictures",
        (
            Field("protocol.baseline_open_s", "Rest, eyes open", "seconds", "0 leaves it out."),
            Field("protocol.baseline_closed_s", "Rest, eyes closed", "seconds", "0 leaves it out."),
            Field("protocol.n_practice", "Practice trials", "count", "Never analysed.", 0, 50),
        ),
    ),
    Section(
        "One trial",
        (
            Field("protocol.fixation_s", "Cross", "span", "Shortest and longest; drawn for every trial."),
            Field("protocol.picture_s", "Picture", "seconds", minimum=0.05),
            Field("protocol.blank_s", "Blank after it", "span", "Before the first question."),
            Field("protocol.iti_s", "Pause after the answers", "span", "Shortest and longest; drawn for every trial."),
            Field("protocol.min_onset_gap_s", "Onset to onset", "seconds", "At least; a quick answer waits for it."),
            Field("protocol.min_break_s", "Break between blocks", "seconds", "At least; then as long as they like."),
        ),
    ),
    Section(
        "Questions",
        (
            Field(
                "protocol.scale_order", "Order of the questions", "choice",
                options=(
                    ("fixed", "As listed"), ("random", "Drawn for every trial"),
                    ("counterbalanced", "Counterbalanced over participants"),
                ),
            ),
            Field("protocol.rating_timeout_s", "Time for an answer", "seconds", "0 waits without limit."),
            Field("protocol.n_attention_checks", "Attention checks", "count", '"Please choose 5", so often.', 0, 50),
            Field(
                "protocol.has_familiarity_pass", "Ask what was known", "check",
                "At the end: seen before? A memory?",
            ),
        ),
    ),
    Section(
        "Transfer block",
        (
            Field(
                "protocol.n_clips", "Videos and sounds", "count",
                "After the pictures: does the model hold for them? 12 are usual.", 0, 100,
            ),
            Field("protocol.clip_s", "Longest", "seconds", "A longer one is ended then.", 1, 120),
        ),
    ),
    Section(
        "Study and hardware",
        (
            Field("title", "Title", "words", "Of the study; never shown to participants."),
            Field("shows_ratings", "Ratings in your window", "check", "You see the answers at once."),
            Field(
                "protocol.instruction_timeout_s", "Instructions stay", "seconds",
                "0 waits for the participant's key; other values are for rehearsals."
            ),
            Field(
                "trigger.kind", "Pulse with each picture", "choice", "Beside the LSL markers, for an amplifier that "
                "records it.",
                options=(
                    ("none", "None, LSL markers only"), ("serial", "Serial or USB port"),
                    ("parallel", "Parallel port"), ("labjack", "LabJack U3"),
                    ("loopback", "LSL stream, to try it out"),
                ),
            ),
            Field("trigger.address", "Port", "words", "COM3, /dev/ttyUSB0, 0x378, or empty"),
            Field("trigger.baud", "Speed of a serial port", "count", "Baud.", 300, 4_000_000),
            Field("trigger.width_s", "Length of the pulse", "seconds", "At least three of its samples.", 0.001),
        ),
    ),
)  # fmt: skip

# What "Add a question" offers.
OFFERED: tuple[tuple[str, Scale], ...] = (
    ("Valence, 7 points", VALENCE),
    ("Valence, 9 points", of_kind(VALENCE, "likert", 9)),
    ("Valence, slider", of_kind(VALENCE, "visual-analogue")),
    ("Valence, affective slider", of_kind(VALENCE, "affective-slider")),
    ("Arousal, 7 points", AROUSAL),
    ("Arousal, 9 points", of_kind(AROUSAL, "likert", 9)),
    ("Arousal, slider", of_kind(AROUSAL, "visual-analogue")),
    ("Arousal, affective slider", of_kind(AROUSAL, "affective-slider")),
    ("Dominance", DOMINANCE),
    ("Confidence", CONFIDENCE),
    ("Memory", MEMORY),
    ("Emotion, one of eight words", EMOTION),
    ("Comment, free text", COMMENT),
    ("A question of your own", Scale("own", "Your question?", "not at all", "", "very")),
)
KIND_WORDS: Mapping[str, str] = {
    "likert": "Points", "visual-analogue": "Slider", "affective-slider": "Affective slider", "choice": "Choice",
    "text": "Free text",
}  # fmt: skip


def get_setting(settings: StudySettings, name: str) -> object:
    """Value of a setting by its name in study.toml."""
    value: object = settings
    for part in name.split("."):
        value = getattr(value, part)
    return value


def with_setting(settings: StudySettings, name: str, value: object) -> StudySettings:
    """Settings with one of them changed."""
    part, _, inner = name.partition(".")
    changes: dict[str, object] = {part: value}
    if inner:
        held = getattr(settings, part)
        changes = {part: replace(held, **{inner: value})}
    changed = replace(settings, **changes)  # type: ignore[arg-type]
    return _with_target(changed) if name == "protocol.scales" else changed


def _with_target(settings: StudySettings) -> StudySettings:
    """Keep the analysis on a question that is still asked and can be learned."""
    learnable = [s.id for s in settings.protocol.scales if s.kind not in ("choice", "text")]
    if settings.analysis.target in learnable or not learnable:
        return settings
    return replace(settings, analysis=replace(settings.analysis, target=learnable[0]))


class Draft:
    """Settings while they are edited, with undo and redo."""

    def __init__(self, settings: StudySettings) -> None:
        self._history = [settings]
        self._at = 0

    @property
    def settings(self) -> StudySettings:
        """Settings as they stand in the form."""
        return self._history[self._at]

    @property
    def can_undo(self) -> bool:
        """Whether something was changed."""
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        """Whether something was taken back."""
        return self._at < len(self._history) - 1

    def change(self, settings: StudySettings) -> bool:
        """Take new settings; returns whether they are new."""
        if settings == self.settings:
            return False
        self._history = [*self._history[: self._at + 1], settings]
        self._at += 1
        return True

    def undo(self) -> None:
        """Take the last change back."""
        self._at = max(0, self._at - 1)

    def redo(self) -> None:
        """Make it again."""
        self._at = min(len(self._history) - 1, self._at + 1)


def with_template(settings: StudySettings, template: StudySettings) -> StudySettings:
    """Settings with a template's protocol; what else the study decided stays."""
    return _with_target(replace(settings, protocol=template.protocol))


def unused_scale(scale: Scale, present: tuple[Scale, ...]) -> Scale:
    """The scale under an id that is still free."""
    taken, number, name = {s.id for s in present}, 1, scale.id
    while name in taken:
        number += 1
        name = f"{scale.id}{number}"
    return replace(scale, id=name)


def describe_scale(scale: Scale) -> str:
    """A scale in a few words."""
    if scale.kind == "choice":
        return f"one of {len(scale.options)} words"
    if scale.kind == "text":
        return "free text"
    span = f"{wording.number(scale.minimum, 0)} to {wording.number(scale.maximum, 0)}"
    return span if scale.kind == "likert" else f"{KIND_WORDS[scale.kind].lower()}, {span}"


@dataclass(frozen=True)
class PreviewScreen:
    """The preview in words.

    Parameters
    ----------
    problem : str
        Why nothing can be shown; empty if all is well.
    """

    length: str = ""
    counts: str = ""
    warnings: tuple[str, ...] = ()
    problem: str = ""


def resolve_preview(trial: Trial, titles: Mapping[str, str]) -> PreviewScreen:
    """Put what came of trying a protocol into words.

    Parameters
    ----------
    titles : mapping
        What the form calls a setting, by its name in study.toml.
    """
    if trial.faults:
        fault = trial.faults[0]
        return PreviewScreen(problem=f"{titles.get(fault.name, fault.name)} {fault.words}.")
    if trial.preview is None:
        return PreviewScreen(problem=trial.refusal)
    seen = trial.preview
    counts = " · ".join(f"{n} {condition}" for condition, n in seen.counts)
    extras = [wording.count(seen.n_repeats, "repeat")] if seen.n_repeats else []
    extras += [wording.count(seen.n_checks, "attention check")] if seen.n_checks else []
    inside = f", {' and '.join(extras)} among them" if extras else ""
    return PreviewScreen(
        length=f"about {max(1, round(seen.duration_s / 60))} min",
        counts=f"{wording.count(seen.n_trials, 'trial')}: {counts}{inside}",
        warnings=seen.warnings,
    )


def titles() -> dict[str, str]:
    """What the form calls every setting."""
    return {f.name: f.title for section in SECTIONS for f in section.fields} | {"protocol.scales": "Questions"}
