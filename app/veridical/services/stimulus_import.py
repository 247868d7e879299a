"""Takes a researcher's stimulus set into a study: all of it or, if that fails or is cancelled, nothing."""

import contextlib
import re
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from veridical.domain.errors import StimulusError, StorageError, VeridicalError
from veridical.domain.progress import Progress, Work
from veridical.domain.stimulus import Stimulus, StimulusSet
from veridical.features.stimulus_examination import FileFacts
from veridical.services.stimulus_pool import Job, examine_work
from veridical.services.stimulus_staging import clear_left_overs, find_unused, keep_only, make_safe_name, open_staging
from veridical.services.study import Study
from veridical.storage.norm_tables import (
    SUFFIXES,
    ListedStimulus,
    NormTable,
    SetFormat,
    kind_by_name,
    read_norm_table,
    recognise,
)
from veridical.storage.sensitive_themes import read_sensitive_themes
from veridical.storage.stimuli_table import read_stimuli, write_stimuli
from veridical.storage.stimulus_source import StimulusSource, open_source
from veridical.storage.study_edit import set_stimuli_validated

MADE_UP_NORMS = "norms made up"
DEMO_PICTURES = "demo pictures"

_TABLE_SUFFIXES = (".csv", ".tsv", ".txt")
# So many files are named in a sentence.
_FEW = 6
_SPARE_BYTES = 50 * 2**20


@dataclass(frozen=True)
class ImportRequest:
    """What shall be imported, and how.

    Parameters
    ----------
    source : Path
        A folder, a zip archive, or the table of a set (its files lie beside or below it).
    format : str or None
        None recognises it.
    is_referenced : bool
        Leave the files where they are instead of copying them into the study.
    prefix : str
        Put before every id, to tell two sets apart.
    scale : tuple of float or None
        Of norms whose table does not give it.
    """

    source: Path
    format: SetFormat | None = None
    is_referenced: bool = False
    prefix: str = ""
    scale: tuple[float, float] | None = None


@dataclass(frozen=True)
class LeftOut:
    """A stimulus that was not imported, and why."""

    id: str
    file: str
    reason: str


@dataclass(frozen=True)
class Note:
    """Something odd about one file that was imported all the same."""

    id: str
    file: str
    text: str


@dataclass(frozen=True)
class ImportReport:
    """What an import did.

    Parameters
    ----------
    folder : str
        Below stimuli/; empty if the files are referenced.
    added, already_there : tuple of str
        Ids; a stimulus with the same id and the same bytes is not taken in twice.
    sensitive : tuple of str
        Ids among the added ones that are flagged.
    retired : tuple of str
        Ids of demo pictures that the study no longer uses.
    remarks : tuple of str
        About the set as a whole, one sentence each.
    """

    format: SetFormat
    folder: str
    added: tuple[str, ...]
    already_there: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[Note, ...]
    sensitive: tuple[str, ...]
    retired: tuple[str, ...]
    remarks: tuple[str, ...]

    def note_counts(self) -> tuple[tuple[str, int], ...]:
        """Notes by their text, the commonest first."""
        return tuple(Counter(n.text for n in self.notes).most_common())

    def sentences(self) -> tuple[str, ...]:
        """What the import did, in words; what was left out stands apart."""
        where = f"stimuli/{self.folder}" if self.folder else "where they were"
        said = [f"{len(self.added)} stimuli imported; their files are {where}."] if self.added else []
        if self.already_there:
            said.append(f"{len(self.already_there)} were in the study already and stay as they were.")
        if self.retired:
            said.append(f"{len(self.retired)} demo pictures are left out from now on, for their norms are made up.")
        if self.sensitive:
            said.append(
                f"{len(self.sensitive)} are flagged as sensitive and not shown unless the protocol includes sensitive "
                "pictures. Look through the flags: a theme is not a picture."
            )
        for text, count in self.note_counts():
            names = [n.file for n in self.notes if n.text == text]
            which = ", ".join(names) if count <= _FEW else f"{count} files"
            said.append(f"{text[:1].upper()}{text[1:]}: {which}.")
        return (*said, *self.remarks)


@dataclass(frozen=True)
class _Candidate:
    """A listed stimulus with its file's name in the source."""

    stimulus: Stimulus
    name: str


