"""Roles as a table with a row for every channel: what a person reads and changes, and how it becomes assignments."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from veridical.domain.errors import StreamError
from veridical.domain.stream import (
    UNIT_TO_SI,
    Role,
    RoleAssignment,
    StreamDescription,
    find_stream,
    resolve_roles,
)

# What people can choose as the unit of raw numbers; counts need a scale beside them.
UNITS: tuple[str, ...] = ("V", "mV", "µV", "nV", "S", "µS", "counts", "")
_COUNTS = ("count", "counts", "lsb", "bit", "bits", "adu")
_SCALE = re.compile(r"\s*([0-9.,eE+-]+)\s*([A-Za-zµμ]+)\s*(?:/|per)\s*([A-Za-zµμ²]+)\s*")
_IN_SIEMENS = ("s", "siemens", "us", "µs", "μs", "microsiemens")
# What each role is measured in; the rest may be in anything.
_MEASURED_IN: dict[Role, str] = {"EEG": "V", "EOG": "V", "ECG": "V", "EDA": "S"}
_WORD = {"S": "siemens", "V": "volts"}


@dataclass(frozen=True)
class ChannelUse:
    """One channel and what it is used as.

    Parameters
    ----------
    announced, announced_type, announced_unit : str
        What the device says.
    role : str or None
        None: recorded, and used for nothing.
    name : str
        Name from here on.
    unit, scale : str
        Unit of the raw numbers, and what a sensor gives for each unit of what it measures ("25 mV/uS"), or the
        amplifier for each count ("0.0224 uV/count").
    offset : float
        Added after scaling, SI units.
    minus : int
        Channel of the same stream that is subtracted (bipolar); -1 for none.
    """

    stream: str
    source_id: str
    channel: int
    announced: str
    announced_type: str
    announced_unit: str
    role: Role | None = None
    name: str = ""
    unit: str = ""
    scale: str = ""
    offset: float = 0.0
    minus: int = -1

    @property
    def is_corrected(self) -> bool:
        """Whether the unit is another than the device announces."""
        return self.role is not None and (si_of(self.unit) != si_of(self.announced_unit) or bool(self.scale.strip()))


def si_of(unit: str) -> float | None:
    """Multiplier to SI of a unit's name; None for a unit that is none of volts and siemens."""
    return UNIT_TO_SI.get(unit.strip().lower())


def gain_of(unit: str, scale: str, role: Role) -> float:
    """Return what multiplies raw numbers to give SI units.

    Parameters
    ----------
    unit : str
        Unit of the raw numbers: "uV", "mV", "counts", ... ; unknown ones count as SI.
    scale : str
        "25 mV/uS" (a sensor's volts for each microsiemens), "0.0224 uV/count", or empty.

    Raises
    ------
    StreamError
        If the scale cannot be read, or does not lead from the unit to what the role is measured in.

    Examples
    --------
    An EDA sensor of 25 mV/uS on an AUX input that sends millivolts:

    >>> gain_of("mV", "25 mV/uS", "EDA")
    4e-08
    """
    wanted = _MEASURED_IN.get(role, "")
    if not scale.strip():
        if unit.strip().lower() in _COUNTS:
            raise StreamError(
                "Counts say nothing without their size; give it as the scale, for example 0.0224 uV/count (it stands "
                "in the amplifier's manual)."
            )
        if wanted and si_of(unit) is not None and _dimension(unit) != wanted:
            example = ", for example 25 mV/uS" if wanted == "S" else ""
            raise StreamError(
                f"{role} is measured in {_WORD[wanted]} and {unit} is not; give the sensor's scale{example}."
            )
        return UNIT_TO_SI.get(unit.strip().lower(), 1.0)
    found = _SCALE.fullmatch(scale)
    size = _number(found[1]) if found else 0.0
    if found is None or not math.isfinite(size) or size == 0 or si_of(found[2]) is None:
        raise StreamError(f"The scale {scale!r} cannot be read; write it like 25 mV/uS or 0.0224 uV/count.")
    numerator = size * UNIT_TO_SI[found[2].lower()]
    if found[3].lower() in _COUNTS:
        if wanted and _dimension(found[2]) != wanted:
            raise StreamError(
                f"{role} needs {'siemens' if wanted == 'S' else 'volts'} for each count; correct the scale."
            )
        return numerator
    below = si_of(found[3])
    if below is None:
        raise StreamError(f"The scale {scale!r} ends in no unit known here; write it like 25 mV/uS.")
    if si_of(unit) is None or _dimension(unit) != _dimension(found[2]):
        raise StreamError(
            f"The raw numbers are in {unit or 'no unit'} and the scale begins with {found[2]}; make them agree."
        )
    if wanted and _dimension(found[3]) != wanted:
        raise StreamError(
            f"The scale {scale!r} does not lead to {'siemens' if wanted == 'S' else 'volts'}; correct it."
        )
    return UNIT_TO_SI[unit.strip().lower()] * below / numerator


