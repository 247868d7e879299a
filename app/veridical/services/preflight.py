"""What must be true before a session: each check raises one sentence that says what to do."""

import contextlib
import secrets
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from veridical.domain.errors import StimulusError, StorageError, StreamError, StudyError, VeridicalError
from veridical.domain.intake import IntakeField, check_answers, find_open
from veridical.domain.participant import RunKey
from veridical.domain.protocol import SessionPlan
from veridical.domain.stimulus import Stimulus
from veridical.domain.stream import StreamDescription
from veridical.services.study import Study
from veridical.services.verified_files import VerifiedFiles
from veridical.storage.atomic import write_atomically
from veridical.storage.clip_decoding import look_at_clip
from veridical.storage.stimuli_table import check_stimulus_file, stimulus_path

# An answer takes a few seconds; a session must not end for want of space, so plan generously.
_RATING_S = 5.0
_SPARE_BYTES = 100 * 2**20


def check_streams(streams: Sequence[StreamDescription]) -> None:
    """Raise StreamError if there is nothing to record or two streams cannot be told apart."""
    if not any(s.is_regular and s.format != "string" for s in streams):
        raise StreamError(
            "No streams were found; switch on the LSL output of your devices, or start simulated ones with "
            "`veridical simulate`."
        )
    for name, count in Counter(s.name for s in streams).items():
        if count > 1:
            ids = ", ".join(sorted(s.source_id or "(none)" for s in streams if s.name == name))
            raise StreamError(f"{count} streams are named {name!r} (source ids: {ids}); choose one by source_id.")


def check_run_is_new(study: Study, key: RunKey) -> None:
    """Raise StudyError if anything of this run exists already."""
    if study.is_used(key):
        free = study.next_run(key.participant, key.session)
        raise StudyError(
            f"Run {key.run} of participant {key.participant}, session {key.session} has been used; take run {free.run}."
        )


def check_stimuli(
    folder: Path, stimuli: Sequence[Stimulus], allows_changed: bool = False, verified: VerifiedFiles | None = None
) -> None:
    """Raise StimulusError if a file that will be shown is missing, changed or cannot be decoded.

    Parameters
    ----------
    verified : VerifiedFiles or None
        Files that need not be read again as long as nobody touched them; None reads all of them.
    """
    known = verified or VerifiedFiles()
    for stimulus in stimuli:
        path = stimulus_path(folder, stimulus)
        stamp = known.stamp(path, stimulus.sha256)
        if not known.holds(path, stamp):
            check_stimulus_file(folder, replace(stimulus, sha256="") if allows_changed else stimulus)
            _decode(path, stimulus)
            known.note(path, None if allows_changed else stamp)


def _decode(path: Path, stimulus: Stimulus) -> None:
    if stimulus.kind != "image":
        what = "video" if stimulus.kind == "video" else "sound"
        look_at_clip(path, f"The {what} {stimulus.id} ({stimulus.file})")
        return
    try:
        with Image.open(path) as picture:
            picture.load()
    except Exception as error:  # decoders raise many kinds for damaged bytes
        raise StimulusError(
            f"The picture {path} of {stimulus.id} cannot be decoded ({error}); put the original file back."
        ) from error


def find_loudspeaker() -> str:
    """Return the name of the device that sounds will be heard from; StudyError if this computer has none."""
    try:
        import sounddevice

        return str(sounddevice.query_devices(kind="output")["name"])
    except Exception as error:  # PortAudio's own kind, or OSError without its library
        raise StudyError(
            f"No loudspeaker was found ({error}); connect one, or headphones, or set n_clips to 0 on the Study page."
        ) from error


def check_intake(
    fields: Sequence[IntakeField], answers: Mapping[str, str], shown: Sequence[Stimulus], has_keys: bool = True
) -> None:
    """Raise StudyError if an answer is none of a field's choices, or one that the start waits for is missing.

    ``has_keys`` names the fields as study.toml and the command line do, beside their titles.
    """
    check_answers(fields, answers)
    waiting = find_open(fields, answers, any(s.sensitive for s in shown))
    if waiting:
        names = ", ".join(f"{f.title} ({f.id})" if has_keys else f.title for f in waiting)
        raise StudyError(f"The session waits for: {names}; ask the participant and enter it before the start.")


