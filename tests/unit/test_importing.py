"""Recordings made elsewhere: read at their own rates in SI units, taken into a study whole or not at all."""

import json
from collections.abc import Sequence
from pathlib import Path

import mne
import numpy as np
import pytest

from veridical.cli.app import app
from veridical.domain.arrays import FloatArray
from veridical.domain.errors import RecordingError, StudyError
from veridical.domain.progress import finish
from veridical.domain.stream import RoleAssignment
from veridical.domain.trial_table import trials_from_events
from veridical.services.annotating import load_run
from veridical.services.importing import ImportRequest, ImportResult, import_work
from veridical.services.study import Study, create_study
from veridical.storage.foreign_recording import open_foreign
from veridical.storage.recording_file import load_recording

EEG = ("Fp1", "Cz", "Pz", "Oz")
SECONDS = 40


def _body(seed: int = 0) -> tuple[FloatArray, FloatArray]:
    """EEG in microvolts at 256 Hz and skin conductance in microsiemens at 32 Hz."""
    rng = np.random.default_rng(seed)
    eeg = 20 * rng.standard_normal((4, SECONDS * 256))
    return eeg, 5 + np.cumsum(rng.standard_normal((1, SECONDS * 32)), axis=1) / 500


def _write_edf(
    path: Path, signals: Sequence[tuple[str, str, int, FloatArray]], n_bytes: int = 2, patient: str = "X X X X"
) -> None:
    """A plain EDF (2 bytes) or BDF (3 bytes) file with records of 1 s, written from its specification."""
    count, full = len(signals), 2 ** (8 * n_bytes - 1) - 1
    largest = [float(np.abs(values).max()) * 1.01 for *_, values in signals]
    head = (b"0       " if n_bytes == 2 else b"\xffBIOSEMI") + f"{patient:<80}{'Startdate X X X X':<80}".encode()
    head += f"01.01.2501.00.00{256 * (count + 1):<8}{'':<44}{SECONDS:<8}{1:<8}{count:<4}".encode()
    columns = (
        [f"{s[0]:<16}" for s in signals], [f"{'':<80}"] * count, [f"{s[1]:<8}" for s in signals],
        [f"{-x:<8.7g}"[:8] for x in largest], [f"{x:<8.7g}"[:8] for x in largest],
        [f"{-full:<8}"] * count, [f"{full:<8}"] * count, [f"{'':<80}"] * count, [f"{s[2]:<8}" for s in signals],
        [f"{'':<32}"] * count,
    )  # fmt: skip
    head += "".join(cell for column in columns for cell in column).encode("latin-1")
    body = b""
    for second in range(SECONDS):
        for (_, _, hz, values), x in zip(signals, largest, strict=True):
            # The header holds eight letters of a number: what it says is what counts.
            limit = float(f"{x:<8.7g}"[:8])
            steps = np.round(values[second * hz : (second + 1) * hz] / limit * full).astype("<i4")
            body += b"".join(int(v).to_bytes(n_bytes, "little", signed=True) for v in steps)
    path.write_bytes(head + body)


def _write_brainvision(folder: Path, name: str, eeg_uv: FloatArray) -> Path:
    channels = "\r\n".join(f"Ch{k + 1}={label},,0.1,µV" for k, label in enumerate(EEG))
    (folder / f"{name}.vhdr").write_bytes(
        "Brain Vision Data Exchange Header File Version 1.0\r\n[Common Infos]\r\nCodepage=UTF-8\r\n"
        f"DataFile={name}.eeg\r\nMarkerFile={name}.vmrk\r\nDataFormat=BINARY\r\nDataOrientation=MULTIPLEXED\r\n"
        "NumberOfChannels=4\r\nSamplingInterval=3906.25\r\n[Binary Infos]\r\nBinaryFormat=INT_16\r\n"
        f"[Channel Infos]\r\n{channels}\r\n".encode()
    )
    (folder / f"{name}.vmrk").write_bytes(
        "Brain Vision Data Exchange Marker File, Version 1.0\r\n[Common Infos]\r\nCodepage=UTF-8\r\n"
        f"DataFile={name}.eeg\r\n[Marker Infos]\r\nMk1=Stimulus,S  1,257,1,0\r\n".encode()
    )
    (folder / f"{name}.eeg").write_bytes(np.round(eeg_uv.T * 10).astype("<i2").tobytes())
    return folder / f"{name}.vhdr"


