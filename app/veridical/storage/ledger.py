"""ledger.jsonl: every analysis of a participant, append-only, so that tries can be counted (METHODS 5.9)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from veridical.domain.errors import StorageError
from veridical.domain.label_rule import LabelRule
from veridical.domain.pipeline import PipelineName
from veridical.storage.append_only import AppendOnlyFile, read_lines

# What else than a training adds a try: a rater who saw the classes, marks that changed after they were locked.
EntryKind = Literal["analysis", "comparison", "unblinding", "marks changed"]


@dataclass(frozen=True)
class Analysis:
    """One line of the ledger.

    Parameters
    ----------
    number : int
        From 1.
    utc : str
        ISO 8601.
    is_primary : bool
        Whether these are the choices that study.toml fixed.
    recordings : tuple of str
        SHA-256 of every raw file that took part, in order.
    model : str
        Name of the model's folder; the report has the same name.
    look : str
        "look 1 of 3, counts below .0031" for a planned look at a session that was not over; empty otherwise.
    remedy : str
        The audit's remedy that led to it, in words; empty for none.
    preprocessing : str
        ``Preprocessing.words``; empty in lines older than the choice.
    kind : str
        ``comparison``: one of several models that were compared; it has a score, but neither verdict nor model. The
        other kinds are counted as tries and have none of these.
    """

    number: int
    utc: str
    target: str
    label_rule: LabelRule
    pipeline: PipelineName
    seed: int
    is_primary: bool
    n_trials: int
    balanced_accuracy: float
    p_value: float
    headline: str
    recordings: tuple[str, ...]
    model: str
    look: str = ""
    remedy: str = ""
    kind: EntryKind = "analysis"
    preprocessing: str = ""


def read_ledger(path: Path) -> tuple[Analysis, ...]:
    """Read every analysis; no file means none. StorageError names a damaged line."""
    analyses: list[Analysis] = []
    for number, line in enumerate(read_lines(path), 1):
        try:
            analyses.append(msgspec.json.decode(line, type=Analysis))
        except msgspec.MsgspecError as error:
            raise StorageError(f"{path} line {number} is damaged ({error}); restore it from a backup.") from error
    return tuple(analyses)


def append_analysis(path: Path, analysis: Analysis) -> None:
    """Add a line and force it to disk; StorageError if that fails."""
    file = AppendOnlyFile(path)
    try:
        file.append(msgspec.json.encode(analysis))
    finally:
        file.close()
