"""``veridical stimuli ...``: the commands with their options; what they do is imported only when they run."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

stimuli_app = typer.Typer(help="Import stimulus sets and choose what a study uses of them.", no_args_is_help=True)


class TableFormat(StrEnum):
    """Published tables by name (``storage.norm_tables.SetFormat``)."""

    oasis = "oasis"
    table = "table"


class ClassName(StrEnum):
    """Normative classes by name (``domain.stimulus.CONDITIONS``)."""

    negative = "negative"
    neutral = "neutral"
    positive = "positive"


StudyArgument = Annotated[Path, typer.Argument(metavar="STUDY", help="The study's folder.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
IdsArgument = Annotated[list[str], typer.Argument(metavar="ID...", help="Ids as in stimuli.tsv.")]


def _parse_scale(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    parts = text.replace(",", " ").replace(" to ", " ").split()
    if len(parts) == 1:
        low, _, high = parts[0][1:].partition("-")
        parts = [parts[0][0] + low, high]
    try:
        low_value, high_value = (float(p) for p in parts)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no scale; write for example 1-9 or -2,2.") from None
    if low_value >= high_value:
        raise typer.BadParameter("The first number must be the smaller one.")
    return low_value, high_value


@stimuli_app.command("import")
def import_set(
    source: Annotated[
        Path, typer.Argument(metavar="SRC", help="A folder, a zip archive, or the table of a set (.csv, .tsv).")
    ],
    study: StudyArgument,
    table_format: Annotated[
        TableFormat | None, typer.Option("--format", help="Recognised by its columns if not given.")
    ] = None,
    copy: Annotated[
        bool, typer.Option("--copy/--reference", help="Copy the files into the study, or leave them where they are.")
    ] = True,
    prefix: Annotated[str, typer.Option("--prefix", help="Put before every id, to tell two sets apart.")] = "",
    scale: Annotated[
        str | None, typer.Option("--scale", help="Scale of norms whose table does not give it, e.g. 1-9.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Import OASIS or any other set: hash, decode and measure every file; all of it or nothing."""
    from veridical.cli.stimuli_commands import ImportOptions, run_import

    chosen = None if table_format is None else table_format.value
    run_import(ImportOptions(source, study, chosen, not copy, prefix, _parse_scale(scale)), json)


@stimuli_app.command("list")
def list_stimuli(study: StudyArgument, json: JsonOption = False) -> None:
    """What the study has, what it uses, and what is flagged."""
    from veridical.cli.stimuli_commands import run_list

    run_list(study, json)


@stimuli_app.command("check")
def check(
    study: StudyArgument,
    find: Annotated[
        Path | None, typer.Option("--find", metavar="FOLDER", help="Look there for files that were moved.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Compare every file with its hash; exit status 1 if one is missing or changed."""
    from veridical.cli.stimuli_commands import run_check

    raise typer.Exit(run_check(study, find, json))


@stimuli_app.command("match")
def match(
    study: StudyArgument,
    per_class: Annotated[int, typer.Option("--per-class", "-n", min=1, help="Pictures of each class.")],
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed draws the same subset.")] = 1,
    classes: Annotated[
        list[ClassName] | None, typer.Option("--class", help="Two or three; all three if not given.")
    ] = None,
    include_sensitive: Annotated[bool, typer.Option("--include-sensitive", help="Sensitive pictures too.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Let the study use this subset only.")] = False,
    json: JsonOption = False,
) -> None:
    """Draw a subset whose classes are matched on arousal and picture statistics, and say what imbalance remains."""
    from veridical.cli.stimuli_commands import MatchOptions, run_match

    chosen = tuple(c.value for c in classes) if classes else None
    run_match(MatchOptions(study, per_class, seed, chosen, include_sensitive, apply), json)


@stimuli_app.command("exclude")
def exclude(study: StudyArgument, ids: IdsArgument, json: JsonOption = False) -> None:
    """Leave stimuli out of the study's protocol."""
    from veridical.cli.stimuli_commands import run_edit

    run_edit(study, "exclude", tuple(ids), json)


@stimuli_app.command("include")
def include(study: StudyArgument, ids: IdsArgument, json: JsonOption = False) -> None:
    """Let the study's protocol use stimuli again."""
    from veridical.cli.stimuli_commands import run_edit

    run_edit(study, "include", tuple(ids), json)


@stimuli_app.command("flag")
def flag(
    study: StudyArgument,
    ids: IdsArgument,
    sensitive: Annotated[bool, typer.Option("--sensitive/--not-sensitive", help="What to flag them as.")] = True,
    json: JsonOption = False,
) -> None:
    """Flag stimuli as sensitive, or take the flag off."""
    from veridical.cli.stimuli_commands import run_edit

    run_edit(study, "flag" if sensitive else "unflag", tuple(ids), json)