def _write_fif(path: Path, eeg_uv: FloatArray) -> Path:
    raw = mne.io.RawArray(1e-6 * eeg_uv, mne.create_info(list(EEG), 256.0, "eeg"), verbose="error")
    raw.set_annotations(mne.Annotations([10.0], [5.0], ["BAD_ACQ_SKIP"]))
    raw.save(path, verbose="error")
    return path


def _edf(path: Path, n_bytes: int = 2, patient: str = "X X X X", seed: int = 0) -> Path:
    eeg, eda = _body(seed)
    signals = [(f"EEG {label}", "uV", 256, row) for label, row in zip(EEG, eeg, strict=True)]
    _write_edf(path, [*signals, ("GSR", "uS", 32, eda[0]), ("EMG chin", "uV", 256, eeg[0])], n_bytes, patient)
    return path


@pytest.mark.parametrize(("ending", "n_bytes", "step_uv"), [(".edf", 2, 0.01), (".bdf", 3, 1e-3)])
def test_edf_and_bdf_keep_rates_and_units(tmp_path: Path, ending: str, n_bytes: int, step_uv: float) -> None:
    eeg, eda = _body()
    recording = load_recording(_edf(tmp_path / f"a{ending}", n_bytes))

    found = {s.role: s for s in recording.signals}

    assert set(found) == {"EEG", "EDA"}
    assert found["EEG"].labels == tuple(f"EEG {label}" for label in EEG)
    assert (found["EEG"].sampling_hz, found["EDA"].sampling_hz) == (256, 32)
    np.testing.assert_allclose(1e6 * found["EEG"].samples, eeg, atol=step_uv)
    np.testing.assert_allclose(1e6 * found["EDA"].samples, eda, atol=1e-2 * step_uv + 1e-3 * (n_bytes == 2))


def test_brainvision_and_fif_are_read_as_mne_reads_them(tmp_path: Path) -> None:
    eeg, _ = _body()
    header = load_recording(_write_brainvision(tmp_path, "b", eeg))
    fif = load_recording(_write_fif(tmp_path / "c_raw.fif", eeg))

    np.testing.assert_allclose(1e6 * header.signals[0].samples, eeg, atol=0.051)
    rest = np.delete(eeg, slice(10 * 256, 15 * 256), axis=1)
    np.testing.assert_allclose(1e6 * fif.signals[0].samples, rest, rtol=1e-5, atol=1e-5)
    assert [e.marker.name for e in header.events] == ["Stimulus/S"]
    assert header.events[0].onset_s == 1.0
    # What MNE calls a pause in the acquisition is a gap here.
    assert [(s.start_s, s.stop_s) for s in fif.signals[0].timeline.segments] == [(0.0, 10.0), (15.0, 40.0)]


def _events(
    path: Path, lines: Sequence[str] = (), header: str = "onset\tduration\ttrial_type\tstim_id\tvalence"
) -> Path:
    rows = lines or [
        f"{1 + 1.5 * k}\t1\t{'positive' if k % 2 else 'negative'}\tp{k}\t{1 + 5 * (k % 2)}" for k in range(24)
    ]
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return create_study(tmp_path / "study")


def _import(study: Study, file: Path, events: Path | None, participant: str = "001") -> ImportResult:
    return finish(import_work(study, ImportRequest(file, participant, "01", events)))


def test_every_format_becomes_a_run_with_its_events(study: Study, tmp_path: Path) -> None:
    eeg, _ = _body()
    events = _events(tmp_path / "events.tsv")
    files = [
        _edf(tmp_path / "a.edf"), _edf(tmp_path / "b.bdf", 3), _write_brainvision(tmp_path, "c", eeg),
        _write_fif(tmp_path / "d_raw.fif", eeg),
    ]  # fmt: skip

    results = [_import(study, file, events) for file in files]

    assert [r.key.run for r in results] == [1, 2, 3, 4]
    assert study.runs("001") == tuple(r.key for r in results)
    for file, result in zip(files, results, strict=True):
        recording, original = load_run(study, result.key), load_recording(file)
        trials = trials_from_events(recording.events)
        assert [t.onset_s for t in trials] == [1 + 1.5 * k for k in range(24)]
        assert [t.duration_s for t in trials] == [1.0] * 24
        assert [t.value("valence") for t in trials] == [1.0, 6.0] * 12
        assert trials[3].condition == "positive"
        np.testing.assert_array_equal(recording.signals[0].samples, original.signals[0].samples)
        assert recording.sha256 == original.sha256
    # The copied header names its own neighbours, not the originals.
    (tmp_path / "c.eeg").unlink()
    assert load_run(study, results[2].key).signals[0].sampling_hz == 256


