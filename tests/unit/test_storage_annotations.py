"""The annotation journal is the truth: replayed, it gives marks, undo and decisions back, also after a crash."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veridical.domain.annotation import LABELS, Annotation, AnnotationSet, Suggestion
from veridical.domain.errors import StorageError
from veridical.storage.annotation_file import (
    Act,
    AnnotationHistory,
    AnnotationJournal,
    read_annotation_journal,
    write_annotation_table,
)
from veridical.storage.ledger import Analysis, append_analysis, read_ledger
from veridical.storage.suggestion_table import read_suggestions, write_suggestions
from veridical.storage.tables import read_table

_BLINK = Annotation(1.0, 0.5, "blink")
_MUSCLE = Annotation(3.25, 1.0, "muscle", ("T7", "T8"), "both sides")
_SUGGESTION = Suggestion(0.1 + 0.2, 1 / 3, "muscle", ("T7",), "muscle", 8.3, "20-45 Hz power 8.3 SD above the median")


def _marking(marks: AnnotationSet, mark: Annotation) -> Act:
    return Act("edit", marks.add(mark)[1])


def test_replaying_the_journal_gives_marks_and_undo_back(tmp_path: Path) -> None:
    journal = AnnotationJournal(tmp_path / "deep" / "a.jsonl")
    history = AnnotationHistory()
    for act in (
        _marking(AnnotationSet(), _BLINK),
        _marking(AnnotationSet((_BLINK,)), _MUSCLE),
        Act("undo"),
        Act("redo"),
        Act("undo"),
        Act("reject", None, _SUGGESTION),
    ):
        journal.append(act)
        history = history.after(act)
    journal.close()
    replayed = read_annotation_journal(tmp_path / "deep" / "a.jsonl")
    assert replayed.annotations.annotations == (_BLINK,) == history.annotations.annotations
    assert replayed.decided == {_SUGGESTION}
    assert [a.text for a in replayed.done] == ["Mark blink", "Reject muscle"]
    assert replayed.undone == ()


def test_a_line_cut_off_by_a_crash_is_left_out_and_does_not_swallow_the_next(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    journal = AnnotationJournal(file)
    journal.append(_marking(AnnotationSet(), _BLINK))
    journal.append(_marking(AnnotationSet((_BLINK,)), _MUSCLE))
    journal.close()
    file.write_bytes(file.read_bytes()[:-7])
    assert read_annotation_journal(file).annotations.annotations == (_BLINK,)
    journal = AnnotationJournal(file)
    journal.append(_marking(AnnotationSet((_BLINK,)), _MUSCLE))
    journal.close()
    assert read_annotation_journal(file).annotations.annotations == (_BLINK, _MUSCLE)


def test_a_damaged_line_in_the_middle_is_named(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    journal = AnnotationJournal(file)
    journal.append(_marking(AnnotationSet(), _BLINK))
    journal.append(Act("undo"))
    journal.close()
    lines = file.read_bytes().split(b"\n")
    file.write_bytes(b"\n".join([b"{damaged", *lines[1:]]))
    with pytest.raises(StorageError, match="line 1 is damaged"):
        read_annotation_journal(file)


_marks = st.builds(
    Annotation,
    st.integers(0, 40).map(float),
    st.integers(1, 20).map(float),
    st.sampled_from(sorted(LABELS)[:3]),
    st.sampled_from([(), ("Cz",)]),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(_marks, st.sampled_from(["undo", "redo", "remove"])), max_size=25))
def test_undoing_everything_ends_with_nothing_and_redoing_everything_with_the_same(
    steps: list[Annotation | str],
) -> None:
    history = AnnotationHistory()
    for step in steps:
        marks = history.annotations
        if isinstance(step, Annotation):
            history = history.after(_marking(marks, step))
        elif step == "remove" and marks.annotations:
            history = history.after(Act("edit", marks.remove(marks.annotations[0])[1]))
        elif step == "undo":
            history = history.after(Act("undo"))
        elif step == "redo":
            history = history.after(Act("redo"))
    final, n_done = history.annotations, len(history.done)
    for _ in range(n_done):
        history = history.after(Act("undo"))
    assert history.annotations == AnnotationSet()
    for _ in range(n_done):
        history = history.after(Act("redo"))
    assert history.annotations == final


def test_the_table_holds_the_marks(tmp_path: Path) -> None:
    write_annotation_table(tmp_path / "a.tsv", AnnotationSet((_BLINK, replace(_MUSCLE, comment="a\tb\nc"))))
    rows = read_table(tmp_path / "a.tsv")
    assert [float(r["onset"]) for r in rows] == [1.0, 3.25]
    assert rows[0]["channels"] == ""
    assert rows[1]["channels"] == "T7,T8"
    assert rows[1]["comment"] == "a b c"


def test_suggestions_read_back_bit_for_bit(tmp_path: Path) -> None:
    chosen = (_SUGGESTION, Suggestion(2.0, 1.0, "blink", (), "blink", 4.5, "frontal"))
    write_suggestions(tmp_path / "s.tsv", chosen)
    assert read_suggestions(tmp_path / "s.tsv") == chosen
    assert read_suggestions(tmp_path / "none.tsv") == ()


def test_the_ledger_only_grows(tmp_path: Path) -> None:
    file = tmp_path / "ledger.jsonl"
    first = Analysis(
        1, "2026-01-01T00:00:00+00:00", "valence", "midpoint", "evoked", 0, True, 60, 0.7, 0.01, "x", (), "m1"
    )
    append_analysis(file, first)
    before = file.read_bytes()
    append_analysis(file, replace(first, number=2, is_primary=False))
    assert file.read_bytes().startswith(before)
    assert [a.number for a in read_ledger(file)] == [1, 2]
