"""``veridical demo``: the whole loop without hardware, through the real parts."""

import os
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import cast

from veridical.cli.output import ProgressLines, follow, put, put_json, say
from veridical.cli.screens import HEADLESS, demo_screen
from veridical.cli.sessions import lead, termination_as_interrupt
from veridical.domain.errors import ProcessError, StreamError
from veridical.domain.participant import RunKey
from veridical.domain.protocol import Protocol
from veridical.domain.run import ScreenChoice
from veridical.domain.simulation import Profile, SimulationPlan
from veridical.domain.stream import StreamDescription
from veridical.domain.study import AnalysisChoices, StudySettings
from veridical.services.live_run import LiveRun
from veridical.services.session import RunRequest, start_run
from veridical.services.streams import SimulatorHandle, StreamWatch, start_simulator
from veridical.services.study import Study, create_study
from veridical.streaming.scope import private_scope

PARTICIPANT = "001"
_STREAMS_S = 20.0
# METHODS 2: pictures come 12 s apart at least, and the embargo is 20 s. A shortened session keeps the proportion.
_SPACING_S = 12.0
_EMBARGO_S = 20.0
_ANSWERS_S = 0.25


@dataclass(frozen=True)
class DemoOptions:
    """What the demo was asked for.

    Parameters
    ----------
    out : Path or None
        None makes ``./veridical-demo-<n>``.
    is_fast : bool
        Shorten durations further; never steps.
    has_aux : bool
        EDA and ECG on AUX channels of the EEG amplifier.
    """

    out: Path | None
    is_fast: bool
    profile: str
    seed: int
    has_aux: bool


def demo_settings(is_fast: bool, seed: int) -> StudySettings:
    """Return the study of the demo: every step of a real protocol, with shorter durations.

    62 analysed trials leave at least 40 with a rating off the midpoint, whatever the seed: the simulated participant
    answers "neutral" to about a sixth of the pictures (counted over seeds in tests/unit/test_cli_demo.py).
    """
    protocol = Protocol(
        name="demonstration",
        n_per_condition=18,
        n_blocks=3,
        n_practice=3,
        repeat_share=0.15,
        baseline_open_s=1.0 if is_fast else 5.0,
        baseline_closed_s=1.0 if is_fast else 5.0,
        fixation_s=(0.1, 0.16) if is_fast else (0.4, 0.6),
        picture_s=0.5 if is_fast else 1.5,
        iti_s=(0.02, 0.05) if is_fast else (0.3, 0.6),
        rating_timeout_s=5.0,
        instruction_timeout_s=10.0,
    )
    spacing_s = sum(protocol.fixation_s) / 2 + protocol.picture_s + sum(protocol.iti_s) / 2 + _ANSWERS_S
    return StudySettings(
        title="Demonstration: simulated amplifier and participant",
        seed=seed,
        protocol=protocol,
        analysis=AnalysisChoices(embargo_s=round(_EMBARGO_S * spacing_s / _SPACING_S, 2)),
        is_shortened=True,
        are_stimuli_validated=False,
        intake=(),
    )


def run_demo(options: DemoOptions, as_json: bool) -> None:
    """Run the loop and print the report's path with the headline."""
    folder = options.out if options.out is not None else _free_folder()
    settings = demo_settings(options.is_fast, options.seed)
    study = create_study(folder, settings)
    say(f"Study: {study.root} ({len(study.stimuli.stimuli)} demo pictures, not validated)")
    # Before liblsl loads, here and in the children: the demo must never meet a lab's real streams.
    os.environ["LSLAPICFG"] = str(private_scope(study.root / ".veridical"))
    with termination_as_interrupt():
        key = _record_session(study, options)
        _learn(study, key, options, as_json)


def _learn(study: Study, key: RunKey, options: DemoOptions, as_json: bool) -> None:
    """Suggest artifacts, train, validate, report, and print the result."""
    # Imported here: SciPy and the drawing of figures load for seconds, which the screen need not wait for.
    from veridical.cli.train_command import as_json_object, headline
    from veridical.services.annotating import suggest_work
    from veridical.services.judging import TrainingRequest
    from veridical.services.training import train_work

    suggestions = follow(suggest_work(study, key))
    say(f"{len(suggestions)} artifact suggestions written; none was accepted: 0 % reviewed by a rater")
    result = follow(train_work(study, TrainingRequest(PARTICIPANT)))
    if as_json:
        put_json(as_json_object(result))
        return
    put(f"In simulation ({options.profile}): {headline(result)}")
    put(f"Report: {result.report}")


