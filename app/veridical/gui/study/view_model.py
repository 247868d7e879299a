"""What the Study page shows, resolved from the study without Qt."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from veridical.domain.label_rule import rule_words
from veridical.domain.preview import estimate_s
from veridical.domain.protocol import Protocol
from veridical.domain.stimulus import CONDITIONS
from veridical.domain.study import AnalysisChoices, StudySettings
from veridical.gui.common import wording
from veridical.gui.common.tokens import StatusLevel
from veridical.services.study import ParticipantProgress, Study

NextStep = Literal["run", "annotate", "model", "report", ""]
NEXT_WORDS: dict[NextStep, str] = {
    "run": "Record", "annotate": "Annotate", "model": "Train", "report": "Open report", "": "",
}  # fmt: skip


@dataclass(frozen=True)
class ParticipantRow:
    """One line of the table.

    Parameters
    ----------
    recorded, annotated, model : str
        Words; empty where nothing was done yet.
    model_level : str
        What the verdict's words amount to.
    """

    id: str
    group: str
    recorded: str
    annotated: str
    model: str
    model_level: StatusLevel
    next_step: NextStep
    report: Path | None
    is_withdrawn: bool


def resolve_row(progress: ParticipantProgress) -> ParticipantRow:
    """Put a participant's progress into words."""
    n_runs = len(progress.runs)
    is_withdrawn = progress.participant.status == "withdrawn"
    return ParticipantRow(
        id=progress.participant.id,
        group=progress.participant.group,
        recorded=wording.count(n_runs, "run") if n_runs else "",
        annotated=wording.count(progress.n_annotations, "mark") if progress.n_annotations else "",
        model="withdrawn" if is_withdrawn else progress.headline,
        model_level=verdict_level("" if is_withdrawn else progress.headline),
        next_step="" if is_withdrawn else _next_step(progress),
        report=progress.report,
        is_withdrawn=is_withdrawn,
    )


def verdict_level(headline: str) -> StatusLevel:
    """Level of a verdict's published wording; a trained model is not yet a good one."""
    words = headline.lower().removeprefix("in simulation: ")
    if words.startswith("above chance, and none"):
        return "good"
    if words.startswith("above chance"):
        return "caution"
    return "fail" if words.startswith(("not above", "the data are too damaged")) else "unknown"


def _next_step(progress: ParticipantProgress) -> NextStep:
    if not progress.runs:
        return "run"
    if progress.headline:
        return "report" if progress.report is not None else "model"
    return "model" if progress.n_annotations else "annotate"


@dataclass(frozen=True)
class Fact:
    """A line of the study's summary."""

    name: str
    words: str


def session_minutes(protocol: Protocol) -> float:
    """Estimate a session's length in minutes."""
    return estimate_s(protocol) / 60


def resolve_facts(study: Study) -> tuple[Fact, ...]:
    """Summarise what the study fixed before recording."""
    settings, protocol = study.settings, study.settings.protocol
    used = [s for s in study.stimuli.in_use if s.kind == "image"]
    classes = " · ".join(f"{sum(s.condition == c for s in used)} {c}" for c in CONDITIONS)
    validated = "norms validated" if settings.are_stimuli_validated else "demo pictures, norms not validated"
    length = f"{protocol.n_trials} pictures in {wording.count(protocol.n_blocks, 'block')}"
    shortened = ", shortened for demonstration" if settings.is_shortened else ""
    minutes = session_minutes(protocol)
    return (
        Fact("Session", f"{length}, about {max(1, round(minutes))} min{shortened}"),
        Fact("One trial", f"picture {protocol.picture_s:g} s, then {' and '.join(s.id for s in protocol.scales)}"),
        Fact("Pictures", f"{len(used)} in use ({classes}); {validated}"),
        Fact("Primary analysis", _analysis_words(settings.analysis)),
        Fact("Folder", str(study.root)),
        Fact("If its disk fails", settings.recording.fallback or "recording ends; a fallback folder would prevent it"),
    )


def _analysis_words(analysis: AnalysisChoices) -> str:
    return f"{analysis.target}: {rule_words(analysis.label_rule, analysis.dead_zone)}; fixed before recording"


# A demonstration that one person can sit through: about 5 minutes with every step of a real session.
DEMO_PROTOCOL = Protocol(
    name="demonstration",
    n_per_condition=20,
    n_practice=2,
    repeat_share=0.0,
    baseline_open_s=5.0,
    baseline_closed_s=5.0,
    fixation_s=(0.4, 0.7),
    picture_s=1.2,
    iti_s=(0.3, 0.6),
    rating_timeout_s=10.0,
)


def demo_settings() -> StudySettings:
    """Settings of the demo study: every step of a session, with short durations."""
    # 20 s of embargo belong to trials 12 s apart (METHODS 5.1); here they are 3 to 6 s apart.
    analysis = replace(AnalysisChoices(), embargo_s=8.0)
    return StudySettings(
        title="Demo study",
        protocol=DEMO_PROTOCOL,
        analysis=analysis,
        is_shortened=True,
        are_stimuli_validated=False,
        intake=(),
    )


def unused_folder(parent: Path, name: str) -> Path:
    """``parent/name``, or ``name-2``, ``name-3``... if that holds something already."""
    candidate, number = parent / name, 1
    while candidate.exists() and any(candidate.iterdir()):
        number += 1
        candidate = parent / f"{name}-{number}"
    return candidate


def suggest_participant_id(taken: tuple[str, ...]) -> str:
    """Next free number with three digits ("004")."""
    numbers = [int(t) for t in taken if t.isdigit()]
    return f"{max(numbers, default=0) + 1:03d}"
