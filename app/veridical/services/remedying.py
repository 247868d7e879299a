"""Doing what a remedy says: its marks, then another training, which the ledger counts."""

from dataclasses import replace

from veridical.domain.annotation import Annotation
from veridical.domain.progress import Progress, Work
from veridical.domain.remedy import AUDIT_RATER, Remedy
from veridical.services.annotating import AnnotationDesk
from veridical.services.judging import TrainingRequest
from veridical.services.study import Study
from veridical.services.training import TrainingResult, train_work


def remedy_work(study: Study, request: TrainingRequest, remedy: Remedy) -> Work[TrainingResult]:
    """Make the remedy's marks, then train again; a cancel or an error takes the marks back.

    Raises
    ------
    AnalysisError
        As ``train_work``.
    """
    made: list[tuple[AnnotationDesk, int]] = []
    is_done = False
    try:
        by_key = {key: [s for s in remedy.spans if s.key == key] for key in dict.fromkeys(s.key for s in remedy.spans)}
        for done, (key, spans) in enumerate(by_key.items()):
            yield Progress(done, len(by_key), f"Marking run {key.run} of session {key.session}")
            desk = AnnotationDesk(study, key, AUDIT_RATER)
            made.append((desk, len(spans)))
            for span in spans:
                mark = Annotation(span.onset_s, span.duration_s, span.label, span.channels, remedy.button, "audit")
                desk.mark(mark)
        result = yield from train_work(study, replace(request, remedy=remedy.button))
        is_done = True
        return result
    finally:
        for desk, n in made:
            for _ in range(0 if is_done else n):
                desk.undo()
            desk.close()
