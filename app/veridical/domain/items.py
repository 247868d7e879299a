"""Questions that ship: valence and arousal in every form, and items beside them.

The words here are the English ones; ``resources/texts`` translates them by id.
"""

from dataclasses import replace

from veridical.domain.rating import AROUSAL, VALENCE, Scale, ScaleKind

DOMINANCE = Scale("dominance", "How much were you in control of this feeling?", "not at all", "medium", "fully")
CONFIDENCE = Scale("confidence", "How sure are you of your answers?", "not at all", "medium", "fully")
MEMORY = Scale("memory", "Did this picture bring up a memory of your own?", "not at all", "a little", "vividly")
# Ekman's six, contentment beside joy (pleasant pictures are often calm), and the way out.
EMOTION = Scale(
    "emotion",
    "Which word fits best what you felt?",
    kind="choice",
    options=("joy", "contentment", "sadness", "fear", "anger", "disgust", "surprise", "none"),
)
COMMENT = Scale("comment", "What did this picture make you think of?", kind="text", is_optional=True)
SEEN = Scale("seen", "Had you seen this picture before today?", kind="choice", options=("no", "unsure", "yes"))
REMINDS = Scale("reminds", "Does it bring up a memory of your own?", kind="choice", options=("no", "unsure", "yes"))

# Asked over the pictures shown, at the end: nostalgia and familiarity can only be audited if asked.
FAMILIARITY: tuple[Scale, ...] = (SEEN, REMINDS)
BUILT_IN: tuple[Scale, ...] = (VALENCE, AROUSAL, DOMINANCE, CONFIDENCE, MEMORY, EMOTION, COMMENT, SEEN, REMINDS)

ATTENTION_ID = "attention"
_ATTENTION = Scale(ATTENTION_ID, "To show that you are paying attention, please choose {step}.")


def attention_id(step: int) -> str:
    """Id of the attention check that asks for ``step``."""
    return f"{ATTENTION_ID}-{step}"


def attention_scale(step: int, question: str = "") -> Scale:
    """Return the attention check that asks for ``step`` (1 to 7); ``question`` holds ``{step}``."""
    words = (question or _ATTENTION.question).replace("{step}", str(step))
    return replace(_ATTENTION, id=attention_id(step), question=words)


def of_kind(scale: Scale, kind: ScaleKind, n_points: int = 7) -> Scale:
    """Return a valence-like scale in another form: ``n_points`` discs, or a slider from 0 to 1."""
    if kind in ("visual-analogue", "affective-slider"):
        return replace(scale, kind=kind, minimum=0, maximum=1)
    return replace(scale, kind=kind, minimum=1, maximum=n_points)
