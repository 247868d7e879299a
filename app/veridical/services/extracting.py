"""Features of all recordings of a participant, for one pipeline or for several at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from veridical.domain.errors import AnalysisError, RecordingError
from veridical.domain.participant import RunKey
from veridical.domain.pipeline import PipelineName
from veridical.domain.progress import Progress, Work
from veridical.domain.trial_table import trials_from_events
from veridical.features.computing import compute_features
from veridical.features.extraction import TrialFeatures, select_trials
from veridical.reports.content import RecordingFacts
from veridical.services.annotating import load_run, merged_marks
from veridical.services.report_facts import recording_facts
from veridical.services.resuming import shown_again, shows_nothing
from veridical.services.sensitivity import vary
from veridical.services.study import Study


@dataclass(frozen=True)
class ExtractedRun:
    """A recording that takes part, with its features.

    Parameters
    ----------
    by_pipeline : mapping
        Features, or why the recording has none for the pipeline.
    variants : mapping
        Features of the first pipeline with one step of the preparation changed, by the change in words.
    """

    key: RunKey
    facts: RecordingFacts
    by_pipeline: Mapping[PipelineName, TrialFeatures | AnalysisError]
    variants: Mapping[str, TrialFeatures | AnalysisError] = field(default_factory=dict)

    def features_of(self, pipeline: PipelineName) -> TrialFeatures:
        """Return the features that a pipeline learns from; AnalysisError if the recording has none."""
        found = self.by_pipeline[pipeline]
        if isinstance(found, AnalysisError):
            raise found
        return found


def extract_work(
    study: Study, participant: str, pipelines: Sequence[PipelineName], *, varies: bool = False
) -> Work[tuple[ExtractedRun, ...]]:
    """Load every recording with analysed trials, one at a time, and compute its features once for all pipelines.

    Parameters
    ----------
    varies : bool
        Whether the first pipeline's features are computed by changed preparations as well (``services.sensitivity``).

    Raises
    ------
    AnalysisError
        No recording, or one from which no feature at all can be computed.
    RecordingError
        No recording with an analysed picture, or one that cannot be read.
    """
    keys = study.runs(participant)
    if not keys:
        raise AnalysisError(f"There is no recording of participant {participant}; record a session first.")
    found: list[ExtractedRun] = []
    again = shown_again(study, keys)
    for done, key in enumerate(keys):
        name = f"run {key.run} of session {key.session}"
        yield Progress(2 * done, 2 * len(keys), f"Reading {name}")
        try:
            recording = load_run(study, key)
        except RecordingError:
            # A run that broke off before its first picture may hold no signal either, and nothing is lost with it.
            if not shows_nothing(study, key):
                raise
            continue
        if not trials_from_events(recording.events):
            continue
        yield Progress(2 * done + 1, 2 * len(keys), f"Extracting features of {name}")
        marks, _ = merged_marks(study, key)
        computed = compute_features(recording, marks, study.settings)
        by_pipeline: dict[PipelineName, TrialFeatures | AnalysisError] = {}
        for pipeline in pipelines:
            try:
                features = select_trials(computed, pipeline)
            except AnalysisError as error:
                by_pipeline[pipeline] = error
                continue
            by_pipeline[pipeline] = _without_interrupted(features, again[key]) if key in again else features
        variants: dict[str, TrialFeatures | AnalysisError] = {}
        if varies:
            yield Progress(2 * done + 1.5, 2 * len(keys), f"Preparing {name} in other ways")
            for words, varied in vary(computed, pipelines[0]).items():
                if key in again and isinstance(varied, TrialFeatures):
                    variants[words] = _without_interrupted(varied, again[key])
                else:
                    variants[words] = varied
        found.append(ExtractedRun(key, recording_facts(study, key, recording), by_pipeline, variants))
    if not found:
        raise RecordingError(
            f"No recording of participant {participant} holds an analysed picture; record a session to its end."
        )
    return tuple(found)


def _without_interrupted(features: TrialFeatures, first: int) -> TrialFeatures:
    """Leave out trials from number ``first`` on: the session broke off in them, and the next run showed them again."""
    is_again = np.array([t.trial >= first for t in features.trials])
    words = "the session broke off; shown again in the next run"
    reasons = tuple(words if a else r for a, r in zip(is_again, features.reasons, strict=True))
    return replace(features, kept=features.kept & ~is_again, reasons=reasons)
