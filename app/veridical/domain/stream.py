"""Streams as they are announced, and the roles their channels play."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from veridical.domain.arrays import FloatArray
from veridical.domain.electrodes import canonical_name, is_electrode

SampleFormat = Literal["float32", "double64", "int8", "int16", "int32", "int64", "string"]
# A string counts as a marker of usual length; XDF writes a stamp of nine bytes beside every sample.
_BYTES_PER_VALUE = {"double64": 8, "int64": 8, "float32": 4, "int32": 4, "int16": 2, "int8": 1, "string": 32}
_STAMP_BYTES = 9
Role = Literal["EEG", "EDA", "ECG", "EOG", "respiration", "PPG", "accelerometer", "photodiode", "TTL"]
ROLES: tuple[Role, ...] = (
    "EEG", "EDA", "ECG", "EOG", "respiration", "PPG", "accelerometer", "photodiode", "TTL",
)  # fmt: skip

# Multipliers to SI: volts, siemens. "a.u." and unknown units stay as they are.
UNIT_TO_SI: dict[str, float] = {
    "v": 1.0, "volt": 1.0, "volts": 1.0,
    "mv": 1e-3, "millivolt": 1e-3, "millivolts": 1e-3,
    "uv": 1e-6, "µv": 1e-6, "μv": 1e-6, "microvolt": 1e-6, "microvolts": 1e-6,
    "nv": 1e-9, "nanovolt": 1e-9, "nanovolts": 1e-9,
    "s": 1.0, "siemens": 1.0,
    "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "microsiemens": 1e-6,
}  # fmt: skip


@dataclass(frozen=True)
class StreamDescription:
    """An LSL stream as its header describes it.

    Parameters
    ----------
    nominal_hz : float
        0 for an irregular stream.
    labels, types, units : tuple of str
        One each per channel; empty strings where the device says nothing.
    """

    name: str
    type: str
    source_id: str
    uid: str
    hostname: str
    n_channels: int
    nominal_hz: float
    format: SampleFormat
    labels: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    units: tuple[str, ...] = ()

    @property
    def nominal_bytes_per_s(self) -> float:
        """Bytes a second that recording it writes, by its nominal rate; 0 for an irregular stream."""
        return self.nominal_hz * (self.n_channels * _BYTES_PER_VALUE[self.format] + _STAMP_BYTES)

    @property
    def is_regular(self) -> bool:
        """Whether the stream has a sampling rate."""
        return self.nominal_hz > 0


@dataclass(frozen=True)
class StreamSelector:
    """Streams to record; every field that is not empty must match. All empty matches every stream."""

    name: str = ""
    type: str = ""
    source_id: str = ""
    hostname: str = ""
    uid: str = ""


@dataclass(frozen=True)
class RoleAssignment:
    """Which channels of which stream play a role.

    Parameters
    ----------
    stream : str
        Name of the stream.
    source_id : str
        Source id; empty matches any.
    channels : tuple of int
        Positions in the stream, from 0. None at all says that nothing of the stream is used.
    labels : tuple of str
        Names these channels carry from here on.
    gain : float
        Multiplies the raw numbers to give SI units (V or S), e.g. 1e-6 for microvolts.
    offset : float
        Added after that, SI units.
    minus : tuple of int
        Of bipolar pairs: the channel that is subtracted from each, -1 for none; empty if there are no pairs.
    unit, scale : str
        Where the gain comes from, for people: the unit of the raw numbers, and what a sensor gives for each unit
        of what it measures ("25 mV/uS"). The gain counts (``domain.role_table`` computes it from these two).
    """

    role: Role
    stream: str
    source_id: str
    channels: tuple[int, ...]
    labels: tuple[str, ...]
    gain: float
    offset: float = 0.0
    minus: tuple[int, ...] = ()
    unit: str = ""
    scale: str = ""

    def fits(self, n_channels: int) -> bool:
        """Whether a stream of so many channels has all that are asked for."""
        return all(0 <= c < n_channels for c in self.channels) and all(-1 <= c < n_channels for c in self.minus)

    def apply(self, samples: NDArray[Any]) -> FloatArray:
        """Return the role's signals, shape (n_role_channels, n_times), in SI units (a copy, float64).

        Parameters
        ----------
        samples : ndarray, shape (n_stream_channels, n_times)
            As the stream sends them. Differences and scaling are computed in float64: an offset of 150 mV on
            nanovolt steps must not be rounded before it is scaled.
        """
        values: FloatArray = samples[list(self.channels)].astype(np.float64)
        for k, other in enumerate(self.minus):
            if other >= 0:
                values[k] -= samples[other]
        return values * self.gain + self.offset


_BY_WORD: dict[str, Role] = {
    "eeg": "EEG", "eda": "EDA", "gsr": "EDA", "scr": "EDA", "scl": "EDA", "ecg": "ECG", "ekg": "ECG", "eog": "EOG",
    "heog": "EOG", "veog": "EOG", "resp": "respiration", "rsp": "respiration", "respiration": "respiration",
    "ppg": "PPG", "bvp": "PPG", "pleth": "PPG", "acc": "accelerometer", "accelerometer": "accelerometer",
    "photo": "photodiode", "photodiode": "photodiode", "ttl": "TTL", "trigger": "TTL",
}  # fmt: skip
# Channels that carry no signal of a body, whatever the rest of their stream does.
_IDLE = (
    "aux", "misc", "trig", "status", "stim", "counter", "batt", "ref", "gnd", "ground", "cms", "drl", "bias", "temp",
    "time", "packet", "sample", "index", "gyr", "mag", "imp", "valid", "quality", "marker",
)  # fmt: skip
_EARS = ("A1", "A2", "M1", "M2")


def role_of_word(word: str) -> Role | None:
    """Return the role that a channel's type or label, or a stream's type, names; None if it names none."""
    letters = "".join(c for c in word.lower() if c.isalpha())
    for key, role in _BY_WORD.items():
        if letters == key or (letters.startswith(key) and key not in ("eeg", "acc")):
            return role
    return None


def _is_idle(word: str) -> bool:
    tokens = "".join(c if c.isalpha() else " " for c in word.lower()).split()
    # The last word only for "Right AUX": "Fp1-REF" is an electrode and names its reference.
    return bool(tokens) and (tokens[0].startswith(_IDLE) or tokens[-1] == "aux")


def guess_role(stream: StreamDescription, channel: int) -> Role | None:
    """Guess what one channel is: by its label, its type, and the stream's type, in this order.

    A name of the 10-20 system is believed even where the device calls everything else: many announce a whole
    amplifier as one type.
    """
    label = stream.labels[channel] if channel < len(stream.labels) else ""
    own_type = stream.types[channel] if channel < len(stream.types) else ""
    by_name = role_of_word(label) or role_of_word(own_type)
    whole = role_of_word(stream.type)
    if by_name is not None and by_name != "EEG" and not (by_name == "TTL" and whole == "EEG" and not own_type):
        return by_name
    if _is_idle(label) or (_is_idle(own_type) and by_name is None):
        return None
    if by_name is not None:
        return by_name
    if whole is None and is_electrode(label) and _has_scalp_names(stream):
        return "EEG"
    return whole


def _has_scalp_names(stream: StreamDescription) -> bool:
    """Whether labels name at least two places of the scalp: "A1" alone may be the first analogue input."""
    return sum(is_electrode(label) and canonical_name(label) not in _EARS for label in stream.labels) >= 2


def suggest_roles(streams: Sequence[StreamDescription]) -> tuple[RoleAssignment, ...]:
    """Guess roles from channel labels, channel types, then the stream's type.

    EDA and ECG on AUX channels of an EEG amplifier are found by their channel type or label; channels of a role that
    come in different units become assignments of their own. Only regular numeric streams take part.
    """
    found: list[RoleAssignment] = []
    for stream in streams:
        if not stream.is_regular or stream.format == "string":
            continue
        alike: dict[tuple[Role, str], list[int]] = {}
        for channel in range(stream.n_channels):
            role = guess_role(stream, channel)
            if role is not None:
                unit = stream.units[channel].strip() if channel < len(stream.units) else ""
                alike.setdefault((role, unit), []).append(channel)
        for (role, unit), channels in alike.items():
            found.append(
                RoleAssignment(
                    role=role,
                    stream=stream.name,
                    source_id=stream.source_id,
                    channels=tuple(channels),
                    labels=tuple(
                        (stream.labels[c] if c < len(stream.labels) else "") or f"{role}{c + 1}" for c in channels
                    ),
                    gain=UNIT_TO_SI.get(unit.lower(), 1.0),
                    unit=unit,
                )
            )
    return tuple(found)


def find_stream(role: RoleAssignment, streams: Sequence[StreamDescription]) -> StreamDescription | None:
    """Find a role's stream by name and source id, or by its name alone if that is unique.

    A device that was replugged, or another computer, announces another source id.
    """
    named = [s for s in streams if s.name == role.stream and s.is_regular and s.format != "string"]
    exact = [s for s in named if not role.source_id or s.source_id == role.source_id]
    if exact:
        return exact[0]
    return named[0] if len(named) == 1 else None


def resolve_roles(
    streams: Sequence[StreamDescription], decided: Sequence[RoleAssignment] = ()
) -> tuple[RoleAssignment, ...]:
    """Say who plays what on the streams that are here: as the study decided, and guessed where it decided nothing.

    A decision counts as long as its stream is here and has the channels. Nothing is guessed on such a stream, nor for
    a role that is decided. The assignments returned name the streams by the source ids that they have now.
    """
    found: list[RoleAssignment] = []
    told: set[tuple[str, str]] = set()
    for role in decided:
        stream = find_stream(role, streams)
        if stream is not None and role.fits(stream.n_channels):
            told.add((stream.name, stream.source_id))
            found += [replace(role, source_id=stream.source_id)] if role.channels else []
    taken = {r.role for r in found}
    guesses = (g for g in suggest_roles(streams) if g.role not in taken and (g.stream, g.source_id) not in told)
    return (*found, *guesses)
