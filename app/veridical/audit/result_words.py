"""A validation's numbers in words, the same on the page, in the report and on the command line."""

import numpy as np

from veridical.audit.wording import p_words, percent
from veridical.domain.evaluation import RatingValidation, Validation

_NBSP = "\N{NO-BREAK SPACE}"


def views_words(validation: Validation) -> str:
    """Say what several models of one decision contributed; empty if there is one model only."""
    if not validation.views:
        return ""
    shares = validation.shares
    order = np.argsort(-shares.mean(axis=0), kind="stable")
    if np.isin(shares, (0.0, 1.0)).all():
        chosen = [(validation.views[k], int(shares[:, k].sum())) for k in order]
        told = [f"{name} in {n} of {len(shares)} blocks" for name, n in chosen if n]
    else:
        mean = [percent(float(share)) for share in shares.mean(axis=0)]
        # No line breaks inside a number.
        told = [f"{validation.views[k]} {mean[k].replace(' ', _NBSP)}" for k in order]
    return ", ".join(told) or "nothing that told the classes apart inside the training trials"


def ratings_words(ratings: RatingValidation) -> str:
    """Say how well the ratings themselves are predicted."""
    low, high = ratings.interval95
    share = f"{percent(ratings.explained)} of the variance" if ratings.explained > 0 else "nothing"
    return (
        f"r = {_signed(ratings.correlation)} [{_signed(low)}, {_signed(high)}], {p_words(ratings.p_value)}; explains "
        f"{share}; "
        f"off by {ratings.mean_error:.2f} points on average, the middle answer by {ratings.mean_error_guessing:.2f} "
        f"({ratings.n_trials} ratings)"
    )


def _signed(value: float) -> str:
    return f"{value:.2f}".replace("-", "\N{MINUS SIGN}")
