"""The port through which a session reaches the participant: views out, inputs in."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from veridical.domain.rating import Scale
from veridical.domain.run import ScreenKind
from veridical.domain.stimulus import Stimulus
from veridical.domain.view import View
from veridical.presenter.texts import Texts
from veridical.presenter.timing import FrameReport

Device = Literal["keyboard", "mouse", "touch", "none"]
InputKind = Literal["press", "release", "step", "confirm", "text"]


@dataclass(frozen=True)
class Input:
    """One thing the participant did.

    Parameters
    ----------
    kind : str
        ``press`` and ``release`` of a key; ``step``: a step of a scale was pointed at; ``confirm``: the button under
        the scale, or a text screen, was clicked; ``text``: a character was typed.
    lsl_s : float
        When it was seen, LSL seconds.
    key : str
        ``0`` to ``9``, ``left``, ``right``, ``up``, ``down``, ``home``, ``end``, ``pageup``, ``pagedown``, ``tab``,
        ``backspace``, ``return``, ``space``, ``escape``; of ``text``, the character; empty for a pointer.
    step : int or None
        What was pointed at: the value on a Likert scale, the option counted from 1, a slider's step from 0.
    scale_id : str
        The scale pointed at, where several share the screen; empty for the only one.
    is_drag : bool
        The pointer was already down: the same movement goes on.
    """

    kind: InputKind
    lsl_s: float
    key: str = ""
    step: int | None = None
    device: Device = "keyboard"
    scale_id: str = ""
    is_drag: bool = False


@dataclass(frozen=True)
class ScreenInfo:
    """What kind of screen the participant sees.

    Parameters
    ----------
    words : str
        For people: ``psychopy 1920x1080, 60.0 Hz`` or ``headless (no display)``.
    refresh_hz : float
        Measured rate; of the simulated or software clock without a vertical blank.
    has_vsync : bool
        Whether a flip waits for the vertical blank; without it all timing is by software only.
    """

    kind: ScreenKind
    words: str
    width_px: int
    height_px: int
    refresh_hz: float
    has_vsync: bool


class Screen(Protocol):
    """What a session needs of a screen."""

    @property
    def info(self) -> ScreenInfo:
        """What kind of screen this is."""
        ...

    @property
    def n_dropped(self) -> int:
        """Refreshes missed so far; 0 without a vertical blank."""
        ...

    def preload(
        self, stimuli: Sequence[Stimulus], scales: Sequence[Scale], texts: Texts, glances: Sequence[str] = ()
    ) -> None:
        """Decode and build everything that will be shown, so that no trial waits for it.

        Parameters
        ----------
        glances : sequence of str
            Ids of the pictures that are shown again above a question.

        Raises
        ------
        StimulusError
            For the first picture that is missing, changed or cannot be decoded.
        """
        ...

    def prepare(self, stimulus_id: str, length_s: float) -> Iterator[None]:
        """Decode a video or sound, and bring it to the graphics card; yields many times a second until it is ready.

        Only one clip is held at a time.

        Parameters
        ----------
        length_s : float
            What comes after is not needed.

        Raises
        ------
        StimulusError
            If it is missing, changed, cannot be decoded, or needs a loudspeaker where there is none.
        """
        ...

    def arm(self, lsl_s: float) -> None:
        """Let the sound of the clip that was prepared begin at an LSL time, nothing if it has none."""
        ...

    @property
    def sound_started_s(self) -> float | None:
        """LSL time at which the last clip's sound left the device, as its driver says; None without a sound."""
        ...

    @property
    def is_muted(self) -> bool:
        """Whether the clip that was prepared has a sound that this computer cannot let out."""
        ...

    def flip(self, view: View) -> float:
        """Show a view at the next refresh and return the LSL time of that flip, in seconds (blocks until then).

        Raises
        ------
        StimulusError
            If the view's picture cannot be shown; the screen stays as it was.
        """
        ...

    def wait(self, until_s: float) -> bool:
        """Let at most one refresh pass without a change.

        Returns False, at once, when a flip asked for now would come nearest to ``until_s`` (LSL seconds).
        """
        ...

    def poll(self) -> list[Input]:
        """Take what the participant did since the last call; does not block."""
        ...

    def put(self, entry: Input) -> None:
        """Queue an input as if the participant had made it (the simulated participant's way in)."""
        ...

    def housekeep(self) -> None:
        """Use a moment without timing demands, between trials, for work that would delay a flip."""
        ...

    def cue(self) -> None:
        """Sound a short tone, if the machine has a loudspeaker (the end of a rest with closed eyes)."""
        ...

    def report(self) -> FrameReport:
        """How regular the refreshes were so far."""
        ...

    def hand_over(self) -> None:
        """Let the operator see what lies behind (one screen for both)."""
        ...

    def take_back(self) -> None:
        """Be the participant's screen again."""
        ...

    def close(self) -> None:
        """Give the screen back."""
        ...


class InputQueue:
    """Inputs in the order in which they came, from whatever device."""

    def __init__(self) -> None:
        self._waiting: deque[Input] = deque()

    def put(self, entry: Input) -> None:
        """Add an input."""
        self._waiting.append(entry)

    def take(self) -> list[Input]:
        """Remove and return all inputs."""
        taken = list(self._waiting)
        self._waiting.clear()
        return taken