def _record_session(study: Study, options: DemoOptions) -> RunKey:
    """Start the simulated body, run the session on it, and return its run."""
    plan = SimulationPlan(
        profile=cast("Profile", options.profile), seed=options.seed, layout="aux" if options.has_aux else "separate"
    )
    lines = ProgressLines()
    lines.tell(0.0, "Starting the simulated amplifier")
    simulator = start_simulator(study, plan)
    try:
        streams = wait_for_streams(simulator, 1 if options.has_aux else 3)
        _tell_streams(lines, streams)
        return _record(study, simulator, streams, lines)
    finally:
        simulator.stop()
        lines.done()


def _record(
    study: Study, simulator: SimulatorHandle, streams: tuple[StreamDescription, ...], lines: ProgressLines
) -> RunKey:
    """Run the session on the best screen; where PsychoPy cannot draw here, once more without a screen."""
    with demo_screen() as (screen, words):
        say(f"Screen: {words}")
        try:
            return _session(study, simulator, streams, screen, lines)
        except ProcessError as error:
            if screen.kind == "headless" or simulator.problem() or _has_presented(study):
                raise
            say(f"The screen could not be used: {error} Going on headless: no picture is drawn; reports say so.")
    return _session(study, simulator, streams, HEADLESS, lines)


def _session(
    study: Study,
    simulator: SimulatorHandle,
    streams: tuple[StreamDescription, ...],
    screen: ScreenChoice,
    lines: ProgressLines,
) -> RunKey:
    key = study.next_run(PARTICIPANT) if study.participants() else RunKey(PARTICIPANT)
    request = RunRequest(key, streams, screen, simulator.plan, has_simulated_participant=True)
    run: LiveRun = start_run(study, request)
    # The screen takes seconds to come up; meanwhile, what comes after the session can load.
    import_module("veridical.services.training")
    state = lead(run, lines, trouble=simulator.problem)
    recorder = state.recorder
    verified = "verified" if recorder is not None and recorder.is_verified else "NOT verified"
    say(f"Recording: {study.paths.xdf(key)} ({verified})")
    return key


def _has_presented(study: Study) -> bool:
    """Whether any journal tells of a picture: then the fault was not the screen's."""
    return any(b"picture/" in journal.read_bytes() for journal in study.root.glob("sourcedata/**/*_events.jsonl"))


def wait_for_streams(simulator: SimulatorHandle, n_streams: int) -> tuple[StreamDescription, ...]:
    """Wait until the simulator's streams are announced with their channel labels (blocks).

    Raises
    ------
    ProcessError, StreamError
        If the simulator failed, or its streams do not appear within 20 s.
    """
    prefix = simulator.plan.prefix

    def found(streams: tuple[StreamDescription, ...]) -> tuple[StreamDescription, ...]:
        return tuple(s for s in streams if s.name.startswith(prefix) and s.is_regular and s.labels)

    watch = StreamWatch()
    try:

        def is_enough(streams: tuple[StreamDescription, ...]) -> bool:
            if simulator.problem():
                raise ProcessError(simulator.problem())
            return len(found(streams)) >= n_streams

        if not watch.wait_for(is_enough, _STREAMS_S):
            raise StreamError(
                f"The simulated streams did not appear within {_STREAMS_S:.0f} s; check with `veridical doctor` that "
                "LSL works here."
            )
        return found(watch.streams())
    finally:
        watch.close()


def _tell_streams(lines: ProgressLines, streams: tuple[StreamDescription, ...]) -> None:
    lines.done()
    for s in streams:
        say(f"Stream: {s.name}, {s.n_channels} channel{'s' * (s.n_channels > 1)} at {s.nominal_hz:g} Hz")


def _free_folder() -> Path:
    number = 1
    while (folder := Path.cwd() / f"veridical-demo-{number}").exists():
        number += 1
    return folder
