"""How a rater wants to see the signals; nothing here changes what is recorded, marked or analysed."""

from dataclasses import dataclass, field, replace

from veridical.domain.viewing import ViewedSignal
from veridical.signals.filters import FilterChoice
from veridical.signals.reference import Derivation, Reference, derive

# A role and a channel's label.
Channel = tuple[str, str]

# What is filtered for the eye; skin conductance and the heart have shapes that filters would change.
FILTERED_ROLES = ("EEG", "EOG")
# Blinks, muscle and alpha stay, drift and mains go (ACNS Guideline 3 reads EEG at 1 to 70 Hz).
DEFAULT_FILTERS = FilterChoice(1.0, 40.0, (50.0,))
# Beyond 5 min an envelope is solid black; from here on channels are shown as swings against their usual ones.
HEAT_FROM_S = 300.0
# Fewer channels than this stay traces in a long window.
_LEAST_HEAT_CHANNELS = 8
OWN_EDA_SECONDS = 60.0


@dataclass(frozen=True)
class ViewSettings:
    """How the signals are shown.

    Parameters
    ----------
    order : tuple of Channel
        Channels that were moved, in their order; all others follow as recorded.
    factors : tuple of (Channel, float)
        How much larger a channel is drawn than its role.
    is_filtered : bool
        Whether ``filters`` are on.
    eda_seconds : float or None
        Length of skin conductance's own window; None shows it with the others.
    """

    hidden: frozenset[Channel] = frozenset()
    order: tuple[Channel, ...] = ()
    factors: tuple[tuple[Channel, float], ...] = ()
    filters: FilterChoice = DEFAULT_FILTERS
    is_filtered: bool = False
    reference: Reference = field(default_factory=Reference)
    is_butterfly: bool = False
    eda_seconds: float | None = None

    def factor(self, channel: Channel) -> float:
        """How much larger a channel is drawn than its role."""
        return dict(self.factors).get(channel, 1.0)

    def with_factor(self, channel: Channel, factor: float) -> "ViewSettings":
        """Draw a channel larger or smaller than its role."""
        factors = {**dict(self.factors), channel: factor}
        return replace(self, factors=tuple((c, f) for c, f in factors.items() if f != 1.0))

    def with_visible(self, channel: Channel, is_visible: bool) -> "ViewSettings":
        """Show or hide a channel."""
        return replace(self, hidden=self.hidden - {channel} if is_visible else self.hidden | {channel})


@dataclass(frozen=True, eq=False)
class Strip:
    """The channels of one role as they are drawn.

    Parameters
    ----------
    derivation : Derivation or None
        How they are made of the recorded ones; None draws those.
    filters : FilterChoice or None
    shown : tuple of int
        Which of the (derived) channels are drawn, from the top.
    factors : tuple of float
        For every drawn channel.
    span : float
        Value range of one lane.
    """

    signal: ViewedSignal
    derivation: Derivation | None
    filters: FilterChoice | None
    labels: tuple[str, ...]
    shown: tuple[int, ...]
    factors: tuple[float, ...]
    span: float

    @property
    def role(self) -> str:
        """The role that is drawn."""
        return self.signal.role

    def recorded_of(self, channel: int) -> tuple[str, ...]:
        """Labels of the recorded channels that a (derived) channel shows: two of a bipolar pair, else one."""
        labels, derivation = self.signal.labels, self.derivation
        if derivation is None:
            return (labels[channel],)
        pair = derivation.minus[channel] if len(derivation.minus) > 1 else ()
        return (labels[derivation.plus[channel]], *(labels[k] for k in pair))

    @property
    def data_key(self) -> tuple[object, ...]:
        """What its values depend on."""
        signal = self.signal
        return id(signal.source), id(signal.timeline), id(signal.envelope), self.derivation, self.filters

    def is_heat(self, seconds: float) -> bool:
        """Whether a window of this length shows swings instead of traces."""
        return seconds > HEAT_FROM_S and len(self.shown) >= _LEAST_HEAT_CHANNELS and self.signal.envelope is not None


def lay_strips(
    signals: tuple[ViewedSignal, ...], settings: ViewSettings, spans: dict[str, float], bad: tuple[str, ...] = ()
) -> tuple[tuple[Strip, ...], str]:
    """Decide what is drawn of every signal.

    Returns
    -------
    strips : tuple of Strip
        Signals of which nothing is shown are left out.
    problem : str
        Why the reference cannot be shown; empty if it can.
    """
    strips: list[Strip] = []
    problem = ""
    for signal in signals:
        derivation: Derivation | None = None
        labels = signal.labels
        if signal.role == "EEG" and settings.reference.kind != "recorded":
            try:
                derivation = derive(signal.labels, settings.reference, bad)
                labels = derivation.labels
            except ValueError as error:
                problem = str(error)
        shown = _in_order(signal.role, labels, signal.labels, derivation, settings)
        if not shown:
            continue
        is_filtered = settings.is_filtered and signal.role in FILTERED_ROLES
        limit_hz = 0.49 * signal.sampling_hz
        strips.append(
            Strip(
                signal,
                derivation,
                settings.filters.below(limit_hz) if is_filtered else None,
                labels,
                shown,
                tuple(settings.factor((signal.role, labels[k])) for k in shown),
                spans.get(signal.role, 1.0),
            )
        )
    return tuple(strips), problem


def _in_order(
    role: str, labels: tuple[str, ...], recorded: tuple[str, ...], derivation: Derivation | None, settings: ViewSettings
) -> tuple[int, ...]:
    """Positions of the shown channels; a derived one goes with the recorded one that it is made of."""
    place = {channel: k for k, channel in enumerate(settings.order)}
    own = [recorded[derivation.plus[k]] if derivation is not None else label for k, label in enumerate(labels)]
    shown = [k for k, label in enumerate(own) if (role, label) not in settings.hidden]
    return tuple(sorted(shown, key=lambda k: (place.get((role, own[k]), len(place)), k)))
