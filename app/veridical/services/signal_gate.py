"""Items of the pre-flight gate about signals: roles, units, quality, clocks, markers."""

from collections import Counter
from collections.abc import Sequence

from veridical.domain.stream import Role, RoleAssignment, StreamDescription, find_stream, resolve_roles
from veridical.ipc.messages import Light
from veridical.services.gate_item import GateItem
from veridical.services.observer import Observation, RoleObservation, StreamObservation
from veridical.services.required_roles import required_roles
from veridical.services.session import RunRequest
from veridical.services.study import Study
from veridical.signals.quality import ChannelQuality

# Always in the list, whether the study requires them or not.
_USUAL: tuple[Role, ...] = ("EEG", "EDA", "ECG")
_ORDER: tuple[Role, ...] = (
    "EEG", "EOG", "EDA", "ECG", "respiration", "PPG", "accelerometer", "photodiode", "TTL",
)  # fmt: skip
# Announced and measured rate may differ by so much (FORMATS 5: 5 %).
_RATE_TOLERANCE = 0.05
# A required role is not usable if a larger share of its channels fails: average references and maps lose their
# meaning (Bigdely-Shamlo et al. 2015, PREP: interpolation of up to a quarter of the channels).
_WORST_SHARE = 0.25
# Offsets whose probe travelled longer are good to half of that at best; 10 ms is most of a frame.
_ROUND_TRIP_S = 0.010
# Newest stamps lie this near to now on any network that works (the recorder's own limit).
_LATE_S = 10.0
_SHOWN = 4


def silent_item(study: Study, request: RunRequest, seen: Observation) -> list[GateItem]:
    """Return an item on streams without a role that send nothing, if there are any: nothing would begin."""
    playing = {r.stream for r in resolve_roles(request.streams, study.settings.roles)}
    silent = tuple(sorted(o.stream.name for o in seen.streams if o.is_silent and o.stream.name not in playing))
    if not silent:
        return []
    words, remedy = f"No data arrive from {', '.join(silent)}", "Start it on its device, or switch it off."
    return [GateItem("silent", "Other streams", "fail", words, remedy, True, streams=silent)]


def role_items(study: Study, request: RunRequest, seen: Observation) -> list[GateItem]:
    """Return an item for every role that the study requires, that is here, or that most studies have."""
    required = required_roles(study.settings)
    roles = resolve_roles(request.streams, study.settings.roles)
    here = {r.role for r in roles}
    shown = [r for r in _ORDER if r in _USUAL or r in required or r in here]
    return [
        _role_item(role, [r for r in roles if r.role == role], study, request, seen, role in required) for role in shown
    ]


def _role_item(
    role: Role,
    assigned: Sequence[RoleAssignment],
    study: Study,
    request: RunRequest,
    seen: Observation,
    is_required: bool,
) -> GateItem:
    wanted = [r for r in study.settings.roles if r.role == role]
    if not assigned:
        words = f"Assigned to {wanted[0].stream}, which is not here" if wanted else "No stream carries it"
        if is_required:
            remedy = f"Switch on the device that measures {role}, or assign its channels; this study requires it."
            return GateItem(role.lower(), role, "fail", words, remedy, True)
        remedy = f"Switch on the device that measures {role}, or go on without it."
        return GateItem(role.lower(), role, "caution", words, remedy)
    parts, worst, remedy = [], "good", ""
    silent: list[str] = []
    for one in assigned:
        stream = find_stream(one, request.streams)
        assert stream is not None
        words, light, what = _arrival(one, stream, seen.of_stream(stream))
        parts.append(words)
        observed = seen.of_stream(stream)
        silent += [stream.name] if observed is not None and observed.is_silent else []
        if _RANK[light] > _RANK[worst]:
            worst, remedy = light, what
    if worst == "good" and wanted and not any(find_stream(w, request.streams) for w in wanted):
        # Another device than the study's: it may be a spare one, or a neighbour's.
        parts.append(f"the study assigned {wanted[0].stream}, which is not here")
        worst, remedy = "caution", "Look whether this is your participant's device, and assign it."
    light = _light(worst)
    is_blocking = light == "fail" or (is_required and light == "unknown")
    return GateItem(role.lower(), role, light, "; ".join(parts), remedy, is_blocking, streams=tuple(silent))


