"""Whether a stream's clock can be trusted: its base, its measurements, its jumps."""

# FORMATS 5 says 60 s for files; live, nothing honest is so late, and a replay of a minute would be too late to mend.
_BASE_S = 10.0
# A backlog after a network stall is old for a moment.
_BASE_LASTS_S = 0.4
# The library probes every 2 s and needs some 0.6 s for it: three probes in vain.
_FROZEN_S = 8.0
# Honest measurements scatter by microseconds; a fabricated one repeats itself to the last bit.
_N_REPEATS = 4
_JUMP_S = 0.1
_ROUND_TRIPS = 5.0


class ClockWatch:
    """Follows one stream's clock measurements and how far its stamps are from now."""

    def __init__(self, started_s: float) -> None:
        self.restart(started_s)

    def restart(self, now_s: float) -> None:
        """Begin anew: the stream came back."""
        self.offset_s: float | None = None
        # Jumps of the clock found and not yet taken, in seconds.
        self.jumps_s: list[float] = []
        self._measured_s = now_s
        self._round_trip_s = 0.0
        self._n_repeats = 0
        self._has_measured = False
        self._off_since_s: float | None = None
        self._off_by_s = 0.0

    def shift(self, seconds: float) -> None:
        """Leave out a time in which the recorder itself stood still."""
        self._measured_s += seconds

    def measure(self, offset_s: float, round_trip_s: float, now_s: float) -> None:
        """Take note of a new measurement."""
        if self.offset_s is not None:
            jump_s = offset_s - self.offset_s
            self._n_repeats = self._n_repeats + 1 if jump_s == 0.0 else 0
            # A probe that travelled long, before or now, may be off by as much.
            if abs(jump_s) > max(_JUMP_S, _ROUND_TRIPS * max(round_trip_s, self._round_trip_s)):
                self.jumps_s.append(jump_s)
        self.offset_s = offset_s
        self._round_trip_s = round_trip_s
        self._measured_s = now_s
        self._has_measured = True

    def count(self, last_s: float, now_s: float) -> None:
        """Compare the newest stamp with now; without a measurement nothing can be said."""
        if self.offset_s is None:
            return
        off_s = last_s + self.offset_s - now_s
        if abs(off_s) <= _BASE_S + self._round_trip_s:
            self._off_since_s = None
            return
        self._off_by_s = off_s
        if self._off_since_s is None:
            self._off_since_s = now_s

    def off_base(self, now_s: float) -> tuple[float, float] | None:
        """(since when, by how much) the stamps are on another base; None if they are not."""
        if self._off_since_s is None or now_s - self._off_since_s < _BASE_LASTS_S:
            return None
        return self._off_since_s, self._off_by_s

    def frozen(self, now_s: float) -> tuple[float, str] | None:
        """(since when, words) the clock is no longer measured; None if it is."""
        silent_s = now_s - self._measured_s
        if silent_s > _FROZEN_S:
            if self._has_measured:
                return self._measured_s, f"clock not measured for {silent_s:.0f} s"
            return self._measured_s, f"clock never measured in {silent_s:.0f} s; its stamps cannot be aligned"
        if self._n_repeats >= _N_REPEATS:
            return self._measured_s, f"clock offset frozen: the last {self._n_repeats + 1} measurements are identical"
        return None
