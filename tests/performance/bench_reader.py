"""Reading XDF beside pyxdf: processor, time and memory, every file and reader in a process of its own.

Run ``python tests/performance/bench_reader.py``: 20 minutes of 64 channels at 1 kHz in 32-bit floats, in chunks as
recorders write them; ``--quick`` reads two minutes with every stamp written out, ``--check`` fails below the ratios
that the tests ask for. Samples and stamps of the whole file are materialised. Readers take turns; medians. Memory is
anonymous memory (RssAnon, its peak, Linux only), as a share of the data's.
"""

import argparse
import json
import logging
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from veridical.domain.stream import StreamDescription
from veridical.domain.stream_header import header_xml
from veridical.storage import xdf_format as xdf

_N_CHANNELS, _RATE_HZ = 64, 1000
_KINDS = ("explicit", "deduced", "mixed")
_READERS = ("ours", "pyxdf")
_QUICK_S, _FULL_S = 120, 1200
# What ``--check`` asks for: half of what the full run shows, so that a machine with other work to do passes.
_LEAST_RATIO = {"explicit": 5.0, "deduced": 5.0, "mixed": 3.5}
_MOST_MEMORY, _BLOCK_BYTES = 1.2, 1 << 23


@dataclass(frozen=True)
class Run:
    """What one reader needed for one file."""

    cpu_s: float
    wall_s: float
    memory_bytes: float


def write_file(path: Path, kind: str, seconds: int) -> None:
    """Write chunks of 20 to 120 samples, a clock offset and a boundary now and then."""
    rng = np.random.default_rng(0)
    description = StreamDescription("EEG", "EEG", "e", "u", "h", _N_CHANNELS, float(_RATE_HZ), "float32")
    n, k, n_chunks = seconds * _RATE_HZ, 0, 0
    pool = rng.standard_normal((1000, _N_CHANNELS)).astype("<f4")
    with open(path, "wb") as file:
        file.write(xdf.MAGIC + xdf.encode_chunk(xdf.FILE_HEADER, b"<info><version>1.0</version></info>"))
        file.write(xdf.encode_chunk(xdf.STREAM_HEADER, struct.pack("<I", 1) + header_xml(description).encode()))
        while k < n:
            m = min(int(rng.integers(20, 120)), n - k)
            stamps_s = 500 + (k + np.arange(m)) / _RATE_HZ + 1e-5 * rng.standard_normal(m)
            values = pool[k % 800 : k % 800 + m]
            body = struct.pack("<IBI", 1, 4, m) + _encode(kind, stamps_s, values, k)
            file.write(xdf.encode_chunk(xdf.SAMPLES, body))
            k, n_chunks = k + m, n_chunks + 1
            if n_chunks % 40 == 0:
                file.write(xdf.encode_chunk(xdf.CLOCK_OFFSET, struct.pack("<Idd", 1, stamps_s[-1], 1e-5)))
                file.write(xdf.encode_chunk(xdf.BOUNDARY_TAG, xdf.BOUNDARY))


def _encode(
    kind: str, stamps_s: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]", values: object, first: int
) -> bytes:
    records = np.zeros(len(stamps_s), xdf.explicit_dtype(_N_CHANNELS, "float32"))
    records["flag"], records["stamp"], records["values"] = 8, stamps_s, values
    if kind == "explicit":
        return records.tobytes()
    rows = records.view(np.uint8).reshape(len(records), -1)
    # LabRecorder leaves out every stamp that follows from the one before, bit for bit: about every other one.
    has_stamp = np.arange(len(rows)) == 0 if kind == "deduced" else (np.arange(first, first + len(rows)) * 7) % 3 > 0
    kept = np.ones(rows.shape, bool)
    kept[~has_stamp, 1:9] = False
    rows[~has_stamp, 0] = 0
    return rows[kept].tobytes()


