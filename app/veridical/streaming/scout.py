"""New streams, found as soon as they answer."""

import threading
from collections.abc import Callable, Iterable

import pylsl

# One round: the library asks by multicast at its beginning and its known peers 0.5 s later.
_ROUND_S = 0.6
# A longer question does not fit into a packet.
_MOST_EXCLUDED = 1000


class Scout:
    """Asks the network for unknown streams, round after round, in a thread of its own.

    The library's own continuous resolver asks every 1 s, or with known peers twice in 1.75 s, and its questions
    stay open for 5 s on ports of the range that outlets need: a second resolver took up to 24 of the default 32
    [measured]. A round here is over when somebody answers, and what is known already does not answer at all.

    Parameters
    ----------
    known : callable
        Uids that need not answer.
    found : callable
        Called with what has answered, from the thread.
    """

    def __init__(self, known: Callable[[], Iterable[str]], found: Callable[[list[pylsl.StreamInfo]], None]) -> None:
        self._known = known
        self._found = found
        self._is_closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lsl-scout", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Begin no further round; does not wait."""
        self._is_closed.set()

    def close(self) -> None:
        """Stop, and wait for the round that is under way."""
        self.stop()
        self._thread.join(2 * _ROUND_S)

    def _run(self) -> None:
        while not self._is_closed.is_set():
            known = sorted(self._known())
            excluded = " ".join(known[:_MOST_EXCLUDED])
            infos = pylsl.resolve_bypred(f"not(contains('{excluded}', uid))", 1, _ROUND_S)
            new = [info for info in infos if info.uid() and info.uid() not in known]
            if new:
                self._found(new)
            elif infos:
                # Answers that are of no use may come at once, again and again.
                self._is_closed.wait(_ROUND_S)