def check_disk(
    study: Study, streams: Sequence[StreamDescription], plan: SessionPlan, allows_little: bool = False
) -> float:
    """Return the free bytes; StorageError if the study cannot be written or will not hold the session."""
    plan = SessionPlan() if allows_little else plan
    return _check_room(study.root, study.paths.runs, streams, plan, "free space or move the study")


def fallback_folder(study: Study) -> Path | None:
    """Folder in which a recording goes on when its disk fails, absolute; None if the study names none."""
    named = study.settings.recording.fallback.strip()
    return (study.root / Path(named).expanduser()).absolute() if named else None


def check_fallback(folder: Path, streams: Sequence[StreamDescription], plan: SessionPlan) -> float:
    """Return the free bytes; StorageError if the folder cannot be made or written or will not hold the session."""
    return _check_room(folder, folder, streams, plan, "free space there or name another fallback folder")


def is_on_disk_of(folder: Path, study: Study) -> bool:
    """Whether a folder that exists shares its disk with the study, and so what may befall it."""
    return folder.stat().st_dev == study.root.stat().st_dev


def _check_room(
    root: Path, folder: Path, streams: Sequence[StreamDescription], plan: SessionPlan, remedy: str
) -> float:
    probe = folder / f".writable-{secrets.token_hex(4)}"
    write_atomically(probe, b"")
    with contextlib.suppress(OSError):
        probe.unlink()
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise StorageError(f"{root} cannot be read ({error.strerror}); check the disk.") from error
    needed = _SPARE_BYTES + byte_rate(streams) * duration_s(plan)
    if free < needed:
        raise StorageError(
            f"The disk of {root} has {free / 2**20:.0f} MB left and a session may need {needed / 2**20:.0f} MB; "
            f"{remedy}."
        )
    return float(free)


def hours_of(free_bytes: float, streams: Sequence[StreamDescription]) -> float:
    """Hours for which the space lasts while these streams are recorded."""
    return free_bytes / max(1.0, byte_rate(streams)) / 3600


def room_in_words(free_bytes: float, streams: Sequence[StreamDescription]) -> str:
    """Free space and how long it lasts: "12 GB free, enough for 130 h"."""
    size = f"{free_bytes / 2**30:.0f} GB" if free_bytes >= 10 * 2**30 else f"{free_bytes / 2**20:.0f} MB"
    if not byte_rate(streams):
        return f"{size} free"
    hours = hours_of(free_bytes, streams)
    if hours < 1:
        return f"{size} free, enough for {hours * 60:.0f} min"
    return (
        f"{size} free, enough for {hours:.1f} h" if hours < 10 else f"{size} free, enough for {min(hours, 9999):.0f} h"
    )


def byte_rate(streams: Sequence[StreamDescription]) -> float:
    """Bytes a second that recording these streams writes."""
    return sum(s.nominal_bytes_per_s for s in streams)


def duration_s(plan: SessionPlan) -> float:
    """Expected seconds of a session, answers included."""
    trials = (*plan.practice, *plan.trials)
    n_asked = len(plan.familiarity) * len(plan.familiarity_scales) + sum(t.check is not None for t in trials)
    return (
        sum(b.duration_s for b in plan.baselines)
        + sum(t.fixation_s + t.picture_s + t.iti_s + _RATING_S * len(t.scales) for t in trials)
        + _RATING_S * n_asked
    )


def sentence_of(error: VeridicalError) -> tuple[str, str]:
    """Split an error into what was found and what to do."""
    found, _, remedy = str(error).rpartition("; ")
    return (found, remedy[:1].upper() + remedy[1:]) if found else (str(error), "")
