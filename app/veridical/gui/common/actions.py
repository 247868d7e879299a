"""Everything the window can do, as data: buttons, palette, shortcut page and enablement read one table."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

PageName = Literal["study", "run", "annotate", "model", "live"]
PAGES: tuple[PageName, ...] = ("study", "run", "annotate", "model", "live")


def always() -> bool:
    """Condition of actions that are never disabled."""
    return True


@dataclass(frozen=True)
class Action:
    """One thing a person can do.

    Parameters
    ----------
    id : str
        ``page.verb``; unique.
    text : str
        Words for button and palette, sentence case.
    key : str
        Key in Qt's notation ("Ctrl+K"); unique among the actions that can be reached at the same time.
    run : callable
        Does it.
    when : callable
        Whether it can be done now.
    help : str
        One sentence for tooltip and shortcut page.
    also : str
        A second key.
    page : str
        Page on which it works; empty for everywhere.
    """

    id: str
    text: str
    key: str
    run: Callable[[], None]
    when: Callable[[], bool] = always
    help: str = ""
    page: PageName | Literal[""] = ""
    also: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys of the action."""
        return tuple(k for k in (self.key, self.also) if k)


class ActionTable:
    """All actions, checked once when they are put together."""

    def __init__(self, actions: Iterable[Action]) -> None:
        self.actions = tuple(actions)
        clashes = find_clashes(self.actions)
        if clashes:
            raise ValueError("; ".join(clashes))

    def get(self, action_id: str) -> Action:
        """Return the action with this id; KeyError if there is none."""
        for action in self.actions:
            if action.id == action_id:
                return action
        raise KeyError(action_id)

    def of_page(self, page: PageName | Literal[""]) -> tuple[Action, ...]:
        """Actions of one page, or those that work everywhere."""
        return tuple(a for a in self.actions if a.page == page)

    def find(self, words: str) -> tuple[Action, ...]:
        """Actions whose text or help contains every word, best (text starts with the words) first."""
        asked = words.lower().split()
        hits = [a for a in self.actions if all(w in f"{a.text} {a.page} {a.help}".lower() for w in asked)]
        return tuple(sorted(hits, key=lambda a: (not a.text.lower().startswith(words.lower().strip()), a.page)))


def find_clashes(actions: Iterable[Action]) -> list[str]:
    """Name ids that stand twice, and keys that would be ambiguous on a page."""
    known = tuple(actions)
    clashes = [f"two actions are called {i}" for i, n in Counter(a.id for a in known).items() if n > 1]
    for page in PAGES:
        reachable = Counter(k for a in known for k in a.keys if a.page in ("", page))
        clashes += [f"the key {key} has {n} meanings on the {page} page" for key, n in reachable.items() if n > 1]
    return clashes


def run_action(action: Action) -> bool:
    """Run an action if it can be done now; returns whether it was."""
    if not action.when():
        return False
    action.run()
    return True
