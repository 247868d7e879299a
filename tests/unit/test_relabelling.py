"""A session recorded under a wrong id gets the right one everywhere, once, whatever interrupts it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from veridical.cli.app import app
from veridical.domain.errors import StorageError, StudyError
from veridical.domain.participant import RunKey
from veridical.domain.progress import finish
from veridical.domain.protocol import SessionPlan
from veridical.domain.run import RunPlan, ScreenChoice
from veridical.domain.stimulus import Stimulus, StimulusSet
from veridical.services.relabelling import Place, find_interrupted, parse_place, plan_relabelling, relabel_work
from veridical.services.study import Study, create_study, open_study
from veridical.storage.run_folder import read_plan, write_plan
from veridical.storage.session_file import Ending, SessionRecord, find_session, write_session
from veridical.storage.stimuli_table import write_stimuli
from veridical.storage.study_log import read_study_log

_OLD, _NEW = Place("001", "01"), Place("002", "01")
_MARKERS = "veridical-sub-001_ses-01_run-01-abc123"


@pytest.fixture
def make(tmp_path: Path) -> Callable[[str], Study]:
    """Make studies in which 001/01 was recorded twice, marked and trained, and once went on in a fallback folder."""

    stimuli = tmp_path / "pictures"
    stimuli.mkdir()
    (stimuli / "a.png").write_bytes(b"a picture")
    write_stimuli(stimuli / "stimuli.tsv", StimulusSet((Stimulus("a", "a.png"),)))

    def make_one(name: str) -> Study:
        study = create_study(tmp_path / name, stimuli=stimuli)
        study.add_participant("001", "patients")
        study.add_participant("0010")
        fallback = tmp_path / f"{name}-fallback"
        fallback.mkdir()
        for key in (RunKey("001"), RunKey("001", run=2), RunKey("0010")):
            paths = study.paths
            away = fallback / f"{key.stem}_continued.xdf"
            for file in (paths.xdf(key), away, paths.recovered(key)):
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(f"XDF: {_MARKERS} {key.stem}".encode())
            paths.journal(key).write_text('{"marker": "picture/positive"}\n')
            record = SessionRecord(
                key, "", {}, {}, 0, SessionPlan(), (), (), ScreenChoice(), Ending("completed"), Ending("stop"),
                recorder={"files": (str(paths.xdf(key)), str(away))},
            )  # fmt: skip
            write_session(paths.session_file(key), record)
            paths.annotation_journal(key, "anna").parent.mkdir(parents=True, exist_ok=True)
            paths.annotation_journal(key, "anna").write_text("")
            paths.run(key).folder.mkdir(parents=True)
            plan = RunPlan(
                key, SessionPlan(), (), (), 1, _MARKERS, (), str(paths.xdf(key)), str(paths.journal(key)),
                str(paths.session_file(key)),
            )  # fmt: skip
            write_plan(paths.run(key), plan)
        for name in ("001", "0010"):
            report = study.paths.report(name, "m")
            report.parent.mkdir(parents=True)
            report.write_text(f"<h1>Participant {name}</h1> sub-{name}/ses-01/sub-{name}_ses-01_task-affect_run-01.xdf")
            report.with_suffix(".json").write_text(json.dumps({"participant": name}))
            study.paths.ledger(name).write_text('{"number": 1}\n')
        return open_study(study.root)

    return make_one


def _tree(study: Study) -> dict[str, bytes]:
    """Every file and its contents, without times, ids of acts and the study's own place."""
    here = str(study.root).encode()
    skipped = ("study_log.jsonl",)
    return {
        str(f.relative_to(study.root)): _timeless(f.read_bytes().replace(here, b"ROOT"))
        for f in sorted(study.root.rglob("*"))
        if f.is_file() and f.name not in skipped and "stimuli" not in f.parts
    }


def _timeless(data: bytes) -> bytes:
    return b"\n".join(line for line in data.split(b"\n") if b'"utc"' not in line)


def test_everything_gets_the_new_id_and_nothing_of_others_changes(make: Callable[[str], Study]) -> None:
    study = make("study")
    others = {name: data for name, data in _tree(study).items() if "0010" in name}
    recording = study.paths.xdf(RunKey("001")).read_bytes()
    done = finish(relabel_work(study, _OLD, _NEW))
    study = open_study(study.root)
    assert study.runs("001") == ()
    assert study.runs("002") == (RunKey("002"), RunKey("002", run=2))
    assert {n: d for n, d in _tree(study).items() if "0010" in n} == others
    left = [n for n in _tree(study) if "sub-001_" in n or "sub-001/" in n]
    assert left == []
    key = RunKey("002")
    # A recording's bytes, and so its hash, stay; its marker stream keeps the name by which its parts are known.
    assert study.paths.xdf(key).read_bytes() == recording
    record = find_session(study.paths.session_file(key))
    assert record is not None
    assert (record.key, [r.was for r in record.relabelled]) == (key, [RunKey("001")])
    files = record.recorder["files"]
    assert isinstance(files, list)
    assert all(Path(f).is_file() and "sub-002_ses-01" in f for f in files)
    plan = read_plan(study.paths.run(key))
    assert (plan.key, plan.xdf, plan.marker_source_id) == (key, str(study.paths.xdf(key)), _MARKERS)
    report = study.paths.report("002", "m")
    assert report.read_text() == "<h1>Participant 002</h1> sub-002/ses-01/sub-002_ses-01_task-affect_run-01.xdf"
    assert json.loads(report.with_suffix(".json").read_text()) == {"participant": "002"}
    assert study.paths.ledger("002").is_file()
    assert done.stays == ""
    # The row of the wrong id stays: its place in the counterbalancing must not move.
    assert [p.id for p in study.participants()] == ["001", "0010", "002"]
    (act,) = read_study_log(study.paths.study_log)
    assert (act.act, act.participant) == ("relabel", "001")
    assert "001/01 became 002/01" in act.detail


