"""One rater's desk: every act undone, saved, locked; nothing lost to a kill, another window or a read-only folder."""

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from veridical.cli.app import app
from veridical.domain.annotation import Annotation, AnnotationSet, Suggestion
from veridical.domain.errors import StorageError
from veridical.domain.participant import RunKey
from veridical.domain.stream import StreamDescription
from veridical.services.annotating import AnnotationDesk, merged_marks
from veridical.services.consensus import CONSENSUS, compare_raters, rated_sets
from veridical.services.reviewing import agreement_again
from veridical.services.study import Study, create_study
from veridical.storage.annotation_file import read_annotation_journal, read_annotation_table, write_annotation_table
from veridical.storage.ledger import read_ledger
from veridical.storage.xdf_writer import XdfWriter

_KEY = RunKey("001")


def write_short_recording(path: Path, seed: int = 1) -> None:
    """Twenty seconds of four EEG channels."""
    path.unlink(missing_ok=True)
    writer = XdfWriter(path)
    labels = ("Fz", "Cz", "Pz", "Oz")
    writer.add_stream(StreamDescription("EEG", "EEG", "e", "u", "h", 4, 100.0, "float32", labels, ("EEG",) * 4))
    samples = np.random.default_rng(seed).standard_normal((4, 2000)).astype(np.float32)
    for k in range(20):
        part = slice(100 * k, 100 * (k + 1))
        writer.write_samples(1, samples[:, part], 100 + np.arange(part.start, part.stop) / 100)
    writer.close()


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """A study with one short recording."""
    made = create_study(tmp_path / "study")
    made.add_participant("001")
    write_short_recording(made.paths.xdf(_KEY))
    return made


@pytest.fixture
def desk(study: Study) -> Iterator[AnnotationDesk]:
    """The first rater's."""
    opened = AnnotationDesk(study, _KEY, "anna")
    yield opened
    opened.close()


def _marks(desk: AnnotationDesk) -> list[tuple[float, float, str]]:
    return [(m.onset_s, m.stop_s, m.label) for m in desk.state.annotations.annotations]


def test_every_edit_is_undone_also_by_the_next_window(study: Study, desk: AnnotationDesk) -> None:
    desk.mark(Annotation(1.0, 2.0, "muscle"))
    whole = desk.state.annotations.annotations[0]
    desk.split(whole, 1.5)
    first, second = desk.state.annotations.annotations
    desk.relabel(second, "blink")
    desk.change(first, Annotation(0.5, 1.0, "muscle", (), "jaw"))
    desk.set_bad(("Fz",), True)
    desk.close()
    again = AnnotationDesk(study, _KEY, "anna")
    assert again.state.annotations.bad_channels == ("Fz",)
    states = []
    while again.state.undo_text is not None:
        states.append(_marks(again))
        again.undo()
    assert _marks(again) == []
    for expected in reversed(states):
        again.redo()
        assert _marks(again) == expected
    again.close()


def test_split_and_merge_are_each_others_inverse(desk: AnnotationDesk) -> None:
    desk.mark(Annotation(1.0, 2.0, "muscle", ("Fz",)))
    desk.mark(Annotation(1.5, 3.0, "blink"))
    before = desk.state.annotations
    desk.split(before.annotations[0], 2.25)
    assert len(desk.state.annotations.annotations) == 3
    desk.merge(m for m in desk.state.annotations.annotations if m.label == "muscle")
    assert desk.state.annotations == before


def test_a_mark_outside_the_recording_is_refused_in_words_and_one_across_its_end_is_cut(desk: AnnotationDesk) -> None:
    end = desk.recording.stop_s
    with pytest.raises(StorageError, match="outside the recording"):
        desk.mark(Annotation(end + 1, 1.0, "blink"))
    desk.mark(Annotation(end - 1, 5.0, "blink"))
    assert desk.state.annotations.annotations[0].stop_s == pytest.approx(end)


def test_a_second_window_can_look_and_is_told_why_it_cannot_mark(study: Study, desk: AnnotationDesk) -> None:
    desk.mark(Annotation(1.0, 1.0, "blink"))
    second = AnnotationDesk(study, _KEY, "anna")
    assert "another window" in second.state.problem
    assert _marks(second) == _marks(desk)
    with pytest.raises(StorageError, match="another window"):
        second.mark(Annotation(3.0, 1.0, "blink"))
    second.close()
    # Another rater's marks are another file.
    other = AnnotationDesk(study, _KEY, "ben")
    assert not other.state.problem
    other.close()
    assert study.raters(_KEY) == ("anna",)


