"""What a model reads: Haufe's closed form, windows of the evoked samples, and the map between electrodes."""

import numpy as np
import pytest

from veridical.domain.electrodes import head_position
from veridical.learning.patterns import SCALP_WINDOWS_S, activation_pattern, read_pattern
from veridical.signals.scalp import EDGE, FEWEST, interpolate_scalp

CAP = ("Fp1", "Fp2", "F3", "Fz", "F4", "T7", "C3", "Cz", "C4", "T8", "P3", "Pz", "P4", "O1", "O2")


def columns_of(labels: tuple[str, ...], stop_s: float = 1.0) -> tuple[list[str], list[tuple[float, float]]]:
    """Names and windows of evoked samples at 64 Hz."""
    times = np.arange(int(stop_s * 64)) / 64
    return [f"{c} {t:.3f} s" for c in labels for t in times], [(float(t), float(t)) for _ in labels for t in times]


def test_a_map_is_the_pattern_times_the_spread_of_the_decision() -> None:
    rng = np.random.default_rng(0)
    names, windows = columns_of(CAP)
    features, weights = rng.standard_normal((60, len(names))) * 1e-6, rng.standard_normal(len(names))
    decisions = features @ weights
    found = read_pattern(features, decisions, names, windows, [True] * len(names))
    assert [(m.start_s, m.stop_s) for m in found.scalp] == list(SCALP_WINDOWS_S)
    expected = activation_pattern(features, weights).reshape(len(CAP), -1) * decisions.std()
    times = np.array([w[0] for w in windows]).reshape(len(CAP), -1)[0]
    for drawn in found.scalp:
        inside = (times >= drawn.start_s) & (times < drawn.stop_s)
        assert drawn.labels == CAP
        np.testing.assert_allclose(drawn.values, expected[:, inside].mean(axis=1))
    assert found.named == ()


def test_a_channel_that_only_cancels_noise_shows_no_pattern() -> None:
    rng = np.random.default_rng(1)
    signal, noise = rng.standard_normal(4000), rng.standard_normal(4000)
    features = np.column_stack([signal + noise, noise])
    decisions = features @ np.array([1.0, -1.0])
    found = read_pattern(features, decisions, ["lpp", "slow_wave"], [(0.4, 1.0), (1.0, 5.0)], [True, True])
    assert [n.name for n in found.named] == ["lpp", "slow_wave"]
    assert found.named[0].correlation == pytest.approx(np.sqrt(0.5), abs=0.03)
    assert abs(found.named[1].correlation) < 0.05


def test_short_pictures_have_the_windows_that_fit_and_unused_columns_none() -> None:
    rng = np.random.default_rng(2)
    names, windows = columns_of(("Pz", "Cz"), 0.5)
    features = rng.standard_normal((30, len(names)))
    used = [name.startswith("Pz") for name in names]
    found = read_pattern(features, features[:, 5], names, windows, used)
    assert [m.stop_s for m in found.scalp] == [0.2, 0.3, 0.4]
    assert all(m.labels == ("Pz",) for m in found.scalp)
    nothing = read_pattern(features, np.zeros(30), names, windows, used)
    assert (nothing.scalp, nothing.named) == ((), ())


def test_the_spline_passes_through_the_electrodes_and_knows_nothing_beyond_them() -> None:
    values = np.array([(head_position(c) or (0, 0))[1] for c in CAP])
    grid = interpolate_scalp(CAP, values, 81)
    assert grid is not None
    axis = np.linspace(-EDGE, EDGE, 81)
    for label, value in zip(CAP, values, strict=True):
        place = head_position(label)
        assert place is not None
        row, column = int(np.argmin(np.abs(-axis - place[1]))), int(np.argmin(np.abs(axis - place[0])))
        if np.isfinite(grid[row, column]):
            assert grid[row, column] == pytest.approx(value, abs=0.03)
    # A plane is reproduced exactly everywhere.
    right, front = np.meshgrid(axis, -axis)
    inside = np.isfinite(grid)
    np.testing.assert_allclose(grid[inside], front[inside], atol=1e-9)
    assert not inside[np.hypot(right, front) > EDGE].any()


def test_few_unplaced_or_aligned_electrodes_have_no_map() -> None:
    assert interpolate_scalp(CAP[: FEWEST - 1], np.ones(FEWEST - 1)) is None
    assert interpolate_scalp([f"A{k}x" for k in range(20)], np.ones(20)) is None
    line = ("Fpz", "AFz", "Fz", "FCz", "Cz", "CPz", "Pz", "POz", "Oz")
    assert interpolate_scalp(line, np.ones(len(line))) is None
