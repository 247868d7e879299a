"""How punctual the screen was: frames, and every picture's asked and true duration."""

from dataclasses import dataclass

import numpy as np

# A refresh that took longer than one and a half periods swallowed at least one frame.
_DROPPED_PERIODS = 1.5


@dataclass(frozen=True)
class FrameReport:
    """Refresh intervals while every refresh was drawn.

    Parameters
    ----------
    has_vsync : bool
        Whether flips waited for the vertical blank.
    n_frames : int
        Intervals measured; 0 without a vertical blank, because nothing is redrawn between changes.
    interval_mean_s, interval_sd_s, interval_p99_s, interval_max_s : float or None
        Seconds; None without intervals.
    n_dropped : int
        Intervals longer than 1.5 periods.
    words : str
        For people, e.g. ``software timing only``.
    """

    has_vsync: bool
    refresh_hz: float
    n_flips: int
    n_frames: int
    interval_mean_s: float | None
    interval_sd_s: float | None
    interval_p99_s: float | None
    interval_max_s: float | None
    n_dropped: int
    words: str


@dataclass(frozen=True)
class PictureTiming:
    """One picture's asked and true duration, in seconds, from flip to flip."""

    trial: int
    is_practice: bool
    onset_lsl_s: float
    asked_s: float
    true_s: float


@dataclass(frozen=True)
class TimingReport:
    """The timing part of the presenter's outcome.

    Parameters
    ----------
    duration_error_mean_s, duration_error_max_s : float or None
        Mean and largest absolute difference between true and asked duration; None without pictures.
    """

    frames: FrameReport
    pictures: tuple[PictureTiming, ...]
    duration_error_mean_s: float | None
    duration_error_max_s: float | None


class FrameLog:
    """Collects flip times; intervals count only while every refresh is drawn."""

    def __init__(self, refresh_hz: float, has_vsync: bool) -> None:
        self._refresh_hz = refresh_hz
        self._has_vsync = has_vsync
        self._last_s: float | None = None
        self._intervals: list[float] = []
        self._n_flips = 0
        self.n_dropped = 0

    def add(self, flip_s: float) -> None:
        """Note a flip, in seconds."""
        self._n_flips += 1
        if self._has_vsync and self._last_s is not None:
            interval = flip_s - self._last_s
            self._intervals.append(interval)
            self.n_dropped += interval > _DROPPED_PERIODS / self._refresh_hz
        self._last_s = flip_s

    def interrupt(self) -> None:
        """Leave the interval that is running out: the screen was busy on purpose."""
        self._last_s = None

    def report(self, words: str) -> FrameReport:
        """Summarise all intervals so far."""
        intervals = np.array(self._intervals)
        has_any = len(intervals) > 0
        return FrameReport(
            has_vsync=self._has_vsync,
            refresh_hz=self._refresh_hz,
            n_flips=self._n_flips,
            n_frames=len(intervals),
            interval_mean_s=float(intervals.mean()) if has_any else None,
            interval_sd_s=float(intervals.std()) if has_any else None,
            interval_p99_s=float(np.percentile(intervals, 99)) if has_any else None,
            interval_max_s=float(intervals.max()) if has_any else None,
            n_dropped=self.n_dropped,
            words=words,
        )


def summarise(frames: FrameReport, pictures: tuple[PictureTiming, ...]) -> TimingReport:
    """Put frames and pictures together."""
    errors = np.abs([p.true_s - p.asked_s for p in pictures])
    return TimingReport(
        frames=frames,
        pictures=pictures,
        duration_error_mean_s=float(errors.mean()) if len(errors) else None,
        duration_error_max_s=float(errors.max()) if len(errors) else None,
    )
