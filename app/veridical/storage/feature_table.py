"""features.tsv: one row per presented trial, with what the participant answered and every named feature."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from veridical.domain.arrays import BoolArray, FloatArray
from veridical.domain.trial_table import TrialRow
from veridical.storage.tables import write_table

_COLUMNS = ("onset", "duration", "trial", "block", "trial_type", "stim_id", "repeat_of", "kept", "reason")


def write_features(
    path: Path,
    trials: Sequence[TrialRow],
    kept: BoolArray,
    reasons: Sequence[str],
    names: Sequence[str],
    values: FloatArray,
) -> None:
    """Write the table (atomically).

    Parameters
    ----------
    kept : ndarray of bool, shape (n_trials,)
    reasons : sequence of str
        Per trial: empty, or why it was dropped, or that it was flagged.
    names : sequence of str
        Feature columns.
    values : ndarray, shape (n_trials, n_features)
        In the features' own units (docs/formats.md); NaN becomes ``n/a``.
    """
    scales = sorted({scale for t in trials for scale in t.ratings})

    def text(value: float | None) -> str:
        return "" if value is None or not np.isfinite(value) else f"{value:.9g}"

    rows = [
        (
            f"{t.onset_s:.6f}", f"{t.duration_s:.6f}", str(t.trial), str(t.block), t.condition, t.stimulus_id,
            "" if t.repeat_of is None else str(t.repeat_of), str(bool(is_kept)).lower(), reason,
            *(text(t.value(scale)) for scale in scales), *(text(float(v)) for v in row),
        )
        for t, is_kept, reason, row in zip(trials, kept, reasons, values, strict=True)
    ]  # fmt: skip
    write_table(path, (*_COLUMNS, *(f"rating_{s}" for s in scales), *names), rows)
