"""``veridical relabel``."""

import sys
from pathlib import Path

from veridical.cli.output import follow, put, put_json, say
from veridical.domain.errors import StudyError
from veridical.services.relabelling import find_interrupted, parse_place, plan_relabelling, relabel_work
from veridical.services.study import open_study


def run_relabel(folder: Path, source: str, target: str, is_sure: bool, as_json: bool) -> None:
    """Ask, relabel, and say what changed."""
    study = open_study(folder)
    old, new = parse_place(source), parse_place(target)
    if find_interrupted(study) is None and not is_sure:
        planned = plan_relabelling(study, old, new)
        if not sys.stdin.isatty():
            raise StudyError(f"Nothing was changed: {planned.words}; give --yes to do it.")
        say(f"{planned.words}. {planned.stays}".strip())
        say("Copies made elsewhere, such as backups and exports, keep the old id.")
        sys.stderr.write(f"Type {new} to relabel: ")
        sys.stderr.flush()
        if sys.stdin.readline().strip() != str(new):
            raise StudyError(f"Nothing was changed: the answer was not {new}.")
    done = follow(relabel_work(study, old, new))
    if as_json:
        runs = [[was.folder, now.folder] for was, now in done.runs]
        put_json({"from": str(old), "to": str(new), "runs": runs, "files": len(done.moves), "stays": done.stays})
        return
    put(f"{old} is {new} now: {len(done.moves)} names changed. The recordings' bytes are as they were.")
    if done.stays:
        put(done.stays)
