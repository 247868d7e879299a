"""``veridical simulate``: a body's streams out."""

import tempfile
from pathlib import Path
from typing import cast

from veridical import paths as places
from veridical.cli.output import say
from veridical.cli.stopping import stop_on_signals
from veridical.domain.errors import ProcessError
from veridical.domain.simulation import Profile, SimulationPlan
from veridical.services.streams import start_simulator_in
from veridical.storage.stimuli_table import read_stimuli

_WATCH_S = 0.2


def run_simulate(profile: str, seed: int, seconds: float | None, has_aux: bool) -> None:
    """Stream a simulated body until the time is up or Ctrl-C."""
    plan = SimulationPlan(profile=cast("Profile", profile), seed=seed, layout="aux" if has_aux else "separate")
    stimuli = read_stimuli(places.demo_stimuli() / "stimuli.tsv").stimuli
    with tempfile.TemporaryDirectory(prefix="veridical-") as folder, stop_on_signals() as stop:
        simulator = start_simulator_in(Path(folder), plan, stimuli)
        try:
            say(f"Streaming the participant {profile!r} (seed {seed}) on LSL; Ctrl-C ends it")
            watched = 0.0
            while not stop.wait(_WATCH_S) and (seconds is None or watched < seconds):
                watched += _WATCH_S
                problem = simulator.problem()
                if problem or not simulator.is_alive():
                    raise ProcessError(problem or "The simulator ended by itself; look whether another one ended it.")
        finally:
            simulator.stop()
