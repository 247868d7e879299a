"""What a simulated participant feels about a picture, known to amplifier and presenter alike.

Both processes compute it from (seed, stimulus id), so no message has to carry the truth.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from veridical.domain.rating import Scale
from veridical.domain.stimulus import Stimulus

Profile = Literal[
    "responsive",
    "null",
    "laughing",
    "drifting",
    "picture-driven",
    "arousal-driven",
    "time-driven",
    "mislabelling",
    "changing",
]
PROFILES: tuple[Profile, ...] = (
    "responsive",
    "null",
    "laughing",
    "drifting",
    "picture-driven",
    "arousal-driven",
    "time-driven",
    "mislabelling",
    "changing",
)

# One rater agrees with the norm at r = .74 (valence) and .44 (arousal) (Kurdi 2017, METHODS 3):
# the private part's size follows from r = 1 / sqrt(1 + s^2 / v) with norms' variance v.
_VALENCE_PRIVATE_SD = 0.45
_AROUSAL_PRIVATE_SD = 0.60


@dataclass(frozen=True)
class Feeling:
    """Latent valence and arousal, each about -1 to 1."""

    valence: float
    arousal: float


NOTHING_FELT = Feeling(0.0, 0.0)


@dataclass(frozen=True)
class Disposition:
    """How a simulated participant feels and answers, beyond norms and chance; known truth as ``EffectSizes`` is.

    Parameters
    ----------
    valence_per_brightness : float
        Latent valence that one standard deviation of luminance (over the study's pictures) adds: who likes what is
        bright.
    arousal_per_valence : float
        Latent arousal that a unit of latent valence adds: negative where the unpleasant arouses.
    norm_share : float
        Share of the norms that is felt, 0 to 1; a private taste of the same size stays.
    drift : float
        Latent valence that answers gain from the first to the last picture of a session.
    random_share : float
        Share of the answers that have nothing to do with the picture, 0 to 1.
    """

    valence_per_brightness: float = 0.0
    arousal_per_valence: float = 0.0
    norm_share: float = 1.0
    drift: float = 0.0
    random_share: float = 0.0

    def feeling(self, latent: Feeling, stimulus: Stimulus, brightness: float) -> Feeling:
        """What this participant feels about a picture.

        Parameters
        ----------
        latent : Feeling
            By norm and private taste (``latent_feeling``).
        brightness : float
            Luminance of the picture in standard deviations from the mean of the set; 0 if unknown.
        """
        unfelt = (1.0 - self.norm_share) * stimulus.valence_unit
        valence = latent.valence - unfelt + self.valence_per_brightness * brightness
        return Feeling(valence, latent.arousal + self.arousal_per_valence * valence)

    def answered(self, feeling: Feeling, progress: float, rng: np.random.Generator) -> Feeling:
        """What the answer to a picture goes by; ``progress`` is the place in the session, 0 to 1."""
        if self.random_share and rng.random() < self.random_share:
            return Feeling(*rng.uniform(-1.0, 1.0, 2).tolist())
        return replace(feeling, valence=feeling.valence + self.drift * (progress - 0.5))


PLAIN = Disposition()


@dataclass(frozen=True)
class EffectSizes:
    """How strongly the simulated body follows latent feelings; all of it is known truth.

    Those up to ``later_alpha_gain`` tell participants apart (``effects_of``); the rest is the body that everyone has.

    Parameters
    ----------
    lpp_v_per_valence, lpp_v_per_arousal : float
        Change of the late positive potential at Pz per unit of latent feeling, volts.
    lpp_v_per_brightness : float
        The same per standard deviation of the picture's luminance, volts.
    lpp_v_per_session : float
        Change of the late positive potential from the first to the last of 100 pictures, volts.
    alpha_db_per_arousal : float
        Change of alpha power per unit of latent arousal, decibels.
    scr_s_per_arousal : float
        Skin conductance response at full latent arousal, siemens; half of it at latent arousal 0.
    deceleration_bpm : float
        Extra deceleration at latent valence -1, beats per minute; at latent valence 1 the heart
        accelerates by half as much.
    laugh_probability, laugh_v : float
        Chance of a muscle burst during a pleasantly felt picture, and its size (root mean square) at
        temporal sites.
    laugh_shift_v : float
        Potential by which a laugh shifts temporal electrodes, volts: what lets a model of evoked samples
        take laughter for a feeling.
    drift_v_per_min, fatigue_per_min : float
        Electrode drift, and share by which evoked responses shrink (and alpha grows), per minute.
    later_lpp_v, later_alpha_gain : float
        Late positive potential, volts, and factor of alpha amplitude that a session after the first brings along:
        another state than in the calibration.
    evoked_v, lpp_v : float
        Size of P1, N1 and P2, and the late positive potential of a picture that moves nobody, volts.
    orienting_bpm, orienting_scr_s : float
        Deceleration and skin response that every picture draws, whatever it shows; the latter habituates.
    background_v, alpha_v : float
        Root mean square of the 1/f background and of resting alpha at Oz, volts.
    blinks_per_min, bursts_per_min, spontaneous_scrs_per_min : float
        Blinks, muscle bursts and skin responses that have nothing to do with the pictures.
    line_v : float
        Amplitude of 50 Hz from the mains at the worst electrodes, volts.
    """

    lpp_v_per_valence: float = 0.0
    lpp_v_per_arousal: float = 0.0
    lpp_v_per_brightness: float = 0.0
    lpp_v_per_session: float = 0.0
    alpha_db_per_arousal: float = 0.0
    scr_s_per_arousal: float = 0.0
    deceleration_bpm: float = 0.0
    laugh_probability: float = 0.0
    laugh_v: float = 0.0
    laugh_shift_v: float = 0.0
    drift_v_per_min: float = 0.0
    fatigue_per_min: float = 0.0
    later_lpp_v: float = 0.0
    later_alpha_gain: float = 1.0
    evoked_v: float = 4e-6
    lpp_v: float = 3e-6
    orienting_bpm: float = 1.5
    orienting_scr_s: float = 0.05e-6
    background_v: float = 6.5e-6
    alpha_v: float = 6.5e-6
    blinks_per_min: float = 15.0
    bursts_per_min: float = 0.7
    spontaneous_scrs_per_min: float = 3.0
    line_v: float = 1.5e-6


_RESPONSIVE = EffectSizes(
    lpp_v_per_valence=18e-6,
    lpp_v_per_arousal=2e-6,
    alpha_db_per_arousal=-1.5,
    scr_s_per_arousal=0.4e-6,
    deceleration_bpm=4.0,
)
_BY_PROFILE: dict[Profile, EffectSizes] = {
    "responsive": _RESPONSIVE,
    "null": EffectSizes(),
    "laughing": EffectSizes(laugh_probability=0.8, laugh_v=15e-6, laugh_shift_v=6e-6),
    "drifting": replace(_RESPONSIVE, drift_v_per_min=60e-6, fatigue_per_min=0.02),
    "picture-driven": EffectSizes(lpp_v_per_brightness=9e-6),
    "arousal-driven": EffectSizes(lpp_v_per_arousal=18e-6, alpha_db_per_arousal=-1.5, scr_s_per_arousal=0.4e-6),
    "time-driven": EffectSizes(lpp_v_per_session=-25e-6),
    "mislabelling": _RESPONSIVE,
    "changing": replace(_RESPONSIVE, later_lpp_v=25e-6, later_alpha_gain=1.8),
}
_DISPOSITIONS: dict[Profile, Disposition] = {
    "picture-driven": Disposition(valence_per_brightness=0.6, norm_share=0.3),
    "arousal-driven": Disposition(arousal_per_valence=-0.7),
    "time-driven": Disposition(drift=-1.8, norm_share=0.5),
    "mislabelling": Disposition(random_share=0.4),
}


def effects_of(profile: Profile) -> EffectSizes:
    """Return a profile's effect sizes.

    They are chosen so that a demonstration of 62 pictures (50 labelled trials) suffices, so the late potential
    differs by several times what textbooks show. Evoked samples + ridge on the demonstration's two protocols
    [measured, tests/integration/test_simulator_detectability.py]; d' = sqrt(2) z(AUC):

    ========== ========= ===== ================= ==== ==== =======
    profile    pictures  seeds balanced accuracy AUC  d'   p < .05
    ========== ========= ===== ================= ==== ==== =======
    responsive 0.5 s     30    .79 (SD .08)      .885 1.70 29
    responsive 1.5 s     20    .80 (SD .06)      .887 1.71 19
    drifting   0.5 s     20    .79 (SD .08)      .885 1.70 19
    laughing   0.5 s     20    .53 (SD .08)      .573 0.26 1
    null       0.5 s     40    .51 (SD .08)      .533 0.12 3
    ========== ========= ===== ================= ==== ==== =======
    """
    return _BY_PROFILE[profile]


def disposition_of(profile: Profile) -> Disposition:
    """Return how a profile's participant feels and answers; most are as the norms and their private taste."""
    return _DISPOSITIONS.get(profile, PLAIN)


AmplifierLayout = Literal["separate", "aux"]


@dataclass(frozen=True)
class SimulationPlan:
    """A simulated participant on a simulated amplifier; what the session file keeps as ground truth.

    Parameters
    ----------
    layout : str
        ``separate``: EEG, EDA and ECG are three streams; ``aux``: one amplifier with EDA and ECG on AUX
        channels of the EEG stream.
    effects : EffectSizes or None
        None takes the profile's.
    prefix : str
        Starts the streams' names and source ids (``SimEEG``).
    eeg_channels : int
        At most 32, the 10-20 labels of ``simulator.head``.
    silent : tuple of str
        Deliberate fault: streams of these names are announced and never send (``SimEDA``).
    disposition : Disposition or None
        None takes the profile's.
    occasion : int
        Which session of this participant it is, from 0: the same feelings, other noise.
    """

    profile: Profile = "responsive"
    seed: int = 0
    layout: AmplifierLayout = "separate"
    effects: EffectSizes | None = None
    prefix: str = "Sim"
    eeg_channels: int = 32
    eeg_hz: float = 500.0
    eda_hz: float = 128.0
    ecg_hz: float = 512.0
    silent: tuple[str, ...] = ()
    disposition: Disposition | None = None
    occasion: int = 0

    def source_id(self, kind: str) -> str:
        """Source id of one of its streams; ``simulation_behind`` reads it back."""
        return f"{self.prefix}{kind}-{self.profile}-{self.seed}"

    @property
    def true_effects(self) -> EffectSizes:
        """The effect sizes in force: those given, else the profile's; later sessions bring their own state."""
        effects = effects_of(self.profile) if self.effects is None else self.effects
        if self.occasion == 0:
            return effects
        return replace(
            effects, lpp_v=effects.lpp_v + effects.later_lpp_v, alpha_v=effects.alpha_v * effects.later_alpha_gain
        )

    @property
    def true_disposition(self) -> Disposition:
        """The disposition in force: the one given, else the profile's."""
        return disposition_of(self.profile) if self.disposition is None else self.disposition

    @property
    def noise_seed(self) -> int:
        """Seed of everything that chance decides in this session."""
        return self.seed if self.occasion == 0 else abs(self.seed) + 7919 * self.occasion


_SOURCE_ID = re.compile(rf"(?P<prefix>\w*?)(?:EEG|EDA|ECG)-(?P<profile>{'|'.join(PROFILES)})-(?P<seed>\d+)")


def simulation_behind(source_ids: Iterable[str]) -> SimulationPlan | None:
    """Return whose simulated body streams of these source ids carry; None if none is simulated.

    A session on streams of ``veridical simulate`` must answer as that participant feels.
    """
    for source_id in source_ids:
        found = _SOURCE_ID.fullmatch(source_id)
        if found:
            profile = next(p for p in PROFILES if p == found["profile"])
            return SimulationPlan(profile=profile, seed=int(found["seed"]), prefix=found["prefix"])
    return None


@dataclass(frozen=True)
class SimulatorSetup:
    """Contents of simulation.json: all that ``python -m veridical.simulator`` reads.

    Parameters
    ----------
    stimuli : tuple of Stimulus
        Those that may be shown; the body feels nothing about others.
    """

    plan: SimulationPlan
    stimuli: tuple[Stimulus, ...]


@dataclass(frozen=True)
class GroundTruth:
    """What is true of a simulated recording; stands in its session file.

    Parameters
    ----------
    feelings : mapping
        Latent valence and arousal by stimulus id.
    """

    profile: Profile
    seed: int
    effects: EffectSizes
    feelings: Mapping[str, Feeling]
    disposition: Disposition = PLAIN


def ground_truth(plan: SimulationPlan, stimuli: Iterable[Stimulus]) -> GroundTruth:
    """Return effect sizes and this participant's latent feeling about every stimulus."""
    return GroundTruth(
        plan.profile,
        plan.seed,
        plan.true_effects,
        feelings_of(plan.seed, stimuli, plan.true_disposition),
        plan.true_disposition,
    )


def brightness_of(stimuli: Iterable[Stimulus]) -> dict[str, float]:
    """Luminance of every measured picture, in standard deviations from the mean of the set."""
    known = {s.id: s.statistics.luminance for s in stimuli if s.statistics is not None}
    if len(known) < 2:
        return dict.fromkeys(known, 0.0)
    values = np.array(list(known.values()))
    spread = float(values.std()) or 1.0
    return {i: (value - float(values.mean())) / spread for i, value in known.items()}


def feelings_of(seed: int, stimuli: Iterable[Stimulus], disposition: Disposition = PLAIN) -> dict[str, Feeling]:
    """What this participant feels about every stimulus; body and answers both go by it."""
    known = tuple(stimuli)
    brightness = brightness_of(known)
    return {s.id: disposition.feeling(latent_feeling(seed, s), s, brightness.get(s.id, 0.0)) for s in known}


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


@dataclass(frozen=True)
class Answer:
    """What the simulated participant means to answer.

    Parameters
    ----------
    selected : int or None
        The value on a Likert scale, the option counted from 1, a slider's step from 0; None for free text.
    text : str
        The option's name, or the words of free text.
    """

    selected: int | None = None
    text: str = ""


# Built-in words for emotions, from what feels good to what feels bad.
_PLEASANT_WORDS = ("joy", "contentment", "surprise")
_UNPLEASANT_WORDS = ("sadness", "fear", "anger", "disgust")


def answer_of(scale: Scale, feeling: Feeling, rng: np.random.Generator) -> Answer:
    """Answer any scale as this feeling would; options that say nothing about it are drawn."""
    if scale.kind == "text":
        return Answer(text="pleasant" if feeling.valence > 0 else "unpleasant")
    if scale.kind == "choice":
        words = _PLEASANT_WORDS if feeling.valence > 0 else _UNPLEASANT_WORDS
        fitting = [k for k, option in enumerate(scale.options) if option in words] or list(range(len(scale.options)))
        chosen = fitting[int(rng.integers(len(fitting)))]
        return Answer(chosen + 1, scale.options[chosen])
    if not scale.is_slider:
        return Answer(rating_of(scale, feeling, rng))
    # As fine as a hand is: hundredths of the line.
    fine = replace(scale, kind="likert", minimum=0, maximum=scale.last_step)
    return Answer(rating_of(fine, feeling, rng))
