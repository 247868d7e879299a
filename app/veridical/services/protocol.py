"""What the protocol editor does: try a protocol, say what is wrong with it, save it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from veridical.domain.errors import ProtocolError
from veridical.domain.participant import RunKey
from veridical.domain.preview import Preview, preview
from veridical.domain.protocol import SessionPlan
from veridical.domain.rating import Scale
from veridical.domain.study import StudySettings
from veridical.services.session import plan_session
from veridical.services.study import Study
from veridical.storage.study_file import edit_study_file, read_study_file
from veridical.storage.study_rules import find_faults
from veridical.storage.template_file import DEFAULT_TEMPLATE, Template, read_template, templates
from veridical.storage.text_file import languages, read_language, translate_scale

__all__ = ["DEFAULT_TEMPLATE", "Fault", "Template", "Trial", "templates"]

# Stands for whoever comes next; no participant can have it, ids have no blanks.
NEXT_PARTICIPANT = "next"


@dataclass(frozen=True)
class Fault:
    """A setting and what is wrong with it.

    Parameters
    ----------
    name : str
        As in study.toml (``protocol.scales[1].id``).
    """

    name: str
    words: str


@dataclass(frozen=True)
class Trial:
    """What came of trying settings for one participant.

    Parameters
    ----------
    plan, preview : optional
        None if there are faults, or no order.
    refusal : str
        Why there is no order; empty if there is one.
    """

    faults: tuple[Fault, ...] = ()
    plan: SessionPlan | None = None
    preview: Preview | None = None
    refusal: str = ""


def try_settings(study: Study, settings: StudySettings, participant: str = NEXT_PARTICIPANT) -> Trial:
    """Resolve settings that are not saved yet into the session of a participant (first session)."""
    faults = tuple(Fault(name, words) for name, words in find_faults(settings))
    if faults:
        return Trial(faults)
    try:
        plan = plan_session(replace(study, settings=settings), RunKey(participant))
    except ProtocolError as error:
        return Trial(refusal=str(error))
    return Trial(plan=plan, preview=preview(settings.protocol, plan))


def save_settings(study: Study, before: StudySettings, after: StudySettings) -> Study:
    """Write what differs into study.toml and return the study as it stands there.

    Raises
    ------
    StudyError, StorageError
        If the file is damaged, would be wrong, or cannot be written.
    """
    edit_study_file(study.paths.study_file, before, after)
    return replace(study, settings=read_study_file(study.paths.study_file))


def reread(study: Study) -> Study:
    """Return the study with what stands in study.toml now: somebody may have edited it."""
    return replace(study, settings=read_study_file(study.paths.study_file))


def template_settings(name: str) -> StudySettings:
    """Settings that a new study takes from a template."""
    return read_template(name).settings


def n_recorded(study: Study) -> int:
    """Number of runs that were recorded in the study."""
    return sum(len(study.runs(p.id)) for p in study.participants())


def language_names() -> tuple[tuple[str, str], ...]:
    """Code and own name of every language that ships."""
    return tuple((code, read_language(code).name) for code in languages())


def shown_words(scale: Scale, language: str) -> str:
    """What the participant reads of a scale, on one line."""
    shown = translate_scale(scale, read_language(language).scales)
    ends = [w for w in (shown.low, shown.middle, shown.high) if w] if shown.kind not in ("choice", "text") else []
    options = shown.option_words or shown.options if shown.kind == "choice" else ()
    return " · ".join((shown.question, *ends, *options))


def shipped_texts(language: str) -> Mapping[str, str]:
    """The participant's words as they ship in a language."""
    return read_language(language).words
