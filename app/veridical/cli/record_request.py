"""What ``veridical record`` was asked for."""

from dataclasses import dataclass

from veridical.domain.stream import StreamSelector


@dataclass(frozen=True)
class RecordRequest:
    """A recording to be made.

    Parameters
    ----------
    out, fallback : str
        Paths; an empty fallback is none.
    selectors : tuple of StreamSelector
        None take every stream.
    seconds : float or None
        None until Ctrl-C.
    """

    out: str
    selectors: tuple[StreamSelector, ...] = ()
    seconds: float | None = None
    fallback: str = ""
    as_json: bool = False
