"""A session that broke off goes on as the next run: same order, from the first trial without its answers."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from veridical.domain.errors import RecordingError, StorageError, StudyError
from veridical.domain.event import MARKER_STREAM_NAME, Marker
from veridical.domain.participant import RunKey
from veridical.domain.protocol import SessionPlan, Trial
from veridical.domain.run import RunPlan
from veridical.services.recording_parts import find_parts
from veridical.services.study import Study
from veridical.storage.journal import read_journal
from veridical.storage.run_folder import read_plan
from veridical.storage.session_file import find_session
from veridical.storage.xdf_reader import read_xdf


@dataclass(frozen=True)
class BrokenSession:
    """What is left of a session that broke off.

    Parameters
    ----------
    plan : RunPlan
        Of the run that broke off.
    left : SessionPlan
        What has not been answered, in the order that was planned; trial numbers go on.
    n_done : int
        Trials that have their answers, over all runs of the session so far.
    """

    plan: RunPlan
    left: SessionPlan
    n_done: int

    @property
    def key(self) -> RunKey:
        """The run that broke off."""
        return self.plan.key

    @property
    def words(self) -> str:
        """For the question whether to go on."""
        n_left = len(self.left.trials)
        if n_left:
            return f"run {self.key.run} broke off after {self.n_done} of {self.n_done + n_left} pictures"
        n_asked, n_open = len(self.plan.plan.familiarity), len(self.left.familiarity)
        return (
            f"run {self.key.run} broke off after all {self.n_done} pictures, when {n_asked - n_open} of {n_asked} had "
            "been asked about again"
        )


def find_broken(study: Study, participant: str, session: str = "01") -> BrokenSession:
    """Look at the newest run of a session and return what is left of it.

    Raises
    ------
    StudyError
        If there is no run, or nothing is left to do.
    """
    n_runs = study.next_run(participant, session).run - 1
    if not n_runs:
        raise StudyError(f"Participant {participant} has no run in session {session}; start one without --resume.")
    key = RunKey(participant, session, n_runs)
    plan = read_plan(study.paths.run(key))
    markers = read_markers(study, key)
    if any(m.name == "session/end" and m.details.get("reason") == "completed" for m in markers):
        raise StudyError(f"Run {key.run} of session {session} was completed; there is nothing to resume.")
    left = remaining(plan.plan, markers)
    if not left.trials and not left.familiarity:
        raise StudyError(f"Run {key.run} of session {session} has all its answers; there is nothing to resume.")
    if left.trials:
        return BrokenSession(plan, left, n_done=left.trials[0].number - 1)
    return BrokenSession(plan, left, n_done=plan.n_before + len(plan.plan.trials))


def look_for_broken(study: Study, participant: str, session: str) -> BrokenSession | None:
    """Return what is left of the session's newest run; None if it left nothing to do."""
    try:
        return find_broken(study, participant, session)
    except StudyError:
        return None


def remaining(plan: SessionPlan, markers: tuple[Marker, ...]) -> SessionPlan:
    """Cut off what the markers say is done.

    A trial is done when every one of its scales has its marker and none was skipped because the session broke off in
    it, or when its picture could not be shown. The session goes on after the last one that is done: one that was
    interrupted and passed over earlier is not shown out of its order. Before the first trial, rests that were not
    finished and the practice come again. After the last trial, pictures are left of which the familiarity pass has
    not asked everything.
    """
    done = [t for t in plan.trials if _is_done(t, markers)]
    if plan.trials and not done and not any(m.name == "block/start" for m in markers):
        rested = {m.name for m in markers}
        baselines = tuple(b for b in plan.baselines if f"baseline/{b.kind}/end" not in rested)
        return replace(plan, baselines=baselines)
    last = done[-1].number if done else 0
    blocks = tuple(tuple(t for t in block if t.number > last) for block in plan.blocks)
    left = tuple(block for block in blocks if block)
    return replace(plan, baselines=(), practice=(), blocks=left, familiarity=_unasked(plan, markers))


def _unasked(plan: SessionPlan, markers: tuple[Marker, ...]) -> tuple[str, ...]:
    """Pictures of the familiarity pass that were neither asked about nor found unfit to be shown."""
    asked: dict[str, set[str]] = {}
    for m in markers:
        head, _, scale = m.name.partition("/")
        if head == "familiarity" and "stimulus" in m.details:
            asked.setdefault(m.details["stimulus"], set()).add(scale)
    wanted = set(plan.familiarity_scales)
    return tuple(s for s in plan.familiarity if not ("skipped" in asked.get(s, ()) or wanted <= asked.get(s, set())))


def shown_again(study: Study, keys: Iterable[RunKey]) -> dict[RunKey, int]:
    """Return, for every run that broke off, the number of the first trial that a later run showed (again)."""
    first: dict[RunKey, int] = {}
    for key in keys:
        with contextlib.suppress(StorageError):
            record = find_session(study.paths.session_file(key))
            if record is not None and record.continues is not None and record.order.trials:
                first[RunKey(key.participant, key.session, record.continues)] = record.order.trials[0].number
    return first


def shows_nothing(study: Study, key: RunKey) -> bool:
    """Whether a run's journal says that no picture of the session was shown; False without a journal."""
    journal = study.paths.journal(key)
    return journal.exists() and not any(
        m.shown_kind is not None and not m.name.startswith("practice/")
        for m in (Marker.parse(line.marker) for line in read_journal(journal))
    )


def _is_done(trial: Trial, markers: tuple[Marker, ...]) -> bool:
    mine = [m for m in markers if m.number("trial") == trial.number]
    if any(m.is_skipped for m in mine):
        return True
    # One that the participant left empty on purpose was confirmed, and so has a time.
    statuses = {
        m.name.partition("/")[2]: "answered" if m.details.get("rt") else m.details.get("status")
        for m in mine
        if m.name.startswith("rating/")
    }
    was_shown = any(m.shown_kind is not None for m in mine)
    return was_shown and all(statuses.get(scale, "skipped") != "skipped" for scale in trial.scales)


def read_markers(study: Study, key: RunKey) -> tuple[Marker, ...]:
    """Every marker of a run: from the journal, and from the recording's files what the journal lacks."""
    texts: dict[str, None] = {}
    journal = study.paths.journal(key)
    if journal.exists():
        texts = dict.fromkeys(line.marker for line in read_journal(journal))
    for part in find_parts(study, key):
        # The journal alone suffices.
        with contextlib.suppress(RecordingError, OSError), read_xdf(part) as file:
            for stream in file.streams:
                if stream.description.format == "string" and stream.name == MARKER_STREAM_NAME and stream.n_samples:
                    texts |= dict.fromkeys(str(text) for text in stream.samples[0])
    return tuple(Marker.parse(text) for text in texts)
