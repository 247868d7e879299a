"""The stimuli of a study: which are used, whether their files are sound, and what is known about them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from veridical.domain.errors import StimulusError
from veridical.domain.matching import NOT_IN_SUBSET, MatchedSubset, match_work
from veridical.domain.progress import Progress, Work
from veridical.domain.stimulus import CONDITIONS, Condition, Stimulus, StimulusSet
from veridical.paths import StudyPaths
from veridical.services.stimulus_pool import examine_work
from veridical.storage.stimuli_table import (
    BY_HAND,
    FileState,
    find_file_state,
    hash_file,
    read_stimuli,
    stimulus_path,
    write_stimuli,
)


@dataclass(frozen=True)
class StimulusEdit:
    """One change of the table, in words for the undo button."""

    before: StimulusSet
    after: StimulusSet
    text: str

    @property
    def inverse(self) -> "StimulusEdit":
        """The edit that takes this one back."""
        return StimulusEdit(self.after, self.before, self.text)


@dataclass(frozen=True)
class StimuliState:
    """What a browser shows.

    Parameters
    ----------
    undo_text, redo_text : str or None
        What would be undone or done again; None if nothing.
    """

    stimuli: StimulusSet
    undo_text: str | None = None
    redo_text: str | None = None


class StimulusDesk:
    """Edits the table of a study's stimuli; every edit is on disk when the call returns, and can be undone."""

    def __init__(self, paths: StudyPaths) -> None:
        self._paths = paths
        self._set = read_stimuli(paths.stimuli_table)
        self._done: list[StimulusEdit] = []
        self._undone: list[StimulusEdit] = []

    @property
    def state(self) -> StimuliState:
        """The stimuli as they are now."""
        return StimuliState(
            self._set,
            self._done[-1].text if self._done else None,
            self._undone[-1].text if self._undone else None,
        )

    def exclude(self, ids: Iterable[str]) -> StimuliState:
        """Leave stimuli out of the protocol."""
        return self._change(ids, lambda s: replace(s, excluded=s.excluded or BY_HAND), "leaving out")

    def include(self, ids: Iterable[str]) -> StimuliState:
        """Let the protocol use stimuli again."""
        return self._change(ids, lambda s: replace(s, excluded=""), "taking in")

    def set_sensitive(self, ids: Iterable[str], is_sensitive: bool) -> StimuliState:
        """Flag stimuli as sensitive, or take the flag off."""
        words = "flagging as sensitive" if is_sensitive else "taking the sensitive flag off"
        return self._change(ids, lambda s: replace(s, sensitive=is_sensitive), words)

    def apply_subset(self, subset: MatchedSubset) -> StimuliState:
        """Use the subset and, of the candidates' kind, nothing else; what was left out for other reasons stays so."""
        chosen = set(subset.ids)
        kinds = {s.kind for s in self._set.stimuli if s.id in chosen}

        def use(stimulus: Stimulus) -> Stimulus:
            if stimulus.id in chosen:
                return replace(stimulus, excluded="")
            if stimulus.kind in kinds and not stimulus.is_excluded:
                return replace(stimulus, excluded=NOT_IN_SUBSET)
            return stimulus

        after = StimulusSet(tuple(use(s) for s in self._set.stimuli))
        return self._do(StimulusEdit(self._set, after, f"using the matched subset of {len(chosen)}"))

    def undo(self) -> StimuliState:
        """Take the last edit back."""
        if self._done:
            edit = self._done[-1]
            self._write(edit.inverse)
            self._undone.append(self._done.pop())
        return self.state

    def redo(self) -> StimuliState:
        """Do the edit again that was taken back last."""
        if self._undone:
            edit = self._undone[-1]
            self._write(edit)
            self._done.append(self._undone.pop())
        return self.state

    def reload(self) -> StimuliState:
        """Read the table again; what can be undone is forgotten if it changed."""
        found = read_stimuli(self._paths.stimuli_table)
        if found != self._set:
            self._set = found
            self._done.clear()
            self._undone.clear()
        return self.state

    def _change(self, ids: Iterable[str], change: Callable[[Stimulus], Stimulus], words: str) -> StimuliState:
        wanted = tuple(ids)
        for stimulus_id in wanted:
            self._set.get(stimulus_id)
        chosen = set(wanted)
        after = StimulusSet(tuple(change(s) if s.id in chosen else s for s in self._set.stimuli))
        n = sum(a != b for a, b in zip(after.stimuli, self._set.stimuli, strict=True))
        what = wanted[0] if n == 1 else f"{n} stimuli"
        return self._do(StimulusEdit(self._set, after, f"{words} {what}"))

    def _do(self, edit: StimulusEdit) -> StimuliState:
        if edit.after != edit.before:
            self._write(edit)
            self._done.append(edit)
            self._undone.clear()
        return self.state

    def _write(self, edit: StimulusEdit) -> None:
        if read_stimuli(self._paths.stimuli_table) != edit.before:
            raise StimulusError(
                "stimuli.tsv was changed by another program meanwhile; open the study again and repeat the change."
            )
        write_stimuli(self._paths.stimuli_table, edit.after)
        self._set = edit.after


