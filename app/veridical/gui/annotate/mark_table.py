"""Marks as arrays, so that thousands of them are laid under the traces in one go."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from veridical.domain.annotation import Annotation
from veridical.domain.arrays import BoolArray, FloatArray, IntArray
from veridical.gui.common.tokens import argb


@dataclass(frozen=True, eq=False)
class MarkTable:
    """Marks in the order of their onsets.

    Parameters
    ----------
    colours : ndarray of uint32, shape (n_marks,)
    is_everywhere : ndarray of bool, shape (n_marks,)
        Whether the mark is on all channels.
    """

    marks: tuple[Annotation, ...]
    starts_s: FloatArray
    stops_s: FloatArray
    colours: NDArray[np.uint32]
    is_everywhere: BoolArray

    @classmethod
    def of(cls, marks: Sequence[Annotation], colour_of: Callable[[str], str]) -> "MarkTable":
        """Put marks into a table."""
        ordered = tuple(sorted(marks, key=lambda m: m.onset_s))
        pixels = {label: argb(colour_of(label)) for label in {m.label for m in ordered}}
        return cls(
            ordered,
            np.array([m.onset_s for m in ordered], dtype=np.float64),
            np.array([m.stop_s for m in ordered], dtype=np.float64),
            np.array([pixels[m.label] for m in ordered], dtype=np.uint32),
            np.array([not m.channels for m in ordered], dtype=bool),
        )

    def between(self, start_s: float, stop_s: float) -> IntArray:
        """Positions of the marks that touch a window."""
        return np.flatnonzero((self.stops_s >= start_s) & (self.starts_s <= stop_s))
