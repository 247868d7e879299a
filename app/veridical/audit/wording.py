"""Numbers in sentences, the same way in every finding, and what each check asks."""

# What each check asks, in the words of docs/terminology.md.
QUESTIONS: dict[str, str] = {
    "chance": "Could guessing have done as well?",
    "overfitting": "Did it learn its training trials by heart?",
    "too little data": "Were there enough trials?",
    "noise": "How much of the session could be used?",
    "artifact bias": "Does it read muscle, eyes or movement?",
    "other rating": "Does it read the other rating?",
    "time on task": "Does it read the passing of time?",
    "ground truth": "Can the ratings be trusted as the truth?",
    "picture confounds": "Does it read brightness, colours or what else the pictures differ in?",
    "generalisation": "Does it hold for other pictures, times, sessions and kinds of stimuli?",
    "individual": "Does calibrating this participant pay?",
    "state mismatch": "Was the participant in another state in the later session?",
    "analysis freedom": "How much may trying out have helped?",
    "calibration of probabilities": "Does a stated 70 % come true in 70 % of trials?",
}


def p_words(p: float) -> str:
    """``p = .003``; never ``p = 0``, and never rounded across .05."""
    if p < 0.001:
        return "p < .001"
    digits = f"{p:.3f}" if p < 0.1 else f"{p:.2f}"
    if p < 0.05 <= float(digits):
        digits = f"{int(p * 10000) / 10000:.4f}"
    return f"p = {digits.lstrip('0') if p < 1 else '1'}"


def percent(share: float) -> str:
    """``62 %``."""
    return f"{100 * share:.0f} %"


def count(n: int, noun: str, plural: str = "") -> str:
    """``1 trial``, ``3 trials``."""
    return f"{n} {noun if n == 1 else plural or noun + 's'}"


def sentence(text: str) -> str:
    """Begin with a capital and leave the rest (AUC, EEG) as it is."""
    return text[:1].upper() + text[1:]
