"""What the audit needs beside the model: pictures, sessions, earlier analyses, other participants."""

from collections.abc import Sequence

import numpy as np

from veridical.audit.context import AuditContext, History, Peer, PictureFacts, Quality
from veridical.domain.arrays import BoolArray
from veridical.domain.evaluation import Validation
from veridical.domain.image_statistics import STATISTIC_NAMES
from veridical.domain.participant import RunKey
from veridical.domain.rating import Scale
from veridical.domain.study import AnalysisChoices
from veridical.domain.trial_table import TrialRow
from veridical.learning.problem import Problem
from veridical.reports.content import RecordingFacts
from veridical.services.study import Study
from veridical.services.trial_grid import TrialGrid
from veridical.storage.learned_table import LearnedTable, read_learned_table, write_learned_table
from veridical.storage.ledger import read_ledger

_IMAGE = "image"


def audit_context(
    study: Study,
    keys: Sequence[RunKey],
    grid: TrialGrid,
    scale: Scale,
    choices: AnalysisChoices,
    problem: Problem,
    validation: Validation,
    history: History,
    seed: int,
    facts: Sequence[RecordingFacts] = (),
) -> AuditContext:
    """Collect everything that the checks may look at.

    Parameters
    ----------
    keys : sequence of RunKey
        Runs that take part, in the grid's order.
    facts : sequence of RecordingFacts
        Of these runs, for the quality of their channels.
    """
    return AuditContext(
        problem=problem,
        validation=validation,
        trials=grid.trials,
        reasons=grid.reasons,
        is_marked=grid.is_marked,
        artifacts=grid.artifacts,
        artifact_names=grid.artifact_names,
        target=scale.id,
        analysis=choices,
        seed=seed,
        pictures=picture_facts(study, grid.trials),
        sessions=tuple(keys[int(run)].session for run in grid.runs),
        history=history,
        peers=peers_of(study, keys[0].participant, choices, scale, grid.names),
        quality=quality_of(facts),
    )


def quality_of(facts: Sequence[RecordingFacts]) -> tuple[Quality, ...]:
    """Count the channels of every modality over all runs, and those that look poor."""
    streams = [s for run in facts for s in run.streams if s.nominal_hz > 0]
    return tuple(
        Quality(
            role,
            sum(s.n_channels for s in streams if s.role == role),
            sum(len(s.poor) for s in streams if s.role == role),
        )
        for role in dict.fromkeys(s.role for s in streams)
    )


def picture_facts(study: Study, trials: Sequence[TrialRow]) -> PictureFacts:
    """Look the presented pictures up in the study's table; what it does not know stays unknown."""
    known = {s.id: s for s in study.stimuli.stimuli}
    shown = [known.get(t.stimulus_id) for t in trials]
    unknown = [np.nan] * len(STATISTIC_NAMES)
    statistics = [
        [float(getattr(s.statistics, name)) for name in STATISTIC_NAMES]
        if s is not None and s.statistics is not None
        else unknown
        for s in shown
    ]
    return PictureFacts(
        statistics=np.array(statistics, dtype=float).reshape(len(trials), len(STATISTIC_NAMES)),
        statistic_names=STATISTIC_NAMES,
        themes=tuple("" if s is None else s.category for s in shown),
        kinds=tuple(_IMAGE if s is None else s.kind for s in shown),
        norm_arousal=np.array(
            [np.nan if s is None or s.arousal_mean is None else s.arousal_unit for s in shown], dtype=float
        ),
        norm_valence=np.array(
            [np.nan if s is None or s.valence_mean is None else s.valence_unit for s in shown], dtype=float
        ),
    )


def are_clips(study: Study, trials: Sequence[TrialRow]) -> BoolArray:
    """Mark trials in which a video or sound was presented, by their markers or by the study's table."""
    kinds = {s.id: s.kind for s in study.stimuli.stimuli}
    return np.array([t.kind != _IMAGE or kinds.get(t.stimulus_id, _IMAGE) != _IMAGE for t in trials], dtype=bool)


def history_of(study: Study, participant: str, hashes: tuple[str, ...], is_primary: bool, number: int) -> History:
    """Count this analysis and the sets of recordings that were looked at, this one included."""
    # Planned looks have paid with a part of the error probability (learning.looks); they are no tries.
    ledger = read_ledger(study.paths.ledger(participant))
    tried = [a for a in ledger if not a.look]
    return History(
        analysis=number - (len(ledger) - len(tried)),
        is_primary=is_primary,
        n_looks=len({a.recordings for a in tried if a.kind in ("analysis", "comparison")} | {hashes}),
    )


def peers_of(
    study: Study, participant: str, choices: AnalysisChoices, scale: Scale, names: Sequence[str]
) -> tuple[Peer, ...]:
    """Every other participant whose last training with this pipeline had these columns and this scale."""
    found: list[Peer] = []
    for other in study.participants():
        if other.id == participant:
            continue
        table = read_learned_table(study.paths.learned_table(other.id, choices.pipeline))
        features = None if table is None else table.select(names)
        if table is None or features is None or scale.id not in table.ratings:
            continue
        found.append(Peer(other.id, features, table.ratings[scale.id], scale.midpoint))
    return tuple(found)


def keep_for_others(study: Study, participant: str, choices: AnalysisChoices, grid: TrialGrid) -> None:
    """Save what this training learned from, so that pooled models can use it; StorageError if that fails."""
    scales = sorted({scale for t in grid.trials for scale in t.ratings})
    values = {scale: [t.value(scale) for t in grid.trials] for scale in scales}
    ratings = {k: np.array([np.nan if v is None else v for v in column], dtype=float) for k, column in values.items()}
    kept = np.asarray(grid.kept, dtype=bool)
    table = LearnedTable(grid.names, grid.matrix[kept], {k: column[kept] for k, column in ratings.items()})
    write_learned_table(study.paths.learned_table(participant, choices.pipeline), table)
