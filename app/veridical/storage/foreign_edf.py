"""The header of an EDF or BDF file: what MNE does not tell, or only after resampling."""

from dataclasses import dataclass
from pathlib import Path

from veridical.domain.errors import RecordingError

_FIXED_BYTES = 256
_PER_SIGNAL_BYTES = 256
_MOST_SIGNALS = 4096
# Fields of every signal in the order of the file: label, transducer, unit, ranges, filters, samples per record.
_LABEL_BYTES, _BEFORE_UNIT, _UNIT_BYTES, _BEFORE_COUNT, _COUNT_BYTES = 16, 96, 8, 216, 8
_ANNOTATIONS = ("EDF Annotations", "BDF Annotations")


@dataclass(frozen=True)
class EdfSignal:
    """One signal of the header, e.g. ``EdfSignal("EEG Fp1", "uV", 256.0)``."""

    label: str
    unit: str
    sampling_hz: float


@dataclass(frozen=True)
class EdfHeader:
    """What the header says.

    Parameters
    ----------
    signals : tuple of EdfSignal
        Without annotation signals.
    names_person : bool
        Whether the patient field holds more than a code: sex, a birth date or a name.
    """

    signals: tuple[EdfSignal, ...]
    names_person: bool


def read_edf_header(path: Path) -> EdfHeader:
    """Read the header of an EDF, EDF+, BDF or BDF+ file (Kemp & Olivan 2003).

    Raises
    ------
    RecordingError
        If it is none of these, is damaged, or has interruptions (EDF+D), in which samples have no even time.
    """
    with path.open("rb") as file:
        fixed = file.read(_FIXED_BYTES)
        try:
            n_signals = int(fixed[252:256])
            record_s = float(fixed[244:252])
            if not (0 < n_signals <= _MOST_SIGNALS and fixed[:1] in (b"0", b"\xff") and record_s >= 0):
                raise ValueError
            fields = file.read(n_signals * _PER_SIGNAL_BYTES).decode("latin-1")
            signals = [_signal(fields, k, n_signals, record_s or 1.0) for k in range(n_signals)]
        except ValueError as error:
            raise RecordingError(
                f"{path} is no EDF or BDF recording, or its header is damaged; export it anew."
            ) from error
    if fixed[192:197] in (b"EDF+D", b"BDF+D"):
        raise RecordingError(f"{path} has interruptions (EDF+D); export it as a continuous file, with pauses filled.")
    words = fixed[8:88].decode("latin-1").split()
    known = [w for w in words[1:4] if w not in ("X", "M", "F")]
    return EdfHeader(tuple(s for s in signals if s.label not in _ANNOTATIONS), bool(known))


def _signal(fields: str, k: int, n: int, record_s: float) -> EdfSignal:
    def field(before: int, size: int) -> str:
        start = before * n + k * size
        return fields[start : start + size].strip()

    count = int(field(_BEFORE_COUNT, _COUNT_BYTES))
    if count <= 0:
        raise ValueError
    return EdfSignal(field(0, _LABEL_BYTES), field(_BEFORE_UNIT, _UNIT_BYTES), count / record_s)
