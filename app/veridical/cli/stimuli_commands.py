"""``veridical stimuli ...``: import, list, check, match, and small edits."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from veridical.cli.output import JsonValue, follow, put, put_json, say
from veridical.domain.matching import BALANCED_SMD, MatchedSubset
from veridical.domain.stimulus import CONDITIONS, Condition, StimulusSet
from veridical.services.stimuli import (
    StimulusDesk,
    SubsetRequest,
    check_work,
    measure_work,
    relink_work,
    subset_work,
)
from veridical.services.stimulus_import import ImportReport, ImportRequest, import_work
from veridical.services.study import open_study
from veridical.storage.norm_tables import SetFormat

EditName = Literal["exclude", "include", "flag", "unflag"]

# A sentence names this many files; the JSON object has all.
_SHOWN = 12


@dataclass(frozen=True)
class ImportOptions:
    """What ``stimuli import`` was asked for."""

    source: Path
    study: Path
    format: str | None
    is_referenced: bool
    prefix: str
    scale: tuple[float, float] | None


@dataclass(frozen=True)
class MatchOptions:
    """What ``stimuli match`` was asked for."""

    study: Path
    per_class: int
    seed: int
    classes: tuple[str, ...] | None
    includes_sensitive: bool
    is_applied: bool


def run_import(options: ImportOptions, as_json: bool) -> None:
    """Import a set and say what became of every file."""
    study = open_study(options.study)
    request = ImportRequest(
        options.source, cast(SetFormat | None, options.format), options.is_referenced, options.prefix, options.scale
    )
    report = follow(import_work(study, request))
    present = open_study(options.study).stimuli
    if as_json:
        put_json(_report_object(study.root, report, present))
        return
    for sentence in report.sentences():
        put(sentence)
    for out in report.left_out[:_SHOWN]:
        say(f"Left out: {out.id}, {out.file} {out.reason}.")
    if len(report.left_out) > _SHOWN:
        say(f"Left out: {len(report.left_out) - _SHOWN} more; --json lists all.")
    put(_use_words(present))


def _use_words(stimuli: StimulusSet) -> str:
    used = Counter(s.condition for s in stimuli.in_use if not s.sensitive)
    return "The study now uses " + ", ".join(f"{used[c]} {c}" for c in CONDITIONS) + " stimuli that are not sensitive."


def _report_object(root: Path, report: ImportReport, present: StimulusSet) -> Mapping[str, JsonValue]:
    return {
        "study": str(root),
        "format": report.format,
        "folder": report.folder,
        "added": len(report.added),
        "already_there": len(report.already_there),
        "left_out": [{"id": o.id, "file": o.file, "reason": o.reason} for o in report.left_out],
        "notes": [{"id": n.id, "file": n.file, "text": n.text} for n in report.notes],
        "sensitive": len(report.sensitive),
        "retired_demo_pictures": len(report.retired),
        "remarks": list(report.remarks),
        "stimuli": len(present.stimuli),
        "in_use": len(present.in_use),
    }


def run_list(folder: Path, as_json: bool) -> None:
    """List a study's stimuli."""
    stimuli = open_study(folder).stimuli
    if as_json:
        put_json(
            {
                "stimuli": [
                    {
                        "id": s.id, "file": s.file, "kind": s.kind, "category": s.category, "theme": s.theme,
                        "class": s.condition if s.valence_mean is not None else None,
                        "valence_mean": s.valence_mean, "arousal_mean": s.arousal_mean, "sensitive": s.sensitive,
                        "excluded": s.excluded, "norm_scale": s.norm_scale, "duration_s": s.duration_s,
                    }
                    for s in stimuli.stimuli
                ]
            }
        )  # fmt: skip
        return
    for s in stimuli.stimuli:
        condition = s.condition if s.valence_mean is not None else ""
        norms = f"{_number(s.valence_mean)} {_number(s.arousal_mean)}  {condition:<8}"
        marks = "  ".join(
            m for m in ("sensitive" if s.sensitive else "", s.excluded and f"left out: {s.excluded}") if m
        )
        put(f"{s.id:<10} {s.kind:<5}  {norms}  {s.theme or s.category}  {marks}".rstrip())
    put(f"{len(stimuli.stimuli)} stimuli, {sum(s.sensitive for s in stimuli.stimuli)} sensitive.")
    put(_use_words(stimuli))


