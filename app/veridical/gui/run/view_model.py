"""What the Run page shows, resolved from the services' states without Qt."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from veridical.domain.stream import RoleAssignment, StreamDescription, resolve_roles
from veridical.domain.view import View
from veridical.gui.common import wording
from veridical.gui.common.plane import RatedPoint
from veridical.gui.common.tokens import StatusLevel
from veridical.gui.common.workspace import StatusLine, StreamLight
from veridical.gui.run.stream_lights import faults_in_words, recorded_lights
from veridical.services.gate import GateItem
from veridical.services.live_quality import RoleQuality
from veridical.services.live_run import Hole, RunState, TrialProgress
from veridical.services.streams import ScopeTraces

if TYPE_CHECKING:
    from veridical.services.session_examination import Examination

TickKind = Literal["answered", "missed", "skipped", "bad", "practice", "practice missed", "current", "ahead"]
RunMode = Literal["no study", "no participant", "setup", "session", "summary"]


@dataclass(frozen=True)
class StreamRow:
    """One stream of the live list.

    Parameters
    ----------
    level : str
        Good for a stream that plays a role, unknown for one that plays none, caution for doubles and for what has
        gone.
    """

    name: str
    words: str
    level: StatusLevel = "good"


def resolve_streams(
    streams: Sequence[StreamDescription],
    decided: Sequence[RoleAssignment] = (),
    new: Sequence[str] = (),
    gone: Sequence[StreamDescription] = (),
) -> tuple[StreamRow, ...]:
    """Describe the streams on the network, and what has just appeared or gone; doubles are told apart.

    Parameters
    ----------
    new : sequence of str
        Uids of streams that have just appeared.
    gone : sequence of StreamDescription
        Streams that went a moment ago.
    """
    names = [s.name for s in streams]
    assigned = resolve_roles(streams, decided)
    rows: list[StreamRow] = []
    for stream in streams:
        own = [a.role for a in assigned if (a.stream, a.source_id) == (stream.name, stream.source_id)]
        roles = " + ".join(dict.fromkeys(own)) or "no role"
        rate = f"{stream.nominal_hz:g} Hz" if stream.is_regular else "events"
        words = f"{roles} · {wording.count(stream.n_channels, 'channel')} · {rate}"
        if names.count(stream.name) > 1:
            twice = f"same name twice (source id {stream.source_id or 'none'})"
            rows.append(StreamRow(stream.name, f"{words}, {twice}", "caution"))
            continue
        words += " · new" if stream.uid in new else ""
        rows.append(StreamRow(stream.name, words, "good" if own or not stream.is_regular else "unknown"))
    rows += [StreamRow(s.name, "gone", "caution") for s in gone]
    return tuple(rows)


def can_start(gate: Sequence[GateItem]) -> bool:
    """Whether nothing in the gate stands in the way."""
    return bool(gate) and not any(item.stops for item in gate)


def gate_summary(gate: Sequence[GateItem]) -> str:
    """Say in one line how the pre-flight check stands."""
    if not gate:
        return "Checking"
    blocking = [item for item in gate if item.stops]
    if blocking and all(item.light == "unknown" for item in blocking):
        return "Measuring, for a few seconds"
    if blocking:
        return f"{wording.count(len(blocking), 'item')} must be mended before the session can start"
    cautions = [item for item in gate if item.light in ("caution", "fail")]
    passed = [item for item in gate if item.override]
    if passed:
        return f"Ready, with {wording.count(len(passed), 'item')} passed over"
    if cautions:
        return f"Ready, with {wording.count(len(cautions), 'caution')}"
    return "Ready to start"


@dataclass(frozen=True)
class TrialTick:
    """One trial on the timeline."""

    kind: TickKind
    block: int


@dataclass(frozen=True)
class SessionScreen:
    """Everything the page draws while a session runs.

    Parameters
    ----------
    part, where : str
        "Block 2" and "trial 31 of 60".
    faults : tuple of (level, words)
        What is wrong with the streams that are recorded, worst first.
    can_pause, can_resume, can_abort, can_linger : bool
        Which commands make sense now.
    is_resting : bool
        The participant rests until it is decided how to go on after ``block``; ``n_blocks_left`` are planned.
    lingers : bool
        It will rest after the last block.
    """

    part: str = "Getting ready"
    where: str = ""
    remaining: str = ""
    counts: str = ""
    ticks: tuple[TrialTick, ...] = ()
    view: View = View("blank")
    screen: str = ""
    problem: str = ""
    problem_level: StatusLevel = "fail"
    can_pause: bool = False
    can_resume: bool = False
    can_abort: bool = True
    is_over: bool = False
    is_resting: bool = False
    block: int = 0
    n_blocks_left: int = 0
    lingers: bool = False
    can_linger: bool = False
    points: tuple[RatedPoint, ...] = ()
    faults: tuple[tuple[str, str], ...] = ()
    away: tuple[str, ...] = ()
    losses: str = ""
    is_waiting_for_device: bool = False


_PART_WORDS = {
    "starting": "Getting ready",
    "ready": "Ready",
    "pausing": "Pausing before the next trial",
    "paused": "Paused",
    "stopped": "Stopped by the participant",
    "asking": "Asking the participant",
    "resting": "The participant rests",
    "ended": "Ended",
    "failed": "Could not go on",
}


def resolve_session(state: RunState) -> SessionScreen:
    """Resolve both children's states into what is drawn."""
    shown = state.presenter
    if shown is None:
        return SessionScreen(problem=state.problem, is_over=state.is_over, can_abort=not state.is_over)
    problem = state.problem
    level: StatusLevel = "fail"
    device = _device_words(state)
    if not problem and device:
        problem, level = device
    elif not problem and shown.phase == "stopped":
        problem = "The participant holds the stop key. Speak with them, then resume or end the session."
        level = "caution"
    elif not problem and shown.phase == "asking":
        problem = "The participant is asked on their screen whether to go on; the session waits for their answer."
        level = "caution"
    elif not problem and shown.phase == "failed":
        problem = shown.message
    analysed = [t for t in shown.done if not t.is_practice]
    answered = sum(1 for t in analysed if _is_answered(t.statuses))
    ticks = _ticks(state)
    n_bad = sum(t.kind == "bad" for t in ticks)
    part = _PART_WORDS.get(shown.phase, shown.part.capitalize() or "Running")
    is_going = shown.phase in ("running", "pausing", "paused", "stopped", "asking")
    conditions = {t.trial: t.condition for t in analysed}
    return SessionScreen(
        part=part,
        where=f"trial {shown.trial} of {shown.n_trials}" if shown.trial else wording.count(shown.n_trials, "trial"),
        remaining=wording.remaining(shown.remaining_s) if is_going and shown.remaining_s > 0 else "",
        counts=f"{answered} answered, {len(analysed) - answered} missed" + (f", {n_bad} bad" if n_bad else ""),
        ticks=ticks,
        view=shown.view,
        screen=shown.screen,
        problem=problem,
        problem_level=level,
        can_pause=shown.phase == "running",
        can_resume=shown.phase in ("pausing", "paused", "stopped"),
        can_abort=not state.is_over and shown.phase not in ("ended", "failed"),
        is_over=state.is_over,
        faults=() if state.recorder is None else faults_in_words(state.recorder.streams),
        away=state.away,
        losses=_losses_in_words(state),
        is_waiting_for_device=state.is_paused_for_device,
        is_resting=shown.phase == "resting",
        block=shown.block,
        n_blocks_left=shown.n_blocks_left,
        lingers=shown.lingers,
        can_linger=is_going and shown.part not in ("familiarity", "debrief"),
        points=tuple(
            RatedPoint(valence, arousal, conditions.get(trial, "neutral"))
            for trial, valence, arousal in shown.values
            if valence is not None and arousal is not None
        ),
    )


