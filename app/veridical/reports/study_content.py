"""All that the report of a study says, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from veridical.audit.population import Prevalence
from veridical.domain.evaluation import OverallVerdict

STUDY_DOCUMENT_VERSION = 1


@dataclass(frozen=True)
class PersonScore:
    """One participant's newest primary analysis (the newest exploratory one where there is no primary).

    Parameters
    ----------
    p_holm : float
        The p value, counted over all participants of the table.
    auc_pooled, p_pooled : float or None
        Of the model of the other participants on this one's trials; None if it was not measured.
    command : str
        Recomputes this line.
    """

    participant: str
    kind: OverallVerdict
    headline: str
    n_trials: int
    balanced_accuracy: float
    interval95: tuple[float, float]
    chance95: float
    auc: float
    p_value: float
    p_holm: float
    is_primary: bool
    n_analyses: int
    auc_pooled: float | None
    p_pooled: float | None
    n_others: int
    report: str
    command: str


@dataclass(frozen=True)
class StudyDocument:
    """The study's report; also the contents of its JSON file.

    Parameters
    ----------
    above_chance : Prevalence
        Of p < .05.
    unexplained : Prevalence
        Of the best verdict; audits only lower verdicts, so its false-positive rate is at most the same.
    left_out : mapping
        Participants without a number here, and why.
    """

    document_version: int
    study: str
    title: str
    target: str
    label_rule: str
    pipeline: str
    created: str
    is_simulated: bool
    people: tuple[PersonScore, ...]
    above_chance: Prevalence
    unexplained: Prevalence
    n_after_holm: int
    smallest_p: float
    n_own_better: int
    n_compared: int
    mean_auc_own: float
    mean_auc_pooled: float
    command: str
    left_out: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
