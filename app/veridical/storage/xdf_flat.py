"""Channels that ought to carry a signal and never move."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veridical.domain.stream import Role, StreamDescription, suggest_roles

# A body never stands still in these; an accelerometer on a table, a trigger or a photodiode may.
_MOVING: tuple[Role, ...] = ("EEG", "EOG", "ECG", "EDA", "respiration", "PPG")
# In coarse steps, skin and breath may rest for some seconds; the electric signals do not.
_SLOW: tuple[Role, ...] = ("EDA", "respiration", "PPG")
_SHORTEST_S = 1.0
_SHORTEST_SLOW_S = 10.0
# What stands beside the signals of an amplifier: beginnings of labels and types.
_BESIDE = (
    "trig", "ttl", "stat", "batt", "count", "sample", "packet", "mark", "event", "stim", "sync", "dig", "aux", "misc",
    "ref", "gnd", "ground", "valid", "time", "impedance", "acc", "gyr", "mag", "temp", "other", "unknown", "none",
    "quality", "cq", "interpolated", "error", "light", "button", "resistance", "stream", "index", "sequence",
)  # fmt: skip
_BLOCK_S = 10.0
_BLOCK_BYTES = 1 << 23

Window = Callable[[int, int], NDArray[Any]]


def flat_channels(description: StreamDescription, n_samples: int, window: Window) -> tuple[int, ...]:
    """Return the channels that have one value only, from 0.

    Judged are the channels of roles in which a body never stands still. In a stream without any known role,
    only a standstill of all channels counts: its channels may be anything.

    Parameters
    ----------
    window : callable
        Gives samples (first, last), shape (n_channels, last - first). Called until every channel has moved.
    """
    if not description.is_regular or description.format == "string" or description.n_channels == 0:
        return ()
    shortest = dict.fromkeys(range(description.n_channels), _SHORTEST_S) if n_samples else {}
    roles = suggest_roles([description]) if n_samples else ()
    if roles:
        shortest = {
            channel: _SHORTEST_SLOW_S if role.role in _SLOW else _SHORTEST_S
            for role in roles
            if role.role in _MOVING
            for channel in role.channels
            if not _is_beside(description, channel)
        }
    span_s = n_samples / description.nominal_hz
    watched = [channel for channel, shortest_s in shortest.items() if span_s >= shortest_s and n_samples > 1]
    found = _constant(watched, n_samples, window, description) if watched else ()
    return found if roles or len(found) == description.n_channels else ()


def _is_beside(description: StreamDescription, channel: int) -> bool:
    texts = [texts[channel] for texts in (description.labels, description.types) if channel < len(texts)]
    return any("".join(c for c in text.lower() if c.isalpha()).startswith(_BESIDE) for text in texts)


def _constant(watched: list[int], n_samples: int, window: Window, description: StreamDescription) -> tuple[int, ...]:
    channels = np.array(watched)
    first = window(0, 1)
    step = max(1, min(round(_BLOCK_S * description.nominal_hz), _BLOCK_BYTES // max(1, first.nbytes)))
    for begin in range(0, n_samples, step):
        values = window(begin, min(begin + step, n_samples))[channels]
        # A channel without numbers is as dead as one that rests.
        rests = (values == first[channels]) | ((values != values) & (first[channels] != first[channels]))
        channels = channels[rests.all(axis=1)]
        if len(channels) == 0:
            break
    return tuple(channels.tolist())
