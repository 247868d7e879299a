"""A recording file as analysis sees it: signals by role in SI units and events, on one time axis."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.domain.errors import RecordingError
from veridical.domain.event import MARKER_STREAM_NAME, MARKER_STREAM_TYPE, Event, Marker
from veridical.domain.recording import Recording, Signal
from veridical.domain.stream import Role, RoleAssignment, suggest_roles
from veridical.domain.timeline import Timeline
from veridical.signals.pulses import measured_onsets
from veridical.storage.foreign_recording import ForeignFile, ForeignStream, foreign_format, open_foreign
from veridical.storage.xdf_reader import XdfFile, XdfStream, read_xdf

Stream: TypeAlias = XdfStream | ForeignStream

# Samples that are scaled at a time: the float64 copy that wide integers need stays in the processor's cache.
_BLOCK = 1 << 12
# Through MNE every call opens the file again.
_FOREIGN_BLOCK = 1 << 18
# Samples from which a unit is guessed: minutes.
_LOOKED_AT = 1 << 16

# What a stream without units must be in, if its numbers are larger than any body gives in SI units: no electrode
# varies by 50 mV (robust spread), no skin conducts a millisiemens.
_LARGEST_SI: dict[Role, tuple[float, str]] = {
    "EEG": (0.05, "microvolts"),
    "EOG": (0.05, "microvolts"),
    "EDA": (1e-3, "microsiemens"),
}
_PRESUMED_GAIN = 1e-6


def load_recording(path: Path, roles: Sequence[RoleAssignment] = ()) -> Recording:
    """Read a recording.

    Parameters
    ----------
    path : Path
        An XDF file, or one of the formats that MNE reads for us: EDF, BDF, BrainVision (.vhdr), FIF.
    roles : sequence of RoleAssignment
        Who plays what, as the study decided; guessed from types, labels and stream types if empty or if none of
        its streams is in the file.

    Returns
    -------
    Recording
        Samples in float32 (a copy; volts, siemens), times in seconds from the earliest synchronised stamp of a
        regular stream. Named defects say what was guessed, missing or damaged.

    Raises
    ------
    RecordingError
        If the file is missing, no XDF, or holds no signal: one sentence with the remedy.
    """
    with open_foreign(path) if foreign_format(path) else read_xdf(path) as file:
        cast, filled, defects, is_guessed = cast_roles(file, path, roles)
        origin_s = min(segment.start_s for s in filled for segment in s.timeline.segments)
        signals: list[Signal] = []
        for role, stream in cast:
            signal, remark = _read_signal(role, stream, origin_s, is_guessed)
            signals.append(signal)
            defects += [remark] if remark else []
        # Where an amplifier saw the picture's pulse or light, that is the clock; the marker says which picture it was.
        events, timing = measured_onsets(events_of(file, origin_s), signals)
        return Recording(
            file=str(path),
            sha256=hash_file(file.data_file if isinstance(file, ForeignFile) else path),
            origin_s=origin_s,
            signals=tuple(signals),
            events=events,
            defects=tuple(defects),
            timing=timing,
        )


def cast_roles(
    file: XdfFile | ForeignFile, path: Path, roles: Sequence[RoleAssignment], *, with_defects: bool = True
) -> tuple[list[tuple[RoleAssignment, Stream]], list[Stream], list[str], bool]:
    """Decide which streams play which roles.

    Parameters
    ----------
    with_defects : bool
        Whether to look for defects of the streams; that decodes every stamp.

    Returns
    -------
    cast : list of (RoleAssignment, stream)
        Never empty.
    filled : list of streams
        All regular streams with samples.
    defects : list of str
    is_guessed : bool
        Whether types and labels decided, for want of an assignment that fits.

    Raises
    ------
    RecordingError
        If there is no signal, or a role asks for a channel that is not there: one sentence with the remedy.
    """
    regular = [s for s in file.streams if s.description.is_regular and s.description.format != "string"]
    filled: list[Stream] = [s for s in regular if s.n_samples]
    if not filled:
        what = "only streams without samples" if regular else "no stream of regular rate"
        raise RecordingError(f"{path} holds {what}; check that the amplifier was streaming, or try another file.")
    defects = list(file.defects)
    if with_defects:
        defects += [f"{s.name}: {d}" for s in file.streams for d in s.defects]
    roles = [r for r in roles if r.channels]
    cast = [(r, s) for r in roles if (s := _find_stream(r, filled)) is not None]
    if roles and len(cast) < len(roles):
        absent = [r.role for r in roles if r not in [c[0] for c in cast]]
        defects.append(f"missing-role: {', '.join(absent)}")
    is_guessed = not cast
    if is_guessed:
        cast = [(r, s) for s in filled for r in suggest_roles([s.description])]
        if roles:
            defects.append("roles-guessed")
    if not cast:
        names = ", ".join(s.name for s in filled)
        raise RecordingError(
            f"No stream of {path} looks like EEG, EDA or ECG (found: {names}); assign roles in study.toml."
        )
    for role, stream in cast:
        if not role.fits(stream.description.n_channels):
            last = max((*role.channels, *role.minus)) + 1
            raise RecordingError(
                f"The role {role.role} asks for channel {last} of {stream.name!r}, which has "
                f"{stream.description.n_channels}; correct the roles in study.toml."
            )
    return cast, filled, defects, is_guessed


def gain_of(role: RoleAssignment, stream: Stream, is_guessed: bool) -> tuple[float, str]:
    """What turns a role's numbers into SI units; the text says what was presumed, if anything."""
    unit = next((stream.units[c] for c in role.channels if c < len(stream.units)), "")
    if is_guessed and not unit.strip() and role.role in _LARGEST_SI:
        largest, name = _LARGEST_SI[role.role]
        if _size(stream, role) > largest:
            return _PRESUMED_GAIN, f"{stream.name}: no unit for {role.role}, taken as {name}"
    return role.gain, ""


