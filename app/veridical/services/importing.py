"""Recordings made elsewhere, taken into a study: copied unchanged, with their events in a journal."""

import contextlib
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from veridical.domain.errors import RecordingError, StorageError
from veridical.domain.event import Event
from veridical.domain.participant import Participant, RunKey, check_label
from veridical.domain.progress import Progress, Work
from veridical.domain.protocol import SessionPlan
from veridical.domain.recording import Recording
from veridical.domain.run import ScreenChoice
from veridical.domain.trial_table import trials_from_events
from veridical.paths import RECORDING_ENDINGS, StudyPaths
from veridical.services.session_record import hardware, package_versions
from veridical.services.study import Study
from veridical.storage.foreign_edf import read_edf_header
from veridical.storage.foreign_events import ForeignEvents, read_foreign_events
from veridical.storage.foreign_recording import brainvision_parts, foreign_format, point_brainvision
from veridical.storage.journal import Journal
from veridical.storage.recording_file import load_recording
from veridical.storage.session_file import Ending, Imported, SessionRecord, find_session, write_session

_COPIED_AT_A_TIME = 1 << 22
# A picture this long after the last sample was stamped by another clock, in samples, or in milliseconds.
_TOLERATED_S = 1.0
# Files that name the others they belong to.
_POINTING = (".vhdr", ".vmrk")
# Share of the work after which the recording has been looked at.
_LOOKED = 0.3


@dataclass(frozen=True)
class ImportRequest:
    """What to take in.

    Parameters
    ----------
    file : Path
        XDF, EDF, BDF, BrainVision header (.vhdr) or FIF.
    events : Path or None
        Table of pictures and ratings; None takes the recording's own markers.
    columns : mapping
        Columns of the table that are called otherwise, e.g. ``{"onset": "latency"}``.
    """

    file: Path
    participant: str
    session: str = "01"
    events: Path | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ImportResult:
    """What was taken in.

    Parameters
    ----------
    file : Path
        The copy inside the study.
    signals : tuple of str
        One line per role: "EEG: 32 channels at 500 Hz".
    n_rated : mapping
        Pictures with an answer, by scale.
    remarks : tuple of str
        What was presumed, left out or looks odd, in sentences.
    """

    key: RunKey
    file: Path
    seconds: float
    signals: tuple[str, ...]
    n_pictures: int
    n_rated: Mapping[str, int]
    remarks: tuple[str, ...]


def import_work(study: Study, request: ImportRequest) -> Work[ImportResult]:
    """Look at the recording and its events, then copy; closing it cancels and leaves nothing behind.

    Raises
    ------
    RecordingError
        If file or table cannot be understood, no picture is found, or the study has the recording already.
    StudyError
        If the participant withdrew or an id cannot be used.
    StorageError
        If the study cannot be written.
    """
    participant = _check_ids(study, request)
    source = request.file
    if not any(source.name.lower().endswith(ending) for ending in RECORDING_ENDINGS):
        raise RecordingError(
            f"{source.name} is none of XDF, EDF, BDF, BrainVision (choose the .vhdr file) and FIF; convert it first."
        )
    yield Progress(0, 1, "Reading the recording")
    recording = load_recording(source, study.settings.roles)
    found = _events(study, request, recording)
    _check_inside(found.events, recording, request)
    yield Progress(_LOOKED, 1, "Copying")
    key = study.next_run(participant, request.session)
    written: list[Path] = []
    try:
        files = yield from _copy(study.paths, key, source, written)
        _refuse_twice(study, files)
        remarks = (*_about(source, recording), *found.remarks)
        is_new = all(p.id != participant for p in study.participants())
        if is_new:
            study.add_participant(participant)
        written.append(study.paths.journal(key))
        _write_journal(study.paths.journal(key), found.events, recording.origin_s)
        write_session(study.paths.session_file(key), _session(study, key, request, recording, files, remarks))
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            # Only what is empty goes.
            for folder in (study.paths.raw(key), *study.paths.raw(key).parents[:2]):
                folder.rmdir()
        raise
    return ImportResult(
        key, study.paths.recording(key), recording.stop_s, _signals(recording), found.n_pictures, found.n_rated, remarks
    )


def _check_ids(study: Study, request: ImportRequest) -> str:
    wanted = Participant(request.participant).id
    check_label(request.session, "session id")
    # Known, or free to be added: both refuse an id that withdrew.
    if any(p.id == wanted for p in study.participants()):
        return study.get_participant(wanted).id
    return wanted


def _events(study: Study, request: ImportRequest, recording: Recording) -> ForeignEvents:
    scales = study.settings.protocol.all_scales
    if request.events is not None:
        conditions = {s.id: s.condition for s in study.stimuli.stimuli}
        found = read_foreign_events(request.events, scales, conditions, request.columns)
        if not found.n_pictures:
            raise RecordingError(
                f"{request.events} names no picture in any line; fill the column stim_id, or leave it out."
            )
        return found
    trials = trials_from_events(recording.events)
    if not trials:
        names = list(dict.fromkeys(e.marker.name for e in recording.events))
        there = f"it has {len(recording.events)} markers ({', '.join(names[:4])})" if names else "it has no markers"
        raise RecordingError(
            f"{request.file} tells of no pictures: {there}; give a table of events with --events "
            "(columns onset, duration, trial_type, stim_id and one per rating)."
        )
    rated = {s.id: sum(t.value(s.id) is not None for t in trials) for s in scales}
    return ForeignEvents(recording.events, len(trials), {k: n for k, n in rated.items() if n}, ())


