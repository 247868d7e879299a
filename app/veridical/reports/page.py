"""Everything the page shows, worded; the template only places it."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Literal

import numpy as np

from veridical.audit.evidence import evidence_words
from veridical.audit.result_words import ratings_words, views_words
from veridical.audit.wording import QUESTIONS, count, p_words, percent, sentence
from veridical.domain.annotation import LABELS
from veridical.domain.evaluation import Finding, FindingVerdict, OverallVerdict, Validation
from veridical.domain.label_rule import rule_words
from veridical.domain.pattern import ModelPattern
from veridical.domain.simulation import EffectSizes
from veridical.features.table import NAMED_FEATURES
from veridical.reports import figures
from veridical.reports.charts import chart_svg
from veridical.reports.content import RecordingFacts, ReportContent, RuleCount, StreamFacts
from veridical.reports.methods_text import REFERENCES, methods_text

Status = Literal["good", "caution", "fail", "unknown"]

OVERALL_STATUS: dict[OverallVerdict, Status] = {
    "above chance": "good",
    "explained": "caution",
    "not above chance": "fail",
    "not enough data": "unknown",
    "damaged": "fail",
}
FINDING_STATUS: dict[FindingVerdict, Status] = {
    "pass": "good",
    "caution": "caution",
    "fail": "fail",
    "not enough data": "unknown",
}

# Not strftime: its month follows the machine's language, the report's words do not.
_MOST_NAMED = 8
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_SAMPLE = re.compile(r"(.+) (\d+\.\d+) s")

# What each overall verdict means for the person who holds the report.
MEANING: dict[OverallVerdict, str] = {
    "above chance": "The model predicts this participant's ratings of new pictures better than guessing, and it still "
    "does when each confound measured here is taken out. What was not measured can still explain it.",
    "explained": "The model predicts ratings better than guessing, but so does something that is not feeling. "
    "Do not read it as a measure of feeling.",
    "not above chance": "On new trials this model does no better than guessing, and an effect of the size the study "
    "cares about would very likely have shown.",
    "not enough data": "These data neither show an effect nor rule one out.",
    "damaged": "Too much of the recording was lost for any statement about the model.",
}


@dataclass(frozen=True)
class Fact:
    """A name and what stands beside it."""

    name: str
    words: str


@dataclass(frozen=True)
class FindingView:
    """One check, ready to show."""

    threat: str
    question: str
    status: Status
    word: str
    summary: str
    remedy: str
    evidence: tuple[Fact, ...]
    figure: str


@dataclass(frozen=True)
class RecordingView:
    """One run, ready to show."""

    title: str
    facts: tuple[Fact, ...]
    streams: tuple[StreamFacts, ...]
    command: str


@dataclass(frozen=True)
class Page:
    """The whole page, ready to place."""

    title: str
    participant: str
    subtitle: str
    notes: tuple[Fact, ...]
    status: Status
    headline: str
    meaning: str
    score: str
    score_words: str
    key_facts: tuple[Fact, ...]
    score_figure: str
    findings: tuple[FindingView, ...]
    confound_figure: str
    validation: tuple[Fact, ...]
    fold_figure: str
    null_figure: str
    pattern_figure: str
    pattern_caption: str
    pattern: tuple[Fact, ...]
    labels: tuple[Fact, ...]
    plane_figure: str
    session_figure: str
    features: tuple[str, ...]
    left_out: tuple[str, ...]
    protocol: tuple[Fact, ...]
    recordings: tuple[RecordingView, ...]
    annotations: tuple[Fact, ...]
    train_command: str
    audit_command: str
    suggest_commands: tuple[str, ...]
    methods: tuple[str, ...]
    references: tuple[str, ...]
    versions: tuple[Fact, ...]
    json_name: str


def page_of(content: ReportContent, json_name: str) -> Page:
    """Word and draw a report's content."""
    v = content.validation
    train = train_command(content)
    return Page(
        title=f"Model of participant {content.participant}: {content.target}",
        participant=content.participant,
        subtitle=" · ".join(filter(None, (content.settings.title, _subject(content), day_words(content.created)))),
        notes=tuple(_notes(content)),
        status=OVERALL_STATUS[content.verdict.kind],
        headline=headline(content),
        meaning=MEANING[content.verdict.kind],
        score=percent(v.balanced_accuracy),
        score_words="balanced accuracy in trials the model never saw; 50 % is guessing",
        key_facts=_key_facts(v),
        score_figure=figures.score_figure(v),
        findings=tuple(_finding(f) for f in content.findings),
        confound_figure=figures.confound_figure(v, content.findings),
        validation=tuple(_validation(content)),
        fold_figure=figures.fold_figure(v),
        null_figure=figures.null_figure(v),
        pattern_figure=figures.pattern_figure(content.pattern, tuple(v.classes)[1]),
        pattern_caption=(
            f"Seen from above, nose up: blue where the potential rises towards “{tuple(v.classes)[1]}”, orange where "
            f"it falls; full colour is {_largest_uv(content.pattern)} µV for one standard deviation of the decision"
        ),
        pattern=tuple(_pattern(content)),
        labels=tuple(_labels(content)),
        plane_figure=figures.plane_figure(content.trials),
        session_figure=figures.session_figure(content.trials, content.kept, content.target),
        features=_features(content.features),
        left_out=content.left_out,
        protocol=tuple(_protocol(content)),
        recordings=tuple(_recording(content, r) for r in content.recordings),
        annotations=tuple(_annotations(content)),
        train_command=train,
        audit_command=train.replace("veridical train", "veridical audit", 1),
        suggest_commands=tuple(f"veridical suggest {_raw_path(content, r)} --json" for r in content.recordings),
        methods=tuple(methods_text(content).split("\n\n")),
        references=REFERENCES,
        versions=tuple(Fact(name, number) for name, number in content.versions.items()),
        json_name=json_name,
    )


