"""Recordings made elsewhere, read through MNE: EDF, BDF, BrainVision and FIF as streams at their own rates."""

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from veridical.domain.arrays import FloatArray
from veridical.domain.errors import RecordingError
from veridical.domain.event import Event, Marker
from veridical.domain.stream import StreamDescription
from veridical.domain.timeline import Segment, Timeline
from veridical.storage.foreign_edf import EdfSignal, read_edf_header

# What a file name may end in, and the words for the format.
FOREIGN_FORMATS: dict[str, str] = {
    ".edf": "EDF", ".bdf": "BDF", ".vhdr": "BrainVision", ".fif": "FIF", ".fif.gz": "FIF",
}  # fmt: skip
# MNE's channel types, in the words by which roles are found; others carry no role by their type.
_TYPES = {"eeg": "EEG", "eog": "EOG", "ecg": "ECG", "gsr": "EDA", "resp": "respiration"}
# Units that MNE has scaled to volts when it read an EDF or BDF file; what else stands there it leaves as it is.
_SCALED = ("uV", "\u03bcV", "\u00b5V", "\x83\xcaV", "mV")
_VOLTS = ("eeg", "eog", "ecg", "emg", "bio")
# EDF+ standard texts begin with the kind of signal (https://www.edfplus.info/specs/edftexts.html).
_EDF_KIND = re.compile(r"(EEG|ECG|EKG|EOG|EMG|RESP|GSR|EDA|TEMP|SAO2|SPO2|LIGHT|SOUND|EVENT|MARK|STATUS|TRIG|DC)", re.I)
# 10-20 names, and the letter-number names of large caps (A1 to H32, E1 to E256).
_EEG_NAME = re.compile(r"EEG\b.*|(?:FP|AF|F|FT|FC|T|C|TP|CP|P|PO|O|I|M)(?:\d{1,2}|Z)h?(?:\b.*)?|[A-H]\d{1,3}|Nz", re.I)
_NO_ROLE = ("EMG", "TEMP", "SAO2", "SPO2", "LIGHT", "SOUND", "EVENT", "MARK", "STATUS", "TRIG", "DC")
_GAP = "BAD_ACQ_SKIP"


class _Raw(Protocol):
    """What we use of ``mne.io.Raw``."""

    info: Any
    annotations: Any
    ch_names: list[str]
    n_times: int
    first_time: float

    def get_channel_types(self) -> list[str]: ...

    def get_data(self, *, start: int, stop: int, verbose: str) -> NDArray[Any]: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class ForeignStream:
    """Channels of one sampling rate; the same words as ``XdfStream`` has.

    Parameters
    ----------
    timeline : Timeline
        Seconds from the file's first sample.
    """

    description: StreamDescription
    timeline: Timeline
    raw: _Raw

    @property
    def name(self) -> str:
        """Format and, if there are several, rate: ``EDF``, ``EDF 32 Hz``."""
        return self.description.name

    @property
    def source_id(self) -> str:
        """Files announce none."""
        return ""

    @property
    def units(self) -> tuple[str, ...]:
        """One per channel."""
        return self.description.units

    @property
    def n_samples(self) -> int:
        """Per channel, without those of acquisition pauses."""
        return self.timeline.n_samples

    @property
    def defects(self) -> tuple[str, ...]:
        """None that a reader of whole files would find."""
        return ()

    def window(self, first: int, last: int) -> FloatArray:
        """Samples ``first`` to ``last`` (excluded), shape (n_channels, last - first), in the stream's units."""
        pieces = [np.empty((len(self.raw.ch_names), 0))]
        for segment in self.timeline.segments:
            # Pauses are in the file, as zeros, and not in the timeline.
            shift = round(segment.start_s * self.description.nominal_hz) - segment.first
            start, stop = max(first, segment.first), min(last, segment.first + segment.n)
            if start < stop:
                pieces.append(self.raw.get_data(start=start + shift, stop=stop + shift, verbose="error"))
        return np.concatenate(pieces, axis=1)


