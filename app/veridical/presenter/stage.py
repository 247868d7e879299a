"""Where views, markers, the participant's inputs and the operator's commands meet."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from veridical.domain.event import Marker
from veridical.domain.stimulus import StimulusKind
from veridical.domain.view import View
from veridical.ipc.messages import (
    Abort,
    Command,
    Decide,
    Linger,
    Mark,
    Note,
    Observe,
    Pause,
    PresenterPhase,
    Resume,
    Start,
    Stop,
)
from veridical.presenter.clock import Clock
from veridical.presenter.desk import Desk
from veridical.presenter.marker_writer import MarkerWriter
from veridical.presenter.rating_entry import CONFIRM_KEYS
from veridical.presenter.screen import Input, Screen
from veridical.presenter.simulated_participant import SimulatedParticipant
from veridical.presenter.trigger import Trigger

# Long enough not to happen by accident, short enough for somebody who wants out.
_STOP_HOLD_S = 1.0
# A held key repeats as release and press at once on some systems (X11); only a longer gap is a release.
_REPEAT_GAP_S = 0.06
BLANK = View("blank")


class PartInterruptedError(Exception):
    """The part that runs must tidy up and give way."""


class ParticipantStoppedError(PartInterruptedError):
    """The participant held the stop key."""


class SessionAbortedError(PartInterruptedError):
    """The operator ended the session; the message is the reason."""


class Stage:
    """Shows views and writes markers while it listens to participant and operator.

    Every wait listens, so that the stop key and the operator's commands work at any moment.
    """

    def __init__(
        self,
        screen: Screen,
        desk: Desk,
        markers: MarkerWriter,
        clock: Clock,
        participant: SimulatedParticipant | None = None,
        shows_ratings: bool = False,
        trigger: Trigger | None = None,
        is_shared: bool = False,
    ) -> None:
        self._screen = screen
        self.desk = desk
        self.markers = markers
        self._clock = clock
        self._participant = participant
        self._shows_ratings = shows_ratings
        self._trigger = trigger
        self._is_shared = is_shared
        # What a participant who stopped is asked once the operator would go on.
        self.question = BLANK
        self._is_pause_wanted = False
        self._is_resume_wanted = False
        self._choice: Literal["next", "enough"] | None = None
        self._escape_since_s: float | None = None
        self._escape_released_s: float | None = None

    def wait_start(self) -> None:
        """Wait until the operator starts the session; SessionAbortedError if they give it up."""
        while True:
            for command in self.desk.commands():
                if isinstance(command, Start):
                    self.desk.update(replace(self.desk.state, phase="running"))
                    return
                self._obey(command)
            # Keys pressed before the session mean nothing; taking them keeps the window answering.
            self._screen.poll()
            self.desk.tick()
            self._screen.wait(math.inf)

    # Showing and marking ------------------------------------------------------------------------
    def show(self, view: View, *markers: Marker) -> float:
        """Show a view; the markers get the stamp of the flip that showed it, which is returned (LSL s)."""
        flip_s = self._screen.flip(view)
        if self._trigger is not None:
            # Before anything else: every statement here delays the pulse.
            for marker in markers:
                self._trigger.follow(marker, flip_s)
        for marker in markers:
            self.markers.write(flip_s, marker)
        if self._participant is not None:
            self._participant.see(view, flip_s)
        # Ratings are not the operator's to watch.
        mirrored = view if self._shows_ratings else view.without_answer()
        n_dropped = self._screen.n_dropped
        self.desk.update(replace(self.desk.state, view=mirrored, n_dropped_frames=n_dropped))
        return flip_s

    def mark(self, marker: Marker, lsl_s: float | None = None) -> None:
        """Write a marker that is tied to no flip; stamped now unless told."""
        self.markers.write(self._clock.now() if lsl_s is None else lsl_s, marker)

    def begin_part(self, part: str) -> None:
        """Tell the operator which part of the session runs now."""
        self.desk.update(replace(self.desk.state, part=part))

    def prepare(self, stimulus_id: str, kind: StimulusKind, length_s: float) -> None:
        """Decode a clip and bring it to the graphics card before its trial begins, listening meanwhile.

        Raises
        ------
        StimulusError
            If it cannot be decoded or heard.
        """
        if kind == "image":
            return
        for _ in self._screen.prepare(stimulus_id, length_s):
            self.attend()

    def arm(self, lsl_s: float) -> None:
        """Let the sound of the prepared clip begin at a time to come."""
        self._screen.arm(lsl_s)

    @property
    def sound_started_s(self) -> float | None:
        """When the last clip's sound began, LSL seconds."""
        return self._screen.sound_started_s

    @property
    def is_muted(self) -> bool:
        """Whether the prepared clip's sound cannot be heard."""
        return self._screen.is_muted

    # Waiting ------------------------------------------------------------------------------------
    def hold(self, until_s: float) -> None:
        """Keep the view until a flip now would come nearest to ``until_s``; inputs are dropped."""
        self.attend()
        while self._screen.wait(until_s):
            self.attend()

    def wait_input(self, until_s: float) -> list[Input]:
        """Wait for inputs at most until ``until_s``; empty when the time is up."""
        while True:
            taken = self.attend()
            if taken or not self._screen.wait(until_s):
                return taken

    def wait_confirm(self, timeout_s: float) -> None:
        """Wait for the participant to go on; ``timeout_s`` 0 waits without limit."""
        until_s = self._clock.now() + timeout_s if timeout_s > 0 else math.inf
        while taken := self.wait_input(until_s):
            if any(i.kind == "confirm" or (i.kind == "press" and i.key in CONFIRM_KEYS) for i in taken):
                return

    def attend(self) -> list[Input]:
        """Listen once: obey the operator, watch the stop key, return the participant's other inputs.

        Raises
        ------
        SessionAbortedError, ParticipantStoppedError
        """
        for command in self.desk.commands():
            self._obey(command)
        inputs = self._listen()
        if self._is_stop_held():
            raise ParticipantStoppedError
        self.desk.tick()
        return inputs

    def housekeep(self) -> None:
        """Bring the journal to disk and tidy memory, between two trials."""
        self.markers.sync()
        self._screen.housekeep()

    # Pausing ------------------------------------------------------------------------------------
    def run_to_end(self, part: Callable[[], None]) -> None:
        """Run a part; if the participant stops it, wait for the operator and run it again."""
        while True:
            try:
                part()
            except ParticipantStoppedError:
                self._wait_for_operator("stopped", BLANK, by="participant")
            else:
                return

    def boundary(self, paused: View) -> None:
        """Pause here if the operator asked for it or the journal cannot be written."""
        if self.markers.problem:
            self._wait_for_operator("paused", paused, by="program")
        elif self._is_pause_wanted:
            self._wait_for_operator("paused", paused, by="operator")

    def rest(self, view: View, limit_s: float) -> Literal["next", "enough"]:
        """Let the participant rest until the operator has decided how to go on; after ``limit_s`` the plan goes on."""
        self._choice = None
        start_s = self.show(view, Marker("rest/start", {"block": str(self.desk.state.block)}))
        self.markers.sync()
        self.desk.update(replace(self.desk.state, phase="resting"))
        while self._choice is None:
            self.attend()
            if not self._screen.wait(start_s + limit_s):
                break
        # Nobody decided, perhaps because no window is there any more: what was planned is shown.
        by = "operator" if self._choice is not None else "program"
        choice: Literal["next", "enough"] = self._choice or "next"
        self.mark(Marker("rest/end", {"decision": choice, "by": by}))
        self.desk.update(replace(self.desk.state, phase="running"))
        return choice

    def _wait_for_operator(self, phase: PresenterPhase, view: View, by: str) -> None:
        """Wait until the operator resumes, and the participant agrees if it was they who stopped."""
        phase = self._wait_resume(phase, view, by)
        while phase == "stopped" and not self._is_agreed():
            self._wait_resume("stopped", BLANK, by="participant")
        self.mark(Marker("resume"))
        self.desk.update(replace(self.desk.state, phase="running", message=""))

    def _is_agreed(self) -> bool:
        """Ask the participant whether to go on; holding the stop key again says no."""
        self.desk.update(replace(self.desk.state, phase="asking", message="The participant is asked whether to go on."))
        self.show(self.question, Marker("pause/question"))
        try:
            self.wait_confirm(0.0)
        except ParticipantStoppedError:
            return False
        return True

    def _wait_resume(self, phase: PresenterPhase, view: View, by: str) -> PresenterPhase:
        """Wait until the operator resumes, and tell what was paused by then.

        A journal that still fails keeps the session waiting; a participant may stop a pause of the operator's.
        """
        self.show(view, Marker("pause", {"by": by}))
        self.markers.sync()
        self._is_pause_wanted = self._is_resume_wanted = False
        self._escape_since_s = self._escape_released_s = None
        self.desk.update(replace(self.desk.state, phase=phase, message=self._pause_message(by)))
        if self._is_shared:
            self._screen.hand_over()
        while True:
            for command in self.desk.commands():
                self._obey(command)
            self._listen()
            if phase != "stopped" and self._is_stop_held():
                phase, by = "stopped", "participant"
                self.show(BLANK, Marker("pause", {"by": by}))
                self.desk.update(replace(self.desk.state, phase=phase, message=self._pause_message(by)))
            if self._is_resume_wanted:
                self._is_resume_wanted = False
                if self.markers.retry():
                    break
                self.desk.update(replace(self.desk.state, message=self.markers.problem))
            self.desk.tick()
            self._screen.wait(math.inf)
        if self._is_shared:
            self._screen.take_back()
        self._escape_since_s = self._escape_released_s = None
        return phase

    def _pause_message(self, by: str) -> str:
        if self.markers.problem:
            return self.markers.problem
        if by == "participant":
            return "The participant stopped; speak with them, then resume or end the session."
        return ""

    def _obey(self, command: Command) -> None:
        if isinstance(command, Abort):
            raise SessionAbortedError(command.reason)
        if isinstance(command, Stop):
            raise SessionAbortedError("stopped by the operator")
        if isinstance(command, Note):
            self.mark(Marker("note", {"text": command.text}))
        elif isinstance(command, Observe):
            self.mark(Marker(f"observation/{command.id}"))
        elif isinstance(command, Mark):
            self.mark(Marker("custom", {"name": command.name}))
        elif isinstance(command, Linger):
            self.desk.update(replace(self.desk.state, lingers=command.is_on))
        elif isinstance(command, Decide):
            self._choice = command.choice
        elif isinstance(command, Pause):
            self._is_pause_wanted = True
            if self.desk.state.phase == "running":
                self.desk.update(replace(self.desk.state, phase="pausing"))
        elif isinstance(command, Resume):
            self._is_pause_wanted = False
            if self.desk.state.phase == "pausing":
                self.desk.update(replace(self.desk.state, phase="running"))
            else:
                self._is_resume_wanted = self.desk.state.phase in ("paused", "stopped")

    def _listen(self) -> list[Input]:
        """Take inputs; the stop key is noted and never handed on."""
        if self._participant is not None:
            self._participant.act(self._clock.now())
        others: list[Input] = []
        for entry in self._screen.poll():
            if entry.key != "escape":
                others.append(entry)
            elif entry.kind == "release":
                self._escape_released_s = entry.lsl_s
            else:
                self._forget_release(entry.lsl_s)
                self._escape_released_s = None
                self._escape_since_s = self._escape_since_s or entry.lsl_s
        self._forget_release(self._clock.now())
        return others

    def _forget_release(self, now_s: float) -> None:
        """Let the stop key go once it has been up for longer than a repeat takes."""
        if self._escape_released_s is not None and now_s - self._escape_released_s > _REPEAT_GAP_S:
            self._escape_since_s = self._escape_released_s = None

    def _is_stop_held(self) -> bool:
        if self._escape_since_s is None:
            return False
        until_s = self._clock.now() if self._escape_released_s is None else self._escape_released_s
        return until_s - self._escape_since_s >= _STOP_HOLD_S
