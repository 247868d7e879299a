"""A session from the first instruction to the goodbye."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from veridical.domain.errors import StimulusError
from veridical.domain.event import Marker
from veridical.domain.protocol import Baseline, Trial
from veridical.domain.run import RunPlan
from veridical.domain.trial_table import rating_details
from veridical.domain.view import View
from veridical.ipc.messages import TrialProgress
from veridical.presenter.flashes import flash
from veridical.presenter.question import Question
from veridical.presenter.stage import BLANK, SessionAbortedError, Stage
from veridical.presenter.texts import Texts
from veridical.presenter.trial import TrialResult, TrialRun

EndReason = Literal["completed", "aborted", "stopped"]

# For the operator's estimate only: what a scale takes on average.
_RATING_S = 2.5
_SHORTENED_RATING_S = 0.25
# A rest in which nobody decides must end: the window may have died, and the participant waits.
_REST_LIMIT_S = 900.0
# A debrief that nobody confirms must not keep the recording open.
_DEBRIEF_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class SessionEnd:
    """How a session ended, and what was presented.

    Parameters
    ----------
    reason : str
        ``completed``; ``aborted`` by the operator; ``stopped``: by the participant, and not resumed.
    detail : str
        The operator's words, or what went wrong; empty if completed.
    """

    reason: EndReason
    detail: str
    results: tuple[TrialResult, ...]


class SessionRunner:
    """Walks through a resolved session; decides nothing that the plan has not decided.

    Parameters
    ----------
    cue : callable
        Sounds the tone at the end of the eyes-closed rest.
    """

    def __init__(self, plan: RunPlan, stage: Stage, texts: Texts, cue: Callable[[], None]) -> None:
        self._plan = plan
        self._stage = stage
        stage.question = View("text", text=texts.screen("go_on"))
        self._texts = texts
        self._cue = cue
        self._scales = {s.id: s for s in texts.screen_scales(plan.scales, plan.plan)}
        self._onset_s = -math.inf
        self._results: list[TrialResult] = []
        self._left_s = self._estimate_s()

    def run(self) -> SessionEnd:
        """Wait for the start, then run the session to its end, whatever the end is (blocks until then)."""
        reason: EndReason = "completed"
        detail = ""
        try:
            self._stage.wait_start()
            self._run_parts()
        except SessionAbortedError as aborted:
            reason = "stopped" if self._stage.desk.state.phase in ("stopped", "asking") else "aborted"
            detail = str(aborted)
        return self._end(reason, detail)

    def fail(self, detail: str) -> SessionEnd:
        """End a session that cannot go on because of an error; the recording still gets its end."""
        return self._end("aborted", detail)

    def _end(self, reason: EndReason, detail: str) -> SessionEnd:
        ending = {"reason": reason, **({"detail": detail} if detail else {})}
        self._stage.show(self._text("goodbye"), Marker("session/end", ending))
        self._stage.markers.sync()
        return SessionEnd(reason, detail, tuple(self._results))

    def _run_parts(self) -> None:
        key = self._plan.key
        start = {"participant": key.participant, "session": key.session, "run": str(key.run)}
        self._stage.mark(Marker("session/start", start))
        trials = self._plan.plan.trials
        if self._plan.continues is not None:
            # The break stands in journal and recording alike: which run goes on here, and with which trial.
            first = {"trial": str(trials[0].number)} if trials else {}
            self._stage.mark(Marker("session/continue", {"continues": str(self._plan.continues), **first}))
        if self._plan.n_flashes:
            self._stage.begin_part("display test")
            flash(self._stage, self._plan.n_flashes, self._plan.seed)
            return
        self._stage.begin_part("instructions")
        # Who has only the pictures to look through once more need not be told how to rate.
        for words in ("instructions", "stop") if trials else ("stop",):
            self._tell(words)
        for baseline in self._plan.plan.baselines:
            self._stage.begin_part("baseline")
            self._pausable(partial(self._rest, baseline))
        if self._plan.plan.baselines:
            self._tell("baseline_end")
        self._practise()
        blocks = tuple(b for b in self._plan.plan.blocks if b)
        for k, block in enumerate(blocks):
            n_left = len(blocks) - 1 - k
            self._stage.desk.update(replace(self._stage.desk.state, block=block[0].block, n_blocks_left=n_left))
            self._run_block(block)
            if self._is_enough(block[0].block, n_left):
                self._leave_out(blocks[k + 1 :])
                break
            if n_left:
                self._break()
        self._look_again()
        self._stage.begin_part("debrief")
        self._tell("debrief", _DEBRIEF_TIMEOUT_S)

    def _practise(self) -> None:
        if not self._plan.plan.practice:
            return
        self._stage.begin_part("practice")
        self._tell("practice")
        for trial in self._plan.plan.practice:
            self._run_trial(trial)
        self._tell("practice_end")

    def _run_block(self, block: tuple[Trial, ...]) -> None:
        details = {"block": str(block[0].block)}
        if block[0].is_clip:
            self._stage.begin_part("transfer block")
            self._tell("transfer")
        else:
            self._stage.begin_part(f"block {block[0].block}")
        self._stage.mark(Marker("block/start", details))
        for trial in block:
            self._run_trial(trial)
        self._stage.mark(Marker("block/end", details))

    def _is_enough(self, block: int, n_left: int) -> bool:
        """Rest where a look at the data is planned or asked for; returns whether no more blocks shall follow."""
        if not (block in self._plan.looks if n_left else self._stage.desk.state.lingers):
            return False
        self._stage.begin_part("rest")
        rest = self._text("rest")
        choice = "next"

        def wait() -> None:
            nonlocal choice
            choice = self._stage.rest(rest, _REST_LIMIT_S)

        self._pausable(wait)
        return choice == "enough"

    def _leave_out(self, blocks: tuple[tuple[Trial, ...], ...]) -> None:
        """Pictures that are not shown after all are not asked about either."""
        for block in blocks:
            self._spend(sum(self._trial_s(t) for t in block))

    def _break(self) -> None:
        self._stage.begin_part("break")
        self._stage.mark(Marker("break/start"))
        least_s = self._plan.plan.min_break_s
        if least_s > 0:
            wait = self._text("break_wait")
            self._pausable(lambda: self._stage.hold(self._stage.show(wait) + least_s))
        self._tell("break")
        self._stage.mark(Marker("break/end"))

    def _rest(self, baseline: Baseline) -> None:
        """Tell, rest, and cue the end; run again from its start if the participant stops it."""
        key = "baseline_eyes_open" if baseline.kind == "eyes-open" else "baseline_eyes_closed"
        self._stage.show(self._text(key))
        self._stage.wait_confirm(self._plan.instruction_timeout_s)
        view = View("fixation") if baseline.kind == "eyes-open" else BLANK
        start_s = self._stage.show(view, Marker(f"baseline/{baseline.kind}/start"))
        try:
            self._stage.hold(start_s + baseline.duration_s)
        finally:
            self._stage.show(BLANK, Marker(f"baseline/{baseline.kind}/end"))
        if baseline.kind == "eyes-closed":
            self._cue()
        self._spend(baseline.duration_s)

    def _run_trial(self, trial: Trial) -> None:
        if not trial.is_practice:
            self._stage.desk.update(replace(self._stage.desk.state, trial=trial.number))
        run = TrialRun(self._stage, trial, self._scales, self._plan.rating_timeout_s)
        # A quick answer must not bring the next picture into the last one's response.
        next_s = self._onset_s + self._plan.plan.min_onset_gap_s - trial.fixation_s
        self._stage.run_to_end(lambda: self._stage.hold(next_s))
        try:
            self._pausable(run.run)
        finally:
            self._onset_s = self._onset_s if run.onset_s is None else run.onset_s
            if run.was_presented:
                self._results.append(run.result)
                self._report(run.result)
        self._spend(self._trial_s(trial))
        # The disk and the garbage collector get their turn while nothing on screen is timed.
        off_s = self._stage.show(BLANK)
        self._stage.housekeep()
        self._stage.run_to_end(lambda: self._stage.hold(off_s + trial.iti_s))

    def _look_again(self) -> None:
        """Show every picture once more and ask whether it was known; markers carry no ``trial``: these are none."""
        again = self._plan.plan.familiarity
        if not again:
            return
        self._stage.begin_part("familiarity")
        self._stage.mark(Marker("familiarity/start", {"n": str(len(again))}))
        self._tell("familiarity")
        for stimulus_id in self._seen(again):
            self._pausable(partial(self._ask_again, stimulus_id))
            self._stage.housekeep()
        self._stage.show(BLANK, Marker("familiarity/end"))

    def _seen(self, again: tuple[str, ...]) -> tuple[str, ...]:
        """Leave out the pictures of blocks that were left out: nobody can know them from before."""
        shown = {r.trial.number for r in self._results if not r.trial.is_practice}
        left_out = {t.stimulus_id for t in self._plan.plan.trials if t.number not in shown}
        kept = {t.stimulus_id for t in self._plan.plan.trials if t.number in shown}
        return tuple(s for s in again if s in kept or s not in left_out)

    def _ask_again(self, stimulus_id: str) -> None:
        stimulus = {"stimulus": stimulus_id}
        for order, scale_id in enumerate(self._plan.plan.familiarity_scales):
            question = Question(self._stage, (self._scales[scale_id],), order, stimulus_id)
            try:
                question.show(*([Marker("familiarity/picture", stimulus)] if order == 0 else []))
            except StimulusError:
                self._stage.mark(Marker("familiarity/skipped", stimulus))
                return
            question.wait(self._plan.rating_timeout_s)
            for rating, lsl_s in question.answers():
                details = {**stimulus, **rating_details(rating, None)}
                self._stage.mark(Marker(f"familiarity/{rating.scale}", details), lsl_s)
        self._spend(self._glance_s())

    def _report(self, result: TrialResult) -> None:
        """Tell the operator that a trial is done: statuses always, values only where the study allows."""
        trial = result.trial
        shown = result.picture
        progress = TrialProgress(
            trial.number,
            trial.block,
            trial.condition,
            tuple(r.status for r in result.ratings),
            trial.is_practice,
            None if shown is None else shown.onset_lsl_s,
            None if shown is None else shown.onset_lsl_s + shown.true_s,
        )
        state = self._stage.desk.state
        values = values_of(tuple(self._results)) if self._plan.shows_ratings else ()
        self._stage.desk.update(replace(state, done=(*state.done, progress), values=values))

    def _tell(self, key: str, timeout_s: float = 0.0) -> None:
        """Show a text screen and wait for the participant to go on."""
        limit_s = self._plan.instruction_timeout_s or timeout_s

        def tell() -> None:
            self._stage.show(self._text(key))
            self._stage.wait_confirm(limit_s)

        self._pausable(tell)

    def _pausable(self, part: Callable[[], None]) -> None:
        """Run a part to its end, pausing before it where the operator asked for that."""

        def paused_first() -> None:
            self._stage.boundary(self._text("paused"))
            part()

        self._stage.run_to_end(paused_first)

    def _text(self, key: str) -> View:
        return View("text", text=self._texts.screen(key))

    def _trial_s(self, trial: Trial) -> float:
        rating_s = _SHORTENED_RATING_S if self._plan.is_shortened else _RATING_S
        n_answers = len(trial.scales) + (trial.check is not None)
        own_s = trial.fixation_s + trial.picture_s + trial.blank_s + trial.iti_s + rating_s * n_answers
        return max(own_s, self._plan.plan.min_onset_gap_s)

    def _glance_s(self) -> float:
        rating_s = _SHORTENED_RATING_S if self._plan.is_shortened else _RATING_S
        return rating_s * len(self._plan.plan.familiarity_scales)

    def _estimate_s(self) -> float:
        session = self._plan.plan
        trials = (*session.practice, *session.trials)
        trials_s = sum(self._trial_s(t) for t in trials)
        return sum(b.duration_s for b in session.baselines) + trials_s + self._glance_s() * len(session.familiarity)

    def _spend(self, seconds: float) -> None:
        """Lower the estimate of what is left."""
        self._left_s = max(0.0, self._left_s - seconds)
        self._stage.desk.update(replace(self._stage.desk.state, remaining_s=self._left_s))

    @property
    def estimate_s(self) -> float:
        """Seconds that are left, roughly."""
        return self._left_s


def values_of(results: tuple[TrialResult, ...]) -> tuple[tuple[int, float | None, float | None], ...]:
    """(trial, valence, arousal) of answered analysed trials."""
    values: list[tuple[int, float | None, float | None]] = []
    for result in results:
        given = {r.scale: r.value for r in result.ratings if r.status == "answered"}
        if given and not result.trial.is_practice:
            values.append((result.trial.number, given.get("valence"), given.get("arousal")))
    return tuple(values)
