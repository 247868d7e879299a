"""The pre-flight gate: what must be right before a session, item by item."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from veridical.domain.errors import VeridicalError
from veridical.domain.protocol import SessionPlan
from veridical.domain.run import Override, ScreenChoice
from veridical.domain.stimulus import Stimulus
from veridical.services import preflight
from veridical.services.gate_item import GateItem as GateItem
from veridical.services.refresh import find_refresh
from veridical.services.session import RunRequest, intake_of, plan_of, shown_in
from veridical.services.study import Study
from veridical.services.verified_files import VerifiedFiles

if TYPE_CHECKING:
    from veridical.services.observer import Observation, Observer


def check_before_run(
    study: Study, request: RunRequest, observer: "Observer | None" = None, verified: VerifiedFiles | None = None
) -> tuple[GateItem, ...]:
    """Answer every item of the pre-flight gate (run it off the Qt thread).

    Parameters
    ----------
    observer : Observer or None
        Watches the request's streams already: then this takes only as long as the files do. None watches them for
        as long as it takes to know their rates (5 to 6 s).
    verified : VerifiedFiles or None
        Pictures that were found whole at an earlier check; None reads all of them.
    """
    if observer is not None:
        return _check(study, request, observer.observation(), verified)
    # Signal processing takes a second to import; the window and the command's help are there before.
    from veridical.services.observer import Observer

    own = Observer()
    try:
        own.look_at(request.streams, study.settings.roles, study.settings.analysis.line_noise_hz)
        return _check(study, request, own.wait_settled())
    finally:
        own.close()


def trials_in_words(plan: SessionPlan, shown: Sequence[Stimulus]) -> str:
    """``72 pictures``, ``72 pictures and 12 clips``."""
    clips = {s.id for s in shown if s.kind != "image"}
    n_clips = sum(t.stimulus_id in clips for t in plan.trials)
    n_pictures = len(plan.trials) - n_clips
    kinds = ((n_pictures, "picture"), (n_clips, "clip"))
    return " and ".join(f"{n} {kind}{'s' * (n != 1)}" for n, kind in kinds if n) or "nothing"


def _check(
    study: Study, request: RunRequest, seen: "Observation", verified: VerifiedFiles | None = None
) -> tuple[GateItem, ...]:
    from veridical.services import signal_gate

    plan = SessionPlan()

    def streams() -> str:
        preflight.check_streams(request.streams)
        n = len(request.streams)
        return f"{n} streams, each with a name of its own" if n > 1 else "1 stream"

    def stimuli() -> str:
        nonlocal plan
        plan = plan_of(study, request)
        shown = shown_in(study, plan)
        preflight.check_stimuli(study.paths.stimuli, shown, verified=verified)
        return f"{trials_in_words(plan, shown)} to show, all as they were imported"

    def consent() -> str:
        fields = study.settings.intake
        if request.has_simulated_participant or not fields:
            return "Not needed: the participant is simulated" if fields else "This study asks for none"
        preflight.check_intake(fields, intake_of(request), shown_in(study, plan), has_keys=False)
        return "Given, and every required answer is there"

    def run() -> str:
        preflight.check_run_is_new(study, request.key)
        n = request.key.run
        return f"Run {n} is free" if n == 1 else f"Run {n - 1} is recorded already; this becomes run {n}"

    def disk() -> str:
        return preflight.room_in_words(preflight.check_disk(study, request.streams, plan), request.streams)

    items = [
        *signal_gate.role_items(study, request, seen),
        _item("streams", "Streams", streams),
        *signal_gate.silent_item(study, request, seen),
        *signal_gate.quality_items(study, request, seen),
        *signal_gate.time_items(request, seen),
        _item("stimuli", "Pictures", stimuli),
        _item("consent", "Consent", consent),
        _item("disk", "Recorder", disk),
    ]
    items.extend(_fallback_items(study, request, plan))
    items.append(_item("run", "Run", run))
    items.extend(_screen_items(study, request.screen))
    items.extend(_loudspeaker_items(request.screen, plan))
    return tuple(_overridden(item, request.overrides) for item in items)


def _overridden(item: GateItem, overrides: Sequence[Override]) -> GateItem:
    if not item.may_be_overridden:
        return item
    reason = next((o.reason for o in overrides if o.item == item.id), "")
    return replace(item, override=reason)


def override_of(item: GateItem, reason: str) -> Override:
    """Return the record of starting although an item fails."""
    return Override(item.id, item.title, item.words, reason.strip(), item.streams)


def line_of(item: GateItem) -> str:
    """One line for a file or a terminal: "EEG (good): 32 channels at 500 Hz, measured, from SimEEG"."""
    passed = f" [passed over: {item.override}]" if item.override else ""
    return f"{item.title} ({item.light}): {item.words}{passed}"


def stopping_words(items: Sequence[GateItem]) -> str:
    """Say in one sentence what stands in the way; empty if nothing does."""
    return "; ".join(f"{i.title}: {i.words}" for i in items if i.stops)


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


def _screen_items(study: Study, screen: ScreenChoice) -> tuple[GateItem, ...]:
    if screen.kind == "headless":
        return (
            GateItem("screen", "Screen", "caution", "Headless: no picture is shown to anyone", "Choose a real screen."),
        )
    if not has_display():
        words, remedy = "No display was found", "Log in to a desktop, or choose the headless screen."
        return (GateItem("screen", "Screen", "fail", words, remedy, True),)
    return (_where_item(screen), _refresh_item(study, screen))


def _loudspeaker_items(screen: ScreenChoice, plan: SessionPlan) -> tuple[GateItem, ...]:
    """What clips will be heard from; nothing where none is shown."""
    kinds = {t.kind for t in plan.trials if t.is_clip}
    if not kinds or screen.kind == "headless":
        return ()
    name, title = "loudspeaker", "Loudspeaker"
    try:
        return (GateItem(name, title, "good", preflight.find_loudspeaker()),)
    except VeridicalError as error:
        found, remedy = preflight.sentence_of(error)
        # A film can be seen without its sound; a sound would be left out.
        is_needed = "audio" in kinds
        return (GateItem(name, title, "fail" if is_needed else "caution", found, remedy, is_blocking=is_needed),)


def _where_item(screen: ScreenChoice) -> GateItem:
    if screen.n_screens and screen.index >= screen.n_screens:
        words = f"Screen {screen.index + 1} was chosen and {screen.n_screens} can be seen now"
        return GateItem("screen", "Screen", "fail", words, "Plug it in again, or choose another screen.", True)
    if screen.is_shared:
        words = "You and the participant take turns on one screen: it is theirs until the session is paused or ends"
        return GateItem("screen", "Screen", "caution", words, "Connect a second screen to watch the signals meanwhile.")
    if not screen.fullscreen:
        words, remedy = "A window beside yours: the participant sees both", "Connect a second screen for real sessions."
        return GateItem("screen", "Screen", "caution", words, remedy)
    size = f"{screen.width_px} × {screen.height_px}"
    if screen.n_screens == 1:
        words = f"The only screen, full screen ({size}): it covers this window"
        return GateItem("screen", "Screen", "caution", words, "Connect a second screen.")
    second = ", a second screen" if screen.n_screens > 1 else ""
    return GateItem("screen", "Screen", "good", f"Screen {screen.index + 1}{second}, full screen, {size}")


def _refresh_item(study: Study, screen: ScreenChoice) -> GateItem:
    measured = find_refresh(study, screen)
    if measured is None:
        remedy = "Measure it: seven seconds, the participant's screen turns grey."
        return GateItem("refresh", "Refresh rate", "caution", "Not measured on this screen yet", remedy)
    if not measured.has_vertical_blank:
        remedy = "Switch off screen sharing and compositing, or use another screen; onsets rest on software timing."
        return GateItem("refresh", "Refresh rate", "caution", "Flips do not wait for the screen's refresh", remedy)
    words = f"{measured.refresh_hz:.1f} Hz, measured on {measured.utc[:10]}"
    announced = screen.announced_hz
    if announced and abs(measured.refresh_hz / announced - 1) > 0.02:
        remedy = "Set the display to one rate, without variable refresh, and measure again."
        return GateItem("refresh", "Refresh rate", "caution", f"{words}; the display says {announced:.1f} Hz", remedy)
    return GateItem("refresh", "Refresh rate", "good", words)


def has_display() -> bool:
    """Whether a window could be opened here (Windows and macOS always have a desktop)."""
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY"))
