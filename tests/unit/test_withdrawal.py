"""A participant who withdraws leaves nothing but a tombstone."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from veridical.cli.app import app
from veridical.domain.errors import StorageError, StudyError
from veridical.domain.participant import RunKey
from veridical.domain.progress import finish
from veridical.domain.protocol import SessionPlan
from veridical.domain.run import ScreenChoice
from veridical.services.study import Study, create_study, open_study
from veridical.services.withdrawal import withdraw_work
from veridical.storage.session_file import Ending, SessionRecord, write_session
from veridical.storage.study_log import read_study_log


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Two participants with a little of everything."""
    made = create_study(tmp_path / "study")
    for name in ("001", "0010"):
        made.add_participant(name, "patients")
        key = RunKey(name)
        for file in (
            made.paths.xdf(key), made.paths.journal(key), made.paths.session_file(key), made.paths.features(key),
            made.paths.annotation_journal(key, "anna"), made.paths.ledger(name), made.paths.report(name, "m"),
            made.paths.run(key).log("recorder"),
        ):  # fmt: skip
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"\n")
    return made


def _files_of(study: Study, participant: str) -> list[Path]:
    return [f for f in study.root.rglob("*") if f"sub-{participant}" in f.relative_to(study.root).parts or
            any(part.startswith(f"sub-{participant}_") for part in f.relative_to(study.root).parts)]  # fmt: skip


def test_nothing_of_them_is_left_and_nothing_of_others_is_touched(study: Study) -> None:
    others = _files_of(study, "0010")
    held = finish(withdraw_work(study, "001"))
    assert (held.n_recordings, held.n_files, held.n_bytes) == (1, 8, 8)
    assert _files_of(study, "001") == []
    assert _files_of(study, "0010") == others
    acts = read_study_log(study.paths.study_log)
    assert [(a.act, a.participant, a.n_files) for a in acts] == [("withdraw", "001", 8)]


def test_the_id_is_never_used_again_and_the_group_is_forgotten(study: Study) -> None:
    finish(withdraw_work(study, "001"))
    row = open_study(study.root).participants()[0]
    assert (row.id, row.group, row.status) == ("001", "", "withdrawn")
    with pytest.raises(StudyError, match="withdrew"):
        study.add_participant("001")
    with pytest.raises(StudyError, match="withdrew"):
        study.get_participant("001")
    with pytest.raises(StudyError, match="nothing of them is left"):
        finish(withdraw_work(study, "001"))


def test_recordings_that_went_on_in_a_fallback_folder_go_too(study: Study, tmp_path: Path) -> None:
    fallback = tmp_path / "fallback"
    fallback.mkdir()
    away = [fallback / f"{RunKey(name).stem}_continued.xdf" for name in ("001", "0010")]
    for name, file in zip(("001", "0010"), away, strict=True):
        file.write_bytes(b"1234")
        unplugged = tmp_path / "stick" / f"{RunKey(name).stem}_continued-2.xdf"
        # Somebody else's file, named in a damaged session file, is none of theirs.
        files = (str(study.paths.xdf(RunKey(name))), str(file), str(unplugged), str(tmp_path / "thesis.xdf"))
        record = SessionRecord(
            RunKey(name), "", {}, {}, 0, SessionPlan(), (), (), ScreenChoice(), Ending("completed"), Ending("stop"),
            recorder={"files": files},
        )  # fmt: skip
        study.paths.session_file(RunKey(name)).unlink()
        write_session(study.paths.session_file(RunKey(name)), record)
    (tmp_path / "thesis.xdf").write_bytes(b"precious")
    held = finish(withdraw_work(study, "001"))
    assert held.elsewhere == (away[0],)
    assert (away[0].exists(), away[1].exists(), (tmp_path / "thesis.xdf").exists()) == (False, True, True)
    assert [f.parent.name for f in held.absent] == ["stick"]
    assert "Plug in that disk" in held.absent_words
    assert str(tmp_path / "stick") in read_study_log(study.paths.study_log)[0].detail


def test_an_unknown_participant_is_named(study: Study) -> None:
    with pytest.raises(StudyError, match="no participant 7"):
        finish(withdraw_work(study, "7"))


def test_an_erasing_that_was_interrupted_is_finished_by_the_same_call(study: Study) -> None:
    work = withdraw_work(study, "001")
    next(work)
    work.close()
    assert study.participants()[0].status == "withdrawn"
    assert _files_of(study, "001")
    finish(withdraw_work(study, "001"))
    assert _files_of(study, "001") == []


def test_a_link_out_of_the_study_is_not_followed(study: Study, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "letter.txt").write_text("precious")
    os.symlink(mine, study.paths.raw(RunKey("001")) / "link")
    finish(withdraw_work(study, "001"))
    assert (mine / "letter.txt").read_text() == "precious"
    assert _files_of(study, "001") == []


def test_a_file_that_refuses_is_named(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, onerror: object) -> None:
        raise PermissionError(13, "Permission denied", str(path / "a.xdf"))

    monkeypatch.setattr("veridical.services.withdrawal.shutil.rmtree", refuse)
    with pytest.raises(StorageError, match=r"a\.xdf cannot be erased \(Permission denied\)"):
        finish(withdraw_work(study, "001"))


def test_the_command_erases_only_when_it_is_told_to(study: Study) -> None:
    runner = CliRunner()
    refused = runner.invoke(app, ["withdraw", str(study.root), "--participant", "001"])
    assert isinstance(refused.exception, StudyError)
    assert "give --yes" in str(refused.exception)
    assert _files_of(study, "001")
    done = runner.invoke(app, ["withdraw", str(study.root), "--participant", "001", "--yes", "--json"])
    assert done.exit_code == 0
    assert done.stdout.strip() == '{"participant": "001", "files": 8, "bytes": 8, "not_found": []}'
    assert _files_of(study, "001") == []
