"""Positive control on real EEG: faces against houses, three runs of one person with a 4-channel Muse."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.signal import butter, decimate, sosfiltfilt

from veridical.domain.arrays import FloatArray
from veridical.domain.evaluation import Fold
from veridical.domain.progress import finish
from veridical.learning.permutation import familywise_p
from veridical.learning.problem import Problem
from veridical.learning.refinement import refine_problem
from veridical.learning.splits import near
from veridical.learning.validation import validate_problem

HZ = 256.0


def run_epochs(path: Path, most_uv: float = 100) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Cut epochs of 0-0.8 s with a 0.1-s baseline, at 64 Hz; trials swinging over ``most_uv`` peak to peak are dropped.

    Returns
    -------
    tuple of ndarray
        Features (n_trials, 4 * 51), classes (1 faces, 2 houses), onsets in seconds.
    """
    table = np.genfromtxt(path, delimiter=",", skip_header=1)
    signal = sosfiltfilt(butter(4, [1.0, 30.0], "bandpass", fs=HZ, output="sos"), table[:, 1:5].T, axis=1)
    starts = np.flatnonzero(table[:, 6])
    starts = starts[(starts > 26) & (starts + 205 < signal.shape[1])]
    epochs = np.stack([signal[:, s - 26 : s + 205] for s in starts])
    epochs -= epochs[:, :, :26].mean(axis=2, keepdims=True)
    is_quiet = np.ptp(epochs, axis=2).max(axis=1) < most_uv
    evoked = decimate(epochs[:, :, 26:], 4, axis=2, ftype="fir")[is_quiet]
    onsets = table[starts, 0] - table[0, 0]
    return evoked.reshape(len(evoked), -1), table[starts, 6][is_quiet], onsets[is_quiet]


def muse_problem(folder: Path, most_uv: float = 100) -> Problem:
    """All three runs on one grid."""
    runs = [run_epochs(path, most_uv) for path in sorted(folder.glob("*.csv.gz"))]
    assert len(runs) == 3
    features = np.concatenate([r[0] for r in runs])
    n = len(features)
    return Problem(
        features=features,
        ratings=np.concatenate([r[1] for r in runs]),
        kept=np.ones(n, dtype=bool),
        midpoint=1.5,
        label_rule="midpoint",
        groups=np.arange(n),
        onsets_s=np.concatenate([r[2] for r in runs]),
        runs=np.repeat([0, 1, 2], [len(r[0]) for r in runs]),
        embargo_s=4.0,
        class_names=("faces", "houses"),
    )


def test_faces_and_houses_are_told_apart(shared_data: Path) -> None:
    problem = muse_problem(shared_data / "muse_n170")
    blocked = finish(validate_problem(problem, 199))
    assert blocked.p_value < 0.01
    assert 0.58 < blocked.auc < 0.80
    assert blocked.interval95[0] > 0.5
    whole_runs = tuple(
        Fold(np.flatnonzero(problem.runs != run), np.flatnonzero(problem.runs == run)) for run in range(3)
    )
    across = finish(validate_problem(problem, 199, folds=whole_runs))
    assert across.p_value < 0.01
    assert across.folds == 3
    assert not near(problem, 4.0)[np.ix_(whole_runs[0].train, whole_runs[0].test)].any()


def test_blinks_that_nobody_marked_do_not_hide_the_faces(shared_data: Path) -> None:
    everything = finish(validate_problem(muse_problem(shared_data / "muse_n170", np.inf), 199))
    assert everything.n_trials > 580
    assert everything.p_value < 0.01
    assert everything.auc > 0.6


def test_shuffled_pictures_are_not(shared_data: Path) -> None:
    problem = muse_problem(shared_data / "muse_n170")
    shuffled = np.random.default_rng(5).permutation(problem.ratings)
    validation = finish(validate_problem(replace(problem, ratings=shuffled), 99))
    assert abs(validation.auc - 0.5) < 0.08


def test_real_faces_and_houses_are_told_apart_on_runs_never_seen(shared_data: Path) -> None:
    problem = muse_problem(shared_data / "muse_n170")
    runs = tuple(Fold(np.flatnonzero(problem.runs != run), np.flatnonzero(problem.runs == run)) for run in range(3))
    refined = finish(refine_problem(problem, 4, 39, folds=runs))
    headline = finish(validate_problem(problem, 39, folds=runs))
    assert refined.p_value == 1 / 40
    assert refined.auc > 0.66
    models = [(v.auc, v.null[: v.n_free], v.null[v.n_free :]) for v in (headline, refined)]
    assert familywise_p(models) == (1 / 40, 1 / 40)