def quality_in_words(roles: Sequence[RoleQuality]) -> tuple[StatusLevel, str, str]:
    """(level, line, details) of the live quality: "EEG 62 of 64 good, EDA good", and which channels are not."""
    if not roles:
        return "unknown", "Signal quality not measured yet", ""
    parts: list[str] = []
    for r in roles:
        share = "good" if r.n_good == r.n_channels else f"{r.n_good} of {r.n_channels} good"
        if r.n_channels == 1 and not r.n_good:
            share = r.poor[0].words if r.poor else "not known yet"
        parts.append(f"{r.role} {share}")
    poor = [q for r in roles for q in r.poor]
    level: StatusLevel = "good"
    if poor:
        level = "fail" if any(r.is_failing for r in roles) else "caution"
    return level, ", ".join(parts), "\n".join(f"{q.label}: {q.words}" for q in poor)


def _losses_in_words(state: RunState) -> str:
    """Count what was lost so far, stream by stream."""
    if state.recorder is None or not state.recorder.streams:
        return ""
    if not state.losses:
        return "No sample lost so far"
    parts = [
        f"{loss.stream} {loss.n_missing:,} ({loss.missing_s:.1f} s)".replace(",", wording.THIN_SPACE)
        for loss in state.losses
    ]
    return f"Samples lost: {', '.join(parts)}"


