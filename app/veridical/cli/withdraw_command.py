"""``veridical withdraw``."""

import sys
from pathlib import Path

from veridical.cli.output import follow, put, put_json, say
from veridical.domain.errors import StudyError
from veridical.services.study import open_study
from veridical.services.withdrawal import find_holdings, withdraw_work


def run_withdraw(folder: Path, participant: str, is_sure: bool, as_json: bool) -> None:
    """Ask, erase, and say what went."""
    study = open_study(folder)
    held = find_holdings(study, participant)
    if not is_sure and not (held.is_withdrawn and not held.folders):
        if not sys.stdin.isatty():
            raise StudyError(f"Nothing was erased: {held.words} of participant {participant}; give --yes to erase it.")
        say(f"This erases {held.words}, of participant {participant} in {study.root}. It cannot be undone.")
        say("Copies made elsewhere, such as backups and exports, stay; erase them too.")
        if held.absent:
            say(held.absent_words)
        sys.stderr.write(f"Type {participant} to erase: ")
        sys.stderr.flush()
        if sys.stdin.readline().strip() != participant:
            raise StudyError(f"Nothing was erased: the answer was not {participant}.")
    erased = follow(withdraw_work(study, participant))
    if as_json:
        absent = [str(f) for f in erased.absent]
        put_json(
            {"participant": erased.participant, "files": erased.n_files, "bytes": erased.n_bytes, "not_found": absent}
        )
        return
    put(f"Erased {erased.words}. The id {erased.participant} stays taken; copies made elsewhere are not reached.")
    if erased.absent:
        put(erased.absent_words)
