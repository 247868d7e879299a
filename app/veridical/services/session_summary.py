"""What a session's own files say of it once it is over: attention checks, and what its onsets rest on."""

from dataclasses import dataclass

from veridical.domain.errors import StudyError
from veridical.domain.event import Marker
from veridical.domain.event_timing import EventTiming
from veridical.domain.participant import RunKey
from veridical.domain.run import RunPlan
from veridical.services.study import Study
from veridical.storage.journal import read_journal
from veridical.storage.run_folder import read_plan
from veridical.storage.timing_file import read_display_timings


@dataclass(frozen=True)
class SessionFacts:
    """Facts of a session, the runs that it broke off in included.

    Parameters
    ----------
    n_checks, n_passed : int
        Attention checks that were asked, and those answered as asked.
    timing : str
        What the onsets of the pictures rest on, in words.
    """

    n_checks: int = 0
    n_passed: int = 0
    timing: str = ""

    @property
    def attention(self) -> str:
        """For people; empty if nothing was checked."""
        if not self.n_checks:
            return ""
        checks = f"{self.n_passed} of {self.n_checks} attention check{'s' if self.n_checks != 1 else ''} passed"
        if self.n_passed == self.n_checks:
            return checks
        return f"{checks}: the ratings may be careless; talk with the participant, and note what they say"


def session_facts(study: Study, plan: RunPlan, screen: str = "") -> SessionFacts:
    """Collect the facts of the session that ends with a run.

    Parameters
    ----------
    screen : str
        As the presenter named it; display tests belong to a screen.
    """
    results = [r for key in runs_of_session(study, plan) for r in check_results(study, key)]
    return SessionFacts(len(results), sum(results), _timing_words(study, plan, screen))


def check_results(study: Study, key: RunKey) -> tuple[bool, ...]:
    """Return whether each attention check of a run was passed, in order."""
    journal = study.paths.journal(key)
    if not journal.exists():
        return ()
    markers = (Marker.parse(line.marker) for line in read_journal(journal))
    return tuple(m.details.get("result") == "passed" for m in markers if m.name == "check/attention")


def runs_of_session(study: Study, plan: RunPlan) -> list[RunKey]:
    """Return the runs of a session, from the one that began it to the one with this plan."""
    keys = [plan.key]
    while plan.continues is not None and plan.continues < plan.key.run:
        earlier = RunKey(plan.key.participant, plan.key.session, plan.continues)
        try:
            plan = read_plan(study.paths.run(earlier))
        except StudyError:
            break
        keys.append(earlier)
    return keys[::-1]


def _timing_words(study: Study, plan: RunPlan, screen: str) -> str:
    roles = {r.role for r in plan.roles}
    if "photodiode" in roles:
        return "a photodiode is recorded: onsets are measured when the recording is opened"
    if "TTL" in roles:
        return "pulses are recorded: onsets are measured when the recording is opened"
    tests = [t for t in read_display_timings(study.paths.display_timing) if screen and t.screen == screen]
    if tests:
        return EventTiming("display test", offset_s=tests[-1].offset_s, jitter_s=tests[-1].jitter_s).words
    if plan.trigger.kind != "none":
        return "pulses were sent, but no channel has the role TTL: software timing only"
    return "software timing only"
