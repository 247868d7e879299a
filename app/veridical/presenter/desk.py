"""The operator's side of the presenter: what windows are told, and what they ask for."""

from typing import Protocol

from veridical.ipc.messages import Command, PresenterState
from veridical.presenter.clock import Clock

# A window repaints the mirror at most ten times a second.
_MIN_GAP_S = 0.1


class Channel(Protocol):
    """The child's end of the channel (``ipc.channel.Server``)."""

    def publish(self, state: PresenterState) -> None:
        """Send a state to every attached window."""
        ...

    def poll(self) -> list[Command]:
        """Take the commands that have arrived."""
        ...


class Desk:
    """Keeps the presenter's state and sends it on, at most about ten times a second.

    Windows may come and go; nothing here waits for one.
    """

    def __init__(self, channel: Channel, clock: Clock, state: PresenterState) -> None:
        self._channel = channel
        self._clock = clock
        self._sent_s = float("-inf")
        self._sent: PresenterState | None = None
        self.state = state
        self.send()

    def update(self, state: PresenterState) -> None:
        """Take a new state; a new phase goes out at once, the rest with the next ``tick``."""
        is_new_phase = state.phase != self.state.phase
        self.state = state
        if is_new_phase:
            self.send()

    def tick(self) -> None:
        """Send what has changed, unless something was sent just now."""
        if self.state != self._sent and self._clock.now() - self._sent_s >= _MIN_GAP_S:
            self.send()

    def send(self) -> None:
        """Send the state now."""
        self._channel.publish(self.state)
        self._sent, self._sent_s = self.state, self._clock.now()

    def commands(self) -> list[Command]:
        """Take the commands that have arrived; does not block."""
        return self._channel.poll()
