"""A program that streams, in a process of its own, and writes down what it has sent and when.

Run as ``python lsl_program.py LOG SPEC`` it obeys lines on stdin and answers each with ``done``:
``push N`` sends N samples of every stream at once, ``run`` sends at the announced rate from now on, ``hold`` no
longer, ``die SECONDS`` ends without a goodbye so long after the samples that it sends last, ``break`` cuts
the connections to all receivers.
"""

import json
import os
import socket
import sys
import threading
from dataclasses import dataclass

import numpy as np

_LOG = np.dtype([("stream", "<i8"), ("n", "<i8"), ("sent_s", "<f8")])
_TICK_S = 0.01
# Streams without a rate send so often.
_MARKERS_HZ = 8.0


@dataclass(frozen=True)
class _Stream:
    name: str
    hz: float
    n_channels: int
    format: str
    source_id: str
    type: str


class _Sender:
    def __init__(self, log: str, streams: list[_Stream]) -> None:
        import pylsl

        self._clock = pylsl.local_clock
        self._streams = streams
        self._outlets = [
            pylsl.StreamOutlet(
                pylsl.StreamInfo(s.name, s.type, s.n_channels, s.hz, s.format, s.source_id), max_buffered=60
            )
            for s in streams
        ]
        self._n = [0] * len(streams)
        self._log = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        self.start_s: float = self._clock()
        self._lock = threading.Lock()
        self._is_running = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def start(self) -> None:
        # From where it has come: a pause leaves no backlog.
        self.start_s = self._clock() - max(n / self._hz(i) for i, n in enumerate(self._n))
        self._is_running.set()

    def hold(self) -> None:
        self._is_running.clear()

    def push(self, i: int, due: int) -> None:
        with self._lock:
            stream, outlet = self._streams[i], self._outlets[i]
            k = np.arange(self._n[i], due)
            if not len(k):
                return
            stamps_s = (self.start_s + k / self._hz(i)).tolist()
            if stream.format == "string":
                for number, stamp_s in zip(k.tolist(), stamps_s, strict=True):
                    outlet.push_sample([str(number)] * stream.n_channels, stamp_s)
            else:
                kind = {"float32": "f4", "double64": "f8"}.get(stream.format, stream.format)
                outlet.push_chunk(np.repeat(k[:, None], stream.n_channels, 1).astype(kind), stamps_s)
            self._n[i] = due
            os.write(self._log, np.array((i, due, self._clock()), _LOG).tobytes())

    def push_all(self, n: int) -> None:
        for i in range(len(self._streams)):
            self.push(i, self._n[i] + n)

    def break_connections(self) -> None:
        for descriptor in range(3, 512):
            try:
                found = socket.socket(fileno=os.dup(descriptor))
            except OSError:
                continue
            try:
                found.getpeername()
                found.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            finally:
                found.close()

    def _hz(self, i: int) -> float:
        return self._streams[i].hz or _MARKERS_HZ

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            self._is_running.wait()
            for i in range(len(self._streams)):
                self.push(i, int((self._clock() - self.start_s) * self._hz(i)))
            pause.wait(_TICK_S)


def _main() -> None:
    sender = _Sender(sys.argv[1], [_Stream(**spec) for spec in json.loads(sys.argv[2])])
    sys.stdout.write(f"{sender.start_s!r}\n")
    sys.stdout.flush()
    for line in sys.stdin:
        word, *values = line.split()
        if word == "push":
            sender.push_all(int(values[0]))
        elif word == "run":
            sender.start()
        elif word == "hold":
            sender.hold()
        elif word == "break":
            sender.break_connections()
        elif word == "die":
            sender.push_all(7)
            threading.Event().wait(float(values[0]))
            os._exit(0)
        sys.stdout.write("done\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main()
