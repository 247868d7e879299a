"""How signals are prepared before features are computed: the ``[preprocessing]`` of study.toml."""

from dataclasses import dataclass
from typing import Literal

MarkRule = Literal["drop", "keep", "flag"]

AVERAGE, RECORDED, AUTOMATIC = "average", "recorded", "automatic"


@dataclass(frozen=True)
class Preprocessing:
    """Choices that change the features' numbers, fixed before recording.

    Parameters
    ----------
    reference : str
        Of the EEG: ``automatic`` (the average from 16 channels on, else as recorded), ``average``, ``recorded``, or
        channels joined by + ("TP9+TP10"), whose mean is subtracted and which are no features themselves.
    channels : tuple of str
        EEG channels that are used; empty for all.
    high_pass_hz : float
        Of the EEG. The late positive potential wants 0.1 Hz at most (Tanner et al. 2015, "How inappropriate high-pass
        filters can produce artifactual effects").
    low_pass_hz : float
        Of the evoked samples, which are read at 64 Hz.
    marked_eeg, marked_eda, marked_ecg : str
        What becomes of a trial that a rater's mark touches in that modality: ``drop`` leaves it out, ``keep`` does
        not, and ``flag`` keeps it and says so in the feature table.
    """

    reference: str = AUTOMATIC
    channels: tuple[str, ...] = ()
    high_pass_hz: float = 0.1
    low_pass_hz: float = 24.0
    marked_eeg: MarkRule = "drop"
    marked_eda: MarkRule = "drop"
    marked_ecg: MarkRule = "drop"

    def mark_rule(self, modality: str) -> MarkRule:
        """Return what marks do to trials of EEG, EDA or ECG."""
        rules = {"EEG": self.marked_eeg, "EDA": self.marked_eda, "ECG": self.marked_ecg}
        return rules[modality]

    @property
    def words(self) -> str:
        """Every choice in one line, for the ledger: two analyses are the same only if this is."""
        channels = "+".join(self.channels) or "all"
        marks = f"{self.marked_eeg}/{self.marked_eda}/{self.marked_ecg}"
        return (
            f"reference {self.reference}, channels {channels}, high-pass {self.high_pass_hz:g} Hz, low-pass "
            f"{self.low_pass_hz:g} Hz, marks {marks}"
        )

    @property
    def reference_channels(self) -> tuple[str, ...]:
        """Channels that the reference names; empty if it names none."""
        if self.reference in (AUTOMATIC, AVERAGE, RECORDED):
            return ()
        return tuple(part.strip() for part in self.reference.split("+"))