def headline(content: ReportContent) -> str:
    """The verdict in words; a simulated participant is said first."""
    return simulation_first(content.verdict.headline, content.is_simulated)


def simulation_first(words: str, is_simulated: bool) -> str:
    """Words about a participant who may be simulated."""
    return f"In simulation: {words[:1].lower()}{words[1:]}" if is_simulated else words


def train_command(content: ReportContent) -> str:
    """The command that recomputes the validation and the audit."""
    words = [f"veridical train {content.study} --participant {content.participant} --target {content.target}"]
    if content.label_rule != content.settings.analysis.label_rule:
        words.append(f"--label-rule {content.label_rule}")
    if content.pipeline != content.settings.analysis.pipeline:
        words.append(f"--pipeline {content.pipeline}")
    return " ".join([*words, "--json"])


def day_words(iso: str) -> str:
    """``22 November 2026, 21:05 UTC`` from ISO 8601; other text stays as it is."""
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    month = _MONTHS[moment.month - 1]
    zone = f" {moment.tzname()}" if moment.tzinfo is not None else ""
    return f"{moment.day} {month} {moment.year}, {moment:%H:%M}{zone}"


def _subject(content: ReportContent) -> str:
    """``valence from EEG``: what the model learned from, not everything that was recorded."""
    known = {f.name: f.modality for f in NAMED_FEATURES}
    modalities = dict.fromkeys("EEG" if _SAMPLE.fullmatch(n) else known.get(n, "") for n in content.features)
    return f"{content.target} from {', '.join(filter(None, modalities)) or 'physiology'}"


def _notes(content: ReportContent) -> Iterable[Fact]:
    """What the reader must know before the first number."""
    settings = content.settings
    if content.is_simulated:
        plan = next((r.simulation for r in content.recordings if r.simulation is not None), None)
        profile = f" (profile {plan.profile}, seed {plan.seed})" if plan is not None else ""
        yield Fact("In simulation", f"No person was recorded: amplifier and participant were simulated{profile}.")
    if settings.is_shortened:
        seconds = settings.protocol.picture_s
        yield Fact(
            "Shortened for demonstration",
            f"Analysis windows follow the picture's duration ({seconds:g} s); autonomic responses need 6 s.",
        )
    if content.is_headless:
        yield Fact(
            "Headless screen", "No picture was shown on a real display; a simulated refresh clock set the times."
        )
    if not settings.are_stimuli_validated:
        yield Fact(
            "Stimuli not validated", "The pictures' norms were not measured on people; only own ratings count here."
        )
    if content.is_primary:
        yield Fact("Primary analysis", f"As study.toml fixed it before recording; analysis {_of(content)}.")
    else:
        yield Fact("Exploratory", f"Analysis {_of(content)}; not the one that study.toml fixed before recording.")


def _of(content: ReportContent) -> str:
    return f"{content.analysis} of {content.n_analyses}"


def _key_facts(v: Validation) -> tuple[Fact, ...]:
    classes = ", ".join(f"{n} {name}" for name, n in v.classes.items())
    return (
        Fact("95 % interval", f"{percent(v.interval95[0])} to {percent(v.interval95[1])}"),
        Fact("Guessing stays below", f"{percent(v.chance95)} in 95 % of shuffles"),
        Fact("p value", f"{p_words(v.p_value)} (free {p_words(v.p_free)}, circular {p_words(v.p_circular)})"),
        Fact("Trials", f"{v.n_trials} labelled ({classes})"),
    )


def _finding(f: Finding) -> FindingView:
    return FindingView(
        threat=f.threat,
        question=QUESTIONS.get(f.threat, sentence(f.threat)),
        status=FINDING_STATUS[f.verdict],
        word=sentence(f.verdict),
        summary=f.summary,
        remedy=f.remedy,
        evidence=tuple(Fact(name, value) for name, value in evidence_words(f.evidence)),
        figure="" if f.chart is None else chart_svg(f.chart, f"check-{f.threat.replace(' ', '-')}"),
    )


