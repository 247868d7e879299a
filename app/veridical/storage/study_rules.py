"""What study.toml may say: every rule with the name of the setting, so that the line can be named."""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from veridical.domain.annotation import LABEL_KEYS
from veridical.domain.colour_vision import nearest_pair
from veridical.domain.errors import StudyError
from veridical.domain.items import ATTENTION_ID, FAMILIARITY
from veridical.domain.protocol import Protocol, scale_groups
from veridical.domain.rating import MIN_SLIDER_STEPS, Scale
from veridical.domain.study import StudySettings
from veridical.storage.text_file import read_language

# Part of a marker's name and a column's name: no blank, no slash.
_SCALE_ID = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_MOST_SLIDERS = 3
_LABEL_ID = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,31}")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
# Twice what is called a clear difference (CIE76 of 5); the shipped labels keep 26.
_LEAST_DISTANCE = 10.0
_RESERVED = (ATTENTION_ID, *(s.id for s in FAMILIARITY))


def find_faults(settings: StudySettings) -> Iterator[tuple[str, str]]:
    """Yield (name of a setting, what is wrong with it), e.g. ``("protocol.n_blocks", "must be 1 or more")``."""
    for name, rule, is_met in _RULES:
        if not is_met(settings):
            yield name, f"must be {rule}"
    yield from _scale_faults(settings.protocol)
    yield from _text_faults(settings)
    yield from _label_faults(settings)


def _label_faults(settings: StudySettings) -> Iterator[tuple[str, str]]:
    labels = settings.labels
    for name in ("id", "words", "key"):
        values = [str(getattr(label, name)).lower() for label in labels]
        twice = next((v for v in values if values.count(v) > 1), None)
        if twice is not None:
            yield "labels", f"has {name} {twice!r} twice"
    for label in labels:
        if not _LABEL_ID.fullmatch(label.id):
            yield "labels", f"has the id {label.id!r}: take letters, digits and hyphens"
        if not label.words.strip():
            yield "labels", f"has no words for {label.id!r}"
        if label.key not in LABEL_KEYS:
            yield "labels", f"has the key {label.key!r} for {label.id!r}: take one of {' '.join(LABEL_KEYS)}"
        if not _COLOUR.fullmatch(label.colour):
            yield "labels", f"has the colour {label.colour!r} for {label.id!r}: write it as #rrggbb"
            return
    if len(labels) > 1:
        distance, one, other = nearest_pair([label.colour for label in labels])
        if distance < _LEAST_DISTANCE:
            yield "labels", f"has two colours that some people cannot tell apart, {one} and {other}: choose another"


def _is_span(span: tuple[float, float]) -> bool:
    return 0 <= span[0] <= span[1]


