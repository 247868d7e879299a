"""How answers become two classes: the rules and their words, in one place."""

from typing import Literal

# How the values on the grid are split; the rules of a study lead to one of these.
SplitRule = Literal["midpoint", "median", "tertiles"]
LabelRule = Literal["midpoint", "median", "tertiles", "norm", "agreement"]

LABEL_RULES: dict[LabelRule, str] = {
    "midpoint": "own rating above or below the scale's midpoint; the midpoint is left out",
    "median": "own rating above or below the median of the training trials",
    "tertiles": "own rating in the upper or the lower third of the training trials; the middle third is left out",
    "norm": "class of the picture's norm; neutral pictures are left out",
    "agreement": "own rating and norm on the same side of their midpoints; all other trials are left out",
}
# For the methods of a paper: what follows "Trials".
SENTENCES: dict[LabelRule, str] = {
    "midpoint": "Trials rated above the scale's midpoint were told from those rated below it; ratings on the midpoint "
    "were left out",
    "median": "Trials rated above the median of the training trials were told from those rated below it",
    "tertiles": "Trials rated in the upper third of the training trials were told from those in the lower third; the "
    "middle third was left out",
    "norm": "Pictures of the upper normative class were told from those of the lower one, whatever the participant's "
    "own rating; neutral pictures were left out",
    "agreement": "Trials whose own rating and norm lay above the midpoint were told from those where both lay below "
    "it; all others were left out",
}


def needs_norms(rule: LabelRule) -> bool:
    """Whether the rule looks at the stimuli's norms."""
    return rule in ("norm", "agreement")


def split_of(rule: LabelRule) -> SplitRule:
    """How the values are split once norms have been looked at."""
    if rule == "median" or rule == "tertiles":
        return rule
    return "midpoint"


def rule_words(rule: LabelRule, dead_zone: float = 0.0) -> str:
    """The rule in words; ``dead_zone`` in units of the scale."""
    words = LABEL_RULES[rule]
    if rule == "midpoint" and dead_zone > 0:
        return f"own rating more than {dead_zone:g} above or below the scale's midpoint; the rest is left out"
    return words
