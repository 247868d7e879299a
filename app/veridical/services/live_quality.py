"""How good the signals of a session are right now, and when they were not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from veridical.domain.stream import Role
from veridical.services.stream_losses import Hole
from veridical.services.streams import ScopeTraces
from veridical.signals.quality import ChannelQuality, assess_channels

# Quality is judged from the last seconds, and so often.
SECONDS, EVERY_S = 5.0, 2.0
# A role whose channels mostly fail says nothing about a trial.
_MOST = 0.5


@dataclass(frozen=True)
class RoleQuality:
    """One role's channels in one line.

    Parameters
    ----------
    n_good : int
        Channels without a remark.
    poor : tuple of ChannelQuality
        The others, failing ones first.
    """

    role: Role
    n_good: int
    n_channels: int
    poor: tuple[ChannelQuality, ...]

    @property
    def is_failing(self) -> bool:
        """Whether more than half of the channels fail."""
        return sum(q.light == "fail" for q in self.poor) > _MOST * self.n_channels


class QualityWatch:
    """Judges live signals every two seconds and remembers the stretches in which a role failed."""

    def __init__(self, line_noise_hz: float = 50.0) -> None:
        self._line_noise_hz = line_noise_hz
        self._looked_s = float("-inf")
        self.roles: tuple[RoleQuality, ...] = ()
        self.poor: tuple[Hole, ...] = ()

    def is_due(self, now_s: float) -> bool:
        """Whether it is time to look again, by any steady clock."""
        return now_s - self._looked_s >= EVERY_S

    def look(self, traces: Sequence[ScopeTraces], now_s: float) -> None:
        """Judge the newest seconds, as they are recorded (unfiltered).

        Parameters
        ----------
        traces : sequence of ScopeTraces
            ``SECONDS`` long.
        """
        self._looked_s = now_s
        roles: list[RoleQuality] = []
        for t in traces:
            found = assess_channels(t.samples, t.sampling_hz, t.labels, t.role, self._line_noise_hz)
            poor = sorted((q for q in found if q.light in ("caution", "fail")), key=lambda q: q.light != "fail")
            n_good = sum(q.light == "good" for q in found)
            role = RoleQuality(t.role, n_good, len(found), tuple(poor))
            roles.append(role)
            if role.is_failing:
                self._extend(t.role, t.stop_s - t.samples.shape[1] / t.sampling_hz, t.stop_s)
        self.roles = tuple(roles)

    def _extend(self, role: str, start_s: float, stop_s: float) -> None:
        last = next((h for h in reversed(self.poor) if h.stream == role), None)
        if last is not None and start_s <= last.stop_s:
            self.poor = (*(h for h in self.poor if h is not last), replace(last, stop_s=stop_s))
        else:
            self.poor = (*self.poor, Hole(role, start_s, stop_s))
