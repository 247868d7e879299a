"""What a participant's last training learned from: kept trials, features and ratings, for pooled models of others.

One npz per participant and pipeline beside the models; never pickled.
"""

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.domain.errors import StorageError
from veridical.storage.atomic import write_atomically

_RATING = "rating/"


@dataclass(frozen=True)
class LearnedTable:
    """Kept trials of one participant.

    Parameters
    ----------
    names : tuple of str
        Columns of ``features``.
    features : ndarray, shape (n_trials, n_features)
    ratings : mapping of ndarray, shape (n_trials,)
        By scale; NaN where unanswered.
    """

    names: tuple[str, ...]
    features: FloatArray
    ratings: Mapping[str, FloatArray]

    def select(self, names: Sequence[str]) -> FloatArray | None:
        """Return these columns in this order; None if one of them is missing."""
        place = {name: i for i, name in enumerate(self.names)}
        if any(name not in place for name in names):
            return None
        chosen: FloatArray = self.features[:, [place[name] for name in names]]
        return chosen


def write_learned_table(path: Path, table: LearnedTable) -> None:
    """Write the table (atomically); StorageError if that fails."""
    buffer = io.BytesIO()
    ratings = {_RATING + scale: values for scale, values in table.ratings.items()}
    np.savez(buffer, allow_pickle=False, names=np.array(table.names, dtype=str), features=table.features, **ratings)
    write_atomically(path, buffer.getvalue())


def read_learned_table(path: Path) -> LearnedTable | None:
    """Read a table; None if there is none or it is damaged: it can be made again by training."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            names = tuple(str(n) for n in arrays["names"])
            features = np.asarray(arrays["features"], dtype=float)
            ratings = {
                k.removeprefix(_RATING): np.asarray(arrays[k], dtype=float)
                for k in arrays.files
                if k.startswith(_RATING)
            }
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, StorageError):
        return None
    is_whole = features.ndim == 2 and features.shape[1] == len(names)
    if not is_whole or any(len(values) != len(features) for values in ratings.values()):
        return None
    return LearnedTable(names, features, ratings)