def _device_words(state: RunState) -> tuple[str, StatusLevel] | None:
    """What happened to a device, what is safe, and what to do."""
    away, phase = state.away, "" if state.presenter is None else state.presenter.phase
    if state.is_over or phase in ("ended", "failed"):
        return None
    if not away:
        if not state.is_paused_for_device:
            return None
        return "The device is back. Look at its signals, then resume.", "caution"
    names = " and ".join(away)
    gone = f"Nothing comes from {names}. What the other devices send is being recorded"
    remedy = f"Look at {'its' if len(away) == 1 else 'their'} cable, battery and program"
    if not state.is_paused_for_device:
        return f"{gone}, and the session goes on. {remedy}, or pause (P).", "fail"
    when = "is paused" if phase == "paused" else "pauses before its next picture"
    return f"{gone}; the session {when}. {remedy}; resume when it is back.", "fail"


def _is_answered(statuses: Sequence[str]) -> bool:
    return bool(statuses) and all(s == "answered" for s in statuses)


# Features look from a second before the picture to its end.
_BEFORE_PICTURE_S = 1.0


def _kind_of(trial: TrialProgress, holes: Sequence[Hole]) -> TickKind:
    """How a trial went; lost samples make it bad however it was answered."""
    if trial.onset_s is not None and trial.stop_s is not None:
        start_s, stop_s = trial.onset_s - _BEFORE_PICTURE_S, trial.stop_s
        if any(h.overlaps(start_s, stop_s) for h in holes):
            return "bad"
    if _is_answered(trial.statuses):
        return "answered"
    return "skipped" if not trial.statuses or set(trial.statuses) == {"skipped"} else "missed"


def _ticks(state: RunState) -> tuple[TrialTick, ...]:
    shown = state.presenter
    if shown is None:
        return ()
    ticks: list[TrialTick] = []
    done = shown.n_before
    for trial in shown.done:
        if trial.is_practice:
            ticks.append(TrialTick("practice" if _is_answered(trial.statuses) else "practice missed", 0))
        else:
            done += 1
            ticks.append(TrialTick(_kind_of(trial, (*state.holes, *state.poor)), trial.block))
    left = shown.n_trials - done
    block = shown.done[-1].block if shown.done else 0
    if left > 0 and shown.trial > done:
        ticks.append(TrialTick("current", block))
        left -= 1
    return (*ticks, *[TrialTick("ahead", 0)] * max(0, left))


@dataclass(frozen=True)
class SummaryLine:
    """One line of the end's summary."""

    level: StatusLevel
    title: str
    words: str


def resolve_summary(state: RunState) -> tuple[SummaryLine, ...]:
    """Say at the end what was recorded, whether it is verified, and how the timing was."""
    shown, recorder = state.presenter, state.recorder
    lines: list[SummaryLine] = []
    if recorder is None:
        lines.append(SummaryLine("fail", "Recording", "The recorder left no word; check the file before you go on."))
    else:
        n = sum(s.n_samples for s in recorder.streams)
        size = f"{len(recorder.streams)} streams, {n:,} samples, {wording.file_size(recorder.file_bytes)}".replace(
            ",", wording.THIN_SPACE
        ).replace(f"{wording.THIN_SPACE} ", ", ")
        if recorder.is_verified and recorder.alarm:
            lines.append(SummaryLine("caution", "Recording whole, but in several files", f"{recorder.alarm} ({size})"))
        elif recorder.is_verified:
            lines.append(SummaryLine("good", "Recording verified", f"Read back after closing: {size}."))
        else:
            why = recorder.message or recorder.alarm or "The file was not read back."
            lines.append(SummaryLine("fail", "Recording not verified", f"{why} ({size})"))
    if shown is not None:
        screen = resolve_session(state)
        n_shown = shown.n_before + sum(1 for t in shown.done if not t.is_practice)
        level: StatusLevel = "good" if n_shown == shown.n_trials and " 0 missed" in screen.counts else "caution"
        lines.append(SummaryLine(level, "Trials", f"{n_shown} of {shown.n_trials} shown; {screen.counts}."))
        dropped = wording.count(shown.n_dropped_frames, "dropped frame")
        is_timed = not shown.screen.startswith("headless") and "no vertical blank" not in shown.screen
        timing: StatusLevel = "good" if is_timed and not shown.timing_problem else "caution"
        source = state.facts.timing if state.facts is not None else "software timing only"
        lines.append(SummaryLine(timing, "Timing", f"{shown.screen or 'screen not known'}; {dropped}; {source}."))
        if shown.timing_problem:
            lines.append(SummaryLine("fail", "Presentation", shown.timing_problem))
        if state.facts is not None and state.facts.attention:
            is_careful = state.facts.n_passed == state.facts.n_checks
            lines.append(SummaryLine("good" if is_careful else "caution", "Attention", f"{state.facts.attention}."))
        if shown.message:
            lines.append(SummaryLine("caution", "How it ended", shown.message))
    if state.problem:
        lines.append(SummaryLine("fail", "Problem", state.problem))
    return tuple(lines)