def _number(value: float) -> str:
    if not np.isfinite(value):
        return "unknown"
    digits = f"{value:.0f}" if float(value).is_integer() and abs(value) >= 1 else f"{value:.3g}"
    return digits.replace("-", "−")


def _validation(content: ReportContent) -> Iterable[Fact]:
    v, settings = content.validation, content.settings
    yield Fact("Outer folds", f"{v.folds} contiguous blocks of trials in presentation order")
    trials = (
        f"{count(v.embargo_trials, 'trial')} and {settings.analysis.embargo_s:.3g} s on either side of a test block"
    )
    full = type(settings.analysis)().embargo_s
    is_short = settings.is_shortened and settings.analysis.embargo_s < full
    short = f"; a full session keeps {full:g} s, shortened here with the demonstration's durations" if is_short else ""
    yield Fact("Embargo", trials + short)
    yield Fact("Leakage", "repeats of a test picture are left out of training; everything is fitted inside the fold")
    yield Fact("AUC, mean over folds", f"{v.auc:.2f}")
    yield Fact("p value, free", f"{p_words(v.p_free)} ({content.n_permutations} permutations of the ratings)")
    yield Fact("p value, circular", f"{p_words(v.p_circular)} (all circular shifts of the ratings)")
    yield Fact("p value reported", f"{p_words(v.p_value)}, the larger of both")
    yield Fact("Brier score", f"{v.brier:.2f} (0 is perfect, 0.25 is a coin)")
    for words in content.preparation:
        yield Fact("Signals", words)
    if v.views:
        yield Fact("Put together from", f"{views_words(v)}. The inner folds decide, never the test blocks.")
    if content.ratings is not None:
        yield Fact(
            "The rating itself",
            f"{ratings_words(content.ratings)}. Same folds and labelings; beside the headline, never instead of it.",
        )
    if content.refined is not None:
        r = content.refined.validation
        yield Fact(
            "Refinement: evoked covariance",
            f"AUC {r.auc:.2f}, balanced accuracy {r.balanced_accuracy:.2f} [{r.interval95[0]:.2f}, "
            f"{r.interval95[1]:.2f}], {p_words(r.p_value)}; counted with the headline (maximum statistic) "
            f"{p_words(content.refined.familywise_p)}. It never replaces the headline.",
        )


def _largest_uv(pattern: ModelPattern) -> str:
    largest = max((float(np.abs(m.values).max()) for m in pattern.scalp), default=0.0)
    return f"{1e6 * largest:.1f}"


def _pattern(content: ReportContent) -> Iterable[Fact]:
    """The named features that move most with the decision."""
    titles = {f.name: f.title for f in NAMED_FEATURES}
    for found in content.pattern.named[:_MOST_NAMED]:
        yield Fact(titles.get(found.name, found.name), f"correlation with the decision {_number(found.correlation)}")


def _counted(found: RuleCount) -> str:
    if found.n_low is None or found.n_high is None:
        return f"{found.rule}: pictures have no norms"
    return f"{found.rule}: {found.n_low} against {found.n_high}"


def _labels(content: ReportContent) -> Iterable[Fact]:
    v = content.validation
    yield Fact("Label rule", rule_words(content.label_rule, content.settings.analysis.dead_zone))
    if content.rule_counts:
        yield Fact("Every rule side by side", "; ".join(_counted(c) for c in content.rule_counts))
    values = [t.value(content.target) for t in content.trials]
    n_dropped = sum(not k for k in content.kept)
    yield Fact("Presented", f"{count(len(content.trials), 'trial')}, {sum(x is not None for x in values)} rated")
    yield Fact("Dropped", _dropped(content, n_dropped))
    n_unused = sum(content.kept) - v.n_trials
    yield Fact("Kept but without a label", f"{count(n_unused, 'trial')} (on the midpoint, or not answered)")
    yield Fact("Labelled", ", ".join(f"{n} {name}" for name, n in v.classes.items()))


def _dropped(content: ReportContent, n_dropped: int) -> str:
    reasons = Counter(r for r, k in zip(content.reasons, content.kept, strict=True) if r and not k)
    told = "; ".join(f"{n} {reason}" for reason, n in reasons.most_common(6))
    return count(n_dropped, "trial") + (f" ({told})" if told else "")