def _number(value: float | None) -> str:
    return "   –" if value is None else f"{value:4.2f}"


def run_check(folder: Path, find: Path | None, as_json: bool) -> int:
    """Check every file; returns the exit status."""
    study = open_study(folder)
    found: tuple[str, ...] = ()
    if find is not None:
        found = follow(relink_work(study.paths, find))
        study = open_study(folder)
    checked = follow(check_work(study.paths, study.stimuli.stimuli))
    bad = [c for c in checked if c.state in ("missing", "changed")]
    if as_json:
        put_json(
            {
                "stimuli": len(checked),
                "found": list(found),
                "unhashed": sum(c.state == "not hashed" for c in checked),
                "problems": [{"id": c.stimulus.id, "file": str(c.path), "state": c.state} for c in bad],
            }
        )
        return 1 if bad else 0
    for c in bad:
        put(
            f"{c.stimulus.id}: {c.path} {'is missing' if c.state == 'missing' else 'was changed since it was imported'}"
        )
    if found:
        put(f"{len(found)} moved files were found and are used where they lie now.")
    put(f"{len(checked) - len(bad)} of {len(checked)} files are as they were imported.")
    if bad:
        say("Put the files back, or find moved ones with --find FOLDER.")
    return 1 if bad else 0


def run_match(options: MatchOptions, as_json: bool) -> None:
    """Draw a matched subset, print its imbalance, and use it if asked."""
    study = open_study(options.study)
    if any(s.kind == "image" and s.statistics is None for s in study.stimuli.in_use):
        follow(measure_work(study.paths))
    desk = StimulusDesk(study.paths)
    classes = CONDITIONS if options.classes is None else cast(tuple[Condition, ...], options.classes)
    request = SubsetRequest(options.per_class, options.seed, classes, options.includes_sensitive)
    subset = follow(subset_work(desk.state.stimuli, request))
    if options.is_applied:
        desk.apply_subset(subset)
    if as_json:
        put_json(_subset_object(subset, options.is_applied))
        return
    put("Largest standardised difference between any two classes (below 0.1 counts as balanced)")
    put(f"{'':<26} {'all':>6} {'subset':>7}")
    for imbalance in subset.imbalances:
        put(f"{imbalance.words:<26} {imbalance.worst_before:6.2f} {imbalance.worst_after:7.2f}")
    verdict = "balanced" if subset.worst_after < BALANCED_SMD else "not balanced: the set allows no better"
    put(f"{len(subset.ids)} pictures, {subset.n_per_class} of each class; worst {subset.worst_after:.2f}, {verdict}.")
    if subset.n_left_out:
        put(f"{subset.n_left_out} pictures without norms or statistics could not take part.")
    put("The study uses this subset." if options.is_applied else "Nothing was changed; --apply lets the study use it.")


def _subset_object(subset: MatchedSubset, is_applied: bool) -> Mapping[str, JsonValue]:
    return {
        "ids": list(subset.ids),
        "per_class": subset.n_per_class,
        "seed": subset.seed,
        "candidates": {str(c): n for c, n in subset.n_candidates.items()},
        "without_norms_or_statistics": subset.n_left_out,
        "worst_before": subset.worst_before,
        "worst_after": subset.worst_after,
        "imbalances": [
            {
                "name": i.name,
                "pairs": [
                    {"classes": list(pair), "before": before, "after": after}
                    for pair, before, after in zip(subset.pairs, i.before, i.after, strict=True)
                ],
            }
            for i in subset.imbalances
        ],
        "applied": is_applied,
    }


def run_edit(folder: Path, edit: EditName, ids: tuple[str, ...], as_json: bool) -> None:
    """Change what a study uses of its stimuli."""
    desk = StimulusDesk(open_study(folder).paths)
    if edit == "exclude":
        state = desk.exclude(ids)
    elif edit == "include":
        state = desk.include(ids)
    else:
        state = desk.set_sensitive(ids, edit == "flag")
    if as_json:
        put_json({"changed": state.undo_text is not None, "in_use": len(state.stimuli.in_use)})
        return
    put(f"Done: {state.undo_text}." if state.undo_text else "Nothing had to be changed.")
    put(_use_words(state.stimuli))
