"""The numbers of a finding in words: with unit, interval and count, the same on a page and in the window."""

import re
from collections.abc import Mapping

import numpy as np

from veridical.audit.wording import p_words, percent

# Numbers between 0 and 1 that are read as shares.
_SHARE = re.compile(
    r"(balanced_accuracy|share|majority_class|chance95|binomial95|ceiling|accuracy_of|false_positive|power)"
)
_ABBREVIATIONS = {"auc": "AUC", "smd": "standardised mean difference", "sd": "standard deviations", "eeg": "EEG"}


def evidence_words(evidence: Mapping[str, float]) -> tuple[tuple[str, str], ...]:
    """Name and value of every number, in order; both ends of an interval stand in one line.

    Numbers that do not exist are "unknown".
    """
    rows: list[tuple[str, str]] = []
    for name, value in evidence.items():
        if name.startswith("interval95_high"):
            continue
        if name.startswith("interval95_low"):
            ending = name.removeprefix("interval95_low")
            high = evidence.get(f"interval95_high{ending}", float("nan"))
            rows.append((f"95 % interval{_name(ending)}", f"{_share(value)} to {_share(high)}"))
        elif name == "ceiling" and "ceiling_low" in evidence:
            ends = f"95 % interval {_share(evidence['ceiling_low'])} to {_share(evidence['ceiling_high'])}"
            rows.append(("ceiling", f"{_share(value)} ({ends})"))
        elif name not in ("ceiling_low", "ceiling_high"):
            rows.append((_name(name).strip(), _value(name, value)))
    return tuple(rows)


def _name(key: str) -> str:
    """``n_with_norm`` -> ``number with norm``."""
    if key.startswith("p_") or key == "p_value":
        rest = key.removeprefix("p_").removeprefix("value").strip("_")
        return f"p value{_name(f'_{rest}') if rest else ''}"
    words = [_ABBREVIATIONS.get(w.lower(), w) for w in key.removeprefix("n_").split("_")]
    text = " ".join(w for w in words if w)
    if key.startswith("n_"):
        return f"number of {text}"
    return f" {text}" if key.startswith("_") and text else text


def _value(name: str, value: float) -> str:
    if not np.isfinite(value):
        return "unknown"
    if name.startswith("p_"):
        return p_words(value).removeprefix("p ").removeprefix("= ")
    if name.startswith("is_"):
        return "yes" if value else "no"
    if _SHARE.search(name) and 0 <= value <= 1 and not name.startswith("n_"):
        return percent(value)
    digits = (
        f"{value:.0f}" if float(value).is_integer() and (abs(value) >= 1 or name.startswith("n_")) else f"{value:.2f}"
    )
    return digits.replace("-", "\N{MINUS SIGN}")


def _share(value: float) -> str:
    return percent(value) if np.isfinite(value) else "unknown"
