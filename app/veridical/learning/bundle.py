"""Model bundle: weights.npz and model.json in one folder. Never pickle, so that opening one cannot run code."""

import hashlib
import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec
import numpy as np

from veridical.domain.errors import AnalysisError, StorageError
from veridical.domain.evaluation import Validation
from veridical.domain.label_rule import LabelRule
from veridical.learning.calibration import Sigmoid
from veridical.learning.model import LinearModel
from veridical.storage.atomic import write_atomically

BUNDLE_VERSION = 2
# Models of this version knew no limits.
_WITHOUT_LIMITS = 1
_WEIGHTS, _DESCRIPTION = "weights.npz", "model.json"
_PACKAGES = ("veridical", "numpy", "scipy")


@dataclass(frozen=True)
class FeatureColumn:
    """One input of the model.

    Parameters
    ----------
    unit : str
        Of the column; empty if it has none.
    window_s : tuple of float
        First and last second after picture onset.
    """

    name: str
    unit: str
    window_s: tuple[float, float]


@dataclass(frozen=True)
class Scores:
    """What validation said of this pipeline; the model itself was fitted on all labelled trials."""

    n_trials: int
    classes: Mapping[str, int]
    balanced_accuracy: float
    interval95: tuple[float, float]
    chance95: float
    p_value: float
    p_free: float
    p_circular: float
    auc: float
    train_balanced_accuracy: float
    brier: float
    folds: int
    embargo_trials: int
    fold_scores: tuple[float | None, ...]


@dataclass(frozen=True)
class ModelBundle:
    """A model with all that is needed to use and to judge it.

    Parameters
    ----------
    target : str
        Rating scale.
    class_names : tuple of str
        Lower and upper class.
    preprocessing : mapping
        How the features were made, in words and numbers (reference, filters, rate).
    data : mapping
        SHA-256 by recording file.
    versions : mapping
        Software versions by package.
    created : str
        ISO 8601, UTC.
    """

    model: LinearModel
    features: tuple[FeatureColumn, ...]
    target: str
    label_rule: LabelRule
    class_names: tuple[str, str]
    pipeline: str
    scores: Scores
    preprocessing: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    created: str = ""

    def __post_init__(self) -> None:
        if len(self.features) != len(self.model.weights):
            raise AnalysisError(
                f"The model has {len(self.model.weights)} weights and {len(self.features)} named features; "
                "name every feature."
            )

    def require_data(self, sha256: Collection[str]) -> None:
        """Refuse recordings other than those the model was trained on.

        Raises
        ------
        AnalysisError
            Naming the recordings whose hash is not among ``sha256``.
        """
        changed = sorted(name for name, value in self.data.items() if value not in sha256)
        if changed:
            raise AnalysisError(
                f"The model was trained on other data: {', '.join(changed)} changed or is missing; train it anew."
            )

    def require_features(self, names: Collection[str]) -> None:
        """Refuse inputs that lack features of the model.

        Raises
        ------
        AnalysisError
            Naming the first missing features.
        """
        missing = [f.name for f in self.features if f.name not in names]
        if missing:
            more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
            raise AnalysisError(
                f"The model needs features that are not there: {', '.join(missing[:5])}{more}; "
                "check that all channels of the calibration are connected."
            )


@dataclass(frozen=True)
class _Description:
    """Contents of model.json."""

    version: int
    target: str
    label_rule: LabelRule
    class_names: tuple[str, str]
    pipeline: str
    threshold: float
    bias: float
    penalty: float
    sigmoid: Sigmoid
    features: tuple[FeatureColumn, ...]
    scores: Scores
    preprocessing: Mapping[str, str]
    data: Mapping[str, str]
    versions: Mapping[str, str]
    created: str
    weights_sha256: str


@dataclass(frozen=True)
class _VersionOnly:
    version: int = 0


def scores_of(validation: Validation) -> Scores:
    """Keep a validation's numbers."""
    return Scores(
        n_trials=validation.n_trials,
        classes=dict(validation.classes),
        balanced_accuracy=validation.balanced_accuracy,
        interval95=validation.interval95,
        chance95=validation.chance95,
        p_value=validation.p_value,
        p_free=validation.p_free,
        p_circular=validation.p_circular,
        auc=validation.auc,
        train_balanced_accuracy=validation.train_balanced_accuracy,
        brier=validation.brier,
        folds=validation.folds,
        embargo_trials=validation.embargo_trials,
        fold_scores=tuple(float(s) if np.isfinite(s) else None for s in validation.fold_scores),
    )


