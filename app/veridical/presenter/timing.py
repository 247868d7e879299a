"""How punctual the screen was: frames, and every picture's asked and true duration."""

from dataclasses import dataclass

import numpy as np

from veridical.domain.arrays import FloatArray

# Beyond these a session's timing is called bad: a hundredth of the frames late, a twentieth of the pictures off by more
# than a frame and a half, or one stall that anybody sees.
_BAD_DROPPED_SHARE, _BAD_PICTURE_SHARE, _BAD_STALL_S = 0.01, 0.05, 0.1
# Sound that comes this much before or after its picture is noticed (ITU-R BT.1359: 45 ms before, 125 ms after).
_EARLY_SOUND_S, _LATE_SOUND_S = 0.045, 0.125
# Width of a bar of the histogram.
_BIN_S = 0.0005
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
    histogram : tuple of (float, int)
        Where a bar of 0.5 ms begins, in seconds, and how many intervals fell into it; empty bars are left out.
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
    histogram: tuple[tuple[float, int], ...] = ()


@dataclass(frozen=True)
class PictureTiming:
    """One picture's asked and true duration, in seconds, from flip to flip.

    Parameters
    ----------
    sound_lag_s : float or None
        From the flip to the clip's sound leaving the device, as its driver says; None without a sound.
    is_muted : bool
        Whether a video was shown without the sound that it has.
    """

    trial: int
    is_practice: bool
    onset_lsl_s: float
    asked_s: float
    true_s: float
    sound_lag_s: float | None = None
    is_muted: bool = False


@dataclass(frozen=True)
class TimingReport:
    """The timing part of the presenter's outcome.

    Parameters
    ----------
    duration_error_mean_s, duration_error_max_s : float or None
        Mean and largest absolute difference between true and asked duration; None without pictures.
    problem : str
        Empty, or what was bad about the timing or missing, in words.
    """

    frames: FrameReport
    pictures: tuple[PictureTiming, ...]
    duration_error_mean_s: float | None
    duration_error_max_s: float | None
    problem: str = ""


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
            histogram=_histogram(intervals),
        )


def _histogram(intervals_s: FloatArray) -> tuple[tuple[float, int], ...]:
    bars, counts = np.unique(np.floor(intervals_s / _BIN_S), return_counts=True)
    return tuple((round(float(b) * _BIN_S, 6), int(n)) for b, n in zip(bars, counts, strict=True))


def summarise(frames: FrameReport, pictures: tuple[PictureTiming, ...]) -> TimingReport:
    """Put frames and pictures together."""
    errors = np.abs([p.true_s - p.asked_s for p in pictures])
    return TimingReport(
        frames=frames,
        pictures=pictures,
        duration_error_mean_s=float(errors.mean()) if len(errors) else None,
        duration_error_max_s=float(errors.max()) if len(errors) else None,
        problem=" ".join(s for s in (_find_problem(frames, errors), _find_sound_problem(pictures)) if s),
    )


def _find_problem(frames: FrameReport, errors_s: FloatArray) -> str:
    """Say what was bad about the timing; empty if nothing was."""
    found: list[str] = []
    if frames.n_frames and frames.n_dropped > _BAD_DROPPED_SHARE * frames.n_frames:
        found.append(f"{frames.n_dropped} of {frames.n_frames} frames came late")
    if frames.interval_max_s is not None and frames.interval_max_s > _BAD_STALL_S:
        found.append(f"the screen stood still for {1000 * frames.interval_max_s:.0f} ms")
    n_off = int(np.sum(errors_s > _DROPPED_PERIODS / frames.refresh_hz)) if frames.refresh_hz > 0 else 0
    if n_off > _BAD_PICTURE_SHARE * len(errors_s):
        worst_ms = 1000 * float(errors_s.max())
        found.append(
            f"{n_off} of {len(errors_s)} pictures were off by more than a frame, at worst by {worst_ms:.0f} ms"
        )
    if not found:
        return ""
    remedy = "Evoked responses are blurred; close other programs before the next session."
    return f"The timing was bad: {'; '.join(found)}. {remedy}"


def _find_sound_problem(pictures: tuple[PictureTiming, ...]) -> str:
    """Say which clips could not be heard as they were meant; empty if all could."""
    found: list[str] = []
    n_muted = sum(p.is_muted for p in pictures)
    if n_muted:
        found.append(
            f"{n_muted} video{'s were' if n_muted > 1 else ' was'} shown without sound; connect a loudspeaker or "
            "headphones before the next session."
        )
    lags_s = np.array([p.sound_lag_s for p in pictures if p.sound_lag_s is not None])
    off = lags_s[(lags_s < -_EARLY_SOUND_S) | (lags_s > _LATE_SOUND_S)]
    if len(off):
        worst_ms = 1000 * float(off[np.argmax(np.abs(off))])
        found.append(
            f"{len(off)} of {len(lags_s)} sounds did not begin with their clip, at worst {abs(worst_ms):.0f} ms "
            f"{'after' if worst_ms > 0 else 'before'} it; close other programs before the next session."
        )
    return " ".join(found)
