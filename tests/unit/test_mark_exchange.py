"""Marks survive other programs' formats: MNE is the judge of those that it reads."""

import csv
import json
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import mne
import numpy as np
import pytest

from veridical.domain.annotation import Annotation, AnnotationSet
from veridical.domain.errors import StorageError
from veridical.storage.mark_exchange import FORMAT_ENDINGS, MarkFormat, format_of, read_marks, write_marks

_BEGUN = datetime(2026, 1, 2, 3, 4, 5, 250000, tzinfo=UTC)
_MARKS = AnnotationSet(
    (
        Annotation(0.5, 0.25, "blink"),
        Annotation(3.25, 1.5, "muscle", ("T7", "T8"), "both sides", "suggested:muscle"),
        Annotation(3.5, 2.0, "laughter", (), "at the picture"),
        Annotation(3599.125, 0.125, "eda-motion"),
    )
)


@pytest.mark.parametrize("fmt", ["mne-fif", "mne-csv", "edf"])
def test_mne_finds_every_mark_where_it_is_on_the_recording(tmp_path: Path, fmt: MarkFormat) -> None:
    file = tmp_path / f"sub-001{FORMAT_ENDINGS[fmt]}"
    write_marks(file, _MARKS, _BEGUN)
    annotations = mne.read_annotations(file)
    # On a recording that began at the same time, as MNE itself would put them.
    raw = mne.io.RawArray(np.zeros((2, 4000)), mne.create_info(["T7", "T8"], 1.0), verbose="error")
    raw.set_meas_date(_BEGUN)
    raw.set_annotations(annotations, verbose="error")
    seen = set()
    on_single: set[str] = set()
    for a in raw.annotations:
        text, _, channel = a["description"].partition("@@")
        seen.add((round(float(a["onset"]), 3), round(float(a["duration"]), 3), text))
        on_single.update(a.get("ch_names", ()), {channel} - {""})
    assert sorted(seen) == [(m.onset_s, m.duration_s, f"BAD_{m.label}") for m in _MARKS.annotations]
    assert on_single == {"T7", "T8"}


@pytest.mark.parametrize("fmt", FORMAT_ENDINGS)
def test_every_format_gives_the_marks_back(tmp_path: Path, fmt: MarkFormat) -> None:
    file = tmp_path / f"sub-001{FORMAT_ENDINGS[fmt]}"
    write_marks(file, _MARKS, _BEGUN)
    assert format_of(file) == fmt
    back = read_marks(file).on(_BEGUN).annotations
    wanted = [(m.onset_s, m.duration_s, m.label, c) for m in _MARKS.annotations for c in m.channels or ("",)]
    found = [(m.onset_s, m.duration_s, m.label, c) for m in back for c in m.channels or ("",)]
    assert [w[2:] for w in wanted] == [f[2:] for f in found]
    # FIF keeps onsets in 32 bits: 0.2 ms at one hour.
    assert np.array([f[:2] for f in found]) == pytest.approx(np.array([w[:2] for w in wanted]), abs=3e-4)
    if fmt != "edf":
        assert [m.comment for m in back] == [m.comment for m in _MARKS.annotations]


def test_marks_move_with_the_clock_of_the_recording_they_are_brought_to(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    write_marks(file, _MARKS, _BEGUN)
    later = read_marks(file).on(_BEGUN + timedelta(seconds=0.25))
    assert later.annotations[0].onset_s == pytest.approx(0.25)


def test_annotations_that_mne_made_itself_are_read(tmp_path: Path) -> None:
    theirs = mne.Annotations([1.0, 2.0], [0.5, 0.0], ["BAD blink", "muscle"], orig_time=_BEGUN)
    for name in ("b-annot.fif", "b.csv", "b.txt"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            theirs.save(tmp_path / name, verbose="error")
        marks = read_marks(tmp_path / name).on(_BEGUN).annotations
        assert [m.onset_s for m in marks] == pytest.approx([1.0, 2.0])
        assert [m.label for m in marks] == ["BAD blink", "muscle"]


def test_bids_and_eeglab_tables_are_what_their_readers_expect(tmp_path: Path) -> None:
    write_marks(tmp_path / "sub-001_events.tsv", _MARKS, None)
    with (tmp_path / "sub-001_events.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert list(rows[0])[:2] == ["onset", "duration"]
    described = json.loads((tmp_path / "sub-001_events.json").read_text())
    assert set(rows[0]) <= set(described)
    assert {r["trial_type"] for r in rows} == set(described["trial_type"]["Levels"])
    write_marks(tmp_path / "a.txt", _MARKS, None)
    lines = (tmp_path / "a.txt").read_text().splitlines()
    # pop_importevent reads fields up to a blank: as many in each line as named in the first.
    assert {len(line.split()) for line in lines} == {len(lines[0].split())}
    assert lines[0].split()[:3] == ["latency", "type", "duration"]


def test_many_marks_need_several_edf_records(tmp_path: Path) -> None:
    many = AnnotationSet(tuple(Annotation(k * 0.5, 0.25, "blink") for k in range(2000)))
    write_marks(tmp_path / "a.edf", many, _BEGUN)
    assert (tmp_path / "a.edf").stat().st_size > 10 * 4096
    back = mne.read_annotations(tmp_path / "a.edf")
    assert np.sort(back.onset) == pytest.approx(0.5 * np.arange(2000))


def test_what_cannot_be_read_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="files that end in"):
        read_marks(tmp_path / "a.docx")
    (tmp_path / "a.csv").write_text("not,an,annotation\n1,2,3\n")
    with pytest.raises(StorageError, match="cannot be read as annotations"):
        read_marks(tmp_path / "a.csv")
    (tmp_path / "b_events.tsv").write_text("onset\tduration\ttrial_type\n1\t-3\tblink\n")
    with pytest.raises(StorageError, match="line 2"):
        read_marks(tmp_path / "b_events.tsv")


def test_without_a_date_csv_still_gives_every_onset_back(tmp_path: Path) -> None:
    write_marks(tmp_path / "a.csv", _MARKS, None)
    assert [m.onset_s for m in read_marks(tmp_path / "a.csv").on(None).annotations] == [0.5, 3.25, 3.5, 3599.125]
