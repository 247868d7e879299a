"""``veridical study ...``."""

from pathlib import Path

from veridical.cli.output import put, put_json, say
from veridical.domain.errors import ProtocolError
from veridical.domain.protocol import expand
from veridical.services.study import create_study
from veridical.storage.template_file import read_template


def new_study(folder: Path, template: str, as_json: bool) -> None:
    """Make a study from a template and say what to do next."""
    chosen = read_template(template)
    study = create_study(folder, chosen.settings)
    if as_json:
        put_json({"study": str(study.root), "stimuli": len(study.stimuli.stimuli)})
        return
    put(f"{study.root} holds a study with {len(study.stimuli.stimuli)} demo pictures.")
    put(f"Template {chosen.name}: {chosen.summary}")
    try:
        expand(study.settings.protocol, study.stimuli, study.settings.seed)
    except ProtocolError as error:
        say(str(error))
    put("Look through study.toml before the first recording, then open the study in the window: veridical")
