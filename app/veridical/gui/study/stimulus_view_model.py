"""What the stimulus browser shows, resolved from a study's stimuli without Qt."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from veridical.domain.image_statistics import STATISTIC_NAMES, STATISTIC_WORDS
from veridical.domain.matching import BALANCED_SMD, LARGE_SMD, MatchedSubset
from veridical.domain.stimulus import CONDITIONS, Condition, Stimulus, StimulusKind, StimulusSet
from veridical.gui.common import wording
from veridical.gui.common.tokens import StatusLevel

Use = Literal["", "used", "left out"]
Sensitivity = Literal["", "not sensitive", "sensitive"]

SCALE = (1.0, 7.0)
KIND_WORDS: dict[StimulusKind, str] = {"image": "picture", "video": "video", "audio": "sound"}


@dataclass(frozen=True)
class Filters:
    """What the grid is narrowed to; every empty field lets everything through.

    Parameters
    ----------
    text : str
        Words that must all stand in id, theme, category, file or source.
    valence, arousal : tuple of float
        Inclusive, on the scale of 1 to 7; the full scale lets stimuli without norms through as well.
    """

    text: str = ""
    kind: StimulusKind | Literal[""] = ""
    category: str = ""
    condition: Condition | Literal[""] = ""
    sensitivity: Sensitivity = ""
    use: Use = ""
    valence: tuple[float, float] = SCALE
    arousal: tuple[float, float] = SCALE

    @property
    def is_empty(self) -> bool:
        """Whether everything is let through."""
        return self == Filters()


def on_plane(stimulus: Stimulus) -> tuple[float, float] | None:
    """Valence and arousal norms on the scale of 1 to 7; None without both."""
    if stimulus.valence_mean is None or stimulus.arousal_mean is None:
        return None
    return 4 + 3 * stimulus.valence_unit, 4 + 3 * stimulus.arousal_unit


def class_of(stimulus: Stimulus) -> Condition | Literal[""]:
    """Class by norms; empty without a norm."""
    return stimulus.condition if stimulus.valence_mean is not None else ""


def filter_stimuli(stimuli: StimulusSet, filters: Filters) -> tuple[Stimulus, ...]:
    """Stimuli that pass every filter, in table order."""
    words = filters.text.lower().split()
    return tuple(s for s in stimuli.stimuli if _passes(s, filters, words))


def _passes(stimulus: Stimulus, filters: Filters, words: list[str]) -> bool:
    if filters.kind and stimulus.kind != filters.kind:
        return False
    if filters.category and stimulus.category != filters.category:
        return False
    if filters.condition and class_of(stimulus) != filters.condition:
        return False
    if filters.sensitivity and stimulus.sensitive != (filters.sensitivity == "sensitive"):
        return False
    if filters.use and stimulus.is_excluded != (filters.use == "left out"):
        return False
    if words:
        text = " ".join((stimulus.id, stimulus.theme, stimulus.category, stimulus.file, stimulus.source)).lower()
        if not all(w in text for w in words):
            return False
    if (filters.valence, filters.arousal) == (SCALE, SCALE):
        return True
    place = on_plane(stimulus)
    return place is not None and all(
        low <= value <= high for value, (low, high) in zip(place, (filters.valence, filters.arousal), strict=True)
    )


def categories_of(stimuli: StimulusSet) -> tuple[str, ...]:
    """Categories that occur, sorted."""
    return tuple(sorted({s.category for s in stimuli.stimuli if s.category}))


def count_words(stimuli: StimulusSet, shown: tuple[Stimulus, ...]) -> str:
    """How many are shown, and how many of each class the protocol can draw from."""
    used = Counter(class_of(s) for s in stimuli.in_use if not s.sensitive)
    classes = ", ".join(f"{used[c]} {c}" for c in CONDITIONS)
    some = f"{len(shown)} of " if len(shown) != len(stimuli.stimuli) else ""
    return f"{some}{wording.count(len(stimuli.stimuli), 'stimulus', 'stimuli')} shown · in use: {classes}"


@dataclass(frozen=True)
class DetailLine:
    """A name and what it is."""

    name: str
    words: str


@dataclass(frozen=True)
class Details:
    """What is said about the selection."""

    title: str
    subtitle: str
    lines: tuple[DetailLine, ...]


def resolve_details(chosen: tuple[Stimulus, ...], file_words: str = "") -> Details:
    """Describe one stimulus in full, or several by their counts and means.

    Parameters
    ----------
    file_words : str
        State of the file, for a single stimulus.
    """
    if not chosen:
        return Details("Nothing selected", "Click a picture or a point; drag over the plane to select an area.", ())
    if len(chosen) > 1:
        return _several(chosen)
    s = chosen[0]
    lines = [
        DetailLine("Use", f"left out: {s.excluded}" if s.is_excluded else "in use"),
        DetailLine("Sensitive", "yes, shown only if the protocol includes it" if s.sensitive else "no"),
        DetailLine("Valence", _norm(s.valence_mean, s.valence_sd)),
        DetailLine("Arousal", _norm(s.arousal_mean, s.arousal_sd)),
    ]
    if s.norm_scale:
        lines.append(DetailLine("Norms", f"converted from a scale of {s.norm_scale}"))
    if s.duration_s is not None:
        lines.append(DetailLine("Length", f"{s.duration_s:.1f} s"))
    if s.width_px and s.height_px:
        lines.append(DetailLine("Size", f"{s.width_px} × {s.height_px} px"))
    lines.append(DetailLine("File", f"{s.file} ({'referenced' if s.is_referenced else 'copied into the study'})"))
    if file_words:
        lines.append(DetailLine("State", file_words))
    lines.append(DetailLine("Source", s.source or "not given"))
    if s.statistics is not None:
        lines += [
            DetailLine(_upper(STATISTIC_WORDS[n]), _statistic(n, float(getattr(s.statistics, n))))
            for n in STATISTIC_NAMES
        ]
    kind = KIND_WORDS[s.kind].capitalize()
    about = " · ".join(p for p in (kind, s.category, class_of(s)) if p)
    return Details(f"{s.id}  {s.theme}".strip(), about, tuple(lines))


def _several(chosen: tuple[Stimulus, ...]) -> Details:
    classes = Counter(class_of(s) or "without norms" for s in chosen)
    places = [p for s in chosen if (p := on_plane(s)) is not None]
    lines = [
        DetailLine("Classes", ", ".join(f"{n} {c}" for c, n in sorted(classes.items()))),
        DetailLine("In use", f"{sum(not s.is_excluded for s in chosen)} of {len(chosen)}"),
        DetailLine("Sensitive", str(sum(s.sensitive for s in chosen))),
    ]
    if places:
        valence, arousal = (sum(p[k] for p in places) / len(places) for k in (0, 1))
        lines.append(DetailLine("Mean valence", f"{valence:.2f}"))
        lines.append(DetailLine("Mean arousal", f"{arousal:.2f}"))
    return Details(f"{len(chosen)} stimuli", "", tuple(lines))


def _upper(words: str) -> str:
    return words[:1].upper() + words[1:]


def _norm(mean: float | None, deviation: float | None) -> str:
    if mean is None:
        return "no norm"
    return f"{mean:.2f}" + (f" (SD {deviation:.2f})" if deviation is not None else "")


def _statistic(name: str, value: float) -> str:
    if name == "file_bytes":
        return f"{value / 1000:.0f} kB"
    return f"{value:.2f}".replace("-", "−")


FILE_STATE_WORDS = {
    "sound": "as it was imported",
    "missing": "missing: put it back, or find it again",
    "changed": "changed since it was imported: put the original back",
    "not hashed": "not hashed",
}


# Matched subsets ----------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class BalanceRow:
    """One covariate's imbalance before and after."""

    name: str
    before: str
    after: str
    level: StatusLevel


@dataclass(frozen=True)
class Balance:
    """What a drawn subset amounts to."""

    headline: str
    level: StatusLevel
    rows: tuple[BalanceRow, ...]


def resolve_balance(subset: MatchedSubset) -> Balance:
    """Put a subset's remaining imbalance into words and numbers."""
    level = balance_level(subset.worst_after)
    words = {
        "good": "balanced",
        "caution": "nearly balanced",
        "fail": "not balanced; ask for fewer pictures or import more",
    }[level]
    rows = tuple(
        BalanceRow(_upper(i.words), f"{i.worst_before:.2f}", f"{i.worst_after:.2f}", balance_level(i.worst_after))
        for i in subset.imbalances
    )
    return Balance(f"Largest difference {subset.worst_before:.2f} → {subset.worst_after:.2f}: {words}", level, rows)


def balance_level(difference: float) -> StatusLevel:
    """Level of a standardised mean difference: below 0.1 balanced (Austin 2009), above 0.25 large (Stuart 2010)."""
    size = abs(difference)
    return "good" if size < BALANCED_SMD else "caution" if size <= LARGE_SMD else "fail"
