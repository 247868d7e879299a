"""The final model and its bundle: whole, exact, and refused in words when something is wrong."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from veridical.domain.errors import AnalysisError, StorageError
from veridical.domain.evaluation import Validation
from veridical.domain.progress import finish
from veridical.learning.bundle import FeatureColumn, ModelBundle, load_bundle, save_bundle, scores_of
from veridical.learning.confounds import winsor_limits
from veridical.learning.model import fit_model
from veridical.learning.problem import Problem
from veridical.learning.validation import validate_problem


@pytest.fixture(scope="module")
def problem() -> Problem:
    """A clear effect in microvolts on two of six features; some trials dropped or at the midpoint."""
    rng = np.random.default_rng(0)
    ratings = rng.integers(1, 8, 60).astype(float)
    features = (rng.standard_normal((60, 6)) + 3) * 1e-6
    features[:, :2] += 1.5e-6 * np.sign(ratings - 4)[:, None]
    kept = np.ones(60, dtype=bool)
    kept[[3, 40]] = False
    features[~kept] = np.nan
    runs = np.zeros(60, dtype=int)
    return Problem(features, ratings, kept, 4.0, "midpoint", np.arange(60), np.arange(60) * 12.0, runs)


@pytest.fixture(scope="module")
def validation(problem: Problem) -> Validation:
    """Its validation."""
    return finish(validate_problem(problem, 19))


@pytest.fixture
def bundle(problem: Problem, validation: Validation) -> ModelBundle:
    """A bundle of it."""
    return ModelBundle(
        model=fit_model(problem, validation),
        features=tuple(FeatureColumn(f"lpp_{i}", "V", (0.4, 1.0)) for i in range(6)),
        target="valence",
        label_rule="midpoint",
        class_names=("negative", "positive"),
        pipeline="interpretable",
        scores=scores_of(validation),
        preprocessing={"reference": "average", "high_pass_hz": "0.1"},
        data={"sub-001_ses-01_task-affect_run-01.xdf": "ab" * 32},
    )


def test_final_model_is_ridge_on_all_labelled_trials(problem: Problem, validation: Validation) -> None:
    plain = replace(problem, detrends=False)
    model = fit_model(plain, validation)
    raw = problem.features[problem.kept]
    kept = np.clip(raw, *winsor_limits(raw))
    scaler = StandardScaler().fit(kept)
    labels = np.sign(problem.ratings[problem.kept] - 4)
    used = labels != 0
    ridge = Ridge(alpha=model.penalty).fit(scaler.transform(kept[used]), labels[used])
    fitted = ridge.predict(scaler.transform(kept))
    centre = (fitted[labels == 1].mean() + fitted[labels == -1].mean()) / 2
    np.testing.assert_allclose(model.decide(raw), fitted - centre, atol=1e-9)


def test_probabilities_rise_with_the_decision_and_are_not_overconfident(
    problem: Problem, validation: Validation
) -> None:
    model = fit_model(problem, validation)
    decisions = model.decide(problem.features[problem.kept])
    probabilities = model.probabilities(problem.features[problem.kept])
    order = np.argsort(decisions)
    assert (np.diff(probabilities[order]) >= 0).all()
    assert 0.0 < probabilities.min() < 0.5 < probabilities.max() < 1.0
    with pytest.raises(AnalysisError, match="trained on 6 features"):
        model.decide(problem.features[:, :4])


def test_median_model_keeps_its_threshold(problem: Problem) -> None:
    median = replace(problem, label_rule="median")
    model = fit_model(median, finish(validate_problem(median, 1)))
    assert model.threshold == np.median(problem.ratings[problem.kept])


def test_bundle_survives_a_round_trip_bit_for_bit(bundle: ModelBundle, tmp_path: Path) -> None:
    save_bundle(tmp_path / "m", bundle)
    loaded = load_bundle(tmp_path / "m")
    np.testing.assert_array_equal(loaded.model.weights, bundle.model.weights)
    np.testing.assert_array_equal(loaded.model.pattern, bundle.model.pattern)
    assert (loaded.model.bias, loaded.model.penalty, loaded.model.sigmoid, loaded.model.threshold) == (
        bundle.model.bias,
        bundle.model.penalty,
        bundle.model.sigmoid,
        bundle.model.threshold,
    )
    assert loaded.features == bundle.features
    assert loaded.scores == bundle.scores
    assert loaded.data == bundle.data
    assert loaded.versions["numpy"] == np.__version__
    assert loaded.created.startswith("20")
    assert sorted(p.name for p in (tmp_path / "m").iterdir()) == ["model.json", "weights.npz"]


def test_damage_is_told(bundle: ModelBundle, tmp_path: Path) -> None:
    folder = tmp_path / "m"
    with pytest.raises(StorageError, match="cannot be read"):
        load_bundle(folder)
    save_bundle(folder, bundle)
    text = (folder / "model.json").read_text()
    (folder / "model.json").write_text(text[:200])
    with pytest.raises(StorageError, match="damaged"):
        load_bundle(folder)
    (folder / "model.json").write_text(text.replace('"version": 2', '"version": 99'))
    with pytest.raises(StorageError, match="version 99"):
        load_bundle(folder)
    (folder / "model.json").write_text(text)
    raw = bytearray((folder / "weights.npz").read_bytes())
    raw[len(raw) // 2] ^= 1
    (folder / "weights.npz").write_bytes(raw)
    with pytest.raises(StorageError, match="wrong hash"):
        load_bundle(folder)


def test_other_data_and_missing_channels_are_told(bundle: ModelBundle) -> None:
    bundle.require_data(["ab" * 32, "cd" * 32])
    with pytest.raises(AnalysisError, match=r"run-01\.xdf changed or is missing"):
        bundle.require_data(["cd" * 32])
    bundle.require_features([f"lpp_{i}" for i in range(6)])
    with pytest.raises(AnalysisError, match="not there: lpp_4, lpp_5;"):
        bundle.require_features([f"lpp_{i}" for i in range(4)])
    with pytest.raises(AnalysisError, match="6 weights and 2 named features"):
        replace(bundle, features=bundle.features[:2])
