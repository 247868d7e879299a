"""Channels whose value no longer changes: a loose electrode on the rail, a dead amplifier input."""

from collections.abc import Sequence

import numpy as np

from veridical.domain.arrays import BoolArray, FloatArray, IntArray
from veridical.domain.stream import Role, RoleAssignment, StreamDescription, find_stream
from veridical.streaming.inlet import SampleArray

# A living body on an open input never repeats a value for so long; a slow sensor may, for some samples.
_SHORTEST_S = 1.5
_FEWEST_SAMPLES = 30
# A coarse converter repeats itself: what a channel has shown to be usual is not called flat.
_BEYOND_USUAL = 4.0
_LONGEST_S = 30.0
# A channel that moves for so long is alive again, one value does not make it so.
_ALIVE_S = 0.5
# Only the ends of chunks are compared until a value has come back for so long; then every sample is.
_SUSPECT_S = 0.3
# As long as no value comes back, a glance so often is enough: each costs as much as writing the chunk [measured].
_GLANCE_S = 0.25
# A repetition that began inside a chunk is seen from the chunk's end on.
_UNSEEN_S = 0.5
# Roles whose channels carry a body; a still accelerometer, a dark photodiode and a trigger line may rest and be well.
_BODY_ROLES: tuple[Role, ...] = ("EEG", "EDA", "ECG", "EOG", "respiration", "PPG")
# Where nobody has said what channels are for: kinds that carry a body, by the word that their type, label or stream's
# type begins with.
_BODY = (
    "eeg", "ecg", "ekg", "eog", "emg", "exg", "ieeg", "ecog", "seeg", "eda", "gsr", "scr", "scl", "ppg", "bvp", "pleth",
    "resp", "rsp", "heog", "veog",
)  # fmt: skip
# Kinds that may rest for an hour and be well, also inside an EEG stream.
_RESTING = (
    "trig", "ttl", "mark", "stim", "status", "counter", "count", "sample", "pack", "seq", "batt", "qual", "valid",
    "ref", "gnd", "ground", "cms", "drl", "bias", "aux", "misc", "acc", "gyr", "mag", "temp", "time", "event", "digi",
    "photo", "light", "imp", "cq", "zero", "empty", "unused", "nc", "din", "gpio", "button", "error", "flag", "interp",
    "index",
)  # fmt: skip


def _tokens(text: str) -> list[str]:
    return "".join(c if c.isalpha() else " " for c in text.lower()).split()


def _is_judged(label: str, own_type: str, stream_type: str) -> bool:
    for tokens in (_tokens(label), _tokens(own_type)):
        if tokens and tokens[0].startswith(_BODY):
            return True
        # The last word only for "Right AUX": "Fp1-REF" is an electrode and names its reference.
        if tokens and (tokens[0].startswith(_RESTING) or tokens[-1] == "aux"):
            return False
    tokens = _tokens(stream_type)
    return bool(tokens) and tokens[0].startswith(_BODY)


def judged_channels(description: StreamDescription, roles: Sequence[RoleAssignment] = ()) -> BoolArray:
    """Mark the channels of a stream that must not stand still.

    Parameters
    ----------
    roles : sequence of RoleAssignment
        What the channels of all streams are for (``resolve_roles`` of a study): those that carry a body are judged,
        both sides of bipolar pairs, and no others. Empty guesses by types and labels.

    Returns
    -------
    ndarray of bool, shape (n_channels,)
    """
    d, n = description, description.n_channels
    judged = np.zeros(n, dtype=np.bool_)
    if not d.is_regular or d.format == "string":
        return judged
    if not roles:
        own = [d.types[k] if k < len(d.types) else "" for k in range(n)]
        labels = [d.labels[k] if k < len(d.labels) else "" for k in range(n)]
        judged[:] = [_is_judged(labels[k], own[k], d.type) for k in range(n)]
        return judged
    for role in roles:
        if role.role in _BODY_ROLES and role.fits(n) and find_stream(role, (d,)) is not None:
            judged[[c for c in (*role.channels, *role.minus) if c >= 0]] = True
    return judged


def channel_label(description: StreamDescription, channel: int) -> str:
    """Return a channel's label, or its number from 1 where the device names none."""
    label = description.labels[channel] if channel < len(description.labels) else ""
    return label or str(channel + 1)


