"""A marker sent and read back through LSL: whether markers of this computer reach a recording at all."""

import secrets
import time

import pylsl

from veridical.domain.errors import StreamError
from veridical.streaming.clock import local_clock
from veridical.streaming.inlet import RawInlet
from veridical.streaming.outlet import MarkerOutlet

ECHO_NAME = "veridical-echo"
_BUFFERED_S = 10


def echo_marker(timeout_s: float = 3.0) -> float:
    """Send one marker through a stream of its own and read it back (blocks at most ``timeout_s`` seconds).

    The stream is found on the network like any other, so that a firewall or a wrong network scope shows.

    Returns
    -------
    float
        Seconds from sending to reading.

    Raises
    ------
    StreamError
        If the stream is not found or the marker does not come back with its text and stamp.
    """
    end = time.monotonic() + timeout_s
    source_id = f"{ECHO_NAME}-{secrets.token_hex(6)}"
    outlet = MarkerOutlet(source_id, ECHO_NAME, ECHO_NAME)
    try:
        infos = pylsl.resolve_byprop("source_id", source_id, 1, timeout_s)
        if not infos:
            raise StreamError(
                "The marker stream of this computer is not found over LSL; allow Veridical and Python in the firewall, "
                "or check LSLAPICFG."
            )
        inlet = RawInlet(infos[0], _BUFFERED_S)
        try:
            inlet.open(max(0.5, end - time.monotonic()))
            outlet.wait_for_consumers(max(0.1, end - time.monotonic()))
            text, sent_s = secrets.token_hex(4), local_clock()
            outlet.push(text, sent_s)
            while time.monotonic() < end:
                chunk = inlet.pull(0.1)
                for stamp_s, value in zip(chunk.stamps_s.tolist(), chunk.samples[0], strict=True):
                    if value == text.encode() and stamp_s == sent_s:
                        return local_clock() - sent_s
        finally:
            inlet.close()
    finally:
        outlet.close()
    raise StreamError(
        "A marker was sent and did not come back; close other programs that use LSL, or restart the computer."
    )
