"""The lights of the streams while a session is recorded: what the recorder's watch has found, by role and in words."""

from collections.abc import Sequence

from veridical.domain.event import MARKER_STREAM_NAME
from veridical.domain.stream import Role, RoleAssignment, StreamDescription, find_stream, resolve_roles
from veridical.gui.common.workspace import StreamLight
from veridical.services.live_run import RecordedStream, StreamFinding

_WORST_FIRST = ("fail", "caution", "unknown", "good")


def recorded_lights(
    roles: Sequence[Role],
    streams: Sequence[StreamDescription],
    recorded: Sequence[RecordedStream],
    decided: Sequence[RoleAssignment] = (),
) -> dict[str, StreamLight]:
    """Lights by role, and of the markers, for what the recorder has something to say about.

    Parameters
    ----------
    streams : sequence of StreamDescription
        As announced: they tell which stream carries a role, and on which channels.
    decided : sequence of RoleAssignment
        What the study decided about that.
    """
    lights: dict[str, StreamLight] = {}
    assignments = resolve_roles(streams, decided)
    for role in roles:
        told = [
            (stream, _about(stream.findings, assignment, find_stream(assignment, streams)))
            for assignment in assignments
            if assignment.role == role
            for stream in recorded
            if (stream.name, stream.source_id) == (assignment.stream, assignment.source_id)
        ]
        if told:
            lights[role] = _light(role, [f for _, findings in told for f in findings], told[0][0])
    markers = [stream for stream in recorded if stream.name == MARKER_STREAM_NAME]
    if markers:
        lights["Markers"] = _light("Markers", markers[0].findings, markers[0])
    return lights


def faults_in_words(recorded: Sequence[RecordedStream]) -> tuple[tuple[str, str], ...]:
    """(level, words) of everything that is wrong with any stream now, worst first."""
    found = [(f.light, f"{stream.name}: {f.words}") for stream in recorded for f in stream.findings]
    found += [(s.light, f"{s.name}: {s.words}") for s in recorded if not s.findings and s.light in ("fail", "caution")]
    return tuple(sorted(found, key=lambda f: _WORST_FIRST.index(f[0])))


def _about(
    findings: Sequence[StreamFinding], assignment: RoleAssignment, description: StreamDescription | None
) -> list[StreamFinding]:
    """Findings on a role's channels: a flat EDA input of the amplifier is no fault of the EEG.

    The recorder names channels as the device does; the study may have given them other names.
    """
    announced = () if description is None else description.labels
    channels = [c for c in (*assignment.channels, *assignment.minus) if c >= 0]
    names = {announced[c] if c < len(announced) and announced[c] else str(c + 1) for c in channels}
    return [f for f in findings if not f.channels or names.intersection(f.channels)]


def _light(name: str, findings: Sequence[StreamFinding], stream: RecordedStream) -> StreamLight:
    if not findings:
        is_plain = stream.findings or stream.light == "good"
        words = f"{stream.nominal_hz:g} Hz" if stream.nominal_hz > 0 else "present"
        return StreamLight(name, "good" if is_plain else stream.light, words if is_plain else stream.words)
    worst = min(findings, key=lambda f: _WORST_FIRST.index(f.light))
    return StreamLight(name, worst.light, worst.words, "\n".join(dict.fromkeys(f.words for f in findings)))
