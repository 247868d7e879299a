"""How far a long piece of work has come."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True)
class Progress:
    """One step of a long piece of work.

    Parameters
    ----------
    done, total : float
        In any unit; ``total`` above 0.
    text : str
        What is being done now, in the user's words ("Permuting labels").
    """

    done: float
    total: float
    text: str = ""

    @property
    def share(self) -> float:
        """Finished share, 0 to 1."""
        return min(1.0, max(0.0, self.done / self.total)) if self.total > 0 else 0.0


Work: TypeAlias = Generator[Progress, None, Result]
"""Long work yields Progress, returns its result, and is cancelled by ``close()``."""


def finish(work: "Work[Result]") -> Result:
    """Run long work to its end in the calling thread and return its result (blocks)."""
    while True:
        try:
            next(work)
        except StopIteration as stop:
            result: Result = stop.value
            return result


def scaled(work: "Work[Result]", start: float, stop: float, prefix: str = "") -> "Work[Result]":
    """Run a part of longer work; its progress is told as going from ``start`` to ``stop`` of the whole."""
    try:
        while True:
            step = next(work)
            yield Progress(start + step.share * (stop - start), 1.0, f"{prefix}{step.text}")
    except StopIteration as stopped:
        result: Result = stopped.value
        return result
    finally:
        work.close()