def import_work(study: Study, request: ImportRequest) -> Work[ImportReport]:
    """Import a set; yields Progress, and a cancelled or failed import leaves the study as it was.

    Raises
    ------
    StimulusError
        If there is no table, the table is wrong, no file can be used, or an id of the study would be given to another
        file.
    StorageError
        If the disk is full or the study cannot be written.
    """
    place, chosen_table = _split(request.source)
    before = read_stimuli(study.paths.stimuli_table)
    clear_left_overs(study.paths.stimuli)
    yield Progress(0, 1, "Reading the table")
    with open_source(place) as source:
        table_name, table = _read_table(source, chosen_table, request)
        candidates, left_out = _find_files(source, table_name, table, request.prefix)
        if not candidates:
            raise StimulusError(
                f"None of the {len(table.rows)} files that {table_name} names can be imported; the first, "
                f"{left_out[0].file!r}, {left_out[0].reason}. Put the files beside the table, or below it."
            )
        with open_staging(study.paths.stimuli) as staging:
            jobs = yield from _stage(source, candidates, request, staging, study.paths.stimuli)
            facts = yield from _later(examine_work(jobs), 0.1)
            drafts, problems, notes = _combine(candidates, facts)
            left_out += problems
            if not drafts:
                raise StimulusError(
                    f"None of the {len(candidates)} files can be used; the first, {left_out[0].file!r}, "
                    f"{left_out[0].reason}. Import sound copies."
                )
            drafts, already_there = _against_present(drafts, before, request.prefix)
            folder = (
                "" if request.is_referenced else find_unused(study.paths.stimuli, _folder_name(table.format, place))
            )
            added = tuple(_placed(d, folder, jobs[k][0], study.paths.stimuli) for k, d in drafts)
            retired = _retired(before, added)
            report = ImportReport(
                format=table.format,
                folder=folder if added else "",
                added=tuple(s.id for s in added),
                already_there=already_there,
                left_out=tuple(left_out),
                notes=tuple(n for n in notes if n.id not in set(already_there)),
                sensitive=tuple(s.id for s in added if s.sensitive),
                retired=tuple(s.id for s in retired),
                remarks=(*table.notes, *_remarks(source, table_name, candidates, added)),
            )
            if added:
                keep_only(staging, tuple(jobs[k][0] for k, _ in drafts))
                _commit(study, before, (*_without(before, retired), *added), staging, folder)
    if retired and any(s.valence_mean is not None for s in added):
        with contextlib.suppress(VeridicalError):
            set_stimuli_validated(study.paths.study_file, True)
    return report


def _split(source: Path) -> tuple[Path, str]:
    """Tell the place from the table in it: a table may be given itself."""
    path = source.expanduser()
    if path.is_file() and path.suffix.lower() in _TABLE_SUFFIXES:
        return path.parent, path.name
    return path, ""


def _read_table(source: StimulusSource, chosen: str, request: ImportRequest) -> tuple[str, NormTable]:
    if chosen:
        found = [(chosen, request.format or recognise(source.read(chosen)) or "table")]
    else:
        tables = [n for n in source.sizes if PurePosixPath(n).suffix.lower() in _TABLE_SUFFIXES]
        found = [(n, known) for n in tables if (known := recognise(source.read(n))) is not None]
        if request.format is not None:
            fitting = [(n, known) for n, known in found if known == request.format]
            # Told to read OASIS' own table as a generic one, or a table that was not recognised.
            found = fitting or [(n, request.format) for n in tables if len(tables) == 1]
        elif any(known == "oasis" for _, known in found):
            found = [(n, known) for n, known in found if known == "oasis"]
    if not found:
        raise StimulusError(
            f"{source.place} holds no table of norms; put OASIS.csv, or a .csv or .tsv with a column 'file', beside "
            "the pictures, or give the table itself."
        )
    depths = [len(PurePosixPath(n).parts) for n, _ in found]
    shallow = [f for f, depth in zip(found, depths, strict=True) if depth == min(depths)]
    named = [f for f in shallow if PurePosixPath(f[0]).stem.lower() in ("oasis", "stimuli")]
    best = named or shallow
    if len(best) > 1:
        names = ", ".join(n for n, _ in best[:4])
        raise StimulusError(f"{source.place} holds {len(best)} tables ({names}); give the one that is meant itself.")
    name, known = best[0]
    return name, read_norm_table(source.read(name), name, known, request.scale)


