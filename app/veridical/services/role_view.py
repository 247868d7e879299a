"""The newest seconds of one role for the eye: read, scaled and filtered piece by piece."""

from typing import Protocol

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.domain.stream import RoleAssignment, StreamDescription
from veridical.signals.causal import CausalFilter
from veridical.signals.filters import FilterChoice
from veridical.streaming.viewing import Fresh


class Source(Protocol):
    """A stream that is viewed (``streaming.viewing.ViewingInlet``)."""

    stream: StreamDescription

    def since(self, place: int) -> Fresh:
        """Return what is newer than an earlier look."""
        ...


class RoleView:
    """Keeps a role's newest seconds in SI units, ready to be drawn; one thread reads it.

    Only what is new is copied, scaled and filtered: a frame of 64 channels at 1 kHz touches 33 new columns instead
    of 10 000.
    """

    def __init__(self, role: RoleAssignment, inlet: Source, seconds: float) -> None:
        self.role = role
        self.sampling_hz = inlet.stream.nominal_hz
        self.stop_s = float("nan")
        self._inlet = inlet
        self._n_times = max(1, round(seconds * self.sampling_hz))
        # Twice as long as needed: what is shown is always one piece, and moves to the front now and then.
        self._samples = np.full((len(role.channels), 2 * self._n_times), np.nan, dtype=np.float32)
        self._end = self._n_times
        self._place = 0
        self._choice: FilterChoice | None = None
        self._filter: CausalFilter | None = None

    def read(self, choice: FilterChoice | None = None) -> FloatArray:
        """Return the newest seconds, shape (n_channels, n_times), float32; NaN where nothing came."""
        if choice != self._choice:
            self._choice = choice
            self._filter = None if choice is None else CausalFilter(choice, self.sampling_hz, len(self.role.channels))
            self._samples[:] = np.nan
            self._end, self._place = self._n_times, 0
        fresh = self._inlet.since(self._place)
        self._place, self.stop_s = fresh.place, fresh.stop_s
        if fresh.samples.shape[1]:
            self._append(self.role.apply(fresh.samples))
        return self._samples[:, self._end - self._n_times : self._end]

    def read_raw(self, seconds: float) -> FloatArray:
        """Return the newest seconds unfiltered, without moving on; fewer if fewer have come."""
        n_times = round(seconds * self.sampling_hz)
        fresh = self._inlet.since(max(0, self._place - n_times))
        newest: FloatArray = self.role.apply(fresh.samples[:, -n_times:])
        return newest

    def _append(self, values: FloatArray) -> None:
        if self._filter is not None:
            values = self._filter.filter(values)
        n = values.shape[1]
        if self._end + n > self._samples.shape[1]:
            kept = self._n_times - n
            if kept > 0:
                self._samples[:, :kept] = self._samples[:, self._end - kept : self._end].copy()
            self._end = max(0, kept)
        self._samples[:, self._end : self._end + n] = values
        self._end += n
