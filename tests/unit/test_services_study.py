"""Studies: made whole or not at all, opened with a sentence where something is wrong, never overwritten."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from veridical.domain.errors import StimulusError, StorageError, StudyError
from veridical.domain.participant import Participant, RunKey
from veridical.domain.stimulus import StimulusSet
from veridical.domain.study import StudySettings
from veridical.services.study import Study, create_study, open_study
from veridical.storage.ledger import Analysis, append_analysis
from veridical.storage.participants_table import write_participants
from veridical.storage.stimuli_table import write_stimuli
from veridical.storage.template_file import read_template


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return create_study(tmp_path / "my study")


def test_a_new_study_opens_again_with_every_demo_picture(study: Study) -> None:
    again = open_study(str(study.root))
    assert again == study
    assert again.settings == read_template("autonomic").settings
    assert len(again.stimuli.stimuli) >= 48
    assert all((study.paths.stimuli / s.file).is_file() for s in again.stimuli.stimuli)
    assert not list(study.paths.stimuli.glob("*.py"))
    assert open_study(study.paths.study_file) == study


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(StudyError, match="holds something already"):
        create_study(tmp_path)
    assert [f.name for f in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(("folder", "words"), [("nowhere", "does not exist"), (".", r"holds no study\.toml")])
def test_an_unknown_study_is_named_in_one_sentence(tmp_path: Path, folder: str, words: str) -> None:
    with pytest.raises(StudyError, match=words):
        open_study(tmp_path / folder)


def test_a_study_without_its_stimuli_table_says_so(study: Study) -> None:
    study.paths.stimuli_table.unlink()
    with pytest.raises(StimulusError, match=r"stimuli\.tsv is missing"):
        open_study(study.root)


def test_files_that_a_set_only_points_at_stay_where_they_are(study: Study, tmp_path: Path) -> None:
    first, *others = study.stimuli.stimuli
    there = replace(first, file=str(study.paths.stimuli / first.file))
    write_stimuli(study.paths.stimuli_table, StimulusSet((there, *others)))
    made = create_study(tmp_path / "next", stimuli=study.paths.stimuli)
    assert made.stimuli.stimuli[0] == there
    assert not (made.paths.stimuli / first.file).exists()
    assert (made.paths.stimuli / others[0].file).is_file()
    assert (study.paths.stimuli / first.file).is_file()


def test_a_damaged_source_picture_stops_the_making_of_a_study_and_leaves_nothing(study: Study, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(study.paths.stimuli, source)
    picture = source / study.stimuli.stimuli[-1].file
    picture.write_bytes(picture.read_bytes()[:-100])
    with pytest.raises(StimulusError, match="damaged or was changed"):
        create_study(tmp_path / "new", stimuli=source)
    assert not (tmp_path / "new").exists()


def test_a_disk_that_refuses_the_last_file_of_a_study_leaves_the_folder_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, _settings: StudySettings) -> None:
        raise StorageError(f"{path} cannot be written; free space.")

    (tmp_path / "new").mkdir()
    with monkeypatch.context() as patched:
        patched.setattr("veridical.services.study.write_study_file", refuse)
        with pytest.raises(StorageError, match="free space"):
            create_study(tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []
    create_study(tmp_path / "new")


def test_participants_are_added_once(study: Study) -> None:
    assert study.participants() == ()
    study.add_participant("001", "pilot")
    study.add_participant("A2")
    assert study.participants() == (Participant("001", "pilot"), Participant("A2"))
    for taken in ("001", "a2"):
        with pytest.raises(StudyError, match="in the study already"):
            study.add_participant(taken)


@pytest.mark.parametrize("bad", ["", "../x", "a/b", "a b", "sub-001", "ä", "x" * 33])
def test_an_id_that_is_no_label_is_refused(study: Study, bad: str) -> None:
    with pytest.raises(StudyError, match="cannot be used"):
        study.add_participant(bad)
    with pytest.raises(StudyError, match="cannot be used"):
        study.next_run(bad)


def test_a_withdrawn_participant_is_refused(study: Study) -> None:
    write_participants(study.paths.participants, (Participant("001", status="withdrawn"),))
    with pytest.raises(StudyError, match="withdrew"):
        study.add_participant("001")
    with pytest.raises(StudyError, match="withdrew"):
        study.get_participant("001")
    with pytest.raises(StudyError, match="no participant 002"):
        study.get_participant("002")


def test_runs_with_a_recording_are_found_in_order_and_used_ones_are_passed_over(study: Study) -> None:
    keys = [RunKey("001", "01", 1), RunKey("001", "01", 10), RunKey("001", "01", 2), RunKey("001", "b", 1)]
    for key in keys:
        study.paths.xdf(key).parent.mkdir(parents=True, exist_ok=True)
        study.paths.xdf(key).write_bytes(b"XDF:")
    (study.paths.raw(keys[0]) / "notes.xdf").write_bytes(b"")
    study.paths.journal(RunKey("001", "01", 3)).write_bytes(b"")
    assert study.runs("001") == (keys[0], keys[2], keys[1], keys[3])
    assert study.runs("002") == ()
    assert study.next_run("001") == RunKey("001", "01", 4)
    assert study.next_run("001", "02") == RunKey("001", "02", 1)


def test_progress_tells_the_newest_verdict_and_the_newest_report_that_exists(study: Study) -> None:
    study.add_participant("001")
    study.add_participant("002")
    for number, headline in ((1, "Not above chance"), (2, "Above chance")):
        line = Analysis(
            number, "", "valence", "midpoint", "evoked", 0, True, 60, 0.6, 0.2, headline, (), f"valence-{number:03d}"
        )
        append_analysis(study.paths.ledger("001"), line)
    report = study.paths.report("001", "valence-001")
    report.parent.mkdir(parents=True)
    report.write_text("x")
    first, second = study.progress()
    assert (first.headline, first.report, first.runs) == ("Above chance", report, ())
    assert (second.headline, second.report, second.n_annotations) == ("", None, 0)
