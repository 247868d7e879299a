"""Channels get roles, units and places: guessed, corrected by hand, and checked against what a body gives."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import mne
import numpy as np
import pytest

from veridical.domain.arrays import FloatArray
from veridical.domain.electrodes import ELECTRODES, canonical_name, direction, head_position, is_electrode, usual_name
from veridical.domain.errors import StreamError
from veridical.domain.role_table import assignments_of, gain_of, table_of, with_changes
from veridical.domain.stream import StreamDescription, resolve_roles, suggest_roles
from veridical.services.roles import remember_roles
from veridical.services.study import create_study
from veridical.signals.plausibility import find_unit_doubt
from veridical.simulator.head import LABELS


def _stream(
    labels: tuple[str, ...], kind: str = "EEG", units: str = "microvolts", **changes: object
) -> StreamDescription:
    n = len(labels)
    made = StreamDescription("Amp", kind, "amp-1", "u", "h", n, 500.0, "float32", labels, (), (units,) * n)
    return replace(made, **changes)  # type: ignore[arg-type]


def test_places_agree_with_the_standard_montage() -> None:
    montage = mne.channels.make_standard_montage("colin27_1005").get_positions()["ch_pos"]
    by_name = {name.upper(): place for name, place in montage.items()}
    # The montage is a realistic head: its middle is not the sphere's, so angles differ by a few degrees.
    centre = np.mean([by_name[n] for n in ("T7", "T8", "OZ", "FPZ")], axis=0)
    known = [n for n in ELECTRODES if n in by_name]
    assert len(known) > 70
    for name in known:
        towards = by_name[name] - centre
        angle = np.degrees(np.arccos(np.dot(direction(name) or (0, 0, 0), towards / np.linalg.norm(towards))))
        assert angle < 22, name
    assert all(head_position(label) is not None for label in LABELS)
    left, right = head_position("C3"), head_position("C4")
    assert left is not None
    assert right is not None
    assert left[0] == -right[0] < 0


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Fp1", "Fp1"), ("FP1", "Fp1"), ("EEG Fp1-Ref", "Fp1"), ("EEG FP1-LE", "Fp1"), ("T3", "T7"), ("t6", "P8"),
        ("fcz", "FCz"), ("EEG_Pz", "Pz"), ("Cz-A1", "Cz"), ("E12", "E12"), ("AUX1", "AUX1"),
    ],
)  # fmt: skip
def test_labels_are_recognised_however_they_are_written(label: str, name: str) -> None:
    assert usual_name(label) == name
    assert is_electrode(label) == (name not in ("E12", "AUX1"))
    assert canonical_name(canonical_name(label)) == canonical_name(label)


def test_types_names_and_labels_are_weighed() -> None:
    stream = _stream(("Fp1", "EEG Cz-Ref", "Right AUX", "HEOG", "GSR", "TRIGGER", "Battery", "X9"))
    assert {r.role: [stream.labels[c] for c in r.channels] for r in suggest_roles([stream])} == {
        "EEG": ["Fp1", "EEG Cz-Ref", "X9"], "EOG": ["HEOG"], "EDA": ["GSR"],
    }  # fmt: skip
    unnamed = _stream(("Fp1", "Fp2", "A1", "temperature"), kind="signal")
    assert [(r.role, r.channels) for r in suggest_roles([unnamed])] == [("EEG", (0, 1, 2))]
    assert suggest_roles([_stream(("A1", "A2", "A3"), kind="inputs")]) == ()


@pytest.mark.parametrize(
    ("unit", "scale", "role", "gain"),
    [
        ("uV", "", "EEG", 1e-6), ("millivolts", "", "ECG", 1e-3), ("mV", "25 mV/uS", "EDA", 1e-3 / (25e-3 / 1e-6)),
        ("V", "25 mV/uS", "EDA", 1 / 25_000), ("counts", "0.0224 uV/count", "EEG", 0.0224e-6),
        ("", "0.1 µV per count", "EEG", 1e-7), ("g", "", "accelerometer", 1.0),
    ],
)  # fmt: skip
def test_units_and_scales_lead_to_si(unit: str, scale: str, role: str, gain: float) -> None:
    assert gain_of(unit, scale, role) == pytest.approx(gain)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("unit", "scale", "role", "words"),
    [
        ("counts", "", "EEG", "Counts say nothing"), ("mV", "", "EDA", "give the sensor's scale"),
        ("mV", "25", "EDA", "cannot be read"), ("µS", "25 mV/uS", "EDA", "make them agree"),
        ("mV", "0 mV/uS", "EDA", "cannot be read"), ("mV", "2 mV/mV", "EDA", "does not lead to siemens"),
    ],
)  # fmt: skip
def test_scales_that_lead_nowhere_are_refused(unit: str, scale: str, role: str, words: str) -> None:
    with pytest.raises(StreamError, match=words):
        gain_of(unit, scale, role)  # type: ignore[arg-type]


def test_what_was_decided_is_kept_with_the_study_and_comes_back(tmp_path: Path) -> None:
    stream = _stream(("Fp1", "Fp2", "B1", "B2", "GSR"))
    table = table_of([stream])
    table = with_changes(table, [2], role="ECG", name="ECG", minus=3)
    table = with_changes(table, [3], role=None)
    table = with_changes(table, [4], unit="mV", scale="25 mV/uS")
    study = remember_roles(create_study(tmp_path / "study"), assignments_of(table))
    assert table_of([stream], study.settings.roles) == table
    # The device comes back with another source id, beside one nobody decided about.
    replugged = replace(stream, source_id="amp-2", uid="v")
    belt = replace(_stream(("R",), kind="RESP"), name="Belt")
    ecg, respiration = (
        next(r for r in resolve_roles([replugged, belt], study.settings.roles) if r.role == role)
        for role in ("ECG", "respiration")
    )
    assert (ecg.source_id, respiration.stream) == ("amp-2", "Belt")
    raw = np.arange(10.0).reshape(5, 2) ** 2
    assert ecg.apply(raw) == pytest.approx(1e-6 * (raw[2:3] - raw[3:4]))
    unused = assignments_of(with_changes(table, range(5), role=None))
    assert resolve_roles([stream], unused) == ()
    with pytest.raises(StreamError, match="2 channels of EEG are called Fp1"):
        assignments_of(with_changes(table, [1], name="Fp1"))


def _eeg(size: float) -> FloatArray:
    """Four channels of 30 sines between 1 and 20 Hz, RMS ``size``."""
    rng = np.random.default_rng(1)
    times_s = np.arange(2000) / 250
    rows = np.empty((4, len(times_s)))
    for row in rows:
        phases = 2 * np.pi * np.outer(times_s, rng.uniform(1, 20, 30)) + rng.uniform(0, 6, 30)
        row[:] = size * np.sin(phases).sum(axis=1) / np.sqrt(15)
    return rows


@pytest.mark.parametrize(
    ("size", "gain", "make", "unit", "is_counts"),
    [
        (10.0, 1e-6, None, None, False),  # microvolts as microvolts
        (10e-6, 1.0, None, None, False),  # volts as volts
        (10e-6, 1e-6, None, "V", False),  # volts passed off as microvolts
        (10.0, 1.0, None, "µV", False),  # microvolts passed off as volts
        (10_000.0, 1e-6, None, "nV", False),  # nanovolts passed off as microvolts
        (20_000.0, 1.0, np.round, "", True),  # counts passed off as volts
        (450.0, 1.0, np.round, "", True),  # counts of a coarse converter
    ],
)
def test_numbers_in_a_wrong_unit_are_doubted(
    size: float, gain: float, make: "Callable[[object], object] | None", unit: str | None, is_counts: bool
) -> None:
    raw = _eeg(size)
    raw = np.asarray(raw if make is None else make(raw))
    doubt = find_unit_doubt(raw, 250.0, "EEG", gain)
    assert (None if doubt is None else (doubt.unit, doubt.is_counts)) == (None if unit is None else (unit, is_counts))


def test_an_offset_of_a_battery_is_no_size() -> None:
    assert find_unit_doubt(_eeg(10.0) + 187_000.0, 250.0, "EEG", 1e-6) is None
    assert find_unit_doubt(np.full((1, 2000), 4.0) + 0.01 * _eeg(1.0)[:1], 250.0, "EDA", 1e-6) is None
    doubt = find_unit_doubt(np.full((1, 2000), 4.0), 250.0, "EDA", 1.0)
    assert doubt is not None
    assert doubt.unit == "µS"
