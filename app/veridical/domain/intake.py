"""What is asked and agreed before a session: consent, hands, impedances, room; never a name."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from veridical.domain.errors import StudyError

IntakeKind = Literal["text", "choice", "yes-no"]
IntakeGate = Literal["", "required", "yes", "yes-if-sensitive"]

YES, NO = "yes", "no"
# Pseudonyms only: the key to names is kept elsewhere, and exports carry the session file's fields.
_IDENTIFYING = re.compile(
    r"(^|_)(name|surname|forename|firstname|lastname|birth|birthday|birthdate|dob|email|e_mail|mail|phone|address|ssn)"
    r"($|_|\d)",
    re.IGNORECASE,
)
_ID = re.compile(r"[a-z][a-z0-9_]{0,31}")


@dataclass(frozen=True)
class IntakeField:
    """One thing that is asked before a session.

    Parameters
    ----------
    id : str
        Key in study.toml and session.json: small letters, digits, ``_``.
    kind : str
        ``text``, ``choice`` (one of ``choices``), ``yes-no``.
    gate : str
        What the start waits for: nothing, any answer (``required``), the answer yes, or yes if a picture that is
        flagged as sensitive is among those to be shown.
    help : str
        One sentence beside the field.
    is_remembered : bool
        Whether the answer of the participant's last session is proposed again.
    """

    id: str
    title: str
    kind: IntakeKind = "text"
    choices: tuple[str, ...] = ()
    gate: IntakeGate = ""
    help: str = ""
    is_remembered: bool = False

    @property
    def options(self) -> tuple[str, ...]:
        """Answers to choose from; empty for free text."""
        return (YES, NO) if self.kind == "yes-no" else self.choices


DEFAULT_INTAKE: tuple[IntakeField, ...] = (
    IntakeField("consent", "Consent given", "yes-no", gate="yes", help="The participant signed the consent form."),
    IntakeField(
        "consent_version", "Consent form", gate="required", help="Its version, e.g. 2.1.", is_remembered=True
    ),
    IntakeField(
        "consent_sensitive", "Agrees to upsetting pictures", "yes-no", gate="yes-if-sensitive",
        help="Asked for only if pictures flagged as sensitive are shown.",
    ),
    IntakeField("operator", "Operator", help="A code, not a name.", is_remembered=True),
    IntakeField("handedness", "Handedness", "choice", ("right", "left", "both"), is_remembered=True),
    IntakeField("rating_hand", "Rating hand", "choice", ("right", "left"), is_remembered=True),
    IntakeField("eda_hand", "EDA hand", "choice", ("left", "right", "none"), is_remembered=True),
    IntakeField("impedances", "Impedances", help="E.g. all below 10 kOhm."),
    IntakeField("room", "Room notes", help="Light, warmth, noise."),
)  # fmt: skip


def check_fields(fields: Sequence[IntakeField]) -> None:
    """Raise StudyError if the fields of a study cannot be asked: an id twice, a choice without choices, a name."""
    seen: set[str] = set()
    for field in fields:
        if not _ID.fullmatch(field.id):
            raise StudyError(f"The intake field {field.id!r} needs an id of small letters, digits and _; correct it.")
        if field.id in seen:
            raise StudyError(f"The intake field {field.id!r} stands there twice; remove one.")
        seen.add(field.id)
        if _IDENTIFYING.search(field.id):
            raise StudyError(
                f"The intake field {field.id!r} would identify the participant; data here are pseudonymous, so keep it "
                "in the lab's own list."
            )
        if field.kind == "choice" and len(field.choices) < 2:
            raise StudyError(f"The intake field {field.id!r} needs two choices at least; add them or make it a text.")


def check_answers(fields: Sequence[IntakeField], answers: Mapping[str, str]) -> None:
    """Raise StudyError for an answer to no field, or one that is none of a field's choices."""
    known = {field.id: field for field in fields}
    for key, value in answers.items():
        field = known.get(key)
        if field is None:
            raise StudyError(f"The study asks for no {key!r}; its fields are {', '.join(known) or 'none'}.")
        if value and field.options and value not in field.options:
            raise StudyError(f"{field.title}: {value!r} is not one of {', '.join(field.options)}; choose one of them.")


def find_open(
    fields: Sequence[IntakeField], answers: Mapping[str, str], shows_sensitive: bool
) -> tuple[IntakeField, ...]:
    """Fields that the start waits for."""

    def waits(field: IntakeField) -> bool:
        answer = answers.get(field.id, "").strip()
        if field.gate == "required":
            return not answer
        return (field.gate == "yes" or (field.gate == "yes-if-sensitive" and shows_sensitive)) and answer != YES

    return tuple(field for field in fields if waits(field))