def _find_stream(role: RoleAssignment, streams: Sequence[Stream]) -> Stream | None:
    """Find a role's stream by name and source id, or by its name alone if that is unique."""
    named = [s for s in streams if s.name == role.stream]
    exact = [s for s in named if not role.source_id or s.source_id == role.source_id]
    if exact:
        return exact[0]
    # A device that was replugged, or another computer, announces another source id.
    return named[0] if len(named) == 1 else None


def _read_signal(role: RoleAssignment, stream: Stream, origin_s: float, is_guessed: bool) -> tuple[Signal, str]:
    """Read a role's channels in SI units; the text says what was presumed, if anything."""
    gain, remark = gain_of(role, stream, is_guessed)
    samples = np.empty((len(role.channels), stream.n_samples), dtype=np.float32)
    role = replace(role, gain=gain)
    block = _BLOCK if isinstance(stream, XdfStream) else _FOREIGN_BLOCK
    for first in range(0, stream.n_samples, block):
        last = min(first + block, stream.n_samples)
        samples[:, first:last] = role.apply(stream.window(first, last))
    return Signal(role.role, stream.name, role.labels, samples, _shift(stream.timeline, origin_s)), remark


def _size(stream: Stream, role: RoleAssignment) -> float:
    """Robust spread (volts) or level (siemens) of the first minutes, in the stream's own numbers."""
    values = stream.window(0, min(stream.n_samples, _LOOKED_AT))[list(role.channels)].astype(np.float64)
    finite: FloatArray = values[np.isfinite(values).all(axis=1)]
    if finite.size == 0:
        return 0.0
    if role.role == "EDA":
        return float(np.median(np.abs(finite)))
    return float(np.median(np.abs(finite - np.median(finite, axis=1, keepdims=True))))


def _shift(timeline: Timeline, origin_s: float) -> Timeline:
    return Timeline(tuple(replace(s, start_s=s.start_s - origin_s) for s in timeline.segments))


def events_of(file: XdfFile | ForeignFile, origin_s: float) -> tuple[Event, ...]:
    """Events at the times that their markers carry, in seconds from the origin."""
    if isinstance(file, ForeignFile):
        return tuple(replace(e, onset_s=e.onset_s - origin_s) for e in file.events)
    return _read_events(file, origin_s)


def _read_events(file: XdfFile, origin_s: float) -> tuple[Event, ...]:
    """Read the presenter's markers; without them, those of every other marker stream."""
    texts = [s for s in file.streams if s.description.format == "string" and s.n_samples]
    own = [s for s in texts if s.name == MARKER_STREAM_NAME]
    markers = own or [s for s in texts if s.type.lower() == MARKER_STREAM_TYPE.lower()] or texts
    events = [
        Event(float(time_s) - origin_s, Marker.parse(str(text)))
        for stream in markers
        for time_s, text in zip(stream.times_s, stream.samples[0], strict=True)
    ]
    return tuple(sorted(events, key=lambda e: e.onset_s))


def hash_file(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal (a second for a gigabyte)."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
