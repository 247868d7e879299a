"""Was the participant in another state in the study than in the calibration?

Two sessions always differ somehow: under plain drift a classifier told every pair apart (AUC .87) [measured; METHODS
6]. So the difference is judged against the one between the halves of the calibration itself, and against what it does
to the model's output.
"""

from dataclasses import replace

import numpy as np

from veridical.audit.context import AuditContext, StateShift
from veridical.audit.measuring import (
    ONE_SIDED_95,
    apart,
    auc_spread,
    kept_rows,
    try_validation,
    without_drift_correction,
)
from veridical.audit.wording import count
from veridical.domain.arrays import FloatArray, IntArray
from veridical.domain.chart import score_chart
from veridical.domain.evaluation import Finding
from veridical.domain.progress import Work
from veridical.learning.problem import Problem
from veridical.learning.splits import outer_folds

THREAT = "state mismatch"
MIN_TRIALS = 20
N_BLOCKS = 5
# A standardised mean difference of .5 is a medium effect (Cohen 1988).
MEDIUM_SHIFT = 0.5


def measure_shift(context: AuditContext) -> Work[StateShift]:
    """Tell the calibration's halves apart, then its later half from every later session."""
    rows = kept_rows(context)
    names = np.array(context.sessions) if context.sessions else np.full(context.problem.n_presented, "01")
    sessions = list(dict.fromkeys(names[rows].tolist()))
    if not sessions:
        return StateShift(problem="no trial could be used")
    calibration = rows[names[rows] == sessions[0]]
    later = rows[names[rows] != sessions[0]]
    if len(calibration) < MIN_TRIALS:
        found = count(len(calibration), "usable trial")
        return StateShift(problem=f"the calibration has {found} and {MIN_TRIALS} are needed")
    early, late = np.array_split(calibration, 2)
    features = np.asarray(context.problem.features, dtype=float)
    within = yield from _tell_apart(context, early, late)
    shift = StateShift(
        within_auc=within,
        within_n=len(calibration),
        within_smd=_median_smd(features[early], features[late]),
    )
    if len(later) < MIN_TRIALS // 2:
        return replace(shift, problem="there is one session only, or too few trials in the later one")
    # Pieces as long as half a calibration: more trials would be easier to tell apart for no other reason.
    pieces = np.array_split(later, max(1, round(len(later) / len(late))))
    total = 0.0
    for piece in pieces:
        total += yield from _tell_apart(context, late, piece)
    outputs = yield from _outputs(context, calibration, later)
    return replace(
        shift,
        between_auc=float(total / len(pieces)),
        between_n=len(late) + len(pieces[0]),
        between_smd=float(np.mean([_median_smd(features[late], features[piece]) for piece in pieces])),
        output_within=float(_smd(outputs[early], outputs[late])),
        output_between=float(_smd(outputs[late], outputs[later])),
    )


def _tell_apart(context: AuditContext, first: IntArray, second: IntArray) -> Work[float]:
    """AUC of a classifier two-sample test on blocked folds (Lopez-Paz & Oquab 2017); NaN if it cannot be done."""
    side = np.full(context.problem.n_presented, np.nan)
    side[first], side[second] = -1.0, 1.0
    kept = np.isfinite(side)
    problem = replace(
        without_drift_correction(context.problem), ratings=side, kept=kept, midpoint=0.0, label_rule="midpoint"
    )
    rows = np.flatnonzero(kept)
    blocks = zip(np.array_split(first, N_BLOCKS), np.array_split(second, N_BLOCKS), strict=True)
    tests = [np.concatenate(pair) for pair in blocks]
    # An embargo in seconds at every cut would take most of half a session away; two trials stay apart.
    close = replace(problem, embargo_s=0.0)
    folds = [apart(close, np.setdiff1d(rows, test), test) for test in tests]
    validation, _ = yield from try_validation(problem, folds, context.seed)
    return float("nan") if validation is None else validation.auc


def _outputs(context: AuditContext, calibration: IntArray, later: IntArray) -> Work[FloatArray]:
    """The calibration's model on trials that it was not trained on, per presented trial; NaN where there is none."""
    outputs = np.full(context.problem.n_presented, np.nan)
    only = np.zeros(context.problem.n_presented, dtype=bool)
    only[calibration] = True
    # Drift stays in: live, nobody can take it out.
    problem: Problem = without_drift_correction(context.problem)
    own, _ = yield from try_validation(
        replace(problem, kept=only), outer_folds(replace(problem, kept=only)), context.seed
    )
    other, _ = yield from try_validation(problem, [apart(problem, calibration, later)], context.seed)
    for rows, validation in ((calibration, own), (later, other)):
        if validation is not None:
            outputs[rows] = validation.predictions[rows]
    return outputs


