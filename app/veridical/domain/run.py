"""One run, resolved: all that the child processes read before it starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from veridical.domain.participant import RunKey
from veridical.domain.protocol import SessionPlan
from veridical.domain.rating import Scale
from veridical.domain.simulation import SimulationPlan
from veridical.domain.stimulus import Stimulus
from veridical.domain.stream import RoleAssignment
from veridical.domain.stream import StreamSelector as StreamSelector
from veridical.domain.trigger import TriggerChoice

ScreenKind = Literal["psychopy", "headless"]


@dataclass(frozen=True)
class ScreenChoice:
    """Where the participant's pictures appear.

    Parameters
    ----------
    is_touch : bool
        Whether pointing is by finger.
    is_shared : bool
        Operator and participant take turns on one screen: it is the participant's while the session runs, and the
        operator's whenever it is paused or stopped.
    n_screens, announced_hz : int, float
        Screens that this computer shows, and the refresh rate that it announces for this one; 0 if nobody asked.
    """

    kind: ScreenKind = "psychopy"
    index: int = 0
    fullscreen: bool = True
    width_px: int = 1280
    height_px: int = 800
    width_cm: float = 53.0
    distance_cm: float = 70.0
    is_touch: bool = False
    is_shared: bool = False
    n_screens: int = 0
    announced_hz: float = 0.0


@dataclass(frozen=True)
class Override:
    """A failing item of the pre-flight gate that the operator passed over.

    Parameters
    ----------
    item, title, words : str
        The item's id and title, and what was wrong.
    reason : str
        Why the session began all the same.
    streams : tuple of str
        Names of silent streams that the start does not wait for.
    """

    item: str
    title: str
    words: str
    reason: str
    streams: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunPlan:
    """Contents of run.json.

    Parameters
    ----------
    stimuli : tuple of Stimulus
        Those that are shown; ``file`` is absolute.
    texts : mapping
        The participant's words by key (``instructions``, ``break``, ``debrief``, ...).
    marker_source_id : str
        Source id of the presenter's marker stream, unique per run.
    streams : tuple of StreamSelector
        What the recorder takes besides the marker stream.
    roles : tuple of RoleAssignment
        As decided at the pre-flight; copied into the session file.
    xdf, journal, session_file : str
        Absolute output paths.
    fallback : str
        Absolute folder in which the recording goes on when its disk fails; empty for none.
    simulation : SimulationPlan or None
        The simulated amplifier and body behind the streams; None with a real participant.
    has_simulated_participant : bool
        Whether the simulated participant also answers the scales.
    rating_timeout_s, instruction_timeout_s : float
        0 waits without limit.
    is_shortened : bool
        Durations were shortened for a demonstration; every report says so.
    shows_ratings : bool
        Whether the operator may see rating values while the session runs.
    intake : mapping
        What was asked and agreed before the session, by the field's id (``domain.intake``).
    continues, n_before : int
        The run that broke off and goes on here, None for none; trials that the session's earlier runs are done with.
    looks : tuple of int
        Blocks after which the session rests until the operator has looked at the data and decided how to go on.
    n_flashes : int
        A display test: so many flashes in place of a session; 0 for a session.
    trigger : TriggerChoice
        Hardware pulses beside the LSL markers.
    overrides : tuple of Override
        What the operator passed over at the pre-flight.
    preflight : tuple of str
        How every item stood at the start: "EEG (good): 32 channels at 500 Hz, measured, from SimEEG".
    """

    key: RunKey
    plan: SessionPlan
    scales: tuple[Scale, ...]
    stimuli: tuple[Stimulus, ...]
    seed: int
    marker_source_id: str
    streams: tuple[StreamSelector, ...]
    xdf: str
    journal: str
    session_file: str
    texts: Mapping[str, str] = field(default_factory=dict)
    roles: tuple[RoleAssignment, ...] = ()
    screen: ScreenChoice = ScreenChoice()
    simulation: SimulationPlan | None = None
    has_simulated_participant: bool = False
    rating_timeout_s: float = 15.0
    instruction_timeout_s: float = 0.0
    is_shortened: bool = False
    continues: int | None = None
    shows_ratings: bool = False
    intake: Mapping[str, str] = field(default_factory=dict)
    trigger: TriggerChoice = TriggerChoice()
    fallback: str = ""
    n_flashes: int = 0
    n_before: int = 0
    overrides: tuple[Override, ...] = ()
    preflight: tuple[str, ...] = ()
    looks: tuple[int, ...] = ()