_RULES: tuple[tuple[str, str, Callable[[StudySettings], bool]], ...] = (
    ("seed", "0 or more", lambda s: s.seed >= 0),
    ("protocol.n_per_condition", "1 or more", lambda s: s.protocol.n_per_condition >= 1),
    (
        "protocol.conditions",
        "one or more of negative, neutral, positive, each once",
        lambda s: 0 < len(s.protocol.conditions) == len(set(s.protocol.conditions)),
    ),
    ("trigger.width_s", "above 0 and below 0.1", lambda s: 0 < s.trigger.width_s < 0.1),
    ("trigger.address", "given for a serial port", lambda s: s.trigger.kind != "serial" or bool(s.trigger.address)),
    ("protocol.n_blocks", "1 or more", lambda s: s.protocol.n_blocks >= 1),
    ("protocol.n_practice", "0 or more", lambda s: s.protocol.n_practice >= 0),
    ("protocol.repeat_share", "between 0 and 1", lambda s: 0 <= s.protocol.repeat_share <= 1),
    ("protocol.repeat_distance", "1 or more", lambda s: s.protocol.repeat_distance >= 1),
    ("protocol.max_run", "1 or more", lambda s: s.protocol.max_run >= 1),
    ("protocol.n_pleasant_end", "0 or more", lambda s: s.protocol.n_pleasant_end >= 0),
    ("protocol.baseline_open_s", "0 or more", lambda s: s.protocol.baseline_open_s >= 0),
    ("protocol.baseline_closed_s", "0 or more", lambda s: s.protocol.baseline_closed_s >= 0),
    ("protocol.fixation_s", "two numbers, the smaller first", lambda s: _is_span(s.protocol.fixation_s)),
    ("protocol.picture_s", "above 0", lambda s: s.protocol.picture_s > 0),
    ("protocol.blank_s", "two numbers, the smaller first", lambda s: _is_span(s.protocol.blank_s)),
    ("protocol.iti_s", "two numbers, the smaller first", lambda s: _is_span(s.protocol.iti_s)),
    ("protocol.min_onset_gap_s", "0 or more", lambda s: s.protocol.min_onset_gap_s >= 0),
    ("protocol.min_break_s", "0 or more", lambda s: s.protocol.min_break_s >= 0),
    ("protocol.rating_timeout_s", "0 or more", lambda s: s.protocol.rating_timeout_s >= 0),
    ("protocol.instruction_timeout_s", "0 or more", lambda s: s.protocol.instruction_timeout_s >= 0),
    (
        "protocol.n_attention_checks",
        "between 0 and the number of trials",
        lambda s: 0 <= s.protocol.n_attention_checks <= s.protocol.n_trials,
    ),
    ("protocol.n_clips", "0 or more", lambda s: s.protocol.n_clips >= 0),
    ("protocol.clip_s", "above 0 and at most 120", lambda s: 0 < s.protocol.clip_s <= 120),
    ("protocol.scales", "at least one scale", lambda s: len(s.protocol.scales) > 0),
    (
        "protocol.scales",
        "scales with an id of their own",
        lambda s: len({c.id for c in s.protocol.scales}) == len(s.protocol.scales),
    ),
    (
        "analysis.target",
        "the id of one of the protocol's scales",
        lambda s: s.analysis.target in {c.id for c in s.protocol.scales},
    ),
    (
        "analysis.target",
        "a scale with an order, so neither a choice nor free text",
        lambda s: all(c.kind not in ("choice", "text") for c in s.protocol.scales if c.id == s.analysis.target),
    ),
    ("analysis.dead_zone", "0 or more", lambda s: s.analysis.dead_zone >= 0),
    ("analysis.embargo_s", "0 or more", lambda s: s.analysis.embargo_s >= 0),
    (
        "analysis.n_permutations",
        "20 or more, for a p below .05",
        lambda s: s.analysis.n_permutations >= 20,
    ),
    ("analysis.smallest_effect", "between 0.5 and 1", lambda s: 0.5 < s.analysis.smallest_effect < 1),
    (
        "analysis.looks",
        "blocks before the last one, each once and in order",
        lambda s: all(a < b for a, b in pairwise((0, *s.analysis.looks, s.protocol.n_blocks))),
    ),
    (
        "recording.markers",
        "9 names at most, each once and with at least one character",
        lambda s: (
            len(s.recording.markers) <= 9
            and all(m.strip() for m in s.recording.markers)
            and len(set(s.recording.markers)) == len(s.recording.markers)
        ),
    ),
    ("analysis.line_noise_hz", "50, 60, or 0", lambda s: s.analysis.line_noise_hz in (0, 50, 60)),
    (
        "preprocessing.reference",
        "automatic, average, recorded, or channels joined by +",
        lambda s: bool(s.preprocessing.reference) and all(s.preprocessing.reference_channels),
    ),
    ("preprocessing.high_pass_hz", "0 or more and below 5", lambda s: 0 <= s.preprocessing.high_pass_hz < 5),
    (
        "preprocessing.low_pass_hz",
        "between 5 and 30: evoked samples are read at 64 Hz",
        lambda s: 5 <= s.preprocessing.low_pass_hz <= 30,
    ),
    (
        "preprocessing.channels",
        "names, each once",
        lambda s: len(set(s.preprocessing.channels)) == len(s.preprocessing.channels) and all(s.preprocessing.channels),
    ),
)


def _scale_faults(protocol: Protocol) -> Iterator[tuple[str, str]]:
    if any(len(group) > _MOST_SLIDERS for group in scale_groups(protocol.scales)):
        yield (
            "protocol.scales",
            f"must have {_MOST_SLIDERS} affective sliders beside each other at most: they share a screen",
        )
    for k, scale in enumerate(protocol.scales):
        where = f"protocol.scales[{k}]"
        if not _SCALE_ID.fullmatch(scale.id):
            yield f"{where}.id", "must be a word of letters, digits, _ and -, beginning with a letter"
        elif scale.id.partition("-")[0] in _RESERVED:
            yield f"{where}.id", f"must not be {scale.id}, which the program asks by itself"
        yield from ((f"{where}.{key}", words) for key, words in _own_faults(scale))


def _own_faults(scale: Scale) -> Iterator[tuple[str, str]]:
    if scale.kind == "choice":
        if len(scale.options) < 2 or len(set(scale.options)) < len(scale.options) or not all(scale.options):
            yield "options", "must be two words or more, each once"
        elif len(scale.options) > 12:
            yield "options", f"must be 12 at most to fit on a screen, not {len(scale.options)}"
        if scale.option_words and len(scale.option_words) != len(scale.options):
            yield "option_words", f"must be as many as the options ({len(scale.options)}), or none"
        return
    if scale.kind == "text":
        return
    if scale.maximum <= scale.minimum:
        yield "maximum", f"must be above the minimum ({scale.minimum})"
    if scale.is_slider and scale.n_steps < MIN_SLIDER_STEPS:
        yield "n_steps", f"must be {MIN_SLIDER_STEPS} or more: with fewer it is a Likert scale"


def _text_faults(settings: StudySettings) -> Iterator[tuple[str, str]]:
    try:
        known = read_language(settings.language).words
    except StudyError as error:
        yield "language", f"is wrong: {error}"
        return
    for key, words in settings.texts.items():
        if key not in known:
            yield f"texts.{key}", f"is no text of a session; there are {', '.join(sorted(known))}"
        elif not words.strip():
            yield f"texts.{key}", "must not be empty; remove the line to have the shipped words"