class Flatness:
    """Counts how long each channel of one stream has repeated one value.

    Only channels that carry a body are judged: counters, triggers, batteries and references may rest.

    Parameters
    ----------
    roles : sequence of RoleAssignment
        What the study's channels are for; empty guesses (``judged_channels``).
    """

    def __init__(self, description: StreamDescription, roles: Sequence[RoleAssignment] = ()) -> None:
        self._description = description
        self._judged = judged_channels(description, roles)
        self.is_needed = bool(self._judged.any())
        if not self.is_needed:
            return
        hz = description.nominal_hz
        self._channels: IntArray = np.flatnonzero(self._judged)
        # All channels judged, as it mostly is: no copy is needed to look at them.
        self._is_whole = bool(self._judged.all())
        self._limit_n = max(_SHORTEST_S * hz, float(_FEWEST_SAMPLES))
        self._longest_n = max(_LONGEST_S * hz, self._limit_n)
        self._suspect_n = _SUSPECT_S * hz
        self._glance_n = _GLANCE_S * hz
        self._unseen_n = _UNSEEN_S * hz
        self._alive_n = _ALIVE_S * hz
        self.restart()

    def restart(self) -> None:
        """Forget what was seen (the stream came back)."""
        if not self.is_needed:
            return
        n = len(self._channels)
        self._value: SampleArray | None = None
        self._run_n: FloatArray = np.zeros(n)
        self._usual_n: FloatArray = np.zeros(n)
        self._moving_n: FloatArray = np.zeros(n)
        self._since_s: FloatArray = np.zeros(n)
        self._is_flat: BoolArray = np.zeros(n, dtype=np.bool_)
        self._any_flat = self._is_close = False
        self._waiting_n = 0

    def count(self, samples: SampleArray, now_s: float) -> None:
        """Look at a chunk, shape (n_channels, n_times)."""
        n_times = self._waiting_n = self._waiting_n + samples.shape[1]
        if n_times < self._glance_n and not self._is_close:
            return
        self._waiting_n = 0
        newest = _bits(samples[:, -1] if self._is_whole else samples[self._channels, -1])
        value, self._value = self._value, newest
        if value is None:
            return
        run_n = self._run_n
        run_n += n_times
        run_n *= newest == value
        if self._any_flat:
            self._end_flat(n_times)
        is_suspect = bool(run_n.max() >= self._suspect_n)
        if is_suspect:
            self._look_closely(samples, newest, now_s)
        self._is_close = is_suspect or self._any_flat

    def flat(self, now_s: float) -> tuple[tuple[str, ...], float, bool]:
        """Return labels of the flat channels, since when the first is flat, and whether all judged ones are."""
        if not self.is_needed or not self._any_flat:
            return (), now_s, False
        which = np.flatnonzero(self._is_flat)
        labels = tuple(channel_label(self._description, int(self._channels[k])) for k in which)
        return labels, float(self._since_s[which].min()), len(which) == len(self._channels)

    def _look_closely(self, samples: SampleArray, newest: SampleArray, now_s: float) -> None:
        """Compare every sample of the channels whose value keeps coming back."""
        suspects = np.flatnonzero(self._run_n >= self._suspect_n)
        rows = _bits(samples[self._channels[suspects]])
        is_held = (rows == newest[suspects, None]).all(axis=1)
        # A repetition that ended before it was called flat tells what is usual for the channel.
        ended = suspects[~is_held]
        usual = np.where(self._is_flat[ended], 0.0, self._run_n[ended])
        self._usual_n[ended] = np.maximum(self._usual_n[ended], usual)
        self._run_n[ended] = 0.0
        held = suspects[is_held]
        limits_n = np.clip(_BEYOND_USUAL * self._usual_n[held], self._limit_n, self._longest_n)
        unseen_n = min(samples.shape[1], self._unseen_n)
        begins = held[(self._run_n[held] >= limits_n - unseen_n) & ~self._is_flat[held]]
        if len(begins):
            self._since_s[begins] = now_s - self._run_n[begins] / self._description.nominal_hz
            self._is_flat[begins] = True
            self._moving_n[begins] = 0.0
            self._any_flat = True

    def _end_flat(self, n_times: int) -> None:
        self._moving_n = np.where(self._run_n == 0, self._moving_n + n_times, 0.0)
        self._is_flat &= self._moving_n < self._alive_n
        self._any_flat = bool(self._is_flat.any())


def _bits(values: SampleArray) -> SampleArray:
    """Copy values as integers: so not-a-number is like itself."""
    return np.array(values, order="C").view(f"i{values.dtype.itemsize}")