def _number(text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return 0.0


def _dimension(unit: str) -> str:
    return "S" if unit.strip().lower() in _IN_SIEMENS else "V"


def table_of(streams: Sequence[StreamDescription], decided: Sequence[RoleAssignment] = ()) -> tuple[ChannelUse, ...]:
    """Return a row for every channel of every regular numeric stream, with the roles that resolve now."""
    roles = resolve_roles(streams, decided)
    rows: list[ChannelUse] = []
    for stream in streams:
        if not stream.is_regular or stream.format == "string":
            continue
        own = [r for r in roles if find_stream(r, streams) == stream]
        for channel in range(stream.n_channels):
            unit = _at(stream.units, channel)
            row = ChannelUse(
                stream.name, stream.source_id, channel, _at(stream.labels, channel), _at(stream.types, channel), unit,
                unit=unit,
            )  # fmt: skip
            rows.append(_filled(row, own))
    return tuple(rows)


def _filled(row: ChannelUse, roles: Iterable[RoleAssignment]) -> ChannelUse:
    for role in roles:
        if row.channel in role.channels:
            k = role.channels.index(row.channel)
            unit = role.unit or (row.unit if UNIT_TO_SI.get(row.unit.strip().lower(), 1.0) == role.gain else "")
            return replace(
                row,
                role=role.role,
                name=role.labels[k],
                unit=unit or _unit_of_gain(role),
                scale=role.scale,
                offset=role.offset,
                minus=role.minus[k] if k < len(role.minus) else -1,
            )
    return replace(row, name=row.announced)


def _unit_of_gain(role: RoleAssignment) -> str:
    """Name the unit of an assignment that was written by hand with a gain alone."""
    if role.scale or role.gain == 1.0:
        return ""
    names = ("S", "µS") if _MEASURED_IN.get(role.role) == "S" else ("V", "mV", "µV", "nV")
    return next((n for n in names if UNIT_TO_SI[n.lower()] == role.gain), "")


def _at(texts: Sequence[str], k: int) -> str:
    return texts[k].strip() if k < len(texts) else ""


def assignments_of(table: Sequence[ChannelUse]) -> tuple[RoleAssignment, ...]:
    """Return the roles that a table says; channels alike in stream, role and scaling become one assignment.

    Raises
    ------
    StreamError
        If a scale cannot be read, or two channels of a role carry one name: one sentence that names the channel.
    """
    alike: dict[tuple[str, str, Role, str, str, float], list[ChannelUse]] = {}
    for row in table:
        if row.role is not None:
            alike.setdefault((row.stream, row.source_id, row.role, row.unit, row.scale, row.offset), []).append(row)
    found: list[RoleAssignment] = []
    for (stream, source_id, role, unit, scale, offset), rows in alike.items():
        try:
            gain = gain_of(unit, scale, role)
        except StreamError as error:
            raise StreamError(f"{stream}, {label_of(rows[0])}: {error}") from error
        minus = tuple(r.minus for r in rows)
        found.append(
            RoleAssignment(
                role, stream, source_id, tuple(r.channel for r in rows), tuple(label_of(r) for r in rows), gain, offset,
                minus if any(m >= 0 for m in minus) else (), unit, scale.strip(),
            )
        )  # fmt: skip
    used = {(r.stream, r.source_id) for r in found}
    # A stream of which nothing is used is told, or it would be guessed at again.
    for stream, source_id in dict.fromkeys((r.stream, r.source_id) for r in table):
        if (stream, source_id) not in used:
            found.append(RoleAssignment("EEG", stream, source_id, (), (), 1.0))
    for name, count in Counter((r.role, label) for r in found for label in r.labels).items():
        if count > 1:
            raise StreamError(f"{count} channels of {name[0]} are called {name[1]}; give each a name of its own.")
    return tuple(found)


def label_of(row: ChannelUse) -> str:
    """Name under which a channel goes on."""
    return row.name.strip() or row.announced or f"{row.role or 'channel'}{row.channel + 1}"


def with_changes(table: Sequence[ChannelUse], places: Iterable[int], **changes: object) -> tuple[ChannelUse, ...]:
    """Return the table with fields of some rows changed; StreamError if what it then says is impossible."""
    chosen = set(places)
    new = tuple(replace(row, **changes) if k in chosen else row for k, row in enumerate(table))  # type: ignore[arg-type]
    for k, row in enumerate(new):
        if k in chosen and row.minus == row.channel:
            raise StreamError(
                f"{label_of(row)} cannot be subtracted from itself; choose the other electrode of the pair."
            )
    return new


def with_corrected_unit(table: Sequence[ChannelUse], role: RoleAssignment, unit: str) -> tuple[ChannelUse, ...]:
    """Return the table with another unit for the channels of one assignment."""
    return tuple(
        replace(row, unit=unit, scale="")
        if (row.stream, row.role) == (role.stream, role.role) and row.channel in role.channels
        else row
        for row in table
    )