@dataclass(frozen=True)
class ForeignFile:
    """An open file; close it, or use it in a ``with``.

    Parameters
    ----------
    events : tuple of Event
        The file's own annotations, seconds from its first sample.
    data_file : Path
        Where the samples lie: beside the header in BrainVision, else the file itself.
    """

    streams: tuple[ForeignStream, ...]
    events: tuple[Event, ...]
    data_file: Path
    defects: tuple[str, ...] = ()

    def __enter__(self) -> "ForeignFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for stream in self.streams:
            stream.raw.close()


def foreign_format(path: Path) -> str:
    """The format's name by the file's ending; empty if it is none that MNE reads for us."""
    return next((words for ending, words in FOREIGN_FORMATS.items() if path.name.lower().endswith(ending)), "")


def open_foreign(path: Path) -> ForeignFile:
    """Open an EDF, BDF, BrainVision (.vhdr) or FIF file; samples are read when they are asked for.

    Raises
    ------
    RecordingError
        If it is missing, damaged or none of these: one sentence with the remedy.
    """
    if not path.is_file():
        raise RecordingError(f"{path} does not exist; check the path.")
    words = foreign_format(path)
    try:
        if words in ("EDF", "BDF"):
            streams, events = _open_edf(path, words)
        else:
            raw = _read(path, words)
            streams, events = (_stream(words, raw, _units(raw)),), _events(raw)
    except RecordingError:
        raise
    # MNE raises whatever its parsers stumble over.
    except Exception as error:
        raise RecordingError(
            f"{path} cannot be read as {words or 'a recording'} ({' '.join(str(error).split())[:200]}); "
            "check that the file is whole, with all the files that belong to it."
        ) from error
    data_file = path.with_name(brainvision_parts(path)[0]) if words == "BrainVision" else path
    return ForeignFile(streams, events, data_file)


def _read(path: Path, words: str, **options: object) -> _Raw:
    # A second of imports, for those who read such files.
    import mne

    readers = {
        "EDF": mne.io.read_raw_edf, "BDF": mne.io.read_raw_bdf,
        "BrainVision": mne.io.read_raw_brainvision, "FIF": mne.io.read_raw_fif,
    }  # fmt: skip
    if words not in readers:
        raise RecordingError(
            f"{path.name} is none of XDF, EDF, BDF, BrainVision (.vhdr) and FIF; convert it to one of these."
        )
    with warnings.catch_warnings():
        # Dates out of range, file names without "_raw": nothing that concerns the samples.
        warnings.simplefilter("ignore")
        raw: _Raw = readers[words](path, preload=False, verbose="error", **options)
    return raw


def _open_edf(path: Path, words: str) -> tuple[tuple[ForeignStream, ...], tuple[Event, ...]]:
    """One stream for every rate: read together, MNE would resample them all to the fastest."""
    header = read_edf_header(path)
    by_rate: dict[float, list[EdfSignal]] = {}
    for signal in header.signals:
        by_rate.setdefault(signal.sampling_hz, []).append(signal)
    labels = [s.label for s in header.signals]
    if len(set(labels)) < len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        raise RecordingError(f"{path} has two channels called {twice!r}; rename one of them and export the file anew.")
    streams: list[ForeignStream] = []
    events: tuple[Event, ...] = ()
    for hz, signals in sorted(by_rate.items(), key=lambda item: -len(item[1])):
        other = [s.label for s in header.signals if s.sampling_hz != hz]
        raw = _read(path, words, exclude=other, stim_channel=None, encoding="latin1")
        name = words if len(by_rate) == 1 else f"{words} {hz:g} Hz"
        units = {s.label: "V" if s.unit in _SCALED else s.unit for s in signals}
        streams.append(
            _stream(name, raw, tuple(units.get(c, "") for c in raw.ch_names), [_edf_type(s) for s in signals])
        )
        events = events or _events(raw)
    return tuple(streams), events


