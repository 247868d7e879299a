"""Simulated participants of known truth, taken through the whole path: recording, features, model, audit.

Shared by the acceptance tests (few) and ``tests/performance/bench_audit.py`` (many).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from veridical.domain.arrays import FloatArray
from veridical.domain.evaluation import Finding, OverallVerdict
from veridical.domain.image_statistics import STATISTIC_NAMES, ImageStatistics
from veridical.domain.participant import RunKey
from veridical.domain.progress import finish
from veridical.domain.protocol import Protocol
from veridical.domain.simulation import EffectSizes, Profile, SimulationPlan, effects_of
from veridical.domain.stimulus import CONDITIONS, Stimulus, StimulusSet
from veridical.domain.study import AnalysisChoices, StudySettings
from veridical.services.auditing import audit_work
from veridical.services.judging import TrainingRequest
from veridical.services.session import plan_session
from veridical.services.study import Study, create_study
from veridical.simulator.offline import simulate_recording
from veridical.simulator.performance import SHORTENED
from veridical.storage.stimuli_table import write_stimuli

Person = Literal[Profile, "responsive-twice"]

N_PERMUTATIONS = 99
# Onset to onset about 1.25 s; METHODS 2 has 12 s and an embargo of 20 s.
_EMBARGO_S = 2.1
# A laugh lasts about 1.6 s: it must be over before the next picture, as it is in a real session. Onset to onset 3 s.
_LAUGH_ITI_S, _LAUGH_EMBARGO_S = (1.7, 2.0), 5.0
_PER_CONDITION = 40
_REPEATS = 0.25
# Pictures are shown for 0.8 s, so the late potential is seen for half a second; with 9 uV per unit of valence the
# validated balanced accuracy was .66 and .69 in two of them, what METHODS 5.7 calls the upper end of the realistic.
_EFFECT_V = 9e-6
# Laughter that a model of evoked samples can read: as large as the feeling's own effect over a session's pictures.
_LAUGH_V = 18e-6


@dataclass(frozen=True)
class Audited:
    """What the audit said of one participant."""

    person: Person
    seed: int
    kind: OverallVerdict
    headline: str
    n_trials: int
    balanced_accuracy: float
    p_value: float
    findings: tuple[Finding, ...]

    def finding(self, threat: str) -> Finding:
        """Answer of one check."""
        return next(f for f in self.findings if f.threat == threat)


def effects_for(person: Person) -> EffectSizes:
    """Effect sizes of the proof; docs/method.md states them."""
    if person == "responsive-twice":
        return effects_for("responsive")
    own = effects_of(person)
    if own.laugh_probability:
        return replace(own, laugh_shift_v=_LAUGH_V)
    return replace(own, lpp_v_per_valence=_EFFECT_V) if own.lpp_v_per_valence else own


def _statistics(look: FloatArray) -> ImageStatistics:
    numbers = dict(zip(STATISTIC_NAMES[:-1], map(float, look), strict=False))
    return ImageStatistics(**numbers, file_bytes=int(1e4 + 1e3 * look[-1]))


def pictures(folder: Path, seed: int) -> StimulusSet:
    """41 pictures of each class, norms as scattered as published ones, brightness unrelated to the norms."""
    folder.mkdir(parents=True)
    file = folder / "grey.png"
    Image.new("RGB", (4, 4), (128, 128, 128)).save(file)
    rng = np.random.default_rng([seed, 1])
    norms = {"negative": (1.8, 3.2), "neutral": (3.6, 4.4), "positive": (4.8, 6.2)}
    mix = rng.normal(size=(4, len(STATISTIC_NAMES)))
    rows = []
    for condition in CONDITIONS:
        for k in range(_PER_CONDITION + 2):
            look = rng.normal(size=4) @ mix + 0.5 * rng.normal(size=len(STATISTIC_NAMES))
            rows.append(
                Stimulus(
                    f"{condition}{k}",
                    file.name,
                    category=f"theme {k % 6}",
                    valence_mean=float(rng.uniform(*norms[condition])),
                    arousal_mean=float(rng.uniform(2.0, 6.0)),
                    statistics=_statistics(look),
                )
            )
    found = StimulusSet(tuple(rows))
    write_stimuli(folder / "stimuli.tsv", found)
    return found


def settings_for(person: Person, seed: int, n_sessions: int) -> StudySettings:
    """150 pictures in one session, or half as many in each of two."""
    is_laughing = person == "laughing"
    protocol = Protocol(
        name="proof",
        n_per_condition=_PER_CONDITION // n_sessions,
        n_blocks=3,
        n_practice=2,
        repeat_share=_REPEATS,
        baseline_open_s=1.0,
        baseline_closed_s=1.0,
        fixation_s=(0.1, 0.16),
        picture_s=0.8,
        iti_s=_LAUGH_ITI_S if is_laughing else (0.02, 0.05),
    )
    return StudySettings(
        title="Proof of the audit",
        seed=seed,
        protocol=protocol,
        analysis=AnalysisChoices(
            embargo_s=_LAUGH_EMBARGO_S if is_laughing else _EMBARGO_S, n_permutations=N_PERMUTATIONS
        ),
        is_shortened=True,
        intake=(),
    )


def record_person(folder: Path, person: Person, seed: int) -> Study:
    """Make a study with one recorded participant, 001, and the recordings' XDF files."""
    n_sessions = 2 if person in ("changing", "responsive-twice") else 1
    profile: Profile = "responsive" if person == "responsive-twice" else person
    stimuli = folder / "pictures"
    pictures(stimuli, seed)
    study = create_study(folder / "study", settings_for(person, seed, n_sessions), stimuli)
    study.add_participant("001")
    for occasion in range(n_sessions):
        key = RunKey("001", f"{occasion + 1:02d}")
        study.paths.xdf(key).parent.mkdir(parents=True)
        body = SimulationPlan(
            profile, seed, effects=effects_for(person), eeg_hz=250.0, eda_hz=32.0, ecg_hz=128.0, occasion=occasion
        )
        session = plan_session(study, key)
        scales = study.settings.protocol.scales
        simulate_recording(
            study.paths.xdf(key), body, session, study.stimuli, scales, 1000 * occasion + seed, SHORTENED
        )
    return study


def audit_person(folder: Path, person: Person, seed: int) -> Audited:
    """Record, extract, train and audit a participant of known truth."""
    result = finish(audit_work(record_person(folder, person, seed), TrainingRequest("001", seed=seed)))
    return Audited(
        person,
        seed,
        result.verdict.kind,
        result.verdict.headline,
        result.validation.n_trials,
        result.validation.balanced_accuracy,
        result.validation.p_value,
        result.findings,
    )


def is_alarm(finding: Finding) -> bool:
    """Whether a check warns."""
    return finding.verdict in ("caution", "fail")


def n_alarms(people: Sequence[Audited], threat: str) -> int:
    """How many of these people a check warns about."""
    return sum(is_alarm(p.finding(threat)) for p in people)
