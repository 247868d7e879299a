"""The Run page: pre-flight, live signals, the session, its end."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from veridical.domain.errors import VeridicalError
from veridical.domain.participant import RunKey
from veridical.gui.common.actions import Action
from veridical.gui.common.page import Context, Page
from veridical.gui.common.plane import AffectPlane
from veridical.gui.common.tokens import GRID, StatusLevel
from veridical.gui.common.widgets import ActionButton, ButtonKind, EmptyState, card, label
from veridical.gui.common.work_runner import WorkRunner
from veridical.gui.run.alarm import Tune, sound
from veridical.gui.run.display_dialog import DisplayDialog
from veridical.gui.run.look_panel import LookPanel
from veridical.gui.run.look_view_model import LookScreen, plan_words, resolve_look, ways_on
from veridical.gui.run.observation_bar import observation_actions
from veridical.gui.run.quality_panel import QualityPanel
from veridical.gui.run.role_panel import RolePanel
from veridical.gui.run.run_desk import RunChoices, RunDesk
from veridical.gui.run.scope_bar import ScopeBar, scope_actions
from veridical.gui.run.scope_view import ScopeView
from veridical.gui.run.session_panel import SessionPanel
from veridical.gui.run.setup_panel import SetupPanel
from veridical.gui.run.summary_panel import SummaryPanel
from veridical.gui.run.timeline import TrialTimeline
from veridical.gui.run.view_model import (
    RunMode,
    SessionScreen,
    SummaryLine,
    quality_in_words,
    resolve_examination,
    resolve_status,
    resolve_streams,
    resolve_summary,
)
from veridical.services.gate import GateItem, line_of
from veridical.services.live_run import LiveRun
from veridical.services.refresh import Refresh
from veridical.services.resuming import BrokenSession
from veridical.services.session import RunRequest

if TYPE_CHECKING:
    from veridical.services.calibrating import Calibration
    from veridical.services.session_examination import Examination

_PLANE_WIDTH = 40 * GRID
# Below this the signals would have no room beside the ratings.
_WIDE = 1400
_LEFT_WIDTH = 50 * GRID
# Live values change at most 4 times a second.
_POLL_MS = 250
# The gate is checked anew when something changed, and otherwise this often.
_RECHECK_S = 5.0
# As long as something is being measured.
_WAITING_S = 1.5
_QUALITY_HEIGHT = 36 * GRID


class RunPage(Page):
    """Leads one person through a session."""

    name = "run"
    title = "Run"
    icon = "run"

    def __init__(self, context: Context, alarm: Callable[[Tune], None] = sound) -> None:
        super().__init__(context)
        self._alarm = alarm
        self.desk = RunDesk(context.lab, context.workspace)
        self.gate_runner = WorkRunner(self)
        self.start_runner = WorkRunner(self)
        self.gate_runner.finished.connect(self._on_gate)
        self.gate_runner.failed.connect(self._on_gate_failed)
        self.start_runner.finished.connect(self._on_started)
        self.start_runner.failed.connect(self._on_start_failed)
        self.examiner = WorkRunner(self)
        self.examiner.finished.connect(self._on_examined)
        self.examiner.failed.connect(self._on_examined)
        # Whether the session that broke off goes on as soon as the gate lets it.
        self._goes_on = False
        self._examined: tuple[SummaryLine, ...] = ()
        self.refresh_runner = WorkRunner(self)
        self.refresh_runner.finished.connect(self._on_refresh)
        self.refresh_runner.failed.connect(self._on_gate_failed)
        self.look_runner = WorkRunner(self)
        self.look_runner.finished.connect(self._on_look)
        self.look_runner.failed.connect(self._on_look_failed)
        # What the look after a block gave, and the block whose look the summary shows.
        self._looks: dict[int, LookScreen] = {}
        self._plans: dict[int, str] = {}
        self._looked_at = 0
        self._checked: object = None
        self._looked_for: RunKey | None = None
        self._whom: tuple[Path | None, str, str] = (None, "", "01")
        self._checked_at = -_RECHECK_S
        self._screen: SessionScreen | None = None
        self._mode: RunMode | None = None
        self._actions = {a.id: a for a in self._make_actions()}
        self._lay_out()
        self.desk.choose(self._setup.first_choices())
        self._timer = QTimer(self)
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(self.poll)
        context.workspace.listen(focus=self._on_focus)
        self._draw()

    def page_actions(self) -> tuple[Action, ...]:
        """Rows of the actions table that belong to this page."""
        return tuple(self._actions.values())

    def closing_question(self) -> str:
        """Closing is safe in a session, but it must be meant."""
        if self.desk.is_session_live:
            return "A session is running. Pictures and recording go on without the window; open it again to take over."
        return ""

    def shut_down(self) -> None:
        """Stop looking at streams; children go on."""
        self._timer.stop()
        self.gate_runner.close()
        self.start_runner.close()
        self.refresh_runner.close()
        self.look_runner.close()
        self.examiner.close()
        self.scope.close_scope()
        self.desk.close()

    def poll(self) -> None:
        """Read the newest states and draw what changed."""
        self.desk.poor = self.scope.thread_of_scope.quality.poor
        self.desk.poll()
        self._check_gate()
        self._draw()
        self.context.workspace.set_status(
            resolve_status(
                self.desk.streams, self.desk.has_markers, self.scope.traces, self.desk.state, self.desk.roles
            )
        )

    # Acts -------------------------------------------------------------------------------------------
    def start_session(self) -> None:
        """Start recorder and presenter off the Qt thread."""
        self._start(self.desk.request())

    def continue_session(self) -> None:
        """Go on with the session that broke off; from its end by way of the gate, which says what is in the way."""
        if self._is_over():
            broken = self.desk.broken
            self._leave()
            self.desk.broken = broken
            self._goes_on = True
            return
        self._start(self.desk.request(self.desk.broken))

    def _start(self, request: RunRequest | None) -> None:
        study = self.context.workspace.focus.study
        if study is None or request is None or self.start_runner.is_running:
            return
        self.banner.clear()
        start = self.context.lab.start_run
        request = replace(request, preflight=tuple(line_of(item) for item in self.desk.gate))
        self.start_runner.start_call(lambda: start(study, request), "Starting")
        self.changed.emit()

    def abort_session(self) -> None:
        """Ask for the reason, then end the session."""
        reason = self.context.prompt.ask_text(
            "End the session now?",
            "The pictures stop and cannot be resumed in this run. Everything recorded so far is kept and verified. "
            "Say why, for the session's file.",
            "End the session",
        )
        if reason:
            self.desk.abort(reason)
        elif reason is not None:
            # Ctrl+E and Enter in a hurry must not end what cannot be done again.
            self.banner.show_sentence("caution", "A session ends with a reason only; this one goes on.")

    # Inside -----------------------------------------------------------------------------------------
    def _make_actions(self) -> tuple[Action, ...]:
        desk = self.desk
        return (
            Action(
                "run.start", "Start session", "Ctrl+Return", self.start_session, self._may_start,
                "Start recording, then the pictures on the participant's screen.", "run",
            ),
            Action(
                "run.continue", "Go on where it broke off", "Ctrl+Shift+Return", self.continue_session,
                self._may_continue, "Go on with the session that broke off, at its first unanswered picture.", "run",
            ),
            Action(
                "run.simulate", "Start simulated amplifier", "Ctrl+A", self._start_simulator, self._may_simulate,
                "Stream EEG, EDA and ECG of a simulated participant over LSL.", "run",
            ),
            Action(
                "run.display", "Measure display timing", "Ctrl+Shift+D", self._open_display, self._may_measure,
                "Flash the corner square and measure with a photodiode how late light appears.", "run",
            ),
            Action(
                "run.roles", "Channels and roles", "Ctrl+L", self._toggle_roles, self._may_measure,
                "Say what each channel is: role, 10-20 name, unit, sensor scale, bipolar pairs.", "run",
            ),
            Action(
                "run.breath", "Check skin response", "Ctrl+B", self._breathe,
                lambda: desk.mode == "setup" and desk.has_skin and not desk.is_breathing,
                "20 s: one deep breath shows whether skin conductance answers.", "run",
            ),
            Action(
                "run.refresh", "Measure refresh rate", "Ctrl+Shift+F", self._measure_refresh, self._may_refresh,
                "Open the participant's window for some seconds and measure how often its screen refreshes.", "run",
            ),
            Action(
                "run.stop_simulator", "Stop simulated amplifier", "Ctrl+Shift+A", self._stop_simulator,
                self._may_stop_simulator, "End the simulated streams.", "run",
            ),
            Action(
                "run.pause", "Pause", "P", self._pause, lambda: self._session().can_pause,
                "Pause before the next trial; the recording goes on.", "run",
            ),
            Action(
                "run.resume", "Resume", "R", self._resume, lambda: self._session().can_resume,
                "Go on with the next trial.", "run",
            ),
            Action(
                "run.abort", "End session", "Ctrl+E", self.abort_session,
                lambda: desk.is_session_live and self._session().can_abort,
                "End the session now, with a reason; what was recorded is kept.", "run",
            ),
            Action(
                "run.note", "Write a note", "N", self._focus_note, lambda: desk.is_session_live,
                "Write a note into the recording.", "run",
            ),
            Action(
                "run.annotate", "Mark artifacts", "A", lambda: self.asked_for.emit("annotate"), self._is_over,
                "Go to the Annotate page with this recording.", "run",
            ),
            Action(
                "run.train", "Train a model", "Ctrl+T", lambda: self.asked_for.emit("model"), self._is_over,
                "Go to the Model page with this participant.", "run",
            ),
            Action(
                "run.again", "Prepare another run", "Ctrl+Shift+N", self._leave, self._is_over,
                "Go back to the set-up for the next run.", "run",
            ),
            Action(
                "run.look", "Calibrate now", "K", self.look, self._may_look,
                "Train and validate on what is there, without and with all suggestions; nothing is accepted.", "run",
            ),
            Action(
                "run.enough", "Enough", "Ctrl+Shift+E", lambda: self._decide("enough"), self._may_decide,
                "Show no more pictures; the closing questions follow.", "run",
            ),
            Action(
                "run.next_block", "Next planned block", "Ctrl+Shift+B", lambda: self._decide("next"),
                lambda: self._may_decide() and self._session().n_blocks_left > 0,
                "Go on with the protocol's next block.", "run",
            ),
            Action(
                "run.stop_here", "Stop", "Ctrl+Shift+X", self.abort_session, self._may_decide,
                "End the session now, with a reason and without the closing questions.", "run",
            ),
            Action(
                "run.linger", "Rest after the last block", "Ctrl+R", self._toggle_linger,
                lambda: desk.is_session_live and self._session().can_linger,
                "Let the participant rest after the last block until you have calibrated.", "run",
            ),
            *scope_actions(lambda: self.scope, self._choose_next_signal),
            *observation_actions(
                self._observe, self._mark, lambda: desk.is_session_live, lambda: len(desk.own_markers)
            ),
        )  # fmt: skip

    def _lay_out(self) -> None:
        appearance, actions = self.context.appearance, self._actions
        self._buttons: dict[str, ActionButton] = {}
        buttons: tuple[tuple[str, str, ButtonKind], ...] = (
            ("run.pause", "pause", "plain"),
            ("run.resume", "play", "primary"),
            ("run.abort", "stop", "plain"),
            ("run.continue", "redo", "plain"),
            ("run.start", "play", "primary"),
        )
        for action_id, icon, kind in buttons:
            self._buttons[action_id] = ActionButton(appearance, actions[action_id], icon, kind)
            self.header.add(self._buttons[action_id])
        self._empty = EmptyState(appearance, "run", "Nothing to run yet", "")
        self._setup = SetupPanel(
            appearance,
            actions["run.simulate"],
            actions["run.stop_simulator"],
            actions["run.display"],
            actions["run.roles"],
            actions["run.refresh"],
            self._on_choices,
            self._on_intake,
            self._pass_over,
            self.refresh_runner,
        )
        self.session_panel = SessionPanel(appearance, self.desk.note, self.desk.linger, self.page_actions())
        self._left = QStackedWidget()
        self._left.setFixedWidth(_LEFT_WIDTH)
        self._left.addWidget(self._setup)
        self._left.addWidget(self.session_panel)
        self.scope = ScopeView(appearance, lambda streams, s: self.context.lab.open_scope(streams, s, self.desk.roles))
        self.scope.thread_of_scope.failed.connect(lambda sentence: self.banner.show_sentence("caution", sentence))
        scope_card, scope_column = card(margin=2 * GRID, spacing=GRID)
        self.scope_bar = ScopeBar(appearance, actions, self.scope)
        scope_column.addWidget(self.scope_bar)
        scope_column.addWidget(self.scope, 1)
        self._timeline = TrialTimeline(appearance)
        self._timeline_card, timeline_column = card(margin=2 * GRID, spacing=GRID)
        timeline_column.addWidget(self._timeline)
        ways = (actions["run.enough"], actions["run.next_block"], actions["run.stop_here"])
        self.look_panel = LookPanel(appearance, self.look_runner, actions["run.look"], ways)
        self._right = QStackedWidget()
        self._right.addWidget(scope_card)
        self._right.addWidget(self.look_panel)
        right = QVBoxLayout()
        right.setSpacing(2 * GRID)
        # What the participant says, where the study lets the operator watch it.
        self._plane_card, plane_column = card(margin=2 * GRID, spacing=GRID)
        self._plane_card.setFixedWidth(_PLANE_WIDTH)
        self._plane_card.hide()
        self.plane = AffectPlane(appearance)
        plane_column.addWidget(label("What the participant says", "sectionTitle"))
        plane_column.addWidget(self.plane)
        plane_column.addStretch(1)
        upper = QHBoxLayout()
        upper.setSpacing(GRID)
        upper.addWidget(self._right, 1)
        upper.addWidget(self._plane_card)
        right.addLayout(upper, 1)
        self.quality = QualityPanel(appearance, actions["run.breath"])
        self._quality_card, quality_column = card(margin=2 * GRID, spacing=GRID)
        quality_column.addWidget(self.quality)
        self._quality_card.setFixedHeight(_QUALITY_HEIGHT)
        self.roles = RolePanel(appearance, self.desk.assign, self._toggle_roles)
        self._roles_card, roles_column = card(margin=2 * GRID, spacing=GRID)
        roles_column.addWidget(self.roles)
        self._roles_card.hide()
        right.addWidget(self._quality_card)
        right.addWidget(self._roles_card, 1)
        right.addWidget(self._timeline_card)
        work = QWidget()
        row = QHBoxLayout(work)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        row.addWidget(self._left)
        row.addLayout(right, 1)
        self._summary = SummaryPanel(
            appearance,
            (
                (actions["run.continue"], "redo"),
                (actions["run.annotate"], "annotate"),
                (actions["run.look"], "model"),
                (actions["run.train"], "model"),
                (actions["run.again"], "plus"),
            ),
            self.look_runner,
            self.examiner,
        )
        self._faces = QStackedWidget()
        for face in (self._empty, work, self._summary):
            self._faces.addWidget(face)
        self.column.addWidget(self._faces, 1)

    def on_shown(self) -> None:
        """Check the gate again."""
        self._checked = None
        self._draw()

    def _on_focus(self) -> None:
        study = self.context.workspace.focus.study
        if study is not None:
            self.desk.watch()
            self._timer.start()
            self.session_panel.mirror.show_study(study)
            self._watch_quality()
            if self.desk.attach_live_run(study):
                self.banner.show_sentence("unknown", "A session was running; the window is attached to it again.")
        self._checked = None
        self.scope.thread_of_scope.reopen()
        self._setup.show_screens()
        focus = self.context.workspace.focus
        whom = (None if study is None else study.root, focus.participant, focus.session)
        if whom != self._whom:
            # Other roles of the same study change nothing of what was asked, nor of what was found.
            self._whom = whom
            self.desk.propose_intake()
            self.desk.broken, self._looked_for = None, None
            self.desk.overrides, self.desk.breath = {}, None
            self.desk.gate = ()
        self._draw()

    def _draw(self) -> None:
        mode, focus = self.desk.mode, self.context.workspace.focus
        screen = self._session()
        who = f"Participant {focus.participant}, session {focus.session}" if focus.participant else ""
        self.header.show_words(who if mode != "no study" else "")
        if mode != self._mode:
            self._show_mode(mode)
        if self.desk.problem:
            self.banner.show_sentence("fail", self.desk.problem)
            self.desk.problem = ""
        if mode == "setup":
            self._setup.show_gate(self.desk.gate, self.gate_runner.is_running)
            desk = self.desk
            self._setup.show_streams(resolve_streams(desk.streams, desk.roles, desk.new_uids, desk.gone))
            self._draw_signals()
            if focus.study is not None:
                self._setup.intake.show_fields(focus.study.settings.intake, self.desk.intake, self.desk.has_person)
            self._setup.show_choices(self.desk.choices, self.desk.has_simulator, self.desk.has_simulated_streams)
        elif mode == "session":
            self.session_panel.observations.show_own(self.desk.own_markers)
            self.session_panel.show_screen(self._screen, screen)
            self._timeline.show_ticks(screen.ticks)
            self._draw_rest(screen)
            self.plane.show_points(screen.points)
            study = self.context.workspace.focus.study
            shows = study is not None and study.settings.shows_ratings
            self._plane_card.setVisible(shows and self.width() >= _WIDE)
            self.session_panel.show_quality(*quality_in_words(self.scope.thread_of_scope.quality.roles))
            if screen.problem:
                self.banner.show_sentence(screen.problem_level, screen.problem)
            self._tell_of_devices(screen)
        elif mode == "summary" and self.desk.state is not None:
            self._summary.show_look(self._looks.get(screen.block))
            lines = (*resolve_summary(self.desk.state), *self._examined)
            self._summary.show_summary(lines, screen.ticks, screen.points)
        self._screen = screen
        self.scope.show_streams(self.desk.streams)
        self.scope_bar.refresh()
        self.changed.emit()
        self._refresh_buttons(mode)

    def _draw_signals(self) -> None:
        """Quality by channel, the deep-breath check, and the editor of channels and roles."""
        seen = self.desk.observation()
        observed = () if seen is None else seen.roles
        self.quality.show_observed(observed)
        self.quality.show_breath(self.desk.breath_words())
        self.quality.refresh()
        if not self._roles_card.isHidden():
            self.roles.show_streams(self.desk.streams, self.desk.roles)
            self.roles.show_observed(observed)

    def _draw_rest(self, screen: SessionScreen) -> None:
        """While the participant rests, the data take the place of the live signals."""
        was_resting = self._right.currentIndex() == 1
        self._right.setCurrentIndex(1 if screen.is_resting else 0)
        self._timeline_card.setVisible(not screen.is_resting)
        if not screen.is_resting:
            if was_resting:
                # What was decided stands, with or without the number.
                self.look_runner.cancel()
            return
        if screen.block not in self._plans:
            self._plans[screen.block] = self._words_of_plan(screen.block)
        self.look_panel.show_look(self._looks.get(screen.block))
        self.look_panel.show_rest(self._plans[screen.block], ways_on(screen))
        self.look_panel.refresh()

    def _tell_of_devices(self, screen: SessionScreen) -> None:
        """Sound when a device drops out or comes back, and say that it is back."""
        before = self._screen.away if self._screen is not None else ()
        if set(screen.away) - set(before):
            self._alarm("lost")
        elif before and not screen.away:
            self._alarm("back")
            if not screen.problem:
                self.banner.show_sentence("good", f"{' and '.join(before)} is back.")

    def _words_of_plan(self, block: int) -> str:
        study, state = self.context.workspace.focus.study, self.desk.state
        if study is None or state is None:
            return ""
        try:
            return plan_words(self.context.lab.look_of(study, state.key, block))
        except VeridicalError as error:
            return str(error)

    def _show_mode(self, mode: RunMode) -> None:
        was, self._mode = self._mode, mode
        if mode == "no study":
            self._empty.show_words(
                "Run a session", "Open a study first. Then this page checks the streams, shows them live and records."
            )
        elif mode == "no participant":
            self._empty.show_words("Run a session", "Add a participant on the Study page, by a code such as 001.")
        self._faces.setCurrentIndex({"setup": 1, "session": 1, "summary": 2}.get(mode, 0))
        self._left.setCurrentIndex(1 if mode == "session" else 0)
        self._timeline_card.setVisible(mode == "session")
        self._plane_card.hide()
        self._quality_card.setVisible(mode == "setup")
        self._roles_card.hide()
        if mode == "session" and self.isVisible():
            # The start button goes; its focus must not pass to the note field, which would swallow P, R and N.
            self.setFocus()
        if mode == "summary":
            self.context.workspace.tell_data_changed()
            self._examine()
            self._look_for_rest()
        if was == "session":
            self.banner.clear()

    def _refresh_buttons(self, mode: RunMode) -> None:
        shown = {"setup": {"run.start"}, "session": {"run.abort"}}.get(mode, set())
        if mode == "setup" and self.desk.broken is not None:
            shown.add("run.continue")
        if mode == "session":
            shown.add("run.resume" if self._session().can_resume else "run.pause")
        for action_id, button in self._buttons.items():
            button.setVisible(action_id in shown)
            button.refresh()
        self._setup.refresh()
        self.session_panel.observations.refresh()
        self._summary.refresh()

    def _check_gate(self) -> None:
        if self.desk.mode != "setup" or self.gate_runner.is_running or self.start_runner.is_running:
            return
        study, request = self.context.workspace.focus.study, self.desk.request()
        if study is None or request is None:
            return
        is_waiting = any(i.light == "unknown" and i.id != "breath" for i in self.desk.gate)
        is_old = time.monotonic() - self._checked_at > (_WAITING_S if is_waiting else _RECHECK_S)
        if request != self._checked or (is_old and self.isVisible()):
            self._checked, self._checked_at = request, time.monotonic()
            lab, known, key = self.context.lab, self.desk.broken, request.key
            observer, verified = self.desk.observer, self.desk.verified
            is_new, self._looked_for = key != self._looked_for, key

            def check() -> tuple[tuple[GateItem, ...], BrokenSession | None]:
                # Reading a recording's markers takes a moment: once for every run is enough.
                broken = lab.look_for_broken(study, key.participant, key.session) if is_new else known
                return lab.check_before_run(study, request, observer, verified), broken

            self.gate_runner.start_call(check, "Checking")

    def _on_gate(self, found: tuple[tuple[GateItem, ...], BrokenSession | None]) -> None:
        self.desk.gate, broken = found
        if broken is not None and broken is not self.desk.broken:
            words = broken.words[:1].upper() + broken.words[1:]
            if not self._goes_on:
                self.banner.show_sentence("caution", f"{words}. Go on where it broke off, or start from the beginning.")
        self.desk.broken = broken
        if self._goes_on and self.desk.mode == "setup":
            self._goes_on = False
            if self._may_continue():
                self.continue_session()
        self._draw()

    def _on_gate_failed(self, sentence: str) -> None:
        self.banner.show_sentence("fail", sentence)

    def _on_started(self, run: LiveRun) -> None:
        self._watch_quality()
        self._looks, self._plans = {}, {}
        self.desk.take(run)
        self._draw()

    def _watch_quality(self) -> None:
        study = self.context.workspace.focus.study
        if study is not None:
            self.scope.thread_of_scope.watch_quality(study.settings.analysis.line_noise_hz)

    def _on_start_failed(self, sentence: str) -> None:
        self.banner.show_sentence("fail", sentence)
        self._checked = None
        self._draw()

    def _on_choices(self, choices: RunChoices) -> None:
        self.desk.choose(choices)
        self._checked = None
        self._draw()

    def _on_intake(self, answers: Mapping[str, str]) -> None:
        self.desk.answer(answers)
        self._checked = None

    def _session(self) -> SessionScreen:
        return self.desk.screen if self.desk.is_session_live or self._is_over() else SessionScreen(can_abort=False)

    def _is_over(self) -> bool:
        return self.desk.mode == "summary"

    def _may_start(self) -> bool:
        return self.desk.may_start and not self.start_runner.is_running

    def _may_continue(self) -> bool:
        return self.desk.broken is not None and (self._may_start() or self._is_over())

    def _may_simulate(self) -> bool:
        return self.desk.mode == "setup" and not self.desk.has_simulator

    def _may_stop_simulator(self) -> bool:
        return self.desk.has_simulator and self.desk.mode == "setup"

    def _start_simulator(self) -> None:
        self.desk.start_simulator()
        self._draw()

    def _may_measure(self) -> bool:
        return self.desk.mode == "setup"

    def _may_refresh(self) -> bool:
        return (
            self._may_measure() and self.desk.choices.screen.kind != "headless" and not self.refresh_runner.is_running
        )

    def _measure_refresh(self) -> None:
        study = self.context.workspace.focus.study
        if study is not None:
            measure, screen = self.context.lab.measure_refresh, self.desk.choices.screen
            self._setup.strip.show_start("Measuring the screen")
            self.refresh_runner.start(lambda: measure(study, screen))

    def _on_refresh(self, measured: Refresh) -> None:
        level: StatusLevel = "good" if measured.has_vertical_blank else "caution"
        self.banner.show_sentence(level, f"Measured: {measured.words}.")
        self._checked = None

    def _breathe(self) -> None:
        self.desk.breathe()
        self._draw()

    def _toggle_roles(self) -> None:
        is_shown = self._roles_card.isHidden()
        self._roles_card.setVisible(is_shown)
        self._quality_card.setVisible(not is_shown)
        self._draw()

    def _pass_over(self, item: GateItem) -> None:
        reason: str | None = ""
        if not item.override:
            reason = self.context.prompt.ask_text(
                f"Begin although this fails? {item.title}: {item.words}",
                "The session begins all the same. Say why: the reason stands in the session's file and in the report.",
                "Begin all the same",
            )
            if not (reason or "").strip():
                return
        self.desk.pass_over(item, reason or "")
        self._checked = None
        self._draw()

    def _open_display(self) -> None:
        study = self.context.workspace.focus.study
        if study is not None:
            dialog = DisplayDialog(self, self.context, study, self.desk.streams, self.desk.choices.screen)
            dialog.exec()
            dialog.deleteLater()

    def _stop_simulator(self) -> None:
        self.desk.stop_simulator()
        self._draw()

    def _pause(self) -> None:
        self.desk.pause()

    def _resume(self) -> None:
        self.banner.clear()
        self.desk.resume()

    def look(self) -> None:
        """Compute a provisional verdict off the Qt thread."""
        study, state, block = self.context.workspace.focus.study, self.desk.state, self._session().block
        if study is None or state is None or not self._may_look():
            return
        calibrate, key = self.context.lab.calibrate, state.key
        self._looked_at = block
        self.look_panel.strip.show_start("Reading the recording")
        self._summary.strip.show_start("Reading the recording")
        self.look_runner.start(lambda: calibrate(study, key, block))
        self.changed.emit()

    def _may_look(self) -> bool:
        screen = self._session()
        is_there = (screen.is_resting or self._is_over()) and screen.block > 0
        return is_there and not self.look_runner.is_running and screen.block not in self._looks

    def _may_decide(self) -> bool:
        return self.desk.is_session_live and self._session().is_resting

    def _decide(self, choice: Literal["next", "enough"]) -> None:
        self.desk.decide(choice)

    def _toggle_linger(self) -> None:
        self.desk.linger(not self._session().lingers)

    def _look_for_rest(self) -> None:
        """Whether the session left something to go on with: the presenter may have died."""
        study, state = self.context.workspace.focus.study, self.desk.state
        if study is not None and state is not None and not self.gate_runner.is_running:
            look, key = self.context.lab.look_for_broken, state.key
            self.gate_runner.start_call(lambda: ((), look(study, key.participant, key.session)), "Looking")

    def _examine(self) -> None:
        """Read the recording back off the Qt thread."""
        study, state = self.context.workspace.focus.study, self.desk.state
        self._examined = ()
        if study is not None and state is not None and not self.examiner.is_running:
            examine, key = self.context.lab.examine, state.key
            self._summary.examination_strip.show_start("Reading the recording back")
            self.examiner.start(lambda: examine(study, key))

    def _on_examined(self, found: "Examination | str") -> None:
        if isinstance(found, str):
            self._examined = (SummaryLine("fail", "Files of the session", found),)
        else:
            self._examined = resolve_examination(found)
        self._draw()

    def _on_look(self, calibration: "Calibration") -> None:
        self._looks[self._looked_at] = resolve_look(calibration)
        self.context.workspace.tell_data_changed()
        self._draw()

    def _on_look_failed(self, sentence: str) -> None:
        self.banner.show_sentence("caution", sentence)
        self._draw()

    def _observe(self, observation: str) -> None:
        self.desk.observe(observation)
        self.session_panel.observations.say(f"Written at {_clock()}: {observation}")

    def _mark(self, place: int) -> None:
        self.desk.mark(place)
        self.session_panel.observations.say(f"Written at {_clock()}: {self.desk.own_markers[place]}")

    def _choose_next_signal(self) -> None:
        self.scope_bar.choose_next()

    def _focus_note(self) -> None:
        self.session_panel.focus_note()

    def _leave(self) -> None:
        self.look_runner.cancel()
        self.examiner.cancel()
        self._looks, self._plans, self._examined = {}, {}, ()
        self.desk.leave()
        self._checked = None
        self.banner.clear()
        self._draw()


def _clock() -> str:
    return time.strftime("%H:%M:%S")
