"""``veridical marks export`` and ``import``."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

marks_app = typer.Typer(help="Marks to and from other programs.", no_args_is_help=True)

StudyArgument = Annotated[Path, typer.Argument(metavar="STUDY", help="The study's folder.")]
ParticipantOption = Annotated[str, typer.Option("--participant", help="Pseudonymous id, e.g. 001.")]
SessionOption = Annotated[str, typer.Option("--session", help="Session id.")]
RunOption = Annotated[int, typer.Option("--run", min=1, help="Run of the session.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


class Format(StrEnum):
    """Formats by name (``storage.mark_exchange.MarkFormat``)."""

    mne_fif = "mne-fif"
    mne_csv = "mne-csv"
    edf = "edf"
    bids = "bids"
    eeglab = "eeglab"
    veridical = "veridical"


@marks_app.command("export")
def marks_export(
    study: StudyArgument,
    out: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="A new file: -annot.fif, .csv (MNE), .edf, _events.tsv, .txt (EEGLAB)."),
    ],
    participant: ParticipantOption,
    session: SessionOption = "01",
    run: RunOption = 1,
    rater: Annotated[str, typer.Option("--rater", help="Whose; the consensus or the only rater if not given.")] = "",
    to: Annotated[Format | None, typer.Option("--to", help="Format, if the name does not tell.")] = None,
    json: JsonOption = False,
) -> None:
    """A rater's marks for MNE, EDF+, BIDS or EEGLAB."""
    from veridical.cli.mark_commands import RunChoice, run_marks_export

    choice = RunChoice(study, participant, session, run)
    run_marks_export(choice, out, rater, to.value if to is not None else None, json)


@marks_app.command("import")
def marks_import(
    study: StudyArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Marks in one of the formats of export.")],
    participant: ParticipantOption,
    rater: Annotated[str, typer.Option("--rater", help="Under whose name.")],
    session: SessionOption = "01",
    run: RunOption = 1,
    json: JsonOption = False,
) -> None:
    """Bring marks from another program to a rater's own; undo takes them back."""
    from veridical.cli.mark_commands import RunChoice, run_marks_import

    run_marks_import(RunChoice(study, participant, session, run), file, rater, json)