def test_an_interruption_anywhere_is_finished_by_the_same_call(make: Callable[[str], Study], is_full: bool) -> None:
    whole = make("whole")
    n_steps = sum(1 for _ in relabel_work(whole, _OLD, _NEW))
    expected = {name.replace("whole", "X"): data.replace(b"whole", b"X") for name, data in _tree(whole).items()}
    assert n_steps > 15
    for stop in range(1, n_steps + 1, 1 if is_full else 5):
        name = f"broken{stop}"
        study = make(name)
        work = relabel_work(study, _OLD, _NEW)
        for _ in range(stop):
            next(work)
        work.close()
        assert find_interrupted(study) is not None
        with pytest.raises(StudyError, match="was interrupted; finish it first"):
            next(relabel_work(study, _OLD, Place("003", "01")))
        finish(relabel_work(open_study(study.root), _OLD, _NEW))
        assert find_interrupted(study) is None
        found = {n.replace(name, "X"): d.replace(name.encode(), b"X") for n, d in _tree(study).items()}
        assert found == expected
        assert len(read_study_log(study.paths.study_log)) == 1


def test_one_run_goes_to_somebody_who_has_runs_and_models_stay_with_a_word(make: Callable[[str], Study]) -> None:
    study = make("study")
    done = finish(relabel_work(study, Place("001", "01", 2), Place("0010", "01", 2)))
    assert study.runs("001") == (RunKey("001"),)
    assert study.runs("0010") == (RunKey("0010"), RunKey("0010", run=2))
    assert "train 001 and 0010 again" in done.stays
    assert study.paths.report("001", "m").is_file()
    assert find_session(study.paths.session_file(RunKey("001"))).key == RunKey("001")  # type: ignore[union-attr]


def test_nothing_is_overwritten(make: Callable[[str], Study]) -> None:
    study = make("study")
    before = _tree(study)
    for source, target, words in (
        (_OLD, Place("0010", "01"), "is used; nothing is overwritten"),
        (_OLD, _OLD, "is called so already"),
        (Place("007", "01"), _NEW, "holds nothing of 007/01"),
        (_OLD, Place("002", "01", 1), "name the run of both"),
    ):
        with pytest.raises(StudyError, match=words):
            plan_relabelling(study, source, target)
    stranger = study.paths.derivatives("002") / "ses-01" / f"{RunKey('002').stem}_recovered.xdf"
    stranger.parent.mkdir(parents=True)
    stranger.write_bytes(b"precious")
    with pytest.raises(StudyError, match="never overwritten"):
        finish(relabel_work(study, _OLD, _NEW))
    assert stranger.read_bytes() == b"precious"
    stranger.unlink()
    assert _tree(study) == before


def test_a_file_that_appears_meanwhile_is_not_overwritten(make: Callable[[str], Study]) -> None:
    study = make("study")
    work = relabel_work(study, _OLD, _NEW)
    next(work)
    target = study.paths.session_file(RunKey("002"))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(b"precious")
    with pytest.raises(StorageError, match="appeared while"):
        for _ in work:
            pass
    assert target.read_bytes() == b"precious"
    target.unlink()
    finish(relabel_work(study, _OLD, _NEW))
    assert study.runs("002") == (RunKey("002"), RunKey("002", run=2))


@pytest.mark.parametrize("text", ["001", "001/", "../x/01", "001/01/x", "0 1/01"])
def test_a_place_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(StudyError, match="names no session"):
        parse_place(text)


def test_the_command_asks_and_tells(make: Callable[[str], Study]) -> None:
    study = make("study")
    command = ["relabel", str(study.root), "--from", "001/01", "--to", "002/01"]
    runner = CliRunner()
    refused = runner.invoke(app, command)
    assert isinstance(refused.exception, StudyError)
    assert "Nothing was changed: 2 runs of 001/01 become 002/01" in str(refused.exception)
    done = runner.invoke(app, [*command, "--yes", "--json"])
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert told["runs"] == [[f"sub-{p}_ses-01_run-0{run}" for p in ("001", "002")] for run in (1, 2)]
    assert find_interrupted(study) is None
