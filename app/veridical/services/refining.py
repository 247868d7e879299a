"""The slower refinement of a headline: evoked covariance on the same folds and labelings."""

import os

from veridical.domain.errors import AnalysisError
from veridical.domain.evaluation import Validation
from veridical.domain.progress import Work
from veridical.domain.study import AnalysisChoices
from veridical.learning.permutation import familywise_p
from veridical.learning.problem import Problem
from veridical.learning.refinement import refine_problem
from veridical.reports.content import Refinement
from veridical.services.trial_grid import TrialGrid


def refine_work(
    grid: TrialGrid, problem: Problem, headline: Validation, choices: AnalysisChoices, seed: int
) -> Work[Refinement]:
    """Validate the evoked covariance beside a headline; closing it cancels.

    Raises
    ------
    AnalysisError
        If the grid holds no evoked samples.
    """
    if not grid.evoked_channels:
        raise AnalysisError("The evoked covariance needs evoked EEG samples; train with the pipeline 'evoked'.")
    refined = yield from refine_problem(
        problem, grid.evoked_channels, choices.n_permutations, seed, n_threads=os.cpu_count() or 2
    )
    models = [(v.auc, v.null[: v.n_free], v.null[v.n_free :]) for v in (headline, refined)]
    return Refinement(refined, familywise_p(models)[1])
