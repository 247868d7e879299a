"""study.toml, participants.tsv and stimuli.tsv: they read back, and faults are named with their line."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from veridical.domain.errors import StimulusError, StorageError, StudyError
from veridical.domain.participant import Participant
from veridical.domain.protocol import Protocol
from veridical.domain.rating import AROUSAL, VALENCE, Scale
from veridical.domain.stimulus import Stimulus, StimulusSet
from veridical.domain.stream import RoleAssignment
from veridical.domain.study import AnalysisChoices, StudySettings
from veridical.storage.participants_table import read_participants, write_participants
from veridical.storage.stimuli_table import check_stimulus_file, read_stimuli, write_stimuli
from veridical.storage.study_file import read_study_file, write_study_file

_ROLE = RoleAssignment("EDA", "actiCHamp", "abc", (32,), ("GSR",), 4e-5, 0.1)


@pytest.mark.parametrize(
    "settings",
    [
        StudySettings(),
        StudySettings(
            title='Gefühle "im" Bild\\Test',
            protocol=Protocol(
                scales=(AROUSAL, VALENCE, Scale("memory", "Seen?", "no", "", "yes", 0, 1)), picture_s=1.5
            ),
            analysis=AnalysisChoices(target="arousal", label_rule="median", line_noise_hz=60),
            roles=(_ROLE, replace(_ROLE, role="ECG", channels=(33, 34))),
            is_shortened=True,
        ),
    ],
)
def test_settings_read_back_as_written(tmp_path: Path, settings: StudySettings) -> None:
    write_study_file(tmp_path / "study.toml", settings)
    assert read_study_file(tmp_path / "study.toml") == settings


def test_the_file_explains_its_choices(tmp_path: Path) -> None:
    write_study_file(tmp_path / "study.toml", StudySettings())
    text = (tmp_path / "study.toml").read_text()
    assert "max_run = 2 # at most this many of one class in a row" in text
    assert tomllib.loads(text)["protocol"]["n_blocks"] == 3


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("n_blocks = 3", "n_blocks = three", "is no valid TOML"),
        ("n_blocks = 3", 'n_blocks = "three"', "protocol.n_blocks: expected `int`, got `str`"),
        ("n_blocks = 3", "n_blocks = 0", "protocol.n_blocks must be 1 or more"),
        ("n_blocks = 3", "n_block = 3", "'protocol.n_block' is no setting"),
        ('label_rule = "midpoint"', 'label_rule = "mean"', "analysis.label_rule: invalid enum value 'mean'"),
        ('target = "valence"', 'target = "joy"', "analysis.target must be the id of one of the protocol's scales"),
        ("fixation_s = [1.0, 2.0]", "fixation_s = [2.0, 1.0]", "protocol.fixation_s must be two numbers"),
        ('id = "arousal"', "id = 5", "protocol.scales[1].id: expected `str`, got `int`"),
        ("schema_version = 1", "schema_version = 7", "schema version 7 is not known here"),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, old: str, new: str, fault: str) -> None:
    file = tmp_path / "study.toml"
    write_study_file(file, StudySettings())
    lines = file.read_text().split("\n")
    number = next(k for k, line in enumerate(lines, 1) if line.startswith(old))
    file.write_text("\n".join(lines).replace(old, new))
    with pytest.raises(StudyError) as caught:
        read_study_file(file)
    assert fault in str(caught.value)
    assert f"line {number}" in str(caught.value)


def test_a_folder_without_study_file_is_no_study(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"holds no study\.toml"):
        read_study_file(tmp_path / "study.toml")


def test_participants_read_back_in_bids_columns(tmp_path: Path) -> None:
    people = (Participant("001"), Participant("P2", "patients", "withdrawn"))
    write_participants(tmp_path / "participants.tsv", people)
    assert (tmp_path / "participants.tsv").read_text().splitlines() == [
        "participant_id\tgroup\tstatus",
        "sub-001\tn/a\tactive",
        "sub-P2\tpatients\twithdrawn",
    ]
    assert read_participants(tmp_path / "participants.tsv") == people
    assert set(json.loads((tmp_path / "participants.json").read_text())) == {"participant_id", "group", "status"}


def test_columns_that_a_lab_added_outlive_a_new_participant_and_are_emptied_by_a_withdrawal(tmp_path: Path) -> None:
    table = tmp_path / "participants.tsv"
    table.write_text("participant_id\tage\tgroup\tstatus\nsub-001\t31\ta\tactive\nsub-002\t28\tb\tactive\n")
    table.with_suffix(".json").write_text('{"age": {"Units": "years"}}')
    first, second = read_participants(table)
    write_participants(table, (replace(first, status="withdrawn"), second, Participant("003")))
    assert table.read_text().splitlines() == [
        "participant_id\tgroup\tstatus\tage",
        "sub-001\ta\twithdrawn\tn/a",
        "sub-002\tb\tactive\t28",
        "sub-003\tn/a\tactive\tn/a",
    ]
    assert json.loads(table.with_suffix(".json").read_text())["age"] == {"Units": "years"}


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("sub-001\tn/a\tactive\nsub-../x\tn/a\tactive\n", "line 3"),
        ("sub-001\tn/a\tgone\n", "line 2"),
        ("sub-001\tn/a\n", "line 2: 2 cells under 3 columns"),
        ("sub-001\tn/a\tactive\nsub-001\tn/a\tactive\n", "stands there twice"),
    ],
)
def test_a_bad_participants_line_is_named(tmp_path: Path, body: str, fault: str) -> None:
    (tmp_path / "participants.tsv").write_text(f"participant_id\tgroup\tstatus\n{body}")
    with pytest.raises((StudyError, StorageError), match=fault):
        read_participants(tmp_path / "participants.tsv")


def test_stimuli_read_back_as_written(tmp_path: Path) -> None:
    chosen = StimulusSet(
        (
            Stimulus("a1", "a.jpg", "image", "Animal", "ff", 5.5, 1.0, 3.25, 0.5, 1, 9, "drawn", True),
            Stimulus("a2", "more/b.mp4", "video"),
        )
    )
    write_stimuli(tmp_path / "stimuli.tsv", chosen)
    assert read_stimuli(tmp_path / "stimuli.tsv") == chosen


@pytest.mark.parametrize("ending", ["\r\n", "\r", "\n"])
def test_stimuli_tables_of_every_line_end_and_with_byte_order_mark_are_read(tmp_path: Path, ending: str) -> None:
    text = ending.join(["﻿id\tfile\tvalence_mean\tluminance", "x\tx.jpg\tn/a\t0.5", ""])
    (tmp_path / "stimuli.tsv").write_bytes(text.encode())
    assert read_stimuli(tmp_path / "stimuli.tsv") == StimulusSet((Stimulus("x", "x.jpg"),))


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("x\t../../etc/passwd\t4", "lies outside"),
        ("x\tC:/x.jpg\t4", "lies outside"),
        ("x\t/x.jpg\t4", "lies outside"),
        ("x\tx.jpg\tfour", "could not convert"),
        ("\tx.jpg\t4", "empty"),
    ],
)
def test_a_bad_stimulus_line_is_named(tmp_path: Path, row: str, fault: str) -> None:
    (tmp_path / "stimuli.tsv").write_text(f"id\tfile\tvalence_mean\n{row}\n")
    with pytest.raises(StimulusError, match=f"line 2: .*{fault}"):
        read_stimuli(tmp_path / "stimuli.tsv")


def test_a_changed_or_missing_picture_is_noticed(tmp_path: Path) -> None:
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # of "abc" (FIPS 180-2)
    stimulus = Stimulus("x", "x.jpg", sha256=digest)
    with pytest.raises(StimulusError, match="cannot be read"):
        check_stimulus_file(tmp_path, stimulus)
    (tmp_path / "x.jpg").write_bytes(b"abc")
    check_stimulus_file(tmp_path, stimulus)
    (tmp_path / "x.jpg").write_bytes(b"abd")
    with pytest.raises(StimulusError, match="was changed"):
        check_stimulus_file(tmp_path, stimulus)
