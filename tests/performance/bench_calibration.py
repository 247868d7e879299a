"""From the closed file to the numbers: what a participant with the cap on waits for, step by step.

Run ``python -m tests.performance.bench_calibration``; ``--refine`` adds the evoked covariance (minutes). The recording
is the autonomic template whole: 72 trials of 6-s pictures, 32 channels at 500 Hz, EDA and ECG, about 25 minutes.
"""

import sys
import tempfile
import time
from pathlib import Path

from tests.acceptance.audited_people import pictures

from veridical.domain.participant import RunKey
from veridical.domain.pipeline import PipelineName
from veridical.domain.progress import Progress
from veridical.domain.simulation import SimulationPlan
from veridical.domain.study import StudySettings
from veridical.services.judging import TrainingRequest
from veridical.services.session import plan_session
from veridical.services.study import Study, create_study
from veridical.services.training import train_work
from veridical.simulator.offline import simulate_recording

PIPELINES: tuple[PipelineName, ...] = ("evoked", "interpretable", "eda", "fusion", "chosen")


def record(folder: Path) -> tuple[Study, float]:
    """Make a study with one recorded session; return it and the size of the recording in MB."""
    pictures(folder / "pictures", 1)
    study = create_study(folder / "study", StudySettings(seed=1, intake=()), folder / "pictures")
    study.add_participant("001")
    key = RunKey("001")
    path = study.paths.xdf(key)
    path.parent.mkdir(parents=True)
    body, scales = SimulationPlan("responsive", 1), study.settings.protocol.scales
    simulate_recording(path, body, plan_session(study, key), study.stimuli, scales, 1)
    return study, path.stat().st_size / 1e6


def step_of(progress: Progress) -> str:
    """A name that all steps of one kind share."""
    return progress.text.split(" of run")[0].split(" run")[0].split(", ")[0].rstrip("0123456789 ")


def seconds_by_step(study: Study, request: TrainingRequest) -> dict[str, float]:
    """Train once and return the seconds from the start of each step to the next."""
    spent: dict[str, float] = {}
    step, began = "Starting", time.perf_counter()
    for progress in train_work(study, request):
        now = time.perf_counter()
        spent[step] = spent.get(step, 0.0) + now - began
        step, began = step_of(progress), now
    spent[step] = spent.get(step, 0.0) + time.perf_counter() - began
    return spent


def main() -> None:
    """Print a table per pipeline."""
    with tempfile.TemporaryDirectory() as folder:
        study, megabytes = record(Path(folder))
        sys.stdout.write(f"recording of {megabytes:.0f} MB\n")
        for pipeline in PIPELINES:
            spent = seconds_by_step(study, TrainingRequest("001", pipeline=pipeline))
            total = sum(spent.values())
            sys.stdout.write(f"\n{pipeline}: {total:.1f} s\n")
            for step, seconds in sorted(spent.items(), key=lambda item: -item[1]):
                sys.stdout.write(f"  {step:60s} {seconds:6.2f} s {100 * seconds / total:5.1f} %\n")
        if "--refine" in sys.argv:
            began = time.perf_counter()
            seconds_by_step(study, TrainingRequest("001", pipeline="evoked", refines=True))
            sys.stdout.write(f"\nevoked with the covariance besides: {time.perf_counter() - began:.1f} s\n")


if __name__ == "__main__":
    main()
