"""One trial: fixation, picture (or video, or sound), ratings, pause."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from veridical.domain.errors import StimulusError
from veridical.domain.event import SHOWN_WORDS, Marker
from veridical.domain.items import ATTENTION_ID, attention_id
from veridical.domain.protocol import Trial, scale_groups
from veridical.domain.rating import Rating, RatingStatus, Scale
from veridical.domain.stimulus import StimulusKind
from veridical.domain.trial_table import check_details, rating_details
from veridical.domain.view import View, ViewKind
from veridical.presenter.question import Question
from veridical.presenter.stage import BLANK, PartInterruptedError, Stage
from veridical.presenter.timing import PictureTiming

_VIEWS: dict[StimulusKind, ViewKind] = {"image": "picture", "video": "video", "audio": "sound"}


@dataclass(frozen=True)
class TrialResult:
    """What came of a trial.

    Parameters
    ----------
    picture : PictureTiming or None
        None if the picture could not be shown.
    problem : str
        Why it could not be shown; empty if it was.
    """

    trial: Trial
    ratings: tuple[Rating, ...]
    picture: PictureTiming | None
    problem: str = ""


class TrialRun:
    """One trial while it runs; whatever interrupts it, its markers end up complete.

    Once the picture was on screen, every scale gets its rating marker; before that, the trial can be
    run again from its fixation.
    """

    def __init__(self, stage: Stage, trial: Trial, scales: Mapping[str, Scale], timeout_s: float) -> None:
        self._stage = stage
        self._trial = trial
        # What the markers call it: picture, video or sound.
        self._word = SHOWN_WORDS[trial.kind]
        # Screens of questions that are still to be answered.
        self._groups = list(scale_groups([scales[s] for s in trial.scales]))
        self._check = None if trial.check is None else scales[attention_id(trial.check)]
        self._timeout_s = timeout_s
        self._off_s: float | None = None
        self._question: Question | None = None
        self._ratings: list[Rating] = []
        self._is_skipped = False
        self._problem = ""
        self._sound_s: float | None = None
        self._is_muted = False
        self.onset_s: float | None = None

    @property
    def was_presented(self) -> bool:
        """Whether the picture was shown or given up, so that the trial must not be repeated."""
        return self.onset_s is not None or self._is_skipped

    @property
    def result(self) -> TrialResult:
        """What came of it so far."""
        picture = None
        if self.onset_s is not None and self._off_s is not None:
            picture = PictureTiming(
                trial=self._trial.number,
                is_practice=self._trial.is_practice,
                onset_lsl_s=self.onset_s,
                asked_s=self._trial.picture_s,
                true_s=self._off_s - self.onset_s,
                sound_lag_s=None if self._sound_s is None else self._sound_s - self.onset_s,
                is_muted=self._is_muted,
            )
        return TrialResult(self._trial, tuple(self._ratings), picture, self._problem)

    def run(self) -> None:
        """Present and rate; does nothing if the picture was presented already."""
        if self.was_presented:
            return
        try:
            self._present()
            if not self._is_skipped:
                self._rate()
        except PartInterruptedError:
            self._tidy()
            raise

    def _present(self) -> None:
        trial = self._trial
        try:
            self._stage.prepare(trial.stimulus_id, trial.kind, trial.picture_s)
        except StimulusError as error:
            self._skip(error)
            return
        fixation_s = self._stage.show(View("fixation"), self._marker("fixation"))
        if trial.is_clip:
            self._stage.arm(fixation_s + trial.fixation_s)
        self._stage.hold(fixation_s + trial.fixation_s)
        details = {"id": trial.stimulus_id, "trial": str(trial.number)}
        if not trial.is_practice:
            details["block"] = str(trial.block)
        if trial.repeat_of is not None:
            details["repeat_of"] = str(trial.repeat_of)
        if trial.is_clip and self._stage.is_muted:
            self._is_muted = True
            details["sound"] = "off"
        view = View(_VIEWS[trial.kind], stimulus_id=trial.stimulus_id, corner=True)
        try:
            self.onset_s = self._stage.show(view, self._named(f"{self._word}/{trial.condition}", details))
        except StimulusError as error:
            self._skip(error)
            return
        self._stage.hold(self.onset_s + trial.picture_s)
        if trial.is_clip:
            self._sound_s = self._stage.sound_started_s

    def _skip(self, error: StimulusError) -> None:
        """Mark what cannot be shown; nobody but the operator learns why."""
        # No "id": only pictures that were seen carry one.
        skipped = {"stimulus": self._trial.stimulus_id, "trial": str(self._trial.number)}
        self._stage.mark(self._named(f"{self._word}/skipped", skipped))
        self._is_skipped = True
        self._problem = str(error)

    def _rate(self) -> None:
        if not self._groups or self._trial.blank_s > 0:
            self._off_s = self._stage.show(BLANK, self._marker(f"{self._word}/off"))
            self._stage.hold(self._off_s + self._trial.blank_s)
        while self._groups:
            self._question = Question(self._stage, self._groups[0], len(self._ratings))
            if self._off_s is None:
                self._off_s = self._question.show(self._marker(f"{self._word}/off"))
            else:
                self._question.show()
            self._question.wait(self._timeout_s)
            self._mark_ratings(None)
        if self._check is not None:
            self._question = Question(self._stage, (self._check,), len(self._ratings))
            self._question.show()
            self._question.wait(self._timeout_s)
            self._mark_check(None)
        self._stage.show(BLANK)

    def _tidy(self) -> None:
        """End a picture that is on screen and give every scale that is left its marker."""
        if self.onset_s is None:
            return
        if self._off_s is None:
            self._off_s = self._stage.show(BLANK, self._marker(f"{self._word}/off"))
        while self._groups:
            self._question = self._question or Question(self._stage, self._groups[0], len(self._ratings))
            self._mark_ratings("skipped")
        if self._check is not None:
            self._question = self._question or Question(self._stage, (self._check,), len(self._ratings))
            self._mark_check("skipped")

    def _mark_ratings(self, unanswered: RatingStatus | None) -> None:
        """Mark every rating of the question on screen, which is done with."""
        assert self._question is not None
        for rating, lsl_s in self._question.answers(unanswered):
            self._ratings.append(rating)
            details = rating_details(rating, self._trial.number, self._trial.repeat_of)
            self._stage.mark(self._named(f"rating/{rating.scale}", details), lsl_s)
        self._question = None
        self._groups.pop(0)

    def _mark_check(self, unanswered: RatingStatus | None) -> None:
        assert self._question is not None
        assert self._trial.check is not None
        ((rating, lsl_s),) = self._question.answers(unanswered)
        details = check_details(replace(rating, scale=ATTENTION_ID), self._trial.number, self._trial.check)
        self._stage.mark(self._named(f"check/{ATTENTION_ID}", details), lsl_s)
        self._question = None
        self._check = None

    def _marker(self, name: str) -> Marker:
        return self._named(name, {"trial": str(self._trial.number)})

    def _named(self, name: str, details: dict[str, str]) -> Marker:
        return Marker(f"practice/{name}" if self._trial.is_practice else name, details)
