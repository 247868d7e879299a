"""Every named feature with its unit, window and source: the one table that code and documentation share."""

from dataclasses import dataclass, field
from typing import Literal

Modality = Literal["EEG", "EDA", "ECG"]
Region = Literal["frontal", "central", "posterior"]

MODALITIES: tuple[Modality, ...] = ("EEG", "EDA", "ECG")

BANDS_HZ: dict[str, tuple[float, float]] = {"theta": (4.0, 8.0), "alpha": (8.0, 13.0), "beta": (13.0, 30.0)}
REGIONS: tuple[Region, ...] = ("frontal", "central", "posterior")

# Heart rate per half second over 0-6 s (METHODS 4).
HEART_BIN_S = 0.5
N_HEART_BINS = 12


@dataclass(frozen=True)
class FeatureDefinition:
    """One named number per trial.

    Parameters
    ----------
    name : str
        Column name, e.g. ``alpha_posterior``.
    unit : str
        Of the column.
    window_s : tuple of float
        First and last second after picture onset that the number looks at.
    source : str
        Where the definition comes from.
    modality : str
        ``EEG``, ``EDA`` or ``ECG``.
    title : str
        Words for people.
    needs_picture_s : float
        The picture must have stayed that long.
    needs_before_s : float
        Undisturbed seconds before onset (the baseline).
    needs_spacing_s : float
        Seconds until the next picture may come.
    is_evidence : bool
        False for drift indices, which no model should learn from.
    channels : tuple of str
        Channels used in this recording; empty in the table.
    """

    name: str
    unit: str
    window_s: tuple[float, float]
    source: str
    modality: Modality
    title: str
    needs_picture_s: float = 0.0
    needs_before_s: float = 0.0
    needs_spacing_s: float = 0.0
    is_evidence: bool = True
    channels: tuple[str, ...] = field(default=())

    @property
    def window(self) -> str:
        """The window in words: "0.4 to 1 s"."""
        return f"{self.window_s[0]:g} to {self.window_s[1]:g} s"


def _band(band: str, region: Region) -> FeatureDefinition:
    low_hz, high_hz = BANDS_HZ[band]
    return FeatureDefinition(
        name=f"{band}_{region}",
        unit="ln ratio",
        window_s=(1.0, 5.0),
        source="Log power against the trial's own second before onset; Welch 1967",
        modality="EEG",
        title=f"{region} {band} power ({low_hz:g}-{high_hz:g} Hz)",
        needs_picture_s=5.0,
        needs_before_s=1.0,
    )


def _heart_bin(k: int) -> FeatureDefinition:
    start_s = k * HEART_BIN_S
    return FeatureDefinition(
        name=f"heart_{start_s:.1f}",
        unit="1/min",
        window_s=(start_s, start_s + HEART_BIN_S),
        source="Change from the second before onset, weighted by time; Graham 1978, Bradley & Lang 2000",
        modality="ECG",
        title=f"heart rate {start_s:g}-{start_s + HEART_BIN_S:g} s",
        needs_picture_s=start_s + HEART_BIN_S,
        needs_before_s=1.0,
    )


LPP = FeatureDefinition(
    "lpp", "V", (0.4, 1.0), "Cuthbert et al. 2000", "EEG", "late positive potential", needs_picture_s=1.0
)
SLOW_WAVE = FeatureDefinition(
    "slow_wave", "V", (1.0, 5.0), "Pastor et al. 2008", "EEG", "slow wave", needs_picture_s=5.0
)
BAND_POWER: tuple[FeatureDefinition, ...] = tuple(_band(band, region) for band in BANDS_HZ for region in REGIONS)
ASYMMETRY = FeatureDefinition(
    "alpha_asymmetry", "ln ratio", (1.0, 5.0), "ln F4 - ln F3; Davidson 1992; weak on single trials", "EEG",
    "frontal alpha asymmetry", needs_picture_s=5.0,
)  # fmt: skip
SCR = FeatureDefinition(
    "scr", "ln(1 + uS)", (1.0, 8.0), "Onset 1-4 s, peak to 8 s, at least 0.01 uS; Boucsein 2012", "EDA",
    "skin conductance response", needs_picture_s=4.0, needs_spacing_s=8.0,
)  # fmt: skip
SCL = FeatureDefinition(
    "scl", "S", (-1.0, 0.0), "Mean; a drift index, not evidence; Boucsein 2012", "EDA", "skin conductance level",
    needs_before_s=1.0, is_evidence=False,
)  # fmt: skip
HEART_BINS: tuple[FeatureDefinition, ...] = tuple(_heart_bin(k) for k in range(N_HEART_BINS))
DECELERATION = FeatureDefinition(
    "heart_deceleration", "1/min", (0.0, 3.0), "Deepest half second of 0-3 s; Bradley & Lang 2000", "ECG",
    "heart-rate deceleration", needs_picture_s=3.0, needs_before_s=1.0,
)  # fmt: skip
ACCELERATION = FeatureDefinition(
    "heart_acceleration", "1/min", (3.0, 6.0), "Highest half second of 3-6 s; Bradley & Lang 2000", "ECG",
    "heart-rate acceleration", needs_picture_s=6.0, needs_before_s=1.0,
)  # fmt: skip

NAMED_FEATURES: tuple[FeatureDefinition, ...] = (
    LPP, SLOW_WAVE, *BAND_POWER, ASYMMETRY, SCR, SCL, *HEART_BINS, DECELERATION, ACCELERATION,
)  # fmt: skip

# Families whose columns depend on the recording's channels; the documentation lists them too.
EVOKED_S = 1.0
EVOKED_HZ = 64.0
EVOKED_BASELINE_S = 0.2
EVOKED = FeatureDefinition(
    "evoked", "V", (0.0, EVOKED_S), "Every channel at 64 Hz, baseline -0.2-0 s; Blankertz et al. 2011", "EEG",
    "evoked samples",
)  # fmt: skip
MUSCLE_HZ = (20.0, 45.0)
MUSCLE = FeatureDefinition(
    "muscle", "ln V^2/Hz", (0.0, EVOKED_S), "20-45 Hz power of every channel; Goncharova et al. 2003", "EEG",
    "muscle activity",
)  # fmt: skip
EYES = FeatureDefinition(
    "eyes", "ln V", (0.0, EVOKED_S), "Peak to peak of the EOG or the foremost channels, 0.5-10 Hz", "EEG",
    "eye activity",
)  # fmt: skip
MARKED = FeatureDefinition(
    "marked", "share", (0.0, EVOKED_S), "Share of the window that a rater marked", "EEG", "marked share"
)

ALL_FEATURES: tuple[FeatureDefinition, ...] = (*NAMED_FEATURES, EVOKED, MUSCLE, EYES, MARKED)
"""Everything that :mod:`veridical.features.extraction` computes for a trial, picture statistics aside."""


def as_markdown() -> str:
    """Return the table as it stands in docs/features.md; a test compares the two.

    Returns
    -------
    str
        One line per feature under a heading line, without a final line break.
    """
    lines = ["| name | what it is | unit | window after onset | used as | source |", "|---|---|---|---|---|---|"]
    lines += [
        f"| `{f.name}` | {f.title} ({f.modality}) | {f.unit} | {f.window} | {_use(f)} | {f.source} |"
        for f in ALL_FEATURES
    ]
    return "\n".join(lines)


def _use(feature: FeatureDefinition) -> str:
    if feature in (MUSCLE, EYES, MARKED):
        return "confound"
    return "evidence" if feature.is_evidence else "drift index"