def _check_inside(events: Sequence[Event], recording: Recording, request: ImportRequest) -> None:
    """Refuse onsets that cannot be seconds from the recording's first sample."""
    stop_s = max((s.timeline.stop_s for s in recording.signals), default=0.0)
    onsets = [e.onset_s for e in events if e.marker.shown_kind is not None]
    outside = [t for t in onsets if not -_TOLERATED_S <= t <= stop_s + _TOLERATED_S]
    if request.events is not None and outside:
        raise RecordingError(
            f"{len(outside)} of {len(onsets)} pictures in {request.events} lie outside the recording's {stop_s:.0f} s "
            f"(one at {outside[0]:g} s); give onsets in seconds from its first sample."
        )


def _copy(paths: StudyPaths, key: RunKey, source: Path, written: list[Path]) -> Work[dict[str, str]]:
    """Copy the recording's files under their BIDS names; returns the originals' hashes by name."""
    parts = _parts(source)
    total = max(1, sum(p.stat().st_size for p, _ in parts))
    done, hashes = 0, {}
    try:
        paths.raw(key).mkdir(parents=True, exist_ok=True)
        for part, ending in parts:
            target = paths.imported(key, ending)
            if target.exists():
                raise StorageError(
                    f"{target} exists already and is never overwritten; remove it or take another session."
                )
            written.append(target)
            digest = hashlib.sha256()
            with target.open("xb") as copy:
                for block in _blocks(part, ending, digest, key.stem, parts):
                    copy.write(block)
                    done += len(block)
                    yield Progress(_LOOKED + (1 - _LOOKED) * min(1.0, done / total), 1, f"Copying {part.name}")
                copy.flush()
                os.fsync(copy.fileno())
            hashes[part.name] = digest.hexdigest()
            if ending not in _POINTING and _hash(target) != hashes[part.name]:
                raise StorageError(f"The copy {target} differs from {part}; check the disk, and import it again.")
    except OSError as error:
        raise StorageError(
            f"{source.name} cannot be copied to {paths.raw(key)} ({error.strerror or error}); free space, or check the "
            "permissions."
        ) from error
    return hashes


def _parts(source: Path) -> list[tuple[Path, str]]:
    """The files of a recording, with what their copies end in."""
    ending = next(e for e in sorted(RECORDING_ENDINGS, key=len, reverse=True) if source.name.lower().endswith(e))
    if foreign_format(source) != "BrainVision":
        return [(source, ending)]
    data, markers = brainvision_parts(source)
    parts = [(source, ending), (source.with_name(data), Path(data).suffix)]
    return [*parts, (source.with_name(markers), ".vmrk")] if markers else parts


def _blocks(
    part: Path, ending: str, digest: "hashlib._Hash", stem: str, parts: Sequence[tuple[Path, str]]
) -> Iterator[bytes]:
    if ending in _POINTING:
        # Header and markers name each other; under new names they have to name the new ones.
        content = part.read_bytes()
        digest.update(content)
        yield point_brainvision(content, stem, parts[1][1])
        return
    with part.open("rb") as file:
        while block := file.read(_COPIED_AT_A_TIME):
            digest.update(block)
            yield block


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refuse_twice(study: Study, files: Mapping[str, str]) -> None:
    """A recording that counted twice would let a model be tested on what it has learned."""
    for participant in study.participants():
        for key in study.runs(participant.id):
            session = find_session(study.paths.session_file(key))
            present = session.imported.files.values() if session is not None and session.imported is not None else ()
            if set(files.values()) & set(present):
                raise RecordingError(
                    f"The study has this recording already, as run {key.run} of session {key.session} of participant "
                    f"{key.participant}; choose another file."
                )


def _about(source: Path, recording: Recording) -> tuple[str, ...]:
    remarks = [f"{d[0].upper()}{d[1:]}." for d in recording.defects]
    if foreign_format(source) in ("EDF", "BDF") and read_edf_header(source).names_person:
        remarks.append(
            "The file's header seems to hold a name or birth date of the person, and is copied as it is; remove it "
            "from the original first if the study must not know."
        )
    return tuple(remarks)


def _write_journal(path: Path, events: Sequence[Event], origin_s: float) -> None:
    journal = Journal(path)
    try:
        for event in events:
            journal.append(event.onset_s + origin_s, event.marker.encode())
    finally:
        journal.close()


def _signals(recording: Recording) -> tuple[str, ...]:
    return tuple(
        f"{s.role}: {len(s.labels)} channel{'s' * (len(s.labels) != 1)} at {s.sampling_hz:.6g} Hz"
        for s in recording.signals
    )


def _session(
    study: Study,
    key: RunKey,
    request: ImportRequest,
    recording: Recording,
    files: Mapping[str, str],
    remarks: tuple[str, ...],
) -> SessionRecord:
    return SessionRecord(
        key=key,
        written_utc=datetime.now(UTC).isoformat(),
        versions=package_versions(),
        hardware=hardware(),
        seed=study.settings.seed,
        order=SessionPlan(),
        scales=study.settings.protocol.all_scales,
        roles=(),
        screen=ScreenChoice(),
        presenter_ended=Ending("completed", "recorded elsewhere and imported"),
        recorder_ended=Ending("completed", "recorded elsewhere and imported"),
        is_verified=True,
        imported=Imported(
            format=foreign_format(request.file) or "XDF",
            files=files,
            events=request.events.name if request.events is not None else "",
            columns=request.columns,
            remarks=remarks,
        ),
    )
