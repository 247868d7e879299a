"""``veridical run``: a session from pre-flight to a verified recording."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from veridical.cli.output import ProgressLines, follow, put, put_json, say
from veridical.cli.selectors import is_chosen, parse_selectors
from veridical.cli.sessions import lead, lost_streams, termination_as_interrupt
from veridical.domain.errors import StreamError, StudyError
from veridical.domain.event import MARKER_STREAM_NAME
from veridical.domain.participant import RunKey
from veridical.domain.run import ScreenChoice, StreamSelector
from veridical.domain.simulation import simulation_behind
from veridical.domain.stream import StreamDescription
from veridical.services.gate import check_before_run, line_of, override_of, stopping_words
from veridical.services.live_run import RunState
from veridical.services.preflight import check_streams
from veridical.services.relabelling import find_interrupted, relabel_work
from veridical.services.resuming import BrokenSession, find_broken
from veridical.services.session import RunRequest, start_run
from veridical.services.session_summary import SessionFacts
from veridical.services.streams import StreamWatch
from veridical.services.study import Study, open_study

# Streams answer within half a second; a second more catches those that answer late.
_FIRST_S = 3.0
_SETTLE_S = 1.0


@dataclass(frozen=True)
class RunOptions:
    """What ``veridical run`` was asked for."""

    study: Path
    participant: str
    session: str
    has_simulated_participant: bool
    streams: tuple[str, ...]
    is_headless: bool
    is_windowed: bool
    intake: tuple[str, ...] = ()
    resumes: bool = False
    overrides: tuple[str, ...] = ()


def run_session(options: RunOptions, as_json: bool) -> int:
    """Run the session; returns the exit status."""
    study = open_study(options.study)
    finish_relabelling(study)
    key = RunKey(options.participant, options.session)
    selectors = parse_selectors(options.streams)
    is_new = all(p.id != key.participant for p in study.participants())
    if not is_new:
        study.get_participant(key.participant)
    broken = find_broken(study, key.participant, key.session) if options.resumes else None
    if broken is not None:
        say(f"Going on: {broken.words}.")
    key = study.next_run(key.participant, key.session)
    streams = find_streams(selectors)
    check_streams(streams)
    screen = ScreenChoice(kind="headless" if options.is_headless else "psychopy", fullscreen=not options.is_windowed)
    simulation = simulation_behind([s.source_id for s in streams])
    intake = parse_intake(options.intake)
    request = RunRequest(key, streams, screen, simulation, options.has_simulated_participant, intake, broken)
    request = pass_gate(study, request, parse_overrides(options.overrides))
    with termination_as_interrupt():
        run = start_run(study, request)
        if is_new:
            say(f"Participant {key.participant} is new: added to participants.tsv")
        state = lead(run, ProgressLines())
    _tell(study, key, state, broken, as_json)
    lost = lost_streams(state)
    if lost:
        raise StreamError(
            f"At the end of the session nothing arrived from {', '.join(lost)} any more; what came before is in the "
            "recording; look after the device before the next run."
        )
    return 0


def finish_relabelling(study: Study) -> None:
    """Finish the correction of an id that was interrupted, before anything is recorded under either."""
    planned = find_interrupted(study)
    if planned is not None:
        say(f"Correcting {planned.source} to {planned.target} was interrupted; it is being finished")
        follow(relabel_work(study, planned.source, planned.target))


def pass_gate(study: Study, request: RunRequest, reasons: Mapping[str, str]) -> RunRequest:
    """Check every item of the pre-flight gate and say how it stands (blocks for some seconds).

    Returns
    -------
    RunRequest
        With what was passed over and how every item stood, for the session's file.

    Raises
    ------
    StudyError
        If an item fails and no reason was given to pass over it, or none is enough; if a reason names no item.
    """
    say("Checking streams, markers, pictures and disk: about 6 s")
    items = check_before_run(study, request)
    unknown = sorted(set(reasons) - {i.id for i in items})
    if unknown:
        names = ", ".join(i.id for i in items)
        raise StudyError(f"--override {unknown[0]!r} is no item of the gate; there are {names}.")
    overrides = tuple(override_of(i, reasons[i.id]) for i in items if i.may_be_overridden and i.id in reasons)
    items = tuple(replace(i, override=reasons.get(i.id, "")) if i.may_be_overridden else i for i in items)
    for item in items:
        say(f"  {line_of(item)}")
        if item.remedy and item.light != "good" and not item.override:
            say(f"    {item.remedy}")
    stopping = [i for i in items if i.stops]
    if stopping:
        first = next((i for i in stopping if i.may_be_overridden), None)
        how = f", or give a reason to start all the same: --override {first.id}=WHY" if first is not None else ""
        raise StudyError(f"The session does not begin: {stopping_words(items)}; mend it{how}.")
    return replace(request, overrides=overrides, preflight=tuple(line_of(i) for i in items))


def parse_overrides(texts: Sequence[str]) -> dict[str, str]:
    """Read ``ITEM=REASON``; StudyError names one without a reason."""
    reasons: dict[str, str] = {}
    for text in texts:
        item, _, reason = text.partition("=")
        if not reason.strip():
            raise StudyError(f"--override {text!r} gives no reason; write it as ITEM=REASON, for example eda=broken.")
        reasons[item.strip()] = reason.strip()
    return reasons


def parse_intake(texts: Sequence[str]) -> dict[str, str]:
    """Read ``KEY=VALUE`` answers; StudyError names one that is none."""
    answers: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise StudyError(f"--intake {text!r} is no answer; write it as KEY=VALUE, for example consent=yes.")
        answers[key.strip()] = value.strip()
    return answers


def find_streams(selectors: Sequence[StreamSelector]) -> tuple[StreamDescription, ...]:
    """Return the chosen streams on the network, except marker streams of other runs (blocks for seconds)."""
    watch = StreamWatch()
    try:
        watch.wait_for(lambda streams: any(s.is_regular for s in streams), _FIRST_S)
        watch.wait_for(lambda _: False, _SETTLE_S)
        found = [s for s in watch.streams() if s.name != MARKER_STREAM_NAME]
        chosen = tuple(s for s in found if is_chosen(s, selectors))
        if found and not chosen:
            names = ", ".join(sorted(repr(s.name) for s in found))
            raise StreamError(f"--stream means none of the streams that were found ({names}); correct it.")
        return chosen
    finally:
        watch.close()


def _tell(study: Study, key: RunKey, state: RunState, broken: BrokenSession | None, as_json: bool) -> None:
    presenter, recorder = state.presenter, state.recorder
    done = [t for t in presenter.done if not t.is_practice] if presenter is not None else []
    n_answered = sum(all(status == "answered" for status in t.statuses) for t in done)
    is_verified = recorder is not None and recorder.is_verified
    facts = state.facts or SessionFacts()
    if as_json:
        put_json(
            {
                "participant": key.participant,
                "session": key.session,
                "run": key.run,
                "recording": str(study.paths.xdf(key)),
                "journal": str(study.paths.journal(key)),
                "session_file": str(study.paths.session_file(key)),
                "is_verified": is_verified,
                "continues": None if broken is None else broken.key.run,
                "n_trials": len(done),
                "n_answered": n_answered,
                "n_attention_checks": facts.n_checks,
                "n_attention_passed": facts.n_passed,
                "timing": facts.timing,
                "message": presenter.message if presenter is not None else "",
            }
        )
        return
    put(f"{len(done)} pictures shown, {n_answered} rated.")
    if facts.attention:
        put(f"{facts.attention}.")
    if facts.timing:
        put(f"Timing: {facts.timing}.")
    put(f"Recording: {study.paths.xdf(key)} ({'verified' if is_verified else 'NOT verified'})")