def _anonymous_bytes() -> float:
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return float("nan")
    return next(float(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("RssAnon"))


def read_file(reader: str, path: str) -> Run:
    """Materialise a file in this process."""
    if reader == "pyxdf":
        import pyxdf

        logging.getLogger("pyxdf").setLevel(logging.CRITICAL)
    else:
        from veridical.storage.xdf_reader import read_xdf
    before = peak = _anonymous_bytes()
    is_done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not is_done.wait(0.005):
            peak = max(peak, _anonymous_bytes())

    # The watcher's own time would count: it runs in every second process only (see ``measure``).
    watcher = threading.Thread(target=watch)
    if "--memory" in sys.argv:
        watcher.start()
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    if reader == "pyxdf":
        kept: object = pyxdf.load_xdf(path, synchronize_clocks=False, dejitter_timestamps=False)
    else:
        with read_xdf(path) as file:
            kept = [(stream.samples, stream.timestamps) for stream in file.streams]
    cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
    is_done.set()
    peak = max(peak, _anonymous_bytes())
    assert kept
    return Run(cpu_s, wall_s, peak - before)


def measure(path: Path, n_turns: int) -> dict[str, Run]:
    """Median of each reader over turns in fresh processes; memory from a turn of its own."""
    runs: dict[str, list[Run]] = {reader: [] for reader in _READERS}
    memory: dict[str, float] = {}
    for turn in range(n_turns + 1):
        for reader in _READERS:
            command = [sys.executable, __file__, "--read", reader, str(path), *(["--memory"] if turn == 0 else [])]
            told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            if turn == 0:
                memory[reader] = told[2]
            else:
                runs[reader].append(Run(*told))
    return {
        reader: Run(
            statistics.median(run.cpu_s for run in of_reader),
            statistics.median(run.wall_s for run in of_reader),
            memory[reader],
        )
        for reader, of_reader in runs.items()
    }


def main() -> int:
    """Print the table; 1 if ``--check`` finds a ratio that is not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--read", nargs=2, metavar=("READER", "FILE"))
    parser.add_argument("--memory", action="store_true")
    options = parser.parse_args()
    if options.read:
        run = read_file(*options.read)
        sys.stdout.write(json.dumps([run.cpu_s, run.wall_s, run.memory_bytes]))
        return 0
    seconds = _QUICK_S if options.quick else _FULL_S
    n_bytes = seconds * _RATE_HZ * (4 * _N_CHANNELS + 8)
    sys.stdout.write(f"{seconds / 60:g} min x {_N_CHANNELS} ch x {_RATE_HZ} Hz, {n_bytes / 1e6:.0f} MB of data\n")
    sys.stdout.write("stamps     CPU s ours/pyxdf   ratio   wall s ours/pyxdf   ratio   memory / data ours, pyxdf\n")
    is_met = True
    with tempfile.TemporaryDirectory(prefix="veridical-bench-") as folder:
        for kind in _KINDS[:1] if options.quick else _KINDS:
            path = Path(folder) / f"{kind}.xdf"
            write_file(path, kind, seconds)
            found = measure(path, options.turns)
            path.unlink()
            ours, theirs = found["ours"], found["pyxdf"]
            ratio, share = theirs.cpu_s / ours.cpu_s, ours.memory_bytes / n_bytes
            most_bytes = _MOST_MEMORY * n_bytes + (_BLOCK_BYTES if options.quick else 0)
            is_met &= ratio >= _LEAST_RATIO[kind] and not ours.memory_bytes > most_bytes
            sys.stdout.write(
                f"{kind:<10} {ours.cpu_s:7.3f} {theirs.cpu_s:8.3f} {ratio:8.1f}x "
                f"{ours.wall_s:9.3f} {theirs.wall_s:8.3f} {theirs.wall_s / ours.wall_s:8.1f}x "
                f"{share:12.2f} {theirs.memory_bytes / n_bytes:6.2f}\n"
            )
            sys.stdout.flush()
    return 0 if is_met or not options.check else 1


if __name__ == "__main__":
    sys.exit(main())
