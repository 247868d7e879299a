"""The pre-flight gate: what must be right before a session, item by item."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from veridical.domain.errors import VeridicalError
from veridical.domain.protocol import SessionPlan
from veridical.domain.run import ScreenChoice
from veridical.domain.stream import Role, suggest_roles
from veridical.ipc.messages import Light
from veridical.services import preflight
from veridical.services.session import RunRequest, intake_of, plan_of, shown_in
from veridical.services.streams import find_silent
from veridical.services.study import Study

_PROBE_S = 2.5


@dataclass(frozen=True)
class GateItem:
    """One line of the pre-flight gate.

    Parameters
    ----------
    id : str
        ``eeg``, ``eda``, ``ecg``, ``stimuli``, ``disk``, ``fallback``, ``run``, ``screen``.
    remedy : str
        What to do; empty when the light is good.
    is_blocking : bool
        Whether a session cannot start as long as this fails.
    """

    id: str
    title: str
    light: Light
    words: str
    remedy: str = ""
    is_blocking: bool = False


def check_before_run(study: Study, request: RunRequest) -> tuple[GateItem, ...]:
    """Answer every item of the pre-flight gate (takes up to 3 s when a stream is silent; run it off the Qt thread)."""
    silent = {s.uid for s in find_silent(request.streams, _PROBE_S)}
    items = [_role_item(role, request, silent) for role in ("EEG", "EDA", "ECG")]
    plan = SessionPlan()

    def streams() -> str:
        preflight.check_streams(request.streams)
        mute = sorted(s.name for s in request.streams if s.uid in silent)
        if mute:
            raise VeridicalError(f"No data arrive from {', '.join(mute)}; start the measurement on the device.")
        n = len(request.streams)
        return f"{n} streams send data" if n > 1 else "1 stream sends data"

    def stimuli() -> str:
        nonlocal plan
        plan = plan_of(study, request)
        preflight.check_stimuli(study.paths.stimuli, shown_in(study, plan))
        return f"{len(plan.trials)} pictures to show, all readable"

    def consent() -> str:
        fields = study.settings.intake
        if request.has_simulated_participant or not fields:
            return "Not needed: the participant is simulated" if fields else "This study asks for none"
        preflight.check_intake(fields, intake_of(request), shown_in(study, plan), has_keys=False)
        return "Given, and every required answer is there"

    def run() -> str:
        preflight.check_run_is_new(study, request.key)
        return f"Run {request.key.run} is free"

    def disk() -> str:
        return preflight.room_in_words(preflight.check_disk(study, request.streams, plan), request.streams)

    checks: tuple[tuple[str, str, Callable[[], str]], ...] = (
        ("streams", "Streams", streams),
        ("stimuli", "Pictures", stimuli),
        ("consent", "Consent", consent),
        ("disk", "Disk", disk),
        ("run", "Run", run),
    )
    items.extend(_item(name, title, check) for name, title, check in checks)
    fallback = _fallback_items(study, request, plan)
    return (*items, *fallback, _screen_item(request.screen))


def _fallback_items(study: Study, request: RunRequest, plan: SessionPlan) -> tuple[GateItem, ...]:
    folder = preflight.fallback_folder(study)
    if folder is None:
        return ()
    name, title = "fallback", "Fallback folder"
    try:
        words = preflight.room_in_words(preflight.check_fallback(folder, request.streams, plan), request.streams)
    except VeridicalError as error:
        # The session is none the worse for it; only the second net is missing.
        return (GateItem(name, title, "caution", *preflight.sentence_of(error)),)
    if preflight.is_on_disk_of(folder, study):
        remedy = "Name a folder on another disk: this one helps only if the file is removed."
        return (GateItem(name, title, "caution", f"{words}, but on the study's own disk", remedy),)
    return (GateItem(name, title, "good", words),)


def _item(name: str, title: str, check: Callable[[], str]) -> GateItem:
    try:
        return GateItem(name, title, "good", check())
    except VeridicalError as error:
        found, remedy = preflight.sentence_of(error)
        return GateItem(name, title, "fail", found, remedy, is_blocking=True)


def _role_item(role: Role, request: RunRequest, silent: set[str]) -> GateItem:
    streams = {(s.name, s.source_id): s for s in request.streams}
    found = [r for r in suggest_roles(request.streams) if r.role == role]
    if not found:
        remedy = f"Switch on the device that measures {role}, or go on without it."
        return GateItem(role.lower(), role, "caution", "No stream carries it", remedy)
    first = found[0]
    stream = streams[first.stream, first.source_id]
    n = len(first.channels)
    words = f"{n} channel{'s' if n > 1 else ''} at {stream.nominal_hz:g} Hz from {stream.name}"
    if stream.uid in silent:
        return GateItem(
            role.lower(), role, "fail", f"{words}, but no data arrive", "Start the measurement on the device."
        )
    return GateItem(role.lower(), role, "good", words)


def _screen_item(screen: ScreenChoice) -> GateItem:
    if screen.kind == "headless":
        return GateItem(
            "screen", "Screen", "caution", "Headless: no picture is shown to anyone", "Choose a real screen."
        )
    if not has_display():
        words = "No display was found"
        return GateItem("screen", "Screen", "fail", words, "Log in to a desktop, or choose the headless screen.", True)
    if screen.is_shared:
        words = "You and the participant take turns on one screen: it is theirs until the session is paused or ends"
        return GateItem("screen", "Screen", "caution", words, "Connect a second screen to watch the signals meanwhile.")
    where = f"Display {screen.index + 1}, full screen" if screen.fullscreen else "A window of its own"
    return GateItem("screen", "Screen", "good", where)


def has_display() -> bool:
    """Whether a window could be opened here (Windows and macOS always have a desktop)."""
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY"))
