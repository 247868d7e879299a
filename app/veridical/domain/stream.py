"""Streams as they are announced, and the roles their channels play."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

SampleFormat = Literal["float32", "double64", "int8", "int16", "int32", "int64", "string"]
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
        Positions in the stream, from 0.
    labels : tuple of str
        Names these channels carry from here on.
    gain : float
        Multiplies the raw numbers to give SI units (V or S), e.g. 1e-6 for microvolts.
    """

    role: Role
    stream: str
    source_id: str
    channels: tuple[int, ...]
    labels: tuple[str, ...]
    gain: float
    offset: float = 0.0


_BY_WORD: dict[str, Role] = {
    "eeg": "EEG", "eda": "EDA", "gsr": "EDA", "scr": "EDA", "ecg": "ECG", "ekg": "ECG", "eog": "EOG",
    "resp": "respiration", "rsp": "respiration", "respiration": "respiration", "ppg": "PPG",
    "acc": "accelerometer", "accelerometer": "accelerometer", "photo": "photodiode",
    "photodiode": "photodiode", "ttl": "TTL", "trigger": "TTL",
}  # fmt: skip


def _role_of(word: str) -> Role | None:
    letters = "".join(c for c in word.lower() if c.isalpha())
    for key, role in _BY_WORD.items():
        if letters == key or (letters.startswith(key) and key not in ("eeg", "acc")):
            return role
    return None


def suggest_roles(streams: Sequence[StreamDescription]) -> tuple[RoleAssignment, ...]:
    """Guess roles from channel types, then channel labels, then the stream's type.

    EDA and ECG on AUX channels of an EEG amplifier are found by their channel type or label.
    Only regular numeric streams take part.
    """
    found: list[RoleAssignment] = []
    for stream in streams:
        if not stream.is_regular or stream.format == "string":
            continue
        whole = _role_of(stream.type)
        by_role: dict[Role, list[int]] = {}
        for channel in range(stream.n_channels):
            own_type = stream.types[channel] if channel < len(stream.types) else ""
            label = stream.labels[channel] if channel < len(stream.labels) else ""
            role = _role_of(label) or _role_of(own_type)
            role = role or (None if own_type.lower() in ("aux", "misc") else whole)
            if role is not None:
                by_role.setdefault(role, []).append(channel)
        for role, channels in by_role.items():
            unit = stream.units[channels[0]] if channels[0] < len(stream.units) else ""
            found.append(
                RoleAssignment(
                    role=role,
                    stream=stream.name,
                    source_id=stream.source_id,
                    channels=tuple(channels),
                    labels=tuple(
                        (stream.labels[c] if c < len(stream.labels) else "") or f"{role}{c + 1}" for c in channels
                    ),
                    gain=UNIT_TO_SI.get(unit.strip().lower(), 1.0),
                )
            )
    return tuple(found)