def test_a_second_import_of_the_same_file_is_refused(study: Study, tmp_path: Path) -> None:
    file, events = _edf(tmp_path / "a.edf"), _events(tmp_path / "events.tsv")
    _import(study, file, events)

    with pytest.raises(RecordingError, match="has this recording already, as run 1"):
        _import(study, file, events, "002")

    assert study.runs("002") == ()
    assert [p.id for p in study.participants()] == ["001"]


def test_a_cancelled_import_leaves_nothing(study: Study, tmp_path: Path) -> None:
    before = sorted(study.root.rglob("*"))
    work = import_work(study, ImportRequest(_edf(tmp_path / "a.edf"), "001", events=_events(tmp_path / "e.tsv")))
    while not next(work).text.startswith("Copying a.edf"):
        pass

    work.close()

    assert sorted(study.root.rglob("*")) == before


@pytest.mark.parametrize(
    ("lines", "header", "words"),
    [
        (["1\t1\tx\tp1\tsix"], None, "line 2: valence 'six' is no number"),
        (["1\t1\tx\tp1\t9"], None, r"line 2: valence 9 lies outside the study's scale \(1 to 7\)"),
        (["n/a\t1\tx\tp1\t3"], None, "line 2: the onset is missing"),
        (["1\t-1\tx\tp1\t3"], None, "line 2: the duration -1 s is negative"),
        (["4000\t1\tx\tp1\t3"], None, "lie outside the recording's 40 s"),
        (["1\t1\tx\t\t3"], None, "names no picture"),
        (["1\t1"], None, "line 2: 2 cells under 5 columns"),
        (["1\t1"], "latency\tduration", "no column 'onset'"),
    ],
)  # fmt: skip
def test_events_that_cannot_be_understood_are_named(
    study: Study, tmp_path: Path, lines: list[str], header: str | None, words: str
) -> None:
    events = _events(tmp_path / "e.tsv", lines, header or "onset\tduration\ttrial_type\tstim_id\tvalence")
    with pytest.raises(RecordingError, match=words):
        _import(study, _edf(tmp_path / "a.edf"), events)
    assert not (study.root / "sourcedata").exists()


def test_files_that_cannot_be_read_are_one_sentence(study: Study, tmp_path: Path) -> None:
    whole = _edf(tmp_path / "a.edf").read_bytes()
    broken = {
        "cut.edf": whole[:700], "text.edf": b"onset\tduration\n" * 99, "empty.bdf": b"", "no.fif": b"x" * 999,
        "lone.vhdr": b"Brain Vision Data Exchange Header File Version 1.0\r\n[Common Infos]\r\nDataFile=gone.eeg\r\n",
        "notes.docx": b"PK",
    }  # fmt: skip
    events = _events(tmp_path / "e.tsv")
    for name, content in broken.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(RecordingError, match=name.partition(".")[0]):
            _import(study, tmp_path / name, events)
    with pytest.raises(StudyError, match="participant id"):
        _import(study, tmp_path / "a.edf", events, "../x")


def test_a_name_in_the_header_is_told(study: Study, tmp_path: Path) -> None:
    file = _edf(tmp_path / "a.edf", patient="MCH-0234567 F 02-MAY-1951 Haagse_Harry")
    assert any("name or birth date" in r for r in _import(study, file, _events(tmp_path / "e.tsv")).remarks)


def test_columns_with_other_names_are_mapped_on_the_command_line(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"{1 + 1.5 * k};1;pos;{k % 7 + 1};{k % 7 + 1}" for k in range(24)]
    events = _events(tmp_path / "e.csv", rows, "latency;duration;trial_type;happy;rt")
    arguments = ["import", str(_edf(tmp_path / "a.edf")), str(study.root), "--participant", "001", "--json"]

    app(
        [*arguments, "--events", str(events), "--column", "onset=latency", "--column", "valence=happy"],
        standalone_mode=False,
    )

    told = json.loads(capsys.readouterr().out)
    assert told["pictures"] == 24
    assert told["rated"] == {"valence": 24}
    assert any("left out: rt" in r for r in told["remarks"])


def test_roles_of_the_study_hold_for_imported_files(tmp_path: Path) -> None:
    role = RoleAssignment("EOG", "EDF 256 Hz", "", (0,), ("blinks",), 1.0)
    recording = load_recording(_edf(tmp_path / "a.edf"), (role,))
    assert [(s.role, s.labels) for s in recording.signals] == [("EOG", ("blinks",))]
    with open_foreign(tmp_path / "a.edf") as file:
        assert [s.name for s in file.streams] == ["EDF 256 Hz", "EDF 32 Hz"]
