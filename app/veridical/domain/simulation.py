"""What a simulated participant feels about a picture, known to amplifier and presenter alike.

Both processes compute it from (seed, stimulus id), so no message has to carry the truth.
"""

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np

from veridical.domain.rating import Scale
from veridical.domain.stimulus import Stimulus

Profile = Literal["responsive", "null", "laughing", "drifting"]
PROFILES: tuple[Profile, ...] = ("responsive", "null", "laughing", "drifting")

# One rater agrees with the norm at r = .74 (valence) and .44 (arousal) (Kurdi 2017, METHODS 3):
# the private part's size follows from r = 1 / sqrt(1 + s^2 / v) with norms' variance v.
_VALENCE_PRIVATE_SD = 0.45
_AROUSAL_PRIVATE_SD = 0.60


@dataclass(frozen=True)
class Feeling:
    """Latent valence and arousal, each about -1 to 1."""

    valence: float
    arousal: float


@dataclass(frozen=True)
class EffectSizes:
    """How strongly the simulated body follows latent feelings; all of it is known truth.

    Parameters
    ----------
    lpp_v_per_valence, lpp_v_per_arousal : float
        Change of the late positive potential at Pz per unit of latent feeling, volts.
    alpha_db_per_arousal : float
        Change of alpha power per unit of latent arousal, decibels.
    scr_s_per_arousal : float
        Skin conductance response at full latent arousal, siemens.
    deceleration_bpm : float
        Extra deceleration at latent valence -1, beats per minute.
    laugh_probability, laugh_v : float
        Chance of a muscle burst during a pleasantly felt picture, and its size at temporal sites.
    drift_v_per_min, fatigue_per_min : float
        Electrode drift, and share by which evoked responses shrink, per minute.
    """

    lpp_v_per_valence: float = 0.0
    lpp_v_per_arousal: float = 0.0
    alpha_db_per_arousal: float = 0.0
    scr_s_per_arousal: float = 0.0
    deceleration_bpm: float = 0.0
    laugh_probability: float = 0.0
    laugh_v: float = 0.0
    drift_v_per_min: float = 0.0
    fatigue_per_min: float = 0.0


AmplifierLayout = Literal["separate", "aux"]


@dataclass(frozen=True)
class SimulationPlan:
    """A simulated participant on a simulated amplifier; what the session file keeps as ground truth.

    Parameters
    ----------
    layout : str
        ``separate``: EEG, EDA and ECG are three streams; ``aux``: one amplifier with EDA and ECG on AUX
        channels of the EEG stream.
    prefix : str
        Starts the streams' names and source ids (``SimEEG``).
    """

    profile: Profile = "responsive"
    seed: int = 0
    layout: AmplifierLayout = "separate"
    effects: EffectSizes = EffectSizes()
    prefix: str = "Sim"
    eeg_channels: int = 32
    eeg_hz: float = 500.0
    eda_hz: float = 128.0
    ecg_hz: float = 512.0


def latent_feeling(seed: int, stimulus: Stimulus) -> Feeling:
    """Return this participant's latent feeling about a stimulus; the same on every call."""
    digest = hashlib.sha256(f"{seed}/{stimulus.id}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "little"))
    valence = stimulus.valence_unit + _VALENCE_PRIVATE_SD * rng.standard_normal()
    arousal = stimulus.arousal_unit + _AROUSAL_PRIVATE_SD * rng.standard_normal()
    return Feeling(float(np.clip(valence, -1.2, 1.2)), float(np.clip(arousal, -1.2, 1.2)))


def rating_of(scale: Scale, feeling: Feeling, rng: np.random.Generator, report_sd: float = 0.15) -> int:
    """Answer a valence or arousal scale as this feeling would, with reporting noise.

    ``report_sd`` is in latent units; 0.15 of a half-range is a bit under half a step of a 7-point scale,
    so that repeated pictures agree well but not perfectly.
    """
    latent = feeling.arousal if scale.id == "arousal" else feeling.valence
    reported = latent + report_sd * rng.standard_normal()
    value = scale.midpoint + reported * (scale.maximum - scale.minimum) / 2
    return int(np.clip(round(value), scale.minimum, scale.maximum))
