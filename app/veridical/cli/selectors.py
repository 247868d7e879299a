"""``--stream KEY=VALUE``: which streams are meant."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import fields

import typer

from veridical.domain.stream import StreamDescription, StreamSelector

_KEYS = tuple(f.name for f in fields(StreamSelector))
# What LabRecorder and LSL's configuration call it.
_ALIASES = {"host": "hostname"}
_WORDS = (*_KEYS, *_ALIASES)
# A comma ends a value only in front of another key: names may hold commas.
_NEXT_KEY = re.compile(rf",(?=(?:{'|'.join(_WORDS)})=)")


def parse_selectors(texts: Sequence[str]) -> tuple[StreamSelector, ...]:
    """Read ``name=EEG``, ``type=EEG,host=lab2`` or ``all``; typer.BadParameter (exit status 2) says what is wrong."""
    return tuple(_parse(text) for text in texts)


def _parse(text: str) -> StreamSelector:
    if text.strip().lower() == "all":
        return StreamSelector()
    if text.endswith(","):
        raise typer.BadParameter(f"The stream choice {text!r} ends in a comma: its end is missing.")
    chosen: dict[str, str] = {}
    for part in _NEXT_KEY.split(text):
        word, _, value = part.partition("=")
        key = _ALIASES.get(word, word)
        if key not in _KEYS or not value:
            raise typer.BadParameter(_explain(text, word, value))
        if key in chosen:
            raise typer.BadParameter(
                f"The stream choice {text!r} names {word} twice; for several streams give --stream several times."
            )
        chosen[key] = value
    return StreamSelector(**chosen)


def _explain(text: str, word: str, value: str) -> str:
    how = f"write all, or KEY=VALUE with {', '.join(_WORDS)}"
    near = difflib.get_close_matches(word.strip().lower(), _WORDS, 1)
    if word in _WORDS and not value:
        return f"The stream choice {text!r} has no value; {how}, for instance {word}=EEG."
    if near:
        return f"The stream choice {text!r} has no known key; did you mean {near[0]}={value or '...'}? Else {how}."
    return f"The stream choice {text!r} cannot be read; {how}."


def is_chosen(stream: StreamDescription, selectors: Sequence[StreamSelector]) -> bool:
    """Whether any selector means this stream; no selectors mean all."""
    return not selectors or any(
        all(not getattr(s, key) or getattr(s, key) == getattr(stream, key) for key in _KEYS) for s in selectors
    )