def _find_files(
    source: StimulusSource, table_name: str, table: NormTable, prefix: str
) -> tuple[list[_Candidate], list[LeftOut]]:
    folder = PurePosixPath(table_name).parent.as_posix().removeprefix(".")
    themes = read_sensitive_themes()
    candidates: list[_Candidate] = []
    left_out: list[LeftOut] = []
    for row in table.rows:
        stimulus = replace(row.stimulus, id=f"{prefix}{row.stimulus.id}")
        name = source.find(stimulus.file, folder) or source.find(PurePosixPath(stimulus.file).stem, folder)
        if name is None:
            left_out.append(LeftOut(stimulus.id, stimulus.file, "is not there"))
            continue
        stimulus = _with_kind(stimulus, row, name)
        if not row.has_sensitive:
            stimulus = replace(stimulus, sensitive=bool(themes.find_kind(stimulus)))
        candidates.append(_Candidate(stimulus, name))
    return candidates, left_out


def _with_kind(stimulus: Stimulus, row: ListedStimulus, name: str) -> Stimulus:
    kind = stimulus.kind if row.has_kind else kind_by_name(name) or stimulus.kind
    return replace(stimulus, kind=kind)


# Files ------------------------------------------------------------------------------------------------------
def _stage(
    source: StimulusSource, candidates: Sequence[_Candidate], request: ImportRequest, staging: Path, stimuli: Path
) -> Work[list[Job]]:
    """Copy the files into the staging folder, or leave them; returns where each is to be examined."""
    if request.is_referenced:
        return [(source.path(c.name).resolve(), c.stimulus.kind) for c in candidates]
    needed = sum(source.sizes[c.name] for c in candidates) + _SPARE_BYTES
    free = shutil.disk_usage(stimuli).free
    if free < needed:
        raise StorageError(
            f"The files need {needed / 2**20:.0f} MB and {stimuli} has {free / 2**20:.0f} MB left; free space, or "
            "leave the files where they are with --reference."
        )
    jobs: list[Job] = []
    taken: dict[str, str] = {}
    for k, candidate in enumerate(candidates):
        yield Progress(0.1 * k, len(candidates), f"Copying, {k} of {len(candidates)}")
        target = make_safe_name(candidate.name)
        while taken.get(target.casefold(), candidate.name) != candidate.name:
            target = f"{PurePosixPath(target).stem}_{PurePosixPath(target).suffix}"
        path = staging / target
        if target.casefold() not in taken:
            source.copy(candidate.name, path)
        taken[target.casefold()] = candidate.name
        jobs.append((path, candidate.stimulus.kind))
    return jobs


def _later(work: Work[tuple[FileFacts, ...]], start: float) -> Work[tuple[FileFacts, ...]]:
    """Squeeze a piece of work's progress into what is left after ``start``."""
    try:
        while True:
            step = next(work)
            yield Progress(start + (1 - start) * step.share, 1, step.text)
    except StopIteration as stop:
        facts: tuple[FileFacts, ...] = stop.value
        return facts
    finally:
        work.close()


# Rows -------------------------------------------------------------------------------------------------------
def _combine(
    candidates: Sequence[_Candidate], facts: Sequence[FileFacts]
) -> tuple[list[tuple[int, Stimulus]], list[LeftOut], list[Note]]:
    """Rows of the files that can be used, by their place among the candidates; and what is to be said of the others."""
    drafts: list[tuple[int, Stimulus]] = []
    left_out: list[LeftOut] = []
    notes: list[Note] = []
    for k, (candidate, fact) in enumerate(zip(candidates, facts, strict=True)):
        stimulus = candidate.stimulus
        problem = fact.problem
        if not problem and stimulus.sha256 and stimulus.sha256 != fact.sha256:
            problem = "is not the file that its table describes (another SHA-256)"
        if problem:
            left_out.append(LeftOut(stimulus.id, candidate.name, problem.removeprefix("it ")))
            continue
        measured = replace(
            stimulus,
            sha256=fact.sha256,
            duration_s=fact.duration_s,
            width_px=fact.width_px,
            height_px=fact.height_px,
            statistics=fact.statistics,
        )
        drafts.append((k, measured))
        notes += [Note(stimulus.id, candidate.name, text) for text in fact.notes]
    return drafts, left_out, notes