_RANK = {"good": 0, "caution": 1, "unknown": 2, "fail": 3}


def _light(text: str) -> Light:
    known: tuple[Light, ...] = ("good", "caution", "fail")
    return next((k for k in known if k == text), "unknown")


def _arrival(role: RoleAssignment, stream: StreamDescription, seen: StreamObservation | None) -> tuple[str, str, str]:
    """Words, light and remedy on whether one assignment's data arrive at their rate."""
    n = len(role.channels)
    channels = f"{n} channel{'s' if n > 1 else ''}"
    words = f"{channels} at {stream.nominal_hz:g} Hz from {stream.name}"
    if seen is None:
        return f"{words}; listening", "unknown", ""
    if seen.is_silent:
        return f"{words}, but no data arrive", "fail", "Start the measurement on the device."
    if seen.rate_hz is None:
        return f"{words}; measuring its rate", "unknown", ""
    if abs(seen.rate_hz / stream.nominal_hz - 1) > _RATE_TOLERANCE:
        return (
            f"{channels} from {stream.name} at {seen.rate_hz:.1f} Hz instead of {stream.nominal_hz:g} Hz",
            "fail",
            "Check the radio link and the sampling rate in the device's program.",
        )
    # A rate as good as announced is shown as announced: the last digit would only flicker.
    is_exact = abs(seen.rate_hz / stream.nominal_hz - 1) < 0.005
    rate = f"{stream.nominal_hz:g}" if is_exact else f"{seen.rate_hz:.4g}"
    return f"{channels} at {rate} Hz (measured) from {stream.name}", "good", ""


def quality_items(study: Study, request: RunRequest, seen: Observation) -> list[GateItem]:
    """Return items on units and on the quality of EEG, EDA and ECG; roles that are not here have none."""
    required = required_roles(study.settings)
    items: list[GateItem] = []
    doubts = [r for r in seen.roles if r.doubt is not None]
    if doubts:
        first = doubts[0].doubt
        assert first is not None
        if first.unit:
            remedy = f"Take {doubts[0].role} as {first.unit} (Channels and roles offers it), or mend the device's unit."
        elif first.is_counts:
            remedy = "Give the size of a count in Channels and roles, for example 0.0224 uV/count."
        else:
            remedy = "Check the device's unit and gain, and correct them in Channels and roles."
        words = ". ".join(r.doubt.words for r in doubts if r.doubt is not None)
        items.append(GateItem("units", "Units", "fail", words, remedy, True))
    elif any(q.light != "unknown" for r in seen.roles for q in r.qualities):
        items.append(GateItem("units", "Units", "good", "Every size is that of a body"))
    for role in ("EEG", "EDA", "ECG"):
        here = [r for r in seen.roles if r.role == role and r.qualities]
        if here and not any(r.doubt for r in here):
            items.append(_quality_item(role, here, role in required, request))
    if any(r.role == "EDA" for r in seen.roles):
        items.append(_breath_item(request))
    return items


def _quality_item(role: str, here: Sequence[RoleObservation], is_required: bool, request: RunRequest) -> GateItem:
    qualities = [q for r in here for q in r.qualities]
    name, title = f"signal-{role.lower()}", f"{role} signal"
    known = [q for q in qualities if q.light != "unknown"]
    if not known:
        # Never in the way: a start is not to wait for seconds of a slow role.
        return GateItem(name, title, "unknown", "Judged as soon as 2 s are here")
    bad = [q for q in known if q.light == "fail"]
    doubtful = [q for q in known if q.light == "caution"]
    if not bad and not doubtful:
        words = f"All {len(known)} channels good" if len(known) > 1 else known[0].words
        return GateItem(name, title, "good", words[:1].upper() + words[1:])
    words = faults_in_words(bad or doubtful)
    if len(known) > 1:
        words = f"{len(known) - len(bad) - len(doubtful)} of {len(known)} channels good. {words}"
    worst = (bad or doubtful)[0]
    remedy = _REMEDIES.get(worst.fault, "Look at the channel, and mend what it says.")
    is_unusable = len(bad) > _WORST_SHARE * len(known)
    return GateItem(name, title, "fail" if is_unusable else "caution", words, remedy, is_required and is_unusable)


