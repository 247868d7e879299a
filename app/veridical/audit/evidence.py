"""The numbers of a finding in words: with unit, interval and count, the same on a page and in the window."""

import re
from collections.abc import Mapping

import numpy as np

from veridical.audit.wording import p_words, percent, sentence

# Numbers between 0 and 1 that are read as shares.
_SHARE = re.compile(
    "balanced_accuracy|share|majority_class|chance95|binomial95|ceiling|accuracy_of|false_positive|power|gap"
)
_BASES = {
    "auc": "AUC",
    "p": "p value",
    "balanced_accuracy": "Balanced accuracy",
    "n": "Trials",
    "interval95": "95 % interval",
}
_ENDINGS = {
    "alone": "confound alone",
    "after": "model without it",
    "pooled": "model of the others",
    "own": "own model",
    "theme": "other themes",
    "time": "later half",
    "session": "other session",
    "kind": "other kind of stimulus",
    "statistics": "picture statistics alone",
    "norm_arousal": "normative arousal alone",
    "first_half": "first half of the session",
    "second_half": "second half of the session",
    "free": "shuffled ratings",
    "circular": "shifted ratings",
    "matched": "other rating matched",
    "clean_trials": "clean trials",
    "with_marked_trials": "marked trials included",
    "within_calibration": "halves of the calibration",
    "between_sessions": "calibration and later session",
}
_NAMES = {
    "n_trials": "Labelled trials",
    "n_low": "Trials rated low",
    "n_high": "Trials rated high",
    "n_midpoint": "Trials at the split",
    "n_presented": "Trials presented",
    "n_answered": "Trials answered",
    "n_lost": "Trials lost",
    "lost_share": "Share lost",
    "n_columns": "Numbers per trial in the confound family",
    "n_features": "Numbers per trial in the model",
    "n_labelings": "Shuffles and shifts",
    "p_value": "p value",
    "p_marked": "p value of the difference in marks",
    "marked_share_low": "Marked among those rated low",
    "marked_share_high": "Marked among those rated high",
    "largest_class_difference_sd": "Largest difference of the classes, SD",
    "majority_class": "Always guessing one class",
    "chance95": "Guessing stays below, in 95 % of shuffles",
    "binomial95": "Binomial threshold",
    "interval95": "95 % interval of the balanced accuracy",
    "gap": "Training minus validated",
    "leakage_gap": "Shuffled minus blocked folds",
    "train_balanced_accuracy": "Balanced accuracy in training trials",
    "shuffled_balanced_accuracy": "Balanced accuracy on shuffled folds",
    "n_other_participants": "Other participants",
    "test_retest_kappa": "Agreement of repeats (quadratic kappa)",
    "n_repeat_pairs": "Repeated pictures, answered twice",
    "norm_rank_correlation": "Rank correlation with the norms",
    "n_with_norm": "Trials with a norm",
    "correlation": "Correlation with the other rating",
    "rank_correlation": "Rank correlation with the trial number",
    "p_rank_correlation": "p value of this rank correlation",
    "brier": "Brier score",
    "brier_of_class_shares": "Brier score of the class shares",
    "perfect_error95": "Error of true probabilities, 95 %",
    "p_value_bonferroni": "p value times the number of analyses",
    "is_primary": "Fixed before recording",
    "median_smd_within": "Median difference of the features, halves, SD",
    "median_smd_between": "Median difference of the features, sessions, SD",
    "output_shift_within": "Shift of the model's output, halves, SD",
    "output_shift_between": "Shift of the model's output, sessions, SD",
    "excess": "Difference of both AUCs",
    "excess_threshold": "What chance explains of it",
    "n_looks": "Sets of recordings looked at",
    "n_variants": "Variants of the preprocessing",
    "n_analyses": "Number of this analysis in the ledger",
}


def evidence_words(evidence: Mapping[str, float]) -> tuple[tuple[str, str], ...]:
    """Name and value of every number, in order; both ends of an interval stand in one line.

    Numbers that do not exist are "unknown".
    """
    rows: list[tuple[str, str]] = []
    for name, value in evidence.items():
        if name.startswith("interval95_low"):
            ending = name.removeprefix("interval95_low")
            high = evidence.get(f"interval95_high{ending}", float("nan"))
            rows.append((_name(f"interval95{ending}"), f"{_share(value)} to {_share(high)}"))
        elif name == "ceiling" and "ceiling_low" in evidence:
            ends = f"95 % interval {_share(evidence['ceiling_low'])} to {_share(evidence['ceiling_high'])}"
            rows.append(("Ceiling of the balanced accuracy", f"{_share(value)} ({ends})"))
        elif not name.startswith("interval95_high") and name not in ("ceiling_low", "ceiling_high"):
            rows.append((_name(name), _value(name, value)))
    return tuple(rows)


def _name(key: str) -> str:
    """``auc_alone`` -> ``AUC, confound alone``."""
    if key in _NAMES:
        return _NAMES[key]
    for base, words in _BASES.items():
        ending = key.removeprefix(f"{base}_")
        if ending in _ENDINGS:
            return f"{words}, {_ENDINGS[ending]}"
    if key in _BASES:
        return _BASES[key]
    words = key.removeprefix("n_").removeprefix("p_").replace("_", " ")
    words = re.sub(r"\bauc\b", "AUC", words)
    if key.startswith("n_"):
        return f"Number, {words}"
    return f"p value, {words}" if key.startswith("p_") else sentence(words)


def _value(name: str, value: float) -> str:
    if not np.isfinite(value):
        return "unknown"
    if name.startswith("p_"):
        return p_words(value).removeprefix("p ").removeprefix("= ")
    if name.startswith("is_"):
        return "yes" if value else "no"
    if _SHARE.search(name) and abs(value) <= 1 and not name.startswith("n_"):
        digits = percent(value)
    else:
        is_whole = float(value).is_integer() and (abs(value) >= 1 or name.startswith("n_"))
        digits = f"{value:.0f}" if is_whole else f"{value:.2f}"
    return digits.replace("-", "\N{MINUS SIGN}")


def _share(value: float) -> str:
    return percent(value) if np.isfinite(value) else "unknown"
