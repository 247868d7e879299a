"""Which of the announced streams are recorded."""

from collections.abc import Sequence

from veridical.domain.stream import StreamDescription, StreamSelector


def matches(selector: StreamSelector, stream: StreamDescription) -> bool:
    """Whether every field of the selector that is not empty agrees with the stream."""
    return (
        selector.name in ("", stream.name)
        and selector.type in ("", stream.type)
        and selector.source_id in ("", stream.source_id)
        and selector.hostname in ("", stream.hostname)
        and selector.uid in ("", stream.uid)
    )


def is_wanted(selectors: Sequence[StreamSelector], stream: StreamDescription) -> bool:
    """Whether any selector takes the stream."""
    return any(matches(selector, stream) for selector in selectors)


def missing(selectors: Sequence[StreamSelector], streams: Sequence[StreamDescription]) -> tuple[StreamSelector, ...]:
    """Selectors that ask for something and have found nothing."""
    return tuple(
        selector
        for selector in selectors
        if selector != StreamSelector() and not any(matches(selector, stream) for stream in streams)
    )


def is_lookalike(old: StreamDescription, new: StreamDescription) -> bool:
    """Whether LSL's own recovery would take ``new`` for ``old``: the rate is nothing to it."""
    return bool(new.source_id) and (
        (new.source_id, new.name, new.type, new.n_channels, new.format)
        == (old.source_id, old.name, old.type, old.n_channels, old.format)
    )


def returns_as(old: StreamDescription, new: StreamDescription) -> bool:
    """Whether ``new`` is the stream ``old`` come back, so that its data belong to the same record.

    The same uid is the same outlet. A restarted program has another uid; a source id that is not
    empty, and the same shape, identify it as LSL's own recovery does.
    """
    return new.uid == old.uid or (is_lookalike(old, new) and new.nominal_hz == old.nominal_hz)
