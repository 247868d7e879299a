"""How true a timeline is on streams whose sampling times are known by construction, beside pyxdf's dejitter.

Run ``python tests/performance/bench_timeline.py``; ``--seeds 5`` repeats every kind of stream with other random
numbers, ``--only Muse`` takes the kinds whose name contains a word, ``--speed`` times 3 h at 1 kHz instead,
``--clocks`` generates devices whose clocks drift and are set anew, with the measurements a recorder makes of them.
The columns: error of the rate between gaps in parts per million, ours and pyxdf's; the largest error of a
sample's time (after a common delay) and the largest jitter of the stream, in ms; gaps that stand out of the
jitter, how many of them were missed, how many found segments are no gap, and errors in the count of missing samples.
"""

import argparse
import logging
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pyxdf.pyxdf import _jitter_removal

from veridical.signals.timeline import find_gaps, fit_timeline, synchronise_stretches

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Device:
    """A source of samples: ``tempo`` gives the clock's error in ppm over time, ``n_packet`` samples travel together."""

    nominal_hz: float
    seconds: float
    hz: float = 0.0
    tempo_ppm: Callable[[Floats], Floats] | None = None
    n_packet: int = 1

    def true_s(self) -> Floats:
        """Sampling times of all samples, lost ones included."""
        hz = self.hz or self.nominal_hz
        n = int(self.seconds * hz)
        ideal_s = np.arange(n) / hz
        if self.tempo_ppm is None:
            return ideal_s
        steps_s = (1 + 1e-6 * self.tempo_ppm(ideal_s)) / hz
        return np.concatenate(([0.0], np.cumsum(steps_s)[:-1]))