# Matched subsets --------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class SubsetRequest:
    """Which matched subset is to be drawn.

    Parameters
    ----------
    ids : tuple of str or None
        Candidates; None takes every picture that is in use or was left out only by an earlier subset.
    includes_sensitive : bool
        Whether sensitive pictures may be drawn.
    """

    n_per_class: int
    seed: int = 1
    classes: tuple[Condition, ...] = CONDITIONS
    includes_sensitive: bool = False
    ids: tuple[str, ...] | None = None


def subset_candidates(stimuli: StimulusSet, request: SubsetRequest) -> tuple[Stimulus, ...]:
    """Pictures that may be drawn: not left out by hand, and not sensitive unless asked for."""
    wanted = None if request.ids is None else set(request.ids)
    return tuple(
        s
        for s in stimuli.stimuli
        if s.kind == "image"
        and s.excluded in ("", NOT_IN_SUBSET)
        and (request.includes_sensitive or not s.sensitive)
        and (wanted is None or s.id in wanted)
    )


def subset_work(stimuli: StimulusSet, request: SubsetRequest) -> Work[MatchedSubset]:
    """Draw a matched subset as long work; StimulusError if the set has too few pictures of a class."""
    return match_work(subset_candidates(stimuli, request), request.n_per_class, request.seed, request.classes)


# Files ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class CheckedFile:
    """A stimulus and the state of its file."""

    stimulus: Stimulus
    path: Path
    state: FileState


def check_work(paths: StudyPaths, stimuli: Sequence[Stimulus]) -> Work[tuple[CheckedFile, ...]]:
    """Compare every file with its hash; yields Progress."""
    checked: list[CheckedFile] = []
    for k, stimulus in enumerate(stimuli):
        yield Progress(k, max(1, len(stimuli)), f"Checking files, {k} of {len(stimuli)}")
        state = find_file_state(paths.stimuli, stimulus)
        checked.append(CheckedFile(stimulus, stimulus_path(paths.stimuli, stimulus), state))
    return tuple(checked)


def relink_work(paths: StudyPaths, folder: Path) -> Work[tuple[str, ...]]:
    """Find files that were moved: look in ``folder`` for the bytes that missing or changed stimuli should have.

    Returns
    -------
    tuple of str
        Ids that now point at the file found. Nothing is copied or deleted.
    """
    if not folder.is_dir():
        raise StimulusError(f"{folder} is no folder; give the folder in which the files lie now.")
    before = read_stimuli(paths.stimuli_table)
    checked = yield from check_work(paths, before.stimuli)
    lost = {c.stimulus.sha256: c.stimulus for c in checked if c.state in ("missing", "changed")}
    if not lost:
        return ()
    suffixes = {Path(s.file).suffix.lower() for s in lost.values()}
    files = [p for p in sorted(folder.rglob("*")) if p.suffix.lower() in suffixes and p.is_file()]
    places: dict[str, str] = {}
    for k, path in enumerate(files):
        yield Progress(k, len(files), f"Looking for moved files, {k} of {len(files)}")
        try:
            digest = hash_file(path)
        except OSError:
            continue
        if digest in lost:
            places.setdefault(digest, path.resolve().as_posix())
    found = {s.id: places[s.sha256] for s in before.stimuli if s.sha256 in places and s.sha256 in lost}
    if found:
        after = tuple(replace(s, file=found.get(s.id, s.file)) for s in before.stimuli)
        write_stimuli(paths.stimuli_table, StimulusSet(after))
    return tuple(found)


def measure_work(paths: StudyPaths) -> Work[tuple[str, ...]]:
    """Measure pictures of the study that have no statistics yet (demo pictures, older studies); returns their ids.

    A picture whose file is missing, changed or damaged is left as it is.
    """
    before = read_stimuli(paths.stimuli_table)
    lacking = [s for s in before.stimuli if s.kind == "image" and s.statistics is None]
    facts = yield from examine_work([(stimulus_path(paths.stimuli, s), s.kind) for s in lacking])
    measured = {
        s.id: f for s, f in zip(lacking, facts, strict=True) if f.statistics is not None and s.sha256 in ("", f.sha256)
    }
    if measured:
        after = (
            replace(s, statistics=f.statistics, width_px=f.width_px, height_px=f.height_px, sha256=f.sha256)
            if (f := measured.get(s.id)) is not None
            else s
            for s in before.stimuli
        )
        write_stimuli(paths.stimuli_table, StimulusSet(tuple(after)))
    return tuple(measured)
