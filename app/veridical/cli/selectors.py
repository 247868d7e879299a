"""``--stream KEY=VALUE``: which streams are meant."""

from collections.abc import Sequence
from dataclasses import fields

from veridical.domain.errors import StreamError
from veridical.domain.stream import StreamDescription, StreamSelector

_KEYS = tuple(f.name for f in fields(StreamSelector))


def parse_selectors(texts: Sequence[str]) -> tuple[StreamSelector, ...]:
    """Read ``name=EEG``, ``type=EEG,hostname=lab2`` or ``all``; StreamError says what is wrong."""
    return tuple(_parse(text) for text in texts)


def _parse(text: str) -> StreamSelector:
    if text == "all":
        return StreamSelector()
    chosen: dict[str, str] = {}
    for part in text.split(","):
        key, _, value = part.partition("=")
        if key not in _KEYS or not value:
            raise StreamError(
                f"The stream choice {text!r} cannot be read; write all, or KEY=VALUE with {', '.join(_KEYS)}."
            )
        chosen[key] = value
    return StreamSelector(**chosen)


def is_chosen(stream: StreamDescription, selectors: Sequence[StreamSelector]) -> bool:
    """Whether any selector means this stream; no selectors mean all."""
    return not selectors or any(
        all(not getattr(s, key) or getattr(s, key) == getattr(stream, key) for key in _KEYS) for s in selectors
    )