def _smd(first: FloatArray, second: FloatArray) -> FloatArray:
    """Absolute standardised mean difference of the columns; NaN rows aside, NaN where nothing varies."""
    with np.errstate(invalid="ignore", divide="ignore"):
        a, b = first[np.isfinite(first).reshape(len(first), -1).all(axis=1)], second
        b = b[np.isfinite(b).reshape(len(b), -1).all(axis=1)]
        if len(a) < 2 or len(b) < 2:
            return np.full(first.shape[1:], np.nan)
        spread = np.sqrt((a.var(axis=0, ddof=1) + b.var(axis=0, ddof=1)) / 2)
        difference: FloatArray = np.abs(a.mean(axis=0) - b.mean(axis=0)) / np.where(spread > 0, spread, np.nan)
    return difference


def _median_smd(first: FloatArray, second: FloatArray) -> float:
    differences = _smd(first, second)
    known = differences[np.isfinite(differences)]
    return float(np.median(known)) if len(known) else float("nan")


def check(context: AuditContext) -> Finding:
    """Compare the distance between sessions with the one inside the calibration, in features and in the output."""
    shift = context.shift
    remedy = "Record a short calibration on the day of the study, or leave out the features that moved most."
    if shift is None or not np.isfinite(shift.within_auc):
        why = "it was not run" if shift is None else shift.problem or "the halves could not be compared"
        return Finding(THREAT, "not enough data", {}, f"The participant's state could not be compared: {why}.", remedy)
    evidence = {
        "auc_within_calibration": shift.within_auc,
        "n_within_calibration": float(shift.within_n),
        "median_smd_within": shift.within_smd,
    }
    inside = (
        f"within the calibration the first and the second half are told apart with an AUC of {shift.within_auc:.2f}"
    )
    spread = auc_spread(shift.within_n)
    bars = [("halves of the calibration", shift.within_auc, _around(shift.within_auc, spread), False)]
    if not np.isfinite(shift.between_auc):
        summary = f"There is no later session to compare with; {inside}."
        chart = score_chart(bars, "AUC of telling apart")
        return Finding(
            THREAT, "not enough data", evidence, summary, "Record the study session, then train again.", chart
        )
    other = auc_spread(shift.between_n)
    bars.append(("calibration and later session", shift.between_auc, _around(shift.between_auc, other), True))
    excess = shift.between_auc - shift.within_auc
    threshold = ONE_SIDED_95 * float(np.hypot(spread, other))
    moved = shift.output_between - shift.output_within
    evidence |= {
        "auc_between_sessions": shift.between_auc,
        "n_between_sessions": float(shift.between_n),
        "median_smd_between": shift.between_smd,
        "output_shift_within": shift.output_within,
        "output_shift_between": shift.output_between,
        "excess": excess,
        "excess_threshold": threshold,
    }
    chart = score_chart(bars, "AUC of telling apart")
    words = (
        f"The later session is told from the calibration with an AUC of {shift.between_auc:.2f}; {inside}; the model's "
        f"output moved by {shift.output_between:.1f} standard deviations"
    )
    has_moved = excess > threshold or shift.between_smd > shift.within_smd + MEDIUM_SHIFT
    output_moved = shift.output_between > MEDIUM_SHIFT and moved > MEDIUM_SHIFT / 2
    if has_moved and output_moved:
        return Finding(THREAT, "fail", evidence, f"{words}: another state, and the model follows it.", remedy, chart)
    if output_moved:
        return Finding(THREAT, "caution", evidence, f"{words}: its threshold no longer fits.", remedy, chart)
    if has_moved:
        return Finding(
            THREAT, "caution", evidence, f"{words}: another state, though it hardly shows there.", remedy, chart
        )
    return Finding(THREAT, "pass", evidence, f"{words}: no more than drift within a session.", "", chart)


def _around(value: float, spread: float) -> tuple[float, float]:
    return max(0.0, value - 1.96 * spread), min(1.0, value + 1.96 * spread)
