"""The recipes a model may follow, from features to decision."""

from collections.abc import Mapping
from typing import Literal

PipelineName = Literal["evoked", "interpretable", "eeg", "eda", "ecg", "fusion", "chosen"]

PIPELINE_WORDS: Mapping[PipelineName, str] = {
    "evoked": "evoked samples of every EEG channel",
    "interpretable": "named features of EEG, skin conductance and heart rate together",
    "eeg": "named features of the EEG alone",
    "eda": "skin conductance alone",
    "ecg": "heart rate alone",
    "fusion": "late fusion of EEG, skin conductance and heart rate",
    "chosen": "whichever of these the inner folds favour",
}
"""What every pipeline learns from, in words that follow "a model of"."""
PIPELINES: tuple[PipelineName, ...] = tuple(PIPELINE_WORDS)