def _against_present(
    drafts: list[tuple[int, Stimulus]], before: StimulusSet, prefix: str
) -> tuple[list[tuple[int, Stimulus]], tuple[str, ...]]:
    """Leave out what is there already; StimulusError if an id is there with another file."""
    present = {s.id: s for s in before.stimuli}
    clashes = [d.id for _, d in drafts if d.id in present and present[d.id].sha256 != d.sha256]
    if clashes:
        names = ", ".join(clashes[:3]) + (", ..." if len(clashes) > 3 else "")
        more = "another" if prefix else "a"
        raise StimulusError(
            f"{len(clashes)} ids of the set belong to other files of the study already ({names}); give {more} prefix "
            "for the new ids with --prefix. The study is as it was."
        )
    new = [(k, d) for k, d in drafts if d.id not in present]
    return new, tuple(d.id for _, d in drafts if d.id in present)


def _placed(stimulus: Stimulus, folder: str, examined: Path, stimuli: Path) -> Stimulus:
    if folder:
        return replace(stimulus, file=f"{folder}/{examined.name}")
    inside = examined.is_relative_to(stimuli.resolve())
    file = (examined.relative_to(stimuli.resolve()) if inside else examined).as_posix()
    if " ".join(file.split()) != file:
        raise StimulusError(
            f"The path {file!r} has several blanks in a row, which a table cannot hold; rename it or copy the files."
        )
    return replace(stimulus, file=file)


def _retired(before: StimulusSet, added: Sequence[Stimulus]) -> tuple[Stimulus, ...]:
    """Demo pictures in use, if pictures with real norms come: the two must not be mixed."""
    if not any(s.kind == "image" and s.valence_mean is not None for s in added):
        return ()
    return tuple(s for s in before.in_use if MADE_UP_NORMS in s.source)


def _without(before: StimulusSet, retired: Sequence[Stimulus]) -> tuple[Stimulus, ...]:
    ids = {s.id for s in retired}
    return tuple(replace(s, excluded=DEMO_PICTURES) if s.id in ids else s for s in before.stimuli)


def _remarks(
    source: StimulusSource, table_name: str, candidates: Sequence[_Candidate], added: Sequence[Stimulus]
) -> list[str]:
    remarks: list[str] = []
    used = {c.name for c in candidates}
    known = frozenset[str]().union(*SUFFIXES.values())
    unlisted = [n for n in source.sizes if n not in used and PurePosixPath(n).suffix.lower() in known]
    if unlisted:
        remarks.append(f"{len(unlisted)} files are not in {table_name} and were left (the first is {unlisted[0]}).")
    alike = [ids for ids in _same_bytes(added) if len(ids) > 1]
    if alike:
        remarks.append(
            f"{len(alike)} files stand in the set more than once under different ids (the first: {', '.join(alike[0])}"
            "); a participant may see them twice."
        )
    return remarks


def _same_bytes(stimuli: Sequence[Stimulus]) -> list[list[str]]:
    by_hash: dict[str, list[str]] = {}
    for stimulus in stimuli:
        by_hash.setdefault(stimulus.sha256, []).append(stimulus.id)
    return list(by_hash.values())


# The end ----------------------------------------------------------------------------------------------------
def _folder_name(table_format: SetFormat, place: Path) -> str:
    if table_format == "oasis":
        return "oasis"
    return re.sub(r"[^A-Za-z0-9]+", "-", place.stem).strip("-").lower() or "set"


def _commit(study: Study, before: StimulusSet, after: tuple[Stimulus, ...], staging: Path, folder: str) -> None:
    """Move the files into place and write the table; if the second fails the first is undone."""
    if read_stimuli(study.paths.stimuli_table) != before:
        raise StimulusError(
            "The study's stimuli.tsv was changed while the set was imported; import it again. The study is as it was."
        )
    final = study.paths.stimuli / folder if folder else None
    if final is not None:
        staging.rename(final)
    try:
        write_stimuli(study.paths.stimuli_table, StimulusSet(after))
    except BaseException:
        if final is not None:
            shutil.rmtree(final, ignore_errors=True)
        raise