def test_marks_of_another_recording_are_told_and_kept(study: Study, desk: AnnotationDesk) -> None:
    for work in (desk.viewing.time_work(), desk.viewing.build_work()):
        list(work)
    desk.mark(Annotation(1.0, 1.0, "blink"))
    assert desk.find_mismatch() == ""
    desk.close()
    write_short_recording(study.paths.xdf(_KEY), seed=9)
    swapped = AnnotationDesk(study, _KEY, "anna")
    for work in (swapped.viewing.time_work(), swapped.viewing.build_work()):
        list(work)
    assert "another recording" in swapped.find_mismatch()
    assert _marks(swapped) == [(1.0, 2.0, "blink")]
    swapped.close()
    _, recording = read_annotation_table(study.paths.annotation_table(_KEY, "anna"))
    assert recording != swapped.recording.sha256


def test_nothing_marked_is_lost_to_a_kill(study: Study) -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from veridical.domain.annotation import Annotation\n"
        "from veridical.domain.participant import RunKey\n"
        "from veridical.services.annotating import AnnotationDesk\n"
        "from veridical.services.study import open_study\n"
        "desk = AnnotationDesk(open_study(Path(sys.argv[1])), RunKey('001'), 'anna')\n"
        "k = 0\n"
        "while True:\n"
        "    desk.mark(Annotation(k * 0.01, 0.005, 'blink'))\n"
        "    k += 1\n"
        "    print(k, flush=True)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(study.root)], stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert child.stdout is not None
    told = 0
    for line in child.stdout:
        told = int(line)
        if told == 25:
            child.send_signal(signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
            break
    # What it said before the kill reached it.
    told = max([told, *(int(line) for line in child.stdout if line.strip().isdigit())])
    child.wait()
    child.stdout.close()
    kept = read_annotation_journal(study.paths.annotation_journal(_KEY, "anna")).annotations.annotations
    assert told <= len(kept) <= told + 1
    desk = AnnotationDesk(study, _KEY, "anna")
    assert not desk.state.problem
    desk.close()


def test_the_lock_waits_for_all_of_it_and_what_follows_counts_as_tries(study: Study, desk: AnnotationDesk) -> None:
    end = desk.recording.stop_s
    desk.see(0, end / 2)
    with pytest.raises(StorageError, match="not on screen yet"):
        desk.lock()
    with pytest.raises(StorageError, match="once the recording is locked"):
        desk.unblind()
    desk.see(end / 2, end)
    desk.mark(Annotation(1.0, 1.0, "blink"))
    desk.lock()
    assert read_ledger(study.paths.ledger("001")) == ()
    desk.unblind()
    desk.mark(Annotation(3.0, 1.0, "blink"))
    desk.undo()
    assert desk.state.review.n_edits_after == 2
    assert [a.kind for a in read_ledger(study.paths.ledger("001"))] == ["unblinding", "marks changed"]
    desk.close()
    again = AnnotationDesk(study, _KEY, "anna")
    assert again.state.review.is_locked
    assert again.state.review.is_unblinded
    assert again.state.review.is_complete(end)
    again.close()


def test_a_rater_is_compared_with_themselves_in_a_tenth(study: Study, desk: AnnotationDesk) -> None:
    segments = desk.start_again().again
    start, stop = segments[0]
    desk.end_again()
    desk.mark(Annotation(start + 1, 2.0, "muscle"))
    desk.start_again()
    assert desk.state.annotations == AnnotationSet()
    assert desk.state.suggestions == ()
    desk.mark(Annotation(start + 2, 2.0, "muscle"))
    found = desk.end_again()
    assert found[0].iou == pytest.approx(1 / 3)
    assert found == agreement_again(study, _KEY, "anna", desk.recording.stop_s)
    assert study.raters(_KEY) == ("anna",)
    assert stop > start


def test_consensus_takes_what_all_agree_on_and_names_whose_side_it_took(study: Study, desk: AnnotationDesk) -> None:
    ben = AnnotationDesk(study, _KEY, "ben")
    desk.mark(Annotation(1.0, 2.0, "blink"))
    ben.mark(Annotation(2.0, 2.0, "blink"))
    ben.mark(Annotation(6.0, 1.0, "muscle", ("Fz",)))
    for one in (desk, ben):
        one.set_bad(("Pz",), True)
        one.close()
    assert {m.label for m in merged_marks(study, _KEY)[0].annotations} == {"blink", "muscle"}
    consensus = AnnotationDesk(study, _KEY, CONSENSUS)
    assert [(m.onset_s, m.stop_s, m.source) for m in consensus.state.annotations.annotations] == [
        (2.0, 3.0, "agreed:anna+ben")
    ]
    open_ones = consensus.state.suggestions
    assert [(s.onset_s, s.label, s.method) for s in open_ones] == [
        (1.0, "blink", "only anna"),
        (3.0, "blink", "only ben"),
        (6.0, "muscle", "only ben"),
    ]
    consensus.reject(open_ones[0])
    consensus.reject(open_ones[1])
    consensus.accept(open_ones[2])
    consensus.close()
    marks, names = merged_marks(study, _KEY)
    assert names == (CONSENSUS,)
    assert marks.bad_channels == ("Pz",)
    assert [(m.label, m.channels, m.source) for m in marks.annotations] == [
        ("blink", (), "agreed:anna+ben"),
        ("muscle", ("Fz",), "resolved:ben"),
    ]
    assert '"Sources": [\n    "anna",\n    "ben"\n  ]' in (
        study.paths.annotation_table(_KEY, CONSENSUS).with_suffix(".json").read_text()
    )
    assert compare_raters(rated_sets(study, _KEY), 20.0).raters == ("anna", "ben")


def test_methods_are_judged_by_the_raters_decisions(desk: AnnotationDesk) -> None:
    good = Suggestion(1.0, 1.0, "blink", (), "blink", 6.0, "a peak")
    bad = Suggestion(4.0, 1.0, "blink", (), "blink", 5.0, "a peak")
    desk.load_suggestions((good, bad))
    desk.accept(good)
    desk.reject(bad)
    desk.mark(Annotation(7.0, 1.0, "blink"))
    desk.mark(Annotation(9.0, 1.0, "speech"))
    record = desk.methods[0]
    assert (record.precision, record.recall) == (0.5, 0.5)
    assert record.n_marks == 2
    assert desk.accept(bad, "muscle").undo_text == "Accept as muscle"
    assert desk.state.annotations.annotations[1].label == "muscle"


def test_where_nothing_can_be_written_marks_can_be_looked_at(
    study: Study, desk: AnnotationDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.mark(Annotation(1.0, 1.0, "blink"))
    desk.close()

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("veridical.storage.append_only.open", refuse, raising=False)
    looking = AnnotationDesk(study, _KEY, "anna")
    assert "Read-only file system" in looking.state.problem
    assert _marks(looking) == [(1.0, 2.0, "blink")]
    looking.see(0.0, 5.0)
    with pytest.raises(StorageError, match="Read-only"):
        looking.undo()
    looking.close()


def test_marks_leave_and_come_back_by_command(study: Study, desk: AnnotationDesk, tmp_path: Path) -> None:
    desk.mark(Annotation(1.0, 1.5, "muscle", ("Fz",), "jaw"))
    desk.mark(Annotation(4.0, 1.0, "blink"))
    desk.close()
    out = tmp_path / "marks.csv"
    asked = ["marks", "export", str(study.root), str(out), "--participant", "001", "--json"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["marks"] == 2
    asked = ["marks", "import", str(study.root), str(out), "--participant", "001", "--rater", "ben", "--json"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["n_added"] == 2
    tables = [study.paths.annotation_table(_KEY, rater) for rater in ("anna", "ben")]
    done = CliRunner().invoke(app, ["agreement", *map(str, tables), "--seconds", "20", "--json"])
    assert done.exit_code == 0, done.output
    pair = json.loads(done.stdout)["pairs"][0]
    assert [label["kappa"] for label in pair["labels"]] == pytest.approx([1.0, 1.0, 1.0], abs=1e-5)
    done = CliRunner().invoke(app, ["agreement", *map(str, tables)])
    assert "Electrode pop" not in done.stdout
    assert "Muscle" in done.stdout


def test_tables_of_different_recordings_are_not_compared(study: Study, desk: AnnotationDesk, tmp_path: Path) -> None:
    for rater, sha256 in (("a", "0" * 64), ("b", "1" * 64)):
        marks = AnnotationSet((Annotation(1.0, 1.0, "blink"),))
        write_annotation_table(tmp_path / f"{rater}.tsv", marks, {"RecordingSha256": sha256})
    done = CliRunner().invoke(app, ["agreement", str(tmp_path / "a.tsv"), str(tmp_path / "b.tsv")])
    assert isinstance(done.exception, StorageError)
    assert "different recordings" in str(done.exception)
