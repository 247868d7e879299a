"""What is asked before a session: consent gates the start, choices are choices, and nobody is named."""

from dataclasses import replace
from pathlib import Path

import pytest

from veridical.cli.run_command import parse_intake
from veridical.domain.errors import StudyError
from veridical.domain.intake import DEFAULT_INTAKE, IntakeField, check_answers, check_fields, find_open
from veridical.domain.participant import RunKey
from veridical.domain.stream import StreamDescription
from veridical.domain.study import StudySettings
from veridical.services.gate import check_before_run
from veridical.services.session import RunRequest, start_run
from veridical.services.study import create_study
from veridical.storage.study_file import read_study_file, write_study_file


def _open(answers: dict[str, str], shows_sensitive: bool = False) -> list[str]:
    return [field.id for field in find_open(DEFAULT_INTAKE, answers, shows_sensitive)]


def test_the_start_waits_for_consent_and_its_version() -> None:
    assert _open({}) == ["consent", "consent_version"]
    assert _open({"consent": "no", "consent_version": "2"}) == ["consent"]
    assert _open({"consent": "yes", "consent_version": " "}) == ["consent_version"]
    assert _open({"consent": "yes", "consent_version": "2"}) == []


def test_upsetting_pictures_need_an_agreement_of_their_own() -> None:
    given = {"consent": "yes", "consent_version": "2"}
    assert _open(given, shows_sensitive=True) == ["consent_sensitive"]
    assert _open(given | {"consent_sensitive": "no"}, shows_sensitive=True) == ["consent_sensitive"]
    assert _open(given | {"consent_sensitive": "yes"}, shows_sensitive=True) == []


def test_an_answer_must_be_one_of_the_choices_of_a_field_that_exists() -> None:
    check_answers(DEFAULT_INTAKE, {"handedness": "left", "room": "warm", "eda_hand": ""})
    with pytest.raises(StudyError, match="right, left, both"):
        check_answers(DEFAULT_INTAKE, {"handedness": "neither"})
    with pytest.raises(StudyError, match="asks for no 'shoe'"):
        check_answers(DEFAULT_INTAKE, {"shoe": "43"})


@pytest.mark.parametrize(
    "name", ["name", "participant_name", "email", "date_of_birth", "birthdate", "phone2", "first_name"]
)
def test_a_field_that_would_identify_a_person_is_refused(name: str) -> None:
    with pytest.raises(StudyError, match="identify the participant"):
        check_fields((IntakeField(name, "x"),))


@pytest.mark.parametrize("name", ["room", "cap", "electrode_gel", "glasses"])
def test_other_fields_are_the_labs_to_choose(name: str) -> None:
    check_fields((*DEFAULT_INTAKE, IntakeField(name + "_x", "x")))


def test_fields_twice_badly_named_or_without_choices_are_refused() -> None:
    with pytest.raises(StudyError, match="twice"):
        check_fields((IntakeField("a", "A"), IntakeField("a", "B")))
    with pytest.raises(StudyError, match="small letters"):
        check_fields((IntakeField("A b", "A"),))
    with pytest.raises(StudyError, match="two choices"):
        check_fields((IntakeField("a", "A", "choice", ("one",)),))


@pytest.mark.parametrize(
    "fields",
    [
        DEFAULT_INTAKE,
        (),
        (IntakeField("glasses", "Glasses", "yes-no"), IntakeField("cap", "Cap", "choice", ("54", "56"))),
    ],
)
def test_fields_survive_study_toml(tmp_path: Path, fields: tuple[IntakeField, ...]) -> None:
    settings = replace(StudySettings(), intake=fields)
    write_study_file(tmp_path / "study.toml", settings)
    assert read_study_file(tmp_path / "study.toml") == settings


def test_a_bad_field_in_study_toml_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_text('title = "x"\n\n[[intake]]\nid = "surname"\ntitle = "Surname"\n')
    with pytest.raises(StudyError, match=r"line 3.*surname.*identify"):
        read_study_file(file)


def test_answers_on_the_command_line_are_key_and_value() -> None:
    assert parse_intake(["consent=yes", "impedances=T7 = 22 kOhm"]) == {"consent": "yes", "impedances": "T7 = 22 kOhm"}
    with pytest.raises(StudyError, match="KEY=VALUE"):
        parse_intake(["consent"])


def test_no_child_starts_before_consent(tmp_path: Path) -> None:
    study = create_study(tmp_path / "study")
    stream = StreamDescription("EEG", "EEG", "s", "u", "h", 8, 250.0, "float32")
    request = RunRequest(RunKey("001"), (stream,), intake={"consent_version": "2"})
    with pytest.raises(StudyError, match=r"waits for: Consent given \(consent\)"):
        start_run(study, request)
    assert not study.paths.run(RunKey("001")).plan.exists()


@pytest.mark.parametrize(
    ("answers", "is_simulated", "light"),
    [({}, False, "fail"), ({"consent": "yes", "consent_version": "2"}, False, "good"), ({}, True, "good")],
)
def test_the_gate_shows_consent(tmp_path: Path, answers: dict[str, str], is_simulated: bool, light: str) -> None:
    study = create_study(tmp_path / "study")
    request = RunRequest(RunKey("001"), (), intake=answers, has_simulated_participant=is_simulated)
    item = next(i for i in check_before_run(study, request) if i.id == "consent")
    assert item.light == light
    assert item.is_blocking == (light == "fail")
