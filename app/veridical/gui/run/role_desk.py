"""Editing who plays what, with undo; knows no Qt."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from veridical.domain.electrodes import is_electrode, usual_name
from veridical.domain.errors import StreamError, VeridicalError
from veridical.domain.role_table import (
    ChannelUse,
    assignments_of,
    label_of,
    table_of,
    with_changes,
    with_corrected_unit,
)
from veridical.domain.stream import RoleAssignment, StreamDescription

Table = tuple[ChannelUse, ...]


@dataclass(frozen=True)
class RoleEdit:
    """One change of the table."""

    before: Table
    after: Table
    text: str


class RoleDesk:
    """Holds the table; every edit is saved before the call returns.

    Parameters
    ----------
    save : callable
        Keeps the assignments with the study.
    """

    def __init__(self, save: Callable[[tuple[RoleAssignment, ...]], None]) -> None:
        self._save = save
        self.table: Table = ()
        self.problem = ""
        self._streams: tuple[StreamDescription, ...] = ()
        self._waiting: tuple[tuple[int, ...], dict[str, object]] = ((), {})
        self._done: list[RoleEdit] = []
        self._undone: list[RoleEdit] = []

    @property
    def undo_text(self) -> str:
        """Name of the edit that undo would take back; empty if there is none."""
        return self._done[-1].text if self._done else ""

    @property
    def redo_text(self) -> str:
        """Name of the edit that redo would make again; empty if there is none."""
        return self._undone[-1].text if self._undone else ""

    def show_streams(self, streams: Sequence[StreamDescription], decided: Sequence[RoleAssignment]) -> None:
        """Take other streams or roles; what was edited can be undone as long as the streams are the same."""
        streams = tuple(streams)
        table = table_of(streams, decided)
        if streams != self._streams:
            self._streams = streams
            self._done.clear()
            self._undone.clear()
            self.table = table
            self.problem = ""
        elif not self._done and not self._undone:
            self.table = table

    def change(self, places: Iterable[int], text: str, **changes: object) -> None:
        """Change fields of some rows.

        What is refused is kept for the next change of the same rows: millivolts become skin conductance only together
        with the sensor's scale.
        """
        rows = tuple(places)
        waiting = self._waiting[1] if self._waiting[0] == rows else {}
        changes = {**waiting, **changes}
        self._try(lambda: with_changes(self.table, rows, **changes), text)
        self._waiting = (rows, changes) if self.problem else ((), {})

    def name(self, places: Sequence[int], text: str) -> None:
        """Name channels: one name for one, or a list as long as the selection, separated by blanks or commas."""
        names = [text.strip()] if len(places) == 1 else text.replace(",", " ").replace(";", " ").split()
        if len(names) != len(places):
            self.problem = f"{len(places)} channels are selected and {len(names)} names were given; give one for each."
            return
        by_place = dict(zip(places, names, strict=True))
        self._try(
            lambda: tuple(replace(r, name=by_place[k]) if k in by_place else r for k, r in enumerate(self.table)),
            "Name channels",
        )

    def correct_unit(self, role: RoleAssignment, unit: str) -> None:
        """Take a role's numbers in another unit."""
        self._try(lambda: with_corrected_unit(self.table, role, unit), f"Take {role.role} as {unit}")

    def use_usual_names(self) -> None:
        """Write the EEG's labels as 10-20 names are usually written."""
        self._try(
            lambda: tuple(
                replace(r, name=usual_name(label_of(r))) if r.role == "EEG" and is_electrode(label_of(r)) else r
                for r in self.table
            ),
            "Use 10-20 names",
        )

    def guess(self) -> None:
        """Forget what was decided and guess anew."""
        self._try(lambda: table_of(self._streams), "Guess again")

    def undo(self) -> None:
        """Take back the last edit."""
        if self._done:
            edit = self._done.pop()
            self._undone.append(edit)
            self._take(edit.before)

    def redo(self) -> None:
        """Make the last undone edit again."""
        if self._undone:
            edit = self._undone.pop()
            self._done.append(edit)
            self._take(edit.after)

    def _try(self, make: Callable[[], Table], text: str) -> None:
        try:
            after = make()
            # Refused before it is taken over: a scale that cannot be read, two channels of one name.
            assignments_of(after)
        except StreamError as error:
            self.problem = str(error)
            return
        if after == self.table:
            self.problem = ""
            return
        self._done.append(RoleEdit(self.table, after, text))
        self._undone.clear()
        self._take(after)

    def _take(self, table: Table) -> None:
        self.table, self.problem = table, ""
        try:
            self._save(assignments_of(table))
        except VeridicalError as error:
            self.problem = str(error)
