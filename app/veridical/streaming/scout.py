"""The network asked by ourselves: new streams are found as soon as they answer."""

from collections.abc import Collection

import pylsl

# One round: the library asks by multicast at its beginning and its known peers 0.5 s later.
_ROUND_S = 0.6
# In between all are asked, not only unknown ones: who does not answer any more has gone.
_ROLL_CALL_S = 2.0
_MOST_STREAMS = 1024
# A longer question does not fit into a packet.
_MOST_EXCLUDED = 500


class Scout:
    """Asks for streams, round after round.

    The library's own continuous resolver asks every 1 s, or with known peers twice in 1.75 s, so that a new stream is
    found after 1.3 s at worst; and its questions stay open for up to 5 s on ports of the range that outlets need, so
    that a second one in between takes up most of the range. A round here is over when a new stream answers, and
    those that are known do not answer at all.

    Parameters
    ----------
    forget_after_s : float
        A stream that has not answered for so long is gone.
    """

    def __init__(self, forget_after_s: float) -> None:
        self._forget_after_s = forget_after_s
        self._seen: dict[str, tuple[pylsl.StreamInfo, float]] = {}
        self._called_s = 0.0
        self._is_crowded = False

    def look(self) -> dict[str, pylsl.StreamInfo]:
        """Ask once and return what is announced now, by uid (blocks for at most 0.6 s)."""
        now_s = pylsl.local_clock()
        # Known streams that cannot be left out, and those without a uid, would end every round at once.
        is_roll_call = self._is_crowded or now_s - self._called_s >= _ROLL_CALL_S
        if is_roll_call:
            self._called_s = now_s
        infos = _ask((), _MOST_STREAMS) if is_roll_call else _ask(self._seen, 1)
        self._is_crowded = len(self._seen) > _MOST_EXCLUDED or any(not info.uid() for info in infos)
        now_s = pylsl.local_clock()
        for info in infos:
            # What the library could not read has no uid.
            if uid := info.uid():
                self._seen[uid] = (self._seen.get(uid, (info, 0.0))[0], now_s)
        for uid, (_, seen_s) in list(self._seen.items()):
            if seen_s < now_s - self._forget_after_s:
                del self._seen[uid]
        return {uid: info for uid, (info, _) in self._seen.items()}


def _ask(known: Collection[str], minimum: int) -> list[pylsl.StreamInfo]:
    excluded = " ".join(list(known)[:_MOST_EXCLUDED])
    return list(pylsl.resolve_bypred(f"not(contains('{excluded}', uid))", minimum, _ROUND_S))