@dataclass(frozen=True)
class Stream:
    """What a recorder wrote, and what is true."""

    name: str
    nominal_hz: float
    index: Ints
    true_s: Floats
    stamps_s: Floats
    is_stalled: Bools = field(default_factory=lambda: np.empty(0, dtype=bool))
    # Jumps of the stamps that are real though no sample is missing (a clock that was reset).
    resets: tuple[int, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """How far off a timeline is."""

    rate_ppm: float
    error_s: float
    jitter_s: float
    n_gaps: int
    n_missed: int
    n_false: int
    n_miscounted: int
    n_segments: int

    @property
    def is_good(self) -> bool:
        """What the issue asks: rate within 0.1 %, no sample off by more than its jitter, all clear gaps."""
        is_true = self.rate_ppm < 1000 and self.error_s <= max(1.02 * self.jitter_s, 2e-5)
        return is_true and self.n_missed == 0 and self.n_false == 0 and self.n_miscounted == 0


def judge(stream: Stream, hz: float | None = None) -> Verdict:
    """Compare our timeline with the truth."""
    timeline = fit_timeline(stream.stamps_s, stream.nominal_hz)
    times_s, true_s = timeline.times(), stream.true_s
    period_s = float(np.median(np.diff(true_s) / np.maximum(np.diff(stream.index), 1)))
    stalled = stream.is_stalled if len(stream.is_stalled) else np.zeros(len(true_s), dtype=bool)
    delay_s = stream.stamps_s - true_s
    delay_s = delay_s - np.median(delay_s[~stalled])
    jitter_s = float(np.max(np.abs(delay_s[~stalled])))
    error_s = times_s - true_s
    lost = np.diff(stream.index) - 1
    # A loss within or around a burst: nothing tells which of the held samples it took.
    run = np.cumsum(np.append(True, np.diff(stalled) != 0) & stalled) * stalled
    is_open = np.append(False, (lost > 0) & (stalled[1:] | stalled[:-1]))
    open_runs = set(np.maximum(run, np.append(0, run[:-1]))[is_open].tolist())
    is_open_sample = np.isin(run, list(open_runs)) & stalled
    error_s = error_s[~is_open_sample]
    error_s = np.abs(error_s - np.median(error_s))
    # What the stamps themselves show: a step beyond what jitter can make.
    is_clear = (lost * period_s > 2.2 * jitter_s + 0.3 * period_s) & ~is_open[1:]
    true_breaks = set((np.flatnonzero(lost > 0) + 1).tolist()) | set(stream.resets)
    clear = set((np.flatnonzero(is_clear) + 1).tolist()) | set(stream.resets)
    found = {s.first for s in timeline.segments[1:]}
    slack = max(1, round(2 * jitter_s / period_s))
    gaps = {gap.first: gap.n_missing for gap in find_gaps(timeline)}
    wrong = [
        k
        for k in clear & set(gaps) - set(stream.resets)
        if abs(gaps[k] - lost[k - 1]) > slack * (jitter_s > 0.2 * period_s)
    ]
    step_s = np.diff(true_s)[lost == 0]
    is_hidden = float(np.sum(lost[~is_clear])) > 5e-4 * len(lost)
    # A rate is only to be had where samples are enough and no losses hide in the jitter.
    is_enough = not is_hidden and len(true_s) > 100 and np.ptp(true_s) > 1000 * jitter_s
    near_open = {int(k) for k in np.flatnonzero(is_open_sample | is_open)}
    return Verdict(
        rate_ppm=abs(timeline.sampling_hz * float(np.mean(step_s)) - 1) * 1e6 if is_enough else 0.0,
        error_s=float(np.max(error_s)),
        jitter_s=jitter_s,
        n_gaps=len(clear),
        n_missed=len(clear - found),
        n_false=sum(not _is_near(k, true_breaks, slack) for k in found - near_open),
        n_miscounted=len(wrong),
        n_segments=len(timeline.segments),
    )


def _is_near(k: int, others: set[int], slack: int) -> bool:
    return any(k + d in others for d in range(-slack, slack + 1))


class _PyxdfStream:
    """The fields that pyxdf's dejitter reads and writes."""

    def __init__(self, stamps_s: Floats, nominal_hz: float) -> None:
        self.time_stamps = stamps_s.copy()
        self.srate = nominal_hz
        self.tdiff = 1 / nominal_hz
        self.segments: list[tuple[int, int]] = []
        self.effective_srate = 0.0


def judge_pyxdf(stream: Stream) -> tuple[float, float]:
    """Rate in Hz and largest error in seconds of pyxdf's dejitter with its own thresholds."""
    rival = _PyxdfStream(stream.stamps_s, stream.nominal_hz)
    _jitter_removal({1: rival})
    error_s = rival.time_stamps - stream.true_s
    return float(rival.effective_srate), float(np.max(np.abs(error_s - np.median(error_s))))


# --- losses -----------------------------------------------------------------------------------------------------


def lose_packets(device: Device, n: int, share: float, mean_lost: float, rng: np.random.Generator) -> Bools:
    """Lose whole packets in runs of ``mean_lost`` packets on average, until ``share`` is gone."""
    n_packets = -(-n // device.n_packet)
    kept: list[bool] = []
    mean_kept = mean_lost * (1 - share) / share
    while len(kept) < n_packets:
        kept += [True] * (1 + int(rng.exponential(mean_kept))) + [False] * (1 + int(rng.exponential(mean_lost)))
    return np.repeat(np.array(kept[:n_packets]), device.n_packet)[:n]


def lose_stretches(device: Device, true_s: Floats, stretches: list[tuple[float, float]]) -> Bools:
    """Lose what was sampled from second a to second b."""
    kept = np.ones(len(true_s), dtype=bool)
    for a, b in stretches:
        kept &= ~((true_s >= a) & (true_s < b))
    return kept


# --- stamps -----------------------------------------------------------------------------------------------------


def stamp_samples(true_s: Floats, delay_s: Floats) -> Floats:
    """Stamp every sample by itself."""
    return true_s + delay_s


def stamp_packets(index: Ints, true_s: Floats, device: Device, delays: Callable[[int], Floats], style: str) -> Floats:
    """Stamp whole packets: all samples ``same``, or ``spread`` back at the announced rate."""
    packet = index // device.n_packet
    _, first, which = np.unique(packet, return_index=True, return_inverse=True)
    last = np.append(first[1:], len(index)) - 1
    arrival_s: Floats = np.maximum.accumulate(true_s[last] + delays(len(last)))
    before_last = 0 * index if style == "same" else index[last][which] - index
    stamps_s: Floats = arrival_s[which] - before_last / device.nominal_hz
    return stamps_s


def bluetooth(true_s: Floats, rng: np.random.Generator, interval_s: float = 0.015, late: float = 0.02) -> Floats:
    """Delays until the next connection event of a link that transmits every 15 ms (as the real Muse files show)."""
    phase = rng.uniform(0, interval_s)
    wait_s = interval_s - np.mod(true_s + phase, interval_s)
    delay_s: Floats = wait_s + interval_s * (rng.random(len(true_s)) < late) * rng.integers(1, 3, len(true_s))
    return delay_s


def stall(
    stamps_s: Floats, true_s: Floats, starts_s: Floats, seconds: Floats, spacing_s: float
) -> tuple[Floats, Bools]:
    """Hold back what is due in each stall, and let it out as a burst at its end."""
    stamps_s = stamps_s.copy()
    stalled = np.zeros(len(stamps_s), dtype=bool)
    for a, b in zip(starts_s, starts_s + seconds, strict=True):
        held = np.flatnonzero((stamps_s >= a) & (stamps_s < b))
        stamps_s[held] = b + spacing_s * np.arange(len(held))
        stalled[held] = True
        if len(held):
            after = np.flatnonzero(stamps_s[held[-1] + 1 :] < stamps_s[held[-1]]) + held[-1] + 1
            stamps_s[after] = stamps_s[held[-1]] + spacing_s
            stalled[after] = True
    return stamps_s, stalled


# --- kinds of streams -------------------------------------------------------------------------------------------


def _plain(
    name: str,
    device: Device,
    delays: Callable[[int, np.random.Generator], Floats],
    kept: Callable[[Floats, np.random.Generator], Bools] | None = None,
) -> Callable[[np.random.Generator], Stream]:
    def make(rng: np.random.Generator) -> Stream:
        true_s = device.true_s()
        keep = np.ones(len(true_s), dtype=bool) if kept is None else kept(true_s, rng)
        index = np.flatnonzero(keep)
        true_s = true_s[index]
        return Stream(name, device.nominal_hz, index, true_s, 1e5 + true_s + delays(len(true_s), rng))

    return make


def _packets(
    name: str,
    device: Device,
    style: str,
    delays: Callable[[int, np.random.Generator], Floats],
    share: float = 0.0,
    mean_lost: float = 1.0,
    quantum_s: float = 0.0,
) -> Callable[[np.random.Generator], Stream]:
    def make(rng: np.random.Generator) -> Stream:
        true_s = device.true_s()
        keep = lose_packets(device, len(true_s), share, mean_lost, rng) if share else np.ones(len(true_s), dtype=bool)
        index = np.flatnonzero(keep)
        true_s = true_s[index]
        stamps_s = stamp_packets(index, true_s, device, lambda n: delays(n, rng), style)
        if quantum_s:
            stamps_s = np.round(stamps_s / quantum_s) * quantum_s
        return Stream(name, device.nominal_hz, index, true_s, 1e5 + stamps_s)

    return make


def _muse(name: str, share: float, mean_lost: float, seconds: float = 300.0) -> Callable[[np.random.Generator], Stream]:
    device = Device(256.0, seconds, 256.022, n_packet=12)

    def make(rng: np.random.Generator) -> Stream:
        true_s = device.true_s()
        keep = lose_packets(device, len(true_s), share, mean_lost, rng) if share else np.ones(len(true_s), dtype=bool)
        index = np.flatnonzero(keep)
        true_s = true_s[index]
        ends_s = true_s[np.append(np.flatnonzero(np.diff(index // 12)), len(index) - 1)]
        wait_s = bluetooth(ends_s, rng) + rng.normal(0, 0.0003, len(ends_s))
        stamps_s = stamp_packets(index, true_s, device, lambda n: wait_s, "spread")
        return Stream(name, 256.0, index, true_s, 150000 + np.round(stamps_s, 3))

    return make


def _stalls(
    name: str, device: Device, jitter_s: float, every_s: float, length_s: float, spacing_s: float, share: float = 0.0
) -> Callable[[np.random.Generator], Stream]:
    def make(rng: np.random.Generator) -> Stream:
        true_s = device.true_s()
        keep = (
            lose_packets(device, len(true_s), share, device.nominal_hz, rng)
            if share
            else np.ones(len(true_s), dtype=bool)
        )
        index = np.flatnonzero(keep)
        true_s = true_s[index]
        stamps_s = true_s + rng.exponential(jitter_s, len(true_s))
        starts_s = np.cumsum(rng.exponential(every_s, int(2 * device.seconds / every_s)) + length_s * 2)
        starts_s = starts_s[starts_s < device.seconds - 4 * length_s]
        stamps_s, stalled = stall(
            stamps_s, true_s, starts_s, rng.uniform(0.3, 1.0, len(starts_s)) * length_s, spacing_s
        )
        return Stream(name, device.nominal_hz, index, true_s, 1e5 + stamps_s, stalled)

    return make


def _lossy_bursts(
    name: str, cycle_s: float, open_s: float, share: float, newest: bool
) -> Callable[[np.random.Generator], Stream]:
    """A radio that is open for a while every cycle; what its buffer cannot hold is gone, the rest is a burst."""
    device = Device(128.0, 300.0, 128.02)

    def make(rng: np.random.Generator) -> Stream:
        true_s = device.true_s()
        keep = np.ones(len(true_s), dtype=bool)
        stamps_s = true_s + rng.exponential(0.002, len(true_s))
        stalled = np.zeros(len(true_s), dtype=bool)
        begin = 10.0
        while begin < device.seconds - 3 * cycle_s:
            closed = (cycle_s - open_s) * rng.uniform(0.8, 1.2)
            held = np.flatnonzero((true_s >= begin) & (true_s < begin + closed))
            n_lost = min(len(held) - 1, int(share * cycle_s * device.hz))
            lost = held[:n_lost] if newest else held[len(held) - n_lost :]
            sent = np.setdiff1d(held, lost)
            keep[lost] = False
            stamps_s[sent] = begin + closed + 1e-4 * np.arange(len(sent))
            stalled[sent] = True
            # What comes behind a burst waits for its end.
            stalled |= (true_s > begin + closed) & (stamps_s < begin + closed + 1e-4 * len(sent))
            begin += closed + open_s * rng.uniform(0.8, 1.2)
        index = np.flatnonzero(keep)
        return Stream(name, 128.0, index, true_s[index], 1e5 + np.maximum.accumulate(stamps_s[index]), stalled[index])

    return make


def _gaussian(sd_s: float) -> Callable[[int, np.random.Generator], Floats]:
    return lambda n, rng: rng.normal(0, sd_s, n)


def _late(mean_s: float) -> Callable[[int, np.random.Generator], Floats]:
    return lambda n, rng: rng.exponential(mean_s, n)


def _exact(n: int, rng: np.random.Generator) -> Floats:
    return np.zeros(n)


def _quantised(name: str, device: Device, quantum_s: float) -> Callable[[np.random.Generator], Stream]:
    def make(rng: np.random.Generator) -> Stream:
        true_s = device.true_s()
        stamps_s = np.ceil((true_s + rng.exponential(1e-4, len(true_s))) / quantum_s) * quantum_s
        return Stream(name, device.nominal_hz, np.arange(len(true_s)), true_s, 1e5 + stamps_s)

    return make


def _step_ppm(at_s: float, ppm: float) -> Callable[[Floats], Floats]:
    return lambda t: np.where(t > at_s, ppm, 0.0)


def _warming_ppm(ppm: float, tau_s: float) -> Callable[[Floats], Floats]:
    return lambda t: ppm * (1 - np.exp(-t / tau_s))


def _single_losses(rate: float) -> Callable[[Floats, np.random.Generator], Bools]:
    return lambda true_s, rng: rng.random(len(true_s)) > rate


def _stretches(*stretches: tuple[float, float]) -> Callable[[Floats, np.random.Generator], Bools]:
    def keep(true_s: Floats, rng: np.random.Generator) -> Bools:
        kept = np.ones(len(true_s), dtype=bool)
        for a, b in stretches:
            kept &= ~((true_s >= a) & (true_s < b))
        return kept

    return keep


def kinds() -> dict[str, Callable[[np.random.Generator], Stream]]:
    """Every kind of stream by name."""
    made: dict[str, Callable[[np.random.Generator], Stream]] = {}

    def add(
        name: str, maker: Callable[..., Callable[[np.random.Generator], Stream]], *args: object, **more: object
    ) -> None:
        made[name] = maker(name, *args, **more)

    for hz in (4.0, 32.0, 128.0, 250.0, 500.0, 1000.0, 2048.0, 20000.0):
        seconds = min(600.0, 1e6 / hz)
        add(f"{hz:.0f} Hz, Gaussian 1 ms", _plain, Device(hz, seconds, hz * 1.0001), _gaussian(0.001))
        add(f"{hz:.0f} Hz, exact", _plain, Device(hz, seconds, hz * 0.9998), _exact)
        add(
            f"{hz:.0f} Hz, exact, 12 gaps",
            _plain,
            Device(hz, seconds, hz * 1.0002),
            _exact,
            _stretches(
                *[(seconds * (k + 1) / 14, seconds * (k + 1) / 14 + 2.5 / hz * 3 ** (k % 6)) for k in range(12)]
            ),
        )
    for sd in (0.0001, 0.001, 0.005, 0.03):
        for hz in (128.0, 1000.0):
            add(
                f"{hz:.0f} Hz, Gaussian {1e3 * sd:g} ms, gaps of seconds",
                _plain,
                Device(hz, 300.0, hz * 1.00015),
                _gaussian(sd),
                _stretches((30, 31.3), (50, 50.7), (51.5, 54), (100, 100.6), (200, 231)),
            )
            add(
                f"{hz:.0f} Hz, late {1e3 * sd:g} ms, gaps of seconds",
                _plain,
                Device(hz, 300.0, hz * 0.99985),
                _late(sd),
                _stretches((30, 31.3), (50, 50.7), (51.5, 54), (100, 100.6), (200, 231)),
            )
            add(
                f"{hz:.0f} Hz, Gaussian {1e3 * sd:g} ms, 3 h"
                if hz < 500
                else f"{hz:.0f} Hz, Gaussian {1e3 * sd:g} ms, 20 min",
                _plain,
                Device(hz, 10800.0 if hz < 500 else 1200, hz * 1.0002),
                _gaussian(sd),
            )
    for share in (0.02, 0.2, 0.4, 0.6):
        for mean_lost, words in ((1.0, "single packets"), (30.0, "gaps of seconds"), (200.0, "gaps of many seconds")):
            for style in ("same", "spread"):
                for jitter in (0.0005, 0.005, 0.02):
                    add(
                        f"128 Hz, 12 a packet, {style}, {1e3 * jitter:g} ms, {100 * share:.0f} % lost, {words}",
                        _packets,
                        Device(128.0, 600.0, 128.03, n_packet=12),
                        style,
                        _late(jitter),
                        share,
                        mean_lost,
                    )
            add(
                f"128 Hz, sample by sample 2 ms, {100 * share:.0f} % lost, {words}",
                _packets,
                Device(128.0, 600.0, 127.96),
                "same",
                _late(0.002),
                share,
                mean_lost * 12,
            )
            add(
                f"250 Hz, sample by sample 0.2 ms, {100 * share:.0f} % lost, {words}",
                _packets,
                Device(250.0, 600.0, 250.1),
                "same",
                _gaussian(0.0002),
                share,
                mean_lost,
            )
    for off in (0.95, 0.97, 1.03, 1.05, 0.9324, 1.2, 0.5):
        add(f"rate {off:g} of nominal, 2 ms", _plain, Device(256.0, 300.0, 256.0 * off), _gaussian(0.002))
        add(
            f"rate {off:g} of nominal, 12 same a packet",
            _packets,
            Device(256.0, 300.0, 256.0 * off, n_packet=12),
            "same",
            _late(0.002),
        )
        add(
            f"rate {off:g} of nominal, 12 spread a packet",
            _packets,
            Device(256.0, 300.0, 256.0 * off, n_packet=12),
            "spread",
            _late(0.002),
        )
        add(
            f"rate {off:g} of nominal, 12 spread a packet, 40 % lost",
            _packets,
            Device(256.0, 300.0, 256.0 * off, n_packet=12),
            "spread",
            _late(0.002),
            0.4,
            40.0,
        )
        add(
            f"rate {off:g} of nominal, 1 ms, 40 % lost",
            _packets,
            Device(128.0, 300.0, 128.0 * off),
            "same",
            _late(0.001),
            0.4,
            200.0,
        )
    add("Muse", _muse, 0.0, 1.0)
    for share in (0.01, 0.1, 0.4, 0.6):
        add(f"Muse, {100 * share:.0f} % lost, single packets", _muse, share, 1.0)
        add(f"Muse, {100 * share:.0f} % lost, gaps of seconds", _muse, share, 60.0)
    for jitter in (0.0001, 0.001, 0.005):
        for ppm in (20.0, 200.0):
            add(
                f"500 Hz, {1e3 * jitter:g} ms, clock changes by {ppm:g} ppm",
                _plain,
                Device(500.0, 600.0, tempo_ppm=_step_ppm(300, ppm)),
                _gaussian(jitter),
            )
            add(
                f"500 Hz, {1e3 * jitter:g} ms, clock warms by {ppm:g} ppm, 1 h",
                _plain,
                Device(500.0, 3600.0, tempo_ppm=_warming_ppm(ppm, 600)),
                _gaussian(jitter),
            )
            add(
                f"250 Hz, {1e3 * jitter:g} ms, clock warms by {ppm:g} ppm, gaps",
                _plain,
                Device(250.0, 1800.0, tempo_ppm=_warming_ppm(ppm, 600)),
                _late(jitter),
                _stretches((100, 103), (300, 360), (700, 701), (900, 900.5)),
            )
    add("500 Hz, exact, clock changes by 20 ppm", _plain, Device(500.0, 600.0, tempo_ppm=_step_ppm(300, 20)), _exact)
    add(
        "250 Hz, 2 ms, sine of 50 ppm, 3 h",
        _plain,
        Device(250.0, 10800.0, tempo_ppm=lambda t: 50 * np.sin(t / 500)),
        _gaussian(0.002),
    )
    for jitter in (0.0002, 0.002):
        for spacing in (0.0, 1e-5, 1e-3):
            add(
                f"250 Hz, {1e3 * jitter:g} ms, stalls up to 3 s and bursts at {1e3 * spacing:g} ms",
                _stalls,
                Device(250.0, 300.0, 250.02),
                jitter,
                10.0,
                3.0,
                spacing,
            )
            add(
                f"250 Hz, {1e3 * jitter:g} ms, many stalls up to 0.3 s, {1e3 * spacing:g} ms",
                _stalls,
                Device(250.0, 300.0, 250.02),
                jitter,
                1.0,
                0.3,
                spacing,
            )
        add(
            f"250 Hz, {1e3 * jitter:g} ms, stalls and 20 % lost",
            _stalls,
            Device(250.0, 600.0, 250.02),
            jitter,
            20.0,
            2.0,
            1e-5,
            0.2,
        )
        add(
            f"1000 Hz, {1e3 * jitter:g} ms, stalls up to 30 s",
            _stalls,
            Device(1000.0, 600.0, 1000.02),
            jitter,
            60.0,
            30.0,
            1e-5,
        )
    for newest in (True, False):
        which = "oldest" if newest else "newest"
        add(f"128 Hz, bursts every 5 s, 40 % lost ({which})", _lossy_bursts, 5.0, 1.0, 0.4, newest)
        add(f"128 Hz, bursts every 10 s, 40 % lost ({which})", _lossy_bursts, 10.0, 2.0, 0.4, newest)
        add(f"128 Hz, bursts every 5 s, open for 3 s, 20 % lost ({which})", _lossy_bursts, 5.0, 3.0, 0.2, newest)
    for hz in (100.0, 500.0, 1000.0, 2000.0):
        add(f"{hz:.0f} Hz, stamps in ms", _quantised, Device(hz, 300.0, hz * 1.00007), 0.001)
        add(f"{hz:.0f} Hz, stamps in 16 ms", _quantised, Device(hz, 300.0, hz * 1.00007), 0.0156)
    for loss in (1e-4, 1e-3, 1e-2, 5e-2):
        add(
            f"250 Hz, 0.3 ms, single samples lost ({loss:g})",
            _plain,
            Device(250.0, 600.0, 250.01),
            _gaussian(0.0003),
            _single_losses(loss),
        )
        add(
            f"250 Hz, 5 ms, single samples lost ({loss:g})",
            _plain,
            Device(250.0, 600.0, 250.01),
            _gaussian(0.005),
            _single_losses(loss),
        )
        add(
            f"1000 Hz, late 3 ms, single samples lost ({loss:g})",
            _plain,
            Device(1000.0, 300.0, 1000.01),
            _late(0.003),
            _single_losses(loss),
        )
    for seconds in (0.05, 0.5, 2.0, 10.0):
        add(f"{seconds:g} s of 250 Hz, 1 ms", _plain, Device(250.0, seconds, 250.0), _gaussian(0.001))
        add(
            f"{seconds:g} s of 250 Hz, 12 spread a packet",
            _packets,
            Device(250.0, seconds, 250.1, n_packet=12),
            "spread",
            _late(0.005),
        )
    return made


@dataclass(frozen=True)
class Clock:
    """A device's clock, set anew ``n_resets`` times by seconds to days, and how it is measured every 5 s.

    Parameters
    ----------
    longest_step_s : float
        Steps are between 3 s and this.
    has_gaps : bool
        The device sends nothing for up to 23 s around each reset.
    wild : float
        Share of measurements that are late by tens of milliseconds.
    """

    n_resets: int
    drift_ppm: float = 20.0
    jitter_s: float = 0.002
    longest_step_s: float = 1e6
    has_gaps: bool = False
    probe_s: float = 2e-4
    wild: float = 0.0


def judge_clock(clock: Clock, rng: np.random.Generator) -> tuple[float, float, int]:
    """Largest error and largest jitter in seconds, and number of segments, of 10 minutes at 250 Hz."""
    true_s = np.arange(150_000) / 250
    # Measurements tell one reset from the next only if some lie in between.
    resets_s = 30 + 40 * rng.choice(13, clock.n_resets, replace=False) + rng.uniform(0, 15, clock.n_resets)
    resets_s.sort()
    for reset_s in resets_s if clock.has_gaps else ():
        true_s = true_s[(true_s <= reset_s - rng.uniform(0, 3)) | (true_s >= reset_s + rng.uniform(0, 20))]
    steps_s = rng.choice([-1, 1], clock.n_resets) * np.exp(
        rng.uniform(np.log(3), np.log(clock.longest_step_s), clock.n_resets)
    )
    levels_s = 12_345 + np.cumsum(np.append(0.0, steps_s))

    def device_s(at_s: Floats) -> Floats:
        level_s: Floats = levels_s[np.searchsorted(resets_s, at_s, side="right")]
        return at_s * (1 + 1e-6 * clock.drift_ppm) + level_s

    delay_s = rng.exponential(clock.jitter_s, len(true_s))
    measured_s = np.arange(1.0, 600.0, 5.0) + rng.uniform(0, 0.1, 120)
    offsets_s = measured_s - device_s(measured_s) + rng.normal(0, clock.probe_s, 120)
    offsets_s += (rng.random(120) < clock.wild) * rng.exponential(0.02, 120)
    measurements = np.stack([device_s(measured_s), offsets_s], axis=1)
    times_s, resets = synchronise_stretches(device_s(true_s) + delay_s, measurements)
    timeline = fit_timeline(times_s, 250.0, resets)
    usual_s = float(np.median(delay_s))
    error_s = float(np.max(np.abs(timeline.times() - true_s - usual_s)))
    return error_s, float(np.max(np.abs(delay_s - usual_s))), len(timeline.segments)


def measure_clocks(n_seeds: int) -> None:
    """Print how devices with restless clocks fare."""
    clocks = {
        "no reset": Clock(0),
        "drift of 5000 ppm": Clock(0, 5000.0),
        "measurements late now and then": Clock(0, wild=0.2),
        "1 reset": Clock(1),
        "3 resets": Clock(3),
        "3 resets, exact stamps": Clock(3, jitter_s=1e-5),
        "3 resets, gaps": Clock(3, has_gaps=True),
        "5 resets, gaps, late measurements": Clock(5, has_gaps=True, wild=0.1),
        "5 resets of 3 to 20 s": Clock(5, longest_step_s=20.0),
        "3 resets of 3 to 20 s, gaps": Clock(3, longest_step_s=20.0, has_gaps=True),
        "1 reset, Wi-Fi": Clock(1, jitter_s=0.01, probe_s=3e-3),
    }
    print(f"{'clock':40s}{'err ms':>12s}{'jitter':>12s}{'segments':>12s}")  # noqa: T201
    n_good = 0
    for name, clock in clocks.items():
        for seed in range(n_seeds):
            error_s, jitter_s, n_segments = judge_clock(clock, np.random.default_rng(seed))
            # Half a millisecond is what the measurements leave open.
            is_good = error_s <= max(jitter_s, 5e-4) and n_segments == clock.n_resets + 1
            n_good += is_good
            row = f"{name:40s}{1e3 * error_s:12.2f}{1e3 * jitter_s:12.2f}{n_segments:6d} of {clock.n_resets + 1:2d}"
            print(f"{row} {'' if is_good else '<--'}")  # noqa: T201
    print(f"{n_good} of {n_seeds * len(clocks)} good")  # noqa: T201


def measure_speed() -> None:
    """Print CPU seconds and memory for 3 h at 1 kHz."""
    rng = np.random.default_rng(0)
    n = 10_800_000
    true_s = np.arange(n) / 1000.02
    for name, stamps_s in (
        ("exact", true_s),
        ("Gaussian 1 ms", true_s + rng.normal(0, 0.001, n)),
        ("32 a packet", true_s[np.minimum((np.arange(n) // 32 + 1) * 32 - 1, n - 1)] + 0.0),
        ("20,000 gaps", true_s + np.cumsum((rng.random(n) < 20000 / n) * 0.05) + rng.exponential(0.001, n)),
    ):
        before, peak = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        timeline = fit_timeline(stamps_s, 1000.0)
        spent = time.process_time() - before
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) / 1024
        print(f"{name:20s} {spent:6.2f} CPU-s  peak +{grown:5.0f} MB  {len(timeline.segments)} segments")  # noqa: T201


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--bad", action="store_true", help="print only what is not good")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--clocks", action="store_true", help="devices whose clocks are set anew")
    choice = parser.parse_args()
    logging.disable(logging.WARNING)
    if choice.clocks:
        measure_clocks(choice.seeds)
        return
    if choice.speed:
        measure_speed()
        return
    n_good = n_all = 0
    heads = ("rate ppm", "pyxdf", "err ms", "jitter", "pyxdf", "gaps", "missed", "false", "counts")
    print(f"{'stream':66s}" + "".join(f"{head:>10s}" for head in heads))  # noqa: T201
    for name, make in kinds().items():
        if choice.only not in name:
            continue
        for seed in range(choice.seeds):
            stream = make(np.random.default_rng(seed))
            ours = judge(stream)
            rival_hz, rival_s = judge_pyxdf(stream)
            step_s = np.diff(stream.true_s)[np.diff(stream.index) == 1]
            rival_ppm = abs(rival_hz * float(np.mean(step_s)) - 1) * 1e6
            n_all += 1
            n_good += ours.is_good
            if choice.bad and ours.is_good:
                continue
            row = (ours.rate_ppm, rival_ppm, 1e3 * ours.error_s, 1e3 * ours.jitter_s, 1e3 * rival_s)
            counts = (ours.n_gaps, ours.n_missed, ours.n_false, ours.n_miscounted)
            numbers = "".join(f"{x:10.2f}" for x in row) + "".join(f"{x:10d}" for x in counts)
            print(f"{name:66s}{numbers} {'' if ours.is_good else '<--'}")  # noqa: T201
    print(f"{n_good} of {n_all} good")  # noqa: T201


if __name__ == "__main__":
    main()
