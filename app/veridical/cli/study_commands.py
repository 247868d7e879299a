"""``veridical study ...``."""

from pathlib import Path

from veridical.cli.output import put, put_json
from veridical.services.study import create_study


def new_study(folder: Path, as_json: bool) -> None:
    """Make a study and say what to do next."""
    study = create_study(folder)
    if as_json:
        put_json({"study": str(study.root), "stimuli": len(study.stimuli.stimuli)})
        return
    put(f"{study.root} holds a study with {len(study.stimuli.stimuli)} demo pictures.")
    put("Look through study.toml before the first recording, then open the study in the window: veridical")
