"""EEG channels by their 10-20 names, however a device spells them."""

from collections.abc import Sequence

from veridical.domain.electrodes import canonical_name as canonical_name

# Groups in the order in which they are tried; within a group every channel that is present counts.
FRONTAL_POLE: tuple[tuple[str, ...], ...] = (
    ("FP1", "FPZ", "FP2"),
    ("AF7", "AF8"),
    ("AF3", "AF4"),
    ("F7", "F8"),
    ("F3", "FZ", "F4"),
)
FRONTAL: tuple[tuple[str, ...], ...] = (("F3", "F1", "FZ", "F2", "F4"), ("FC1", "FCZ", "FC2"), ("AF7", "AF8"))
CENTRAL: tuple[tuple[str, ...], ...] = (("C3", "C1", "CZ", "C2", "C4"), ("FC1", "FC2", "CP1", "CP2"))
CENTRO_PARIETAL: tuple[tuple[str, ...], ...] = (
    ("CPZ", "PZ", "CP1", "CP2", "P1", "P2"),
    ("P3", "P4", "POZ", "CZ"),
    ("TP9", "TP10"),
)
POSTERIOR: tuple[tuple[str, ...], ...] = (
    ("P3", "PZ", "P4", "PO3", "POZ", "PO4", "O1", "OZ", "O2"),
    ("P7", "P8"),
    ("TP9", "TP10"),
)


def find_channels(labels: Sequence[str], groups: Sequence[Sequence[str]]) -> tuple[int, ...]:
    """Return the positions of the first group of which at least one channel is present.

    Parameters
    ----------
    labels : sequence of str
        Channel labels as recorded.
    groups : sequence of sequence of str
        Canonical names; first choice first.

    Returns
    -------
    tuple of int
        Ascending positions in ``labels``; empty if no group is present.
    """
    names = [canonical_name(label) for label in labels]
    for group in groups:
        found = tuple(k for k, name in enumerate(names) if name in group)
        if found:
            return found
    return ()
