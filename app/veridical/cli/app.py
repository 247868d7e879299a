"""All commands with their options; what they do is imported only when they run, so that ``--help`` is quick."""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from veridical.cli.marks_app import marks_app
from veridical.cli.stimuli_app import stimuli_app
from veridical.domain.errors import VeridicalError

app = typer.Typer(
    name="veridical",
    help="Show affective pictures, record EEG, EDA and ECG, and be told honestly what a model of them is worth.",
    add_completion=False,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
study_app = typer.Typer(help="Make and look after studies.", no_args_is_help=True)
app.add_typer(study_app, name="study")
app.add_typer(stimuli_app, name="stimuli")
app.add_typer(marks_app, name="marks")


class ProfileName(StrEnum):
    """Simulated participants by name (``domain.simulation.PROFILES``)."""

    responsive = "responsive"
    null = "null"
    laughing = "laughing"
    drifting = "drifting"
    picture_driven = "picture-driven"
    arousal_driven = "arousal-driven"
    time_driven = "time-driven"
    mislabelling = "mislabelling"
    changing = "changing"


class TargetRule(StrEnum):
    """Label rules by name (``domain.study.LabelRule``)."""

    midpoint = "midpoint"
    median = "median"
    tertiles = "tertiles"
    norm = "norm"
    agreement = "agreement"


class Pipeline(StrEnum):
    """Pipelines by name (``domain.pipeline.PipelineName``)."""

    evoked = "evoked"
    interpretable = "interpretable"
    eeg = "eeg"
    eda = "eda"
    ecg = "ecg"
    fusion = "fusion"
    chosen = "chosen"


StudyArgument = Annotated[Path, typer.Argument(metavar="STUDY", help="The study's folder.")]
ParticipantOption = Annotated[str, typer.Option("--participant", help="Pseudonymous id, e.g. 001.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
ProfileOption = Annotated[ProfileName, typer.Option("--profile", help="Which simulated participant.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same simulated participant.")]
AuxOption = Annotated[bool, typer.Option("--aux", help="One amplifier with EDA and ECG on AUX channels of the EEG.")]
StreamOption = Annotated[
    list[str] | None,
    typer.Option(
        "--stream", metavar="KEY=VALUE", help="name, type, source_id, hostname or uid; several keys with commas."
    ),
]


def _print_version(is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version

        typer.echo(f"veridical {version('veridical')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _open_window(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Open the window, or run one of the commands below."""
    if context.invoked_subcommand is None:
        from veridical.gui.app import main as open_window

        raise typer.Exit(open_window())


@app.command()
def demo(
    out: Annotated[
        Path | None, typer.Option("--out", help="A new folder; ./veridical-demo-1 and so on if not given.")
    ] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Shorten durations, never steps (under 90 s).")] = False,
    profile: ProfileOption = ProfileName.responsive,
    seed: SeedOption = 1,
    aux: AuxOption = False,
    json: JsonOption = False,
) -> None:
    """The whole loop with a simulated amplifier and participant: record, train, validate, report."""
    from veridical.cli.demo import DemoOptions, run_demo

    run_demo(DemoOptions(out, fast, profile.value, seed, aux), json)


@app.command()
def doctor(json: JsonOption = False) -> None:
    """What works here, what is missing, and the exact command that mends it."""
    from veridical.cli.doctor import run_doctor

    raise typer.Exit(run_doctor(json))


@study_app.command("new")
def study_new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    template: Annotated[
        str, typer.Option("--template", metavar="NAME", help="autonomic, eeg-only, or the study.toml of another study.")
    ] = "autonomic",
    json: JsonOption = False,
) -> None:
    """Make a study from the affective-pictures template, with the demo stimuli."""
    from veridical.cli.study_commands import new_study

    new_study(folder, template, json)


@app.command()
def simulate(
    profile: ProfileOption = ProfileName.responsive,
    seed: SeedOption = 0,
    seconds: Annotated[float | None, typer.Option("--seconds", min=0.1, help="Until Ctrl-C if not given.")] = None,
    aux: AuxOption = False,
) -> None:
    """EEG, EDA and ECG outlets on LSL that react to the marker stream."""
    from veridical.cli.stream_commands import run_simulate

    run_simulate(profile.value, seed, seconds, aux)


@app.command()
def record(
    out: Annotated[Path, typer.Argument(metavar="OUT.xdf", help="A new file.")],
    stream: StreamOption = None,
    seconds: Annotated[float | None, typer.Option("--seconds", min=0.1, help="Until Ctrl-C if not given.")] = None,
    fallback: Annotated[
        Path | None,
        typer.Option("--fallback", metavar="DIR", help="Where to go on if the disk fails; best on another disk."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Record LSL streams to XDF; ``--stream all`` (or none given) takes everything on the network scope."""
    from veridical.cli.record_command import start_record
    from veridical.cli.record_request import RecordRequest
    from veridical.cli.selectors import parse_selectors

    request = RecordRequest(str(out), parse_selectors(stream or ()), seconds, str(fallback or ""), json)
    raise typer.Exit(start_record(request))


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE.xdf")],
    speed: Annotated[
        float, typer.Option("--speed", min=0.01, max=100, help="2 plays twice as fast; announced rates follow.")
    ] = 1.0,
    stream: StreamOption = None,
    wait_for_consumers: Annotated[
        bool,
        typer.Option(
            "--wait-for-consumers", help="Start when every stream has a receiver; without it, after 3 s at the latest."
        ),
    ] = False,
    loop: Annotated[bool, typer.Option("--loop", help="Begin again after the end, until Ctrl-C.")] = False,
    json: JsonOption = False,
) -> None:
    """A recording as live LSL streams, stamps spaced as recorded; Ctrl-C ends it."""
    from veridical.cli.replay_command import ReplayOptions, run_replay

    run_replay(ReplayOptions(file, speed, tuple(stream or ()), wait_for_consumers, loop), json)


@app.command()
def inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE.xdf")],
    json: JsonOption = False,
) -> None:
    """Streams, counts, stamps, effective rates, gaps, clock offsets and defects of a recording."""
    from veridical.cli.file_commands import run_inspect

    run_inspect(file, json)


@app.command()
def recover(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE.xdf...", help="A recording, or its parts in order: the first, then _continued."),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="OUT.xdf", help="A new file; <name>_recovered.xdf if not given.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Mend a crashed or damaged recording in a copy, or join one that went on in a fallback folder."""
    from veridical.cli.file_commands import run_recover

    run_recover(tuple(files), out, json)


@app.command()
def suggest(
    file: Annotated[Path, typer.Argument(metavar="FILE.xdf")],
    json: JsonOption = False,
) -> None:
    """Artifact suggestions for a recording."""
    from veridical.cli.file_commands import run_suggest

    run_suggest(file, json)


@app.command()
def agreement(
    files: Annotated[list[Path], typer.Argument(metavar="A.tsv B.tsv...", help="Tables of two raters or more.")],
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0.001, help="Length of the recording; else up to the last mark.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """How far raters agree: kappa in time, events, IoU, Krippendorff's alpha."""
    from veridical.cli.mark_commands import run_agreement

    run_agreement(tuple(files), seconds, json)


@app.command()
def run(
    study: StudyArgument,
    participant: ParticipantOption,
    session: Annotated[str, typer.Option("--session", help="Session id.")] = "01",
    simulate_participant: Annotated[
        bool, typer.Option("--simulate-participant", help="A simulated participant answers the scales.")
    ] = False,
    stream: StreamOption = None,
    headless: Annotated[
        bool, typer.Option("--headless", help="No screen: for tests and machines without one.")
    ] = False,
    windowed: Annotated[bool, typer.Option("--windowed", help="A window instead of the full screen.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the session that broke off, at its first unanswered picture.")
    ] = False,
    intake: Annotated[
        list[str] | None,
        typer.Option("--intake", metavar="KEY=VALUE", help="What was asked before, e.g. consent=yes; see study.toml."),
    ] = None,
    override: Annotated[
        list[str] | None,
        typer.Option("--override", metavar="ITEM=WHY", help="Begin although an item of the pre-flight check fails."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Run a session: pre-flight, record, present, verify."""
    from veridical.cli.run_command import RunOptions, run_session

    options = RunOptions(
        study,
        participant,
        session,
        simulate_participant,
        tuple(stream or ()),
        headless,
        windowed,
        tuple(intake or ()),
        resume,
        tuple(override or ()),
    )
    raise typer.Exit(run_session(options, json))


@app.command()
def train(
    study: StudyArgument,
    participant: ParticipantOption,
    target: Annotated[str | None, typer.Option("--target", help="Rating scale; study.toml's if not given.")] = None,
    label_rule: Annotated[TargetRule | None, typer.Option("--label-rule", help="study.toml's if not given.")] = None,
    pipeline: Annotated[Pipeline | None, typer.Option("--pipeline", help="study.toml's if not given.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the permutations.")] = 0,
    refine: Annotated[
        bool, typer.Option("--refine", help="Validate the evoked covariance besides; it takes minutes.")
    ] = False,
    ratings: Annotated[
        bool, typer.Option("--ratings", help="With --json: how well the ratings themselves are predicted, too.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Train and validate a participant's model on all their recordings."""
    from veridical.cli.train_command import request_of, run_train

    run_train(study, request_of(participant, target, label_rule, pipeline, seed, refine), json, ratings)


@app.command()
def compare(
    study: StudyArgument,
    participant: ParticipantOption,
    target: Annotated[
        list[str] | None, typer.Option("--target", help="Rating scale; may be given several times.")
    ] = None,
    pipeline: Annotated[
        list[Pipeline] | None, typer.Option("--pipeline", help="May be given several times; all if not given.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the permutations.")] = 0,
    json: JsonOption = False,
) -> None:
    """Compare models or targets of a participant by one p value that holds for all of them together."""
    from veridical.cli.compare_command import comparison_of, run_compare

    run_compare(study, comparison_of(participant, target or (), pipeline or (), seed), json)


@app.command()
def audit(
    study: StudyArgument,
    participant: ParticipantOption,
    target: Annotated[str | None, typer.Option("--target", help="Rating scale; study.toml's if not given.")] = None,
    label_rule: Annotated[TargetRule | None, typer.Option("--label-rule", help="study.toml's if not given.")] = None,
    pipeline: Annotated[Pipeline | None, typer.Option("--pipeline", help="study.toml's if not given.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the permutations.")] = 0,
    json: JsonOption = False,
) -> None:
    """Measure every way in which a participant's model may fool us, and say it in plain words."""
    from veridical.cli.audit_command import run_audit
    from veridical.cli.train_command import request_of

    run_audit(study, request_of(participant, target, label_rule, pipeline, seed), json)


@app.command()
def report(
    study: StudyArgument,
    target: Annotated[str | None, typer.Option("--target", help="Rating scale; study.toml's if not given.")] = None,
    json: JsonOption = False,
) -> None:
    """Join a study's participants: scores, prevalence, what luck would bring, own against pooled models."""
    from veridical.cli.report_command import run_report

    run_report(study, target, json)


@app.command("import")
def import_recording(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="XDF, EDF, BDF, BrainVision (.vhdr) or FIF.")],
    study: StudyArgument,
    participant: ParticipantOption,
    session: Annotated[str, typer.Option("--session", help="Session id.")] = "01",
    events: Annotated[
        Path | None,
        typer.Option(
            "--events",
            metavar="EVENTS.tsv",
            help="Columns onset (s from the first sample), duration, trial_type, stim_id and one per rating; without "
            "it, the recording's own markers count.",
        ),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option("--column", metavar="OURS=THEIRS", help="A column that has another name, e.g. onset=latency."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Take a recording made elsewhere, with its events and ratings, into a study."""
    from veridical.cli.import_command import run_import

    run_import(file, study, participant, session, events, column or (), json)


@app.command()
def timing(
    study: StudyArgument,
    stream: Annotated[str, typer.Option("--stream", metavar="KEY=VALUE", help="The stream that sees the light.")],
    channel: Annotated[str, typer.Option("--channel", help="Label, or number from 1, of the photodiode's channel.")],
    flashes: Annotated[int, typer.Option("--flashes", min=10, help="More flashes measure the jitter better.")] = 60,
    headless: Annotated[bool, typer.Option("--headless", help="No screen: to try out a loopback.")] = False,
    windowed: Annotated[bool, typer.Option("--windowed", help="A window instead of the full screen.")] = False,
    json: JsonOption = False,
) -> None:
    """Flash the corner square and measure, with a photodiode on it, how late light appears and how steadily."""
    from veridical.cli.timing_command import run_timing
    from veridical.domain.run import ScreenChoice

    screen = ScreenChoice(kind="headless" if headless else "psychopy", fullscreen=not windowed)
    run_timing(study, stream, channel, flashes, screen, json)


@app.command()
def withdraw(
    study: StudyArgument,
    participant: ParticipantOption,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: JsonOption = False,
) -> None:
    """Erase everything of a participant who withdrew; their id stays taken."""
    from veridical.cli.withdraw_command import run_withdraw

    run_withdraw(study, participant, yes, json)


@app.command()
def relabel(
    study: StudyArgument,
    source: Annotated[str, typer.Option("--from", metavar="001/01", help="Wrong participant/session, or .../run.")],
    target: Annotated[str, typer.Option("--to", metavar="002/01", help="Right participant/session, or .../run.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: JsonOption = False,
) -> None:
    """Mend a wrong participant or session id in every file of a study."""
    from veridical.cli.relabel_command import run_relabel

    run_relabel(study, source, target, yes, json)


def main() -> None:
    """Run the command line; an expected error is one line on stderr and exit status 1."""
    # Read once, when numpy loads, here and in every child. Our matrices are small: on 2 cores, threads that wait for
    # each other cost a validation 9.5 s of processor time instead of 1.3 s [measured].
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        app()
    except VeridicalError as error:
        sys.stderr.write(f"veridical: {' '.join(str(error).split())}\n")
        sys.exit(1)