def _edf_type(signal: EdfSignal) -> str:
    """Kind of a signal: EDF files say it by the label's first word, or not at all."""
    if _EEG_NAME.fullmatch(signal.label):
        return "EEG"
    kind = _EDF_KIND.match(signal.label)
    return kind[1] if kind and kind[1].upper() not in _NO_ROLE else "misc"


def _units(raw: _Raw) -> tuple[str, ...]:
    """MNE holds every voltage in volts and conductance in siemens."""
    return tuple("V" if kind in _VOLTS else "S" if kind == "gsr" else "" for kind in raw.get_channel_types())


def _stream(name: str, raw: _Raw, units: tuple[str, ...], types: Sequence[str] | None = None) -> ForeignStream:
    hz = float(raw.info["sfreq"])
    kinds = tuple(types) if types is not None else tuple(_TYPES.get(t, "misc") for t in raw.get_channel_types())
    description = StreamDescription(
        name=name, type="EEG", source_id="", uid="", hostname="", n_channels=len(raw.ch_names), nominal_hz=hz,
        format="double64", labels=tuple(raw.ch_names), types=kinds, units=units,
    )  # fmt: skip
    return ForeignStream(description, Timeline(_segments(raw, hz)), raw)


def _segments(raw: _Raw, hz: float) -> tuple[Segment, ...]:
    """The stretches between acquisition pauses, which FIF files fill with zeros."""
    keep = np.ones(raw.n_times + 2, dtype=bool)
    keep[[0, -1]] = False
    for onset_s, duration_s, text in _annotations(raw):
        if text.upper().startswith(_GAP):
            first = max(0, round(onset_s * hz))
            keep[1 + first : 1 + min(raw.n_times, round((onset_s + duration_s) * hz))] = False
    edges = np.flatnonzero(np.diff(keep.astype(np.int8)))
    segments: list[Segment] = []
    for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        first = segments[-1].first + segments[-1].n if segments else 0
        segments.append(Segment(first, stop - start, start / hz, 1 / hz))
    return tuple(segments)


def _annotations(raw: _Raw) -> list[tuple[float, float, str]]:
    """Onset from the first sample and duration in seconds, and the text."""
    shift_s = raw.first_time if raw.annotations.orig_time is not None else 0.0
    return [
        (float(onset) - shift_s, float(duration), str(text))
        for onset, duration, text in zip(
            raw.annotations.onset, raw.annotations.duration, raw.annotations.description, strict=True
        )
    ]


def _events(raw: _Raw) -> tuple[Event, ...]:
    events = [Event(onset_s, Marker.parse(text)) for onset_s, _, text in _annotations(raw)]
    return tuple(sorted((e for e in events if e.marker.name), key=lambda e: e.onset_s))


_POINTER = re.compile(r"^(DataFile|MarkerFile)[ \t]*=[ \t]*(.*?)[ \t]*\r?$", re.M)


def brainvision_parts(header: Path) -> tuple[str, str]:
    """File names of a BrainVision header's data and markers; the second is empty if it has none.

    Raises
    ------
    RecordingError
        If the header names no data.
    """
    text = header.read_bytes().decode("latin-1")
    named = {key: name.replace("$b", header.stem) for key, name in _POINTER.findall(text)}
    if not named.get("DataFile"):
        raise RecordingError(f"{header} names no DataFile, so it is no BrainVision header; choose the .vhdr file.")
    return Path(named["DataFile"]).name, Path(named.get("MarkerFile", "")).name


def point_brainvision(text: bytes, stem: str, data_ending: str) -> bytes:
    """Let a BrainVision header or marker file name the files under their new stem."""
    names = {"DataFile": stem + data_ending, "MarkerFile": f"{stem}.vmrk"}
    # latin-1 keeps every byte as it is, whatever the file's encoding.
    return _POINTER.sub(lambda m: f"{m[1]}={names[m[1]]}" + "\r" * m[0].endswith("\r"), text.decode("latin-1")).encode(
        "latin-1"
    )
