"""Numbers in sentences, the same way in every finding."""


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