_REMEDIES = {
    "missing": "Check the device's connection.",
    "flat": "Check electrode and cable.",
    "saturated": "Re-gel, or lower the amplifier's gain.",
    "loose": "Press the electrode on, or re-gel it.",
    "drift": "Wait until the electrode settles, or re-gel it.",
    "muscle": "Ask the participant to relax jaw and forehead.",
    "line noise": "Check ground electrode and cables; move chargers away.",
    "no contact": "Check both EDA electrodes and their gel.",
    "out of range": "Check unit and gain of the EDA channel.",
    "jumps": "Ask to keep the hand still; fix the cable.",
    "no beats": "Check the ECG electrodes and the lead.",
    "irregular beats": "Look at the ECG; press the electrodes on.",
}


def faults_in_words(qualities: Sequence[ChannelQuality]) -> str:
    """Name channels by what is wrong with them: "Loose: F7, TP10. Line noise: O2"."""
    by_fault: dict[str, list[str]] = {}
    for q in qualities:
        by_fault.setdefault(q.fault or q.words, []).append(q.label)
    if len(qualities) == 1:
        return f"{qualities[0].label} {qualities[0].words}"
    parts = []
    for fault, labels in by_fault.items():
        more = f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else ""
        parts.append(f"{fault[:1].upper()}{fault[1:]}: {', '.join(labels[:_SHOWN])}{more}")
    return ". ".join(parts)


def _breath_item(request: RunRequest) -> GateItem:
    breath = request.breath
    if breath is None:
        remedy = "Let the participant take one deep breath: Check skin response."
        return GateItem("breath", "Skin response", "unknown", "Not checked yet", remedy)
    return GateItem(
        "breath", "Skin response", "good" if breath.has_response else "caution", breath.words, breath.remedy
    )


def time_items(request: RunRequest, seen: Observation) -> list[GateItem]:
    """Return items on the streams' clocks and on markers."""
    return [_clock_item(seen), _echo_item(seen)]


def _clock_item(seen: Observation) -> GateItem:
    name, title = "clocks", "Clocks"
    heard = [o for o in seen.streams if o.n_received]
    if not heard:
        return GateItem(name, title, "unknown", "No data yet")
    off = [o for o in heard if o.offset_s is not None and abs(o.late_s) > _LATE_S and not o.is_silent]
    if off:
        words = ", ".join(f"{o.stream.name} is stamped {_span(o.late_s)}" for o in off)
        remedy = "Its program must stamp with the LSL clock; restart it, or send without stamps of its own."
        return GateItem(name, title, "fail", words, remedy, True)
    unmeasured = [o.stream.name for o in heard if o.offset_s is None]
    if unmeasured:
        if all(o.listened_s < 8.0 for o in heard if o.offset_s is None):
            return GateItem(name, title, "unknown", "Being measured")
        words = f"The clock of {', '.join(unmeasured)} does not answer"
        return GateItem(name, title, "caution", words, "Allow UDP of the device's program in the firewall.")
    slow = [o for o in heard if (o.round_trip_s or 0) > _ROUND_TRIP_S]
    worst_s = max(o.round_trip_s or 0 for o in heard)
    if slow:
        names = Counter(o.stream.name for o in slow)
        words = f"Known to {500 * worst_s:.0f} ms only ({', '.join(names)})"
        return GateItem(name, title, "caution", words, "Use a cable instead of radio, or a quieter network.")
    return GateItem(name, title, "good", f"Known to {max(0.1, 500 * worst_s):.1f} ms or better")


def _span(late_s: float) -> str:
    size = abs(late_s)
    words = f"{size:.0f} s" if size < 120 else f"{size / 60:.0f} min" if size < 7200 else f"{size / 3600:.0f} h"
    return f"{words} {'ago' if late_s > 0 else 'ahead'}"


def _echo_item(seen: Observation) -> GateItem:
    name, title = "markers", "Markers"
    if seen.echo_problem:
        found, _, remedy = seen.echo_problem.rpartition("; ")
        return GateItem(name, title, "fail", found, remedy[:1].upper() + remedy[1:], True)
    if seen.echo_s is None:
        return GateItem(name, title, "unknown", "Sending one to see whether it comes back")
    return GateItem(name, title, "good", f"One was sent and read back in {1000 * seen.echo_s:.0f} ms")
