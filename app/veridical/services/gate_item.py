"""One line of the pre-flight gate, and what it means for the start."""

from dataclasses import dataclass

from veridical.ipc.messages import Light

# Items that no reason can override: without them nothing can be recorded, something recorded would be lost, or the
# participant has not agreed.
NEVER_OVERRIDDEN = ("streams", "consent", "run")


@dataclass(frozen=True)
class GateItem:
    """One line of the pre-flight gate.

    Parameters
    ----------
    id : str
        ``eeg``, ``eda``, ... for a role; ``signal-eeg``, ...; ``streams``, ``units``, ``clocks``, ``markers``,
        ``stimuli``, ``consent``, ``disk``, ``fallback``, ``run``, ``screen``, ``refresh``, ``loudspeaker``,
        ``breath``.
    remedy : str
        What to do; empty when the light is good.
    is_blocking : bool
        Whether a session cannot start as long as this fails or is not known yet.
    override : str
        Why the operator starts all the same; empty without an override.
    streams : tuple of str
        Names of the streams that send nothing, if that is what fails: a session begun all the same does not wait
        for them.
    """

    id: str
    title: str
    light: Light
    words: str
    remedy: str = ""
    is_blocking: bool = False
    override: str = ""
    streams: tuple[str, ...] = ()

    @property
    def stops(self) -> bool:
        """Whether the session cannot start because of this item."""
        return self.is_blocking and self.light in ("fail", "unknown") and not self.override

    @property
    def may_be_overridden(self) -> bool:
        """Whether a reason is enough to start all the same."""
        return self.is_blocking and self.light == "fail" and self.id not in NEVER_OVERRIDDEN