def software_versions() -> dict[str, str]:
    """Return the versions of what computed the model."""
    found: dict[str, str] = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    return found


def save_bundle(folder: Path, bundle: ModelBundle) -> None:
    """Write weights.npz, then model.json, each atomically; model.json holds the hash of the weights.

    Raises
    ------
    StorageError
        If the folder cannot be written.
    """
    buffer = io.BytesIO()
    low, high = bundle.model.limits
    np.savez(buffer, weights=bundle.model.weights, pattern=bundle.model.pattern, low=low, high=high)
    weights = buffer.getvalue()
    description = _Description(
        version=BUNDLE_VERSION,
        target=bundle.target,
        label_rule=bundle.label_rule,
        class_names=bundle.class_names,
        pipeline=bundle.pipeline,
        threshold=bundle.model.threshold,
        bias=bundle.model.bias,
        penalty=bundle.model.penalty,
        sigmoid=bundle.model.sigmoid,
        features=bundle.features,
        scores=bundle.scores,
        preprocessing=bundle.preprocessing,
        data=bundle.data,
        versions=bundle.versions or software_versions(),
        created=bundle.created or datetime.now(UTC).isoformat(timespec="seconds"),
        weights_sha256=hashlib.sha256(weights).hexdigest(),
    )
    write_atomically(folder / _WEIGHTS, weights)
    write_atomically(folder / _DESCRIPTION, msgspec.json.format(msgspec.json.encode(description), indent=2))


def load_bundle(folder: Path) -> ModelBundle:
    """Read a bundle.

    Raises
    ------
    StorageError
        A file is missing or damaged, its version is unknown, or the weights do not belong to model.json.
    """
    description = _read_description(folder / _DESCRIPTION)
    weights, pattern, low, high = _read_weights(folder / _WEIGHTS, description.weights_sha256)
    if not len(weights) == len(pattern) == len(low) == len(high) == len(description.features):
        raise StorageError(
            f"{folder} names {len(description.features)} features and holds {len(weights)} weights; train anew."
        )
    return ModelBundle(
        model=LinearModel(
            weights=weights,
            pattern=pattern,
            bias=description.bias,
            penalty=description.penalty,
            sigmoid=description.sigmoid,
            threshold=description.threshold,
            limits=(low, high),
        ),
        features=description.features,
        target=description.target,
        label_rule=description.label_rule,
        class_names=description.class_names,
        pipeline=description.pipeline,
        scores=description.scores,
        preprocessing=description.preprocessing,
        data=description.data,
        versions=description.versions,
        created=description.created,
    )


def _read_description(path: Path) -> _Description:
    raw = _read(path)
    try:
        found = msgspec.json.decode(raw, type=_VersionOnly).version
        if found not in (_WITHOUT_LIMITS, BUNDLE_VERSION):
            raise StorageError(
                f"{path} has version {found} and this program reads version {BUNDLE_VERSION}; "
                "open it with the program that wrote it, or train anew."
            )
        return msgspec.json.decode(raw, type=_Description)
    except msgspec.MsgspecError as error:
        raise StorageError(f"{path} is damaged ({error}); train the model anew.") from error


def _read_weights(path: Path, sha256: str) -> "tuple[np.ndarray[tuple[int], np.dtype[np.float64]], ...]":
    raw = _read(path)
    if hashlib.sha256(raw).hexdigest() != sha256:
        raise StorageError(f"{path} is not the file that model.json describes (wrong hash); train the model anew.")
    with np.load(io.BytesIO(raw), allow_pickle=False) as arrays:
        weights, pattern = arrays["weights"], arrays["pattern"]
        if "low" not in arrays:
            return weights, pattern, np.full(len(weights), -np.inf), np.full(len(weights), np.inf)
        return weights, pattern, arrays["low"], arrays["high"]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StorageError(f"{path} cannot be read ({error.strerror or error}); train the model first.") from error
