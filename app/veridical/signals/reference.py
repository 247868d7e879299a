"""Re-referencing for the eye: what is subtracted from every EEG channel, or which pairs are shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.signals.montage import canonical_name

ReferenceKind = Literal["recorded", "average", "linked", "single", "bipolar"]

# Mastoids first, then earlobes: what "linked" means depends on what was put on.
_LINKED = (("M1", "M2"), ("A1", "A2"), ("TP9", "TP10"))
# Longitudinal bipolar chains, temporal, parasagittal and midline (ACNS Guideline 3, 2016: LB-18).
_CHAINS = (
    ("Fp1", "F7", "T7", "P7", "O1"),
    ("Fp1", "F3", "C3", "P3", "O1"),
    ("Fz", "Cz", "Pz"),
    ("Fp2", "F4", "C4", "P4", "O2"),
    ("Fp2", "F8", "T8", "P8", "O2"),
)


@dataclass(frozen=True)
class Reference:
    """What EEG is shown against.

    Parameters
    ----------
    kind : {"recorded", "average", "linked", "single", "bipolar"}
    channel : str
        Label of the single reference.
    """

    kind: ReferenceKind = "recorded"
    channel: str = ""


@dataclass(frozen=True)
class Derivation:
    """Channels made of channels: each is the one at ``plus`` minus the mean of those at ``minus``.

    Parameters
    ----------
    plus : tuple of int
        One for every derived channel.
    minus : tuple of tuple of int
        Shared by all if there is one entry only; empty entries subtract nothing.
    """

    labels: tuple[str, ...]
    plus: tuple[int, ...]
    minus: tuple[tuple[int, ...], ...]

    def apply(self, samples: FloatArray) -> FloatArray:
        """Derive, shape (n_derived, n_times); NaN in one channel of a mean leaves it out, not everything.

        Parameters
        ----------
        samples : ndarray, shape (n_channels, n_times)
            Not modified.
        """
        if not any(self.minus):
            return samples[list(self.plus)]
        if len(self.minus) == 1:
            return samples[list(self.plus)] - _mean(samples[list(self.minus[0])])
        return samples[list(self.plus)] - samples[[m[0] for m in self.minus]]


def derive(labels: Sequence[str], reference: Reference, bad: Sequence[str] = ()) -> Derivation:
    """Work out what a reference means for these channels.

    Parameters
    ----------
    bad : sequence of str
        Channels that an average leaves out.

    Raises
    ------
    ValueError
        If the channels for it are not there; one sentence with the remedy.
    """
    everything = tuple(range(len(labels)))
    plain = Derivation(tuple(labels), everything, ((),))
    if reference.kind == "recorded":
        return plain
    if reference.kind == "average":
        good = tuple(k for k in everything if labels[k] not in bad)
        return Derivation(tuple(labels), everything, (good or everything,))
    place = {canonical_name(label): k for k, label in enumerate(labels)}
    if reference.kind == "single":
        if reference.channel not in labels:
            raise ValueError(f"There is no channel {reference.channel!r}; choose another reference.")
        return Derivation(tuple(labels), everything, ((list(labels).index(reference.channel),),))
    if reference.kind == "linked":
        for pair in _LINKED:
            found = tuple(place[canonical_name(n)] for n in pair if canonical_name(n) in place)
            if len(found) == len(pair):
                return Derivation(tuple(labels), everything, (found,))
        raise ValueError("No mastoid or earlobe channels (M1 and M2, A1 and A2, TP9 and TP10) were recorded.")
    pairs = [
        (place[canonical_name(a)], place[canonical_name(b)])
        for chain in _CHAINS
        for a, b in pairwise(chain)
        if canonical_name(a) in place and canonical_name(b) in place
    ]
    if not pairs:
        # Caps without 10-20 names: neighbours in the order of the file.
        pairs = list(pairwise(everything))
    if not pairs:
        raise ValueError("A bipolar view needs two channels.")
    return Derivation(
        tuple(f"{labels[a]}\N{EN DASH}{labels[b]}" for a, b in pairs),
        tuple(a for a, _ in pairs),
        tuple((b,) for _, b in pairs),
    )


def _mean(samples: FloatArray) -> FloatArray:
    mean: FloatArray = samples.mean(axis=0)
    if np.isnan(mean.sum()):
        known = np.isfinite(samples)
        n = known.sum(axis=0)
        mean = np.where(known, samples, 0).sum(axis=0) / np.maximum(n, 1)
        mean[n == 0] = np.nan
    return mean
