"""What is known of a run beside its recording: who played which role, and when pictures really were on."""

import contextlib
from pathlib import Path
from typing import Protocol

from veridical.domain.errors import StudyError
from veridical.domain.event import Event, Marker
from veridical.domain.event_timing import EventTiming
from veridical.domain.participant import RunKey
from veridical.domain.stream import RoleAssignment
from veridical.services.study import Study
from veridical.signals.pulses import delayed_onsets
from veridical.storage.journal import read_journal
from veridical.storage.run_folder import read_plan
from veridical.storage.session_file import find_session
from veridical.storage.timing_file import read_display_timings


class _Timed(Protocol):
    """A recording, in memory or only looked at."""

    @property
    def origin_s(self) -> float: ...

    @property
    def events(self) -> tuple[Event, ...]: ...

    @property
    def timing(self) -> EventTiming: ...


def roles_of(study: Study, key: RunKey) -> tuple[RoleAssignment, ...]:
    """Roles as decided before this run, else the study's; empty lets the channel labels decide.

    A run whose window died has no session file; what was decided stands in its run.json.
    """
    session = find_session(study.paths.session_file(key))
    if session is not None and session.roles:
        return session.roles
    if session is None:
        with contextlib.suppress(StudyError):
            return read_plan(study.paths.run(key)).roles or study.settings.roles
    return study.settings.roles


def onsets_as_shown(study: Study, key: RunKey, recording: _Timed) -> tuple[tuple[Event, ...], EventTiming]:
    """Events of a run at the times when they were seen.

    Without a pulse or photodiode in the recording, pictures are moved by the delay that the newest display test
    measured on the same screen. Those of a recording made elsewhere come from the journal that its import wrote.
    """
    session = find_session(study.paths.session_file(key))
    if session is not None and session.imported is not None:
        return imported_events(study.paths.journal(key), recording.origin_s), recording.timing
    screen = session.screen_used if session is not None else ""
    tests = [t for t in read_display_timings(study.paths.display_timing) if screen and t.screen == screen]
    if not tests:
        return recording.events, recording.timing
    return delayed_onsets(recording.events, recording.timing, tests[-1].offset_s, tests[-1].jitter_s)


def imported_events(journal: Path, origin_s: float) -> tuple[Event, ...]:
    """Events of a recording made elsewhere, from the journal that its import wrote."""
    return tuple(Event(line.lsl_s - origin_s, Marker.parse(line.marker)) for line in read_journal(journal))
