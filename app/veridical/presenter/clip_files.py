"""Video and sound files as they are shown and heard, checked against their hash before the session."""

from pathlib import Path

from veridical.domain.errors import StimulusError
from veridical.domain.stimulus import Stimulus
from veridical.storage.clip_decoding import ClipFacts, look_at_clip
from veridical.storage.stimuli_table import hash_file


def clip_words(stimulus: Stimulus) -> str:
    """A clip in the words of an error."""
    return f"The {'video' if stimulus.kind == 'video' else 'sound'} {stimulus.id} ({stimulus.file})"


def check_clip(stimulus: Stimulus) -> ClipFacts:
    """Look at a clip before the session.

    Parameters
    ----------
    stimulus : Stimulus
        Its ``file`` is an absolute path.

    Raises
    ------
    StimulusError
        If the file is missing, differs from its hash or cannot be decoded.
    """
    what, file = clip_words(stimulus), Path(stimulus.file)
    if not file.is_file():
        raise StimulusError(f"{what} is missing; put the file back or import the set again.")
    try:
        digest = hash_file(file) if stimulus.sha256 else ""
    except OSError as error:
        raise StimulusError(f"{what} cannot be read ({error.strerror}); check the file's permissions.") from error
    if digest != stimulus.sha256:
        raise StimulusError(f"{what} has changed since it was imported; restore the file or import the set again.")
    return look_at_clip(file, what)