def _features(names: Sequence[str]) -> tuple[str, ...]:
    """Gather evoked samples ("Pz 0.125 s") into one line per set of channels; other names stay."""
    samples: dict[str, list[str]] = {}
    others: list[str] = []
    for name in names:
        found = _SAMPLE.fullmatch(name)
        if found:
            samples.setdefault(found[1], []).append(found[2])
        else:
            others.append(name)
    channels: dict[tuple[str, ...], list[str]] = {}
    for label, times in samples.items():
        channels.setdefault(tuple(times), []).append(label)
    lines = [
        f"evoked samples of {count(len(labels), 'channel')} ({', '.join(labels)}): {len(times)} each, "
        f"{float(times[0]):.2f} to {float(times[-1]):.2f} s after onset"
        for times, labels in channels.items()
    ]
    return (*lines, *others)


def _protocol(content: ReportContent) -> Iterable[Fact]:
    protocol = content.settings.protocol
    blocks = Counter(t.block for t in content.trials)
    yield Fact("Blocks", f"{len(blocks) or protocol.n_blocks} with {_range(blocks.values(), '{:d}')} trials each")
    durations = [t.duration_s for t in content.trials if t.duration_s > 0]
    shown = f"; shown {_range(durations, '{:.2f}')} s" if durations else ""
    yield Fact("Picture", f"{protocol.picture_s:g} s asked{shown}")
    yield Fact("Fixation", f"{_span(protocol.fixation_s)} s")
    yield Fact("Pause between trials", f"{_span(protocol.iti_s)} s")
    rests = f"eyes open {protocol.baseline_open_s:g} s, eyes closed {protocol.baseline_closed_s:g} s"
    yield Fact("Baselines", rests)
    yield Fact("Practice", f"{count(protocol.n_practice, 'trial')}, not analysed")
    yield Fact("Scales", "; ".join(f"{s.id} {s.minimum} to {s.maximum}" for s in protocol.scales))
    yield Fact("Repeated pictures", str(sum(t.repeat_of is not None for t in content.trials)))


def _span(ends: tuple[float, float]) -> str:
    return f"{ends[0]:g}" if ends[0] == ends[1] else f"{ends[0]:g} to {ends[1]:g}"


def _range(values: Iterable[float], form: str) -> str:
    told = sorted({form.format(v) for v in values}, key=float)
    return told[0] if len(told) == 1 else f"{told[0]} to {told[-1]}" if told else "0"


def _recording(content: ReportContent, r: RecordingFacts) -> RecordingView:
    verified = {True: "read back, counts agree", False: "not verified: read-back did not agree", None: "unknown"}
    frames = "unknown" if r.n_dropped_frames is None else str(r.n_dropped_frames)
    facts = [
        Fact("File", r.file),
        Fact("Length", f"{r.seconds / 60:.1f} min"),
        Fact("Verified", verified[r.is_verified]),
        Fact("Ended", r.ended or "unknown"),
        Fact("Screen", r.screen or "unknown"),
        Fact("Late flips", frames),
        Fact("Picture onsets", r.timing or "unknown"),
        Fact("Defects", "; ".join(r.defects) or "none found"),
        Fact("SHA-256", r.sha256),
    ]
    if r.timing_problem:
        facts.insert(6, Fact("Presentation", r.timing_problem))
    facts += [Fact("Started although", words) for words in r.overrides]
    if r.was:
        facts.append(Fact("Id mended", f"recorded as {', '.join(r.was)}"))
    if r.simulation is not None:
        plan = r.simulation
        facts.append(
            Fact("Simulated truth", f"profile {plan.profile}, seed {plan.seed}; {_effects(plan.true_effects)}")
        )
    path = _raw_path(content, r)
    title = f"Session {r.key.session}, run {r.key.run}"
    return RecordingView(title, tuple(facts), r.streams, f"veridical inspect {path} --json")


def _effects(effects: EffectSizes) -> str:
    """What sets this simulated participant apart from one whose body follows no feeling."""
    none = EffectSizes()
    told = [
        f"{f.name.replace('_', ' ')} {_number(getattr(effects, f.name))}"
        for f in fields(effects)
        if getattr(effects, f.name) != getattr(none, f.name)
    ]
    return ", ".join(told) or "no effect of any feeling on the body"


def _raw_path(content: ReportContent, r: RecordingFacts) -> str:
    return f"{content.study}/sourcedata/sub-{r.key.participant}/ses-{r.key.session}/{r.file}"


def _annotations(content: ReportContent) -> Iterable[Fact]:
    a = content.annotations
    yield Fact("Reviewed", f"{percent(a.reviewed_share)} reviewed by a rater")
    labels: Sequence[str] = [f"{n} {LABELS.get(k, k).lower()}" for k, n in sorted(a.by_label.items())]
    yield Fact("Marks", f"{a.n_marks}" + (f" ({', '.join(labels)})" if labels else ""))
    yield Fact("Time under a mark", percent(a.marked_share))
    yield Fact("Suggestions", f"{a.n_suggestions}, of which {a.n_undecided} nobody has decided on")
    yield Fact("Raters", ", ".join(a.raters) or "none")