def resolve_examination(found: "Examination") -> tuple[SummaryLine, ...]:
    """Say what the files hold: counts and gaps by stream, markers against the journal, quality, usable trials."""
    lines: list[SummaryLine] = []
    for s in found.streams:
        counts = f"{s.n_samples:,} samples at {s.effective_hz:.1f} Hz".replace(",", wording.THIN_SPACE)
        gaps = "no gap" if not s.n_gaps else f"{wording.count(s.n_gaps, 'gap')}, {s.missing_s:.2f} s in all"
        quality = f". {s.quality}" if s.quality else ""
        level: StatusLevel = "caution" if s.n_gaps or s.quality else "good"
        lines.append(
            SummaryLine(level, s.role, f"{wording.count(s.n_channels, 'channel')}, {counts}, {gaps}{quality}.")
        )
    m = found.markers
    if m.agrees and m.n_journal:
        words = f"All {m.n_journal} stand in recording and journal, with the same stamps."
        lines.append(SummaryLine("good", "Markers", words))
    else:
        words = (
            f"{m.n_recorded} in the recording, {m.n_journal} in the journal, {m.n_same} in both. "
            "Both files are kept; the journal fills what the recording lacks."
        )
        lines.append(SummaryLine("caution", "Markers", words))
    share = found.n_usable / found.n_shown if found.n_shown else 0.0
    level = "good" if share >= 0.75 else "caution" if share >= 0.5 else "fail"
    why = f"; the others: {', '.join(found.unusable)}" if found.unusable else ""
    words = f"{found.n_usable} of {found.n_shown} ({wording.percent(share)}){why}. Marks of a rater are not in yet."
    lines.append(SummaryLine(level, "Usable trials", words))
    return tuple(lines)


def resolve_status(
    streams: Sequence[StreamDescription],
    has_markers: bool,
    traces: Sequence[ScopeTraces],
    state: RunState | None,
    decided: Sequence[RoleAssignment] = (),
) -> StatusLine:
    """Resolve the status bar from what is seen, viewed and recorded, with the roles that the study decided."""
    seen = {a.role for a in resolve_roles(streams, decided)}
    by_role = {t.role: t for t in traces}
    lights: list[StreamLight] = []
    for role in ("EEG", "EDA", "ECG"):
        trace = by_role.get(role)
        if trace is not None:
            lights.append(StreamLight(role, trace.light, trace.words))
        elif role in seen:
            lights.append(StreamLight(role, "unknown", "opening"))
        else:
            lights.append(StreamLight(role))
    lights.append(
        StreamLight("Markers", "good" if has_markers else "unknown", "present" if has_markers else "not seen")
    )
    recorder = None if state is None else state.recorder
    if recorder is None:
        return StatusLine(lights=tuple(lights))
    if recorder.phase in ("recording", "stopping"):
        # What reaches the file counts, not what reaches the view.
        told = recorded_lights(("EEG", "EDA", "ECG"), streams, recorder.streams, decided)
        lights = [told.get(light.name, light) for light in lights]
    words, level = _RECORDER_WORDS.get(recorder.phase, ("Recorder", "unknown"))
    if recorder.alarm:
        words, level = "Recorder alarm", "fail"
    elif recorder.phase == "ended" and recorder.is_verified:
        words, level = "Recorded and verified", "good"
    elif state is not None and state.is_recorder_lost:
        words, level = "Recorder gone", "fail"
    return StatusLine(tuple(lights), words, level, recorder.seconds, recorder.file_bytes, recorder.hours_left)


_RECORDER_WORDS: dict[str, tuple[str, StatusLevel]] = {
    "starting": ("Recorder starting", "unknown"),
    "waiting": ("Waiting for streams", "caution"),
    "recording": ("Recording", "good"),
    "stopping": ("Closing the file", "unknown"),
    "ended": ("Recording ended", "unknown"),
    "failed": ("Recording failed", "fail"),
}
