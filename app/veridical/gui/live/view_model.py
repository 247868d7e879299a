"""What is needed before a model can run on live streams, as a checklist without Qt."""

from dataclasses import dataclass

from veridical.domain.errors import VeridicalError
from veridical.gui.common.tokens import StatusLevel
from veridical.gui.common.workspace import Focus


@dataclass(frozen=True)
class Need:
    """One line of the checklist; ``page`` is where it can be met."""

    title: str
    level: StatusLevel
    words: str
    page: str = ""


def resolve_needs(focus: Focus) -> tuple[Need, ...]:
    """Answer every need from the study's files."""
    if focus.study is None:
        return (Need("A study", "unknown", "No study is open.", "study"),)
    try:
        progress = next((p for p in focus.study.progress() if p.participant.id == focus.participant), None)
    except VeridicalError as error:
        return (Need("A study", "fail", str(error), "study"),)
    if progress is None:
        return (Need("A participant", "unknown", "Nobody is chosen; add a participant first.", "study"),)
    who = progress.participant.id
    recorded = Need("A recording", "good", f"Participant {who} was recorded.")
    if not progress.runs:
        recorded = Need("A recording", "unknown", f"Participant {who} was not recorded yet.", "run")
    trained = Need("A validated model", "good", progress.headline)
    if not progress.headline:
        trained = Need("A validated model", "unknown", "No model was trained yet.", "model")
    believed = Need(
        "A model worth running", "good", "The verdict is above chance and unexplained by any confound measured."
    )
    if not progress.headline.lower().removeprefix("in simulation: ").startswith("above chance, and none"):
        believed = Need(
            "A model worth running",
            "unknown" if not progress.headline else "caution",
            "Only a model whose verdict is above chance, with no confound that explains it, should steer anything.",
            "model" if progress.runs else "",
        )
    causal = Need(
        "A score of its own for live use",
        "unknown",
        "Live filters cannot look ahead, so the model has to be validated again the way it will run. "
        "This version does not do that yet.",
    )
    return recorded, trained, believed, causal
