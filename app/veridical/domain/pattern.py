"""What a model reads, in the features' own space (Haufe et al. 2014), as values to draw."""

from dataclasses import dataclass

from veridical.domain.arrays import FloatArray


@dataclass(frozen=True)
class ScalpPattern:
    """How the potential moves with the model's decision, over a stretch of time after picture onset.

    Parameters
    ----------
    values : ndarray, shape (n_channels,)
        Volts per standard deviation of the decision, positive towards the upper class.
    """

    start_s: float
    stop_s: float
    labels: tuple[str, ...]
    values: FloatArray


@dataclass(frozen=True)
class NamedPattern:
    """How a named feature moves with the model's decision: their correlation over the trials learned from."""

    name: str
    correlation: float


@dataclass(frozen=True)
class ModelPattern:
    """Everything that a model reads; empty parts where it does not look there.

    Parameters
    ----------
    named : tuple of NamedPattern
        The closest first.
    """

    scalp: tuple[ScalpPattern, ...] = ()
    named: tuple[NamedPattern, ...] = ()
